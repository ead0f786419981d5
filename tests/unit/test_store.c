/* SPDX-License-Identifier: ISC */
/* test_store.c - the store's calls, and what a thief reads or changes on the disk.
 * Here:       every call of bdb/store.h; refusals at open; bytes on the disk.
 * Elsewhere:  kill -9 and full disks (test_store_weather.c), sealing itself
 *             (test_seal.c), what values hold (test_record.c), the rate
 * (bench_store.c). Called by:  make check. Source:     bdb/store.h. */
#include "tests/unit/store_fixture.h"
#include <db.h> /* the thief's way in */

static void test_put_get_del(void **state)
{
    struct store *st = open_store();

    (void)state;
    begin(st);
    put(st, T_HANDSET, "a", "one");
    expect(st, T_HANDSET, "a", "one");
    put(st, T_HANDSET, "a", "another");
    expect_absent(st, T_DEVICE, "a"); /* tables are apart */
    commit(st);
    expect(st, T_HANDSET, "a", "another"); /* without a transaction: committed */
    assert_int_equal(store_has(st, T_HANDSET, "a", 1), STORE_OK);
    begin(st);
    assert_int_equal(store_del(st, T_HANDSET, "a", 1), STORE_OK);
    assert_int_equal(store_del(st, T_HANDSET, "a", 1), STORE_ABSENT);
    expect_absent(st, T_HANDSET, "a");
    commit(st);
    store_close(st);
    st = open_store();
    expect_absent(st, T_HANDSET, "a");
    store_close(st);
}

static void test_add_does_not_overwrite(void **state)
{
    struct store *st = open_store();

    (void)state;
    begin(st);
    assert_int_equal(store_add(st, T_SEEN, "a", 1, "1", 1), STORE_OK);
    assert_int_equal(store_add(st, T_SEEN, "a", 1, "2", 1), STORE_EXISTS);
    commit(st); /* an answer, not a failure */
    expect(st, T_SEEN, "a", "1");
    store_close(st);
}

static void test_values_of_any_size(void **state)
{
    static const size_t sizes[] = { 0, 1, 2000, 8192, 262144, 2U << 20 };
    struct store *st = open_store();
    uint8_t *value = malloc(2U << 20);
    struct store_bytes got;

    (void)state;
    assert_non_null(value);
    for (size_t i = 0; i < 2U << 20; i++)
        value[i] = (uint8_t)(i * 7 + i / 251);
    begin(st);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(
            store_put(st, T_PART, &sizes[i], sizeof sizes[i], value, sizes[i]),
            STORE_OK);
    commit(st);
    store_close(st);
    st = open_store();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(store_get(st, T_PART, &sizes[i], sizeof sizes[i], &got),
                         STORE_OK);
        assert_int_equal(got.n, sizes[i]);
        if (got.n > 0)
            assert_memory_equal(got.p, value, got.n);
        store_bytes_clear(&got);
        assert_null(got.p);
    }
    free(value);
    store_close(st);
}

static void test_out_of_range(void **state)
{
    static const uint8_t key[STORE_KEY_MAX + 1] = { 1 };
    struct store *st = open_store();
    struct store_bytes got;
    struct store_cursor *c;

    (void)state;
    begin(st);
    assert_int_equal(store_put(st, T_META, key, STORE_KEY_MAX, "v", 1), STORE_OK);
    assert_int_equal(store_put(st, T_META, key, STORE_KEY_MAX + 1, "v", 1),
                     STORE_INVALID);
    assert_int_equal(store_put(st, T_META, key, 0, "v", 1), STORE_INVALID);
    assert_int_equal(store_add(st, STORE_TABLE_COUNT, key, 1, "v", 1), STORE_INVALID);
    assert_int_equal(store_put(st, T_META, key, 1, "v", STORE_VALUE_MAX + 1),
                     STORE_INVALID);
    assert_int_equal(store_get(st, T_META, key, 0, &got), STORE_INVALID);
    assert_int_equal(store_has(st, T_META, key, STORE_KEY_MAX + 1), STORE_INVALID);
    assert_int_equal(store_del(st, T_META, key, 0), STORE_INVALID);
    assert_int_equal(store_scan(st, T_META, key, STORE_KEY_MAX + 1, NULL, 0, &c),
                     STORE_INVALID);
    assert_int_equal(store_scan(st, T_META, NULL, 0, key, STORE_KEY_MAX + 1, &c),
                     STORE_INVALID);
    assert_string_not_equal(store_why(st), "");
    commit(st); /* none of them spoils the transaction */
    store_close(st);
}

static void test_out_of_order(void **state)
{
    struct store *st = open_store();
    struct store_cursor *c;

    (void)state;
    assert_int_equal(store_commit(st), STORE_INVALID);
    store_abort(st); /* nothing to undo */
    assert_int_equal(store_put(st, T_SEEN, "a", 1, "1", 1), STORE_INVALID);
    assert_int_equal(store_add(st, T_SEEN, "a", 1, "1", 1), STORE_INVALID);
    assert_int_equal(store_del(st, T_SEEN, "a", 1), STORE_INVALID);
    begin(st);
    assert_int_equal(store_begin(st), STORE_INVALID);
    assert_int_equal(store_scan(st, T_SEEN, NULL, 0, NULL, 0, &c), STORE_OK);
    assert_int_equal(store_commit(st), STORE_INVALID); /* a scan is open */
    store_scan_end(c);
    commit(st);
    assert_int_equal(store_scan(st, T_SEEN, NULL, 0, NULL, 0, &c), STORE_OK);
    assert_int_equal(store_begin(st), STORE_INVALID);
    store_scan_end(c);
    begin(st);
    put(st, T_SEEN, "open", "at close");
    assert_int_equal(store_scan(st, T_SEEN, NULL, 0, NULL, 0, &c), STORE_OK);
    store_close(st);
    st = open_store();
    expect_absent(st, T_SEEN, "open");
    store_close(st);
}

static void test_abort_undoes(void **state)
{
    struct store *st = open_store();
    struct store_cursor *c;
    const uint8_t *key;
    size_t n;

    (void)state;
    begin(st);
    put(st, T_OUTBOX, "kept", "1");
    put(st, T_OUTBOX, "removed?", "1");
    commit(st);
    begin(st);
    put(st, T_OUTBOX, "kept", "2");
    put(st, T_OUTBOX, "new", "2");
    assert_int_equal(store_del(st, T_OUTBOX, "removed?", 8), STORE_OK);
    assert_int_equal(store_scan(st, T_OUTBOX, NULL, 0, NULL, 0, &c), STORE_OK);
    assert_int_equal(store_scan_next(c, &key, &n, NULL), STORE_OK);
    store_abort(st);
    assert_int_equal(store_scan_next(c, &key, &n, NULL), STORE_INVALID);
    store_scan_end(c);
    expect(st, T_OUTBOX, "kept", "1");
    expect(st, T_OUTBOX, "removed?", "1");
    expect_absent(st, T_OUTBOX, "new");
    store_close(st);
}

/* The keys that a scan meets, joined by blanks. */
static void expect_scan(struct store *st, const char *prefix, const char *from,
                        const char *want)
{
    struct store_cursor *c;
    struct store_bytes value;
    const uint8_t *key;
    size_t n;
    char got[256] = "";

    assert_int_equal(store_scan(st, T_BY_HANDSET, prefix, strlen(prefix), from,
                                from != NULL ? strlen(from) : 0, &c),
                     STORE_OK);
    while (store_scan_next(c, &key, &n, &value) == STORE_OK) {
        (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", (int)n,
                       (const char *)key);
        assert_int_equal(value.n, n); /* each value is its key */
        assert_memory_equal(value.p, key, n);
        store_bytes_clear(&value);
    }
    assert_int_equal(store_scan_next(c, &key, &n, NULL), STORE_ABSENT);
    store_scan_end(c);
    assert_string_equal(got, want);
}

static void test_scan_order(void **state)
{
    static const char *const keys[] = { "b2", "a", "b10", "b", "c", "b1", "ab" };
    static const struct {
        const char *prefix, *from, *want;
    } rows[] = {
        { "", NULL, "a ab b b1 b10 b2 c " },
        { "b", NULL, "b b1 b10 b2 " },
        { "b", "b1", "b1 b10 b2 " },
        { "b", "b11", "b2 " },
        { "b", "a", "b b1 b10 b2 " }, /* from before the prefix */
        { "b", "b3", "" },
        { "b", "c", "" },
        { "", "b2", "b2 c " },
        { "b1", "b", "b1 b10 " },
        { "aa", NULL, "" },
        { "d", NULL, "" },
    };
    struct store *st = open_store();

    (void)state;
    begin(st);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        put(st, T_BY_HANDSET, keys[i], keys[i]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_scan(st, rows[i].prefix, rows[i].from, rows[i].want);
    commit(st);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_scan(st, rows[i].prefix, rows[i].from, rows[i].want);
    store_close(st);
}

/* Over many pages: every second record is removed as it is met, another is added behind
 * the cursor, while a scan of a second table stands open. */
static void test_scan_with_changes(void **state)
{
    struct store *st = open_store();
    struct store_cursor *c, *other;
    const uint8_t *key;
    size_t n;
    unsigned met = 0;

    (void)state;
    begin(st);
    for (uint16_t i = 0; i < 3000; i++) {
        const uint8_t name[2] = { (uint8_t)(i >> 8), (uint8_t)i };

        assert_int_equal(store_put(st, T_BY_EXPIRY, name, 2, name, 2), STORE_OK);
    }
    put(st, T_MESSAGE, "m", "1");
    assert_int_equal(store_scan(st, T_MESSAGE, NULL, 0, NULL, 0, &other), STORE_OK);
    assert_int_equal(store_scan(st, T_BY_EXPIRY, NULL, 0, NULL, 0, &c), STORE_OK);
    while (store_scan_next(c, &key, &n, NULL) == STORE_OK) {
        uint8_t name[3];

        assert_int_equal(n, 2);
        assert_int_equal(key[0] << 8 | key[1], met);
        memcpy(name, key, 2);
        name[2] = 0;
        if (met % 2 == 0)
            assert_int_equal(store_del(st, T_BY_EXPIRY, name, 2), STORE_OK);
        if (met > 0) {
            name[1] = (uint8_t)((met - 1) & 255U);
            name[0] = (uint8_t)((met - 1) >> 8);
            assert_int_equal(store_put(st, T_BY_EXPIRY, name, 3, name, 3), STORE_OK);
        }
        met++;
    }
    store_scan_end(c);
    assert_int_equal(met, 3000);
    assert_int_equal(store_scan_next(other, &key, &n, NULL), STORE_OK);
    store_scan_end(other);
    commit(st);
    assert_int_equal(store_scan(st, T_BY_EXPIRY, NULL, 0, NULL, 0, &c), STORE_OK);
    for (met = 0; store_scan_next(c, &key, &n, NULL) == STORE_OK; met++)
        continue;
    store_scan_end(c);
    assert_int_equal(met, 1500 + 2999);
    store_close(st);
}

static void test_second_opener(void **state)
{
    const struct store_options options = { .dir = dir };
    struct store *st = open_store(), *second;

    (void)state;
    assert_int_equal(store_open(&second, &options, store_key, why), STORE_INVALID);
    assert_null(second);
    assert_non_null(strstr(why, "another process"));
    store_close(st);
    st = open_store();
    store_close(st);
}

static void test_wrong_key(void **state)
{
    const struct store_options options = { .dir = dir };
    uint8_t wrong[STORE_KEY_BYTES];
    struct store *st = open_store();

    (void)state;
    store_close(st);
    memcpy(wrong, store_key, sizeof wrong);
    wrong[31] ^= 1;
    assert_int_equal(store_open(&st, &options, wrong, why), STORE_CORRUPT);
    assert_null(st);
    assert_non_null(strstr(why, "wrong key"));
    st = open_store(); /* the refusal changed nothing */
    store_close(st);
}

static void test_newer_schema(void **state)
{
    static const uint8_t newer[4] = { 0, 0, 0, STORE_SCHEMA + 1 };
    const struct store_options options = { .dir = dir };
    struct store *st = open_store();

    (void)state;
    begin(st);
    assert_int_equal(store_put(st, T_META, "schema", 6, newer, 4), STORE_OK);
    commit(st);
    store_close(st);
    assert_int_equal(store_open(&st, &options, store_key, why), STORE_INVALID);
    assert_null(st);
    assert_non_null(strstr(why, "a newer program"));
}

static void test_lost_meta(void **state)
{
    const struct store_options options = { .dir = dir };
    struct store *st = open_store();
    char path[320];

    (void)state;
    begin(st);
    put(st, T_MESSAGE, "m", "1");
    commit(st);
    store_close(st);
    (void)snprintf(path, sizeof path, "%s/meta.db", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_open(&st, &options, store_key, why), STORE_CORRUPT);
    assert_non_null(strstr(why, "schema mark is gone"));
}

static void test_directory_that_cannot_be(void **state)
{
    const struct store_options options = { .dir = "/dev/null/store" };
    struct store *st;

    (void)state;
    assert_int_not_equal(store_open(&st, &options, store_key, why), STORE_OK);
    assert_null(st);
    assert_non_null(strstr(why, "Not a directory"));
}

/* What a thief with write access does: bytes of one record under the name of another,
 * or a bit turned. */
static void tamper(const char *from, const char *to, size_t flip_at)
{
    char path[320];
    DBT key = { .data = (void *)from, .size = (uint32_t)strlen(from) };
    DBT data = { .flags = DB_DBT_MALLOC };
    DB *db;

    (void)snprintf(path, sizeof path, "%s/message.db", dir);
    assert_int_equal(db_create(&db, NULL, 0), 0);
    assert_int_equal(db->open(db, NULL, path, NULL, DB_BTREE, 0, 0), 0);
    assert_int_equal(db->get(db, NULL, &key, &data, 0), 0);
    assert_true(data.size > flip_at || flip_at == SIZE_MAX);
    if (flip_at != SIZE_MAX)
        ((uint8_t *)data.data)[flip_at] ^= 1;
    key = (DBT){ .data = (void *)to, .size = (uint32_t)strlen(to) };
    assert_int_equal(db->put(db, NULL, &key, &data, 0), 0);
    assert_int_equal(db->close(db, 0), 0);
    free(data.data);
}

static void test_moved_value(void **state)
{
    struct store *st = open_store();
    struct store_bytes got;
    struct store_cursor *c;
    const uint8_t *key;
    size_t n;

    (void)state;
    begin(st);
    put(st, T_MESSAGE, "a", "to Ada");
    put(st, T_MESSAGE, "b", "to Bob");
    commit(st);
    store_close(st);
    tamper("a", "b", SIZE_MAX);
    st = open_store();
    expect(st, T_MESSAGE, "a", "to Ada");
    assert_int_equal(store_get(st, T_MESSAGE, "b", 1, &got), STORE_CORRUPT);
    assert_null(got.p);
    assert_non_null(strstr(store_why(st), "message"));
    assert_int_equal(store_scan(st, T_MESSAGE, "b", 1, NULL, 0, &c), STORE_OK);
    assert_int_equal(store_scan_next(c, &key, &n, &got), STORE_CORRUPT);
    store_scan_end(c);
    store_close(st);
}

static void test_turned_bits(void **state)
{
    /* a record for each: in generation, counter, ciphertext, tag */
    static const struct {
        const char *key;
        size_t at;
    } rows[] = { { "a", 0 },  { "b", 7 },  { "c", 8 },  { "d", 11 },
                 { "e", 12 }, { "f", 17 }, { "g", 18 }, { "h", 33 } };
    const size_t count = sizeof rows / sizeof rows[0];
    struct store *st = open_store();
    struct store_bytes got;

    (void)state;
    begin(st);
    for (size_t i = 0; i < count; i++)
        put(st, T_MESSAGE, rows[i].key, "to Ada");
    put(st, T_MESSAGE, "whole", "to Ada");
    commit(st);
    store_close(st);
    for (size_t i = 0; i < count; i++)
        tamper(rows[i].key, rows[i].key, rows[i].at);
    tamper("whole", "whole", SIZE_MAX);
    st = open_store();
    for (size_t i = 0; i < count; i++)
        assert_int_equal(store_get(st, T_MESSAGE, rows[i].key, 1, &got), STORE_CORRUPT);
    expect(st, T_MESSAGE, "whole", "to Ada");
    store_close(st);
}

/* true when a file of the store holds the bytes. */
static bool on_disk(const void *bytes, size_t n)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    bool found = false;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        const int fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_CLOEXEC);
        struct stat file;
        uint8_t *all;

        assert_true(fd >= 0 && fstat(fd, &file) == 0);
        if (S_ISREG(file.st_mode) && file.st_size > 0) {
            all = malloc((size_t)file.st_size);
            assert_non_null(all);
            assert_true(read(fd, all, (size_t)file.st_size) == file.st_size);
            found = found || memmem(all, (size_t)file.st_size, bytes, n) != NULL;
            free(all);
        }
        (void)close(fd);
    }
    (void)closedir(d);
    return found;
}

static void test_no_clear_text(void **state)
{
    static const char marker[] = "MARKER-your-results-are-in";
    struct store *st = open_store();
    uint8_t blind[STORE_BLIND_BYTES], mac[32];
    char value[600];

    (void)state;
    memset(value, 'x', sizeof value);
    memcpy(value + 100, marker, sizeof marker);
    store_blind(st, "msisdn", marker, sizeof marker - 1, blind);
    store_mac(st, "otp", marker, sizeof marker - 1, mac);
    begin(st);
    assert_int_equal(store_put(st, T_HANDSET, blind, sizeof blind, value, sizeof value),
                     STORE_OK);
    assert_int_equal(store_put(st, T_PART, mac, sizeof mac, value, sizeof value),
                     STORE_OK);
    commit(st);
    assert_false(on_disk(marker, sizeof marker - 1));
    store_close(st);
    assert_true(on_disk(blind, sizeof blind)); /* the search does find */
    assert_false(on_disk(marker, sizeof marker - 1));
    assert_false(on_disk(store_key, sizeof store_key));
}

static void test_blinded_names(void **state)
{
    struct store *st = open_store();
    uint8_t first[16], second[16], mac[32];
    static const uint8_t zero[16];

    (void)state;
    store_blind(st, "msisdn", "614", 3, first);
    assert_memory_not_equal(first, zero, 16);
    store_blind(st, "msisdn", "615", 3, second);
    assert_memory_not_equal(first, second, 16);
    store_blind(st, "token", "614", 3, second);
    assert_memory_not_equal(first, second, 16);
    store_blind(st, "msisdn6", "14", 2,
                second); /* the NUL keeps label and bytes apart */
    assert_memory_not_equal(first, second, 16);
    store_mac(st, "msisdn", "614", 3, mac);
    assert_memory_not_equal(first, mac, 16);
    store_close(st);
    st = open_store();
    store_blind(st, "msisdn", "614", 3, second);
    assert_memory_equal(first, second, 16);
    store_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_put_get_del),
        TEST(test_add_does_not_overwrite),
        TEST(test_values_of_any_size),
        TEST(test_out_of_range),
        TEST(test_out_of_order),
        TEST(test_abort_undoes),
        TEST(test_scan_order),
        TEST(test_scan_with_changes),
        TEST(test_second_opener),
        TEST(test_wrong_key),
        TEST(test_newer_schema),
        TEST(test_lost_meta),
        TEST(test_directory_that_cannot_be),
        TEST(test_moved_value),
        TEST(test_turned_bits),
        TEST(test_no_clear_text),
        TEST(test_blinded_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
