/* SPDX-License-Identifier: ISC */
/* test_log.c - log lines: what stands in them, what cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/err.h"
#include "relay/log.h"
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const uint8_t id[16] = {
    0x6f, 0x1c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff
};

static int real_stderr, heard;

/* Standard error becomes a socket that keeps the border of each write(2). */
static int capture(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    real_stderr = dup(STDERR_FILENO);
    assert_true(dup2(pair[1], STDERR_FILENO) >= 0);
    (void)close(pair[1]);
    heard = pair[0];
    log_start("front", L_INFO, false);
    return 0;
}

static int release(void **state)
{
    (void)state;
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    (void)close(heard);
    return 0;
}

/* The next write without its time stamp, "" when there was none. */
static const char *line(void)
{
    static char text[8192];
    const ssize_t n = recv(heard, text, sizeof text - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    return n < 25 ? text : text + 25;
}

static void assert_field(const struct log_field *field, const char *expected)
{
    static const char head[] = "event=test.ran level=info process=front ";
    const char *text;

    log_write(L_INFO, "test.ran", field, 1);
    text = line();
    assert_memory_equal(text, head, sizeof head - 1);
    assert_string_equal(text + sizeof head - 1, expected);
    assert_string_equal(line(), ""); /* one write only */
}

static void fields_quote_and_mask_by_themselves(void **state)
{
    static const struct {
        struct log_field field;
        const char *expected;
    } rows[] = {
        { LOG_STR("a", "plain-1.2:3/4"), "a=plain-1.2:3/4\n" },
        { LOG_STR("a", "two words"), "a=\"two words\"\n" },
        { LOG_STR("a", ""), "a=\"\"\n" },
        { LOG_STR("a", NULL), "a=\"\"\n" },
        { LOG_STR("a", "x=y"), "a=\"x=y\"\n" },
        { LOG_STR("a", "say \"hi\" \\"), "a=\"say \\\"hi\\\" \\\\\"\n" },
        { LOG_STR("a", "x\nevent=forged\r\t\x1b[2J\x7f"),
          "a=\"x\\nevent=forged\\x0d\\x09\\x1b[2J\\x7f\"\n" },
        { LOG_STR("a", "\xc3\xa4\xff"), "a=\"\\xc3\\xa4\\xff\"\n" },
        { LOG_U64("n", UINT64_MAX), "n=18446744073709551615\n" },
        { LOG_I64("n", -3), "n=-3\n" },
        { LOG_I64("n", INT64_MIN), "n=-9223372036854775808\n" },
        { LOG_ID("msg", id), "msg=6f1c00000000000000000000000000ff\n" },
        { LOG_ID("msg", NULL), "msg=\"\"\n" },
        { LOG_MSISDN("to", "61412345678"), "to=*678\n" },
        { LOG_MSISDN("to", "12345678"), "to=*678\n" },
        { LOG_MSISDN("to", "1234567"), "to=*\n" },
        { LOG_MSISDN("to", ""), "to=*\n" },
        { LOG_MSISDN("to", NULL), "to=*\n" },
        { LOG_MSISDN("to", "1234567\" \n"), "to=\"*\\\" \\n\"\n" },
        { LOG_ADDRESS("from", "jo@clinic.example"), "from=*@clinic.example\n" },
        { LOG_ADDRESS("from", "\"a@b\"@clinic.example"), "from=*@clinic.example\n" },
        { LOG_ADDRESS("from", "jo@x y"), "from=\"*@x y\"\n" },
        { LOG_ADDRESS("from", "jo"), "from=*\n" },
        { LOG_ADDRESS("from", NULL), "from=*\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_field(&rows[i].field, rows[i].expected);
}

static void put_minute(char out[32])
{
    const time_t now = time(NULL);
    struct tm utc;

    assert_non_null(gmtime_r(&now, &utc));
    assert_true(strftime(out, 32, "%Y-%m-%dT%H:%M:", &utc) > 0);
}

static void a_line_begins_with_the_time_in_utc(void **state)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
    char text[256] = "", before[32], after[32];

    (void)state;
    assert_int_equal(setenv("TZ", "XXX-7:30", 1), 0);
    tzset();
    put_minute(before);
    LOG(L_INFO, "test.ran", LOG_U64("n", 1));
    put_minute(after);
    assert_true(recv(heard, text, sizeof text - 1, 0) > 0);
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd')
            assert_in_range(text[i], '0', '9');
        else
            assert_int_equal(text[i], form[i]);
    assert_true(strncmp(text, before, strlen(before)) >= 0);
    assert_true(strncmp(text, after, strlen(after)) <= 0);
}

static void several_fields_and_a_failure(void **state)
{
    struct err e;

    (void)state;
    (void)err_set(&e, ERR_TEMP, "4.3.1", "put: %s", "No space left on device");
    LOG(L_WARN, "message.refused", LOG_ID("msg", id), LOG_WHY(&e));
    assert_string_equal(line(), "event=message.refused level=warn process=front "
                                "msg=6f1c00000000000000000000000000ff status=4.3.1 "
                                "why=\"put: No space left on device\"\n");
}

static void a_level_below_the_least_is_silent(void **state)
{
    (void)state;
    LOG(L_DEBUG, "test.ran", LOG_U64("n", 1));
    assert_string_equal(line(), "");
    assert_false(log_wants(L_DEBUG));
    log_start("keeper", L_DEBUG, false);
    LOG(L_DEBUG, "test.ran", LOG_U64("n", 1));
    assert_string_equal(line(), "event=test.ran level=debug process=keeper n=1\n");
}

static void what_is_too_long_is_cut_and_the_line_says_so(void **state)
{
    char many[1000], text[8192];
    const struct log_field big = LOG_STR("a", many);
    const struct log_field fields[] = { big, big, big,
                                        big, big, big,
                                        big, big, LOG_U64("last", 7) };
    size_t n;

    (void)state;
    memset(many, '\n', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    log_write(L_INFO, "test.ran", fields, sizeof fields / sizeof fields[0]);
    (void)snprintf(text, sizeof text, "%s", line());
    n = strlen(text);
    assert_in_range(n, 1000, 2048);
    assert_non_null(strstr(text, "\\n...\" a=\""));
    assert_string_equal(text + n - sizeof " last=7 cut=yes", " last=7 cut=yes\n");
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
}

static void errno_stays(void **state)
{
    (void)state;
    (void)close(STDERR_FILENO);
    errno = ENOSPC;
    LOG(L_ERROR, "test.ran", LOG_U64("n", 1));
    assert_int_equal(errno, ENOSPC);
}

static void syslog_takes_it_too(void **state)
{
    (void)state; /* nobody need listen; it must not speak on standard error */
    log_start("courier", L_INFO, true);
    LOG(L_INFO, "test.ran", LOG_U64("n", 1));
    assert_string_equal(line(), "");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, capture, release)
    const struct CMUnitTest tests[] = {
        CASE(fields_quote_and_mask_by_themselves),
        CASE(a_line_begins_with_the_time_in_utc),
        CASE(several_fields_and_a_failure),
        CASE(a_level_below_the_least_is_silent),
        CASE(what_is_too_long_is_cut_and_the_line_says_so),
        CASE(errno_stays),
        CASE(syslog_takes_it_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
