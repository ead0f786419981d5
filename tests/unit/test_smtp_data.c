/* SPDX-License-Identifier: ISC */
/* test_smtp_data.c - the bytes behind DATA, in one piece and in every two and one-byte
 * pieces.
 * Here:       ends, dots, smuggling, lengths.
 * Elsewhere:  how a session answers (tests/scenario).
 * Called by:  make check. */
#include "plugin/smtp_data.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define MAX 40U
#define LINE10 "0123456789"
#define LINE100 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10
#define LINE900 LINE100 LINE100 LINE100 LINE100 LINE100 LINE100 LINE100 LINE100 LINE100
#define LINE998 \
    LINE900 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 LINE10 "01234567"
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct {
    struct span in;
    size_t max;
    int rc;
    enum smtp_data_fault fault;
    struct span body;
    size_t rest; /* bytes behind the end */
} rows[] = {
    { S(".\r\n"), MAX, 1, SMTP_DATA_FINE, S(""), 0 },
    { S("a\r\n.\r\n"), MAX, 1, SMTP_DATA_FINE, S("a\r\n"), 0 },
    { S("a\r\n\r\nb\r\n.\r\nQUIT\r\n"), MAX, 1, SMTP_DATA_FINE, S("a\r\n\r\nb\r\n"),
      6 },
    { S("..\r\n.\r\n"), MAX, 1, SMTP_DATA_FINE, S(".\r\n"), 0 },
    { S("..a\r\n.b\r\n.\r\n"), MAX, 1, SMTP_DATA_FINE, S(".a\r\nb\r\n"), 0 },
    { S("a.\r\n.\r\n"), MAX, 1, SMTP_DATA_FINE, S("a.\r\n"), 0 },
    { S(". \r\n.\r\n"), MAX, 1, SMTP_DATA_FINE, S(" \r\n"), 0 },
    { S("a"), MAX, 0, SMTP_DATA_FINE, S("a"), 0 },
    { S("a\r\n."), MAX, 0, SMTP_DATA_FINE, S("a\r\n"), 0 },
    { S("a\r\n.\r"), MAX, 0, SMTP_DATA_FINE, S("a\r\n"), 0 },
    /* what smugglers send */
    { S("a\n.\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\n.\r\nx"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r\n.\nx"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r.\r"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r\n.\rx"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r.\r\nx"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r\r\n.\r\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r\n.\r\r\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S(".\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r\n\n.\r\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\0b\r\n.\r\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S(".\0\r\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    { S("a\r\0\n"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
    /* lengths */
    { S(LINE900 "\r\n" LINE100 "\r\n.\r\n"), 2000, 1, SMTP_DATA_FINE,
      S(LINE900 "\r\n" LINE100 "\r\n"), 0 }, /* each line counts from its start */
    { S(LINE998 "\r\n.\r\n"), 2000, 1, SMTP_DATA_FINE, S(LINE998 "\r\n"), 0 },
    { S("." LINE998 "\r\n.\r\n"), 2000, 1, SMTP_DATA_FINE, S(LINE998 "\r\n"), 0 },
    { S("a\r\n" LINE998 "8\r\nb\r\n.\r\nQ"), 2000, 1, SMTP_DATA_LONG_LINE, S(""), 1 },
    { S(LINE10 LINE10 LINE10 "01234567\r\n.\r\n"), MAX, 1, SMTP_DATA_FINE,
      S(LINE10 LINE10 LINE10 "01234567\r\n"), 0 },
    { S(LINE10 LINE10 LINE10 "012345678\r\n.\r\n"), MAX, 1, SMTP_DATA_TOO_BIG, S(""),
      0 },
    { S(LINE100 "\r\n..\r\n.\r\nQ"), MAX, 1, SMTP_DATA_TOO_BIG, S(""), 1 },
    { S(LINE100 "\r\n.\nQ"), MAX, -1, SMTP_DATA_LINE_ENDS, S(""), 0 },
};

/* Feeds a piece from a heap block of its exact size. */
static int feed(struct smtp_data *d, const char *p, size_t n, size_t *total)
{
    char *const copy = malloc(n + (n == 0));
    size_t used;
    int rc;

    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, p, n);
    rc = smtp_data_feed(d, span_of(copy, n), &used);
    free(copy);
    assert_true(rc == 0 ? used == n : used <= n);
    *total += used;
    return rc;
}

static void check_end(size_t i, const struct smtp_data *d, int rc, size_t total)
{
    assert_int_equal(rc, rows[i].rc);
    assert_int_equal(d->fault, rows[i].fault);
    if (rc >= 0) {
        assert_int_equal(total, rows[i].in.n - rows[i].rest);
        assert_true(span_eq(buf_span(&d->body), rows[i].body));
    }
}

static void in_two_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t at = 0; at <= rows[i].in.n; at++) {
            struct smtp_data d;
            size_t total = 0;
            int rc;

            smtp_data_start(&d, rows[i].max);
            rc = feed(&d, rows[i].in.p, at, &total);
            if (rc == 0)
                rc = feed(&d, rows[i].in.p + at, rows[i].in.n - at, &total);
            check_end(i, &d, rc, total);
            smtp_data_clear(&d);
        }
}

static void byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_data d;
        size_t total = 0;
        int rc = 0;

        smtp_data_start(&d, rows[i].max);
        for (size_t k = 0; rc == 0 && k < rows[i].in.n; k++)
            rc = feed(&d, rows[i].in.p + k, 1, &total);
        check_end(i, &d, rc, total);
        smtp_data_clear(&d);
    }
}

static void a_caller_may_discard(void **state)
{
    struct smtp_data d;
    size_t total = 0;

    (void)state;
    smtp_data_start(&d, MAX);
    assert_int_equal(feed(&d, "secret\r\n", 8, &total), 0);
    smtp_data_discard(&d, SMTP_DATA_NO_ROOM);
    assert_null(d.body.p);
    assert_int_equal(feed(&d, LINE998 "8\r\n.\r\n", 1004, &total), 1);
    assert_int_equal(d.fault, SMTP_DATA_NO_ROOM); /* the first one stays */
    smtp_data_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_two_pieces),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(a_caller_may_discard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
