/* SPDX-License-Identifier: ISC */
/* push.c - telling a device by push that a message waits.
 * Here:       subscriptions, which devices get a push, the push itself, what became of
 *             it.
 * Elsewhere:  when an SMS goes all the same (notice.c), trying again (outbox.c), the
 *             body (webpush.c), who says it (vapid.c), HTTP (plugin/push.c).
 * Called by:  device.c, device_call.c, notice.c, outbox.c, outbox_job.c.
 * Source:     RFC 8030, RFC 8291, RFC 8292.
 *
 * A device has one push in the outbox at most. All pushes are alike, so what comes
 * while one waits is told by it, and what comes while one is on its way by one more
 * behind it. */
#include "relay/push.h"
#include "relay/keeper/keeper.h"
#include "relay/keeper/webpush.h"
#include <assert.h>

/* The same for every push: it says nothing of the message, nor how many there are. */
#define PLAIN "waiting"
/* After so many tries the SMS goes: 0, 2, 6 and 14 s behind the message. */
#define TRIES 4U
/* Behind one that was on its way: a flood of messages is no flood of pushes. */
#define AGAIN_S 10U

enum {
    NONE,
    STANDS,
    HANDED,
    AGAIN
}; /* push_record.state; AGAIN: handed, and one more
      is to follow */

static_assert(PUSH_ENDPOINT_ROOM == RECORD_ENDPOINT, "an endpoint fits its record");

static bool record_of(struct keeper *k, const uint8_t device[16], struct push_record *p)
{
    return tx_get(k, T_PUSH, device, 16, RECORD_PUSH, p);
}

static void put(struct keeper *k, const uint8_t device[16], const struct push_record *p)
{
    tx_put(k, T_PUSH, device, 16, RECORD_PUSH, p);
}

/* -- subscriptions */

void push_forget(struct keeper *k, const uint8_t device[16])
{
    tx_del(k, T_PUSH, device, 16);
}

/* A browser that lost its keys and registered again keeps its endpoint. */
static void take_over(struct keeper *k, const struct handset_record *h,
                      const char *endpoint)
{
    struct push_record p;

    for (size_t i = 0; i < h->device_count; i++)
        if (record_of(k, h->devices[i], &p)) {
            if (strcmp(p.endpoint, endpoint) == 0)
                push_forget(k, h->devices[i]);
            record_clear(RECORD_PUSH, &p);
        }
}

enum ipc_verdict push_subscribe(struct keeper *k, const uint8_t device[16],
                                const struct device_record *d,
                                const struct handset_record *h, struct span body)
{
    struct push_subscription s;
    struct push_record p = { .state = NONE };
    struct err e;

    if (push_take(k->config, body, &s, &e) != 0)
        return IPC_BAD_REQUEST;
    if (s.endpoint[0] == '\0') {
        push_forget(k, device);
        LOG(L_INFO, "push.ended", LOG_ID("device", device), LOG_STR("why", "asked"));
        return IPC_OK;
    }
    if (k->config->push_wait_s == 0 || d->type == DEVICE_SHARED)
        return IPC_GONE;
    (void)record_of(k, device, &p); /* its push in the outbox goes on */
    take_over(k, h, s.endpoint);
    memcpy(p.endpoint, s.endpoint, sizeof p.endpoint);
    memcpy(p.p256dh, s.p256dh, sizeof p.p256dh);
    memcpy(p.auth, s.auth, sizeof p.auth);
    put(k, device, &p);
    LOG(L_INFO, "push.subscribed", LOG_ID("device", device));
    return IPC_OK;
}

/* -- a message waits */

static void add(struct keeper *k, const uint8_t handset[16], const uint8_t device[16],
                uint64_t due_s, struct push_record *p)
{
    struct outbox_record o = { .kind = OUTBOX_PUSH,
                               .expires_s = due_s + k->config->push_wait_s };
    uint8_t job[16];

    memcpy(o.handset, handset, 16);
    memcpy(o.subject_id, device, 16);
    outbox_add(k, LANE_PUSH, due_s, &o, job);
    p->state = STANDS;
    put(k, device, p);
}

/* What an SMS registered may be a forger's: it must not keep an SMS from the owner. */
static bool may_be_told(struct keeper *k, const uint8_t device[16])
{
    struct device_record d;
    bool may;

    if (!tx_get(k, T_DEVICE, device, 16, RECORD_DEVICE, &d))
        return false;
    may = device_is_fresh(k, &d) && !device_is_doubtful(k, &d);
    record_clear(RECORD_DEVICE, &d);
    return may;
}

bool push_want(struct keeper *k, const uint8_t handset[16],
               const struct handset_record *h)
{
    struct push_record p;
    bool any = false;

    for (size_t i = 0; i < h->device_count && k->config->push_wait_s > 0; i++) {
        if (!may_be_told(k, h->devices[i]) || !record_of(k, h->devices[i], &p))
            continue;
        any = true;
        if (p.state == NONE) {
            add(k, handset, h->devices[i], k->now_s, &p);
        } else if (p.state == HANDED) {
            p.state = AGAIN;
            put(k, h->devices[i], &p);
        }
        record_clear(RECORD_PUSH, &p);
    }
    return any;
}

bool push_covers(struct keeper *k, const struct handset_record *h, uint64_t since_s)
{
    struct push_record p;
    bool covers = false;

    for (size_t i = 0; i < h->device_count; i++)
        if (record_of(k, h->devices[i], &p)) {
            covers = covers || p.state != NONE || p.handed_s >= since_s;
            record_clear(RECORD_PUSH, &p);
        }
    return covers;
}

/* -- the push */

static bool put_counted(struct buf *tail, struct buf *piece)
{
    const bool ok = buf_ok(piece);

    buf_put_be16(tail, (uint16_t)piece->n);
    buf_put_span(tail, buf_span(piece));
    buf_wipe(piece);
    return ok;
}

static bool put_tail(struct keeper *k, const struct push_record *p, struct buf *tail)
{
    struct webpush_to to;
    struct buf origin, piece;
    bool ok;

    memcpy(to.p256dh, p->p256dh, sizeof to.p256dh);
    memcpy(to.auth, p->auth, sizeof to.auth);
    buf_init(&origin, PUSH_ENDPOINT_ROOM);
    buf_init(&piece, IPC_TAIL_PUSH);
    buf_put(&piece, p->endpoint);
    ok = url_origin(span_str(p->endpoint), &origin) && put_counted(tail, &piece) &&
         vapid_authorization(k->vapid, k->now_s, buf_span(&origin),
                             k->config->push_contact, &piece) &&
         put_counted(tail, &piece) && webpush_seal(&to, span_str(PLAIN), tail) &&
         buf_ok(tail);
    buf_wipe(&piece);
    buf_wipe(&origin);
    return ok;
}

enum ipc_verdict push_job(struct keeper *k, const uint8_t job[16],
                          const struct outbox_record *o, struct ipc_job_push *out,
                          struct buf *tail)
{
    struct push_record p;
    enum ipc_verdict v = IPC_GONE;

    if (!record_of(k, o->subject_id, &p))
        return IPC_GONE; /* it was revoked, or wants no pushes any more */
    memcpy(out->job, job, 16);
    out->ttl_s = (uint32_t)k->config->push_wait_s;
    if (k->config->push_wait_s > 0 && (o->created_s >= k->now_s || /* it just came */
                                       notice_is_needed(k, o->handset)))
        v = put_tail(k, &p, tail) ? IPC_OK : IPC_TEMP;
    if (v == IPC_OK && p.state != AGAIN) {
        p.state = HANDED;
        put(k, o->subject_id, &p);
    }
    record_clear(RECORD_PUSH, &p);
    return v;
}

/* -- what became of it */

bool push_is_given_up(const struct outbox_record *o)
{
    return o->attempts >= TRIES;
}

void push_waits(struct keeper *k, const struct outbox_record *o)
{
    struct push_record p;

    if (!record_of(k, o->subject_id, &p))
        return;
    p.state = STANDS; /* when it goes it tells of all that came meanwhile */
    put(k, o->subject_id, &p);
    record_clear(RECORD_PUSH, &p);
}

void push_taken(struct keeper *k, const struct outbox_record *o, uint64_t handed_s)
{
    struct push_record p;

    if (!record_of(k, o->subject_id, &p))
        return;
    p.handed_s = handed_s;
    if (p.state == AGAIN) {
        add(k, o->handset, o->subject_id, k->now_s + AGAIN_S, &p);
    } else {
        p.state = NONE;
        put(k, o->subject_id, &p);
    }
    record_clear(RECORD_PUSH, &p);
}

void push_failed(struct keeper *k, const struct outbox_record *o, bool gone)
{
    struct push_record p;

    if (record_of(k, o->subject_id, &p)) {
        p.state = NONE;
        if (gone) {
            push_forget(k, o->subject_id);
            LOG(L_INFO, "push.ended", LOG_ID("device", o->subject_id),
                LOG_STR("why", "the push service does not know it any more"));
        } else {
            put(k, o->subject_id, &p);
        }
        record_clear(RECORD_PUSH, &p);
    }
    notice_unpushed(k, o->handset);
}
