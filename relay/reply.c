/* SPDX-License-Identifier: ISC */
/* reply.c - what a handset says back, on its way to the sender as mail.
 * Here:       taking replies (sealed by a device, or plain SMS), making the mail's
 * fields. Elsewhere:  the mail itself (compose.c in courier), when it goes (outbox.c).
 * Called by:  device.c, inbound.c, outbox.c.
 *
 * A reply lies in the outbox sealed to an epoch key, which lives as long as the reply
 * waits; it is opened only to be handed on. The subject for "Re:" comes with the reply
 * (the handset echoes the manifest's), so that the server need not keep subjects. */
#include "relay/encode.h"
#include "relay/keeper.h"
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <stdio.h>
#include <strings.h>

#define REPLY_WAIT_S 432000U /* 5 d, as MTAs try */
#define REPEAT_S 86400U
#define EPOCHS_MAX 400U
#define SUBJECT_ROOM sizeof(((struct ipc_job_mail *)0)->subject)

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
        json_string_length(json_object_get(j, "text")) <= REPLY_TEXT_MAX)
        return j;
    json_decref(j);
    return NULL;
}

static void wait_in_outbox(struct keeper *k, const uint8_t handset[16],
                           const uint8_t conversation[16], const uint8_t reply[16],
                           uint32_t epoch, struct buf *jwe)
{
    struct outbox_record o = { .kind = OUTBOX_REPLY,
                               .epoch = epoch,
                               .expires_s = k->now_s + REPLY_WAIT_S,
                               .body = { (uint8_t *)jwe->p, jwe->n } };
    uint8_t job[16];

    memcpy(o.handset, handset, 16);
    memcpy(o.conversation, conversation, 16);
    memcpy(o.subject_id, reply, 16);
    outbox_add(k, LANE_MAIL, k->now_s, &o, job);
}

/* A reply on its way needs its conversation. */
static void renew(struct keeper *k, const uint8_t conversation[16])
{
    struct conversation_record c;

    if (!tx_get(k, T_CONVERSATION, conversation, 16, RECORD_CONVERSATION, &c))
        return;
    c.used_s = k->now_s;
    tx_put(k, T_CONVERSATION, conversation, 16, RECORD_CONVERSATION, &c);
    record_clear(RECORD_CONVERSATION, &c);
}

static enum ipc_verdict take_sealed(struct keeper *k, const struct message_record *m,
                                    const uint8_t message[16], struct span body,
                                    struct buf *jwe, uint8_t reply_out[16])
{
    struct jwe_key key;
    struct jwe_header header;
    json_t *j;
    uint32_t day;

    if (!take_body(body, jwe))
        return IPC_BAD_REQUEST;
    day = epoch_of(k, buf_span(jwe), &key);
    if (day == 0)
        return IPC_STALE_EPOCH;
    j = open_reply(k, buf_span(jwe), day, key.kid, &header);
    jwe_key_clear(&key);
    if (j == NULL)
        return IPC_BAD_REQUEST;
    json_decref(j);
    if (strcmp(header.typ, "sealpost-reply") != 0 ||
        memcmp(header.id, message, 16) != 0)
        return IPC_BAD_REQUEST;
    keeper_id(k, reply_out);
    if (tx_seen(k, "reply", body.p, body.n, reply_out, REPEAT_S))
        return IPC_REPEATED;
    wait_in_outbox(k, m->handset, m->conversation, reply_out, day, jwe);
    renew(k, m->conversation);
    LOG(L_INFO, "reply.accepted", LOG_ID("reply", reply_out), LOG_ID("msg", message));
    return IPC_OK;
}

enum ipc_verdict reply_take(struct keeper *k, const uint8_t device_handset[16],
                            const uint8_t message[16], struct span body,
                            uint8_t reply_out[16])
{
    struct message_record m;
    struct buf jwe;
    enum ipc_verdict v;

    if (!tx_get(k, T_MESSAGE, message, 16, RECORD_MESSAGE, &m))
        return IPC_GONE;
    buf_init(&jwe, JWE_PLAIN_MAX_BYTES);
    v = memcmp(m.handset, device_handset, 16) != 0
            ? IPC_GONE
            : take_sealed(k, &m, message, body, &jwe, reply_out);
    buf_clear(&jwe);
    record_clear(RECORD_MESSAGE, &m);
    return v;
}

static bool seal_sms(struct keeper *k, struct span text, const char *subject,
                     const uint8_t message[16], struct buf *jwe)
{
    struct jwe_header header = { .typ = "sealpost-reply", .created_s = k->now_s };
    const struct jwe_key *to = &k->epoch;
    json_t *j = json_pack("{s:o,s:s}", "text", json_stringn(text.p, text.n), "subject",
                          subject);
    char *plain = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
    struct err e;
    bool ok;

    memcpy(header.id, message, 16);
    (void)strcpy(header.to, "reply");
    ok = plain != NULL && jwe_seal(&header, &to, 1, span_str(plain), jwe, &e) == 0;
    if (plain != NULL)
        OPENSSL_cleanse(plain, strlen(plain));
    free(plain);
    json_decref(j);
    return ok;
}

enum ipc_verdict reply_take_sms(struct keeper *k, const uint8_t handset[16],
                                const struct handset_record *h, struct span text)
{
    struct conversation_record c;
    char subject[SUBJECT_ROOM];
    uint8_t reply[16];
    struct buf jwe;
    bool ok;

    if (!tx_get(k, T_CONVERSATION, h->newest_conversation, 16, RECORD_CONVERSATION, &c))
        return IPC_GONE;
    reseal_peek_subject(k, c.newest_message, subject, sizeof subject);
    buf_init(&jwe, JWE_PLAIN_MAX_BYTES);
    keeper_id(k, reply);
    ok = seal_sms(k, text, subject, c.newest_message, &jwe);
    if (ok) {
        wait_in_outbox(k, handset, h->newest_conversation, reply, k->epoch_day, &jwe);
        renew(k, h->newest_conversation);
        LOG(L_INFO, "reply.accepted", LOG_ID("reply", reply), LOG_STR("by", "sms"));
    }
    OPENSSL_cleanse(subject, sizeof subject);
    buf_clear(&jwe);
    record_clear(RECORD_CONVERSATION, &c);
    return ok ? IPC_OK : IPC_TEMP;
}

static void put_subject(struct ipc_job_mail *mail, const json_t *subject)
{
    const char *s = json_is_string(subject) ? json_string_value(subject) : "";

    if (strncasecmp(s, "re:", 3) == 0)
        for (s += 3; *s == ' '; s++)
            ;
    (void)snprintf(mail->subject, sizeof mail->subject, "Re: %s",
                   *s == '\0' ? "your message" : s);
}

static void put_addresses(struct keeper *k, const uint8_t job[16],
                          const struct conversation_record *c,
                          struct ipc_job_mail *mail)
{
    const struct config_account *account = config_account(k->config, c->account);
    char alias[B32_LEN(16) + 1], hex[HEX_LEN(16) + 1];

    memcpy(mail->job, job, 16);
    mail->kind = MAIL_REPLY;
    mail->date_s = k->now_s;
    memcpy(mail->to, c->sender, sizeof mail->to);
    memcpy(mail->msisdn, c->msisdn, sizeof mail->msisdn);
    memcpy(mail->in_reply_to, c->mail_id, sizeof mail->in_reply_to);
    (void)snprintf(mail->from, sizeof mail->from, "r-%s@%s",
                   b32_text(alias, c->alias, 16), k->config->domain);
    (void)snprintf(mail->mail_id, sizeof mail->mail_id, "<%s@%s>",
                   hex_text(hex, job, 16), k->config->domain);
    (void)span_copy(mail->language, sizeof mail->language,
                    span_str(account == NULL ? "en" : account->language));
}

/* Tail: references, then the text, as in ipc.h. */
static void put_tail(const struct conversation_record *c, const json_t *text,
                     struct buf *tail)
{
    const struct span refs = span_str(c->references);

    buf_put_be16(tail, (uint16_t)refs.n);
    buf_put_span(tail, refs);
    buf_put_mem(tail, json_string_value(text), json_string_length(text));
}

static bool fill_reply(struct keeper *k, const uint8_t job[16],
                       const struct conversation_record *c, const json_t *reply,
                       struct ipc_job_mail *mail, struct buf *tail)
{
    put_addresses(k, job, c, mail);
    put_subject(mail, json_object_get(reply, "subject"));
    put_tail(c, json_object_get(reply, "text"), tail);
    return buf_ok(tail);
}

enum ipc_verdict reply_mail(struct keeper *k, const uint8_t job[16],
                            const struct outbox_record *o, struct ipc_job_mail *mail,
                            struct buf *tail)
{
    const struct span jwe = span_of(o->body.p, o->body.n);
    struct conversation_record c;
    struct jwe_key key;
    struct jwe_header header;
    enum ipc_verdict v = IPC_TEMP;
    const uint32_t day = epoch_of(k, jwe, &key);
    json_t *reply;

    if (day == 0)
        return IPC_GONE;
    if (!tx_get(k, T_CONVERSATION, o->conversation, 16, RECORD_CONVERSATION, &c)) {
        jwe_key_clear(&key);
        return IPC_GONE;
    }
    reply = open_reply(k, jwe, day, key.kid, &header); /* it opened when it was taken */
    if (reply != NULL && fill_reply(k, job, &c, reply, mail, tail))
        v = IPC_OK;
    json_decref(reply);
    jwe_key_clear(&key);
    record_clear(RECORD_CONVERSATION, &c);
    return v;
}

enum ipc_verdict reply_callback(struct keeper *k, const uint8_t job[16],
                                const struct outbox_record *o,
                                struct ipc_job_callback *out, struct buf *tail)
{
    (void)k, (void)job, (void)o, (void)out, (void)tail;
    return IPC_GONE;
}
