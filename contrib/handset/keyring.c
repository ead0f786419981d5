/* SPDX-License-Identifier: ISC */
/* keyring.c - making, keeping and reading the handset's keys.
 * Here:       the DRBG with its personalization string, keys as PEM, the key file's
 *             content.
 * Elsewhere:  files of one owner (private_file.c), what the keys do (relay/jwe.c,
 * api.c). Called by:  main.c, register.c. Source:     claims 7-9; NIST SP
 * 800-90A 8.7.1; RFC 5958 (PKCS #8); RFC 7914 (scrypt).
 */
#include "contrib/handset/keyring.h"
#include "contrib/handset/json.h"
#include "contrib/handset/private_file.h"
#include "relay/encode.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h> /* PKCS8_set0_pbe */
#include <openssl/rand.h>
#include <openssl/x509.h>

#define STRENGTH 256
#define RSA_BITS 3072
#define FILE_MAX (64U << 10)
#define FILE_NAME "handset.json"
#define SALT_BYTES 16
/* 16 MiB a guess; OpenSSL refuses more than 32. */
#define SCRYPT_N 16384U
#define SCRYPT_R 8U
#define SCRYPT_P 1U

/* -- making */

/* Key generation takes its random bytes from the private generator of its library
 * context; nothing else uses that of this one. */
static int instantiate(OSSL_LIB_CTX *lib, struct span personalization, struct err *e)
{
    EVP_RAND_CTX *drbg = RAND_get0_private(lib);

    if (drbg == NULL || EVP_RAND_uninstantiate(drbg) != 1 ||
        EVP_RAND_instantiate(drbg, STRENGTH, 0, (const uint8_t *)personalization.p,
                             personalization.n, NULL) != 1)
        return err_set(e, ERR_BUG, "5.3.0", "the random generator does not start");
    return 0;
}

/* Through DER into the default context: a key is used where relay/jwe.c fetched its
 * algorithms, while it is born where only our generator feeds it. */
static EVP_PKEY *move_key(EVP_PKEY *made)
{
    uint8_t *der = NULL;
    const int n = made == NULL ? -1 : i2d_PrivateKey(made, &der);
    const uint8_t *p = der;
    EVP_PKEY *key = n > 0 ? d2i_AutoPrivateKey(NULL, &p, n) : NULL;

    if (n > 0)
        OPENSSL_clear_free(der, (size_t)n);
    EVP_PKEY_free(made);
    return key;
}

int keyring_make_in(OSSL_LIB_CTX *lib, struct keyring *ring, enum keyring_kind kind,
                    struct span personalization, struct err *e)
{
    if (instantiate(lib, personalization, e) != 0)
        return -1;
    ring->signing = move_key(EVP_PKEY_Q_keygen(lib, NULL, "EC", "P-256"));
    ring->encryption = move_key(
        kind == KEYRING_RSA ? EVP_PKEY_Q_keygen(lib, NULL, "RSA", (size_t)RSA_BITS)
                            : EVP_PKEY_Q_keygen(lib, NULL, "EC", "P-256"));
    return ring->signing != NULL && ring->encryption != NULL
               ? 0
               : err_set(e, ERR_BUG, "5.3.0", "no key could be made");
}

int keyring_make(struct keyring *ring, enum keyring_kind kind,
                 struct span personalization, struct err *e)
{
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    int rc;

    if (lib == NULL)
        return err_set(e, ERR_BUG, "5.3.0", "no library context");
    rc = keyring_make_in(lib, ring, kind, personalization, e);
    OSSL_LIB_CTX_free(lib);
    return rc;
}

/* -- keys as PEM */

static bool put_plain(BIO *bio, const PKCS8_PRIV_KEY_INFO *key)
{
    return PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, key) == 1;
}

static bool put_sealed(BIO *bio, PKCS8_PRIV_KEY_INFO *key, struct span passphrase)
{
    uint8_t salt[SALT_BYTES];
    X509_ALGOR *how = NULL;
    X509_SIG *sealed = NULL;
    bool ok = RAND_bytes(salt, sizeof salt) == 1;

    if (ok)
        how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL,
                                    SCRYPT_N, SCRYPT_R, SCRYPT_P);
    if (how != NULL)
        sealed = PKCS8_set0_pbe(passphrase.p, (int)passphrase.n, key, how);
    if (sealed == NULL)
        X509_ALGOR_free(how); /* else it has become part of sealed */
    ok = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed);
    return ok;
}

static bool put_pem(json_t *j, const char *name, EVP_PKEY *pkey, struct span passphrase)
{
    PKCS8_PRIV_KEY_INFO *key = EVP_PKEY2PKCS8(pkey);
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    bool ok =
        key != NULL && bio != NULL &&
        (passphrase.n == 0 ? put_plain(bio, key) : put_sealed(bio, key, passphrase));

    if (ok) {
        const long n = BIO_get_mem_data(bio, &text);

        ok = json_object_set_new(j, name, json_stringn(text, (size_t)n)) == 0;
    }
    BIO_free(bio);
    PKCS8_PRIV_KEY_INFO_free(key);
    return ok;
}

/* OpenSSL asks for the passphrase of a sealed key; without this it would ask on the
 * terminal. */
static int give_passphrase(char *to, int room, int writing, void *ctx)
{
    const struct span *passphrase = ctx;

    (void)writing;
    if (passphrase->n == 0 || passphrase->n > (size_t)room)
        return -1;
    memcpy(to, passphrase->p, passphrase->n);
    return (int)passphrase->n;
}

static EVP_PKEY *take_pem(const json_t *j, const char *name, struct span passphrase)
{
    const struct span text = json_member(j, name);
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key =
        bio == NULL ? NULL
                    : PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &passphrase);

    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static bool is_sealed(const json_t *j)
{
    static const char begin[] = "-----BEGIN ENCRYPTED ";

    return strncmp(json_text(j, "signing_key"), begin, sizeof begin - 1) == 0;
}

/* -- the key file */

int keyring_prepare(const char *dir, struct err *e)
{
    return private_dir(dir, e);
}

int keyring_save(const struct keyring *ring, const char *dir, struct span passphrase,
                 struct err *e)
{
    json_t *j = json_pack("{s:i,s:s,s:s}", "version", 1, "url", ring->url, "device",
                          ring->device);
    struct buf text;
    int rc = -1;

    buf_init(&text, FILE_MAX);
    if (j != NULL && put_pem(j, "encryption_key", ring->encryption, passphrase) &&
        put_pem(j, "signing_key", ring->signing, passphrase))
        json_put(&text, json_incref(j));
    else
        text.failed = true;
    buf_put_u8(&text, '\n');
    rc = buf_ok(&text) ? private_write(dir, FILE_NAME, buf_span(&text), e)
                       : err_set(e, ERR_BUG, "5.3.0", "keys cannot be written");
    buf_wipe(&text);
    json_decref(j);
    return rc;
}

static int take_ring(const json_t *j, struct keyring *ring, struct span passphrase,
                     const char *dir, struct err *e)
{
    uint8_t id[16];

    if (json_integer_value(json_object_get(j, "version")) != 1 ||
        !hex_take(json_member(j, "device"), id, sizeof id) ||
        !span_copy(ring->url, sizeof ring->url, json_member(j, "url")) ||
        !span_copy(ring->device, sizeof ring->device, json_member(j, "device")))
        return err_set(e, ERR_PERM, "5.6.0", "%s/" FILE_NAME " is damaged", dir);
    if (is_sealed(j) && passphrase.n == 0)
        return err_set(e, ERR_PERM, "5.7.0",
                       "the keys in %s are under a passphrase: --passphrase-file", dir);
    ring->encryption = take_pem(j, "encryption_key", passphrase);
    ring->signing = take_pem(j, "signing_key", passphrase);
    if (ring->encryption == NULL || ring->signing == NULL)
        return err_set(e, ERR_PERM, "5.6.0",
                       is_sealed(j) ? "the passphrase does not open the keys in %s"
                                    : "%s/" FILE_NAME " is damaged",
                       dir);
    return 0;
}

int keyring_load(struct keyring *ring, const char *dir, struct span passphrase,
                 struct err *e)
{
    struct buf text;
    json_t *j;
    int rc;

    *ring = (struct keyring){ .encryption = NULL };
    buf_init(&text, FILE_MAX);
    if (!private_there(dir, FILE_NAME))
        return err_set(e, ERR_PERM, "5.3.5", "no keys in %s: register first", dir);
    if (private_read(dir, FILE_NAME, &text, e) != 0) {
        buf_wipe(&text);
        return -1;
    }
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    buf_wipe(&text);
    rc = take_ring(j, ring, passphrase, dir, e);
    json_decref(j);
    if (rc != 0)
        keyring_clear(ring);
    return rc;
}

void keyring_clear(struct keyring *ring)
{
    EVP_PKEY_free(ring->encryption);
    EVP_PKEY_free(ring->signing);
    *ring = (struct keyring){ .encryption = NULL };
}

int keyring_passphrase(const char *path, struct buf *out, struct err *e)
{
    struct buf text;
    size_t n = 0;
    int rc;

    buf_init(&text, KEYRING_PASSPHRASE_MAX);
    rc = private_read(NULL, path, &text, e);
    while (n < text.n && text.p[n] != '\n' && text.p[n] != '\r')
        n++;
    if (rc == 0 && n == 0)
        rc = err_set(e, ERR_PERM, "5.3.5", "%s: its first line is empty", path);
    if (rc == 0)
        buf_put_mem(out, text.p, n);
    buf_wipe(&text);
    return rc;
}
