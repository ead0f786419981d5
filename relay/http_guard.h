/* SPDX-License-Identifier: ISC */
/* http_guard.h - what an HTTP/1.1 client's bytes must look like before evhttp may see
 * them.
 *
 * evhttp accepts framings on which two programs can disagree (request smuggling). The
 * guard reads the same bytes first and knows one framing only: heads of CRLF lines,
 * no NUL, no folding, one Host, at most one Content-Length of digits or the word
 * chunked, chunks of plain hex, no extensions, no trailers. It judges each line when it
 * ends, for evhttp does too. Whatever else comes is refused, and then the connection
 * ends. Pure: no socket, no library. */
#ifndef RELAY_HTTP_GUARD_H
#define RELAY_HTTP_GUARD_H

#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

#define HTTP_HEADERS_MAX 64U
#define HTTP_PATH_ROOM 1025U /* a decoded path and its NUL */

/* http_guard_path - the path of an origin-form target ("/a%20b?q"), decoded, with a
 * NUL. Refused (400): another form, bytes that are not visible ASCII, a bad escape,
 * escaped control bytes and "/", "." and ".." segments (escaped or not), "//", a path
 * that does not fit; a query with other bytes than RFC 3986 has, %00 or a bad escape,
 * unless odd_query says that all but blanks and controls may stand there. */
int http_guard_path(struct span target, bool odd_query, char path_out[HTTP_PATH_ROOM]);

enum http_guard_state {
    GUARD_HEAD,
    GUARD_BODY,       /* left bytes of body or chunk */
    GUARD_CHUNK_SIZE, /* hex digits */
    GUARD_SIZE_LF,
    GUARD_CHUNK_CR, /* behind a chunk's bytes */
    GUARD_CHUNK_LF,
    GUARD_END_CR, /* behind the last chunk */
    GUARD_END_LF,
    GUARD_REFUSED,
    GUARD_STATE_COUNT
};

struct http_head { /* what the lines so far say about the bytes behind them */
    bool begun, body_forbidden, http10;
    unsigned fields, hosts, lengths, codings, expects;
    uint64_t length;
};

struct http_limits {
    size_t head_max; /* request line and headers, bytes */
    uint64_t body_max;
    bool odd_queries;
};

struct http_guard { /* one for each connection */
    enum http_guard_state state;
    struct http_head head;
    struct buf line;   /* that has not ended yet */
    size_t head_bytes; /* so far */
    bool chunked;
    unsigned digits;    /* of a chunk size */
    uint64_t left;      /* bytes of the body, or the chunk size so far */
    uint64_t body_seen; /* of a chunked body */
    struct http_limits limits;
    int status; /* 0, or what to refuse with; sticky */
};

void http_guard_init(struct http_guard *g, const struct http_limits *limits);
void http_guard_clear(struct http_guard *g);
/* http_guard_feed - the next bytes of the connection. 0: they are sound so far; else
 * the status to refuse with, now and for all that follows: 400, 413, 417 (an
 * expectation we do not know), 431, 501 (method), 505. */
int http_guard_feed(struct http_guard *g, struct span bytes);
/* http_guard_idle - is it between two requests? */
bool http_guard_idle(const struct http_guard *g);

#endif
