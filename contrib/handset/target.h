/* SPDX-License-Identifier: ISC */
/* target.h - what a person gives to register: a telephone number, or the link of an
 * SMS.
 */
#ifndef HANDSET_TARGET_H
#define HANDSET_TARGET_H

#include "relay/err.h"
#include "relay/span.h"

#define TARGET_URL_ROOM 512

struct target {
    char url[TARGET_URL_ROOM]; /* of the server, no slash at the end */
    char number[32];           /* digits, "+" before them when it was given; or "" */
    char token[17];            /* of a link, or "" */
};

/* target_take - text is NUMBER, as people write it, or LINK (https://HOST/m/TOKEN); url
 * is the server's, NULL when not given, and not looked at for a link. false with *e. */
bool target_take(const char *text, const char *url, struct target *out, struct err *e);
/* target_url - a server's address without the slashes at its end: https only, and
 * nothing that would need escaping where it is signed. */
bool target_url(struct span text, char out[TARGET_URL_ROOM]);
/* target_number - names the number that a link is for; false with *e. */
bool target_number(struct target *t, const char *number, struct err *e);
/* target_personalization - the number's digits, or the token; borrowed. */
struct span target_personalization(const struct target *t);

#endif
