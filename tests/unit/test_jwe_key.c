/* SPDX-License-Identifier: ISC */
/* test_jwe_key.c - keys: what is taken, what is refused, published vectors.
 * Here:       JWK, DER, points, thumbprints; key agreement and key wrap.
 * Elsewhere:  sealing to them (test_jwe.c).
 * Source:     RFC 7517, 7518 6 and Appendix C, 7638 3.1, 3394 4.6. */
#include "relay/encode.h"
#include "relay/jwe_private.h"
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct err e;

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

#define RFC7638_N                                                                      \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1" \
    "L6"                                                                               \
    "tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"             \
    "RN5w6Cf0h4QyQ5"                                                                   \
    "v-65YGjQR0_"                                                                      \
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD0"          \
    "8qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"   \
    "kEgU"                                                                             \
    "8awapJzKnqDK"
#define RSA_JWK(e, more) RSA_JWK_END("gw", e, more)
#define RSA_JWK_END(end, e, more) \
    "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N end "\",\"e\":\"" e "\"" more "}"
#define EC_X "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\""
#define EC_Y "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\""
#define EC_JWK(more) "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_Y more "}"

static const struct {
    const char *text;
    int rc;
    enum jwe_alg alg;
} jwk_rows[] = {
    { RSA_JWK("AQAB", ""), 0, JWE_RSA_OAEP_256 },
    { EC_JWK(""), 0, JWE_ECDH_ES_A256KW },
    { EC_JWK(
          ",\"key_ops\":[],\"ext\":true,\"use\":\"enc\",\"alg\":\"x\",\"kid\":\"y\""),
      0, JWE_ECDH_ES_A256KW },
    { EC_JWK(",\"d\":\"AA\""), -1, 0 },
    { EC_JWK(",\"d\":null"), -1, 0 },
    { RSA_JWK("AQAB", ",\"p\":\"AA\""), -1, 0 },
    { EC_JWK("," EC_X), -1, 0 },       /* duplicate */
    { RSA_JWK("AQ", ""), -1, 0 },      /* e = 1 */
    { RSA_JWK("BA", ""), -1, 0 },      /* even */
    { RSA_JWK("AQAAAAE", ""), -1, 0 }, /* beyond 2^32 */
    { RSA_JWK("AAEAAQ", ""), -1, 0 },  /* leading zero */
    { RSA_JWK("AQAB=", ""), -1, 0 },
    { RSA_JWK_END("gg", "AQAB", ""), -1, 0 }, /* an even modulus */
    { "{\"kty\":\"RSA\",\"n\":\""
      "AAAAAAAAAAAAAAAA"
      "\",\"e\":\"AQAB\"}",
      -1, 0 },
    { "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X "," EC_X "}", -1, 0 },
    { "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
      ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps=\"}",
      -1, 0 },
    { "{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_X
      ",\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFppo\"}",
      -1, 0 }, /* off the curve */
    { "{\"kty\":\"EC\",\"crv\":\"P-384\"," EC_X "," EC_Y "}", -1, 0 },
    { "{\"kty\":\"OKP\",\"crv\":\"X25519\"," EC_X "}", -1, 0 },
    { "{\"kty\":\"oct\",\"k\":\"AA\"}", -1, 0 },
    { "[]", -1, 0 },
    { "", -1, 0 },
};

static void test_jwk_rows(void **state)
{
    struct jwe_key key;

    (void)state;
    for (size_t i = 0; i < sizeof jwk_rows / sizeof jwk_rows[0]; i++) {
        const struct span text = span_str(jwk_rows[i].text);

        if (jwe_key_from_jwk(&key, text, &e) != jwk_rows[i].rc)
            fail_msg("jwk row %zu: %s", i, jwk_rows[i].text);
        assert_int_equal(key.alg, jwk_rows[i].alg);
        if (jwk_rows[i].rc != 0)
            assert_string_equal(e.status, "5.6.0");
        jwe_key_clear(&key);
        for (size_t n = 0; n < text.n; n++) {
            const struct span cut = block_of(text, n);

            assert_int_equal(jwe_key_from_jwk(&key, cut, &e), -1);
            block_free(cut);
        }
    }
}

static void test_thumbprint(void **state)
{
    struct jwe_key key;
    uint8_t wanted[JWE_KID_BYTES];

    (void)state;
    assert_true(
        b64url_take_exact(span_str("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
                          wanted, sizeof wanted));
    assert_int_equal(jwe_key_from_jwk(&key, span_str(RSA_JWK("AQAB", "")), &e), 0);
    assert_memory_equal(key.kid, wanted, sizeof wanted);
    jwe_key_clear(&key);
}

/* JWK, DER and point are three spellings of one key. */
static void test_key_spellings(void **state)
{
    EVP_PKEY *const pairs[] = { jwe_key_new_p256(&e), EVP_RSA_gen(2048) };
    struct jwe_key keys[2];
    uint8_t point[JWE_POINT_BYTES];
    struct jwe_key key;
    struct buf text, der;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&text, 4096);
        buf_init(&der, 4096);
        assert_non_null(pairs[i]);
        assert_int_equal(jwe_key_from_pkey(&keys[i], pairs[i], &e), 0);
        assert_int_equal(jwe_key_jwk(&keys[i], &text, &e), 0);
        assert_int_equal(jwe_key_from_jwk(&key, buf_span(&text), &e), 0);
        assert_memory_equal(key.kid, keys[i].kid, sizeof key.kid);
        jwe_key_clear(&key);
        assert_int_equal(jwe_key_der(&keys[i], &der, &e), 0);
        assert_int_equal(jwe_key_from_der(&key, buf_span(&der), &e), 0);
        assert_memory_equal(key.kid, keys[i].kid, sizeof key.kid);
        assert_int_equal(key.alg, keys[i].alg);
        jwe_key_clear(&key);
        for (size_t n = 0; n < der.n; n++) {
            const struct span cut = block_of(buf_span(&der), n);

            assert_int_equal(jwe_key_from_der(&key, cut, &e), -1);
            block_free(cut);
        }
        buf_put_u8(&der, 0);
        assert_int_equal(jwe_key_from_der(&key, buf_span(&der), &e), -1);
        buf_clear(&text);
        buf_clear(&der);
    }
    assert_int_equal(jwe_key_point(&keys[0], point, &e), 0);
    assert_int_equal(jwe_key_from_point(&key, point, &e), 0);
    assert_memory_equal(key.kid, keys[0].kid, sizeof key.kid);
    jwe_key_clear(&key);
    assert_int_equal(jwe_key_point(&keys[1], point, &e), -1);
    for (size_t i = 0; i < 2; i++) {
        jwe_key_clear(&keys[i]);
        EVP_PKEY_free(pairs[i]);
    }
}

static void test_weak_keys(void **state)
{
    EVP_PKEY *const weak[] = { EVP_RSA_gen(1024), EVP_EC_gen("P-384"),
                               EVP_EC_gen("secp256k1"),
                               EVP_PKEY_Q_keygen(NULL, NULL, "X25519") };

    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        const struct jwe_key as_is = { .pkey = weak[i] };
        struct jwe_key key;
        struct buf der;

        assert_non_null(weak[i]);
        buf_init(&der, 4096);
        assert_int_equal(jwe_key_der(&as_is, &der, &e), 0);
        assert_int_equal(jwe_key_from_der(&key, buf_span(&der), &e), -1);
        assert_string_equal(e.status, "5.6.0");
        assert_int_equal(jwe_key_from_pkey(&key, weak[i], &e), -1);
        assert_null(key.pkey);
        buf_clear(&der);
        EVP_PKEY_free(weak[i]);
    }
}

static EVP_PKEY *pair_of(const char *d, const char *x, const char *y)
{
    uint8_t scalar[32], point[JWE_POINT_BYTES] = { 4 };

    assert_true(b64url_take_exact(span_str(d), scalar, 32));
    assert_true(b64url_take_exact(span_str(x), point + 1, 32));
    assert_true(b64url_take_exact(span_str(y), point + 33, 32));
    return jwe_pair_build(scalar, point);
}

static void test_rfc7518_appendix_c(void **state)
{
    static const uint8_t z_wanted[] = { 158, 86,  217, 29,  129, 113, 53,  211,
                                        114, 131, 66,  131, 191, 132, 38,  156,
                                        251, 49,  110, 163, 218, 128, 106, 72,
                                        246, 218, 167, 121, 140, 254, 144, 196 };
    EVP_PKEY *alice = pair_of("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
                              "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                              "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps");
    EVP_PKEY *bob = pair_of("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
                            "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
                            "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck");
    uint8_t z[32], key[16], wanted[16];

    (void)state;
    assert_non_null(alice);
    assert_non_null(bob);
    assert_true(jwe_agree(alice, bob, true, z));
    assert_memory_equal(z, z_wanted, sizeof z);
    assert_true(jwe_concat(z, sizeof z, span_str("A128GCM"), span_str("Alice"),
                           span_str("Bob"), key, sizeof key));
    assert_true(b64url_take_exact(span_str("VqqN6vgjbSBcIijNcacQGg"), wanted, 16));
    assert_memory_equal(key, wanted, sizeof key);
    EVP_PKEY_free(alice);
    EVP_PKEY_free(bob);
}

static void test_rfc3394_wrap(void **state)
{
    uint8_t kek[32], key[32], wrapped[40], wanted[40], back[32];

    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        kek[i] = (uint8_t)i;
        key[i] = (uint8_t)(i < 16 ? 0x11 * i : i - 16);
    }
    assert_true(hex_take(span_str("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326"
                                  "cbc7f0e71a99f43bfb988b9b7a02dd21"),
                         wanted, sizeof wanted));
    assert_true(jwe_wrap(kek, key, wrapped));
    assert_memory_equal(wrapped, wanted, sizeof wanted);
    assert_true(jwe_unwrap(kek, wrapped, back));
    assert_memory_equal(back, key, sizeof key);
    wrapped[39] ^= 1;
    assert_false(jwe_unwrap(kek, wrapped, back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jwk_rows),           cmocka_unit_test(test_thumbprint),
        cmocka_unit_test(test_key_spellings),      cmocka_unit_test(test_weak_keys),
        cmocka_unit_test(test_rfc7518_appendix_c), cmocka_unit_test(test_rfc3394_wrap),
    };

    if (jwe_start(&e) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
