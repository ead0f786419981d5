/* SPDX-License-Identifier: ISC */
/* test_sms.c - an MT's bytes and what an application asks to be told, there and back,
 * cut after every byte, with something left over, and at the ends of their ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/message.h"
#include "relay/sms.h"
#include <stdlib.h>
#include <string.h>

#define SPAN(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

/* No two members are alike, so that a swapped pair shows. */
static const struct sms full = { .from = "Clinic",
                                 .smsc = "own",
                                 .service = "northside",
                                 .coding = 2,
                                 .mclass = 3,
                                 .mwi = 7,
                                 .compress = 1,
                                 .pid = 255,
                                 .alt_dcs = 0,
                                 .rpi = SMS_UNSET,
                                 .priority = 1,
                                 .valid_until_s = 0x0102030405060708,
                                 .deferred_until_s = 9,
                                 .text = SPAN("\0T\0e"),
                                 .udh = SPAN("\x05\x00\x03"),
                                 .meta_data = SPAN("?smpp?a=b"),
                                 .binfo = SPAN("binfo"),
                                 .account = SPAN("invoice 7") };
static const uint8_t full_bytes[] = "\x01"
                                    "\0\x03\0\x04\0\x08\0\x02\x01\0\0\x01\0\0\0\x02"
                                    "\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\x09"
                                    "\0\x06"
                                    "Clinic"
                                    "\0\x03"
                                    "own"
                                    "\0\x09"
                                    "northside"
                                    "\0\x04"
                                    "\0T\0e"
                                    "\0\x03"
                                    "\x05\0\x03"
                                    "\0\x09"
                                    "?smpp?a=b"
                                    "\0\x05"
                                    "binfo"
                                    "\0\x09"
                                    "invoice 7";
#define FULL_N (sizeof full_bytes - 1)

/* In a heap block of exactly n bytes; the spans of *out are dead then. */
static bool unpack_exact(const void *bytes, size_t n, struct sms *out)
{
    char *const block = malloc(n > 0 ? n : 1);
    bool ok;

    assert_non_null(block);
    memcpy(block, bytes, n);
    ok = sms_unpack(span_of(block, n), out);
    free(block);
    return ok;
}

static bool packs(const struct sms *m, struct buf *out)
{
    buf_init(out, SMS_PACKED_MAX);
    sms_pack(m, out);
    return buf_ok(out);
}

static void assert_same(const struct sms *a, const struct sms *b)
{
    const int32_t of_a[] = { a->coding, a->mclass,  a->mwi, a->compress,
                             a->pid,    a->alt_dcs, a->rpi, a->priority };
    const int32_t of_b[] = { b->coding, b->mclass,  b->mwi, b->compress,
                             b->pid,    b->alt_dcs, b->rpi, b->priority };

    assert_memory_equal(of_a, of_b, sizeof of_a);
    assert_string_equal(a->from, b->from);
    assert_string_equal(a->smsc, b->smsc);
    assert_string_equal(a->service, b->service);
    assert_int_equal(a->valid_until_s, b->valid_until_s);
    assert_int_equal(a->deferred_until_s, b->deferred_until_s);
    assert_true(span_eq(a->text, b->text));
    assert_true(span_eq(a->udh, b->udh));
    assert_true(span_eq(a->meta_data, b->meta_data));
    assert_true(span_eq(a->binfo, b->binfo));
    assert_true(span_eq(a->account, b->account));
}

/* What waits on disk outlives an upgrade: the bytes are written out here. */
static void an_sms_comes_back_as_it_went(void **state)
{
    struct sms empty, back;
    struct buf out;

    (void)state;
    assert_true(packs(&full, &out));
    assert_int_equal(out.n, FULL_N);
    assert_memory_equal(out.p, full_bytes, FULL_N);
    assert_true(sms_unpack(buf_span(&out), &back));
    assert_same(&full, &back);
    buf_clear(&out);

    sms_init(&empty);
    assert_int_equal(empty.coding, SMS_UNSET);
    assert_int_equal(empty.priority, SMS_UNSET);
    assert_true(packs(&empty, &out));
    assert_true(sms_unpack(buf_span(&out), &back));
    assert_same(&empty, &back);
    buf_clear(&out);
}

static void every_cut_of_an_sms_is_refused(void **state)
{
    struct sms back;

    (void)state;
    for (size_t n = 0; n < FULL_N; n++)
        assert_false(unpack_exact(full_bytes, n, &back));
    assert_true(unpack_exact(full_bytes, FULL_N, &back));
    assert_false(unpack_exact(full_bytes, FULL_N + 1, &back)); /* a NUL is left over */
}

/* A turned bit gives a refusal or another SMS, which packs to the turned bytes. */
static void every_turned_bit_is_refused_or_means_it(void **state)
{
    uint8_t bytes[FULL_N];
    struct sms back;
    struct buf again;

    (void)state;
    memcpy(bytes, full_bytes, FULL_N);
    for (size_t bit = 0; bit < 8 * FULL_N; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        (void)unpack_exact(bytes, FULL_N, &back);
        if (sms_unpack(span_of(bytes, FULL_N), &back)) {
            assert_true(packs(&back, &again));
            assert_int_equal(again.n, FULL_N);
            assert_memory_equal(again.p, bytes, FULL_N);
            buf_clear(&again);
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

/* smsbox's ranges. */
static const struct {
    size_t at;
    int32_t most;
} ranges[] = {
    { offsetof(struct sms, coding), 2 }, { offsetof(struct sms, mclass), 3 },
    { offsetof(struct sms, mwi), 7 },    { offsetof(struct sms, compress), 1 },
    { offsetof(struct sms, pid), 255 },  { offsetof(struct sms, alt_dcs), 1 },
    { offsetof(struct sms, rpi), 2 },    { offsetof(struct sms, priority), 3 },
};

static void numbers_have_the_ranges_of_sendsms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        for (int32_t v = -2; v <= ranges[i].most + 1; v++) {
            const bool good = v >= SMS_UNSET && v <= ranges[i].most;
            struct sms m = full, back;
            struct buf out;

            memcpy((char *)&m + ranges[i].at, &v, sizeof v);
            assert_int_equal(packs(&m, &out), good);
            buf_clear(&out);
            /* the same by the bytes: v + 1 at its place */
            assert_true(packs(&full, &out));
            out.p[1 + 2 * i] = (char)((v + 1) >> 8);
            out.p[2 + 2 * i] = (char)(v + 1);
            assert_int_equal(unpack_exact(out.p, out.n, &back), good);
            buf_clear(&out);
        }
}

/* The longest of each, and one byte more, both ways. */
static void texts_have_an_end(void **state)
{
    static const struct {
        size_t at, most;
    } rows[] = {
        { offsetof(struct sms, text), SMS_OCTETS_MAX },
        { offsetof(struct sms, udh), SMS_FIELD_MAX },
        { offsetof(struct sms, meta_data), SMS_FIELD_MAX },
        { offsetof(struct sms, binfo), SMS_FIELD_MAX },
        { offsetof(struct sms, account), SMS_FIELD_MAX },
    };
    const size_t texts_at = 1 + 16 + 16 + 2 + 6 + 2 + 3 + 2 + 9; /* in full's bytes */
    char *const long_text = calloc(1, SMS_OCTETS_MAX + 1);

    (void)state;
    assert_non_null(long_text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sms m = full, back;
        struct buf out, bytes;
        struct span s = { long_text, rows[i].most };

        memcpy((char *)&m + rows[i].at, &s, sizeof s);
        assert_true(packs(&m, &out));
        assert_true(sms_unpack(buf_span(&out), &back));
        assert_same(&m, &back);
        buf_clear(&out);
        s.n++;
        memcpy((char *)&m + rows[i].at, &s, sizeof s);
        assert_false(packs(&m, &out));
        buf_clear(&out);

        buf_init(&bytes, 2 * SMS_PACKED_MAX);
        buf_put_mem(&bytes, full_bytes, texts_at);
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            buf_put_be16(&bytes, k == i ? (uint16_t)s.n : 0);
            buf_put_mem(&bytes, long_text, k == i ? s.n : 0);
        }
        assert_true(buf_ok(&bytes));
        assert_false(unpack_exact(bytes.p, bytes.n, &back));
        buf_clear(&bytes);
    }
    free(long_text);
}

/* A name that fills its room has no place for a NUL; one with a NUL is two names. */
static void names_fit_or_are_refused(void **state)
{
    static const struct {
        size_t at, room;
    } rows[] = {
        { offsetof(struct sms, from), SMS_FROM_ROOM },
        { offsetof(struct sms, smsc), SMS_SMSC_ROOM },
        { offsetof(struct sms, service), SMS_SERVICE_ROOM },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sms m, back;
        struct buf out, longer;
        size_t at = 1 + 16 + 16 + 2 * i; /* of its length, all others being empty */

        sms_init(&m);
        memset((char *)&m + rows[i].at, 'a', rows[i].room - 1);
        assert_true(packs(&m, &out));
        assert_true(unpack_exact(out.p, out.n, &back));
        assert_int_equal(strlen((char *)&back + rows[i].at), rows[i].room - 1);

        buf_init(&longer, SMS_PACKED_MAX);
        buf_put_mem(&longer, out.p, at);
        buf_put_be16(&longer, (uint16_t)rows[i].room);
        buf_put_u8(&longer, 'a');
        buf_put_mem(&longer, out.p + at + 2, out.n - at - 2);
        assert_false(unpack_exact(longer.p, longer.n, &back));
        buf_clear(&longer);

        out.p[at + 2] = '\0';
        assert_false(unpack_exact(out.p, out.n, &back));
        buf_clear(&out);
    }
}

static void another_version_is_refused(void **state)
{
    uint8_t bytes[FULL_N];
    struct sms back;

    (void)state;
    memcpy(bytes, full_bytes, FULL_N);
    bytes[0] = 2;
    assert_false(unpack_exact(bytes, FULL_N, &back));
    bytes[0] = 0;
    assert_false(unpack_exact(bytes, FULL_N, &back));
}

/* What an application asks to be told. */

static const struct report_ask asked = { .mask = 0x01020304,
                                         .url = SPAN("http://a.example/%d"),
                                         .from = SPAN("Clinic"),
                                         .smsc = SPAN("own"),
                                         .account_param = SPAN("invoice") };
static const uint8_t asked_bytes[] = "\1\2\3\4"
                                     "\0\x13"
                                     "http://a.example/%d"
                                     "\0\x06"
                                     "Clinic"
                                     "\0\x03"
                                     "own"
                                     "\0\x07"
                                     "invoice";
#define ASKED_N (sizeof asked_bytes - 1)

static bool ask_unpack_exact(const void *bytes, size_t n, struct report_ask *out)
{
    char *const block = malloc(n > 0 ? n : 1);
    bool ok;

    assert_non_null(block);
    memcpy(block, bytes, n);
    ok = report_ask_unpack(span_of(block, n), out);
    free(block);
    return ok;
}

static void what_is_asked_comes_back_as_it_went(void **state)
{
    struct report_ask back;
    struct buf out;

    (void)state;
    buf_init(&out, 4 * REPORT_ASK_MAX);
    report_ask_pack(&asked, &out);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, ASKED_N);
    assert_memory_equal(out.p, asked_bytes, ASKED_N);
    assert_true(report_ask_unpack(buf_span(&out), &back));
    assert_int_equal(back.mask, asked.mask);
    assert_true(span_eq(back.url, asked.url));
    assert_true(span_eq(back.from, asked.from));
    assert_true(span_eq(back.smsc, asked.smsc));
    assert_true(span_eq(back.account_param, asked.account_param));
    buf_clear(&out);
}

/* No bytes: nothing is asked. Any other beginning is no question. */
static void every_cut_of_what_is_asked_is_refused(void **state)
{
    struct report_ask back = asked;

    (void)state;
    assert_true(ask_unpack_exact(asked_bytes, 0, &back));
    assert_int_equal(back.mask, 0);
    assert_int_equal(back.url.n, 0);
    for (size_t n = 1; n < ASKED_N; n++)
        assert_false(ask_unpack_exact(asked_bytes, n, &back));
    assert_true(ask_unpack_exact(asked_bytes, ASKED_N, &back));
    assert_false(ask_unpack_exact(asked_bytes, ASKED_N + 1, &back));
    assert_false(ask_unpack_exact("\0\0\0\1\0\0\0\0\0\0\0\0", 12, &back)); /* no URL */
}

static void without_a_url_nothing_is_asked(void **state)
{
    struct report_ask no_url = asked;
    struct buf out;

    (void)state;
    no_url.url.n = 0;
    buf_init(&out, 4 * REPORT_ASK_MAX);
    report_ask_pack(&no_url, &out);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, 0);
    buf_clear(&out);
}

static void what_is_asked_has_an_end(void **state)
{
    char *const long_text = calloc(1, REPORT_ASK_MAX + 1);

    (void)state;
    assert_non_null(long_text);
    for (size_t i = 0; i < 4; i++)
        for (size_t more = 0; more < 2; more++) {
            struct report_ask r = asked, back;
            struct span *const texts[] = { &r.url, &r.from, &r.smsc, &r.account_param };
            struct buf out;

            *texts[i] = span_of(long_text, REPORT_ASK_MAX + more);
            buf_init(&out, 8 * REPORT_ASK_MAX);
            report_ask_pack(&r, &out);
            assert_int_equal(buf_ok(&out), more == 0);
            assert_true(more == 1 || ask_unpack_exact(out.p, out.n, &back));
            buf_clear(&out);
        }
    free(long_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sms_comes_back_as_it_went),
        cmocka_unit_test(every_cut_of_an_sms_is_refused),
        cmocka_unit_test(every_turned_bit_is_refused_or_means_it),
        cmocka_unit_test(numbers_have_the_ranges_of_sendsms),
        cmocka_unit_test(texts_have_an_end),
        cmocka_unit_test(names_fit_or_are_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(what_is_asked_comes_back_as_it_went),
        cmocka_unit_test(every_cut_of_what_is_asked_is_refused),
        cmocka_unit_test(without_a_url_nothing_is_asked),
        cmocka_unit_test(what_is_asked_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
