/* SPDX-License-Identifier: ISC */
/* jwe_tool.c - our sealing format on the command line, for other implementations to
 * meet. Here:       files in, files out; nothing that is not in relay/jwe.h. Called by:
 * tests/interop/run.sh.
 *
 *   jwe_tool keygen ec|rsa KEY.pem PUBLIC.jwk
 *   jwe_tool seal general|compact|window IN OUT PUBLIC.jwk ...
 *   jwe_tool open KEY.pem IN OUT      (general, flattened or compact) */
#include "relay/jwe.h"
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#define USAGE 2

static struct err e;
static const struct jwe_header header = { .typ = "sealpost-message",
                                          .id = { 0x5e, 0xa1, 0x90, 0x57 },
                                          .created_s = 1790000000,
                                          .to = "epoch-20261124" };

static int file_error(const char *path)
{
    return err_set(&e, ERR_TEMP, "4.3.0", "%s cannot be read or written", path);
}

static int file_get(const char *path, struct buf *out)
{
    FILE *const f = fopen(path, "rb");
    char block[4096];
    size_t n;

    buf_init(out, JWE_TEXT_MAX_BYTES);
    if (f == NULL)
        return file_error(path);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_put_mem(out, block, n);
    (void)fclose(f);
    return buf_ok(out) ? 0 : file_error(path);
}

static int file_put(const char *path, const struct buf *b)
{
    FILE *const f = fopen(path, "wb");
    bool ok;

    if (f == NULL)
        return file_error(path);
    ok = b->n == 0 || fwrite(b->p, 1, b->n, f) == b->n;
    return fclose(f) == 0 && ok ? 0 : file_error(path);
}

static int key_save(EVP_PKEY *pkey, const char *path)
{
    FILE *const f = fopen(path, "wb");
    bool ok;

    if (f == NULL)
        return file_error(path);
    ok = PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL) > 0;
    return fclose(f) == 0 && ok ? 0 : file_error(path);
}

static int keygen(int argc, char **argv)
{
    struct jwe_key key = { 0 };
    EVP_PKEY *pkey;
    struct buf jwk;
    int rc;

    if (argc != 3)
        return USAGE;
    pkey = strcmp(argv[0], "rsa") == 0 ? EVP_RSA_gen(2048) : jwe_key_new_p256(&e);
    buf_init(&jwk, 4096);
    rc = pkey == NULL ? -1 : jwe_key_from_pkey(&key, pkey, &e);
    if (rc == 0)
        rc = jwe_key_jwk(&key, &jwk, &e);
    if (rc == 0)
        rc = key_save(pkey, argv[1]);
    if (rc == 0)
        rc = file_put(argv[2], &jwk);
    buf_clear(&jwk);
    jwe_key_clear(&key);
    EVP_PKEY_free(pkey);
    return rc;
}

static int key_load(struct jwe_key *key, const char *path)
{
    struct buf jwk;
    int rc = file_get(path, &jwk);

    if (rc == 0)
        rc = jwe_key_from_jwk(key, buf_span(&jwk), &e);
    buf_clear(&jwk);
    return rc;
}

static int seal_as(const char *form, const struct jwe_key *const *to, size_t n,
                   struct span plain, struct buf *out)
{
    struct jwe_window window = { 0 };
    struct buf binary;
    int rc;

    if (strcmp(form, "compact") == 0)
        return jwe_seal_compact(&header, to[0], plain, out, &e);
    buf_init(&binary, JWE_TEXT_MAX_BYTES);
    if (strcmp(form, "window") == 0) {
        rc = jwe_window_open(&window, to[0], &e);
        if (rc == 0)
            rc = jwe_window_seal(&window, &header, plain, &binary, &e);
        jwe_window_clear(&window);
    } else {
        rc = jwe_seal(&header, to, n, plain, &binary, &e);
    }
    if (rc == 0)
        rc = jwe_to_json(buf_span(&binary), NULL, out, &e);
    buf_clear(&binary);
    return rc;
}

static int seal(int argc, char **argv)
{
    struct jwe_key keys[JWE_RECIPIENTS_MAX] = { 0 };
    const struct jwe_key *to[JWE_RECIPIENTS_MAX];
    const size_t n = argc < 4 ? 0 : (size_t)argc - 3;
    struct buf plain, out;
    int rc;

    if (n == 0 || n > JWE_RECIPIENTS_MAX)
        return USAGE;
    buf_init(&out, JWE_TEXT_MAX_BYTES);
    rc = file_get(argv[1], &plain);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = key_load(&keys[i], argv[3 + i]);
        to[i] = &keys[i];
    }
    if (rc == 0)
        rc = seal_as(argv[0], to, n, buf_span(&plain), &out);
    if (rc == 0)
        rc = file_put(argv[2], &out);
    for (size_t i = 0; i < n; i++)
        jwe_key_clear(&keys[i]);
    buf_clear(&plain);
    buf_clear(&out);
    return rc;
}

static EVP_PKEY *private_load(const char *path)
{
    FILE *const f = fopen(path, "rb");
    EVP_PKEY *pkey = NULL;

    if (f != NULL) {
        pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        (void)fclose(f);
    }
    if (pkey == NULL)
        (void)file_error(path);
    return pkey;
}

static int open_with(EVP_PKEY *pkey, struct span text, struct buf *plain)
{
    struct jwe_key key = { 0 };
    struct buf binary;
    int rc = jwe_key_from_pkey(&key, pkey, &e);

    buf_init(&binary, JWE_TEXT_MAX_BYTES);
    if (rc == 0 && text.n > 0 && text.p[0] == '{')
        rc = jwe_from_json(text, &binary, &e);
    else if (rc == 0)
        rc = jwe_from_compact(text, &binary, &e);
    if (rc == 0)
        rc = jwe_open(buf_span(&binary), pkey, key.kid, NULL, plain, &e);
    buf_clear(&binary);
    jwe_key_clear(&key);
    return rc;
}

static int open_file(int argc, char **argv)
{
    EVP_PKEY *pkey;
    struct buf text, plain;
    int rc;

    if (argc != 3)
        return USAGE;
    pkey = private_load(argv[0]);
    rc = file_get(argv[1], &text);
    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    if (rc == 0)
        rc = pkey == NULL ? -1 : open_with(pkey, buf_span(&text), &plain);
    if (rc == 0)
        rc = file_put(argv[2], &plain);
    buf_clear(&text);
    buf_wipe(&plain);
    EVP_PKEY_free(pkey);
    return rc;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = { { "keygen", keygen }, { "seal", seal }, { "open", open_file } };

int main(int argc, char **argv)
{
    int rc = USAGE;

    if (jwe_start(&e) != 0)
        rc = -1;
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            rc = commands[i].run(argc - 2, argv + 2);
    if (rc == USAGE)
        (void)fprintf(stderr,
                      "usage: jwe_tool keygen|seal|open ... (see its source)\n");
    else if (rc != 0)
        (void)fprintf(stderr, "jwe_tool: %s\n", e.text);
    return rc == USAGE ? USAGE : rc != 0;
}
