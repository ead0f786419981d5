/* SPDX-License-Identifier: ISC */
/* show.h - what came over the network, as a person sees it on a terminal. */
#ifndef HANDSET_SHOW_H
#define HANDSET_SHOW_H

#include "relay/span.h"
#include <jansson.h>
#include <stdio.h>

/* show_text - writes UTF-8 text without what could fool a terminal or a reader: control
 * characters (but newline and tab when lines is true), direction overrides, separators
 * of lines and what is not UTF-8 become "?", one for each. */
void show_text(FILE *out, struct span text, bool lines);
/* show_line - one line of the list: id, date, state, sender, subject. manifest NULL: it
 * could not be opened. id is hex. */
void show_line(FILE *out, const char *id, bool read, const json_t *manifest);
/* show_head - From, Subject, Date and the parts, a line each. */
void show_head(FILE *out, const json_t *manifest);
/* show_appointment - what, when, where, a line each, in the time of this computer, then
 * an empty line; nothing when the manifest has none. */
void show_appointment(FILE *out, const json_t *manifest);
/* show_device - one line: id, type, when last seen, label, whether it is this one. */
void show_device(FILE *out, const json_t *device);

#endif
