/* SPDX-License-Identifier: ISC */
/* store_fixture.h - a store in a directory of its own for each test.
 * Here:       the directory, the key, the short words for calls that must work.
 * Elsewhere:  the rows and stories (test_store.c, test_store_weather.c).
 * Called by:  those two.
 * Source:     bdb/store.h. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bdb/store.h"

static const uint8_t store_key[STORE_KEY_BYTES] = "the key of the tests' store  32";
static char root[256], dir[300];
static char why[STORE_WHY_MAX];

static inline struct store *open_store(void)
{
    const struct store_options options = { .dir = dir, .cache_bytes = 4U << 20 };
    struct store *st = NULL;
    const enum store_status status = store_open(&st, &options, store_key, why);

    if (status != STORE_OK)
        fail_msg("store_open: %d %s", status, why);
    return st;
}

static inline void empty_root(void)
{
    DIR *d;
    const struct dirent *entry;

    (void)umount2(dir, MNT_DETACH); /* where a test had its own disk */
    d = opendir(dir);
    while (d != NULL && (entry = readdir(d)) != NULL)
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

static inline int make_root(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    (void)snprintf(root, sizeof root, "%s/store.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(root) == NULL)
        return -1;
    (void)snprintf(dir, sizeof dir, "%s/store", root);
    return 0;
}

static inline int remove_root(void **state)
{
    (void)state;
    empty_root();
    return rmdir(root);
}

static inline void put(struct store *st, enum store_table table, const char *key,
                       const char *value)
{
    assert_int_equal(store_put(st, table, key, strlen(key), value, strlen(value)),
                     STORE_OK);
}

static inline void expect(struct store *st, enum store_table table, const char *key,
                          const char *value)
{
    struct store_bytes got;

    assert_int_equal(store_get(st, table, key, strlen(key), &got), STORE_OK);
    assert_int_equal(got.n, strlen(value));
    assert_memory_equal(got.p, value, got.n);
    store_bytes_clear(&got);
}

static inline void expect_absent(struct store *st, enum store_table table,
                                 const char *key)
{
    struct store_bytes got;

    assert_int_equal(store_get(st, table, key, strlen(key), &got), STORE_ABSENT);
    assert_null(got.p);
    assert_int_equal(store_has(st, table, key, strlen(key)), STORE_ABSENT);
}

static inline void begin(struct store *st)
{
    assert_int_equal(store_begin(st), STORE_OK);
}

static inline void commit(struct store *st)
{
    assert_int_equal(store_commit(st), STORE_OK);
    assert_int_equal(store_flush(st), STORE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

#endif
