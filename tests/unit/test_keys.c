/* SPDX-License-Identifier: ISC */
/* test_keys.c - the server's keys on disk: first start, restart, loss, destruction.
 * Here:       relay/keys.c over a directory of its own.
 * Source:     relay/keys.h, DESIGN 5.2. */
#include "relay/encode.h"
#include "relay/jwe_private.h"
#include "relay/keeper/keys.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define FILE_ROOM 4096

static struct err e;
static char base[64], dir[96], secret[96];

static const char *path_of(const char *name)
{
    static char path[192];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void file_put(const char *path, const char *bytes, size_t n, mode_t mode)
{
    int fd;

    (void)unlink(path); /* ext4 flushes a file that is cut and written again */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static size_t file_get(const char *path, char bytes[FILE_ROOM])
{
    const int fd = open(path, O_RDONLY);
    ssize_t n;

    assert_true(fd >= 0);
    n = read(fd, bytes, FILE_ROOM);
    assert_true(n >= 0);
    assert_int_equal(close(fd), 0);
    return (size_t)n;
}

static void dir_empty(const char *path)
{
    DIR *const d = opendir(path);
    const struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL)
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    (void)closedir(d);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(base, sizeof base, "/tmp/test-keys-XXXXXX");
    if (mkdtemp(base) == NULL)
        return -1;
    (void)snprintf(dir, sizeof dir, "%s/keys", base);
    (void)snprintf(secret, sizeof secret, "%s/passphrase", base);
    file_put(secret, "correct horse\n", 14, 0600);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dir_empty(dir);
    (void)rmdir(dir);
    (void)unlink(secret);
    return rmdir(base);
}

static struct keys *opened(void)
{
    struct keys *k = NULL;

    if (keys_open(&k, dir, secret, &e) != 0)
        fail_msg("%s", e.text);
    return k;
}

static void assert_refused(const char *why)
{
    struct keys *k = (struct keys *)&e;

    assert_int_equal(keys_open(&k, dir, secret, &e), -1);
    assert_null(k);
    assert_int_equal(e.class, ERR_PERM);
    if (strstr(e.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void test_first_start_and_restart(void **state)
{
    const uint32_t wanted[] = { 20261123, 20261124, 20270101 };
    uint8_t store[2][32], kid[JWE_KID_BYTES];
    uint32_t days[3] = { 0 };
    struct jwe_key key;
    struct stat st;
    struct keys *k = opened();

    (void)state;
    keys_store_key(k, store[0]);
    assert_int_equal(keys_epoch_list(k, days, 3), 0);
    assert_int_equal(keys_epoch_make(k, wanted[2], &e), 0); /* in any order */
    assert_int_equal(keys_epoch_make(k, wanted[0], &e), 0);
    assert_int_equal(keys_epoch_make(k, wanted[1], &e), 0);
    assert_int_equal(keys_epoch_public(k, wanted[1], &key, &e), 0);
    memcpy(kid, key.kid, sizeof kid);
    jwe_key_clear(&key);
    keys_close(k);

    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(path_of("master.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of("epoch-20261124.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    file_put(secret, "correct horse", 13, 0600); /* an editor took the newline */
    k = opened();
    keys_store_key(k, store[1]);
    assert_memory_equal(store[0], store[1], 32);
    assert_int_equal(keys_epoch_list(k, days, 2), 3);
    assert_int_equal(days[2], 0); /* at most max */
    assert_int_equal(keys_epoch_list(k, days, 3), 3);
    assert_memory_equal(days, wanted, sizeof wanted);
    assert_int_equal(keys_epoch_by_kid(k, kid), wanted[1]);
    assert_int_equal(keys_epoch_make(k, wanted[1], &e), 0); /* read, not made anew */
    assert_int_equal(keys_epoch_by_kid(k, kid), wanted[1]);
    kid[0] ^= 1;
    assert_int_equal(keys_epoch_by_kid(k, kid), 0);
    keys_close(k);
}

static void seal_to_epoch(struct keys *k, uint32_t day, struct jwe_key *key,
                          struct buf *out)
{
    const struct jwe_header h = { .typ = "sealpost-message", .to = "epoch-20261124" };
    const struct jwe_key *const to = key;

    assert_int_equal(keys_epoch_public(k, day, key, &e), 0);
    buf_init(out, 4096);
    assert_int_equal(jwe_seal(&h, &to, 1, span_str("results"), out, &e), 0);
}

static void test_destroyed_for_good(void **state)
{
    const uint32_t day = 20261124;
    struct keys *k = opened();
    struct buf sealed, plain;
    struct jwe_key key;

    (void)state;
    buf_init(&plain, 4096);
    assert_int_equal(keys_epoch_make(k, day, &e), 0);
    assert_int_equal(keys_epoch_make(k, day + 1, &e), 0);
    seal_to_epoch(k, day, &key, &sealed);
    keys_close(k);
    k = opened();
    assert_int_equal(jwe_open(buf_span(&sealed), keys_epoch_private(k, day), key.kid,
                              NULL, &plain, &e),
                     0);
    assert_true(span_eq_str(buf_span(&plain), "results"));
    assert_int_equal(keys_epoch_destroy(k, day, &e), 0);
    assert_null(keys_epoch_private(k, day));
    assert_int_equal(keys_epoch_by_kid(k, key.kid), 0);
    assert_int_equal(access(path_of("epoch-20261124.key"), F_OK), -1);
    assert_int_equal(access(path_of("epoch-20261124.key.gone"), F_OK), -1);
    assert_int_equal(keys_epoch_destroy(k, day, &e), -1);
    assert_int_equal(keys_epoch_make(k, day, &e), 0); /* another key of the same day */
    assert_int_equal(jwe_open(buf_span(&sealed), keys_epoch_private(k, day), key.kid,
                              NULL, &plain, &e),
                     -1);
    assert_non_null(keys_epoch_private(k, day + 1));
    keys_close(k);
    jwe_key_clear(&key);
    buf_clear(&sealed);
    buf_clear(&plain);
}

/* What front gets cannot open anything. */
static void test_public_half_only(void **state)
{
    struct keys *k = opened();
    uint8_t scalar[32];
    struct jwe_key key;

    (void)state;
    assert_int_equal(keys_epoch_make(k, 20261124, &e), 0);
    assert_int_equal(keys_epoch_public(k, 20261124, &key, &e), 0);
    assert_false(jwe_pair_scalar(key.pkey, scalar));
    assert_true(jwe_pair_scalar(keys_epoch_private(k, 20261124), scalar));
    jwe_key_clear(&key);
    assert_int_equal(keys_epoch_make(k, 20261301, &e), -1);
    assert_int_equal(keys_epoch_make(k, 20261100, &e), -1);
    assert_int_equal(keys_epoch_make(k, 0, &e), -1);
    assert_int_equal(e.class, ERR_BUG);
    assert_int_equal(keys_epoch_public(k, 20261125, &key, &e), -1);
    assert_int_equal(e.class, ERR_PERM);
    assert_null(keys_epoch_private(k, 20261125));
    keys_close(k);
}

static bool stands_in(const char *text, size_t n, const void *word, size_t word_n)
{
    return memmem(text, n, word, word_n) != NULL;
}

static void test_nothing_in_clear(void **state)
{
    static const char *const names[] = { "master.key", "epoch-20261124.key" };
    struct keys *k = opened();
    uint8_t scalar[32], store[32];
    char hex[65], text[FILE_ROOM];

    (void)state;
    assert_int_equal(keys_epoch_make(k, 20261124, &e), 0);
    assert_true(jwe_pair_scalar(keys_epoch_private(k, 20261124), scalar));
    keys_store_key(k, store);
    for (size_t i = 0; i < 2; i++) {
        const size_t n = file_get(path_of(names[i]), text);

        assert_true(n > 100);
        assert_false(stands_in(text, n, scalar, 8));
        assert_false(stands_in(text, n, hex_text(hex, scalar, 32), 16));
        assert_false(stands_in(text, n, store, 8));
        assert_false(stands_in(text, n, hex_text(hex, store, 32), 16));
        assert_false(stands_in(text, n, "correct", 7));
    }
    keys_close(k);
}

static void test_passphrase(void **state)
{
    static const struct {
        const char *content, *why;
        mode_t mode;
    } rows[] = {
        { "wrong horse", "passphrase is wrong", 0600 },
        { "", "empty", 0600 },
        { "\n\n", "empty", 0600 },
        { "correct horse", "others may read", 0640 },
        { "correct horse", "others may read", 0604 },
        { "correct horse", "others may read", 0620 },
    };
    char *const large = calloc(1, 5000);

    (void)state;
    keys_close(opened());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        file_put(secret, rows[i].content, strlen(rows[i].content), rows[i].mode);
        assert_refused(rows[i].why);
    }
    assert_non_null(large);
    file_put(secret, large, 5000, 0600);
    assert_refused("too long");
    free(large);
    file_put(secret, "correct horse", 13, 0400);
    keys_close(opened());
}

/* Never a new key where an old one was. */
static void test_lost_master(void **state)
{
    struct keys *k = opened();

    (void)state;
    assert_int_equal(keys_epoch_make(k, 20261124, &e), 0);
    keys_close(k);
    assert_int_equal(unlink(path_of("master.key")), 0);
    assert_refused("missing beside epoch keys");
    assert_int_equal(access(path_of("master.key"), F_OK), -1);
    dir_empty(dir);
    file_put(path_of("notes.txt"), "x", 1, 0600);
    assert_refused("not empty");
}

/* An epoch file beside another master key. */
static void test_foreign_epoch(void **state)
{
    char text[FILE_ROOM];
    size_t n;
    struct keys *k = opened();

    (void)state;
    assert_int_equal(keys_epoch_make(k, 20261124, &e), 0);
    keys_close(k);
    n = file_get(path_of("epoch-20261124.key"), text);
    dir_empty(dir);
    keys_close(opened());
    file_put(path_of("epoch-20261124.key"), text, n, 0600);
    assert_refused("damaged, or of another master key");
}

/* Every byte of both files changed, and both cut short: refused, nothing made anew. The
 * bytes behind scrypt cost 80 ms each, so of those a few. */
static void test_damaged_files(void **state)
{
    char text[FILE_ROOM];
    size_t n;
    struct keys *k = opened();

    (void)state;
    assert_int_equal(keys_epoch_make(k, 20261124, &e), 0);
    keys_close(k);
    n = file_get(path_of("master.key"), text);
    for (size_t i = 0; i < n; i += i < 45 ? 1 : 110) {
        text[i] ^= i % 2 == 0 ? 1 : 0x20;
        file_put(path_of("master.key"), text, n, 0600);
        assert_refused("damaged");
        text[i] ^= i % 2 == 0 ? 1 : 0x20;
    }
    text[n] = '\n';
    file_put(path_of("master.key"), text, n + 1, 0600);
    assert_refused("damaged");
    for (size_t cut = 0; cut < n; cut++) {
        file_put(path_of("master.key"), text, cut, 0600);
        assert_refused("damaged");
    }
    file_put(path_of("master.key"), text, n, 0600);
    n = file_get(path_of("epoch-20261124.key"), text);
    for (size_t i = 5; i < n; i += 110) {
        text[i] ^= 1;
        file_put(path_of("epoch-20261124.key"), text, n, 0600);
        assert_refused("damaged");
        text[i] ^= 1;
    }
    file_put(path_of("epoch-20261124.key"), text, n - 1, 0600);
    assert_refused("damaged");
    text[n] = '\n';
    file_put(path_of("epoch-20261124.key"), text, n + 1, 0600);
    assert_refused("damaged");
    file_put(path_of("epoch-20261125.key"), text, n, 0600); /* under another day */
    file_put(path_of("epoch-20261124.key"), text, n, 0600);
    assert_refused("epoch-20261125.key");
    assert_int_equal(unlink(path_of("epoch-20261125.key")), 0);
    keys_close(opened());
}

/* What a crash leaves is swept, and a half destroyed epoch stays dead. */
static void test_leftovers(void **state)
{
    char text[FILE_ROOM];
    uint32_t day;
    size_t n;
    struct keys *k = opened();

    (void)state;
    assert_int_equal(keys_epoch_make(k, 20261124, &e), 0);
    keys_close(k);
    n = file_get(path_of("epoch-20261124.key"), text);
    assert_int_equal(unlink(path_of("epoch-20261124.key")), 0);
    file_put(path_of("epoch-20261124.key.gone"), text, n, 0600);
    file_put(path_of("epoch-20261125.key.new"), text, n / 2, 0600);
    file_put(path_of("master.key.new"), "half", 4, 0600);
    file_put(path_of("epoch-notes.key.new"), "mine", 4, 0600); /* not ours to sweep */
    k = opened();
    assert_int_equal(keys_epoch_list(k, &day, 1), 0);
    assert_int_equal(access(path_of("epoch-20261124.key.gone"), F_OK), -1);
    assert_int_equal(access(path_of("epoch-20261125.key.new"), F_OK), -1);
    assert_int_equal(access(path_of("master.key.new"), F_OK), -1);
    assert_int_equal(access(path_of("epoch-notes.key.new"), F_OK), 0);
    keys_close(k);
}

static void test_days(void **state)
{
    static const struct {
        uint64_t now_s;
        uint32_t day;
    } rows[] = {
        { 0, 19700101 },          { 86399, 19700101 },
        { 86400, 19700102 },      { 951782399, 20000228 },
        { 951782400, 20000229 },  { 951868800, 20000301 },
        { 1709164800, 20240229 }, { 1709251199, 20240229 },
        { 1709251200, 20240301 }, { 1798761599, 20261231 },
        { 1798761600, 20270101 }, { 4107542399, 21000228 },
        { 4107542400, 21000301 }, /* no leap year */ { 253402300799, 99991231 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(keys_day(rows[i].now_s), rows[i].day);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_first_start_and_restart),
        STORY(test_destroyed_for_good),
        STORY(test_public_half_only),
        STORY(test_nothing_in_clear),
        STORY(test_passphrase),
        STORY(test_lost_master),
        STORY(test_foreign_epoch),
        STORY(test_damaged_files),
        STORY(test_leftovers),
        cmocka_unit_test(test_days),
    };

    if (jwe_start(&e) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
