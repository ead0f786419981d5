/* SPDX-License-Identifier: ISC */
/* http_guard.c - one strict reading of HTTP/1.1 framing, ahead of evhttp's lenient one.
 * Here:       heads, paths, and where each request on a connection ends.
 * Elsewhere:  sockets, TLS and the answer to a refusal (http.c).
 * Called by:  http.c, with every byte that arrives.
 * Source:     RFC 9112 2-7 and 11.2, RFC 9110 5.5, RFC 3986 3.3. */
#include "relay/http_guard.h"
#include "relay/http_pairs.h"

#define REFUSE_BAD 400
#define REFUSE_TOO_LARGE 413
#define REFUSE_EXPECTATION 417
#define REFUSE_HEAD 431
#define REFUSE_METHOD 501
#define REFUSE_VERSION 505
#define LENGTH_DIGITS_MAX 15U
#define CHUNK_DIGITS_MAX 7U

static bool is_token(unsigned char ch)
{
    return ch > ' ' && ch < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", ch) == NULL;
}

static struct span take_while(struct cur *c, bool (*is)(unsigned char))
{
    const char *const start = c->p;

    while (c->p < c->end && is((unsigned char)*c->p))
        c->p++;
    return span_of(start, (size_t)(c->p - start));
}

static bool is_visible(unsigned char ch)
{
    return ch > ' ' && ch < 0x7f;
}

static bool is_no_blank(unsigned char ch)
{
    return ch > ' ' && ch != 0x7f;
}

static bool is_field_byte(unsigned char ch)
{
    return ch == '\t' || (ch >= ' ' && ch != 0x7f);
}

static bool is_host_byte(unsigned char ch)
{
    return is_token(ch) || ch == '[' || ch == ']' || ch == ':';
}

/* pchar and "/" and "?" of RFC 3986, escapes apart */
static bool is_target_byte(unsigned char ch)
{
    return is_visible(ch) && strchr("\"#%<>[\\]^`{|}", ch) == NULL;
}

/* evhttp reads no body behind HEAD whatever its head says, and a body behind GET has no
 * meaning: with both, the next reader could take the body for a request. */
static const struct {
    const char *name;
    bool body_forbidden;
} methods[] = {
    { "GET", true },  { "HEAD", true },     { "POST", false },  { "DELETE", false },
    { "PUT", false }, { "OPTIONS", false }, { "PATCH", false },
};

static int take_method(struct cur *c, struct http_head *h)
{
    const struct span name = take_while(c, is_token);

    if (name.n == 0 || !cur_byte(c, ' '))
        return REFUSE_BAD;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_eq_str(name, methods[i].name)) {
            h->body_forbidden = methods[i].body_forbidden;
            return 0;
        }
    return REFUSE_METHOD;
}

/* HTTP-version = "HTTP/" DIGIT "." DIGIT */
static int take_version(struct cur *c, struct http_head *h)
{
    if (cur_left(c) < 8 || memcmp(c->p, "HTTP/", 5) != 0 || !is_digit(c->p[5]) ||
        c->p[6] != '.' || !is_digit(c->p[7]))
        return REFUSE_BAD;
    if (c->p[5] != '1' || c->p[7] > '1')
        return REFUSE_VERSION;
    h->http10 = c->p[7] == '0';
    c->p += 8;
    return 0;
}

/* request-line = method SP request-target SP HTTP-version */
static int take_request_line(struct cur *c, struct http_head *h, bool odd_query)
{
    char path[HTTP_PATH_ROOM];
    int status = take_method(c, h);

    if (status == 0)
        status = http_guard_path(take_while(c, odd_query ? is_no_blank : is_visible),
                                 odd_query, path);
    if (status == 0 && !cur_byte(c, ' '))
        status = REFUSE_BAD;
    if (status == 0)
        status = take_version(c, h);
    h->begun = true;
    return status;
}

static int on_host(struct http_head *h, struct span value)
{
    struct cur c = cur_of(value);

    h->hosts++;
    (void)take_while(&c, is_host_byte);
    return value.n > 0 && cur_done(&c) ? 0 : REFUSE_BAD;
}

static int on_length(struct http_head *h, struct span value)
{
    h->lengths++;
    if (value.n == 0 || value.n > LENGTH_DIGITS_MAX)
        return value.n == 0 ? REFUSE_BAD : REFUSE_TOO_LARGE;
    for (size_t i = 0; i < value.n; i++) {
        if (!is_digit(value.p[i]))
            return REFUSE_BAD;
        h->length = 10 * h->length + (unsigned)(value.p[i] - '0');
    }
    return 0;
}

static int on_coding(struct http_head *h, struct span value)
{
    h->codings++;
    return span_ieq_str(value, "chunked") ? 0 : REFUSE_BAD;
}

static int on_expect(struct http_head *h, struct span value)
{
    h->expects++;
    return span_ieq_str(value, "100-continue") ? 0 : REFUSE_EXPECTATION;
}

static const struct {
    const char *name;
    int (*on)(struct http_head *h, struct span value);
} fields[] = {
    { "Host", on_host },
    { "Content-Length", on_length },
    { "Transfer-Encoding", on_coding },
    { "Expect", on_expect },
};

/* field-line = token ":" *SP [ value ] OWS ; no folding
 * A tab before the value stays in it, as with evhttp: "\tchunked" is not chunked. */
static int take_field(struct cur *c, struct http_head *h)
{
    const struct span name = take_while(c, is_token);
    struct span value;

    if (++h->fields > HTTP_HEADERS_MAX)
        return REFUSE_HEAD;
    if (name.n == 0 || !cur_byte(c, ':'))
        return REFUSE_BAD;
    while (cur_byte(c, ' '))
        ;
    value = take_while(c, is_field_byte);
    while (value.n > 0 && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
        value.n--;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (span_ieq_str(name, fields[i].name))
            return fields[i].on(h, value);
    return 0;
}

/* take_target_byte - one byte of a path or query, decoded; -1 when it is none. */
static int take_target_byte(struct cur *c, bool *escaped)
{
    int high, low;

    *escaped = cur_byte(c, '%');
    if (!*escaped)
        return is_target_byte((unsigned char)*c->p) ? *c->p++ : -1;
    if (cur_left(c) < 2)
        return -1;
    high = http_hex_value(c->p[0]);
    low = http_hex_value(c->p[1]);
    c->p += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static int take_path_byte(struct cur *c)
{
    bool escaped;
    const int ch = take_target_byte(c, &escaped);

    if (escaped && (ch < ' ' || ch == 0x7f || ch == '/' || ch == '\\'))
        return -1;
    return ch;
}

static bool is_query(struct cur *c, bool odd)
{
    bool escaped;

    if (odd)
        return take_while(c, is_no_blank).n > 0 && cur_done(c);
    while (!cur_done(c))
        if (take_target_byte(c, &escaped) <= 0) /* an escaped NUL ends a C string */
            return false;
    return true;
}

/* An empty segment, "." or "..", between two slashes or at the end. */
static bool segment_is_odd(const char *p, size_t n, bool last)
{
    return (n == 0 && !last) || (n == 1 && p[0] == '.') ||
           (n == 2 && p[0] == '.' && p[1] == '.');
}

int http_guard_path(struct span target, bool odd_query, char path_out[HTTP_PATH_ROOM])
{
    struct cur c = cur_of(target);
    size_t n = 0, segment = 1;

    if (target.n == 0 || target.p[0] != '/')
        return REFUSE_BAD;
    while (!cur_done(&c) && *c.p != '?') {
        const int ch = take_path_byte(&c);

        if (ch < 0 || n + 1 >= HTTP_PATH_ROOM)
            return REFUSE_BAD;
        if (ch == '/' && n > 0) {
            if (segment_is_odd(path_out + segment, n - segment, false))
                return REFUSE_BAD;
            segment = n + 1;
        }
        path_out[n++] = (char)ch;
    }
    path_out[n] = '\0';
    if (segment_is_odd(path_out + segment, n - segment, true))
        return REFUSE_BAD;
    return cur_done(&c) || is_query(&c, odd_query) ? 0 : REFUSE_BAD;
}

static void next_request(struct http_guard *g)
{
    g->state = GUARD_HEAD;
    g->head = (struct http_head){ 0 };
    g->head_bytes = 0;
    g->digits = 0;
    g->left = 0;
    g->body_seen = 0;
}

void http_guard_init(struct http_guard *g, const struct http_limits *limits)
{
    *g = (struct http_guard){ .limits = *limits };
    buf_init(&g->line, limits->head_max);
    next_request(g);
}

void http_guard_clear(struct http_guard *g)
{
    buf_clear(&g->line);
}

bool http_guard_idle(const struct http_guard *g)
{
    return g->state == GUARD_HEAD && g->head_bytes == 0;
}

/* The empty line: everything about the body has been said. */
static int on_head_end(struct http_guard *g)
{
    const struct http_head h = g->head;

    if (!h.begun || h.hosts > 1 || (h.hosts == 0 && !h.http10) || h.lengths > 1 ||
        h.codings > 1 || h.expects > 1)
        return REFUSE_BAD;
    if (h.codings > 0 && (h.lengths > 0 || h.http10))
        return REFUSE_BAD;
    if (h.body_forbidden && (h.codings > 0 || h.length > 0))
        return REFUSE_BAD;
    if (h.length > g->limits.body_max)
        return REFUSE_TOO_LARGE;
    next_request(g);
    g->chunked = h.codings > 0;
    g->left = h.length;
    if (g->chunked)
        g->state = GUARD_CHUNK_SIZE;
    else if (g->left > 0)
        g->state = GUARD_BODY;
    return 0;
}

/* A line ends with CRLF and holds no other CR or LF: evhttp would end it at a bare LF.
 * A NUL falls through no rule of take_field or take_request_line. */
static int on_line(struct http_guard *g, struct span line)
{
    struct cur c = cur_of(line);
    int status;

    if (cur_left(&c) < 2 || c.end[-2] != '\r')
        return REFUSE_BAD;
    c.end -= 2;
    if (cur_done(&c))
        return on_head_end(g);
    status = g->head.begun ? take_field(&c, &g->head)
                           : take_request_line(&c, &g->head, g->limits.odd_queries);
    return status == 0 && !cur_done(&c) ? REFUSE_BAD : status;
}

static int feed_head(struct http_guard *g, struct cur *c)
{
    const char *const start = c->p, *const lf = memchr(start, '\n', cur_left(c));
    int status = 0;

    c->p = lf != NULL ? lf + 1 : c->end;
    g->head_bytes += (size_t)(c->p - start);
    if (g->head_bytes > g->limits.head_max)
        return REFUSE_HEAD;
    if (lf != NULL && g->line.n == 0)
        return on_line(g, span_of(start, (size_t)(c->p - start)));
    buf_put_mem(&g->line, start, (size_t)(c->p - start));
    if (!buf_ok(&g->line))
        return REFUSE_HEAD;
    if (lf != NULL) {
        status = on_line(g, buf_span(&g->line));
        buf_clear(&g->line);
    }
    return status;
}

static int feed_body(struct http_guard *g, struct cur *c)
{
    const size_t n = g->left < cur_left(c) ? (size_t)g->left : cur_left(c);

    c->p += n;
    g->left -= n;
    if (g->left == 0 && g->chunked)
        g->state = GUARD_CHUNK_CR;
    else if (g->left == 0)
        next_request(g);
    return 0;
}

/* chunk-size = 1*7HEXDIG CRLF */
static int feed_chunk_size(struct http_guard *g, struct cur *c)
{
    const char ch = *c->p++;
    const int value = http_hex_value(ch);

    if (ch == '\r' && g->digits > 0) {
        g->state = GUARD_SIZE_LF;
        return 0;
    }
    if (value < 0)
        return REFUSE_BAD;
    if (++g->digits > CHUNK_DIGITS_MAX)
        return REFUSE_TOO_LARGE;
    g->left = 16 * g->left + (unsigned)value;
    return 0;
}

static int on_chunk_size(struct http_guard *g)
{
    g->digits = 0;
    g->body_seen += g->left;
    g->state = g->left > 0 ? GUARD_BODY : GUARD_END_CR;
    return g->body_seen > g->limits.body_max ? REFUSE_TOO_LARGE : 0;
}

static int feed_delimiter(struct http_guard *g, struct cur *c)
{
    const bool cr = g->state == GUARD_CHUNK_CR || g->state == GUARD_END_CR;

    if (!cur_byte(c, cr ? '\r' : '\n'))
        return REFUSE_BAD;
    if (g->state == GUARD_SIZE_LF)
        return on_chunk_size(g);
    if (g->state == GUARD_CHUNK_LF)
        g->state = GUARD_CHUNK_SIZE;
    else if (g->state == GUARD_END_LF)
        next_request(g);
    else
        g->state = g->state == GUARD_CHUNK_CR ? GUARD_CHUNK_LF : GUARD_END_LF;
    return 0;
}

static int (*const feeds[GUARD_STATE_COUNT])(struct http_guard *, struct cur *) = {
    [GUARD_HEAD] = feed_head,
    [GUARD_BODY] = feed_body,
    [GUARD_CHUNK_SIZE] = feed_chunk_size,
    [GUARD_SIZE_LF] = feed_delimiter,
    [GUARD_CHUNK_CR] = feed_delimiter,
    [GUARD_CHUNK_LF] = feed_delimiter,
    [GUARD_END_CR] = feed_delimiter,
    [GUARD_END_LF] = feed_delimiter,
};

int http_guard_feed(struct http_guard *g, struct span bytes)
{
    struct cur c = cur_of(bytes);

    while (g->status == 0 && !cur_done(&c)) {
        g->status = feeds[g->state](g, &c);
        if (g->status != 0)
            g->state = GUARD_REFUSED;
    }
    return g->status;
}
