/* SPDX-License-Identifier: ISC */
/* dlr.c - what the SMS network says became of an SMS.
 * Here:       the reference that goes out with each SMS, recognising repeats, what an
 *             event means for notices and for plain SMS.
 * Elsewhere:  the box protocol (plugin/bearerbox.c), telling the sender (report*.c).
 * Called by:  keeper.c, outbox.c. bearerbox gets its ack only after the flush.
 * Source:     DESIGN 4.4; Kannel userguide, "Delivery reports". */
#include "relay/encode.h"
#include "relay/keeper/keeper.h"
#include <openssl/crypto.h>
#include <stdio.h>

#define REPEAT_S 604800U /* bearerbox may bring one again after days of absence */
#define REF_MAC 8U

/* "sp1", the kind of SMS, handset, job, and a MAC: bearerbox keeps it and gives it
 * back, so that the store needs no record for every SMS that is out. */
static void ref_mac(const struct keeper *k, char kind, const uint8_t ids[32],
                    uint8_t mac[32])
{
    uint8_t bytes[33];

    bytes[0] = (uint8_t)kind;
    memcpy(bytes + 1, ids, 32);
    store_mac(k->store, "dlr", bytes, sizeof bytes, mac);
}

void dlr_ref(const struct keeper *k, char kind, const uint8_t handset[16],
             const uint8_t job[16], char out[160])
{
    uint8_t ids[32], mac[32];
    char ids_text[HEX_LEN(32) + 1], mac_text[HEX_LEN(REF_MAC) + 1];

    memcpy(ids, handset, 16);
    memcpy(ids + 16, job, 16);
    ref_mac(k, kind, ids, mac);
    (void)snprintf(out, 160, "sp1-%c-%s-%s", kind, hex_text(ids_text, ids, 32),
                   hex_text(mac_text, mac, REF_MAC));
}

static bool take_ref(const struct keeper *k, const char *ref, char *kind,
                     uint8_t ids[32])
{
    struct cur c = cur_of(span_str(ref));
    struct span text;
    uint8_t given[REF_MAC], mac[32], letter;

    if (!cur_word(&c, "sp1-") || !cur_u8(&c, &letter) || !cur_byte(&c, '-') ||
        !cur_span(&c, HEX_LEN(32), &text) || !hex_take(text, ids, 32) ||
        !cur_byte(&c, '-') || !hex_take(span_of(c.p, cur_left(&c)), given, REF_MAC))
        return false;
    *kind = (char)letter;
    ref_mac(k, *kind, ids, mac);
    return CRYPTO_memcmp(given, mac, REF_MAC) == 0;
}

struct dlr {
    const struct ipc_dlr *in;
    struct span text;
};

/* Kannel tells "at the SMSC" on the way and one of the others at the end. */
static bool is_final(uint32_t event)
{
    return (event & (REPORT_DELIVERED | REPORT_FAILED | REPORT_REJECTED)) != 0;
}

static bool tell_notified(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    static const struct report_facts facts = { .text = { "SEALPOST/notified", 17 } };

    struct message_record m;

    (void)n, (void)arg;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    if (m.notified_s != 0) /* what came since has a notice of its own */
        report_event(k, key + 16, REPORT_AT_SMSC, &facts, false);
    record_clear(RECORD_MESSAGE, &m);
    return true;
}

static void dlr_of_notice(struct keeper *k, const uint8_t handset[16], uint32_t event)
{
    if (event == REPORT_AT_SMSC)
        tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, tell_notified, NULL);
    else if (event == REPORT_FAILED || event == REPORT_REJECTED)
        notice_undeliverable(k, handset, event);
}

static enum ipc_verdict dlr(struct keeper *k, void *arg)
{
    const struct dlr *const d = arg;
    const struct ipc_dlr *in = d->in;
    const struct report_facts facts = { .dlr_id = in->id,
                                        .smsc = in->smsc,
                                        .foreign_id = in->foreign_id,
                                        .text = d->text };
    uint8_t ids[32], none[16] = { 0 };
    char kind;

    if (!take_ref(k, in->ref, &kind, ids)) { /* before anything is kept of it */
        LOG(L_INFO, "dlr.unknown", LOG_STR("id", in->id));
        return IPC_OK;
    }
    if (tx_seen(k, "dlr", in->id, strlen(in->id), none, REPEAT_S))
        return IPC_REPEATED;
    LOG(L_INFO, "sms.report", LOG_ID("job", ids + 16), LOG_U64("event", in->event));
    if (kind == 'n')
        dlr_of_notice(k, ids, in->event);
    else if (kind == 'c' &&
             (in->event == REPORT_FAILED || in->event == REPORT_REJECTED))
        registration_unconfirmed(k, ids + 16);
    else if (kind == 'p')
        report_event(k, ids + 16, in->event, &facts, is_final(in->event));
    return IPC_OK;
}

void dlr_take(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct dlr d = { .in = f->fixed, .text = f->tail };
    const struct ipc_input_answer answer = { tx_run(k, dlr, &d) };

    ipc_send(ch, IPC_INPUT_ANSWER, f->call, &answer, span_of(NULL, 0));
}
