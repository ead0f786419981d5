/* SPDX-License-Identifier: ISC */
/* report_app.c - telling an application what became of its message or SMS: dlr-url.
 * Here:       what was asked, the URL of an event, what never arrived.
 * Elsewhere:  mails to a sender (report.c), the escapes (escape.c), HTTP
 *             (plugin/callback.c), when it is tried again (outbox.c).
 * Called by:  intake.c, plain.c, dlr.c, device.c, notice.c, expiry.c, outbox.c.
 * Source:     Kannel userguide, "Delivery reports".
 *
 * Of a message the bits say: 8 its notice reached the SMSC, 1 the handset fetched it,
 * 2 it expired or the network cannot deliver, 16 the network refuses the number. Of a
 * plain SMS they are the network's own. */
#include "relay/encode.h"
#include "relay/escape.h"
#include "relay/keeper/keeper.h"
#include <stdio.h>

#define LATE_S 172800U /* a DLR may come after the SMS's time is over */
#define URL_MAX 8000U

void report_remember(struct keeper *k, const uint8_t id[16], const uint8_t handset[16],
                     const char *account, const struct report_ask *ask,
                     uint64_t expires_s)
{
    struct report_record r = { .mask = ask->mask, .expires_s = expires_s + LATE_S };
    struct tx_key e;

    if (ask->url.n == 0 || ask->mask == 0)
        return;
    memcpy(r.handset, handset, 16);
    (void)span_copy(r.account, sizeof r.account, span_str(account));
    (void)span_copy(r.from, sizeof r.from, ask->from);
    (void)span_copy(r.smsc, sizeof r.smsc, ask->smsc);
    (void)span_copy(r.account_param, sizeof r.account_param, ask->account_param);
    if (!span_copy(r.url, sizeof r.url, ask->url)) /* front bounds it */
        return;
    if (!tx_add(k, T_REPORT, id, 16, RECORD_REPORT,
                &r)) { /* an id that was used before */
        (void)tx_refuse(k, IPC_BAD_REQUEST);
        return;
    }
    e = tx_key_expiry(r.expires_s, 'D', id);
    tx_mark(k, T_BY_EXPIRY, e.b, e.n);
}

void report_forget(struct keeper *k, const uint8_t id[16])
{
    tx_del(k, T_REPORT, id, 16);
}

static void put_url(struct keeper *k, const uint8_t id[16], uint32_t event,
                    const struct report_facts *facts, const struct report_record *r,
                    struct buf *url)
{
    const struct config_account *const account = config_account(k->config, r->account);
    struct handset_record h = { 0 };
    char hex[HEX_LEN(16) + 1], phone[MSISDN_ROOM + 1] = "";
    struct escape_values v = {
        .text = facts->text,
        .to = span_str(r->from),
        .smsc = span_str(facts->smsc != NULL && facts->smsc[0] != '\0' ? facts->smsc
                                                                       : r->smsc),
        .id = span_str(facts->dlr_id != NULL ? facts->dlr_id : hex_text(hex, id, 16)),
        .foreign_id = span_str(facts->foreign_id == NULL ? "" : facts->foreign_id),
        .service = span_str(account == NULL ? r->account : account->username),
        .account = span_str(r->account_param),
        .charset = span_str("UTF-8"),
        .dlr_url = span_str(r->url),
        .time_s = k->now_s,
        .event = event,
        .coding = SMS_UNSET,
        .mclass = SMS_UNSET,
    };

    if (tx_get(k, T_HANDSET, r->handset, 16, RECORD_HANDSET, &h))
        (void)snprintf(phone, sizeof phone, "+%s", h.msisdn);
    v.from = span_str(phone);
    escape_url(span_str(r->url), &v, url);
    record_clear(RECORD_HANDSET, &h);
}

/* The entry holds the account and the URL as it was when the event came. */
static void want_callback(struct keeper *k, const uint8_t id[16], uint32_t event,
                          const struct report_facts *facts,
                          const struct report_record *r)
{
    struct outbox_record o = { .kind = OUTBOX_REPORT,
                               .expires_s = k->now_s + k->config->callback_wait_s };
    struct report_facts bare = *facts;
    struct buf body;
    uint8_t job[16];

    buf_init(&body, URL_MAX + RECORD_ACCOUNT);
    buf_put_mem(&body, r->account, strlen(r->account) + 1);
    put_url(k, id, event, facts, r, &body);
    if (!buf_ok(&body)) { /* an SMSC's long words must not cost the event */
        buf_clear(&body);
        body.failed = false;
        bare.text = span_of("", 0);
        buf_put_mem(&body, r->account, strlen(r->account) + 1);
        put_url(k, id, event, &bare, r, &body);
    }
    if (buf_ok(&body)) {
        o.body = (struct record_blob){ (uint8_t *)body.p, body.n };
        memcpy(o.handset, r->handset, 16);
        memcpy(o.subject_id, id, 16);
        outbox_add(k, LANE_CALLBACK, k->now_s, &o, job);
        LOG(L_INFO, "report.wanted", LOG_ID("about", id), LOG_U64("event", event),
            LOG_ID("job", job));
    } else {
        LOG(L_ERROR, "report.too-long", LOG_ID("about", id),
            LOG_STR("account", r->account),
            LOG_STR("why", "the URL has more than 8000 bytes with its values"));
    }
    buf_clear(&body);
}

void report_event(struct keeper *k, const uint8_t id[16], uint32_t event,
                  const struct report_facts *facts, bool last)
{
    struct report_record r;

    if (!tx_get(k, T_REPORT, id, 16, RECORD_REPORT, &r))
        return;
    if ((r.mask & event) != 0)
        want_callback(k, id, event, facts, &r);
    r.mask &= last ? REPORT_AT_SMSC & ~event : ~event; /* that one may come behind */
    if (r.mask == 0)
        report_forget(k, id);
    else
        tx_put(k, T_REPORT, id, 16, RECORD_REPORT, &r);
    record_clear(RECORD_REPORT, &r);
}

static bool take_body(const struct outbox_record *o, char account[RECORD_ACCOUNT],
                      struct span *url)
{
    const struct span body = span_of(o->body.p, o->body.n);
    const char *const nul = body.n == 0 ? NULL : memchr(body.p, '\0', body.n);
    const size_t n = nul == NULL ? 0 : (size_t)(nul - body.p);

    *url = span_of(body.p + n + 1, nul == NULL ? 0 : body.n - n - 1);
    return nul != NULL && span_copy(account, RECORD_ACCOUNT, span_of(body.p, n));
}

bool report_callback(struct keeper *k, const uint8_t job[16],
                     const struct outbox_record *o, struct ipc_job_callback *out,
                     struct buf *tail)
{
    struct span url;

    (void)k;
    memcpy(out->job, job, 16);
    if (!take_body(o, out->account, &url))
        return false;
    buf_put_be32(tail, (uint32_t)url.n);
    buf_put_span(tail, url);
    return buf_ok(tail);
}

void report_given_up(struct keeper *k, const struct outbox_record *o)
{
    char account[RECORD_ACCOUNT] = "";
    struct conversation_record c;
    struct span url;

    if (o->kind == OUTBOX_REPORT) {
        (void)take_body(o, account, &url);
    } else if (tx_get(k, T_CONVERSATION, o->conversation, 16, RECORD_CONVERSATION,
                      &c)) {
        memcpy(account, c.account, sizeof account);
        record_clear(RECORD_CONVERSATION, &c);
    }
    LOG(L_WARN, "callback.given-up", LOG_STR("account", account),
        LOG_ID("about", o->subject_id),
        LOG_U64("total", tx_total(k, "callbacks-given-up", account, strlen(account))),
        LOG_STR("do", "see that the application answers 2xx at its callback URL"));
}
