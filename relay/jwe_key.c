/* SPDX-License-Identifier: ISC */
/* jwe_key.c - public keys to seal to: in and out of JWK, DER and points; key pairs.
 * Here:       reading, validating, writing, thumbprints, P-256 generation.
 * Elsewhere:  sealing (jwe.c), where private keys live (keys.c, the handset).
 * Called by:  jwe.c, keys.c, device registration, the reference handset.
 * Source:     RFC 7517, RFC 7518 6, RFC 7638. */
#include "relay/jwe_private.h"
#include "relay/encode.h"
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <threads.h>

#define JWK_MAX_BYTES 4096U
#define DER_MAX_BYTES 2048U
#define COORD_BYTES 32U
#define RSA_MAX_BYTES (JWE_RSA_MAX_BITS / 8)
#define RSA_E_MAX_BITS 32

/* A generator context keeps the group's set-up (13 us a key against 25), and must not
 * be shared between threads: each has its own, freed when the thread ends. */
static tss_t keygen_slot;

static void keygen_free(void *ctx)
{
    EVP_PKEY_CTX_free(ctx);
}

bool jwe_keygen_start(void)
{
    return tss_create(&keygen_slot, keygen_free) == thrd_success;
}

static EVP_PKEY_CTX *keygen_ctx(void)
{
    EVP_PKEY_CTX *ctx = tss_get(keygen_slot);

    if (ctx != NULL)
        return ctx;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_group_name(ctx, "P-256") <= 0 ||
        tss_set(keygen_slot, ctx) != thrd_success) {
        EVP_PKEY_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

EVP_PKEY *jwe_key_new_p256(struct err *e)
{
    EVP_PKEY_CTX *const ctx = keygen_ctx();
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_generate(ctx, &pkey) <= 0) {
        ERR_clear_error();
        (void)err_set(e, ERR_BUG, "4.3.0", "no P-256 key could be made");
        return NULL;
    }
    return pkey;
}

static int bad_key(struct err *e, const char *why)
{
    ERR_clear_error();
    return err_set(e, ERR_PERM, "5.6.0", "bad key: %s", why);
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];

    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) > 0 &&
           strcmp(group, "prime256v1") == 0;
}

static bool bn_param(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t n)
{
    BIGNUM *bn = NULL;
    const bool ok = EVP_PKEY_get_bn_param(pkey, name, &bn) > 0 &&
                    BN_bn2binpad(bn, out, (int)n) == (int)n;

    BN_free(bn);
    return ok;
}

bool jwe_pkey_point(const EVP_PKEY *pkey, uint8_t point[JWE_POINT_BYTES])
{
    size_t n = 0;

    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        JWE_POINT_BYTES, &n) > 0 &&
        n == JWE_POINT_BYTES && point[0] == 4)
        return true;
    point[0] = 4; /* a key that was read in compressed form says so in pub, not here */
    return bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, point + 1, COORD_BYTES) &&
           bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, point + 1 + COORD_BYTES,
                    COORD_BYTES);
}

static EVP_PKEY *pkey_from_params(const char *type, int selection, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &pkey, selection, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static bool pkey_passes(EVP_PKEY *pkey, int (*check)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    const bool ok = ctx != NULL && check(ctx) > 0;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

EVP_PKEY *jwe_pkey_from_point(const uint8_t point[JWE_POINT_BYTES])
{
    char group[] = "P-256";
    uint8_t copy[JWE_POINT_BYTES];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy),
        OSSL_PARAM_construct_end(),
    };

    if (point[0] != 4)
        return NULL;
    memcpy(copy, point, sizeof copy);
    return pkey_from_params("EC", EVP_PKEY_PUBLIC_KEY, params);
}

bool jwe_pair_scalar(const EVP_PKEY *pair, uint8_t scalar[32])
{
    BIGNUM *bn = BN_secure_new();
    const bool ok = bn != NULL &&
                    EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_PRIV_KEY, &bn) > 0 &&
                    BN_bn2binpad(bn, scalar, (int)COORD_BYTES) == (int)COORD_BYTES;

    BN_clear_free(bn);
    return ok;
}

EVP_PKEY *jwe_pair_build(const uint8_t scalar[32], const uint8_t point[JWE_POINT_BYTES])
{
    BIGNUM *bn = BN_secure_new();
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pair = NULL;

    if (bn != NULL && bld != NULL && BN_bin2bn(scalar, (int)COORD_BYTES, bn) != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) >
            0 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         JWE_POINT_BYTES) > 0 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn) > 0)
        params = OSSL_PARAM_BLD_to_param(bld);
    if (params != NULL)
        pair = pkey_from_params("EC", EVP_PKEY_KEYPAIR, params);
    if (pair != NULL && !pkey_passes(pair, EVP_PKEY_check)) {
        EVP_PKEY_free(pair);
        pair = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_clear_free(bn);
    return pair;
}

static EVP_PKEY *pkey_from_rsa(const BIGNUM *n, const BIGNUM *exponent)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (bld != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) > 0 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, exponent) > 0)
        params = OSSL_PARAM_BLD_to_param(bld);
    if (params != NULL)
        pkey = pkey_from_params("RSA", EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static bool rsa_public(const EVP_PKEY *pkey, BIGNUM **n, BIGNUM **exponent)
{
    return EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, n) > 0 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, exponent) > 0;
}

/* NULL, or what is wrong with the numbers; they are cheap to look at, so a key of 100
 * 000 bits never reaches arithmetic. */
static const char *rsa_fault(const BIGNUM *n, const BIGNUM *exponent)
{
    if (BN_num_bits(n) < JWE_RSA_MIN_BITS || BN_num_bits(n) > JWE_RSA_MAX_BITS)
        return "an RSA key has 2048 to 4096 bits";
    if (!BN_is_odd(exponent) || BN_is_one(exponent) ||
        BN_num_bits(exponent) > RSA_E_MAX_BITS)
        return "an RSA exponent is odd, from 3 to 2^32";
    return NULL;
}

static void bn_put(struct buf *out, const BIGNUM *bn)
{
    uint8_t raw[RSA_MAX_BYTES];

    if (BN_num_bytes(bn) > (int)sizeof raw) {
        out->failed = true;
        return;
    }
    b64url_put(out, raw, (size_t)BN_bn2bin(bn, raw));
}

/* The members that RFC 7638 hashes, in its order, without the braces. */
static bool members_put(const struct jwe_key *key, struct buf *out)
{
    uint8_t point[JWE_POINT_BYTES];
    BIGNUM *n = NULL, *exponent = NULL;
    bool ok;

    if (key->alg == JWE_ECDH_ES_A256KW) {
        if (!jwe_pkey_point(key->pkey, point))
            return false;
        buf_put(out, "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
        b64url_put(out, point + 1, COORD_BYTES);
        buf_put(out, "\",\"y\":\"");
        b64url_put(out, point + 1 + COORD_BYTES, COORD_BYTES);
        buf_put(out, "\"");
        return buf_ok(out);
    }
    ok = rsa_public(key->pkey, &n, &exponent);
    if (ok) {
        buf_put(out, "\"e\":\"");
        bn_put(out, exponent);
        buf_put(out, "\",\"kty\":\"RSA\",\"n\":\"");
        bn_put(out, n);
        buf_put(out, "\"");
    }
    BN_free(n);
    BN_free(exponent);
    return ok && buf_ok(out);
}

static bool thumbprint(struct jwe_key *key)
{
    struct buf text;
    bool ok;

    buf_init(&text, JWK_MAX_BYTES);
    buf_put(&text, "{");
    ok = members_put(key, &text);
    buf_put(&text, "}");
    ok = ok && buf_ok(&text) &&
         EVP_Digest(text.p, text.n, key->kid, NULL, jwe_algs.sha256, NULL) > 0;
    buf_clear(&text);
    return ok;
}

/* Takes pkey over, whatever the outcome. */
static int key_take(struct jwe_key *key, enum jwe_alg alg, EVP_PKEY *pkey,
                    struct err *e)
{
    *key = (struct jwe_key){ .alg = alg, .pkey = pkey };
    if (thumbprint(key))
        return 0;
    jwe_key_clear(key);
    return bad_key(e, "it has no thumbprint");
}

int jwe_key_from_point(struct jwe_key *key, const uint8_t point[JWE_POINT_BYTES],
                       struct err *e)
{
    EVP_PKEY *pkey = jwe_pkey_from_point(point);

    *key = (struct jwe_key){ 0 };
    if (pkey == NULL || !pkey_passes(pkey, EVP_PKEY_public_check)) {
        EVP_PKEY_free(pkey);
        return bad_key(e, "no point of P-256");
    }
    return key_take(key, JWE_ECDH_ES_A256KW, pkey, e);
}

static int key_from_rsa(struct jwe_key *key, const BIGNUM *n, const BIGNUM *exponent,
                        struct err *e)
{
    const char *const fault = rsa_fault(n, exponent);
    EVP_PKEY *pkey;

    if (fault != NULL)
        return bad_key(e, fault);
    pkey = pkey_from_rsa(n, exponent);
    if (pkey == NULL || !pkey_passes(pkey, EVP_PKEY_public_check)) {
        EVP_PKEY_free(pkey);
        return bad_key(e, "not an RSA modulus");
    }
    return key_take(key, JWE_RSA_OAEP_256, pkey, e);
}

/* The key is built anew from its numbers, so that nothing else of the encoding
 * (explicit curve parameters, a compressed point) lives on in it. */
int jwe_key_from_der(struct jwe_key *key, struct span der, struct err *e)
{
    const unsigned char *p = (const unsigned char *)der.p;
    const unsigned char *const end = p + der.n;
    uint8_t point[JWE_POINT_BYTES];
    BIGNUM *n = NULL, *exponent = NULL;
    EVP_PKEY *pkey;
    int rc;

    *key = (struct jwe_key){ 0 };
    if (der.n == 0 || der.n > DER_MAX_BYTES)
        return bad_key(e, "no SubjectPublicKeyInfo has that size");
    pkey = d2i_PUBKEY_ex(NULL, &p, (long)der.n, NULL, NULL);
    if (pkey == NULL || p != end)
        rc = bad_key(e, "not a SubjectPublicKeyInfo");
    else if (is_p256(pkey) && jwe_pkey_point(pkey, point))
        rc = jwe_key_from_point(key, point, e);
    else if (EVP_PKEY_is_a(pkey, "RSA") && rsa_public(pkey, &n, &exponent))
        rc = key_from_rsa(key, n, exponent, e);
    else
        rc = bad_key(e, "neither P-256 nor RSA");
    BN_free(n);
    BN_free(exponent);
    EVP_PKEY_free(pkey);
    return rc;
}

int jwe_key_from_pkey(struct jwe_key *key, EVP_PKEY *pkey, struct err *e)
{
    BIGNUM *n = NULL, *exponent = NULL;
    const char *fault = NULL;
    enum jwe_alg alg = JWE_ECDH_ES_A256KW;

    *key = (struct jwe_key){ 0 };
    if (!is_p256(pkey)) {
        alg = JWE_RSA_OAEP_256;
        fault = !EVP_PKEY_is_a(pkey, "RSA") || !rsa_public(pkey, &n, &exponent)
                    ? "neither P-256 nor RSA"
                    : rsa_fault(n, exponent);
        BN_free(n);
        BN_free(exponent);
    }
    if (fault != NULL)
        return bad_key(e, fault);
    if (EVP_PKEY_up_ref(pkey) <= 0)
        return err_set(e, ERR_BUG, "4.3.0", "a key cannot be shared");
    return key_take(key, alg, pkey, e);
}

static struct span member(const json_t *object, const char *name)
{
    const json_t *const value = json_object_get(object, name);

    return span_of(json_string_value(value), json_string_length(value));
}

static int key_from_ec_jwk(struct jwe_key *key, const json_t *jwk, struct err *e)
{
    uint8_t point[JWE_POINT_BYTES] = { 4 };

    if (!span_eq_str(member(jwk, "crv"), "P-256"))
        return bad_key(e, "the curve is not P-256");
    if (!b64url_take_exact(member(jwk, "x"), point + 1, COORD_BYTES) ||
        !b64url_take_exact(member(jwk, "y"), point + 1 + COORD_BYTES, COORD_BYTES))
        return bad_key(e, "x and y are 32 bytes of base64url each");
    return jwe_key_from_point(key, point, e);
}

/* RFC 7518 6.3.1.1: no leading zero byte, so a key has one spelling. NULL: bad. */
static BIGNUM *bn_member(const json_t *jwk, const char *name)
{
    struct buf raw;
    BIGNUM *bn = NULL;

    buf_init(&raw, RSA_MAX_BYTES);
    if (b64url_take(member(jwk, name), &raw) && raw.n > 0 && raw.p[0] != 0)
        bn = BN_bin2bn((const unsigned char *)raw.p, (int)raw.n, NULL);
    buf_clear(&raw);
    return bn;
}

static int key_from_rsa_jwk(struct jwe_key *key, const json_t *jwk, struct err *e)
{
    BIGNUM *n = bn_member(jwk, "n"), *exponent = bn_member(jwk, "e");
    int rc;

    if (n == NULL || exponent == NULL)
        rc = bad_key(e, "n and e are base64url of at most 4096 bits");
    else
        rc = key_from_rsa(key, n, exponent, e);
    BN_free(n);
    BN_free(exponent);
    return rc;
}

static bool has_private_member(const json_t *jwk)
{
    static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(jwk, names[i]) != NULL)
            return true;
    return false;
}

int jwe_key_from_jwk(struct jwe_key *key, struct span jwk, struct err *e)
{
    json_t *json;
    int rc;

    *key = (struct jwe_key){ 0 };
    if (jwk.n == 0 || jwk.n > JWK_MAX_BYTES)
        return bad_key(e, "no JWK has that size");
    json = json_loadb(jwk.p, jwk.n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json))
        rc = bad_key(e, "not a JSON object");
    else if (has_private_member(json))
        rc = bad_key(e, "this is a private key: nobody may send one");
    else if (span_eq_str(member(json, "kty"), "EC"))
        rc = key_from_ec_jwk(key, json, e);
    else if (span_eq_str(member(json, "kty"), "RSA"))
        rc = key_from_rsa_jwk(key, json, e);
    else
        rc = bad_key(e, "the key type is neither EC nor RSA");
    json_decref(json);
    return rc;
}

int jwe_key_der(const struct jwe_key *key, struct buf *out, struct err *e)
{
    unsigned char *der = NULL;
    const int n = i2d_PUBKEY(key->pkey, &der);

    if (n > 0)
        buf_put_mem(out, der, (size_t)n);
    OPENSSL_free(der);
    if (n <= 0 || !buf_ok(out))
        return err_set(e, ERR_BUG, "4.3.0", "a public key cannot be written");
    return 0;
}

int jwe_key_jwk(const struct jwe_key *key, struct buf *out, struct err *e)
{
    bool ok;

    buf_put(out, "{");
    ok = members_put(key, out);
    buf_put(out, ",\"kid\":\"");
    b64url_put(out, key->kid, sizeof key->kid);
    buf_put(out, "\",\"use\":\"enc\"}");
    if (!ok || !buf_ok(out))
        return err_set(e, ERR_BUG, "4.3.0", "a public key cannot be written");
    return 0;
}

int jwe_key_point(const struct jwe_key *key, uint8_t point[JWE_POINT_BYTES],
                  struct err *e)
{
    if (key->alg != JWE_ECDH_ES_A256KW || !jwe_pkey_point(key->pkey, point))
        return err_set(e, ERR_BUG, "4.3.0", "only a P-256 key has a point");
    return 0;
}

void jwe_key_clear(struct jwe_key *key)
{
    EVP_PKEY_free(key->pkey);
    *key = (struct jwe_key){ 0 };
}
