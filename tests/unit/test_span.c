/* SPDX-License-Identifier: ISC */
/* test_span.c - spans, capped buffers, cursors, and text encodings. */
#include "relay/encode.h"
#include "relay/err.h"
#include "relay/span.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_buffer_never_passes_its_cap(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    buf_put(&b, "1234");
    buf_printf(&b, "%d", 5678);
    assert_true(buf_ok(&b));
    buf_put(&b, "9");
    assert_false(buf_ok(&b));
    buf_put(&b, "");
    assert_false(buf_ok(&b)); /* sticky */
    assert_string_equal(buf_cstr(&b), "");
    buf_wipe(&b);
    assert_true(buf_ok(&b));
    buf_put_be16(&b, 0x0102);
    buf_put_be32(&b, 0x03040506);
    assert_memory_equal(b.p, "\1\2\3\4\5\6", 6);
    buf_clear(&b);
}

static void a_copy_is_whole_or_nothing(void **state)
{
    static const struct {
        const char *p;
        size_t n;
        bool ok;
    } rows[] = {
        { "abc", 3, true }, { "abcd", 4, false }, { "a\0b", 3, false }, { "", 0, true }
    };
    char to[4];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(span_copy(to, sizeof to, span_of(rows[i].p, rows[i].n)),
                         rows[i].ok);
        assert_string_equal(to, rows[i].ok ? rows[i].p : "");
    }
}

static void cursors_take_what_is_there_and_no_more(void **state)
{
    static const uint8_t bytes[] = { 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 9 };

    (void)state;
    for (size_t n = 0; n <= sizeof bytes; n++) { /* cut after every byte, exact room */
        uint8_t *copy = malloc(n == 0 ? 1 : n);
        struct cur c;
        uint8_t a;
        uint16_t b;
        uint32_t d;
        uint64_t e;

        memcpy(copy, bytes, n);
        c = cur_of(span_of(copy, n));
        assert_int_equal(cur_u8(&c, &a) && cur_be16(&c, &b) && cur_be32(&c, &d) &&
                             cur_be64(&c, &e),
                         n >= 15);
        if (n == 16) {
            assert_int_equal(a + b + d + e, 10);
            assert_int_equal(cur_left(&c), 1);
            assert_false(cur_be16(&c, &b));
            assert_int_equal(cur_left(&c), 1);
        }
        free(copy);
    }
}

static void encodings_have_one_spelling(void **state)
{
    static const struct {
        const char *bytes, *b64, *b32, *hex;
        size_t n;
    } rows[] = {
        { "f", "Zg", "my", "66", 1 },
        { "fo", "Zm8", "mzxq", "666f", 2 },
        { "foo", "Zm9v", "mzxw6", "666f6f", 3 },
        { "foob", "Zm9vYg", "mzxw6yq", "666f6f62", 4 },
        { "fooba", "Zm9vYmE", "mzxw6ytb", "666f6f6261", 5 },
        { "\xfb\xff", "-_8", "7p7q", "fbff", 2 },
    };
    static const char *const bad_b64[] = { "Z",   "Zh",  "Zg=",  "Zg==",
                                           "Z g", "Zm9", "Zm+v", "Z\xc3" };
    char text[32];
    uint8_t out[8];
    struct buf b;

    (void)state;
    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        b64url_put(&b, rows[i].bytes, rows[i].n);
        assert_string_equal(buf_cstr(&b), rows[i].b64);
        buf_clear(&b);
        assert_true(b64url_take(span_str(rows[i].b64), &b));
        assert_int_equal(b.n, rows[i].n);
        assert_memory_equal(b.p, rows[i].bytes, rows[i].n);
        assert_string_equal(b32_text(text, (const uint8_t *)rows[i].bytes, rows[i].n),
                            rows[i].b32);
        assert_true(b32_take(span_str(rows[i].b32), out, rows[i].n));
        assert_memory_equal(out, rows[i].bytes, rows[i].n);
        assert_string_equal(hex_text(text, (const uint8_t *)rows[i].bytes, rows[i].n),
                            rows[i].hex);
        assert_true(hex_take(span_str(rows[i].hex), out, rows[i].n));
        assert_memory_equal(out, rows[i].bytes, rows[i].n);
        assert_false(hex_take(span_str(rows[i].hex), out, rows[i].n + 1));
    }
    for (size_t i = 0; i < sizeof bad_b64 / sizeof bad_b64[0]; i++) {
        buf_clear(&b);
        assert_false(b64url_take(span_str(bad_b64[i]), &b));
        assert_int_equal(b.n, 0);
    }
    assert_true(b32_take(span_str("MZXW6YTB"), out, 5)); /* mail folds case */
    assert_false(b32_take(span_str("mz"), out, 1));      /* spare bits set */
    assert_false(b32_take(span_str("m1"), out, 1));
    assert_false(hex_take(span_str("AB"), out, 1));
    buf_clear(&b);
}

static void a_wrapped_error_keeps_its_class_and_story(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(err_set(&e, ERR_PERM, "5.1.1", "no %s", "number"), -1);
    assert_int_equal(err_wrap(&e, "message %d", 7), -1);
    assert_string_equal(e.text, "message 7: no number");
    assert_string_equal(e.status, "5.1.1");
    assert_int_equal(e.class, ERR_PERM);
    for (int i = 0; i < 100; i++)
        (void)err_wrap(&e, "again and again");
    assert_true(strlen(e.text) < sizeof e.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_never_passes_its_cap),
        cmocka_unit_test(a_copy_is_whole_or_nothing),
        cmocka_unit_test(cursors_take_what_is_there_and_no_more),
        cmocka_unit_test(encodings_have_one_spelling),
        cmocka_unit_test(a_wrapped_error_keeps_its_class_and_story),
    };

    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
