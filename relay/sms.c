/* SPDX-License-Identifier: ISC */
/* sms.c - between struct sms and its bytes.
 * Here:       one list of fields, walked in both directions.
 * Elsewhere:  the box protocol (plugin/box_codec.c), what an application may ask for
 *             (plugin/sendsms_request.c).
 * Called by:  front (what an application sends), keeper (what it says itself), courier.
 * Source:     the ranges are smsbox's.
 *
 * version u8 | coding ... priority, i16 each | valid_until_s, deferred_until_s be64
 * | from, smsc, service, text, udh, meta_data, binfo, account: be16 n, n bytes */
#include "relay/sms.h"

#define VERSION 1U

static const struct {
    size_t at;
    int32_t most;
} numbers[] = {
    { offsetof(struct sms, coding), 2 }, { offsetof(struct sms, mclass), 3 },
    { offsetof(struct sms, mwi), 7 },    { offsetof(struct sms, compress), 1 },
    { offsetof(struct sms, pid), 255 },  { offsetof(struct sms, alt_dcs), 1 },
    { offsetof(struct sms, rpi), 2 },    { offsetof(struct sms, priority), 3 },
};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

static const struct {
    size_t at, max;
} texts[] = {
    { offsetof(struct sms, text), SMS_OCTETS_MAX },
    { offsetof(struct sms, udh), SMS_FIELD_MAX },
    { offsetof(struct sms, meta_data), SMS_FIELD_MAX },
    { offsetof(struct sms, binfo), SMS_FIELD_MAX },
    { offsetof(struct sms, account), SMS_FIELD_MAX },
};
#define TEXT_COUNT (sizeof texts / sizeof texts[0])

void sms_init(struct sms *m)
{
    *m = (struct sms){ .text = { "", 0 } };
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        *(int32_t *)(void *)((char *)m + numbers[i].at) = SMS_UNSET;
}

static void put_text(struct buf *out, struct span s, size_t max)
{
    if (s.n > max) {
        out->failed = true;
        return;
    }
    buf_put_be16(out, (uint16_t)s.n);
    buf_put_span(out, s);
}

void sms_pack(const struct sms *m, struct buf *out)
{
    buf_put_u8(out, VERSION);
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        const int32_t v =
            *(const int32_t *)(const void *)((const char *)m + numbers[i].at);

        if (v < SMS_UNSET || v > numbers[i].most)
            out->failed = true;
        buf_put_be16(out, (uint16_t)(v + 1));
    }
    buf_put_be64(out, m->valid_until_s);
    buf_put_be64(out, m->deferred_until_s);
    put_text(out, span_str(m->from), SMS_FROM_ROOM);
    put_text(out, span_str(m->smsc), SMS_SMSC_ROOM);
    put_text(out, span_str(m->service), SMS_SERVICE_ROOM);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        put_text(out,
                 *(const struct span *)(const void *)((const char *)m + texts[i].at),
                 texts[i].max);
}

static bool take_text(struct cur *c, size_t max, struct span *out)
{
    uint16_t n;

    return cur_be16(c, &n) && n <= max && cur_span(c, n, out);
}

static bool take_string(struct cur *c, char *to, size_t room)
{
    struct span s;

    return take_text(c, room - 1, &s) && span_copy(to, room, s);
}

bool sms_unpack(struct span packed, struct sms *m)
{
    struct cur c = cur_of(packed);
    uint8_t version;
    bool ok = cur_u8(&c, &version) && version == VERSION;

    sms_init(m);
    for (size_t i = 0; ok && i < NUMBER_COUNT; i++) {
        uint16_t v;

        ok = cur_be16(&c, &v) && v <= numbers[i].most + 1;
        if (ok)
            *(int32_t *)(void *)((char *)m + numbers[i].at) = (int32_t)v - 1;
    }
    ok = ok && cur_be64(&c, &m->valid_until_s) && cur_be64(&c, &m->deferred_until_s) &&
         take_string(&c, m->from, sizeof m->from) &&
         take_string(&c, m->smsc, sizeof m->smsc) &&
         take_string(&c, m->service, sizeof m->service);
    for (size_t i = 0; ok && i < TEXT_COUNT; i++)
        ok = take_text(&c, texts[i].max,
                       (struct span *)(void *)((char *)m + texts[i].at));
    return ok && cur_done(&c);
}
