/* SPDX-License-Identifier: ISC */
/* core.c - the frame around the doors of front and courier.
 * Here:       start and drain of the doors, the keeper's channel, calls and their
 * answers. Elsewhere:  what front and courier add (front.c, courier.c), restarts
 * (sealpostd.c). Called by:  front.c, courier.c; relay_call and relay_cancel by every
 * door. */
#include "relay/core.h"
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_TICK_MS 20
#define NO_CALL SIZE_MAX

struct core_call {
    core_adapter *adapter; /* NULL: free */
    void (*door)(void);    /* the door's function, of the type that adapter knows */
    void *ctx;
    enum ipc_type expects;
    bool failed;    /* the keeper went: answer NULL at the next turn */
    uint32_t round; /* a slot's number of uses: old call numbers do not match */
    size_t next_free;
};

static const struct {
    enum ipc_type request, answer;
} pairs[] = {
    { IPC_RECIPIENT_ASK, IPC_RECIPIENT },
    { IPC_OFFER, IPC_OFFER_ANSWER },
    { IPC_PLAIN, IPC_PLAIN_ANSWER },
    { IPC_NOTICE_ASK, IPC_NOTICE_INFO },
    { IPC_REG_START, IPC_REG_STARTED },
    { IPC_REG_OTP, IPC_REG_OTP_ANSWER },
    { IPC_REG_DEVICE, IPC_REG_DEVICE_ANSWER },
    { IPC_DEVICE_CALL, IPC_DEVICE_ANSWER },
    { IPC_MO, IPC_INPUT_ANSWER },
    { IPC_DLR, IPC_INPUT_ANSWER },
};

uint64_t core_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static enum ipc_type answer_of(enum ipc_type request)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].request == request)
            return pairs[i].answer;
    abort(); /* a door called relay_call with something that is no request */
}

/* A free slot's index; grows the table by half. Doors bound their own calls. */
static size_t slot_take(struct relay_core *c)
{
    size_t i = c->free_call;

    if (i == NO_CALL) {
        const size_t more = c->call_count / 2 + 64;
        struct core_call *grown =
            realloc(c->calls, (c->call_count + more) * sizeof *c->calls);

        if (grown == NULL)
            abort();
        c->calls = grown;
        for (size_t k = c->call_count; k < c->call_count + more; k++)
            c->calls[k] = (struct core_call){ .next_free = c->free_call, .round = 1 },
            c->free_call = k;
        c->call_count += more;
        i = c->free_call;
    }
    c->free_call = c->calls[i].next_free;
    return i;
}

static void slot_give(struct relay_core *c, size_t i)
{
    c->calls[i].adapter = NULL;
    c->calls[i].failed = false;
    c->calls[i].round++;
    c->calls[i].next_free = c->free_call;
    c->free_call = i;
}

static struct core_call *slot_of(struct relay_core *c, uint64_t call)
{
    const size_t i = (size_t)(call & UINT32_MAX);

    if (i >= c->call_count || c->calls[i].adapter == NULL ||
        c->calls[i].round != (uint32_t)(call >> 32))
        return NULL;
    return &c->calls[i];
}

uint64_t core_call(struct relay_core *c, enum ipc_type type, const void *fixed,
                   struct span tail, struct span rest, core_adapter *adapter,
                   void (*door)(void), void *ctx)
{
    const size_t i = slot_take(c);
    struct core_call *slot = &c->calls[i];
    const uint64_t call = (uint64_t)slot->round << 32 | i;

    slot->adapter = adapter;
    slot->door = door;
    slot->ctx = ctx;
    slot->expects = answer_of(type);
    if (c->keeper == NULL) {
        slot->failed = true;
        event_active(c->on_failed, EV_TIMEOUT, 0);
        return call;
    }
    ipc_send2(c->keeper, type, call, fixed, tail, rest);
    return call;
}

static void adapt_plain(struct relay_core *c, void (*door)(void), void *ctx,
                        const struct ipc_frame *f)
{
    (void)c;
    ((relay_answer *)door)(ctx, f);
}

uint64_t relay_call(struct relay *r, enum ipc_type type, const void *fixed,
                    struct span tail, struct span rest, relay_answer *answer, void *ctx)
{
    return core_call(r->core, type, fixed, tail, rest, adapt_plain,
                     (void (*)(void))answer, ctx);
}

void relay_cancel(struct relay *r, uint64_t call)
{
    const struct core_call *slot = slot_of(r->core, call);

    if (slot != NULL)
        slot_give(r->core, (size_t)(slot - r->core->calls));
}

/* The slot is given back before the door is called: it may call again from there. */
static void answer_call(struct relay_core *c, size_t i, const struct ipc_frame *f)
{
    const struct core_call call = c->calls[i];

    slot_give(c, i);
    call.adapter(c, call.door, call.ctx, f);
}

static void answer_failed(evutil_socket_t fd, short what, void *ctx)
{
    struct relay_core *c = ctx;

    (void)fd, (void)what;
    for (size_t i = 0; i < c->call_count; i++)
        if (c->calls[i].adapter != NULL && c->calls[i].failed)
            answer_call(c, i, NULL);
}

static void keeper_frame(void *ctx, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct relay_core *c = ctx;
    const struct core_call *slot;

    (void)ch;
    if (f->call == 0) {
        c->told(c, f);
        return;
    }
    slot = slot_of(c, f->call);
    if (slot != NULL && slot->expects == f->type)
        answer_call(c, (size_t)(slot - c->calls), f);
    /* else: a call that its door cancelled */
}

static void drop_keeper(struct relay_core *c)
{
    ipc_channel_free(c->keeper);
    c->keeper = NULL;
    for (size_t i = 0; i < c->call_count; i++)
        c->calls[i].failed = c->calls[i].adapter != NULL;
    event_active(c->on_failed, EV_TIMEOUT, 0);
    c->keeper_went(c);
}

static void keeper_end(void *ctx, struct ipc_channel *ch, const char *why)
{
    (void)ch;
    LOG(L_INFO, "peer.lost", LOG_STR("peer", "keeper"),
        LOG_STR("why", why == NULL ? "closed" : why));
    drop_keeper(ctx);
}

static void new_keeper(struct relay_core *c, int fd)
{
    if (c->keeper != NULL)
        drop_keeper(c);
    c->keeper = ipc_channel_new(c->relay.base, fd, c->role, IPC_KEEPER, keeper_frame,
                                keeper_end, c);
    if (c->keeper == NULL)
        abort();
    c->keeper_came(c);
}

static void parent_packet(evutil_socket_t fd, short what, void *ctx)
{
    struct relay_core *c = ctx;
    struct ipc_peer peer;
    enum ipc_type type;
    int passed;

    (void)what;
    switch (
        ipc_packet_take(fd, IPC_PARENT, c->role, &type, &peer, sizeof peer, &passed)) {
    case 1:
        if (passed >= 0 && peer.role == IPC_KEEPER)
            new_keeper(c, passed);
        else if (passed >= 0)
            (void)close(passed);
        break;
    case 0: /* the parent is gone: nobody would restart or stop us */
        (void)event_base_loopbreak(c->relay.base);
        break;
    default:
        break;
    }
}

static bool is_mine(const struct relay_core *c, const struct plugin *p)
{
    return p->where == c->role;
}

static size_t core_busy(struct relay_core *c)
{
    size_t busy = c->keeper == NULL ? 0 : ipc_unsent(c->keeper);

    for (size_t i = 0; plugins[i] != NULL; i++)
        if (is_mine(c, plugins[i]))
            busy += plugins[i]->busy(&c->relay);
    return busy;
}

static void drain_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct relay_core *c = ctx;

    (void)fd, (void)what;
    if (core_busy(c) == 0 || core_now_ms() >= c->drain_end_ms)
        (void)event_base_loopbreak(c->relay.base);
}

static void on_term(evutil_socket_t fd, short what, void *ctx)
{
    struct relay_core *c = ctx;
    const struct timeval tick = { 0, DRAIN_TICK_MS * 1000 };

    (void)fd, (void)what;
    if (c->draining)
        return;
    c->draining = true;
    c->drain_end_ms = core_now_ms() + c->relay.config->drain_s * 1000;
    for (size_t i = 0; plugins[i] != NULL; i++)
        if (is_mine(c, plugins[i]))
            plugins[i]->drain(&c->relay);
    (void)event_add(c->on_drain_tick, &tick);
}

static int core_open(struct relay_core *c, const struct process *p)
{
    c->role = p->role;
    c->parent_fd = p->parent_fd;
    c->free_call = NO_CALL;
    c->relay = (struct relay){ .base = event_base_new(),
                               .config = p->config,
                               .templates = p->templates,
                               .listen_fds = p->listen_fds,
                               .core = c };
    if (c->relay.base == NULL)
        return -1;
    c->on_parent =
        event_new(c->relay.base, p->parent_fd, EV_READ | EV_PERSIST, parent_packet, c);
    c->on_term = evsignal_new(c->relay.base, SIGTERM, on_term, c);
    c->on_drain_tick = event_new(c->relay.base, -1, EV_PERSIST, drain_tick, c);
    c->on_failed = event_new(c->relay.base, -1, 0, answer_failed, c);
    if (c->on_parent == NULL || c->on_term == NULL || c->on_drain_tick == NULL ||
        c->on_failed == NULL)
        return -1;
    return event_add(c->on_parent, NULL) | event_add(c->on_term, NULL);
}

static int start_doors(struct relay_core *c)
{
    struct err e;

    if (c->open != NULL && c->open(c, &e) != 0) {
        LOG(L_ERROR, "process.failed", LOG_WHY(&e));
        return -1;
    }
    for (size_t i = 0; plugins[i] != NULL; i++)
        if (is_mine(c, plugins[i]) && plugins[i]->start(&c->relay, &e) != 0) {
            LOG(L_ERROR, "door.failed", LOG_STR("door", plugins[i]->name), LOG_WHY(&e));
            return -1;
        }
    return 0;
}

int core_run(struct relay_core *c, const struct process *p)
{
    const struct ipc_ready ready = { (uint32_t)getpid() };

    if (core_open(c, p) != 0)
        return EX_OSERR;
    if (start_doors(c) != 0)
        return EX_UNAVAILABLE;
    if (ipc_packet_send(p->parent_fd,
                        p->role == IPC_FRONT ? IPC_FRONT_READY : IPC_COURIER_READY,
                        &ready, -1) != 0)
        return EX_OSERR;
    (void)event_base_dispatch(c->relay.base);
    return EX_OK;
}
