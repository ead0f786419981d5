/* SPDX-License-Identifier: ISC */
/* jws.c - signatures as JOSE writes them.
 * Here:       making them.
 * Elsewhere:  checking a device's (keeper/proof.c).
 * Called by:  keeper/vapid.c, contrib/handset/api.c.
 * Source:     RFC 7518 3.4. */
#include "relay/jws.h"
#include <openssl/ecdsa.h>

/* DER to r and s. */
static bool raw_signature(const uint8_t *der, size_t n, uint8_t raw[JWS_ES256_BYTES])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    const bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32;

    ECDSA_SIG_free(sig);
    return ok;
}

bool jws_sign(EVP_PKEY *key, struct span input, uint8_t raw[JWS_ES256_BYTES])
{
    uint8_t der[128];
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool ok =
        ctx != NULL &&
        EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
        EVP_DigestSign(ctx, der, &n, (const uint8_t *)input.p, input.n) == 1 &&
        raw_signature(der, n, raw);

    EVP_MD_CTX_free(ctx);
    return ok;
}
