/* SPDX-License-Identifier: ISC */
/* utf8.h - UTF-8, one character at a time, strictly. */
#ifndef RELAY_UTF8_H
#define RELAY_UTF8_H

#include "relay/span.h"

/* take_utf8 - 1: taken, *out is the character; 0: nothing left; -1: not UTF-8 (cut,
 * overlong, a surrogate, beyond U+10FFFF), cursor unmoved, c->why set.
 * Source: RFC 3629 4. */
int take_utf8(struct cur *c, uint32_t *out);

#endif
