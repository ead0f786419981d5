/* SPDX-License-Identifier: ISC */
/* inbound_words.c - what STOP, START, HELP and WRONG do.
 * Here:       for which account, what changes, and the one SMS that says so.
 * Elsewhere:  which word it is (keyword.c), who wants nothing from whom (optout.c), the
 *             texts (templates/sms), reports to senders (report*.c).
 * Called by:  inbound.c.
 *
 * Two machines that answer each other must come to rest: a word that changes nothing is
 * not answered, help is told once an hour, and nobody gets more than ANSWERS_MAX. */
#include "relay/keeper/inbound.h"

#define HOUR_S 3600U
#define ANSWERS_MAX 10U     /* an hour, to one handset */
#define WITHDRAWN_MAX 1000U /* of one handset at once; the rest expires unread */

static void answer(struct keeper *k, const struct mo *mo, enum outbox_kind kind,
                   bool one_account)
{
    struct outbox_record o = { .kind = (uint8_t)kind, .expires_s = k->now_s + HOUR_S };
    uint8_t job[16];

    if (!tx_count(k, "answers", mo->handset, 16, HOUR_S, ANSWERS_MAX, false))
        return;
    memcpy(o.handset, mo->handset, 16);
    if (one_account)
        memcpy(o.conversation, mo->conversation, 16);
    outbox_add(k, LANE_SMS, k->now_s, &o, job);
}

static const char *name_of(const char *account)
{
    return account == NULL ? "*" : account;
}

static void word_stop(struct keeper *k, struct mo *mo, const char *account)
{
    const bool from_nobody = mo->h.opted_out != 0;

    if (optout_set(k, mo->handset, &mo->h, account, true) && !from_nobody)
        answer(k, mo, OUTBOX_STOPPED, account != NULL);
    LOG(L_INFO, "handset.opted-out", LOG_MSISDN("handset", mo->msisdn),
        LOG_STR("account", name_of(account)));
}

/* Who knows no account any more must be able to come back all the same. */
static void word_start(struct keeper *k, struct mo *mo, const char *account)
{
    const struct config *const c = k->config;
    bool changed;

    /* STOP ALL was said, and one is wanted again: the others stay stopped. */
    for (size_t i = 0; account != NULL && mo->h.opted_out != 0 && i < c->account_count;
         i++)
        (void)optout_set(k, mo->handset, &mo->h, c->accounts[i].name, true);
    changed = optout_set(k, mo->handset, &mo->h, NULL, false);
    if (account == NULL)
        changed |= optout_end(k, mo->handset);
    else
        changed |= optout_set(k, mo->handset, &mo->h, account, false);
    if (changed) {
        answer(k, mo, OUTBOX_STARTED, account != NULL);
        notice_want(k, mo->handset, &mo->h, k->now_s + k->config->retention_s);
    }
    LOG(L_INFO, "handset.opted-in", LOG_MSISDN("handset", mo->msisdn),
        LOG_STR("account", name_of(account)));
}

static void word_help(struct keeper *k, struct mo *mo, const char *account)
{
    uint8_t none[16] = { 0 };

    if (!tx_seen(k, "help", mo->handset, 16, none, HOUR_S))
        answer(k, mo, OUTBOX_HELP, mo->meant);
    LOG(L_INFO, "handset.asked-help", LOG_MSISDN("handset", mo->msisdn),
        LOG_STR("account", name_of(account)));
}

struct withdrawal {
    struct mo *mo;
    const char *account; /* NULL: whoever sent it */
    bool stop_each;
    size_t count;
};

static bool withdraw_one(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    static const struct report_facts facts = { .text = { "SEALPOST/wrong-number",
                                                         21 } };
    struct withdrawal *w = arg;
    const uint8_t *const id = key + 16;
    struct message_record m;

    (void)n;
    if (!tx_get(k, T_MESSAGE, id, 16, RECORD_MESSAGE, &m))
        return true;
    if (m.fetched_s == 0 &&
        (w->account == NULL || strcmp(w->account, m.account) == 0)) {
        if (w->stop_each)
            (void)optout_set(k, w->mo->handset, &w->mo->h, m.account, true);
        report_want(k, OUTBOX_WRONG_NUMBER, id, &m);
        report_event(k, id, REPORT_FAILED, &facts, true);
        intake_remove(k, id, &m);
        w->count++;
        LOG(L_INFO, "message.withdrawn", LOG_ID("msg", id));
    }
    record_clear(RECORD_MESSAGE, &m);
    return w->count < WITHDRAWN_MAX;
}

/* The SMS that told of a device asked for this word if it is a stranger's. */
static size_t disown_devices(struct keeper *k, struct handset_record *h)
{
    size_t disowned = 0;

    for (size_t i = 0; i < h->device_count;) {
        struct device_record d;
        bool doubtful = false;

        if (tx_get(k, T_DEVICE, h->devices[i], 16, RECORD_DEVICE, &d)) {
            doubtful = device_is_doubtful(k, &d);
            record_clear(RECORD_DEVICE, &d);
        }
        if (!doubtful) {
            i++;
            continue;
        }
        device_remove(k, h, i);
        disowned++;
    }
    return disowned;
}

static bool has_reader(struct keeper *k, const struct handset_record *h,
                       const struct message_record *m)
{
    const struct span sealed = span_of(m->sealed.p, m->sealed.n);
    bool has = m->form != FORM_FINAL;

    for (size_t i = 0; i < h->device_count && !has; i++) {
        struct device_record d;

        if (!tx_get(k, T_DEVICE, h->devices[i], 16, RECORD_DEVICE, &d))
            continue;
        has = jwe_has_recipient(sealed, d.kid);
        record_clear(RECORD_DEVICE, &d);
    }
    return has;
}

/* What was sealed to the disowned device alone nobody can open any more: its sender is
 * told, also when the stranger has read it. */
static bool end_unreadable(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    static const struct report_facts facts = { .text = { "SEALPOST/disowned", 17 } };
    struct message_record m;

    (void)n;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    if (!has_reader(k, arg, &m)) {
        LOG(L_WARN, "message.withdrawn", LOG_ID("msg", key + 16),
            LOG_STR("why", m.fetched_s != 0 ? "a device that was disowned has read it"
                                            : "only a device that was disowned could "
                                              "read it"));
        report_want(k, OUTBOX_UNDELIVERABLE, key + 16, &m);
        report_event(k, key + 16, REPORT_FAILED, &facts, true);
        intake_remove(k, key + 16, &m);
    }
    record_clear(RECORD_MESSAGE, &m);
    return true;
}

/* Where no account is meant, those that have a message here are; where none has, all.
 * While there is a device that its SMS may have been forged for, the word is about
 * that: the owner of the number loses no message by disowning it. */
static void word_wrong(struct keeper *k, struct mo *mo, const char *account, bool all)
{
    struct withdrawal w = { .mo = mo,
                            .account = account,
                            .stop_each = account == NULL && !all };
    const size_t disowned = disown_devices(k, &mo->h);
    bool changed = false;

    if (disowned > 0) {
        tx_scan(k, T_BY_HANDSET, mo->handset, 16, NULL, 0, end_unreadable, &mo->h);
        answer(k, mo, OUTBOX_REMOVED, false);
        LOG(L_WARN, "handset.disowned-device", LOG_MSISDN("handset", mo->msisdn),
            LOG_U64("devices", disowned),
            LOG_STR("do", "see whether somebody forges the sender of SMS"));
        return;
    }
    tx_scan(k, T_BY_HANDSET, mo->handset, 16, NULL, 0, withdraw_one, &w);
    if (!w.stop_each || w.count == 0)
        changed = optout_set(k, mo->handset, &mo->h, account, true);
    if (changed || w.count > 0)
        answer(k, mo, OUTBOX_WRONG, account != NULL);
    LOG(L_INFO, "handset.wrong-number", LOG_MSISDN("handset", mo->msisdn),
        LOG_STR("account", name_of(account)), LOG_U64("withdrawn", w.count));
}

enum ipc_verdict inbound_word(struct keeper *k, struct mo *mo, enum keyword word,
                              bool all)
{
    const char *const account = mo->meant && !all ? mo->c.account : NULL;

    if (!mo->known && (word == KEYWORD_START || word == KEYWORD_WRONG))
        return inbound_dropped(mo, "nothing was ever sent to this number");
    switch (word) {
    case KEYWORD_STOP:
        word_stop(k, mo, account);
        break;
    case KEYWORD_START:
        word_start(k, mo, account);
        break;
    case KEYWORD_HELP:
        word_help(k, mo, account);
        break;
    default:
        word_wrong(k, mo, account, all);
        break;
    }
    tx_put(k, T_HANDSET, mo->handset, 16, RECORD_HANDSET, &mo->h);
    return IPC_OK;
}
