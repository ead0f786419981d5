/* SPDX-License-Identifier: ISC */
/* plain.c - an application's SMS that goes out as it is, through the outbox.
 * Here:       taking it from front, opening it when it goes.
 * Elsewhere:  what an application may ask for (plugin/sendsms*.c), when it goes
 *             (outbox.c), what its sender is told (report.c).
 * Called by:  keeper.c, outbox.c.
 *
 * Front seals it to the epoch as it does a message, so that the store's old pages and
 * logs tell nothing of it once the epoch's key is gone. */
#include "relay/keeper/keeper.h"

#define DAY_S 86400U
#define SUBMISSION_MAX_S (5U * DAY_S)
#define WAIT_MAX_S (30U * DAY_S)

struct plain {
    const struct ipc_plain *in;
    const struct config_account *account;
    struct report_ask report;
    struct span sealed;
    uint8_t handset[16];
    uint8_t id[16]; /* out */
};

static void wait_in_outbox(struct keeper *k, const struct plain *p,
                           const uint8_t conversation[16])
{
    const uint64_t latest_s = k->now_s + WAIT_MAX_S;
    struct outbox_record o = {
        .kind = OUTBOX_PLAIN,
        .epoch = p->in->epoch,
        .expires_s = p->in->expires_s < latest_s ? p->in->expires_s : latest_s,
        .body = { (uint8_t *)(uintptr_t)p->sealed.p, p->sealed.n }
    };
    uint8_t job[16];

    memcpy(o.handset, p->handset, 16);
    memcpy(o.conversation, conversation, 16);
    memcpy(o.subject_id, p->in->message_id, 16);
    outbox_add(k, LANE_PLAIN, k->now_s, &o, job);
    report_remember(k, p->in->message_id, p->handset, p->account->name, &p->report,
                    o.expires_s);
}

static enum ipc_verdict submit(struct keeper *k, void *arg)
{
    struct plain *p = arg;
    const struct ipc_plain *in = p->in;
    struct handset_record h;
    uint8_t conversation[16];

    memcpy(p->id, in->message_id, 16);
    if (in->submission_s > 0 &&
        tx_seen(k, "submission", in->submission, sizeof in->submission, p->id,
                in->submission_s < SUBMISSION_MAX_S ? in->submission_s
                                                    : SUBMISSION_MAX_S))
        return IPC_REPEATED;
    if (k->full)
        return tx_refuse(k, IPC_FULL);
    keeper_handset_id(k, in->msisdn, p->handset);
    keeper_handset(k, p->handset, in->msisdn, &h);
    if (!tx_ok(k))
        return IPC_TEMP;
    if (optout_is(k, p->handset, &h, p->account->name))
        return tx_refuse(k, IPC_OPTED_OUT);
    if (keys_epoch_private(k->keys, in->epoch) == NULL)
        return tx_refuse(k, IPC_STALE_EPOCH);
    for (uint32_t i = 0; i < in->messages; i++)
        if (!tx_count(k, "account-day", p->account->name, strlen(p->account->name),
                      DAY_S, p->account->daily_limit, false))
            return tx_refuse(k, IPC_LIMIT);
    intake_conversation(k, p->account, in->sender, in->number, in->msisdn, p->handset,
                        &h, conversation);
    wait_in_outbox(k, p, conversation);
    tx_put(k, T_HANDSET, p->handset, 16, RECORD_HANDSET, &h);
    return IPC_OK;
}

static bool take(struct keeper *k, struct plain *p, struct span tail)
{
    struct cur c = cur_of(tail);
    uint16_t report;
    struct span asked;

    p->account = config_account(k->config, p->in->account);
    if (p->account == NULL || !msisdn_is_canonical(p->in->msisdn) ||
        p->in->messages > 255 || !cur_be16(&c, &report) ||
        !cur_span(&c, report, &asked) || !report_ask_unpack(asked, &p->report))
        return false;
    p->sealed = span_of(c.p, cur_left(&c));
    return jwe_check(p->sealed);
}

void plain_submit(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct plain p = { .in = f->fixed };
    struct ipc_offer_answer answer = { .verdict = IPC_BAD_REQUEST };

    if (take(k, &p, f->tail))
        answer.verdict = tx_run(k, submit, &p);
    memcpy(answer.message_id, p.id, 16);
    ipc_send(ch, IPC_PLAIN_ANSWER, f->call, &answer, span_of(NULL, 0));
}

/* STOP that came after the SMS was accepted counts as well. */
static bool is_wanted(struct keeper *k, const struct outbox_record *o,
                      const struct handset_record *h)
{
    struct conversation_record c;
    bool wanted = true;

    if (tx_get(k, T_CONVERSATION, o->conversation, 16, RECORD_CONVERSATION, &c)) {
        wanted = !optout_is(k, o->handset, h, c.account);
        record_clear(RECORD_CONVERSATION, &c);
    }
    return wanted && h->opted_out == 0;
}

enum ipc_verdict plain_open(struct keeper *k, const struct outbox_record *o,
                            const struct handset_record *h, struct buf *packed)
{
    uint8_t kid[JWE_KID_BYTES];
    struct jwe_header header;
    struct err e;
    int rc;

    if (!is_wanted(k, o, h) || !keys_epoch_kid(k->keys, o->epoch, kid))
        return IPC_GONE;
    rc = jwe_open_next(&k->opened, span_of(o->body.p, o->body.n),
                       keys_epoch_private(k->keys, o->epoch), kid, &header, packed, &e);
    if (rc != 0 || strcmp(header.typ, "sealpost-sms") != 0 ||
        memcmp(header.id, o->subject_id, 16) != 0) {
        LOG(L_ERROR, "sms.not-opened", LOG_ID("about", o->subject_id),
            LOG_STR("why", rc != 0 ? e.text : "it was sealed as something else"));
        return IPC_GONE;
    }
    return IPC_OK;
}
