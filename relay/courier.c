/* SPDX-License-Identifier: ISC */
/* courier.c - the process that talks to the neighbours: SMS, mail; no key, no store.
 * Here:       handing jobs to the doors and their outcomes back to the keeper.
 * Elsewhere:  protocols (plugin/), what waits and when it is tried again (outbox.c).
 * Called by:  sealpostd.c. It may die at any time: the keeper's outbox remembers. */
#include "relay/core.h"
#include <stdio.h>
#include <sysexits.h>

#define KEPT_MAX 512U /* more than the keeper ever has in flight */

struct courier {
    struct ipc_link links[LINK_KIND_COUNT];
    struct ipc_job_done kept[KEPT_MAX]; /* outcomes while the keeper is away */
    size_t kept_count;
};

static void told(struct relay_core *c, const struct ipc_frame *f)
{
    uint8_t job[16];

    for (size_t i = 0; plugins[i] != NULL; i++)
        if (plugins[i]->where == IPC_COURIER && plugins[i]->job_type == f->type) {
            plugins[i]->take_job(&c->relay, f);
            return;
        }
    memcpy(job, f->fixed, sizeof job); /* every job's struct begins with its id */
    relay_job_done(&c->relay, job, JOB_BUSY, "no door for this kind of job");
}

void relay_job_done(struct relay *r, const uint8_t job[16], enum job_outcome outcome,
                    const char *why)
{
    struct ipc_job_done done = { .outcome = (uint8_t)outcome };
    struct courier *own = r->core->own;

    memcpy(done.job, job, sizeof done.job);
    (void)snprintf(done.why, sizeof done.why, "%s", why);
    if (r->core->keeper != NULL)
        ipc_send(r->core->keeper, IPC_JOB_DONE, 0, &done, span_of(NULL, 0));
    else if (own->kept_count < KEPT_MAX)
        own->kept[own->kept_count++] = done;
    /* else: the job's lease ends, and the keeper counts it as in doubt */
}

static void tell_link(struct relay_core *c, enum link_kind kind)
{
    const struct courier *own = c->own;

    if (c->keeper != NULL)
        ipc_send(c->keeper, IPC_LINK, 0, &own->links[kind], span_of(NULL, 0));
}

void relay_link_state(struct relay *r, enum link_kind kind, bool up, uint32_t window)
{
    struct courier *own = r->core->own;

    own->links[kind] = (struct ipc_link){ (uint8_t)kind, up, window };
    tell_link(r->core, kind);
}

static void keeper_came(struct relay_core *c)
{
    struct courier *own = c->own;

    for (size_t i = 0; i < own->kept_count; i++)
        ipc_send(c->keeper, IPC_JOB_DONE, 0, &own->kept[i], span_of(NULL, 0));
    own->kept_count = 0;
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++)
        tell_link(c, (enum link_kind)kind);
}

static void keeper_went(struct relay_core *c)
{
    (void)c; /* jobs under way go on; the keeper that comes hears their outcomes */
}

int courier_main(const struct process *p)
{
    static struct courier courier = {
        .links = { [LINK_SMS] = { .kind = LINK_SMS },
                   [LINK_MAIL] = { .kind = LINK_MAIL, .up = 1 },
                   [LINK_HTTP] = { .kind = LINK_HTTP, .up = 1 },
                   [LINK_PUSH] = { .kind = LINK_PUSH, .up = 1 } }
    };
    static struct relay_core core = { .told = told,
                                      .keeper_came = keeper_came,
                                      .keeper_went = keeper_went,
                                      .own = &courier };

    msisdn_start();
    mime_start();
    return core_run(&core, p);
}
