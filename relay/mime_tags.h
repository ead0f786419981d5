/* SPDX-License-Identifier: ISC */
/* mime_tags.h - HTML as a row of texts and tags, in time linear to its length.
 *
 * Not libxml2: it compares each attribute of a tag with all others, and half a
 * megabyte of them takes it 8 seconds. Nothing here allocates but html_put_value. */
#ifndef RELAY_MIME_TAGS_H
#define RELAY_MIME_TAGS_H

#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

#define HTML_NAME_MAX 11U /* "blockquote", and one that shows that it is longer */

struct html_tag {
    char name[HTML_NAME_MAX + 1]; /* lower case; "" when it is longer */
    bool end;                     /* "</name>" */
    bool hidden;                  /* has that attribute */
    struct span href, alt, style; /* as they stand, references and all */
};

enum html_what { HTML_END, HTML_TEXT, HTML_TAG };

struct html_cur {
    struct cur c;
    char letter[4]; /* the character that a reference names */
    bool only_text; /* no ">" is left */
};

void html_start(struct html_cur *h, struct span utf8);
/* html_take - the next text (a piece, or one character; valid until the next call) or
 * tag. Comments, doctypes and the insides of script, style, title and the like are
 * passed over. */
enum html_what html_take(struct html_cur *h, struct span *text, struct html_tag *tag);

/* html_put_value - an attribute's value with its references resolved. */
void html_put_value(struct buf *out, struct span value);

/* html_entity - mime_entity.c: the character that HTML 4 names so, 0 none. */
uint32_t html_entity(struct span name);

#endif
