/* SPDX-License-Identifier: ISC */
/* device_body.h - what the bodies of a device's calls say.
 *
 * A device signs its body as it is, so the keeper reads it itself; front looks at it
 * before, to refuse with a word of why. Source: templates/handset/openapi.yaml. */
#ifndef RELAY_DEVICE_BODY_H
#define RELAY_DEVICE_BODY_H

#include "relay/err.h"
#include "relay/span.h"
#include <jansson.h>

#define DEVICE_LABEL_ROOM 64U

/* device_label_of - the member "label": at most 60 bytes of UTF-8 without control
 * characters; "" when it is absent. 0, or -1 with *e ERR_PERM "bad-request". */
int device_label_of(const json_t *j, char out[DEVICE_LABEL_ROOM], struct err *e);
/* device_take_label - {"label"}, which must be there. */
int device_take_label(struct span body, char out[DEVICE_LABEL_ROOM], struct err *e);

#endif
