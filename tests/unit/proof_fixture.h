/* SPDX-License-Identifier: ISC */
/* proof_fixture.h - proofs as a device makes them. */
#ifndef TESTS_UNIT_PROOF_FIXTURE_H
#define TESTS_UNIT_PROOF_FIXTURE_H

#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <openssl/ecdsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void jws_sign(struct buf *jws, EVP_PKEY *pkey)
{
    uint8_t der[128], raw[64];
    const uint8_t *p = der;
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ECDSA_SIG *sig;

    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL),
                     1);
    assert_int_equal(EVP_DigestSign(ctx, der, &n, (const uint8_t *)jws->p, jws->n), 1);
    EVP_MD_CTX_free(ctx);
    sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32), 32);
    ECDSA_SIG_free(sig);
    buf_put_u8(jws, '.');
    b64url_put(jws, raw, sizeof raw);
}

static inline void proof_make(struct buf *jws, EVP_PKEY *pkey, const char *header,
                              const char *method, const char *url, const char *body,
                              const char *nonce)
{
    static unsigned serial;
    char payload[1024];
    uint8_t hash[32];
    struct buf bh;

    (void)EVP_Q_digest(NULL, "SHA256", NULL, body, strlen(body), hash, NULL);
    buf_init(&bh, 64);
    b64url_put(&bh, hash, sizeof hash);
    (void)snprintf(
        payload, sizeof payload,
        "{\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":1,\"jti\":\"0123456789abcdef%u\","
        "\"nonce\":\"%s\",\"bh\":\"%s\"}",
        method, url, serial++, nonce, buf_cstr(&bh));
    buf_clear(&bh);
    buf_init(jws, 8192);
    b64url_put(jws, header, strlen(header));
    buf_put_u8(jws, '.');
    b64url_put(jws, payload, strlen(payload));
    jws_sign(jws, pkey);
    assert_true(buf_ok(jws));
}

#endif
