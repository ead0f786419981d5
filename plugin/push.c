/* SPDX-License-Identifier: ISC */
/* push.c - Web Push out: telling a browser's push service that something waits.
 * Here:       the request, what an answer means.
 * Elsewhere:  HTTP itself (relay/http_out.c), where services may be (relay/push.c), the
 *             sealed body and who says it (keeper).
 * Called by:  courier, as plugin_push.
 * Source:     RFC 8030 5 (TTL, Urgency, Topic), 7.3 (404 and 410). */
#include "relay/http_out.h"
#include <stdio.h>

#define HOST_MAX 32U /* a few services have all the browsers */
#define LINE_ROOM 2048U

static struct http_out *out;

static enum job_outcome outcome_of(long status)
{
    if (status < 300)
        return JOB_SENT;
    if (status == 404 || status == 410)
        return JOB_GONE;
    return status == 408 || status == 429 || status >= 500 ? JOB_BUSY : JOB_REFUSED;
}

/* A push that the service still has is replaced by the next of its topic: a phone that
 * comes back shows one. */
static bool add_headers(struct http_out_request *t, const struct ipc_job_push *job,
                        struct span authorization)
{
    char line[LINE_ROOM], value[LINE_ROOM - 32];

    if (!span_copy(value, sizeof value, authorization))
        return false;
    (void)snprintf(line, sizeof line, "Authorization: %s", value);
    if (!http_out_header(t, line))
        return false;
    (void)snprintf(line, sizeof line, "TTL: %u", job->ttl_s);
    return http_out_header(t, line) && http_out_header(t, "Urgency: high") &&
           http_out_header(t, "Topic: waiting") &&
           http_out_header(t, "Content-Encoding: aes128gcm") &&
           http_out_header(t, "Content-Type: application/octet-stream");
}

static const char *fault_of(const struct config *config, struct span tail,
                            struct span *url, struct span *authorization,
                            struct span *body)
{
    const struct url_rules rules = push_rules(config);
    struct cur c = cur_of(tail);
    struct err e;
    uint16_t n;

    if (!cur_be16(&c, &n) || !cur_span(&c, n, url) || !cur_be16(&c, &n) ||
        !cur_span(&c, n, authorization) || cur_done(&c))
        return "a tail of wrong layout";
    *body = span_of(c.p, cur_left(&c));
    return url_rules_check(&rules, *url, &e) == 0 ? NULL : "host not allowed";
}

static void push_take_job(struct relay *r, const struct ipc_frame *f)
{
    const struct ipc_job_push *job = f->fixed;
    const struct url_rules rules = push_rules(r->config);
    struct http_out_request *t = NULL;
    enum job_outcome outcome = JOB_REFUSED;
    struct span url, authorization, body;
    const char *why = fault_of(r->config, f->tail, &url, &authorization, &body);

    if (why == NULL) {
        outcome = JOB_BUSY;
        why = http_out_full(out, f->tail.n);
    }
    if (why == NULL) {
        t = http_out_request_new(out, job->job, &rules, url, body);
        if (t == NULL || !add_headers(t, job, authorization))
            why = "out of memory";
    }
    if (why == NULL) {
        http_out_send(t);
        return;
    }
    if (t != NULL)
        http_out_forget(t);
    relay_job_done(r, job->job, outcome, why);
}

static int push_start(struct relay *r, struct err *e)
{
    const struct http_out_door door = { .failed = "push.failed",
                                        .outcome_of = outcome_of,
                                        .host_max = HOST_MAX,
                                        .ca_file = r->config->push_ca,
                                        .https_only = true };

    out = http_out_new(r, &door, e);
    return out == NULL ? -1 : 0;
}

static void push_drain(struct relay *r)
{
    (void)r;
    http_out_drain(out);
}

static size_t push_busy(struct relay *r)
{
    (void)r;
    return http_out_busy(out);
}

const struct plugin plugin_push = {
    .name = "push",
    .where = IPC_COURIER,
    .start = push_start,
    .drain = push_drain,
    .busy = push_busy,
    .job_type = IPC_JOB_PUSH,
    .take_job = push_take_job,
};
