/* SPDX-License-Identifier: ISC */
/* keys.c - the server's secret keys on disk: master key, epoch keys, store key.
 * Here:       making, reading, wrapping and destroying them; the directory's files.
 * Elsewhere:  sealing with them (jwe.c), when an epoch dies (keeper.c).
 * Called by:  keeper only.
 * Source:     DESIGN 5.2; RFC 7914 (scrypt), RFC 5869 (HKDF), RFC 3394 (key wrap). */
#include "relay/keeper/keys.h"
#include "relay/encode.h"
#include "relay/hkdf.h"
#include "relay/jwe_private.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES 32U
#define SALT_BYTES 32U
#define FILE_MAX_BYTES 1024U
#define PASSPHRASE_MAX_BYTES 4096U
#define NAME_MAX_BYTES 32U
#define SCRYPT_N 32768U
#define SCRYPT_R 8U
#define SCRYPT_P 1U
#define SCRYPT_MEMORY_BYTES (64ULL << 20) /* 128 * N * r is 32 MiB */
#define MASTER_FILE "master.key"
#define MAGIC_MASTER "sealpost-master-1\n"
#define MAGIC_EPOCH "sealpost-epoch-1\n"
/* A file that is being written, and one that is being destroyed. */
#define SUFFIX_NEW ".new"
#define SUFFIX_GONE ".gone"

struct epoch {
    uint32_t day;
    struct jwe_key key; /* holds the private half */
};

/* In secure memory, where the process has it. */
struct secrets {
    uint8_t master[KEY_BYTES];
    uint8_t epoch_kek[KEY_BYTES];
    uint8_t store[KEY_BYTES];
};

struct keys {
    int dir; /* open directory */
    struct secrets *secrets;
    struct epoch *epochs; /* ascending days */
    size_t count;
};

static int fail_errno(struct err *e, const char *what, const char *name)
{
    return err_set(e, ERR_TEMP, errno == ENOSPC ? "4.3.1" : "4.3.0", "keys: %s %s: %s",
                   what, name, strerror(errno));
}

static int fail_perm(struct err *e, const char *name, const char *why)
{
    ERR_clear_error();
    return err_set(e, ERR_PERM, "5.3.5", "keys: %s: %s", name, why);
}

/* Reads at most room bytes of a regular file; -1: *e. */
static int file_read(int fd, const char *name, char *to, size_t room, size_t *n_out,
                     struct err *e)
{
    size_t n = 0;
    ssize_t got = 1;

    while (n < room && got > 0) {
        got = read(fd, to + n, room - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return fail_errno(e, "read", name);
        else
            n += (size_t)got;
    }
    if (n == room)
        return fail_perm(e, name, "too long");
    *n_out = n;
    return 0;
}

static int key_file_read(const struct keys *k, const char *name, char *to, size_t room,
                         size_t *n_out, struct err *e)
{
    const int fd = openat(k->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int rc;

    if (fd < 0)
        return fail_errno(e, "open", name);
    rc = file_read(fd, name, to, room, n_out, e);
    (void)close(fd);
    return rc;
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        const ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
    }
    return true;
}

/* Under another name, synced, renamed, the directory synced: after a crash the whole
 * file is there or none of it. */
static int key_file_write(const struct keys *k, const char *name, struct span text,
                          struct err *e)
{
    char other[NAME_MAX_BYTES + sizeof SUFFIX_NEW];
    int fd, rc = 0;

    (void)snprintf(other, sizeof other, "%s" SUFFIX_NEW, name);
    fd = openat(k->dir, other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                0600);
    if (fd < 0)
        return fail_errno(e, "create", other);
    if (!write_all(fd, text) || fsync(fd) != 0 ||
        renameat(k->dir, other, k->dir, name) != 0 || fsync(k->dir) != 0)
        rc = fail_errno(e, "write", name);
    if (rc != 0)
        (void)unlinkat(k->dir, other, 0);
    (void)close(fd);
    return rc;
}

/* Overwritten, synced, unlinked; a file that is not there is destroyed already. */
static int key_file_wipe(const struct keys *k, const char *name, struct err *e)
{
    static const char zeros[FILE_MAX_BYTES];
    const int fd = openat(k->dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : fail_errno(e, "open", name);
    if (!write_all(fd, span_of(zeros, sizeof zeros)) || fsync(fd) != 0 ||
        unlinkat(k->dir, name, 0) != 0 || fsync(k->dir) != 0)
        rc = fail_errno(e, "destroy", name);
    (void)close(fd);
    return rc;
}

static bool derive(const uint8_t key[KEY_BYTES], const char *label,
                   uint8_t out[KEY_BYTES])
{
    return hkdf(span_of(NULL, 0), span_of((const char *)key, KEY_BYTES),
                span_str(label), out, KEY_BYTES);
}

static bool scrypt(struct span passphrase, const uint8_t salt[SALT_BYTES],
                   uint8_t out[KEY_BYTES])
{
    uint64_t n = SCRYPT_N, memory = SCRYPT_MEMORY_BYTES;
    uint32_t r = SCRYPT_R, p = SCRYPT_P;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)passphrase.p,
                                          passphrase.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt,
                                          SALT_BYTES),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };
    const bool ok = ctx != NULL && EVP_KDF_derive(ctx, out, KEY_BYTES, params) > 0;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

static bool take_text(struct cur *c, const char *text)
{
    const char *const start = c->p;
    struct span found;

    if (cur_span(c, strlen(text), &found) && span_eq_str(found, text))
        return true;
    (void)cur_back(c, start);
    return false;
}

/* "word HEX\n", exactly n bytes. */
static bool take_hex_line(struct cur *c, const char *word, uint8_t *out, size_t n)
{
    struct span hex;

    return take_text(c, word) && cur_byte(c, ' ') && cur_span(c, HEX_LEN(n), &hex) &&
           hex_take(hex, out, n) && cur_byte(c, '\n');
}

static void put_hex_line(struct buf *b, const char *word, const uint8_t *bytes,
                         size_t n)
{
    char hex[HEX_LEN(JWE_POINT_BYTES) + 1];

    buf_printf(b, "%s %s\n", word, hex_text(hex, bytes, n));
}

/* The only parameters that version 1 has; written out for whoever must open the file
 * without this program. */
static void scrypt_line(char *to, size_t room)
{
    (void)snprintf(to, room, "scrypt N=%u r=%u p=%u\n", SCRYPT_N, SCRYPT_R, SCRYPT_P);
}

static int passphrase_check(int fd, const char *name, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail_errno(e, "stat", name);
    if (!S_ISREG(st.st_mode))
        return fail_perm(e, name, "not a file");
    if ((st.st_mode & 077) != 0 && !(st.st_uid == 0 && geteuid() != 0))
        return fail_perm(e, name, "others may read the passphrase: chmod 600");
    return 0;
}

/* The file's content without its last newlines, which editors add. */
static int passphrase_read(const char *name, char *to, size_t *n_out, struct err *e)
{
    const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rc;

    if (fd < 0)
        return fail_errno(e, "open", name);
    rc = passphrase_check(fd, name, e);
    if (rc == 0)
        rc = file_read(fd, name, to, PASSPHRASE_MAX_BYTES, n_out, e);
    (void)close(fd);
    if (rc != 0)
        return rc;
    while (*n_out > 0 && (to[*n_out - 1] == '\n' || to[*n_out - 1] == '\r'))
        (*n_out)--;
    return *n_out == 0 ? fail_perm(e, name, "the passphrase is empty") : 0;
}

static int master_make(struct keys *k, struct span passphrase, struct err *e)
{
    uint8_t salt[SALT_BYTES], kek[KEY_BYTES], wrapped[JWE_WRAPPED_BYTES];
    char parameters[64];
    struct buf text;
    int rc = -1;

    buf_init(&text, FILE_MAX_BYTES);
    scrypt_line(parameters, sizeof parameters);
    if (RAND_bytes(salt, sizeof salt) > 0 &&
        RAND_priv_bytes(k->secrets->master, KEY_BYTES) > 0 &&
        scrypt(passphrase, salt, kek) && jwe_wrap(kek, k->secrets->master, wrapped)) {
        buf_put(&text, MAGIC_MASTER);
        buf_put(&text, parameters);
        put_hex_line(&text, "salt", salt, sizeof salt);
        put_hex_line(&text, "wrapped", wrapped, sizeof wrapped);
        rc = buf_ok(&text) ? key_file_write(k, MASTER_FILE, buf_span(&text), e)
                           : err_set(e, ERR_TEMP, "4.3.0", "keys: no memory");
    } else {
        (void)err_set(e, ERR_BUG, "4.3.0", "keys: no master key could be made");
    }
    OPENSSL_cleanse(kek, sizeof kek);
    buf_clear(&text);
    return rc;
}

static int master_read(struct keys *k, struct span passphrase, struct err *e)
{
    uint8_t salt[SALT_BYTES], kek[KEY_BYTES], wrapped[JWE_WRAPPED_BYTES];
    char text[FILE_MAX_BYTES], parameters[64];
    struct cur c;
    size_t n;
    bool ok;

    if (key_file_read(k, MASTER_FILE, text, sizeof text, &n, e) != 0)
        return -1;
    scrypt_line(parameters, sizeof parameters);
    c = cur_of(span_of(text, n));
    if (!take_text(&c, MAGIC_MASTER) || !take_text(&c, parameters) ||
        !take_hex_line(&c, "salt", salt, sizeof salt) ||
        !take_hex_line(&c, "wrapped", wrapped, sizeof wrapped) || !cur_done(&c))
        return fail_perm(e, MASTER_FILE, "damaged");
    ok = scrypt(passphrase, salt, kek) && jwe_unwrap(kek, wrapped, k->secrets->master);
    OPENSSL_cleanse(kek, sizeof kek);
    return ok ? 0
              : fail_perm(e, MASTER_FILE, "the passphrase is wrong, or it is damaged");
}

static bool is_day(uint32_t day)
{
    const uint32_t month = day / 100 % 100, of_month = day % 100;

    return day >= 19700101 && day <= 99991231 && month >= 1 && month <= 12 &&
           of_month >= 1 && of_month <= 31;
}

static void epoch_name(char to[NAME_MAX_BYTES], uint32_t day, const char *suffix)
{
    (void)snprintf(to, NAME_MAX_BYTES, "epoch-%08u.key%s", day, suffix);
}

/* 0: not an epoch's file with that suffix. */
static uint32_t epoch_of_name(const char *name, const char *suffix)
{
    char again[NAME_MAX_BYTES];
    uint32_t day = 0;

    if (strncmp(name, "epoch-", 6) != 0)
        return 0;
    for (size_t i = 6; i < 14 && is_digit(name[i]); i++)
        day = day * 10 + (uint32_t)(name[i] - '0');
    epoch_name(again, day, suffix);
    return is_day(day) && strcmp(name, again) == 0 ? day : 0;
}

/* The place of the day, or where it belongs. */
static size_t epoch_place(const struct keys *k, uint32_t day)
{
    size_t i = 0;

    while (i < k->count && k->epochs[i].day < day)
        i++;
    return i;
}

static struct epoch *epoch_find(const struct keys *k, uint32_t day)
{
    const size_t i = epoch_place(k, day);

    return i < k->count && k->epochs[i].day == day ? &k->epochs[i] : NULL;
}

/* Takes the reference of pkey over, whatever the outcome. */
static int epoch_add(struct keys *k, uint32_t day, EVP_PKEY *pkey, struct err *e)
{
    const size_t at = epoch_place(k, day);
    struct epoch added = { .day = day }, *list;
    const int rc = jwe_key_from_pkey(&added.key, pkey, e);

    EVP_PKEY_free(pkey);
    if (rc != 0)
        return rc;
    list = realloc(k->epochs, (k->count + 1) * sizeof *list);
    if (list == NULL) {
        jwe_key_clear(&added.key);
        return err_set(e, ERR_TEMP, "4.3.0", "keys: no memory");
    }
    memmove(list + at + 1, list + at, (k->count - at) * sizeof *list);
    list[at] = added;
    k->epochs = list;
    k->count++;
    return 0;
}

static int epoch_read(struct keys *k, uint32_t day, struct err *e)
{
    uint8_t point[JWE_POINT_BYTES], wrapped[JWE_WRAPPED_BYTES], scalar[KEY_BYTES];
    char name[NAME_MAX_BYTES], text[FILE_MAX_BYTES], magic[64];
    EVP_PKEY *pkey = NULL;
    struct cur c;
    size_t n;

    epoch_name(name, day, "");
    if (key_file_read(k, name, text, sizeof text, &n, e) != 0)
        return -1;
    (void)snprintf(magic, sizeof magic, MAGIC_EPOCH "day %08u\n", day);
    c = cur_of(span_of(text, n));
    if (take_text(&c, magic) && take_hex_line(&c, "public", point, sizeof point) &&
        take_hex_line(&c, "wrapped", wrapped, sizeof wrapped) && cur_done(&c) &&
        jwe_unwrap(k->secrets->epoch_kek, wrapped, scalar))
        pkey = jwe_pair_build(scalar, point);
    OPENSSL_cleanse(scalar, sizeof scalar);
    return pkey == NULL ? fail_perm(e, name, "damaged, or of another master key")
                        : epoch_add(k, day, pkey, e);
}

static int epoch_write(const struct keys *k, uint32_t day, const EVP_PKEY *pkey,
                       struct err *e)
{
    uint8_t point[JWE_POINT_BYTES], wrapped[JWE_WRAPPED_BYTES], scalar[KEY_BYTES];
    char name[NAME_MAX_BYTES];
    struct buf text;
    int rc = -1;

    epoch_name(name, day, "");
    buf_init(&text, FILE_MAX_BYTES);
    if (jwe_pair_scalar(pkey, scalar) &&
        jwe_wrap(k->secrets->epoch_kek, scalar, wrapped) &&
        jwe_pkey_point(pkey, point)) {
        buf_printf(&text, MAGIC_EPOCH "day %08u\n", day);
        put_hex_line(&text, "public", point, sizeof point);
        put_hex_line(&text, "wrapped", wrapped, sizeof wrapped);
        rc = buf_ok(&text) ? key_file_write(k, name, buf_span(&text), e)
                           : err_set(e, ERR_TEMP, "4.3.0", "keys: no memory");
    } else {
        (void)err_set(e, ERR_BUG, "4.3.0", "keys: %s cannot be wrapped", name);
    }
    OPENSSL_cleanse(scalar, sizeof scalar);
    buf_clear(&text);
    return rc;
}

/* What the directory holds. Names, not files: nothing is opened while it is read. */
struct listing {
    uint32_t *days;
    size_t count;
    bool master, others;
};

/* What a crash left half written or half destroyed. */
static bool is_leftover(const char *name)
{
    return strcmp(name, MASTER_FILE SUFFIX_NEW) == 0 ||
           epoch_of_name(name, SUFFIX_NEW) != 0 ||
           epoch_of_name(name, SUFFIX_GONE) != 0;
}

static int listing_add(struct listing *l, const struct keys *k, const char *name,
                       struct err *e)
{
    const uint32_t day = epoch_of_name(name, "");
    uint32_t *days;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    if (is_leftover(name))
        return key_file_wipe(k, name, e);
    if (day == 0) {
        if (strcmp(name, MASTER_FILE) == 0)
            l->master = true;
        else
            l->others = true;
        return 0;
    }
    days = realloc(l->days, (l->count + 1) * sizeof *days);
    if (days == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "keys: no memory");
    l->days = days;
    l->days[l->count++] = day;
    return 0;
}

static int listing_read(struct listing *l, const struct keys *k, struct err *e)
{
    const int fd = openat(k->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *const dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int rc = 0;

    if (dir == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return fail_errno(e, "open", "the directory");
    }
    errno = 0;
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        rc = listing_add(l, k, entry->d_name, e);
        errno = 0; /* readdir alone says whether the end is the end */
    }
    if (rc == 0 && errno != 0)
        rc = fail_errno(e, "read", "the directory");
    (void)closedir(dir);
    return rc;
}

/* Opens the directory, or makes it so that a crash cannot take it away again. */
static int directory_open(struct keys *k, const char *dir, struct err *e)
{
    const bool made = mkdir(dir, 0700) == 0;
    int parent;
    bool ok;

    if (!made && errno != EEXIST)
        return fail_errno(e, "make", dir);
    k->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (k->dir < 0)
        return fail_errno(e, "open", dir);
    if (fchmod(k->dir, 0700) != 0)
        return fail_errno(e, "chmod 700", dir);
    if (!made)
        return 0;
    parent = openat(k->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = parent >= 0 && fsync(parent) == 0;
    if (parent >= 0)
        (void)close(parent);
    return ok ? 0 : fail_errno(e, "sync the parent of", dir);
}

static int master_open(struct keys *k, const struct listing *l,
                       const char *passphrase_file, struct err *e)
{
    char passphrase[PASSPHRASE_MAX_BYTES];
    size_t n = 0;
    int rc = passphrase_read(passphrase_file, passphrase, &n, e);

    if (rc != 0)
        return rc;
    if (l->master)
        rc = master_read(k, span_of(passphrase, n), e);
    else if (l->count > 0)
        rc = fail_perm(e, MASTER_FILE, "missing beside epoch keys; put it back");
    else if (l->others)
        rc = fail_perm(e, MASTER_FILE, "missing in a directory that is not empty");
    else
        rc = master_make(k, span_of(passphrase, n), e);
    OPENSSL_cleanse(passphrase, sizeof passphrase);
    if (rc != 0)
        return rc;
    if (!derive(k->secrets->master, "epoch", k->secrets->epoch_kek) ||
        !derive(k->secrets->master, "store", k->secrets->store))
        return err_set(e, ERR_BUG, "4.3.0", "keys: HKDF failed");
    return 0;
}

static int keys_load(struct keys *k, const char *dir, const char *passphrase_file,
                     struct err *e)
{
    struct listing l = { 0 };
    int rc = directory_open(k, dir, e);

    if (rc == 0)
        rc = listing_read(&l, k, e);
    if (rc == 0)
        rc = master_open(k, &l, passphrase_file, e);
    for (size_t i = 0; rc == 0 && i < l.count; i++)
        rc = epoch_read(k, l.days[i], e);
    free(l.days);
    return rc;
}

int keys_open(struct keys **out, const char *dir, const char *passphrase_file,
              struct err *e)
{
    struct keys *k = calloc(1, sizeof *k);

    *out = NULL;
    if (k == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "keys: no memory");
    k->dir = -1;
    k->secrets = OPENSSL_secure_zalloc(sizeof *k->secrets);
    if (k->secrets == NULL) {
        keys_close(k);
        return err_set(e, ERR_TEMP, "4.3.0", "keys: no secure memory");
    }
    if (keys_load(k, dir, passphrase_file, e) != 0) {
        keys_close(k);
        return -1;
    }
    *out = k;
    return 0;
}

void keys_close(struct keys *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < k->count; i++)
        jwe_key_clear(&k->epochs[i].key); /* libcrypto wipes the scalar */
    free(k->epochs);
    OPENSSL_secure_clear_free(k->secrets, sizeof *k->secrets);
    if (k->dir >= 0)
        (void)close(k->dir);
    free(k);
}

void keys_store_key(const struct keys *k, uint8_t out[32])
{
    memcpy(out, k->secrets->store, KEY_BYTES);
}

bool keys_derive(const struct keys *k, const char *label, uint8_t out[32])
{
    return derive(k->secrets->master, label, out);
}

int keys_epoch_make(struct keys *k, uint32_t day, struct err *e)
{
    EVP_PKEY *pkey;

    if (!is_day(day))
        return err_set(e, ERR_BUG, "4.3.0", "keys: %u is no day", day);
    if (epoch_find(k, day) != NULL)
        return 0;
    pkey = jwe_key_new_p256(e);
    if (pkey == NULL)
        return -1;
    if (epoch_write(k, day, pkey, e) != 0) {
        EVP_PKEY_free(pkey);
        return -1;
    }
    return epoch_add(k, day, pkey, e);
}

/* Built from the point: what leaves here cannot open anything. */
int keys_epoch_public(struct keys *k, uint32_t day, struct jwe_key *out, struct err *e)
{
    const struct epoch *const epoch = epoch_find(k, day);
    uint8_t point[JWE_POINT_BYTES];

    *out = (struct jwe_key){ 0 };
    if (epoch == NULL)
        return err_set(e, ERR_PERM, "5.3.5", "keys: no epoch %u", day);
    if (jwe_key_point(&epoch->key, point, e) != 0)
        return -1;
    return jwe_key_from_point(out, point, e);
}

bool keys_epoch_kid(struct keys *k, uint32_t day, uint8_t kid[JWE_KID_BYTES])
{
    const struct epoch *const epoch = epoch_find(k, day);

    if (epoch != NULL)
        memcpy(kid, epoch->key.kid, JWE_KID_BYTES);
    return epoch != NULL;
}

EVP_PKEY *keys_epoch_private(struct keys *k, uint32_t day)
{
    const struct epoch *const epoch = epoch_find(k, day);

    return epoch == NULL ? NULL : epoch->key.pkey;
}

uint32_t keys_epoch_by_kid(struct keys *k, const uint8_t kid[JWE_KID_BYTES])
{
    for (size_t i = k->count; i > 0; i--) /* most messages are of today */
        if (memcmp(k->epochs[i - 1].key.kid, kid, JWE_KID_BYTES) == 0)
            return k->epochs[i - 1].day;
    return 0;
}

/* Renamed first: should this be cut short, the next start ends it, and never takes a
 * half destroyed key for a damaged one. */
int keys_epoch_destroy(struct keys *k, uint32_t day, struct err *e)
{
    struct epoch *const epoch = epoch_find(k, day);
    char name[NAME_MAX_BYTES], gone[NAME_MAX_BYTES];

    if (epoch == NULL)
        return err_set(e, ERR_PERM, "5.3.5", "keys: no epoch %u", day);
    epoch_name(name, day, "");
    epoch_name(gone, day, SUFFIX_GONE);
    if (renameat(k->dir, name, k->dir, gone) != 0 && errno != ENOENT)
        return fail_errno(e, "rename", name);
    if (fsync(k->dir) != 0)
        return fail_errno(e, "sync the directory of", name);
    if (key_file_wipe(k, gone, e) != 0)
        return -1;
    jwe_key_clear(&epoch->key);
    k->count--;
    memmove(epoch, epoch + 1, (k->count - (size_t)(epoch - k->epochs)) * sizeof *epoch);
    return 0;
}

size_t keys_epoch_list(struct keys *k, uint32_t *days, size_t max)
{
    for (size_t i = 0; i < k->count && i < max; i++)
        days[i] = k->epochs[i].day;
    return k->count;
}

/* Days are counted from 1 March of year 0, so that a leap day ends its year; 146097 are
 * 400 years. */
uint32_t keys_day(uint64_t now_s)
{
    const uint64_t days = now_s / 86400 + 719468;
    const uint64_t era = days / 146097, of_era = days % 146097;
    const uint64_t year_of_era =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const uint64_t of_year =
        of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint64_t march_month = (5 * of_year + 2) / 153;
    const uint64_t day = of_year - (153 * march_month + 2) / 5 + 1;
    const uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    const uint64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);

    return (uint32_t)(year * 10000 + month * 100 + day);
}
