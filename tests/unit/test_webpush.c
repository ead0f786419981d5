/* SPDX-License-Identifier: ISC */
/* test_webpush.c - what a push service gets: the sealed body, and who says it.
 * Here:       the published vector of RFC 8291; what a browser opens; the token of RFC
 *             8292, its signature, and how long it is used.
 * Elsewhere:  the same opened by node's crypto (tests/scenario/push-before-sms.sh). */
#include "relay/encode.h"
#include "relay/hkdf.h"
#include "relay/jwe_private.h"
#include "relay/keeper/vapid.h"
#include "relay/keeper/webpush.h"
#include <jansson.h>
#include <openssl/ecdsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795500000U
#define HOUR 3600U

static char dir[64], pass[80], key_dir[80];
static struct keys *keys;

static int setup(void **state)
{
    struct err e;
    FILE *f;

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/test-webpush-XXXXXX");
    if (jwe_start(&e) != 0 || mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(pass, sizeof pass, "%s/pass", dir);
    (void)snprintf(key_dir, sizeof key_dir, "%s/keys", dir);
    f = fopen(pass, "w");
    if (f == NULL || fputs("a passphrase for tests\n", f) < 0 || fclose(f) != 0 ||
        chmod(pass, 0600) != 0)
        return -1;
    return keys_open(&keys, key_dir, pass, &e);
}

static int teardown(void **state)
{
    char file[128];

    (void)state;
    keys_close(keys);
    (void)snprintf(file, sizeof file, "%s/master.key", key_dir);
    (void)unlink(file);
    (void)unlink(pass);
    (void)rmdir(key_dir);
    return rmdir(dir);
}

static void take(const char *text, void *out, size_t n)
{
    assert_true(b64url_take_exact(span_str(text), out, n));
}

/* RFC 8291, appendix A. */
static void the_vector_of_the_rfc_comes_out(void **state)
{
    struct webpush_to to;
    uint8_t scalar[32], point[65], salt[16];
    EVP_PKEY *pair;
    struct buf out, text;

    (void)state;
    take("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-"
         "AYWXvTBHm4bjyPjs7Vd8pZGH6SRpk"
         "NtoIAiw4",
         to.p256dh, 65);
    take("BTBZMqHH6r4Tts7J_aSIgg", to.auth, 16);
    take("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", scalar, 32);
    take("BP4z9KsN6nGRTbVYI_"
         "c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PB"
         "ru3jl7A8",
         point, 65);
    take("DGv6ra1nlYgDCS1FRnbzlw", salt, 16);
    pair = jwe_pair_build(scalar, point);
    assert_non_null(pair);
    buf_init(&out, 4096);
    buf_init(&text, 4096);
    assert_true(webpush_seal_with(
        &to, pair, salt, span_str("When I grow up, I want to be a watermelon"), &out));
    b64url_put(&text, out.p, out.n);
    assert_string_equal(buf_cstr(&text), "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI"
                                         "_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vC"
                                         "YLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
                                         "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXL"
                                         "WyouBWLVWGNWQexSgSxsj_Qulcy4a-fN");
    EVP_PKEY_free(pair);
    buf_clear(&out);
    buf_clear(&text);
}

static void no_two_bodies_are_alike_and_bad_keys_are_refused(void **state)
{
    struct webpush_to to = { .auth = "0123456789abcde" };
    struct err e;
    EVP_PKEY *browser = jwe_key_new_p256(&e);
    char longest[WEBPUSH_PLAIN_MAX + 1];
    struct buf one, two;

    (void)state;
    assert_true(jwe_pkey_point(browser, to.p256dh));
    memset(longest, 'x', sizeof longest);
    buf_init(&one, 8192);
    buf_init(&two, 8192);
    assert_true(webpush_seal(&to, span_str("waiting"), &one));
    assert_true(webpush_seal(&to, span_str("waiting"), &two));
    assert_int_equal(one.n, two.n);
    assert_memory_not_equal(one.p, two.p, 16);
    assert_memory_not_equal(one.p + 21, two.p + 21, 65);
    buf_clear(&one);
    assert_true(webpush_seal(&to, span_of(longest, WEBPUSH_PLAIN_MAX), &one));
    assert_int_equal(one.n, 86 + WEBPUSH_PLAIN_MAX + 1 + 16);
    assert_in_range(one.n, 0, 4096); /* what every service takes: RFC 8291 4 */
    assert_false(webpush_seal(&to, span_of(longest, sizeof longest), &two));
    to.p256dh[10] ^= 1; /* off the curve */
    assert_false(webpush_seal(&to, span_str("waiting"), &two));
    buf_clear(&one);
    buf_clear(&two);
    EVP_PKEY_free(browser);
}

/* -- who says it */

static void authorize(struct vapid *v, uint64_t now_s, const char *origin,
                      struct buf *out)
{
    buf_init(out, 4096);
    assert_true(vapid_authorization(v, now_s, span_str(origin),
                                    "mailto:postmaster@sms.example", out));
}

/* The claims of "vapid t=HEADER.CLAIMS.SIGNATURE, k=POINT", when all of it is sound. */
static json_t *open_token(struct span said, uint8_t point[65])
{
    struct cur c = cur_of(said);
    const char *const dot = memchr(said.p, '.', said.n);
    const char *const comma = memchr(said.p, ',', said.n);
    const char *const second = memchr(dot + 1, '.', (size_t)(comma - dot - 1));
    uint8_t raw[64], *der = NULL;
    struct buf claims;
    struct span input;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct jwe_key key;
    struct err e;
    json_t *j;
    int n;

    assert_true(cur_word(&c, "vapid t="));
    input = span_of(c.p, (size_t)(second - c.p));
    assert_true(
        b64url_take_exact(span_of(second + 1, (size_t)(comma - second - 1)), raw, 64));
    assert_memory_equal(comma, ", k=", 4);
    assert_true(b64url_take_exact(
        span_of(comma + 4, (size_t)(said.p + said.n - comma - 4)), point, 65));
    assert_int_equal(jwe_key_from_point(&key, point, &e), 0);
    assert_int_equal(
        ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)),
        1);
    n = i2d_ECDSA_SIG(sig, &der);
    assert_int_equal(
        EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key.pkey, NULL), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, der, (size_t)n, (const uint8_t *)input.p, input.n), 1);
    buf_init(&claims, 4096);
    assert_true(b64url_take(span_of(dot + 1, (size_t)(second - dot - 1)), &claims));
    j = json_loadb(claims.p, claims.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    buf_clear(&claims);
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    OPENSSL_free(der);
    jwe_key_clear(&key);
    return j;
}

static void a_token_is_for_one_service_and_for_half_a_day(void **state)
{
    struct err e;
    struct vapid *v = vapid_new(keys, &e);
    uint8_t point[65];
    struct buf said;
    json_t *claims;

    (void)state;
    assert_non_null(v);
    authorize(v, NOW, "https://push.example:8443", &said);
    claims = open_token(buf_span(&said), point);
    assert_memory_equal(point, vapid_point(v), 65);
    assert_string_equal(json_string_value(json_object_get(claims, "aud")),
                        "https://push.example:8443");
    assert_string_equal(json_string_value(json_object_get(claims, "sub")),
                        "mailto:postmaster@sms.example");
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")),
                     NOW + 12 * HOUR);
    json_decref(claims);
    buf_clear(&said);
    vapid_free(v);
}

static bool is_same(struct vapid *v, uint64_t then_s, uint64_t now_s,
                    const char *origin)
{
    struct buf one, two;
    bool same;

    authorize(v, then_s, "https://push.example", &one);
    authorize(v, now_s, origin, &two);
    same = one.n == two.n && memcmp(one.p, two.p, one.n) == 0;
    buf_clear(&one);
    buf_clear(&two);
    return same;
}

static void a_token_is_used_for_hours(void **state)
{
    struct err e;
    struct vapid *v = vapid_new(keys, &e);
    char origin[64];
    struct buf said;

    (void)state;
    assert_true(is_same(v, NOW, NOW + 5 * HOUR, "https://push.example"));
    assert_false(is_same(v, NOW, NOW + 1, "https://other.example"));
    assert_false(is_same(v, NOW, NOW + 6 * HOUR, "https://push.example"));
    assert_false(
        is_same(v, NOW + 7 * HOUR, NOW, "https://push.example")); /* set back */
    for (unsigned i = 0; i < 40; i++) { /* more services than there are places */
        (void)snprintf(origin, sizeof origin, "https://%u.example", i);
        authorize(v, NOW, origin, &said);
        buf_clear(&said);
    }
    authorize(v, NOW + 1, "https://push.example", &said);
    buf_clear(&said);
    vapid_free(v);
}

static void the_key_comes_back_with_the_master_key(void **state)
{
    struct err e;
    struct vapid *v = vapid_new(keys, &e), *again;
    struct keys *reopened;

    (void)state;
    assert_int_equal(keys_open(&reopened, key_dir, pass, &e), 0);
    again = vapid_new(reopened, &e);
    assert_memory_equal(vapid_point(v), vapid_point(again), 65);
    vapid_free(v);
    vapid_free(again);
    keys_close(reopened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_the_rfc_comes_out),
        cmocka_unit_test(no_two_bodies_are_alike_and_bad_keys_are_refused),
        cmocka_unit_test(a_token_is_for_one_service_and_for_half_a_day),
        cmocka_unit_test(a_token_is_used_for_hours),
        cmocka_unit_test(the_key_comes_back_with_the_master_key),
    };

    return cmocka_run_group_tests_name("webpush", tests, setup, teardown);
}
