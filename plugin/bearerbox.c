/* SPDX-License-Identifier: ISC */
/* bearerbox.c - SMS out and in: a client of Kannel's bearerbox.
 * Here:       one link for each configured bearerbox, MTs and their acks, MOs and DLRs.
 * Elsewhere:  the bytes (box_codec.c), what an SMS says and how often it is tried
 *             (keeper), the words (templates/).
 * Called by:  courier, as plugin_bearerbox.
 * Source:     Kannel 1.4.5 user guide, box protocol of its gw/ sources; measured on
 *             Debian's bearerbox.
 *
 * An MT goes to the first link that is up, in the order of the configuration. Its ack
 * ends the job; without one the job ends in doubt, since bearerbox may have it.
 * bearerbox keeps an MO or DLR until we acknowledge it, which we do only when keeper
 * says that it is on disk. */
#include "relay/relay.h"
#include "plugin/box_codec.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#define MTS_MAX 1000U         /* unacknowledged, for each link */
#define INPUTS_MAX 200U       /* MOs and DLRs with keeper; then the link is not read */
#define OUTPUT_MAX (1U << 20) /* bytes that bearerbox has not taken yet */
#define DLR_TEXT_MAX 4096U
#define ACK_WAIT_MS 30000U
#define HEARTBEAT_MS 30000U
#define NACK_DELAY_MS 1000U /* a nacked MO comes again at once: not too fast */
#define STABLE_MS 10000U    /* a link that held this long starts again at once */
#define BACKOFF_LEAST_MS 1000U
#define BACKOFF_MOST_MS 60000U

enum box_state {
    ST_DOWN, /* waiting for the next try */
    ST_CONNECTING,
    ST_SETTLING, /* identified; a bearerbox that does not want us closes now */
    ST_UP,
    ST_FINISHING, /* bearerbox asked us to go: waits for acks, takes no MT */
    ST_COUNT
};

struct mt {
    TAILQ_ENTRY(mt) entry;
    char id[BOX_UUID_LEN + 1];
    uint8_t job[16];
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
    const struct config_kannel *conf;
    enum box_state state;
    struct bufferevent *bev;
    struct event *timer; /* see states[] */
    unsigned backoff_ms;
    uint64_t up_since_ms, heartbeat_ms;
    uint64_t written; /* bytes given to bev since it connected */
    TAILQ_HEAD(, mt) mts;
    size_t mt_count;
    TAILQ_HEAD(, input) inputs;
    size_t input_count;
};

static struct {
    struct relay *r;
    struct box *boxes;
    size_t count;
    bool link_up, draining;
} door;

static void box_connect(struct box *b);
static void box_late(struct box *b);
static void box_settled(struct box *b);
static void box_tick(struct box *b);
static void box_finish_late(struct box *b);
static void box_read(struct box *b);

static const struct {
    const char *name;
    unsigned timer_ms; /* 0: the back-off */
    void (*on_timer)(struct box *b);
} states[] = {
    [ST_DOWN] = { "down", 0, box_connect },
    [ST_CONNECTING] = { "connecting", 10000, box_late },
    [ST_SETTLING] = { "settling", 300, box_settled },
    [ST_UP] = { "up", 1000, box_tick },
    [ST_FINISHING] = { "finishing", 5000, box_finish_late },
};
_Static_assert(sizeof states / sizeof states[0] == ST_COUNT, "a row a state");

static uint64_t now_ms(void)
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
static unsigned backoff_take(struct box *b)
{
    const unsigned nominal = b->backoff_ms;
    uint16_t dice = 0;

    (void)RAND_bytes((unsigned char *)&dice, sizeof dice);
    b->backoff_ms = nominal * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : nominal * 2;
    return nominal * 3 / 4 + dice % (nominal / 2);
}

/* Tells keeper when the last link goes or the first one comes. */
static void tell_link(void)
{
    bool up = false;

    for (size_t i = 0; i < door.count; i++)
        up = up || door.boxes[i].state == ST_UP;
    if (up == door.link_up)
        return;
    door.link_up = up;
    relay_link_state(door.r, LINK_SMS, up, 0);
}

static void enter(struct box *b, enum box_state state)
{
    LOG(L_DEBUG, "box.state", LOG_STR("kannel", b->conf->title),
        LOG_STR("from", states[b->state].name), LOG_STR("to", states[state].name));
    b->state = state;
    arm(b->timer, state == ST_DOWN ? backoff_take(b) : states[state].timer_ms);
    tell_link();
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct box *b = ctx;

    (void)fd, (void)what;
    states[b->state].on_timer(b);
}

static void box_send(struct box *b, const struct box_message *m)
{
    struct buf frame;

    buf_init(&frame, BOX_HEAD + BOX_FRAME_MAX);
    box_pack(m, &frame);
    if (buf_ok(&frame) && bufferevent_write(b->bev, frame.p, frame.n) == 0)
        b->written += frame.n;
    buf_wipe(&frame);
}

static size_t unsent(const struct box *b)
{
    return b->bev == NULL ? 0 : evbuffer_get_length(bufferevent_get_output(b->bev));
}

static void mt_done(struct box *b, struct mt *mt, enum job_outcome outcome,
                    const char *why)
{
    relay_job_done(door.r, mt->job, outcome, why);
    TAILQ_REMOVE(&b->mts, mt, entry);
    b->mt_count--;
    free(mt);
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
static void box_lost(struct box *b, const char *why)
{
    const uint64_t sent = b->written - unsent(b);

    if (b->state == ST_UP || b->backoff_ms == BACKOFF_LEAST_MS)
        LOG(L_WARN, "box.lost", LOG_STR("kannel", b->conf->title), LOG_STR("why", why),
            LOG_U64("unacked", b->mt_count),
            LOG_STR("hint", "is bearerbox running, does it allow this box?"));
    while (!TAILQ_EMPTY(&b->mts)) {
        struct mt *mt = TAILQ_FIRST(&b->mts);

        mt_done(b, mt, mt->first_byte < sent ? JOB_DOUBT : JOB_BUSY,
                "bearerbox went without an ack");
    }
    while (!TAILQ_EMPTY(&b->inputs))
        input_free(TAILQ_FIRST(&b->inputs));
    if (b->bev != NULL)
        bufferevent_free(b->bev);
    b->bev = NULL;
    if (b->up_since_ms != 0 && now_ms() - b->up_since_ms >= STABLE_MS)
        b->backoff_ms = BACKOFF_LEAST_MS;
    b->up_since_ms = 0;
    enter(b, ST_DOWN);
}

static void box_late(struct box *b)
{
    box_lost(b, "no connection in time");
}

static void box_finish_late(struct box *b)
{
    box_lost(b, "bearerbox asked us to close");
}

/* bearerbox ends only after its boxes closed: go as soon as nothing is open. */
static void box_finish_if_idle(struct box *b)
{
    if (b->state == ST_FINISHING && b->mt_count == 0 && b->input_count == 0 &&
        unsent(b) == 0)
        box_finish_late(b);
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
    box_read(b); /* it may have stopped at INPUTS_MAX */
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
    LOG(L_WARN, "sms.dropped", LOG_STR("kannel", b->conf->title),
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
    if (sms->coding == BOX_8BIT)
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
    LOG(L_INFO, "box.closing", LOG_STR("kannel", b->conf->title),
        LOG_STR("why", "bearerbox shuts down"), LOG_U64("unacked", b->mt_count));
    if (b->state != ST_FINISHING)
        enter(b, ST_FINISHING);
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
    struct mt *mt;

    TAILQ_FOREACH(mt, &b->mts, entry)
    if (memcmp(mt->id, m->ack.id, sizeof mt->id) == 0)
        break;
    if (mt == NULL)
        LOG(L_INFO, "ack.unknown", LOG_STR("kannel", b->conf->title),
            LOG_STR("id", m->ack.id));
    else if (m->ack.nack < 0 || m->ack.nack > BOX_ACK_BUFFERED)
        mt_done(b, mt, JOB_DOUBT, "an ack of no known kind");
    else
        mt_done(b, mt, acks[m->ack.nack].outcome, acks[m->ack.nack].why);
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
        box_lost(b, why);
        return false;
    }
    if (handlers[m.type] != NULL)
        handlers[m.type](b, &m);
    return true;
}

/* Takes every whole frame, unless keeper has enough to do already: then the rest stays
 * in the socket, and bearerbox waits. */
static void box_read(struct box *b)
{
    struct evbuffer *in = bufferevent_get_input(b->bev);
    unsigned char head[BOX_HEAD];
    size_t bytes;

    while (b->input_count < INPUTS_MAX) {
        const ev_ssize_t have = evbuffer_copyout(in, head, sizeof head);
        const int rc =
            box_frame_bytes(span_of(head, have < 0 ? 0 : (size_t)have), &bytes);

        if (rc < 0) {
            box_lost(b, "a frame of impossible length");
            return;
        }
        if (rc == 0 || evbuffer_get_length(in) < bytes)
            break;
        if (!take_frame(b, span_of(evbuffer_pullup(in, (ev_ssize_t)bytes) + BOX_HEAD,
                                   bytes - BOX_HEAD)))
            return;
        (void)evbuffer_drain(in, bytes);
    }
    box_finish_if_idle(b);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    box_read(ctx);
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    box_finish_if_idle(ctx);
}

static void box_identify(struct box *b)
{
    const int on = 1, fd = bufferevent_getfd(b->bev);
    struct box_message m;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    box_init(&m, BOX_ADMIN);
    m.admin.command = BOX_IDENTIFY;
    m.admin.boxc_id = span_str(b->conf->box_id);
    box_send(b, &m);
    enter(b, ST_SETTLING);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct box *b = ctx;

    (void)bev;
    if (what & BEV_EVENT_CONNECTED)
        box_identify(b);
    else if (what & BEV_EVENT_EOF)
        box_lost(b, "bearerbox closed the connection");
    else if (what & BEV_EVENT_TIMEOUT)
        box_lost(b, "bearerbox does not read");
    else
        box_lost(b, evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

static void box_connect(struct box *b)
{
    const struct timeval write_wait = { ACK_WAIT_MS / 1000, 0 };
    struct sockaddr_storage to = b->conf->address.sa; /* libevent wants it writable */

    if (door.draining)
        return;
    b->written = 0;
    b->bev = bufferevent_socket_new(door.r->base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (b->bev == NULL) {
        box_lost(b, "out of memory");
        return;
    }
    bufferevent_setcb(b->bev, on_read, on_written, on_event, b);
    bufferevent_setwatermark(b->bev, EV_READ, 0, BOX_HEAD + BOX_FRAME_MAX);
    bufferevent_set_timeouts(b->bev, NULL, &write_wait);
    (void)bufferevent_enable(b->bev, EV_READ | EV_WRITE);
    enter(b, ST_CONNECTING);
    if (bufferevent_socket_connect(b->bev, (struct sockaddr *)&to,
                                   (int)b->conf->address.sa_len) != 0)
        box_lost(b, "no socket");
}

static void box_settled(struct box *b)
{
    b->up_since_ms = b->heartbeat_ms = now_ms();
    LOG(L_INFO, "box.up", LOG_STR("kannel", b->conf->title),
        LOG_STR("box", b->conf->box_id));
    enter(b, ST_UP);
}

static void box_tick(struct box *b)
{
    const uint64_t now = now_ms();
    struct box_message m;
    struct mt *mt;

    while ((mt = TAILQ_FIRST(&b->mts)) != NULL && now - mt->given_ms >= ACK_WAIT_MS)
        mt_done(b, mt, JOB_DOUBT, "no ack in time");
    if (now - b->heartbeat_ms >= HEARTBEAT_MS) {
        box_init(&m, BOX_HEARTBEAT);
        m.heartbeat.load = (int32_t)b->mt_count;
        box_send(b, &m);
        b->heartbeat_ms = now;
    }
    arm(b->timer, states[ST_UP].timer_ms);
}

static struct box *box_for_mt(void)
{
    for (size_t i = 0; i < door.count; i++) {
        struct box *b = &door.boxes[i];

        if (b->state == ST_UP && b->mt_count < MTS_MAX && unsent(b) < OUTPUT_MAX)
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
    m.sms.sender = span_str(sms->from[0] != '\0' ? sms->from : b->conf->sender);
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
    m.sms.boxc_id = span_str(b->conf->box_id);
    box_send(b, &m);
}

static void give_mt(const struct ipc_job_sms *job, const struct sms *sms,
                    const struct ready *ready)
{
    struct box *b = box_for_mt();
    struct mt *mt = b == NULL ? NULL : calloc(1, sizeof *mt);
    uint8_t raw[16];

    if (mt == NULL || RAND_bytes(raw, sizeof raw) != 1) {
        relay_job_done(door.r, job->job, JOB_BUSY, "no link to a bearerbox is free");
        free(mt);
        return;
    }
    box_uuid_text(raw, mt->id);
    memcpy(mt->job, job->job, sizeof mt->job);
    mt->given_ms = now_ms();
    mt->first_byte = b->written;
    TAILQ_INSERT_TAIL(&b->mts, mt, entry);
    b->mt_count++;
    mt_send(b, mt, job, sms, ready);
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

static void bearerbox_take_job(struct relay *r, const struct ipc_frame *f)
{
    const struct ipc_job_sms *job = f->fixed;
    struct ready ready;
    struct sms sms;
    struct buf wide;
    const char *fault;

    if (door.draining) {
        relay_job_done(r, job->job, JOB_BUSY, "stopping");
        return;
    }
    buf_init(&wide, 2 * SMS_OCTETS_MAX);
    fault = !sms_unpack(f->tail, &sms) ? "not an SMS"
                                       : make_ready(job, &sms, &wide, &ready);
    if (fault != NULL)
        relay_job_done(r, job->job, JOB_REFUSED, fault);
    else
        give_mt(job, &sms, &ready);
    buf_wipe(&wide);
}

static int bearerbox_start(struct relay *r, struct err *e)
{
    door.r = r;
    door.boxes = calloc(r->config->kannel_count, sizeof *door.boxes);
    if (door.boxes == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "bearerbox: out of memory");
    door.count = r->config->kannel_count;
    for (size_t i = 0; i < door.count; i++) {
        struct box *b = &door.boxes[i];

        b->conf = &r->config->kannels[i];
        b->backoff_ms = BACKOFF_LEAST_MS;
        TAILQ_INIT(&b->mts);
        TAILQ_INIT(&b->inputs);
        b->timer = evtimer_new(r->base, on_timer, b);
        if (b->timer == NULL)
            return err_set(e, ERR_TEMP, "4.3.0", "bearerbox: out of memory");
        arm(b->timer, 0); /* connects at the loop's first turn */
    }
    return 0;
}

static void bearerbox_drain(struct relay *r)
{
    (void)r;
    door.draining = true;
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

        busy += b->mt_count + (unsent(b) > 0);
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
