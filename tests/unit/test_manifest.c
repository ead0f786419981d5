/* SPDX-License-Identifier: ISC */
/* test_manifest.c - the manifest read back by another JSON library.
 * Here:       strings as they came in, members, refusals.
 * Elsewhere:  what a mail says (test_mime.c), opening it (tests/interop). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>
#include "relay/calendar.h"
#include "relay/manifest.h"

static const uint8_t id[16] = { 1, 2, 0xff }, conversation[16] = { 9 };
static const char id_text[] = "0102ff00000000000000000000000000";

static bool look;                          /* the account has a colour and a logo */
static struct calendar_event *appointment; /* of the next mail */

static int write_with(const char *subject, struct span text, struct buf *out,
                      struct err *e)
{
    static struct mime_mail mail;
    struct mime_part part = { .type = "image/png", .name = "x\"y.png" };
    const struct manifest_part keys = { .key = { 0xfb } };
    const struct manifest m = { .message_id = id,
                                .conversation = conversation,
                                .brand = "Bränd",
                                .address = "a@b.example",
                                .color = look ? "#0a7d5c" : NULL,
                                .logo = look ? "/brand/0123456789abcdef.svg" : NULL,
                                .language = "en",
                                .date_s = 5,
                                .mail = &mail,
                                .parts = &keys };
    int rc;

    mail = (struct mime_mail){
        .text_cut = true, .parts = &part, .part_count = 1, .appointment = appointment
    };
    assert_true(span_copy(mail.subject, sizeof mail.subject, span_str(subject)));
    buf_init(&mail.text, 4096);
    buf_put_span(&mail.text, text);
    buf_init(&part.body, 64);
    buf_put(&part.body, "abc");
    rc = manifest_write(&m, out, e);
    buf_clear(&part.body);
    buf_clear(&mail.text);
    return rc;
}

static const struct {
    struct span in;
    bool good;
} rows[] = {
    { { "", 0 }, true },
    { { "two\nlines\tand \"quotes\" \\ /", 26 }, true },
    { { "\0\x01\x08\x0c\x1f\x7f\r", 7 }, true },
    { { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9 }, true },
    { { "caf\xe9", 4 }, false },
    { { "\xed\xa0\x80", 3 }, false }, /* a surrogate */
    { { "\xc0\x80", 2 }, false },     /* overlong */
};

/* What goes in comes out; cut anywhere it is a string or refused, and not read past. */
static void strings_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t n = 0; n <= rows[i].in.n; n++) {
            char *const exact = malloc(n > 0 ? n : 1);
            struct buf out;
            struct err e;
            json_t *j;
            int rc;

            assert_non_null(exact);
            memcpy(exact, rows[i].in.p, n);
            buf_init(&out, 8192);
            rc = write_with("s", span_of(exact, n), &out, &e);
            if (n == rows[i].in.n)
                assert_int_equal(rc, rows[i].good ? 0 : -1);
            if (rc == 0) {
                j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                               NULL);
                assert_non_null(j);
                assert_int_equal(json_string_length(json_object_get(j, "text")), n);
                assert_memory_equal(json_string_value(json_object_get(j, "text")),
                                    exact, n);
                json_decref(j);
            } else {
                assert_int_equal(e.class, ERR_TEMP);
            }
            buf_clear(&out);
            free(exact);
        }
}

static void members_are_all_there(void **state)
{
    const char *got_id, *brand, *address, *subject, *name, *got_conversation, *key;
    int v, date, cut, n, size, chunk;
    struct buf out;
    struct err e;
    json_t *j;

    (void)state;
    buf_init(&out, 8192);
    assert_int_equal(write_with("a \"subject\"", span_str("text"), &out, &e), 0);
    j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    assert_int_equal(json_unpack(j,
                                 "{s:i,s:s,s:{s:s,s:s!},s:s,s:i,s:s,s:b,s:s,s:s,"
                                 "s:[{s:i,s:s,s:s,s:i,s:i,s:s,s:s!}]!}",
                                 "v", &v, "id", &got_id, "from", "brand", &brand,
                                 "address", &address, "subject", &subject, "date",
                                 &date, "text", &name, "text_cut", &cut, "conversation",
                                 &got_conversation, "language", &name, "parts", "n", &n,
                                 "type", &name, "name", &name, "size", &size, "chunk",
                                 &chunk, "key", &key, "sha256", &name),
                     0);
    assert_string_equal(got_id, id_text);
    assert_string_equal(got_conversation, "09000000000000000000000000000000");
    assert_string_equal(brand, "Bränd");
    assert_string_equal(address, "a@b.example");
    assert_string_equal(subject, "a \"subject\"");
    assert_int_equal(v, 1);
    assert_int_equal(date, 5);
    assert_int_equal(cut, 1);
    assert_int_equal(n, 1);
    assert_int_equal(size, 3);
    assert_int_equal(chunk, STREAM_CHUNK);
    assert_int_equal(strncmp(key, "-wAAAA", 6), 0);
    json_decref(j);
    buf_clear(&out);
}

static void a_look_goes_along_where_there_is_one(void **state)
{
    const char *brand, *address, *color, *logo;
    struct buf out;
    struct err e;
    json_t *j;

    (void)state;
    buf_init(&out, 8192);
    look = true;
    assert_int_equal(write_with("s", span_str("text"), &out, &e), 0);
    look = false;
    j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_unpack(j, "{s:{s:s,s:s,s:s,s:s!}}", "from", "brand", &brand,
                                 "address", &address, "color", &color, "logo", &logo),
                     0);
    assert_string_equal(color, "#0a7d5c");
    assert_string_equal(logo, "/brand/0123456789abcdef.svg");
    json_decref(j);
    buf_clear(&out);
}

static void an_appointment_is_there(void **state)
{
    struct calendar_event event = { .method = "REQUEST",
                                    .uid = "u@x",
                                    .sequence = 4294967295,
                                    .summary = "Röntgen",
                                    .location = "Room 7",
                                    .description = "one\ntwo",
                                    .organizer = "a@b",
                                    .start_s = 4102444800,
                                    .end_s = 4102448400,
                                    .zone = "Europe/Berlin" };

    (void)state;
    for (int floating = 0; floating < 2; floating++) {
        struct buf out;
        struct err e;
        json_t *want, *j;

        event.floating = floating == 1;
        appointment = &event;
        buf_init(&out, 8192);
        assert_int_equal(write_with("s", span_str("text"), &out, &e), 0);
        appointment = NULL;
        j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
        want = json_loads(
            "{\"method\":\"REQUEST\",\"uid\":\"u@x\",\"sequence\":4294967295,"
            "\"summary\":\"Röntgen\",\"start\":4102444800,\"end\":4102448400,"
            "\"all_day\":false,\"zone\":\"Europe/Berlin\",\"location\":\"Room 7\","
            "\"organizer\":\"a@b\",\"description\":\"one\\ntwo\"}",
            0, NULL);
        assert_non_null(want);
        if (floating)
            assert_int_equal(json_object_set_new(want, "floating", json_true()), 0);
        assert_true(json_equal(want, json_object_get(j, "appointment")));
        json_decref(want);
        json_decref(j);
        buf_clear(&out);
    }
}

static void too_long_is_refused_for_good(void **state)
{
    struct buf out;
    struct err e;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(write_with("s", span_str("text"), &out, &e), -1);
    assert_int_equal(e.class, ERR_PERM);
    assert_string_equal(e.status, "5.3.4");
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_come_back),
        cmocka_unit_test(members_are_all_there),
        cmocka_unit_test(a_look_goes_along_where_there_is_one),
        cmocka_unit_test(an_appointment_is_there),
        cmocka_unit_test(too_long_is_refused_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
