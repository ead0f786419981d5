/* SPDX-License-Identifier: ISC */
/* handset_coding.h - content codings: what a file is compressed to, once, and what a
 * browser takes. */
#ifndef PLUGIN_HANDSET_CODING_H
#define PLUGIN_HANDSET_CODING_H

#include "relay/relay.h"

/* In the order of preference, the best last: on the page's files br is 15 % smaller. */
enum handset_coding { CODING_IDENTITY, CODING_GZIP, CODING_BR, CODING_COUNT };

const char *handset_coding_name(enum handset_coding c); /* "gzip", as in headers */
/* handset_compress - body in that coding; out (the caller's, empty) stays empty when
 * that is no smaller. 0, or -1 with *e. */
int handset_compress(enum handset_coding c, struct span body, struct buf *out,
                     struct err *e);
/* handset_takes - of an Accept-Encoding header (NULL: none): is the coding welcome? */
bool handset_takes(const char *accept, enum handset_coding c);

#endif
