/* SPDX-License-Identifier: ISC */
/* jwe.c - sealing to public keys and opening with a private one.
 * Here:       content encryption, key agreement, key wrap, the intermediate window.
 * Elsewhere:  spellings (jwe_text.c), public keys (jwe_key.c), whose keys (keys.c).
 * Called by:  front (seal), keeper (open, re-seal), the reference handset.
 * Source:     RFC 7516 5, RFC 7518 4.3, 4.6 and 5.3; NIST SP 800-56A 5.8.2.1. */
#include "relay/jwe_private.h"
#include "relay/encode.h"
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define AAD_MAX_BYTES (B64URL_LEN(JWE_HEADER_MAX_BYTES))
#define CONCAT_INFO_MAX 256U

struct jwe_algs jwe_algs;

int jwe_start(struct err *e)
{
    if (jwe_algs.concat != NULL)
        return 0;
    json_object_seed(0); /* now: it reads a file, which a sandbox forbids later */
    jwe_algs.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    jwe_algs.wrap = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
    jwe_algs.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    jwe_algs.concat = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    if (jwe_algs.gcm == NULL || jwe_algs.wrap == NULL || jwe_algs.sha256 == NULL ||
        jwe_algs.concat == NULL || !jwe_keygen_start())
        return err_set(e, ERR_BUG, "4.3.0", "libcrypto lacks an algorithm");
    return 0;
}

bool jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, bool validate, uint8_t z[32])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t n = 32;
    const bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) > 0 &&
                    EVP_PKEY_derive_set_peer_ex(ctx, peer, validate) > 0 &&
                    EVP_PKEY_derive(ctx, z, &n) > 0 && n == 32;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static void put_counted(struct buf *b, struct span s)
{
    buf_put_be32(b, (uint32_t)s.n);
    buf_put_span(b, s);
}

bool jwe_concat(const uint8_t *z, size_t z_bytes, struct span alg, struct span apu,
                struct span apv, uint8_t *out, size_t n)
{
    char digest[] = "SHA2-256";
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(jwe_algs.concat);
    struct buf info;
    bool ok = false;

    buf_init(&info, CONCAT_INFO_MAX);
    put_counted(&info, alg);
    put_counted(&info, apu);
    put_counted(&info, apv);
    buf_put_be32(&info, (uint32_t)(8 * n));
    if (ctx != NULL && buf_ok(&info)) {
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)z, z_bytes),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.p, info.n),
            OSSL_PARAM_construct_end(),
        };
        ok = EVP_KDF_derive(ctx, out, n, params) > 0;
    }
    buf_clear(&info);
    EVP_KDF_CTX_free(ctx);
    return ok;
}

/* The key that wraps content keys between an ephemeral key and a recipient's. */
static bool kek_agree(EVP_PKEY *own, EVP_PKEY *peer, bool validate, uint8_t kek[32])
{
    uint8_t z[32];
    const struct span none = { "", 0 };
    const bool ok =
        jwe_agree(own, peer, validate, z) &&
        jwe_concat(z, sizeof z, span_str("ECDH-ES+A256KW"), none, none, kek, 32);

    OPENSSL_cleanse(z, sizeof z);
    return ok;
}

bool jwe_wrap(const uint8_t kek[32], const uint8_t key[32],
              uint8_t out[JWE_WRAPPED_BYTES])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    const bool ok =
        ctx != NULL && EVP_EncryptInit_ex2(ctx, jwe_algs.wrap, kek, NULL, NULL) > 0 &&
        EVP_EncryptUpdate(ctx, out, &n, key, 32) > 0 && n == (int)JWE_WRAPPED_BYTES;

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool jwe_unwrap(const uint8_t kek[32], const uint8_t wrapped[JWE_WRAPPED_BYTES],
                uint8_t out[32])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[JWE_WRAPPED_BYTES]; /* the cipher may write the check block as well */
    int n = 0;
    const bool ok =
        ctx != NULL && EVP_DecryptInit_ex2(ctx, jwe_algs.wrap, kek, NULL, NULL) > 0 &&
        EVP_DecryptUpdate(ctx, key, &n, wrapped, (int)JWE_WRAPPED_BYTES) > 0 && n == 32;

    if (ok)
        memcpy(out, key, 32);
    OPENSSL_cleanse(key, sizeof key);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* A ready RSA-OAEP-256 context, or NULL. */
static EVP_PKEY_CTX *oaep_ctx(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    if (ctx != NULL && init(ctx) > 0 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, jwe_algs.sha256) > 0 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, jwe_algs.sha256) > 0)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* The random bytes of one message, wiped by whoever made them. */
struct content {
    uint8_t cek[JWE_CEK_BYTES], iv[JWE_IV_BYTES];
};

/* One message on its way out. */
struct sealing {
    struct jwe_form form;
    struct content content;
    uint8_t keys[JWE_RECIPIENTS_MAX][JWE_ENCRYPTED_KEY_MAX_BYTES];
};

static bool sealing_init(struct sealing *s)
{
    s->form.count = 0;
    return RAND_priv_bytes((unsigned char *)&s->content, sizeof s->content) > 0;
}

static bool gcm_seal(const struct content *c, struct span aad, struct span plain,
                     uint8_t *cipher, uint8_t tag[JWE_TAG_BYTES])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t rest[16];
    int n;
    const bool ok =
        ctx != NULL &&
        EVP_EncryptInit_ex2(ctx, jwe_algs.gcm, c->cek, c->iv, NULL) > 0 &&
        EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) > 0 &&
        (plain.n == 0 || EVP_EncryptUpdate(ctx, cipher, &n, (const uint8_t *)plain.p,
                                           (int)plain.n) > 0) &&
        EVP_EncryptFinal_ex(ctx, rest, &n) > 0 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JWE_TAG_BYTES, tag) > 0;

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static bool gcm_open(const uint8_t cek[JWE_CEK_BYTES], const struct jwe_form *f,
                     struct span aad, uint8_t *plain)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t tag[JWE_TAG_BYTES], rest[16];
    bool ok;
    int n;

    memcpy(tag, f->tag, sizeof tag);
    ok = ctx != NULL && EVP_DecryptInit_ex2(ctx, jwe_algs.gcm, cek, f->iv, NULL) > 0 &&
         EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) > 0 &&
         (f->cipher.n == 0 ||
          EVP_DecryptUpdate(ctx, plain, &n, (const uint8_t *)f->cipher.p,
                            (int)f->cipher.n) > 0) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, JWE_TAG_BYTES, tag) > 0 &&
         EVP_DecryptFinal_ex(ctx, rest, &n) > 0;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* RFC 7516 5.1 step 14: the letters of the protected header. */
static struct span aad_of(struct span header, struct buf *letters)
{
    buf_init(letters, AAD_MAX_BYTES);
    b64url_put(letters, header.p, header.n);
    return buf_span(letters);
}

/* A fresh ephemeral key for this recipient alone (RFC 7518 4.6 asks for it). */
static bool seal_key_ec(struct jwe_recipient *r, uint8_t *encrypted, EVP_PKEY *to,
                        const uint8_t cek[JWE_CEK_BYTES])
{
    struct err ignored;
    EVP_PKEY *ephemeral = jwe_key_new_p256(&ignored);
    uint8_t kek[32];
    const bool ok = ephemeral != NULL && jwe_pkey_point(ephemeral, r->point) &&
                    kek_agree(ephemeral, to, false, kek) &&
                    jwe_wrap(kek, cek, encrypted);

    r->key = span_of(encrypted, JWE_WRAPPED_BYTES);
    OPENSSL_cleanse(kek, sizeof kek);
    EVP_PKEY_free(ephemeral);
    return ok;
}

static bool seal_key_rsa(struct jwe_recipient *r, uint8_t *encrypted, EVP_PKEY *to,
                         const uint8_t cek[JWE_CEK_BYTES])
{
    EVP_PKEY_CTX *ctx = oaep_ctx(to, EVP_PKEY_encrypt_init);
    size_t n = JWE_ENCRYPTED_KEY_MAX_BYTES;
    const bool ok =
        ctx != NULL && EVP_PKEY_encrypt(ctx, encrypted, &n, cek, JWE_CEK_BYTES) > 0;

    r->key = span_of(encrypted, n);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool seal_key(struct sealing *s, const struct jwe_key *to)
{
    uint8_t *const encrypted = s->keys[s->form.count];
    struct jwe_recipient *const r = &s->form.to[s->form.count++];

    r->alg = to->alg;
    memcpy(r->kid, to->kid, sizeof r->kid);
    if (to->alg == JWE_ECDH_ES_A256KW)
        return seal_key_ec(r, encrypted, to->pkey, s->content.cek);
    return to->alg == JWE_RSA_OAEP_256 &&
           seal_key_rsa(r, encrypted, to->pkey, s->content.cek);
}

/* Header and content behind the recipients that stand in s; appends the binary form. */
static bool seal_content(struct sealing *s, const struct jwe_header *header,
                         bool in_header, struct span plain, struct buf *out)
{
    const size_t before = out->n;
    struct buf text, letters;
    struct span aad;
    uint8_t tag[JWE_TAG_BYTES];
    char *cipher;
    bool ok;

    buf_init(&text, JWE_HEADER_MAX_BYTES);
    jwe_header_put(&text, header, in_header ? &s->form.to[0] : NULL);
    if (in_header)
        s->form.to[0].alg = JWE_IN_HEADER;
    s->form.header = buf_span(&text);
    memcpy(s->form.iv, s->content.iv, sizeof s->form.iv);
    aad = aad_of(s->form.header, &letters);
    jwe_form_put_head(out, &s->form);
    (void)buf_room(out, sizeof tag); /* the tag is known only behind the text */
    buf_put_be32(out, (uint32_t)plain.n);
    cipher = buf_room(out, plain.n);
    ok = cipher != NULL && buf_ok(&text) && buf_ok(&letters) &&
         gcm_seal(&s->content, aad, plain, (uint8_t *)cipher, tag);
    if (ok)
        memcpy(out->p + (out->n - plain.n - 4 - sizeof tag), tag, sizeof tag);
    else
        out->n = before;
    buf_clear(&letters);
    buf_clear(&text);
    return ok;
}

static int seal_guard(const struct jwe_header *header, struct span plain, struct err *e)
{
    if (plain.n > JWE_PLAIN_MAX_BYTES)
        return err_set(e, ERR_PERM, "5.3.4", "a text exceeds %u bytes",
                       JWE_PLAIN_MAX_BYTES);
    if (!jwe_header_is_sound(header))
        return err_set(e, ERR_BUG, "4.3.0", "a header with a foreign typ or to");
    return 0;
}

/* Ends a sealing: wipes, and says what went wrong. */
static int seal_end(struct sealing *s, bool ok, const struct buf *out, struct err *e)
{
    OPENSSL_cleanse(&s->content, sizeof s->content);
    if (ok)
        return 0;
    ERR_clear_error();
    if (!buf_ok(out))
        return err_set(e, ERR_PERM, "5.3.4", "a sealed message exceeds its buffer");
    return err_set(e, ERR_BUG, "4.3.0", "sealing failed");
}

int jwe_seal(const struct jwe_header *header, const struct jwe_key *const *to, size_t n,
             struct span plain, struct buf *out, struct err *e)
{
    struct sealing s;
    bool ok;

    if (seal_guard(header, plain, e) != 0)
        return -1;
    if (n == 0 || n > JWE_RECIPIENTS_MAX)
        return err_set(e, ERR_BUG, "4.3.0", "%zu recipients", n);
    ok = sealing_init(&s);
    for (size_t i = 0; ok && i < n; i++)
        ok = seal_key(&s, to[i]);
    ok = ok && seal_content(&s, header, false, plain, out);
    return seal_end(&s, ok, out, e);
}

int jwe_seal_compact(const struct jwe_header *header, const struct jwe_key *to,
                     struct span plain, struct buf *out, struct err *e)
{
    const size_t before = out->n;
    struct sealing s;
    struct buf binary;
    struct jwe_form f;
    bool ok;

    if (seal_guard(header, plain, e) != 0)
        return -1;
    buf_init(&binary, JWE_TEXT_MAX_BYTES);
    ok = sealing_init(&s) && seal_key(&s, to) &&
         seal_content(&s, header, true, plain, &binary) &&
         jwe_form_take(&f, buf_span(&binary));
    if (ok)
        jwe_form_compact(out, &f);
    if (!buf_ok(out)) {
        out->n = before;
        ok = false;
    }
    buf_clear(&binary);
    return seal_end(&s, ok, out, e);
}

int jwe_window_open(struct jwe_window *w, const struct jwe_key *epoch, struct err *e)
{
    EVP_PKEY *ephemeral = NULL;

    *w = (struct jwe_window){ 0 };
    if (epoch->alg != JWE_ECDH_ES_A256KW || EVP_PKEY_up_ref(epoch->pkey) <= 0)
        return err_set(e, ERR_BUG, "4.3.0", "an epoch key is a P-256 key");
    w->epoch = *epoch;
    ephemeral = jwe_key_new_p256(e);
    w->open = ephemeral != NULL && jwe_pkey_point(ephemeral, w->point) &&
              kek_agree(ephemeral, epoch->pkey, false, w->kek);
    EVP_PKEY_free(ephemeral);
    if (w->open)
        return 0;
    jwe_window_clear(w);
    ERR_clear_error();
    return err_set(e, ERR_BUG, "4.3.0", "no window to the epoch key");
}

int jwe_window_seal(struct jwe_window *w, const struct jwe_header *header,
                    struct span plain, struct buf *out, struct err *e)
{
    struct sealing s;
    struct jwe_recipient *const r = &s.form.to[0];
    bool ok;

    if (!w->open)
        return err_set(e, ERR_BUG, "4.3.0", "the window is closed");
    if (seal_guard(header, plain, e) != 0)
        return -1;
    ok = sealing_init(&s) && jwe_wrap(w->kek, s.content.cek, s.keys[0]);
    s.form.count = 1;
    r->alg = JWE_ECDH_ES_A256KW;
    memcpy(r->kid, w->epoch.kid, sizeof r->kid);
    memcpy(r->point, w->point, sizeof r->point);
    r->key = span_of(s.keys[0], JWE_WRAPPED_BYTES);
    ok = ok && seal_content(&s, header, false, plain, out);
    return seal_end(&s, ok, out, e);
}

void jwe_window_clear(struct jwe_window *w)
{
    jwe_key_clear(&w->epoch);
    OPENSSL_cleanse(w, sizeof *w);
}

static bool is_memo(const struct jwe_memo *memo, const uint8_t point[JWE_POINT_BYTES],
                    const uint8_t kid[JWE_KID_BYTES])
{
    return memo->known && memcmp(memo->point, point, sizeof memo->point) == 0 &&
           memcmp(memo->kid, kid, sizeof memo->kid) == 0;
}

/* kid names key, so that what is remembered belongs to it. */
static bool open_key_ec(struct jwe_memo *memo, const struct jwe_recipient *r,
                        struct span encrypted, EVP_PKEY *key,
                        const uint8_t kid[JWE_KID_BYTES], uint8_t cek[JWE_CEK_BYTES])
{
    EVP_PKEY *ephemeral;

    if (!is_memo(memo, r->point, kid)) {
        ephemeral = jwe_pkey_from_point(r->point);
        memo->known = ephemeral != NULL && kek_agree(key, ephemeral, true, memo->kek);
        memcpy(memo->point, r->point, sizeof memo->point);
        memcpy(memo->kid, kid, sizeof memo->kid);
        EVP_PKEY_free(ephemeral);
    }
    return memo->known && jwe_unwrap(memo->kek, (const uint8_t *)encrypted.p, cek);
}

void jwe_memo_clear(struct jwe_memo *memo)
{
    OPENSSL_cleanse(memo, sizeof *memo);
}

/* A content key comes out of whatever was sent; a wrong one is random (RFC 7516 11.5),
 * so that bad padding fails where a bad tag fails and nobody can ask this key
 * questions. */
static bool open_key_rsa(struct span encrypted, EVP_PKEY *key,
                         uint8_t cek[JWE_CEK_BYTES])
{
    uint8_t clear[JWE_ENCRYPTED_KEY_MAX_BYTES];
    size_t n = sizeof clear;
    EVP_PKEY_CTX *ctx = oaep_ctx(key, EVP_PKEY_decrypt_init);
    const bool ready = ctx != NULL && RAND_priv_bytes(cek, JWE_CEK_BYTES) > 0;

    if (ready &&
        EVP_PKEY_decrypt(ctx, clear, &n, (const uint8_t *)encrypted.p, encrypted.n) >
            0 &&
        n == JWE_CEK_BYTES)
        memcpy(cek, clear, JWE_CEK_BYTES);
    OPENSSL_cleanse(clear, sizeof clear);
    EVP_PKEY_CTX_free(ctx);
    return ready;
}

/* The recipient that kid names; or, in what others made without a kid, the only one. */
static const struct jwe_recipient *recipient_find(const struct jwe_form *f,
                                                  const uint8_t kid[JWE_KID_BYTES])
{
    static const uint8_t none[JWE_KID_BYTES];

    for (size_t i = 0; i < f->count; i++)
        if (memcmp(f->to[i].kid, kid, JWE_KID_BYTES) == 0)
            return &f->to[i];
    if (f->count == 1 && memcmp(f->to[0].kid, none, sizeof none) == 0)
        return &f->to[0];
    return NULL;
}

static bool open_key(struct jwe_memo *memo, const struct jwe_form *f, EVP_PKEY *key,
                     const uint8_t kid[JWE_KID_BYTES], uint8_t cek[JWE_CEK_BYTES])
{
    const struct jwe_recipient *const r = recipient_find(f, kid);
    const struct jwe_recipient *how;

    if (r == NULL)
        return false;
    how = r->alg == JWE_IN_HEADER ? &f->protected.in : r;
    if (how->alg == JWE_ECDH_ES_A256KW)
        return EVP_PKEY_is_a(key, "EC") &&
               open_key_ec(memo, how, r->key, key, kid, cek);
    return EVP_PKEY_is_a(key, "RSA") && open_key_rsa(r->key, key, cek);
}

static bool open_content(const struct jwe_form *f, const uint8_t cek[JWE_CEK_BYTES],
                         struct buf *plain)
{
    const size_t before = plain->n;
    char *const to = buf_room(plain, f->cipher.n);
    struct buf letters;
    const struct span aad = aad_of(f->header, &letters);
    const bool ok =
        to != NULL && buf_ok(&letters) && gcm_open(cek, f, aad, (uint8_t *)to);

    if (!ok && to != NULL)
        OPENSSL_cleanse(to, f->cipher.n); /* deciphered, but not proved */
    if (!ok)
        plain->n = before;
    buf_clear(&letters);
    return ok;
}

int jwe_open(struct span binary, EVP_PKEY *key, const uint8_t kid[JWE_KID_BYTES],
             struct jwe_header *header_out, struct buf *plain, struct err *e)
{
    struct jwe_memo memo = { .known = false };
    const int rc = jwe_open_next(&memo, binary, key, kid, header_out, plain, e);

    jwe_memo_clear(&memo);
    return rc;
}

int jwe_open_next(struct jwe_memo *memo, struct span binary, EVP_PKEY *key,
                  const uint8_t kid[JWE_KID_BYTES], struct jwe_header *header_out,
                  struct buf *plain, struct err *e)
{
    struct jwe_form f;
    uint8_t cek[JWE_CEK_BYTES];
    const bool ok = jwe_form_take(&f, binary) && open_key(memo, &f, key, kid, cek) &&
                    open_content(&f, cek, plain);

    OPENSSL_cleanse(cek, sizeof cek);
    if (ok) {
        if (header_out != NULL)
            *header_out = f.protected.fields;
        return 0;
    }
    ERR_clear_error(); /* the queue would tell one failure from another */
    return err_set(e, ERR_PERM, "5.6.0", "not sealed to this key, damaged, or refused");
}
