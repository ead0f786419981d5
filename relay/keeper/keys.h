/* SPDX-License-Identifier: ISC */
/* keys.h - the server's secret keys, on disk under `keys`, never in the store.
 *
 * DIR/master.key   the master key: 32 random bytes, wrapped (AES-256-KW) by a key that
 *                  scrypt (N 2^15, r 8, p 1) makes of the passphrase file's content;
 *                  text lines: "sealpost-master-1", scrypt parameters, salt, wrapped
 * key. DIR/epoch-YYYYMMDD.key  an epoch's private scalar (32 bytes) wrapped by a key
 * derived from the master key (HKDF "epoch"), and its public point beside it. The store
 * key is HKDF(master key, "store"). Files are 0600, the directory 0700; every file is
 * written under another name, synced, renamed, and the directory synced, before its key
 * is used. Secrets lie in OPENSSL_secure_malloc memory. Blocks on the disk. For keeper
 * only. Source: DESIGN 5.2. */
#ifndef RELAY_KEYS_H
#define RELAY_KEYS_H

#include "relay/err.h"
#include "relay/jwe.h"
#include <stdint.h>

struct keys;

/* keys_open - makes DIR and a master key on the very first start (DIR empty); later a
 * missing master.key beside epoch files is an error, never a new key. ERR_PERM: wrong
 * passphrase, passphrase file empty or readable by others (mode & 077, unless it is
 * owned by root and we are not root), damaged file. */
int keys_open(struct keys **out, const char *dir, const char *passphrase_file,
              struct err *e);
void keys_close(struct keys *k);
void keys_store_key(const struct keys *k, uint8_t out[32]);
/* keys_derive - HKDF(master key, label), for a secret that comes back with the master
 * key; wipe it. false: no memory. */
bool keys_derive(const struct keys *k, const char *label, uint8_t out[32]);

/* keys_epoch_make - the epoch of that day (yyyymmdd, UTC): read or made. */
int keys_epoch_make(struct keys *k, uint32_t day, struct err *e);
/* keys_epoch_public - fills *out (a reference; jwe_key_clear). ERR_PERM: no such epoch.
 */
int keys_epoch_public(struct keys *k, uint32_t day, struct jwe_key *out, struct err *e);
/* keys_epoch_private - borrowed until the epoch is destroyed; NULL: no such epoch. */
EVP_PKEY *keys_epoch_private(struct keys *k, uint32_t day);
/* keys_epoch_kid - the thumbprint of its public key; false: no such epoch. */
bool keys_epoch_kid(struct keys *k, uint32_t day, uint8_t kid[JWE_KID_BYTES]);
/* keys_epoch_by_kid - the day whose public key has this thumbprint; 0: none. */
uint32_t keys_epoch_by_kid(struct keys *k, const uint8_t kid[JWE_KID_BYTES]);
/* keys_epoch_destroy - overwrite, sync, unlink, sync the directory, wipe from memory.
 */
int keys_epoch_destroy(struct keys *k, uint32_t day, struct err *e);
/* keys_epoch_list - ascending days, at most max; returns how many there are. */
size_t keys_epoch_list(struct keys *k, uint32_t *days, size_t max);

/* keys_day - yyyymmdd in UTC of a time. */
uint32_t keys_day(uint64_t now_s);

#endif
