/* SPDX-License-Identifier: ISC */
/* test_http.c - what doors are shown of a request that came over a socket.
 * Here:       pairs of queries, forms and headers; odd queries and long heads, for
 * doors that want them and for those that do not. Elsewhere:  framing
 * (test_http_guard.c), decoding (test_http_pairs.c), bad clients and TLS
 * (tests/scenario/garbage.sh). Called by:  make check. */
#include "relay/http.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <event2/event.h>
#include <cmocka.h>

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define HEAD_MAX (128U << 10)

static struct event_base *base;
static char answer[4096];

static void put_pairs(struct buf *b, const char *what, const struct http_pair *pairs,
                      size_t n)
{
    buf_put(b, what);
    for (size_t i = 0; i < n; i++) {
        buf_put(b, i > 0 ? "|" : "");
        buf_put_span(b, pairs[i].name);
        buf_put(b, "=");
        if (pairs[i].value.n > 100)
            buf_printf(b, "%zu bytes", pairs[i].value.n);
        else
            buf_put_span(b, pairs[i].value);
    }
    buf_put(b, "\n");
}

static void on_request(void *ctx, struct http_request *req)
{
    const struct http_pair *pairs;
    const char *once;
    struct buf b;
    size_t n;

    (void)ctx;
    buf_init(&b, 2000);
    for (int twice = 0; twice < 2; twice++) { /* asking again changes nothing */
        buf_clear(&b);
        pairs = http_query_pairs(req, &n);
        put_pairs(&b, "query ", pairs, n);
        pairs = http_header_pairs(req, &n);
        put_pairs(&b, "headers ", pairs, n);
        pairs = http_form_pairs(req, &n);
        put_pairs(&b, "form ", pairs, n);
    }
    once = http_query(req, "q");
    buf_printf(&b, "q %s, x %s\n", once == NULL ? "-" : once,
               http_header(req, "X") == NULL ? "-" : http_header(req, "X"));
    http_reply(req, 200, NULL, buf_span(&b));
    buf_clear(&b);
}

static struct http_server *server(bool odd, size_t head_max, struct sockaddr_in *at)
{
    socklen_t n = sizeof *at;
    struct err e;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct http_server *s;

    *at = (struct sockaddr_in){ .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &n), 0);
    s = http_server_new(&(struct http_options){ .base = base,
                                                .listen_fd = fd,
                                                .connections = 4,
                                                .head_max = head_max,
                                                .body_max = 100,
                                                .odd_queries = odd,
                                                .deadline_s = 10,
                                                .handler = on_request },
                        &e);
    assert_non_null(s);
    return s;
}

/* ask - text goes out, answer comes back until the server closes. */
static void ask(const struct sockaddr_in *at, const char *text, size_t n)
{
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t sent = 0, got = 0;
    ssize_t rc;

    assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
    for (;;) {
        if (sent < n &&
            (rc = send(fd, text + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            sent += (size_t)rc;
        (void)event_base_loop(base, EVLOOP_NONBLOCK);
        rc = recv(fd, answer + got, sizeof answer - 1 - got, MSG_DONTWAIT);
        if (rc == 0)
            break;
        if (rc > 0)
            got += (size_t)rc;
    }
    answer[got] = '\0';
    close(fd);
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void expect(const char *want)
{
    if (strstr(answer, want) == NULL)
        fail_msg("%s, not %s", answer, want);
}

static void refute(const char *what)
{
    if (strstr(answer, what) != NULL)
        fail_msg("%s", answer);
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void pairs_are_shown_in_order(void **state)
{
    static const char request[] =
        "POST /a?q=1&q=2&b=+%2B" END "X: 1\r\nx:  2 \r\nContent-Length: 15\r\n\r\n"
        "c=%41&c=&d&e=%z";
    struct sockaddr_in at;
    struct http_server *const s = server(false, 0, &at);

    (void)state;
    ask(&at, request, sizeof request - 1);
    expect("query q=1|q=2|b= +\n");
    expect("headers Host=x|Connection=close|X=1|x=2|Content-Length=15\n");
    expect("form c=A|c=|d=|e=\n");
    expect("q -, x -\n"); /* twice is not once */
    http_server_free(s);
}

static void odd_queries_are_for_whom_asks(void **state)
{
    static const struct {
        const char *request, *shown;
    } rows[] = {
        { "GET /a?q=caf\xc3\xa9&\xff" END "\r\n", "query q=caf\xc3\xa9|\xff=\n" },
        { "GET /a?q=a#b&c=\"<[{|}]>" END "\r\n", "query q=a#b|c=\"<[{|}]>\n" },
        { "GET /a?q=100%&c=%zz" END "\r\n", "query q=100|c=%zz\n" },
    };
    struct sockaddr_in odd_at, at;
    struct http_server *const odd = server(true, 0, &odd_at);
    struct http_server *const strict = server(false, 0, &at);

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        ask(&odd_at, rows[i].request, strlen(rows[i].request));
        expect(rows[i].shown);
        ask(&at, rows[i].request, strlen(rows[i].request));
        expect("HTTP/1.1 400 ");
        refute("query");
    }
    /* Never a control byte, a blank, or an odd path. */
    for (const char *bad = "\x01\x7f\t "; *bad != '\0'; bad++) {
        char request[] = "GET /a?q=? HTTP/1.1\r\nHost: x\r\n\r\n";

        request[9] = *bad;
        ask(&odd_at, request, sizeof request - 1);
        expect("HTTP/1.1 400 ");
    }
    ask(&odd_at, "GET /%zz" END "\r\n", sizeof "GET /%zz" END "\r\n" - 1);
    expect("HTTP/1.1 400 ");
    ask(&odd_at, "GET /\xc3\xa9" END "\r\n", sizeof "GET /\xc3\xa9" END "\r\n" - 1);
    expect("HTTP/1.1 400 ");
    http_server_free(odd);
    http_server_free(strict);
}

static void nul_in_a_query_is_a_byte(void **state)
{
    static const char request[] = "GET /a?q=a%00b" END "\r\n";
    struct sockaddr_in at;
    struct http_server *const s = server(true, 0, &at);
    const char *shown;

    (void)state;
    ask(&at, request, sizeof request - 1);
    shown = strstr(answer, "query q=a");
    assert_non_null(shown);
    assert_memory_equal(shown, "query q=a\0b\n", 12);
    http_server_free(s);
}

static void heads_are_as_long_as_the_door_says(void **state)
{
    static const size_t lengths[] = { 100000, HEAD_MAX + 1 };
    struct sockaddr_in long_at, at;
    struct http_server *const patient = server(true, HEAD_MAX, &long_at);
    struct http_server *const usual = server(true, 0, &at);
    char *const request = malloc(2 * HEAD_MAX);

    (void)state;
    assert_non_null(request);
    for (size_t i = 0; i < ROWS(lengths); i++) {
        size_t n = (size_t)sprintf(request, "GET /a?q=");

        memset(request + n, 'a', lengths[i]);
        n += lengths[i];
        n += (size_t)sprintf(request + n, END "\r\n");
        ask(&long_at, request, n);
        expect(i == 0 ? "query q=100000 bytes\n" : "HTTP/1.1 431 ");
        ask(&at, request, n);
        expect("HTTP/1.1 431 ");
    }
    free(request);
    http_server_free(patient);
    http_server_free(usual);
}

static int start(void **state)
{
    (void)state;
    base = event_base_new();
    return base == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    event_base_free(base);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_shown_in_order),
        cmocka_unit_test(odd_queries_are_for_whom_asks),
        cmocka_unit_test(nul_in_a_query_is_a_byte),
        cmocka_unit_test(heads_are_as_long_as_the_door_says),
    };

    return cmocka_run_group_tests(tests, start, end);
}
