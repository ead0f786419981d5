/* SPDX-License-Identifier: ISC */
/* handset_coding.c - content codings of the page's files.
 * Here:       gzip and br, as small as they get; reading Accept-Encoding.
 * Elsewhere:  which files (handset_files.c), which answer (handset_pages.c).
 * Called by:  handset_files.c.
 * Source:     RFC 9110 8.4.1, 12.5.3; RFC 1952 (gzip); RFC 7932 (br). */
#include "plugin/handset_coding.h"
#include <brotli/encode.h>
#include <zlib.h>

#define GZIP_HEADER 16 /* beside the window bits: wrap in gzip, not in zlib */
#define MEM_LEVEL 9

static const char *const names[CODING_COUNT] = { "identity", "gzip", "br" };

const char *handset_coding_name(enum handset_coding c)
{
    return names[c];
}

/* gzip, br - into room of the body's size: how many bytes, 0 when they do not fit. */

/* The header has no time and no name in it: each front makes the same bytes. */
static size_t gzip(struct span body, char *room)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)body.p,
                   .avail_in = (uInt)body.n,
                   .next_out = (Bytef *)room,
                   .avail_out = (uInt)body.n };
    size_t n;

    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_HEADER,
                     MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    n = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
    (void)deflateEnd(&z);
    return n;
}

static size_t br(struct span body, char *room)
{
    size_t n = body.n;

    return BrotliEncoderCompress(BROTLI_MAX_QUALITY, BROTLI_DEFAULT_WINDOW,
                                 BROTLI_MODE_TEXT, body.n, (const uint8_t *)body.p, &n,
                                 (uint8_t *)room) == BROTLI_TRUE
               ? n
               : 0;
}

int handset_compress(enum handset_coding c, struct span body, struct buf *out,
                     struct err *e)
{
    char *room;
    size_t n;

    if (body.n == 0)
        return 0;
    buf_init(out, body.n);
    room = buf_room(out, body.n);
    if (room == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    n = c == CODING_GZIP ? gzip(body, room) : br(body, room);
    if (n > 0 && n < body.n)
        out->n = n;
    else
        buf_clear(out);
    return 0;
}

static void skip_blanks(struct cur *c)
{
    while (cur_byte(c, ' ') || cur_byte(c, '\t'))
        ;
}

static struct span take_until(struct cur *c, const char *ends)
{
    const char *const start = c->p;

    while (!cur_done(c) && strchr(ends, *c->p) == NULL)
        c->p++;
    return span_of(start, (size_t)(c->p - start));
}

/* weight = OWS ";" OWS "q=" qvalue; true unless it is 0. Another parameter, which no
 * coding has, does not make one unwelcome. */
static bool take_weight(struct cur *c)
{
    bool welcome = true;

    skip_blanks(c);
    while (cur_byte(c, ';')) {
        struct span value;

        skip_blanks(c);
        if (cur_word(c, "q=")) {
            value = take_until(c, " \t;,");
            welcome = false;
            for (size_t i = 0; i < value.n; i++)
                welcome = welcome || (value.p[i] >= '1' && value.p[i] <= '9');
        }
        (void)take_until(c, ";,");
    }
    return welcome;
}

/* RFC 9110 8.4.1.3: a recipient takes "x-gzip" for "gzip". */
static bool is_named(struct span coding, enum handset_coding c)
{
    return span_ieq_str(coding, names[c]) ||
           (c == CODING_GZIP && span_ieq_str(coding, "x-gzip"));
}

/* Accept-Encoding = #( codings [ weight ] ); what names it decides, else "*". */
bool handset_takes(const char *accept, enum handset_coding wanted)
{
    struct cur c = cur_of(span_str(accept == NULL ? "" : accept));
    bool any = false;

    while (!cur_done(&c)) {
        struct span coding;
        bool welcome;

        skip_blanks(&c);
        coding = take_until(&c, " \t;,");
        welcome = take_weight(&c);
        if (is_named(coding, wanted))
            return welcome;
        if (span_eq_str(coding, "*"))
            any = welcome;
        (void)take_until(&c, ",");
        (void)cur_byte(&c, ',');
    }
    return any;
}
