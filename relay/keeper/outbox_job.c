/* SPDX-License-Identifier: ISC */
/* outbox_job.c - an entry of the outbox as the job that courier gets.
 * Here:       the kinds of entries, Sealpost's own SMS, which file makes the rest.
 * Elsewhere:  when it goes and what became of it (outbox.c), notices (notice.c), plain
 *             SMS (plain.c), mails and callbacks (reply*.c, report*.c).
 * Called by:  outbox.c. */
#include "relay/keeper/outbox_job.h"

#define VALIDITY_MAX_S 86400U
/* Only what somebody does something about: each report is an SMS more for everybody. */
#define DLR_OF_OURS (REPORT_FAILED | REPORT_REJECTED)

const struct outbox_kind_row outbox_kinds[OUTBOX_KIND_COUNT] = {
    [OUTBOX_OTP] = { "otp", LANE_OTP, 'o', TEMPLATE_SMS_OTP },
    [OUTBOX_NOTICE] = { "notice", LANE_SMS, 'n', TEMPLATE_SMS_NOTICE },
    [OUTBOX_DEVICE_ADDED] = { "device-added", LANE_SMS, 'd',
                              TEMPLATE_SMS_DEVICE_ADDED },
    [OUTBOX_STOPPED] = { "stopped", LANE_SMS, 's', TEMPLATE_SMS_STOPPED },
    [OUTBOX_STARTED] = { "started", LANE_SMS, 's', TEMPLATE_SMS_STARTED },
    [OUTBOX_HELP] = { "help", LANE_SMS, 's', TEMPLATE_SMS_HELP },
    [OUTBOX_WRONG] = { "wrong", LANE_SMS, 's', TEMPLATE_SMS_WRONG },
    [OUTBOX_REMOVED] = { "removed", LANE_SMS, 's', TEMPLATE_SMS_REMOVED },
    [OUTBOX_CONFIRM] = { "confirm", LANE_SMS, 'c', TEMPLATE_SMS_CONFIRM },
    [OUTBOX_PLAIN] = { "plain", LANE_PLAIN, 'p', 0 },
    [OUTBOX_REPLY] = { "reply", LANE_MAIL, 0, 0 },
    [OUTBOX_EXPIRED] = { "expired", LANE_MAIL, 0, 0 },
    [OUTBOX_UNDELIVERABLE] = { "undeliverable", LANE_MAIL, 0, 0 },
    [OUTBOX_WRONG_NUMBER] = { "wrong-number", LANE_MAIL, 0, 0 },
    [OUTBOX_PUSH] = { "push", LANE_PUSH, 0, 0 },
    [OUTBOX_REPORT] = { "report", LANE_CALLBACK, 0, 0 },
    [OUTBOX_REPLY_CALLBACK] = { "reply-callback", LANE_CALLBACK, 0, 0 },
};

/* From the number that the sender's SMS are from: an answer to it means that sender. */
static bool render_simple(struct keeper *k, struct handover *w, struct sms *sms,
                          struct buf *text)
{
    struct conversation_record c = { 0 };
    const struct config_account *account = NULL;
    struct err e;
    int rc;

    if (tx_get(k, T_CONVERSATION, w->o.conversation, 16, RECORD_CONVERSATION, &c))
        account = config_account(k->config, c.account);
    notice_origin(k, w->o.conversation, sms);
    const struct template_value values[] = {
        { "otp", span_of(w->o.body.p, w->o.body.n) },
        { "host", span_str(k->config->public_host) },
        { "brand", span_str(config_shown_name(k->config, account)) },
    };
    rc = template_render(k->templates, outbox_kinds[w->o.kind].words, w->h.language,
                         values, 3, text, &e);
    record_clear(RECORD_CONVERSATION, &c);
    if (rc != 0)
        LOG(L_ERROR, "sms.not-rendered", LOG_STR("kind", outbox_kinds[w->o.kind].name),
            LOG_WHY(&e));
    return rc == 0;
}

/* What Sealpost says itself. */
static bool make_own_sms(struct keeper *k, struct handover *w)
{
    const uint64_t day_s = k->now_s + VALIDITY_MAX_S;
    struct buf text;
    struct sms sms;
    bool made;

    buf_init(&text, SMS_OCTETS_MAX);
    sms_init(&sms);
    w->job.sms.dlr_mask = DLR_OF_OURS;
    made = w->o.kind == OUTBOX_NOTICE
               ? notice_render(k, &w->o, &w->h, &sms, &w->job.sms.dlr_mask, &text)
               : render_simple(k, w, &sms, &text);
    sms.text = buf_span(&text);
    sms.valid_until_s = w->o.expires_s < day_s ? w->o.expires_s : day_s;
    if (made && sms_parts(sms.text) > k->config->sms_parts)
        LOG(L_WARN, "sms.long", LOG_STR("kind", outbox_kinds[w->o.kind].name),
            LOG_U64("parts", sms_parts(sms.text)));
    if (made)
        sms_pack(&sms, &w->text);
    made = made && buf_ok(&text);
    buf_wipe(&text);
    return made;
}

static enum ipc_verdict make_sms(struct keeper *k, struct handover *w)
{
    const bool plain = w->o.kind == OUTBOX_PLAIN;
    struct report_record r = { 0 };
    enum ipc_verdict v;

    if (!tx_get(k, T_HANDSET, w->o.handset, 16, RECORD_HANDSET, &w->h))
        return IPC_GONE;
    if (plain)
        v = plain_open(k, &w->o, &w->h, &w->text);
    else
        v = make_own_sms(k, w) ? IPC_OK : IPC_GONE;
    if (plain && tx_get(k, T_REPORT, w->o.subject_id, 16, RECORD_REPORT, &r))
        w->job.sms.dlr_mask = r.mask;
    memcpy(w->job.sms.job, job_of(&w->key), 16);
    memcpy(w->job.sms.to, w->h.msisdn, sizeof w->job.sms.to);
    if (w->job.sms.dlr_mask != 0)
        dlr_ref(k, outbox_kinds[w->o.kind].ref, w->o.handset,
                plain || w->o.kind == OUTBOX_CONFIRM ? w->o.subject_id
                                                     : job_of(&w->key),
                w->job.sms.dlr_url);
    record_clear(RECORD_REPORT, &r);
    return v == IPC_OK && !(buf_ok(&w->text) && w->text.n <= IPC_TAIL_SMS) ? IPC_GONE
                                                                           : v;
}

enum ipc_verdict job_make(struct keeper *k, struct handover *w)
{
    const uint8_t *const job = job_of(&w->key);
    bool made;

    switch (outbox_kinds[w->o.kind].lane) {
    case LANE_MAIL:
        if (w->o.kind == OUTBOX_REPLY)
            return reply_mail(k, job, &w->o, &w->job.mail, &w->text);
        made = report_mail(k, job, &w->o, &w->job.mail, &w->text);
        break;
    case LANE_PUSH:
        return push_job(k, job, &w->o, &w->job.push, &w->text);
    case LANE_CALLBACK:
        if (w->o.kind == OUTBOX_REPLY_CALLBACK)
            return reply_callback(k, job, &w->o, &w->job.callback, &w->text);
        made = report_callback(k, job, &w->o, &w->job.callback, &w->text);
        break;
    default:
        return make_sms(k, w);
    }
    return made ? IPC_OK : IPC_GONE;
}

void handover_clear(struct handover *w)
{
    record_clear(RECORD_OUTBOX, &w->o);
    record_clear(RECORD_HANDSET, &w->h);
    buf_wipe(&w->text);
}
