/* SPDX-License-Identifier: ISC */
/* test_handset.c - the reference handset's pieces: keys and their birth, the key file,
 * proofs, what a person types, the terminal.
 *
 * The generator of the tests is a provider's: a real CTR-DRBG over TEST-RAND, whose
 * entropy never changes. So keys differ only by the personalization string. */
#include "contrib/handset/api.h"
#include "contrib/handset/json.h"
#include "contrib/handset/register_sms.h"
#include "contrib/handset/show.h"
#include "contrib/handset/target.h"
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795500000U
#define URL "https://m.example/api/v1/messages"
#define NO_PASSPHRASE span_of("", 0)

static char dir[64], keys[80], path[128];

static int setup(void **state)
{
    struct err e;

    (void)state;
    json_start();
    (void)snprintf(dir, sizeof dir, "/tmp/test-handset-XXXXXX");
    if (jwe_start(&e) != 0 || mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)snprintf(path, sizeof path, "%s/handset.json", keys);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)rmdir(keys);
    return rmdir(dir);
}

static void make_ring(struct keyring *ring, enum keyring_kind kind)
{
    struct err e;

    *ring = (struct keyring){ .url = "https://m.example",
                              .device = "00112233445566778899aabbccddeeff" };
    assert_int_equal(keyring_make(ring, kind, span_str("61412345678"), &e), 0);
}

/* -- where keys come from */

static void *fixed_new(void *provider, void *parent, const OSSL_DISPATCH *parent_calls)
{
    unsigned strength = 256;
    uint8_t entropy[256], nonce[64];
    char cipher[] = "AES-256-CTR";
    OSSL_PARAM source_params[] = {
        OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, entropy,
                                          sizeof entropy),
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_NONCE, nonce,
                                          sizeof nonce),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM drbg_params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_RAND *test = EVP_RAND_fetch(NULL, "TEST-RAND", NULL);
    EVP_RAND *ctr = EVP_RAND_fetch(NULL, "CTR-DRBG", NULL);
    EVP_RAND_CTX *source = EVP_RAND_CTX_new(test, NULL);
    EVP_RAND_CTX *drbg = EVP_RAND_CTX_new(ctr, source);

    (void)provider;
    (void)parent;
    (void)parent_calls;
    memset(entropy, 0x5a, sizeof entropy);
    memset(nonce, 0xa5, sizeof nonce);
    assert_int_equal(EVP_RAND_instantiate(source, 256, 0, NULL, 0, source_params), 1);
    assert_int_equal(EVP_RAND_CTX_set_params(drbg, drbg_params), 1);
    EVP_RAND_CTX_free(source); /* drbg keeps it */
    EVP_RAND_free(test);
    EVP_RAND_free(ctr);
    return drbg;
}

static void fixed_free(void *drbg)
{
    EVP_RAND_CTX_free(drbg);
}

static int fixed_instantiate(void *drbg, unsigned strength, int resist,
                             const unsigned char *personalization, size_t n,
                             const OSSL_PARAM params[])
{
    (void)params;
    return EVP_RAND_instantiate(drbg, strength, resist, personalization, n, NULL);
}

static int fixed_uninstantiate(void *drbg)
{
    return EVP_RAND_uninstantiate(drbg);
}

static int fixed_generate(void *drbg, unsigned char *out, size_t n, unsigned strength,
                          int resist, const unsigned char *more, size_t more_n)
{
    return EVP_RAND_generate(drbg, out, n, strength, resist, more, more_n);
}

static int fixed_get_params(void *drbg, OSSL_PARAM params[])
{
    return EVP_RAND_CTX_get_params(drbg, params);
}

static int fixed_lock(void *drbg)
{
    (void)drbg;
    return 1;
}

static void fixed_unlock(void *drbg)
{
    (void)drbg;
}

#define CALL(id, function)             \
    {                                  \
        id, (void (*)(void))(function) \
    }
static const OSSL_DISPATCH fixed_calls[] = {
    CALL(OSSL_FUNC_RAND_NEWCTX, fixed_new),
    CALL(OSSL_FUNC_RAND_FREECTX, fixed_free),
    CALL(OSSL_FUNC_RAND_INSTANTIATE, fixed_instantiate),
    CALL(OSSL_FUNC_RAND_UNINSTANTIATE, fixed_uninstantiate),
    CALL(OSSL_FUNC_RAND_GENERATE, fixed_generate),
    CALL(OSSL_FUNC_RAND_GET_CTX_PARAMS, fixed_get_params),
    CALL(OSSL_FUNC_RAND_ENABLE_LOCKING, fixed_lock),
    CALL(OSSL_FUNC_RAND_LOCK, fixed_lock),
    CALL(OSSL_FUNC_RAND_UNLOCK, fixed_unlock),
    { 0, NULL },
};

static const OSSL_ALGORITHM *fixed_query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM rands[] = {
        { "FIXED-DRBG", "provider=fixed", fixed_calls, NULL }, { 0 }
    };

    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_RAND ? rands : NULL;
}

static int fixed_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                      const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH calls[] = {
        CALL(OSSL_FUNC_PROVIDER_QUERY_OPERATION, fixed_query), { 0, NULL }
    };

    (void)in;
    *out = calls;
    *provider = (void *)(uintptr_t)handle;
    return 1;
}

static void make_fixed(struct keyring *ring, enum keyring_kind kind, const char *number)
{
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *ours, *standard;
    struct err e;

    assert_int_equal(OSSL_PROVIDER_add_builtin(lib, "fixed", fixed_init), 1);
    ours = OSSL_PROVIDER_load(lib, "fixed");
    standard = OSSL_PROVIDER_load(lib, "default");
    assert_non_null(ours);
    assert_non_null(standard);
    assert_int_equal(RAND_set_DRBG_type(lib, "FIXED-DRBG", NULL, NULL, NULL), 1);
    *ring = (struct keyring){ .encryption = NULL };
    assert_int_equal(keyring_make_in(lib, ring, kind, span_str(number), &e), 0);
    (void)OSSL_PROVIDER_unload(ours);
    (void)OSSL_PROVIDER_unload(standard);
    OSSL_LIB_CTX_free(lib);
}

/* RSA keys take long: that the same string makes the same key is enough for them. */
static void the_number_is_in_the_seed_of_the_keys(void **state)
{
    struct keyring one, same, other;

    (void)state;
    for (int kind = KEYRING_P256; kind <= KEYRING_RSA; kind++) {
        make_fixed(&one, (enum keyring_kind)kind, "61412345678");
        make_fixed(&same, (enum keyring_kind)kind, "61412345678");
        assert_int_equal(EVP_PKEY_eq(one.signing, same.signing), 1);
        assert_int_equal(EVP_PKEY_eq(one.encryption, same.encryption), 1);
        keyring_clear(&one);
        keyring_clear(&same);
    }
    make_fixed(&one, KEYRING_P256, "61412345678");
    make_fixed(&other, KEYRING_P256, "61412345679");
    assert_int_not_equal(EVP_PKEY_eq(one.signing, other.signing), 1);
    assert_int_not_equal(EVP_PKEY_eq(one.encryption, other.encryption), 1);
    keyring_clear(&one);
    keyring_clear(&other);
}

static void the_number_is_never_the_only_seed(void **state)
{
    struct keyring one, two;

    (void)state;
    make_ring(&one, KEYRING_P256);
    make_ring(&two, KEYRING_P256);
    assert_int_not_equal(EVP_PKEY_eq(one.signing, two.signing), 1);
    assert_int_not_equal(EVP_PKEY_eq(one.encryption, two.encryption), 1);
    keyring_clear(&one);
    keyring_clear(&two);
}

/* -- the key file */

static void assert_comes_back(enum keyring_kind kind, struct span passphrase)
{
    struct keyring ring, back;
    struct stat st;
    struct err e;

    make_ring(&ring, kind);
    assert_int_equal(keyring_save(&ring, keys, passphrase, &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(keyring_load(&back, keys, passphrase, &e), 0);
    assert_string_equal(back.url, ring.url);
    assert_string_equal(back.device, ring.device);
    assert_int_equal(EVP_PKEY_eq(back.encryption, ring.encryption), 1);
    assert_int_equal(EVP_PKEY_eq(back.signing, ring.signing), 1);
    assert_int_not_equal(EVP_PKEY_eq(ring.signing, ring.encryption), 1);
    keyring_clear(&ring);
    keyring_clear(&back);
}

static void keys_come_back_from_a_file_of_their_owner(void **state)
{
    struct stat st;
    struct err e;
    mode_t mask = umask(0);

    (void)state;
    assert_int_equal(keyring_prepare(keys, &e), 0);
    assert_int_equal(keyring_prepare(keys, &e), 0);
    assert_int_equal(stat(keys, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_comes_back(KEYRING_P256, NO_PASSPHRASE);
    assert_comes_back(KEYRING_P256, span_str("a long passphrase"));
    assert_comes_back(KEYRING_RSA, span_str("a long passphrase"));
    (void)umask(mask);
}

static void assert_not_loaded(const char *from, struct span passphrase, const char *why)
{
    struct keyring ring;
    struct err e;

    assert_int_equal(keyring_load(&ring, from, passphrase, &e), -1);
    if (strstr(e.text, why) == NULL)
        fail_msg("not '%s' but '%s'", why, e.text);
    assert_null(ring.encryption);
    assert_null(ring.signing);
}

static void a_key_file_that_others_read_or_spoilt_is_refused(void **state)
{
    struct stat st;

    (void)state;
    assert_comes_back(KEYRING_P256, NO_PASSPHRASE);
    assert_int_equal(chmod(path, 0640), 0);
    assert_not_loaded(keys, NO_PASSPHRASE, "others may read it");
    assert_int_equal(chmod(path, 0601), 0);
    assert_not_loaded(keys, NO_PASSPHRASE, "others may read it");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(stat(path, &st), 0);
    for (off_t n = st.st_size - 2; n >= 0; n -= 7) {
        assert_int_equal(truncate(path, n), 0);
        assert_not_loaded(keys, NO_PASSPHRASE, "damaged");
    }
    assert_int_equal(truncate(path, 70000), 0);
    assert_not_loaded(keys, NO_PASSPHRASE, "too long");
    assert_not_loaded(dir, NO_PASSPHRASE, "register first");
}

static void a_passphrase_closes_the_key_file(void **state)
{
    char text[8192] = "";
    FILE *f;

    (void)state;
    assert_comes_back(KEYRING_P256, span_str("right"));
    assert_not_loaded(keys, span_str("wrong"), "does not open");
    assert_not_loaded(keys, NO_PASSPHRASE, "--passphrase-file");
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    (void)fclose(f);
    assert_null(strstr(text, "BEGIN PRIVATE"));
    assert_non_null(strstr(text, "BEGIN ENCRYPTED PRIVATE"));
}

static void a_passphrase_is_the_first_line_of_a_private_file(void **state)
{
    static const struct {
        const char *content;
        mode_t mode;
        const char *passphrase; /* NULL: refused */
    } rows[] = {
        { "secret\n", 0600, "secret" }, { "two words \r\nmore\n", 0400, "two words " },
        { "unended", 0600, "unended" }, { "secret\n", 0640, NULL },
        { "\nsecond\n", 0600, NULL },   { "", 0600, NULL },
    };
    char file[128];
    struct buf out;
    struct err e;

    (void)state;
    (void)snprintf(file, sizeof file, "%s/passphrase", dir);
    buf_init(&out, KEYRING_PASSPHRASE_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        (void)fputs(rows[i].content, f);
        (void)fclose(f);
        assert_int_equal(chmod(file, rows[i].mode), 0);
        assert_int_equal(keyring_passphrase(file, &out, &e),
                         rows[i].passphrase == NULL ? -1 : 0);
        assert_true(span_eq_str(buf_span(&out),
                                rows[i].passphrase == NULL ? "" : rows[i].passphrase));
        buf_wipe(&out);
        assert_int_equal(unlink(file), 0);
    }
    assert_int_equal(keyring_passphrase(file, &out, &e), -1);
}

/* -- proofs */

/* piece - decodes the nth piece of a compact JWS; *end is what follows it. */
static void piece(struct span jws, int n, struct buf *out)
{
    const char *from = jws.p, *end = jws.p + jws.n, *dot;

    while (n-- > 0)
        from = (const char *)memchr(from, '.', (size_t)(end - from)) + 1;
    dot = memchr(from, '.', (size_t)(end - from));
    buf_init(out, 4096);
    assert_true(
        b64url_take(span_of(from, (size_t)((dot == NULL ? end : dot) - from)), out));
}

static void assert_text(const json_t *j, const char *name, const char *want)
{
    assert_string_equal(json_text(j, name), want);
}

static void assert_signed(struct span jws, EVP_PKEY *key)
{
    const char *dot = memrchr(jws.p, '.', jws.n);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *der = NULL;
    struct buf raw;
    int n;

    piece(jws, 2, &raw);
    assert_int_equal(raw.n, 64);
    assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn((const uint8_t *)raw.p, 32, NULL),
                                    BN_bin2bn((const uint8_t *)raw.p + 32, 32, NULL)),
                     1);
    n = i2d_ECDSA_SIG(sig, &der);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, der, (size_t)n, (const uint8_t *)jws.p,
                                      (size_t)(dot - jws.p)),
                     1);
    OPENSSL_free(der);
    EVP_MD_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    buf_clear(&raw);
}

static void a_proof_says_what_it_is_for_and_is_signed(void **state)
{
    struct buf proof, text;
    struct keyring ring;
    json_t *j;

    (void)state;
    make_ring(&ring, KEYRING_P256);
    buf_init(&proof, 4096);
    assert_true(api_proof(&ring, "DELETE", URL, "the-nonce", span_of(NULL, 0), &proof));
    piece(buf_span(&proof), 0, &text);
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    assert_text(j, "typ", "dpop+jwt");
    assert_text(j, "alg", "ES256");
    assert_text(j, "kid", ring.device);
    assert_int_equal(json_object_size(j), 3);
    json_decref(j);
    buf_clear(&text);
    piece(buf_span(&proof), 1, &text);
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    assert_text(j, "htm", "DELETE");
    assert_text(j, "htu", URL);
    assert_text(j, "nonce", "the-nonce");
    assert_text(j, "bh", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"); /* of "" */
    assert_true(strlen(json_text(j, "jti")) >= 22);
    assert_true(json_integer_value(json_object_get(j, "iat")) > (json_int_t)NOW / 2);
    json_decref(j);
    buf_clear(&text);
    assert_signed(buf_span(&proof), ring.signing);
    buf_clear(&proof);
    keyring_clear(&ring);
}

/* What the handset signs is what the keeper checks. */
static void the_server_accepts_the_handsets_proof(void **state)
{
    struct proofs *proofs = proofs_new();
    uint8_t point[65], device[16];
    struct keyring ring;
    struct jwe_key key;
    char nonce[48];
    struct buf proof;
    struct err e;

    (void)state;
    make_ring(&ring, KEYRING_P256);
    assert_int_equal(jwe_key_from_pkey(&key, ring.signing, &e), 0);
    assert_int_equal(jwe_key_point(&key, point, &e), 0);
    proof_nonce(proofs, NOW, nonce);
    buf_init(&proof, 4096);
    assert_true(api_proof(&ring, "POST", URL, nonce, span_str("{}"), &proof));
    assert_true(proof_claims_device(buf_span(&proof), device));
    assert_int_equal(device[1], 0x11);
    assert_int_equal(
        proof_check(proofs, NOW, buf_span(&proof), point, "POST", URL, span_str("{ }")),
        IPC_PROOF);
    assert_int_equal(
        proof_check(proofs, NOW, buf_span(&proof), point, "POST", URL, span_str("{}")),
        IPC_OK);
    buf_clear(&proof);
    jwe_key_clear(&key);
    keyring_clear(&ring);
    proofs_free(proofs);
}

static void a_reply_has_its_exit_status(void **state)
{
    static const struct {
        long http;
        int status;
    } rows[] = {
        { 0, EX_UNAVAILABLE }, { 200, EX_OK },       { 204, EX_OK },
        { 302, EX_PROTOCOL },  { 400, EX_DATAERR },  { 401, EX_NOPERM },
        { 403, EX_NOPERM },    { 404, EX_NOINPUT },  { 405, EX_PROTOCOL },
        { 409, EX_TEMPFAIL },  { 410, EX_NOPERM },   { 413, EX_DATAERR },
        { 429, EX_TEMPFAIL },  { 500, EX_TEMPFAIL }, { 501, EX_UNAVAILABLE },
        { 503, EX_TEMPFAIL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct api_reply r = { .status = rows[i].http };

        assert_int_equal(api_exit(&r), rows[i].status);
    }
}

/* -- what a person types */

static void a_number_or_a_link_is_taken_as_people_write_it(void **state)
{
    static const struct {
        const char *text, *url;
        const char *number, *token, *at, *personalization; /* number NULL: refused */
    } rows[] = {
        { "+61412345678", "https://m.example", "+61412345678", "", "https://m.example",
          "61412345678" },
        { " +61 (412) 345-678", "https://m.example/", "+61412345678", "",
          "https://m.example", "61412345678" },
        { "0412.345.678", "https://m.example//", "0412345678", "", "https://m.example",
          "0412345678" },
        { "https://m.example/m/abcdefghijklmnop", NULL, "", "abcdefghijklmnop",
          "https://m.example", "abcdefghijklmnop" },
        { "HTTPS://m.example:8443/m/x/m/ABCDEFGHIJKLMNOP", "no address", "",
          "abcdefghijklmnop", "HTTPS://m.example:8443/m/x", "abcdefghijklmnop" },
        { "+61412345678", NULL, NULL, NULL, NULL, NULL },
        { "+61412345678", "http://m.example", NULL, NULL, NULL, NULL },
        { "+61412345678", "https://", NULL, NULL, NULL, NULL },
        { "+61412345678", "https:///", NULL, NULL, NULL, NULL },
        { "+61412345678", "https://m.example/?a", NULL, NULL, NULL, NULL },
        { "+61412345678", "https://m.example/\"", NULL, NULL, NULL, NULL },
        { "+61412345678", "https://m.exam ple", NULL, NULL, NULL, NULL },
        { "", "https://m.example", NULL, NULL, NULL, NULL },
        { "+", "https://m.example", NULL, NULL, NULL, NULL },
        { "+6141+2", "https://m.example", NULL, NULL, NULL, NULL },
        { "61412345678x", "https://m.example", NULL, NULL, NULL, NULL },
        { "0000000000000000000000000000000000000000", "https://m.example", NULL, NULL,
          NULL, NULL },
        { "http://m.example/m/abcdefghijklmnop", NULL, NULL, NULL, NULL, NULL },
        { "https://m.example/m/abcdefghijklmno", NULL, NULL, NULL, NULL, NULL },
        { "https://m.example/m/abcdefghijklmno1", NULL, NULL, NULL, NULL, NULL },
        { "https://m.example/n/abcdefghijklmnop", NULL, NULL, NULL, NULL, NULL },
        { "https:///m/abcdefghijklmnop", NULL, NULL, NULL, NULL, NULL },
    };
    struct target t;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (target_take(rows[i].text, rows[i].url, &t, &e) != (rows[i].number != NULL))
            fail_msg("%s", rows[i].text);
        if (rows[i].number == NULL)
            continue;
        assert_string_equal(t.number, rows[i].number);
        assert_string_equal(t.token, rows[i].token);
        assert_string_equal(t.url, rows[i].at);
        assert_true(span_eq_str(target_personalization(&t), rows[i].personalization));
    }
}

static void a_link_learns_the_number_it_is_for(void **state)
{
    struct target t;
    struct err e;

    (void)state;
    assert_true(target_take("https://m.example/m/abcdefghijklmnop", NULL, &t, &e));
    assert_false(target_number(&t, "https://m.example", &e));
    assert_true(target_number(&t, "+61 412 345 678", &e));
    assert_string_equal(t.number, "+61412345678");
    assert_true(span_eq_str(target_personalization(&t), "61412345678"));
}

static void the_sms_to_send_is_a_number_and_a_line(void **state)
{
    static const struct {
        const char *to, *text, *want; /* want NULL: refused */
    } rows[] = {
        { "+61400000000", "SEAL {otp}", "SEAL abcdefgh27" },
        { "12345", "{otp} is it", "abcdefgh27 is it" },
        { "+61400000000", "SEAL", NULL },
        { "+61400000000", "", NULL },
        { "+61400000000", "SEAL {otp}\n", NULL },
        { "+61400000000", "\x1b[2J {otp}", NULL },
        { "+61400000000", "{otp} \xe2\x80\xae", NULL },
        { "+61400000000",
          "{otp} "
          "90123456789012345678901234567890123456789012345678901234567890123456789"
          "012345678901234567890123456789012345678901234567890123456789012345678901234"
          "5",
          NULL },
        { "", "SEAL {otp}", NULL },
        { "+", "SEAL {otp}", NULL },
        { "$(id)", "SEAL {otp}", NULL },
        { "614-000", "SEAL {otp}", NULL },
        { "1234567890123456789012345", "SEAL {otp}", NULL },
    };
    struct sms_out sms = { .password = "abcdefgh27" };
    char other[SMS_PASSWORD_LETTERS + 1];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *j =
            json_pack("{s:s,s:s}", "sms_to", rows[i].to, "sms_text", rows[i].text);

        if (sms_fill(j, &sms) != (rows[i].want != NULL))
            fail_msg("%s: %s", rows[i].to, rows[i].text);
        if (rows[i].want != NULL)
            assert_string_equal(sms.text, rows[i].want);
        json_decref(j);
    }
    assert_false(sms_fill(NULL, &sms));
    assert_true(sms_password(sms.password) && sms_password(other));
    assert_int_equal(strspn(other, "abcdefghijklmnopqrstuvwxyz234567"), 10);
    assert_string_not_equal(sms.password, other);
}

/* -- the terminal */

static const char *shown(void (*show)(FILE *, const json_t *), const json_t *j)
{
    static char out[4096];
    FILE *f = fmemopen(out, sizeof out, "w");

    assert_non_null(f);
    out[0] = '\0'; /* nothing may be written at all */
    show(f, j);
    (void)fclose(f); /* ends it with a NUL */
    return out;
}

static void nothing_that_fools_a_terminal_is_shown(void **state)
{
    static const struct {
        const char *text, *shown;
        bool lines;
    } rows[] = {
        { "plain äöü €", "plain äöü €", false },
        { "a\x1b[2Jb", "a?[2Jb", true },
        { "two\nlines\t.", "two\nlines\t.", true },
        { "two\nlines", "two?lines", false },
        { "bell\a\r\x7f", "bell???", true },
        { "c1\xc2\x9b"
          "31m",
          "c1?31m", true },
        { "over\xe2\x80\xae"
          "ride\xe2\x81\xa6.",
          "over?ride?.", true },
        { "\xe2\x80\x99", "\xe2\x80\x99", true }, /* an apostrophe is none of them */
        { "line\xe2\x80\xa8separator", "line?separator", true },
        { "\xf3\xa0\x81\x81 tag", "? tag", true },
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", true },
        { "\xe2\x80", "??", true }, /* cut */
        { "\x9b"
          "31m",
          "?31m", true },                          /* 8-bit CSI */
        { "\xc0\x9b\xe0\x80\x9b", "?????", true }, /* overlong */
        { "\xed\xa0\x80\xf4\x90\x80\x80", "???????", true },
        { "\xff\xfe", "??", true },
        { "\xc3(", "?(", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t length = strlen(rows[i].text);

        for (size_t cut = 0; cut <= length; cut++) {
            char *block = malloc(cut == 0 ? 1 : cut), *out = NULL;
            size_t n = 0;
            FILE *f = open_memstream(&out, &n);

            assert_non_null(block);
            memcpy(block, rows[i].text, cut);
            show_text(f, span_of(block, cut), rows[i].lines);
            (void)fclose(f);
            if (cut == length)
                assert_string_equal(out, rows[i].shown);
            for (size_t at = 0; at < n; at++)
                assert_true(out[at] == '\n' || out[at] == '\t' ||
                            (unsigned char)out[at] >= ' ');
            free(out);
            free(block);
        }
    }
}

static void show_a_line(FILE *out, const json_t *manifest)
{
    show_line(out, "00112233445566778899aabbccddeeff", true, manifest);
}

static void a_hostile_manifest_stays_one_line_each(void **state)
{
    static const char *const manifests[] = {
        "{\"from\":{\"brand\":\"\\u001b]0;x\\u0007\",\"address\":\"a\\u001b@b\\nTo: "
        "c\"},"
        "\"subject\":\"s\\nFrom: bank\\u009b2J\\u202e\",\"date\":9223372036854775807,"
        "\"parts\":[{\"n\":1,\"name\":\"\\u001b[2J\\r\",\"type\":\"x\\ny\",\"size\":-1}"
        "]}",
        "{\"date\":-5,\"from\":7,\"subject\":[],\"parts\":[7]}",
        "{\"date\":253402300800,\"from\":{\"brand\":null},\"parts\":[{}]}",
        "[]",
    };
    static const char *const ends[] = { "?]0;x?: s?From: bank?2J?\n", ": \n", ": \n",
                                        ": \n" };
    void (*const shows[])(FILE *, const json_t *) = { show_a_line, show_head };

    (void)state;
    for (size_t i = 0; i < sizeof manifests / sizeof manifests[0]; i++) {
        json_t *j = json_loads(manifests[i], 0, NULL);

        assert_non_null(j);
        for (size_t k = 0; k < sizeof shows / sizeof shows[0]; k++) {
            const char *out = shown(shows[k], j);
            size_t lines = 0;

            for (const unsigned char *p = (const unsigned char *)out; *p != 0; p++) {
                lines += *p == '\n';
                assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
            }
            assert_int_equal(lines, k == 0 ? 1 : 3 + (i < 3));
            if (k == 0)
                assert_string_equal(strstr(out, " - read ") + 8, ends[i]);
        }
        json_decref(j);
    }
}

/* In UTC, as main sets it. */
static void an_appointment_is_two_or_three_lines(void **state)
{
    static const struct {
        const char *manifest, *shown;
    } rows[] = {
        { "{}", "" },
        { "{\"appointment\":[]}", "" },
        { "{\"appointment\":{\"method\":\"REQUEST\",\"summary\":\"Check\","
          "\"start\":1795512600,\"end\":1795514400,\"location\":\"Room 7\"}}",
          "Appointment: Check\nWhen: Tuesday 2026-11-24 09:30 UTC to 10:00\n"
          "Where: Room 7\n\n" },
        { "{\"appointment\":{\"method\":\"CANCEL\",\"summary\":\"Check\","
          "\"start\":1795512600,\"end\":0,\"location\":\"\"}}",
          "Cancelled: Check\nWhen: Tuesday 2026-11-24 09:30 UTC\n\n" },
        { "{\"appointment\":{\"start\":1795512600,\"end\":1795599000,"
          "\"floating\":true}}",
          "Appointment: \nWhen: Tuesday 2026-11-24 09:30 to 2026-11-25 09:30\n\n" },
        { "{\"appointment\":{\"all_day\":true,\"start\":1795478400,"
          "\"end\":1795564800}}",
          "Appointment: \nWhen: Tuesday 2026-11-24\n\n" },
        { "{\"appointment\":{\"all_day\":true,\"start\":1795478400,"
          "\"end\":1795651200}}",
          "Appointment: \nWhen: Tuesday 2026-11-24 to Wednesday 2026-11-25\n\n" },
        { "{\"appointment\":{\"all_day\":true,\"start\":-9223372036854775808,"
          "\"end\":-9223372036854775808,\"summary\":\"\\u001b]0\\n\\u202e\","
          "\"location\":\"a\\nWhen: b\"}}",
          "Appointment: ?]0??\nWhen: -\nWhere: a?When: b\n\n" },
        { "{\"appointment\":{\"start\":\"x\",\"end\":9223372036854775807,"
          "\"location\":7}}",
          "Appointment: \nWhen: -\n\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *j = json_loads(rows[i].manifest, 0, NULL);

        assert_non_null(j);
        assert_string_equal(shown(show_appointment, j), rows[i].shown);
        json_decref(j);
    }
}

static void a_hostile_device_stays_one_line(void **state)
{
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:I,s:b}", "id", "\x1b[2J", "type", "a\nb", "label",
                  "my \xe2\x80\xaephone", "seen", (json_int_t)0, "this", 1);
    const char *out = shown(show_device, j);

    (void)state;
    assert_string_equal(out, "?[2J a?b - my ?phone (this one)\n");
    assert_int_equal(json_object_set_new(j, "held", json_true()), 0);
    assert_string_equal(shown(show_device, j),
                        "?[2J a?b - my ?phone (held) (this one)\n");
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_is_in_the_seed_of_the_keys),
        cmocka_unit_test(the_number_is_never_the_only_seed),
        cmocka_unit_test(keys_come_back_from_a_file_of_their_owner),
        cmocka_unit_test(a_key_file_that_others_read_or_spoilt_is_refused),
        cmocka_unit_test(a_passphrase_closes_the_key_file),
        cmocka_unit_test(a_passphrase_is_the_first_line_of_a_private_file),
        cmocka_unit_test(a_proof_says_what_it_is_for_and_is_signed),
        cmocka_unit_test(the_server_accepts_the_handsets_proof),
        cmocka_unit_test(a_reply_has_its_exit_status),
        cmocka_unit_test(a_number_or_a_link_is_taken_as_people_write_it),
        cmocka_unit_test(a_link_learns_the_number_it_is_for),
        cmocka_unit_test(the_sms_to_send_is_a_number_and_a_line),
        cmocka_unit_test(nothing_that_fools_a_terminal_is_shown),
        cmocka_unit_test(a_hostile_manifest_stays_one_line_each),
        cmocka_unit_test(an_appointment_is_two_or_three_lines),
        cmocka_unit_test(a_hostile_device_stays_one_line),
    };

    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests_name("handset", tests, setup, teardown);
}
