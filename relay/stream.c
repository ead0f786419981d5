/* SPDX-License-Identifier: ISC */
/* stream.c - parts: AES-256-GCM in chunks that cannot be cut, moved or mixed.
 * Here:       whole parts in memory, sealed and opened.
 * Elsewhere:  key, size and hash travel in the manifest (manifest.c), sealed by jwe.c.
 * Called by:  front (seal), the handset (open).
 * Source:     Hoang, Reyhanitabar, Rogaway, Vizar 2015 (STREAM); layout: stream.h. */
#include "relay/stream.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define NONCE_BYTES 12U
#define NONCE_COUNTER 7U /* its first byte, behind seven zeros */

static uint64_t chunks_of(uint64_t n)
{
    return n == 0 ? 1 : (n - 1) / STREAM_CHUNK + 1;
}

uint64_t stream_sealed_bytes(uint64_t n)
{
    return n + chunks_of(n) * STREAM_TAG;
}

/* The size of the clear text, or false when no part has a ciphertext of that size. */
static bool plain_bytes(uint64_t sealed, uint64_t *n)
{
    const uint64_t whole = STREAM_CHUNK + STREAM_TAG;
    const uint64_t chunks = sealed / whole + (sealed % whole == 0 ? 0 : 1);

    if (chunks == 0 || chunks > UINT32_MAX || sealed < chunks * STREAM_TAG)
        return false;
    *n = sealed - chunks * STREAM_TAG;
    return stream_sealed_bytes(*n) == sealed;
}

static void nonce_of(uint8_t nonce[NONCE_BYTES], uint32_t chunk, bool last)
{
    memset(nonce, 0, NONCE_COUNTER);
    for (unsigned i = 0; i < 4; i++)
        nonce[NONCE_COUNTER + i] = (uint8_t)(chunk >> (24 - 8 * i));
    nonce[NONCE_BYTES - 1] = last;
}

/* Key schedule once, then one nonce a chunk. NULL on failure. */
static EVP_CIPHER_CTX *cipher_new(const uint8_t key[STREAM_KEY], bool seal)
{
    EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx != NULL &&
        (gcm == NULL || EVP_CipherInit_ex2(ctx, gcm, key, NULL, seal, NULL) <= 0)) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_CIPHER_free(gcm);
    return ctx;
}

static bool chunk_seal(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct span plain,
                       uint8_t *to)
{
    uint8_t rest[16];
    int n;

    return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, 1, NULL) > 0 &&
           (plain.n == 0 || EVP_CipherUpdate(ctx, to, &n, (const uint8_t *)plain.p,
                                             (int)plain.n) > 0) &&
           EVP_CipherFinal_ex(ctx, rest, &n) > 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, STREAM_TAG, to + plain.n) >
               0;
}

/* n: the clear bytes of this chunk; the tag follows them. */
static bool chunk_open(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, const uint8_t *sealed,
                       size_t n, uint8_t *to)
{
    uint8_t tag[STREAM_TAG], rest[16];
    int done;

    memcpy(tag, sealed + n, sizeof tag);
    return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, 0, NULL) > 0 &&
           (n == 0 || EVP_CipherUpdate(ctx, to, &done, sealed, (int)n) > 0) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, STREAM_TAG, tag) > 0 &&
           EVP_CipherFinal_ex(ctx, rest, &done) > 0;
}

static bool sha256_of(struct span s, uint8_t out[32])
{
    return EVP_Q_digest(NULL, "SHA2-256", NULL, s.p, s.n, out, NULL) > 0;
}

static bool part_seal(struct span plain, const uint8_t key[STREAM_KEY], uint8_t *to)
{
    EVP_CIPHER_CTX *ctx = cipher_new(key, true);
    const uint64_t chunks = chunks_of(plain.n);
    uint8_t nonce[NONCE_BYTES];
    bool ok = ctx != NULL;

    for (uint64_t i = 0; ok && i < chunks; i++) {
        const size_t at = (size_t)i * STREAM_CHUNK;
        const bool last = i + 1 == chunks;

        nonce_of(nonce, (uint32_t)i, last);
        ok = chunk_seal(ctx, nonce,
                        span_of(plain.p + at, last ? plain.n - at : STREAM_CHUNK),
                        to + at + (size_t)i * STREAM_TAG);
    }
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static bool part_open(struct span sealed, const uint8_t key[STREAM_KEY], size_t n,
                      uint8_t *to)
{
    EVP_CIPHER_CTX *ctx = cipher_new(key, false);
    const uint64_t chunks = chunks_of(n);
    uint8_t nonce[NONCE_BYTES];
    bool ok = ctx != NULL;

    for (uint64_t i = 0; ok && i < chunks; i++) {
        const size_t at = (size_t)i * STREAM_CHUNK;
        const bool last = i + 1 == chunks;

        nonce_of(nonce, (uint32_t)i, last);
        ok = chunk_open(ctx, nonce,
                        (const uint8_t *)sealed.p + at + (size_t)i * STREAM_TAG,
                        last ? n - at : STREAM_CHUNK, to + at);
    }
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

int stream_seal(struct span plain, uint8_t key_out[STREAM_KEY], uint8_t sha256_out[32],
                struct buf *out, struct err *e)
{
    const uint64_t n = stream_sealed_bytes(plain.n);
    const size_t before = out->n;
    char *to = NULL;

    if (chunks_of(plain.n) <= UINT32_MAX)
        to = buf_room(out, (size_t)n);
    if (to == NULL)
        return err_set(e, ERR_PERM, "5.3.4", "a part of %zu bytes exceeds its buffer",
                       plain.n);
    if (RAND_priv_bytes(key_out, (int)STREAM_KEY) > 0 &&
        part_seal(plain, key_out, (uint8_t *)to) &&
        sha256_of(span_of(to, (size_t)n), sha256_out))
        return 0;
    OPENSSL_cleanse(key_out, STREAM_KEY);
    out->n = before;
    ERR_clear_error();
    return err_set(e, ERR_BUG, "4.3.0", "sealing a part failed");
}

int stream_open(struct span sealed, const uint8_t key[STREAM_KEY],
                const uint8_t sha256[32], struct buf *out, struct err *e)
{
    const size_t before = out->n;
    uint8_t found[32];
    uint64_t n;
    char *to;

    if (!plain_bytes(sealed.n, &n) || !sha256_of(sealed, found) ||
        CRYPTO_memcmp(found, sha256, sizeof found) != 0)
        return err_set(e, ERR_PERM, "5.6.0", "a part is cut or changed");
    to = buf_room(out, (size_t)n);
    if (to == NULL)
        return err_set(e, ERR_PERM, "5.3.4", "a part exceeds its buffer");
    if (part_open(sealed, key, (size_t)n, (uint8_t *)to))
        return 0;
    OPENSSL_cleanse(to, (size_t)n); /* deciphered, but not proved */
    out->n = before;
    ERR_clear_error();
    return err_set(e, ERR_PERM, "5.6.0", "a part is cut or changed");
}
