/* SPDX-License-Identifier: ISC */
/* json_body.h - the JSON object that a request's body is. */
#ifndef RELAY_JSON_BODY_H
#define RELAY_JSON_BODY_H

#include "relay/span.h"
#include <jansson.h>

/* json_body_take - the object, to be released (json_decref); NULL: the body is none,
 * has a member twice, or is nested deeper than anything that is asked for here. */
json_t *json_body_take(struct span body);

/* json_body_text - a member as a span, borrowed; n is 0 when it is absent, empty or no
 * string. */
struct span json_body_text(const json_t *j, const char *name);

#endif
