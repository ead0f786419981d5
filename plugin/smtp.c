/* SPDX-License-Identifier: ISC */
/* smtp.c - the mail door: LMTP from an MTA, ESMTP from whoever is configured.
 * Here:       the plugin, its listeners, its clock, its drain.
 * Elsewhere:  a session (smtp_session.c), its commands (smtp_command.c, smtp_parse.c),
 *             a message's bytes (smtp_data.c) and their way on (smtp_submit.c).
 * Called by:  relay/core.c through plugins.def. */
#include "plugin/smtp_session.h"
#include <event2/event.h>
#include <event2/listener.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TICK_S 5
#define DATA_TOTAL (64U << 20) /* and twice the largest message */

static struct smtp_door door;

static void on_accept(struct evconnlistener *accepting, evutil_socket_t fd,
                      struct sockaddr *peer, int peer_len, void *ctx)
{
    static const char full[] = "421 4.3.2 Too many connections, try again later\r\n";
    struct smtp_listener *const l = ctx;

    (void)accepting, (void)peer_len;
    if (l->sessions < l->config->connections) {
        smtp_session_open(l, fd, peer);
        return;
    }
    (void)send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(fd);
}

/* Mostly no file descriptors: without a pause the loop would spin on it. */
static void on_accept_error(struct evconnlistener *accepting, void *ctx)
{
    const struct smtp_listener *const l = ctx;

    LOG(L_WARN, "smtp.accept-failed", LOG_STR("listen", l->config->address.text),
        LOG_STR("why", strerror(errno)),
        LOG_STR("do", "raise the limit of open files or lower connections"));
    (void)evconnlistener_disable(accepting);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    const uint64_t now_s = smtp_now_s();

    (void)fd, (void)what, (void)ctx;
    for (struct smtp_session *s = door.sessions, *next; s != NULL; s = next) {
        next = s->next;
        smtp_session_tick(s, now_s);
    }
    for (size_t i = 0; i < door.listener_count && !door.draining; i++)
        (void)evconnlistener_enable(door.listeners[i].accepting);
}

static int listen_on(struct relay *r, size_t i, struct err *e)
{
    struct smtp_listener *const l = &door.listeners[door.listener_count];

    l->door = &door;
    l->config = &r->config->listens[i];
    l->accepting = evconnlistener_new(r->base, on_accept, l, LEV_OPT_CLOSE_ON_EXEC, 0,
                                      r->listen_fds[i]);
    if (l->accepting == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "smtp: accepting on %s failed",
                       l->config->address.text);
    evconnlistener_set_error_cb(l->accepting, on_accept_error);
    door.listener_count++;
    return 0;
}

static int start(struct relay *r, struct err *e)
{
    const struct timeval tick = { TICK_S, 0 };

    door.relay = r;
    door.data_max = DATA_TOTAL + 2 * r->config->message_size_limit;
    door.listeners = calloc(r->config->listen_count + 1, sizeof *door.listeners);
    door.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    door.hash = EVP_MD_CTX_new();
    door.on_tick = event_new(r->base, -1, EV_PERSIST, on_tick, NULL);
    if (door.listeners == NULL || door.sha256 == NULL || door.hash == NULL ||
        door.on_tick == NULL || event_add(door.on_tick, &tick) != 0)
        return err_set(e, ERR_TEMP, "4.3.0", "smtp: out of memory");
    for (size_t i = 0; i < r->config->listen_count; i++) {
        const enum listen_protocol protocol = r->config->listens[i].protocol;

        if ((protocol == LISTEN_LMTP || protocol == LISTEN_SMTP) &&
            listen_on(r, i, e) != 0)
            return -1;
    }
    return 0;
}

static void drain(struct relay *r)
{
    (void)r;
    door.draining = true;
    for (size_t i = 0; i < door.listener_count; i++)
        (void)evconnlistener_disable(door.listeners[i].accepting);
    for (struct smtp_session *s = door.sessions, *next; s != NULL; s = next) {
        next = s->next;
        smtp_session_drain(s);
    }
}

static size_t busy(struct relay *r)
{
    size_t n = 0;

    (void)r;
    for (const struct smtp_session *s = door.sessions; s != NULL; s = s->next)
        n += smtp_session_busy(s);
    return n;
}

const struct plugin plugin_smtp = {
    .name = "smtp", .where = IPC_FRONT, .start = start, .drain = drain, .busy = busy
};
