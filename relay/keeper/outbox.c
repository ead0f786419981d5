/* SPDX-License-Identifier: ISC */
/* outbox.c - what waits to leave through courier, and what became of it.
 * Here:       lanes and due times, hand-over, outcomes, back-off, doubt.
 * Elsewhere:  what is said (outbox_job.c), protocols (plugin/).
 * Called by:  whoever wants to tell somebody something; keeper.c at each turn's end.
 * Source:     DESIGN 4.4.
 *
 * An entry is marked as handed over, on disk, before courier gets it; it leaves the
 * outbox only with a known outcome. When courier or keeper dies in between, the mark is
 * found, counted as a doubt, logged, and the entry goes again: better an SMS twice than
 * never. */
#include "relay/keeper/outbox_job.h"
#include <assert.h>

/* It, or something with it, took courier or a neighbour down. */
#define ALONE_DOUBTS 3U
/* ... and alone it did so again: not a third time. */
#define ASIDE_DOUBTS 5U
/* An entry handed over comes due again if nobody tells. */
#define LEASE_S 60U
#define BACKOFF_FIRST_S 2U
#define BACKOFF_LAST_S 300U
#define SILENCE_LAST_S 21600U
#define SCAN_MAX 1000U /* entries looked at in one turn and lane */

static const struct {
    enum link_kind link;
    bool has_link;
} lanes[LANE_COUNT] = {
    [LANE_OTP] = { LINK_SMS, true },       [LANE_SMS] = { LINK_SMS, true },
    [LANE_PLAIN] = { LINK_SMS, true },     [LANE_MAIL] = { LINK_MAIL, true },
    [LANE_CALLBACK] = { LINK_HTTP, true }, [LANE_PUSH] = { LINK_PUSH, true },
    [LANE_ASIDE] = { LINK_SMS, false },
};
static const uint32_t windows[LINK_KIND_COUNT] = {
    [LINK_SMS] = 256, [LINK_MAIL] = 64, [LINK_HTTP] = 64, [LINK_PUSH] = 64
};

static const char *const outcome_names[] = { "sent",  "busy",   "refused",
                                             "doubt", "silent", "gone" };
static_assert(sizeof outcome_names / sizeof outcome_names[0] == JOB_OUTCOME_COUNT,
              "a name an outcome");

static enum link_kind link_of(const struct tx_key *key)
{
    return lanes[key->b[0]].link;
}

void outbox_add(struct keeper *k, enum outbox_lane lane, uint64_t due_s,
                struct outbox_record *o, uint8_t job_out[16])
{
    struct tx_key key;

    keeper_id(k, job_out);
    o->created_s = k->now_s;
    key = tx_key_outbox((uint8_t)lane, due_s, job_out);
    tx_put(k, T_OUTBOX, key.b, key.n, RECORD_OUTBOX, o);
    if (o->epoch != 0) {
        key = tx_key_epoch(o->epoch, 'O', job_out);
        tx_mark(k, T_BY_EPOCH, key.b, key.n);
    }
    if (due_s <= k->now_s)
        k->pump_wanted = true;
}

static uint64_t due_of(const struct tx_key *key)
{
    uint64_t due_s = 0;

    for (int i = 1; i < 9; i++)
        due_s = due_s << 8 | key->b[i];
    return due_s;
}

static void drop_entry(struct keeper *k, const struct tx_key *key,
                       const struct outbox_record *o)
{
    tx_del(k, T_OUTBOX, key->b, key->n);
    if (o->epoch != 0) {
        const struct tx_key e = tx_key_epoch(o->epoch, 'O', job_of(key));

        tx_del(k, T_BY_EPOCH, e.b, e.n);
    }
}

/* Moves the entry to another due time, with what changed in its record. */
static struct tx_key move_entry(struct keeper *k, const struct tx_key *key,
                                uint64_t due_s, const struct outbox_record *o)
{
    const struct tx_key moved = tx_key_outbox(key->b[0], due_s, job_of(key));

    tx_del(k, T_OUTBOX, key->b, key->n);
    tx_put(k, T_OUTBOX, moved.b, moved.n, RECORD_OUTBOX, o);
    return moved;
}

void outbox_move(struct keeper *k, const struct tx_key *key, uint64_t due_s,
                 const struct outbox_record *o)
{
    (void)move_entry(k, key, due_s, o);
    if (due_s <= k->now_s)
        k->pump_wanted = true;
}

/* Each time a neighbour says nothing the SMS may have gone all the same: not for ever.
 */
static uint64_t silence_s(uint8_t attempts)
{
    uint64_t s = BACKOFF_FIRST_S;

    for (uint8_t i = 1; i < attempts && s < SILENCE_LAST_S; i++)
        s *= 4;
    return s < SILENCE_LAST_S ? s : SILENCE_LAST_S;
}

static uint64_t backoff_s(uint8_t attempts)
{
    uint64_t s = BACKOFF_FIRST_S;

    for (uint8_t i = 1; i < attempts && s < BACKOFF_LAST_S; i++)
        s *= 2;
    return s < BACKOFF_LAST_S ? s : BACKOFF_LAST_S;
}

/* Ids count upwards (keeper_id), so that jobs rarely meet at the same place. */
static size_t first_place(const uint8_t job[16])
{
    return ((size_t)job[8] << 8 | job[9]) % IN_FLIGHT_MAX;
}

static struct in_flight *flight_of(struct keeper *k, const uint8_t job[16])
{
    for (size_t n = 0, i = first_place(job); n < IN_FLIGHT_MAX;
         n++, i = (i + 1) % IN_FLIGHT_MAX)
        if (k->in_flight[i].used && memcmp(k->in_flight[i].job, job, 16) == 0)
            return &k->in_flight[i];
    return NULL;
}

static void flight_add(struct keeper *k, const struct tx_key *key, bool alone)
{
    for (size_t n = 0, i = first_place(job_of(key)); n < IN_FLIGHT_MAX;
         n++, i = (i + 1) % IN_FLIGHT_MAX)
        if (!k->in_flight[i].used) {
            k->in_flight[i] =
                (struct in_flight){ .used = true, .alone = alone, .key = *key };
            memcpy(k->in_flight[i].job, job_of(key), 16);
            k->in_flight_count[link_of(key)]++;
            k->alone[link_of(key)] = k->alone[link_of(key)] || alone;
            return;
        }
}

static void flight_end(struct keeper *k, struct in_flight *f)
{
    f->used = false;
    k->in_flight_count[link_of(&f->key)]--;
    if (f->alone)
        k->alone[link_of(&f->key)] = false;
}

static size_t room_on(const struct keeper *k, enum link_kind link)
{
    const uint32_t window =
        k->link_window[link] != 0 && k->link_window[link] < windows[link]
            ? k->link_window[link]
            : windows[link];

    if (k->courier == NULL || !k->link_up[link] || k->alone[link] ||
        k->in_flight_count[link] >= window)
        return 0;
    return window - k->in_flight_count[link];
}

static const struct report_facts plain_dropped = { .text = { "NACK/dropped", 12 } };
static const struct report_facts plain_refused = { .text = { "NACK/refused", 12 } };
static const struct report_facts plain_aside = { .text = { "NACK/set aside", 14 } };

static void give_up(struct keeper *k, struct handover *w, const char *why)
{
    LOG(w->o.kind == OUTBOX_REPLY ? L_ERROR : L_INFO, "outbox.dropped",
        LOG_ID("job", job_of(&w->key)), LOG_STR("kind", outbox_kinds[w->o.kind].name),
        LOG_STR("why", why));
    drop_entry(k, &w->key, &w->o);
    if (w->o.kind == OUTBOX_NOTICE && w->o.expires_s <= k->now_s)
        notice_again(k, w->o.handset);
    else if (w->o.kind == OUTBOX_NOTICE)
        notice_dropped(k, w->o.handset);
    else if (w->o.kind == OUTBOX_PLAIN)
        report_event(k, w->o.subject_id, REPORT_REJECTED, &plain_dropped, true);
    else if (w->o.kind == OUTBOX_CONFIRM)
        registration_unconfirmed(k, w->o.subject_id);
    else if (w->o.kind == OUTBOX_PUSH)
        push_failed(k, &w->o, false);
    else if (outbox_kinds[w->o.kind].lane == LANE_CALLBACK)
        report_given_up(k, &w->o);
}

static void when_sent(struct keeper *k, const struct outbox_record *o,
                      const struct tx_key *key)
{
    if (o->kind == OUTBOX_NOTICE)
        notice_sent(k, o, due_of(key) - LEASE_S);
    else if (o->kind == OUTBOX_CONFIRM)
        registration_confirmed(k, o);
    else if (o->kind == OUTBOX_PUSH)
        push_taken(k, o, due_of(key) - LEASE_S);
}

static void when_refused(struct keeper *k, const struct outbox_record *o,
                         const struct report_facts *facts)
{
    if (o->kind == OUTBOX_PLAIN)
        report_event(k, o->subject_id, REPORT_REJECTED, facts, true);
    else if (o->kind == OUTBOX_CONFIRM)
        registration_unconfirmed(k, o->subject_id);
    else if (o->kind == OUTBOX_PUSH)
        push_failed(k, o, false);
    else if (outbox_kinds[o->kind].lane == LANE_CALLBACK)
        report_given_up(k, o);
    if (o->kind != OUTBOX_NOTICE)
        return;
    notice_undeliverable(k, o->handset, REPORT_REJECTED);
    notice_dropped(k, o->handset);
}

/* What brought a neighbour down each time, alone in the end, would do it for ever and
 * keep all else waiting. It stays where a person can look at it until its time is over.
 */
static void set_aside(struct keeper *k, const struct tx_key *key,
                      const struct outbox_record *o)
{
    const struct tx_key moved = tx_key_outbox(LANE_ASIDE, o->expires_s, job_of(key));

    LOG(L_ERROR, "outbox.set-aside", LOG_ID("job", job_of(key)),
        LOG_STR("kind", outbox_kinds[o->kind].name), LOG_ID("about", o->subject_id),
        LOG_U64("doubts", o->doubts),
        LOG_STR("why", "each time it was handed over the neighbour was lost; see what "
                       "the neighbour's log says of it"));
    tx_del(k, T_OUTBOX, key->b, key->n);
    tx_put(k, T_OUTBOX, moved.b, moved.n, RECORD_OUTBOX, o);
    when_refused(k, o, &plain_aside);
}

/* IPC_OK: to be sent when this transaction is committed. IPC_GONE: dropped. */
static enum ipc_verdict hand_over(struct keeper *k, void *arg)
{
    struct handover *w = arg;
    enum ipc_verdict v;
    uint64_t later_s;

    if (!tx_get(k, T_OUTBOX, w->key.b, w->key.n, RECORD_OUTBOX, &w->o))
        return IPC_GONE;
    if (w->o.kind == 0 || w->o.kind >= OUTBOX_KIND_COUNT)
        return tx_refuse(k, IPC_TEMP);
    w->alone = w->o.doubts + (w->o.handed != 0 ? 1U : 0U) >= ALONE_DOUBTS;
    if (w->alone && w->o.expires_s > k->now_s &&
        k->in_flight_count[link_of(&w->key)] > 0)
        return IPC_WAITING;
    if (w->o.handed != 0) {
        w->o.doubts = (uint8_t)(w->o.doubts + (w->o.doubts < UINT8_MAX));
        LOG(L_WARN, "outbox.doubt", LOG_ID("job", job_of(&w->key)),
            LOG_STR("kind", outbox_kinds[w->o.kind].name),
            LOG_U64("doubts", w->o.doubts),
            LOG_STR("why", "handed over, no outcome known"));
        w->o.handed = 0;
        if (w->o.doubts >= ASIDE_DOUBTS) {
            set_aside(k, &w->key, &w->o);
            return IPC_GONE;
        }
    }
    if (w->o.expires_s <= k->now_s) {
        give_up(k, w, "its time is over");
        return IPC_GONE;
    }
    if (w->o.kind == OUTBOX_NOTICE && notice_later(k, &w->o, &later_s)) {
        (void)move_entry(k, &w->key, later_s, &w->o);
        return IPC_GONE;
    }
    v = job_make(k, w);
    if (!tx_ok(k))
        return IPC_TEMP;
    w->o.attempts = (uint8_t)(w->o.attempts + (w->o.attempts < UINT8_MAX));
    if (v == IPC_TEMP) { /* an accepted reply is not dropped for a passing failure */
        LOG(L_WARN, "outbox.outcome", LOG_ID("job", job_of(&w->key)),
            LOG_STR("kind", outbox_kinds[w->o.kind].name), LOG_STR("outcome", "busy"),
            LOG_STR("why", "it could not be made; tried again"));
        (void)move_entry(k, &w->key, k->now_s + backoff_s(w->o.attempts), &w->o);
        return IPC_GONE;
    }
    if (v != IPC_OK) {
        give_up(k, w, "nothing to say any more");
        return IPC_GONE;
    }
    w->o.handed = 1;
    w->key = move_entry(k, &w->key, k->now_s + LEASE_S, &w->o);
    return IPC_OK;
}

/* The frame is held until the turn's flush: the mark is on disk before courier reads
 * it. */
static void send_job(struct keeper *k, const struct handover *w)
{
    flight_add(k, &w->key, w->alone);
    if (outbox_kinds[w->o.kind].lane == LANE_MAIL)
        ipc_send(k->courier, IPC_JOB_MAIL, 0, &w->job.mail, buf_span(&w->text));
    else if (outbox_kinds[w->o.kind].lane == LANE_CALLBACK)
        ipc_send(k->courier, IPC_JOB_CALLBACK, 0, &w->job.callback, buf_span(&w->text));
    else if (w->o.kind == OUTBOX_PUSH)
        ipc_send(k->courier, IPC_JOB_PUSH, 0, &w->job.push, buf_span(&w->text));
    else
        ipc_send(k->courier, IPC_JOB_SMS, 0, &w->job.sms, buf_span(&w->text));
    LOG(L_INFO, "outbox.handed", LOG_ID("job", job_of(&w->key)),
        LOG_STR("kind", outbox_kinds[w->o.kind].name), LOG_ID("about", w->o.subject_id),
        LOG_U64("attempt", w->o.attempts));
}

struct due {
    struct tx_key keys[IN_FLIGHT_MAX];
    size_t count, looked, room;
};

static bool collect_due(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct due *d = arg;
    struct tx_key due = { .n = n };

    memcpy(due.b, key, n);
    if (due_of(&due) > k->now_s || ++d->looked > SCAN_MAX)
        return false;
    d->keys[d->count++] = due;
    return d->count < d->room;
}

/* A hand-over whose lease is over is due again: in doubt. Nobody's silence keeps the
 * window full for ever. */
static void end_leases(struct keeper *k)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (k->in_flight[i].used && due_of(&k->in_flight[i].key) <= k->now_s)
            flight_end(k, &k->in_flight[i]);
}

/* IPC_WAITING: its lane is the next one, or those before it would go first for ever. */
static void hand_over_due(struct keeper *k, const struct due *due)
{
    for (size_t i = 0; i < due->count; i++) {
        struct handover w = { .key = due->keys[i] };
        enum ipc_verdict v;

        buf_init(&w.text, IPC_TAIL_MAIL);
        v = tx_run(k, hand_over, &w);
        if (v == IPC_OK)
            send_job(k, &w);
        handover_clear(&w);
        if (v == IPC_WAITING || (v == IPC_OK && w.alone)) {
            k->alone[link_of(&due->keys[i])] = true; /* nothing beside it */
            if (v == IPC_WAITING)
                k->alone_lane[link_of(&due->keys[i])] = due->keys[i].b[0];
            return;
        }
    }
}

static enum ipc_verdict end_aside(struct keeper *k, void *arg)
{
    struct handover *w = arg;

    if (!tx_get(k, T_OUTBOX, w->key.b, w->key.n, RECORD_OUTBOX, &w->o))
        return IPC_GONE;
    LOG(L_ERROR, "outbox.dropped", LOG_ID("job", job_of(&w->key)),
        LOG_STR("why", "set aside, and its time is over"));
    drop_entry(k, &w->key, &w->o);
    return IPC_OK;
}

static void pump_aside(struct keeper *k, const struct due *due)
{
    for (size_t i = 0; i < due->count; i++) {
        struct handover w = { .key = due->keys[i] };

        (void)tx_run(k, end_aside, &w);
        handover_clear(&w);
    }
}

/* One that has to go alone waits until nothing is under way; then its lane is looked at
 * first. */
static void let_alone_go(struct keeper *k)
{
    for (int link = 0; link < LINK_KIND_COUNT; link++)
        if (k->in_flight_count[link] == 0)
            k->alone[link] = false;
}

static void pump_lane(struct keeper *k, uint8_t lane)
{
    struct due due = { .room = lanes[lane].has_link ? room_on(k, lanes[lane].link)
                                                    : IN_FLIGHT_MAX };

    if (due.room == 0)
        return;
    k->failure = IPC_OK;
    tx_scan(k, T_OUTBOX, &lane, 1, NULL, 0, collect_due, &due);
    if (lanes[lane].has_link)
        hand_over_due(k, &due);
    else
        pump_aside(k, &due);
}

void outbox_pump(struct keeper *k)
{
    k->pump_wanted = false;
    end_leases(k);
    let_alone_go(k);
    for (int link = 0; link < LINK_KIND_COUNT; link++) {
        const uint8_t lane = k->alone_lane[link];

        if (lane == 0 || k->in_flight_count[link] > 0)
            continue;
        k->alone_lane[link] = 0;
        pump_lane(k, lane);
    }
    for (uint8_t lane = 0; lane < LANE_COUNT; lane++)
        pump_lane(k, lane);
}

static bool collect_handed(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct tx_key found = { .n = n };
    struct outbox_record o;

    (void)arg;
    memcpy(found.b, key, n);
    if (due_of(&found) > k->now_s + LEASE_S)
        return false;
    if (!tx_get(k, T_OUTBOX, key, n, RECORD_OUTBOX, &o))
        return tx_ok(k) || tx_forgive(k);
    if (o.handed != 0)
        flight_add(k, &found, o.doubts >= ALONE_DOUBTS);
    record_clear(RECORD_OUTBOX, &o);
    return k->in_flight_count[link_of(&found)] < IN_FLIGHT_MAX;
}

/* What was handed over stands at the end of its lease, so behind all that is overdue,
 * however much that is. */
void outbox_recover(struct keeper *k)
{
    static const uint8_t first[16] = { 0 };

    for (uint8_t lane = 0; lane < LANE_COUNT; lane++) {
        const struct tx_key from = tx_key_outbox(lane, k->now_s, first);

        k->failure = IPC_OK;
        if (lanes[lane].has_link)
            tx_scan(k, T_OUTBOX, &lane, 1, from.b, from.n, collect_handed, NULL);
    }
}

struct done {
    const struct ipc_job_done *in;
    struct tx_key key;
    bool alone;
};

/* A neighbour that only says nothing was not taken down: that is not counted against
 * the entry, which may come twice all the same. */
static void when_in_doubt(struct keeper *k, const struct tx_key *key,
                          struct outbox_record *o, bool counts, const char *why)
{
    o->doubts = (uint8_t)(o->doubts + (counts && o->doubts < UINT8_MAX));
    LOG(L_WARN, "outbox.doubt", LOG_ID("job", job_of(key)),
        LOG_U64("doubts", o->doubts), LOG_STR("why", why));
    if (counts && o->doubts >= ASIDE_DOUBTS)
        set_aside(k, key, o);
    else
        (void)move_entry(
            k, key,
            k->now_s + (counts ? backoff_s(o->attempts) : silence_s(o->attempts)), o);
}

/* An application's or operator's mistake must not cost what a patient wrote: it is
 * asked again until the reply's time is over. A push has an SMS behind it. */
static enum job_outcome mended(const struct outbox_record *o, enum job_outcome outcome)
{
    if (outcome == JOB_REFUSED && o->kind == OUTBOX_REPLY_CALLBACK)
        return JOB_BUSY;
    if (outcome == JOB_BUSY && o->kind == OUTBOX_PUSH && push_is_given_up(o))
        return JOB_REFUSED;
    return outcome;
}

static enum ipc_verdict take_outcome(struct keeper *k, void *arg)
{
    const struct done *d = arg;
    struct outbox_record o;

    if (!tx_get(k, T_OUTBOX, d->key.b, d->key.n, RECORD_OUTBOX, &o))
        return IPC_GONE;
    if (o.kind == 0 || o.kind >= OUTBOX_KIND_COUNT)
        return tx_refuse(k, IPC_TEMP);
    LOG(d->in->outcome == JOB_SENT ? L_INFO : L_WARN, "outbox.outcome",
        LOG_ID("job", d->in->job), LOG_STR("kind", outbox_kinds[o.kind].name),
        LOG_STR("outcome", outcome_names[d->in->outcome]), LOG_STR("why", d->in->why));
    o.handed = 0;
    if (d->alone && d->in->outcome != JOB_DOUBT)
        o.doubts = 0; /* it took nobody down */
    switch (mended(&o, (enum job_outcome)d->in->outcome)) {
    case JOB_SENT:
        drop_entry(k, &d->key, &o);
        when_sent(k, &o, &d->key);
        break;
    case JOB_REFUSED:
        drop_entry(k, &d->key, &o);
        when_refused(k, &o, &plain_refused);
        break;
    case JOB_DOUBT:
    case JOB_SILENT:
        when_in_doubt(k, &d->key, &o, d->in->outcome == JOB_DOUBT, d->in->why);
        break;
    case JOB_GONE:
        drop_entry(k, &d->key, &o);
        if (o.kind == OUTBOX_PUSH)
            push_failed(k, &o, true);
        else
            when_refused(k, &o, &plain_refused);
        break;
    default:
        (void)move_entry(k, &d->key, k->now_s + backoff_s(o.attempts), &o);
        if (o.kind == OUTBOX_PUSH)
            push_waits(k, &o);
        break;
    }
    record_clear(RECORD_OUTBOX, &o);
    return IPC_OK;
}

static void settle(struct keeper *k, struct in_flight *f, const struct ipc_job_done *in)
{
    struct done d = { .in = in, .key = f->key, .alone = f->alone };

    (void)tx_run(k, take_outcome, &d); /* failed: the lease ends, and it is in doubt */
    flight_end(k, f);
    k->pump_wanted = true;
}

void outbox_done(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    const struct ipc_job_done *in = f->fixed;
    struct in_flight *flight = flight_of(k, in->job);

    if (ch != k->courier || flight == NULL || in->outcome >= JOB_OUTCOME_COUNT)
        return; /* settled already */
    settle(k, flight, in);
}

void outbox_link(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    const struct ipc_link *link = f->fixed;

    if (ch != k->courier || link->kind >= LINK_KIND_COUNT)
        return;
    k->link_up[link->kind] = link->up != 0;
    k->link_window[link->kind] = link->window;
    k->pump_wanted = true;
}

void outbox_courier_lost(struct keeper *k)
{
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++)
        k->link_up[kind] = false;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        struct ipc_job_done in = { .outcome = JOB_DOUBT, .why = "courier died" };

        if (!k->in_flight[i].used)
            continue;
        if (link_of(&k->in_flight[i].key) == LINK_HTTP ||
            link_of(&k->in_flight[i].key) == LINK_PUSH)
            in.outcome = JOB_SILENT; /* a slow application outlives a reload */
        memcpy(in.job, k->in_flight[i].job, 16);
        settle(k, &k->in_flight[i], &in);
    }
}
