/* SPDX-License-Identifier: ISC */
/* keyring.c - making, keeping and reading the handset's keys.
 * Here:       the DRBG with its personalization string, the key file.
 * Elsewhere:  what the keys do (relay/jwe.c, api.c).
 * Called by:  main.c.
 * Source:     claims 7-9; NIST SP 800-90A 8.7.1; RFC 5208 (PKCS #8). */
#include "contrib/handset/keyring.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRENGTH 256
#define RSA_BITS 3072
#define FILE_MAX (64U << 10)

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

int keyring_make(struct keyring *ring, enum keyring_kind kind,
                 struct span personalization, struct err *e)
{
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    int rc = -1;

    if (lib == NULL)
        return err_set(e, ERR_BUG, "5.3.0", "no library context");
    if (instantiate(lib, personalization, e) == 0) {
        ring->signing = move_key(EVP_PKEY_Q_keygen(lib, NULL, "EC", "P-256"));
        ring->encryption = move_key(
            kind == KEYRING_RSA ? EVP_PKEY_Q_keygen(lib, NULL, "RSA", (size_t)RSA_BITS)
                                : EVP_PKEY_Q_keygen(lib, NULL, "EC", "P-256"));
        rc = ring->signing != NULL && ring->encryption != NULL
                 ? 0
                 : err_set(e, ERR_BUG, "5.3.0", "no key could be made");
    }
    OSSL_LIB_CTX_free(lib);
    return rc;
}

static int put_pem(json_t *j, const char *name, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    int rc = -1;

    if (bio != NULL &&
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        const long n = BIO_get_mem_data(bio, &text);

        rc = json_object_set_new(j, name, json_stringn(text, (size_t)n));
    }
    BIO_free(bio);
    return rc;
}

static EVP_PKEY *take_pem(const json_t *j, const char *name)
{
    const char *text = json_string_value(json_object_get(j, name));
    BIO *bio = text == NULL ? NULL : BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return key;
}

static int write_file(const char *dir, const char *text, struct err *e)
{
    char path[1024], fresh[1040];
    size_t n = strlen(text);
    int fd;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_PERM, "5.3.5", "%s: %s", dir, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/handset.json", dir);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(e, ERR_PERM, "5.3.5", "%s: %s", fresh, strerror(errno));
    if (fchmod(fd, 0600) != 0 || write(fd, text, n) != (ssize_t)n || fsync(fd) != 0 ||
        rename(fresh, path) != 0) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "%s: %s", path, strerror(errno));
        (void)close(fd);
        (void)unlink(fresh);
        return -1;
    }
    (void)close(fd);
    return 0;
}

int keyring_save(const struct keyring *ring, const char *dir, struct err *e)
{
    json_t *j = json_pack("{s:i,s:s,s:s}", "version", 1, "url", ring->url, "device",
                          ring->device);
    char *text = NULL;
    int rc = -1;

    if (j != NULL && put_pem(j, "encryption_key", ring->encryption) == 0 &&
        put_pem(j, "signing_key", ring->signing) == 0)
        text = json_dumps(j, JSON_INDENT(1));
    rc = text == NULL ? err_set(e, ERR_BUG, "5.3.0", "keys cannot be written")
                      : write_file(dir, text, e);
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
    json_decref(j);
    return rc;
}

static int read_file(const char *dir, struct buf *out, struct err *e)
{
    char path[1024], *room;
    struct stat st;
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof path, "%s/handset.json", dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_PERM, "5.3.5", "%s: %s (register first)", path,
                       strerror(errno));
    if (fstat(fd, &st) != 0 || (st.st_mode & 077) != 0 ||
        st.st_size > (off_t)FILE_MAX) {
        (void)close(fd);
        return err_set(e, ERR_PERM, "5.3.5", "%s: others may read it; chmod 600 it",
                       path);
    }
    room = buf_room(out, (size_t)st.st_size);
    if (room != NULL)
        n = read(fd, room, (size_t)st.st_size);
    (void)close(fd);
    return n == (ssize_t)st.st_size
               ? 0
               : err_set(e, ERR_TEMP, "4.3.0", "%s: cannot read", path);
}

int keyring_load(struct keyring *ring, const char *dir, struct err *e)
{
    struct buf text;
    json_t *j = NULL;
    const char *url, *device;

    *ring = (struct keyring){ .encryption = NULL };
    buf_init(&text, FILE_MAX);
    if (read_file(dir, &text, e) != 0) {
        buf_clear(&text);
        return -1;
    }
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    buf_wipe(&text);
    url = json_string_value(json_object_get(j, "url"));
    device = json_string_value(json_object_get(j, "device"));
    ring->encryption = take_pem(j, "encryption_key");
    ring->signing = take_pem(j, "signing_key");
    if (url == NULL || device == NULL || ring->encryption == NULL ||
        ring->signing == NULL ||
        !span_copy(ring->url, sizeof ring->url, span_str(url)) ||
        !span_copy(ring->device, sizeof ring->device, span_str(device))) {
        json_decref(j);
        keyring_clear(ring);
        return err_set(e, ERR_PERM, "5.6.0", "%s/handset.json is damaged", dir);
    }
    json_decref(j);
    return 0;
}

void keyring_clear(struct keyring *ring)
{
    EVP_PKEY_free(ring->encryption);
    EVP_PKEY_free(ring->signing);
    *ring = (struct keyring){ .encryption = NULL };
}
