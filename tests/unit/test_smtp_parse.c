/* SPDX-License-Identifier: ISC */
/* test_smtp_parse.c - command lines row by row, each also cut after every byte.
 * Here:       lines, verbs, MAIL, RCPT, xtext, XFORWARD, local parts.
 * Elsewhere:  telephone numbers (test_msisdn.c), dialogues (tests/scenario).
 * Called by:  make check. */
#include "plugin/smtp_parse.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define TOKEN "aaaqeayeaudaocajbifqydiob4" /* 00 01 02 .. 0f */

/* The first n bytes in a heap block of exactly that size: a step beyond it is seen. */
static struct span cut(struct span s, size_t n)
{
    char *const p = malloc(n + (n == 0));

    assert_non_null(p);
    if (n > 0)
        memcpy(p, s.p, n);
    return span_of(p, n);
}

static void cut_free(struct span s)
{
    free((void *)(uintptr_t)s.p);
}

static void each_cut(struct span text, void (*look)(struct span))
{
    for (size_t n = 0; n < text.n; n++) {
        const struct span s = cut(text, n);

        look(s);
        cut_free(s);
    }
}

static const struct {
    struct span in;
    int rc;
    const char *line, *rest;
} lines[] = {
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
    { S(""), 0, NULL, "" },
    { S("NOOP"), 0, NULL, "NOOP" },
    { S("NOOP\r"), 0, NULL, "NOOP\r" },
    { S("NOOP\r\n"), 1, "NOOP", "" },
    { S("\r\n"), 1, "", "" },
    { S("A\r\nB\r\n"), 1, "A", "B\r\n" },
    { S("NOOP\n"), -1, NULL, NULL },
    { S("\n"), -1, NULL, NULL },
    { S("NO\rOP\r\n"), -1, NULL, NULL },
    { S("NOOP\r\r\n"), -1, NULL, NULL },
    { S("NO\0OP\r\n"), -1, NULL, NULL },
};

static void look_line(struct span s)
{
    struct cur c = cur_of(s);
    struct span line;

    (void)smtp_take_line(&c, &line);
}

static void lines_end_with_crlf_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        const struct span in = cut(lines[i].in, lines[i].in.n);
        struct cur c = cur_of(in);
        struct span line;

        assert_int_equal(smtp_take_line(&c, &line), lines[i].rc);
        if (lines[i].rc == 1)
            assert_true(span_eq_str(line, lines[i].line));
        if (lines[i].rc >= 0)
            assert_true(span_eq_str(span_of(c.p, cur_left(&c)), lines[i].rest));
        else
            assert_memory_equal(c.why, "500 5.5.2", 9);
        cut_free(in);
        each_cut(lines[i].in, look_line);
    }
}

static const struct {
    const char *in;
    int rc;
    const char *verb, *rest;
} verbs[] = {
    { "QUIT", 1, "QUIT", "" },
    { "mail FROM:<>", 1, "mail", "FROM:<>" },
    { "", 0, NULL, "" },
    { " QUIT", 0, NULL, " QUIT" },
    { "MAIL:x", 0, NULL, "MAIL:x" },
    { "\x16\x03\x01", 0, NULL, "\x16\x03\x01" },
    { "HELO  a", 1, "HELO", " a" },
};

static void a_verb_is_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(verbs); i++) {
        struct cur c = cur_of(span_str(verbs[i].in));
        struct span verb;

        assert_int_equal(smtp_take_verb(&c, &verb), verbs[i].rc);
        if (verbs[i].rc == 1)
            assert_true(span_eq_str(verb, verbs[i].verb));
        assert_true(span_eq_str(span_of(c.p, cur_left(&c)), verbs[i].rest));
    }
}

static const struct {
    const char *in, *reply; /* the reply's first nine bytes, or NULL */
    const char *local, *text, *domain;
    uint64_t size;
    bool smtputf8;
} mails[] = {
    { "FROM:<a@b.example>", NULL, "a", "a@b.example", "b.example", 0, false },
    { "from:<A.b@B>", NULL, "A.b", "A.b@B", "B", 0, false },
    { "FROM:<>", NULL, "", "", "", 0, false },
    { "FROM: <a@b>", NULL, "a", "a@b", "b", 0, false },
    { "FROM:<a@b> SIZE=10 BODY=8BITMIME", NULL, "a", "a@b", "b", 10, false },
    { "FROM:<a@b>  body=7bit ", NULL, "a", "a@b", "b", 0, false },
    { "FROM:<a@b> SIZE=99999999999999999999", NULL, "a", "a@b", "b", UINT64_MAX,
      false },
    { "FROM:<a@b> SIZE=18446744073709551615", NULL, "a", "a@b", "b", UINT64_MAX,
      false },
    { "FROM:<@x.y,@z:a@b>", NULL, "a", "a@b", "b", 0, false },
    { "FROM:<\"a b\"@c>", NULL, "a b", "\"a b\"@c", "c", 0, false },
    { "FROM:<\"a\\\"\\\\>\"@c>", NULL, "a\"\\>", "\"a\\\"\\\\>\"@c", "c", 0, false },
    { "FROM:<\"plain\"@c>", NULL, "plain", "plain@c", "c", 0, false },
    { "FROM:<\"a..b\"@c>", NULL, "a..b", "\"a..b\"@c", "c", 0, false },
    { "FROM:<a@[127.0.0.1]>", NULL, "a", "a@[127.0.0.1]", "[127.0.0.1]", 0, false },
    { "FROM:<a@[IPv6:::1]>", NULL, "a", "a@[IPv6:::1]", "[IPv6:::1]", 0, false },
    { "FROM:<root>", NULL, "root", "root", "", 0, false },
    { "FROM:<a!#$%&'*+-/=?^_`{|}~@b>", NULL, "a!#$%&'*+-/=?^_`{|}~",
      "a!#$%&'*+-/=?^_`{|}~@b", "b", 0, false },
    { "FROM:<j\xc3\xb6rg@b> SMTPUTF8", NULL, "j\xc3\xb6rg", "j\xc3\xb6rg@b", "b", 0,
      true },
    { "FROM:<a@\xc3\xbc.example> SMTPUTF8", NULL, "a", "a@\xc3\xbc.example",
      "\xc3\xbc.example", 0, true },
    { "FROM:<" A64 "@b>", NULL, A64, A64 "@b", "b", 0, false },
    { "FROM:<" A64 "a@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<\"" A64 "a\"@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@" A64 A64 A64 A64 ">", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<j\xc3\xb6rg@b>", "553 5.6.7", 0, 0, 0, 0, false },
    { "FROM:<j\xf6rg@b> SMTPUTF8", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<\xc0\xaf@b> SMTPUTF8", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:a@b", "501 5.1.7", 0, 0, 0, 0, false },
    { "FROM <a@b>", "501 5.5.4", 0, 0, 0, 0, false },
    { "TO:<a@b>", "501 5.5.4", 0, 0, 0, 0, false },
    { "", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a b@c>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@-b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@b..c>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<.a@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a.@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@b@c>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<\"\"@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<\"a@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<\"a\x07\"@b>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<@x:>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@[]>", "501 5.1.3", 0, 0, 0, 0, false },
    { "FROM:<a@b>x", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> SIZE", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> SIZE=", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> SIZE=1x", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> SIZE=-1", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> SIZE=999999999999999999999", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> BODY=BINARYMIME", "501 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> RET=HDRS", "555 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> SMTPUTF8=1", "555 5.5.4", 0, 0, 0, 0, false },
    { "FROM:<a@b> =1", "501 5.5.4", 0, 0, 0, 0, false },
};

static void look_mail(struct span s)
{
    struct smtp_mail mail;
    const char *reply;

    assert_true(smtp_parse_mail(s, &mail, &reply) == (reply == NULL));
}

static void mail_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mails); i++) {
        const struct span in = cut(span_str(mails[i].in), strlen(mails[i].in));
        struct smtp_mail mail;
        const char *reply = "";
        const bool ok = smtp_parse_mail(in, &mail, &reply);

        assert_int_equal(ok, mails[i].reply == NULL);
        if (ok) {
            assert_string_equal(mail.sender.local, mails[i].local);
            assert_string_equal(mail.sender.text, mails[i].text);
            assert_true(span_eq_str(mail.sender.domain, mails[i].domain));
            assert_true(mail.size == mails[i].size);
            assert_int_equal(mail.smtputf8, mails[i].smtputf8);
        } else {
            assert_memory_equal(reply, mails[i].reply, 9);
        }
        cut_free(in);
        each_cut(span_str(mails[i].in), look_mail);
    }
}

/* 60 quotes become 120 bytes: with a long domain that is more than a path's room. */
static void a_path_that_outgrows_its_room_is_refused(void **state)
{
    char in[1024] = "FROM:<\"";
    struct smtp_mail mail;
    const char *reply;

    (void)state;
    for (int i = 0; i < 60; i++)
        strcat(in, "\\\"");
    strcat(in, "\"@" A64 A64 A64 ".example>");
    assert_false(smtp_parse_mail(span_str(in), &mail, &reply));
    assert_memory_equal(reply, "501 5.1.3", 9);
}

static const struct {
    const char *in;
    bool smtputf8;
    const char *reply, *local;
} rcpts[] = {
    { "TO:<+61412345678@sms.example>", false, NULL, "+61412345678" },
    { "TO:<\"+61 412 345 678\"@sms.example>", false, NULL, "+61 412 345 678" },
    { "to: <+61412345678+tag@sms.example> ", false, NULL, "+61412345678+tag" },
    { "TO:<postmaster>", false, NULL, "postmaster" },
    { "TO:<\xc3\xbc@b>", true, NULL, "\xc3\xbc" },
    { "TO:<\xc3\xbc@b>", false, "553 5.6.7", NULL },
    { "TO:<>", false, "501 5.1.3", NULL },
    { "TO:<a@b> NOTIFY=NEVER", false, "555 5.5.4", NULL },
    { "TO:<a@b> =", false, "501 5.5.4", NULL },
    { "FROM:<a@b>", false, "501 5.5.4", NULL },
};

static void look_rcpt(struct span s)
{
    struct smtp_path path;
    const char *reply;

    assert_true(smtp_parse_rcpt(s, true, &path, &reply) == (reply == NULL));
}

static void rcpt_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rcpts); i++) {
        struct smtp_path path;
        const char *reply = "";
        const bool ok =
            smtp_parse_rcpt(span_str(rcpts[i].in), rcpts[i].smtputf8, &path, &reply);

        assert_int_equal(ok, rcpts[i].reply == NULL);
        if (ok)
            assert_string_equal(path.local, rcpts[i].local);
        else
            assert_memory_equal(reply, rcpts[i].reply, 9);
        each_cut(span_str(rcpts[i].in), look_rcpt);
    }
}

static const struct {
    const char *in;
    size_t room;
    int rc;
    const char *out, *rest;
} xtexts[] = {
    { "abc", 4, 1, "abc", "" },
    { "abc", 3, -1, NULL, NULL },
    { "+2B61+3d x", 16, 1, "+61=", " x" },
    { "", 1, 1, "", "" },
    { "a+", 16, -1, NULL, NULL },
    { "a+2", 16, -1, NULL, NULL },
    { "a+2G", 16, -1, NULL, NULL },
    { "a+00", 16, -1, NULL, NULL },
    { "a=b", 16, -1, NULL, NULL },
    { "a\x7f", 16, -1, NULL, NULL },
    { "\xc3\xbc", 16, -1, NULL, NULL },
    { "a\tb", 16, -1, NULL, NULL },
};

static void look_xtext(struct span s)
{
    struct cur c = cur_of(s);
    char out[16];

    (void)smtp_take_xtext(&c, out, sizeof out);
}

static void xtext(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(xtexts); i++) {
        struct cur c = cur_of(span_str(xtexts[i].in));
        char out[16];

        assert_int_equal(smtp_take_xtext(&c, out, xtexts[i].room), xtexts[i].rc);
        if (xtexts[i].rc == 1) {
            assert_string_equal(out, xtexts[i].out);
            assert_true(span_eq_str(span_of(c.p, cur_left(&c)), xtexts[i].rest));
        }
        each_cut(span_str(xtexts[i].in), look_xtext);
    }
}

static const struct {
    const char *in;
    bool ok;
    const char *ident, *client; /* "" unknown */
} xforwards[] = {
    { "NAME=localhost ADDR=192.0.2.7 PORT=33684", true, "", "192.0.2.7" },
    { "PROTO=ESMTP HELO=a.b IDENT=4F1C2 SOURCE=REMOTE", true, "4F1C2", "" },
    { "ident=4F+2D1 ", true, "4F-1", "" },
    { "ADDR=IPV6:2001:db8::1", true, "", "2001:db8::1" },
    { "ADDR=2001:db8::1", true, "", "2001:db8::1" },
    { "ADDR=[UNAVAILABLE] IDENT=[UNAVAILABLE] NAME=[TEMPUNAVAIL]", true, "", "" },
    { "IDENT=a IDENT=b", true, "b", "" },
    { "", false, "", "" },
    { "ADDR", false, "", "" },
    { "ADDR=1.2.3", false, "", "" },
    { "ADDR=mail.example", false, "", "" },
    { "ADDR=", false, "", "" },
    { "IDENT=a LOGIN=b", false, "", "" },
    { "=a", false, "", "" },
    { "IDENT=+zz", false, "", "" },
    { "IDENT=" A64 A64 A64 A64, false, "", "" },
};

static void look_xforward(struct span s)
{
    struct smtp_xforward x = { .ident = "" };
    const char *reply = NULL;

    assert_true(smtp_parse_xforward(s, &x, &reply) == (reply == NULL));
}

static void xforward(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(xforwards); i++) {
        struct smtp_xforward x = { .ident = "" };
        const bool v6 = strchr(xforwards[i].client, ':') != NULL;
        char client[INET6_ADDRSTRLEN] = "";
        const char *reply;

        assert_int_equal(smtp_parse_xforward(span_str(xforwards[i].in), &x, &reply),
                         xforwards[i].ok);
        assert_string_equal(x.ident, xforwards[i].ident);
        if (x.client.ss_family != AF_UNSPEC)
            (void)inet_ntop(x.client.ss_family,
                            v6 ? (void *)&((struct sockaddr_in6 *)&x.client)->sin6_addr
                               : (void *)&((struct sockaddr_in *)&x.client)->sin_addr,
                            client, sizeof client);
        assert_string_equal(client, xforwards[i].client);
        each_cut(span_str(xforwards[i].in), look_xforward);
    }
}

static void xforward_attributes_add_up(void **state)
{
    struct smtp_xforward x = { .ident = "" };
    const char *reply;

    (void)state;
    assert_true(smtp_parse_xforward(span_str("ADDR=192.0.2.7"), &x, &reply));
    assert_true(smtp_parse_xforward(span_str("IDENT=77"), &x, &reply));
    assert_false(smtp_parse_xforward(span_str("IDENT=88 BAD=1"), &x, &reply));
    assert_string_equal(x.ident, "77");
    assert_int_equal(x.client.ss_family, AF_INET);
}

static const struct {
    const char *in, *number; /* number NULL: the alias of TOKEN */
} locals[] = {
    { "+61412345678", "+61412345678" },
    { "61412345678", "61412345678" },
    { "+61412345678+tag", "+61412345678" },
    { "0412345678+a+b", "0412345678" },
    { "0412345678+", "0412345678" },
    { "+", "+" },
    { "++", "+" },
    { "r-" TOKEN, NULL },
    { "R-AAAQEAYEAUDAOCAJBIFQYDIOB4", NULL },
    { "r-" TOKEN "+x", NULL },
    { "r-" TOKEN "a", "r-" TOKEN "a" },
    { "r-aaaqeayeaudaocajbifqydiob", "r-aaaqeayeaudaocajbifqydiob" },
    { "r-aaaqeayeaudaocajbifqydiob5", "r-aaaqeayeaudaocajbifqydiob5" }, /* spare bits */
    { "r-", "r-" },
    { "postmaster", "postmaster" },
};

static void local_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(locals); i++) {
        uint8_t alias[SMTP_ALIAS_BYTES] = { 0 };
        struct span number = { "", 0 };

        if (smtp_read_local(locals[i].in, alias, &number) == SMTP_LOCAL_ALIAS) {
            assert_null(locals[i].number);
            for (uint8_t k = 0; k < SMTP_ALIAS_BYTES; k++)
                assert_int_equal(alias[k], k);
        } else {
            assert_non_null(locals[i].number);
            assert_true(span_eq_str(number, locals[i].number));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_with_crlf_only),
        cmocka_unit_test(a_verb_is_letters),
        cmocka_unit_test(mail_commands),
        cmocka_unit_test(a_path_that_outgrows_its_room_is_refused),
        cmocka_unit_test(rcpt_commands),
        cmocka_unit_test(xtext),
        cmocka_unit_test(xforward),
        cmocka_unit_test(xforward_attributes_add_up),
        cmocka_unit_test(local_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
