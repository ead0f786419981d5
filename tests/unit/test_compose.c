/* SPDX-License-Identifier: ISC */
/* test_compose.c - the mails that go out: threads, encodings, nothing from outside raw.
 * Here:       whole messages checked as text, and read again by mime_parse.
 * Elsewhere:  handing them to an MTA (scenarios).
 * Called by:  make check. */
#include "relay/compose.h"
#include "relay/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct compose_mail plain = {
    .from_name = "+61 4•• ••• 678",
    .from = "r-abcdefghijklmnopqrstuvwx23@sms.example",
    .to = "desk@clinic.example",
    .subject = "Re: Appointment",
    .mail_id = "<1@sms.example>",
    .in_reply_to = "<9@clinic.example>",
    .references = "<7@clinic.example> <8@clinic.example>",
    .loop_id = "sms.example",
    .date_s = 1795467600,
    .text = { "Yes\nthanks", 10 },
};

static const struct compose_status status = {
    .reporting_mta = "sms.example",
    .final_recipient = "+614•••••678@sms.example",
    .action = "failed",
    .status = "5.4.7",
    .arrived_s = 1795467600,
};

static void assert_holds(struct buf *out, const char *needle)
{
    if (strstr(buf_cstr(out), needle) == NULL)
        fail_msg("no \"%s\" in:\n%s", needle, buf_cstr(out));
}

static void refute_holds(struct buf *out, const char *needle)
{
    if (strstr(buf_cstr(out), needle) != NULL)
        fail_msg("\"%s\" in:\n%s", needle, buf_cstr(out));
}

/* What every mail owes to SMTP: CRLF lines of at most 998 bytes, 7 bit, no NUL. */
static void assert_lines(const struct buf *out)
{
    size_t column = 0;

    assert_true(out->n > 2 && out->p[out->n - 1] == '\n');
    for (size_t i = 0; i < out->n; i++) {
        assert_true(out->p[i] > 0);
        assert_int_equal(out->p[i] == '\n', i > 0 && out->p[i - 1] == '\r');
        column = out->p[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 999); /* with the CR */
    }
}

static void compose(const struct compose_mail *mail, bool report, struct buf *out)
{
    struct err e;

    buf_init(out, 8U << 20);
    assert_int_equal(report ? compose_report(mail, &status, out, &e)
                            : compose_reply(mail, out, &e),
                     0);
    assert_lines(out);
}

static void parse(const struct buf *out, struct mime_mail *mail)
{
    struct err e;

    assert_int_equal(mime_check(buf_span(out), "another", &e), 0);
    assert_int_equal(mime_parse(mail, buf_span(out), &e), 0);
}

static void test_reply(void **state)
{
    struct buf out;
    struct mime_mail mail;

    (void)state;
    compose(&plain, false, &out);
    assert_holds(&out, "\r\nTo: desk@clinic.example\r\n");
    assert_holds(&out, "<r-abcdefghijklmnopqrstuvwx23@sms.example>\r\n");
    assert_holds(&out, "From: +61 =?UTF-8?");
    assert_holds(&out, "Subject: Re: Appointment\r\n");
    assert_holds(&out, "Message-ID: <1@sms.example>\r\n");
    assert_holds(&out, "In-Reply-To: <9@clinic.example>\r\n");
    assert_holds(&out, "References: <7@clinic.example> <8@clinic.example>");
    assert_holds(&out, "X-Sealpost-Loop: sms.example\r\n");
    assert_holds(&out, "Date: Mon, 23 Nov 2026 21:00:00 +0000\r\n");
    assert_holds(&out, "MIME-Version: 1.0\r\n");
    refute_holds(&out, "Auto-Submitted");
    parse(&out, &mail);
    assert_string_equal(mail.subject, "Re: Appointment");
    assert_string_equal(mail.mail_id, plain.mail_id);
    assert_string_equal(mail.references,
                        "<7@clinic.example> <8@clinic.example> <9@clinic.example>");
    assert_int_equal(mail.date_s, plain.date_s);
    assert_false(mail.automatic);
    assert_string_equal(buf_cstr(&mail.text), "Yes\nthanks\n");
    mime_clear(&mail);
    buf_clear(&out);
}

static void test_report(void **state)
{
    struct buf out;
    struct mime_mail mail;

    (void)state;
    compose(&plain, true, &out);
    assert_holds(&out, "Auto-Submitted: auto-replied\r\n");
    assert_holds(&out, "Content-Type: multipart/report; ");
    assert_holds(&out, "report-type=delivery-status");
    assert_holds(&out, "Reporting-MTA: dns; sms.example\r\n");
    assert_holds(&out, "\r\n\r\nFinal-Recipient: rfc822; +614*****678@sms.example\r\n"
                       "Action: failed\r\nStatus: 5.4.7\r\n");
    assert_holds(&out, "Arrival-Date: Mon, 23 Nov 2026 21:00:00 +0000\r\n");
    parse(&out, &mail);
    assert_true(mail.automatic);
    assert_string_equal(buf_cstr(&mail.text), "Yes\nthanks\n");
    assert_int_equal(mail.part_count, 2);
    assert_string_equal(mail.parts[0].type, "message/delivery-status");
    assert_string_equal(mail.parts[1].type, "text/rfc822-headers");
    assert_string_equal(buf_cstr(&mail.parts[1].body),
                        "Message-ID: <9@clinic.example>\r\n");
    mime_clear(&mail);
    buf_clear(&out);
}

static void test_report_of_unknown_mail(void **state)
{
    struct compose_mail mail = plain;
    struct buf out;

    (void)state;
    mail.in_reply_to = "";
    compose(&mail, true, &out);
    refute_holds(&out, "rfc822-headers");
    refute_holds(&out, "In-Reply-To");
    buf_clear(&out);
}

/* What may come from a stranger stays inside its field. */
static void test_injection(void **state)
{
    static const char evil[] = "x\r\nBcc: spy@evil.example\r\n\r\nbody \x1b[31m\xff";
    struct compose_status lie = status;
    struct compose_mail mail = plain;
    struct buf out;
    struct err e;

    (void)state;
    mail.subject = mail.from_name = mail.loop_id = mail.references = evil;
    mail.mail_id = mail.in_reply_to = "<x@y>\r\nBcc: spy@evil.example";
    lie.final_recipient = lie.reporting_mta = lie.action = lie.status = evil;
    buf_init(&out, 1U << 20);
    assert_int_equal(compose_report(&mail, &lie, &out, &e), 0);
    assert_lines(&out);
    refute_holds(&out, "\nBcc:");
    refute_holds(&out, "\x1b");
    refute_holds(&out, "=1B"); /* nor in an encoded word */
    refute_holds(&out, "=0D");
    buf_clear(&out);
}

static void test_long_fields(void **state)
{
    struct compose_mail mail = plain;
    char *const word = malloc(3001), *const id = malloc(253);
    char ids[2540] = "";
    struct buf out;
    struct mime_mail back;

    (void)state;
    assert_non_null(word);
    assert_non_null(id);
    memset(word, 'w', 3000);
    word[900] = '\0';
    (void)snprintf(id, 253, "<%.*s@%.*s>", 120, word, 129, word);
    for (size_t i = 0; i < 8; i++)
        (void)snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s ", id);
    mail.subject = mail.from_name = word;
    mail.mail_id = "<2@sms.example>";
    mail.in_reply_to = "<9@clinic.example>";
    mail.references = ids;
    compose(&mail, false, &out);
    parse(&out, &back);
    assert_string_equal(back.subject, word);
    assert_non_null(strstr(back.references, id));
    mime_clear(&back);
    buf_clear(&out);
    free(word);
    free(id);
}

static void test_texts(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "", "\n" },
        { "a", "a\n" },
        { "a\r\nb\r\n", "a\nb\n" },
        { ".\n..\nFrom me\n--\n-- \n", ".\n..\nFrom me\n--\n-- \n" },
        { "caf\xc3\xa9 = 100% \xf0\x9f\x98\x80",
          "caf\xc3\xa9 = 100% \xf0\x9f\x98\x80\n" },
        { "blank at end \t\nx", "blank at end \t\nx\n" },
        { "bad \xff\xc3", "bad \xef\xbf\xbd\xef\xbf\xbd\n" },
        { "bell\a esc\x1b", "bell esc\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compose_mail mail = plain;
        struct mime_mail back;
        struct buf out;

        mail.text = span_str(rows[i].in);
        compose(&mail, false, &out);
        parse(&out, &back);
        if (rows[i].in[0] != '\0')
            assert_string_equal(buf_cstr(&back.text), rows[i].out);
        mime_clear(&back);
        buf_clear(&out);
    }
}

static void test_long_line_and_too_long(void **state)
{
    struct compose_mail mail = plain;
    char *const text = malloc((1U << 20) + 1);
    struct mime_mail back;
    struct buf out;
    struct err e;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', (1U << 20) + 1);
    mail.text = span_of(text, 5000);
    compose(&mail, false, &out);
    parse(&out, &back);
    assert_int_equal(back.text.n, 5001);
    mime_clear(&back);
    buf_clear(&out);
    mail.text = span_of(text, (1U << 20) + 1);
    buf_init(&out, 8U << 20);
    assert_int_equal(compose_reply(&mail, &out, &e), -1);
    assert_string_equal(e.status, "5.3.4");
    buf_clear(&out);
    buf_init(&out, 100); /* the caller's room */
    assert_int_equal(compose_reply(&plain, &out, &e), -1);
    assert_string_equal(e.status, "5.3.4");
    buf_clear(&out);
    free(text);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "@x",
        "x@",
        "a@b@c",
        "a b@c",
        "a@b\r\nc",
        "<a@b>",
        "a@b,c@d",
        "\"a\"@b",
        "a@b(c)",
        "a@b;",
        "a\\@b",
        "a@b\x7f",
        "a:b@c",
        "caf\xc3\xa9@b",
        "a@b.\xc3\xa9",
        "a\t@b",
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int from = 0; from < 2; from++) {
            struct compose_mail mail = plain;
            struct buf out;

            *(from ? &mail.from : &mail.to) = bad[i];
            buf_init(&out, 1U << 20);
            if (compose_reply(&mail, &out, &e) == 0)
                fail_msg("\"%s\" taken", bad[i]);
            assert_int_equal(e.class, ERR_PERM);
            assert_string_equal(e.status, "5.6.0");
            assert_int_equal(out.n, 0);
            buf_clear(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_report_of_unknown_mail),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_long_line_and_too_long),
        cmocka_unit_test(test_addresses),
    };

    mime_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
