/* SPDX-License-Identifier: ISC */
/* keeper.c - the process that holds store and keys: one writer, no network.
 * Here:       start, channels, the turn: take all requests that are readable, flush the
 *             log once, then let the answers go.
 * Elsewhere:  what each request does (see keeper.h).
 * Called by:  sealpostd.c. Being killed is a normal way to stop. */
#include "relay/keeper/keeper.h"
#include "relay/process.h"
#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define SECURE_HEAP_BYTES (1U << 20)
#define TICK_S 1
/* libevent runs a level only when nothing of a lower number is active: requests first.
 */
#define LEVEL_REQUESTS 0
#define LEVEL_TURN_END 1
#define LEVELS 2

typedef void handler(struct keeper *k, struct ipc_channel *ch,
                     const struct ipc_frame *f);

static handler *const handlers[IPC_TYPE_COUNT] = {
    [IPC_RECIPIENT_ASK] = intake_ask,
    [IPC_OFFER] = intake_offer,
    [IPC_PLAIN] = plain_submit,
    [IPC_NOTICE_ASK] = notice_info,
    [IPC_REG_START] = registration_start,
    [IPC_REG_OTP] = registration_otp,
    [IPC_REG_DEVICE] = registration_device,
    [IPC_DEVICE_CALL] = device_call,
    [IPC_JOB_DONE] = outbox_done,
    [IPC_LINK] = outbox_link,
    [IPC_MO] = inbound_mo,
    [IPC_DLR] = dlr_take,
};

void keeper_random(void *to, size_t n)
{
    if (RAND_bytes(to, (int)n) != 1)
        abort(); /* without randomness nothing here is safe */
}

void keeper_id(struct keeper *k, uint8_t id[16])
{
    struct timespec ts;
    uint64_t ms;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
    if (ms > k->id_ms) { /* a clock set back keeps the old time: ids never descend */
        k->id_ms = ms;
        k->id_count = 0;
    }
    k->id_count++;
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(k->id_ms >> (8 * (5 - i)));
    for (int i = 0; i < 4; i++)
        id[6 + i] = (uint8_t)(k->id_count >> (8 * (3 - i)));
    keeper_random(id + 10, 6);
}

void keeper_handset_id(const struct keeper *k, const char *msisdn, uint8_t id[16])
{
    store_blind(k->store, "msisdn", msisdn, strlen(msisdn), id);
}

void keeper_handset(struct keeper *k, const uint8_t id[16], const char *msisdn,
                    struct handset_record *h)
{
    if (tx_get(k, T_HANDSET, id, 16, RECORD_HANDSET, h))
        return;
    *h = (struct handset_record){ 0 };
    (void)span_copy(h->msisdn, sizeof h->msisdn, span_str(msisdn));
}

static void turn_begin(struct keeper *k)
{
    const time_t now = time(NULL);

    k->now_s = now < 0 ? 0 : (uint64_t)now;
    event_active(k->on_turn_end, EV_TIMEOUT, 0);
}

/* No answer leaves before the log is on disk. When the flush fails, what was committed
 * in this turn is uncertain: die without answering; recovery decides, repeats are
 * harmless. */
static void turn_end(evutil_socket_t fd, short what, void *ctx)
{
    struct keeper *k = ctx;

    (void)fd, (void)what;
    if (k->pump_wanted)
        outbox_pump(k);
    if (k->dirty && store_flush(k->store) != STORE_OK) {
        LOG(L_ERROR, "store.not-flushed", LOG_STR("why", store_why(k->store)));
        _exit(EX_TEMPFAIL);
    }
    k->dirty = false;
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (k->peers[i] != NULL)
            ipc_release(k->peers[i]);
}

static void hold_all(struct keeper *k)
{
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (k->peers[i] != NULL)
            ipc_hold(k->peers[i]);
}

static void peer_frame(void *ctx, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct keeper *k = ctx;

    turn_begin(k);
    hold_all(k);
    handlers[f->type](k, ch, f); /* the channel let only types for a keeper through */
}

static void peer_end(void *ctx, struct ipc_channel *ch, const char *why)
{
    struct keeper *k = ctx;

    LOG(why == NULL ? L_INFO : L_ERROR, why == NULL ? "peer.lost" : "peer.cut-off",
        LOG_STR("peer", ch == k->courier ? "courier" : "front"),
        LOG_STR("why", why == NULL ? "closed" : why));
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (k->peers[i] == ch)
            k->peers[i] = NULL;
    if (ch == k->courier) {
        k->courier = NULL;
        turn_begin(k);
        outbox_courier_lost(k);
    }
    ipc_channel_free(ch);
}

static void new_peer(struct keeper *k, enum ipc_role role, int fd)
{
    struct ipc_channel *ch;

    if (role == IPC_COURIER && k->courier != NULL) /* its end is not read yet */
        peer_end(k, k->courier, NULL);
    for (size_t i = 0; i < PEERS_MAX; i++) {
        if (k->peers[i] != NULL)
            continue;
        ch = ipc_channel_new(k->base, fd, IPC_KEEPER, role, peer_frame, peer_end, k);
        if (ch == NULL)
            abort();
        k->peers[i] = ch;
        if (role == IPC_FRONT)
            expiry_tell(k, ch);
        else
            k->courier = ch;
        return;
    }
    LOG(L_ERROR, "peer.refused", LOG_STR("why", "too many processes"));
    (void)close(fd);
}

static void parent_packet(evutil_socket_t fd, short what, void *ctx)
{
    struct keeper *k = ctx;
    struct ipc_peer peer;
    enum ipc_type type;
    int passed;

    (void)what;
    switch (ipc_packet_take(fd, IPC_PARENT, IPC_KEEPER, &type, &peer, sizeof peer,
                            &passed)) {
    case 1:
        if (passed >= 0 && (peer.role == IPC_FRONT || peer.role == IPC_COURIER))
            new_peer(k, (enum ipc_role)peer.role, passed);
        else if (passed >= 0)
            (void)close(passed);
        break;
    case 0:
        (void)event_base_loopbreak(k->base);
        break;
    default:
        break;
    }
}

static void check_space(struct keeper *k)
{
    const bool full = store_space(k->store) < k->config->reserve;

    if (full == k->full)
        return;
    k->full = full;
    LOG(full ? L_WARN : L_INFO, full ? "store.full" : "store.space",
        LOG_U64("free_bytes", store_space(k->store)));
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (k->peers[i] != NULL && k->peers[i] != k->courier)
            expiry_tell(k, k->peers[i]);
}

static void tick(evutil_socket_t fd, short what, void *ctx)
{
    struct keeper *k = ctx;
    struct err e;

    (void)fd, (void)what;
    turn_begin(k);
    hold_all(k);
    check_space(k);
    if (expiry_epochs(k, &e) != 0)
        LOG(L_ERROR, "epoch.failed", LOG_WHY(&e));
    expiry_sweep(k);
    k->pump_wanted = true;
}

static void on_term(evutil_socket_t fd, short what, void *ctx)
{
    struct keeper *k = ctx;

    (void)fd, (void)what;
    (void)event_base_loopbreak(k->base);
}

static int open_store(struct keeper *k, struct err *e)
{
    const struct store_options options = { k->config->store, k->config->store_cache,
                                           k->config->reserve };
    uint8_t key[STORE_KEY_BYTES];
    char why[STORE_WHY_MAX];
    enum store_status status;

    if (keys_open(&k->keys, k->config->keys, k->config->master_key_file, e) != 0)
        return err_wrap(e, "keys");
    keys_store_key(k->keys, key);
    status = store_open(&k->store, &options, key, why);
    OPENSSL_cleanse(key, sizeof key);
    if (status != STORE_OK)
        return err_set(e, ERR_PERM, "5.3.5", "store %s: %s", k->config->store, why);
    return 0;
}

static int open_loop(struct keeper *k, const struct process *p)
{
    const struct timeval every = { TICK_S, 0 };

    k->base = event_base_new();
    if (k->base == NULL || event_base_priority_init(k->base, LEVELS) != 0)
        return -1;
    k->on_parent =
        event_new(k->base, p->parent_fd, EV_READ | EV_PERSIST, parent_packet, k);
    k->on_term = evsignal_new(k->base, SIGTERM, on_term, k);
    k->on_tick = event_new(k->base, -1, EV_PERSIST, tick, k);
    k->on_turn_end = event_new(k->base, -1, 0, turn_end, k);
    if (k->on_parent == NULL || k->on_term == NULL || k->on_tick == NULL ||
        k->on_turn_end == NULL)
        return -1;
    (void)event_priority_set(k->on_parent, LEVEL_REQUESTS);
    (void)event_priority_set(k->on_turn_end, LEVEL_TURN_END);
    return event_add(k->on_parent, NULL) | event_add(k->on_term, NULL) |
           event_add(k->on_tick, &every);
}

static int start(struct keeper *k, struct err *e)
{
    (void)CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, 32);
    if (jwe_start(e) != 0 || open_store(k, e) != 0)
        return -1;
    k->vapid = vapid_new(k->keys, e);
    if (k->vapid == NULL)
        return -1;
    k->proofs = proofs_new();
    k->now_s = (uint64_t)time(NULL);
    k->full = store_space(k->store) < k->config->reserve;
    outbox_recover(k);
    return expiry_epochs(k, e);
}

int keeper_main(const struct process *p)
{
    static struct keeper keeper;
    const struct ipc_ready ready = { (uint32_t)getpid() };
    struct err e;

    keeper.config = p->config;
    keeper.templates = p->templates;
    msisdn_start();
    if (start(&keeper, &e) != 0) {
        LOG(L_ERROR, "process.failed", LOG_WHY(&e));
        return EX_CONFIG;
    }
    if (open_loop(&keeper, p) != 0 ||
        ipc_packet_send(p->parent_fd, IPC_KEEPER_READY, &ready, -1) != 0)
        return EX_OSERR;
    (void)event_base_dispatch(keeper.base);
    turn_end(-1, 0, &keeper);
    store_close(keeper.store);
    proofs_free(keeper.proofs);
    vapid_free(keeper.vapid);
    jwe_key_clear(&keeper.epoch);
    keys_close(keeper.keys);
    return EX_OK;
}
