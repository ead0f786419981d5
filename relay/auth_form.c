/* SPDX-License-Identifier: ISC */
/* auth_form.c - passwords and tokens as sealpost.conf keeps them.
 * Here:       taking the stored forms apart, making one, comparing with one.
 * Elsewhere:  who asks and when, threads, what is remembered (auth.c).
 * Called by:  auth.c, config_value.c, sealpostd.c (--hash-password).
 * Source:     RFC 7914 (scrypt); the form is that of PHC strings, with base64url. */
#include "relay/auth.h"
#include "relay/auth_form.h"
#include "relay/encode.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define BAD "5.3.5"
#define NEW_LN 15U
#define NEW_R 8U
#define NEW_P 1U

/* Not cur_word: a form has one spelling. */
static bool take_word(struct cur *c, const char *word)
{
    const size_t n = strlen(word);

    if (cur_left(c) < n || memcmp(c->p, word, n) != 0)
        return false;
    c->p += n;
    return true;
}

/* number = 1*2DIGIT without a leading zero, least to most */
static bool take_number(struct cur *c, const char *name, unsigned least, unsigned most,
                        unsigned *out)
{
    unsigned value = 0;

    if (!take_word(c, name) || cur_done(c) || *c->p == '0')
        return false;
    while (!cur_done(c) && is_digit(*c->p) && value <= most)
        value = value * 10 + (unsigned)(*c->p++ - '0');
    *out = value;
    return value >= least && value <= most;
}

static bool take_bytes(struct cur *c, uint8_t *out, size_t n)
{
    struct span text;

    return cur_byte(c, '$') && cur_span(c, B64URL_LEN(n), &text) &&
           b64url_take_exact(text, out, n);
}

/* Behind {scrypt}. RFC 7914 2 wants N < 2^(16 * r), OpenSSL too. */
static bool take_scrypt(struct cur *c, struct auth_form *f)
{
    return take_number(c, "ln=", 10, 20, &f->ln) &&
           take_number(c, ",r=", 1, 16, &f->r) && take_number(c, ",p=", 1, 4, &f->p) &&
           f->ln < 16 * f->r && take_bytes(c, f->salt, sizeof f->salt) &&
           take_bytes(c, f->hash, sizeof f->hash) && cur_done(c);
}

int auth_form_parse(const char *stored, struct auth_form *out, struct err *e)
{
    struct cur c = cur_of(span_str(stored));

    *out = (struct auth_form){ 0 };
    if (take_word(&c, "{plain}")) {
        out->plain = span_of(c.p, cur_left(&c));
        if (out->plain.n > 0)
            return 0;
        return err_set(e, ERR_PERM, BAD, "nothing stands behind {plain}");
    }
    if (take_word(&c, "{sha256}")) {
        out->scheme = AUTH_SHA256;
        if (hex_take(span_of(c.p, cur_left(&c)), out->hash, sizeof out->hash))
            return 0;
        return err_set(e, ERR_PERM, BAD, "behind {sha256} stand 64 digits of 0-9 a-f");
    }
    if (take_word(&c, "{scrypt}")) {
        out->scheme = AUTH_SCRYPT;
        if (take_scrypt(&c, out))
            return 0;
        return err_set(e, ERR_PERM, BAD,
                       "behind {scrypt} stand ln=10..20,r=1..16,p=1..4$SALT$HASH, as "
                       "sealpostd -P prints it");
    }
    return err_set(e, ERR_PERM, BAD, "it begins with {plain}, {scrypt} or {sha256}");
}

static bool scrypt(const struct auth_form *f, struct span secret,
                   uint8_t hash[AUTH_HASH_BYTES])
{
    const uint64_t n = UINT64_C(1) << f->ln;
    const uint64_t memory = UINT64_C(128) * f->r * (n + f->p + 2);

    return EVP_PBE_scrypt(secret.p, secret.n, f->salt, sizeof f->salt, n, f->r, f->p,
                          memory, hash, AUTH_HASH_BYTES) == 1;
}

static bool sha256(struct span s, uint8_t hash[AUTH_HASH_BYTES])
{
    return EVP_Q_digest(NULL, "SHA256", NULL, s.p, s.n, hash, NULL) == 1;
}

int auth_form_check(const struct auth_form *f, struct span secret)
{
    uint8_t want[AUTH_HASH_BYTES], got[AUTH_HASH_BYTES];
    int rc = -1;

    memcpy(want, f->hash, sizeof want);
    if (f->scheme == AUTH_SCRYPT ? scrypt(f, secret, got) : sha256(secret, got))
        /* {plain}: hashes of both, so that neither length nor likeness shows */
        if (f->scheme != AUTH_PLAIN || sha256(f->plain, want))
            rc = CRYPTO_memcmp(want, got, sizeof want) == 0;
    OPENSSL_cleanse(want, sizeof want);
    OPENSSL_cleanse(got, sizeof got);
    return rc;
}

bool auth_check_password(const char *stored, struct span password)
{
    struct auth_form f;
    struct err e;
    bool right = false;

    if (auth_form_parse(stored, &f, &e) == 0)
        right = auth_form_check(&f, password) == 1;
    OPENSSL_cleanse(&f, sizeof f);
    return right;
}

int auth_check_stored(const char *stored, struct err *e)
{
    struct auth_form f;
    const int rc = auth_form_parse(stored, &f, e);

    OPENSSL_cleanse(&f, sizeof f);
    return rc;
}

int auth_hash_password(struct span password, struct buf *out, struct err *e)
{
    struct auth_form f = {
        .scheme = AUTH_SCRYPT, .ln = NEW_LN, .r = NEW_R, .p = NEW_P
    };
    int rc = 0;

    if (RAND_bytes(f.salt, sizeof f.salt) != 1 || !scrypt(&f, password, f.hash))
        rc = err_set(e, ERR_TEMP, "4.3.0", "scrypt failed: out of memory?");
    buf_printf(out, "{scrypt}ln=%u,r=%u,p=%u$", f.ln, f.r, f.p);
    b64url_put(out, f.salt, sizeof f.salt);
    buf_put_u8(out, '$');
    b64url_put(out, f.hash, sizeof f.hash);
    OPENSSL_cleanse(&f, sizeof f);
    if (rc == 0 && !buf_ok(out))
        rc = err_set(e, ERR_TEMP, "4.3.0", "no room for the hash");
    return rc;
}
