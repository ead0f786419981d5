/* SPDX-License-Identifier: ISC */
/* manifest.h - the JSON that is sealed: what a handset shows of a message. */
#ifndef RELAY_MANIFEST_H
#define RELAY_MANIFEST_H

#include "relay/err.h"
#include "relay/mime.h"
#include "relay/span.h"
#include "relay/stream.h"
#include <stdint.h>

struct manifest_part { /* beside the mime_part of the same index */
    uint8_t key[STREAM_KEY];
    uint8_t sha256[32];
};

struct manifest {
    const uint8_t *message_id;   /* 16 */
    const uint8_t *conversation; /* 16 */
    const char *brand,
        *address;             /* who sent it, as the account's owner wants it shown */
    const char *color, *logo; /* "#0a7d5c", a path; NULL: none */
    const char *language;
    uint64_t date_s;
    const struct mime_mail *mail;
    const struct manifest_part *parts; /* mail->part_count of them */
};

/* manifest_write - appends the JSON to out (wipe it). ERR_TEMP out of memory, ERR_PERM
 * 5.3.4 too long to be sealed. Members: the handset API's description (openapi.yaml).
 */
int manifest_write(const struct manifest *m, struct buf *out, struct err *e);

#endif
