/* SPDX-License-Identifier: ISC */
/* http_pairs.c - the pairs of a query or a form, decoded as Kannel's smsbox does it.
 * Here:       escapes and pairs.
 * Elsewhere:  where a request's query and body are (http.c), what the names mean
 *             (doors).
 * Called by:  http.c, plugin/sendsms_request.c.
 * Source:     smsbox 1.4.5 as measured: tests/scenario/sendsms-like-kannel.sh. */
#include "relay/http_pairs.h"
#include <stdlib.h>

int http_hex_value(char ch)
{
    if (is_digit(ch))
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return -1;
}

size_t http_url_decode(struct span encoded, char *to, bool *sound)
{
    struct cur c = cur_of(encoded);
    bool good = true;
    size_t n = 0;

    while (!cur_done(&c)) {
        int high, low;

        if (*c.p != '%') {
            to[n++] = *c.p == '+' ? ' ' : *c.p;
            c.p++;
            continue;
        }
        if (cur_left(&c) < 3) {
            good = false;
            break;
        }
        high = http_hex_value(c.p[1]);
        low = http_hex_value(c.p[2]);
        if (high >= 0 && low >= 0) {
            to[n++] = (char)(high * 16 + low);
        } else {
            good = false;
            memmove(to + n, c.p, 3);
            n += 3;
        }
        c.p += 3;
    }
    if (sound != NULL)
        *sound = good;
    return n;
}

/* The bytes up to the next stop, which is skipped. */
static struct span take_until(struct cur *c, char stop)
{
    const char *const start = c->p;
    const char *const at = cur_done(c) ? NULL : memchr(start, stop, cur_left(c));

    c->p = at != NULL ? at + 1 : c->end;
    return span_of(start, (size_t)((at != NULL ? at : c->end) - start));
}

static struct span decode(struct span encoded, char **to)
{
    const size_t n = http_url_decode(encoded, *to, NULL);
    const struct span decoded = span_of(*to, n);

    *to += n;
    return decoded;
}

static size_t count_pairs(struct span encoded)
{
    size_t n = 1;

    for (size_t i = 0; i < encoded.n && n < HTTP_PAIRS_MAX; i++)
        n += encoded.p[i] == '&';
    return n;
}

int http_pairs_take(struct http_pairs *p, struct span encoded)
{
    struct cur c = cur_of(encoded);
    char *to;

    *p = (struct http_pairs){ 0 };
    if (encoded.n == 0)
        return 0;
    p->pair = calloc(count_pairs(encoded), sizeof *p->pair);
    p->bytes = to = malloc(encoded.n);
    if (p->pair == NULL || to == NULL) {
        http_pairs_clear(p);
        return -1;
    }
    while (!cur_done(&c) && p->n < HTTP_PAIRS_MAX) {
        struct cur one = cur_of(take_until(&c, '&'));

        if (cur_done(&one))
            continue;
        p->pair[p->n].name = decode(take_until(&one, '='), &to);
        p->pair[p->n++].value = decode(span_of(one.p, cur_left(&one)), &to);
    }
    return 0;
}

void http_pairs_clear(struct http_pairs *p)
{
    if (p->bytes != NULL && p->n > 0) {
        const struct http_pair *const last = &p->pair[p->n - 1];

        explicit_bzero(p->bytes, (size_t)(last->value.p + last->value.n - p->bytes));
    }
    free(p->bytes);
    free(p->pair);
    *p = (struct http_pairs){ 0 };
}
