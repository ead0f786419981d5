/* SPDX-License-Identifier: ISC */
/* core.h - what front and courier have in common: doors, the keeper's channel, calls.
 *
 * Doors see relay.h only; front.c and courier.c see this. */
#ifndef RELAY_CORE_H
#define RELAY_CORE_H

#include "relay/process.h"
#include "relay/relay.h"

struct event;
struct core_call;

struct relay_core {
    struct relay relay;
    enum ipc_role role;
    int parent_fd;
    struct event *on_parent, *on_term, *on_drain_tick, *on_failed;
    struct ipc_channel *keeper; /* NULL: away */
    struct core_call *calls;
    size_t call_count, free_call;
    bool draining;
    uint64_t drain_end_ms;
    /* before the doors start: what they find in relay. 0, or -1 with *e. NULL: nothing
     */
    int (*open)(struct relay_core *c, struct err *e);
    /* frames of the keeper that answer no call */
    void (*told)(struct relay_core *c, const struct ipc_frame *f);
    void (*keeper_came)(struct relay_core *c);
    void (*keeper_went)(struct relay_core *c);
    void *own; /* front's or courier's own state */
};

/* core_run - start the doors of c->role, say "ready" to the parent, loop until told to
 * stop. Returns an exit status of sysexits.h. The caller has filled open, told,
 * keeper_came, keeper_went and own. */
int core_run(struct relay_core *c, const struct process *p);

/* core_call - relay_call for answers that the core understands first: adapter gets the
 * frame (NULL: keeper lost), makes what the door shall see, and calls door, whose real
 * type it knows. */
typedef void core_adapter(struct relay_core *c, void (*door)(void), void *ctx,
                          const struct ipc_frame *f);
uint64_t core_call(struct relay_core *c, enum ipc_type type, const void *fixed,
                   struct span tail, struct span rest, core_adapter *adapter,
                   void (*door)(void), void *ctx);

uint64_t core_now_ms(void); /* monotonic */

#endif
