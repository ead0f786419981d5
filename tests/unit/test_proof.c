/* SPDX-License-Identifier: ISC */
/* test_proof.c - a device's proof opens one call, once, and nothing else. */
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <openssl/ecdsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW 1795500000U
#define URL "https://m.example/api/v1/messages"
#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"" ID "\"}"
#define ID "00112233445566778899aabbccddeeff"

static EVP_PKEY *pkey;
static uint8_t point[65];
static struct proofs *proofs;
static unsigned serial;

static int setup(void **state)
{
    struct jwe_key key;
    struct err e;

    (void)state;
    if (jwe_start(&e) != 0 || (pkey = jwe_key_new_p256(&e)) == NULL ||
        jwe_key_from_pkey(&key, pkey, &e) != 0 || jwe_key_point(&key, point, &e) != 0)
        return -1;
    jwe_key_clear(&key);
    proofs = proofs_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proofs_free(proofs);
    EVP_PKEY_free(pkey);
    return 0;
}

static void sign(struct buf *jws)
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

/* A proof of these claims; nonce NULL: one made at made_s. */
static void make(struct buf *jws, const char *header, const char *method,
                 const char *url, const char *body, uint64_t made_s, const char *nonce)
{
    char fresh[48], payload[1024];
    uint8_t hash[32];
    struct buf bh;

    proof_nonce(proofs, made_s, fresh);
    (void)EVP_Q_digest(NULL, "SHA256", NULL, body, strlen(body), hash, NULL);
    buf_init(&bh, 64);
    b64url_put(&bh, hash, sizeof hash);
    (void)snprintf(
        payload, sizeof payload,
        "{\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":1,\"jti\":\"0123456789abcdef%u\","
        "\"nonce\":\"%s\",\"bh\":\"%s\"}",
        method, url, serial++, nonce == NULL ? fresh : nonce, buf_cstr(&bh));
    buf_clear(&bh);
    buf_init(jws, 8192);
    b64url_put(jws, header, strlen(header));
    buf_put_u8(jws, '.');
    b64url_put(jws, payload, strlen(payload));
    sign(jws);
    assert_true(buf_ok(jws));
}

static enum ipc_verdict check(const struct buf *jws, const char *body)
{
    return proof_check(proofs, NOW, buf_span(jws), point, "GET", URL, span_str(body));
}

static void a_proof_is_for_one_call(void **state)
{
    static const struct {
        const char *method, *url, *body, *nonce;
        uint64_t made_s;
        enum ipc_verdict want;
    } rows[] = {
        { "GET", URL, "", NULL, NOW, IPC_OK },
        { "GET", URL, "", NULL, NOW - 120, IPC_OK },
        { "GET", URL, "", NULL, NOW - 121, IPC_NONCE },
        { "GET", URL, "", NULL, NOW + 200, IPC_NONCE },
        { "GET", URL, "", "", NOW, IPC_NONCE },
        { "GET", URL, "", "AAAAAAAAAAAAAAAAAAAAAAAAAAA", NOW, IPC_NONCE },
        { "DELETE", URL, "", NULL, NOW, IPC_PROOF },
        { "GET", URL "/1", "", NULL, NOW, IPC_PROOF },
        { "GET", URL, "another body", NULL, NOW, IPC_PROOF },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf jws;

        make(&jws, HEADER, rows[i].method, rows[i].url, rows[i].body, rows[i].made_s,
             rows[i].nonce);
        assert_int_equal(check(&jws, ""), rows[i].want);
        buf_clear(&jws);
    }
}

static void a_proof_works_once(void **state)
{
    struct buf jws;

    (void)state;
    make(&jws, HEADER, "GET", URL, "", NOW, NULL);
    assert_int_equal(check(&jws, ""), IPC_OK);
    assert_int_equal(check(&jws, ""), IPC_PROOF);
    /* however many have come since, as long as its nonce lives */
    for (unsigned i = 0; i < 3; i++) {
        struct buf other;

        make(&other, HEADER, "GET", URL, "", NOW, NULL);
        assert_int_equal(check(&other, ""), IPC_OK);
        buf_clear(&other);
    }
    assert_int_equal(
        proof_check(proofs, NOW + 100, buf_span(&jws), point, "GET", URL, span_str("")),
        IPC_PROOF);
    buf_clear(&jws);
}

/* Cut after every byte, and with every byte changed, in a block of that exact size. */
static void a_damaged_proof_is_none(void **state)
{
    struct buf jws;

    (void)state;
    make(&jws, HEADER, "GET", URL, "", NOW, NULL);
    for (size_t n = 0; n < jws.n; n++) {
        char *copy = malloc(n == 0 ? 1 : n);
        const struct buf cut = { .p = copy, .n = n };

        memcpy(copy, jws.p, n);
        assert_int_not_equal(check(&cut, ""), IPC_OK);
        free(copy);
    }
    for (size_t i = 0; i < jws.n; i++) {
        jws.p[i] ^= 1;
        assert_int_not_equal(check(&jws, ""), IPC_OK);
        jws.p[i] ^= 1;
    }
    assert_int_equal(check(&jws, ""), IPC_OK);
    buf_clear(&jws);
}

static void only_its_header_names_a_device(void **state)
{
    static const struct {
        const char *header;
        bool ok;
    } rows[] = {
        { HEADER, true },
        { "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"" ID "\"}", false },
        { "{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"kid\":\"" ID "\"}", false },
        { "{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"kid\":\"" ID "\"}", false },
        { "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"short\"}", false },
        { "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", false },
        { "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"crit\":[\"x\"],\"kid\":\"" ID
          "\"}",
          false },
        { "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"kid\":\"" ID
          "\"}",
          false },
        { "[]", false },
        { "", false },
    };
    uint8_t device[16];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf jws;

        make(&jws, rows[i].header, "GET", URL, "", NOW, NULL);
        assert_int_equal(proof_claims_device(buf_span(&jws), device), rows[i].ok);
        buf_clear(&jws);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_is_for_one_call),
        cmocka_unit_test(a_proof_works_once),
        cmocka_unit_test(a_damaged_proof_is_none),
        cmocka_unit_test(only_its_header_names_a_device),
    };

    return cmocka_run_group_tests_name("proof", tests, setup, teardown);
}
