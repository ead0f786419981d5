/* SPDX-License-Identifier: ISC */
/* test_seal.c - sealed values and blinded names, without a store.
 * Here:       bdb/seal.c: vectors, generations, every cut.
 * Elsewhere:  sealed values on the disk (test_store.c).
 * Called by:  make check.
 * Source:     bdb/seal.h; RFC 5869, RFC 2104, NIST SP 800-38D. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bdb/seal.h"

static const uint8_t store_key[SEAL_KEY] = "the key of the tests' store  32";

/* Vectors made with another implementation of RFC 5869 and RFC 2104 (Python's hmac):
 * key 00 01 .. 1f; HMAC(HKDF(key, "blind"), "msisdn\0" "614"). */
static void test_blind_vector(void **state)
{
    static const uint8_t want[32] = { 0xbd, 0xcf, 0x25, 0x65, 0xdf, 0x10, 0xc0, 0x67,
                                      0x25, 0xea, 0xb7, 0x54, 0x60, 0xbc, 0x71, 0xae,
                                      0xab, 0x87, 0xb7, 0x58, 0x2d, 0xbf, 0x59, 0xdd,
                                      0xb7, 0xd9, 0x60, 0x60, 0x44, 0xfa, 0xf7, 0x60 };
    uint8_t key[SEAL_KEY], got[32];
    struct seal *s;

    (void)state;
    for (unsigned i = 0; i < SEAL_KEY; i++)
        key[i] = (uint8_t)i;
    s = seal_new(key);
    assert_non_null(s);
    seal_mac(s, SEAL_BLIND, "msisdn", "614", 3, got);
    assert_memory_equal(got, want, sizeof want);
    seal_mac(s, SEAL_BLIND, "msisdn", "614", 3, got); /* and again */
    assert_memory_equal(got, want, sizeof want);
    seal_free(s);
}

/* A value of generation 40 .. 47, counter 258, under the same key; AAD "seen\\0" "key".
 */
static void test_value_vector(void **state)
{
    static const uint8_t sealed[] = { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
                                      0x00, 0x00, 0x01, 0x02, 0xef, 0xe7, 0x49, 0x13,
                                      0xbc, 0x4c, 0xea, 0xe0, 0x48, 0x77, 0xcb, 0x4f,
                                      0xa8, 0x29, 0x73, 0x58, 0xcb, 0xea, 0x18, 0xe9,
                                      0xef, 0x72, 0x85, 0x30, 0x10 };
    const struct seal_place at = { "seen", "key", 3 };
    const struct seal_place elsewhere[] = { { "seem", "key", 3 },
                                            { "seen", "kez", 3 },
                                            { "seen", "key", 2 } };
    uint8_t key[SEAL_KEY], value[9];
    struct seal *s;

    (void)state;
    for (unsigned i = 0; i < SEAL_KEY; i++)
        key[i] = (uint8_t)i;
    s = seal_new(key);
    assert_non_null(s);
    assert_true(seal_open(s, &at, sealed, sizeof sealed, value));
    assert_memory_equal(value, "one value", 9);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        assert_false(seal_open(s, &elsewhere[i], sealed, sizeof sealed, value));
    seal_free(s);
}

/* More generations than there are slots for: each opens, none repeats a nonce. */
static void test_generations(void **state)
{
    enum { RUNS = 200, VALUES = 3, BYTES = 5 };
    static uint8_t sealed[RUNS][VALUES][BYTES + SEAL_OVERHEAD];
    const struct seal_place at = { "seen", "k", 1 };
    struct seal *s;
    uint8_t value[BYTES];

    (void)state;
    for (unsigned i = 0; i < RUNS; i++) {
        s = seal_new(store_key);
        assert_non_null(s);
        for (unsigned j = 0; j < VALUES; j++)
            assert_true(seal_value(s, &at, "12345", BYTES, sealed[i][j]));
        seal_free(s);
    }
    for (unsigned i = 0; i < RUNS * VALUES; i++)
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(sealed[i / VALUES][i % VALUES],
                                    sealed[j / VALUES][j % VALUES], 12);
    s = seal_new(store_key);
    assert_non_null(s);
    for (unsigned i = 0; i < 2 * RUNS; i++) {
        assert_true(seal_open(s, &at, sealed[i % RUNS][i % VALUES], sizeof sealed[0][0],
                              value));
        assert_memory_equal(value, "12345", BYTES);
    }
    for (size_t n = 0; n < sizeof sealed[0][0]; n++) { /* cut after every byte */
        uint8_t *cut = malloc(n + 1), *out = malloc(n + 1);

        memcpy(cut, sealed[0][0], n);
        assert_false(seal_open(s, &at, cut, n, out));
        free(cut);
        free(out);
    }
    seal_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blind_vector),
        cmocka_unit_test(test_value_vector),
        cmocka_unit_test(test_generations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
