/* SPDX-License-Identifier: ISC */
/* tx.h - the keeper's transactions: records of the store with one sticky failure.
 *
 * A handler runs inside tx_run, reads and writes freely, and returns its verdict; a
 * store failure on the way is remembered and overrules it. IPC_TEMP and IPC_FULL abort,
 * every other verdict commits (a wrong OTP must count). Nothing is on disk before the
 * keeper's flush at the end of the turn. */
#ifndef RELAY_TX_H
#define RELAY_TX_H

#include "bdb/record.h"
#include "bdb/store.h"
#include "relay/ipc.h"

struct keeper;

typedef enum ipc_verdict tx_handler(struct keeper *k, void *arg);
enum ipc_verdict tx_run(struct keeper *k, tx_handler *handler, void *arg);

/* tx_refuse - end with this verdict and keep nothing: return what it returns. */
enum ipc_verdict tx_refuse(struct keeper *k, enum ipc_verdict v);

/* tx_get - true: found, *record is the caller's (record_clear). false: absent, or the
 * store failed (sticky). */
bool tx_get(struct keeper *k, enum store_table table, const void *key, size_t key_bytes,
            enum record_kind kind, void *record);
void tx_put(struct keeper *k, enum store_table table, const void *key, size_t key_bytes,
            enum record_kind kind, const void *record);
/* tx_add - false when a record is there already (not a failure). */
bool tx_add(struct keeper *k, enum store_table table, const void *key, size_t key_bytes,
            enum record_kind kind, const void *record);
void tx_del(struct keeper *k, enum store_table table, const void *key,
            size_t key_bytes);
/* tx_mark - an index entry: a key without a value. */
void tx_mark(struct keeper *k, enum store_table table, const void *key,
             size_t key_bytes);
bool tx_has(struct keeper *k, enum store_table table, const void *key,
            size_t key_bytes);
/* tx_ok - nothing has failed so far. */
bool tx_ok(const struct keeper *k);
/* tx_forgive - goes on after a record that does not open: true when that was the
 * failure. For sweeps, which one bad record must not stop. */
bool tx_forgive(struct keeper *k);
/* tx_check - notes a store status; true when STORE_OK. STORE_DEAD ends the process. */
bool tx_check(struct keeper *k, enum store_status status);

/* tx_scan - calls each for every key with the prefix, from `from` on (NULL: from the
 * prefix), until it returns false. The key is a copy. */
typedef bool tx_each(struct keeper *k, const uint8_t *key, size_t key_bytes, void *arg);
void tx_scan(struct keeper *k, enum store_table table, const void *prefix,
             size_t prefix_bytes, const void *from, size_t from_bytes, tx_each *each,
             void *arg);

/* Keys of several fields, big-endian. */
struct tx_key {
    uint8_t b[STORE_KEY_MAX];
    size_t n;
};
struct tx_key tx_key_ids(const uint8_t a[16], const uint8_t b[16]);
struct tx_key tx_key_expiry(uint64_t expires_s, char kind, const uint8_t id[16]);
struct tx_key tx_key_epoch(uint32_t day, char kind, const uint8_t id[16]);
struct tx_key tx_key_outbox(uint8_t lane, uint64_t due_s, const uint8_t job[16]);
struct tx_key tx_key_part(const uint8_t message[16], uint16_t part, uint32_t chunk);

/* tx_count - one more of something within a window: true while the count stays within
 * limit. label and the bytes name the counter. peek: do not count. */
bool tx_count(struct keeper *k, const char *label, const void *bytes, size_t n,
              uint64_t window_s, uint64_t limit, bool peek);

/* tx_total - one more of something, for ever; returns how many that makes. */
uint64_t tx_total(struct keeper *k, const char *label, const void *bytes, size_t n);

/* tx_seen - has this input come before? If so its result is in *result; if not it is
 * recorded with *result for ttl_s. */
bool tx_seen(struct keeper *k, const char *label, const void *bytes, size_t n,
             uint8_t result[16], uint64_t ttl_s);

#endif
