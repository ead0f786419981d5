/* SPDX-License-Identifier: ISC */
/* span.c - spans, capped buffers and cursors.
 * Here:       bytes in memory.
 * Elsewhere:  what the bytes mean (each parser), text encodings (encode.c).
 * Called by:  every room above bdb/. */
#include "relay/span.h"
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_eq_str(struct span a, const char *s)
{
    return span_eq(a, span_str(s));
}

bool span_ieq_str(struct span a, const char *s)
{
    return a.n == strlen(s) && strncasecmp(a.p, s, a.n) == 0;
}

bool span_copy(char *to, size_t room, struct span s)
{
    to[0] = '\0';
    if (s.n >= room || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
        return false;
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return true;
}

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_clear(struct buf *b)
{
    free(b->p);
    buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
    if (b->p != NULL)
        OPENSSL_cleanse(b->p, b->room);
    buf_clear(b);
}

/* Room for n more and a NUL. Moves by copy and wipe, not realloc, so that no stale copy
 * of a secret stays behind in the heap. */
static bool grow(struct buf *b, size_t n)
{
    size_t want, room;
    char *p;

    if (b->failed || n > b->max - b->n) {
        b->failed = true;
        return false;
    }
    want = b->n + n + 1;
    if (want <= b->room)
        return true;
    room = b->room < 64 ? 64 : b->room;
    while (room < want)
        room += room / 2;
    p = malloc(room);
    if (p == NULL) {
        b->failed = true;
        return false;
    }
    if (b->p != NULL) {
        memcpy(p, b->p, b->n);
        OPENSSL_cleanse(b->p, b->n);
        free(b->p);
    }
    b->p = p;
    b->room = room;
    return true;
}

char *buf_room(struct buf *b, size_t n)
{
    char *p;

    if (!grow(b, n))
        return NULL;
    p = b->p + b->n;
    b->n += n;
    return p;
}

void buf_put_mem(struct buf *b, const void *p, size_t n)
{
    char *to = buf_room(b, n);

    if (to != NULL && n > 0)
        memcpy(to, p, n);
}

void buf_put(struct buf *b, const char *s)
{
    buf_put_mem(b, s, strlen(s));
}

void buf_put_span(struct buf *b, struct span s)
{
    buf_put_mem(b, s.p, s.n);
}

void buf_put_u8(struct buf *b, uint8_t v)
{
    buf_put_mem(b, &v, 1);
}

static void put_be(struct buf *b, uint64_t v, unsigned bytes)
{
    uint8_t raw[8];

    for (unsigned i = 0; i < bytes; i++)
        raw[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    buf_put_mem(b, raw, bytes);
}

void buf_put_be16(struct buf *b, uint16_t v)
{
    put_be(b, v, 2);
}

void buf_put_be32(struct buf *b, uint32_t v)
{
    put_be(b, v, 4);
}

void buf_put_be64(struct buf *b, uint64_t v)
{
    put_be(b, v, 8);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    char *to;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    to = buf_room(b, (size_t)n);
    if (to == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(to, (size_t)n + 1, fmt, ap); /* grow keeps room for the NUL */
    va_end(ap);
}

const char *buf_cstr(struct buf *b)
{
    if (!grow(b, 0))
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

bool cur_byte(struct cur *c, char byte)
{
    if (c->p == c->end || *c->p != byte)
        return false;
    c->p++;
    return true;
}

bool cur_word(struct cur *c, const char *word)
{
    const size_t n = strlen(word);

    if (cur_left(c) < n || strncasecmp(c->p, word, n) != 0)
        return false;
    c->p += n;
    return true;
}

int cur_back(struct cur *c, const char *start)
{
    c->p = start;
    return 0;
}

int cur_fail(struct cur *c, const char *why)
{
    c->why = why;
    return -1;
}

bool cur_span(struct cur *c, size_t n, struct span *out)
{
    if (cur_left(c) < n)
        return false;
    *out = span_of(c->p, n);
    c->p += n;
    return true;
}

bool cur_mem(struct cur *c, void *out, size_t n)
{
    struct span s;

    if (!cur_span(c, n, &s))
        return false;
    if (n > 0)
        memcpy(out, s.p, n);
    return true;
}

static bool take_be(struct cur *c, unsigned bytes, uint64_t *out)
{
    uint8_t raw[8];

    if (!cur_mem(c, raw, bytes))
        return false;
    *out = 0;
    for (unsigned i = 0; i < bytes; i++)
        *out = *out << 8 | raw[i];
    return true;
}

bool cur_u8(struct cur *c, uint8_t *out)
{
    return cur_mem(c, out, 1);
}

bool cur_be16(struct cur *c, uint16_t *out)
{
    uint64_t v;

    if (!take_be(c, 2, &v))
        return false;
    *out = (uint16_t)v;
    return true;
}

bool cur_be32(struct cur *c, uint32_t *out)
{
    uint64_t v;

    if (!take_be(c, 4, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool cur_be64(struct cur *c, uint64_t *out)
{
    return take_be(c, 8, out);
}
