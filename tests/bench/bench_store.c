/* SPDX-License-Identifier: ISC */
/* bench_store.c - records a second on disk, beside a bare append of the same bytes.
 * Here:       accepts as keeper writes them, 1, 10 or 100 to a flush; the bare append.
 * Elsewhere:  whether the store is right (test_store.c).
 * Called by:  make bench; by hand:  bench_store DIR [SECONDS]
 * Source:     DESIGN, numbers to reach.
 *
 * Each line is  name value unit.  DIR must be empty or missing; what is made in it is
 * removed. The two of a batch size run one after the other, since disks drift. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <dirent.h>
#include <unistd.h>
#include "bdb/seal.h"
#include "bdb/store.h"

#define MESSAGE_BYTES 1200U
#define SMALL_MAX 300U

/* The records of one accept. A time or a random id begins the key as in the store. */
static const struct {
    enum store_table table;
    size_t key_bytes, value_bytes;
    bool ascending; /* else the key begins with random bytes */
} records[] = {
    { T_MESSAGE, 16, MESSAGE_BYTES, true },
    { T_BY_HANDSET, 32, 0, false },
    { T_BY_EXPIRY, 25, 0, true },
    { T_BY_EPOCH, 21, 0, true },
    { T_HANDSET, 16, 280, false },
    { T_OUTBOX, 24, 110, true },
    { T_SEEN, 16, 24, false },
    { T_COUNTER, 16, 16, false },
};
#define RECORDS (sizeof records / sizeof records[0])

static uint64_t serial;

static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_store: %s: %s\n", what, why);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_key(uint8_t *key, size_t n, bool ascending)
{
    memset(key, 0, n);
    for (size_t i = 0; i < 8; i++)
        key[i] = (uint8_t)(ascending ? serial >> (56U - 8U * i) : (uint64_t)random());
}

static void accept_one(struct store *st, const uint8_t value[MESSAGE_BYTES])
{
    serial++;
    if (store_begin(st) != STORE_OK)
        fail("begin", store_why(st));
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t key[STORE_KEY_MAX];

        make_key(key, records[i].key_bytes, records[i].ascending);
        if (store_put(st, records[i].table, key, records[i].key_bytes, value,
                      records[i].value_bytes) != STORE_OK)
            fail("put", store_why(st));
    }
    if (store_commit(st) != STORE_OK)
        fail("commit", store_why(st));
}

static double store_rate(struct store *st, unsigned batch, double seconds)
{
    static const uint8_t value[MESSAGE_BYTES] = "a sealed message";
    const double begin = now_s();
    double end;
    uint64_t accepts = 0;

    do {
        for (unsigned i = 0; i < batch; i++)
            accept_one(st, value);
        accepts += batch;
        if (store_flush(st) != STORE_OK)
            fail("flush", store_why(st));
        end = now_s();
    } while (end - begin < seconds);
    return (double)(accepts * RECORDS) / (end - begin);
}

/* What any store must write: keys and sealed values, in one write and one fdatasync. */
static double bare_rate(const char *dir, unsigned batch, double seconds)
{
    size_t accept_bytes = 0;
    uint64_t accepts = 0;
    char path[4096];
    uint8_t *bytes;
    double begin, end;
    int fd;

    for (size_t i = 0; i < RECORDS; i++)
        accept_bytes +=
            records[i].key_bytes + records[i].value_bytes +
            (records[i].value_bytes > 0 ? (size_t)SEAL_OVERHEAD : (size_t)0);
    bytes = calloc(batch, accept_bytes);
    (void)snprintf(path, sizeof path, "%s/bare", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || bytes == NULL)
        fail(path, "cannot be made");
    begin = now_s();
    do {
        const size_t n = batch * accept_bytes;

        if (write(fd, bytes, n) != (ssize_t)n || fdatasync(fd) != 0)
            fail(path, "write failed");
        accepts += batch;
        end = now_s();
    } while (end - begin < seconds);
    (void)close(fd);
    (void)unlink(path);
    free(bytes);
    return (double)(accepts * RECORDS) / (end - begin);
}

static void empty_directory(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL)
        (void)unlinkat(dirfd(d), entry->d_name, 0); /* "." and ".." refuse */
    (void)closedir(d);
    (void)rmdir(dir);
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = { 1, 10, 100 };
    const uint8_t key[STORE_KEY_BYTES] = { 1 };
    const double seconds = argc > 2 ? strtod(argv[2], NULL) : 2.0;
    char why[STORE_WHY_MAX];
    struct store *st;

    if (argc < 2 || seconds <= 0) {
        (void)fputs("usage: bench_store DIR [SECONDS]\n", stderr);
        return 64;
    }
    if (rmdir(argv[1]) != 0 && access(argv[1], F_OK) == 0)
        fail(argv[1], "is not an empty directory");
    if (store_open(&st, &(struct store_options){ .dir = argv[1] }, key, why) !=
        STORE_OK)
        fail(argv[1], why);
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        const double ours = store_rate(st, batches[i], seconds);
        const double bare = bare_rate(argv[1], batches[i], seconds);

        (void)printf("store.batch-%u %.0f records/s\n", batches[i], ours);
        (void)printf("bare-append.batch-%u %.0f records/s\n", batches[i], bare);
        (void)printf("store-to-bare.batch-%u %.3f ratio\n", batches[i], ours / bare);
    }
    store_close(st);
    empty_directory(argv[1]);
    return 0;
}
