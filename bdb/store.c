/* SPDX-License-Identifier: ISC */
/* store.c - transactions, records and scans over sealed tables.
 * Here:       the calls of store.h, their order, the schema mark.
 * Elsewhere:  the environment and its thread (env.c), sealing (seal.c), what a record
 *             holds (record.c).
 * Called by:  keeper only.
 * Source:     Berkeley DB 5.3 C API; DESIGN of the store. */
#include "bdb/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <openssl/crypto.h>
#include "bdb/env.h"
#include "bdb/seal.h"

#define RAW_KEEP (512U << 10) /* a larger buffer is given back after its use */

_Static_assert(STORE_KEY_BYTES == SEAL_KEY, "one key");

struct store {
    struct env env;
    struct seal *seal;
    DB_TXN *txn;                /* the open transaction */
    struct store_cursor *scans; /* the open scans */
    enum store_status sticky;   /* STORE_OK, STORE_FULL until abort, or STORE_DEAD */
    uint8_t *raw;               /* sealed bytes on their way in or out */
    size_t room;
    char why[STORE_WHY_MAX];
};

struct store_cursor {
    struct store *st;
    struct store_cursor *next;
    enum store_table table;
    DBC *dbc; /* NULL: its transaction was aborted */
    bool begun;
    size_t prefix_bytes;
    uint8_t prefix[STORE_KEY_MAX];
    uint8_t key[STORE_KEY_MAX];
    size_t key_bytes;
};

/* Every return value of libdb passes here: to a status, a why, and what it means for
 * the calls that follow. */
static enum store_status settle(struct store *st, const char *verb,
                                enum store_table table, int rc)
{
    enum store_status status = env_status(rc);
    char what[48];

    if (status == STORE_OK || status == STORE_ABSENT || status == STORE_EXISTS)
        return status;
    (void)snprintf(what, sizeof what, "%s%s%s", verb,
                   table < STORE_TABLE_COUNT ? " " : "",
                   table < STORE_TABLE_COUNT ? env_table_name(table) : "");
    (void)env_why(st->why, what, rc);
    if (status == STORE_DEAD || (status == STORE_FULL && st->txn != NULL))
        st->sticky = status;
    return status;
}

static enum store_status refuse(struct store *st, enum store_status status,
                                const char *why)
{
    (void)snprintf(st->why, sizeof st->why, "%s", why);
    return status;
}

/* The guard of every call on a table. */
static enum store_status check(struct store *st, enum store_table table,
                               size_t key_bytes)
{
    if (st->sticky != STORE_OK)
        return st->sticky;
    if (table >= STORE_TABLE_COUNT)
        return refuse(st, STORE_INVALID, "no such table");
    if (key_bytes == 0 || key_bytes > STORE_KEY_MAX)
        return refuse(st, STORE_INVALID, "a key has 1 to 96 bytes");
    return STORE_OK;
}

static enum store_status check_write(struct store *st, enum store_table table,
                                     size_t key_bytes)
{
    if (st->sticky == STORE_OK && st->txn == NULL)
        return refuse(st, STORE_INVALID, "write outside a transaction");
    return check(st, table, key_bytes);
}

static int raw_room(struct store *st, size_t n)
{
    uint8_t *p;

    if (n <= st->room)
        return 0;
    p = realloc(st->raw, n);
    if (p == NULL)
        return ENOMEM;
    st->raw = p;
    st->room = n;
    return 0;
}

static void raw_done(struct store *st)
{
    if (st->room <= RAW_KEEP)
        return;
    free(st->raw);
    st->raw = NULL;
    st->room = 0;
}

static DBT raw_dbt(const struct store *st)
{
    return (
        DBT){ .data = st->raw, .ulen = (uint32_t)st->room, .flags = DB_DBT_USERMEM };
}

/* Opens the n sealed bytes in st->raw. An empty value was kept as it is. */
static enum store_status unseal(struct store *st, enum store_table table,
                                const void *key, size_t key_bytes, size_t n,
                                struct store_bytes *out)
{
    const struct seal_place at = { env_table_name(table), key, key_bytes };

    *out = (struct store_bytes){ NULL, 0 };
    if (n == 0)
        return STORE_OK;
    out->p = malloc(n);
    if (out->p == NULL)
        return settle(st, "read", table, ENOMEM);
    if (!seal_open(st->seal, &at, st->raw, n, out->p)) {
        free(out->p);
        out->p = NULL;
        (void)snprintf(st->why, sizeof st->why, "read %s: a record does not open",
                       env_table_name(table));
        return STORE_CORRUPT;
    }
    out->n = n - SEAL_OVERHEAD;
    return STORE_OK;
}

enum store_status store_get(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes, struct store_bytes *out)
{
    DBT name = { .data = (void *)key, .size = (uint32_t)key_bytes };
    enum store_status status = check(st, table, key_bytes);
    DBT data;
    int rc;

    *out = (struct store_bytes){ NULL, 0 };
    if (status != STORE_OK)
        return status;
    do {
        DB *const db = st->env.tables[table];

        data = raw_dbt(st);
        rc = db->get(db, st->txn, &name, &data, 0);
    } while (rc == DB_BUFFER_SMALL && (rc = raw_room(st, data.size)) == 0);
    status = settle(st, "get", table, rc);
    if (status == STORE_OK)
        status = unseal(st, table, key, key_bytes, data.size, out);
    raw_done(st);
    return status;
}

enum store_status store_has(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes)
{
    DBT name = { .data = (void *)key, .size = (uint32_t)key_bytes };
    enum store_status status = check(st, table, key_bytes);
    DB *db;

    if (status != STORE_OK)
        return status;
    db = st->env.tables[table];
    return settle(st, "has", table, db->exists(db, st->txn, &name, 0));
}

static enum store_status write_record(struct store *st, enum store_table table,
                                      const void *key, size_t key_bytes,
                                      const void *value, size_t value_bytes,
                                      uint32_t flags)
{
    DBT name = { .data = (void *)key, .size = (uint32_t)key_bytes };
    DBT data = { .size = 0 };
    enum store_status status = check_write(st, table, key_bytes);
    DB *db;

    if (status != STORE_OK)
        return status;
    if (value_bytes > STORE_VALUE_MAX)
        return refuse(st, STORE_INVALID, "a value has at most 80 MiB");
    if (value_bytes > 0) {
        const struct seal_place at = { env_table_name(table), key, key_bytes };

        data.size = (uint32_t)(value_bytes + SEAL_OVERHEAD);
        if (raw_room(st, data.size) != 0 ||
            !seal_value(st->seal, &at, value, value_bytes, st->raw))
            return settle(st, "seal", table, ENOMEM);
        data.data = st->raw;
    }
    db = st->env.tables[table];
    status = settle(st, "put", table, db->put(db, st->txn, &name, &data, flags));
    raw_done(st);
    return status;
}

enum store_status store_put(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes, const void *value, size_t value_bytes)
{
    return write_record(st, table, key, key_bytes, value, value_bytes, 0);
}

enum store_status store_add(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes, const void *value, size_t value_bytes)
{
    return write_record(st, table, key, key_bytes, value, value_bytes, DB_NOOVERWRITE);
}

enum store_status store_del(struct store *st, enum store_table table, const void *key,
                            size_t key_bytes)
{
    DBT name = { .data = (void *)key, .size = (uint32_t)key_bytes };
    enum store_status status = check_write(st, table, key_bytes);
    DB *db;

    if (status != STORE_OK)
        return status;
    db = st->env.tables[table];
    return settle(st, "del", table, db->del(db, st->txn, &name, 0));
}

/* A scan that reads what is committed holds a page: a transaction beside it would wait
 * for it for ever, so there is none. */
enum store_status store_begin(struct store *st)
{
    if (st->sticky != STORE_OK)
        return st->sticky;
    if (st->txn != NULL || st->scans != NULL)
        return refuse(st, STORE_INVALID, "begin: a transaction or a scan is open");
    return settle(st, "begin", STORE_TABLE_COUNT,
                  st->env.db->txn_begin(st->env.db, NULL, &st->txn, 0));
}

enum store_status store_commit(struct store *st)
{
    DB_TXN *const txn = st->txn;
    int rc;

    if (st->sticky != STORE_OK)
        return st->sticky;
    if (txn == NULL || st->scans != NULL)
        return refuse(st, STORE_INVALID, "commit: no transaction, or a scan is open");
    rc = txn->commit(txn, DB_TXN_NOSYNC);
    st->txn = NULL; /* whatever the answer: libdb has freed it */
    return settle(st, "commit", STORE_TABLE_COUNT, rc);
}

static void close_scan(struct store_cursor *c)
{
    if (c->dbc != NULL)
        (void)settle(c->st, "end of scan", c->table, c->dbc->close(c->dbc));
    c->dbc = NULL;
}

void store_abort(struct store *st)
{
    DB_TXN *const txn = st->txn;

    if (txn == NULL)
        return;
    for (struct store_cursor *c = st->scans; c != NULL; c = c->next)
        close_scan(c);
    st->txn = NULL;
    if (st->sticky == STORE_FULL)
        st->sticky = STORE_OK;
    (void)settle(st, "abort", STORE_TABLE_COUNT, txn->abort(txn));
}

enum store_status store_flush(struct store *st)
{
    if (st->sticky != STORE_OK)
        return st->sticky;
    return settle(st, "flush", STORE_TABLE_COUNT,
                  st->env.db->log_flush(st->env.db, NULL));
}

/* The first key of a scan: the greater of prefix and from. */
static void set_start(struct store_cursor *c, const void *from, size_t from_bytes)
{
    const size_t both = from_bytes < c->prefix_bytes ? from_bytes : c->prefix_bytes;
    int order = both > 0 ? memcmp(from, c->prefix, both) : 0;

    if (order > 0 || (order == 0 && from_bytes > c->prefix_bytes)) {
        memcpy(c->key, from, from_bytes);
        c->key_bytes = from_bytes;
    } else {
        memcpy(c->key, c->prefix, c->prefix_bytes);
        c->key_bytes = c->prefix_bytes;
    }
}

enum store_status store_scan(struct store *st, enum store_table table,
                             const void *prefix, size_t prefix_bytes, const void *from,
                             size_t from_bytes, struct store_cursor **out)
{
    enum store_status status = check(st, table, 1);
    struct store_cursor *c;
    DB *db;

    *out = NULL;
    if (from == NULL)
        from_bytes = 0;
    if (status != STORE_OK)
        return status;
    if (prefix_bytes > STORE_KEY_MAX || from_bytes > STORE_KEY_MAX)
        return refuse(st, STORE_INVALID, "scan: a key has at most 96 bytes");
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return settle(st, "scan", table, ENOMEM);
    c->st = st;
    c->table = table;
    c->prefix_bytes = prefix_bytes;
    if (prefix_bytes > 0)
        memcpy(c->prefix, prefix, prefix_bytes);
    set_start(c, from, from_bytes);
    db = st->env.tables[table];
    status = settle(st, "scan", table, db->cursor(db, st->txn, &c->dbc, 0));
    if (status != STORE_OK) {
        free(c);
        return status;
    }
    c->next = st->scans;
    st->scans = c;
    *out = c;
    return STORE_OK;
}

/* Moves on; the sealed value lies in st->raw unless it is not wanted. */
static int step(struct store_cursor *c, bool wants_value, DBT *data)
{
    struct store *const st = c->st;
    DBT name = { .data = c->key,
                 .size = (uint32_t)c->key_bytes,
                 .ulen = sizeof c->key,
                 .flags = DB_DBT_USERMEM };
    int rc;

    do {
        *data = raw_dbt(st);
        if (!wants_value)
            *data = (DBT){ .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
        rc = c->dbc->get(c->dbc, &name, data, c->begun ? DB_NEXT : DB_SET_RANGE);
    } while (rc == DB_BUFFER_SMALL && (rc = raw_room(st, data->size)) == 0);
    c->key_bytes = name.size;
    if (rc == 0)
        c->begun = true;
    return rc;
}

enum store_status store_scan_next(struct store_cursor *c, const uint8_t **key,
                                  size_t *key_bytes, struct store_bytes *value)
{
    struct store *const st = c->st;
    enum store_status status;
    DBT data;

    *key = NULL;
    *key_bytes = 0;
    if (value != NULL)
        *value = (struct store_bytes){ NULL, 0 };
    if (st->sticky != STORE_OK)
        return st->sticky;
    if (c->dbc == NULL)
        return refuse(st, STORE_INVALID, "scan: its transaction was aborted");
    status = settle(st, "scan", c->table, step(c, value != NULL, &data));
    if (status != STORE_OK)
        return status;
    if (c->key_bytes < c->prefix_bytes ||
        (c->prefix_bytes > 0 && memcmp(c->key, c->prefix, c->prefix_bytes) != 0))
        return STORE_ABSENT;
    *key = c->key;
    *key_bytes = c->key_bytes;
    if (value != NULL)
        status = unseal(st, c->table, c->key, c->key_bytes, data.size, value);
    raw_done(st);
    return status;
}

void store_scan_end(struct store_cursor *c)
{
    struct store_cursor **at;

    if (c == NULL)
        return;
    close_scan(c);
    for (at = &c->st->scans; *at != c; at = &(*at)->next)
        continue;
    *at = c->next;
    free(c);
}

/* A store without its mark but with records has lost a file: not to be taken for a new
 * one. */
static enum store_status mark_new_store(struct store *st)
{
    const uint8_t schema[4] = { 0, 0, 0, STORE_SCHEMA };
    enum store_status status;

    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        struct store_cursor *c;
        const uint8_t *key;
        size_t n;

        status = store_scan(st, (enum store_table)i, NULL, 0, NULL, 0, &c);
        if (status != STORE_OK)
            return status;
        status = store_scan_next(c, &key, &n, NULL);
        store_scan_end(c);
        if (status == STORE_OK)
            return refuse(st, STORE_CORRUPT,
                          "the schema mark is gone: meta.db was lost or damaged");
        if (status != STORE_ABSENT)
            return status;
    }
    status = store_begin(st);
    if (status == STORE_OK)
        status = store_put(st, T_META, "schema", 6, schema, sizeof schema);
    if (status == STORE_OK)
        status = store_commit(st);
    return status == STORE_OK ? store_flush(st) : status;
}

/* The mark (T_META "schema", be32) is a sealed value as any other: that it opens proves
 * the store key. Later schemas keep its form, so that earlier programs can refuse them.
 */
static enum store_status check_schema(struct store *st)
{
    struct store_bytes mark;
    uint32_t schema = 0;
    enum store_status status = store_get(st, T_META, "schema", 6, &mark);

    if (status == STORE_ABSENT)
        return mark_new_store(st);
    if (status == STORE_CORRUPT)
        return refuse(st, STORE_CORRUPT,
                      "this store key does not open this store: wrong key, or meta.db "
                      "is damaged");
    if (status != STORE_OK)
        return status;
    for (size_t i = 0; i < mark.n && i < 4; i++)
        schema = schema << 8 | mark.p[i];
    if (mark.n != 4 || schema != STORE_SCHEMA) {
        (void)snprintf(st->why, sizeof st->why,
                       "the store has schema %u, this program knows %u: a %s program "
                       "is needed",
                       schema, STORE_SCHEMA,
                       schema > STORE_SCHEMA ? "newer" : "different");
        status = STORE_INVALID;
    }
    store_bytes_clear(&mark);
    return status;
}

enum store_status store_open(struct store **out, const struct store_options *options,
                             const uint8_t key[STORE_KEY_BYTES],
                             char why[STORE_WHY_MAX])
{
    struct store *st = calloc(1, sizeof *st);
    enum store_status status;

    *out = NULL;
    why[0] = '\0';
    if (st == NULL || (st->seal = seal_new(key)) == NULL) {
        free(st);
        return env_why(why, "store key", ENOMEM);
    }
    status = env_open(&st->env, options, why);
    if (status != STORE_OK) {
        seal_free(st->seal);
        free(st);
        return status;
    }
    status = check_schema(st);
    if (status == STORE_OK)
        status = env_run(&st->env, options->reserve_bytes, st->why);
    if (status != STORE_OK) {
        (void)snprintf(why, STORE_WHY_MAX, "%s", st->why);
        store_close(st);
        return status;
    }
    *out = st;
    return STORE_OK;
}

void store_close(struct store *st)
{
    if (st == NULL)
        return;
    while (st->scans != NULL)
        store_scan_end(st->scans);
    store_abort(st);
    env_close(&st->env);
    seal_free(st->seal);
    free(st->raw);
    free(st);
}

const char *store_why(const struct store *st)
{
    return st->why;
}

void store_blind(const struct store *st, const char *label, const void *bytes, size_t n,
                 uint8_t out[STORE_BLIND_BYTES])
{
    uint8_t whole[32];

    seal_mac(st->seal, SEAL_BLIND, label, bytes, n, whole);
    memcpy(out, whole, STORE_BLIND_BYTES);
}

void store_mac(const struct store *st, const char *label, const void *bytes, size_t n,
               uint8_t out[32])
{
    seal_mac(st->seal, SEAL_MAC, label, bytes, n, out);
}

uint64_t store_space(const struct store *st)
{
    struct statvfs fs;

    if (fstatvfs(st->env.lock_fd, &fs) != 0)
        return 0;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

void store_bytes_clear(struct store_bytes *b)
{
    if (b->p != NULL)
        OPENSSL_cleanse(b->p, b->n);
    free(b->p);
    *b = (struct store_bytes){ NULL, 0 };
}
