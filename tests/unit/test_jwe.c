/* SPDX-License-Identifier: ISC */
/* test_jwe.c - the sealing format: round trips, and what is refused.
 * Here:       binary form, general JSON, compact, the intermediate window.
 * Elsewhere:  keys and published vectors (test_jwe_key.c), other implementations
 *             (tests/interop/), speed (tests/bench/bench_seal.c).
 * Source:     RFC 7516, RFC 7518. */
#include "relay/encode.h"
#include "relay/jwe_private.h"
#include <openssl/rsa.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define TEXT "Your results are in"
#define CLOSED "not sealed to this key, damaged, or refused"

static struct err e;
static EVP_PKEY *ec[3], *rsa;
static struct jwe_key key_ec[3], key_rsa;
static const struct jwe_header header = { .typ = "sealpost-message",
                                          .id = { 1, 2, 3, 255 },
                                          .created_s = 1790000000,
                                          .to = "epoch-20261124" };

static int group_start(void **state)
{
    (void)state;
    if (jwe_start(&e) != 0 || jwe_start(&e) != 0) /* twice does no harm */
        return -1;
    for (size_t i = 0; i < 3; i++) {
        ec[i] = jwe_key_new_p256(&e);
        if (ec[i] == NULL || jwe_key_from_pkey(&key_ec[i], ec[i], &e) != 0)
            return -1;
    }
    rsa = EVP_RSA_gen(2048);
    return rsa == NULL ? -1 : jwe_key_from_pkey(&key_rsa, rsa, &e);
}

static int group_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY_free(ec[i]);
        jwe_key_clear(&key_ec[i]);
    }
    EVP_PKEY_free(rsa);
    jwe_key_clear(&key_rsa);
    return 0;
}

/* A heap block of exactly n bytes, so that one byte too far is seen. */
static struct span block_of(struct span s, size_t n)
{
    char *p = malloc(n);

    assert_true(p != NULL || n == 0);
    if (n > 0)
        memcpy(p, s.p, n);
    return span_of(p, n);
}

static void block_free(struct span s)
{
    free((void *)s.p);
}

static void seal_to(struct buf *out, const struct jwe_key *const *to, size_t n)
{
    buf_init(out, JWE_TEXT_MAX_BYTES);
    assert_int_equal(jwe_seal(&header, to, n, span_str(TEXT), out, &e), 0);
}

static void assert_opens(struct span binary, EVP_PKEY *pkey, const uint8_t *kid,
                         struct span text)
{
    struct buf plain;

    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    assert_int_equal(jwe_open(binary, pkey, kid, NULL, &plain, &e), 0);
    assert_true(span_eq(buf_span(&plain), text));
    buf_wipe(&plain);
}

static void assert_closed(struct span binary, EVP_PKEY *pkey, const uint8_t *kid)
{
    struct buf plain;

    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    buf_put(&plain, "kept");
    assert_int_equal(jwe_open(binary, pkey, kid, NULL, &plain, &e), -1);
    assert_int_equal(e.class, ERR_PERM);
    assert_string_equal(e.status, "5.6.0");
    assert_string_equal(e.text, CLOSED);
    assert_true(span_eq_str(buf_span(&plain), "kept"));
    buf_clear(&plain);
}

/* One to eight recipients of both kinds; every one of them opens, nobody else does. */
static void test_recipients(void **state)
{
    const struct jwe_key *const to[8] = { &key_ec[0], &key_rsa, &key_ec[1], &key_rsa,
                                          &key_rsa,   &key_rsa, &key_rsa,   &key_rsa };
    struct buf out;

    (void)state;
    for (size_t n = 1; n <= 8; n++) {
        seal_to(&out, to, n);
        assert_true(jwe_check(buf_span(&out)));
        assert_opens(buf_span(&out), ec[0], key_ec[0].kid, span_str(TEXT));
        assert_int_equal(jwe_has_recipient(buf_span(&out), key_ec[0].kid), true);
        assert_int_equal(jwe_has_recipient(buf_span(&out), key_rsa.kid), n > 1);
        assert_int_equal(jwe_has_recipient(buf_span(&out), key_ec[1].kid), n > 2);
        assert_false(jwe_has_recipient(buf_span(&out), key_ec[2].kid));
        if (n > 1)
            assert_opens(buf_span(&out), rsa, key_rsa.kid, span_str(TEXT));
        if (n > 2)
            assert_opens(buf_span(&out), ec[1], key_ec[1].kid, span_str(TEXT));
        assert_closed(buf_span(&out), ec[2], key_ec[2].kid); /* no recipient */
        assert_closed(buf_span(&out), ec[2], key_ec[0].kid); /* not that key */
        assert_closed(buf_span(&out), rsa, key_ec[0].kid);   /* nor that type */
        assert_closed(buf_span(&out), ec[0], key_rsa.kid);
        buf_clear(&out);
    }
    buf_init(&out, 4096);
    assert_int_equal(jwe_seal(&header, to, 0, span_str(TEXT), &out, &e), -1);
    assert_int_equal(jwe_seal(&header, to, 9, span_str(TEXT), &out, &e), -1);
    assert_int_equal(e.class, ERR_BUG);
    assert_int_equal(out.n, 0);
    buf_clear(&out);
}

static void test_sizes(void **state)
{
    static const size_t rows[] = { 0, 1, 1024, JWE_PLAIN_MAX_BYTES };
    const struct jwe_key *const to = &key_ec[0];
    char *const text = calloc(1, JWE_PLAIN_MAX_BYTES + 1);
    struct buf out, json, back;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct span plain = span_of(text, rows[i]);

        buf_init(&out, JWE_TEXT_MAX_BYTES);
        buf_init(&json, JWE_TEXT_MAX_BYTES);
        buf_init(&back, JWE_TEXT_MAX_BYTES);
        assert_int_equal(jwe_seal(&header, &to, 1, plain, &out, &e), 0);
        assert_opens(buf_span(&out), ec[0], to->kid, plain);
        assert_int_equal(jwe_to_json(buf_span(&out), NULL, &json, &e), 0);
        assert_int_equal(jwe_from_json(buf_span(&json), &back, &e), 0);
        assert_true(span_eq(buf_span(&out), buf_span(&back)));
        buf_clear(&out);
        buf_clear(&json);
        buf_clear(&back);
    }
    buf_init(&out, JWE_TEXT_MAX_BYTES);
    assert_int_equal(
        jwe_seal(&header, &to, 1, span_of(text, JWE_PLAIN_MAX_BYTES + 1), &out, &e),
        -1);
    assert_string_equal(e.status, "5.3.4");
    buf_init(&out, 100); /* the caller's buffer is too small: nothing is left in it */
    assert_int_equal(jwe_seal(&header, &to, 1, span_str(TEXT), &out, &e), -1);
    assert_string_equal(e.status, "5.3.4");
    assert_int_equal(out.n, 0);
    buf_clear(&out);
    free(text);
}

static void test_header(void **state)
{
    static const struct {
        const char *typ, *to;
        int rc;
    } rows[] = {
        { "sealpost-message", "devices-abc_DEF.9", 0 },
        { "sealpost-reply", "", 0 },
        { "sealpost-other", "epoch-20261124", -1 },
        { "", "epoch-20261124", -1 },
        { "sealpost-reply", "a\"b", -1 },
        { "sealpost-reply", "a\\b", -1 },
    };
    const struct jwe_key *const to = &key_ec[0];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct jwe_header h = header, found;
        struct buf out, plain;

        buf_init(&out, 4096);
        buf_init(&plain, 4096);
        h.typ = rows[i].typ;
        (void)snprintf(h.to, sizeof h.to, "%s", rows[i].to);
        assert_int_equal(jwe_seal(&h, &to, 1, span_str(TEXT), &out, &e), rows[i].rc);
        if (rows[i].rc == 0) {
            assert_int_equal(
                jwe_open(buf_span(&out), ec[0], to->kid, &found, &plain, &e), 0);
            assert_string_equal(found.typ, h.typ);
            assert_string_equal(found.to, h.to);
            assert_memory_equal(found.id, h.id, sizeof h.id);
            assert_int_equal(found.created_s, h.created_s);
        }
        buf_clear(&out);
        buf_clear(&plain);
    }
}

/* Two seals share nothing; two messages of a window share the ephemeral key alone. */
static void test_freshness(void **state)
{
    const struct jwe_key *const to = &key_ec[0];
    struct jwe_window w;
    struct buf out[4];
    struct jwe_form f[4];

    (void)state;
    assert_int_equal(jwe_window_open(&w, to, &e), 0);
    for (size_t i = 0; i < 4; i++) {
        buf_init(&out[i], 4096);
        if (i < 2)
            assert_int_equal(jwe_seal(&header, &to, 1, span_str(TEXT), &out[i], &e), 0);
        else
            assert_int_equal(jwe_window_seal(&w, &header, span_str(TEXT), &out[i], &e),
                             0);
        assert_opens(buf_span(&out[i]), ec[0], to->kid, span_str(TEXT));
        assert_true(jwe_form_take(&f[i], buf_span(&out[i])));
    }
    for (size_t i = 0; i < 4; i += 2) {
        assert_int_equal(span_eq(span_of(f[i].to[0].point, JWE_POINT_BYTES),
                                 span_of(f[i + 1].to[0].point, JWE_POINT_BYTES)),
                         i == 2);
        assert_false(span_eq(f[i].to[0].key, f[i + 1].to[0].key));
        assert_memory_not_equal(f[i].iv, f[i + 1].iv, sizeof f[i].iv);
        assert_false(span_eq(f[i].cipher, f[i + 1].cipher));
    }
    jwe_window_clear(&w);
    assert_int_equal(jwe_window_seal(&w, &header, span_str(TEXT), &out[0], &e), -1);
    assert_int_equal(jwe_window_open(&w, &key_rsa, &e), -1);
    for (size_t i = 0; i < 4; i++)
        buf_clear(&out[i]);
}

/* Cut after every byte, and longer by one. */
static void assert_cut_closed(struct span whole, EVP_PKEY *pkey, const uint8_t *kid)
{
    struct buf longer;

    for (size_t n = 0; n < whole.n; n++) {
        const struct span cut = block_of(whole, n);

        assert_false(jwe_check(cut));
        assert_false(jwe_has_recipient(cut, kid));
        assert_closed(cut, pkey, kid);
        block_free(cut);
    }
    buf_init(&longer, whole.n + 1);
    buf_put_span(&longer, whole);
    buf_put_u8(&longer, 0);
    assert_closed(buf_span(&longer), pkey, kid);
    buf_clear(&longer);
}

static void assert_flips_closed(struct span whole, EVP_PKEY *pkey, const uint8_t *kid,
                                unsigned step)
{
    const struct span block = block_of(whole, whole.n);
    char *const p = (char *)block.p;

    for (size_t bit = 0; bit < 8 * whole.n; bit += step) {
        p[bit / 8] ^= (char)(1 << bit % 8);
        assert_closed(block, pkey, kid);
        p[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_opens(block, pkey, kid, span_str(TEXT));
    block_free(block);
}

static void test_damage(void **state)
{
    const struct jwe_key *const to[] = { &key_ec[0], &key_rsa };
    struct buf out, compact;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *const pkey = i == 0 ? ec[0] : rsa;

        seal_to(&out, &to[i], 1);
        assert_cut_closed(buf_span(&out), pkey, to[i]->kid);
        /* RSA costs: one bit of every byte, another one each time */
        assert_flips_closed(buf_span(&out), pkey, to[i]->kid, i == 0 ? 1 : 9);
        buf_clear(&out);
        buf_init(&compact, 4096);
        buf_init(&out, 4096);
        assert_int_equal(jwe_seal_compact(&header, to[i], span_str(TEXT), &compact, &e),
                         0);
        assert_int_equal(jwe_from_compact(buf_span(&compact), &out, &e), 0);
        assert_cut_closed(buf_span(&out), pkey, to[i]->kid);
        assert_flips_closed(buf_span(&out), pkey, to[i]->kid, i == 0 ? 1 : 9);
        buf_clear(&out);
        buf_clear(&compact);
    }
}

static void replace(struct buf *b, struct span from, struct span to)
{
    char *const at = memmem(b->p, b->n, from.p, from.n);

    assert_non_null(at);
    assert_int_equal(from.n, to.n);
    memcpy(at, to.p, to.n);
}

/* What a thief with write access to the store would try. */
static void test_moved(void **state)
{
    const struct jwe_key *const to[] = { &key_ec[0], &key_ec[1] };
    struct buf a, b;
    struct jwe_form f, g;
    uint8_t kid[JWE_KID_BYTES];

    (void)state;
    seal_to(&a, to, 2);
    seal_to(&b, to, 2);
    replace(&a, span_str("epoch-20261124"), span_str("epoch-20261125"));
    assert_true(jwe_check(buf_span(&a))); /* well made, but another header */
    assert_closed(buf_span(&a), ec[0], to[0]->kid);
    replace(&a, span_str("epoch-20261125"), span_str("epoch-20261124"));
    assert_opens(buf_span(&a), ec[0], to[0]->kid, span_str(TEXT));

    assert_true(jwe_form_take(&f, buf_span(&a)));
    assert_true(jwe_form_take(&g, buf_span(&b)));
    memcpy(kid, f.to[0].kid, sizeof kid); /* recipients under each other's name */
    memcpy(f.to[0].kid, f.to[1].kid, sizeof kid);
    memcpy(f.to[1].kid, kid, sizeof kid);
    buf_clear(&b);
    jwe_form_put(&b, &f);
    assert_true(jwe_check(buf_span(&b)));
    assert_closed(buf_span(&b), ec[0], to[0]->kid);
    assert_closed(buf_span(&b), ec[1], to[1]->kid);
    buf_clear(&a);
    buf_clear(&b);
}

static void test_point_off_curve(void **state)
{
    const struct jwe_key *const to = &key_ec[0];
    struct buf out, again;
    struct jwe_form f;
    struct jwe_key key;

    (void)state;
    seal_to(&out, &to, 1);
    assert_true(jwe_form_take(&f, buf_span(&out)));
    f.to[0].point[64] ^= 1;
    buf_init(&again, 4096);
    jwe_form_put(&again, &f);
    assert_closed(buf_span(&again), ec[0], to->kid);
    assert_int_equal(jwe_key_from_point(&key, f.to[0].point, &e), -1);
    assert_string_equal(e.status, "5.6.0");
    f.to[0].point[64] ^= 1;
    f.to[0].point[0] = 2; /* compressed is not spoken */
    assert_int_equal(jwe_key_from_point(&key, f.to[0].point, &e), -1);
    memset(f.to[0].point, 0, JWE_POINT_BYTES); /* nor is infinity a key */
    assert_int_equal(jwe_key_from_point(&key, f.to[0].point, &e), -1);
    buf_clear(&out);
    buf_clear(&again);
}

#define EPK_OF(crv, more)                                    \
    "{\"kty\":\"EC\",\"crv\":\"" crv "\","                   \
    "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\"," \
    "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"" more "}"
#define EPK EPK_OF("P-256", "")
#define ALG "\"alg\":\"ECDH-ES+A256KW\""
#define KID "\"kid\":\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\""
#define HOW "{" ALG ",\"epk\":" EPK "}"
#define A16 "AAAAAAAAAAAAAAAA"
#define N16 "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
#define N64 N16 N16 N16 N16
#define N256 N64 N64 N64 N64
#define KEY40 A16 A16 A16 "AAAAAA"
#define BODY "\"iv\":\"" A16 "\",\"ciphertext\":\"AA\",\"tag\":\"" A16 "AAAAAA\""
#define PROTECTED "\"protected\":\"eyJlbmMiOiJBMjU2R0NNIn0\"," /* {"enc":"A256GCM"} */
#define RECIPIENT "{\"header\":" HOW ",\"encrypted_key\":\"" KEY40 "\"}"
#define GENERAL(recipients) "{" PROTECTED BODY ",\"recipients\":[" recipients "]}"
#define FLAT(header, more) \
    "{" PROTECTED BODY ",\"header\":" header ",\"encrypted_key\":\"" KEY40 "\"" more "}"
#define IN_HEADER(more) "{\"enc\":\"A256GCM\"," ALG ",\"epk\":" EPK more "}"

static const struct {
    const char *text;
    int rc;
} json_rows[] = {
    { GENERAL(RECIPIENT), 0 },
    { GENERAL(RECIPIENT "," RECIPIENT), 0 },
    { FLAT(HOW, ""), 0 },
    { FLAT(HOW, ",\"extra\":1"), 0 }, /* RFC 7516 7.2.1: ignored */
    { " {" PROTECTED BODY ",\"recipients\":[" RECIPIENT "]}\n", 0 },
    { "", -1 },
    { "[]", -1 },
    { "{}", -1 },
    { GENERAL(""), -1 },
    { GENERAL("1"), -1 },
    { GENERAL(RECIPIENT) "x", -1 },
    { GENERAL(RECIPIENT "," RECIPIENT "," RECIPIENT "," RECIPIENT "," RECIPIENT
                        "," RECIPIENT "," RECIPIENT "," RECIPIENT "," RECIPIENT),
      -1 },
    { FLAT(HOW, ",\"recipients\":[" RECIPIENT "]"), -1 },
    { FLAT(HOW, ",\"aad\":\"AA\""), -1 },
    { FLAT(HOW, ",\"unprotected\":{}"), -1 },
    { FLAT(HOW, ",\"tag\":\"" A16 "AAAAAA\""), -1 },       /* duplicate */
    { FLAT("{" ALG "," ALG ",\"epk\":" EPK "}", ""), -1 }, /* duplicate, deeper */
    { FLAT("{" ALG ",\"epk\":" EPK ",\"zip\":\"DEF\"}", ""), -1 },
    { FLAT("{" ALG ",\"epk\":" EPK ",\"crit\":[\"a\"]}", ""), -1 },
    { FLAT("{" ALG ",\"epk\":" EPK ",\"enc\":\"A256GCM\"}", ""), -1 },
    { FLAT("{" ALG ",\"epk\":" EPK ",\"apu\":\"QWxpY2U\"}", ""), -1 },
    { FLAT("{" ALG ",\"epk\":" EPK "," KID "}", ""), 0 },
    { FLAT("{" ALG ",\"epk\":" EPK ",\"kid\":\"laptop\"}", ""), -1 },
    { FLAT("{" ALG ",\"epk\":" EPK ",\"kid\":7}", ""), -1 },
    { FLAT("{" ALG "}", ""), -1 },
    { FLAT("{\"epk\":" EPK "}", ""), -1 },
    { FLAT("{\"alg\":\"ECDH-ES\",\"epk\":" EPK "}", ""), -1 },
    { FLAT("{\"alg\":\"dir\"}", ""), -1 },
    { FLAT("{\"alg\":\"RSA1_5\"}", ""), -1 },
    { FLAT("{\"alg\":\"RSA-OAEP-256\"}", ""), -1 }, /* 40 bytes are no RSA block */
    { FLAT("{\"alg\":null}", ""), -1 },
    { FLAT("[]", ""), -1 },
    { FLAT(HOW, ",\"extra\":[[[1,2]]]"), 0 },
    { FLAT(HOW, ",\"extra\":[[[[[[[[]]]]]]]]"), -1 }, /* deep */
    { FLAT(HOW, ",\"extra\":[" N256 N256 "0]"), -1 }, /* many */
    { FLAT("{" ALG ",\"epk\":" EPK_OF("P-384", "") "}", ""), -1 },
    { FLAT("{" ALG ",\"epk\":" EPK_OF("P-256", ",\"d\":\"AA\"") "}", ""), -1 },
    { "{" PROTECTED BODY ",\"encrypted_key\":\"" KEY40 "\"}", -1 }, /* no alg at all */
    { "{" PROTECTED "\"iv\":\"" A16 "\",\"tag\":\"" A16 "AAAAAA\",\"header\":" HOW
      ",\"encrypted_key\":\"" KEY40 "\"}",
      -1 },
    { "{\"protected\":\"eyJlbmMiOiJBMjU2R0NNIn1\"," BODY ",\"header\":" HOW
      ",\"encrypted_key\":\"" KEY40 "\"}",
      -1 }, /* base64url with spare bits set: a second spelling */
};

static void test_json_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof json_rows / sizeof json_rows[0]; i++) {
        const struct span text = span_str(json_rows[i].text);
        struct buf out, json;

        buf_init(&out, 8192);
        buf_init(&json, 8192);
        if (jwe_from_json(text, &out, &e) != json_rows[i].rc)
            fail_msg("json row %zu: %s", i, json_rows[i].text);
        if (json_rows[i].rc == 0) {
            assert_true(jwe_check(buf_span(&out)));
            assert_int_equal(jwe_to_json(buf_span(&out), NULL, &json, &e), 0);
        } else {
            assert_string_equal(e.status, "5.6.0");
            assert_int_equal(out.n, 0);
        }
        for (size_t n = 0; n + 2 < text.n; n++) { /* a last newline may be missing */
            const struct span cut = block_of(text, n);

            assert_int_equal(jwe_from_json(cut, &out, &e), -1);
            block_free(cut);
        }
        buf_clear(&out);
        buf_clear(&json);
    }
}

/* Protected headers; each in a compact serialisation (alg inside) or a flat one. */
static const struct {
    const char *text;
    int rc;
} header_rows[] = {
    { IN_HEADER(""), 0 },
    { IN_HEADER("," KID), 0 },
    { IN_HEADER(",\"typ\":\"JWE\",\"x\":{\"y\":[1,2]}"), 0 },
    { IN_HEADER(",\"mid\":\"000102030405060708090a0b0c0d0e0f\",\"iat\":9"), 0 },
    { IN_HEADER(",\"mid\":\"00\""), -1 },
    { IN_HEADER(",\"iat\":-1"), -1 },
    { IN_HEADER(",\"iat\":1.5"), -1 },
    { IN_HEADER(",\"to\":\"a b\""), -1 },
    { IN_HEADER(",\"crit\":[\"exp\"]"), -1 },
    { IN_HEADER(",\"zip\":\"DEF\""), -1 },
    { IN_HEADER(",\"apv\":\"Qm9i\""), -1 },
    { IN_HEADER("," ALG), -1 },
    { IN_HEADER(",\"\\u0061lg\":\"dir\""), -1 }, /* a duplicate in disguise */
    { IN_HEADER("," KID "," KID), -1 },
    { "{\"enc\":\"A128GCM\"," ALG ",\"epk\":" EPK "}", -1 },
    { "{\"enc\":\"A256CBC-HS512\"," ALG ",\"epk\":" EPK "}", -1 },
    { "{" ALG ",\"epk\":" EPK "}", -1 },
    { "{\"enc\":\"A256GCM\"," ALG "}", -1 },
    { "{\"enc\":\"A256GCM\",\"alg\":\"none\"}", -1 },
    { "{\"enc\":\"A256GCM\"," ALG ",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-521\"}}", -1 },
    { "{\"enc\":\"A256GCM\"," ALG ",\"epk\":{\"kty\":\"OKP\",\"crv\":\"X25519\"}}",
      -1 },
    { "{\"enc\":\"A256GCM\"", -1 },
    { "", -1 },
};

static void test_header_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof header_rows / sizeof header_rows[0]; i++) {
        const struct span text = span_str(header_rows[i].text);
        struct buf compact, json, a, b;

        buf_init(&compact, 4096);
        buf_init(&json, 4096);
        buf_init(&a, 4096);
        buf_init(&b, 4096);
        b64url_put(&compact, text.p, text.n);
        buf_put(&compact, "." KEY40 "." A16 ".AA." A16 "AAAAAA");
        if (jwe_from_compact(buf_span(&compact), &a, &e) != header_rows[i].rc)
            fail_msg("header row %zu: %s", i, header_rows[i].text);
        buf_put(&json, "{\"protected\":\"");
        b64url_put(&json, text.p, text.n);
        buf_put(&json, "\"," BODY ",\"encrypted_key\":\"" KEY40 "\"}");
        assert_int_equal(jwe_from_json(buf_span(&json), &b, &e), header_rows[i].rc);
        assert_true(span_eq(buf_span(&a), buf_span(&b)));
        for (size_t n = 0; n < compact.n; n++) {
            const struct span cut = block_of(buf_span(&compact), n);

            assert_int_equal(jwe_from_compact(cut, &a, &e), -1);
            block_free(cut);
        }
        buf_clear(&compact);
        buf_clear(&json);
        buf_clear(&a);
        buf_clear(&b);
    }
}

static void test_mixed_places(void **state)
{
    struct buf json, out;

    (void)state;
    buf_init(&json, 4096);
    buf_init(&out, 4096);
    buf_put(&json, "{\"protected\":\"");
    b64url_put(&json, IN_HEADER(""), sizeof IN_HEADER("") - 1);
    buf_put(&json, "\"," BODY ",\"header\":" HOW ",\"encrypted_key\":\"" KEY40 "\"}");
    assert_int_equal(jwe_from_json(buf_span(&json), &out, &e), -1);
    assert_int_equal(jwe_from_compact(span_str("a.b.c.d"), &out, &e), -1);
    assert_int_equal(jwe_from_compact(span_str("a.b.c.d.e.f"), &out, &e), -1);
    assert_int_equal(jwe_from_compact(span_str("...."), &out, &e), -1);
    buf_clear(&json);
    buf_clear(&out);
}

/* Beside the header a kid may not say something else than in it. */
static void test_kid_in_two_places(void **state)
{
    struct buf compact, binary, again;
    struct jwe_form f;

    (void)state;
    buf_init(&compact, 4096);
    buf_init(&binary, 4096);
    buf_init(&again, 4096);
    assert_int_equal(
        jwe_seal_compact(&header, &key_ec[0], span_str(TEXT), &compact, &e), 0);
    assert_int_equal(jwe_from_compact(buf_span(&compact), &binary, &e), 0);
    assert_true(jwe_has_recipient(buf_span(&binary), key_ec[0].kid));
    assert_true(jwe_form_take(&f, buf_span(&binary)));
    memcpy(f.to[0].kid, key_ec[1].kid, sizeof f.to[0].kid);
    jwe_form_put(&again, &f);
    assert_false(jwe_check(buf_span(&again)));
    assert_false(jwe_has_recipient(buf_span(&again), key_ec[1].kid));
    buf_clear(&compact);
    buf_clear(&binary);
    buf_clear(&again);
}

/* A handset gets its own recipient only. */
static void test_json_for_one(void **state)
{
    const struct jwe_key *const to[] = { &key_ec[0], &key_rsa, &key_ec[1] };
    struct buf out, json, one;

    (void)state;
    seal_to(&out, to, 3);
    buf_init(&json, 8192);
    buf_init(&one, 8192);
    assert_int_equal(jwe_to_json(buf_span(&out), key_ec[1].kid, &json, &e), 0);
    assert_int_equal(jwe_from_json(buf_span(&json), &one, &e), 0);
    assert_opens(buf_span(&one), ec[1], key_ec[1].kid, span_str(TEXT));
    assert_false(jwe_has_recipient(buf_span(&one), key_ec[0].kid));
    buf_clear(&json);
    assert_int_equal(jwe_to_json(buf_span(&out), key_ec[2].kid, &json, &e), -1);
    assert_int_equal(json.n, 0);
    assert_int_equal(jwe_to_json(span_str("no"), NULL, &json, &e), -1);
    buf_clear(&out);
    buf_clear(&one);
    buf_clear(&json);
}

static void *seal_in_thread(void *arg)
{
    const struct jwe_key *const to = &key_ec[0];
    struct err mine;
    struct buf out;
    bool ok = true;

    (void)arg;
    for (size_t i = 0; i < 20; i++) {
        buf_init(&out, 4096);
        ok = ok && jwe_seal(&header, &to, 1, span_str(TEXT), &out, &mine) == 0;
        buf_clear(&out);
    }
    return ok ? arg : NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    void *answer;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, seal_in_thread, &e), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &answer), 0);
        assert_ptr_equal(answer, &e);
    }
}

/* What is remembered of a window opens its messages, and nobody else's. */
static void test_memo(void **state)
{
    struct jwe_memo memo = { .known = false };
    struct jwe_window w[2];
    struct jwe_key other;
    EVP_PKEY *other_pair;
    struct buf sealed[4], plain;

    (void)state;
    other_pair = jwe_key_new_p256(&e);
    assert_non_null(other_pair);
    assert_int_equal(jwe_key_from_pkey(&other, other_pair, &e), 0);
    buf_init(&plain, 4096);
    for (size_t i = 0; i < 4; i++) {
        if (i % 2 == 0)
            assert_int_equal(jwe_window_open(&w[i / 2], &key_ec[0], &e), 0);
        buf_init(&sealed[i], 4096);
        assert_int_equal(
            jwe_window_seal(&w[i / 2], &header, span_str(TEXT), &sealed[i], &e), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(jwe_open_next(&memo, buf_span(&sealed[i]), key_ec[0].pkey,
                                       key_ec[0].kid, NULL, &plain, &e),
                         0);
        assert_true(memo.known);
    }
    assert_int_equal(plain.n, 4 * (sizeof TEXT - 1));
    assert_int_equal(jwe_open_next(&memo, buf_span(&sealed[3]), other.pkey, other.kid,
                                   NULL, &plain, &e),
                     -1);
    jwe_memo_clear(&memo);
    assert_int_equal(jwe_open_next(&memo, buf_span(&sealed[0]), key_ec[0].pkey,
                                   key_ec[0].kid, NULL, &plain, &e),
                     0);
    for (size_t i = 0; i < 4; i++)
        buf_clear(&sealed[i]);
    jwe_window_clear(&w[0]);
    jwe_window_clear(&w[1]);
    jwe_key_clear(&other);
    EVP_PKEY_free(other_pair);
    buf_clear(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_freshness),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_point_off_curve),
        cmocka_unit_test(test_json_rows),
        cmocka_unit_test(test_header_rows),
        cmocka_unit_test(test_mixed_places),
        cmocka_unit_test(test_json_for_one),
        cmocka_unit_test(test_kid_in_two_places),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_memo),
    };

    return cmocka_run_group_tests(tests, group_start, group_end);
}
