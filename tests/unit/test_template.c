/* SPDX-License-Identifier: ISC */
/* test_template.c - the texts that people read, and the room that they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/template.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHIPPED "templates"

static char dir[32];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int dir_remove(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *name, struct span text)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    (void)unlink(path); /* some file systems wait for the disk on overwriting */
    file = fopen(path, "w");
    assert_non_null(file);
    if (text.n > 0)
        assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    assert_int_equal(fclose(file), 0);
}

static const struct {
    const char *name, *text;
} good[] = {
    { "sms/en/notice.txt", "{{brand}}: {{link}}\n" },
    { "sms/en/otp.txt", "{{otp}} it is.\n\n@{{host}} #{{otp}}\n" },
    { "sms/en/device-added.txt", "new on {{host}}" },
    { "sms/en/stopped.txt", "stopped\n\n" },
    { "sms/en/started.txt", "started" },
    { "sms/en/help.txt", "{{brand}} by {{host}}" },
    { "sms/en/wrong.txt", "wrong" },
    { "sms/en/removed.txt", "gone" },
    { "sms/en/confirm.txt", "new on {{host}}" },
    { "mail/en/reply.txt", "{{text}}\n-- {{number}}\n" },
    { "mail/en/expired.txt", "{{number}} {{date}}\n" },
    { "mail/en/undeliverable.txt", "{{number}}" },
    { "mail/en/wrong-number.txt", "{{number}}" },
    { "sms/de/notice.txt", "{{brand}} \xc3\xa4: {{link}}" },
    { "sms/de-CH/stopped.txt", "gestoppt" },
};

/* A directory with a short good text of each name. */
static int dir_make(void **state)
{
    static const char *const folders[] = { "sms",    "mail",      "sms/en",
                                           "sms/de", "sms/de-CH", "mail/en" };
    char path[128];

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/sealpost-test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        put_file(good[i].name, span_str(good[i].text));
    put_file("sms/README", span_str("not a language"));
    put_file("sms/en/notice.txt~", span_str("{{nonsense"));
    return 0;
}

static struct templates *load(const char *from)
{
    struct err e = { .text = "" };
    struct templates *const t = templates_load(from, &e);

    if (t == NULL)
        fail_msg("%s", e.text);
    return t;
}

static const struct template_value values[] = {
    { "brand", { "Northside Clinic", 16 } },
    { "link", { "https://m.x/m/ab", 16 } },
    { "otp", { "123456", 6 } },
    { "host", { "m.x", 3 } },
    { "number", { "+61 4 678", 9 } },
    { "date", { "3 May", 5 } },
    { "text", { "Yes.\n{{otp}}", 12 } },
};
#define VALUES values, sizeof values / sizeof values[0]

static const char *render(const struct templates *t, enum template_id id,
                          const char *language)
{
    static char text[4096];
    struct buf out;
    struct err e;

    buf_init(&out, sizeof text - 1);
    assert_int_equal(template_render(t, id, language, VALUES, &out, &e), 0);
    assert_true(span_copy(text, sizeof text, buf_span(&out)));
    buf_clear(&out);
    return text;
}

static void a_language_falls_back_to_its_parent_and_to_english(void **state)
{
    static const struct {
        enum template_id id;
        const char *language, *expected;
    } rows[] = {
        { TEMPLATE_SMS_NOTICE, "en", "Northside Clinic: https://m.x/m/ab" },
        { TEMPLATE_SMS_NOTICE, "de", "Northside Clinic \xc3\xa4: https://m.x/m/ab" },
        { TEMPLATE_SMS_NOTICE, "DE-at", "Northside Clinic \xc3\xa4: https://m.x/m/ab" },
        { TEMPLATE_SMS_NOTICE, "de-CH", "Northside Clinic \xc3\xa4: https://m.x/m/ab" },
        { TEMPLATE_SMS_STOPPED, "de-CH", "gestoppt" },
        { TEMPLATE_SMS_STOPPED, "de-CH-1996", "gestoppt" },
        { TEMPLATE_SMS_STOPPED, "de", "stopped" },
        { TEMPLATE_SMS_STOPPED, "fr", "stopped" },
        { TEMPLATE_SMS_STOPPED, "", "stopped" },
        { TEMPLATE_SMS_STOPPED, "a-very-long-language-tag-indeed", "stopped" },
        { TEMPLATE_SMS_STOPPED, NULL, "stopped" },
        { TEMPLATE_SMS_OTP, "en", "123456 it is.\n\n@m.x #123456" },
        { TEMPLATE_SMS_DEVICE_ADDED, "en", "new on m.x" },
        { TEMPLATE_MAIL_REPLY, "en", "Yes.\n{{otp}}\n-- +61 4 678\n" },
        { TEMPLATE_MAIL_EXPIRED, "en", "+61 4 678 3 May\n" },
        { TEMPLATE_MAIL_UNDELIVERABLE, "en", "+61 4 678" },
    };
    struct templates *const t = load(dir);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(render(t, rows[i].id, rows[i].language), rows[i].expected);
    templates_free(t);
}

static void a_broken_text_is_refused_with_file_and_line(void **state)
{
    static const struct {
        const char *file, *text, *why;
    } rows[] = {
        { "sms/en/notice.txt", "{{brand}}\n{{link", "notice.txt:2: this {{ has no }}" },
        { "sms/en/notice.txt", "{{link}} {{", ":1: this {{ has no }}" },
        { "sms/en/notice.txt", "a\nb\n{{link}}{{otp}}", ":3: this text has no such" },
        { "sms/en/notice.txt", "{{link}}{{}}", ":1: this text has no such" },
        { "sms/en/notice.txt", "{{ link }}", ":1: this text has no such" },
        { "sms/en/notice.txt", "{{brand}}", ":1: this text needs {{link}}" },
        { "sms/en/notice.txt", "{{link}}\n\xff", ":2: not UTF-8" },
        { "sms/en/notice.txt", "{{link}}\xed\xa0\x80", ":1: not UTF-8" },
        { "sms/en/notice.txt", "{{link}}\xc0\xaf", ":1: not UTF-8" },
        { "sms/en/notice.txt", "{{link}}\xf4\x90\x80\x80", ":1: not UTF-8" },
        { "sms/en/notice.txt", "{{link}}\r\n", ":1: a control character" },
        { "sms/en/notice.txt", "\xef\xbb\xbf{{link}}",
          ":1: a control character or byte" },
        { "sms/en/notice.txt", "", ":1: the text is empty" },
        { "sms/en/notice.txt", "\n\n", ":1: the text is empty" },
        { "sms/de/notice.txt", "{{brand}}", "de/notice.txt:1: this text needs" },
        { "sms/de/notcie.txt", "{{link}}", "de/notcie.txt: there is no text of" },
        { "sms/de/reply.txt", "{{text}}", "de/reply.txt: there is no text of" },
        { "sms/en/otp.txt", "{{otp}} {{host}}", ":1: the last line must be" },
        { "sms/en/otp.txt", "{{otp}}\n@{{host}} #{{otp}}\nBye", ":3: the last line" },
        { "mail/en/reply.txt", "from {{number}}", ":1: this text needs {{text}}" },
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *none = NULL;

        put_file(rows[i].file, span_str(rows[i].text));
        assert_null(templates_load(dir, &e));
        if (strstr(e.text, rows[i].why) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].file, e.text, rows[i].why);
        assert_int_equal(strncmp(e.text, dir, strlen(dir)), 0);
        assert_int_equal(e.class, ERR_PERM);
        assert_int_equal(dir_remove(&none), 0);
        assert_int_equal(dir_make(&none), 0);
    }
}

static void english_must_be_complete(void **state)
{
    struct err e;
    char path[128];

    (void)state;
    for (size_t i = 0; i < 13; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, good[i].name);
        assert_int_equal(unlink(path), 0);
        assert_null(templates_load(dir, &e));
        assert_non_null(strstr(e.text, good[i].name));
        assert_non_null(strstr(e.text, "is missing"));
        put_file(good[i].name, span_str(good[i].text));
    }
    assert_null(templates_load("/nonexistent", &e));
    assert_non_null(strstr(e.text, "/nonexistent/sms: "));
}

static void a_text_that_is_too_large_or_twice_there_is_refused(void **state)
{
    static char large[(32U << 10) + 1];
    char path[128];
    struct err e;

    (void)state;
    memset(large, 'a', sizeof large);
    put_file("sms/de/notice.txt", span_of(large, sizeof large));
    assert_null(templates_load(dir, &e));
    assert_non_null(strstr(e.text, "has more than"));
    put_file("sms/de/notice.txt", span_str("{{link}}"));
    (void)snprintf(path, sizeof path, "%s/sms/DE", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    put_file("sms/DE/notice.txt", span_str("{{link}}"));
    assert_null(templates_load(dir, &e));
    assert_non_null(strstr(e.text, "is there twice"));
}

/* Every cut of a text is taken or refused, never followed by a crash or a hang. */
static void a_cut_text_is_taken_or_refused(void **state)
{
    static const char text[] = "{{brand}}\n\xe2\x82\xac {{link}} \xf0\x9f\x93\xb1";
    struct err e;

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        struct templates *t;

        put_file("sms/de/notice.txt", span_of(text, n));
        t = templates_load(dir, &e);
        assert_int_equal(t != NULL, n == 22 || n == 23 || n == sizeof text - 1);
        templates_free(t);
    }
}

static void a_value_that_is_missing_is_our_bug(void **state)
{
    struct templates *const t = load(dir);
    struct buf out;
    struct err e;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(template_render(t, TEMPLATE_SMS_NOTICE, "en", values, 1, &out, &e),
                     -1);
    assert_int_equal(e.class, ERR_BUG);
    assert_non_null(strstr(e.text, "no value for link"));
    buf_clear(&out);
    buf_init(&out, 20);
    assert_int_equal(template_render(t, TEMPLATE_SMS_NOTICE, "en", VALUES, &out, &e),
                     -1);
    assert_int_equal(e.class, ERR_PERM);
    buf_clear(&out);
    templates_free(t);
}

/* What we ship: one SMS each in both languages, whatever the clinic is called. */
static void each_shipped_text_fits_one_sms(void **state)
{
    static const char longest[] = "The Northside Medical Centre, Room No. 5"; /* 40 */
    static const char link[] =
        "https://messages.northside-clinic.example/m/abcdefghijklmnop"; /* 60 */
    static const char *const languages[] = { "en", "de" };
    const struct template_value large[] = {
        { "brand", span_str(longest) },
        { "link", span_str(link) },
        { "otp", span_str("1234567890") },
        { "host", span_str("messages.northside-clinic.example") },
    };
    struct templates *const t = load(SHIPPED);
    struct buf out;
    struct err e;

    (void)state;
    assert_int_equal(strlen(longest), 40);
    assert_int_equal(strlen(link), 60);
    for (size_t i = 0; i < 2; i++)
        for (int id = TEMPLATE_SMS_NOTICE; id <= TEMPLATE_SMS_STARTED; id++) {
            size_t units;

            buf_init(&out, 1000);
            assert_int_equal(template_render(t, (enum template_id)id, languages[i],
                                             large, 4, &out, &e),
                             0);
            assert_true(sms_fits_gsm7(buf_span(&out), &units));
            if (sms_parts(buf_span(&out)) > 1)
                fail_msg("%s %d: %zu septets", languages[i], id, units);
            assert_int_not_equal(out.p[out.n - 1], '\n');
            buf_clear(&out);
        }
    templates_free(t);
}

static void the_shipped_texts_say_what_they_must(void **state)
{
    struct templates *const t = load(SHIPPED);

    (void)state;
    assert_string_equal(render(t, TEMPLATE_SMS_OTP, "en"),
                        "123456 is your code to read your private message. "
                        "Do not give it to anybody.\n\n@m.x #123456");
    assert_null(strstr(render(t, TEMPLATE_SMS_OTP, "de"), "http"));
    assert_non_null(strstr(render(t, TEMPLATE_SMS_NOTICE, "de-AT"), "Nachricht"));
    assert_non_null(strstr(render(t, TEMPLATE_MAIL_EXPIRED, "en"), "+61 4 678"));
    assert_non_null(strstr(render(t, TEMPLATE_MAIL_UNDELIVERABLE, "en"), "3 May"));
    assert_int_equal(strncmp(render(t, TEMPLATE_MAIL_REPLY, "en"), "Yes.\n", 5), 0);
    templates_free(t);
}

/* text, and fill repeated so often behind it */
static const struct sms_row {
    const char *text, *fill;
    unsigned times;
    bool fits;
    size_t units;
    unsigned parts;
} sms_rows[] = {
    { "", "", 0, true, 0, 1 },
    { "", "a", 160, true, 160, 1 },
    { "", "a", 161, true, 161, 2 },
    { "", "a", 306, true, 306, 2 },
    { "", "a", 307, true, 307, 3 },
    { "", "\xe2\x82\xac", 80, true, 160, 1 }, /* the euro takes two */
    { "", "\xe2\x82\xac", 81, true, 162, 2 },
    { "", "\xe2\x82\xac", 152, true, 304, 2 },
    { "", "\xe2\x82\xac", 153, true, 306, 3 }, /* 153 is odd: no pair is torn */
    { "", "\xd0\xa4", 70, false, 70, 1 },
    { "", "\xd0\xa4", 71, false, 71, 2 },
    { "", "\xd0\xa4", 134, false, 134, 2 },
    { "", "\xd0\xa4", 135, false, 135, 3 },
    { "", "\xf0\x9f\x93\xb1", 35, false, 70, 1 }, /* beyond U+FFFF: two units */
    { "", "\xf0\x9f\x93\xb1", 36, false, 72, 2 },
    { "", "\xf0\x9f\x93\xb1", 66, false, 132, 2 },
    { "", "\xf0\x9f\x93\xb1", 67, false, 134, 3 },
    { "\xc3\xa7", "a", 69, false, 70, 1 },  /* the small c with cedilla has no place */
    { "\xc3\x87", "a", 159, true, 160, 1 }, /* the capital has */
    { "`", "a", 69, false, 70, 1 },
    { "\x1b", "a", 69, false, 70, 1 }, /* the escape is no character */
    { "\xff", "a", 69, false, 70, 1 },
    { "\xe2\x82", "", 0, false, 2, 1 },
    { "@\xc2\xa3$\xc2\xa5\xc3\xa8\xc3\xa9\xc3\xb9\xc3\xac\xc3\xb2\n\xc3\x98\xc3\xb8"
      "\r\xc3\x85\xc3\xa5",
      "", 0, true, 15, 1 },
    { "\xce\x94_\xce\xa6\xce\x93\xce\x9b\xce\xa9\xce\xa0\xce\xa8\xce\xa3\xce\x98"
      "\xce\x9e\xc3\x86\xc3\xa6\xc3\x9f\xc3\x89",
      "", 0, true, 15, 1 },
    { "\xc2\xa4\xc2\xa1\xc3\x84\xc3\x96\xc3\x91\xc3\x9c\xc2\xa7\xc2\xbf\xc3\xa4"
      "\xc3\xb6\xc3\xb1\xc3\xbc\xc3\xa0",
      "", 0, true, 13, 1 },
    { " !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ"
      "abcdefghijklmnopqrstuvwxyz",
      "", 0, true, 83, 1 },
    { "\f^{}\\[~]|", "", 0, true, 18, 1 },
};

static void a_text_is_measured_as_the_standard_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sms_rows / sizeof sms_rows[0]; i++) {
        const struct sms_row *const row = &sms_rows[i];
        struct buf text;
        size_t units = 0;

        buf_init(&text, 10000);
        buf_put(&text, row->text);
        for (unsigned k = 0; k < row->times; k++)
            buf_put(&text, row->fill);
        if (sms_fits_gsm7(buf_span(&text), &units) != row->fits ||
            units != row->units || sms_parts(buf_span(&text)) != row->parts)
            fail_msg("row %zu: %zu units, %u parts", i, units,
                     sms_parts(buf_span(&text)));
        buf_clear(&text);
    }
}

static void a_cut_text_is_measured_within_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sms_rows / sizeof sms_rows[0]; i++) {
        const char *const text = sms_rows[i].text;

        for (size_t n = 0; n <= strlen(text); n++) {
            char *const exact = malloc(n > 0 ? n : 1);
            size_t units;

            assert_non_null(exact);
            memcpy(exact, text, n);
            (void)sms_fits_gsm7(span_of(exact, n), &units);
            assert_in_range(units, 0, 2 * n);
            assert_int_equal(sms_parts(span_of(exact, n)), 1);
            free(exact);
        }
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, dir_make, dir_remove)
    const struct CMUnitTest tests[] = {
        CASE(a_language_falls_back_to_its_parent_and_to_english),
        CASE(a_broken_text_is_refused_with_file_and_line),
        CASE(english_must_be_complete),
        CASE(a_text_that_is_too_large_or_twice_there_is_refused),
        CASE(a_cut_text_is_taken_or_refused),
        CASE(a_value_that_is_missing_is_our_bug),
        cmocka_unit_test(each_shipped_text_fits_one_sms),
        cmocka_unit_test(the_shipped_texts_say_what_they_must),
        cmocka_unit_test(a_text_is_measured_as_the_standard_says),
        cmocka_unit_test(a_cut_text_is_measured_within_its_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
