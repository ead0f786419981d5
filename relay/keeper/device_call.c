/* SPDX-License-Identifier: ISC */
/* device_call.c - what a registered device may do: list, fetch, read, reply, remove,
 * devices.
 * Here:       each call after its proof.
 * Elsewhere:  the proof (proof.c), which devices are fresh (device.c), registration
 *             (registration.c), JSON (plugin/handset.c).
 * Called by:  keeper.c.
 * Source:     seed 212-214, 326-332; DESIGN 4.3, 5.3. */
#include "relay/device_body.h"
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <stdio.h>
#include <time.h>

#define RESEAL_AT_ONCE 500U
#define LIST_MAX 50U
#define LIST_BYTES_MAX (4U << 20)

struct call {
    const struct ipc_device_call *in;
    struct span proof, body;
    uint8_t device[16];
    struct device_record d;
    struct handset_record h;
    struct ipc_device_answer out;
    struct buf tail;
};

/* What waits is lent to a shared phone, and stays for a device that lasts. */
static bool is_lent(const struct call *c, const struct message_record *m)
{
    return m->form == FORM_INTERMEDIATE && c->d.type == DEVICE_SHARED;
}

static bool put_entry(struct keeper *k, struct call *c, const uint8_t id[16],
                      const struct message_record *m)
{
    struct span sealed = span_of(m->sealed.p, m->sealed.n);
    struct buf lent;

    buf_init(&lent, 0);
    if (is_lent(c, m)) {
        if (!reseal_lend(k, id, m, &c->d, &lent))
            return false;
        sealed = buf_span(&lent);
    }
    buf_put_mem(&c->tail, id, 16);
    buf_put_be64(&c->tail, m->created_s);
    buf_put_be64(&c->tail, m->expires_s);
    buf_put_be64(&c->tail, m->fetched_s);
    buf_put_be64(&c->tail, m->read_s);
    buf_put_be16(&c->tail, m->parts);
    buf_put_be32(&c->tail, (uint32_t)sealed.n);
    buf_put_span(&c->tail, sealed);
    c->out.count++;
    buf_clear(&lent);
    return true;
}

static bool is_for_device(const struct call *c, const struct message_record *m)
{
    if (memcmp(m->handset, c->d.handset, 16) != 0)
        return false;
    return is_lent(c, m) ||
           (m->form == FORM_FINAL &&
            jwe_has_recipient(span_of(m->sealed.p, m->sealed.n), c->d.kid));
}

static void mark_fetched(struct keeper *k, const uint8_t id[16],
                         struct message_record *m)
{
    static const struct report_facts fetched = { .text = { "SEALPOST/fetched", 16 } };

    if (m->fetched_s != 0)
        return;
    m->fetched_s = k->now_s;
    report_event(k, id, REPORT_DELIVERED, &fetched, true);
    tx_put(k, T_MESSAGE, id, 16, RECORD_MESSAGE, m);
    LOG(L_INFO, "message.fetched", LOG_ID("msg", id));
}

static bool page_is_full(const struct call *c, const struct message_record *m)
{
    return c->out.count >= LIST_MAX ||
           (c->out.count > 0 && c->tail.n + m->sealed.n > LIST_BYTES_MAX);
}

static bool list_one(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct call *c = arg;
    const uint8_t *id = key + 16;
    struct message_record m;
    bool go_on = true;

    (void)n;
    if (memcmp(id, c->in->after, 16) <= 0 ||
        !tx_get(k, T_MESSAGE, id, 16, RECORD_MESSAGE, &m))
        return true;
    if (m.expires_s <= k->now_s) {
        /* it goes with the next sweep */
    } else if (!is_for_device(c, &m)) {
        c->out.closed += m.form == FORM_FINAL;
    } else if (c->out.more != 0 || page_is_full(c, &m)) {
        c->out.more = 1;
        go_on = c->out.has_closed != 0; /* those behind this page count as well */
    } else if (put_entry(k, c, id, &m)) {
        mark_fetched(k, id, &m);
    }
    record_clear(RECORD_MESSAGE, &m);
    return go_on;
}

static enum ipc_verdict call_list(struct keeper *k, struct call *c)
{
    static const uint8_t first[16] = { 0 };
    const struct tx_key from = tx_key_ids(c->d.handset, c->in->after);

    if (device_is_held(k, &c->d)) {
        c->out.held = 1;
        return IPC_OK;
    }
    c->out.has_closed = memcmp(c->in->after, first, 16) == 0;
    tx_scan(k, T_BY_HANDSET, c->d.handset, 16, from.b, from.n, list_one, c);
    return IPC_OK;
}

/* The message of the call, when it is this device's; the caller clears it. */
static bool take_message(struct keeper *k, const struct call *c,
                         struct message_record *m)
{
    if (!tx_get(k, T_MESSAGE, c->in->id, 16, RECORD_MESSAGE, m))
        return false;
    if (m->expires_s > k->now_s && is_for_device(c, m))
        return true;
    record_clear(RECORD_MESSAGE, m);
    return false;
}

static enum ipc_verdict call_message(struct keeper *k, struct call *c)
{
    struct message_record m;
    bool given;

    if (!take_message(k, c, &m))
        return IPC_GONE;
    given = put_entry(k, c, c->in->id, &m);
    if (given)
        mark_fetched(k, c->in->id, &m);
    record_clear(RECORD_MESSAGE, &m);
    return given ? IPC_OK : IPC_TEMP;
}

static bool put_chunk(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct call *c = arg;
    struct store_bytes chunk = { 0 };

    if (!tx_check(k, store_get(k->store, T_PART, key, n, &chunk)))
        return false;
    buf_put_mem(&c->tail, chunk.p, chunk.n);
    store_bytes_clear(&chunk);
    return buf_ok(&c->tail);
}

static enum ipc_verdict call_part(struct keeper *k, struct call *c)
{
    struct message_record m;
    struct tx_key key;
    bool there;

    if (!take_message(k, c, &m))
        return IPC_GONE;
    there = c->in->part >= 1 && c->in->part <= m.parts;
    record_clear(RECORD_MESSAGE, &m);
    if (!there)
        return IPC_GONE;
    key = tx_key_part(c->in->id, (uint16_t)c->in->part, 0);
    tx_scan(k, T_PART, key.b, key.n - 4, NULL, 0, put_chunk, c);
    return IPC_OK;
}

static enum ipc_verdict call_read(struct keeper *k, struct call *c)
{
    struct message_record m;

    if (!take_message(k, c, &m))
        return IPC_GONE;
    if (m.read_s == 0) {
        m.read_s = k->now_s;
        tx_put(k, T_MESSAGE, c->in->id, 16, RECORD_MESSAGE, &m);
        LOG(L_INFO, "message.read", LOG_ID("msg", c->in->id));
    }
    record_clear(RECORD_MESSAGE, &m);
    return IPC_OK;
}

static enum ipc_verdict call_reply(struct keeper *k, struct call *c)
{
    uint8_t reply[16] = { 0 };
    const enum ipc_verdict v = reply_take(k, c->d.handset, c->in->id, c->body, reply);

    buf_put_mem(&c->tail, reply, 16);
    return v;
}

static enum ipc_verdict call_remove(struct keeper *k, struct call *c)
{
    struct message_record m;

    if (!take_message(k, c, &m))
        return IPC_GONE;
    intake_remove(k, c->in->id, &m);
    LOG(L_INFO, "message.removed", LOG_ID("msg", c->in->id));
    record_clear(RECORD_MESSAGE, &m);
    return IPC_OK;
}

static enum ipc_verdict call_devices(struct keeper *k, struct call *c)
{
    const bool held = device_is_held(k, &c->d);

    for (size_t i = 0; i < c->h.device_count; i++) {
        const bool this = memcmp(c->h.devices[i], c->device, 16) == 0;
        struct device_record d;

        if ((held && !this) ||
            !tx_get(k, T_DEVICE, c->h.devices[i], 16, RECORD_DEVICE, &d))
            continue;
        buf_put_mem(&c->tail, c->h.devices[i], 16);
        buf_put_u8(&c->tail, d.type);
        buf_put_u8(&c->tail, (uint8_t)((this ? DEVICE_THIS : 0U) |
                                       (device_is_held(k, &d) ? DEVICE_HELD : 0U)));
        buf_put_be64(&c->tail, d.created_s);
        buf_put_be64(&c->tail, d.seen_s);
        buf_put_u8(&c->tail, (uint8_t)strlen(d.label));
        buf_put(&c->tail, d.label);
        c->out.count++;
        record_clear(RECORD_DEVICE, &d);
    }
    return IPC_OK;
}

/* Whoever forged an SMS must not drive out, nor rename, those who proved the number
 * otherwise. */
static bool may_touch(struct keeper *k, const struct call *c)
{
    struct device_record other;
    bool may;

    if (!device_is_doubtful(k, &c->d))
        return true;
    if (!tx_get(k, T_DEVICE, c->in->id, 16, RECORD_DEVICE, &other))
        return false;
    may = device_is_doubtful(k, &other);
    record_clear(RECORD_DEVICE, &other);
    return may;
}

/* Where the device of the call stands in the handset's list; its end: nowhere. */
static size_t place_of(const struct call *c)
{
    size_t i = 0;

    while (i < c->h.device_count && memcmp(c->h.devices[i], c->in->id, 16) != 0)
        i++;
    return i;
}

static enum ipc_verdict call_revoke(struct keeper *k, struct call *c)
{
    const size_t i = place_of(c);

    if (i == c->h.device_count || !may_touch(k, c))
        return IPC_GONE;
    device_remove(k, &c->h, i);
    tx_put(k, T_HANDSET, c->d.handset, 16, RECORD_HANDSET, &c->h);
    return IPC_OK;
}

static enum ipc_verdict call_label(struct keeper *k, struct call *c)
{
    struct device_record d;
    char label[DEVICE_LABEL_ROOM] = "";
    struct err e;

    if (place_of(c) == c->h.device_count || !may_touch(k, c))
        return IPC_GONE;
    if (device_take_label(c->body, label, &e) != 0)
        return IPC_BAD_REQUEST;
    if (!tx_get(k, T_DEVICE, c->in->id, 16, RECORD_DEVICE, &d))
        return IPC_GONE;
    (void)span_copy(d.label, sizeof d.label, span_str(label));
    tx_put(k, T_DEVICE, c->in->id, 16, RECORD_DEVICE, &d);
    record_clear(RECORD_DEVICE, &d);
    return IPC_OK;
}

static enum ipc_verdict call_push(struct keeper *k, struct call *c)
{
    if (memcmp(c->in->id, c->device, 16) != 0) /* no other device's */
        return IPC_GONE;
    return push_subscribe(k, c->device, &c->d, &c->h, c->body);
}

/* method and path are what the device must have signed; %s is the hex of id. */
static const struct {
    const char *method, *path;
    enum ipc_verdict (*run)(struct keeper *k, struct call *c);
} calls[CALL_COUNT] = {
    [CALL_LIST] = { "GET", "/api/v1/messages", call_list },
    [CALL_MESSAGE] = { "GET", "/api/v1/messages/%s", call_message },
    [CALL_PART] = { "GET", "/api/v1/messages/%s/parts/%u", call_part },
    [CALL_READ] = { "POST", "/api/v1/messages/%s/read", call_read },
    [CALL_REPLY] = { "POST", "/api/v1/messages/%s/replies", call_reply },
    [CALL_REMOVE] = { "DELETE", "/api/v1/messages/%s", call_remove },
    [CALL_DEVICES] = { "GET", "/api/v1/devices", call_devices },
    [CALL_REVOKE] = { "DELETE", "/api/v1/devices/%s", call_revoke },
    [CALL_PUSH] = { "POST", "/api/v1/devices/%s/push", call_push },
    [CALL_LABEL] = { "POST", "/api/v1/devices/%s/label", call_label },
};

static void call_url(const struct keeper *k, const struct ipc_device_call *in,
                     struct buf *url)
{
    char hex[HEX_LEN(16) + 1];
    const char *p = calls[in->call].path;

    (void)hex_text(hex, in->id, 16);
    buf_put(url, k->config->public_url);
    for (; *p != '\0'; p++) {
        if (*p != '%') {
            buf_put_u8(url, (uint8_t)*p);
            continue;
        }
        if (*++p == 's')
            buf_put(url, hex);
        else
            buf_printf(url, "%u", in->part);
    }
}

static enum ipc_verdict check_proof(struct keeper *k, struct call *c)
{
    struct buf url;
    enum ipc_verdict v = IPC_PROOF;

    buf_init(&url, 1024);
    call_url(k, c->in, &url);
    if (buf_ok(&url))
        v = proof_check(k->proofs, k->now_s, c->proof, c->d.signing_point,
                        calls[c->in->call].method, buf_cstr(&url), c->body);
    buf_clear(&url);
    return v;
}

/* A device that calls is fresh again: what waited for it is sealed to it now. */
static void touch(struct keeper *k, struct call *c)
{
    if (device_seen(k, &c->d))
        tx_put(k, T_DEVICE, c->device, 16, RECORD_DEVICE, &c->d);
    if (c->in->call == CALL_LIST)
        (void)reseal_waiting(k, c->d.handset, &c->h, RESEAL_AT_ONCE);
}

/* An SMS can be forged. Until the number knows of the device it sees nothing of the
 * others and does nothing to them; it may ask again, and go. */
static bool may_call(const struct keeper *k, const struct call *c)
{
    return !device_is_held(k, &c->d) || c->in->call == CALL_LIST ||
           c->in->call == CALL_DEVICES ||
           (c->in->call == CALL_REVOKE && memcmp(c->in->id, c->device, 16) == 0);
}

static enum ipc_verdict run_call(struct keeper *k, void *arg)
{
    struct call *c = arg;
    enum ipc_verdict v;

    if (c->proof.n == 0) /* the first call of a device: it wants a nonce */
        return IPC_NONCE;
    if (!proof_claims_device(c->proof, c->device) ||
        !tx_get(k, T_DEVICE, c->device, 16, RECORD_DEVICE, &c->d) ||
        !tx_get(k, T_HANDSET, c->d.handset, 16, RECORD_HANDSET, &c->h))
        return tx_ok(k) ? IPC_PROOF : IPC_TEMP;
    if (device_is_over(k, &c->d))
        return IPC_PROOF;
    v = check_proof(k, c);
    if (v != IPC_OK)
        return v;
    memcpy(c->out.kid, c->d.kid, sizeof c->out.kid);
    touch(k, c);
    if (!may_call(k, c))
        return IPC_GONE;
    v = calls[c->in->call].run(k, c);
    return buf_ok(&c->tail) ? v : IPC_TEMP;
}

static bool take_call(struct call *c, struct span tail)
{
    struct cur cur = cur_of(tail);
    uint16_t n;

    if (c->in->call >= CALL_COUNT || !cur_be16(&cur, &n) ||
        !cur_span(&cur, n, &c->proof))
        return false;
    c->body = span_of(cur.p, cur_left(&cur));
    return true;
}

void device_call(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct call c = { .in = f->fixed };

    buf_init(&c.tail, IPC_TAIL_MESSAGE);
    c.out.verdict = IPC_BAD_REQUEST;
    if (take_call(&c, f->tail))
        c.out.verdict = tx_run(k, run_call, &c);
    if (c.out.verdict != IPC_OK && c.out.verdict != IPC_REPEATED) {
        c.out.count = 0;
        buf_clear(&c.tail);
    }
    proof_nonce(k->proofs, k->now_s, c.out.nonce);
    ipc_send(ch, IPC_DEVICE_ANSWER, f->call, &c.out, buf_span(&c.tail));
    record_clear(RECORD_DEVICE, &c.d);
    record_clear(RECORD_HANDSET, &c.h);
    buf_clear(&c.tail);
}
