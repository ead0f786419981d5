/* SPDX-License-Identifier: ISC */
/* bearerbox_link.c - one connection to one bearerbox, made again and again.
 * Here:       connecting, states and their time limits, back-off, what has left.
 * Elsewhere:  TLS itself (bearerbox_tls.c), what the bytes mean (bearerbox.c).
 * Called by:  bearerbox.c.
 * Source:     measured on Debian's bearerbox: it takes one connection a second, closes
 *             at once on a box that it does not allow, and waits at its own end until
 *             its boxes have closed. */
#include "plugin/bearerbox_link.h"
#include "plugin/bearerbox_tls.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <time.h>

#define INPUT_MAX (2U << 20) /* of what bearerbox says and we have not taken yet */
#define WRITE_WAIT_S 30
#define STABLE_MS 10000U /* a link that held this long is well */
#define BACKOFF_LEAST_MS 1000U
#define BACKOFF_MOST_MS 60000U
#define SETTLE_LEAST_MS 300U
#define SETTLE_MOST_MS STABLE_MS

static void link_connect(struct box_link *l);
static void link_late(struct box_link *l);
static void link_settled(struct box_link *l);
static void link_tick(struct box_link *l);
static void link_finish_late(struct box_link *l);
static unsigned backoff_take(struct box_link *l);
static unsigned settle_for(struct box_link *l);

static const struct {
    const char *name;
    unsigned timer_ms; /* 0: see wait_ms */
    unsigned (*wait_ms)(struct box_link *l);
    void (*on_timer)(struct box_link *l);
} states[] = {
    [ST_DOWN] = { "down", 0, backoff_take, link_connect },
    [ST_CONNECTING] = { "connecting", 10000, NULL, link_late },
    [ST_SETTLING] = { "settling", 0, settle_for, link_settled },
    [ST_UP] = { "up", 1000, NULL, link_tick },
    [ST_FINISHING] = { "finishing", 5000, NULL, link_finish_late },
};
_Static_assert(sizeof states / sizeof states[0] == ST_COUNT, "a row a state");

uint64_t box_link_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void arm(struct event *timer, unsigned ms)
{
    const struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

    (void)event_add(timer, &tv);
}

/* The wait before the next try, three to five quarters of the nominal one: courier and
 * its neighbours must not all come back in the same moment. Then doubles it. */
static unsigned backoff_take(struct box_link *l)
{
    const unsigned nominal = l->backoff_ms;
    uint16_t dice = 0;

    (void)RAND_bytes((unsigned char *)&dice, sizeof dice);
    l->backoff_ms = nominal * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : nominal * 2;
    return nominal * 3 / 4 + dice % (nominal / 2);
}

static unsigned settle_for(struct box_link *l)
{
    return l->settle_ms;
}

/* One that was connected and went soon must hold for longer the next time. */
static void judge(struct box_link *l)
{
    const bool was_up = l->up_since_ms != 0;

    if (was_up && box_link_now_ms() - l->up_since_ms >= STABLE_MS) {
        l->backoff_ms = BACKOFF_LEAST_MS;
        l->settle_ms = SETTLE_LEAST_MS;
    } else if (was_up || l->state == ST_SETTLING) {
        l->settle_ms =
            l->settle_ms * 2 > SETTLE_MOST_MS ? SETTLE_MOST_MS : l->settle_ms * 2;
    }
    l->up_since_ms = 0;
}

static void enter(struct box_link *l, enum box_link_state state)
{
    LOG(L_DEBUG, "box.state", LOG_STR("kannel", l->conf->title),
        LOG_STR("from", states[l->state].name), LOG_STR("to", states[state].name));
    l->state = state;
    arm(l->timer, states[state].timer_ms != 0 ? states[state].timer_ms
                                              : states[state].wait_ms(l));
    l->user->on_state(l->ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct box_link *l = ctx;

    (void)fd, (void)what;
    states[l->state].on_timer(l);
}

bool box_link_send(struct box_link *l, struct span bytes)
{
    if (l->bev == NULL || bufferevent_write(l->bev, bytes.p, bytes.n) != 0)
        return false;
    l->written += bytes.n;
    return true;
}

size_t box_link_unsent(const struct box_link *l)
{
    return l->bev == NULL ? 0 : evbuffer_get_length(bufferevent_get_output(l->bev));
}

/* What may have left. libevent takes bytes off its output when TLS has done with them;
 * a write that TLS could not end had some of the first piece already, so all of that
 * piece counts. */
static uint64_t handed(const struct box_link *l)
{
    const size_t unsent = box_link_unsent(l);

    if (unsent == 0 || l->tls == NULL)
        return l->written - unsent;
    return l->written - unsent +
           evbuffer_get_contiguous_space(bufferevent_get_output(l->bev));
}

/* Each time from up; while it does not come up, once for each reason. */
static void say_lost(struct box_link *l, const char *why, size_t unacked)
{
    if (l->up_since_ms == 0 && strcmp(l->said_why, why) == 0)
        return;
    (void)snprintf(l->said_why, sizeof l->said_why, "%s", why);
    LOG(L_WARN, "box.lost", LOG_STR("kannel", l->conf->title), LOG_STR("why", why),
        LOG_U64("unacked", unacked),
        LOG_STR("hint", l->tls == NULL
                            ? "is bearerbox running, does it allow this box?"
                            : "is bearerbox running, with smsbox-port-ssl and a "
                              "certificate that fits tls-ca and tls-name?"));
}

void box_link_lost(struct box_link *l, const char *why)
{
    say_lost(l, why, l->user->on_lost(l->ctx, handed(l)));
    if (l->bev != NULL && l->tls != NULL && box_link_unsent(l) == 0)
        box_tls_goodbye(l->bev);
    if (l->bev != NULL)
        bufferevent_free(l->bev);
    l->bev = NULL;
    l->written = 0;
    judge(l);
    enter(l, ST_DOWN);
}

void box_link_give_up(struct box_link *l, const char *why)
{
    l->given_up = true;
    box_link_lost(l, why);
    l->given_up = false;
}

static void link_late(struct box_link *l)
{
    box_link_lost(l, l->tls == NULL ? "no connection in time"
                                    : "no connection with TLS in time");
}

static void link_finish_late(struct box_link *l)
{
    box_link_lost(l, "bearerbox asked us to close");
}

void box_link_finish(struct box_link *l)
{
    if (l->state == ST_SETTLING || l->state == ST_UP)
        enter(l, ST_FINISHING);
}

void box_link_stop(struct box_link *l)
{
    l->stopped = true;
}

static void link_settled(struct box_link *l)
{
    l->up_since_ms = box_link_now_ms();
    l->said_why[0] = '\0';
    LOG(L_INFO, "box.up", LOG_STR("kannel", l->conf->title),
        LOG_STR("box", l->conf->box_id), LOG_STR("tls", l->tls == NULL ? "no" : "yes"));
    enter(l, ST_UP);
}

static void link_tick(struct box_link *l)
{
    arm(l->timer, states[ST_UP].timer_ms);
    l->user->on_tick(l->ctx); /* it may lose the link */
}

void box_link_read_again(struct box_link *l)
{
    if (l->bev != NULL)
        l->user->on_input(l->ctx, bufferevent_get_input(l->bev));
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct box_link *l = ctx;

    l->heard_ms = box_link_now_ms();
    l->user->on_input(l->ctx, bufferevent_get_input(bev));
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    struct box_link *l = ctx;

    (void)bev;
    if (l->state >= ST_SETTLING) /* TLS says it of its handshake too */
        l->user->on_written(l->ctx);
}

static void link_connected(struct box_link *l)
{
    const int on = 1, fd = bufferevent_getfd(l->bev);

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    l->heard_ms = box_link_now_ms();
    l->user->on_connected(l->ctx);
    enter(l, ST_SETTLING);
}

static const char *why_ended(const struct box_link *l)
{
    return l->state == ST_SETTLING ? "bearerbox closed the connection at once"
                                   : "bearerbox closed the connection";
}

/* Its end and a reset are one: which of them comes depends on who was faster. */
static const char *why_failed(const struct box_link *l)
{
    const int error = EVUTIL_SOCKET_ERROR();
    const char *const why = l->tls == NULL ? NULL : box_tls_why(l->bev);

    if (why != NULL)
        return why;
    if (l->state != ST_CONNECTING && (error == ECONNRESET || error == EPIPE))
        return why_ended(l);
    return error == 0 ? "the connection failed" : evutil_socket_error_to_string(error);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct box_link *l = ctx;

    (void)bev;
    if (what & BEV_EVENT_CONNECTED)
        link_connected(l);
    else if (what & BEV_EVENT_EOF)
        box_link_lost(l, why_ended(l));
    else if (what & BEV_EVENT_TIMEOUT)
        box_link_give_up(l, "bearerbox does not read");
    else
        box_link_lost(l, why_failed(l));
}

static void link_connect(struct box_link *l)
{
    const struct timeval write_wait = { WRITE_WAIT_S, 0 };
    struct sockaddr_storage to = l->conf->address.sa; /* libevent wants it writable */

    if (l->stopped)
        return;
    l->bev = l->tls != NULL
                 ? box_tls_connecting(l->tls, l->base)
                 : bufferevent_socket_new(l->base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (l->bev == NULL) {
        box_link_lost(l, "out of memory");
        return;
    }
    bufferevent_setcb(l->bev, on_read, on_written, on_event, l);
    bufferevent_setwatermark(l->bev, EV_READ, 0, INPUT_MAX);
    bufferevent_set_timeouts(l->bev, NULL, &write_wait);
    (void)bufferevent_enable(l->bev, EV_READ | EV_WRITE);
    enter(l, ST_CONNECTING);
    if (bufferevent_socket_connect(l->bev, (struct sockaddr *)&to,
                                   (int)l->conf->address.sa_len) != 0)
        box_link_lost(l, "no socket");
}

int box_link_open(struct box_link *l, struct event_base *base,
                  const struct config_kannel *conf, const struct box_link_user *user,
                  void *ctx, struct err *e)
{
    *l = (struct box_link){ .conf = conf,
                            .base = base,
                            .user = user,
                            .ctx = ctx,
                            .backoff_ms = BACKOFF_LEAST_MS,
                            .settle_ms = SETTLE_LEAST_MS };
    if (conf->tls && (l->tls = box_tls_new(conf, e)) == NULL)
        return -1;
    l->timer = evtimer_new(base, on_timer, l);
    if (l->timer == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "bearerbox: out of memory");
    arm(l->timer, 0);
    return 0;
}
