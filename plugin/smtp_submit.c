/* SPDX-License-Identifier: ISC */
/* smtp_submit.c - from the dot to its answer.
 * Here:       the message is read once, offered for each recipient, and answered.
 * Elsewhere:  what a mail says (relay/mime.c), sealing (relay/submit.c), the keeper.
 * Called by:  smtp_session.c.
 * Source:     RFC 5321 4.2.5 (with the 250 the message is ours), RFC 2033 4.2 (an
 *             answer for each recipient). */
#include "plugin/smtp_session.h"
#include <openssl/crypto.h>

#define IDENT_REPEAT_S (5U * 86400U) /* an MTA tries for five days */
#define BYTES_REPEAT_S 600U          /* later, the same bytes may be meant */
#define OFFER_BYTES (1U << 20)       /* sealed copies of one mail under way */

static const char *const verdict_replies[IPC_VERDICT_COUNT] = {
    [IPC_OPTED_OUT] = "550 5.7.1 The owner of this number does not want messages",
    [IPC_NO_ALIAS] = "550 5.1.1 There is no such conversation",
    [IPC_STRANGER] = "550 5.7.1 This conversation belongs to another sender",
    [IPC_LIMIT] = "451 4.7.1 The daily limit is reached, try again later",
    [IPC_FULL] = "452 4.3.1 Storage is full, try again later",
    [IPC_BAD_REQUEST] = "554 5.6.0 The message cannot be sealed",
};

const char *smtp_verdict_reply(enum ipc_verdict v)
{
    return verdict_replies[v] != NULL ? verdict_replies[v]
                                      : "451 4.3.0 Try again later";
}

static const char *error_reply(const struct err *e)
{
    if (e->class != ERR_PERM)
        return "451 4.3.0 Try again later";
    if (strcmp(e->status, "5.3.4") == 0)
        return "552 5.3.4 Message is too large";
    if (strcmp(e->status, "5.4.6") == 0)
        return "554 5.4.6 Mail loop";
    return "554 5.6.0 The message has too many parts or headers";
}

void smtp_reply_to_dot(struct smtp_session *s, const char *reply)
{
    for (size_t i = 0; i < (s->lmtp ? s->rcpt_count : 1); i++)
        smtp_reply(s, "%s", reply);
}

static bool is_kept(enum ipc_verdict v)
{
    return v == IPC_OK || v == IPC_REPEATED;
}

static void reply_queued(struct smtp_session *s, const struct smtp_rcpt *rcpt)
{
    char id[HEX_LEN(16) + 1];

    smtp_reply(s, "250 2.0.0 Ok: queued as %s", hex_text(id, rcpt->message_id, 16));
}

static const struct smtp_rcpt *offered_for(const struct smtp_session *s, size_t i)
{
    return &s->rcpts[s->rcpts[i].offered_as];
}

static void reply_each(struct smtp_session *s)
{
    for (size_t i = 0; i < s->rcpt_count; i++) {
        const struct smtp_rcpt *const rcpt = offered_for(s, i);

        if (is_kept(rcpt->verdict))
            reply_queued(s, rcpt);
        else
            smtp_reply(s, "%s", smtp_verdict_reply(rcpt->verdict));
    }
}

/* ESMTP has one answer for all. When some recipients were not taken the client shall
 * send again to all of them: those that have the message are recognised by their
 * submission and get it once. */
static void reply_once(struct smtp_session *s)
{
    for (size_t i = 0; i < s->rcpt_count; i++)
        if (!is_kept(offered_for(s, i)->verdict)) {
            smtp_reply(s, "%s",
                       s->rcpt_count == 1 ? smtp_verdict_reply(s->rcpts[0].verdict)
                                          : "451 4.3.0 Try again later");
            return;
        }
    reply_queued(s, &s->rcpts[0]);
}

static void hash_piece(struct smtp_door *door, const void *p, size_t n, bool *failed)
{
    if (EVP_DigestUpdate(door->hash, p, n) != 1)
        *failed = true;
}

/* What makes this mail the same when it comes again. The bytes are in it even where
 * the MTA names its queue file: such a name comes back within days (Postfix makes it of
 * microseconds and an inode), and another mail under it must not be lost. */
static bool hash_mail(struct smtp_session *s, struct span raw)
{
    struct smtp_door *const door = s->door;
    const char *const ident = s->xforward.ident;
    bool failed = EVP_DigestInit_ex2(door->hash, door->sha256, NULL) != 1;

    hash_piece(door, ident, strlen(ident) + 1, &failed);         /* with its NUL: */
    hash_piece(door, s->sender, strlen(s->sender) + 1, &failed); /* no two read alike */
    hash_piece(door, raw.p, raw.n, &failed);
    return EVP_DigestFinal_ex(door->hash, s->mail_hash, NULL) == 1 && !failed;
}

static bool hash_submission(const struct smtp_rcpt *rcpt, uint8_t out[32])
{
    struct smtp_door *const door = rcpt->session->door;
    const struct ipc_address *const to = &rcpt->answer.to;
    bool failed = EVP_DigestInit_ex2(door->hash, door->sha256, NULL) != 1;

    hash_piece(door, rcpt->session->mail_hash, sizeof rcpt->session->mail_hash,
               &failed);
    hash_piece(door, &to->is_alias, 1, &failed);
    if (to->is_alias)
        hash_piece(door, to->alias, sizeof to->alias, &failed);
    else
        hash_piece(door, to->msisdn, strlen(to->msisdn), &failed);
    return EVP_DigestFinal_ex(door->hash, out, NULL) == 1 && !failed;
}

static void log_outcome(const struct smtp_rcpt *rcpt)
{
    const struct smtp_session *const s = rcpt->session;

    if (!is_kept(rcpt->verdict)) {
        smtp_log_refused(s, smtp_verdict_reply(rcpt->verdict), rcpt->answer.msisdn,
                         ipc_verdict_name(rcpt->verdict));
        return;
    }
    LOG(L_INFO, rcpt->verdict == IPC_REPEATED ? "message.repeated" : "message.accepted",
        LOG_ID("msg", rcpt->message_id), LOG_U64("sess", s->number),
        LOG_U64("bytes", s->mail_bytes), LOG_MSISDN("to", rcpt->answer.msisdn),
        LOG_STR("account", s->account->name),
        LOG_STR("form", rcpt->answer.device_count > 0 ? "final" : "intermediate"));
}

static void on_submitted(void *ctx, enum ipc_verdict verdict,
                         const uint8_t message_id[16]);

static void offer(struct smtp_rcpt *rcpt)
{
    struct smtp_session *const s = rcpt->session;
    struct relay_submission submission = {
        .account = s->account,
        .sender = s->sender,
        .to = &rcpt->answer,
        .mail = &s->mail,
        .bytes = s->mail_bytes,
        .number = s->account->default_sender,
        .automatic = s->mail.automatic, /* the null sender does not come so far */
        .submission_s = s->xforward.ident[0] != '\0' ? IDENT_REPEAT_S : BYTES_REPEAT_S,
    };
    struct err e = { .class = ERR_BUG, .text = "hash of the submission" };

    if (hash_submission(rcpt, submission.submission))
        rcpt->call = relay_submit(s->door->relay, &submission, on_submitted, rcpt, &e);
    if (rcpt->call != 0) {
        s->outstanding++;
        return;
    }
    rcpt->verdict = e.class == ERR_PERM ? IPC_BAD_REQUEST : IPC_TEMP;
    smtp_log_refused(s, smtp_verdict_reply(rcpt->verdict), rcpt->answer.msisdn, e.text);
}

/* Offers what may be under way at once; answers the dot when nothing is left. */
static void offer_more(struct smtp_session *s)
{
    while (s->offered < s->rcpt_count &&
           (s->outstanding == 0 || s->outstanding * s->mail_bytes < OFFER_BYTES)) {
        struct smtp_rcpt *const rcpt = &s->rcpts[s->offered++];

        if (rcpt == &s->rcpts[rcpt->offered_as])
            offer(rcpt);
    }
    if (s->offered < s->rcpt_count || s->outstanding > 0)
        return;
    if (s->lmtp)
        reply_each(s);
    else
        reply_once(s);
    smtp_end_mail(s);
}

static void on_asked_again(void *ctx, struct relay_recipient *answer)
{
    struct smtp_rcpt *const rcpt = ctx;
    struct smtp_session *const s = rcpt->session;

    rcpt->call = 0;
    s->outstanding--;
    if (answer->verdict == IPC_OK) {
        answer->to = rcpt->answer.to;
        memcpy(answer->msisdn, rcpt->answer.msisdn, sizeof answer->msisdn);
        relay_recipient_clear(&rcpt->answer);
        rcpt->answer = *answer;
        offer(rcpt);
    } else {
        rcpt->verdict = answer->verdict;
        relay_recipient_clear(answer);
        log_outcome(rcpt);
    }
    offer_more(s);
    smtp_session_run(s);
}

static void on_submitted(void *ctx, enum ipc_verdict verdict,
                         const uint8_t message_id[16])
{
    struct smtp_rcpt *const rcpt = ctx;
    struct smtp_session *const s = rcpt->session;

    rcpt->call = 0;
    if (verdict == IPC_STALE_EPOCH && !rcpt->offered_again) { /* the day has changed */
        rcpt->offered_again = true;
        rcpt->call =
            relay_ask_recipient(s->door->relay, &rcpt->answer.to, s->account->name,
                                s->sender, on_asked_again, rcpt);
        return;
    }
    s->outstanding--;
    rcpt->verdict = verdict;
    memcpy(rcpt->message_id, message_id, sizeof rcpt->message_id);
    log_outcome(rcpt);
    offer_more(s);
    smtp_session_run(s);
}

static int read_mail(struct smtp_session *s, struct span raw, struct err *e)
{
    if (mime_check(raw, s->door->relay->config->domain, e) != 0)
        return -1;
    if (mime_parse(&s->mail, raw, e) != 0)
        return -1;
    s->has_mail = true;
    s->mail_bytes = raw.n;
    if (!hash_mail(s, raw))
        return err_set(e, ERR_BUG, "4.3.0", "hash of the message");
    return 0;
}

void smtp_submit(struct smtp_session *s)
{
    struct err e;

    if (read_mail(s, buf_span(&s->data.body), &e) != 0) {
        const char *const reply = error_reply(&e);

        smtp_log_refused(s, reply, NULL, e.text);
        smtp_reply_to_dot(s, reply);
        smtp_end_mail(s);
        return;
    }
    smtp_data_clear(&s->data); /* its parts live on in the mail, and stay charged */
    smtp_enter(s, ST_SUBMIT);
    offer_more(s);
}
