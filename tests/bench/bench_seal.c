/* SPDX-License-Identifier: ISC */
/* bench_seal.c - seals a second, beside the floor that no sealing can go under.
 * Here:       "name value unit" lines; medians of five alternating rounds, CPU time.
 * Elsewhere:  accepting, storing (the other benches).
 * The floor is one ephemeral key and one ECDH: RFC 7518 4.6 asks for both. */
#include "relay/jwe_private.h"
#include "relay/stream.h"
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 5
#define TEXT_BYTES 1024U

static struct err e;
static struct jwe_key key, key_rsa;
static EVP_PKEY *pair;
static struct jwe_window window;
static struct buf out, sealed, plain;
static char text[STREAM_CHUNK];
static const struct jwe_header header = { .typ = "sealpost-message",
                                          .created_s = 1790000000,
                                          .to = "epoch-20261124" };

static bool run_floor(void)
{
    EVP_PKEY *ephemeral = jwe_key_new_p256(&e);
    uint8_t z[32];
    const bool ok = ephemeral != NULL && jwe_agree(ephemeral, key.pkey, false, z);

    EVP_PKEY_free(ephemeral);
    return ok;
}

static bool seal_to(const struct jwe_key *to, size_t n)
{
    const struct jwe_key *const list[] = { to, to, to };

    out.n = 0;
    return jwe_seal(&header, list, n, span_of(text, TEXT_BYTES), &out, &e) == 0;
}

static bool run_seal_1(void)
{
    return seal_to(&key, 1);
}

static bool run_seal_3(void)
{
    return seal_to(&key, 3);
}

static bool run_seal_rsa(void)
{
    return seal_to(&key_rsa, 1);
}

static bool run_window(void)
{
    out.n = 0;
    return jwe_window_seal(&window, &header, span_of(text, TEXT_BYTES), &out, &e) == 0;
}

static bool run_open(void)
{
    plain.n = 0;
    return jwe_open(buf_span(&sealed), pair, key.kid, NULL, &plain, &e) == 0;
}

static bool run_check(void)
{
    return jwe_check(buf_span(&sealed));
}

static bool run_json(void)
{
    out.n = 0;
    return jwe_to_json(buf_span(&sealed), NULL, &out, &e) == 0;
}

static bool run_stream(void)
{
    uint8_t part_key[STREAM_KEY], sha256[32];

    out.n = 0;
    return stream_seal(span_of(text, sizeof text), part_key, sha256, &out, &e) == 0;
}

static const struct {
    const char *name;
    bool (*run)(void);
    unsigned times;
} rows[] = {
    { "ecdh_floor", run_floor, 1000 },
    { "seal_1KiB_1_device", run_seal_1, 1000 },
    { "seal_1KiB_3_devices", run_seal_3, 300 },
    { "seal_1KiB_rsa2048", run_seal_rsa, 1000 },
    { "window_seal_1KiB", run_window, 5000 },
    { "open_1KiB", run_open, 500 },
    { "check_1KiB", run_check, 5000 },
    { "to_json_1KiB", run_json, 5000 },
    { "stream_seal_256KiB", run_stream, 100 },
};
#define ROWS (sizeof rows / sizeof rows[0])

static double cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

static bool start(void)
{
    EVP_PKEY *rsa;

    buf_init(&out, JWE_TEXT_MAX_BYTES);
    buf_init(&sealed, JWE_TEXT_MAX_BYTES);
    buf_init(&plain, JWE_TEXT_MAX_BYTES);
    if (jwe_start(&e) != 0)
        return false;
    pair = jwe_key_new_p256(&e);
    rsa = EVP_RSA_gen(2048);
    if (pair == NULL || rsa == NULL || jwe_key_from_pkey(&key, pair, &e) != 0 ||
        jwe_key_from_pkey(&key_rsa, rsa, &e) != 0)
        return false;
    EVP_PKEY_free(rsa);
    if (jwe_window_open(&window, &key, &e) != 0 || !run_window())
        return false;
    buf_put_span(&sealed, buf_span(&out));
    return true;
}

static double measure(size_t row)
{
    const double before = cpu_us();

    for (unsigned i = 0; i < rows[row].times; i++)
        if (!rows[row].run())
            exit(1);
    return (cpu_us() - before) / rows[row].times;
}

int main(void)
{
    static double us[ROWS][ROUNDS], floor_us[ROUNDS], ratio[ROUNDS];

    if (!start())
        return 1;
    for (size_t i = 0; i < ROWS; i++) /* caches and clock speed settle */
        (void)measure(i);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < ROWS; i++)
            us[i][round] = measure(i);
        floor_us[round] = measure(0); /* next to the seal that it is held against */
        ratio[round] = floor_us[round] / measure(1);
    }
    for (size_t i = 0; i < ROWS; i++)
        printf("%s %.2f us\n", rows[i].name, median(us[i]));
    printf("seal_against_floor %.2f ratio\n", median(ratio));
    printf("seals_1_device %.0f 1/s\n", 1e6 / us[1][ROUNDS / 2]);
    printf("seals_window %.0f 1/s\n", 1e6 / us[4][ROUNDS / 2]);
    return 0;
}
