/* SPDX-License-Identifier: ISC */
/* sendsms_answer.c - how a request ends: smsbox's words, or JSON.
 * Here:       one answer for all receivers.
 * Elsewhere:  what became of each (sendsms_submit.c).
 * Called by:  sendsms.c, sendsms_submit.c.
 * Source:     Kannel 1.4.5 smsbox, as measured; RFC 9457 (problems). */
#include "plugin/sendsms.h"
#include <jansson.h>
#include <stdlib.h>

#define BODY_MAX (1U << 20)

/* When no receiver's was kept: what smsbox says of its like, or our own sentence. */
static const struct outcome {
    int status;
    const char *text, *problem;
} outcomes[IPC_VERDICT_COUNT] = {
    [IPC_OPTED_OUT] = { 400,
                        "The owner of this number does not want messages, rejected",
                        "opted-out" },
    [IPC_LIMIT] = { 503, "Daily limit reached, try again later.", "limit" },
    [IPC_FULL] = { 503, "Storage is full, try again later.", "later" },
    [IPC_BAD_REQUEST] = { 400, "Message cannot be sealed, rejected", "bad-request" },
};
static const struct outcome later = { 503, "Temporal failure, try again later.",
                                      "later" };

static const struct outcome *outcome_of(enum ipc_verdict v)
{
    return outcomes[v].text != NULL ? &outcomes[v] : &later;
}

static bool is_kept(const struct sendsms_receiver *rc)
{
    return !rc->denied && (rc->verdict == IPC_OK || rc->verdict == IPC_REPEATED);
}

/* As with a number on a black list: the others' go all the same. */
static bool is_denied(const struct sendsms_receiver *rc)
{
    return rc->denied || outcome_of(rc->verdict)->status == 400;
}

static void reply_text(struct sendsms_job *job, int status, struct span text)
{
    if (status == 503)
        http_reply_header(job->http, "Retry-After", "5");
    http_reply(job->http, status, "text/html", text);
    job->http = NULL;
}

void sendsms_end(struct sendsms_job *job, int status, const char *text)
{
    LOG(L_INFO, "request.refused",
        LOG_STR("account", job->account == NULL ? "" : job->account->name),
        LOG_U64("status", (uint64_t)status), LOG_STR("why", text));
    if (job->json)
        http_reply_problem(job->http, status,
                           status == 403 || status == 401 ? "forbidden"
                           : status == 503                ? "later"
                                                          : "bad-request",
                           text, NULL);
    else
        reply_text(job, status, span_str(text));
    job->http = NULL;
    sendsms_job_free(job);
}

static void put_numbers(const struct sendsms_job *job, struct buf *b, const char *head,
                        bool (*is_one)(const struct sendsms_receiver *))
{
    bool first = true;

    for (size_t i = 0; i < job->count; i++) {
        if (!is_one(&job->receivers[i]))
            continue;
        if (first)
            buf_put(b, head);
        first = false;
        buf_put(b, " ");
        buf_put_span(b, job->receivers[i].raw);
    }
}

static bool has_failed(const struct sendsms_receiver *rc)
{
    return !is_kept(rc) && !is_denied(rc);
}

static const struct sendsms_receiver *
first_of(const struct sendsms_job *job, bool (*is_one)(const struct sendsms_receiver *))
{
    for (size_t i = 0; i < job->count; i++)
        if (is_one(&job->receivers[i]))
            return &job->receivers[i];
    return NULL;
}

/* Some are kept, others may be tried again: only those are named, since the others
 * would come twice. */
static void put_failed(const struct sendsms_job *job, struct buf *b)
{
    buf_put(b, outcome_of(first_of(job, has_failed)->verdict)->text);
    if (job->count > 1)
        put_numbers(job, b, " Failed receivers are:", has_failed);
}

static void put_sent(const struct sendsms_job *job, struct buf *b)
{
    if (!job->account->immediate_reply) {
        buf_put(b, "0: Accepted for delivery");
        return;
    }
    buf_put(b, "Sent.");
    put_numbers(job, b, " Denied receivers are:", is_denied);
    if (!job->secure && job->messages > 1)
        buf_printf(b, " Message splits: %u", job->messages);
}

/* smsbox's word for receivers that no list lets through; ours for those who said STOP.
 */
static const char *denied_text(const struct sendsms_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (!job->receivers[i].denied)
            return outcome_of(job->receivers[i].verdict)->text;
    return "Number(s) has/have been denied by white- and/or black-lists.";
}

static void answer_text(struct sendsms_job *job)
{
    const struct sendsms_receiver *const kept = first_of(job, is_kept);
    char id[HEX_LEN(16) + 1];
    int status = 202;
    struct buf b;

    buf_init(&b, BODY_MAX);
    if (first_of(job, has_failed) != NULL) {
        status = 503;
        put_failed(job, &b);
    } else if (kept == NULL) {
        status = 400;
        buf_put(&b, denied_text(job));
    } else {
        put_sent(job, &b);
        http_reply_header(job->http, "Sealpost-Message", hex_text(id, kept->id, 16));
    }
    reply_text(job, status, buf_span(&b));
    buf_clear(&b);
}

static json_t *json_receiver(const struct sendsms_receiver *rc)
{
    char id[HEX_LEN(16) + 1];

    if (is_kept(rc))
        return json_pack("{s:s%,s:s}", "to", rc->raw.p, rc->raw.n, "id",
                         hex_text(id, rc->id, 16));
    return json_pack("{s:s%,s:s}", "to", rc->raw.p, rc->raw.n, "problem",
                     rc->denied ? "denied" : outcome_of(rc->verdict)->problem);
}

static void answer_json(struct sendsms_job *job)
{
    const struct sendsms_receiver *const failed = first_of(job, has_failed);
    json_t *list = json_array();
    char *text = NULL;

    for (size_t i = 0; list != NULL && i < job->count; i++)
        (void)json_array_append_new(list, json_receiver(&job->receivers[i]));
    if (list != NULL)
        text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (text == NULL) {
        http_reply_problem(job->http, 503, "later", later.text, NULL);
    } else if (first_of(job, is_kept) == NULL) {
        const struct outcome *const o =
            failed != NULL ? outcome_of(failed->verdict) : NULL;

        http_reply_problem(job->http, o != NULL ? o->status : 400,
                           o != NULL ? o->problem : "denied",
                           o != NULL ? o->text : denied_text(job), NULL);
    } else {
        struct buf b;

        buf_init(&b, BODY_MAX);
        buf_printf(&b, "{\"messages\":%s}", text);
        http_reply(job->http, failed != NULL ? 207 : 202, "application/json",
                   buf_span(&b));
        buf_clear(&b);
    }
    free(text);
    job->http = NULL;
}

void sendsms_answer(struct sendsms_job *job)
{
    if (job->json)
        answer_json(job);
    else
        answer_text(job);
    sendsms_job_free(job);
}
