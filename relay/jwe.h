/* SPDX-License-Identifier: ISC */
/* jwe.h - the one sealing format: JWE (RFC 7516), enc A256GCM, alg ECDH-ES+A256KW on
 * P-256 or RSA-OAEP-256 (RFC 7518).
 *
 * Three spellings of one thing: the binary form (what the store and the processes
 * carry), the general JSON serialisation (what a handset gets), the compact
 * serialisation (what a handset sends). This file makes, converts and opens them; any
 * JOSE tool can check it.
 *
 * Binary form, big-endian: u8 version 1 | u16 n, protected header (JSON, n bytes, kept
 * byte for byte: it is the AAD) | u8 recipient count 1..8 | for each: u8 alg, kid 32,
 * for ECDH the ephemeral point x,y 64, u16 n, encrypted key n | iv 12 | tag 16 | u32 n,
 * ciphertext n.
 * alg 1 ECDH-ES+A256KW (header {alg,kid,epk} beside the recipient), 2 RSA-OAEP-256
 * (header {alg,kid}), 0: alg, kid and epk stand in the protected header (compact; kid,
 * 32 zero bytes when the header has none; the ephemeral point is absent).
 *
 * Protected headers are written here from struct jwe_header, so that nobody forgets the
 * binding: {"enc":"A256GCM","typ":TYP,"mid":"32 hex","iat":N,"to":"..."}.
 *
 * Everything but A256GCM with these two algs is refused, so are "crit", "zip", an
 * unknown curve, a point off the curve, duplicate members, and sizes over the limits.
 * The JWE "aad" member is not used (latchset jose refuses it). A kid is the RFC 7638
 * thumbprint, 32 raw bytes, base64url in JSON. */
#ifndef RELAY_JWE_H
#define RELAY_JWE_H

#include "relay/err.h"
#include "relay/span.h"
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#define JWE_RECIPIENTS_MAX 8U
#define JWE_KID_BYTES 32U
#define JWE_POINT_BYTES 65U /* 04, x, y */
#define JWE_PLAIN_MAX_BYTES (1U << 20)
#define JWE_TEXT_MAX_BYTES (2U << 20)
#define JWE_TO_MAX 80U

/* Fetches the algorithms once for the process. Call before any other function here and
 * before threads start. 0, or -1 with *e. */
int jwe_start(struct err *e);

enum jwe_alg { JWE_IN_HEADER = 0, JWE_ECDH_ES_A256KW = 1, JWE_RSA_OAEP_256 = 2 };

/* A public key, validated, ready to seal to. */
struct jwe_key {
    enum jwe_alg alg;
    uint8_t kid[JWE_KID_BYTES];
    EVP_PKEY *pkey;
};

/* jwe_key_from_der - SubjectPublicKeyInfo; P-256 or RSA 2048 to 4096 bits with
 * e 3..2^32; validated (EVP_PKEY_public_check). jwe_key_from_jwk - a JWK's text, <= 4
 * KiB; foreign members (key_ops, ext, use, alg, kid) are ignored, a private member
 * ("d") is refused. ERR_PERM 5.6.0 with the reason. The key is owned by the caller:
 * jwe_key_clear. */
int jwe_key_from_der(struct jwe_key *key, struct span der, struct err *e);
int jwe_key_from_jwk(struct jwe_key *key, struct span jwk, struct err *e);
/* jwe_key_from_point - an uncompressed P-256 point. */
int jwe_key_from_point(struct jwe_key *key, const uint8_t point[JWE_POINT_BYTES],
                       struct err *e);
/* jwe_key_from_pkey - takes a reference on pkey (public or private), fills alg and kid.
 */
int jwe_key_from_pkey(struct jwe_key *key, EVP_PKEY *pkey, struct err *e);
int jwe_key_der(const struct jwe_key *key, struct buf *out, struct err *e);
int jwe_key_jwk(const struct jwe_key *key, struct buf *out,
                struct err *e); /* + kid, use */
int jwe_key_point(const struct jwe_key *key, uint8_t point[JWE_POINT_BYTES],
                  struct err *e);
void jwe_key_clear(struct jwe_key *key);
/* jwe_key_new_p256 - a fresh pair (template context). NULL with *e on failure. */
EVP_PKEY *jwe_key_new_p256(struct err *e);

struct jwe_header {
    const char *typ;     /* "sealpost-message", "sealpost-reply" or "sealpost-sms" */
    uint8_t id[16];      /* message id: "mid" */
    uint64_t created_s;  /* "iat" */
    char to[JWE_TO_MAX]; /* "to": "epoch-20261124", or "devices-" and a hash, no quotes
                          */
};

/* jwe_seal - to 1..8 keys, fresh ephemeral key and content key; the binary form is
 * appended to out. 0, or -1 (ERR_BUG, ERR_PERM 5.3.4 too long). */
int jwe_seal(const struct jwe_header *header, const struct jwe_key *const *to, size_t n,
             struct span plain, struct buf *out, struct err *e);

/* A window: one ephemeral key and one ECDH for the intermediate messages of up to 60 s.
 * Each message has its own random content key, wrapped by the window's key. Open it
 * after fork. jwe_window_clear wipes. */
struct jwe_window {
    struct jwe_key epoch; /* owned copy (reference) */
    uint8_t kek[32];
    uint8_t point[JWE_POINT_BYTES]; /* the ephemeral public key */
    bool open;
};
int jwe_window_open(struct jwe_window *w, const struct jwe_key *epoch, struct err *e);
int jwe_window_seal(struct jwe_window *w, const struct jwe_header *header,
                    struct span plain, struct buf *out, struct err *e);
void jwe_window_clear(struct jwe_window *w);

/* jwe_open - open the binary form with a private key, which must be the recipient that
 * kid (its thumbprint) names; header_out may be NULL; else it is filled from the
 * protected header (typ is then one of the static strings or "" when it is neither).
 * plain is appended; wipe it. ERR_PERM 5.6.0: not sealed to this key, damaged, or
 * refused; all failures of opening read alike. */
int jwe_open(struct span binary, EVP_PKEY *key, const uint8_t kid[JWE_KID_BYTES],
             struct jwe_header *header_out, struct buf *plain, struct err *e);

/* What jwe_open_next remembers: the key of the window that it opened last. Messages of
 * one window follow each other, so that most cost no ECDH. Zero it before its first
 * use; jwe_memo_clear wipes it, which whoever destroys an epoch key must do. */
struct jwe_memo {
    bool known;
    uint8_t kid[JWE_KID_BYTES], point[JWE_POINT_BYTES], kek[32];
};
int jwe_open_next(struct jwe_memo *memo, struct span binary, EVP_PKEY *key,
                  const uint8_t kid[JWE_KID_BYTES], struct jwe_header *header_out,
                  struct buf *plain, struct err *e);
void jwe_memo_clear(struct jwe_memo *memo);

/* jwe_has_recipient - is the form well made and sealed to kid? */
bool jwe_has_recipient(struct span binary, const uint8_t kid[JWE_KID_BYTES]);
/* jwe_check - is it a well-made binary form, whole, nothing left over? */
bool jwe_check(struct span binary);

/* jwe_to_json - general serialisation; kid NULL: every recipient, else only that one.
 */
int jwe_to_json(struct span binary, const uint8_t *kid, struct buf *out, struct err *e);
/* jwe_from_json - general or flattened serialisation; jwe_from_compact - compact. */
int jwe_from_json(struct span text, struct buf *out, struct err *e);
int jwe_from_compact(struct span text, struct buf *out, struct err *e);
/* jwe_seal_compact - to one key, compact serialisation (what a handset sends). */
int jwe_seal_compact(const struct jwe_header *header, const struct jwe_key *to,
                     struct span plain, struct buf *out, struct err *e);

#endif
