/* SPDX-License-Identifier: ISC */
/* test_http_pairs.c - queries and forms as smsbox reads them.
 * Here:       rows, each also cut after every byte, in a heap block of that exact size.
 * Elsewhere:  heads and paths (test_http_guard.c), smsbox itself
 *             (tests/scenario/sendsms-like-kannel.sh).
 * Called by:  make check. */
#include "relay/http_pairs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])

/* show - "name=value|name=value", bytes that are no letters as \xHH. */
static void show_span(struct span s, char **to)
{
    for (size_t i = 0; i < s.n; i++)
        *to += s.p[i] > ' ' && s.p[i] < 0x7f
                   ? sprintf(*to, "%c", s.p[i])
                   : sprintf(*to, "\\x%02x", (unsigned char)s.p[i]);
}

static void show(const struct http_pairs *p, char *to)
{
    for (size_t i = 0; i < p->n; i++) {
        if (i > 0)
            *to++ = '|';
        show_span(p->pair[i].name, &to);
        *to++ = '=';
        show_span(p->pair[i].value, &to);
    }
    *to = '\0';
}

static char *heap(const char *text, size_t n)
{
    char *const block = malloc(n + 1);

    assert_non_null(block);
    memcpy(block + 1, text, n); /* exact at the end, never NULL at the start */
    return block;
}

static void pairs_are_those_of_smsbox(void **state)
{
    static const struct {
        const char *query, *pairs;
    } rows[] = {
        { "", "" },
        { "a=b", "a=b" },
        { "a=b&c=d", "a=b|c=d" },
        { "a", "a=" },
        { "a=", "a=" },
        { "=b", "=b" },
        { "a=b=c", "a=b=c" },
        { "a=1&a=2&A=3", "a=1|a=2|A=3" },
        { "&&&=&=x&", "=|=x" },
        { "a=b&", "a=b" },
        { "a=x+y%20z", "a=x\\x20y\\x20z" },
        { "%74%6f=1", "to=1" },
        { "a%3Db=c%26d", "a=b=c&d" },
        { "a=%00b", "a=\\x00b" },
        { "a=%", "a=" },
        { "a=100%", "a=100" },
        { "a=x%4", "a=x" },
        { "a=x%&b=y", "a=x|b=y" },
        { "a=x%4&b=y", "a=x|b=y" },
        { "a=x%zzy", "a=x%zzy" },
        { "a=x%z4%41", "a=x%z4A" },
        { "a=%%41", "a=%%41" }, /* three bytes are skipped */
        { "a=%+1b", "a=%+1b" },
        { "a=%41%zz%42%4", "a=A%zzB" },
        { "a=%c3%A9", "a=\\xc3\\xa9" },
        { "a=\xc3\xa9", "a=\\xc3\\xa9" },
        { "a=x;b=y?c#d", "a=x;b=y?c#d" },
    };
    char shown[512];
    struct http_pairs p;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const size_t n = strlen(rows[i].query);

        for (size_t cut = 0; cut <= n; cut++) {
            char *const block = heap(rows[i].query, cut);

            assert_int_equal(http_pairs_take(&p, span_of(block + 1, cut)), 0);
            free(block); /* they point into nothing of it */
            show(&p, shown);
            http_pairs_clear(&p);
        }
        if (strcmp(shown, rows[i].pairs) != 0)
            fail_msg("%s: %s, not %s", rows[i].query, shown, rows[i].pairs);
    }
}

static void pairs_are_counted(void **state)
{
    char query[4 * (HTTP_PAIRS_MAX + 2)];
    struct http_pairs p;
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < HTTP_PAIRS_MAX + 2; i++, n += 4)
        memcpy(query + n, i < HTTP_PAIRS_MAX ? "a=b&" : "c=d&", 4);
    assert_int_equal(http_pairs_take(&p, span_of(query, n)), 0);
    assert_int_equal(p.n, HTTP_PAIRS_MAX);
    assert_true(span_eq_str(p.pair[p.n - 1].name, "a"));
    http_pairs_clear(&p);

    memset(query, '&', sizeof query - 3); /* empty ones count for nothing */
    memcpy(query + sizeof query - 3, "a=b", 3);
    assert_int_equal(http_pairs_take(&p, span_of(query, sizeof query)), 0);
    assert_int_equal(p.n, 1);
    http_pairs_clear(&p);
}

static void decoding_says_what_was_bad(void **state)
{
    static const struct {
        const char *in, *out;
        bool sound;
    } rows[] = {
        { "", "", true },        { "a+b%41", "a bA", true }, { "%4", "", false },
        { "%zz", "%zz", false }, { "a%", "a", false },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const size_t n = strlen(rows[i].in);
        char *const block = heap(rows[i].in, n);
        bool sound;
        const size_t got = http_url_decode(span_of(block + 1, n), block + 1, &sound);

        assert_int_equal(got, strlen(rows[i].out));
        assert_memory_equal(block + 1, rows[i].out, got);
        assert_int_equal(sound, rows[i].sound);
        free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_those_of_smsbox),
        cmocka_unit_test(pairs_are_counted),
        cmocka_unit_test(decoding_says_what_was_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
