/* SPDX-License-Identifier: ISC */
/* test_mime_text.c - HTML as text, and answers without what they quote.
 * Here:       rows, each also cut after every byte in a block of its exact size.
 * Elsewhere:  whole mails (test_mime.c).
 * Called by:  make check. */
#include "relay/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <glib.h>
#include <cmocka.h>

static const struct {
    const char *html, *text;
} html_rows[] = {
    { "", "" },
    { "words", "words" },
    { "  a \n\t b  ", "a b" },
    { "<p>a</p><p>b</p>", "a\n\nb" },
    { "<P>a<P>b", "a\n\nb" },
    { "a<br>b<br/>c", "a\nb\nc" },
    { "a<br><br><br><br>b", "a\n\nb" },
    { "<div>a</div><div><br></div><div>b</div>", "a\n\nb" },
    { "<b>bo</b>ld", "bold" },
    { "a<b> b</b> c", "a b c" },
    { "<ul><li>a<li><p>b</p></ul>c", "- a\n- b\n\nc" },
    { "<table><tr><th>k<th>v<tr><td>a<td>b</table>", "k v\na b" },
    { "<h1>T</h1>x", "T\n\nx" },
    { "<pre>a\n  b\n\n\nc</pre>d", "a\n  b\n\nc\n\nd" },
    /* references */
    { "a&nbsp;&nbsp; b", "a b" },
    { "&lt;b&gt; &amp;amp; &quot;&apos;", "<b> &amp; \"'" },
    { "caf&eacute; caf&#233; caf&#xE9; caf&#XE9", "café café café café" },
    { "&eacute &euro &euro; &unknown; &; & &#; &#x; &#", "é &euro € &unknown; &; & &#; "
                                                         "&#x; &#" },
    { "&#146;&#150;&#129;|&#0;&#xD800;&#x110000;&#4294967361;|", "’–||" },
    { "&toolongtobeanentityname;", "&toolongtobeanentityname;" },
    { "a&#10;&#13;b&#8238;c&#27;d", "a b\xe2\x80\xae"
                                    "cd" },
    /* what nobody sees */
    { "<head><title>t</title><style>s</style></head>x", "x" },
    { "a<script>b</scr</script >c", "ac" },
    { "a<script>b", "a" },
    { "a<STYLE>b</style>c", "ac" },
    { "a<!-- b -->c<!-->d<!--->e<!-- f", "acde" },
    { "a<!doctype html>b<?xml x?>c<![if !mso]>d<![endif]>", "abcd" },
    { "a<div style=\"x:y; DISPLAY : none\">b<div>c</div>d</div>e", "ae" },
    { "a<p hidden>b<p>c", "a\n\nc" },
    { "a<input hidden>b<img hidden alt=c>d", "abd" },
    { "a<span style='display:nonesuch'>b</span>", "a" }, /* its prefix is enough */
    { "a<span style='display:inline'>b</span>", "ab" },
    { "<svg><text>a</text></svg>b", "b" },
    /* links */
    { "<a href=\"https://x.y/z\">map</a>", "map (https://x.y/z)" },
    { "<a href='https://x.y/z'>https://x.y/z</a>", "https://x.y/z" },
    { "<a href=https://x.y/>x.y</a>", "x.y" },
    { "<a href=\"HTTP://x.y/?a=1&amp;b=2\"> go <b>now</b> </a>.",
      "go now (HTTP://x.y/?a=1&b=2)." },
    { "<a href='https://x.y/z'><img src=a></a>", "(https://x.y/z)" },
    { "<a href='https://x.y/z'><img src=a alt='Our &quot;map&quot;'></a>",
      "Our \"map\" (https://x.y/z)" },
    { "<a href='https://x.y/z'></a>b", "b" },
    { "<a href='javascript:alert(1)'>a</a> <a href='mailto:a@b'>c</a> <a>d</a>",
      "a c d" },
    { "<a href='https://x.y/\nz'>a</a> <a href='https://x.y/ z'>b</a>", "a b" },
    { "<a href='https://x.y/a'>a<a href='https://x.y/b'>b",
      "a (https://x.y/a)b (https://x.y/b)" },
    { "<ul><li><a href='https://x.y/z'>https://x.y/z</a></ul>", "- https://x.y/z" },
    /* quotes */
    { "a<blockquote>b<p>c<blockquote>d</blockquote></blockquote>e",
      "a\n> b\n>\n> c\n> > d\n\ne" },
    /* no tags, or bad ones */
    { "5 < 6 > 4 <> </> <3 <", "5 < 6 > 4 <> </> <3 <" },
    { "a <b", "a <b" },
    { "a <b title=\"never closed>c</b>d", "a cd" },
    { "a <b title='x", "a <b title='x" },
    { "<p =a ===b / /c=\"d\"e'f>x", "x" },
    { "<averyveryverylongelementname>x</averyveryverylongelementname>", "x" },
    { "\xff<p>\xc3</p>", "\xef\xbf\xbd\n\n\xef\xbf\xbd" },
};

static void run_html(const char *html, size_t n, struct buf *out)
{
    char *const exact = malloc(n > 0 ? n : 1);
    struct err e;

    assert_non_null(exact);
    memcpy(exact, html, n);
    buf_init(out, MIME_TEXT_MAX);
    assert_int_equal(mime_html_text(span_of(exact, n), out, &e), 0);
    assert_true(g_utf8_validate(buf_cstr(out), -1, NULL));
    free(exact);
}

static void test_html(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof html_rows / sizeof html_rows[0]; i++) {
        struct buf out;

        run_html(html_rows[i].html, strlen(html_rows[i].html), &out);
        if (strcmp(buf_cstr(&out), html_rows[i].text) != 0)
            fail_msg("%s: \"%s\"", html_rows[i].html, buf_cstr(&out));
        buf_clear(&out);
    }
}

static void test_html_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof html_rows / sizeof html_rows[0]; i++)
        for (size_t n = 0; n < strlen(html_rows[i].html); n++) {
            struct buf out;

            run_html(html_rows[i].html, n, &out);
            buf_clear(&out);
        }
}

/* What was quadratic in other readers: a second for half a megabyte is generous. */
static void test_html_is_linear(void **state)
{
    static const char *const pieces[] = {
        "<p a='",    "<b>",        "</b>",    "<",           "<!--",       "&amp",
        "a1=b ",     "<a href=\"", "<table>", "<a b=",       "&#9",        "</a>",
        "<script><", "&",          "<![x",    "&aaaaaaaaaa", "<p hidden>", "<li>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        for (int inside = 0; inside < 2; inside++) {
            struct buf html, out;
            struct err e;
            clock_t before;

            buf_init(&html, 2U << 20);
            buf_init(&out, MIME_TEXT_MAX);
            buf_put(&html, inside ? "<p " : "");
            while (html.n < 512U << 10)
                buf_put(&html, pieces[i]);
            before = clock();
            assert_int_equal(mime_html_text(buf_span(&html), &out, &e), 0);
            assert_true(clock() - before < CLOCKS_PER_SEC);
            buf_clear(&html);
            buf_clear(&out);
        }
}

static void test_html_is_capped(void **state)
{
    struct buf html, out;
    struct err e;

    (void)state;
    buf_init(&html, 4U << 20);
    buf_init(&out, 10 + MIME_TEXT_MAX);
    buf_put(&out, "0123456789"); /* appends */
    while (html.n < 1U << 20)
        buf_put(&html, "w&euro;rd ");
    assert_int_equal(mime_html_text(buf_span(&html), &out, &e), 0);
    assert_in_range(out.n, MIME_TEXT_MAX, MIME_TEXT_MAX + 10);
    assert_true(g_utf8_validate(out.p, (gssize)out.n, NULL));
    buf_clear(&html);
    buf_clear(&out);
}

#define KEPT "Yes, I will come.\n\nAnna"

static const struct {
    const char *text, *kept;
} quote_rows[] = {
    { "", "" },
    { "Yes\n", "Yes" },
    { KEPT "\n\n> old\n> older\n", KEPT },
    { KEPT "\n\nOn Mon, 23 Nov 2026, Desk <d@x> wrote:\n> old\n\n> older\n", KEPT },
    { KEPT
      "\n\nOn Mon, 23 Nov 2026 at 21:00, Desk\n<d@clinic.example>\nwrote:\n\n> old",
      KEPT },
    { KEPT "\r\n\r\nOn Monday Desk wrote:\r\n\r\n> old\r\n", KEPT },
    { KEPT "\n\nOn Monday Desk wrote:\n\nold without marks\n", KEPT },
    { KEPT "\n-- \nsent by phone\n", KEPT },
    { KEPT "\n-- \r\nsent by phone\n", KEPT },
    { KEPT "\n\n-----Original Message-----\nFrom: Desk\n\nold\n", KEPT },
    { KEPT "\n\n-----Urspr\xc3\xbcngliche Nachricht-----\nVon: Desk\n", KEPT },
    { KEPT "\n\nFrom: Desk <d@x>\nSent: Monday\nTo: Anna\n\nold\n", KEPT },
    /* an answer between the lines needs them */
    { "On Monday Desk wrote:\n> come?\nYes\n> when?\nAt nine\n",
      "On Monday Desk wrote:\n> come?\nYes\n> when?\nAt nine" },
    { "> come?\nYes\n", "> come?\nYes" },
    { "> come?\nYes\n> when?\n", "> come?\nYes" },
    /* nothing but a quote is nothing */
    { "> old\n> older\n", "" },
    { "On Monday Desk wrote:\n> old\n", "" },
    { "\n\n> old\n", "" },
    /* but nothing is lost that is no quote */
    { "-- \nAnna\n", "-- \nAnna" },
    { "-----Original Message-----\nold\n", "-----Original Message-----\nold" },
    { "On second thought, no\n", "On second thought, no" },
    { "On Monday\n\nshe wrote:\n", "On Monday\n\nshe wrote:" },
    { "From: the start\nto the end\n", "From: the start\nto the end" },
    { "a\n--\nb\n", "a\n--\nb" },
    { "a > b\n", "a > b" },
};

static void test_quotes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quote_rows / sizeof quote_rows[0]; i++) {
        const char *const text = quote_rows[i].text;
        const size_t n = mime_strip_quote(span_str(text));

        if (!span_eq_str(span_of(text, n), quote_rows[i].kept))
            fail_msg("%s: \"%.*s\"", text, (int)n, text);
    }
    assert_int_equal(mime_strip_quote(span_of(NULL, 0)), 0);
}

static void test_quotes_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof quote_rows / sizeof quote_rows[0]; i++)
        for (size_t n = 0; n < strlen(quote_rows[i].text); n++) {
            char *const exact = malloc(n > 0 ? n : 1);

            assert_non_null(exact);
            memcpy(exact, quote_rows[i].text, n);
            assert_true(mime_strip_quote(span_of(exact, n)) <= n);
            free(exact);
        }
}

static void test_quotes_are_linear(void **state)
{
    static const char *const pieces[] = { "> a\n",     "On x wrote:\n",
                                          "On x\n",    "\n",
                                          "From: x\n", "On x wrote:\n>\na\n" };

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct buf text;
        clock_t before;

        buf_init(&text, 2U << 20);
        while (text.n < MIME_TEXT_MAX)
            buf_put(&text, pieces[i]);
        buf_put(&text, "my own words");
        before = clock();
        (void)mime_strip_quote(buf_span(&text));
        assert_true(clock() - before < CLOCKS_PER_SEC);
        buf_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_cut),
        cmocka_unit_test(test_html_is_linear),
        cmocka_unit_test(test_html_is_capped),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_quotes_cut),
        cmocka_unit_test(test_quotes_are_linear),
    };

    mime_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
