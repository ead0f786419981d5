/* SPDX-License-Identifier: ISC */
/* show.h - a message as a person sees it on a terminal. */
#ifndef HANDSET_SHOW_H
#define HANDSET_SHOW_H

#include "relay/span.h"
#include <jansson.h>
#include <stdio.h>

/* show_text - writes UTF-8 text without what could fool a terminal or a reader: control
 * characters (but newline and tab when lines is true) and direction overrides become
 * "?". */
void show_text(FILE *out, struct span text, bool lines);
/* show_line - one line of the list: id, date, state, sender, subject. manifest NULL: it
 * could not be opened. */
void show_line(FILE *out, const char *id, bool read, const json_t *manifest);
/* show_head - From, Subject, Date and the parts, a line each. */
void show_head(FILE *out, const json_t *manifest);

#endif
