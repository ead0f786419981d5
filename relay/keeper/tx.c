/* SPDX-License-Identifier: ISC */
/* tx.c - the keeper's view of the store: records, index keys, counters, seen inputs.
 * Here:       the sticky failure, composite keys.
 * Elsewhere:  bytes on disk (bdb/), what the records mean (the keeper's other files).
 * Called by:  every file of the keeper. */
#include "relay/keeper/tx.h"
#include "relay/keeper/keeper.h"
#include <assert.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

bool tx_check(struct keeper *k, enum store_status status)
{
    if (status == STORE_OK)
        return true;
    LOG(status == STORE_FULL ? L_WARN : L_ERROR, "store.failed",
        LOG_STR("why", store_why(k->store)));
    if (status == STORE_DEAD) /* recovery at the next start; nothing flushed is lost */
        _exit(EX_TEMPFAIL);
    if (k->failure == IPC_OK) {
        k->failure = status == STORE_FULL ? IPC_FULL : IPC_TEMP;
        k->corrupt = status == STORE_CORRUPT;
    }
    return false;
}

bool tx_forgive(struct keeper *k)
{
    if (k->failure == IPC_OK || !k->corrupt)
        return false;
    k->failure = IPC_OK;
    k->corrupt = false;
    return true;
}

bool tx_ok(const struct keeper *k)
{
    return k->failure == IPC_OK;
}

enum ipc_verdict tx_refuse(struct keeper *k, enum ipc_verdict v)
{
    if (k->failure == IPC_OK)
        k->failure = v;
    return v;
}

enum ipc_verdict tx_run(struct keeper *k, tx_handler *handler, void *arg)
{
    enum ipc_verdict v;

    assert(!k->in_tx);
    k->failure = IPC_OK;
    k->corrupt = false;
    if (!tx_check(k, store_begin(k->store)))
        return k->failure;
    k->in_tx = true;
    v = handler(k, arg);
    if (!tx_ok(k) || v == IPC_TEMP || v == IPC_FULL) {
        store_abort(k->store);
        v = tx_ok(k) ? v : k->failure;
    } else if (!tx_check(k, store_commit(k->store))) {
        v = k->failure;
    } else {
        k->dirty = true;
    }
    k->in_tx = false;
    return v;
}

static bool unpack(struct keeper *k, enum record_kind kind, struct store_bytes *bytes,
                   void *record)
{
    const bool ok = record_unpack(kind, bytes, record);

    store_bytes_clear(bytes);
    return ok || tx_check(k, STORE_CORRUPT);
}

bool tx_get(struct keeper *k, enum store_table table, const void *key, size_t key_bytes,
            enum record_kind kind, void *record)
{
    struct store_bytes bytes = { 0 };
    enum store_status status;

    if (!tx_ok(k))
        return false;
    status = store_get(k->store, table, key, key_bytes, &bytes);
    if (status == STORE_ABSENT || !tx_check(k, status))
        return false;
    return unpack(k, kind, &bytes, record);
}

static bool write_record(struct keeper *k, enum store_table table, const void *key,
                         size_t key_bytes, enum record_kind kind, const void *record,
                         enum store_status (*write)(struct store *, enum store_table,
                                                    const void *, size_t, const void *,
                                                    size_t))
{
    struct store_bytes bytes = { 0 };
    enum store_status status = STORE_INVALID;

    if (!tx_ok(k))
        return true;
    if (record_pack(kind, record, &bytes))
        status = write(k->store, table, key, key_bytes, bytes.p, bytes.n);
    store_bytes_clear(&bytes);
    if (status == STORE_EXISTS)
        return false;
    (void)tx_check(k, status);
    return true;
}

void tx_put(struct keeper *k, enum store_table table, const void *key, size_t key_bytes,
            enum record_kind kind, const void *record)
{
    (void)write_record(k, table, key, key_bytes, kind, record, store_put);
}

bool tx_add(struct keeper *k, enum store_table table, const void *key, size_t key_bytes,
            enum record_kind kind, const void *record)
{
    return write_record(k, table, key, key_bytes, kind, record, store_add);
}

void tx_del(struct keeper *k, enum store_table table, const void *key, size_t key_bytes)
{
    if (tx_ok(k)) {
        const enum store_status s = store_del(k->store, table, key, key_bytes);

        if (s != STORE_ABSENT)
            (void)tx_check(k, s);
    }
}

void tx_mark(struct keeper *k, enum store_table table, const void *key,
             size_t key_bytes)
{
    if (tx_ok(k))
        (void)tx_check(k, store_put(k->store, table, key, key_bytes, NULL, 0));
}

bool tx_has(struct keeper *k, enum store_table table, const void *key, size_t key_bytes)
{
    const enum store_status s =
        tx_ok(k) ? store_has(k->store, table, key, key_bytes) : STORE_ABSENT;

    return s != STORE_ABSENT && tx_check(k, s);
}

void tx_scan(struct keeper *k, enum store_table table, const void *prefix,
             size_t prefix_bytes, const void *from, size_t from_bytes, tx_each *each,
             void *arg)
{
    struct store_cursor *c;
    const uint8_t *key;
    uint8_t copy[STORE_KEY_MAX];
    size_t n;
    enum store_status s;

    if (!tx_ok(k) || !tx_check(k, store_scan(k->store, table, prefix, prefix_bytes,
                                             from, from_bytes, &c)))
        return;
    while ((s = store_scan_next(c, &key, &n, NULL)) == STORE_OK) {
        memcpy(copy, key, n);
        if (!each(k, copy, n, arg) || !tx_ok(k))
            break;
    }
    store_scan_end(c);
    if (s != STORE_ABSENT)
        (void)tx_check(k, s);
}

static void key_mem(struct tx_key *key, const void *p, size_t n)
{
    memcpy(key->b + key->n, p, n);
    key->n += n;
}

static void key_be(struct tx_key *key, uint64_t v, unsigned bytes)
{
    while (bytes-- > 0)
        key->b[key->n++] = (uint8_t)(v >> (8 * bytes));
}

struct tx_key tx_key_ids(const uint8_t a[16], const uint8_t b[16])
{
    struct tx_key key = { .n = 0 };

    key_mem(&key, a, 16);
    key_mem(&key, b, 16);
    return key;
}

struct tx_key tx_key_expiry(uint64_t expires_s, char kind, const uint8_t id[16])
{
    struct tx_key key = { .n = 0 };

    key_be(&key, expires_s, 8);
    key_mem(&key, &kind, 1);
    key_mem(&key, id, 16);
    return key;
}

struct tx_key tx_key_epoch(uint32_t day, char kind, const uint8_t id[16])
{
    struct tx_key key = { .n = 0 };

    key_be(&key, day, 4);
    key_mem(&key, &kind, 1);
    key_mem(&key, id, 16);
    return key;
}

struct tx_key tx_key_outbox(uint8_t lane, uint64_t due_s, const uint8_t job[16])
{
    struct tx_key key = { .n = 0 };

    key_be(&key, lane, 1);
    key_be(&key, due_s, 8);
    key_mem(&key, job, 16);
    return key;
}

struct tx_key tx_key_part(const uint8_t message[16], uint16_t part, uint32_t chunk)
{
    struct tx_key key = { .n = 0 };

    key_mem(&key, message, 16);
    key_be(&key, part, 2);
    key_be(&key, chunk, 4);
    return key;
}

bool tx_count(struct keeper *k, const char *label, const void *bytes, size_t n,
              uint64_t window_s, uint64_t limit, bool peek)
{
    uint8_t name[STORE_BLIND_BYTES];
    struct counter_record c = { 0 };

    store_blind(k->store, label, bytes, n, name);
    if (!tx_get(k, T_COUNTER, name, sizeof name, RECORD_COUNTER, &c) ||
        c.window_end_s <= k->now_s)
        c = (struct counter_record){ 0, k->now_s - k->now_s % window_s + window_s };
    if (c.count >= limit)
        return false;
    if (!peek) {
        if (c.count++ == 0) {
            const struct tx_key e = tx_key_expiry(c.window_end_s, 'K', name);

            tx_mark(k, T_BY_EXPIRY, e.b, e.n);
        }
        tx_put(k, T_COUNTER, name, sizeof name, RECORD_COUNTER, &c);
    }
    return true;
}

uint64_t tx_total(struct keeper *k, const char *label, const void *bytes, size_t n)
{
    uint8_t name[STORE_BLIND_BYTES];
    struct counter_record c = { 0 };

    store_blind(k->store, label, bytes, n, name);
    (void)tx_get(k, T_COUNTER, name, sizeof name, RECORD_COUNTER, &c);
    c.count++;
    c.window_end_s = UINT64_MAX;
    tx_put(k, T_COUNTER, name, sizeof name, RECORD_COUNTER, &c);
    return c.count;
}

bool tx_seen(struct keeper *k, const char *label, const void *bytes, size_t n,
             uint8_t result[16], uint64_t ttl_s)
{
    uint8_t name[STORE_BLIND_BYTES];
    struct seen_record seen = { .expires_s = k->now_s + ttl_s };
    struct tx_key e;

    store_blind(k->store, label, bytes, n, name);
    memcpy(seen.result, result, sizeof seen.result);
    if (tx_add(k, T_SEEN, name, sizeof name, RECORD_SEEN, &seen)) {
        e = tx_key_expiry(seen.expires_s, 'S', name);
        tx_mark(k, T_BY_EXPIRY, e.b, e.n);
        return false;
    }
    if (!tx_get(k, T_SEEN, name, sizeof name, RECORD_SEEN, &seen))
        return false;
    if (seen.expires_s <= k->now_s) { /* the sweep has not come by yet */
        e = tx_key_expiry(seen.expires_s, 'S', name);
        tx_del(k, T_BY_EXPIRY, e.b, e.n);
        seen.expires_s = k->now_s + ttl_s;
        memcpy(seen.result, result, sizeof seen.result);
        tx_put(k, T_SEEN, name, sizeof name, RECORD_SEEN, &seen);
        e = tx_key_expiry(seen.expires_s, 'S', name);
        tx_mark(k, T_BY_EXPIRY, e.b, e.n);
        return false;
    }
    memcpy(result, seen.result, sizeof seen.result);
    return true;
}
