/* SPDX-License-Identifier: ISC */
/* http.c - an HTTP server for doors: evhttp behind a guard.
 * Here:       the listener and its cap, requests, answers.
 * Elsewhere:  a connection and its dangers (http_conn.c), TLS (http_tls.c), routes
 *             (doors).
 * Called by:  plugin/handset.c.
 * Source:     RFC 9110, RFC 9457; libevent 2.1.12. */
#include "relay/http_private.h"
#include "relay/log.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#define ACCEPT_REST_S 1U /* after accept(2) failed */
#define PROBLEM_MAX_BYTES 4096U

/* evconnlistener tells its error callback evhttp, not us. */
static LIST_HEAD(, http_server) servers = LIST_HEAD_INITIALIZER(servers);

void http_listen_or_not(struct http_server *s)
{
    if (s->listener == NULL)
        return;
    if (s->draining || s->resting || s->open >= s->o.connections)
        (void)evconnlistener_disable(s->listener);
    else
        (void)evconnlistener_enable(s->listener);
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

void http_put_problem(struct buf *b, int status, const char *type, const char *title,
                      const char *extra)
{
    buf_printf(b, "{\"type\":\"urn:sealpost:%s\",\"title\":\"%s\",\"status\":%d", type,
               title, status);
    if (extra != NULL)
        buf_printf(b, ",%s", extra);
    buf_put(b, "}");
}

static void request_free(struct http_request *req)
{
    if (req->query_parsed)
        evhttp_clear_headers(&req->query);
    http_pairs_clear(&req->query_pairs);
    http_pairs_clear(&req->form_pairs);
    free(req->headers);
    if (req->server != NULL) {
        LIST_REMOVE(req, link);
        req->server->busy--;
    }
    free(req);
}

/* The connection goes while the request waits. A lost connection was taken off the
 * evhttp request, which is ours to free then; otherwise the connection frees it. Who
 * did not ask for the news still answers: into the void. */
void http_request_lost(struct http_request *req)
{
    if (evhttp_request_get_connection(req->ev) == NULL)
        evhttp_request_free(req->ev);
    req->ev = NULL;
    req->conn = NULL;
    if (req->gone != NULL) {
        void (*const gone)(void *) = req->gone;
        void *const ctx = req->gone_ctx;

        request_free(req);
        gone(ctx);
    }
}

void http_dispatch(struct http_request *req)
{
    req->dispatched = true;
    req->server->o.handler(req->server->o.ctx, req);
}

/* only - the value of a name that is there once; twice is as bad as not at all, since
 * two readers could each believe another one. */
static const char *only(const struct evkeyvalq *all, const char *name)
{
    const struct evkeyval *kv;
    const char *found = NULL;

    TAILQ_FOREACH(kv, all, next)
    {
        if (strcasecmp(kv->key, name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = kv->value;
    }
    return found;
}

static enum http_method method_of(struct evhttp_request *ev)
{
    switch (evhttp_request_get_command(ev)) {
    case EVHTTP_REQ_GET:
        return HTTP_GET;
    case EVHTTP_REQ_HEAD:
        return HTTP_HEAD;
    case EVHTTP_REQ_POST:
        return HTTP_POST;
    case EVHTTP_REQ_DELETE:
        return HTTP_DELETE;
    default:
        return HTTP_OTHER;
    }
}

static struct http_request *request_new(struct conn *c, struct evhttp_request *ev)
{
    struct http_request *const req = calloc(1, sizeof *req);
    socklen_t client_n = sizeof req->client;

    if (req == NULL)
        return NULL;
    if (http_guard_path(span_str(evhttp_request_get_uri(ev)), c->server->o.odd_queries,
                        req->path) != 0) {
        free(req);
        return NULL;
    }
    req->server = c->server;
    req->conn = c;
    req->ev = ev;
    req->method = method_of(ev);
    (void)getpeername(conn_fd(c), (struct sockaddr *)&req->client, &client_n);
    LIST_INSERT_HEAD(&c->server->requests, req, link);
    c->server->busy++;
    return req;
}

static void on_request(struct evhttp_request *ev, void *ctx)
{
    struct evhttp_connection *const evcon = evhttp_request_get_connection(ev);
    struct conn *const c = conn_of(ctx, evcon);
    struct http_request *req;

    if (c == NULL || c->guard.status != 0 || (req = request_new(c, ev)) == NULL) {
        evhttp_connection_free(evcon);
        return;
    }
    conn_take(c, req);
    /* The "100 Continue" may still have its write callback queued, which must not find
     * our answer in the buffer: evhttp would take that for sent. */
    if (http_header(req, "Expect") != NULL)
        conn_later(c);
    else
        http_dispatch(req);
}

static void on_rested(evutil_socket_t fd, short what, void *ctx)
{
    struct http_server *const s = ctx;

    (void)fd;
    (void)what;
    s->resting = false;
    http_listen_or_not(s);
}

/* Out of descriptors, most likely: the listener would come back at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    const struct timeval tv = { ACCEPT_REST_S, 0 };
    const char *const why = strerror(errno);
    struct http_server *s;

    (void)ctx;
    LIST_FOREACH(s, &servers, link)
    {
        if (s->listener != listener)
            continue;
        LOG(L_WARN, "http.accept-failed", LOG_STR("why", why), LOG_U64("open", s->open),
            LOG_STR("do", "raise the limit of open files, or lower connections"));
        s->resting = true;
        http_listen_or_not(s);
        (void)event_add(s->rested, &tv);
    }
}

static int start_evhttp(struct http_server *s)
{
    s->http = evhttp_new(s->o.base);
    s->rested = evtimer_new(s->o.base, on_rested, s);
    if (s->http == NULL || s->rested == NULL)
        return -1;
    evhttp_set_bevcb(s->http, conn_new, s);
    evhttp_set_gencb(s->http, on_request, s);
    evhttp_set_timeout(s->http, (int)s->o.deadline_s); /* of what conn_new refused */
    evhttp_set_default_content_type(s->http, NULL);
    evhttp_set_max_headers_size(s->http, (ev_ssize_t)s->o.head_max);
    evhttp_set_max_body_size(s->http, (ev_ssize_t)s->o.body_max);
    evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD |
                                            EVHTTP_REQ_POST | EVHTTP_REQ_DELETE |
                                            EVHTTP_REQ_PUT | EVHTTP_REQ_OPTIONS |
                                            EVHTTP_REQ_PATCH);
    s->listener = evconnlistener_new(s->o.base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0,
                                     s->o.listen_fd);
    if (s->listener == NULL)
        return -1;
    if (evhttp_bind_listener(s->http, s->listener) == NULL) {
        evconnlistener_free(s->listener);
        s->listener = NULL;
        return -1;
    }
    evconnlistener_set_error_cb(s->listener, on_accept_error);
    return 0;
}

struct http_server *http_server_new(const struct http_options *o, struct err *e)
{
    struct http_server *const s = calloc(1, sizeof *s);
    const int on = 1;

    if (s == NULL) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "HTTP: out of memory");
        return NULL;
    }
    s->o = *o;
    if (s->o.head_max == 0)
        s->o.head_max = HTTP_HEAD_USUAL;
    LIST_INSERT_HEAD(&servers, s, link);
    if (o->certificate != NULL &&
        (s->tls = http_tls_new(o->certificate, o->key, e)) == NULL) {
        http_server_free(s);
        return NULL;
    }
    /* Accepted sockets inherit it; without it TLS answers wait 40 ms for an ACK. A UNIX
     * socket knows no such thing. */
    (void)setsockopt(o->listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (start_evhttp(s) != 0) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "HTTP: libevent: out of memory");
        http_server_free(s);
        return NULL;
    }
    return s;
}

void http_server_drain(struct http_server *s)
{
    struct conn *c;

    s->draining = true;
    http_listen_or_not(s);
    LIST_FOREACH(c, &s->conns, link)
    {
        if (conn_is_idle(c))
            conn_hang_up(c);
    }
}

size_t http_server_busy(const struct http_server *s)
{
    return s->busy;
}

void http_server_free(struct http_server *s)
{
    struct http_request *req;

    if (s == NULL)
        return;
    s->listener = NULL;
    if (s->http != NULL)
        evhttp_free(s->http); /* every connection, and the listener */
    LIST_FOREACH(req, &s->requests, link)
    {
        req->server = NULL;
    }
    if (s->rested != NULL)
        event_free(s->rested);
    http_tls_free(s->tls);
    LIST_REMOVE(s, link);
    free(s->by_fd);
    free(s);
}

enum http_method http_method(const struct http_request *req)
{
    return req->method;
}

const char *http_path(const struct http_request *req)
{
    return req->path;
}

const char *http_query(struct http_request *req, const char *name)
{
    const char *const query =
        req->ev == NULL ? NULL
                        : evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req->ev));

    if (!req->query_parsed && query != NULL)
        req->query_parsed = evhttp_parse_query_str(query, &req->query) == 0;
    return req->query_parsed ? only(&req->query, name) : NULL;
}

const char *http_header(const struct http_request *req, const char *name)
{
    return req->ev == NULL ? NULL
                           : only(evhttp_request_get_input_headers(req->ev), name);
}

const struct http_pair *http_query_pairs(struct http_request *req, size_t *n)
{
    const char *const query =
        req->ev == NULL ? NULL : strchr(evhttp_request_get_uri(req->ev), '?');

    if (query != NULL && !req->query_split)
        req->query_split = http_pairs_take(&req->query_pairs, span_str(query + 1)) == 0;
    *n = req->query_pairs.n;
    return req->query_pairs.pair;
}

const struct http_pair *http_form_pairs(struct http_request *req, size_t *n)
{
    if (!req->form_split)
        req->form_split = http_pairs_take(&req->form_pairs, http_body(req)) == 0;
    *n = req->form_pairs.n;
    return req->form_pairs.pair;
}

const struct http_pair *http_header_pairs(struct http_request *req, size_t *n)
{
    const struct evkeyval *kv;

    *n = 0;
    if (req->ev == NULL)
        return NULL;
    if (req->headers == NULL)
        req->headers = calloc(HTTP_HEADERS_MAX, sizeof *req->headers);
    if (req->headers == NULL)
        return NULL;
    TAILQ_FOREACH(kv, evhttp_request_get_input_headers(req->ev), next)
    {
        if (*n == HTTP_HEADERS_MAX)
            break;
        req->headers[(*n)++] =
            (struct http_pair){ span_str(kv->key), span_str(kv->value) };
    }
    return req->headers;
}

struct span http_body(const struct http_request *req)
{
    struct evbuffer *const in =
        req->ev == NULL ? NULL : evhttp_request_get_input_buffer(req->ev);

    if (in == NULL || evbuffer_get_length(in) == 0)
        return span_of("", 0);
    return span_of(evbuffer_pullup(in, -1), evbuffer_get_length(in));
}

const struct sockaddr *http_client(const struct http_request *req)
{
    return (const struct sockaddr *)&req->client;
}

void http_on_gone(struct http_request *req, void (*gone)(void *ctx), void *ctx)
{
    req->gone = gone;
    req->gone_ctx = ctx;
}

void http_reply_header(struct http_request *req, const char *name, const char *value)
{
    if (req->ev != NULL) /* evhttp refuses CR and LF */
        (void)evhttp_add_header(evhttp_request_get_output_headers(req->ev), name,
                                value);
}

static void on_sent(struct evhttp_request *ev, void *ctx)
{
    (void)ev;
    conn_answered(ctx);
}

static void put_headers(const struct http_request *req, int status, const char *type,
                        size_t bytes)
{
    struct evkeyvalq *const out = evhttp_request_get_output_headers(req->ev);
    char length[24];

    (void)snprintf(length, sizeof length, "%zu", bytes);
    if (type != NULL)
        (void)evhttp_add_header(out, "Content-Type", type);
    if (status != 204 && status != 304) /* HEAD: of the body that GET would give */
        (void)evhttp_add_header(out, "Content-Length", length);
    if (evhttp_find_header(out, "Cache-Control") == NULL)
        (void)evhttp_add_header(out, "Cache-Control", "no-store");
    (void)evhttp_add_header(out, "X-Content-Type-Options", "nosniff");
    (void)evhttp_add_header(out, "Referrer-Policy", "no-referrer");
    if (req->server->tls != NULL)
        (void)evhttp_add_header(out, "Strict-Transport-Security", "max-age=31536000");
    if (req->server->draining || req->conn->guard.status != 0)
        (void)evhttp_add_header(out, "Connection", "close");
}

void http_reply(struct http_request *req, int status, const char *content_type,
                struct span body)
{
    const bool silent = req->method == HTTP_HEAD || status == 204 || status == 304;
    struct conn *const c = req->conn;
    struct evbuffer *out;

    if (c == NULL) {
        request_free(req);
        return;
    }
    out = evhttp_request_get_output_buffer(req->ev);
    if (!silent && evbuffer_add(out, body.p, body.n) != 0) {
        conn_hang_up(c); /* out of memory: no answer is better than half of one */
        status = 503;
    }
    put_headers(req, status, content_type, body.n);
    evhttp_request_set_on_complete_cb(req->ev, on_sent, c);
    conn_answer(c, silent ? 0 : body.n);
    evhttp_send_reply(req->ev, status, http_reason(status), NULL);
    request_free(req);
}

void http_reply_problem(struct http_request *req, int status, const char *type,
                        const char *title, const char *extra)
{
    struct buf b;

    buf_init(&b, PROBLEM_MAX_BYTES);
    http_put_problem(&b, status, type, title, extra);
    http_reply(req, status, "application/problem+json", buf_span(&b));
    buf_clear(&b);
}
