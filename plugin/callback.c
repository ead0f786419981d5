/* SPDX-License-Identifier: ISC */
/* callback.c - HTTP out: replies and reports to an application's URL.
 * Here:       the request, its signature, what an answer means.
 * Elsewhere:  HTTP itself (relay/http_out.c), where callbacks may go and their
 * signature (relay/callback.c), what is said (reply.c, report_app.c), when it is tried
 *             again (keeper).
 * Called by:  courier, as plugin_callback. */
#include "relay/http_out.h"
#include <stdio.h>
#include <time.h>

#define HOST_MAX 8U /* requests at once to one application */

static struct http_out *out;

/* Applications answer oddly while they are deployed: only "gone" is for ever. */
static enum job_outcome outcome_of(long status)
{
    if (status == 410)
        return JOB_REFUSED;
    return status < 300 ? JOB_SENT : JOB_BUSY;
}

/* The application sees the URL as libcurl asks for it, so that one is signed. */
static bool sign(struct http_out_request *t, const struct config_account *account,
                 struct span body)
{
    static const char name[] = "Sealpost-Signature: ";
    char line[sizeof name + CALLBACK_SIGNATURE_ROOM],
        signature[CALLBACK_SIGNATURE_ROOM];

    if (account->callback_secret == NULL)
        return true;
    if (!callback_sign(account, (uint64_t)time(NULL), body.n > 0 ? "POST" : "GET",
                       span_str(http_out_url(t)), body, signature))
        return false;
    (void)snprintf(line, sizeof line, "%s%s", name, signature);
    return http_out_header(t, line);
}

static struct http_out_request *request_new(const struct ipc_job_callback *job,
                                            const struct config_account *account,
                                            struct span url, struct span body)
{
    const struct url_rules rules = callback_rules(account);
    struct http_out_request *const t =
        http_out_request_new(out, job->job, &rules, url, body);

    if (t == NULL)
        return NULL;
    if (sign(t, account, body) &&
        (body.n == 0 || http_out_header(t, "Content-Type: text/plain; charset=UTF-8")))
        return t;
    http_out_forget(t);
    return NULL;
}

static const char *take_parts(const struct ipc_frame *f, struct span *url,
                              struct span *body)
{
    struct cur c = cur_of(f->tail);
    uint32_t n;

    if (!cur_be32(&c, &n) || !cur_span(&c, n, url))
        return "a tail of wrong layout";
    *body = span_of(c.p, cur_left(&c));
    return NULL;
}

/* NULL: it may be asked; else why not, and for how long. */
static const char *fault_of(const struct config_account *a, struct span url,
                            enum job_outcome *outcome)
{
    struct err e;

    *outcome = JOB_REFUSED;
    if (a == NULL)
        return "no such account";
    if (callback_check_url(a, url, &e) == 0)
        return NULL;
    if (e.class != ERR_PERM) {
        *outcome = JOB_BUSY;
        return "out of memory";
    }
    return strcmp(e.status, "5.7.1") == 0 ? "host not allowed" : "no URL for callbacks";
}

static void callback_take_job(struct relay *r, const struct ipc_frame *f)
{
    const struct ipc_job_callback *job = f->fixed;
    const struct config_account *const account =
        config_account(r->config, job->account);
    enum job_outcome outcome = JOB_REFUSED;
    struct http_out_request *t = NULL;
    struct span url, body;
    const char *why = take_parts(f, &url, &body);

    if (why == NULL)
        why = fault_of(account, url, &outcome);
    if (why == NULL) {
        outcome = JOB_BUSY;
        why = http_out_full(out, f->tail.n);
        if (why == NULL && (t = request_new(job, account, url, body)) == NULL)
            why = "out of memory";
    }
    if (why != NULL)
        relay_job_done(r, job->job, outcome, why);
    else
        http_out_send(t);
}

static int callback_start(struct relay *r, struct err *e)
{
    const struct http_out_door door = { .failed = "callback.failed",
                                        .outcome_of = outcome_of,
                                        .host_max = HOST_MAX };

    out = http_out_new(r, &door, e);
    return out == NULL ? -1 : 0;
}

static void callback_drain(struct relay *r)
{
    (void)r;
    http_out_drain(out);
}

static size_t callback_busy(struct relay *r)
{
    (void)r;
    return http_out_busy(out);
}

const struct plugin plugin_callback = {
    .name = "callback",
    .where = IPC_COURIER,
    .start = callback_start,
    .drain = callback_drain,
    .busy = callback_busy,
    .job_type = IPC_JOB_CALLBACK,
    .take_job = callback_take_job,
};
