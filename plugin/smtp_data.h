/* SPDX-License-Identifier: ISC */
/* smtp_data.h - the bytes behind DATA, up to CRLF.CRLF and nothing else.
 *
 * Fed in pieces of any size. The stuffed dot is taken off, lines keep their CRLF. */
#ifndef PLUGIN_SMTP_DATA_H
#define PLUGIN_SMTP_DATA_H

#include "relay/span.h"

#define SMTP_TEXT_LINE_MAX 1000U /* with its CRLF: RFC 5321 4.5.3.1.6 */

enum smtp_data_fault {
    SMTP_DATA_FINE,
    SMTP_DATA_LINE_ENDS, /* bare CR, bare LF or NUL: where it ends is in doubt */
    SMTP_DATA_LONG_LINE,
    SMTP_DATA_TOO_BIG,
    SMTP_DATA_NO_ROOM, /* out of memory, or the caller said so */
    SMTP_DATA_FAULT_COUNT
};

struct smtp_data {
    struct buf body;            /* clear text: smtp_data_clear wipes it */
    enum smtp_data_fault fault; /* the first one; from then on nothing is kept */
    size_t line_bytes;          /* of the current line, without a stuffed dot */
    enum smtp_data_at {
        SMTP_DATA_START, /* of a line */
        SMTP_DATA_DOT,   /* behind a dot that began a line */
        SMTP_DATA_DOT_CR,
        SMTP_DATA_TEXT,
        SMTP_DATA_TEXT_CR,
        SMTP_DATA_AT_COUNT
    } at;
};

/* smtp_data_start - for a message of at most max bytes. */
void smtp_data_start(struct smtp_data *d, size_t max);
void smtp_data_clear(struct smtp_data *d);
/* smtp_data_feed - *used_out bytes of in were taken.
 *  1: the end was seen (*used_out stands behind it); look at d->fault.
 *  0: all of in was taken, more is to come.
 * -1: line ends are broken (d->fault): nothing from this peer is to be trusted now. */
int smtp_data_feed(struct smtp_data *d, struct span in, size_t *used_out);
/* smtp_data_discard - keep nothing of this message, read on to its end. */
void smtp_data_discard(struct smtp_data *d, enum smtp_data_fault why);

#endif
