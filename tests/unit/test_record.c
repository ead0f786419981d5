/* SPDX-License-Identifier: ISC */
/* test_record.c - every record there and back, cut at every byte, every bit turned.
 * Here:       the codec of bdb/record.c.
 * Elsewhere:  records in the store (test_store.c).
 * Called by:  make check.
 * Source:     bdb/record.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bdb/record.h"
#include "bdb/store.h"

union any_record {
    struct message_record message;
    struct handset_record handset;
    struct device_record device;
    struct registration_record registration;
    struct notice_record notice;
    struct conversation_record conversation;
    struct outbox_record outbox;
    struct seen_record seen;
    struct counter_record counter;
    struct handset_otp_record handset_otp;
    struct report_record report;
    struct route_record route;
    struct push_record push;
};

static uint8_t blob_bytes[] = "sealed\0bytes";
#define BLOB                          \
    {                                 \
        blob_bytes, sizeof blob_bytes \
    }

/* No two members of a row are alike, so that a swapped pair shows. */
static const union any_record rows[RECORD_KIND_COUNT] = {
    [RECORD_MESSAGE] = { .message = { .handset = "handset",
                                      .conversation = "conversation",
                                      .form = 1,
                                      .flags = 0x82,
                                      .parts = 0x0304,
                                      .epoch = 20241124,
                                      .created_s = 0x0102030405060708,
                                      .expires_s = 5,
                                      .notified_s = 6,
                                      .fetched_s = 7,
                                      .read_s = 8,
                                      .bytes = UINT64_MAX,
                                      .account = "northside",
                                      .mail_id = "<1@northside.example>",
                                      .sealed = BLOB } },
    [RECORD_HANDSET] = { .handset = { .msisdn = "123456789012345",
                                      .language = "en",
                                      .opted_out = 1,
                                      .device_count = RECORD_DEVICES,
                                      .devices = { "one", "two", [7] = "eight" },
                                      .newest_conversation = "newest",
                                      .otp_failures = 0x01020304,
                                      .locked_until_s = 2,
                                      .notice_due_s = 3,
                                      .notice_job = "notice job",
                                      .pushed = 1,
                                      .notice_last_s = 4,
                                      .proven_s = 5 } },
    [RECORD_DEVICE] = { .device = { .handset = "handset",
                                    .type = 2,
                                    .created_s = 3,
                                    .seen_s = 4,
                                    .signing_point = { 4, 5, [64] = 6 },
                                    .kid = "thumbprint",
                                    .label = "Ada's phone",
                                    .held_until_s = UINT64_MAX - 7,
                                    .encryption_key = BLOB } },
    [RECORD_PUSH] = { .push = { .p256dh = { 4, 5, [64] = 6 },
                                .auth = "auth",
                                .state = 3,
                                .handed_s = 7,
                                .endpoint = "https://push.example/1" } },
    [RECORD_REGISTRATION] = { .registration = { .handset = "handset",
                                                .msisdn = "61412345678",
                                                .state = 1,
                                                .from_handset = 2,
                                                .tries_left = 5,
                                                .created_s = 3,
                                                .expires_s = 4,
                                                .otp_mac = "mac",
                                                .device = "device" } },
    [RECORD_NOTICE] = { .notice = { .handset = "handset", .expires_s = 9 } },
    [RECORD_CONVERSATION] = { .conversation = { .handset = "handset",
                                                .alias = "alias",
                                                .newest_message = "newest",
                                                .used_s = 3,
                                                .msisdn = "61412345678",
                                                .account = "northside",
                                                .sender = "clinic@northside.example",
                                                .number = "61400000000",
                                                .mail_id = "<2@northside.example>",
                                                .references =
                                                    "<1@northside.example>" } },
    [RECORD_OUTBOX] = { .outbox = { .kind = 1,
                                    .attempts = 2,
                                    .handed = 1,
                                    .doubts = 3,
                                    .epoch = 20241125,
                                    .created_s = 5,
                                    .expires_s = 6,
                                    .handset = "handset",
                                    .subject_id = "subject",
                                    .conversation = "conversation",
                                    .body = BLOB } },
    [RECORD_SEEN] = { .seen = { .result = "result", .expires_s = 7 } },
    [RECORD_COUNTER] = { .counter = { .count = 8, .window_end_s = 9 } },
    [RECORD_HANDSET_OTP] = { .handset_otp = { .by_sms = 1,
                                              .by_call = 2,
                                              .over = 3,
                                              .handset = "handset",
                                              .registration = "registration",
                                              .expires_s = 6 } },
    [RECORD_REPORT] = { .report = { .handset = "handset",
                                    .mask = 0x01020304,
                                    .expires_s = 5,
                                    .account = "northside",
                                    .from = "61400000000",
                                    .smsc = "own network",
                                    .account_param = "invoice 7",
                                    .url = "https://app.example/dlr?%d" } },
    [RECORD_ROUTE] = { .route = { .conversation = "conversation" } },
};

/* The bytes of each row as they must stay on disk: how many. */
static const size_t packed_bytes[RECORD_KIND_COUNT] = {
    [RECORD_MESSAGE] = 1 + 16 + 16 + 1 + 1 + 2 + 4 + 48 + 2 + 9 + 2 + 21 + 4 + 13,
    [RECORD_HANDSET] = 1 + 2 + 15 + 2 + 2 + 1 + 1 + 128 + 16 + 4 + 32 + 17,
    [RECORD_DEVICE] = 1 + 16 + 1 + 16 + 65 + 32 + 2 + 11 + 8 + 4 + 13,
    [RECORD_REGISTRATION] = 1 + 16 + 2 + 11 + 1 + 1 + 1 + 16 + 32 + 16,
    [RECORD_PUSH] = 1 + 65 + 16 + 1 + 8 + 2 + 22,
    [RECORD_NOTICE] = 1 + 16 + 8,
    [RECORD_CONVERSATION] =
        1 + 48 + 8 + 2 + 11 + 2 + 9 + 2 + 24 + 2 + 11 + 2 + 21 + 2 + 21,
    [RECORD_OUTBOX] = 1 + 4 + 4 + 16 + 48 + 4 + 13,
    [RECORD_SEEN] = 1 + 16 + 8,
    [RECORD_COUNTER] = 1 + 16,
    [RECORD_HANDSET_OTP] = 1 + 3 + 32 + 8,
    [RECORD_REPORT] = 1 + 16 + 4 + 8 + 2 + 9 + 2 + 11 + 2 + 11 + 2 + 9 + 2 + 26,
    [RECORD_ROUTE] = 1 + 16,
};

static struct store_bytes packed(enum record_kind kind)
{
    struct store_bytes out;

    assert_true(record_pack(kind, &rows[kind], &out));
    return out;
}

/* Unpacks from a heap block of exactly n bytes, so that a read too far is seen. */
static bool unpack_exact(enum record_kind kind, const uint8_t *bytes, size_t n,
                         union any_record *out)
{
    struct store_bytes in = { malloc(n > 0 ? n : 1), n };
    bool ok;

    assert_non_null(in.p);
    memcpy(in.p, bytes, n);
    ok = record_unpack(kind, &in, out);
    free(in.p);
    return ok;
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (unsigned k = 0; k < RECORD_KIND_COUNT; k++) {
        const enum record_kind kind = (enum record_kind)k;
        struct store_bytes first = packed(kind), again;
        union any_record back;

        assert_int_equal(first.n, packed_bytes[k]);
        assert_true(unpack_exact(kind, first.p, first.n, &back));
        assert_true(record_pack(kind, &back, &again));
        assert_int_equal(again.n, first.n);
        assert_memory_equal(again.p, first.p, first.n);
        record_clear(kind, &back);
        store_bytes_clear(&first);
        store_bytes_clear(&again);
    }
}

/* Packing what was unpacked says nothing of a field that both forget or swap: compare
 * the structs whole (what lies between the members is zero on both sides). */
static void test_fields_arrive(void **state)
{
#define NO_BLOB SIZE_MAX
    static const struct {
        size_t size, blob_at;
    } shape[RECORD_KIND_COUNT] = {
        [RECORD_MESSAGE] = { sizeof(struct message_record),
                             offsetof(struct message_record, sealed) },
        [RECORD_HANDSET] = { sizeof(struct handset_record), NO_BLOB },
        [RECORD_DEVICE] = { sizeof(struct device_record),
                            offsetof(struct device_record, encryption_key) },
        [RECORD_PUSH] = { sizeof(struct push_record), NO_BLOB },
        [RECORD_REGISTRATION] = { sizeof(struct registration_record), NO_BLOB },
        [RECORD_NOTICE] = { sizeof(struct notice_record), NO_BLOB },
        [RECORD_CONVERSATION] = { sizeof(struct conversation_record), NO_BLOB },
        [RECORD_OUTBOX] = { sizeof(struct outbox_record),
                            offsetof(struct outbox_record, body) },
        [RECORD_SEEN] = { sizeof(struct seen_record), NO_BLOB },
        [RECORD_COUNTER] = { sizeof(struct counter_record), NO_BLOB },
        [RECORD_HANDSET_OTP] = { sizeof(struct handset_otp_record), NO_BLOB },
        [RECORD_REPORT] = { sizeof(struct report_record), NO_BLOB },
        [RECORD_ROUTE] = { sizeof(struct route_record), NO_BLOB },
    };

    (void)state;
    for (unsigned k = 0; k < RECORD_KIND_COUNT; k++) {
        const enum record_kind kind = (enum record_kind)k;
        struct store_bytes bytes = packed(kind);
        union any_record got;

        assert_true(record_unpack(kind, &bytes, &got));
        if (shape[k].blob_at != NO_BLOB) {
            struct record_blob *blob = (void *)((uint8_t *)&got + shape[k].blob_at);

            assert_int_equal(blob->n, sizeof blob_bytes);
            assert_memory_equal(blob->p, blob_bytes, sizeof blob_bytes);
            free(blob->p);
            blob->p = blob_bytes;
        }
        assert_memory_equal(&got, &rows[k], shape[k].size);
        store_bytes_clear(&bytes);
    }
}

static void test_numbers_are_big_endian(void **state)
{
    static const uint8_t want[] = { 1, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9 };
    struct store_bytes bytes = packed(RECORD_COUNTER);

    (void)state;
    assert_int_equal(bytes.n, sizeof want);
    assert_memory_equal(bytes.p, want, sizeof want);
    store_bytes_clear(&bytes);
}

static void test_cut_is_refused(void **state)
{
    (void)state;
    for (unsigned k = 0; k < RECORD_KIND_COUNT; k++) {
        const enum record_kind kind = (enum record_kind)k;
        struct store_bytes bytes = packed(kind);
        union any_record out;

        for (size_t n = 0; n < bytes.n; n++)
            assert_false(unpack_exact(kind, bytes.p, n, &out));
        store_bytes_clear(&bytes);
    }
}

static void test_left_over_is_refused(void **state)
{
    (void)state;
    for (unsigned k = 0; k < RECORD_KIND_COUNT; k++) {
        const enum record_kind kind = (enum record_kind)k;
        struct store_bytes bytes = packed(kind);
        uint8_t *longer = calloc(1, bytes.n + 1);
        union any_record out;

        assert_non_null(longer);
        memcpy(longer, bytes.p, bytes.n);
        assert_false(unpack_exact(kind, longer, bytes.n + 1, &out));
        free(longer);
        store_bytes_clear(&bytes);
    }
}

/* A turned bit gives a refusal or another record, which packs to the turned bytes. */
static void test_turned_bits(void **state)
{
    (void)state;
    for (unsigned k = 0; k < RECORD_KIND_COUNT; k++) {
        const enum record_kind kind = (enum record_kind)k;
        struct store_bytes bytes = packed(kind), again;
        union any_record out;

        for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
            bytes.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (unpack_exact(kind, bytes.p, bytes.n, &out)) {
                assert_true(record_pack(kind, &out, &again));
                assert_int_equal(again.n, bytes.n);
                assert_memory_equal(again.p, bytes.p, bytes.n);
                store_bytes_clear(&again);
                record_clear(kind, &out);
            }
            bytes.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        store_bytes_clear(&bytes);
    }
}

static void test_unknown_version(void **state)
{
    struct store_bytes bytes = packed(RECORD_SEEN);
    union any_record out;

    (void)state;
    bytes.p[0] = 2;
    assert_false(record_unpack(RECORD_SEEN, &bytes, &out));
    store_bytes_clear(&bytes);
}

static void test_empty_value_is_no_record(void **state)
{
    const struct store_bytes none = { NULL, 0 };
    union any_record out;

    (void)state;
    for (unsigned k = 0; k < RECORD_KIND_COUNT; k++)
        assert_false(record_unpack((enum record_kind)k, &none, &out));
}

static void test_string_without_end(void **state)
{
    struct message_record m = { .form = 1 };
    struct store_bytes out;

    (void)state;
    memset(m.account, 'a', sizeof m.account);
    assert_false(record_pack(RECORD_MESSAGE, &m, &out));
    assert_null(out.p);
    m.account[sizeof m.account - 1] = '\0';
    assert_true(record_pack(RECORD_MESSAGE, &m, &out));
    store_bytes_clear(&out);
}

/* A NUL inside would give one string two spellings. */
static void test_string_with_nul(void **state)
{
    struct store_bytes bytes = packed(RECORD_REGISTRATION);
    union any_record out;

    (void)state;
    bytes.p[1 + 16 + 2 + 3] = '\0';
    assert_false(record_unpack(RECORD_REGISTRATION, &bytes, &out));
    store_bytes_clear(&bytes);
}

static void test_ranges(void **state)
{
    uint8_t key[RECORD_KEY + 1] = { 0 };
    struct handset_record h = { .device_count = RECORD_DEVICES + 1 };
    struct device_record d = { .encryption_key = { key, RECORD_KEY + 1 } };
    struct outbox_record o = { .body = { key, (size_t)RECORD_BLOB_MAX + 1 } };
    struct store_bytes out;
    union any_record back;

    (void)state;
    assert_false(record_pack(RECORD_HANDSET, &h, &out));
    assert_false(record_pack(RECORD_DEVICE, &d, &out));
    assert_false(record_pack(RECORD_OUTBOX, &o, &out));
    o.body = (struct record_blob){ NULL, 1 };
    assert_false(record_pack(RECORD_OUTBOX, &o, &out));
    d.encryption_key.n = RECORD_KEY;
    assert_true(record_pack(RECORD_DEVICE, &d, &out));
    store_bytes_clear(&out);

    out = packed(RECORD_HANDSET);
    out.p[1 + 2 + 15 + 2 + 2 + 1] = RECORD_DEVICES + 1;
    assert_false(record_unpack(RECORD_HANDSET, &out, &back));
    store_bytes_clear(&out);
}

/* Lengths that the bytes would fill, but the struct would not. */
static void test_too_long_for_the_struct(void **state)
{
    const struct registration_record r = { .msisdn = "123456789012345" };
    uint8_t bytes[2048] = { 1 }, key[RECORD_KEY] = { 0 };
    const struct device_record d = { .encryption_key = { key, sizeof key } };
    const size_t length_at = 1 + 16; /* of the number: "be16 15" becomes 16 */
    struct store_bytes good;
    union any_record back;

    (void)state;
    assert_true(record_pack(RECORD_REGISTRATION, &r, &good));
    memcpy(bytes, good.p, length_at);
    bytes[length_at + 1] = 16;
    bytes[length_at + 2] = '0';
    memcpy(bytes + length_at + 3, good.p + length_at + 2, good.n - length_at - 2);
    assert_false(unpack_exact(RECORD_REGISTRATION, bytes, good.n + 1, &back));
    store_bytes_clear(&good);

    assert_true(record_pack(RECORD_DEVICE, &d, &good));
    memcpy(bytes, good.p, good.n);
    bytes[good.n - sizeof key - 1]++; /* be32 600 becomes 601 */
    bytes[good.n] = 0;
    assert_false(unpack_exact(RECORD_DEVICE, bytes, good.n + 1, &back));
    store_bytes_clear(&good);
}

static void test_no_blob(void **state)
{
    const struct outbox_record o = { .kind = 3 };
    struct store_bytes bytes;
    union any_record back;

    (void)state;
    assert_true(record_pack(RECORD_OUTBOX, &o, &bytes));
    assert_true(record_unpack(RECORD_OUTBOX, &bytes, &back));
    assert_null(back.outbox.body.p);
    assert_int_equal(back.outbox.body.n, 0);
    record_clear(RECORD_OUTBOX, &back);
    store_bytes_clear(&bytes);
}

static void test_clear_wipes(void **state)
{
    static const union any_record zero;
    struct store_bytes bytes = packed(RECORD_DEVICE);
    union any_record back;

    (void)state;
    assert_true(record_unpack(RECORD_DEVICE, &bytes, &back));
    record_clear(RECORD_DEVICE, &back);
    assert_memory_equal(&back.device, &zero.device, sizeof back.device);
    record_clear(RECORD_DEVICE, &back); /* twice is harmless */
    store_bytes_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_fields_arrive),
        cmocka_unit_test(test_numbers_are_big_endian),
        cmocka_unit_test(test_cut_is_refused),
        cmocka_unit_test(test_left_over_is_refused),
        cmocka_unit_test(test_turned_bits),
        cmocka_unit_test(test_unknown_version),
        cmocka_unit_test(test_empty_value_is_no_record),
        cmocka_unit_test(test_string_without_end),
        cmocka_unit_test(test_string_with_nul),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_too_long_for_the_struct),
        cmocka_unit_test(test_no_blob),
        cmocka_unit_test(test_clear_wipes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
