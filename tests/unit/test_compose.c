/* SPDX-License-Identifier: ISC */
/* test_compose.c - the mails that go out: threads, encodings, nothing from outside raw.
 * Here:       whole messages checked as text, and read again by mime_parse and GMime.
 * Elsewhere:  handing them to an MTA (scenarios).
 * Called by:  make check. */
#include "relay/compose.h"
#include "relay/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <gmime/gmime.h>
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

/* RFC 2047 2: an encoded word has at most 75 bytes, and is not cut by a line. */
static void assert_words(struct buf *out)
{
    for (const char *p = strstr(buf_cstr(out), "=?"); p != NULL; p = strstr(p, "=?")) {
        const size_t n = strcspn(p, " \r\n>");

        if (n > 75 || n < 4 || memcmp(p + n - 2, "?=", 2) != 0)
            fail_msg("no encoded word: %.*s", (int)n, p);
        p += n;
    }
}

static GMimeMessage *read_back(const struct buf *out)
{
    GMimeStream *const stream = g_mime_stream_mem_new_with_buffer(out->p, out->n);
    GMimeParser *const parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *const m = g_mime_parser_construct_message(parser, NULL);

    assert_non_null(m);
    g_object_unref(parser);
    g_object_unref(stream);
    return m;
}

static void test_reply(void **state)
{
    struct buf out;
    struct mime_mail mail;

    (void)state;
    compose(&plain, false, &out);
    assert_holds(&out, "\r\nTo: desk@clinic.example\r\n");
    assert_holds(&out, "<r-abcdefghijklmnopqrstuvwx23@sms.example>\r\n");
    assert_holds(&out, "From: =?UTF-8?B?KzYxIDTigKLigKIg4oCi4oCi4oCiIDY3OA==?=");
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

/* Each field alone: what follows it must not hide that it leaks. */
static void test_injection_rows(void **state)
{
    static const char *const evil[] = {
        "<x@y>\r\nBcc: spy@evil.example", "<x@y>\nBcc: spy@evil.example",
        "<x@y>\rBcc: spy@evil.example",   "<x@y>\r\n\r\nBcc: spy@evil.example",
        "<x@y>\r\n\tBcc: <z@y>\n.\r\n",   "\r\nBcc: spy@evil.example",
    };

    (void)state;
    for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++)
        for (int field = 0; field < 10; field++) {
            struct compose_mail mail = plain;
            struct compose_status lie = status;
            const char **const fields[] = {
                &mail.subject,        &mail.from_name,  &mail.loop_id,
                &mail.mail_id,        &mail.references, &mail.in_reply_to,
                &lie.reporting_mta,   &lie.action,      &lie.status,
                &lie.final_recipient,
            };
            struct buf out;
            struct err e;

            *fields[field] = evil[i];
            buf_init(&out, 1U << 20);
            assert_int_equal(compose_report(&mail, &lie, &out, &e), 0);
            assert_lines(&out);
            refute_holds(&out, "\nBcc:");
            refute_holds(&out, "\n\tBcc:");
            refute_holds(&out, "\n.\r");
            buf_clear(&out);
        }
}

/* What a reader decodes of a subject or name is what was given, on one line. */
static void test_encoded_lines(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: the same */
    } rows[] = {
        { "Re: Appointment", NULL },
        { "+61 4•• ••• 678", NULL },
        { "O'Neil, Dr. \"Bob\" <x@y> \\ (desk); a:b", NULL },
        { "=?utf-8?Q?fake?= =?utf-8?B?DQpCY2M6IHg=?=", NULL },
        { "=?utf-8?Q?fake=0D=0ABcc:_x?=", NULL },
        { "é =?utf-8?Q?a?=", NULL },
        { "=?", NULL },
        { "予約は月曜日です予約は月曜日です予約は月曜日です予約は月曜日です予約は月曜日"
          "です",
          NULL },
        { "Запись на понедельник, двадцать третье ноября, девять часов утра", NULL },
        { "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98"
          "\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
          "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
          NULL },
        { "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
          "ww",
          NULL },
        { " two  \t blanks ", "two blanks" },
        { "a\r\nb\a\x1b[0m \xe2\x80\xae"
          "c\xc2\x85",
          "a b[0m c" },
        { "bad \xff\xc3", "bad \xef\xbf\xbd\xef\xbf\xbd" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const want = rows[i].out != NULL ? rows[i].out : rows[i].in;
        struct compose_mail mail = plain;
        struct buf out;
        GMimeMessage *m;
        InternetAddress *from;

        mail.subject = mail.from_name = rows[i].in;
        compose(&mail, false, &out);
        assert_words(&out);
        m = read_back(&out);
        assert_string_equal(g_mime_message_get_subject(m), want);
        assert_int_equal(internet_address_list_length(g_mime_message_get_from(m)), 1);
        from = internet_address_list_get_address(g_mime_message_get_from(m), 0);
        assert_string_equal(internet_address_get_name(from), want);
        assert_string_equal(
            internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(from)),
            plain.from);
        g_object_unref(m);
        buf_clear(&out);
    }
}

static void test_report_for_machines(void **state)
{
    static const char *const types[] = { "text/plain", "message/delivery-status",
                                         "text/rfc822-headers" };
    GMimeContentType *type;
    GMimeMultipart *report;
    GMimeMessage *m;
    struct buf out;

    (void)state;
    compose(&plain, true, &out);
    m = read_back(&out);
    report = GMIME_MULTIPART(g_mime_message_get_mime_part(m));
    type = g_mime_object_get_content_type(GMIME_OBJECT(report));
    assert_true(g_mime_content_type_is_type(type, "multipart", "report"));
    assert_string_equal(g_mime_content_type_get_parameter(type, "report-type"),
                        "delivery-status");
    assert_int_equal(g_mime_multipart_get_count(report), 3);
    for (int i = 0; i < 3; i++) {
        GMimeObject *const part = g_mime_multipart_get_part(report, i);
        char *const name =
            g_mime_content_type_get_mime_type(g_mime_object_get_content_type(part));

        assert_string_equal(name, types[i]);
        g_free(name);
    }
    g_object_unref(m);
    buf_clear(&out);
}

/* More ids than a header should carry: the answered one is what threads hang on. */
static void test_references_are_bounded(void **state)
{
    struct compose_mail mail = plain;
    struct buf ids, out;
    struct mime_mail back;

    (void)state;
    buf_init(&ids, 1U << 20);
    for (int i = 0; i < 2000; i++)
        buf_printf(&ids, "<%d.abcdefghijklmnopqrstuvwxyz@clinic.example> ", i);
    mail.references = buf_cstr(&ids);
    compose(&mail, false, &out);
    assert_true(out.n < 8192);
    parse(&out, &back);
    assert_non_null(strstr(back.references, plain.in_reply_to));
    mime_clear(&back);
    buf_clear(&out);
    buf_clear(&ids);
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
    mail.text = span_of("a\0b\r\0\nc", 7);
    compose(&mail, false, &out);
    parse(&out, &back);
    assert_null(memchr(back.text.p, '\0', back.text.n));
    mime_clear(&back);
    buf_clear(&out);
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
        cmocka_unit_test(test_injection_rows),
        cmocka_unit_test(test_encoded_lines),
        cmocka_unit_test(test_report_for_machines),
        cmocka_unit_test(test_references_are_bounded),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_long_line_and_too_long),
        cmocka_unit_test(test_addresses),
    };

    mime_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
