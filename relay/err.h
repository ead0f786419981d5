/* SPDX-License-Identifier: ISC */
/* err.h - one failure, told to two readers: the peer (class, status) and the log
 * (text).
 *
 * Filled once where the facts are, wrapped on the way up, worded at the edge. Lower
 * layers neither log nor exit: they return. */
#ifndef RELAY_ERR_H
#define RELAY_ERR_H

enum err_class {
    ERR_TEMP, /* may work later: SMTP 4xx, HTTP 503, exit 75; a queue retries */
    ERR_PERM, /* never will: SMTP 5xx, HTTP 400, exit 65; the sender is told */
    ERR_BUG   /* ours: the peer reads it as ERR_TEMP, the log says bug */
};

struct err {
    enum err_class class;
    char status[12]; /* RFC 3463, "4.3.1": chooses the phrase that a peer reads */
    char text[256];  /* the whole story on one line, for the log only */
};

/* err_set - fill *e; the text is cut at its room (it is for people). Returns -1 always.
 */
int err_set(struct err *e, enum err_class class, const char *status, const char *fmt,
            ...) __attribute__((format(printf, 4, 5)));

/* err_wrap - put "fmt: " before the text that is there; class and status stay.
 * Returns -1 always. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
