/* SPDX-License-Identifier: ISC */
/* bearerbox.c - SMS out and in: a client of Kannel's bearerbox.
 * Here:       MTs and their acks, MOs and DLRs, on one link to each bearerbox.
 * Elsewhere:  the bytes (box_codec.c), connections (bearerbox_link.c), how fast
 *             (bearerbox_pace.c), what an SMS says and how often it is tried (keeper),
 *             the words (templates/).
 * Called by:  courier, as plugin_bearerbox.
 * Source:     Kannel 1.4.5 user guide, box protocol of its gw/ sources; measured on
 *             Debian's bearerbox.
 *
 * An MT goes to the first link that can take it, in the order of the configuration;
 * while none can it waits here, some seconds at most. Its ack ends the job; without one
 * the job ends in doubt, since bearerbox may have it. bearerbox keeps an MO or DLR
 * until we acknowledge it, which we do only when keeper says that it is on disk. */
#include "relay/relay.h"
#include "plugin/bearerbox_link.h"
#include "plugin/bearerbox_pace.h"
#include "plugin/box_codec.h"
#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

/* The keeper's lease of a job is 60 s: WAITING_MS and ACK_WAIT_MS fit into it. */
#define WAITING_MS 10000U /* until a link can take it */
#define ACK_WAIT_MS 30000U
#define WAITING_MAX 512U      /* MTs that no link can take now */
#define MTS_MAX 1000U         /* unacknowledged, for each link */
#define INPUTS_MAX 200U       /* MOs and DLRs with keeper; then the link is not read */
#define OUTPUT_MAX (1U << 20) /* bytes that bearerbox has not taken yet */
#define DLR_TEXT_MAX 4096U
#define HEARTBEAT_MS 30000U
#define FRAME_WAIT_MS 10000U /* for the rest of a frame that began */
#define NACK_DELAY_MS 1000U  /* a nacked MO comes again at once: not too fast */

struct job { /* clear text: wiped */
    TAILQ_ENTRY(job) entry;
    struct ipc_job_sms sms;
    uint64_t since_ms;
    size_t bytes;
    char packed[]; /* struct sms */
};

struct mt { /* a job on its way */
    TAILQ_ENTRY(mt) entry;
    struct job *job;
    char id[BOX_UUID_LEN + 1];
    uint64_t given_ms;
    uint64_t first_byte; /* of its frame, in what the link ever wrote */
};

struct input { /* an MO or DLR that is not acknowledged yet */
    TAILQ_ENTRY(input) entry;
    struct box *box;
    char id[BOX_UUID_LEN + 1];
    int32_t time;
    uint64_t call;      /* 0: answered, waits for its nack */
    struct event *nack; /* NULL until then */
};

struct box {
    struct box_link link;
    struct box_pace pace;
    bool on_trial; /* it failed: one MT at a time, until one is taken */
    uint64_t heartbeat_ms;
    uint64_t begun_ms; /* a frame began and is not whole; 0: none */
    TAILQ_HEAD(, mt) mts;
    size_t mt_count;
    TAILQ_HEAD(, input) inputs;
    size_t input_count;
};

static struct {
    struct relay *r;
    struct box *boxes;
    size_t count;
    TAILQ_HEAD(, job) waiting; /* no link could take them yet */
    size_t waiting_count;
    struct event *timer; /* for what waits, and for links at rest */
    bool link_up, draining;
    uint32_t window;
} door;

static void arm(struct event *timer, unsigned ms)
{
    const struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

    (void)event_add(timer, &tv);
}

static void pump(void);
static struct box *box_for_mt(uint64_t now);
static void send_job(struct box *b, struct job *job);

static bool is_resting(const struct box *b, uint64_t now)
{
    return b->pace.rest_until_ms > now;
}

static bool is_limited(const struct box *b)
{
    return b->pace.per_s != 0 || b->on_trial;
}

/* Tells keeper when the last link goes that takes MTs, when the first one comes, and
 * how much they want under way. */
static void tell_link(void)
{
    const uint64_t now = box_link_now_ms();
    bool up = false, limited = false;
    uint32_t window = 0;

    for (size_t i = 0; i < door.count; i++) {
        const struct box *b = &door.boxes[i];

        if (b->link.state != ST_UP || is_resting(b, now))
            continue;
        up = true;
        limited = limited || is_limited(b);
        window += b->on_trial ? 1 : box_pace_window(&b->pace);
    }
    if (!limited)
        window = 0;
    else if (window > BOX_WINDOW)
        window = BOX_WINDOW;
    if (up == door.link_up && window == door.window)
        return;
    door.link_up = up;
    door.window = window;
    relay_link_state(door.r, LINK_SMS, up, window);
}

static void box_send(struct box *b, const struct box_message *m)
{
    struct buf frame;

    buf_init(&frame, BOX_HEAD + BOX_FRAME_MAX);
    box_pack(m, &frame);
    if (buf_ok(&frame))
        (void)box_link_send(&b->link, buf_span(&frame));
    buf_wipe(&frame);
}

static void job_end(struct job *job, enum job_outcome outcome, const char *why)
{
    relay_job_done(door.r, job->sms.job, outcome, why);
    OPENSSL_cleanse(job, sizeof *job + job->bytes);
    free(job);
}

static struct job *mt_end(struct box *b, struct mt *mt)
{
    struct job *job = mt->job;

    TAILQ_REMOVE(&b->mts, mt, entry);
    b->mt_count--;
    free(mt);
    return job;
}

static void mt_done(struct box *b, struct mt *mt, enum job_outcome outcome,
                    const char *why)
{
    job_end(mt_end(b, mt), outcome, why);
}

static void input_free(struct input *in)
{
    if (in->call != 0)
        relay_cancel(door.r, in->call);
    if (in->nack != NULL)
        event_free(in->nack);
    TAILQ_REMOVE(&in->box->inputs, in, entry);
    in->box->input_count--;
    free(in);
}

/* An MT of which no byte left is not in doubt. What bearerbox had not heard of an MO or
 * DLR it will send again. */
static size_t on_lost(void *ctx, uint64_t handed)
{
    struct box *b = ctx;
    const size_t unacked = b->mt_count;
    const enum job_outcome doubt = b->link.given_up ? JOB_SILENT : JOB_DOUBT;

    b->on_trial = b->on_trial || unacked > 0;
    while (!TAILQ_EMPTY(&b->mts)) {
        struct mt *mt = TAILQ_FIRST(&b->mts);

        mt_done(b, mt, mt->first_byte >= handed ? JOB_BUSY : doubt,
                "bearerbox went without an ack");
    }
    while (!TAILQ_EMPTY(&b->inputs))
        input_free(TAILQ_FIRST(&b->inputs));
    b->begun_ms = 0;
    return unacked;
}

/* bearerbox ends only after its boxes closed: go as soon as nothing is open. */
static void box_finish_if_idle(struct box *b)
{
    if (b->link.state == ST_FINISHING && b->mt_count == 0 && b->input_count == 0 &&
        box_link_unsent(&b->link) == 0)
        box_link_lost(&b->link, "bearerbox asked us to close");
}

static void ack_send(struct box *b, const char *id, int32_t time, enum box_nack nack)
{
    struct box_message m;

    box_init(&m, BOX_ACK);
    m.ack.nack = (int32_t)nack;
    m.ack.time = time;
    memcpy(m.ack.id, id, sizeof m.ack.id);
    box_send(b, &m);
}

static void input_done(struct input *in, enum box_nack nack)
{
    struct box *b = in->box;

    ack_send(b, in->id, in->time, nack);
    input_free(in);
    box_link_read_again(&b->link); /* it may have stopped at INPUTS_MAX */
}

static void on_nack(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    input_done(ctx, BOX_ACK_LATER);
}

static void input_nack_later(struct input *in)
{
    in->nack = evtimer_new(door.r->base, on_nack, in);
    if (in->nack == NULL)
        input_done(in, BOX_ACK_LATER);
    else
        arm(in->nack, NACK_DELAY_MS);
}

/* Kept: acknowledged. Refused for good: dropped, or it would come again for ever and
 * hold up the others. Anything else: bearerbox sends it again. */
static void on_input_answer(void *ctx, const struct ipc_frame *answer)
{
    struct input *in = ctx;
    const struct ipc_input_answer *a = answer == NULL ? NULL : answer->fixed;

    in->call = 0;
    if (a != NULL && (a->verdict == IPC_OK || a->verdict == IPC_REPEATED)) {
        input_done(in, BOX_ACK_SUCCESS);
    } else if (a != NULL && a->verdict == IPC_BAD_REQUEST) {
        LOG(L_WARN, "sms.dropped", LOG_STR("id", in->id),
            LOG_STR("why", "keeper cannot use it"));
        input_done(in, BOX_ACK_FAILED);
    } else {
        input_nack_later(in);
    }
}

static void input_give(struct box *b, const struct box_sms *sms, enum ipc_type type,
                       const void *fixed, struct span text)
{
    struct input *in = calloc(1, sizeof *in);

    if (in == NULL) {
        ack_send(b, sms->id, sms->time, BOX_ACK_LATER);
        return;
    }
    in->box = b;
    memcpy(in->id, sms->id, sizeof in->id);
    in->time = sms->time;
    TAILQ_INSERT_TAIL(&b->inputs, in, entry);
    b->input_count++;
    in->call =
        relay_call(door.r, type, fixed, text, span_of("", 0), on_input_answer, in);
}

/* One that can never be used: bearerbox forgets it. */
static void drop(struct box *b, const struct box_sms *sms, const char *why)
{
    LOG(L_WARN, "sms.dropped", LOG_STR("kannel", b->link.conf->title),
        LOG_STR("id", sms->id), LOG_STR("why", why));
    ack_send(b, sms->id, sms->time, BOX_ACK_FAILED);
}

static void take_mo(struct box *b, const struct box_sms *sms)
{
    struct ipc_mo mo = { .sent_s = sms->time > 0 ? (uint64_t)sms->time : 0 };
    struct buf text;

    buf_init(&text, IPC_TAIL_SMS);
    box_text_put(sms->msgdata, sms->coding, &text);
    (void)span_copy(mo.id, sizeof mo.id, span_str(sms->id));
    (void)span_copy(mo.smsc, sizeof mo.smsc, sms->smsc_id);
    if (sms->coding == BOX_8BIT && !box_is_text(sms->msgdata))
        drop(b, sms, "binary, no text");
    else if (!buf_ok(&text))
        drop(b, sms, "text too long");
    else if (!span_copy(mo.from, sizeof mo.from, sms->sender) || mo.from[0] == '\0' ||
             !span_copy(mo.to, sizeof mo.to, sms->receiver))
        drop(b, sms, "sender or receiver missing or too long");
    else
        input_give(b, sms, IPC_MO, &mo, buf_span(&text));
    buf_wipe(&text);
}

static void take_dlr(struct box *b, const struct box_sms *sms)
{
    struct ipc_dlr dlr = { .event = box_dlr_event(sms->dlr_mask),
                           .sent_s = sms->time > 0 ? (uint64_t)sms->time : 0 };
    struct buf text;

    buf_init(&text, DLR_TEXT_MAX);
    box_text_put(sms->msgdata, sms->coding, &text);
    if (!buf_ok(&text))
        buf_clear(&text); /* of no use to anybody, and no reason to lose the event */
    (void)span_copy(dlr.id, sizeof dlr.id, span_str(sms->id));
    (void)span_copy(dlr.smsc, sizeof dlr.smsc, sms->smsc_id);
    (void)span_copy(dlr.foreign_id, sizeof dlr.foreign_id, sms->foreign_id);
    if (dlr.event == 0)
        drop(b, sms, "DLR of no known event");
    else if (!span_copy(dlr.ref, sizeof dlr.ref, sms->dlr_url) || dlr.ref[0] == '\0')
        drop(b, sms, "DLR that is not ours");
    else
        input_give(b, sms, IPC_DLR, &dlr, buf_span(&text));
    buf_clear(&text);
}

static void on_admin(struct box *b, const struct box_message *m)
{
    if (m->admin.command != BOX_SHUTDOWN && m->admin.command != BOX_RESTART)
        return;
    if (b->link.state == ST_FINISHING)
        return;
    LOG(L_INFO, "box.closing", LOG_STR("kannel", b->link.conf->title),
        LOG_STR("why", "bearerbox shuts down"), LOG_U64("unacked", b->mt_count));
    box_link_finish(&b->link);
}

static void on_sms(struct box *b, const struct box_message *m)
{
    if (door.draining) /* not acknowledged: bearerbox keeps it for the next courier */
        return;
    if (m->sms.sms_type == BOX_MO)
        take_mo(b, &m->sms);
    else if (m->sms.sms_type == BOX_DLR_MO || m->sms.sms_type == BOX_DLR_MT)
        take_dlr(b, &m->sms);
    else
        drop(b, &m->sms, "neither MO nor DLR");
}

static struct mt *mt_of(struct box *b, const char *id)
{
    struct mt *mt;

    for (mt = TAILQ_FIRST(&b->mts); mt != NULL; mt = TAILQ_NEXT(mt, entry))
        if (memcmp(mt->id, id, sizeof mt->id) == 0)
            break;
    return mt;
}

/* What the answer to an MT says about the link. */
static void box_judge(struct box *b, const struct mt *mt, int32_t nack)
{
    const uint64_t now = box_link_now_ms();

    if (nack != BOX_ACK_LATER) {
        if (box_pace_well(&b->pace, mt->given_ms))
            b->on_trial = false;
    } else if (box_pace_full(&b->pace, mt->given_ms, now)) {
        b->on_trial = true;
        LOG(L_WARN, "box.full", LOG_STR("kannel", b->link.conf->title),
            LOG_U64("rest_ms", b->pace.rest_ms), LOG_U64("unacked", b->mt_count),
            LOG_STR("hint", "is its SMSC slow or away? see sms-outgoing-queue-limit"));
    }
}

/* Full: another link may have room, and the keeper need not wait to ask again. */
static bool mt_goes_elsewhere(struct box *b, struct mt *mt)
{
    const uint64_t now = box_link_now_ms();
    struct box *other = NULL;

    if (!door.draining && now - mt->job->since_ms < WAITING_MS)
        other = box_for_mt(now);
    if (other != NULL)
        send_job(other, mt_end(b, mt));
    return other != NULL;
}

static void on_ack(struct box *b, const struct box_message *m)
{
    static const struct {
        enum job_outcome outcome;
        const char *why;
    } acks[] = {
        [BOX_ACK_SUCCESS] = { JOB_SENT, "sent on" },
        [BOX_ACK_FAILED] = { JOB_REFUSED, "bearerbox refused it" },
        [BOX_ACK_LATER] = { JOB_BUSY, "bearerbox is full" },
        [BOX_ACK_BUFFERED] = { JOB_SENT, "queued in bearerbox" },
    };
    struct mt *mt = mt_of(b, m->ack.id);

    if (mt == NULL) {
        LOG(L_INFO, "ack.unknown", LOG_STR("kannel", b->link.conf->title),
            LOG_STR("id", m->ack.id));
    } else if (m->ack.nack < 0 || m->ack.nack > BOX_ACK_BUFFERED) {
        mt_done(b, mt, JOB_DOUBT, "an ack of no known kind");
    } else {
        box_judge(b, mt, m->ack.nack);
        if (m->ack.nack != BOX_ACK_LATER || !mt_goes_elsewhere(b, mt))
            mt_done(b, mt, acks[m->ack.nack].outcome, acks[m->ack.nack].why);
    }
}

/* false: it was none, and the link is gone. */
static bool take_frame(struct box *b, struct span payload)
{
    static void (*const handlers[])(struct box *, const struct box_message *) = {
        [BOX_ADMIN] = on_admin,
        [BOX_SMS] = on_sms,
        [BOX_ACK] = on_ack,
    };
    struct box_message m;
    const char *why;

    if (box_unpack(payload, &m, &why) != 0) {
        box_link_lost(&b->link, why);
        return false;
    }
    if (handlers[m.type] != NULL)
        handlers[m.type](b, &m);
    return true;
}

/* Keeper has enough to do already, or bearerbox does not take our acks. */
static bool reads_nothing(const struct box *b)
{
    return b->input_count >= INPUTS_MAX || box_link_unsent(&b->link) >= OUTPUT_MAX;
}

/* Takes every whole frame; what is not read stays in the socket, and bearerbox waits. A
 * frame's beginning promises its end, since acks and inputs wait behind it. */
static void on_input(void *ctx, struct evbuffer *in)
{
    struct box *b = ctx;
    unsigned char head[BOX_HEAD];
    size_t bytes;

    while (!reads_nothing(b)) {
        const ev_ssize_t have = evbuffer_copyout(in, head, sizeof head);
        const int rc =
            box_frame_bytes(span_of(head, have < 0 ? 0 : (size_t)have), &bytes);

        if (rc < 0) {
            box_link_lost(&b->link, "a frame of impossible length");
            return;
        }
        if (rc == 0 || evbuffer_get_length(in) < bytes) {
            if (evbuffer_get_length(in) > 0 && b->begun_ms == 0)
                b->begun_ms = box_link_now_ms();
            break;
        }
        if (!take_frame(b, span_of(evbuffer_pullup(in, (ev_ssize_t)bytes) + BOX_HEAD,
                                   bytes - BOX_HEAD)))
            return;
        (void)evbuffer_drain(in, bytes);
        b->begun_ms = 0;
    }
    pump();
    box_finish_if_idle(b);
}

static void on_written(void *ctx)
{
    struct box *b = ctx;

    box_link_read_again(&b->link); /* it may have stopped at OUTPUT_MAX */
}

static void on_connected(void *ctx)
{
    struct box *b = ctx;
    struct box_message m;

    b->heartbeat_ms = box_link_now_ms();
    box_init(&m, BOX_ADMIN);
    m.admin.command = BOX_IDENTIFY;
    m.admin.boxc_id = span_str(b->link.conf->box_id);
    box_send(b, &m);
}

static void on_state(void *ctx)
{
    (void)ctx;
    pump();
}

/* MTs whose ack is late. When nothing at all was heard since one was given, bearerbox
 * hangs: the link is lost, so that others get what follows. true: it is. */
static bool box_is_silent(struct box *b, uint64_t now)
{
    struct mt *mt;

    while ((mt = TAILQ_FIRST(&b->mts)) != NULL && now - mt->given_ms >= ACK_WAIT_MS) {
        if (b->link.heard_ms < mt->given_ms) {
            box_link_give_up(&b->link, "bearerbox does not answer");
            return true;
        }
        mt_done(b, mt, JOB_SILENT, "no ack in time");
    }
    return false;
}

static void on_tick(void *ctx)
{
    struct box *b = ctx;
    const uint64_t now = box_link_now_ms();
    struct box_message m;

    if (box_is_silent(b, now))
        return;
    if (b->begun_ms != 0 && !reads_nothing(b) && now - b->begun_ms >= FRAME_WAIT_MS) {
        box_link_give_up(&b->link, "a frame began and did not end");
        return;
    }
    if (now - b->heartbeat_ms >= HEARTBEAT_MS) {
        box_init(&m, BOX_HEARTBEAT);
        m.heartbeat.load = (int32_t)b->mt_count;
        box_send(b, &m);
        b->heartbeat_ms = now;
    }
}

static bool has_room(const struct box *b)
{
    return b->link.state == ST_UP && b->mt_count < (b->on_trial ? 1 : MTS_MAX) &&
           box_link_unsent(&b->link) < OUTPUT_MAX;
}

static struct box *box_for_mt(uint64_t now)
{
    for (size_t i = 0; i < door.count; i++) {
        struct box *b = &door.boxes[i];

        if (has_room(b) && box_pace_wait(&b->pace, now) == 0)
            return b;
    }
    return NULL;
}

static int32_t moment(uint64_t s)
{
    if (s == 0)
        return BOX_NONE;
    return s > INT32_MAX ? INT32_MAX : (int32_t)s; /* Kannel's times end in 2038 */
}

static struct span or_null(struct span s)
{
    return s.n == 0 ? span_of(NULL, 0) : s;
}

/* What goes out: the text as bearerbox wants it, and its coding. */
struct ready {
    struct span text;
    int32_t coding;
};

static void mt_send(struct box *b, const struct mt *mt, const struct ipc_job_sms *job,
                    const struct sms *sms, const struct ready *ready)
{
    char receiver[MSISDN_ROOM + 1] = "+";
    struct box_message m;

    memcpy(receiver + 1, job->to, strlen(job->to) + 1);
    box_init(&m, BOX_SMS);
    m.sms.sender = span_str(sms->from[0] != '\0' ? sms->from : b->link.conf->sender);
    m.sms.receiver = span_str(receiver); /* with "+": SMPP's sign of "international" */
    m.sms.udhdata = or_null(sms->udh);
    m.sms.msgdata = ready->text;
    m.sms.time = (int32_t)time(NULL);
    m.sms.smsc_id = or_null(span_str(sms->smsc));
    m.sms.service = or_null(span_str(sms->service));
    m.sms.account = or_null(sms->account);
    memcpy(m.sms.id, mt->id, sizeof m.sms.id);
    m.sms.sms_type = BOX_MT_PUSH;
    m.sms.mclass = sms->mclass;
    m.sms.mwi = sms->mwi;
    m.sms.coding = ready->coding;
    m.sms.compress = sms->compress;
    m.sms.validity = moment(sms->valid_until_s);
    m.sms.deferred = moment(sms->deferred_until_s);
    m.sms.pid = sms->pid;
    m.sms.alt_dcs = sms->alt_dcs;
    m.sms.rpi = sms->rpi;
    m.sms.binfo = or_null(sms->binfo);
    m.sms.priority = sms->priority;
    m.sms.meta_data = or_null(sms->meta_data);
    if (job->dlr_mask != 0 && job->dlr_url[0] != '\0') {
        m.sms.dlr_mask = (int32_t)job->dlr_mask;
        m.sms.dlr_url = span_str(job->dlr_url);
    }
    m.sms.boxc_id = span_str(b->link.conf->box_id);
    box_send(b, &m);
}

/* Takes the job. */
static void give_mt(struct box *b, struct job *job, const struct sms *sms,
                    const struct ready *ready)
{
    struct mt *mt = calloc(1, sizeof *mt);
    uint8_t raw[16];

    if (mt == NULL || RAND_bytes(raw, sizeof raw) != 1) {
        job_end(job, JOB_BUSY, "out of memory");
        free(mt);
        return;
    }
    box_uuid_text(raw, mt->id);
    mt->job = job;
    mt->given_ms = box_link_now_ms();
    mt->first_byte = b->link.written;
    TAILQ_INSERT_TAIL(&b->mts, mt, entry);
    b->mt_count++;
    box_pace_take(&b->pace);
    mt_send(b, mt, &job->sms, sms, ready);
}

/* NULL, or why this job can never be sent; keeper is another process, so its word is
 * checked. bearerbox dies of NULL msgdata; "" it takes. */
static const char *make_ready(const struct ipc_job_sms *job, const struct sms *sms,
                              struct buf *wide, struct ready *ready)
{
    size_t units;

    if (!msisdn_is_canonical(job->to))
        return "no MSISDN";
    ready->text = sms->text.n == 0 ? span_of("", 0) : sms->text;
    ready->coding = sms->coding;
    if (sms->coding != SMS_UNSET)
        return NULL;
    if (sms->text.n == 0)
        return "no text";
    ready->coding = BOX_GSM7;
    if (sms_fits_gsm7(sms->text, &units))
        return NULL;
    if (!box_utf16_put(sms->text, wide) || !buf_ok(wide))
        return "text is not UTF-8";
    *ready = (struct ready){ buf_span(wide), BOX_UCS2 };
    return NULL;
}

/* Over link b, or refused. Takes the job. */
static void send_job(struct box *b, struct job *job)
{
    struct ready ready;
    struct sms sms;
    struct buf wide;
    const char *fault;

    buf_init(&wide, 2 * SMS_OCTETS_MAX);
    fault = !sms_unpack(span_of(job->packed, job->bytes), &sms)
                ? "not an SMS"
                : make_ready(&job->sms, &sms, &wide, &ready);
    if (fault != NULL)
        job_end(job, JOB_REFUSED, fault);
    else
        give_mt(b, job, &sms, &ready);
    buf_wipe(&wide);
}

static struct job *waiting_take(void)
{
    struct job *job = TAILQ_FIRST(&door.waiting);

    TAILQ_REMOVE(&door.waiting, job, entry);
    door.waiting_count--;
    return job;
}

static void wait_for_link(const struct ipc_job_sms *sms, struct span packed)
{
    struct job *job =
        door.waiting_count >= WAITING_MAX ? NULL : malloc(sizeof *job + packed.n);

    if (job == NULL) {
        relay_job_done(door.r, sms->job, JOB_BUSY, "too many wait for a link");
        return;
    }
    job->sms = *sms;
    job->since_ms = box_link_now_ms();
    job->bytes = packed.n;
    if (packed.n > 0)
        memcpy(job->packed, packed.p, packed.n);
    TAILQ_INSERT_TAIL(&door.waiting, job, entry);
    door.waiting_count++;
}

/* Until something can be done that no byte from bearerbox announces. */
static void arm_timer(uint64_t now)
{
    const struct job *first = TAILQ_FIRST(&door.waiting);
    unsigned ms = WAITING_MS;
    bool wanted = first != NULL;

    if (first != NULL)
        ms = (unsigned)(first->since_ms + WAITING_MS - now);
    for (size_t i = 0; i < door.count; i++) {
        struct box *b = &door.boxes[i];
        const bool rests = b->link.state == ST_UP && is_resting(b, now);
        unsigned wait_ms;

        if (!rests && (first == NULL || !has_room(b)))
            continue;
        wait_ms = box_pace_wait(&b->pace, now);
        ms = wait_ms < ms ? wait_ms : ms;
        wanted = true;
    }
    if (wanted)
        arm(door.timer, ms == 0 ? 1 : ms);
}

/* Sends what waits, the oldest first, as far as links can take it. */
static void pump(void)
{
    const uint64_t now = box_link_now_ms();
    const struct job *first;
    struct box *b;

    while ((first = TAILQ_FIRST(&door.waiting)) != NULL) {
        if (now - first->since_ms >= WAITING_MS)
            job_end(waiting_take(), JOB_BUSY, "no link to a bearerbox was free");
        else if ((b = box_for_mt(now)) != NULL)
            send_job(b, waiting_take());
        else
            break;
    }
    tell_link();
    arm_timer(now);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    pump();
}

static void bearerbox_take_job(struct relay *r, const struct ipc_frame *f)
{
    const struct ipc_job_sms *job = f->fixed;

    if (door.draining) {
        relay_job_done(r, job->job, JOB_BUSY, "stopping");
        return;
    }
    wait_for_link(job, f->tail);
    pump();
}

static int bearerbox_start(struct relay *r, struct err *e)
{
    static const struct box_link_user user = { .on_connected = on_connected,
                                               .on_state = on_state,
                                               .on_input = on_input,
                                               .on_written = on_written,
                                               .on_tick = on_tick,
                                               .on_lost = on_lost };

    door.r = r;
    TAILQ_INIT(&door.waiting);
    door.timer = evtimer_new(r->base, on_timer, NULL);
    door.boxes = calloc(r->config->kannel_count, sizeof *door.boxes);
    if (door.boxes == NULL || door.timer == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "bearerbox: out of memory");
    for (size_t i = 0; i < r->config->kannel_count; i++) {
        struct box *b = &door.boxes[i];
        const struct config_kannel *conf = &r->config->kannels[i];

        TAILQ_INIT(&b->mts);
        TAILQ_INIT(&b->inputs);
        box_pace_init(&b->pace, conf->throughput, box_link_now_ms());
        if (box_link_open(&b->link, r->base, conf, &user, b, e) != 0)
            return -1;
        door.count++;
    }
    return 0;
}

static void bearerbox_drain(struct relay *r)
{
    (void)r;
    door.draining = true;
    while (!TAILQ_EMPTY(&door.waiting))
        job_end(waiting_take(), JOB_BUSY, "stopping");
    for (size_t i = 0; i < door.count; i++)
        box_link_stop(&door.boxes[i].link);
}

/* MTs without ack, inputs that keeper has, bytes that have not left. An input that
 * waits for its nack does not count: bearerbox keeps it anyway. */
static size_t bearerbox_busy(struct relay *r)
{
    size_t busy = 0;

    (void)r;
    for (size_t i = 0; i < door.count; i++) {
        const struct box *b = &door.boxes[i];
        const struct input *in;

        busy += b->mt_count + (box_link_unsent(&b->link) > 0);
        TAILQ_FOREACH(in, &b->inputs, entry)
        busy += in->call != 0;
    }
    return busy;
}

const struct plugin plugin_bearerbox = {
    .name = "bearerbox",
    .where = IPC_COURIER,
    .start = bearerbox_start,
    .drain = bearerbox_drain,
    .busy = bearerbox_busy,
    .job_type = IPC_JOB_SMS,
    .take_job = bearerbox_take_job,
};
