/* SPDX-License-Identifier: ISC */
/* sendsms_submit.c - the receivers of a request, one by one, through the core.
 * Here:       messages and plain SMS offered, a few at once; what became of each.
 * Elsewhere:  sealing (relay/submit.c), the answer (sendsms_answer.c).
 * Called by:  sendsms.c. */
#include "plugin/sendsms.h"
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <time.h>

#define AT_ONCE 32U
#define REFERENCE_REPEAT_S (5U * 86400U) /* as long as an MTA would try */
#define PLAIN_WAIT_S (5U * 86400U)
#define JUDGED_S 60U /* what is just over reaches bearerbox, which reports it so */

static void submit_more(struct sendsms_job *job);
static void offer(struct sendsms_receiver *rc);

/* The application's own reference makes a request that comes twice the same; without
 * one each is new, as with smsbox. */
static uint32_t submission_of(const struct sendsms_receiver *rc, uint8_t out[32])
{
    const struct sendsms_job *const job = rc->job;
    struct buf b;

    if (job->request.reference.n == 0)
        return 0;
    buf_init(&b, UINT16_MAX);
    buf_put_mem(&b, job->account->name, strlen(job->account->name) + 1);
    buf_put_mem(&b, rc->msisdn, strlen(rc->msisdn) + 1);
    buf_put_be64(&b, rc->piece);
    buf_put_span(&b, job->request.reference);
    if (!buf_ok(&b) || EVP_Q_digest(NULL, "SHA256", NULL, b.p, b.n, out, NULL) != 1) {
        buf_clear(&b);
        return 0;
    }
    buf_clear(&b);
    return REFERENCE_REPEAT_S;
}

static bool is_kept(enum ipc_verdict v)
{
    return v == IPC_OK || v == IPC_REPEATED;
}

static void log_end(const struct sendsms_receiver *rc)
{
    const struct sendsms_job *const job = rc->job;

    if (!is_kept(rc->verdict))
        LOG(L_INFO, "message.refused", LOG_STR("account", job->account->name),
            LOG_MSISDN("to", rc->msisdn),
            LOG_STR("why", ipc_verdict_name(rc->verdict)));
    else
        LOG(L_INFO,
            rc->verdict == IPC_REPEATED ? "message.repeated"
            : job->secure               ? "message.accepted"
                                        : "sms.accepted",
            LOG_ID("msg", rc->id), LOG_U64("bytes", job->text.n),
            LOG_MSISDN("to", rc->msisdn), LOG_STR("account", job->account->name),
            LOG_STR("by", job->json ? "json" : "sendsms"));
}

static void end(struct sendsms_receiver *rc, enum ipc_verdict v)
{
    rc->verdict = v;
    rc->job->outstanding--;
    log_end(rc);
    submit_more(rc->job);
}

/* The job may be gone afterwards. */
static void on_submitted(void *ctx, enum ipc_verdict v, const uint8_t id[16])
{
    struct sendsms_receiver *const rc = ctx;

    rc->call = 0;
    if (v == IPC_STALE_EPOCH && !rc->again) { /* the day has changed */
        rc->again = true;
        offer(rc);
        return;
    }
    memcpy(rc->id, id, sizeof rc->id);
    if (is_kept(v) && !rc->job->secure && ++rc->piece < rc->job->piece_count) {
        offer(rc);
        return;
    }
    end(rc, v);
}

static enum ipc_verdict failed(const struct sendsms_receiver *rc, const struct err *e)
{
    LOG(L_WARN, "message.failed", LOG_STR("account", rc->job->account->name),
        LOG_WHY(e));
    return e->class == ERR_PERM ? IPC_BAD_REQUEST : IPC_TEMP;
}

static void offer_plain(struct sendsms_receiver *rc)
{
    const struct sendsms_job *const job = rc->job;
    const uint64_t now = (uint64_t)time(NULL);
    const uint64_t from =
        job->sms.deferred_until_s > now ? job->sms.deferred_until_s : now;
    const bool last = rc->piece + 1 == job->piece_count;
    struct sms sms = job->sms;
    struct relay_plain p = {
        .account = job->account,
        .sender = job->sender,
        .msisdn = rc->msisdn,
        .sms = &sms,
        .messages =
            rc->piece == 0 ? job->messages : 0, /* all of it fits, or none goes */
        .expires_s =
            sms.valid_until_s != 0 ? sms.valid_until_s + JUDGED_S : from + PLAIN_WAIT_S,
        .report = last ? &job->report : NULL,
    };
    struct err e;

    sms.text = job->pieces[rc->piece];
    p.submission_s = submission_of(rc, p.submission);
    rc->call = relay_submit_plain(job->r, &p, on_submitted, rc, &e);
    if (rc->call == 0)
        end(rc, failed(rc, &e));
}

static void on_recipient(void *ctx, struct relay_recipient *to)
{
    struct sendsms_receiver *const rc = ctx;
    const struct sendsms_job *const job = rc->job;
    const enum ipc_verdict v = to->verdict;
    struct relay_submission s = {
        .account = job->account,
        .sender = job->sender,
        .to = to,
        .mail = job->mail,
        .bytes = job->text.n,
        .number = job->sms.from,
        .expires_s = job->expires_s,
        .report = &job->report,
    };
    struct err e;

    rc->call = 0;
    if (v != IPC_OK) {
        relay_recipient_clear(to);
        end(rc, v);
        return;
    }
    memcpy(to->to.msisdn, rc->msisdn, sizeof to->to.msisdn);
    s.submission_s = submission_of(rc, s.submission);
    rc->call = relay_submit(job->r, &s, on_submitted, rc, &e);
    relay_recipient_clear(to);
    if (rc->call == 0)
        end(rc, failed(rc, &e));
}

static void offer(struct sendsms_receiver *rc)
{
    struct ipc_address to = { .is_alias = 0 };

    if (!rc->job->secure) {
        offer_plain(rc);
        return;
    }
    memcpy(to.msisdn, rc->msisdn, sizeof to.msisdn);
    rc->call = relay_ask_recipient(rc->job->r, &to, rc->job->account->name,
                                   rc->job->sender, on_recipient, rc);
}

/* An offer that cannot even be made ends at once and comes back here: such a one is
 * answered by the turn that started it. */
static void submit_more(struct sendsms_job *job)
{
    if (job->submitting)
        return;
    job->submitting = true;
    while (job->next < job->count && job->outstanding < AT_ONCE) {
        struct sendsms_receiver *const rc = &job->receivers[job->next++];

        if (rc->denied)
            continue;
        job->outstanding++;
        offer(rc);
    }
    job->submitting = false;
    if (job->outstanding == 0)
        sendsms_answer(job);
}

void sendsms_submit(struct sendsms_job *job)
{
    submit_more(job);
}

void sendsms_cancel(struct sendsms_job *job)
{
    if (job->auth_call != 0)
        auth_cancel(job->r->auth, job->auth_call);
    for (size_t i = 0; i < job->count; i++)
        if (job->receivers[i].call != 0)
            relay_cancel(job->r, job->receivers[i].call);
}
