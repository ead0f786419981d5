/* SPDX-License-Identifier: ISC */
/* test_box_codec.c - the box protocol row by row: what is taken, what is refused, text.
 * Here:       frames as bytes, written by hand; each payload also cut after every byte.
 * Elsewhere:  the same against Debian's libgw (test_box_libgw.c).
 * Called by:  make check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "plugin/box_codec.h"
#include <stdlib.h>

#define ID "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
#define LEN_ID "\0\0\0\x24" ID
#define NUL4 "\xff\xff\xff\xff" /* a NULL string and an INT that is not set */
#define BYTES(literal)                 \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

/* sms: a to b, "hi", id, mo; the rest not set */
#define SMS_START \
    "\0\0\0\2"    \
    "\0\0\0\1a"   \
    "\0\0\0\1b" NUL4 "\0\0\0\2hi"
#define SMS_MIDDLE "\0\0\0\7" NUL4 NUL4 NUL4 NUL4 NUL4
#define SMS_TYPE_TO_URL                                         \
    "\0\0\0\0" NUL4 NUL4 "\0\0\0\2" NUL4 NUL4 NUL4 "\0\0\0\x22" \
    "\0\0\0\3ref"
#define SMS_PID_TO_END NUL4 NUL4 NUL4 "\0\0\0\0" NUL4 NUL4 NUL4 NUL4 NUL4 NUL4 NUL4
#define SMS SMS_START SMS_MIDDLE LEN_ID SMS_TYPE_TO_URL SMS_PID_TO_END

/* An exact-size heap copy, so that a sanitizer sees every byte read beyond it. */
static char *heap_copy(struct span s)
{
    char *p = malloc(s.n > 0 ? s.n : 1);

    assert_non_null(p);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p;
}

static int unpack_copy(struct span s, struct box_message *m, char **copy_out,
                       const char **why)
{
    *why = NULL;
    *copy_out = heap_copy(s);
    return box_unpack(span_of(*copy_out, s.n), m, why);
}

static const struct {
    const char *name;
    struct span payload;
    int rc;
    enum box_type type;
} rows[] = {
    { "heartbeat", BYTES("\0\0\0\0\0\0\0\5"), 0, BOX_HEARTBEAT },
    { "identify", BYTES("\0\0\0\1\0\0\0\3\0\0\0\3box"), 0, BOX_ADMIN },
    { "shutdown, no box id", BYTES("\0\0\0\1\0\0\0\0" NUL4), 0, BOX_ADMIN },
    { "empty is not NULL", BYTES("\0\0\0\1\0\0\0\0\0\0\0\0"), 0, BOX_ADMIN },
    { "ack", BYTES("\0\0\0\3\0\0\0\2\0\0\0\7" LEN_ID), 0, BOX_ACK },
    { "sms", BYTES(SMS), 0, BOX_SMS },
    { "no type", BYTES(""), -1, 0 },
    { "wdp is not for us", BYTES("\0\0\0\4" NUL4 NUL4 NUL4 NUL4 NUL4), -1, 0 },
    { "negative type", BYTES(NUL4), -1, 0 },
    { "byte left over", BYTES("\0\0\0\0\0\0\0\5x"), -1, 0 },
    { "length -2", BYTES("\0\0\0\1\0\0\0\3\xff\xff\xff\xfe"), -1, 0 },
    { "length 2^31-1",
      BYTES("\0\0\0\1\0\0\0\3\x7f\xff\xff\xff"
            "ab"),
      -1, 0 },
    { "length INT_MIN", BYTES("\0\0\0\1\0\0\0\3\x80\0\0\0ab"), -1, 0 },
    { "one too long", BYTES("\0\0\0\1\0\0\0\3\0\0\0\3ab"), -1, 0 },
    { "id NULL", BYTES("\0\0\0\3\0\0\0\2\0\0\0\7" NUL4), -1, 0 },
    { "id of 35",
      BYTES("\0\0\0\3\0\0\0\2\0\0\0\7\0\0\0\x23"
            "6ba7b810-9dad-41d1-80b4-00c04fd430c"),
      -1, 0 },
    { "id with a wrong letter",
      BYTES("\0\0\0\3\0\0\0\2\0\0\0\7\0\0\0\x24"
            "6ba7b810-9dad-41d1-80b4-00c04fd430cg"),
      -1, 0 },
    { "id with a dash too many",
      BYTES("\0\0\0\3\0\0\0\2\0\0\0\7\0\0\0\x24"
            "6ba7b810-9dad-41d1-80b4-00c04fd43-c8"),
      -1, 0 },
    { "id without its dash",
      BYTES("\0\0\0\3\0\0\0\2\0\0\0\7\0\0\0\x24"
            "6ba7b81009dad-41d1-80b4-00c04fd430c8"),
      -1, 0 },
};
#define ROWS (sizeof rows / sizeof rows[0])

static void pack_gives_the_same_bytes(const struct box_message *m, struct span payload)
{
    struct buf frame;
    size_t bytes;

    buf_init(&frame, BOX_HEAD + BOX_FRAME_MAX);
    box_pack(m, &frame);
    assert_true(buf_ok(&frame));
    assert_int_equal(box_frame_bytes(buf_span(&frame), &bytes), 1);
    assert_int_equal(bytes, frame.n);
    assert_int_equal(frame.n, BOX_HEAD + payload.n);
    assert_memory_equal(frame.p + BOX_HEAD, payload.p, payload.n);
    buf_clear(&frame);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct box_message m;
        const char *why;
        char *copy;
        const int rc = unpack_copy(rows[i].payload, &m, &copy, &why);

        if (rc != rows[i].rc)
            print_message("row: %s (%s)\n", rows[i].name, why == NULL ? "" : why);
        assert_int_equal(rc, rows[i].rc);
        if (rc == 0) {
            assert_int_equal(m.type, rows[i].type);
            pack_gives_the_same_bytes(&m, rows[i].payload);
        } else {
            assert_non_null(why);
        }
        free(copy);
    }
}

static void test_cut_after_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t n = 0; n < rows[i].payload.n; n++) {
            struct box_message m;
            const char *why;
            char *copy;

            /* a good row has no good beginning; a bad one may */
            if (unpack_copy(span_of(rows[i].payload.p, n), &m, &copy, &why) == 0)
                assert_int_equal(rows[i].rc, -1);
            else
                assert_non_null(why);
            free(copy);
        }
}

/* Every byte changed to the values that hurt most: refused or taken, never worse. */
static void test_each_byte_damaged(void **state)
{
    static const unsigned char worst[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff };

    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t at = 0; at < rows[i].payload.n; at++)
            for (size_t k = 0; k < sizeof worst; k++) {
                char *copy = heap_copy(rows[i].payload);
                struct box_message m;
                const char *why;

                copy[at] = (char)worst[k];
                (void)box_unpack(span_of(copy, rows[i].payload.n), &m, &why);
                free(copy);
            }
}

static void test_sms_fields(void **state)
{
    static const char sms[] = SMS;
    struct box_message m;
    const char *why;

    (void)state;
    assert_int_equal(box_unpack(span_of(sms, sizeof sms - 1), &m, &why), 0);
    assert_true(span_eq_str(m.sms.sender, "a"));
    assert_true(span_eq_str(m.sms.receiver, "b"));
    assert_null(m.sms.udhdata.p);
    assert_true(span_eq_str(m.sms.msgdata, "hi"));
    assert_int_equal(m.sms.time, 7);
    assert_string_equal(m.sms.id, ID);
    assert_int_equal(m.sms.sms_type, BOX_MO);
    assert_int_equal(m.sms.coding, BOX_UCS2);
    assert_int_equal(m.sms.mclass, BOX_NONE);
    assert_int_equal(m.sms.dlr_mask, 0x22);
    assert_true(span_eq_str(m.sms.dlr_url, "ref"));
    assert_non_null(m.sms.charset.p); /* empty, not NULL */
    assert_int_equal(m.sms.charset.n, 0);
    assert_null(m.sms.meta_data.p);
}

static void test_init_sets_nothing(void **state)
{
    struct box_message m;

    (void)state;
    box_init(&m, BOX_SMS);
    assert_null(m.sms.sender.p);
    assert_null(m.sms.meta_data.p);
    assert_int_equal(m.sms.time, BOX_NONE);
    assert_int_equal(m.sms.resend_time, BOX_NONE);
    assert_string_equal(m.sms.id, "00000000-0000-0000-0000-000000000000");
}

static void test_frame_bytes(void **state)
{
    static const struct {
        struct span stream;
        int rc;
        size_t bytes;
    } heads[] = {
        { BYTES(""), 0, 0 },
        { BYTES("\0\0\0"), 0, 0 },
        { BYTES("\0\0\0\4"), 1, 8 },
        { BYTES("\0\0\0\x0c"
                "and more"),
          1, 16 },
        { BYTES("\0\x10\0\0"), 1, BOX_HEAD + BOX_FRAME_MAX },
        { BYTES("\0\x10\0\1"), -1, 0 }, /* one beyond 1 MiB */
        { BYTES("\0\0\0\3"), -1, 0 },   /* no room for a type */
        { BYTES("\0\0\0\0"), -1, 0 },
        { BYTES("\xff\xff\xff\xfe"), -1, 0 },
        { BYTES("\x7f\xff\xff\xff"), -1, 0 },
        { BYTES("HTTP/1.1 400"), -1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char *copy = heap_copy(heads[i].stream);
        size_t bytes = 0;

        assert_int_equal(box_frame_bytes(span_of(copy, heads[i].stream.n), &bytes),
                         heads[i].rc);
        assert_int_equal(bytes, heads[i].bytes);
        free(copy);
    }
}

static void test_pack_too_long(void **state)
{
    char *huge = calloc(1, BOX_FRAME_MAX);
    struct box_message m;
    struct buf out;

    (void)state;
    assert_non_null(huge);
    box_init(&m, BOX_SMS);
    m.sms.msgdata = span_of(huge, BOX_FRAME_MAX);
    buf_init(&out, 2 * BOX_FRAME_MAX);
    box_pack(&m, &out);
    assert_false(buf_ok(&out));
    assert_int_equal(out.n, 0);
    buf_clear(&out);
    free(huge);
}

static void test_text(void **state)
{
    static const struct {
        struct span utf8, utf16; /* utf16.p NULL: not UTF-8 */
    } texts[] = {
        { BYTES(""), BYTES("") },
        { BYTES("Hi"), BYTES("\0H\0i") },
        { BYTES("\xd0\x9f"), BYTES("\x04\x1f") },                 /* Cyrillic */
        { BYTES("\xe2\x82\xac"), BYTES("\x20\xac") },             /* euro */
        { BYTES("\xf0\x9f\x99\x82"), BYTES("\xd8\x3d\xde\x42") }, /* a pair */
        { BYTES("\xf4\x8f\xbf\xbf"), BYTES("\xdb\xff\xdf\xff") }, /* the last one */
        { BYTES("a\xff"), { NULL, 0 } },
        { BYTES("\xed\xa0\x80"), { NULL, 0 } }, /* a surrogate */
        { BYTES("\xc3"), { NULL, 0 } },
    };
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *copy = heap_copy(texts[i].utf8);

        assert_int_equal(box_utf16_put(span_of(copy, texts[i].utf8.n), &out),
                         texts[i].utf16.p != NULL);
        if (texts[i].utf16.p != NULL) {
            assert_true(span_eq(buf_span(&out), texts[i].utf16));
            buf_clear(&out);
            box_text_put(texts[i].utf16, BOX_UCS2, &out);
            assert_true(span_eq(buf_span(&out), texts[i].utf8));
        }
        free(copy);
        buf_clear(&out);
    }
}

static void test_text_of_a_handset(void **state)
{
    static const struct {
        int32_t coding;
        struct span in;
        const char *utf8;
    } texts[] = {
        { BOX_GSM7, BYTES("STOP"), "STOP" },
        { BOX_NONE, BYTES("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f" },
        { BOX_GSM7, BYTES("gr\xfc"), "gr\xef\xbf\xbd" },
        { BOX_UCS2, BYTES("\0a\0"), "a\xef\xbf\xbd" }, /* half a unit */
        { BOX_UCS2, BYTES("\xd8\x3d\0a"),
          "\xef\xbf\xbd"
          "a" }, /* half a pair */
        { BOX_UCS2, BYTES("\xde\x42\0a"),
          "\xef\xbf\xbd"
          "a" }, /* the other half */
        { BOX_UCS2, BYTES("\xd8\x3d"), "\xef\xbf\xbd" },
        { BOX_UCS2, BYTES("\xd8\x3d\xd8\x3d"), "\xef\xbf\xbd\xef\xbf\xbd" },
        { BOX_UCS2, BYTES("\xd8\x3d\xdb\xff"), "\xef\xbf\xbd\xef\xbf\xbd" },
    };
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t n = 0; n <= texts[i].in.n; n++) {
            char *copy = heap_copy(span_of(texts[i].in.p, n));

            buf_clear(&out);
            box_text_put(span_of(copy, n), texts[i].coding, &out);
            assert_true(buf_ok(&out));
            free(copy);
        }
        assert_true(span_eq_str(buf_span(&out), texts[i].utf8));
    }
    buf_clear(&out);
}

static void test_is_text(void **state)
{
    static const struct {
        struct span bytes;
        bool is_text;
    } rows_of_bytes[] = {
        { BYTES(""), true },
        { { NULL, 0 }, true },
        { BYTES("Yes, sch\xc3\xb6n\r\n\tand more"), true },
        { BYTES("\xf0\x9f\x99\x82"), true },
        { BYTES("a\0b"), false },
        { BYTES("\x06\x05\x04"), false },
        { BYTES("a\x7f"), false },
        { BYTES("gr\xfc\xdf"), false },
        { BYTES("cut \xc3"), false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows_of_bytes / sizeof rows_of_bytes[0]; i++) {
        char *copy = heap_copy(rows_of_bytes[i].bytes);

        assert_int_equal(box_is_text(span_of(copy, rows_of_bytes[i].bytes.n)),
                         rows_of_bytes[i].is_text);
        free(copy);
    }
}

static void test_uuid(void **state)
{
    static const uint8_t zeros[16];
    char text[BOX_UUID_LEN + 1];
    uint8_t ones[16];

    (void)state;
    memset(ones, 0xff, sizeof ones);
    box_uuid_text(zeros, text);
    assert_string_equal(text, "00000000-0000-4000-8000-000000000000");
    box_uuid_text(ones, text);
    assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

static void test_dlr_event(void **state)
{
    static const struct {
        int32_t mask;
        uint32_t event;
    } masks[] = {
        { 1, 1 },    { 2, 2 },     { 4, 4 }, { 8, 8 },  { 16, 16 },  { 0x22, 2 },
        { 0x42, 2 }, { 1 | 8, 1 }, { 0, 0 }, { -1, 0 }, { 0x20, 0 }, { INT32_MIN, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++)
        assert_int_equal(box_dlr_event(masks[i].mask), masks[i].event);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_cut_after_every_byte),
        cmocka_unit_test(test_each_byte_damaged),
        cmocka_unit_test(test_sms_fields),
        cmocka_unit_test(test_init_sets_nothing),
        cmocka_unit_test(test_frame_bytes),
        cmocka_unit_test(test_pack_too_long),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_of_a_handset),
        cmocka_unit_test(test_is_text),
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_dlr_event),
    };

    return cmocka_run_group_tests_name("box_codec", tests, NULL, NULL);
}
