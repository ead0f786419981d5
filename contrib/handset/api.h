/* SPDX-License-Identifier: ISC */
/* api.h - calls of the handset API over HTTPS. */
#ifndef HANDSET_API_H
#define HANDSET_API_H

#include "contrib/handset/keyring.h"
#include "relay/span.h"
#include <jansson.h>
#include <stdbool.h>

struct api {
    const char *url;            /* borrowed, no slash at the end */
    const struct keyring *ring; /* for device calls; NULL: none */
    char nonce[64];             /* the server's newest */
};

#define API_WHY_ROOM 256

struct api_reply {
    long status;            /* HTTP; 0: no answer came */
    struct buf body;        /* owned; api_reply_clear */
    char why[API_WHY_ROOM]; /* when status is 0 or a problem: a line for a person, as
                               the server worded it: not yet fit for a terminal */
    char problem[64];       /* the problem's type without "urn:sealpost:", or "" */
    long tries_left;        /* of otp-mismatch, or -1 */
};

/* api_call - blocks until the answer: gives up when nothing moves for 30 s, and after
 * 15 minutes. A device call (ring set, path below
 * messages or devices) carries a proof and is repeated once when its nonce was old. */
void api_call(struct api *api, const char *method, const char *path, struct span body,
              struct api_reply *reply);
void api_reply_clear(struct api_reply *reply);
/* api_exit - the exit status (sysexits.h) that fits the reply; 0 for 2xx. */
int api_exit(const struct api_reply *reply);

/* api_proof - a DPoP-shaped compact JWS appended to out (RFC 9449; claim "bh"). url and
 * nonce need no escaping (target.h; take_nonce). */
bool api_proof(const struct keyring *ring, const char *method, const char *url,
               const char *nonce, struct span body, struct buf *out);

#endif
