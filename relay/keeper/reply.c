/* SPDX-License-Identifier: ISC */
/* reply.c - what a handset says back, on its way to the sender.
 * Here:       taking replies (sealed by a device, or plain SMS), where they go, opening
 *             them again, making the mail's fields.
 * Elsewhere:  the mail itself (compose.c in courier), an application's reply-url
 *             (reply_callback.c), when it goes (outbox.c), whose answer an SMS is
 *             (inbound.c).
 * Called by:  device.c, inbound.c, outbox.c.
 *
 * A reply lies in the outbox sealed to an epoch key, which lives as long as the reply
 * waits; it is opened only to be handed on. The subject for "Re:" comes with the reply
 * (the handset echoes the manifest's), so that the server need not keep subjects. */
#include "relay/keeper/reply.h"
#include "relay/encode.h"
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <stdio.h>
#include <strings.h>

#define REPLY_WAIT_S 432000U /* 5 d, as MTAs try */
#define REPEAT_S 86400U
#define HOUR_S 3600U
#define REPLIES_MAX 100U /* an hour, of one handset: no mailbox is flooded */
#define EPOCHS_MAX 400U
#define UID_MAX 255U /* as in the manifest */
#define SUBJECT_ROOM sizeof(((struct ipc_job_mail *)0)->subject)
/* A header's "to" of a reply that the keeper sealed itself, which no device may claim:
 * only there are the words about the SMS believed. */
#define TO_BY_SMS "reply-by-sms"

static json_t *parse_json(struct span text)
{
    return json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
}

/* The binary form of {"jwe": compact}. */
static bool take_body(struct span body, struct buf *jwe)
{
    json_t *j = parse_json(body);
    const json_t *compact = json_object_get(j, "jwe");
    struct err e;
    bool ok = json_is_string(compact) &&
              jwe_from_compact(
                  span_of(json_string_value(compact), json_string_length(compact)), jwe,
                  &e) == 0;

    json_decref(j);
    return ok;
}

static uint32_t epoch_of(struct keeper *k, struct span jwe, struct jwe_key *key)
{
    uint32_t days[EPOCHS_MAX];
    size_t n = keys_epoch_list(k->keys, days, EPOCHS_MAX);
    struct err e;

    for (n = n < EPOCHS_MAX ? n : EPOCHS_MAX; n > 0; n--) {
        if (keys_epoch_public(k->keys, days[n - 1], key, &e) != 0)
            continue;
        if (jwe_has_recipient(jwe, key->kid))
            return days[n - 1];
        jwe_key_clear(key);
    }
    return 0;
}

/* To an appointment; what is not there is fine. */
static bool is_good_answer(const json_t *reply)
{
    static const char *const answers[] = { "accepted", "declined", "tentative" };
    const json_t *const answer = json_object_get(reply, "answer");
    const json_t *const uid = json_object_get(reply, "uid");

    if (uid != NULL && (!json_is_string(uid) || json_string_length(uid) > UID_MAX))
        return false;
    if (answer == NULL)
        return true;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (json_is_string(answer) &&
            strcmp(json_string_value(answer), answers[i]) == 0)
            return true;
    return false;
}

/* The reply's JSON, checked; NULL when it is not one. Its strings are clear text. */
static json_t *open_reply(struct keeper *k, struct span jwe, uint32_t day,
                          const uint8_t kid[JWE_KID_BYTES], struct jwe_header *header)
{
    struct buf plain;
    struct err e;
    json_t *j = NULL;

    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    if (jwe_open(jwe, keys_epoch_private(k->keys, day), kid, header, &plain, &e) == 0)
        j = parse_json(buf_span(&plain));
    buf_wipe(&plain);
    if (j != NULL && json_is_string(json_object_get(j, "text")) &&
        json_string_length(json_object_get(j, "text")) > 0 &&
        json_string_length(json_object_get(j, "text")) <= REPLY_TEXT_MAX &&
        is_good_answer(j))
        return j;
    json_decref(j);
    return NULL;
}

/* An address that the sender wrote from, or the mailbox that the account has for
 * answers to what came by HTTP; NULL: neither. */
static const char *mailbox_of(const struct conversation_record *c,
                              const struct config_account *account)
{
    if (strchr(c->sender, '@') != NULL)
        return c->sender;
    return account == NULL ? NULL : account->reply_mail;
}

/* How a reply goes back; 0: the sender takes none. */
static enum outbox_kind kind_for(const struct conversation_record *c,
                                 const struct config_account *account)
{
    if (strchr(c->sender, '@') == NULL && account != NULL && account->reply_url != NULL)
        return OUTBOX_REPLY_CALLBACK;
    return mailbox_of(c, account) != NULL ? OUTBOX_REPLY : 0;
}

struct taken { /* a reply, checked and sealed */
    uint8_t conversation[16], id[16];
    uint32_t epoch;
    struct buf jwe;
};

static void wait_in_outbox(struct keeper *k, const struct taken *t,
                           enum outbox_kind kind, const uint8_t handset[16])
{
    const bool by_mail = kind == OUTBOX_REPLY;
    struct outbox_record o = {
        .kind = (uint8_t)kind,
        .epoch = t->epoch,
        .expires_s = k->now_s + (by_mail ? REPLY_WAIT_S : k->config->callback_wait_s),
        .body = { (uint8_t *)t->jwe.p, t->jwe.n }
    };
    uint8_t job[16];

    memcpy(o.handset, handset, 16);
    memcpy(o.conversation, t->conversation, 16);
    memcpy(o.subject_id, t->id, 16);
    outbox_add(k, by_mail ? LANE_MAIL : LANE_CALLBACK, k->now_s, &o, job);
}

/* A reply on its way needs its conversation. */
static void renew(struct keeper *k, const uint8_t conversation[16],
                  struct conversation_record *c)
{
    c->used_s = k->now_s;
    tx_put(k, T_CONVERSATION, conversation, 16, RECORD_CONVERSATION, c);
}

/* What the device sealed, checked: its epoch's day, or 0 with the verdict. */
static uint32_t check_sealed(struct keeper *k, const uint8_t message[16],
                             struct span jwe, enum ipc_verdict *v)
{
    struct jwe_key key;
    struct jwe_header header;
    const uint32_t day = epoch_of(k, jwe, &key);
    json_t *j;

    *v = IPC_STALE_EPOCH;
    if (day == 0)
        return 0;
    j = open_reply(k, jwe, day, key.kid, &header);
    jwe_key_clear(&key);
    *v = IPC_BAD_REQUEST;
    if (j == NULL)
        return 0;
    json_decref(j);
    return strcmp(header.typ, "sealpost-reply") != 0 ||
                   strcmp(header.to, TO_BY_SMS) == 0 ||
                   memcmp(header.id, message, 16) != 0
               ? 0
               : day;
}

static enum ipc_verdict take_sealed(struct keeper *k, const struct message_record *m,
                                    const uint8_t message[16], struct span body,
                                    struct conversation_record *c, struct taken *t)
{
    const enum outbox_kind kind = kind_for(c, config_account(k->config, c->account));
    enum ipc_verdict v = IPC_BAD_REQUEST;

    if (kind == 0)
        return IPC_NO_REPLY;
    if (!take_body(body, &t->jwe))
        return v;
    t->epoch = check_sealed(k, message, buf_span(&t->jwe), &v);
    if (t->epoch == 0)
        return v;
    if (k->full)
        return IPC_FULL;
    keeper_id(k, t->id);
    if (tx_seen(k, "reply", body.p, body.n, t->id, REPEAT_S))
        return IPC_REPEATED;
    if (!tx_count(k, "replies", m->handset, 16, HOUR_S, REPLIES_MAX, false))
        return tx_refuse(k, IPC_TOO_MANY);
    memcpy(t->conversation, m->conversation, 16);
    wait_in_outbox(k, t, kind, m->handset);
    renew(k, m->conversation, c);
    LOG(L_INFO, "reply.accepted", LOG_ID("reply", t->id), LOG_ID("msg", message));
    return IPC_OK;
}

enum ipc_verdict reply_take(struct keeper *k, const uint8_t device_handset[16],
                            const uint8_t message[16], struct span body,
                            uint8_t reply_out[16])
{
    struct message_record m;
    struct conversation_record c;
    struct taken t = { .epoch = 0 };
    enum ipc_verdict v = IPC_GONE;

    if (!tx_get(k, T_MESSAGE, message, 16, RECORD_MESSAGE, &m))
        return IPC_GONE;
    buf_init(&t.jwe, JWE_PLAIN_MAX_BYTES);
    if (memcmp(m.handset, device_handset, 16) == 0) {
        v = IPC_NO_REPLY;
        if (tx_get(k, T_CONVERSATION, m.conversation, 16, RECORD_CONVERSATION, &c)) {
            v = take_sealed(k, &m, message, body, &c, &t);
            record_clear(RECORD_CONVERSATION, &c);
        }
    }
    memcpy(reply_out, t.id, 16);
    buf_clear(&t.jwe);
    record_clear(RECORD_MESSAGE, &m);
    return v;
}

/* A word that is no UTF-8 is left out. */
static void put_word(json_t *j, const char *name, const char *word)
{
    (void)json_object_set_new(j, name, json_string(word));
}

static bool seal_sms(struct keeper *k, const struct reply_sms *sms, const char *subject,
                     const uint8_t message[16], struct buf *jwe)
{
    struct jwe_header header = { .typ = "sealpost-reply",
                                 .created_s = k->now_s,
                                 .to = TO_BY_SMS };
    const struct jwe_key *to = &k->epoch;
    json_t *j =
        json_pack("{s:o,s:s,s:b}", "text", json_stringn(sms->text.p, sms->text.n),
                  "subject", subject, "unasked", (int)sms->unasked);
    char *plain;
    struct err e;
    bool ok;

    put_word(j, "smsc", sms->mo->smsc);
    put_word(j, "to", sms->mo->to);
    plain = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
    memcpy(header.id, message, 16);
    ok = plain != NULL && jwe_seal(&header, &to, 1, span_str(plain), jwe, &e) == 0;
    if (plain != NULL)
        OPENSSL_cleanse(plain, strlen(plain));
    free(plain);
    json_decref(j);
    return ok;
}

enum ipc_verdict reply_take_sms(struct keeper *k, const uint8_t handset[16],
                                const uint8_t conversation[16],
                                const struct reply_sms *sms)
{
    struct conversation_record c;
    char subject[SUBJECT_ROOM];
    struct taken t = { .epoch = k->epoch_day };
    enum ipc_verdict v = IPC_NO_REPLY;
    enum outbox_kind kind;

    if (!tx_get(k, T_CONVERSATION, conversation, 16, RECORD_CONVERSATION, &c))
        return IPC_GONE;
    kind = kind_for(&c, config_account(k->config, c.account));
    buf_init(&t.jwe, JWE_PLAIN_MAX_BYTES);
    if (kind != 0) {
        v = IPC_TEMP;
        reseal_peek_subject(k, c.newest_message, subject, sizeof subject);
        if (seal_sms(k, sms, subject, c.newest_message, &t.jwe)) {
            keeper_id(k, t.id);
            memcpy(t.conversation, conversation, 16);
            wait_in_outbox(k, &t, kind, handset);
            renew(k, conversation, &c);
            LOG(L_INFO, "reply.accepted", LOG_ID("reply", t.id), LOG_STR("by", "sms"));
            v = IPC_OK;
        }
        OPENSSL_cleanse(subject, sizeof subject);
    }
    buf_clear(&t.jwe);
    record_clear(RECORD_CONVERSATION, &c);
    return v;
}

static struct span member(const json_t *j, const char *name)
{
    const json_t *const value = json_object_get(j, name);

    return span_of(json_string_value(value), json_string_length(value));
}

static void read_members(struct reply *r, bool by_sms)
{
    r->text = member(r->json, "text");
    r->subject = member(r->json, "subject");
    if (!by_sms)
        return;
    r->smsc = member(r->json, "smsc");
    r->to = member(r->json, "to");
    r->unasked = json_is_true(json_object_get(r->json, "unasked"));
}

enum ipc_verdict reply_open(struct keeper *k, const struct outbox_record *o,
                            struct reply *r)
{
    const struct span jwe = span_of(o->body.p, o->body.n);
    struct jwe_key key;
    struct jwe_header header;
    const uint32_t day = epoch_of(k, jwe, &key);

    *r = (struct reply){ .json = NULL };
    if (day == 0)
        return IPC_GONE;
    if (!tx_get(k, T_CONVERSATION, o->conversation, 16, RECORD_CONVERSATION, &r->c)) {
        jwe_key_clear(&key);
        return IPC_GONE;
    }
    r->account = config_account(k->config, r->c.account);
    r->json = open_reply(k, jwe, day, key.kid, &header);
    jwe_key_clear(&key);
    if (r->json == NULL) { /* it opened when it was taken */
        reply_clear(r);
        return IPC_TEMP;
    }
    read_members(r, strcmp(header.to, TO_BY_SMS) == 0);
    return IPC_OK;
}

void reply_clear(struct reply *r)
{
    json_decref(r->json);
    record_clear(RECORD_CONVERSATION, &r->c);
    *r = (struct reply){ .json = NULL };
}

static void put_subject(const struct reply *r, struct ipc_job_mail *mail)
{
    const char *s = r->subject.n > 0 ? r->subject.p : "";
    char number[64];

    if (r->unasked) {
        msisdn_mask_shown(r->c.msisdn, number);
        (void)snprintf(mail->subject, sizeof mail->subject, "SMS: %s", number);
        return;
    }
    if (strncasecmp(s, "re:", 3) == 0)
        for (s += 3; *s == ' '; s++)
            ;
    (void)snprintf(mail->subject, sizeof mail->subject, "Re: %s",
                   *s == '\0' ? "your message" : s);
}

static void put_addresses(struct keeper *k, const uint8_t job[16],
                          const struct reply *r, const char *mailbox,
                          struct ipc_job_mail *mail)
{
    const struct conversation_record *const c = &r->c;
    char alias[B32_LEN(16) + 1], hex[HEX_LEN(16) + 1];

    memcpy(mail->job, job, 16);
    mail->kind = MAIL_REPLY;
    mail->date_s = k->now_s;
    (void)span_copy(mail->to, sizeof mail->to, span_str(mailbox));
    memcpy(mail->msisdn, c->msisdn, sizeof mail->msisdn);
    memcpy(mail->in_reply_to, c->mail_id, sizeof mail->in_reply_to);
    (void)snprintf(mail->from, sizeof mail->from, "r-%s@%s",
                   b32_text(alias, c->alias, 16), k->config->domain);
    (void)snprintf(mail->mail_id, sizeof mail->mail_id, "<%s@%s>",
                   hex_text(hex, job, 16), k->config->domain);
    (void)span_copy(mail->language, sizeof mail->language,
                    span_str(r->account == NULL ? "en" : r->account->language));
}

enum ipc_verdict reply_mail(struct keeper *k, const uint8_t job[16],
                            const struct outbox_record *o, struct ipc_job_mail *mail,
                            struct buf *tail)
{
    struct reply r;
    const enum ipc_verdict v = reply_open(k, o, &r);
    const char *mailbox;
    struct span refs;

    if (v != IPC_OK)
        return v;
    mailbox = mailbox_of(&r.c, r.account);
    refs = span_str(r.c.references);
    if (mailbox != NULL) { /* NULL: since then taken out of the configuration */
        put_addresses(k, job, &r, mailbox, mail);
        put_subject(&r, mail);
        buf_put_be16(tail, (uint16_t)refs.n);
        buf_put_span(tail, refs);
        buf_put_span(tail, r.text);
    }
    reply_clear(&r);
    return mailbox != NULL && buf_ok(tail) ? IPC_OK : IPC_TEMP;
}
