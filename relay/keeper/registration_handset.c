/* SPDX-License-Identifier: ISC */
/* registration_handset.c - a password that the handset makes and sends by SMS.
 * Here:       the SMS and the call that must agree, in either order; what is over; the
 *             SMS that tells the number of a device registered this way.
 * Elsewhere:  starting, the device (registration.c), what else an SMS says (inbound.c).
 * Called by:  inbound.c (the SMS), registration.c (the call), outbox.c (told).
 * Source:     seed 316-324, fig. 4 and 6; DESIGN 5.3.
 *
 * A password is an entry of T_HANDSET_OTP under its blinded name. It is good until
 * expires_s and stays a week longer, so that whatever was used or refused is known when
 * it comes again. An SMS can be forged: what it registers is held until the number was
 * told. */
#include "relay/keeper/keeper.h"
#include <openssl/crypto.h>

#define HOUR_S 3600U
#define OVER_KEPT_S 604800U     /* a week */
#define CONFIRM_KEPT_S 2592000U /* bearerbox may be away for long; the device waits */
#define POLLS_MAX 2000U         /* an hour and registration: one in two seconds */

enum over {
    OVER_NOT,
    OVER_USED,
    OVER_NUMBER, /* SMS and call came from different numbers */
    OVER_REFUSED
};

struct password {
    uint8_t name[STORE_BLIND_BYTES];
    bool there;
    uint64_t was_s; /* its expiry on disk */
    struct handset_otp_record p;
};

/* password = 10LETTER ; "-" may stand between two of them */
static bool take_password(struct cur *c, char out[PASSWORD_LETTERS + 1])
{
    size_t n = 0;

    while (n < PASSWORD_LETTERS && !cur_done(c)) {
        const char ch = *c->p;

        if (ch >= 'A' && ch <= 'Z')
            out[n++] = (char)(ch | 0x20);
        else if ((ch >= 'a' && ch <= 'z') || (ch >= '2' && ch <= '7'))
            out[n++] = ch;
        else if (ch != '-' || n == 0 || c->p[-1] == '-')
            return false;
        c->p++;
    }
    out[n] = '\0';
    return n == PASSWORD_LETTERS;
}

static bool skip_blanks(struct cur *c)
{
    const char *const start = c->p;

    while (!cur_done(c) && (unsigned char)*c->p <= ' ')
        c->p++;
    return c->p > start;
}

/* sms = *BLANK "seal" 1*BLANK password *BLANK */
bool registration_password(struct span text, bool with_word,
                           char out[PASSWORD_LETTERS + 1])
{
    struct cur c = cur_of(text);
    bool ok = true;

    out[0] = '\0';
    if (with_word) {
        (void)skip_blanks(&c);
        ok = cur_word(&c, "seal") && skip_blanks(&c);
    }
    ok = ok && take_password(&c, out);
    if (with_word)
        (void)skip_blanks(&c);
    if (ok && cur_done(&c))
        return true;
    OPENSSL_cleanse(out, PASSWORD_LETTERS + 1);
    return false;
}

static void find(struct keeper *k, const char *text, struct password *w)
{
    *w = (struct password){ .there = false };
    store_blind(k->store, "handset-otp", text, PASSWORD_LETTERS, w->name);
    w->there =
        tx_get(k, T_HANDSET_OTP, w->name, sizeof w->name, RECORD_HANDSET_OTP, &w->p);
    w->was_s = w->p.expires_s;
}

static void keep(struct keeper *k, struct password *w)
{
    struct tx_key e = tx_key_expiry(w->was_s + OVER_KEPT_S, 'O', w->name);

    if (!w->there || w->was_s != w->p.expires_s) {
        if (w->there)
            tx_del(k, T_BY_EXPIRY, e.b, e.n);
        e = tx_key_expiry(w->p.expires_s + OVER_KEPT_S, 'O', w->name);
        tx_mark(k, T_BY_EXPIRY, e.b, e.n);
    }
    tx_put(k, T_HANDSET_OTP, w->name, sizeof w->name, RECORD_HANDSET_OTP, &w->p);
    w->there = true;
    w->was_s = w->p.expires_s;
}

static bool is_stale(const struct keeper *k, const struct password *w)
{
    return w->there && w->p.expires_s <= k->now_s;
}

/* Never again, at least for a week from now. */
static void end(struct keeper *k, struct password *w, enum over why)
{
    if (w->p.over == OVER_NOT)
        w->p.over = (uint8_t)why;
    if (w->p.expires_s < k->now_s)
        w->p.expires_s = k->now_s;
    keep(k, w);
}

/* -- the SMS */

static bool is_believed(const struct keeper *k, const char *smsc)
{
    const struct config_words *const smscs = &k->config->otp_smscs;

    for (size_t i = 0; i < smscs->n; i++)
        if (strcmp(smscs->p[i], smsc) == 0)
            return true;
    return smscs->n == 0;
}

struct sms_in {
    const char *msisdn, *smsc;
    uint64_t sent_s;
    uint8_t handset[16];
};

/* Why this SMS is not taken, and what that makes of its password; NULL: it is. */
static const char *sms_objection(struct keeper *k, const struct sms_in *in,
                                 const struct password *w, enum over *over)
{
    *over = OVER_REFUSED;
    if (w->p.over != OVER_NOT)
        return "the password was used or refused before";
    if (!is_believed(k, in->smsc))
        return "the originators of this SMSC are not believed (otp-smscs)";
    if (in->sent_s + k->config->otp_lifetime_s <= k->now_s || is_stale(k, w))
        return "it is older than otp-lifetime";
    if (w->there && memcmp(w->p.handset, in->handset, 16) != 0) {
        *over = OVER_NUMBER;
        return "the call, or an SMS before, names another number";
    }
    if (w->p.by_sms == 0 && !tx_count(k, "otp-sms", in->msisdn, strlen(in->msisdn),
                                      HOUR_S, k->config->otp_per_number, false))
        return "this number has sent its passwords of this hour";
    return NULL;
}

bool registration_mo(struct keeper *k, const char *msisdn, const char *smsc,
                     uint64_t sent_s, struct span text)
{
    struct sms_in in = { .msisdn = msisdn,
                         .smsc = smsc,
                         .sent_s = sent_s < k->now_s ? sent_s : k->now_s };
    char letters[PASSWORD_LETTERS + 1];
    struct password w;
    enum over over;
    const char *why;

    if (!registration_password(text, true, letters))
        return false;
    find(k, letters, &w);
    OPENSSL_cleanse(letters, sizeof letters);
    keeper_handset_id(k, msisdn, in.handset);
    why = sms_objection(k, &in, &w, &over);
    if (!w.there)
        memcpy(w.p.handset, in.handset, 16);
    if (why != NULL) {
        LOG(L_WARN, "otp.refused", LOG_MSISDN("from", msisdn), LOG_STR("smsc", smsc),
            LOG_STR("why", why));
        end(k, &w, over);
        return true;
    }
    if (!w.there)
        w.p.expires_s = in.sent_s + k->config->otp_lifetime_s;
    w.p.by_sms = 1;
    keep(k, &w);
    LOG(L_INFO, "otp.received", LOG_MSISDN("from", msisdn), LOG_STR("smsc", smsc));
    return true;
}

/* -- the call */

static enum ipc_verdict close_registration(struct keeper *k,
                                           const struct ipc_reg_otp *in,
                                           struct registration_record *r,
                                           enum ipc_verdict v, const char *why)
{
    r->state = REG_CLOSED;
    tx_put(k, T_REGISTRATION, in->registration, 16, RECORD_REGISTRATION, r);
    LOG(L_WARN, "otp.refused", LOG_ID("registration", in->registration),
        LOG_MSISDN("handset", r->msisdn), LOG_STR("why", why));
    return v;
}

/* Named before, by this registration: has the SMS come? */
static enum ipc_verdict look(struct keeper *k, const struct ipc_reg_otp *in,
                             struct registration_record *r, struct password *w)
{
    if (w->there && w->p.over == OVER_NUMBER)
        return close_registration(k, in, r, IPC_MISMATCH,
                                  "the SMS came from another number");
    if (!w->there || w->p.over != OVER_NOT || is_stale(k, w))
        return close_registration(k, in, r, IPC_CLOSED, "the password is over");
    if (w->p.by_sms == 0)
        return IPC_WAITING;
    end(k, w, OVER_USED);
    return IPC_OK;
}

/* A password is one registration's: when a second one gives it, nobody can tell whose
 * the SMS is, so it is nobody's. */
static enum ipc_verdict name_password(struct keeper *k, const struct ipc_reg_otp *in,
                                      struct registration_record *r, const char *number,
                                      struct password *w)
{
    keeper_handset_id(k, number, r->handset);
    if (number != r->msisdn)
        memcpy(r->msisdn, number, sizeof r->msisdn);
    if (w->there && (w->p.over != OVER_NOT || w->p.by_call != 0 || is_stale(k, w))) {
        end(k, w, OVER_REFUSED);
        return close_registration(k, in, r, IPC_CLOSED,
                                  "the password came before, or too late");
    }
    if (w->there && memcmp(w->p.handset, r->handset, 16) != 0)
        end(k, w, OVER_NUMBER);
    if (!w->there)
        w->p.expires_s = r->expires_s;
    memcpy(w->p.handset, r->handset, 16);
    memcpy(w->p.registration, in->registration, 16);
    w->p.by_call = 1;
    keep(k, w);
    memcpy(r->otp_mac, w->name, sizeof w->name);
    r->state = REG_WAITING;
    tx_put(k, T_REGISTRATION, in->registration, 16, RECORD_REGISTRATION, r);
    return look(k, in, r, w);
}

/* The number that the call names, or the start did; NULL when there is none, or two. */
static const char *number_of(const struct ipc_reg_otp *in,
                             const struct registration_record *r)
{
    if (in->msisdn[0] == '\0')
        return msisdn_is_canonical(r->msisdn) ? r->msisdn : NULL;
    if (!msisdn_is_canonical(in->msisdn) ||
        (r->msisdn[0] != '\0' && strcmp(r->msisdn, in->msisdn) != 0))
        return NULL;
    return in->msisdn;
}

enum ipc_verdict registration_agree(struct keeper *k, const struct ipc_reg_otp *in,
                                    struct registration_record *r)
{
    const char *const number = number_of(in, r);
    char letters[PASSWORD_LETTERS + 1];
    struct password w;

    if (r->state == REG_CLOSED)
        return IPC_CLOSED;
    if (number == NULL || !registration_password(span_str(in->otp), false, letters))
        return IPC_BAD_REQUEST;
    find(k, letters, &w);
    OPENSSL_cleanse(letters, sizeof letters);
    if (!tx_count(k, "otp-poll", in->registration, 16, HOUR_S, POLLS_MAX, false))
        return IPC_TOO_MANY;
    if (r->state == REG_PENDING)
        return name_password(k, in, r, number, &w);
    if (CRYPTO_memcmp(r->otp_mac, w.name, sizeof w.name) != 0)
        return IPC_OTP_MISMATCH;
    return r->state == REG_PROVEN ? IPC_OK : look(k, in, r, &w);
}

/* -- telling the number */

void registration_confirm(struct keeper *k, const uint8_t handset[16],
                          const uint8_t device[16])
{
    struct outbox_record o = { .kind = OUTBOX_CONFIRM,
                               .expires_s = k->now_s + CONFIRM_KEPT_S };
    uint8_t job[16];

    memcpy(o.handset, handset, 16);
    memcpy(o.subject_id, device, 16);
    outbox_add(k, LANE_SMS, k->now_s, &o, job);
}

void registration_unconfirmed(struct keeper *k, const uint8_t device[16])
{
    struct device_record d;
    struct handset_record h;

    if (!tx_get(k, T_DEVICE, device, 16, RECORD_DEVICE, &d))
        return;
    if (device_is_doubtful(k, &d) &&
        tx_get(k, T_HANDSET, d.handset, 16, RECORD_HANDSET, &h)) {
        for (size_t i = 0; i < h.device_count; i++)
            if (memcmp(h.devices[i], device, 16) == 0) {
                device_remove(k, &h, i);
                break;
            }
        tx_put(k, T_HANDSET, d.handset, 16, RECORD_HANDSET, &h);
        LOG(L_WARN, "device.not-confirmed", LOG_ID("device", device),
            LOG_STR("why", "the SMS that tells its number did not arrive"));
    }
    record_clear(RECORD_DEVICE, &d);
}

/* It stays marked when it is not held any more (a time that is over): so that WRONG
 * knows how it was registered (inbound_words.c). */
void registration_confirmed(struct keeper *k, const struct outbox_record *o)
{
    struct device_record d;

    if (!tx_get(k, T_DEVICE, o->subject_id, 16, RECORD_DEVICE, &d))
        return; /* revoked meanwhile */
    if (d.held_until_s == UINT64_MAX) {
        d.held_until_s = k->now_s + k->config->confirm_wait_s;
        tx_put(k, T_DEVICE, o->subject_id, 16, RECORD_DEVICE, &d);
        LOG(L_INFO, "device.confirmed", LOG_ID("device", o->subject_id),
            LOG_U64("wait_s", k->config->confirm_wait_s));
        registration_reseal(k, d.handset);
    }
    record_clear(RECORD_DEVICE, &d);
}
