/* SPDX-License-Identifier: ISC */
/* escape.h - Kannel's escape codes in a URL (%a %p %d ...), for dlr-url and reply-url.
 *
 * Pure: no socket, no clock. What a code stands for is URL-encoded into the result, as
 * smsbox does it. Source: Kannel userguide, "Parameters (Escape Codes)"; smsbox 1.4.5
 * as measured. */
#ifndef RELAY_ESCAPE_H
#define RELAY_ESCAPE_H

#include "relay/span.h"

/* Everything borrowed; n == 0: empty. */
struct escape_values {
    struct span text;       /* %a %A %b %k %s %r %S: of the reply or the DLR, UTF-8 */
    struct span from;       /* %p %q: the phone, "+61412345678" */
    struct span to;         /* %P %Q: our number */
    struct span smsc;       /* %i */
    struct span id;         /* %I */
    struct span foreign_id; /* %F */
    struct span service;    /* %n: the account's username */
    struct span account;    /* %o: the request's account= */
    struct span charset;    /* %C */
    struct span meta_data;  /* %D */
    struct span binfo;      /* %B */
    struct span dlr_url;    /* %R */
    uint64_t time_s;        /* %t %T */
    uint32_t event;         /* %d */
    int32_t coding;         /* %c; -1: not set */
    int32_t mclass;         /* %m */
};

/* escape_url - appends pattern with its codes replaced; a code that is not known stays
 * as it is. The buffer's cap bounds the result. */
void escape_url(struct span pattern, const struct escape_values *v, struct buf *out);

#endif
