/* SPDX-License-Identifier: ISC */
/* vapid.c - how push services know that it is always the same server.
 * Here:       the key, and the signed token for each push service.
 * Elsewhere:  the master key (keys.c), what is pushed (webpush.c, push.c).
 * Called by:  keeper.c, push.c, expiry.c.
 * Source:     RFC 8292; FIPS 186-5 A.2.2 (a private key by rejection). */
#include "relay/keeper/vapid.h"
#include "relay/encode.h"
#include "relay/jwe_private.h"
#include "relay/jws.h"
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <stdio.h>
#include <stdlib.h>

#define VALID_S 43200U /* RFC 8292 2: 24 h at most */
#define USED_S 21600U
#define TOKENS 16U /* push services are few */
#define ORIGIN_ROOM 300U
#define TRIES 100U

struct token {
    char origin[ORIGIN_ROOM];
    uint64_t made_s;
    struct buf text; /* the JWT */
};

struct vapid {
    EVP_PKEY *key;
    uint8_t point[JWE_POINT_BYTES];
    struct token tokens[TOKENS];
};

/* The point of a scalar; false: the scalar is 0, or the group's order or more. */
static bool point_of(const uint8_t scalar[32], uint8_t point[JWE_POINT_BYTES])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *at = group == NULL ? NULL : EC_POINT_new(group);
    BIGNUM *n = BN_secure_new();
    const bool ok = at != NULL && n != NULL && BN_bin2bn(scalar, 32, n) != NULL &&
                    !BN_is_zero(n) && BN_cmp(n, EC_GROUP_get0_order(group)) < 0 &&
                    EC_POINT_mul(group, at, n, NULL, NULL, NULL) == 1 &&
                    EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED, point,
                                       JWE_POINT_BYTES, NULL) == JWE_POINT_BYTES;

    BN_clear_free(n);
    EC_POINT_free(at);
    EC_GROUP_free(group);
    return ok;
}

/* One try in 2^32 is no scalar of the curve: then the next one counts. */
static EVP_PKEY *derive(const struct keys *k)
{
    uint8_t scalar[32], point[JWE_POINT_BYTES];
    EVP_PKEY *key = NULL;
    char label[16];

    for (unsigned i = 1; key == NULL && i <= TRIES; i++) {
        (void)snprintf(label, sizeof label, "vapid-%u", i);
        if (keys_derive(k, label, scalar) && point_of(scalar, point))
            key = jwe_pair_build(scalar, point);
    }
    OPENSSL_cleanse(scalar, sizeof scalar);
    return key;
}

struct vapid *vapid_new(const struct keys *k, struct err *e)
{
    struct vapid *v = calloc(1, sizeof *v);

    if (v != NULL && (v->key = derive(k)) != NULL && jwe_pkey_point(v->key, v->point))
        return v;
    vapid_free(v);
    (void)err_set(e, ERR_BUG, "4.3.0", "no key for push services could be made");
    return NULL;
}

void vapid_free(struct vapid *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < TOKENS; i++)
        buf_clear(&v->tokens[i].text);
    EVP_PKEY_free(v->key);
    free(v);
}

const uint8_t *vapid_point(const struct vapid *v)
{
    return v->point;
}

static bool token_make(const struct vapid *v, uint64_t now_s, const char *contact,
                       struct token *t)
{
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}";
    uint8_t signature[JWS_ES256_BYTES];
    struct buf claims;

    buf_clear(&t->text);
    buf_init(&t->text, 4096);
    buf_init(&claims, 4096);
    buf_printf(&claims, "{\"aud\":\"%s\",\"exp\":%llu,\"sub\":\"%s\"}", t->origin,
               (unsigned long long)(now_s + VALID_S), contact);
    b64url_put(&t->text, header, sizeof header - 1);
    buf_put_u8(&t->text, '.');
    b64url_put(&t->text, claims.p, claims.n);
    if (!buf_ok(&claims) || !buf_ok(&t->text) ||
        !jws_sign(v->key, buf_span(&t->text), signature))
        t->text.failed = true;
    buf_clear(&claims);
    buf_put_u8(&t->text, '.');
    b64url_put(&t->text, signature, sizeof signature);
    t->made_s = buf_ok(&t->text) ? now_s : 0;
    return t->made_s != 0;
}

/* The token for that origin, or the place of the oldest. */
static struct token *place_for(struct vapid *v, struct span origin)
{
    struct token *oldest = &v->tokens[0];

    for (size_t i = 0; i < TOKENS; i++) {
        if (span_eq_str(origin, v->tokens[i].origin))
            return &v->tokens[i];
        if (v->tokens[i].made_s < oldest->made_s)
            oldest = &v->tokens[i];
    }
    oldest->made_s = 0;
    return span_copy(oldest->origin, sizeof oldest->origin, origin) ? oldest : NULL;
}

bool vapid_authorization(struct vapid *v, uint64_t now_s, struct span origin,
                         const char *contact, struct buf *out)
{
    struct token *const t = place_for(v, origin);
    const bool fresh =
        t != NULL && t->made_s != 0 && t->made_s <= now_s && now_s < t->made_s + USED_S;

    if (t == NULL || (!fresh && !token_make(v, now_s, contact, t)))
        return false;
    buf_put(out, "vapid t=");
    buf_put_span(out, buf_span(&t->text));
    buf_put(out, ", k=");
    b64url_put(out, v->point, sizeof v->point);
    return buf_ok(out);
}
