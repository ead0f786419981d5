/* SPDX-License-Identifier: ISC */
/* http.h - an HTTP/1.1 server for doors: libevent's evhttp, hardened.
 *
 * evhttp alone lets smuggling and slow clients through; this adds: TCP_NODELAY, one
 * absolute deadline for each connection's request, a cap on connections at the
 * listener, a guard on the framing (two Content-Length, signs in it, odd
 * Transfer-Encoding, NUL, bare LF, obs-fold, absolute-form: 400 and close), normalised
 * paths (no dot segments, no %00, no %2F), HEAD without body, SSL_MODE_RELEASE_BUFFERS.
 * One answer for each request, later or at once, from the loop's thread. Opens files
 * only in http_server_new. The process ignores SIGPIPE. */
#ifndef RELAY_HTTP_H
#define RELAY_HTTP_H

#include "relay/err.h"
#include "relay/http_pairs.h"
#include "relay/span.h"
#include <stddef.h>
#include <sys/socket.h>

#define HTTP_HEAD_USUAL 8192U

struct event_base;
struct http_server;
struct http_request; /* lives until http_reply */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

typedef void http_handler(void *ctx, struct http_request *req);

struct http_options {
    struct event_base *base;
    int listen_fd;           /* bound, listening, non-blocking; stays the caller's */
    const char *certificate; /* PEM chain; NULL: plain HTTP */
    const char *key;
    unsigned connections; /* most at once */
    size_t head_max;  /* bytes of request line and headers, 0: HTTP_HEAD_USUAL; 431 */
    size_t body_max;  /* bytes; more: 413 */
    bool odd_queries; /* a query may hold any visible byte, bytes that are not ASCII,
                         %00, and escapes that are none; else: 400 */
    unsigned deadline_s; /* for one request to arrive, and for an idle connection */
    http_handler *handler;
    void *ctx;
};

struct http_server *http_server_new(const struct http_options *o, struct err *e);
void http_server_drain(struct http_server *s); /* no new connections, close idle ones */
size_t http_server_busy(const struct http_server *s); /* requests not yet answered */
void http_server_free(struct http_server *s);

/* The servers of a door, one for each of its listen sections. */
#define HTTP_SERVERS_MAX 16U
struct http_servers {
    struct http_server *p[HTTP_SERVERS_MAX];
    size_t n;
};
/* http_servers_add - one more; name is for errors ("listen sendsms 127.0.0.1:80"). */
int http_servers_add(struct http_servers *all, const struct http_options *o,
                     const char *name, struct err *e);
void http_servers_drain(const struct http_servers *all);
size_t http_servers_busy(const struct http_servers *all);

/* Of the request: borrowed until http_reply. */
enum http_method http_method(const struct http_request *req);
const char *http_path(const struct http_request *req); /* decoded, normalised, "/..." */
/* http_query, http_header - NULL: absent, or there more than once. */
const char *http_query(struct http_request *req, const char *name);
const char *http_header(const struct http_request *req, const char *name);
/* http_query_pairs, http_form_pairs, http_header_pairs - in order, doubles too, for
 * doors that must read them as somebody else does; see http_pairs.h. The form is the
 * body, whatever its Content-Type. NULL only with *n == 0. */
const struct http_pair *http_query_pairs(struct http_request *req, size_t *n);
const struct http_pair *http_form_pairs(struct http_request *req, size_t *n);
const struct http_pair *http_header_pairs(struct http_request *req, size_t *n);
struct span http_body(const struct http_request *req);
const struct sockaddr *http_client(const struct http_request *req);

/* http_on_gone - called once if the client goes away before http_reply; then req is
 * dead and must not be touched any more. Whoever does not ask for it still owes the
 * reply, which then goes nowhere. */
void http_on_gone(struct http_request *req, void (*gone)(void *ctx), void *ctx);

/* http_reply_header - before http_reply; name static, value copied; CR and LF refused.
 */
void http_reply_header(struct http_request *req, const char *name, const char *value);
/* http_reply - body is copied; content_type NULL: none. Frees req. Security headers
 * that every answer needs (Cache-Control: no-store unless set, X-Content-Type-Options,
 * Referrer-Policy, and Strict-Transport-Security on TLS) are added here. */
void http_reply(struct http_request *req, int status, const char *content_type,
                struct span body);
/* http_reply_problem - RFC 9457: {"type":"urn:sealpost:TYPE","title":...,"status":N}
 * and extra (JSON members as text, or NULL). */
void http_reply_problem(struct http_request *req, int status, const char *type,
                        const char *title, const char *extra);

#endif
