/* SPDX-License-Identifier: ISC */
/* test_store_weather.c - bad weather: kill -9 and disks that are full.
 * Here:       what was flushed survives, what fails can be tried again.
 * Elsewhere:  the calls in fair weather (test_store.c).
 * Called by:  make check.
 * Source:     bdb/store.h. */
#include "tests/unit/store_fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* A file system in memory of our own, where we may mount; umount2 in remove_root. */
static bool mount_memory(const char *size)
{
    assert_int_equal(mkdir(dir, 0700), 0);
    return mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV, size) == 0;
}

static void i_promise(int report, uint32_t flushed)
{
    if (write(report, &flushed, sizeof flushed) != sizeof flushed)
        _exit(1);
}

/* Writes and flushes from record first on, five to a transaction, and reports each
 * flushed count; ends by kill only. */
static void write_until_killed(int report, uint32_t first)
{
    struct store *st = open_store();

    for (uint32_t n = first;; n += 5) {
        bool ok = store_begin(st) == STORE_OK;

        for (uint32_t i = n; ok && i < n + 5; i++) {
            const uint8_t key[4] = { (uint8_t)(i >> 24), (uint8_t)(i >> 16),
                                     (uint8_t)(i >> 8), (uint8_t)i };
            static const uint8_t value[1200];

            ok = store_put(st, T_MESSAGE, key, 4, value, 200 + i % 1000) == STORE_OK &&
                 store_put(st, T_BY_HANDSET, key, 4, NULL, 0) == STORE_OK;
        }
        if (!ok || store_commit(st) != STORE_OK || store_flush(st) != STORE_OK)
            _exit(1);
        i_promise(report, n + 5);
    }
}

static uint32_t count_and_check(struct store *st, enum store_table table,
                                bool with_value)
{
    struct store_cursor *c;
    struct store_bytes value;
    const uint8_t *key;
    size_t n;
    uint32_t met = 0;

    assert_int_equal(store_scan(st, table, NULL, 0, NULL, 0, &c), STORE_OK);
    while (store_scan_next(c, &key, &n, &value) == STORE_OK) {
        assert_int_equal(n, 4);
        assert_int_equal((uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
                             (uint32_t)key[2] << 8 | key[3],
                         met);
        assert_int_equal(value.n, with_value ? 200 + met % 1000 : 0);
        store_bytes_clear(&value);
        met++;
    }
    store_scan_end(c);
    return met;
}

/* Starts the writer and kills it after some milliseconds; returns what it promised. */
static uint32_t one_life(uint32_t first, unsigned ms)
{
    const struct timespec life = { 0, (long)ms * 1000000 };
    uint32_t promised = first, flushed;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(ends[1], first);
    (void)close(ends[1]);
    /* the first promise: it is at work; then let it go on for a while */
    assert_int_equal(read(ends[0], &flushed, sizeof flushed), sizeof flushed);
    promised = flushed;
    (void)nanosleep(&life, NULL);
    (void)kill(child, SIGKILL);
    while (read(ends[0], &flushed, sizeof flushed) == sizeof flushed)
        promised = flushed;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    (void)close(ends[0]);
    return promised;
}

static void test_kill_loses_nothing(void **state)
{
    uint32_t have = 0;

    (void)state;
    (void)mount_memory("size=256m"); /* a kill loses no page: the disk adds only time */
    for (unsigned round = 0; round < 20; round++) {
        const uint32_t promised = one_life(have, round);
        struct store *st = open_store();

        have = count_and_check(st, T_MESSAGE, true);
        assert_true(have >= promised);
        assert_int_equal(have % 5, 0); /* a transaction is there whole or not at all */
        assert_int_equal(count_and_check(st, T_BY_HANDSET, false), have);
        store_close(st);
    }
}

/* Fills what is left but for keep bytes. */
static void fill_disk(uint64_t keep)
{
    static const uint8_t zeros[4096];
    char path[320];
    int fd;

    (void)snprintf(path, sizeof path, "%s/filler", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof zeros) == sizeof zeros)
        continue;
    if (keep > 0)
        assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - (off_t)keep), 0);
    (void)close(fd);
}

static void free_disk(void)
{
    char path[320];

    (void)snprintf(path, sizeof path, "%s/filler", dir);
    assert_int_equal(unlink(path), 0);
}

/* Transactions of ten until one fails; returns how many records were flushed. */
static uint32_t write_until_full(struct store *st, uint32_t n)
{
    static const uint8_t value[1200];

    for (;; n += 10) {
        enum store_status status = store_begin(st);

        for (uint32_t i = n; status == STORE_OK && i < n + 10; i++)
            status = store_put(st, T_MESSAGE, &i, sizeof i, value, sizeof value);
        if (status != STORE_OK)
            assert_int_equal(store_put(st, T_MESSAGE, "a", 1, "b", 1), status);
        if (status == STORE_OK)
            status = store_commit(st);
        if (status == STORE_OK)
            status = store_flush(st);
        if (status == STORE_OK)
            continue;
        assert_int_equal(status, STORE_FULL);
        assert_string_not_equal(store_why(st), "");
        store_abort(st);
        return n;
    }
}

static void expect_records(struct store *st, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct store_bytes got;

        assert_int_equal(store_get(st, T_MESSAGE, &i, sizeof i, &got), STORE_OK);
        assert_int_equal(got.n, 1200);
        store_bytes_clear(&got);
    }
}

/* More than the log buffer holds, so that the put itself meets the full disk. */
static void fail_inside(struct store *st)
{
    const size_t n = 6U << 20;
    uint8_t *value = calloc(1, n);
    struct store_cursor *c;

    assert_non_null(value);
    begin(st);
    assert_int_equal(store_put(st, T_PART, "big", 3, value, n), STORE_FULL);
    assert_non_null(strstr(store_why(st), "No space left"));
    assert_int_equal(store_put(st, T_PART, "b", 1, "1", 1), STORE_FULL);
    assert_int_equal(store_has(st, T_PART, "b", 1), STORE_FULL);
    assert_int_equal(store_scan(st, T_PART, NULL, 0, NULL, 0, &c), STORE_FULL);
    assert_int_equal(store_commit(st), STORE_FULL);
    store_abort(st);
    expect_absent(st, T_PART, "big");
    free(value);
}

static void test_full_disk(void **state)
{
    struct store *st;
    uint32_t n;

    (void)state;
    if (!mount_memory("size=64m"))
        skip();
    st = open_store();
    fill_disk(6U << 20);
    n = write_until_full(st, 0);
    assert_true(n >= 100);
    assert_int_equal(write_until_full(st, n + 10), n + 10); /* full, not dead */
    fail_inside(st);
    expect_records(st, n);
    free_disk();
    begin(st);
    put(st, T_HANDSET, "after", "space came back");
    commit(st);
    expect(st, T_HANDSET, "after", "space came back");
    store_close(st);
    st = open_store();
    expect_records(st, n);
    expect(st, T_HANDSET, "after", "space came back");
    store_close(st);
}

static bool reserve_is(off_t bytes)
{
    char path[320];
    struct stat file;

    (void)snprintf(path, sizeof path, "%s/reserve", dir);
    if (stat(path, &file) != 0)
        return bytes == 0;
    return file.st_size == bytes && (off_t)file.st_blocks * 512 >= bytes;
}

static struct store *open_with_reserve(uint64_t bytes)
{
    const struct store_options options = { dir, 1U << 20, bytes };
    struct store *st;

    if (store_open(&st, &options, store_key, why) != STORE_OK)
        fail_msg("%s", why);
    return st;
}

static void test_reserve_saves_recovery(void **state)
{
    struct store *st;
    int status;
    pid_t child;

    (void)state;
    if (!mount_memory("size=64m"))
        skip();
    child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* dies with 2 MiB to recover */
        st = open_with_reserve(24U << 20);
        for (uint32_t i = 0; i < 1500; i++) {
            static const uint8_t value[1200];

            if (store_begin(st) != STORE_OK ||
                store_put(st, T_MESSAGE, &i, sizeof i, value, sizeof value) !=
                    STORE_OK ||
                store_commit(st) != STORE_OK)
                _exit(1);
        }
        _exit(store_flush(st) == STORE_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(reserve_is(24U << 20));
    fill_disk(0);
    st = open_with_reserve(24U << 20);
    assert_true(reserve_is(0)); /* used up, and no room for it yet */
    expect_records(st, 1500);
    free_disk();
    store_close(st);
    fill_disk(6U << 20);
    st = open_with_reserve(4U << 20);
    assert_true(reserve_is(0)); /* it would leave less than its size for the work */
    store_close(st);
    free_disk();
    st = open_with_reserve(4U << 20);
    assert_true(reserve_is(4U << 20));
    store_close(st);
}

static void test_space(void **state)
{
    struct store *st = open_with_reserve(1U << 20);

    (void)state;
    assert_true(store_space(st) > 0);
    assert_true(reserve_is(1U << 20));
    store_close(st);
    st = open_with_reserve(0);
    assert_true(reserve_is(0)); /* none wanted: given back */
    store_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kill_loses_nothing),
        TEST(test_full_disk),
        TEST(test_reserve_saves_recovery),
        TEST(test_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
