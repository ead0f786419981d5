/* SPDX-License-Identifier: ISC */
/* auth_form.h - the stored forms of passwords and tokens, taken apart. What needs no
 * thread: for auth.c; the configuration checks its secrets with auth_check_stored. */
#ifndef RELAY_AUTH_FORM_H
#define RELAY_AUTH_FORM_H

#include "relay/err.h"
#include "relay/span.h"

#define AUTH_SALT_BYTES 16U
#define AUTH_HASH_BYTES 32U

struct auth_form {
    enum auth_scheme { AUTH_PLAIN, AUTH_SHA256, AUTH_SCRYPT } scheme;
    struct span plain;             /* borrowed from the stored text */
    unsigned ln, r, p;             /* RFC 7914: N is 2^ln */
    uint8_t salt[AUTH_SALT_BYTES]; /* of {scrypt} */
    uint8_t hash[AUTH_HASH_BYTES]; /* of {scrypt}, {sha256} */
};

/* auth_form_parse - {plain}TEXT, {sha256}HEX,
 * {scrypt}ln=10..20,r=1..16,p=1..4$SALT$HASH (base64url). 0, or -1 with what is
 * allowed, never with the text. */
int auth_form_parse(const char *stored, struct auth_form *out, struct err *e);

/* auth_form_check - 1: it is the secret. 0: it is not. -1: no memory to find out.
 * {scrypt} takes 128 * r * 2^ln bytes and its time. Compares in constant time. */
int auth_form_check(const struct auth_form *f, struct span secret);

#endif
