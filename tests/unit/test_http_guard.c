/* SPDX-License-Identifier: ISC */
/* test_http_guard.c - which bytes evhttp may see.
 * Here:       heads, paths and whole connections as rows, each also cut everywhere.
 * Elsewhere:  the same over real sockets: the scenario of hostile HTTP clients.
 * Called by:  make check. */
#include "relay/http.h"
#include "relay/http_guard.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define BODY_MAX 64U
#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define TEXT(s) s, sizeof(s) - 1
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define TEN(x) x x x x x x x x x x

/* What a connection sends: the answer to it, and how many requests it completed. */
static const struct http_limits limits = { HTTP_HEAD_USUAL, BODY_MAX, false };

static const struct {
    const char *bytes;
    size_t n;
    int status;
    bool idle;
} streams[] = {
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 0, true },
    { TEXT("GET / HTTP/1.0\r\n\r\n"), 0, true },
    { TEXT("HEAD /a/b?c=%2F&d=e+f HTTP/1.1\r\nhost: [::1]:8443\r\n\r\n"), 0, true },
    { TEXT(POST "Content-Length: 4\r\n\r\nabcd"), 0, true },
    { TEXT(POST "Content-Length: 4\r\n\r\nabc"), 0, false },
    { TEXT(POST "Content-Length: 0\r\n\r\n"), 0, true },
    { TEXT(POST "\r\n"), 0, true }, /* no length: no body */
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 0, true },
    { TEXT(POST "Content-Length: 64\r\nExpect: 100-continue\r\n\r\n"), 0, false },
    { TEXT(CHUNKED "3\r\nabc\r\n0\r\n\r\n"), 0, true },
    { TEXT(CHUNKED "00A\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n"), 0, true },
    { TEXT(CHUNKED "3\r\nabc\r\n0\r\n"), 0, false },
    { TEXT(POST "Content-Length: 4\r\n\r\nabcdGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"), 0,
      true },
    { TEXT(CHUNKED "0\r\n\r\n" CHUNKED "1\r\nx\r\n0\r\n\r\n"), 0, true },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nX: \x80\tb \t\r\nEmpty:\r\n\r\n"), 0, true },
    /* two lengths, a length and a coding, odd lengths */
    { TEXT(POST "Content-Length: 4\r\nContent-Length: 40\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: 4\r\ncontent-length: 4\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: 4, 4\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: +4\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: -1\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: 4x\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: 0x4\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length:\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: 1 2\r\n\r\n"), 400, false },
    { TEXT(POST "Content-Length: 65\r\n\r\n"), 413, false },
    { TEXT(POST "Content-Length: 99999999999999999999\r\n\r\n"), 413, false },
    { TEXT(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
      false },
    { TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n"), 400, false },
    { TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400, false },
    { TEXT(POST "Transfer-Encoding:\tchunked\r\n\r\n"), 400, false },
    { TEXT(POST "Transfer-Encoding : chunked\r\n\r\n"), 400, false },
    { TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
      400, false },
    { TEXT("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
      false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"), 400, false },
    { TEXT("HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"), 400, false },
    { TEXT("HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 400,
      false },
    { TEXT(POST "Expect: tea\r\n\r\n"), 417, false },
    /* lines */
    { TEXT("GET / HTTP/1.1\nHost: x\n\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nX: a\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nX: a\x7f\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n"), 400, false },
    { TEXT("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400, false },
    /* the host */
    { TEXT("GET / HTTP/1.1\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400, false },
    /* the request line */
    { TEXT("GET /\r\n\r\n"), 400, false },
    { TEXT("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"), 501, false },
    { TEXT("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 501, false },
    { TEXT("get / HTTP/1.1\r\nHost: x\r\n\r\n"), 501, false },
    { TEXT("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505, false },
    { TEXT("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505, false },
    { TEXT("GET / HTTP/1.10\r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("GET / http/1.1\r\nHost: x\r\n\r\n"), 400, false },
    { TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 501, false },
    { TEXT("\x16\x03\x01\x02\x00\x01\x00"), 0, false }, /* TLS to a plain port ... */
    { TEXT("\x16\x03\x01\x02\x00\x01\n"), 400, false }, /* ... is no line */
    /* chunks */
    { TEXT(CHUNKED "0x3\r\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "+3\r\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "-1\r\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "3 \r\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "3;a=b\r\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "3\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "\r\nabc\r\n"), 400, false },
    { TEXT(CHUNKED "3\r\nabcX"), 400, false },
    { TEXT(CHUNKED "3\r\nabc\n0\r\n\r\n"), 400, false },
    { TEXT(CHUNKED "ffffffffffffffff\r\n"), 413, false },
    { TEXT(CHUNKED "41\r\n"), 413, false },
    { TEXT(CHUNKED "3\r\nabc\r\n3e\r\n"), 413, false }, /* 65 bytes in all */
    { TEXT(CHUNKED "0\r\nTrailer: x\r\n\r\n"), 400, false },
};

static int feed_in_two(const char *bytes, size_t n, size_t cut, bool *idle)
{
    char *const head = malloc(cut + 1), *const tail = malloc(n - cut + 1);
    struct http_guard g;
    int status;

    assert_true(head != NULL && tail != NULL);
    memcpy(head + 1, bytes, cut); /* exact at the end, never NULL at the start */
    memcpy(tail + 1, bytes + cut, n - cut);
    http_guard_init(&g, &limits);
    assert_true(http_guard_idle(&g));
    (void)http_guard_feed(&g, span_of(head + 1, cut));
    status = http_guard_feed(&g, span_of(tail + 1, n - cut));
    *idle = http_guard_idle(&g);
    if (status != 0) /* it does not recover */
        assert_int_equal(http_guard_feed(&g, span_str(POST "\r\n")), status);
    http_guard_clear(&g);
    free(head);
    free(tail);
    return status;
}

static void connections_are_read_one_way_only(void **state)
{
    bool idle;

    (void)state;
    for (size_t i = 0; i < ROWS(streams); i++)
        for (size_t cut = 0; cut <= streams[i].n; cut++) {
            const int status = feed_in_two(streams[i].bytes, streams[i].n, cut, &idle);

            if (status != streams[i].status || idle != streams[i].idle)
                fail_msg("row %zu cut %zu: %d %d: %s", i, cut, status, idle,
                         streams[i].bytes);
        }
}

static const struct {
    const char *target;
    const char *path; /* NULL: refused */
} paths[] = {
    { "/", "/" },
    { "/api/v1/messages?after=%00", NULL },
    { "/api/v1/messages?after=00&x=%2F/?", "/api/v1/messages" },
    { "/a%20b%C3%A4", "/a b\xc3\xa4" },
    { "/a/", "/a/" },
    { "/.well-known/x", "/.well-known/x" },
    { "/a..b/...", "/a..b/..." },
    { "/%41", "/A" },
    { "", NULL },
    { "a", NULL },
    { "?", NULL },
    { "*", NULL },
    { "//", NULL },
    { "/a//b", NULL },
    { "//evil/a", NULL },
    { "/..", NULL },
    { "/../etc/passwd", NULL },
    { "/a/../b", NULL },
    { "/a/.", NULL },
    { "/./a", NULL },
    { "/%2e%2e/a", NULL },
    { "/.%2E", NULL },
    { "/a%2fb", NULL },
    { "/a%2Fb", NULL },
    { "/a%5cb", NULL },
    { "/a\\b", NULL },
    { "/a%00", NULL },
    { "/a%0d%0a", NULL },
    { "/a%7f", NULL },
    { "/a%", NULL },
    { "/a%4", NULL },
    { "/a%4g", NULL },
    { "/a#b", NULL },
    { "/a\xff", NULL },
    { "/<b>", NULL },
    { "/a?b=%zz", NULL },
    { "/a?b=%4", NULL },
};

static void paths_have_one_spelling(void **state)
{
    char path[HTTP_PATH_ROOM];

    (void)state;
    for (size_t i = 0; i < ROWS(paths); i++) {
        const size_t n = strlen(paths[i].target);
        const char *const want = paths[i].path;
        const int status = http_guard_path(span_str(paths[i].target), false, path);

        if (status != (want == NULL ? 400 : 0) ||
            (want != NULL && strcmp(path, want) != 0))
            fail_msg("%s: %d %s", paths[i].target, status, path);
        for (size_t cut = 0; cut < n; cut++) {
            char *const p = malloc(cut + 1);

            assert_non_null(p);
            memcpy(p + 1, paths[i].target, cut);
            (void)http_guard_path(span_of(p + 1, cut), false, path);
            free(p);
        }
    }
}

static void long_things_are_refused(void **state)
{
    static const char a1000[] = TEN(TEN(TEN("a")));
    char target[HTTP_PATH_ROOM + 1] = "/", path[HTTP_PATH_ROOM];
    struct http_guard g;
    int status = 0;

    (void)state;
    memset(target + 1, 'a', HTTP_PATH_ROOM - 2);
    assert_int_equal(http_guard_path(span_of(target, HTTP_PATH_ROOM - 1), false, path),
                     0);
    target[HTTP_PATH_ROOM - 1] = 'a';
    assert_int_equal(http_guard_path(span_of(target, HTTP_PATH_ROOM), false, path),
                     400);

    http_guard_init(&g, &limits);
    assert_int_equal(http_guard_feed(&g, span_str("GET / HTTP/1.1\r\nHost: x\r\nX: ")),
                     0);
    for (int i = 0; i < 9; i++)
        status = http_guard_feed(&g, span_str(a1000));
    assert_int_equal(status, 431);
    http_guard_clear(&g);

    http_guard_init(&g, &limits);
    (void)http_guard_feed(&g, span_str("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 10; i++) /* few lines, none too long */
        status = http_guard_feed(&g, span_str("X: " TEN(TEN("123456789")) "\r\n"));
    assert_int_equal(status, 431);
    http_guard_clear(&g);

    http_guard_init(&g, &limits);
    (void)http_guard_feed(&g, span_str("GET / HTTP/1.1\r\nHost: x\r\n"));
    for (unsigned i = 1; i < HTTP_HEADERS_MAX; i++)
        assert_int_equal(http_guard_feed(&g, span_str("X: y\r\n")), 0);
    assert_int_equal(http_guard_feed(&g, span_str("X: y\r\n")), 431);
    http_guard_clear(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_read_one_way_only),
        cmocka_unit_test(paths_have_one_spelling),
        cmocka_unit_test(long_things_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
