/* SPDX-License-Identifier: ISC */
/* compose.h - the mails that Sealpost writes: replies and reports.
 *
 * Built with GMime, so that no byte from outside reaches a header raw: names and
 * subjects are RFC 2047 encoded, CR, LF and NUL cannot pass, ids are used only when
 * they are clean (mime.h). Lines end in CRLF and are at most 998 bytes. Pure: no I/O.
 */
#ifndef RELAY_COMPOSE_H
#define RELAY_COMPOSE_H

#include "relay/err.h"
#include "relay/span.h"
#include <stdint.h>

struct compose_mail {
    const char *from_name; /* UTF-8, "+61 4•• ••• 678", or the operator's name */
    const char *from;      /* address */
    const char *to;        /* address */
    const char *subject;     /* UTF-8, as it shall stand */
    const char *mail_id;     /* ours, with brackets */
    const char *in_reply_to; /* with brackets, or "" */
    const char *references;  /* blank-separated, or "" */
    const char *loop_id;     /* for X-Sealpost-Loop */
    uint64_t date_s;
    struct span text; /* UTF-8, LF or CRLF lines */
};

/* compose_reply - what a person wrote at the handset: no Auto-Submitted header. Appends
 * the whole message to out. 0, or -1 ERR_PERM 5.6.0 (an address that is none). */
int compose_reply(const struct compose_mail *mail, struct buf *out, struct err *e);

/* compose_report - multipart/report (RFC 3464), Auto-Submitted: auto-replied: text for
 * a receptionist, then message/delivery-status, then the original's Message-ID as
 * text/rfc822-headers. */
struct compose_status {
    const char *reporting_mta;   /* host name */
    const char *final_recipient; /* masked or full address, as the sender wrote it */
    const char *action;          /* "failed", "delayed", "delivered", "relayed" */
    const char *status;          /* "5.4.7" */
    uint64_t arrived_s;
};
int compose_report(const struct compose_mail *mail, const struct compose_status *status,
                   struct buf *out, struct err *e);

#endif
