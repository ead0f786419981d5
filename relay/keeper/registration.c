/* SPDX-License-Identifier: ISC */
/* registration.c - a handset proves its number and gives its public key.
 * Here:       starting, the OTP's life, limits, the device record.
 * Elsewhere:  a password that the handset sends (registration_handset.c), the SMS
 * (outbox.c), re-sealing (reseal.c), HTTP (plugin/handset.c). Called by:  keeper.c.
 * Source:     seed 310-324, fig. 3 and 5, claims 10-13; NIST SP 800-63B-4 3.2.2
 * (limits). */
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#define HOUR_S 3600U
#define DAY_S 86400U
#define TRIES 5U
/* wrong OTPs in a row, over all registrations: then the number is locked */
#define FAILURES_MAX 100U
#define RESEAL_AT_ONCE 500U
/* from the proof to the key: a slow phone makes RSA keys */
#define DEVICE_TIME_S 900U

/* The OTP is bound to its registration and to the number it was sent to (claim 13). */
static void otp_mac(const struct keeper *k, const uint8_t id[16], const char *msisdn,
                    const char *otp, uint8_t mac[32])
{
    struct buf b;

    buf_init(&b, 256);
    buf_put_mem(&b, id, 16);
    buf_put_mem(&b, msisdn, strlen(msisdn) + 1);
    buf_put(&b, otp);
    store_mac(k->store, "otp", b.p, b.n, mac);
    buf_wipe(&b);
}

static void otp_make(unsigned digits, char *otp)
{
    for (unsigned i = 0; i < digits;) {
        uint8_t byte;

        keeper_random(&byte, 1);
        if (byte < 250) /* 250 is the last multiple of ten: no digit is likelier */
            otp[i++] = (char)('0' + byte % 10);
    }
    otp[digits] = '\0';
}

struct start {
    const struct ipc_reg_start *in;
    struct ipc_reg_started out;
};

static bool client_may(struct keeper *k, const struct ipc_reg_start *in)
{
    const size_t bytes = in->client_family == 4 ? 4 : 16;
    const size_t network = in->client_family == 4 ? 3 : 8; /* a /24 or a /64 */

    if (in->client_family != 4 && in->client_family != 6)
        return true;
    return tx_count(k, "otp-network", in->client, network, HOUR_S,
                    k->config->otp_per_network, true) && /* before anything is kept */
           tx_count(k, "otp-client", in->client, bytes, HOUR_S,
                    k->config->otp_per_client, false) &&
           tx_count(k, "otp-network", in->client, network, HOUR_S,
                    k->config->otp_per_network, false);
}

static bool find_handset(struct keeper *k, const struct ipc_reg_start *in,
                         uint8_t handset[16], struct handset_record *h)
{
    if (in->by_notice != 0)
        return notice_find(k, in->notice, handset, h);
    keeper_handset_id(k, in->msisdn, handset);
    return tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, h);
}

static bool found(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    (void)k, (void)key, (void)n;
    *(bool *)arg = true;
    return false;
}

/* Nobody can pump SMS: only to a number that has something here, and within its limit.
 */
static bool may_send(struct keeper *k, const uint8_t handset[16],
                     const struct handset_record *h)
{
    bool waits = h->device_count > 0;

    if (!waits)
        tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, found, &waits);
    if (!waits || h->opted_out != 0 || h->locked_until_s > k->now_s)
        return false;
    if (tx_count(k, "otp-number", h->msisdn, strlen(h->msisdn), HOUR_S,
                 k->config->otp_per_number, false))
        return true;
    LOG(L_INFO, "otp.limited", LOG_MSISDN("handset", h->msisdn));
    return false;
}

static void send_otp(struct keeper *k, const struct start *s, const char *otp,
                     struct registration_record *r, const struct handset_record *h)
{
    struct outbox_record o = { .kind = OUTBOX_OTP, .expires_s = r->expires_s };
    uint8_t job[16];

    memcpy(r->msisdn, h->msisdn, sizeof r->msisdn);
    otp_mac(k, s->out.registration, r->msisdn, otp, r->otp_mac);
    memcpy(o.handset, r->handset, 16);
    memcpy(o.subject_id, s->out.registration, 16);
    o.body = (struct record_blob){ (uint8_t *)(uintptr_t)otp, strlen(otp) };
    outbox_add(k, LANE_OTP, k->now_s, &o, job);
    LOG(L_INFO, "otp.wanted", LOG_ID("registration", s->out.registration),
        LOG_MSISDN("handset", h->msisdn));
}

/* A closed network's application compares what is typed itself: it is told enough to
 * find the OTP out, which is why this is off (sealpost.conf(5)). */
static void give_check(struct start *s, const char *otp)
{
    char hex[HEX_LEN(16) + 1];
    struct buf b;

    buf_init(&b, 128);
    buf_put(&b, hex_text(hex, s->out.registration, 16));
    buf_put_u8(&b, ':');
    buf_put(&b, otp);
    s->out.has_check = buf_ok(&b) && EVP_Q_digest(NULL, "SHA256", NULL, b.p, b.n,
                                                  s->out.check, NULL) == 1;
    buf_wipe(&b);
}

/* A number that gets no OTP gets the same answer and the same record, with an OTP that
 * nothing matches: from outside the two look alike. */
static void start_server(struct keeper *k, struct start *s,
                         struct registration_record *r)
{
    struct handset_record h = { 0 };
    char otp[36];

    otp_make(k->config->otp_digits, otp);
    if (k->config->otp_check_at_handset)
        give_check(s, otp);
    if (find_handset(k, s->in, r->handset, &h) && may_send(k, r->handset, &h))
        send_otp(k, s, otp, r, &h);
    OPENSSL_cleanse(otp, sizeof otp);
    record_clear(RECORD_HANDSET, &h);
}

/* Nothing here depends on the number, which nobody has proven yet. */
static void start_handset(const struct keeper *k, struct start *s,
                          struct registration_record *r)
{
    const char *const to = k->config->otp_to;

    r->from_handset = 1;
    memcpy(r->msisdn, s->in->msisdn, sizeof r->msisdn);
    (void)snprintf(s->out.sms_to, sizeof s->out.sms_to, "%s%s",
                   msisdn_is_canonical(to) ? "+" : "", to);
}

static enum ipc_verdict start(struct keeper *k, void *arg)
{
    struct start *s = arg;
    struct registration_record r = { .state = REG_PENDING,
                                     .tries_left = TRIES,
                                     .created_s = k->now_s,
                                     .expires_s =
                                         k->now_s + k->config->otp_lifetime_s };
    struct tx_key e;

    if ((k->config->otp_direction & s->in->direction) == 0)
        return IPC_FORBIDDEN;
    if (!client_may(k, s->in))
        return tx_ok(k) ? IPC_TOO_MANY : IPC_TEMP;
    keeper_random(s->out.registration, 16);
    keeper_random(r.otp_mac, sizeof r.otp_mac);
    s->out.expires_s = r.expires_s;
    if (s->in->direction == REG_HANDSET)
        start_handset(k, s, &r);
    else
        start_server(k, s, &r);
    tx_put(k, T_REGISTRATION, s->out.registration, 16, RECORD_REGISTRATION, &r);
    e = tx_key_expiry(r.expires_s + DEVICE_TIME_S, 'R', s->out.registration);
    tx_mark(k, T_BY_EXPIRY, e.b, e.n);
    return IPC_OK;
}

/* The handset names its number with its password at the latest. */
static bool start_is_good(const struct ipc_reg_start *in)
{
    if (in->direction == REG_HANDSET)
        return in->msisdn[0] == '\0' || msisdn_is_canonical(in->msisdn);
    return in->direction == REG_SERVER &&
           (in->by_notice != 0 || msisdn_is_canonical(in->msisdn));
}

void registration_start(struct keeper *k, struct ipc_channel *ch,
                        const struct ipc_frame *f)
{
    struct start s = { .in = f->fixed };

    s.out.verdict = IPC_BAD_REQUEST;
    if (start_is_good(s.in))
        s.out.verdict = tx_run(k, start, &s);
    ipc_send(ch, IPC_REG_STARTED, f->call, &s.out, span_of(NULL, 0));
}

struct otp {
    const struct ipc_reg_otp *in;
    struct ipc_reg_otp_answer out;
};

static enum ipc_verdict otp_wrong(struct keeper *k, struct otp *o,
                                  struct registration_record *r,
                                  struct handset_record *h, bool known)
{
    r->tries_left--;
    if (r->tries_left == 0)
        r->state = REG_CLOSED;
    tx_put(k, T_REGISTRATION, o->in->registration, 16, RECORD_REGISTRATION, r);
    o->out.tries_left = r->tries_left;
    if (known) {
        if (++h->otp_failures >= FAILURES_MAX) {
            h->otp_failures = 0;
            h->locked_until_s = k->now_s + DAY_S;
            LOG(L_WARN, "handset.locked", LOG_MSISDN("handset", h->msisdn),
                LOG_STR("why", "100 wrong OTPs in a row; no OTP for a day"));
        }
        tx_put(k, T_HANDSET, r->handset, 16, RECORD_HANDSET, h);
    }
    LOG(L_INFO, "otp.wrong", LOG_ID("registration", o->in->registration),
        LOG_U64("tries_left", r->tries_left));
    return r->tries_left == 0 ? IPC_CLOSED : IPC_OTP_MISMATCH;
}

static enum ipc_verdict proven(struct keeper *k, const uint8_t id[16],
                               struct registration_record *r, struct handset_record *h)
{
    r->state = REG_PROVEN;
    r->expires_s = k->now_s + DEVICE_TIME_S;
    h->proven_s = k->now_s;
    tx_put(k, T_REGISTRATION, id, 16, RECORD_REGISTRATION, r);
    tx_put(k, T_HANDSET, r->handset, 16, RECORD_HANDSET, h);
    LOG(L_INFO, "registration.proven", LOG_ID("registration", id));
    return IPC_OK;
}

static enum ipc_verdict otp_of_server(struct keeper *k, struct otp *o,
                                      struct registration_record *r)
{
    struct handset_record h = { 0 };
    uint8_t mac[32];
    bool known;

    if (r->state != REG_PENDING)
        return IPC_CLOSED;
    known = tx_get(k, T_HANDSET, r->handset, 16, RECORD_HANDSET, &h);
    if (known && h.locked_until_s > k->now_s) /* as to a number that nobody knows */
        return otp_wrong(k, o, r, &h, false);
    known =
        known && r->msisdn[0] != '\0'; /* guessing what was never sent is no guess */
    otp_mac(k, o->in->registration, r->msisdn, o->in->otp, mac);
    if (CRYPTO_memcmp(mac, r->otp_mac, sizeof mac) != 0)
        return otp_wrong(k, o, r, &h, known);
    h.otp_failures = 0;
    return proven(k, o->in->registration, r, &h);
}

/* Who sent an SMS from the number may register though nothing was ever sent to it. The
 * count of wrong OTPs is about those that we sent, and stays as it is. */
static enum ipc_verdict otp_of_handset(struct keeper *k, struct otp *o,
                                       struct registration_record *r)
{
    struct handset_record h = { 0 };
    const bool was_proven = r->state == REG_PROVEN; /* its answer was lost */
    const enum ipc_verdict v = registration_agree(k, o->in, r);

    if (v == IPC_OTP_MISMATCH)
        return otp_wrong(k, o, r, &h, false);
    if (v != IPC_OK || was_proven)
        return v;
    keeper_handset(k, r->handset, r->msisdn, &h);
    return proven(k, o->in->registration, r, &h);
}

static enum ipc_verdict otp(struct keeper *k, void *arg)
{
    struct otp *o = arg;
    struct registration_record r;

    if (!tx_get(k, T_REGISTRATION, o->in->registration, 16, RECORD_REGISTRATION, &r) ||
        r.expires_s <= k->now_s)
        return IPC_CLOSED;
    return r.from_handset != 0 ? otp_of_handset(k, o, &r) : otp_of_server(k, o, &r);
}

void registration_otp(struct keeper *k, struct ipc_channel *ch,
                      const struct ipc_frame *f)
{
    struct otp o = { .in = f->fixed };

    o.out.verdict = tx_run(k, otp, &o);
    ipc_send(ch, IPC_REG_OTP_ANSWER, f->call, &o.out, span_of(NULL, 0));
}

struct enrol {
    const struct ipc_reg_device *in;
    struct span der;
    struct ipc_reg_device_answer out;
    uint8_t kid[JWE_KID_BYTES];
};

static bool keys_are_good(struct enrol *n)
{
    struct jwe_key encryption, signing;
    struct err e;

    if (jwe_key_from_der(&encryption, n->der, &e) != 0)
        return false;
    memcpy(n->kid, encryption.kid, sizeof n->kid);
    jwe_key_clear(&encryption);
    if (jwe_key_from_point(&signing, n->in->signing_point, &e) != 0)
        return false;
    jwe_key_clear(&signing);
    return n->in->type >= DEVICE_BROWSER && n->in->type <= DEVICE_SHARED;
}

static void put_device(struct keeper *k, struct enrol *n,
                       const struct registration_record *r)
{
    struct device_record d = { .type = n->in->type,
                               .created_s = k->now_s,
                               .seen_s = k->now_s,
                               .held_until_s = r->from_handset != 0 ? UINT64_MAX : 0,
                               .encryption_key = { (uint8_t *)(uintptr_t)n->der.p,
                                                   n->der.n } };

    memcpy(d.handset, r->handset, 16);
    memcpy(d.signing_point, n->in->signing_point, sizeof d.signing_point);
    memcpy(d.kid, n->kid, sizeof d.kid);
    memcpy(d.label, n->in->label, sizeof d.label);
    keeper_random(n->out.device, 16);
    tx_put(k, T_DEVICE, n->out.device, 16, RECORD_DEVICE, &d);
    device_watch(k, n->out.device, &d);
}

/* Someone who holds the number long enough could add himself: the others are told. */
static void tell_others(struct keeper *k, const uint8_t handset[16],
                        const uint8_t device[16])
{
    struct outbox_record o = { .kind = OUTBOX_DEVICE_ADDED,
                               .expires_s = k->now_s + DAY_S };
    uint8_t job[16];

    memcpy(o.handset, handset, 16);
    memcpy(o.subject_id, device, 16);
    outbox_add(k, LANE_SMS, k->now_s, &o, job);
}

static bool may_enrol(const struct keeper *k, const struct ipc_reg_device *in,
                      const struct registration_record *r)
{
    if (r->expires_s <= k->now_s)
        return false;
    if (in->checked == 0)
        return r->state == REG_PROVEN;
    return k->config->otp_check_at_handset && r->from_handset == 0 &&
           r->state == REG_PENDING && r->msisdn[0] != '\0'; /* an OTP was sent */
}

size_t registration_reseal(struct keeper *k, const uint8_t handset[16])
{
    struct handset_record h;

    return tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, &h)
               ? reseal_waiting(k, handset, &h, RESEAL_AT_ONCE)
               : 0;
}

/* A handset that is full gives the place of a device that nobody could use so far, or
 * of one that was silent for longest: phones forget their keys, and their owner must
 * not be shut out. What an SMS registers drives out only its like. */
static bool make_room(struct keeper *k, struct handset_record *h, bool by_sms)
{
    size_t oldest = RECORD_DEVICES;
    uint64_t oldest_s = UINT64_MAX;

    for (size_t i = 0; i < h->device_count; i++) {
        struct device_record d;
        uint64_t seen_s;

        if (!tx_get(k, T_DEVICE, h->devices[i], 16, RECORD_DEVICE, &d))
            continue;
        seen_s = device_is_held(k, &d) ? 0 : d.seen_s;
        if (seen_s < oldest_s &&
            (device_is_held(k, &d) || (!by_sms && !device_is_fresh(k, &d)))) {
            oldest = i;
            oldest_s = seen_s;
        }
        record_clear(RECORD_DEVICE, &d);
    }
    if (oldest == RECORD_DEVICES)
        return false;
    device_remove(k, h, oldest);
    return true;
}

/* The first answer was lost: the same keys get the same device again. Another one would
 * leave the messages sealed to a device that nobody knows of. */
static bool is_enrolled(struct keeper *k, struct enrol *n,
                        const struct registration_record *r)
{
    struct device_record d;
    bool same;

    if (r->state != REG_CLOSED || r->expires_s <= k->now_s ||
        !tx_get(k, T_DEVICE, r->device, 16, RECORD_DEVICE, &d))
        return false;
    same = memcmp(d.kid, n->kid, sizeof d.kid) == 0 &&
           memcmp(d.signing_point, n->in->signing_point, sizeof d.signing_point) == 0;
    record_clear(RECORD_DEVICE, &d);
    memcpy(n->out.device, r->device, 16);
    return same;
}

static enum ipc_verdict enrol(struct keeper *k, void *arg)
{
    struct enrol *n = arg;
    struct registration_record r;
    struct handset_record h;
    size_t resealed;

    if (!keys_are_good(n))
        return IPC_BAD_KEY;
    if (!tx_get(k, T_REGISTRATION, n->in->registration, 16, RECORD_REGISTRATION, &r))
        return tx_ok(k) ? IPC_CLOSED : IPC_TEMP;
    if (is_enrolled(k, n, &r))
        return IPC_OK;
    if (!may_enrol(k, n->in, &r) ||
        !tx_get(k, T_HANDSET, r.handset, 16, RECORD_HANDSET, &h))
        return tx_ok(k) ? IPC_CLOSED : IPC_TEMP;
    if (h.device_count >= RECORD_DEVICES && !make_room(k, &h, r.from_handset != 0))
        return IPC_TOO_MANY;
    put_device(k, n, &r);
    if (r.from_handset != 0)
        registration_confirm(k, r.handset, n->out.device);
    else if (h.device_count > 0)
        tell_others(k, r.handset, n->out.device);
    if (n->in->checked != 0)
        h.proven_s = k->now_s;
    memcpy(h.devices[h.device_count++], n->out.device, 16);
    tx_put(k, T_HANDSET, r.handset, 16, RECORD_HANDSET, &h);
    r.state = REG_CLOSED;
    memcpy(r.device, n->out.device, sizeof r.device);
    tx_put(k, T_REGISTRATION, n->in->registration, 16, RECORD_REGISTRATION, &r);
    resealed = reseal_waiting(k, r.handset, &h, RESEAL_AT_ONCE);
    LOG(L_INFO, "device.registered", LOG_ID("device", n->out.device),
        LOG_MSISDN("handset", h.msisdn), LOG_U64("devices", h.device_count),
        LOG_STR("by", r.from_handset != 0   ? "sms"
                      : n->in->checked != 0 ? "check"
                                            : "otp"),
        LOG_U64("resealed", resealed));
    return IPC_OK;
}

void registration_device(struct keeper *k, struct ipc_channel *ch,
                         const struct ipc_frame *f)
{
    struct enrol n = { .in = f->fixed, .der = f->tail };

    n.out.verdict = f->tail.n > RECORD_KEY ? IPC_BAD_KEY : tx_run(k, enrol, &n);
    ipc_send(ch, IPC_REG_DEVICE_ANSWER, f->call, &n.out, span_of(NULL, 0));
}
