/* SPDX-License-Identifier: ISC */
/* box_codec.c - Kannel's box protocol: bytes to structs and back.
 * Here:       frames, fields in msg-decl.h's order, UTF-16BE.
 * Elsewhere:  the connection and what a message is for (bearerbox.c).
 * Called by:  bearerbox.c.
 * Source:     Kannel 1.4.5 gw/msg-decl.h, gw/msg.c (msg_pack, msg_unpack). Ours, since
 *             msg_unpack ends the process on a string length of -2. */
#include "plugin/box_codec.h"
#include "relay/encode.h"
#include "relay/utf8.h"
#include <assert.h>

#define REPLACEMENT 0xfffdU

struct field {
    enum { INT, STR, UUID } kind;
    size_t at; /* in struct box_message */
};

struct layout {
    const struct field *fields;
    size_t count;
};

#define X(kind, field) { kind, offsetof(struct box_message, IN.field) },
#define IN heartbeat
static const struct field heartbeat_fields[] = { BOX_HEARTBEAT_FIELDS(X) };
#undef IN
#define IN admin
static const struct field admin_fields[] = { BOX_ADMIN_FIELDS(X) };
#undef IN
#define IN sms
static const struct field sms_fields[] = { BOX_SMS_FIELDS(X) };
#undef IN
#define IN ack
static const struct field ack_fields[] = { BOX_ACK_FIELDS(X) };
#undef IN
#undef X

#define LAYOUT(fields)                             \
    {                                              \
        fields, sizeof(fields) / sizeof(fields)[0] \
    }
static const struct layout layouts[] = {
    [BOX_HEARTBEAT] = LAYOUT(heartbeat_fields),
    [BOX_ADMIN] = LAYOUT(admin_fields),
    [BOX_SMS] = LAYOUT(sms_fields),
    [BOX_ACK] = LAYOUT(ack_fields),
};
static_assert(sizeof layouts / sizeof layouts[0] == BOX_TYPE_COUNT, "a layout a type");

static const char no_uuid[BOX_UUID_LEN + 1] = "00000000-0000-0000-0000-000000000000";

static void *slot(struct box_message *m, const struct field *f)
{
    return (char *)m + f->at;
}

static const void *slot_const(const struct box_message *m, const struct field *f)
{
    return (const char *)m + f->at;
}

void box_init(struct box_message *m, enum box_type type)
{
    const struct layout *l = &layouts[type];

    *m = (struct box_message){ .type = type };
    for (size_t i = 0; i < l->count; i++) {
        if (l->fields[i].kind == INT)
            *(int32_t *)slot(m, &l->fields[i]) = BOX_NONE;
        else if (l->fields[i].kind == UUID)
            memcpy(slot(m, &l->fields[i]), no_uuid, sizeof no_uuid);
    }
}

static void put_string(struct buf *out, struct span s)
{
    buf_put_be32(out, s.p == NULL ? UINT32_MAX : (uint32_t)s.n); /* -1 is NULL */
    buf_put_span(out, s.p == NULL ? span_of("", 0) : s);
}

static void put_field(struct buf *out, const struct box_message *m,
                      const struct field *f)
{
    switch (f->kind) {
    case INT:
        buf_put_be32(out, (uint32_t) * (const int32_t *)slot_const(m, f));
        break;
    case STR:
        put_string(out, *(const struct span *)slot_const(m, f));
        break;
    case UUID:
        put_string(out, span_of(slot_const(m, f), BOX_UUID_LEN));
        break;
    }
}

void box_pack(const struct box_message *m, struct buf *out)
{
    const struct layout *l = &layouts[m->type];
    struct buf payload;

    buf_init(&payload, BOX_FRAME_MAX);
    buf_put_be32(&payload, (uint32_t)m->type);
    for (size_t i = 0; i < l->count; i++)
        put_field(&payload, m, &l->fields[i]);
    if (buf_ok(&payload)) {
        buf_put_be32(out, (uint32_t)payload.n);
        buf_put_span(out, buf_span(&payload));
    } else {
        out->failed = true;
    }
    buf_wipe(&payload); /* an OTP may have been in it */
}

int box_frame_bytes(struct span stream, size_t *bytes_out)
{
    struct cur c = cur_of(stream);
    uint32_t n;

    if (!cur_be32(&c, &n))
        return 0;
    if (n < sizeof(int32_t) || n > BOX_FRAME_MAX)
        return -1;
    *bytes_out = BOX_HEAD + n;
    return 1;
}

static int take_string(struct cur *c, struct span *out)
{
    uint32_t n;

    if (!cur_be32(c, &n))
        return cur_fail(c, "cut in a field");
    *out = span_of(NULL, 0);
    if (n == UINT32_MAX)
        return 1;
    if (!cur_span(c, n, out)) /* a negative length is a huge one here */
        return cur_fail(c, "string longer than its frame");
    return 1;
}

static bool is_hex(char ch)
{
    return is_digit(ch) || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F');
}

static int take_uuid(struct cur *c, char *out)
{
    struct span s;

    if (take_string(c, &s) < 0)
        return -1;
    if (s.n != BOX_UUID_LEN)
        return cur_fail(c, "id is no UUID");
    for (size_t i = 0; i < s.n; i++)
        if (no_uuid[i] == '-' ? s.p[i] != '-' : !is_hex(s.p[i]))
            return cur_fail(c, "id is no UUID");
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return 1;
}

static int take_int(struct cur *c, int32_t *out)
{
    uint32_t v;

    if (!cur_be32(c, &v))
        return cur_fail(c, "cut in a field");
    memcpy(out, &v, sizeof v); /* two's complement on the wire and here */
    return 1;
}

static int take_field(struct cur *c, struct box_message *m, const struct field *f)
{
    switch (f->kind) {
    case INT:
        return take_int(c, slot(m, f));
    case STR:
        return take_string(c, slot(m, f));
    case UUID:
        return take_uuid(c, slot(m, f));
    }
    return -1;
}

static int take_message(struct cur *c, struct box_message *m)
{
    uint32_t type;

    if (!cur_be32(c, &type))
        return cur_fail(c, "no type");
    if (type >= BOX_TYPE_COUNT)
        return cur_fail(c, "unknown type");
    box_init(m, (enum box_type)type);
    for (size_t i = 0; i < layouts[type].count; i++)
        if (take_field(c, m, &layouts[type].fields[i]) < 0)
            return -1;
    return cur_done(c) ? 0 : cur_fail(c, "more fields than Kannel 1.4.5 has");
}

int box_unpack(struct span payload, struct box_message *m, const char **why_out)
{
    struct cur c = cur_of(payload);
    const int rc = take_message(&c, m);

    if (rc < 0)
        *why_out = c.why;
    return rc;
}

void box_uuid_text(const uint8_t random[static 16], char out[static BOX_UUID_LEN + 1])
{
    char hex[HEX_LEN(16) + 1];
    const char *from = hex;
    uint8_t raw[16];

    memcpy(raw, random, sizeof raw);
    raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40);
    raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80);
    (void)hex_text(hex, raw, sizeof raw);
    for (size_t i = 0; i < BOX_UUID_LEN; i++)
        out[i] = no_uuid[i] == '-' ? '-' : *from++;
    out[BOX_UUID_LEN] = '\0';
}

uint32_t box_dlr_event(int32_t dlr_mask)
{
    static const uint32_t events[] = { 2, 1, 16, 8, 4 };

    for (size_t i = 0; dlr_mask > 0 && i < sizeof events / sizeof events[0]; i++)
        if ((uint32_t)dlr_mask & events[i])
            return events[i];
    return 0;
}

bool box_utf16_put(struct span utf8, struct buf *out)
{
    struct cur c = cur_of(utf8);
    uint32_t ch;
    int rc;

    while ((rc = take_utf8(&c, &ch)) == 1) {
        if (ch < 0x10000) {
            buf_put_be16(out, (uint16_t)ch);
        } else {
            buf_put_be16(out, (uint16_t)(0xd800 + ((ch - 0x10000) >> 10)));
            buf_put_be16(out, (uint16_t)(0xdc00 + ((ch - 0x10000) & 0x3ff)));
        }
    }
    return rc == 0;
}

static void put_utf8(struct buf *out, uint32_t ch)
{
    const unsigned more = ch < 0x80 ? 0 : ch < 0x800 ? 1 : ch < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };

    buf_put_u8(out, (uint8_t)(lead[more] | ch >> (6 * more)));
    for (unsigned i = more; i-- > 0;)
        buf_put_u8(out, (uint8_t)(0x80 | (ch >> (6 * i) & 0x3f)));
}

/* One character of UTF-16BE; a half of a pair, or a byte without its second, is
 * unreadable. */
static uint32_t take_utf16(struct cur *c)
{
    uint16_t high, low;
    struct cur ahead;

    if (!cur_be16(c, &high)) {
        c->p = c->end;
        return REPLACEMENT;
    }
    if (high < 0xd800 || high > 0xdfff)
        return high;
    ahead = *c;
    if (high > 0xdbff || !cur_be16(&ahead, &low) || low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT;
    *c = ahead;
    return 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

static uint32_t take_loose_utf8(struct cur *c)
{
    uint32_t ch;

    if (take_utf8(c, &ch) == 1)
        return ch;
    c->p++;
    return REPLACEMENT;
}

void box_text_put(struct span msgdata, int32_t coding, struct buf *out)
{
    struct cur c = cur_of(msgdata);

    while (!cur_done(&c))
        put_utf8(out, coding == BOX_UCS2 ? take_utf16(&c) : take_loose_utf8(&c));
}

bool box_is_text(struct span bytes)
{
    struct cur c = cur_of(bytes);
    uint32_t ch;
    int rc;

    while ((rc = take_utf8(&c, &ch)) == 1)
        if ((ch < ' ' && ch != '\t' && ch != '\n' && ch != '\r') || ch == 0x7f)
            return false;
    return rc == 0;
}
