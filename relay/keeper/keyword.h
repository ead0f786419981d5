/* SPDX-License-Identifier: ISC */
/* keyword.h - is an SMS one of the words that ask for something, and nothing else? */
#ifndef RELAY_KEYWORD_H
#define RELAY_KEYWORD_H

#include "relay/config.h"

enum keyword {
    KEYWORD_NONE,
    KEYWORD_STOP,
    KEYWORD_START,
    KEYWORD_HELP,
    KEYWORD_WRONG /* "this is not my number" */
};

/* keyword_read - which of the configured words the whole text is. Case does not matter
 * in any script (Unicode's folding and NFKC), nor do blanks, invisible marks (the
 * direction of a script), and full stops and exclamation marks at the end. *all_out:
 * one of all-words stands behind it, with a blank between them or without. Text of more
 * than 200 bytes, or that is not UTF-8, is KEYWORD_NONE. Pure: no store, no log; what
 * it copies it wipes. */
enum keyword keyword_read(const struct config *c, struct span text, bool *all_out);

#endif
