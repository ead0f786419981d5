/* SPDX-License-Identifier: ISC */
/* jwe_private.h - what the files of the sealing format share; keys.c borrows the key
 * wrap. Nobody else includes it, except tests that hold it against published vectors.
 *
 * A form is a JWE taken apart: spans point into the bytes it was taken from. */
#ifndef RELAY_JWE_PRIVATE_H
#define RELAY_JWE_PRIVATE_H

#include "relay/jwe.h"

#define JWE_HEADER_MAX_BYTES 2048U
#define JWE_CEK_BYTES 32U
#define JWE_WRAPPED_BYTES 40U /* a key under AES-KW, RFC 3394 */
#define JWE_ENCRYPTED_KEY_MAX_BYTES 512U
#define JWE_IV_BYTES 12U
#define JWE_TAG_BYTES 16U
#define JWE_RSA_MIN_BITS 2048
#define JWE_RSA_MAX_BITS 4096

/* Fetched once by jwe_start, read by every thread. */
struct jwe_algs {
    EVP_CIPHER *gcm, *wrap;
    EVP_MD *sha256;
    EVP_KDF *concat;
};
extern struct jwe_algs jwe_algs;

struct jwe_recipient {
    enum jwe_alg alg;               /* as it stands in the binary form */
    uint8_t kid[JWE_KID_BYTES];     /* zeros: none */
    uint8_t point[JWE_POINT_BYTES]; /* alg 1 */
    struct span key;                /* the encrypted content key */
};

/* The protected header, read. */
struct jwe_protected {
    struct jwe_recipient in; /* alg JWE_IN_HEADER: names no recipient */
    struct jwe_header fields;
};

struct jwe_form {
    struct span header;
    struct jwe_protected protected;
    size_t count;
    struct jwe_recipient to[JWE_RECIPIENTS_MAX];
    uint8_t iv[JWE_IV_BYTES], tag[JWE_TAG_BYTES];
    struct span cipher;
};

/* jwe_form_take - takes the whole binary form apart and checks everything that needs no
 * key; false: refused. jwe_form_put - writes all of it; jwe_form_put_head - what comes
 * before the tag. */
bool jwe_form_take(struct jwe_form *f, struct span binary);
void jwe_form_put_head(struct buf *out, const struct jwe_form *f);
void jwe_form_put(struct buf *out, const struct jwe_form *f);
/* jwe_form_compact - the compact serialisation; the recipient stands in the header. */
void jwe_form_compact(struct buf *out, const struct jwe_form *f);

/* jwe_header_put - the protected header's text; in is NULL, or the recipient that is to
 * stand in it. The header was checked by jwe_header_is_sound. */
void jwe_header_put(struct buf *out, const struct jwe_header *h,
                    const struct jwe_recipient *in);
bool jwe_header_is_sound(const struct jwe_header *h);
void jwe_epk_put(struct buf *out, const uint8_t point[JWE_POINT_BYTES]);

/* jwe_keygen_start - prepares jwe_key_new_p256. jwe_pkey_point - of any P-256 key. */
bool jwe_keygen_start(void);
bool jwe_pkey_point(const EVP_PKEY *pkey, uint8_t point[JWE_POINT_BYTES]);
EVP_PKEY *jwe_pkey_from_point(const uint8_t point[JWE_POINT_BYTES]);
/* jwe_pair_scalar - the private half, 32 bytes, to be wiped. jwe_pair_build - a pair
 * again; NULL: scalar and point do not belong together. */
bool jwe_pair_scalar(const EVP_PKEY *pair, uint8_t scalar[32]);
EVP_PKEY *jwe_pair_build(const uint8_t scalar[32],
                         const uint8_t point[JWE_POINT_BYTES]);

/* jwe_agree - ECDH; validate: check the peer's key as well (it came from outside). */
bool jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, bool validate, uint8_t z[32]);
/* jwe_concat - RFC 7518 4.6.2: n bytes of key from z. */
bool jwe_concat(const uint8_t *z, size_t z_bytes, struct span alg, struct span apu,
                struct span apv, uint8_t *out, size_t n);
bool jwe_wrap(const uint8_t kek[32], const uint8_t key[32],
              uint8_t out[JWE_WRAPPED_BYTES]);
bool jwe_unwrap(const uint8_t kek[32], const uint8_t wrapped[JWE_WRAPPED_BYTES],
                uint8_t out[32]);

#endif
