/* SPDX-License-Identifier: ISC */
/* smtp_data.c - the bytes behind DATA.
 * Here:       the end of a message, dots, line ends, line length, size.
 * Elsewhere:  what the message says (relay/mime.c), memory of all sessions together
 *             (smtp_session.c).
 * Called by:  smtp_session.c.
 * Source:     RFC 5321 4.1.1.4, 4.5.2, 4.5.3.1.6; CVE-2023-51764 and its kin: a server
 *             that takes LF.LF or CR.CR for the end lets a sender smuggle a second
 *             mail through the servers before it. */
#include "plugin/smtp_data.h"

void smtp_data_start(struct smtp_data *d, size_t max)
{
    *d = (struct smtp_data){ .fault = SMTP_DATA_FINE, .at = SMTP_DATA_START };
    buf_init(&d->body, max);
}

void smtp_data_clear(struct smtp_data *d)
{
    buf_wipe(&d->body);
}

void smtp_data_discard(struct smtp_data *d, enum smtp_data_fault why)
{
    if (d->fault == SMTP_DATA_FINE)
        d->fault = why;
    buf_wipe(&d->body);
}

static int refuse(struct smtp_data *d)
{
    smtp_data_discard(d, SMTP_DATA_LINE_ENDS);
    d->fault = SMTP_DATA_LINE_ENDS;
    return -1;
}

static void keep(struct smtp_data *d, const char *p, size_t n)
{
    if (d->fault != SMTP_DATA_FINE)
        return;
    if (n > d->body.max - d->body.n) {
        smtp_data_discard(d, SMTP_DATA_TOO_BIG);
        return;
    }
    buf_put_mem(&d->body, p, n);
    if (!buf_ok(&d->body))
        smtp_data_discard(d, SMTP_DATA_NO_ROOM);
}

static int take_start(struct smtp_data *d, struct cur *c)
{
    d->line_bytes = 0;
    d->at = cur_byte(c, '.') ? SMTP_DATA_DOT : SMTP_DATA_TEXT;
    return 0;
}

/* A dot that does not end the message was put there by the client: it goes. */
static int take_dot(struct smtp_data *d, struct cur *c)
{
    d->at = cur_byte(c, '\r') ? SMTP_DATA_DOT_CR : SMTP_DATA_TEXT;
    return 0;
}

static int take_dot_cr(struct smtp_data *d, struct cur *c)
{
    return cur_byte(c, '\n') ? 1 : refuse(d);
}

/* To the next CR, or to the end of what is there. */
static int take_text(struct smtp_data *d, struct cur *c)
{
    const char *const start = c->p;
    const char *const lf = memchr(start, '\n', cur_left(c));
    const char *const stop = lf == NULL ? c->end : lf;
    const char *const cr = memchr(start, '\r', (size_t)(stop - start));
    const size_t n = (size_t)((cr == NULL ? stop : cr) - start);

    if (cr == NULL ? lf != NULL : cr + 1 != stop)
        return refuse(d);
    if (memchr(start, '\0', n) != NULL)
        return refuse(d);
    d->line_bytes += n;
    if (d->line_bytes > SMTP_TEXT_LINE_MAX - 2)
        smtp_data_discard(d, SMTP_DATA_LONG_LINE);
    keep(d, start, n);
    c->p = cr == NULL ? stop : cr + 1;
    d->at = cr == NULL ? SMTP_DATA_TEXT : SMTP_DATA_TEXT_CR;
    return 0;
}

static int take_text_lf(struct smtp_data *d, struct cur *c)
{
    if (!cur_byte(c, '\n'))
        return refuse(d);
    keep(d, "\r\n", 2);
    d->at = SMTP_DATA_START;
    return 0;
}

static int (*const steps[SMTP_DATA_AT_COUNT])(struct smtp_data *, struct cur *) = {
    [SMTP_DATA_START] = take_start,     [SMTP_DATA_DOT] = take_dot,
    [SMTP_DATA_DOT_CR] = take_dot_cr,   [SMTP_DATA_TEXT] = take_text,
    [SMTP_DATA_TEXT_CR] = take_text_lf,
};

int smtp_data_feed(struct smtp_data *d, struct span in, size_t *used_out)
{
    struct cur c = cur_of(in);
    int rc = 0;

    while (rc == 0 && !cur_done(&c))
        rc = steps[d->at](d, &c);
    *used_out = (size_t)(c.p - in.p);
    return rc;
}
