/* SPDX-License-Identifier: ISC */
/* mime_inner.h - what the mime files tell each other; for everybody else: mime.h. */
#ifndef RELAY_MIME_INNER_H
#define RELAY_MIME_INNER_H

#include "relay/err.h"
#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

#define MIME_DEPTH_MAX 20U
/* HTML that is read for one mail: its pictures may stand in it. */
#define MIME_HTML_MAX (4U << 20)

/* mime_lean - the mail without the headers that nobody here asks for, in out (as much
 * room as raw has), or raw itself. GMime makes five objects of each header, and reads
 * addresses as well: half of the time of a small mail. */
struct span mime_lean(struct span raw, char *out);

/* Text on its way to a reader: valid UTF-8, LF lines, no control characters but tab. */
struct mime_text {
    struct buf *buf; /* borrowed */
    size_t max;      /* bytes that buf may hold */
    bool cr;         /* the last byte was a CR: an LF belongs to it */
    bool cut;        /* something did not fit; nothing more is taken */
};

/* mime_text_start - opens the converters. */
void mime_text_start(void);
/* mime_text_put - UTF-8; what is not becomes U+FFFD. */
void mime_text_put(struct mime_text *t, struct span utf8);
/* mime_text_decode - charset: as the mail says, or NULL. */
void mime_text_decode(struct mime_text *t, struct span bytes, const char *charset);
/* mime_text_trim - blanks at the end dropped, but not below n bytes. */
void mime_text_trim(struct buf *b, size_t n);

/* mime_put_utf8 - the bytes of a character; returns how many. */
size_t mime_put_utf8(char out[4], uint32_t cp);

/* mime_line_set - one line for people: controls and bidirectional controls dropped,
 * blanks single. False: cut at room - 1 bytes, between characters. */
bool mime_line_set(char *to, size_t room, const char *utf8);
/* mime_name_set - a file name: a line without path; room is that of mime.h. */
void mime_name_set(char *to, const char *utf8);
/* mime_name_of_subject - "Subject.eml", where "/" is no path. */
void mime_name_of_subject(char *to, const char *utf8);

/* mime_take_id - the next clean Message-ID, "<...>" of at most 252 printable bytes;
 * other words are skipped. False: none left. */
bool mime_take_id(struct cur *c, struct span *id_out);

/* mime_html_put - clean UTF-8 HTML as text. -1: ERR_TEMP out of memory. */
int mime_html_put(struct mime_text *t, struct span utf8, struct err *e);

#endif
