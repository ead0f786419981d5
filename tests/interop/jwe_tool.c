/* SPDX-License-Identifier: ISC */
/* jwe_tool.c - the sealing format on the command line, for other makers' tools to meet.
 * Here:       files in, files out; nothing that is not in relay/jwe.h.
 * Elsewhere:  who meets it (run.sh and the scripts beside it).
 * Called by:  tests/interop/run.sh.
 *
 *   jwe_tool keygen ec|rsa KEY.pem PUBLIC.jwk
 *   jwe_tool seal IN OUT PUBLIC.jwk...     to one to eight keys, binary form
 *   jwe_tool window IN OUT PUBLIC.jwk      the intermediate form, binary form
 *   jwe_tool compact IN OUT PUBLIC.jwk     compact serialisation
 *   jwe_tool to-json IN OUT [PUBLIC.jwk]   general JSON, of that recipient alone
 *   jwe_tool open KEY.pem IN OUT
 *   jwe_tool refuse KEY.pem IN...          0: none of them opens, and nothing crashes
 *
 * to-json, open and refuse take any spelling. Exit 0; 64 usage; 65 refused; 70 our
 * fault; 75 a file. */
#include "relay/jwe.h"
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#define USAGE 1 /* what a command returns when its words are not as above */
#define EXIT_USAGE 64
#define KEY_MAX_BYTES 4096U
#define BINARY_VERSION '\1'

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
    bool ok;

    buf_init(out, JWE_TEXT_MAX_BYTES);
    if (f == NULL)
        return file_error(path);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_put_mem(out, block, n);
    ok = !ferror(f) && buf_ok(out);
    return fclose(f) == 0 && ok ? 0 : file_error(path);
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

static int private_save(EVP_PKEY *pkey, const char *path)
{
    FILE *const f = fopen(path, "wb");
    bool ok;

    if (f == NULL)
        return file_error(path);
    ok = PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL) > 0;
    return fclose(f) == 0 && ok ? 0 : file_error(path);
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

static int public_load(struct jwe_key *key, const char *path)
{
    struct buf jwk;
    int rc = file_get(path, &jwk);

    if (rc == 0)
        rc = jwe_key_from_jwk(key, buf_span(&jwk), &e);
    buf_clear(&jwk);
    return rc;
}

static EVP_PKEY *pair_new(const char *kind)
{
    EVP_PKEY *pkey;

    if (strcmp(kind, "ec") == 0)
        return jwe_key_new_p256(&e);
    pkey = EVP_RSA_gen(2048);
    if (pkey == NULL)
        (void)err_set(&e, ERR_BUG, "4.3.0", "no RSA key could be made");
    return pkey;
}

static int keygen(int argc, char **argv)
{
    struct jwe_key key = { 0 };
    EVP_PKEY *pkey;
    struct buf jwk;
    int rc;

    if (argc != 3 || (strcmp(argv[0], "ec") != 0 && strcmp(argv[0], "rsa") != 0))
        return USAGE;
    pkey = pair_new(argv[0]);
    buf_init(&jwk, KEY_MAX_BYTES);
    rc = pkey == NULL ? -1 : jwe_key_from_pkey(&key, pkey, &e);
    if (rc == 0)
        rc = jwe_key_jwk(&key, &jwk, &e);
    if (rc == 0)
        rc = private_save(pkey, argv[1]);
    if (rc == 0)
        rc = file_put(argv[2], &jwk);
    buf_clear(&jwk);
    jwe_key_clear(&key);
    EVP_PKEY_free(pkey);
    return rc;
}

typedef int sealer(const struct jwe_key *const *to, size_t n, struct span plain,
                   struct buf *out);

static int to_all(const struct jwe_key *const *to, size_t n, struct span plain,
                  struct buf *out)
{
    return jwe_seal(&header, to, n, plain, out, &e);
}

static int to_epoch(const struct jwe_key *const *to, size_t n, struct span plain,
                    struct buf *out)
{
    struct jwe_window window;
    int rc = jwe_window_open(&window, to[0], &e);

    (void)n;
    if (rc == 0)
        rc = jwe_window_seal(&window, &header, plain, out, &e);
    jwe_window_clear(&window);
    return rc;
}

static int to_one(const struct jwe_key *const *to, size_t n, struct span plain,
                  struct buf *out)
{
    (void)n;
    return jwe_seal_compact(&header, to[0], plain, out, &e);
}

/* IN OUT PUBLIC.jwk... */
static int seal_file(int argc, char **argv, size_t most, sealer *sealed_by)
{
    struct jwe_key keys[JWE_RECIPIENTS_MAX] = { 0 };
    const struct jwe_key *to[JWE_RECIPIENTS_MAX];
    const size_t n = argc < 3 ? 0 : (size_t)argc - 2;
    struct buf plain, out;
    int rc;

    if (n == 0 || n > most)
        return USAGE;
    buf_init(&out, JWE_TEXT_MAX_BYTES);
    rc = file_get(argv[0], &plain);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = public_load(&keys[i], argv[2 + i]);
        to[i] = &keys[i];
    }
    if (rc == 0)
        rc = sealed_by(to, n, buf_span(&plain), &out);
    if (rc == 0)
        rc = file_put(argv[1], &out);
    for (size_t i = 0; i < n; i++)
        jwe_key_clear(&keys[i]);
    buf_clear(&plain);
    buf_clear(&out);
    return rc;
}

static int seal(int argc, char **argv)
{
    return seal_file(argc, argv, JWE_RECIPIENTS_MAX, to_all);
}

static int window(int argc, char **argv)
{
    return seal_file(argc, argv, 1, to_epoch);
}

static int compact(int argc, char **argv)
{
    return seal_file(argc, argv, 1, to_one);
}

/* A file in any spelling, as the binary form. */
static int sealed_get(const char *path, struct buf *binary)
{
    struct buf text;
    int rc = file_get(path, &text);
    const char first = text.n > 0 ? text.p[0] : '\0';

    buf_init(binary, JWE_TEXT_MAX_BYTES);
    if (rc == 0 && first == BINARY_VERSION)
        buf_put_span(binary, buf_span(&text));
    else if (rc == 0 && first == '{')
        rc = jwe_from_json(buf_span(&text), binary, &e);
    else if (rc == 0)
        rc = jwe_from_compact(buf_span(&text), binary, &e);
    buf_clear(&text);
    return rc;
}

static int to_json(int argc, char **argv)
{
    struct jwe_key only = { 0 };
    struct buf binary, json;
    int rc;

    if (argc < 2 || argc > 3)
        return USAGE;
    buf_init(&json, JWE_TEXT_MAX_BYTES);
    rc = sealed_get(argv[0], &binary);
    if (rc == 0 && argc == 3)
        rc = public_load(&only, argv[2]);
    if (rc == 0)
        rc = jwe_to_json(buf_span(&binary), argc == 3 ? only.kid : NULL, &json, &e);
    if (rc == 0)
        rc = file_put(argv[1], &json);
    jwe_key_clear(&only);
    buf_clear(&json);
    buf_clear(&binary);
    return rc;
}

static int open_with(EVP_PKEY *pkey, const char *path, struct buf *plain)
{
    struct jwe_key key = { 0 };
    struct buf binary;
    int rc = sealed_get(path, &binary);

    if (rc == 0)
        rc = jwe_key_from_pkey(&key, pkey, &e);
    if (rc == 0)
        rc = jwe_open(buf_span(&binary), pkey, key.kid, NULL, plain, &e);
    buf_clear(&binary);
    jwe_key_clear(&key);
    return rc;
}

static int open_sealed(int argc, char **argv)
{
    EVP_PKEY *pkey;
    struct buf plain;
    int rc;

    if (argc != 3)
        return USAGE;
    pkey = private_load(argv[0]);
    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    rc = pkey == NULL ? -1 : open_with(pkey, argv[1], &plain);
    if (rc == 0)
        rc = file_put(argv[2], &plain);
    buf_wipe(&plain);
    EVP_PKEY_free(pkey);
    return rc;
}

/* 0: it does not open, and left nothing. */
static int refuse_one(EVP_PKEY *pkey, const char *path)
{
    struct buf plain;
    int rc;

    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    rc = open_with(pkey, path, &plain);
    if (rc == 0 || plain.n > 0)
        rc = err_set(&e, ERR_BUG, "4.3.0", "%s opens", path);
    else if (e.class == ERR_PERM)
        rc = 0;
    buf_wipe(&plain);
    return rc;
}

static int refuse(int argc, char **argv)
{
    EVP_PKEY *pkey;
    int rc;

    if (argc < 2)
        return USAGE;
    pkey = private_load(argv[0]);
    rc = pkey == NULL ? -1 : 0;
    for (int i = 1; rc == 0 && i < argc; i++)
        rc = refuse_one(pkey, argv[i]);
    EVP_PKEY_free(pkey);
    return rc;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "keygen", keygen },   { "seal", seal },       { "window", window },
    { "compact", compact }, { "to-json", to_json }, { "open", open_sealed },
    { "refuse", refuse },
};

int main(int argc, char **argv)
{
    static const int exits[] = { [ERR_TEMP] = 75, [ERR_PERM] = 65, [ERR_BUG] = 70 };
    int rc = jwe_start(&e) != 0 ? -1 : USAGE;

    for (size_t i = 0; rc >= 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (argc > 1 && strcmp(argv[1], commands[i].name) == 0) {
            rc = commands[i].run(argc - 2, argv + 2);
            break;
        }
    if (rc == 0)
        return 0;
    if (rc == USAGE) {
        (void)fputs(
            "usage: jwe_tool keygen|seal|window|compact|to-json|open|refuse ...; "
            "see its source\n",
            stderr);
        return EXIT_USAGE;
    }
    (void)fprintf(stderr, "jwe_tool: %s\n", e.text);
    return exits[e.class];
}
