/* SPDX-License-Identifier: ISC */
/* escape.h - Kannel's escape codes in a URL (%a %p %d ...), for dlr-url and reply-url.
 *
 * Pure: no socket, no clock. What a code stands for is URL-encoded into the result, as
 * smsbox does it. Source: Kannel userguide, "Parameters (Escape Codes)"; smsbox 1.4.5
 * as measured. */
#ifndef RELAY_ESCAPE_H
#define RELAY_ESCAPE_H

#include "relay/span.h"

/* Everything borrowed; n == 0: empty. What no MO or DLR brings has no field: %u %f %v
 * %V are empty and %M is -1, as smsbox writes what is not set. */
struct escape_values {
    struct span text; /* %a %A %b %e %k %s %r %S: of the reply or the DLR, UTF-8 */
    struct span from; /* %p %q: the phone, "+61412345678" */
    struct span to;   /* %P %Q: our number */
    struct span smsc; /* %i */
    struct span id;   /* %I */
    struct span foreign_id; /* %F */
    struct span service;    /* %n: the account's username */
    struct span account;    /* %o: the request's account= */
    struct span charset;    /* %C; empty: what coding says */
    struct span meta_data;  /* %D, %#group#name#: "?group?name=value&..." */
    struct span binfo;      /* %B */
    struct span dlr_url;    /* %R */
    uint64_t time_s;        /* %t %T */
    uint32_t event;         /* %d */
    int32_t coding;         /* %c %O; -1: not set */
    int32_t mclass;         /* %m %O; -1: not set */
};

/* escape_url - appends pattern with its codes replaced; a code that is not known stays
 * as it is. The buffer's cap bounds the result and the work.
 *
 * A "word" is what blanks (isspace of the C locale) separate. %k is the first; %s and
 * %S take one of those behind it each, %r is what they left. Encoded is every byte but
 * A-Z a-z 0-9 - _ . ! ~ * ' ( ), a blank as "+". %S alone is not encoded ("*" becomes
 * "~"), so the handset writes that piece of the URL: only bytes that no URL holds are.
 */
void escape_url(struct span pattern, const struct escape_values *v, struct buf *out);

#endif
