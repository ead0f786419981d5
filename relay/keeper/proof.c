/* SPDX-License-Identifier: ISC */
/* proof.c - the device's proof on each call: a JWS, DPoP-shaped, checked by the keeper.
 * Here:       parsing, signature, nonce, once only.
 * Elsewhere:  what a call means, hence method and url (device.c).
 * Called by:  device.c.
 * Source:     RFC 9449 4.2, 4.3, 8; RFC 7515; the claim bh (hash of the body) is ours.
 */
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <glib.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define PROOF_MAX 4096U
#define NONCE_LIFE_S 120U
#define NONCE_MAC 16U
#define NONCE_BYTES (4U + NONCE_MAC)
#define JTI_MIN 16U
#define JTI_MAX 128U
#define USED_MAX 1000000U

/* Used proofs are remembered as long as their nonce lives, in two generations that are
 * dropped in turn: nothing is forgotten early, and memory has an end. */
struct proofs {
    uint8_t key[32]; /* made at start: a restart makes every earlier nonce old */
    GHashTable *used, *used_before;
    uint64_t turned_s;
};

struct jws {
    struct span header, payload, signature, input;
};

struct proofs *proofs_new(void)
{
    struct proofs *p = calloc(1, sizeof *p);

    if (p == NULL)
        abort();
    keeper_random(p->key, sizeof p->key);
    p->used = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                    (GDestroyNotify)g_bytes_unref, NULL);
    p->used_before = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                           (GDestroyNotify)g_bytes_unref, NULL);
    return p;
}

void proofs_free(struct proofs *p)
{
    g_hash_table_destroy(p->used);
    g_hash_table_destroy(p->used_before);
    OPENSSL_cleanse(p, sizeof *p);
    free(p);
}

static void nonce_mac(const struct proofs *p, const uint8_t when[4], uint8_t mac[32])
{
    unsigned n = 32;

    (void)HMAC(EVP_sha256(), p->key, sizeof p->key, when, 4, mac, &n);
}

void proof_nonce(const struct proofs *p, uint64_t now_s, char nonce[48])
{
    uint8_t raw[NONCE_BYTES], mac[32];
    struct buf b;

    for (int i = 0; i < 4; i++)
        raw[i] = (uint8_t)(now_s >> (8 * (3 - i)));
    nonce_mac(p, raw, mac);
    memcpy(raw + 4, mac, NONCE_MAC);
    buf_init(&b, 47);
    b64url_put(&b, raw, sizeof raw);
    (void)span_copy(nonce, 48, buf_span(&b));
    buf_clear(&b);
}

static bool nonce_is_current(const struct proofs *p, uint64_t now_s, const char *nonce)
{
    uint8_t raw[NONCE_BYTES], mac[32];
    uint64_t made_s = 0;

    if (!b64url_take_exact(span_str(nonce), raw, sizeof raw))
        return false;
    nonce_mac(p, raw, mac);
    if (CRYPTO_memcmp(mac, raw + 4, NONCE_MAC) != 0)
        return false;
    for (int i = 0; i < 4; i++)
        made_s = made_s << 8 | raw[i];
    return made_s <= now_s + NONCE_LIFE_S && now_s <= made_s + NONCE_LIFE_S;
}

/* Compact JWS: three non-empty pieces. */
static bool jws_take(struct span text, struct jws *out)
{
    const char *dot, *second;

    if (text.n == 0 || text.n > PROOF_MAX)
        return false;
    dot = memchr(text.p, '.', text.n);
    if (dot == NULL)
        return false;
    second = memchr(dot + 1, '.', text.n - (size_t)(dot + 1 - text.p));
    if (second == NULL)
        return false;
    out->header = span_of(text.p, (size_t)(dot - text.p));
    out->payload = span_of(dot + 1, (size_t)(second - dot - 1));
    out->signature = span_of(second + 1, (size_t)(text.p + text.n - second - 1));
    out->input = span_of(text.p, (size_t)(second - text.p));
    return true;
}

static json_t *piece_json(struct span piece)
{
    struct buf b;
    json_t *j = NULL;

    buf_init(&b, PROOF_MAX);
    if (b64url_take(piece, &b))
        j = json_loadb(b.p == NULL ? "" : b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
    buf_clear(&b);
    return j;
}

static bool member_is(const json_t *j, const char *name, const char *value)
{
    const char *s = json_string_value(json_object_get(j, name));

    return s != NULL && strcmp(s, value) == 0;
}

static bool header_device(const json_t *header, uint8_t device[16])
{
    const char *kid = json_string_value(json_object_get(header, "kid"));

    return kid != NULL && hex_take(span_str(kid), device, 16) &&
           member_is(header, "typ", "dpop+jwt") && member_is(header, "alg", "ES256") &&
           json_object_get(header, "crit") == NULL;
}

bool proof_claims_device(struct span proof, uint8_t device[16])
{
    struct jws jws;
    json_t *header;
    bool ok;

    if (!jws_take(proof, &jws))
        return false;
    header = piece_json(jws.header);
    ok = header_device(header, device);
    json_decref(header);
    return ok;
}

/* JOSE signatures are r and s of 32 bytes each; OpenSSL wants them in DER. */
static bool signature_der(struct span piece, uint8_t **der, int *n)
{
    uint8_t raw[64];
    ECDSA_SIG *sig;
    BIGNUM *r, *s;
    bool ok = false;

    if (!b64url_take_exact(piece, raw, sizeof raw))
        return false;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(raw, 32, NULL);
    s = BN_bin2bn(raw + 32, 32, NULL);
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        *der = NULL;
        *n = i2d_ECDSA_SIG(sig, der);
        ok = *n > 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return ok;
}

static bool signature_is_good(const struct jws *jws, const uint8_t point[65])
{
    struct jwe_key key;
    struct err e;
    EVP_MD_CTX *ctx;
    uint8_t *der;
    int n;
    bool ok;

    if (jwe_key_from_point(&key, point, &e) != 0)
        return false;
    if (!signature_der(jws->signature, &der, &n)) {
        jwe_key_clear(&key);
        return false;
    }
    ctx = EVP_MD_CTX_new();
    ok =
        ctx != NULL &&
        EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key.pkey, NULL) == 1 &&
        EVP_DigestVerify(ctx, der, (size_t)n, (const uint8_t *)jws->input.p,
                         jws->input.n) == 1;
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    jwe_key_clear(&key);
    return ok;
}

static bool body_matches(const json_t *claims, struct span body)
{
    const char *bh = json_string_value(json_object_get(claims, "bh"));
    uint8_t said[32], is[32];

    return bh != NULL && b64url_take_exact(span_str(bh), said, sizeof said) &&
           EVP_Q_digest(NULL, "SHA256", NULL, body.n == 0 ? "" : body.p, body.n, is,
                        NULL) == 1 &&
           CRYPTO_memcmp(said, is, sizeof is) == 0;
}

static bool use_once(struct proofs *p, uint64_t now_s, struct span signature)
{
    GBytes *id;

    if (now_s >= p->turned_s + 2 * NONCE_LIFE_S) {
        g_hash_table_destroy(p->used_before);
        p->used_before = p->used;
        p->used = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                        (GDestroyNotify)g_bytes_unref, NULL);
        p->turned_s = now_s;
    }
    if (g_hash_table_size(p->used) >= USED_MAX)
        return false;
    id = g_bytes_new(signature.p, signature.n);
    if (g_hash_table_contains(p->used_before, id)) {
        g_bytes_unref(id);
        return false;
    }
    return g_hash_table_add(p->used, id); /* false: it was there */
}

static enum ipc_verdict claims_check(struct proofs *p, uint64_t now_s,
                                     const json_t *claims, const char *method,
                                     const char *url, struct span body)
{
    const char *nonce = json_string_value(json_object_get(claims, "nonce"));
    const char *jti = json_string_value(json_object_get(claims, "jti"));

    if (!member_is(claims, "htm", method) || !member_is(claims, "htu", url) ||
        !json_is_integer(json_object_get(claims, "iat")) || jti == NULL ||
        strlen(jti) < JTI_MIN || strlen(jti) > JTI_MAX || !body_matches(claims, body))
        return IPC_PROOF;
    return nonce != NULL && nonce_is_current(p, now_s, nonce) ? IPC_OK : IPC_NONCE;
}

enum ipc_verdict proof_check(struct proofs *p, uint64_t now_s, struct span proof,
                             const uint8_t signing_point[65], const char *method,
                             const char *url, struct span body)
{
    struct jws jws;
    json_t *claims;
    enum ipc_verdict v;

    if (!jws_take(proof, &jws) || !signature_is_good(&jws, signing_point))
        return IPC_PROOF;
    claims = piece_json(jws.payload);
    v = claims_check(p, now_s, claims, method, url, body);
    json_decref(claims);
    if (v == IPC_OK && !use_once(p, now_s, jws.input))
        v = IPC_PROOF;
    return v;
}
