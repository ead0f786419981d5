/* SPDX-License-Identifier: ISC */
/* bearerbox_link.h - one connection to one bearerbox, made again and again: plain or
 * TLS, bytes both ways. What the bytes mean is its user's affair.
 *
 * A link that does not hold is given more and more time to prove that it does before it
 * counts as up: bearerbox closes at once on a box that it does not want, and one that
 * dies of something in its own spool dies again soon after each start. */
#ifndef PLUGIN_BEARERBOX_LINK_H
#define PLUGIN_BEARERBOX_LINK_H

#include "relay/relay.h"

struct bufferevent;
struct event;
struct evbuffer;
struct box_tls;

enum box_link_state {
    ST_DOWN, /* waiting for the next try */
    ST_CONNECTING,
    ST_SETTLING, /* identified; a bearerbox that does not want us closes now */
    ST_UP,
    ST_FINISHING, /* bearerbox asked us to go: waits for acks, takes no MT */
    ST_COUNT
};

struct box_link_user {               /* called from the loop, with the link's ctx */
    void (*on_connected)(void *ctx); /* say who we are */
    void (*on_state)(void *ctx);     /* the state changed */
    void (*on_input)(void *ctx, struct evbuffer *in); /* drain what is whole */
    void (*on_written)(void *ctx);                    /* all output has left */
    void (*on_tick)(void *ctx);                       /* each second while up */
    /* It is lost. handed: so many of the bytes sent since it connected may have reached
     * bearerbox. Returns how many MTs had no ack. */
    size_t (*on_lost)(void *ctx, uint64_t handed);
};

struct box_link { /* read-only for the user */
    const struct config_kannel *conf;
    enum box_link_state state;
    uint64_t written;  /* bytes given to it since it connected */
    uint64_t heard_ms; /* when bytes last came */
    bool given_up;     /* while on_lost runs: by us */

    struct event_base *base; /* from here on its own */
    const struct box_link_user *user;
    void *ctx;
    struct box_tls *tls; /* NULL: plain */
    struct bufferevent *bev;
    struct event *timer;            /* see states[] */
    unsigned backoff_ms, settle_ms; /* the next ones */
    uint64_t up_since_ms;           /* 0: it was not up since it was lost */
    bool stopped;
    char said_why[160]; /* what was logged last: once is enough */
};

uint64_t box_link_now_ms(void);
/* box_link_open - connects from the loop's next turn on. 0, or -1 with *e. */
int box_link_open(struct box_link *l, struct event_base *base,
                  const struct config_kannel *conf, const struct box_link_user *user,
                  void *ctx, struct err *e);
/* box_link_send - false: out of memory, nothing is sent. */
bool box_link_send(struct box_link *l, struct span bytes);
/* box_link_unsent - bytes given to it that wait for bearerbox. */
size_t box_link_unsent(const struct box_link *l);
/* box_link_read_again - on_input is called now: it may have stopped earlier. */
void box_link_read_again(struct box_link *l);
/* box_link_lost - closed; tried again later. box_link_give_up - the same, by us: it
 * says nothing or does not read, but nothing took it down. */
void box_link_lost(struct box_link *l, const char *why);
void box_link_give_up(struct box_link *l, const char *why);
/* box_link_finish - no MT any more; lost by itself after some seconds. */
void box_link_finish(struct box_link *l);
/* box_link_stop - once lost it stays down. */
void box_link_stop(struct box_link *l);

#endif
