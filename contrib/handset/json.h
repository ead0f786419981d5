/* SPDX-License-Identifier: ISC */
/* json.h - jansson, with what holds secrets overwritten before it is freed. */
#ifndef HANDSET_JSON_H
#define HANDSET_JSON_H

#include "relay/span.h"
#include <jansson.h>

/* json_start - from here on jansson's memory is wiped when it is freed: keys, passwords
 * and messages pass through it. Call once, before any other use of jansson. */
void json_start(void);

/* json_put - appends the text of j, which is released; j NULL fails out. Wipe out when
 * it holds secrets. */
void json_put(struct buf *out, json_t *j);

/* json_member - a string member, borrowed; empty when there is none. json_text - the
 * same as a string. */
struct span json_member(const json_t *j, const char *name);
const char *json_text(const json_t *j, const char *name);

#endif
