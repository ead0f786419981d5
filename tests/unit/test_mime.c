/* SPDX-License-Identifier: ISC */
/* test_mime.c - odd and hostile mails: what a reader gets of each, whole, cut and bent.
 * Here:       tests/corpus row by row, with both line ends; mutations; bounds; loops.
 * Elsewhere:  HTML and quoted answers alone (test_mime_text.c).
 * Called by:  make check, in the repository's root. */
#include "relay/mime.h"
#include "relay/calendar.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <glib.h>
#include <cmocka.h>

#define CUTS 200U
#define FLIPS 500U

/* parts: "type|name|bytes" each on a line; sizes as with LF lines. */
static const struct row {
    const char *file, *subject, *text, *parts;
} rows[] = {
    { "plain", "Reminder", "Monday 9:30 — room 7.\n\nBring your card.\n", "" },
    { "no-mime", "Old system", "Tuesday at nine.\n", "" },
    { "mbox-line", "x", "words\n", "" },
    { "headers-only", "Nothing else", "", "" },
    { "no-body", "Nothing else", "", "" },
    /* charsets; Latin-1 means windows-1252 */
    { "latin1", "Café today", "Café “nine”\n", "" },
    { "undeclared-8bit", "Grüße", "Grüße aus Köln\n", "" },
    { "undeclared-utf8", "Grüße", "Grüße aus Köln\n", "" },
    { "unknown-charset", "x", "Zoë\n", "" },
    { "bad-utf8", "??", "cut �� here ����\n", "" },
    { "cyrillic", "Привет всем", "Запись на понедельник\n", "" },
    { "padded-words", "ab cd; é half; tail e", "words\n",
      "application/pdf|abcd.pdf|1\napplication/pdf|Überweisung.pdf|1\n" },
    { "japanese", "予約情報", "予約は月曜日です\n", "" },
    { "utf16", "x", "Wide – text\n", "" },
    { "controls", "a Bcc: x?[31m b", "nul  esc [31m bell  c1  bom  mac\nline\nend",
      "" },
    { "quoted-printable", "x", "A soft break, café, bad =ZZ and a trailing ", "" },
    /* HTML */
    { "html-only", "x",
      "Northside Clinic\n\nDear Mr O'Neil,\nsee you on Monday.\n\nWhen 9:30\n"
      "Where Room 7\n\n- card\n- letter\n\n"
      "Map (https://clinic.example/map?a=1&b=2) clinic.example odd [logo]\n\n"
      "a  b\n  c\n\n> older\n> words\n\n<end> €5 &unknown; café",
      "" },
    { "html-meta", "x", "Příště v úterý", "" },
    { "html-broken", "x",
      "One\n\nTwo bold both rest cell\n\ngap never closed 5 < 6 & 7 < "
      "(https://x.example/open)",
      "" },
    /* which part is the text */
    { "alternative", "x", "Plain words", "" },
    { "alternative-empty-plain", "x", "HTML words", "" },
    { "alternative-related", "x", "Plain words", "image/png|logo.png|8\n" },
    { "alternative-calendar", "x", "Invited", "text/calendar||29\n" },
    { "two-plain", "x", "First\n\nSecond\n\nlist footer",
      "text/plain|log.txt|8\ntext/plain||7\n" },
    { "bad-type", "x", "Words of an old system\n", "" },
    { "named-body", "x", "Old systems name it\n", "" },
    { "only-attachment", "x", "", "application/pdf|a.pdf|9\n" },
    { "prefix-boundary", "x", "inner one\n--abc is text\n\ninner two\n\nouter", "" },
    { "forwarded", "x", "See below",
      "message/rfc822|Befund 12-2026.eml|119\nmessage/rfc822|message.eml|29\n" },
    { "digest", "x", "",
      "message/rfc822|first.eml|19\nmessage/rfc822|second.eml|20\n" },
    { "report", "Undelivered", "Could not be delivered",
      "message/delivery-status||51\ntext/rfc822-headers||12\n" },
    { "base64-garbage", "x", "Monday, nine",
      "application/pdf|g.pdf|9\napplication/pdf|none.pdf|0\n" },
    { "uuencode", "x", "see", "application/octet-stream|cat.txt|3\n" },
    { "names", "x", "",
      "application/pdf|passwd|1\napplication/pdf|scan.pdf|1\n"
      "application/pdf|fdp.exe etc|1\napplication/pdf|café-plan.pdf|1\n"
      "application/pdf|Übersicht.pdf|1\napplication/pdf||1\n"
      "application/pdf|N251.pdf|1\napplication/pdf|two words.pdf|1\n"
      "application/pdf|bashrc|1\napplication/pdf||1\n" },
    { "types", "x", "",
      "image/jpeg||1\napplication/octet-stream||1\na/b||1\n"
      "application/octet-stream||1\ntext/html||1\n" },
    /* headers beyond the subject: test_threads */
    { "thread", "Re: folded subject line", "yes\n", "" },
    { "in-reply-to", "x", "yes\n", "" },
    /* broken: best text, and the original */
    { "no-boundary", "x", "--b\nContent-Type: text/plain\n\nhidden words\n--b--\n",
      "message/rfc822|original.eml|ALL\n" },
    { "wrong-boundary", "x", "--b\nContent-Type: text/plain\n\nhidden words\n--b--\n",
      "message/rfc822|original.eml|ALL\n" },
    { "unclosed", "x", "words",
      "application/pdf|cut.pdf|6\nmessage/rfc822|original.eml|ALL\n" },
    { "empty-parts", "x", "",
      "application/pdf|e.pdf|0\nmessage/rfc822|message.eml|0\n"
      "message/rfc822|original.eml|ALL\n" },
    { "no-headers", "", "But these are words.\n", "message/rfc822|original.eml|ALL\n" },
    { "header-garbage", "x", "body\n", "message/rfc822|original.eml|ALL\n" },
    { "two-types", "x", "which one?", "message/rfc822|original.eml|ALL\n" },
};

#define ROWS (sizeof rows / sizeof rows[0])

/* The file in a block of its exact size; crlf: with the line ends of SMTP. */
static struct span load(const char *name, bool crlf)
{
    char path[256], *bytes, *exact;
    size_t n = 0;
    int ch;
    FILE *f;

    (void)snprintf(path, sizeof path, "tests/corpus/%s.eml", name);
    f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s: not here", path);
    bytes = malloc(1U << 16);
    assert_non_null(bytes);
    while ((ch = fgetc(f)) != EOF && n < (1U << 16) - 2) {
        if (crlf && ch == '\n')
            bytes[n++] = '\r';
        bytes[n++] = (char)ch;
    }
    (void)fclose(f);
    exact = malloc(n);
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    free(bytes);
    return span_of(exact, n);
}

static void unload(struct span raw)
{
    free((void *)(uintptr_t)raw.p);
}

static void parse(struct mime_mail *mail, struct span raw)
{
    struct err e;

    if (mime_check(raw, "sms.example", &e) != 0 || mime_parse(mail, raw, &e) != 0)
        fail_msg("%s %s", e.status, e.text);
}

/* "type|name|bytes" lines as in rows; a name of one long letter as letter and count. */
static void describe(const struct mime_mail *mail, size_t raw_bytes, struct buf *out)
{
    buf_init(out, 1U << 16);
    for (size_t i = 0; i < mail->part_count; i++) {
        const struct mime_part *const p = &mail->parts[i];
        const size_t run = strspn(p->name, "n");

        buf_printf(out, "%s|", p->type);
        if (run > 20)
            buf_printf(out, "N%zu%s|", run, p->name + run);
        else
            buf_printf(out, "%s|", p->name);
        if (p->body.n == raw_bytes)
            buf_put(out, "ALL\n");
        else
            buf_printf(out, "%zu\n", p->body.n);
    }
}

static void check_row(const struct row *row, bool crlf)
{
    const struct span raw = load(row->file, crlf);
    struct mime_mail mail;
    struct buf parts;

    parse(&mail, raw);
    if (strcmp(mail.subject, row->subject) != 0 ||
        strcmp(buf_cstr(&mail.text), row->text) != 0)
        fail_msg("%s: subject \"%s\", text \"%s\"", row->file, mail.subject,
                 mail.text.p);
    describe(&mail, raw.n, &parts);
    if (!crlf && strcmp(buf_cstr(&parts), row->parts) != 0)
        fail_msg("%s: parts\n%s", row->file, parts.p);
    buf_clear(&parts);
    mime_clear(&mail);
    unload(raw);
}

static void test_corpus(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        check_row(&rows[i], false);
        check_row(&rows[i], true);
    }
}

/* Behind the sandbox no converter can be opened: those of mime_start must do. Runs
 * first, so that nothing else has opened one. */
static void test_charsets_without_files(void **state)
{
    struct rlimit before, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    for (size_t i = 0; i < ROWS; i++) {
        const struct span raw = load(rows[i].file, true);
        struct mime_mail mail;

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        assert_null(fopen("/dev/null", "r"));
        parse(&mail, raw);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_string_equal(mail.subject, rows[i].subject);
        assert_string_equal(buf_cstr(&mail.text), rows[i].text);
        mime_clear(&mail);
        unload(raw);
    }
}

static void test_threads(void **state)
{
    static const struct {
        const char *file, *mail_id, *references;
        uint64_t date_s;
        bool automatic;
    } threads[] = {
        { "plain", "<1@clinic.example>", "", 1795467600, false },
        { "thread", "<reply@b.example>",
          "<3@x> <4@x> <5@x> <6@x> <7@x> <8@x> <9@x> <10@x> <11@x> <12@x>", 0, true },
        { "in-reply-to", "", "<12@x>", 0, false },
        { "report", "", "", 0, true },
        { "no-headers", "", "", 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        const struct span raw = load(threads[i].file, true);
        struct mime_mail mail;

        parse(&mail, raw);
        assert_string_equal(mail.mail_id, threads[i].mail_id);
        assert_string_equal(mail.references, threads[i].references);
        assert_int_equal(mail.date_s, threads[i].date_s);
        assert_int_equal(mail.automatic, threads[i].automatic);
        mime_clear(&mail);
        unload(raw);
    }
}

static void test_automatic(void **state)
{
    static const struct {
        const char *header;
        bool automatic;
    } headers[] = {
        { "Auto-Submitted: no", false },
        { "Auto-Submitted: NO (really)", false },
        { "Auto-Submitted:", false },
        { "Auto-Submitted: auto-generated", true },
        { "AUTO-SUBMITTED:\n auto-replied; owner=x", true },
        { "Auto-Submitted: nobody", true },
        { "Precedence: list", true },
        { "Precedence: Bulk ", true },
        { "Precedence: junk", true },
        { "Precedence: first-class", false },
        { "List-Id: <a.b.example>", true },
        { "Content-Type: multipart/report; boundary=b", true },
        { "X-Auto-Submitted: auto-replied", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char raw[256];
        struct mime_mail mail;

        (void)snprintf(raw, sizeof raw, "Subject: x\n%s\n\nx\n", headers[i].header);
        parse(&mail, span_str(raw));
        if (mail.automatic != headers[i].automatic)
            fail_msg("%s", headers[i].header);
        mime_clear(&mail);
    }
}

static void assert_line(const char *s)
{
    assert_true(g_utf8_validate(s, -1, NULL));
    for (; *s != '\0'; s = g_utf8_next_char(s)) {
        const gunichar ch = g_utf8_get_char(s);

        assert_false(g_unichar_iscntrl(ch)); /* C0, DEL and C1 */
        assert_false((ch >= 0x202a && ch <= 0x202e) || (ch >= 0x2066 && ch <= 0x2069));
    }
}

/* What holds of every mail, however bent. */
static void assert_decent(struct mime_mail *mail)
{
    assert_true(mail->text.n <= MIME_TEXT_MAX);
    assert_true(mail->text.n == 0 ||
                g_utf8_validate(mail->text.p, (gssize)mail->text.n, NULL));
    assert_null(memchr(buf_cstr(&mail->text), '\r', mail->text.n + 1));
    assert_line(mail->subject);
    assert_line(mail->mail_id);
    assert_line(mail->references);
    assert_true(mail->part_count <= MIME_PARTS_MAX);
    for (size_t i = 0; i < mail->part_count; i++) {
        const char *const type = mail->parts[i].type, *const name = mail->parts[i].name;

        assert_line(type);
        assert_line(name);
        assert_non_null(strchr(type, '/'));
        assert_null(strpbrk(name, "/\\"));
        assert_true(mail->parts[i].body.n == 0 || mail->parts[i].body.p != NULL);
    }
}

static void run_bent(struct span raw)
{
    struct err e = { .class = ERR_BUG };
    struct mime_mail mail;

    if (mime_check(raw, "sms.example", &e) == 0 && mime_parse(&mail, raw, &e) == 0) {
        assert_decent(&mail);
        mime_clear(&mail);
    } else {
        if (e.class != ERR_PERM)
            fail_msg("%s %s", e.status, e.text);
    }
}

static void run_exact(struct span raw)
{
    char *const exact = malloc(raw.n > 0 ? raw.n : 1);

    assert_non_null(exact);
    memcpy(exact, raw.p, raw.n);
    run_bent(span_of(exact, raw.n));
    free(exact);
}

static void test_corpus_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct span raw = load(rows[i].file, true);
        const size_t cuts = raw.n < CUTS ? raw.n : CUTS;

        for (size_t k = 0; k < cuts; k++)
            run_exact(span_of(raw.p, raw.n * k / cuts));
        unload(raw);
    }
}

/* A bent byte is most often one that means something. */
static char bent_byte(unsigned *seed)
{
    static const char letters[] = "\n\r\0 -=\"<>();:/\\?*%'\x1b\x80\xc3\xff";
    const unsigned r = (unsigned)rand_r(seed);

    return r % 2 == 0 ? letters[r / 2 % (sizeof letters - 1)] : (char)(r >> 8);
}

static void test_corpus_flipped(void **state)
{
    unsigned seed = 5322;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct span raw = load(rows[i].file, true);
        char *const bent = malloc(raw.n);

        assert_non_null(bent);
        for (unsigned k = 0; k < FLIPS; k++) {
            if (k % 20 == 0) /* a mail bent in more places than that is no mail */
                memcpy(bent, raw.p, raw.n);
            bent[(size_t)rand_r(&seed) % raw.n] = bent_byte(&seed);
            run_bent(span_of(bent, raw.n));
        }
        free(bent);
        unload(raw);
    }
}

static void test_nothing(void **state)
{
    struct mime_mail mail;

    (void)state;
    parse(&mail, span_of(NULL, 0));
    assert_int_equal(mail.text.n, 0);
    assert_int_equal(mail.part_count, 0);
    mime_clear(&mail);
    mime_clear(&mail);
    parse(&mail, span_str("\r\n"));
    mime_clear(&mail);
    parse(&mail, span_str("\r\n\r\nwords"));
    assert_string_equal(buf_cstr(&mail.text), "\nwords");
    mime_clear(&mail);
}

static void test_long_text(void **state)
{
    struct buf raw;
    struct mime_mail mail;

    (void)state;
    buf_init(&raw, 4U << 20);
    buf_put(&raw, "Content-Type: text/plain; charset=utf-8\n\nxx");
    for (size_t i = 0; i < 400000; i++)
        buf_put(&raw, "\xe2\x82\xac");
    parse(&mail, buf_span(&raw));
    assert_true(mail.text_cut);
    assert_int_equal(mail.text.n, 2 + (MIME_TEXT_MAX - 2) / 3 * 3); /* whole ones */
    assert_int_equal(mail.part_count, 1);
    assert_string_equal(mail.parts[0].name, "original.eml");
    assert_true(span_eq(buf_span(&mail.parts[0].body), buf_span(&raw)));
    mime_clear(&mail);
    buf_clear(&raw);
}

static void test_long_subject(void **state)
{
    struct buf raw;
    struct mime_mail mail;

    (void)state;
    buf_init(&raw, 1U << 16);
    buf_put(&raw, "Subject: ");
    for (size_t i = 0; i < 600; i++)
        buf_put(&raw, "\xc3\xa9");
    buf_put(&raw, "\n\nwords\n");
    parse(&mail, buf_span(&raw));
    assert_int_equal(strlen(mail.subject), MIME_SUBJECT_MAX);
    assert_int_equal(mail.part_count, 1); /* the rest is in the original */
    mime_clear(&mail);
    buf_clear(&raw);
}

static void test_attachment(void **state)
{
    struct buf raw;
    struct mime_mail mail;

    (void)state;
    buf_init(&raw, 4U << 20);
    buf_put(&raw, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n"
                  "--b\r\nContent-Type: application/pdf; name=big.pdf\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < 20000; i++)
        buf_put(&raw, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w\r\n");
    buf_put(&raw, "--b--\r\n");
    parse(&mail, buf_span(&raw));
    assert_string_equal(buf_cstr(&mail.text), "see");
    assert_int_equal(mail.part_count, 1);
    assert_int_equal(mail.parts[0].body.n, 42U * 20000U);
    assert_memory_equal(mail.parts[0].body.p + 42, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 26);
    mime_clear(&mail);
    buf_clear(&raw);
}

/* Repeats a text between two others; the mails that try to cost too much. */
static const struct {
    const char *before, *repeated, *after;
    unsigned times;
    const char *status; /* NULL: mime_check takes it */
    size_t parts;       /* then mime_parse has so many, or refuses where SIZE_MAX */
} heavy[] = {
    { "", "Received: by x; now\n", "\nx", 25, NULL, 0 },
    { "", "Received: by x; now\n", "\nx", 26, "5.4.6", 0 },
    { "", "RECEIVED \t: by x\n", "\nx", 26, "5.4.6", 0 },
    { "", "Received-SPF: pass\n", "\nx", 26, NULL, 0 },
    { "Subject: x\n\n", "Received: in a text\n", "", 40, NULL, 0 },
    { "X-Sealpost-Loop: other.example\n", "", "\nx", 0, NULL, 0 },
    { "X-Sealpost-Loop: sms.example\n", "", "\nx", 0, "5.4.6", 0 },
    { "x-sealpost-loop :\t\n SMS.example \n", "", "\nx", 0, "5.4.6", 0 },
    { "", "X: y\n", "\nx", 1000, NULL, 0 },
    { "", "X: y\n", "\nx", 1001, "5.6.0", 0 },
    { "", "X: y\n", "", 1000000, "5.6.0", 0 },
    { "X: ", "0123456789", "\n\nx", 10230, NULL, 0 },
    { "X: ", "0123456789", "\n\nx", 10240, "5.3.4", 0 },
    { "X: ", "0123456789\n ", "\n\nx", 9000, "5.6.0", 0 },
    { "", "no header and no end ", "", 100000, "5.3.4", 0 },
    { "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n", "--b--\n", 99,
      NULL, 0 },
    { "Content-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: a/b\n\nx\n",
      "--b--\n", 100, NULL, 100 },
    { "Content-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: a/b\n\nx\n",
      "--b--\n", 101, NULL, SIZE_MAX },
    { "Content-Type: multipart/mixed; boundary=b\n\n",
      "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--\n", "--b--\n",
      50, NULL, 0 },
    { "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n", "", 1000000, "5.6.0",
      0 },
    { "Content-Type: multipart/mixed; boundary*0=\"b\"\n\n", "--b\n\n", "", 1000000,
      "5.6.0", 0 },
    { "Content-Type: multi(x)part/mixed; boundary=b\n\n", "--b\n\n", "", 100000, NULL,
      0 }, /* GMime takes it for text */
    { "Content-Type: multipart (x)/mixed; boundary=b\n\n", "--b\n\n", "", 100000,
      "5.6.0", 0 },
    { "Content-Type: multipart/mixed; boundary=\"\\b\"\n\n", "--b\n\n", "", 100000,
      "5.6.0", 0 },
    { "Content-Type: multipart/mixed; boundary=\"=?us-ascii?Q?b?=\"\n\n", "--b\n\n", "",
      100000, "5.6.0", 0 },
    { "Content-Type: multipart/mixed; boundary=x; boundary=b\n\n", "--b\n\n", "",
      100000, "5.6.0", 0 },
    { "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n",
      "--b\n\n", "", 100000, "5.6.0", 0 },
    { "Content-Type: multipart/mixed; boundary=b\n\n--b\n", "X: y\n", "\n\n--b--\n",
      1000000, "5.6.0", 0 },
    { "Content-Type: message/rfc822\n\n", "X: y\n", "\nx", 1000000, "5.6.0", 0 },
    { "", "Content-Type: message/rfc822\n\n", "x", 1000, "5.6.0", 0 },
    { "Content-Type: multipart/digest; boundary=b\n\n--b\n\n", "X: y\n", "\nx", 1000000,
      "5.6.0", 0 },
    { "Content-Type: text/plain; ", "a=b; ", "\n\nx", 20000, "5.6.0", 0 },
    { "Content-Type: text/plain\n\n", "--b\n\n", "", 100000, NULL, 0 }, /* only text */
    { "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n", "--c\nX: y\n", "--b--\n",
      100000, NULL, 1 }, /* one text, cut at its bound */
    { "Content-Type: text/plain; name=\"message multipart.txt\"\n\n",
      "no header, no empty line, no end\n", "", 20000, NULL, 1 },
    { "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
      "application/pdf; "
      "name=\"message boundary=c\"\nContent-Transfer-Encoding: base64\n\n",
      "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w\n", "--b--\n", 20000,
      NULL, 1 },
    { "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n"
      "Content-Transfer-Encoding: base64\n\n",
      "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w\n", "--b--\n", 20000,
      NULL, 1 },
};

static void build_heavy(struct buf *raw, size_t i)
{
    buf_init(raw, 64U << 20);
    buf_put(raw, heavy[i].before);
    for (unsigned k = 0; k < heavy[i].times; k++)
        buf_put(raw, heavy[i].repeated);
    buf_put(raw, heavy[i].after);
    assert_true(buf_ok(raw));
}

static void check_heavy(size_t i)
{
    struct mime_mail mail;
    struct buf raw;
    struct err e = { .status = "" };
    int rc;

    build_heavy(&raw, i);
    rc = mime_check(buf_span(&raw), "sms.example", &e);
    if (rc == 0 ? heavy[i].status != NULL
                : heavy[i].status == NULL || strcmp(heavy[i].status, e.status) != 0)
        fail_msg("%zu: %s %s", i, e.status, e.text);
    if (rc == 0) {
        rc = mime_parse(&mail, buf_span(&raw), &e);
        assert_int_equal(rc, heavy[i].parts == SIZE_MAX ? -1 : 0);
    }
    if (rc == 0) {
        if (mail.part_count != heavy[i].parts && !mail.text_cut)
            fail_msg("%zu: %zu parts", i, mail.part_count);
        assert_decent(&mail);
        mime_clear(&mail);
    }
    buf_clear(&raw);
}

static void test_heavy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heavy / sizeof heavy[0]; i++)
        check_heavy(i);
}

static void put_nested(struct buf *raw, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_printf(raw, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
    buf_put(raw, "\nwords\n");
    for (unsigned i = depth; i > 0; i--)
        buf_printf(raw, "--b%u--\n", i - 1);
}

static void test_depth(void **state)
{
    static const struct {
        unsigned depth;
        int check, parse;
    } depths[] = { { 1, 0, 0 },   { 20, 0, 0 },  { 21, 0, -1 },
                   { 40, 0, -1 }, { 41, -1, 0 }, { 5000, -1, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        struct mime_mail mail;
        struct buf raw;
        struct err e = { .status = "5.6.0" };

        buf_init(&raw, 4U << 20);
        put_nested(&raw, depths[i].depth);
        assert_int_equal(mime_check(buf_span(&raw), "x", &e), depths[i].check);
        if (depths[i].check == 0) {
            assert_int_equal(mime_parse(&mail, buf_span(&raw), &e), depths[i].parse);
            if (depths[i].parse == 0)
                assert_string_equal(buf_cstr(&mail.text), "words");
            if (depths[i].parse == 0)
                mime_clear(&mail);
        }
        assert_string_equal(e.status, "5.6.0");
        buf_clear(&raw);
    }
}

static double cpu_seconds(void)
{
    struct timespec t;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Lines that look like boundaries while many are open, and one tag of attributes: what
 * the bounds let through must not cost seconds. (The sanitizers make it thrice.) */
static void test_worst_time(void **state)
{
    struct mime_mail mail;
    struct buf raw;
    double before;

    (void)state;
    buf_init(&raw, 64U << 20);
    for (unsigned i = 0; i < 20; i++)
        buf_printf(&raw, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i,
                   i);
    buf_put(&raw, "Content-Type: text/html\n\n<p ");
    for (unsigned i = 0; i < 200000; i++)
        buf_printf(&raw, "a%u ", i);
    buf_put(&raw, ">words\n");
    for (unsigned i = 0; i < 500000; i++)
        buf_put(&raw, "--c\n");
    before = cpu_seconds();
    parse(&mail, buf_span(&raw));
    assert_true(cpu_seconds() - before < 6.0);
    assert_decent(&mail);
    mime_clear(&mail);
    buf_clear(&raw);
}

/* Two leaves, each "Content-Type|body"; what the appointment is called, NULL: none. The
 * calendars stay parts. */
static void test_appointments(void **state)
{
#define ICS(summary)                                                    \
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20300101\nSUMMARY:" summary \
    "\nEND:VEVENT\nEND:VCALENDAR\n"
    static const struct {
        const char *first_type, *first, *second_type, *second, *want;
        size_t parts;
    } cases[] = {
        { "text/plain", "words\n", "text/calendar", ICS("One"), "One", 1 },
        { "text/calendar; method=REQUEST", ICS("One"), "text/calendar", ICS("Two"),
          "One", 2 },
        { "text/calendar", "garbage\n", "text/calendar", ICS("Two"), NULL, 2 },
        { "application/ics", ICS("One"), "TEXT/CALENDAR; name=x.ics", ICS("Two"), "Two",
          2 },
        { "text/calendar; charset=iso-8859-2", ICS("\xb1"), "text/plain", "x\n", "ą",
          1 },
        { "text/calendar; charset=utf-8", ICS("\xc4\n \x85"), "text/plain", "x\n", "ą",
          1 },
        { "text/plain", ICS("One"), "text/html", ICS("Two"), NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mime_mail mail;
        struct buf raw;
        struct err e;

        buf_init(&raw, 4096);
        buf_printf(&raw,
                   "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
                   "--b\nContent-Type: %s\n\n%s--b\nContent-Type: %s\n\n%s--b--\n",
                   cases[i].first_type, cases[i].first, cases[i].second_type,
                   cases[i].second);
        assert_int_equal(mime_parse(&mail, buf_span(&raw), &e), 0);
        assert_int_equal(mail.part_count, cases[i].parts);
        assert_int_equal(mail.appointment != NULL, cases[i].want != NULL);
        if (cases[i].want != NULL)
            assert_string_equal(mail.appointment->summary, cases[i].want);
        mime_clear(&mail);
        buf_clear(&raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charsets_without_files),
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_automatic),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_long_subject),
        cmocka_unit_test(test_attachment),
        cmocka_unit_test(test_appointments),
        cmocka_unit_test(test_heavy),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_worst_time),
        cmocka_unit_test(test_corpus_cut),
        cmocka_unit_test(test_corpus_flipped),
    };

    mime_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
