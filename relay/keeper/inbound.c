/* SPDX-License-Identifier: ISC */
/* inbound.c - what people write back: MO.
 * Here:       recognising repeats, which conversation is meant, what belongs to none.
 * Elsewhere:  the box protocol (plugin/bearerbox.c), keywords (keyword.c) and what they
 *             do (inbound_words.c), replies (reply.c), delivery reports (dlr.c).
 * Called by:  keeper.c. bearerbox gets its ack only after the flush.
 * Source:     DESIGN 4.4. */
#include "relay/keeper/inbound.h"
#include "relay/utf8.h"

#define REPEAT_S 604800U /* bearerbox may bring an MO again after days of absence */
#define SHORT_CODE_MAX 6U

enum ipc_verdict inbound_dropped(const struct mo *mo, const char *why)
{
    LOG(L_INFO, "mo.dropped", LOG_MSISDN("from", mo->msisdn), LOG_STR("why", why));
    return IPC_OK;
}

/* A service's own number; libphonenumber would take some for numbers of the region. */
static bool is_short_code(const char *from)
{
    size_t digits = 0;

    for (const char *p = from; *p != '\0'; p++)
        digits += is_digit(*p);
    return digits <= SHORT_CODE_MAX;
}

static bool is_known(struct keeper *k, const char *msisdn)
{
    uint8_t handset[16];

    keeper_handset_id(k, msisdn, handset);
    return tx_has(k, T_HANDSET, handset, 16);
}

/* Digits without "+" may be national or international; the network means numbers that
 * exist: the one that we know, else the international one. */
static bool take_originator(struct keeper *k, struct mo *mo)
{
    char plus[sizeof mo->in->from + 1], other[MSISDN_ROOM];
    const char *const from = mo->in->from;
    bool ok;

    if (is_short_code(from))
        return false;
    ok =
        msisdn_parse(span_str(from), k->config->region, false, mo->msisdn) == MSISDN_OK;
    if (from[0] < '1' || from[0] > '9' || (ok && is_known(k, mo->msisdn)))
        return ok;
    (void)snprintf(plus, sizeof plus, "+%s", from);
    if (msisdn_parse(span_str(plus), "", false, other) != MSISDN_OK)
        return ok;
    memcpy(mo->msisdn, other, sizeof mo->msisdn);
    return true;
}

/* What Sealpost says to somebody who writes first is said as the account says it. */
static void new_handset(const struct keeper *k, struct mo *mo)
{
    const struct config *const c = k->config;
    const struct config_account *account =
        c->mo_account == NULL ? NULL : config_account(c, c->mo_account);

    if (account == NULL && c->account_count > 0)
        account = &c->accounts[0];
    mo->h = (struct handset_record){ 0 };
    memcpy(mo->h.msisdn, mo->msisdn, sizeof mo->h.msisdn);
    if (account != NULL)
        memcpy(mo->h.language, account->language, sizeof mo->h.language);
}

static bool take_conversation(struct keeper *k, struct mo *mo, const uint8_t id[16])
{
    memcpy(mo->conversation, id, 16);
    return tx_get(k, T_CONVERSATION, id, 16, RECORD_CONVERSATION, &mo->c);
}

static bool is_number(const char *sender, const char *folded)
{
    char own[SMS_NUMBER_ROOM];

    if (sender == NULL)
        return false;
    sms_number_fold(sender, own);
    return strcmp(own, folded) == 0;
}

/* Is the number that the SMS went to one of another account? What was written to one
 * sender must not reach another, nor STOP him. */
static bool is_of_another(const struct keeper *k, const struct mo *mo,
                          const char *account)
{
    char folded[SMS_NUMBER_ROOM];
    bool another = false;

    sms_number_fold(mo->in->to, folded);
    for (size_t i = 0; i < k->config->account_count; i++) {
        const struct config_account *const a = &k->config->accounts[i];

        if (!is_number(a->faked_sender, folded) &&
            !is_number(a->default_sender, folded))
            continue;
        if (strcmp(a->name, account) == 0)
            return false;
        another = true;
    }
    return another;
}

/* Of the number that the SMS went to; else the newest, for an SMSC may have another
 * name for a number than we. */
static void find_meant(struct keeper *k, struct mo *mo)
{
    struct tx_key key;
    struct route_record r;

    if (intake_route(k, mo->handset, mo->in->to, &key) &&
        tx_get(k, T_ROUTE, key.b, key.n, RECORD_ROUTE, &r))
        mo->meant = take_conversation(k, mo, r.conversation);
    if (mo->meant || !take_conversation(k, mo, mo->h.newest_conversation))
        return;
    mo->meant = !is_of_another(k, mo, mo->c.account);
}

/* Somebody writes first, or so long after that nobody remembers: a conversation with
 * mo-account begins, so that it can answer. */
static const char *begin_conversation(struct keeper *k, struct mo *mo)
{
    const struct config_account *const account =
        k->config->mo_account == NULL
            ? NULL
            : config_account(k->config, k->config->mo_account);
    char number[RECORD_NUMBER];
    struct tx_key route;
    const char *sender;

    if (account == NULL)
        return "it answers nothing, and there is no mo-account";
    if (account->reply_url == NULL && account->reply_mail == NULL)
        return "it answers nothing, and mo-account takes no answers";
    if (!intake_route(k, mo->handset, mo->in->to, &route) ||
        strchr(mo->in->to, '@') != NULL ||
        !span_copy(number, sizeof number, span_str(mo->in->to)))
        number[0] = '\0'; /* a link's sender: it needs no name */
    sender = account->reply_mail;
    if (account->reply_url != NULL)
        sender = number[0] != '\0' ? number : k->config->kannels[0].sender;
    intake_conversation(k, account, sender, number, mo->msisdn, mo->handset, &mo->h,
                        mo->conversation);
    tx_put(k, T_HANDSET, mo->handset, 16, RECORD_HANDSET, &mo->h);
    return NULL;
}

static enum ipc_verdict answer(struct keeper *k, struct mo *mo)
{
    const struct reply_sms sms = { mo->in, mo->text, !mo->meant };
    const char *why = mo->meant ? NULL : begin_conversation(k, mo);
    enum ipc_verdict v;

    if (why != NULL)
        return inbound_dropped(mo, why);
    v = reply_take_sms(k, mo->handset, mo->conversation, &sms);
    return v == IPC_NO_REPLY ? inbound_dropped(mo, "the sender takes no answers")
           : v == IPC_OK     ? IPC_OK
                             : IPC_TEMP;
}

static enum ipc_verdict mo(struct keeper *k, void *arg)
{
    struct mo *mo = arg;
    uint8_t none[16] = { 0 };
    enum keyword word;
    bool all;

    if (tx_seen(k, "mo", mo->in->id, strlen(mo->in->id), none, REPEAT_S))
        return IPC_REPEATED;
    if (!take_originator(k, mo))
        return inbound_dropped(mo, "the originator is no number");
    if (mo->text.n == 0)
        return inbound_dropped(mo, "empty");
    if ((k->config->otp_direction & OTP_HANDSET) != 0 &&
        registration_mo(k, mo->msisdn, mo->in->smsc, mo->in->sent_s, mo->text))
        return IPC_OK;
    keeper_handset_id(k, mo->msisdn, mo->handset);
    mo->known = tx_get(k, T_HANDSET, mo->handset, 16, RECORD_HANDSET, &mo->h);
    if (!mo->known)
        new_handset(k, mo);
    find_meant(k, mo);
    word = keyword_read(k->config, mo->text, &all);
    return word == KEYWORD_NONE ? answer(k, mo) : inbound_word(k, mo, word, all);
}

static struct span trim(struct span s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = span_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

static bool is_utf8(struct span text)
{
    struct cur c = cur_of(text);
    uint32_t ch;

    while (take_utf8(&c, &ch) > 0)
        ;
    return cur_done(&c);
}

void inbound_mo(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct mo m = { .in = f->fixed };
    struct ipc_input_answer answer_out = { .verdict = IPC_TEMP };
    struct buf clean;

    buf_init(&clean, IPC_TAIL_SMS);
    buf_put_span(&clean, trim(f->tail));
    for (size_t i = 0; i < clean.n; i++) /* JSON readers refuse U+0000 in the reply */
        if (clean.p[i] == '\0')
            clean.p[i] = ' ';
    m.text = buf_span(&clean);
    if (!is_utf8(m.text)) /* courier makes it UTF-8: it is not itself */
        answer_out.verdict = IPC_BAD_REQUEST;
    else if (buf_ok(&clean))
        answer_out.verdict = tx_run(k, mo, &m);
    buf_wipe(&clean);
    record_clear(RECORD_HANDSET, &m.h);
    record_clear(RECORD_CONVERSATION, &m.c);
    ipc_send(ch, IPC_INPUT_ANSWER, f->call, &answer_out, span_of(NULL, 0));
}
