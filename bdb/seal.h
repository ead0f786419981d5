/* SPDX-License-Identifier: ISC */
/* seal.h - what the store key does: values sealed, names blinded.
 *
 * A sealed value is  generation 8 | counter 4 | ciphertext | tag 16,  AES-256-GCM, the
 * nonce 0 be32, counter be64, the associated data  table name, NUL, key bytes.  Its key
 * is HKDF-SHA-256 of the store key with the info "value" and the generation. Every
 * struct seal draws its own random generation and counts from 0, so that no nonce is
 * used twice under a key and no limit of random nonces (2^32 values a key, NIST SP
 * 800-38D 8.3) is met in the life of a store; a generation ends after SEAL_GENERATION
 * values.
 *
 * Not for several threads. Source: NIST SP 800-38D; RFC 5869. */
#ifndef BDB_SEAL_H
#define BDB_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY 32U
#define SEAL_OVERHEAD 28U /* how much longer a sealed value is */
#define SEAL_GENERATION (1U << 28)

struct seal;

struct seal_place { /* where a value lies, borrowed: a value opens only there */
    const char *table;
    const void *key;
    size_t key_bytes;
};

/* seal_new - the key is copied (secure heap where there is one). NULL: out of memory or
 * no randomness. */
struct seal *seal_new(const uint8_t key[SEAL_KEY]);
void seal_free(struct seal *s);

/* seal_value - n bytes (at most INT_MAX) to sealed, which has room for n +
 * SEAL_OVERHEAD. false: libcrypto failed; sealed holds nothing of use. */
bool seal_value(struct seal *s, const struct seal_place *at, const void *value,
                size_t n, uint8_t *sealed);
/* seal_open - n - SEAL_OVERHEAD bytes to value. false: not sealed with this key for
 * this place, or changed since; value is wiped. */
bool seal_open(struct seal *s, const struct seal_place *at, const uint8_t *sealed,
               size_t n, uint8_t *value);

enum seal_mac { SEAL_BLIND, SEAL_MAC }; /* each has its own derived key */

/* seal_mac - HMAC-SHA-256 of label, a NUL and the bytes. Never fails: where libcrypto
 * does (out of memory) the process is aborted, since a wrong name is worse. */
void seal_mac(const struct seal *s, enum seal_mac which, const char *label,
              const void *bytes, size_t n, uint8_t out[32]);

#endif
