/* SPDX-License-Identifier: ISC */
/* auth.h - who an application is: passwords and tokens of the accounts.
 *
 * A password is kept as "{scrypt}ln=15,r=8,p=1$SALT$HASH" (base64url) or "{plain}...",
 * a token as "{sha256}HEX" or "{plain}...". scrypt takes 50 to 200 ms, so it runs on
 * worker threads, a few at once and a bounded queue; what it found right is remembered
 * as an HMAC under a key of this start, and is free from then on. Comparisons take
 * constant time; an unknown name costs as much as a wrong password. */
#ifndef RELAY_AUTH_H
#define RELAY_AUTH_H

#include "relay/err.h"
#include "relay/span.h"
#include <stdint.h>

struct auth;
struct config;
struct config_account;
struct event_base;

enum auth_verdict {
    AUTH_OK,
    AUTH_NO,
    AUTH_BUSY, /* too many unknown passwords at once: try again later */
    AUTH_LATER /* the answer comes by the callback */
};

/* auth_new - before the first request; config is borrowed. Starts its threads at the
 * first password that needs them. NULL with *e. */
struct auth *auth_new(struct event_base *base, const struct config *config,
                      struct err *e);
void auth_free(struct auth *a);

/* auth_password - who says so? AUTH_OK: *account is it. AUTH_LATER: answer is called
 * once from the loop, with AUTH_OK, AUTH_NO or AUTH_BUSY; *call names it for
 * auth_cancel. username and password are copied and wiped. */
typedef void auth_answer(void *ctx, enum auth_verdict verdict,
                         const struct config_account *account);
enum auth_verdict auth_password(struct auth *a, struct span username,
                                struct span password,
                                const struct config_account **account,
                                auth_answer *answer, void *ctx, uint64_t *call);
void auth_cancel(struct auth *a, uint64_t call);
/* auth_token - NULL: nobody's. Never waits: tokens are long and random. */
const struct config_account *auth_token(const struct auth *a, struct span token);

/* auth_check_password - is it the password of this stored form? Blocks for scrypt. */
bool auth_check_password(const char *stored, struct span password);
/* auth_hash_password - appends the {scrypt} form, with a new salt. */
int auth_hash_password(struct span password, struct buf *out, struct err *e);
/* auth_check_stored - may this form be in a configuration? 0, or -1 with what is wrong
 * (never with the secret). */
int auth_check_stored(const char *stored, struct err *e);

#endif
