/* SPDX-License-Identifier: ISC */
/* test_proof.c - a device's proof opens one call, once, and nothing else. */
#include "tests/unit/proof_fixture.h"

#define NOW 1795500000U
#define URL "https://m.example/api/v1/messages"
#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"" ID "\"}"
#define ID "00112233445566778899aabbccddeeff"

static EVP_PKEY *pkey;
static uint8_t point[65];
static struct proofs *proofs;

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

/* A proof of these claims; nonce NULL: one made at made_s. */
static void make(struct buf *jws, const char *header, const char *method,
                 const char *url, const char *body, uint64_t made_s, const char *nonce)
{
    char fresh[48];

    proof_nonce(proofs, made_s, fresh);
    proof_make(jws, pkey, header, method, url, body, nonce == NULL ? fresh : nonce);
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
