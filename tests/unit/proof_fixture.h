/* SPDX-License-Identifier: ISC */
/* proof_fixture.h - proofs as a device makes them. */
#ifndef TESTS_UNIT_PROOF_FIXTURE_H
#define TESTS_UNIT_PROOF_FIXTURE_H

#include "relay/encode.h"
#include "relay/jws.h"
#include "relay/keeper/keeper.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void proof_make(struct buf *jws, EVP_PKEY *pkey, const char *header,
                              const char *method, const char *url, const char *body,
                              const char *nonce)
{
    static unsigned serial;
    char payload[1024];
    uint8_t hash[32], signature[JWS_ES256_BYTES];
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
    assert_true(jws_sign(pkey, buf_span(jws), signature));
    buf_put_u8(jws, '.');
    b64url_put(jws, signature, sizeof signature);
    assert_true(buf_ok(jws));
}

#endif
