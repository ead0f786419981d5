/* SPDX-License-Identifier: ISC */
/* hkdf.c - HKDF-SHA-256.
 * Here:       one call of it.
 * Called by:  keeper/keys.c, keeper/webpush.c.
 * Source:     RFC 5869. */
#include "relay/hkdf.h"
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static OSSL_PARAM octets(const char *name, struct span s)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)s.p, s.n);
}

bool hkdf(struct span salt, struct span key, struct span info, uint8_t *out, size_t n)
{
    char digest[] = "SHA2-256";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, key),
        octets(OSSL_KDF_PARAM_INFO, info),
        salt.n > 0 ? octets(OSSL_KDF_PARAM_SALT, salt) : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };
    const bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, n, params) > 0;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}
