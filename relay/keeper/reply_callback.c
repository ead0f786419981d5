/* SPDX-License-Identifier: ISC */
/* reply_callback.c - a reply on its way to an application: its account's reply-url.
 * Here:       the URL of a reply, and what does not fit into it.
 * Elsewhere:  taking and opening replies (reply.c), the escapes (escape.c), HTTP
 *             (plugin/callback.c), when it is tried again (outbox.c).
 * Called by:  outbox.c.
 * Source:     Kannel userguide, "Parameters (Escape Codes)". */
#include "relay/encode.h"
#include "relay/escape.h"
#include "relay/keeper/reply.h"
#include <stdio.h>

#define URL_MAX 8000U

/* The number that the handset wrote to. */
static struct span number_of(const struct keeper *k, const struct reply *r)
{
    if (r->c.number[0] != '\0')
        return span_str(r->c.number);
    if (r->to.n > 0)
        return r->to;
    return k->config->kannel_count == 0 ? span_of(NULL, 0)
                                        : span_str(k->config->kannels[0].sender);
}

static bool put_url(const struct keeper *k, const struct outbox_record *o,
                    const struct reply *r, struct span text, struct buf *url)
{
    char hex[HEX_LEN(16) + 1], phone[MSISDN_ROOM + 1];
    struct escape_values v = {
        .text = text,
        .to = number_of(k, r),
        .smsc = r->smsc,
        .id = span_str(hex_text(hex, o->subject_id, 16)),
        .service = span_str(r->account->username),
        .charset = span_str("UTF-8"),
        .time_s = o->created_s,
        .coding = SMS_UNSET,
        .mclass = SMS_UNSET,
    };

    (void)snprintf(phone, sizeof phone, "+%s", r->c.msisdn);
    v.from = span_str(phone);
    buf_init(url, URL_MAX);
    escape_url(span_str(r->account->reply_url), &v, url);
    return buf_ok(url);
}

/* A text that makes the URL too long goes as the body instead. */
static bool put_tail(const struct keeper *k, const struct outbox_record *o,
                     const struct reply *r, struct buf *tail)
{
    const struct span none = span_of("", 0);
    struct span body = none;
    struct buf url;
    bool ok = put_url(k, o, r, r->text, &url);

    if (!ok) {
        buf_wipe(&url);
        body = r->text;
        ok = put_url(k, o, r, none, &url);
    }
    if (ok) {
        buf_put_be32(tail, (uint32_t)url.n);
        buf_put_span(tail, buf_span(&url));
        buf_put_span(tail, body);
    }
    buf_wipe(&url);
    return ok;
}

enum ipc_verdict reply_callback(struct keeper *k, const uint8_t job[16],
                                const struct outbox_record *o,
                                struct ipc_job_callback *out, struct buf *tail)
{
    struct reply r;
    enum ipc_verdict v = reply_open(k, o, &r);

    if (v != IPC_OK)
        return v;
    if (r.account == NULL || r.account->reply_url == NULL) {
        v = IPC_TEMP; /* since then taken out of the configuration */
    } else if (!put_tail(k, o, &r, tail)) {
        LOG(L_ERROR, "reply.too-long", LOG_ID("reply", o->subject_id),
            LOG_STR("account", r.account->name),
            LOG_STR("why", "reply-url has more than 8000 bytes with its values"));
        v = IPC_GONE;
    } else {
        memcpy(out->job, job, 16);
        (void)span_copy(out->account, sizeof out->account, span_str(r.account->name));
        v = buf_ok(tail) ? IPC_OK : IPC_TEMP;
    }
    reply_clear(&r);
    return v;
}
