/* SPDX-License-Identifier: ISC */
/* keyring.h - the handset's keys and where they lie: DIR/handset.json, its owner's
 * only.
 *
 * The keys are made by a DRBG of this program's own (SP 800-90A CTR-DRBG), seeded by
 * the operating system and instantiated with the MSISDN as personalization string
 * (claim 9): two handsets with the same seed, should that ever happen, still make
 * different keys. */
#ifndef HANDSET_KEYRING_H
#define HANDSET_KEYRING_H

#include "relay/err.h"
#include "relay/span.h"
#include <openssl/evp.h>

#define KEYRING_PASSPHRASE_MAX 1024U

struct keyring {
    char url[512];   /* of the server, no slash at the end */
    char device[33]; /* hex */
    EVP_PKEY *encryption, *signing;
};

enum keyring_kind { KEYRING_P256, KEYRING_RSA };

/* keyring_make - fresh keys (RSA: 3072 bits, for encryption only; signing is P-256).
 * personalization: the MSISDN's digits, or the notice's token when the number is not
 * known. */
int keyring_make(struct keyring *ring, enum keyring_kind kind,
                 struct span personalization, struct err *e);
/* keyring_make_in - the same with the private random generator of lib, which is
 * instantiated anew. */
int keyring_make_in(OSSL_LIB_CTX *lib, struct keyring *ring, enum keyring_kind kind,
                    struct span personalization, struct err *e);

/* keyring_prepare - makes DIR (0700) when it is missing; -1 when no key file could be
 * written there. */
int keyring_prepare(const char *dir, struct err *e);
/* keyring_save - writes DIR/handset.json (0600) by rename. The keys in it are PKCS #8,
 * under the passphrase (scrypt, AES-256) unless that is empty. */
int keyring_save(const struct keyring *ring, const char *dir, struct span passphrase,
                 struct err *e);
/* keyring_load - ERR_PERM when there is none, when others may read it or own it, when
 * it is damaged, or the passphrase is wrong or missing. */
int keyring_load(struct keyring *ring, const char *dir, struct span passphrase,
                 struct err *e);
void keyring_clear(struct keyring *ring);

/* keyring_passphrase - the first line of a file, appended to out; wipe it. A file that
 * others may read is refused; a pipe is taken. */
int keyring_passphrase(const char *path, struct buf *out, struct err *e);

#endif
