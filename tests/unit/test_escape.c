/* SPDX-License-Identifier: ISC */
/* test_escape.c - Kannel's escape codes, row by row, each also cut after every byte.
 * Here:       every code, what is encoded, words, the cap.
 * Elsewhere:  the same against smsbox's own code (test_escape_libgw.c).
 * Called by:  make check. */
#include "relay/escape.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

/* A DLR, and an answer whose blanks, stars and bytes are of every kind. */
static const struct escape_values dlr = {
    .text = S("ACK/"),
    .from = S("+61412345678"),
    .to = S("0061400000000"),
    .smsc = S("smsc one"),
    .id = S("0f9a3e7c-1b2d-4c5e-8f60-718293a4b5c6"),
    .foreign_id = S("A&B=1"),
    .service = S("north~side"),
    .account = S("cost/centre 7"),
    .charset = S("ISO-8859-1"),
    .meta_data = S("?smpp?a=1&b=x%2By+z&?Kannel?a=2&c=&d=%zz#\xff"),
    .binfo = S("b*(!)'"),
    .dlr_url = S("http://a.example/?x=%d"),
    .time_s = 1700000000,
    .event = 8,
    .coding = 1,
    .mclass = 2,
};
static const struct escape_values answer = {
    .text = S("  Yes\tn\xc3\xb6 *a*&b \r\n x?y=\"1\"\x01  end "),
    .from = S("0061412345678"),
    .to = S("61400000000"),
    .time_s = 0,
    .coding = -1,
    .mclass = -1,
};
static const struct escape_values nothing = { .coding = -1, .mclass = -1 };
static const struct escape_values ucs2 = { .coding = 2, .mclass = 0 };

#define DLR &dlr
#define ANSWER &answer
#define NOTHING &nothing
static const struct {
    const char *pattern;
    const struct escape_values *v;
    const char *url;
} rows[] = {
    { "", DLR, "" },
    { "http://a.example/?x=1", DLR, "http://a.example/?x=1" },
    /* the text */
    { "%a", DLR, "ACK%2F" },
    { "%a", ANSWER, "Yes+n%C3%B6+*a*%26b+x%3Fy%3D%221%22%01+end" },
    { "%A", DLR, "ACK%2F" },
    { "%A", ANSWER, "++Yes%09n%C3%B6+*a*%26b+%0D%0A+x%3Fy%3D%221%22%01++end+" },
    { "%b", ANSWER, "++Yes%09n%C3%B6+*a*%26b+%0D%0A+x%3Fy%3D%221%22%01++end+" },
    { "%e", DLR, "41434B2F" },
    { "%a%A%b%e", NOTHING, "" },
    /* its words */
    { "%k", ANSWER, "Yes" },
    { "%k/%k", ANSWER, "Yes/Yes" },
    { "%k", NOTHING, "" },
    { "%s", ANSWER, "n%C3%B6" },
    { "%s,%s,%s", ANSWER, "n%C3%B6,*a*%26b,x%3Fy%3D%221%22%01" },
    { "%s,%s,%s,%s,%s,%s", ANSWER, "n%C3%B6,*a*%26b,x%3Fy%3D%221%22%01,end,," },
    { "%s%S%r", NOTHING, "" },
    { "%s%S%r%k", DLR, "ACK%2F" },
    { "%r", ANSWER, "n%C3%B6+*a*%26b+x%3Fy%3D%221%22%01+end" },
    { "%s,%r", ANSWER, "n%C3%B6,*a*%26b+x%3Fy%3D%221%22%01+end" },
    { "%r,%s", ANSWER,
      "n%C3%B6+*a*%26b+x%3Fy%3D%221%22%01+end,n%C3%B6" }, /* %r takes none */
    { "%s,%S", ANSWER, "n%C3%B6,~a~&b" },
    { "%S", ANSWER, "n%C3%B6" }, /* no URL holds that byte */
    { "%s%s%S", ANSWER, "n%C3%B6*a*%26bx?y=%221%22%01" },
    /* numbers */
    { "%p", DLR, "%2B61412345678" },
    { "%P", DLR, "0061400000000" },
    { "%q", DLR, "%2B61412345678" },
    { "%Q", DLR, "%2B61400000000" },
    { "%p", ANSWER, "0061412345678" },
    { "%q", ANSWER, "%2B61412345678" },
    { "%Q", ANSWER, "61400000000" },
    { "%p%P%q%Q", NOTHING, "" },
    /* what else came */
    { "%i", DLR, "smsc+one" },
    { "%I", DLR, "0f9a3e7c-1b2d-4c5e-8f60-718293a4b5c6" },
    { "%F", DLR, "A%26B%3D1" },
    { "%n", DLR, "north~side" },
    { "%o", DLR, "cost%2Fcentre+7" },
    { "%B", DLR, "b*(!)'" },
    { "%R", DLR, "http%3A%2F%2Fa.example%2F%3Fx%3D%25d" },
    { "%D", DLR,
      "%3Fsmpp%3Fa%3D1%26b%3Dx%252By%2Bz%26%3FKannel%3Fa%3D2%26c%3D%26"
      "d%3D%25zz%23%FF" },
    { "%i%I%F%n%o%B%R%D", NOTHING, "" },
    { "%d", DLR, "8" },
    { "%d", NOTHING, "0" },
    { "%t", DLR, "2023-11-14+22:13:20" },
    { "%t", ANSWER, "1970-01-01+00:00:00" },
    { "%T", DLR, "1700000000" },
    /* coding */
    { "%c", DLR, "1" },
    { "%c", NOTHING, "-1" },
    { "%m", DLR, "2" },
    { "%m", NOTHING, "-1" },
    { "%M", DLR, "-1" },
    { "%C", DLR, "ISO-8859-1" },
    { "%C", NOTHING, "UTF-8" },
    { "%C", &ucs2, "UTF-16BE" },
    { "%C", &(const struct escape_values){ .coding = 1 }, "8-BIT" },
    { "%C", &(const struct escape_values){ .coding = 0 }, "UTF-8" },
    { "%O", DLR, "22" }, /* 0x10 | 2 | 1 << 2 */
    { "%O", NOTHING, "00" },
    { "%O", &ucs2, "24" },
    { "%u%f%v%V", DLR, "" },
    /* values of the meta-data */
    { "%#smpp#a#", DLR, "1" },
    { "<%#smpp#b#>", DLR, "<x%2By+z>" },
    { "%#SMPP#a#", DLR, "1" },
    { "%#smpp#A#", DLR, "" },
    { "%#kannel#a#", DLR, "2" },
    { "%#kannel#b#", DLR, "" },
    { "%#kannel#c#", DLR, "" },
    { "%#kannel#d#", DLR, "%25zz%23%FF" },
    { "%#other#a#,%d", DLR, ",8" },
    { "%#smpp#a#", NOTHING, "" },
    { "%#smpp#a", DLR, "%#smpp#a" }, /* smsbox never returns from these */
    { "%#smpp", DLR, "%#smpp" },
    { "%#", DLR, "%#" },
    /* itself, and what is no code */
    { "%%", DLR, "%" },
    { "%%a", DLR, "%a" },
    { "100%%25", DLR, "100%25" },
    { "%", DLR, "%" },
    { "a%", DLR, "a%" },
    { "%%%", DLR, "%%" },
    { "%x%U%g%z%1", DLR, "%x%U%g%z%1" },
    { "%20%2B", DLR, "%20%2B" },
    { "%a0", DLR, "ACK%2F0" }, /* as smsbox: lower-case hex is taken for a code */
    { "% %\xc3\xa9", DLR, "% %\xc3\xa9" },
    { "http://a.example/r?p=%p&t=%T&s=%d&x=%x#%%", DLR,
      "http://a.example/r?p=%2B61412345678&t=1700000000&s=8&x=%x#%" },
};

static void every_code(void **state)
{
    struct buf out;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        buf_init(&out, 1000);
        escape_url(span_str(rows[i].pattern), rows[i].v, &out);
        assert_true(buf_ok(&out));
        if (!span_eq_str(buf_span(&out), rows[i].url))
            fail_msg("%s: %s", rows[i].pattern, buf_cstr(&out));
        buf_clear(&out);
    }
}

/* In heap blocks of exactly the size: a step beyond is seen by the sanitizer. */
static struct span cut(struct span s, size_t n)
{
    char *const p = malloc(n + (n == 0));

    assert_non_null(p);
    memcpy(p, s.p, n);
    return span_of(p, n);
}

static void cut_anywhere(void **state)
{
    static const struct span all = S("%a%A%k%s%S%r%#kannel#d#%#smpp#b#%e%D%");
    struct escape_values v;
    struct span pattern;
    struct buf out;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t n = 0; n <= strlen(rows[i].pattern); n++) {
            pattern = cut(span_str(rows[i].pattern), n);
            buf_init(&out, 1000);
            escape_url(pattern, rows[i].v, &out);
            assert_true(buf_ok(&out));
            buf_clear(&out);
            free((void *)(uintptr_t)pattern.p);
        }
    for (size_t n = 0; n <= answer.text.n || n <= dlr.meta_data.n; n++) {
        v = answer;
        v.text = cut(answer.text, n < answer.text.n ? n : answer.text.n);
        v.meta_data = cut(dlr.meta_data, n < dlr.meta_data.n ? n : dlr.meta_data.n);
        buf_init(&out, 1000);
        escape_url(all, &v, &out);
        assert_true(buf_ok(&out));
        buf_clear(&out);
        free((void *)(uintptr_t)v.text.p);
        free((void *)(uintptr_t)v.meta_data.p);
    }
}

static void the_cap_holds(void **state)
{
    struct buf out;
    size_t whole;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        whole = strlen(rows[i].url);
        for (size_t max = 0; max <= whole; max++) {
            buf_init(&out, max);
            escape_url(span_str(rows[i].pattern), rows[i].v, &out);
            assert_int_equal(buf_ok(&out), max == whole);
            assert_true(out.n <= max);
            buf_clear(&out);
        }
    }
}

/* Much text and many codes: without care 1000 times half a million steps. */
static void long_texts_cost_little(void **state)
{
    static const char *const codes[] = { "%a", "%r", "%s", "%k", "%A", "%S", "%e" };
    struct escape_values v = nothing;
    char *const text = malloc(500000);
    struct buf pattern, out;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', 500000);
    text[0] = 'a', text[499999] = 'b';
    v.text = span_of(text, 500000);
    for (size_t i = 0; i < COUNT(codes); i++) {
        buf_init(&pattern, 2000);
        while (buf_ok(&pattern) && pattern.n < 2000)
            buf_put(&pattern, codes[i]);
        buf_init(&out, 8000);
        escape_url(buf_span(&pattern), &v, &out);
        assert_int_equal(buf_ok(&out), strchr("Ae", codes[i][1]) == NULL);
        buf_clear(&out);
        buf_clear(&pattern);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(the_cap_holds),
        cmocka_unit_test(long_texts_cost_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
