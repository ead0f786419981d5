/* SPDX-License-Identifier: ISC */
/* http_conn.c - one HTTP connection: what evhttp 2.1 leaves open is closed here.
 * Here:       the tap that shows every byte to the guard before evhttp sees it, the
 *             absolute deadline, bounded buffers, news of a client that has gone.
 * Elsewhere:  the framing (http_guard.c), requests and answers (http.c).
 * Called by:  http.c and, through it, evhttp.
 * Source:     libevent 2.1.12 http.c, whose functions the comments name. */
#include "relay/http_private.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>

#define READ_BYTES 4096U
#define PIPELINE_BYTES 16384U  /* kept behind the request that is being answered */
#define SLOWEST_BYTES_S 16384U /* a reader slower than this is cut off */
#define LINGER_S 2U            /* to let a refusal arrive before the close */
#define REFUSAL_MAX_BYTES 1024U

static void arm(struct conn *c, uint64_t seconds)
{
    const struct timeval tv = { (time_t)seconds, 0 };

    (void)event_add(c->deadline, &tv);
}

static void hang_up(struct conn *c, int how)
{
    (void)shutdown(bufferevent_getfd(c->bev), how);
}

static void conn_free(struct conn *c)
{
    struct http_server *const s = c->server;
    struct http_request *const req = c->req;
    const int fd = bufferevent_getfd(c->bev);

    if (fd >= 0 && (size_t)fd < s->by_fd_count && s->by_fd[fd] == c)
        s->by_fd[fd] = NULL;
    LIST_REMOVE(c, link);
    s->open--;
    if (c->tap != NULL)
        (void)evbuffer_remove_cb_entry(bufferevent_get_input(c->bev), c->tap);
    if (c->deadline != NULL)
        event_free(c->deadline);
    if (c->soon != NULL)
        event_free(c->soon);
    if (s->tls != NULL)
        http_tls_goodbye(c->bev);
    http_guard_clear(&c->guard);
    bufferevent_decref(c->bev);
    free(c);
    http_listen_or_not(s);
    if (req != NULL)
        http_request_lost(req);
}

static void on_closed(struct evhttp_connection *evcon, void *ctx)
{
    (void)evcon;
    conn_free(ctx);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    hang_up(ctx, SHUT_RDWR);
}

/* The answer to bytes that evhttp never sees. Nothing else is under way, so it goes
 * straight to the socket; what the client still sends is read and thrown away for a
 * moment, else the close would reset the connection and take the answer along. */
static void refuse(struct conn *c)
{
    const int status = c->guard.status;
    struct buf text, body;

    buf_init(&body, REFUSAL_MAX_BYTES);
    buf_init(&text, REFUSAL_MAX_BYTES);
    http_put_problem(&body, status, status == 413 ? "too-large" : "bad-request",
                     "This server does not accept the request.", NULL);
    buf_printf(&text,
               "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
               "Content-Length: %zu\r\nCache-Control: no-store\r\n"
               "Connection: close\r\n\r\n%s",
               status, http_reason(status), body.n, buf_cstr(&body));
    c->refused = true;
    /* An interim answer that is stuck half-way: nothing may come between. */
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        if (c->server->tls != NULL)
            http_tls_say(c->bev, buf_span(&text));
        else
            (void)send(bufferevent_getfd(c->bev), text.p, text.n, MSG_NOSIGNAL);
    }
    hang_up(c, SHUT_WR);
    arm(c, LINGER_S);
    buf_clear(&text);
    buf_clear(&body);
}

/* on_input - the tap: each byte passes the guard before evhttp's read callback runs.
 * What the guard refuses is taken away, with all that waits behind it. */
static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info,
                     void *ctx)
{
    struct conn *const c = ctx;
    size_t left = info->n_added;
    struct evbuffer_ptr at;

    if (left == 0)
        return;
    if (conn_is_idle(c))
        arm(c, c->server->o.deadline_s); /* a request begins */
    (void)evbuffer_ptr_set(in, &at, evbuffer_get_length(in) - left, EVBUFFER_PTR_SET);
    while (left > 0 && c->guard.status == 0) {
        struct evbuffer_iovec v;

        (void)evbuffer_peek(in, (ev_ssize_t)left, &at, &v, 1);
        if (v.iov_len > left)
            v.iov_len = left;
        (void)http_guard_feed(&c->guard, span_of(v.iov_base, v.iov_len));
        (void)evbuffer_ptr_set(in, &at, v.iov_len, EVBUFFER_PTR_ADD);
        left -= v.iov_len;
    }
    if (c->guard.status != 0) {
        (void)evbuffer_drain(in, evbuffer_get_length(in));
        event_active(c->soon, EV_TIMEOUT, 0);
    }
}

/* by_fd_room - may the table be indexed by fd? */
static bool by_fd_room(struct http_server *s, int fd)
{
    size_t n = s->by_fd_count;
    struct conn **grown;

    if (fd < 0)
        return false;
    if ((size_t)fd < n)
        return true;
    n = 2 * ((size_t)fd + 1);
    grown = reallocarray(s->by_fd, n, sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + s->by_fd_count, 0, (n - s->by_fd_count) * sizeof *grown);
    s->by_fd = grown;
    s->by_fd_count = n;
    return true;
}

/* conn_attach - evhttp has made its connection around our bufferevent: find it, and
 * hear of its end. evhttp offers no way earlier than the first request. */
static void conn_attach(struct conn *c)
{
    struct http_server *const s = c->server;
    const int fd = bufferevent_getfd(c->bev);
    void *evcon = NULL;

    bufferevent_getcb(c->bev, NULL, NULL, NULL, &evcon);
    if (evcon == NULL) {
        conn_free(c); /* evhttp could not make it and has let go */
        return;
    }
    c->evcon = evcon;
    evhttp_connection_set_closecb(evcon, on_closed, c);
    if (!by_fd_room(s, fd)) {
        evhttp_connection_free(evcon);
        return;
    }
    s->by_fd[fd] = c;
    (void)bufferevent_set_timeouts(c->bev, NULL, NULL); /* the deadline is ours */
}

static void on_soon(evutil_socket_t fd, short what, void *ctx)
{
    struct conn *const c = ctx;

    (void)fd;
    (void)what;
    if (c->evcon == NULL)
        conn_attach(c);
    else if (c->req != NULL && !c->req->dispatched)
        http_dispatch(c->req);
    else if (c->guard.status != 0 && c->req == NULL && !c->writing && !c->refused)
        refuse(c);
}

/* After NULL evhttp goes on with a bufferevent of its own, plain and unguarded: http.c
 * does not find a conn for it and cuts it off. */
struct bufferevent *conn_new(struct event_base *base, void *ctx)
{
    struct http_server *const s = ctx;
    struct conn *const c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->server = s;
    c->bev = s->tls != NULL ? http_tls_accept(s->tls, base)
                            : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (c->bev == NULL) {
        free(c);
        return NULL;
    }
    http_guard_init(&c->guard, &(struct http_limits){ s->o.head_max, s->o.body_max,
                                                      s->o.odd_queries });
    bufferevent_incref(c->bev);
    LIST_INSERT_HEAD(&s->conns, c, link);
    s->open++;
    c->tap = evbuffer_add_cb(bufferevent_get_input(c->bev), on_input, c);
    c->deadline = evtimer_new(base, on_deadline, c);
    c->soon = evtimer_new(base, on_soon, c);
    if (c->tap == NULL || c->deadline == NULL || c->soon == NULL) {
        bufferevent_free(c->bev);
        conn_free(c);
        return NULL;
    }
    /* evhttp bounds one request, not what a client sends behind it. */
    bufferevent_setwatermark(c->bev, EV_READ, 0,
                             s->o.body_max + s->o.head_max + PIPELINE_BYTES);
    (void)bufferevent_set_max_single_read(c->bev, READ_BYTES);
    arm(c, s->o.deadline_s);
    event_active(c->soon, EV_TIMEOUT, 0); /* before the first byte is read */
    http_listen_or_not(s);
    return c->bev;
}

struct conn *conn_of(const struct http_server *s, struct evhttp_connection *evcon)
{
    struct bufferevent *const bev = evhttp_connection_get_bufferevent(evcon);
    const int fd = bufferevent_getfd(bev);
    struct conn *const c = fd >= 0 && (size_t)fd < s->by_fd_count ? s->by_fd[fd] : NULL;

    return c != NULL && c->bev == bev ? c : NULL;
}

/* evhttp stops reading while a request is answered, so it would not notice that the
 * client goes. With a read callback it would take the bytes of the next request for its
 * own mistake and end the process (evhttp_read_cb in EVCON_WRITING); without one it
 * only hears the end. evhttp_send_reply sets its callbacks anew. */
void conn_take(struct conn *c, struct http_request *req)
{
    bufferevent_event_cb on_event;
    void *ctx;

    c->req = req;
    (void)event_del(c->deadline);
    bufferevent_getcb(c->bev, NULL, NULL, &on_event, &ctx);
    bufferevent_setcb(c->bev, NULL, NULL, on_event, ctx);
    (void)bufferevent_enable(c->bev, EV_READ);
}

void conn_answer(struct conn *c, size_t bytes)
{
    c->req = NULL;
    c->writing = true;
    arm(c, c->server->o.deadline_s + bytes / SLOWEST_BYTES_S);
}

void conn_answered(struct conn *c)
{
    c->writing = false;
    arm(c, c->server->o.deadline_s);
    if (c->guard.status != 0) /* came behind it, too late for "Connection: close" */
        event_active(c->soon, EV_TIMEOUT, 0);
}

void conn_later(struct conn *c)
{
    const struct timeval at_once = { 0, 0 };

    (void)event_add(c->soon, &at_once);
}

bool conn_is_idle(const struct conn *c)
{
    return c->req == NULL && !c->writing && http_guard_idle(&c->guard);
}

void conn_hang_up(struct conn *c)
{
    hang_up(c, SHUT_RDWR);
}

int conn_fd(const struct conn *c)
{
    return bufferevent_getfd(c->bev);
}
