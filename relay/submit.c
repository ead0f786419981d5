/* SPDX-License-Identifier: ISC */
/* submit.c - a message taken from a door, sealed and offered to the keeper.
 * Here:       parts, manifest, which form, the offer.
 * Elsewhere:  who may (the door, the keeper), formats (jwe.c, stream.c, manifest.c).
 * Called by:  doors in front, through relay_submit.
 * Source:     seed 302-306, 402-406, 414. */
#include "relay/front.h"
#include "relay/manifest.h"
#include "relay/stream.h"
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct sealed {
    struct buf head;  /* references and the sealed manifest, as in ipc.h */
    struct buf parts; /* every part's length and ciphertext */
    struct manifest_part *keys;
};

static void sealed_clear(struct sealed *s, size_t parts)
{
    if (s->keys != NULL)
        OPENSSL_cleanse(s->keys, parts * sizeof *s->keys);
    free(s->keys);
    buf_clear(&s->head);
    buf_clear(&s->parts);
}

static int seal_parts(struct sealed *s, const struct mime_mail *mail, struct err *e)
{
    s->keys = calloc(mail->part_count + 1, sizeof *s->keys);
    if (s->keys == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    for (size_t i = 0; i < mail->part_count; i++) {
        const struct span body = buf_span(&mail->parts[i].body);

        buf_put_be64(&s->parts, stream_sealed_bytes(body.n));
        if (stream_seal(body, s->keys[i].key, s->keys[i].sha256, &s->parts, e) != 0)
            return err_wrap(e, "part %zu", i + 1);
    }
    return buf_ok(&s->parts) ? 0 : err_set(e, ERR_PERM, "5.3.4", "parts are too long");
}

static int seal_manifest(struct front *f, const struct relay_submission *s,
                         struct span plain, uint64_t now, struct ipc_offer *offer,
                         struct buf *out, struct err *e)
{
    struct jwe_header header = { .typ = "sealpost-message", .created_s = now };
    const struct jwe_key *keys[JWE_RECIPIENTS_MAX];
    struct jwe_window *window;

    memcpy(header.id, s->to->message_id, sizeof header.id);
    if (s->to->device_count > 0) {
        for (size_t i = 0; i < s->to->device_count; i++)
            keys[i] = &s->to->devices[i];
        message_name_devices(s->to->devices, s->to->device_count, header.to);
        offer->form = FORM_FINAL;
        return jwe_seal(&header, keys, s->to->device_count, plain, out, e);
    }
    window = front_window(f, e);
    if (window == NULL)
        return -1;
    (void)snprintf(header.to, sizeof header.to, "epoch-%u", f->epoch_day);
    offer->form = FORM_INTERMEDIATE;
    offer->epoch = f->epoch_day;
    return jwe_window_seal(window, &header, plain, out, e);
}

static void put_report(struct buf *out, const struct report_ask *ask)
{
    struct buf packed;

    buf_init(&packed, UINT16_MAX);
    if (ask != NULL)
        report_ask_pack(ask, &packed);
    out->failed = out->failed || !buf_ok(&packed);
    buf_put_be16(out, (uint16_t)packed.n);
    buf_put_span(out, buf_span(&packed));
    buf_clear(&packed);
}

/* The tail's head: references, then the sealed manifest with its length before it. */
static int seal_head(struct front *f, const struct relay_submission *s,
                     struct sealed *sealed, struct ipc_offer *offer, struct err *e)
{
    const uint64_t now = (uint64_t)time(NULL);
    const struct span refs = span_str(s->mail->references);
    const struct config_account *const a = s->account;
    const struct manifest m = { .message_id = s->to->message_id,
                                .conversation = s->to->conversation,
                                .brand = a->brand,
                                .address = s->sender,
                                .color = a->color[0] == '\0' ? NULL : a->color,
                                .logo = a->logo == NULL ? NULL : a->logo->path,
                                .language = a->language,
                                .date_s = s->mail->date_s != 0 ? s->mail->date_s : now,
                                .mail = s->mail,
                                .parts = sealed->keys };
    struct buf plain, jwe;
    int rc;

    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    buf_init(&jwe, 2 * JWE_PLAIN_MAX_BYTES);
    rc = manifest_write(&m, &plain, e);
    if (rc == 0)
        rc = seal_manifest(f, s, buf_span(&plain), now, offer, &jwe, e);
    if (rc == 0) {
        buf_put_be16(&sealed->head, (uint16_t)refs.n);
        buf_put_span(&sealed->head, refs);
        put_report(&sealed->head, s->report);
        buf_put_be32(&sealed->head, (uint32_t)jwe.n);
        buf_put_span(&sealed->head, buf_span(&jwe));
        if (!buf_ok(&sealed->head))
            rc = err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    }
    buf_wipe(&plain);
    buf_clear(&jwe);
    return rc;
}

static void adapt_submitted(struct relay_core *c, void (*door)(void), void *ctx,
                            const struct ipc_frame *f)
{
    const struct ipc_offer_answer none = { .verdict = IPC_TEMP };
    const struct ipc_offer_answer *a = f == NULL ? &none : f->fixed;

    (void)c;
    ((relay_on_submitted *)door)(
        ctx, a->verdict < IPC_VERDICT_COUNT ? a->verdict : IPC_TEMP, a->message_id);
}

static uint64_t offer_plain(struct relay *r, const struct relay_plain *p,
                            struct ipc_plain *offer, struct span packed,
                            relay_on_submitted *on_submitted, void *ctx, struct err *e)
{
    struct front *const f = front_of(r);
    struct jwe_header header = { .typ = "sealpost-sms",
                                 .created_s = (uint64_t)time(NULL) };
    struct jwe_window *const window = front_window(f, e);
    struct buf head, jwe;
    uint64_t call = 0;

    if (window == NULL)
        return 0;
    buf_init(&head, UINT16_MAX);
    buf_init(&jwe, IPC_TAIL_PLAIN);
    memcpy(header.id, offer->message_id, sizeof header.id);
    (void)snprintf(header.to, sizeof header.to, "epoch-%u", f->epoch_day);
    offer->epoch = f->epoch_day;
    put_report(&head, p->report);
    if (jwe_window_seal(window, &header, packed, &jwe, e) == 0) {
        if (buf_ok(&head) && buf_ok(&jwe) && head.n + jwe.n <= IPC_TAIL_PLAIN)
            call = core_call(r->core, IPC_PLAIN, offer, buf_span(&head), buf_span(&jwe),
                             adapt_submitted, (void (*)(void))on_submitted, ctx);
        else
            (void)err_set(e, ERR_PERM, "5.3.4", "the SMS is too long");
    }
    buf_clear(&head);
    buf_clear(&jwe);
    return call;
}

uint64_t relay_submit_plain(struct relay *r, const struct relay_plain *p,
                            relay_on_submitted *on_submitted, void *ctx, struct err *e)
{
    struct ipc_plain offer = { .submission_s = p->submission_s,
                               .messages = p->messages,
                               .expires_s = p->expires_s };
    struct buf packed;
    uint64_t call = 0;

    buf_init(&packed, SMS_PACKED_MAX);
    sms_pack(p->sms, &packed);
    (void)span_copy(offer.msisdn, sizeof offer.msisdn, span_str(p->msisdn));
    (void)span_copy(offer.account, sizeof offer.account, span_str(p->account->name));
    (void)span_copy(offer.sender, sizeof offer.sender, span_str(p->sender));
    (void)span_copy(offer.number, sizeof offer.number, span_str(p->sms->from));
    memcpy(offer.submission, p->submission, sizeof offer.submission);
    if (!buf_ok(&packed))
        (void)err_set(e, ERR_PERM, "5.3.4", "the SMS is too long");
    else if (RAND_bytes(offer.message_id, sizeof offer.message_id) != 1)
        (void)err_set(e, ERR_TEMP, "4.3.0", "no random bytes");
    else
        call = offer_plain(r, p, &offer, buf_span(&packed), on_submitted, ctx, e);
    buf_wipe(&packed);
    return call;
}

static void fill_offer(struct ipc_offer *offer, const struct relay_submission *s)
{
    offer->to = s->to->to;
    memcpy(offer->message_id, s->to->message_id, sizeof offer->message_id);
    memcpy(offer->submission, s->submission, sizeof offer->submission);
    offer->submission_s = s->submission_s;
    offer->flags = s->automatic ? MESSAGE_AUTOMATIC : 0;
    offer->parts = (uint16_t)s->mail->part_count;
    offer->bytes = s->bytes;
    offer->expires_s = s->expires_s;
    if (s->number != NULL)
        (void)span_copy(offer->number, sizeof offer->number, span_str(s->number));
    (void)span_copy(offer->account, sizeof offer->account, span_str(s->account->name));
    (void)span_copy(offer->sender, sizeof offer->sender, span_str(s->sender));
    (void)span_copy(offer->mail_id, sizeof offer->mail_id, span_str(s->mail->mail_id));
}

uint64_t relay_submit(struct relay *r, const struct relay_submission *s,
                      relay_on_submitted *on_submitted, void *ctx, struct err *e)
{
    struct ipc_offer offer = { 0 };
    struct sealed sealed = { .keys = NULL };
    uint64_t call = 0;

    buf_init(&sealed.head, 3 * JWE_PLAIN_MAX_BYTES);
    buf_init(&sealed.parts, IPC_TAIL_MESSAGE - 4 * JWE_PLAIN_MAX_BYTES);
    fill_offer(&offer, s);
    if (seal_parts(&sealed, s->mail, e) == 0 &&
        seal_head(front_of(r), s, &sealed, &offer, e) == 0)
        call = core_call(r->core, IPC_OFFER, &offer, buf_span(&sealed.head),
                         buf_span(&sealed.parts), adapt_submitted,
                         (void (*)(void))on_submitted, ctx);
    sealed_clear(&sealed, s->mail->part_count);
    return call;
}
