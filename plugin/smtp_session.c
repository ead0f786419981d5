/* SPDX-License-Identifier: ISC */
/* smtp_session.c - one client: its input, its answers, its end.
 * Here:       bytes in and out, the states that read, DATA, time-outs.
 * Elsewhere:  the commands (smtp_command.c), what follows the dot (smtp_submit.c),
 *             accepting (smtp.c).
 * Called by:  smtp.c, smtp_submit.c and libevent.
 * Source:     RFC 5321, RFC 2033 (LMTP), RFC 2920 (pipelining). */
#include "plugin/smtp_session.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define IDLE_S 300U        /* RFC 5321 4.5.3.2.7 */
#define LINGER_S 30U       /* for a client that still writes after its last answer */
#define DATA_RATE_MIN 500U /* bytes a second: slower than this, DATA times out */
#define INPUT_MAX (64U << 10)
#define OUTPUT_MAX (16U << 10) /* unsent answers; then commands wait */
#define REPLY_MAX 1024U
#define SHUTTING_DOWN "421 4.3.2 Shutting down, try again later"

static bool step_command(struct smtp_session *s);
static bool step_data(struct smtp_session *s);
static bool step_discard(struct smtp_session *s);

static const struct {
    const char *name;
    bool (*step)(struct smtp_session *s); /* false: more input is needed. NULL: waits
                                             for the keeper */
} states[] = {
    [ST_CONNECTED] = { "connected", step_command },
    [ST_READY] = { "ready", step_command },
    [ST_MAIL] = { "mail", step_command },
    [ST_ASK] = { "ask", NULL },
    [ST_RCPT] = { "rcpt", step_command },
    [ST_DATA] = { "data", step_data },
    [ST_SUBMIT] = { "submit", NULL },
    [ST_CLOSING] = { "closing", step_discard },
};
static_assert(sizeof states / sizeof states[0] == ST_COUNT, "a row for each state");

uint64_t smtp_now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (uint64_t)ts.tv_sec;
}

void smtp_enter(struct smtp_session *s, enum smtp_state state)
{
    LOG(L_DEBUG, "smtp.state", LOG_U64("sess", s->number),
        LOG_STR("from", states[s->state].name), LOG_STR("to", states[state].name));
    s->state = state;
    s->deadline_s = smtp_now_s() + (state == ST_CLOSING ? LINGER_S : IDLE_S);
}

void smtp_reply(struct smtp_session *s, const char *fmt, ...)
{
    char text[REPLY_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text - 2, fmt, ap);
    va_end(ap);
    assert(n > 0 && (size_t)n < sizeof text - 2);
    memcpy(text + n, "\r\n", 2);
    buf_put_mem(&s->out, text, (size_t)n + 2);
}

void smtp_log_refused(const struct smtp_session *s, const char *reply, const char *to,
                      const char *why)
{
    char status[12] = "";
    const char *const account = s->account == NULL ? "" : s->account->name;

    (void)span_copy(status, sizeof status, span_of(reply + 4, strcspn(reply + 4, " ")));
    LOG(L_INFO, "message.refused", LOG_U64("sess", s->number),
        LOG_STR("status", status), LOG_STR("account", account),
        LOG_MSISDN("to", to == NULL ? "" : to), LOG_STR("why", why));
}

static void charge(struct smtp_session *s, uint64_t bytes)
{
    s->door->data_bytes += bytes - s->data_charged;
    s->data_charged = bytes;
}

void smtp_reset(struct smtp_session *s)
{
    struct relay *const r = s->door->relay;

    if (s->asked_call != 0)
        relay_cancel(r, s->asked_call);
    for (size_t i = 0; i < s->rcpt_count; i++) {
        if (s->rcpts[i].call != 0)
            relay_cancel(r, s->rcpts[i].call);
        relay_recipient_clear(&s->rcpts[i].answer);
    }
    free(s->rcpts);
    s->rcpts = NULL;
    s->rcpt_count = s->rcpt_room = 0;
    s->offered = s->outstanding = 0;
    s->asked_call = 0;
    s->account = NULL;
    s->sender[0] = '\0';
    s->xforward = (struct smtp_xforward){ .ident = "" };
    smtp_data_clear(&s->data);
    if (s->has_mail)
        mime_clear(&s->mail);
    s->has_mail = false;
    charge(s, 0);
}

static void session_free(struct smtp_session *s)
{
    LOG(L_DEBUG, "smtp.closed", LOG_U64("sess", s->number),
        LOG_STR("state", states[s->state].name));
    smtp_reset(s);
    s->listener->sessions--;
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    bufferevent_free(s->bev);
    buf_clear(&s->out);
    free(s);
}

static size_t unsent(const struct smtp_session *s)
{
    return evbuffer_get_length(bufferevent_get_output(s->bev));
}

/* One send for the answers of a turn. It goes straight to the socket: through the
 * bufferevent it would cost two epoll_ctl and one more epoll_wait. */
static void flush(struct smtp_session *s)
{
    size_t sent = 0;

    if (!buf_ok(&s->out))
        s->peer_gone = true;
    if (s->out.n == 0 || s->peer_gone)
        return;
    if (unsent(s) == 0) {
        const ssize_t n = send(bufferevent_getfd(s->bev), s->out.p, s->out.n,
                               MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0)
            sent = (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            s->peer_gone = true;
    }
    if (sent < s->out.n &&
        bufferevent_write(s->bev, s->out.p + sent, s->out.n - sent) != 0)
        s->peer_gone = true;
    s->out.n = 0;
}

/* A close with input unread would reset the connection, and the client might lose the
 * answer: say our end, then read to the client's. */
static bool is_over(struct smtp_session *s)
{
    if (s->peer_gone)
        return true;
    if (s->state != ST_CLOSING || unsent(s) > 0)
        return false;
    if (s->lingers && !s->shut)
        (void)shutdown(bufferevent_getfd(s->bev), SHUT_WR);
    s->shut = true;
    return !s->lingers;
}

/* Bounds what a client can pile up while the session waits. By hand, since libevent
 * 2.1 calls back without end when input stays at a bufferevent's high watermark. */
static void bound_input(struct smtp_session *s)
{
    const bool full = evbuffer_get_length(bufferevent_get_input(s->bev)) >= INPUT_MAX;

    if (full == s->input_full)
        return;
    s->input_full = full;
    (void)(full ? bufferevent_disable : bufferevent_enable)(s->bev, EV_READ);
}

void smtp_session_run(struct smtp_session *s)
{
    while (!s->peer_gone && states[s->state].step != NULL && unsent(s) < OUTPUT_MAX &&
           states[s->state].step(s))
        if (s->out.n >= OUTPUT_MAX)
            flush(s);
    /* Answers wait for that of the recipient, which comes soon and goes with them. */
    if (s->state != ST_ASK)
        flush(s);
    bound_input(s);
    if (is_over(s))
        session_free(s);
}

static struct span first_bytes(struct evbuffer *in)
{
    struct evbuffer_iovec v;

    if (evbuffer_peek(in, -1, NULL, &v, 1) < 1)
        return span_of("", 0);
    return span_of(v.iov_base, v.iov_len);
}

/* A command without end: it is thrown away up to its CRLF. */
static bool step_skip(struct smtp_session *s, struct evbuffer *in, struct span first)
{
    const char *const lf = memchr(first.p, '\n', first.n);
    const size_t n = lf == NULL ? first.n : (size_t)(lf - first.p) + 1;
    const char before = n > 1 ? first.p[n - 2] : s->skipped;

    s->skipped = first.p[n - 1];
    (void)evbuffer_drain(in, n);
    if (lf == NULL)
        return true;
    s->skip_line = false;
    if (before == '\r')
        smtp_bad_command(s, "500 5.5.2 Line too long");
    else
        smtp_abuse(s, "500 5.5.2 Line too long", "line ends");
    return true;
}

static bool step_command(struct smtp_session *s)
{
    struct evbuffer *const in = bufferevent_get_input(s->bev);
    const size_t have = evbuffer_get_length(in);
    struct span first = first_bytes(in), line;
    struct cur c = cur_of(first);
    int rc;

    if (first.n == 0)
        return false;
    if (s->skip_line)
        return step_skip(s, in, first);
    rc = smtp_take_line(&c, &line);
    if (rc == 0 && first.n < have && first.n < SMTP_COMMAND_MAX) { /* in two chains */
        first.n = have < SMTP_COMMAND_MAX ? have : SMTP_COMMAND_MAX;
        first.p = (const char *)evbuffer_pullup(in, (ev_ssize_t)first.n);
        c = cur_of(first);
        rc = first.p == NULL ? 0 : smtp_take_line(&c, &line);
    }
    if (rc < 0) {
        smtp_abuse(s, c.why, "line ends");
        return true;
    }
    if (rc == 0) {
        s->skip_line = first.n >= SMTP_COMMAND_MAX;
        s->skipped = '\0';
        return s->skip_line;
    }
    s->line_bytes = (size_t)(c.p - first.p);
    s->deadline_s = smtp_now_s() + IDLE_S;
    smtp_command(s, line);
    (void)evbuffer_drain(in, s->line_bytes);
    return true;
}

static const char *const fault_replies[SMTP_DATA_FAULT_COUNT] = {
    [SMTP_DATA_LINE_ENDS] = "554 5.6.0 Lines end with CR LF; NUL and lone CR or LF are "
                            "refused",
    [SMTP_DATA_LONG_LINE] = "554 5.6.0 A line is longer than 1000 bytes",
    [SMTP_DATA_TOO_BIG] = "552 5.3.4 Message is too large",
    [SMTP_DATA_NO_ROOM] = "452 4.3.1 Too many messages under way, try again later",
};

static void end_data(struct smtp_session *s)
{
    const char *const reply = fault_replies[s->data.fault];

    if (reply == NULL) {
        smtp_submit(s);
        return;
    }
    smtp_log_refused(s, reply, NULL, reply + 4);
    smtp_reply_to_dot(s, reply);
    smtp_end_mail(s);
}

static bool step_data(struct smtp_session *s)
{
    struct evbuffer *const in = bufferevent_get_input(s->bev);
    const struct span first = first_bytes(in);
    size_t used;
    int rc;

    if (first.n == 0)
        return false;
    rc = smtp_data_feed(&s->data, first, &used);
    OPENSSL_cleanse((void *)(uintptr_t)first.p,
                    used); /* clear text, in our own chain */
    (void)evbuffer_drain(in, used);
    s->data_read += used;
    s->deadline_s = s->data_start_s + IDLE_S + s->data_read / DATA_RATE_MIN;
    charge(s, s->data.body.room);
    if (s->door->data_bytes > s->door->data_max) {
        smtp_data_discard(&s->data, SMTP_DATA_NO_ROOM);
        charge(s, 0);
    }
    if (rc < 0) {
        const char *const reply = fault_replies[s->data.fault];

        smtp_log_refused(s, reply, NULL, reply + 4);
        for (size_t i = 1; s->lmtp && i < s->rcpt_count; i++)
            smtp_reply(s, "%s", reply);
        smtp_abuse(s, reply, "line ends in a message");
    } else if (rc > 0) {
        end_data(s);
    }
    return true;
}

static bool step_discard(struct smtp_session *s)
{
    struct evbuffer *const in = bufferevent_get_input(s->bev);

    (void)evbuffer_drain(in, evbuffer_get_length(in));
    return false;
}

void smtp_end(struct smtp_session *s, bool lingers)
{
    smtp_reset(s);
    s->lingers = lingers;
    smtp_enter(s, ST_CLOSING);
}

void smtp_abuse(struct smtp_session *s, const char *reply, const char *why)
{
    char client[INET6_ADDRSTRLEN] = "";
    const bool v6 = s->peer.ss_family == AF_INET6;

    (void)inet_ntop(
        s->peer.ss_family,
        v6 ? (const void *)&((const struct sockaddr_in6 *)&s->peer)->sin6_addr
           : &((const struct sockaddr_in *)&s->peer)->sin_addr,
        client, sizeof client);
    LOG(L_INFO, "smtp.abuse", LOG_U64("sess", s->number), LOG_STR("client", client),
        LOG_STR("why", why));
    smtp_reply(s, "%s", reply);
    smtp_end(s, true);
}

void smtp_end_mail(struct smtp_session *s)
{
    smtp_reset(s);
    smtp_enter(s, ST_READY);
    if (s->door->draining) {
        smtp_reply(s, SHUTTING_DOWN);
        smtp_end(s, true);
    }
}

bool smtp_session_busy(const struct smtp_session *s)
{
    return s->state == ST_DATA || s->state == ST_SUBMIT || unsent(s) > 0;
}

void smtp_session_drain(struct smtp_session *s)
{
    if (s->state == ST_DATA || s->state == ST_SUBMIT || s->state == ST_CLOSING)
        return;
    smtp_reply(s, SHUTTING_DOWN);
    smtp_end(s, true);
    smtp_session_run(s);
}

void smtp_session_tick(struct smtp_session *s, uint64_t now_s)
{
    if (now_s < s->deadline_s)
        return;
    if (s->state == ST_CLOSING) {
        session_free(s);
        return;
    }
    smtp_reply(s, "421 4.4.2 Time-out, closing");
    smtp_end(s, true);
    smtp_session_run(s);
}

static void on_progress(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    smtp_session_run(ctx);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct smtp_session *const s = ctx;

    (void)bev;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        s->peer_gone = true;
    smtp_session_run(s);
}

/* The peer of a UNIX socket is on this machine, so it counts as its address. */
static void set_peer(struct smtp_session *s, const struct sockaddr *peer)
{
    static const struct config_network here[] = {
        { .family = AF_INET, .bytes = { 127 }, .bits = 8 },
        { .family = AF_INET6, .bytes = { [15] = 1 }, .bits = 128 },
    };
    struct sockaddr_in *const v4 = (struct sockaddr_in *)&s->peer;
    const struct sockaddr *const sa = (const struct sockaddr *)&s->peer;

    if (peer->sa_family == AF_INET6) {
        memcpy(&s->peer, peer, sizeof(struct sockaddr_in6));
    } else if (peer->sa_family == AF_INET) {
        memcpy(&s->peer, peer, sizeof *v4);
    } else {
        v4->sin_family = AF_INET;
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    s->trusted = config_network_has(&here[0], sa) || config_network_has(&here[1], sa);
}

static void set_socket(struct smtp_session *s, int fd)
{
    const int on = 1;

    /* Fails on a UNIX socket, where there is nothing to delay. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bufferevent_setcb(s->bev, on_progress, on_progress, on_event, s);
    (void)bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

void smtp_session_open(struct smtp_listener *l, int fd, const struct sockaddr *peer)
{
    struct smtp_door *const door = l->door;
    struct smtp_session *const s = calloc(1, sizeof *s);
    struct bufferevent *const bev =
        bufferevent_socket_new(door->relay->base, fd, BEV_OPT_CLOSE_ON_FREE);

    if (s == NULL || bev == NULL) {
        free(s);
        if (bev != NULL)
            bufferevent_free(bev);
        else
            (void)close(fd);
        return;
    }
    s->bev = bev;
    s->door = door;
    s->listener = l;
    s->number = ++door->session_number;
    s->lmtp = l->config->protocol == LISTEN_LMTP;
    s->deadline_s = smtp_now_s() + IDLE_S;
    buf_init(&s->out, 4 * OUTPUT_MAX);
    set_peer(s, peer);
    set_socket(s, fd);
    s->next = door->sessions;
    s->link = &door->sessions;
    if (s->next != NULL)
        s->next->link = &s->next;
    door->sessions = s;
    l->sessions++;
    LOG(L_DEBUG, "smtp.connected", LOG_U64("sess", s->number),
        LOG_STR("listen", l->config->address.text));
    smtp_reply(s, "220 %s %s Sealpost", door->relay->config->domain,
               s->lmtp ? "LMTP" : "ESMTP");
    smtp_session_run(s);
}
