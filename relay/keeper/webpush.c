/* SPDX-License-Identifier: ISC */
/* webpush.c - the sealed body of a push.
 * Here:       the key agreement with the browser, one record of aes128gcm.
 * Elsewhere:  what is said and when (push.c), who says it (vapid.c).
 * Called by:  push.c.
 * Source:     RFC 8291 3, 4; RFC 8188 2. */
#include "relay/keeper/webpush.h"
#include "relay/hkdf.h"
#include "relay/jwe_private.h"
#include <openssl/crypto.h>
#include <openssl/rand.h>

#define KEY 16U
#define NONCE 12U
#define TAG 16U
#define RECORD_SIZE 4096U
#define LAST_RECORD 2U                          /* the delimiter behind its plaintext */
#define LABEL(text) span_of(text, sizeof(text)) /* with its NUL */

static struct span bytes_of(const uint8_t *p, size_t n)
{
    return span_of((const char *)p, n);
}

/* RFC 8291 3.4: the input keying material, which both sides' keys are bound into. */
static bool agree(const struct webpush_to *to, EVP_PKEY *ephemeral,
                  const uint8_t point[JWE_POINT_BYTES], uint8_t ikm[32])
{
    struct jwe_key browser;
    struct buf info;
    struct err e;
    uint8_t z[32];
    bool ok;

    if (jwe_key_from_point(&browser, to->p256dh, &e) != 0)
        return false;
    buf_init(&info, 256);
    buf_put_span(&info, LABEL("WebPush: info"));
    buf_put_mem(&info, to->p256dh, sizeof to->p256dh);
    buf_put_mem(&info, point, JWE_POINT_BYTES);
    ok = buf_ok(&info) && jwe_agree(ephemeral, browser.pkey, false, z) &&
         hkdf(bytes_of(to->auth, sizeof to->auth), bytes_of(z, sizeof z),
              buf_span(&info), ikm, 32);
    OPENSSL_cleanse(z, sizeof z);
    buf_clear(&info);
    jwe_key_clear(&browser);
    return ok;
}

static bool encrypt(const uint8_t key[KEY], const uint8_t nonce[NONCE],
                    struct span plain, struct buf *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const uint8_t delimiter = LAST_RECORD;
    uint8_t sealed[WEBPUSH_PLAIN_MAX + 1], tag[TAG];
    int n = 0, last = 0, end = 0;
    const bool ok = ctx != NULL &&
                    EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce) == 1 &&
                    EVP_EncryptUpdate(ctx, sealed, &n, (const uint8_t *)plain.p,
                                      (int)plain.n) == 1 &&
                    EVP_EncryptUpdate(ctx, sealed + n, &last, &delimiter, 1) == 1 &&
                    EVP_EncryptFinal_ex(ctx, sealed + n + last, &end) == 1 &&
                    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1;

    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        return false;
    buf_put_mem(out, sealed, (size_t)(n + last));
    buf_put_mem(out, tag, sizeof tag);
    return true;
}

bool webpush_seal_with(const struct webpush_to *to, EVP_PKEY *ephemeral,
                       const uint8_t salt[WEBPUSH_SALT], struct span plain,
                       struct buf *out)
{
    uint8_t point[JWE_POINT_BYTES], ikm[32], key[KEY], nonce[NONCE];
    const struct span with = bytes_of(salt, WEBPUSH_SALT);
    bool ok;

    if (plain.n == 0 || plain.n > WEBPUSH_PLAIN_MAX ||
        !jwe_pkey_point(ephemeral, point))
        return false;
    ok = agree(to, ephemeral, point, ikm) &&
         hkdf(with, bytes_of(ikm, sizeof ikm), LABEL("Content-Encoding: aes128gcm"),
              key, sizeof key) &&
         hkdf(with, bytes_of(ikm, sizeof ikm), LABEL("Content-Encoding: nonce"), nonce,
              sizeof nonce);
    buf_put_mem(out, salt, WEBPUSH_SALT);
    buf_put_be32(out, RECORD_SIZE);
    buf_put_u8(out, JWE_POINT_BYTES);
    buf_put_mem(out, point, sizeof point);
    ok = ok && encrypt(key, nonce, plain, out);
    OPENSSL_cleanse(ikm, sizeof ikm);
    OPENSSL_cleanse(key, sizeof key);
    return ok && buf_ok(out);
}

bool webpush_seal(const struct webpush_to *to, struct span plain, struct buf *out)
{
    uint8_t salt[WEBPUSH_SALT];
    struct err e;
    EVP_PKEY *ephemeral = jwe_key_new_p256(&e);
    const bool ok = ephemeral != NULL && RAND_bytes(salt, sizeof salt) == 1 &&
                    webpush_seal_with(to, ephemeral, salt, plain, out);

    EVP_PKEY_free(ephemeral);
    return ok;
}
