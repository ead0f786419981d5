/* SPDX-License-Identifier: ISC */
/* notice.c - the SMS that says a message waits: when, with which link, and only one for
 * several messages within a few minutes.
 * Here:       the rule and the link.
 * Elsewhere:  sending and trying again (outbox.c), the words (templates/sms), pushes
 *             (push.c).
 * Called by:  intake.c, outbox.c, inbound.c.
 * Source:     seed 308, 350, 416. */
#include "relay/encode.h"
#include "relay/keeper/keeper.h"

/* The first message is told of at once; later ones within the interval share one notice
 * at its end. */
static uint64_t soonest_s(const struct keeper *k, const struct handset_record *h)
{
    const uint64_t due_s = h->notice_last_s + k->config->notice_interval_s;

    return due_s < k->now_s || h->notice_last_s == 0 ? k->now_s : due_s;
}

/* One that was tried has another place by now: it is on its way. */
static void bring_forward(struct keeper *k, struct handset_record *h, uint64_t due_s)
{
    const struct tx_key key = tx_key_outbox(LANE_SMS, h->notice_due_s, h->notice_job);
    struct outbox_record o;

    if (h->notice_due_s <= due_s ||
        !tx_get(k, T_OUTBOX, key.b, key.n, RECORD_OUTBOX, &o))
        return;
    outbox_move(k, &key, due_s, &o);
    h->notice_due_s = due_s;
    record_clear(RECORD_OUTBOX, &o);
}

/* A notice in the outbox covers everything that comes before it. */
static void see_to_it(struct keeper *k, const uint8_t handset[16],
                      struct handset_record *h, uint64_t due_s, uint64_t expires_s)
{
    struct outbox_record o = { .kind = OUTBOX_NOTICE, .expires_s = expires_s };

    if (h->notice_due_s != 0) {
        bring_forward(k, h, due_s);
        return;
    }
    memcpy(o.handset, handset, 16);
    keeper_random(o.subject_id, sizeof o.subject_id);
    outbox_add(k, LANE_SMS, due_s, &o, h->notice_job);
    h->notice_due_s = due_s;
}

/* The SMS stands in the outbox from the beginning, whatever becomes of the push. What
 * would be over before its turn, or soon after, does not wait. */
void notice_want(struct keeper *k, const uint8_t handset[16], struct handset_record *h,
                 uint64_t expires_s)
{
    const uint64_t wait_s = k->config->push_wait_s;
    uint64_t due_s = soonest_s(k, h);

    h->pushed = push_want(k, handset, h) && expires_s > k->now_s + 2 * wait_s;
    if (h->pushed != 0 && due_s < k->now_s + wait_s)
        due_s = k->now_s + wait_s;
    see_to_it(k, handset, h, due_s, expires_s);
}

/* While a sender is stopped its messages are not spoken of; START brings them. */
static bool is_waiting(struct keeper *k, const struct message_record *m,
                       const struct handset_record *h)
{
    return m->fetched_s == 0 && m->notified_s == 0 &&
           !optout_is(k, m->handset, h, m->account);
}

struct waiting {
    const struct handset_record *h;
    bool any;
    uint64_t oldest_s, newest_s; /* when they came */
    char account[64];            /* of the newest */
    uint8_t conversation[16];
    bool tell; /* somebody wants to know when the notice is at the SMSC */
};

static bool wants_notified(struct keeper *k, const uint8_t message[16])
{
    struct report_record r;
    bool wants;

    if (!tx_get(k, T_REPORT, message, 16, RECORD_REPORT, &r))
        return false;
    wants = (r.mask & REPORT_AT_SMSC) != 0;
    record_clear(RECORD_REPORT, &r);
    return wants;
}

static bool look_waiting(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct waiting *w = arg;
    struct message_record m;

    (void)n;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    if (m.expires_s > k->now_s && is_waiting(k, &m, w->h)) {
        w->oldest_s = w->any ? w->oldest_s : m.created_s;
        w->newest_s = m.created_s;
        w->any = true;
        w->tell = w->tell || wants_notified(k, key + 16);
        memcpy(w->account, m.account, sizeof w->account);
        memcpy(w->conversation, m.conversation, 16);
    }
    record_clear(RECORD_MESSAGE, &m);
    return true;
}

/* The same token at each try: a notice that cannot leave for days leaves one record. */
static void make_token(struct keeper *k, const struct outbox_record *o, char *text)
{
    uint8_t token[32], name[STORE_BLIND_BYTES];
    struct notice_record n = { .expires_s = o->expires_s };
    struct tx_key e;

    store_mac(k->store, "notice-token", o->subject_id, sizeof o->subject_id, token);
    store_blind(k->store, "notice", token, NOTICE_TOKEN_BYTES, name);
    memcpy(n.handset, o->handset, 16);
    tx_put(k, T_NOTICE, name, sizeof name, RECORD_NOTICE, &n);
    e = tx_key_expiry(n.expires_s, 'N', name);
    tx_mark(k, T_BY_EXPIRY, e.b, e.n);
    (void)b32_text(text, token, NOTICE_TOKEN_BYTES);
}

void notice_origin(struct keeper *k, const uint8_t conversation[16], struct sms *sms)
{
    const struct config_account *account;
    struct conversation_record c;

    if (!tx_get(k, T_CONVERSATION, conversation, 16, RECORD_CONVERSATION, &c))
        return;
    memcpy(sms->from, c.number, sizeof sms->from);
    account = config_account(k->config, c.account);
    record_clear(RECORD_CONVERSATION, &c);
    if (account == NULL)
        return;
    if (account->forced_smsc != NULL)
        (void)span_copy(sms->smsc, sizeof sms->smsc, span_str(account->forced_smsc));
    else if (account->default_smsc != NULL)
        (void)span_copy(sms->smsc, sizeof sms->smsc, span_str(account->default_smsc));
    (void)span_copy(sms->service, sizeof sms->service, span_str(account->username));
}

bool notice_render(struct keeper *k, const struct outbox_record *o,
                   const struct handset_record *h, struct sms *sms, uint32_t *dlr_mask,
                   struct buf *text)
{
    struct waiting w = { .h = h };
    const struct config_account *account;
    char token[B32_LEN(NOTICE_TOKEN_BYTES) + 1];
    struct template_value values[2];
    struct buf link;
    struct err e;
    int rc;

    tx_scan(k, T_BY_HANDSET, o->handset, 16, NULL, 0, look_waiting, &w);
    if (!w.any)
        return false;
    account = config_account(k->config, w.account);
    notice_origin(k, w.conversation, sms);
    if (w.tell)
        *dlr_mask |= REPORT_AT_SMSC;
    make_token(k, o, token);
    buf_init(&link, 512);
    buf_printf(&link, "%s/m/%s", k->config->public_url, token);
    values[0] =
        (struct template_value){ "brand",
                                 span_str(config_shown_name(k->config, account)) };
    values[1] = (struct template_value){ "link", buf_span(&link) };
    rc = template_render(k->templates, TEMPLATE_SMS_NOTICE, h->language, values, 2,
                         text, &e);
    buf_clear(&link);
    if (rc != 0)
        LOG(L_ERROR, "notice.not-rendered", LOG_WHY(&e));
    return rc == 0;
}

struct told {
    const struct handset_record *h;
    uint64_t handed_s; /* when the SMS left: it cannot speak of what came later */
    bool missed;
};

static bool mark_notified(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct told *told = arg;
    struct message_record m;

    (void)n;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    if (!is_waiting(k, &m, told->h)) {
        /* said before, or not spoken of */
    } else if (m.created_s > told->handed_s) {
        told->missed = true;
    } else {
        m.notified_s = k->now_s;
        tx_put(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m);
        LOG(L_INFO, "message.notified", LOG_ID("msg", key + 16));
    }
    record_clear(RECORD_MESSAGE, &m);
    return true;
}

void notice_sent(struct keeper *k, const struct outbox_record *o, uint64_t handed_s)
{
    struct handset_record h;
    struct told told = { .h = &h, .handed_s = handed_s };

    if (!tx_get(k, T_HANDSET, o->handset, 16, RECORD_HANDSET, &h))
        return;
    tx_scan(k, T_BY_HANDSET, o->handset, 16, NULL, 0, mark_notified, &told);
    h.notice_due_s = 0;
    h.notice_last_s = k->now_s;
    if (told.missed)
        see_to_it(k, o->handset, &h, soonest_s(k, &h),
                  k->now_s + k->config->retention_s);
    tx_put(k, T_HANDSET, o->handset, 16, RECORD_HANDSET, &h);
}

bool notice_is_needed(struct keeper *k, const uint8_t handset[16])
{
    struct handset_record h;
    struct waiting w = { .h = &h };

    if (!tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h))
        return false;
    tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, look_waiting, &w);
    record_clear(RECORD_HANDSET, &h);
    return w.any;
}

/* The oldest message counts: it must not wait longer because newer ones came. A clock
 * that was set back keeps no SMS. */
bool notice_later(struct keeper *k, const struct outbox_record *o, uint64_t *until_s)
{
    struct handset_record h;
    struct waiting w = { .h = &h };
    bool later = false;

    if (o->attempts > 0 || !tx_get(k, T_HANDSET, o->handset, 16, RECORD_HANDSET, &h))
        return false;
    if (h.pushed != 0)
        tx_scan(k, T_BY_HANDSET, o->handset, 16, NULL, 0, look_waiting, &w);
    *until_s = w.oldest_s + k->config->push_wait_s;
    if (w.any && w.oldest_s <= k->now_s && *until_s > k->now_s) {
        later = true;
        h.notice_due_s = *until_s;
        tx_put(k, T_HANDSET, o->handset, 16, RECORD_HANDSET, &h);
    }
    record_clear(RECORD_HANDSET, &h);
    return later;
}

void notice_unpushed(struct keeper *k, const uint8_t handset[16])
{
    struct handset_record h;
    struct waiting w = { .h = &h };

    if (!tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h))
        return;
    if (h.pushed != 0 && h.notice_due_s > k->now_s)
        tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, look_waiting, &w);
    if (w.any && !push_covers(k, &h, w.newest_s)) {
        h.pushed = 0;
        bring_forward(k, &h, soonest_s(k, &h));
        tx_put(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
    }
    record_clear(RECORD_HANDSET, &h);
}

void notice_dropped(struct keeper *k, const uint8_t handset[16])
{
    struct handset_record h;

    if (!tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h))
        return;
    h.notice_due_s = 0;
    tx_put(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
}

static bool report_one(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    static const struct report_facts facts = { .text = { "SEALPOST/undeliverable",
                                                         22 } };
    struct message_record m;

    (void)n;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    if (m.fetched_s == 0 && (m.flags & MESSAGE_UNDELIVERABLE) == 0) {
        m.flags |= MESSAGE_UNDELIVERABLE;
        tx_put(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m);
        report_want(k, OUTBOX_UNDELIVERABLE, key + 16, &m);
        report_event(k, key + 16, *(const uint32_t *)arg, &facts, false);
        LOG(L_INFO, "message.undeliverable", LOG_ID("msg", key + 16));
    }
    record_clear(RECORD_MESSAGE, &m);
    return true;
}

void notice_again(struct keeper *k, const uint8_t handset[16])
{
    struct handset_record h;

    if (!tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h))
        return;
    h.notice_due_s = 0;
    see_to_it(k, handset, &h, soonest_s(k, &h), k->now_s + k->config->retention_s);
    tx_put(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
}

/* The messages stay until they expire: the number may still come by the web. */
void notice_undeliverable(struct keeper *k, const uint8_t handset[16], uint32_t event)
{
    tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, report_one, &event);
}
