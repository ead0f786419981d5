/* SPDX-License-Identifier: ISC */
/* test_stream.c - parts in chunks: sizes, layout, and every way to damage one.
 * Here:       stream_seal and stream_open.
 * Source:     relay/stream.h; the layout is written out a second time below. */
#include "relay/stream.h"
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define WHOLE (STREAM_CHUNK + STREAM_TAG)
#define ROOM (4U << 20)

static struct err e;

struct part {
    char *clear;
    size_t n;
    uint8_t key[STREAM_KEY], sha256[32];
    struct buf sealed;
};

static void part_init(struct part *p, size_t n)
{
    p->clear = malloc(n + 1);
    p->n = n;
    assert_non_null(p->clear);
    for (size_t i = 0; i < n; i++)
        p->clear[i] = (char)(i * 7 + i / STREAM_CHUNK);
    buf_init(&p->sealed, ROOM);
    assert_int_equal(
        stream_seal(span_of(p->clear, n), p->key, p->sha256, &p->sealed, &e), 0);
}

static void part_clear(struct part *p)
{
    free(p->clear);
    buf_clear(&p->sealed);
}

static void hash(struct span s, uint8_t out[32])
{
    assert_int_equal(EVP_Q_digest(NULL, "SHA2-256", NULL, s.p, s.n, out, NULL), 1);
}

/* Refused although its hash is right: by the construction, not by the manifest. */
static void assert_refused(struct span sealed, const uint8_t *key)
{
    uint8_t sha256[32];
    struct buf out;

    hash(sealed, sha256);
    buf_init(&out, ROOM);
    assert_int_equal(stream_open(sealed, key, sha256, &out, &e), -1);
    assert_int_equal(e.class, ERR_PERM);
    assert_string_equal(e.status, "5.6.0");
    assert_int_equal(out.n, 0);
    buf_clear(&out);
}

static void test_sizes(void **state)
{
    static const struct {
        size_t clear, sealed;
    } rows[] = {
        { 0, 16 },
        { 1, 17 },
        { STREAM_CHUNK - 1, STREAM_CHUNK + 15 },
        { STREAM_CHUNK, WHOLE }, /* a full last chunk, no empty one behind it */
        { STREAM_CHUNK + 1, WHOLE + 17 },
        { 3 * STREAM_CHUNK, 3 * WHOLE },
        { 3 * STREAM_CHUNK + 100, 3 * WHOLE + 116 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct part p;
        struct buf out;
        uint8_t sha256[32];

        part_init(&p, rows[i].clear);
        assert_int_equal(p.sealed.n, rows[i].sealed);
        assert_int_equal(stream_sealed_bytes(rows[i].clear), rows[i].sealed);
        hash(buf_span(&p.sealed), sha256);
        assert_memory_equal(sha256, p.sha256, sizeof sha256);
        buf_init(&out, ROOM);
        assert_int_equal(stream_open(buf_span(&p.sealed), p.key, p.sha256, &out, &e),
                         0);
        assert_true(span_eq(buf_span(&out), span_of(p.clear, p.n)));
        buf_clear(&out);
        part_clear(&p);
    }
}

/* The second chunk of three, deciphered by the header's words alone. */
static void test_layout(void **state)
{
    const uint8_t nonce[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *const clear = malloc(STREAM_CHUNK);
    struct part p;
    uint8_t rest[16];
    int n;

    (void)state;
    part_init(&p, 2 * STREAM_CHUNK + 5);
    assert_non_null(clear);
    assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, p.key, nonce), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, clear, &n,
                                       (const uint8_t *)p.sealed.p + WHOLE,
                                       (int)STREAM_CHUNK),
                     1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, STREAM_TAG,
                                         p.sealed.p + WHOLE + STREAM_CHUNK),
                     1);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, rest, &n), 1);
    assert_memory_equal(clear, p.clear + STREAM_CHUNK, STREAM_CHUNK);
    EVP_CIPHER_CTX_free(ctx);
    free(clear);
    part_clear(&p);
}

static void test_cut_anywhere(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, 200);
    for (size_t n = 0; n < p.sealed.n; n++) {
        char *const block = malloc(n); /* of that exact size */

        if (n > 0)
            memcpy(block, p.sealed.p, n);
        assert_refused(span_of(block, n), p.key);
        free(block);
    }
    part_clear(&p);
}

static void test_bits(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, 60);
    for (size_t bit = 0; bit < 8 * p.sealed.n; bit++) {
        p.sealed.p[bit / 8] ^= (char)(1 << bit % 8);
        assert_refused(buf_span(&p.sealed), p.key);
        p.sealed.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    p.key[0] ^= 1;
    assert_refused(buf_span(&p.sealed), p.key);
    part_clear(&p);
}

/* Whole chunks dropped, swapped and repeated, at the very boundaries. */
static void test_chunks_moved(void **state)
{
    struct part p;
    char *const s = calloc(4, WHOLE);

    (void)state;
    part_init(&p, 3 * STREAM_CHUNK);
    assert_non_null(s);
    assert_refused(span_of(p.sealed.p, WHOLE), p.key); /* the end is missing */
    assert_refused(span_of(p.sealed.p, 2 * WHOLE), p.key);
    assert_refused(span_of(p.sealed.p + WHOLE, 2 * WHOLE), p.key); /* the head is */
    memcpy(s, p.sealed.p + WHOLE, WHOLE);
    memcpy(s + WHOLE, p.sealed.p, WHOLE);
    memcpy(s + 2 * WHOLE, p.sealed.p + 2 * WHOLE, WHOLE);
    assert_refused(span_of(s, 3 * WHOLE), p.key);
    memcpy(s, p.sealed.p, 3 * WHOLE);
    assert_refused(span_of(s, 3 * WHOLE + STREAM_TAG), p.key); /* a tag too many */
    memcpy(s + 3 * WHOLE, p.sealed.p + 2 * WHOLE, WHOLE);
    assert_refused(span_of(s, 4 * WHOLE), p.key);
    free(s);
    part_clear(&p);
}

static void test_hash_and_room(void **state)
{
    struct part p, q;
    struct buf small;

    (void)state;
    part_init(&p, 100);
    part_init(&q, 100);
    assert_memory_not_equal(p.key, q.key, STREAM_KEY); /* every part its own */
    buf_init(&small, 99);
    assert_int_equal(stream_open(buf_span(&p.sealed), p.key, q.sha256, &small, &e), -1);
    assert_string_equal(e.status, "5.6.0");
    assert_int_equal(stream_open(buf_span(&p.sealed), p.key, p.sha256, &small, &e), -1);
    assert_string_equal(e.status, "5.3.4");
    buf_clear(&small);
    assert_int_equal(stream_seal(span_of(p.clear, 100), q.key, q.sha256, &small, &e),
                     -1);
    assert_string_equal(e.status, "5.3.4");
    part_clear(&p);
    part_clear(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_bits),
        cmocka_unit_test(test_chunks_moved), cmocka_unit_test(test_hash_and_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
