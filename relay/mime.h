/* SPDX-License-Identifier: ISC */
/* mime.h - an RFC 5322 message taken apart for a handset.
 *
 * Bounded before GMime sees it (facts: it bounds depth, not counts): header block and
 * lines, boundary-like lines, size; after it: depth 20, parts 100, text 256 KiB. What a
 * mail client would show is never lost silently: when the structure is broken or the
 * text was cut, the whole original is kept as one more part "original.eml". */
#ifndef RELAY_MIME_H
#define RELAY_MIME_H

#include "relay/err.h"
#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

#define MIME_PARTS_MAX 100U
#define MIME_TEXT_MAX (256U << 10)
#define MIME_SUBJECT_MAX 1000U
#define MIME_NAME_MAX 255U
#define MIME_TYPE_MAX 127U
#define MIME_HEADERS_MAX (100U << 10)
#define MIME_HEADER_LINES_MAX 1000U
#define MIME_RECEIVED_MAX 25U

struct mime_part {
    char type[MIME_TYPE_MAX + 1]; /* "image/png", lower case, always well formed */
    char name[MIME_NAME_MAX + 1]; /* UTF-8, no path, no control characters; "" none */
    struct buf body;              /* decoded; owned */
};

struct calendar_event;

struct mime_mail {
    char subject[MIME_SUBJECT_MAX + 1]; /* UTF-8, one line */
    char mail_id[256];     /* Message-ID with brackets when it is clean, or "" */
    char references[2048]; /* the last ten clean ids, blank-separated */
    uint64_t date_s;       /* of the Date header; 0: none or absurd */
    bool automatic;        /* Auto-Submitted other than "no" (RFC 3834), list
                              or bulk precedence, multipart/report */
    bool text_cut;
    struct buf text;         /* UTF-8, LF lines; owned */
    struct mime_part *parts; /* owned */
    size_t part_count;
    struct calendar_event *appointment; /* of the first text/calendar; owned; or NULL */
};

/* mime_start - once a process, before the sandbox: GMime, and the common iconv
 * converters kept open. */
void mime_start(void);

/* mime_check - the bounds that need no parser, and mail loops. 0, or -1:
 * ERR_PERM 5.6.0 too many headers/parts, 5.3.4 header block too large, 5.4.6 loop (more
 * than MIME_RECEIVED_MAX Received, or a header "X-Sealpost-Loop: loop_id"). */
int mime_check(struct span raw, const char *loop_id, struct err *e);

/* mime_parse - raw: CRLF lines (LF is taken too), checked by mime_check. text/plain is
 * preferred over HTML turned to text; charsets to UTF-8 (unknown: windows-1252; never
 * invalid UTF-8 out); attachments and other leaves as parts; text/calendar stays a
 * part, also where it is an appointment. *mail is filled and owned by the caller
 * (mime_clear) only on 0. Broken MIME is not an error: best text, original attached.
 * -1: ERR_TEMP out of memory, ERR_PERM 5.6.0 too deep. Does not block. */
int mime_parse(struct mime_mail *mail, struct span raw, struct err *e);
void mime_clear(struct mime_mail *mail); /* wipes text and parts */

/* mime_html_text - HTML to plain text: script, style, title skipped, line breaks at
 * block elements, "text (https://link)" for links whose text is not the link; linear in
 * the length of html; at most MIME_TEXT_MAX bytes out. */
int mime_html_text(struct span html, struct buf *out, struct err *e);

/* mime_strip_quote - for a mail that answers an alias: the length of text without the
 * quoted rest ("> " lines at the end, "On ... wrote:", "-----Original Message-----",
 * "-- " signature). Never 0 unless text is only a quote. */
size_t mime_strip_quote(struct span text);

#endif
