/* SPDX-License-Identifier: ISC */
/* record.c - between the structs of record.h and their bytes.
 * Here:       one table of fields for each record, one routine for each direction.
 * Elsewhere:  what the fields mean (relay), how the bytes are sealed (store.c).
 * Called by:  keeper only.
 * Source:     record.h.
 *
 * On disk: version u8, then for each field in the table's order  INT: its bytes, big-
 * endian · BYTES: as they are · TEXT: be16 length, bytes without NUL · BLOB: be32
 * length, bytes.  One record has one spelling. */
#include "bdb/record.h"
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include "bdb/store.h"

#define VERSION 1U

enum field_type { INT, BYTES, TEXT, BLOB };

struct field {
    enum field_type type;
    size_t at, size; /* in the struct */
    uint64_t max;    /* INT: the greatest value. BLOB: the most bytes. */
};

#define FIELD_MAX(type, record, member, max)                                         \
    {                                                                                \
        type, offsetof(struct record, member), sizeof(((struct record *)0)->member), \
            max                                                                      \
    }
#define FIELD(type, record, member) FIELD_MAX(type, record, member, UINT64_MAX)

static const struct field message_fields[] = {
    FIELD(BYTES, message_record, handset),
    FIELD(BYTES, message_record, conversation),
    FIELD(INT, message_record, form),
    FIELD(INT, message_record, flags),
    FIELD(INT, message_record, parts),
    FIELD(INT, message_record, epoch),
    FIELD(INT, message_record, created_s),
    FIELD(INT, message_record, expires_s),
    FIELD(INT, message_record, notified_s),
    FIELD(INT, message_record, fetched_s),
    FIELD(INT, message_record, read_s),
    FIELD(INT, message_record, bytes),
    FIELD(TEXT, message_record, account),
    FIELD(TEXT, message_record, mail_id),
    FIELD_MAX(BLOB, message_record, sealed, RECORD_BLOB_MAX),
};
static const struct field handset_fields[] = {
    FIELD(TEXT, handset_record, msisdn),
    FIELD(TEXT, handset_record, language),
    FIELD(INT, handset_record, opted_out),
    FIELD_MAX(INT, handset_record, device_count, RECORD_DEVICES),
    FIELD(BYTES, handset_record, devices),
    FIELD(BYTES, handset_record, newest_conversation),
    FIELD(INT, handset_record, otp_failures),
    FIELD(INT, handset_record, locked_until_s),
    FIELD(INT, handset_record, notice_due_s),
    FIELD(BYTES, handset_record, notice_job),
    FIELD_MAX(INT, handset_record, pushed, 1),
    FIELD(INT, handset_record, notice_last_s),
    FIELD(INT, handset_record, proven_s),
};
static const struct field device_fields[] = {
    FIELD(BYTES, device_record, handset),
    FIELD(INT, device_record, type),
    FIELD(INT, device_record, created_s),
    FIELD(INT, device_record, seen_s),
    FIELD(BYTES, device_record, signing_point),
    FIELD(BYTES, device_record, kid),
    FIELD(TEXT, device_record, label),
    FIELD(INT, device_record, held_until_s),
    FIELD_MAX(BLOB, device_record, encryption_key, RECORD_KEY),
};
static const struct field push_fields[] = {
    FIELD(BYTES, push_record, p256dh),     FIELD(BYTES, push_record, auth),
    FIELD_MAX(INT, push_record, state, 3), FIELD(INT, push_record, handed_s),
    FIELD(TEXT, push_record, endpoint),
};
static const struct field registration_fields[] = {
    FIELD(BYTES, registration_record, handset),
    FIELD(TEXT, registration_record, msisdn),
    FIELD(INT, registration_record, state),
    FIELD(INT, registration_record, from_handset),
    FIELD(INT, registration_record, tries_left),
    FIELD(INT, registration_record, created_s),
    FIELD(INT, registration_record, expires_s),
    FIELD(BYTES, registration_record, otp_mac),
    FIELD(BYTES, registration_record, device),
};
static const struct field notice_fields[] = {
    FIELD(BYTES, notice_record, handset),
    FIELD(INT, notice_record, expires_s),
};
static const struct field conversation_fields[] = {
    FIELD(BYTES, conversation_record, handset),
    FIELD(BYTES, conversation_record, alias),
    FIELD(BYTES, conversation_record, newest_message),
    FIELD(INT, conversation_record, used_s),
    FIELD(TEXT, conversation_record, msisdn),
    FIELD(TEXT, conversation_record, account),
    FIELD(TEXT, conversation_record, sender),
    FIELD(TEXT, conversation_record, number),
    FIELD(TEXT, conversation_record, mail_id),
    FIELD(TEXT, conversation_record, references),
};
static const struct field outbox_fields[] = {
    FIELD(INT, outbox_record, kind),
    FIELD(INT, outbox_record, attempts),
    FIELD(INT, outbox_record, handed),
    FIELD(INT, outbox_record, doubts),
    FIELD(INT, outbox_record, epoch),
    FIELD(INT, outbox_record, created_s),
    FIELD(INT, outbox_record, expires_s),
    FIELD(BYTES, outbox_record, handset),
    FIELD(BYTES, outbox_record, subject_id),
    FIELD(BYTES, outbox_record, conversation),
    FIELD_MAX(BLOB, outbox_record, body, RECORD_BLOB_MAX),
};
static const struct field seen_fields[] = {
    FIELD(BYTES, seen_record, result),
    FIELD(INT, seen_record, expires_s),
};
static const struct field counter_fields[] = {
    FIELD(INT, counter_record, count),
    FIELD(INT, counter_record, window_end_s),
};

static const struct field handset_otp_fields[] = {
    FIELD(INT, handset_otp_record, by_sms),
    FIELD(INT, handset_otp_record, by_call),
    FIELD(INT, handset_otp_record, over),
    FIELD(BYTES, handset_otp_record, handset),
    FIELD(BYTES, handset_otp_record, registration),
    FIELD(INT, handset_otp_record, expires_s),
};
static const struct field report_fields[] = {
    FIELD(BYTES, report_record, handset),      FIELD(INT, report_record, mask),
    FIELD(INT, report_record, expires_s),      FIELD(TEXT, report_record, account),
    FIELD(TEXT, report_record, from),          FIELD(TEXT, report_record, smsc),
    FIELD(TEXT, report_record, account_param), FIELD(TEXT, report_record, url),
};
static const struct field route_fields[] = {
    FIELD(BYTES, route_record, conversation),
};

#define KIND(record)                                                         \
    {                                                                        \
        record##_fields, sizeof record##_fields / sizeof record##_fields[0], \
            sizeof(struct record##_record)                                   \
    }

static const struct {
    const struct field *fields;
    size_t count, size;
} kinds[RECORD_KIND_COUNT] = {
    [RECORD_MESSAGE] = KIND(message), [RECORD_HANDSET] = KIND(handset),
    [RECORD_DEVICE] = KIND(device),   [RECORD_REGISTRATION] = KIND(registration),
    [RECORD_NOTICE] = KIND(notice),   [RECORD_CONVERSATION] = KIND(conversation),
    [RECORD_OUTBOX] = KIND(outbox),   [RECORD_SEEN] = KIND(seen),
    [RECORD_COUNTER] = KIND(counter), [RECORD_HANDSET_OTP] = KIND(handset_otp),
    [RECORD_REPORT] = KIND(report),   [RECORD_ROUTE] = KIND(route),
    [RECORD_PUSH] = KIND(push),
};

/* An integer member of 1, 2, 4 or 8 bytes. */
static uint64_t int_get(const void *p, size_t size)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (size) {
    case 1:
        return *(const uint8_t *)p;
    case 2:
        memcpy(&u16, p, 2);
        return u16;
    case 4:
        memcpy(&u32, p, 4);
        return u32;
    default:
        memcpy(&u64, p, 8);
        return u64;
    }
}

static void int_set(void *p, size_t size, uint64_t v)
{
    const uint16_t u16 = (uint16_t)v;
    const uint32_t u32 = (uint32_t)v;

    switch (size) {
    case 1:
        *(uint8_t *)p = (uint8_t)v;
        break;
    case 2:
        memcpy(p, &u16, 2);
        break;
    case 4:
        memcpy(p, &u32, 4);
        break;
    default:
        memcpy(p, &v, 8);
    }
}

static uint8_t *put_int(uint8_t *to, size_t size, uint64_t v)
{
    for (size_t i = size; i-- > 0; v >>= 8)
        to[i] = (uint8_t)v;
    return to + size;
}

static uint8_t *put_mem(uint8_t *to, const void *p, size_t n)
{
    if (n > 0)
        memcpy(to, p, n);
    return to + n;
}

/* The bytes that a field takes, *n_out; false when its value is out of its range. */
static bool field_bytes(const struct field *f, const void *p, size_t *n_out)
{
    const struct record_blob *blob;
    size_t n;

    switch (f->type) {
    case TEXT:
        n = strnlen(p, f->size);
        *n_out = 2 + n;
        return n < f->size;
    case BLOB:
        blob = p;
        *n_out = 4 + blob->n;
        return blob->n <= f->max && (blob->n == 0 || blob->p != NULL);
    case INT:
        *n_out = f->size;
        return int_get(p, f->size) <= f->max;
    default:
        *n_out = f->size;
        return true;
    }
}

static uint8_t *put_field(uint8_t *to, const struct field *f, const void *p)
{
    const struct record_blob *blob;
    size_t n;

    switch (f->type) {
    case TEXT:
        n = strlen(p);
        return put_mem(put_int(to, 2, n), p, n);
    case BLOB:
        blob = p;
        return put_mem(put_int(to, 4, blob->n), blob->p, blob->n);
    case INT:
        return put_int(to, f->size, int_get(p, f->size));
    default:
        return put_mem(to, p, f->size);
    }
}

bool record_pack(enum record_kind kind, const void *record, struct store_bytes *out)
{
    size_t total = 1, n;
    uint8_t *to;

    *out = (struct store_bytes){ NULL, 0 };
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct field *f = &kinds[kind].fields[i];

        if (!field_bytes(f, (const uint8_t *)record + f->at, &n))
            return false;
        total += n;
    }
    out->p = malloc(total);
    if (out->p == NULL)
        return false;
    out->n = total;
    to = put_int(out->p, 1, VERSION);
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct field *f = &kinds[kind].fields[i];

        to = put_field(to, f, (const uint8_t *)record + f->at);
    }
    return true;
}

struct reader {
    const uint8_t *p;
    size_t left;
};

static bool take_mem(struct reader *r, void *to, size_t n)
{
    if (n > r->left)
        return false;
    memcpy(to, r->p, n);
    r->p += n;
    r->left -= n;
    return true;
}

static bool take_int(struct reader *r, size_t size, uint64_t *out)
{
    uint8_t bytes[8];

    if (!take_mem(r, bytes, size))
        return false;
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out = *out << 8 | bytes[i];
    return true;
}

static bool take_blob(struct reader *r, const struct field *f, struct record_blob *blob)
{
    uint64_t n;

    if (!take_int(r, 4, &n) || n > f->max || n > r->left)
        return false;
    if (n == 0)
        return true;
    blob->p = malloc((size_t)n);
    if (blob->p == NULL)
        return false;
    blob->n = (size_t)n;
    return take_mem(r, blob->p, blob->n);
}

static bool take_field(struct reader *r, const struct field *f, void *p)
{
    uint64_t v;

    switch (f->type) {
    case TEXT: /* the struct is zeroed: the NUL is there */
        return take_int(r, 2, &v) && v < f->size && take_mem(r, p, (size_t)v) &&
               strnlen(p, f->size) == v;
    case BLOB:
        return take_blob(r, f, p);
    case INT:
        if (!take_int(r, f->size, &v) || v > f->max)
            return false;
        int_set(p, f->size, v);
        return true;
    default:
        return take_mem(r, p, f->size);
    }
}

bool record_unpack(enum record_kind kind, const struct store_bytes *in, void *record)
{
    struct reader r = { in->p, in->n };
    uint64_t version;
    bool ok;

    memset(record, 0, kinds[kind].size);
    ok = take_int(&r, 1, &version) && version == VERSION;
    for (size_t i = 0; ok && i < kinds[kind].count; i++) {
        const struct field *f = &kinds[kind].fields[i];

        ok = take_field(&r, f, (uint8_t *)record + f->at);
    }
    if (ok && r.left == 0)
        return true;
    record_clear(kind, record);
    return false;
}

void record_clear(enum record_kind kind, void *record)
{
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct field *f = &kinds[kind].fields[i];
        struct record_blob *blob;

        if (f->type != BLOB)
            continue;
        blob = (void *)((uint8_t *)record + f->at);
        if (blob->p != NULL)
            OPENSSL_cleanse(blob->p, blob->n);
        free(blob->p);
    }
    OPENSSL_cleanse(record, kinds[kind].size);
}
