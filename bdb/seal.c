/* SPDX-License-Identifier: ISC */
/* seal.c - values sealed and names blinded under the store key.
 * Here:       key derivation, AES-256-GCM of values, HMAC of names.
 * Elsewhere:  where the bytes are kept (store.c), what is sealed to devices (relay).
 * Called by:  store.c.
 * Source:     NIST SP 800-38D (GCM), RFC 5869 (HKDF), RFC 2104 (HMAC). */
#include "bdb/seal.h"
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#define GENERATION 8U
#define COUNTER 4U
#define TAG 16U
#define NONCE 12U
#define SLOTS 64U /* generations whose keys are at hand; a restart begins a new one */

_Static_assert(GENERATION + COUNTER + TAG == SEAL_OVERHEAD, "layout of a value");

struct slot { /* a context that is ready to open values of this generation */
    uint8_t generation[GENERATION];
    EVP_CIPHER_CTX *ctx;
    bool keyed;
};

struct seal {
    uint8_t *key;
    EVP_CIPHER *gcm;
    EVP_KDF *hkdf;
    EVP_MAC *hmac;
    EVP_MAC_CTX *macs[2];
    EVP_CIPHER_CTX *out; /* seals, keyed for generation */
    uint8_t generation[GENERATION];
    uint32_t used; /* values sealed in this generation */
    struct slot slots[SLOTS];
};

static bool derive(const struct seal *s, const void *info, size_t n,
                   uint8_t out[SEAL_KEY])
{
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(s->hkdf);
    char digest[] = "SHA2-256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, s->key, SEAL_KEY),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, n),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, SEAL_KEY, params) == 1;

    EVP_KDF_CTX_free(ctx);
    return ok;
}

/* Gives ctx the key of a generation; encrypt as EVP_CipherInit_ex2 has it. */
static bool key_context(const struct seal *s, EVP_CIPHER_CTX *ctx,
                        const uint8_t generation[GENERATION], int encrypt)
{
    static const char label[5] = "value"; /* without a NUL */
    uint8_t info[sizeof label + GENERATION], key[SEAL_KEY];
    bool ok;

    memcpy(info, label, sizeof label);
    memcpy(info + sizeof label, generation, GENERATION);
    ok = derive(s, info, sizeof info, key) &&
         EVP_CipherInit_ex2(ctx, s->gcm, key, NULL, encrypt, NULL) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return ok;
}

static bool new_generation(struct seal *s)
{
    s->used = SEAL_GENERATION; /* nothing is sealed should this fail */
    if (RAND_bytes(s->generation, GENERATION) != 1 ||
        !key_context(s, s->out, s->generation, 1))
        return false;
    s->used = 0;
    return true;
}

static EVP_MAC_CTX *mac_context(const struct seal *s, const char *info)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(s->hmac);
    char digest[] = "SHA2-256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    uint8_t key[SEAL_KEY];
    bool ok = ctx != NULL && derive(s, info, strlen(info), key) &&
              EVP_MAC_init(ctx, key, sizeof key, params) == 1;

    OPENSSL_cleanse(key, sizeof key);
    if (ok)
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

struct seal *seal_new(const uint8_t key[SEAL_KEY])
{
    struct seal *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->key = OPENSSL_secure_malloc(SEAL_KEY);
    s->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    s->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    s->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    s->out = EVP_CIPHER_CTX_new();
    if (s->key != NULL && s->gcm != NULL && s->hkdf != NULL && s->hmac != NULL &&
        s->out != NULL) {
        memcpy(s->key, key, SEAL_KEY);
        s->macs[SEAL_BLIND] = mac_context(s, "blind");
        s->macs[SEAL_MAC] = mac_context(s, "mac");
        if (s->macs[SEAL_BLIND] != NULL && s->macs[SEAL_MAC] != NULL &&
            new_generation(s))
            return s;
    }
    seal_free(s);
    return NULL;
}

void seal_free(struct seal *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        EVP_CIPHER_CTX_free(s->slots[i].ctx);
    EVP_CIPHER_CTX_free(s->out);
    EVP_MAC_CTX_free(s->macs[SEAL_BLIND]);
    EVP_MAC_CTX_free(s->macs[SEAL_MAC]);
    EVP_MAC_free(s->hmac);
    EVP_KDF_free(s->hkdf);
    EVP_CIPHER_free(s->gcm);
    OPENSSL_secure_clear_free(s->key, SEAL_KEY);
    free(s);
}

static void nonce_of(const uint8_t counter[COUNTER], uint8_t nonce[NONCE])
{
    memset(nonce, 0, NONCE);
    memcpy(nonce + NONCE - COUNTER, counter, COUNTER);
}

/* Both directions up to the tag: the nonce, the associated data, the bytes. */
static bool run(EVP_CIPHER_CTX *ctx, const struct seal_place *at,
                const uint8_t counter[COUNTER], const uint8_t *in, size_t n,
                uint8_t *out)
{
    uint8_t nonce[NONCE];
    int done = 0;

    nonce_of(counter, nonce);
    return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &done, (const uint8_t *)at->table,
                            (int)strlen(at->table) + 1) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &done, at->key, (int)at->key_bytes) == 1 &&
           (n == 0 || EVP_CipherUpdate(ctx, out, &done, in, (int)n) == 1);
}

bool seal_value(struct seal *s, const struct seal_place *at, const void *value,
                size_t n, uint8_t *sealed)
{
    uint8_t *const counter = sealed + GENERATION;
    uint8_t *const body = counter + COUNTER;
    uint32_t mine;
    int rest = 0;

    if (s->used >= SEAL_GENERATION && !new_generation(s))
        return false;
    mine = s->used++; /* spent, whatever happens below */
    memcpy(sealed, s->generation, GENERATION);
    for (unsigned i = 0; i < COUNTER; i++)
        counter[i] = (uint8_t)(mine >> (24U - 8U * i));
    return run(s->out, at, counter, value, n, body) &&
           EVP_CipherFinal_ex(s->out, body + n, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(s->out, EVP_CTRL_AEAD_GET_TAG, TAG, body + n) == 1;
}

/* The context for a generation; generations are random, so any byte picks a slot. */
static EVP_CIPHER_CTX *opener(struct seal *s, const uint8_t generation[GENERATION])
{
    struct slot *slot = &s->slots[generation[0] % SLOTS];

    if (slot->keyed && memcmp(slot->generation, generation, GENERATION) == 0)
        return slot->ctx;
    slot->keyed = false;
    if (slot->ctx == NULL)
        slot->ctx = EVP_CIPHER_CTX_new();
    if (slot->ctx == NULL || !key_context(s, slot->ctx, generation, 0))
        return NULL;
    memcpy(slot->generation, generation, GENERATION);
    slot->keyed = true;
    return slot->ctx;
}

bool seal_open(struct seal *s, const struct seal_place *at, const uint8_t *sealed,
               size_t n, uint8_t *value)
{
    const uint8_t *const counter = sealed + GENERATION;
    EVP_CIPHER_CTX *ctx;
    uint8_t tag[TAG];
    size_t body;
    int rest = 0;

    if (n < SEAL_OVERHEAD)
        return false;
    body = n - SEAL_OVERHEAD;
    ctx = opener(s, sealed);
    if (ctx == NULL)
        return false;
    memcpy(tag, sealed + n - TAG, TAG);
    if (run(ctx, at, counter, counter + COUNTER, body, value) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
        EVP_CipherFinal_ex(ctx, value + body, &rest) == 1)
        return true;
    OPENSSL_cleanse(value, body);
    return false;
}

void seal_mac(const struct seal *s, enum seal_mac which, const char *label,
              const void *bytes, size_t n, uint8_t out[32])
{
    EVP_MAC_CTX *ctx = s->macs[which];
    size_t done = 0;

    /* without a key: begins anew with the one that is in the context */
    if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(ctx, (const uint8_t *)label, strlen(label) + 1) != 1 ||
        (n > 0 && EVP_MAC_update(ctx, bytes, n) != 1) ||
        EVP_MAC_final(ctx, out, &done, 32) != 1 || done != 32)
        abort();
}
