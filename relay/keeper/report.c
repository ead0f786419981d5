/* SPDX-License-Identifier: ISC */
/* report.c - telling a sender that a message was not read: why, and when it came.
 * Here:       who is told, once a message and reason; the mail's fields.
 * Elsewhere:  the words (templates/mail), the mail (compose.c), when it goes
 * (outbox.c). Called by:  expiry.c, notice.c, outbox.c. Source:     RFC 3464; RFC 3834
 * (never to automatic mail). */
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <stdio.h>

#define REPORT_WAIT_S 432000U

/* Whoever sends by HTTP has a dlr-url instead (report_app.c). */
static bool has_mailbox(struct keeper *k, const uint8_t conversation[16])
{
    struct conversation_record c;
    bool has;

    if (!tx_get(k, T_CONVERSATION, conversation, 16, RECORD_CONVERSATION, &c))
        return false;
    has = strchr(c.sender, '@') != NULL;
    record_clear(RECORD_CONVERSATION, &c);
    return has;
}

/* The message may be gone when the report goes: what it needs is kept in the entry. */
void report_want(struct keeper *k, enum outbox_kind kind, const uint8_t message[16],
                 const struct message_record *m)
{
    struct outbox_record o = { .kind = (uint8_t)kind,
                               .expires_s = k->now_s + REPORT_WAIT_S };
    struct buf body;
    uint8_t job[16];

    if ((m->flags & MESSAGE_AUTOMATIC) != 0 || !has_mailbox(k, m->conversation))
        return;
    buf_init(&body, sizeof m->mail_id + 8);
    buf_put_be64(&body, m->created_s);
    buf_put(&body, m->mail_id);
    if (!buf_ok(&body))
        return;
    o.body = (struct record_blob){ (uint8_t *)body.p, body.n };
    memcpy(o.handset, m->handset, 16);
    memcpy(o.conversation, m->conversation, 16);
    memcpy(o.subject_id, message, 16);
    outbox_add(k, LANE_MAIL, k->now_s, &o, job);
    buf_clear(&body);
}

static uint8_t kind_of(const struct outbox_record *o)
{
    switch (o->kind) {
    case OUTBOX_EXPIRED:
        return MAIL_EXPIRED;
    case OUTBOX_WRONG_NUMBER:
        return MAIL_WRONG_NUMBER;
    default:
        return MAIL_UNDELIVERABLE;
    }
}

bool report_mail(struct keeper *k, const uint8_t job[16], const struct outbox_record *o,
                 struct ipc_job_mail *mail, struct buf *tail)
{
    struct cur body = cur_of(span_of(o->body.p, o->body.n));
    const struct config_account *account;
    struct conversation_record c;
    char hex[HEX_LEN(16) + 1];

    if (!cur_be64(&body, &mail->arrived_s) ||
        !span_copy(mail->in_reply_to, sizeof mail->in_reply_to,
                   span_of(body.p, cur_left(&body))) ||
        !tx_get(k, T_CONVERSATION, o->conversation, 16, RECORD_CONVERSATION, &c))
        return false;
    account = config_account(k->config, c.account);
    memcpy(mail->job, job, 16);
    mail->kind = kind_of(o);
    mail->date_s = k->now_s;
    memcpy(mail->to, c.sender, sizeof mail->to);
    memcpy(mail->msisdn, c.msisdn, sizeof mail->msisdn);
    (void)span_copy(mail->language, sizeof mail->language,
                    span_str(account == NULL ? "en" : account->language));
    (void)snprintf(mail->mail_id, sizeof mail->mail_id, "<%s@%s>",
                   hex_text(hex, job, 16), k->config->domain);
    buf_put_be16(tail, 0);
    record_clear(RECORD_CONVERSATION, &c);
    return buf_ok(tail);
}
