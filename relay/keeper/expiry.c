/* SPDX-License-Identifier: ISC */
/* expiry.c - what ends by time: messages, registrations, notices, seen inputs, devices
 * on shared phones, epochs. Here:       the sweep in bounded batches; making and
 * destroying epoch keys. Elsewhere:  key files (keys.c), reports (report.c). Called by:
 * keeper.c every tick. Source:     seed 332 (retention); DESIGN 5.2 (an epoch dies with
 * its last message).
 */
#include "relay/keeper/keeper.h"
#include <time.h>

#define SWEEP_MAX 200U /* entries in one transaction: a long sweep must not stall */
#define EPOCH_GRACE_S 7200U /* fronts and handsets may still use yesterday's key */
#define EPOCHS_MAX 400U
#define CONVERSATION_EXTRA_S 864000U /* a reply on its way needs it, 5 d at most */

static void end_message(struct keeper *k, const uint8_t id[16])
{
    static const struct report_facts facts = { .text = { "SEALPOST/expired", 16 } };
    struct message_record m;

    if (!tx_get(k, T_MESSAGE, id, 16, RECORD_MESSAGE, &m))
        return;
    if (m.fetched_s == 0 && (m.flags & MESSAGE_UNDELIVERABLE) == 0)
        report_want(k, OUTBOX_EXPIRED, id, &m);
    if (m.fetched_s == 0)
        report_event(k, id, REPORT_FAILED, &facts, true);
    LOG(L_INFO, m.fetched_s == 0 ? "message.expired" : "message.retired",
        LOG_ID("msg", id));
    intake_remove(k, id, &m);
    record_clear(RECORD_MESSAGE, &m);
}

static void end_seen(struct keeper *k, const uint8_t id[16])
{
    tx_del(k, T_SEEN, id, 16);
}

static void end_registration(struct keeper *k, const uint8_t id[16])
{
    tx_del(k, T_REGISTRATION, id, 16);
}

static void end_notice(struct keeper *k, const uint8_t id[16])
{
    tx_del(k, T_NOTICE, id, 16);
}

static void end_report(struct keeper *k, const uint8_t id[16])
{
    report_forget(k, id);
}

static void end_handset_otp(struct keeper *k, const uint8_t id[16])
{
    tx_del(k, T_HANDSET_OTP, id, 16);
}

static void end_counter(struct keeper *k, const uint8_t id[16])
{
    struct counter_record c;

    if (tx_get(k, T_COUNTER, id, 16, RECORD_COUNTER, &c) && c.window_end_s <= k->now_s)
        tx_del(k, T_COUNTER, id, 16);
}

static bool end_route(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct route_record r;

    if (tx_get(k, T_ROUTE, key, n, RECORD_ROUTE, &r) &&
        memcmp(r.conversation, arg, 16) == 0)
        tx_del(k, T_ROUTE, key, n);
    return true;
}

/* A conversation lives as long as it is used; its entry is only a date to look again.
 */
static void end_conversation(struct keeper *k, const uint8_t id[16])
{
    const uint64_t keep_s = CONVERSATION_EXTRA_S + 2 * k->config->retention_s;
    struct conversation_record c;

    if (!tx_get(k, T_CONVERSATION, id, 16, RECORD_CONVERSATION, &c))
        return;
    if (c.used_s + keep_s > k->now_s) {
        const struct tx_key again = tx_key_expiry(c.used_s + keep_s, 'C', id);

        tx_mark(k, T_BY_EXPIRY, again.b, again.n);
    } else { /* its SMS may have been from several numbers in its time */
        uint8_t ended[16];

        memcpy(ended, id, 16);
        tx_scan(k, T_ROUTE, c.handset, 16, NULL, 0, end_route, ended);
        tx_del(k, T_CONVERSATION, id, 16);
    }
    record_clear(RECORD_CONVERSATION, &c);
}

static const struct {
    char kind;
    void (*end)(struct keeper *k, const uint8_t id[16]);
} ends[] = {
    { 'M', end_message }, { 'S', end_seen },        { 'R', end_registration },
    { 'N', end_notice },  { 'K', end_counter },     { 'C', end_conversation },
    { 'D', end_report },  { 'O', end_handset_otp }, { 'V', device_end_silent },
};

static bool sweep_one(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    size_t *left = arg;
    uint64_t expires_s = 0;

    for (int i = 0; i < 8; i++)
        expires_s = expires_s << 8 | key[i];
    if (expires_s > k->now_s)
        return false;
    tx_del(k, T_BY_EXPIRY, key, n);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends[i].kind == (char)key[8])
            ends[i].end(k, key + 9);
    (void)tx_forgive(k);
    return --*left > 0;
}

static enum ipc_verdict sweep(struct keeper *k, void *arg)
{
    tx_scan(k, T_BY_EXPIRY, NULL, 0, NULL, 0, sweep_one, arg);
    return IPC_OK;
}

void expiry_sweep(struct keeper *k)
{
    size_t left = SWEEP_MAX;

    (void)tx_run(k, sweep, &left);
}

void expiry_tell(struct keeper *k, struct ipc_channel *front)
{
    struct ipc_epoch told = { .day = k->epoch_day };
    const struct ipc_store_state state = { .full = k->full };
    struct ipc_push_key push;
    struct err e;

    if (jwe_key_point(&k->epoch, told.point, &e) == 0)
        ipc_send(front, IPC_EPOCH, 0, &told, span_of(NULL, 0));
    memcpy(push.point, vapid_point(k->vapid), sizeof push.point);
    ipc_send(front, IPC_PUSH_KEY, 0, &push, span_of(NULL, 0));
    ipc_send(front, IPC_STORE_STATE, 0, &state, span_of(NULL, 0));
}

static bool found(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    (void)k, (void)key, (void)n;
    *(bool *)arg = true;
    return false;
}

static int destroy_empty(struct keeper *k, struct err *e)
{
    const uint32_t young = keys_day(k->now_s - EPOCH_GRACE_S);
    uint32_t days[EPOCHS_MAX];
    size_t n = keys_epoch_list(k->keys, days, EPOCHS_MAX);

    for (size_t i = 0; i < n && i < EPOCHS_MAX && days[i] < young; i++) {
        const uint8_t prefix[4] = { (uint8_t)(days[i] >> 24), (uint8_t)(days[i] >> 16),
                                    (uint8_t)(days[i] >> 8), (uint8_t)days[i] };
        bool used = false;

        k->failure = IPC_OK;
        tx_scan(k, T_BY_EPOCH, prefix, sizeof prefix, NULL, 0, found, &used);
        if (used || !tx_ok(k))
            continue;
        /* What left this epoch must be on disk in its new form before the key goes. */
        if (store_flush(k->store) != STORE_OK)
            return err_set(e, ERR_TEMP, "4.3.0", "flush: %s", store_why(k->store));
        jwe_memo_clear(&k->opened);
        if (keys_epoch_destroy(k->keys, days[i], e) != 0)
            return err_wrap(e, "destroying epoch %u", days[i]);
        LOG(L_INFO, "epoch.destroyed", LOG_U64("day", days[i]));
    }
    return 0;
}

int expiry_epochs(struct keeper *k, struct err *e)
{
    const uint32_t today = keys_day(k->now_s);
    struct jwe_key key;

    if (today != k->epoch_day) {
        if (keys_epoch_make(k->keys, today, e) != 0 ||
            keys_epoch_public(k->keys, today, &key, e) != 0)
            return err_wrap(e, "epoch %u", today);
        jwe_key_clear(&k->epoch);
        k->epoch = key;
        k->epoch_day = today;
        LOG(L_INFO, "epoch.made", LOG_U64("day", today));
        for (size_t i = 0; i < PEERS_MAX; i++)
            if (k->peers[i] != NULL && k->peers[i] != k->courier)
                expiry_tell(k, k->peers[i]);
    }
    return destroy_empty(k, e);
}
