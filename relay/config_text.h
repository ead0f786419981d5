/* SPDX-License-Identifier: ISC */
/* config_text.h - what libconfuse must not see. */
#ifndef RELAY_CONFIG_TEXT_H
#define RELAY_CONFIG_TEXT_H

#include "relay/err.h"
#include <stddef.h>

/* config_text_clean - blanks the comments out of text (n bytes and a NUL behind them,
 * changed in place, lines kept), and refuses what libconfuse takes silently or takes
 * for something else. path is named in errors. 0, or -1 with "FILE:LINE: what is
 * wrong, what is allowed". */
int config_text_clean(char *text, size_t n, const char *path, struct err *e);

#endif
