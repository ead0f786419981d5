/* SPDX-License-Identifier: ISC */
/* http_pairs.h - the pairs of a query or of an application/x-www-form-urlencoded body.
 *
 * Read as Kannel's smsbox reads them: "&" between pairs, the first "=" ends a name, "+"
 * is a blank, "%00" a byte like any other, "%zz" stays as it is, and a "%" with fewer
 * than two bytes behind it ends the value. Pure: no socket, no library. */
#ifndef RELAY_HTTP_PAIRS_H
#define RELAY_HTTP_PAIRS_H

#include "relay/span.h"

#define HTTP_PAIRS_MAX 1024U /* what comes behind them is not read */

struct http_pair {
    struct span name, value; /* decoded; a missing "=" is an empty value */
};

struct http_pairs {
    struct http_pair *pair; /* in order, doubles too */
    size_t n;
    char *bytes; /* what they point into */
};

/* http_pairs_take - empty pairs ("&&") are skipped. -1: out of memory. */
int http_pairs_take(struct http_pairs *p, struct span encoded);
void http_pairs_clear(struct http_pairs *p); /* wipes: there are passwords in it */

/* http_url_decode - to has as much room as encoded is long, and may be encoded itself.
 * Returns how many bytes it wrote; *sound (or NULL): no escape was bad. */
size_t http_url_decode(struct span encoded, char *to, bool *sound);
int http_hex_value(char ch); /* -1: no hex digit */

#endif
