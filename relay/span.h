/* SPDX-License-Identifier: ISC */
/* span.h - borrowed spans, bounded buffers, parsing cursors.
 *
 * struct span  borrowed bytes, no NUL at the end.
 * struct buf   owned bytes, capped where it is born; its error is sticky, so a writer
 *              appends freely and asks buf_ok once at the end. A pointer into a buffer
 *              dies at the next append.
 * struct cur   a cursor for parsers that pull. Every take_ function answers 1 (taken),
 *              0 (not here, cursor unmoved) or -1 (bad, c->why says so). */
#ifndef RELAY_SPAN_H
#define RELAY_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *p;
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){ p, n };
}

/* span_str - the span of a NUL-terminated string, without the NUL. */
static inline struct span span_str(const char *s)
{
    return (struct span){ s, strlen(s) };
}

/* span_eq - same bytes; not constant time: never for secrets. */
bool span_eq(struct span a, struct span b);
bool span_eq_str(struct span a, const char *s);
/* span_ieq_str - the same without regard to ASCII case. */
bool span_ieq_str(struct span a, const char *s);

/* span_copy - copies into to[room] with a NUL. false (to is "") when it does not fit or
 * holds a NUL: a truncated value is never used. */
bool span_copy(char *to, size_t room, struct span s);

struct buf {
    char *p;
    size_t n, room, max;
    bool failed; /* too long or out of memory; sticky */
};

/* buf_init - an empty buffer that will never hold more than max bytes. */
void buf_init(struct buf *b, size_t max);
/* buf_clear - frees; the buffer is empty and usable again, its cap kept. */
void buf_clear(struct buf *b);
/* buf_wipe - buf_clear after overwriting what it held. (Growth wipes as well.) */
void buf_wipe(struct buf *b);
void buf_put(struct buf *b, const char *s);
void buf_put_span(struct buf *b, struct span s);
void buf_put_mem(struct buf *b, const void *p, size_t n);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_be16(struct buf *b, uint16_t v);
void buf_put_be32(struct buf *b, uint32_t v);
void buf_put_be64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* buf_room - n uninitialised bytes to be written by the caller, already counted;
 * NULL (and failed) when they do not fit. */
char *buf_room(struct buf *b, size_t n);
static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}
static inline struct span buf_span(const struct buf *b)
{
    return (struct span){ b->p, b->n };
}
/* buf_cstr - the content with a NUL behind it (not counted); "" when failed. */
const char *buf_cstr(struct buf *b);

struct cur {
    const char *p, *end, *why;
};

static inline struct cur cur_of(struct span s)
{
    return (struct cur){ s.p, s.p + s.n, NULL };
}
static inline size_t cur_left(const struct cur *c)
{
    return (size_t)(c->end - c->p);
}
static inline bool cur_done(const struct cur *c)
{
    return c->p == c->end;
}
/* cur_byte - takes the byte if it is the next one. */
bool cur_byte(struct cur *c, char byte);
/* cur_word - takes the ASCII word, without regard to case, if it is next. */
bool cur_word(struct cur *c, const char *word);
/* cur_back - puts the cursor back; returns 0. */
int cur_back(struct cur *c, const char *start);
/* cur_fail - says why (a static string); returns -1. */
int cur_fail(struct cur *c, const char *why);
/* Binary fields, big-endian; false (cursor unmoved) when too few bytes are left. */
bool cur_u8(struct cur *c, uint8_t *out);
bool cur_be16(struct cur *c, uint16_t *out);
bool cur_be32(struct cur *c, uint32_t *out);
bool cur_be64(struct cur *c, uint64_t *out);
bool cur_mem(struct cur *c, void *out, size_t n);
bool cur_span(struct cur *c, size_t n, struct span *out);

static inline bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

#endif
