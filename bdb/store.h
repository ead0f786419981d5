/* SPDX-License-Identifier: ISC */
/* store.h - the store: tables of sealed records in one Berkeley DB environment.
 *
 * One process, one writer thread: all calls come from the thread that opened the store
 * (the checkpoint thread is the store's own). A directory is held by one process only:
 * an flock on DIR/lock refuses the second.
 *
 * Every value is AES-256-GCM under a key derived from the store key, bound to its table
 * and key: a record moved elsewhere does not open. Tables' keys are the caller's bytes;
 * one that names a person must be blinded (store_blind) by the caller.
 *
 * Durability: store_commit makes a transaction visible but does not wait for the disk;
 * store_flush waits for everything committed before. An answer "accepted" may leave
 * only after store_flush returned STORE_OK.
 *
 * A STORE_DEAD answer means that the environment is lost for this process: exit and
 * start again, recovery runs at store_open and loses nothing that was flushed. Source:
 * DESIGN of the store; Berkeley DB 5.3 reference. */
#ifndef BDB_STORE_H
#define BDB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_BYTES 32U
#define STORE_BLIND_BYTES 16U
#define STORE_WHY_MAX 200U
#define STORE_KEY_MAX 96U           /* longest key of any table */
#define STORE_VALUE_MAX (80U << 20) /* longest value */
#define STORE_SCHEMA 3U             /* kept in T_META; a newer store is refused */

/* name on disk, what a key is */
#define STORE_TABLES(X)                                                               \
    X(T_MESSAGE, "message")       /* message id 16 -> message_record */               \
    X(T_BY_HANDSET, "by_handset") /* handset 16, message id 16 -> empty */            \
    X(T_BY_EXPIRY, "by_expiry")   /* expiry be64 s, kind u8, key 16 -> empty */       \
    X(T_BY_EPOCH, "by_epoch")     /* epoch be32, kind u8, id 16 -> empty */           \
    X(T_PART, "part")             /* message id 16, part be16, chunk be32 -> bytes */ \
    X(T_HANDSET, "handset")       /* handset 16 -> handset_record */                  \
    X(T_DEVICE, "device")         /* device id 16 -> device_record */                 \
    X(T_PUSH, "push")             /* device id 16 -> push_record */                   \
    X(T_REGISTRATION, "registration") /* registration id 16 -> registration_record */ \
    X(T_NOTICE, "notice")             /* blinded token 16 -> notice_record */         \
    X(T_CONVERSATION, "conversation") /* conversation 16 -> conversation_record */    \
    X(T_OUTBOX, "outbox")   /* lane u8, due be64 s, job id 16 -> outbox_record */     \
    X(T_SEEN, "seen")       /* blinded input id 16 -> seen_record */                  \
    X(T_COUNTER, "counter") /* blinded name 16 -> counter_record */                   \
    X(T_OPT_OUT, "opt_out") /* handset 16, blinded account 16 -> empty */             \
    X(T_ROUTE, "route")     /* handset 16, blinded SMSC number 16 -> route_record */  \
    X(T_REPORT, "report")   /* message or job id 16 -> report_record */               \
    X(T_HANDSET_OTP, "handset_otp") /* blinded password 16 -> handset_otp_record */   \
    X(T_META, "meta")               /* name -> bytes */

enum store_table {
#define X(id, name) id,
    STORE_TABLES(X)
#undef X
        STORE_TABLE_COUNT
};

enum store_status {
    STORE_OK,
    STORE_ABSENT,  /* no such record */
    STORE_EXISTS,  /* store_add met a record that is there */
    STORE_FULL,    /* no space or a write error: this transaction failed, later ones may
                      work */
    STORE_CORRUPT, /* the record does not open: wrong key, moved or damaged */
    STORE_INVALID, /* a key or value out of range, or a call out of order */
    STORE_DEAD     /* exit and start again */
};

struct store_options {
    const char *dir;        /* made (0700) when missing */
    uint64_t cache_bytes;   /* 0: 64 MiB */
    uint64_t reserve_bytes; /* size of DIR/reserve, which recovery may delete; 0: none.
                               Recovery needs up to 16 MiB (the last log file is filled
                               with zeros to its end) and what was not checkpointed */
};

struct store_bytes { /* owned heap bytes; store_bytes_clear wipes and frees */
    uint8_t *p;
    size_t n;
};

struct store;
struct store_cursor;

/* store_open - open or create; runs recovery; checks the schema and the store key.
 *   key    copied, then the caller may wipe his
 *   why    filled on failure, one line for the log
 * STORE_OK, or: STORE_CORRUPT wrong key, STORE_INVALID newer schema or the directory is
 * held by another process, STORE_FULL, STORE_DEAD. Blocks (recovery: milliseconds to
 * seconds). Starts one thread for checkpoint and trickle. */
enum store_status store_open(struct store **out, const struct store_options *options,
                             const uint8_t key[STORE_KEY_BYTES],
                             char why[STORE_WHY_MAX]);
/* store_close - checkpoint, close, free. An open transaction is aborted. */
void store_close(struct store *st);
/* store_why - the last failure of this store, one line, "" when none. */
const char *store_why(const struct store *st);

/* One transaction at a time. Everything below that takes a table runs inside it;
 * without one it is STORE_INVALID, but store_get and store_scan, which then read what
 * is committed. After a STORE_FULL or STORE_DEAD inside it only store_abort is allowed.
 */
enum store_status store_begin(struct store *st);
enum store_status store_commit(struct store *st);
void store_abort(struct store *st);
enum store_status store_flush(struct store *st);

enum store_status store_get(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes, struct store_bytes *out);
/* store_has - STORE_OK or STORE_ABSENT, without opening the value. */
enum store_status store_has(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes);
/* store_put - write or overwrite. A value of 0 bytes is kept as it is (index tables).
 */
enum store_status store_put(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes, const void *value, size_t value_bytes);
/* store_add - store_put that refuses to overwrite (STORE_EXISTS). */
enum store_status store_add(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes, const void *value, size_t value_bytes);
enum store_status store_del(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes);

/* store_scan - records whose key begins with prefix, in key order, from the first one
 * that is >= from (from may be NULL: from the prefix itself). Records may be deleted
 * and added while it runs, within the same transaction. One scan of a table at a time
 * is enough for every caller; scans of different tables may nest. store_scan_next -
 * STORE_OK with *key (valid until the next call) and *value (owned by the caller; value
 * may be NULL: not read), STORE_ABSENT at the end. */
enum store_status store_scan(struct store *st, enum store_table table,
                             const void *prefix, size_t prefix_bytes, const void *from,
                             size_t from_bytes, struct store_cursor **out);
enum store_status store_scan_next(struct store_cursor *c, const uint8_t **key,
                                  size_t *key_bytes, struct store_bytes *value);
void store_scan_end(struct store_cursor *c);

/* store_blind - HMAC-SHA-256, cut to 16 bytes, under a key derived from the store key,
 * of label, a NUL, and the bytes: the name of a person's record. Same input, same
 * output, in every run on this store. */
void store_blind(const struct store *st, const char *label, const void *bytes, size_t n,
                 uint8_t out[STORE_BLIND_BYTES]);
/* store_mac - the same, 32 bytes, another derived key: for OTPs and opaque references.
 */
void store_mac(const struct store *st, const char *label, const void *bytes, size_t n,
               uint8_t out[32]);

/* store_space - bytes that the file system under the store still gives to us. */
uint64_t store_space(const struct store *st);

void store_bytes_clear(struct store_bytes *b);

#endif
