/* SPDX-License-Identifier: ISC */
/* http_private.h - what http.c (server, requests, answers) and http_conn.c (one
 * connection) share. */
#ifndef RELAY_HTTP_PRIVATE_H
#define RELAY_HTTP_PRIVATE_H

#include "relay/http.h"
#include "relay/http_guard.h"
#include "relay/http_tls.h"
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <sys/queue.h>

struct bufferevent;
struct conn;
struct evbuffer_cb_entry;
struct evconnlistener;
struct event;

struct http_request {
    LIST_ENTRY(http_request) link;
    struct http_server *server; /* NULL: it is gone */
    struct conn *conn;          /* NULL: the client is gone */
    struct evhttp_request *ev;  /* NULL with conn */
    bool dispatched;
    enum http_method method;
    struct sockaddr_storage client;
    char path[HTTP_PATH_ROOM];
    bool query_parsed;
    struct evkeyvalq query;
    bool query_split, form_split;
    struct http_pairs query_pairs, form_pairs;
    struct http_pair *headers; /* NULL: not asked for yet */
    void (*gone)(void *ctx);
    void *gone_ctx;
};

struct conn {
    LIST_ENTRY(conn) link;
    struct http_server *server;
    struct bufferevent *bev;         /* a reference of our own: it outlives evhttp's */
    struct evhttp_connection *evcon; /* NULL: just accepted */
    struct evbuffer_cb_entry *tap;
    struct event *deadline;
    struct event *soon; /* what must not run inside libevent's callback */
    struct http_guard guard;
    struct http_request *req; /* handed out, not yet answered */
    bool writing;             /* its answer is on the way */
    bool refused;
};

struct http_server {
    LIST_ENTRY(http_server) link;
    struct http_options o;
    struct http_tls *tls; /* NULL: plain */
    struct evhttp *http;
    struct evconnlistener *listener; /* http's; NULL when it is being freed */
    struct event *rested;
    LIST_HEAD(, conn) conns;
    LIST_HEAD(, http_request) requests;
    struct conn **by_fd;
    size_t by_fd_count;
    unsigned open;
    size_t busy;
    bool draining, resting;
};

/* conn_new - evhttp's bufferevent callback; ctx is the server. The conn lives until
 * evhttp closes its connection. */
struct bufferevent *conn_new(struct event_base *base, void *ctx);
struct conn *conn_of(const struct http_server *s, struct evhttp_connection *evcon);
/* conn_take - req begins to wait for its answer: it may take any time, and the client's
 * going will be noticed. */
void conn_take(struct conn *c, struct http_request *req);
/* conn_answer - the answer of bytes is given to evhttp; a slow reader is cut off. */
void conn_answer(struct conn *c, size_t bytes);
void conn_answered(struct conn *c);
/* conn_later - http_dispatch of its request, when nothing of libevent's is under way.
 */
void conn_later(struct conn *c);
/* conn_is_idle - between two requests? */
bool conn_is_idle(const struct conn *c);
void conn_hang_up(struct conn *c);
int conn_fd(const struct conn *c);

/* http.c's side. */
void http_listen_or_not(struct http_server *s);
void http_dispatch(struct http_request *req);
void http_request_lost(struct http_request *req);
const char *http_reason(int status);
void http_put_problem(struct buf *b, int status, const char *type, const char *title,
                      const char *extra);

#endif
