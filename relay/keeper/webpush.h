/* SPDX-License-Identifier: ISC */
/* webpush.h - the sealed body of a push (RFC 8291, in the coding of RFC 8188). */
#ifndef RELAY_WEBPUSH_H
#define RELAY_WEBPUSH_H

#include "relay/jwe.h"
#include <stdbool.h>
#include <stdint.h>

#define WEBPUSH_AUTH 16U
#define WEBPUSH_SALT 16U
/* What a record holds behind the header: no more than services must take. */
#define WEBPUSH_PLAIN_MAX 3992U

struct webpush_to { /* of the subscription */
    uint8_t p256dh[JWE_POINT_BYTES], auth[WEBPUSH_AUTH];
};

/* webpush_seal - one record, appended to out, that only the subscription's browser
 * opens. false: p256dh is no point of the curve, plain is too long, or no memory. */
bool webpush_seal(const struct webpush_to *to, struct span plain, struct buf *out);

/* webpush_seal_with - the same with this ephemeral pair and salt, for the vectors of
 * the RFC: they must be used only once. */
bool webpush_seal_with(const struct webpush_to *to, EVP_PKEY *ephemeral,
                       const uint8_t salt[WEBPUSH_SALT], struct span plain,
                       struct buf *out);

#endif
