/* SPDX-License-Identifier: ISC */
/* mime_bounds.c - what a mail may cost, told before a parser pays for it.
 * Here:       header blocks, header lines, parts and nesting, counted; loops.
 * Elsewhere:  what the headers say (mime.c, GMime).
 * Called by:  the SMTP door after the final dot.
 * Source:     RFC 5322 2.1, RFC 2046 5.1, RFC 5321 6.3; GMime 3.2's gmime-parser.c: it
 *             bounds depth only, looks at every open boundary for each line that begins
 *             with "--", and compares all parameters of a header with each other.
 *
 * The scan never sees fewer parts or headers than GMime will: a boundary parameter that
 * is not of the plainest form makes every line with "--" a boundary. */
#include "relay/mime.h"
#include "relay/mime_inner.h"
#include <string.h>
#include <strings.h>

#define BLOCKS_MAX (4 * MIME_PARTS_MAX) /* boundary lines and nested messages */
#define OPEN_MAX (2 * MIME_DEPTH_MAX)   /* boundaries open at a time */
#define ALL_LINES_MAX (8 * MIME_HEADER_LINES_MAX) /* of all header blocks */
#define ALL_BYTES_MAX (10 * MIME_HEADERS_MAX)
#define PARAMS_MAX 2000U /* of all Content- headers */

/* What one header block says about what lies below it. */
struct block {
    unsigned types, boundaries;
    bool parts;    /* a multipart, or it may be one */
    bool message;  /* a message: its headers follow at once */
    bool ended;    /* at a boundary: nothing lies below it */
    bool untyped;  /* no type that is plain to every reader */
    bool encoding; /* the first Content-Transfer-Encoding was seen ... */
    bool encoded;  /* ... and no reader looks for parts behind it */
};

struct scan {
    struct cur c;
    const char *loop_id;
    struct err *e;
    struct span open[OPEN_MAX];
    struct block block;
    unsigned open_count, blocks, lines, params, received;
    size_t bytes;
    bool digest; /* somewhere parts are messages without saying so */
    bool loose;  /* any "--" line may be a boundary */
};

/* The line without its end; the cursor stands behind it. */
static struct span take_line(struct cur *c)
{
    const char *const start = c->p;
    const char *const lf = memchr(start, '\n', cur_left(c));
    size_t n = (size_t)((lf != NULL ? lf : c->end) - start);

    c->p = lf != NULL ? lf + 1 : c->end;
    if (lf != NULL && n > 0 && start[n - 1] == '\r')
        n--;
    return span_of(start, n);
}

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

static bool is_space(char ch)
{
    return is_blank(ch) || ch == '\r' || ch == '\n';
}

static bool holds_word(struct span s, const char *word)
{
    const size_t n = strlen(word);

    for (size_t i = 0; i + n <= s.n; i++)
        if (strncasecmp(s.p + i, word, n) == 0)
            return true;
    return false;
}

/* "--" and boundary, then "--" or nothing, then blanks. */
static bool is_delimiter(struct span line, struct span boundary)
{
    line = span_of(line.p + 2, line.n - 2);
    if (line.n < boundary.n || memcmp(line.p, boundary.p, boundary.n) != 0)
        return false;
    line = span_of(line.p + boundary.n, line.n - boundary.n);
    if (line.n >= 2 && line.p[0] == '-' && line.p[1] == '-')
        line = span_of(line.p + 2, line.n - 2);
    while (line.n > 0 && is_space(line.p[line.n - 1]))
        line.n--;
    return line.n == 0;
}

/* True when GMime may see a boundary here. What is open inside of it ends with it. */
static bool ends_part(struct scan *s, struct span line)
{
    if (line.n < 2 || line.p[0] != '-' || line.p[1] != '-')
        return false;
    if (s->loose)
        return true;
    for (unsigned i = s->open_count; i > 0; i--)
        if (is_delimiter(line, s->open[i - 1])) {
            s->open_count = i;
            return true;
        }
    return false;
}

/* The value, when it has the plainest form: all readers read it alike. */
static bool take_boundary(struct cur *c, struct span *out)
{
    const char *start;
    bool quoted;

    while (!cur_done(c) && is_blank(*c->p))
        c->p++;
    if (!cur_byte(c, '='))
        return false;
    quoted = cur_byte(c, '"');
    start = c->p;
    while (!cur_done(c) && *c->p > ' ' && *c->p < 127 &&
           strchr("()\\\";", *c->p) == NULL)
        c->p++;
    *out = span_of(start, (size_t)(c->p - start));
    if (out->n == 0 || holds_word(*out, "=?") || (quoted && !cur_byte(c, '"')))
        return false;
    while (!cur_done(c) && is_space(*c->p))
        c->p++;
    return cur_done(c) || *c->p == ';';
}

static bool is_type_char(char ch)
{
    return is_digit(ch) || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z') || ch == '-' ||
           ch == '.' || ch == '+';
}

static struct span take_type_word(struct cur *c)
{
    const char *const start = c->p;

    while (!cur_done(c) && is_type_char(*c->p))
        c->p++;
    return span_of(start, (size_t)(c->p - start));
}

/* "type/subtype" as all readers read it: no comment, no odd letter. */
static bool take_type(struct cur *c, struct span *type, struct span *subtype)
{
    while (!cur_done(c) && is_space(*c->p))
        c->p++;
    *type = take_type_word(c);
    if (type->n == 0 || !cur_byte(c, '/'))
        return false;
    *subtype = take_type_word(c);
    return subtype->n > 0 && (cur_done(c) || *c->p == ';' || is_space(*c->p));
}

static int open_boundaries(struct scan *s, struct cur c)
{
    while (!cur_done(&c)) {
        struct span boundary = { NULL, 0 };

        if (!cur_word(&c, "boundary")) {
            c.p++;
            continue;
        }
        if (!take_boundary(&c, &boundary) || ++s->block.boundaries > 1)
            s->loose = true;
        if (s->open_count == OPEN_MAX)
            return err_set(s->e, ERR_PERM, "5.6.0", "more than %u boundaries open",
                           OPEN_MAX);
        s->open[s->open_count++] = boundary;
    }
    return 0;
}

static int read_type(struct scan *s, struct cur value)
{
    static const char *const messages[] = { "rfc822", "rfc2822", "global", "news" };
    const struct cur all = value;
    struct block *const b = &s->block;
    struct span type, subtype;

    if (++b->types > 1)
        s->loose = true;
    if (!take_type(&value, &type, &subtype)) {
        const struct span text = span_of(all.p, cur_left(&all));

        b->untyped = true;
        b->message |= holds_word(text, "message");
        b->parts |= holds_word(text, "multipart");
        s->digest |= holds_word(text, "digest");
        return open_boundaries(s, all);
    }
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        b->message |=
            span_ieq_str(type, "message") && span_ieq_str(subtype, messages[i]);
    if (!span_ieq_str(type, "multipart"))
        return 0;
    b->parts = true;
    s->digest |= span_ieq_str(subtype, "digest");
    return open_boundaries(s, value);
}

static void read_encoding(struct block *b, struct cur value)
{
    if (b->encoding)
        return;
    b->encoding = true;
    while (!cur_done(&value) && is_blank(*value.p))
        value.p++;
    b->encoded = cur_word(&value, "base64") || cur_word(&value, "quoted-printable");
    while (!cur_done(&value))
        b->encoded &= is_space(*value.p++);
}

/* Takes "name:" if it stands in front; the value is what is left. */
static bool take_name(struct cur *c, const char *name)
{
    if (!cur_word(c, name))
        return false;
    while (!cur_done(c) && is_blank(*c->p))
        c->p++;
    return cur_byte(c, ':');
}

static int read_content(struct scan *s, struct span header)
{
    struct cur type = cur_of(header), encoding = cur_of(header);

    for (size_t i = 0; i < header.n; i++)
        s->params += header.p[i] == ';';
    if (s->params > PARAMS_MAX)
        return err_set(s->e, ERR_PERM, "5.6.0", "more than %u parameters", PARAMS_MAX);
    if (take_name(&encoding, "Content-Transfer-Encoding"))
        read_encoding(&s->block, encoding);
    if (take_name(&type, "Content-Type"))
        return read_type(s, type);
    return 0;
}

static bool is_our_loop(const struct scan *s, struct cur c)
{
    struct span id;

    if (!take_name(&c, "X-Sealpost-Loop") || s->loop_id[0] == '\0')
        return false;
    id = span_of(c.p, cur_left(&c));
    while (id.n > 0 && is_space(id.p[0]))
        id = span_of(id.p + 1, id.n - 1);
    while (id.n > 0 && is_space(id.p[id.n - 1]))
        id.n--;
    return span_ieq_str(id, s->loop_id);
}

/* One header with its continuation lines; only those of the mail itself tell loops. */
static int read_header(struct scan *s, struct span header, bool top)
{
    struct cur c = cur_of(header);

    if (header.n > 8 && strncasecmp(header.p, "content-", 8) == 0)
        return read_content(s, header);
    if (!top || header.n == 0)
        return 0;
    if (take_name(&c, "Received") && ++s->received > MIME_RECEIVED_MAX)
        return err_set(s->e, ERR_PERM, "5.4.6", "more than %u Received headers",
                       MIME_RECEIVED_MAX);
    if (is_our_loop(s, cur_of(header)))
        return err_set(s->e, ERR_PERM, "5.4.6", "our own loop header");
    return 0;
}

static int check_block(struct scan *s, size_t bytes, unsigned lines)
{
    if (bytes > MIME_HEADERS_MAX || s->bytes + bytes > ALL_BYTES_MAX)
        return err_set(s->e, ERR_PERM, "5.3.4", "headers exceed %u bytes",
                       MIME_HEADERS_MAX);
    if (lines > MIME_HEADER_LINES_MAX || s->lines + lines > ALL_LINES_MAX)
        return err_set(s->e, ERR_PERM, "5.6.0", "more than %u header lines",
                       MIME_HEADER_LINES_MAX);
    return 0;
}

/* Reads to the empty line, or to a boundary, which stays. */
static int scan_block(struct scan *s, bool top)
{
    const char *const start = s->c.p;
    const char *header = start; /* where the current one began */
    unsigned lines = 0;

    s->block = (struct block){ 0 };
    for (;;) {
        const char *const at = s->c.p;
        const bool end = cur_done(&s->c);
        const struct span line = take_line(&s->c);

        if (end || line.n == 0 || !is_blank(line.p[0])) {
            if (read_header(s, span_of(header, (size_t)(at - header)), top) != 0)
                return -1;
            header = at;
        }
        if (check_block(s, (size_t)(at - start), lines) != 0)
            return -1;
        if (end || line.n == 0)
            break;
        if (!top && ends_part(s, line)) {
            s->c.p = at;
            s->block.ended = true;
            break;
        }
        lines++;
    }
    s->lines += lines;
    s->bytes += (size_t)(s->c.p - start);
    s->block.message &= !s->block.encoded && !s->block.ended;
    return 0;
}

static int scan_next_block(struct scan *s)
{
    if (++s->blocks > BLOCKS_MAX)
        return err_set(s->e, ERR_PERM, "5.6.0", "more than %u parts", BLOCKS_MAX);
    return scan_block(s, false);
}

/* Behind a boundary line: a part, and the messages in messages that begin with it. */
static int scan_part(struct scan *s)
{
    if (scan_next_block(s) != 0)
        return -1;
    if (s->digest && (s->block.untyped || s->block.types == 0) && !s->block.ended)
        s->block.message = true;
    while (s->block.message)
        if (scan_next_block(s) != 0)
            return -1;
    return 0;
}

static int scan_body(struct scan *s)
{
    while (s->block.message)
        if (scan_next_block(s) != 0)
            return -1;
    while (!cur_done(&s->c)) {
        if (*s->c.p != '-') { /* quickly to the next line that may be one */
            const char *const p = memmem(s->c.p, cur_left(&s->c), "\n--", 3);

            if (p == NULL)
                return 0;
            s->c.p = p + 1;
        }
        if (ends_part(s, take_line(&s->c)) && scan_part(s) != 0)
            return -1;
    }
    return 0;
}

int mime_check(struct span raw, const char *loop_id, struct err *e)
{
    struct scan s = { .c = cur_of(raw), .loop_id = loop_id, .e = e };

    if (raw.n == 0)
        return 0;
    if (scan_block(&s, true) != 0)
        return -1;
    return s.block.parts || s.block.message ? scan_body(&s) : 0;
}

/* True for what mime.c asks for, and for what is no header: GMime shall see that. */
static bool is_used(struct span header)
{
    static const char *const names[] = { "Subject",        "Date",        "Message-ID",
                                         "References",     "In-Reply-To", "List-Id",
                                         "Auto-Submitted", "Precedence" };
    size_t n = 0;

    while (n < header.n && header.p[n] > ' ' && header.p[n] < 127 && header.p[n] != ':')
        n++;
    if (n == 0 || n == header.n || header.p[n] != ':')
        return true;
    if (n > 8 && strncasecmp(header.p, "content-", 8) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_ieq_str(span_of(header.p, n), names[i]))
            return true;
    return false;
}

struct span mime_lean(struct span raw, char *out)
{
    struct cur c = cur_of(raw);
    const char *header = raw.p;
    size_t n = 0;

    while (!cur_done(&c)) {
        const char *const at = c.p;
        const struct span line = take_line(&c);
        const struct span whole = span_of(header, (size_t)(at - header));

        if (line.n > 0 && is_blank(line.p[0]))
            continue;
        if (whole.n > 0 && is_used(whole)) {
            memcpy(out + n, whole.p, whole.n);
            n += whole.n;
        }
        header = at;
        if (line.n == 0) {
            memcpy(out + n, at, (size_t)(c.end - at));
            return span_of(out, n + (size_t)(c.end - at));
        }
    }
    return raw; /* no body: nothing to win, and GMime wants one header at least */
}
