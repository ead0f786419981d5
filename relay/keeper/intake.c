/* SPDX-License-Identifier: ISC */
/* intake.c - the keeper's side of accepting a message.
 * Here:       is the recipient to be had, which devices, the offer into the store.
 * Elsewhere:  the mail's content (sealed by front: submit.c), notices (notice.c).
 * Called by:  keeper.c.
 * Source:     seed 302-308, 402-408. */
#include "relay/keeper/keeper.h"
#include "relay/stream.h"
#include <ctype.h>
#include <strings.h>

#define DAY_S 86400U
#define USED_EXACT_S 3600U /* a conversation's last use, as exact as it need be */
#define CHUNK_SEALED (STREAM_CHUNK + STREAM_TAG)
#define SUBMISSION_MAX_S (5U * DAY_S) /* how long an MTA may try again */

struct conversation {
    uint8_t alias[16]; /* derived, secret: what r-TOKEN spells */
    uint8_t key[16];   /* where the record stands; shown to the handset as its name */
};

/* A conversation is an account's sender and a handset. Everything follows from the
 * names, so that no table is needed to find it, and the alias cannot be guessed. */
static void conversation_of(const struct keeper *k, const char *account,
                            const char *sender, const char *msisdn,
                            struct conversation *out)
{
    char name[64 + 321 + 16 + 2];
    uint8_t id[16];
    size_t n = 0;

    n += strlen(strcpy(name, account)) + 1;
    for (; *sender != '\0'; sender++)
        name[n++] = (char)tolower((unsigned char)*sender);
    name[n++] = '\0';
    n += strlen(strcpy(name + n, msisdn));
    store_blind(k->store, "conversation", name, n, id);
    store_blind(k->store, "alias", id, sizeof id, out->alias);
    store_blind(k->store, "alias-key", out->alias, sizeof out->alias, out->key);
}

struct target { /* an address, understood */
    const struct config_account *account;
    const char *sender;
    char msisdn[MSISDN_ROOM];
    uint8_t handset[16];
    struct conversation conversation;
};

static enum ipc_verdict find_alias(struct keeper *k, const struct ipc_address *to,
                                   struct target *t)
{
    struct conversation_record c;
    enum ipc_verdict v = IPC_OK;

    memcpy(t->conversation.alias, to->alias, sizeof t->conversation.alias);
    store_blind(k->store, "alias-key", to->alias, sizeof to->alias,
                t->conversation.key);
    if (!tx_get(k, T_CONVERSATION, t->conversation.key, 16, RECORD_CONVERSATION, &c))
        return IPC_NO_ALIAS;
    if (strcasecmp(c.sender, t->sender) != 0 ||
        strcmp(c.account, t->account->name) != 0)
        v = IPC_STRANGER;
    memcpy(t->msisdn, c.msisdn, sizeof t->msisdn);
    record_clear(RECORD_CONVERSATION, &c);
    return v;
}

static enum ipc_verdict find_target(struct keeper *k, const struct ipc_address *to,
                                    const char *account, const char *sender,
                                    struct target *t)
{
    enum ipc_verdict v = IPC_OK;

    *t = (struct target){ .account = config_account(k->config, account),
                          .sender = sender };
    if (t->account == NULL)
        return IPC_BAD_REQUEST;
    if (to->is_alias != 0)
        v = find_alias(k, to, t);
    else if (!msisdn_is_canonical(to->msisdn))
        return IPC_BAD_REQUEST;
    else
        memcpy(t->msisdn, to->msisdn, sizeof t->msisdn);
    if (v != IPC_OK)
        return v;
    keeper_handset_id(k, t->msisdn, t->handset);
    if (to->is_alias == 0)
        conversation_of(k, account, sender, t->msisdn, &t->conversation);
    return IPC_OK;
}

struct ask {
    const struct ipc_recipient_ask *in;
    struct ipc_recipient out;
    struct buf devices;
};

static void put_device(struct keeper *k, const uint8_t id[16], struct ask *a)
{
    struct device_record d;

    if (!tx_get(k, T_DEVICE, id, 16, RECORD_DEVICE, &d))
        return;
    if (device_is_fresh(k, &d)) {
        buf_put_mem(&a->devices, id, 16);
        buf_put_be16(&a->devices, (uint16_t)d.encryption_key.n);
        buf_put_mem(&a->devices, d.encryption_key.p, d.encryption_key.n);
        a->out.device_count++;
    }
    record_clear(RECORD_DEVICE, &d);
}

static enum ipc_verdict ask(struct keeper *k, void *arg)
{
    struct ask *a = arg;
    struct target t;
    struct handset_record h;
    enum ipc_verdict v = find_target(k, &a->in->to, a->in->account, a->in->sender, &t);

    if (v != IPC_OK)
        return v;
    memcpy(a->out.conversation, t.conversation.key, 16);
    memcpy(a->out.msisdn, t.msisdn, sizeof a->out.msisdn);
    memcpy(a->out.account, t.account->name, sizeof a->out.account);
    keeper_id(k, a->out.message_id);
    if (!tx_count(k, "account-day", t.account->name, strlen(t.account->name), DAY_S,
                  t.account->daily_limit, true))
        return IPC_LIMIT;
    if (!tx_get(k, T_HANDSET, t.handset, 16, RECORD_HANDSET, &h))
        return IPC_OK;
    if (optout_is(k, t.handset, &h, t.account->name))
        return IPC_OPTED_OUT;
    for (size_t i = 0; i < h.device_count; i++)
        put_device(k, h.devices[i], a);
    return buf_ok(&a->devices) ? IPC_OK : IPC_TEMP;
}

/* Only reads and promises nothing, so the answer passes those that wait for the flush:
 * the front works on the mail meanwhile, and its offer joins the next flush. */
void intake_ask(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct ask a = { .in = f->fixed };
    enum ipc_verdict v;

    buf_init(&a.devices, IPC_TAIL_DEVICES);
    k->failure = IPC_OK;
    v = ask(k, &a);
    if (!tx_ok(k))
        v = k->failure;
    if (v != IPC_OK) {
        a.out.device_count = 0;
        buf_clear(&a.devices);
    }
    a.out.verdict = v;
    ipc_send_now(ch, IPC_RECIPIENT, f->call, &a.out, buf_span(&a.devices));
    buf_clear(&a.devices);
}

struct offer {
    const struct ipc_offer *in;
    struct span references, sealed, parts;
    struct report_ask report;
    uint8_t id[16]; /* out */
};

static bool take_offer(struct offer *o, struct span tail)
{
    struct cur c = cur_of(tail);
    uint16_t refs, report;
    uint32_t sealed;
    struct span asked;

    if (!cur_be16(&c, &refs) || !cur_span(&c, refs, &o->references) ||
        !cur_be16(&c, &report) || !cur_span(&c, report, &asked) ||
        !report_ask_unpack(asked, &o->report) || !cur_be32(&c, &sealed) ||
        !cur_span(&c, sealed, &o->sealed) || refs >= RECORD_REFERENCES ||
        memchr(o->references.p, '\0', refs) != NULL || !jwe_check(o->sealed))
        return false;
    o->parts = span_of(c.p, cur_left(&c));
    for (uint16_t i = 0; i < o->in->parts; i++) {
        uint64_t n;
        struct span part;

        if (!cur_be64(&c, &n) || n > cur_left(&c) || !cur_span(&c, (size_t)n, &part))
            return false;
    }
    return cur_done(&c);
}

static void put_parts(struct keeper *k, const struct offer *o)
{
    struct cur c = cur_of(o->parts);

    for (uint16_t i = 0; i < o->in->parts; i++) {
        uint64_t left;
        uint32_t chunk = 0;

        (void)cur_be64(&c, &left);
        for (; left > 0 && tx_ok(k); chunk++) {
            const size_t n = left < CHUNK_SEALED ? (size_t)left : CHUNK_SEALED;
            const struct tx_key key =
                tx_key_part(o->in->message_id, (uint16_t)(i + 1), chunk);
            struct span piece;

            (void)cur_span(&c, n, &piece);
            (void)tx_check(k, store_put(k->store, T_PART, key.b, key.n, piece.p, n));
            left -= n;
        }
    }
}

/* The form must be one that somebody can still open: the epoch's key is there, or one
 * of the handset's devices is a recipient. */
static bool form_is_current(struct keeper *k, const struct offer *o,
                            const struct handset_record *h)
{
    bool found = false;

    if (o->in->form == FORM_INTERMEDIATE)
        return keys_epoch_private(k->keys, o->in->epoch) != NULL;
    for (size_t i = 0; i < h->device_count && !found; i++) {
        struct device_record d;

        if (!tx_get(k, T_DEVICE, h->devices[i], 16, RECORD_DEVICE, &d))
            continue;
        found = jwe_has_recipient(o->sealed, d.kid);
        record_clear(RECORD_DEVICE, &d);
    }
    return found;
}

static void put_conversation(struct keeper *k, const struct offer *o,
                             const struct target *t)
{
    struct conversation_record c = { .used_s = k->now_s };
    struct conversation_record old;
    bool known;

    known =
        tx_get(k, T_CONVERSATION, t->conversation.key, 16, RECORD_CONVERSATION, &old);
    if (known)
        record_clear(RECORD_CONVERSATION, &old);
    memcpy(c.handset, t->handset, 16);
    memcpy(c.alias, t->conversation.alias, 16);
    memcpy(c.newest_message, o->in->message_id, 16);
    memcpy(c.msisdn, t->msisdn, sizeof t->msisdn);
    (void)span_copy(c.account, sizeof c.account, span_str(t->account->name));
    (void)span_copy(c.sender, sizeof c.sender, span_str(t->sender));
    (void)span_copy(c.number, sizeof c.number, span_str(o->in->number));
    (void)span_copy(c.mail_id, sizeof c.mail_id, span_str(o->in->mail_id));
    (void)span_copy(c.references, sizeof c.references, o->references);
    tx_put(k, T_CONVERSATION, t->conversation.key, 16, RECORD_CONVERSATION, &c);
    if (!known) {
        const struct tx_key e = tx_key_expiry(k->now_s + 2 * k->config->retention_s,
                                              'C', t->conversation.key);

        tx_mark(k, T_BY_EXPIRY, e.b, e.n);
    }
    record_clear(RECORD_CONVERSATION, &c);
}

bool intake_route(const struct keeper *k, const uint8_t handset[16], const char *number,
                  struct tx_key *key_out)
{
    char folded[SMS_NUMBER_ROOM], own[SMS_NUMBER_ROOM];
    uint8_t name[STORE_BLIND_BYTES];

    sms_number_fold(number, folded);
    if (folded[0] == '\0')
        return false;
    for (size_t i = 0; i < k->config->kannel_count; i++) {
        sms_number_fold(k->config->kannels[i].sender, own);
        if (strcmp(own, folded) == 0)
            return false;
    }
    store_blind(k->store, "smsc-number", folded, strlen(folded), name);
    *key_out = tx_key_ids(handset, name);
    return true;
}

/* Who answers an SMS from that number means this conversation; a link's own sender
 * needs no record. */
static void put_route(struct keeper *k, const uint8_t handset[16], const char *number,
                      const uint8_t conversation[16], struct handset_record *h)
{
    struct route_record r;
    struct tx_key key;

    if (!intake_route(k, handset, number, &key)) {
        memcpy(h->newest_conversation, conversation, 16);
        return;
    }
    memcpy(r.conversation, conversation, 16);
    tx_put(k, T_ROUTE, key.b, key.n, RECORD_ROUTE, &r);
}

void intake_conversation(struct keeper *k, const struct config_account *account,
                         const char *sender, const char *number, const char *msisdn,
                         const uint8_t handset[16], struct handset_record *h,
                         uint8_t conversation_out[16])
{
    struct conversation_record c = { 0 };
    struct conversation new;
    struct tx_key e;

    conversation_of(k, account->name, sender, msisdn, &new);
    memcpy(conversation_out, new.key, 16);
    put_route(k, handset, number, new.key, h);
    if (tx_get(k, T_CONVERSATION, new.key, 16, RECORD_CONVERSATION, &c) &&
        c.used_s + USED_EXACT_S > k->now_s && strcmp(c.number, number) == 0) {
        record_clear(RECORD_CONVERSATION, &c);
        return;
    }
    if (c.used_s == 0) {
        e = tx_key_expiry(k->now_s + 2 * k->config->retention_s, 'C', new.key);
        tx_mark(k, T_BY_EXPIRY, e.b, e.n);
    }
    c.used_s = k->now_s;
    memcpy(c.handset, handset, 16);
    memcpy(c.alias, new.alias, 16);
    (void)span_copy(c.msisdn, sizeof c.msisdn, span_str(msisdn));
    (void)span_copy(c.account, sizeof c.account, span_str(account->name));
    (void)span_copy(c.sender, sizeof c.sender, span_str(sender));
    (void)span_copy(c.number, sizeof c.number, span_str(number));
    tx_put(k, T_CONVERSATION, new.key, 16, RECORD_CONVERSATION, &c);
    record_clear(RECORD_CONVERSATION, &c);
}

static bool put_message(struct keeper *k, const struct offer *o, const struct target *t,
                        uint64_t expires_s)
{
    const struct ipc_offer *in = o->in;
    struct message_record m = { .form = in->form,
                                .flags = in->flags & MESSAGE_AUTOMATIC,
                                .parts = in->parts,
                                .epoch = in->form == FORM_INTERMEDIATE ? in->epoch : 0,
                                .created_s = k->now_s,
                                .expires_s = expires_s,
                                .bytes = in->bytes,
                                .sealed = { (uint8_t *)(uintptr_t)o->sealed.p,
                                            o->sealed.n } };
    struct tx_key key;

    memcpy(m.handset, t->handset, 16);
    memcpy(m.conversation, t->conversation.key, 16);
    (void)span_copy(m.account, sizeof m.account, span_str(t->account->name));
    (void)span_copy(m.mail_id, sizeof m.mail_id, span_str(in->mail_id));
    if (!tx_add(k, T_MESSAGE, in->message_id, 16, RECORD_MESSAGE, &m))
        return false; /* an id that was used before: front is not itself */
    key = tx_key_ids(t->handset, in->message_id);
    tx_mark(k, T_BY_HANDSET, key.b, key.n);
    key = tx_key_expiry(expires_s, 'M', in->message_id);
    tx_mark(k, T_BY_EXPIRY, key.b, key.n);
    if (in->form == FORM_INTERMEDIATE) {
        key = tx_key_epoch(in->epoch, 'M', in->message_id);
        tx_mark(k, T_BY_EPOCH, key.b, key.n);
    }
    put_parts(k, o);
    return true;
}

static enum ipc_verdict offer(struct keeper *k, void *arg)
{
    struct offer *o = arg;
    const struct ipc_offer *in = o->in;
    const uint64_t kept_s = k->now_s + k->config->retention_s;
    const uint64_t asked_s = in->expires_s > k->now_s ? in->expires_s : k->now_s + 1;
    const uint64_t expires_s =
        in->expires_s == 0 || asked_s > kept_s ? kept_s : asked_s;
    struct target t;
    struct handset_record h;
    enum ipc_verdict v = find_target(k, &in->to, in->account, in->sender, &t);

    if (v != IPC_OK)
        return v;
    memcpy(o->id, in->message_id, 16);
    if (in->submission_s > 0 &&
        tx_seen(k, "submission", in->submission, sizeof in->submission, o->id,
                in->submission_s < SUBMISSION_MAX_S ? in->submission_s
                                                    : SUBMISSION_MAX_S))
        return IPC_REPEATED;
    if (k->full)
        return IPC_FULL;
    keeper_handset(k, t.handset, t.msisdn, &h);
    if (!tx_ok(k))
        return IPC_TEMP;
    /* tx_refuse: a submission that is refused must not stay "seen" */
    if (optout_is(k, t.handset, &h, t.account->name))
        return tx_refuse(k, IPC_OPTED_OUT);
    if (!form_is_current(k, o, &h))
        return tx_refuse(k, IPC_STALE_EPOCH);
    if (!tx_count(k, "account-day", t.account->name, strlen(t.account->name), DAY_S,
                  t.account->daily_limit, false))
        return tx_refuse(k, IPC_LIMIT);
    if (!put_message(k, o, &t, expires_s))
        return tx_refuse(k, IPC_BAD_REQUEST);
    put_conversation(k, o, &t);
    report_remember(k, in->message_id, t.handset, t.account->name, &o->report,
                    expires_s);
    put_route(k, t.handset, in->number, t.conversation.key, &h);
    (void)span_copy(h.language, sizeof h.language, span_str(t.account->language));
    /* A machine that acknowledges an answer is shown, but not told of: a phone that
     * answers by itself would go on with it for ever. */
    if (in->to.is_alias == 0 || (in->flags & MESSAGE_AUTOMATIC) == 0)
        notice_want(k, t.handset, &h, expires_s);
    tx_put(k, T_HANDSET, t.handset, 16, RECORD_HANDSET, &h);
    return IPC_OK;
}

void intake_offer(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct offer o = { .in = f->fixed };
    struct ipc_offer_answer answer = { .verdict = IPC_BAD_REQUEST };

    if ((o.in->form == FORM_INTERMEDIATE || o.in->form == FORM_FINAL) &&
        take_offer(&o, f->tail))
        answer.verdict = tx_run(k, offer, &o);
    memcpy(answer.message_id, o.id, 16);
    ipc_send(ch, IPC_OFFER_ANSWER, f->call, &answer, span_of(NULL, 0));
}

static bool remove_part(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    (void)arg;
    tx_del(k, T_PART, key, n);
    return true;
}

void intake_remove(struct keeper *k, const uint8_t id[16],
                   const struct message_record *m)
{
    struct tx_key key = tx_key_ids(m->handset, id);

    tx_del(k, T_BY_HANDSET, key.b, key.n);
    key = tx_key_expiry(m->expires_s, 'M', id);
    tx_del(k, T_BY_EXPIRY, key.b, key.n);
    if (m->form == FORM_INTERMEDIATE) {
        key = tx_key_epoch(m->epoch, 'M', id);
        tx_del(k, T_BY_EPOCH, key.b, key.n);
    }
    if (m->parts > 0)
        tx_scan(k, T_PART, id, 16, NULL, 0, remove_part, NULL);
    report_forget(k, id);
    tx_del(k, T_MESSAGE, id, 16);
}
