/* SPDX-License-Identifier: ISC */
/* inbound.c - what people write back: MO.
 * Here:       recognising repeats, keywords, whose answer it is.
 * Elsewhere:  the box protocol (plugin/bearerbox.c), replies as mail (reply.c),
 * delivery reports (dlr.c). Called by:  keeper.c. bearerbox gets its ack only after the
 * flush. Source:     DESIGN 4.4. */
#include "relay/keeper.h"
#include <openssl/crypto.h>

#define REPEAT_S 604800U /* bearerbox may bring an MO again after days of absence */

struct mo {
    const struct ipc_mo *in;
    struct span text;
    char msisdn[MSISDN_ROOM];
    uint8_t handset[16];
    struct handset_record h;
};

static void answer_once(struct keeper *k, const struct mo *mo, enum outbox_kind kind)
{
    struct outbox_record o = { .kind = (uint8_t)kind, .expires_s = k->now_s + 3600 };
    uint8_t job[16];

    memcpy(o.handset, mo->handset, 16);
    outbox_add(k, LANE_SMS, k->now_s, &o, job);
}

static enum ipc_verdict word_stop(struct keeper *k, struct mo *mo)
{
    if (mo->h.opted_out == 0)
        answer_once(k, mo, OUTBOX_STOPPED);
    mo->h.opted_out = 1;
    tx_put(k, T_HANDSET, mo->handset, 16, RECORD_HANDSET, &mo->h);
    LOG(L_INFO, "handset.opted-out", LOG_MSISDN("handset", mo->msisdn));
    return IPC_OK;
}

static enum ipc_verdict word_start(struct keeper *k, struct mo *mo)
{
    if (mo->h.opted_out != 0)
        answer_once(k, mo, OUTBOX_STARTED);
    mo->h.opted_out = 0;
    notice_want(k, mo->handset, &mo->h, k->now_s + k->config->retention_s);
    tx_put(k, T_HANDSET, mo->handset, 16, RECORD_HANDSET, &mo->h);
    LOG(L_INFO, "handset.opted-in", LOG_MSISDN("handset", mo->msisdn));
    return IPC_OK;
}

static const struct {
    const char *word;
    enum ipc_verdict (*run)(struct keeper *k, struct mo *mo);
} words[] = { { "STOP", word_stop }, { "START", word_start } };

static struct span trim(struct span s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = span_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

static enum ipc_verdict dropped(const struct mo *mo, const char *why)
{
    LOG(L_INFO, "mo.dropped", LOG_MSISDN("from", mo->msisdn), LOG_STR("why", why));
    return IPC_OK;
}

static enum ipc_verdict mo(struct keeper *k, void *arg)
{
    struct mo *mo = arg;
    uint8_t none[16] = { 0 };

    if (tx_seen(k, "mo", mo->in->id, strlen(mo->in->id), none, REPEAT_S))
        return IPC_REPEATED;
    if (msisdn_parse(span_str(mo->in->from), k->config->region, false, mo->msisdn) !=
        MSISDN_OK)
        return dropped(mo, "the originator is no number");
    keeper_handset_id(k, mo->msisdn, mo->handset);
    if (!tx_get(k, T_HANDSET, mo->handset, 16, RECORD_HANDSET, &mo->h))
        return dropped(mo, "nothing was ever sent to this number");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (span_ieq_str(mo->text, words[i].word))
            return words[i].run(k, mo);
    if (mo->text.n == 0)
        return dropped(mo, "empty");
    switch (reply_take_sms(k, mo->handset, &mo->h, mo->text)) {
    case IPC_OK:
        return IPC_OK;
    case IPC_GONE:
        return dropped(mo, "no conversation is left with this number");
    default:
        return IPC_TEMP;
    }
}

void inbound_mo(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    const struct span text = trim(f->tail);
    char clean[IPC_TAIL_SMS];
    struct mo m = { .in = f->fixed, .text = span_of(clean, text.n) };

    for (size_t i = 0; i < text.n; i++) /* JSON readers refuse U+0000 in the reply */
        clean[i] = text.p[i] == '\0' ? ' ' : text.p[i];
    const struct ipc_input_answer answer = { tx_run(k, mo, &m) };

    OPENSSL_cleanse(clean, sizeof clean);
    record_clear(RECORD_HANDSET, &m.h);
    ipc_send(ch, IPC_INPUT_ANSWER, f->call, &answer, span_of(NULL, 0));
}
