/* SPDX-License-Identifier: ISC */
/* test_callback.c - where callbacks may go, and their signature, row by row.
 * Here:       URLs against callback-hosts, addresses against what is public.
 * Elsewhere:  the requests themselves (test_callback_door.c).
 * Called by:  make check. */
#include "relay/callback.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define A16 "aaaaaaaaaaaaaaaa"
#define LABEL63 A16 A16 A16 "aaaaaaaaaaaaaaa"
#define NAME253 LABEL63 "." LABEL63 "." LABEL63 "." A16 A16 A16 "aaaaaaaaaaaaa"
#define TEXT(text) (char *)(uintptr_t)(text) /* config has char *, and changes none */
#define FINE ""
#define MISFORMED "5.6.0"
#define FORBIDDEN "5.7.1"

static char *hosts[] = {
    TEXT("app.example"),
    TEXT("Port.Example:8080"),
    TEXT("*.wild.example"),
    TEXT("*.wildport.example:81"),
    TEXT("192.0.2.1"),
    TEXT("192.0.2.2:8080"),
    TEXT("[2001:db8::1]"),
    TEXT("[2001:db8::2]:8080"),
    TEXT("dotted.example."),
    TEXT("xn--bcher-kva.example"),
    TEXT(NAME253),
    TEXT("a_b"),
    /* these are mistakes, and allow nothing */
    TEXT(""),
    TEXT("*"),
    TEXT("*."),
    TEXT("wrong.example:"),
    TEXT("wrong.example:0"),
    TEXT("wrong.example:65536"),
    TEXT("wrong.example:http"),
    TEXT("http://wrong.example"),
    TEXT("wrong.example/"),
    TEXT("*wrong.example"),
    TEXT("*.10.9.9.9"),
    TEXT("2001:db8::3"),
    TEXT("[2001:db8::4"),
};
static const struct config_account account = {
    .name = "northside",
    .callback_hosts = { hosts, COUNT(hosts) },
    .reply_url = TEXT("https://Reply.example/r?from=%p"),
    .dlr_url = TEXT("http://127.0.0.1:8080/dlr"),
    .callback_secret = TEXT("a secret of 25 characters"),
};
static const struct config_account bare = { .name = "bare" };

static const struct {
    const char *url, *status;
} urls[] = {
    { "http://app.example", FINE },
    { "http://app.example/", FINE },
    { "https://app.example/dlr?x=%d&y=%%#z", FINE },
    { "http://app.example?x=1", FINE },
    { "http://app.example:8080/", FINE },
    { "http://app.example:1/", FINE },
    { "http://app.example:65535/", FINE },
    { "http://app.example:080/", FINE },
    { "http://app.example:/", FINE }, /* RFC 3986 3.2.3: as without */
    { "HTTP://APP.EXAMPLE/", FINE },
    { "http://app.example./", FINE },
    { "http://app.example.:80/", FINE },
    { "http://app.example/user@host:pass", FINE },
    { "http://app.example/\xc3\xbc?\xff", FINE },
    { "http://app.example/a b", MISFORMED },
    { "http://app.example/\t", MISFORMED },
    { "http://app.example/\r\nHost: x", MISFORMED },
    { "http://app.example/\x7f", MISFORMED },
    { "http://app.example/\x01", MISFORMED },
    { " http://app.example/", MISFORMED },
    { "", MISFORMED },
    { "/", MISFORMED },
    { "app.example", MISFORMED },
    { "app.example/", MISFORMED },
    { "//app.example/", MISFORMED },
    { "http:app.example", MISFORMED },
    { "http:/app.example/", MISFORMED },
    { "http:///app.example/", MISFORMED },
    { "http:\\\\app.example\\", MISFORMED },
    { "http://", MISFORMED },
    { "http:///", MISFORMED },
    { "http://:80/", MISFORMED },
    { "http://?app.example", MISFORMED },
    { "ftp://app.example/", MISFORMED },
    { "file:///etc/passwd", MISFORMED },
    { "file://app.example/etc/passwd", MISFORMED },
    { "gopher://app.example/", MISFORMED },
    { "javascript:http://app.example/", MISFORMED },
    { "httpx://app.example/", MISFORMED },
    /* another host */
    { "http://example/", FORBIDDEN },
    { "http://app.example.evil.example/", FORBIDDEN },
    { "http://xapp.example/", FORBIDDEN },
    { "http://x.app.example/", FORBIDDEN },
    { "http://localhost/", FORBIDDEN },
    { "http://-/", FORBIDDEN },
    { "http://a_b/", FINE },
    { "http://wrong.example/", FORBIDDEN },
    { "http://wrong.example:80/", FORBIDDEN },
    { "http://x.wrong.example/", FORBIDDEN },
    /* a user, or what looks like one */
    { "http://user@app.example/", MISFORMED },
    { "http://user:pass@app.example/", MISFORMED },
    { "http://app.example@evil.example/", MISFORMED },
    { "http://evil.example#@app.example/", FORBIDDEN },
    { "http://evil.example?@app.example/", FORBIDDEN },
    { "http://evil.example/@app.example/", FORBIDDEN },
    { "http://evil.example\\@app.example/", MISFORMED },
    { "http://app.example\\@evil.example/", MISFORMED },
    { "http://app.example:80@evil.example/", MISFORMED },
    { "http://@app.example/", MISFORMED },
    { "http://app.example;evil.example/", MISFORMED },
    { "http://app.example,evil.example/", MISFORMED },
    /* not ASCII, escapes */
    { "http://b\xc3\xbc"
      "cher.example/",
      MISFORMED },
    { "http://xn--bcher-kva.example/", FINE },
    { "http://app\xe3\x80\x82"
      "example/",
      MISFORMED },
    { "http://\xef\xbd\x81pp.example/", MISFORMED },
    { "http://%61pp.example/", MISFORMED },
    { "http://app.example%2f@evil.example/", MISFORMED },
    { "http://app.example%00.evil.example/", MISFORMED },
    { "http://%p.wild.example/", MISFORMED },
    { "http://app.example:%d/", MISFORMED },
    /* dots and labels */
    { "http://app..example/", MISFORMED },
    { "http://.app.example/", MISFORMED },
    { "http://app.example../", MISFORMED },
    { "http://./", MISFORMED },
    { "http://dotted.example/", FINE },
    { "http://dotted.example./", FINE },
    { "http://" NAME253 "/", FINE },
    { "http://" NAME253 "./", FINE },
    { "http://" NAME253 "a/", MISFORMED },
    { "http://a" LABEL63 ".wild.example/", MISFORMED },
    { "http://" LABEL63 ".wild.example/", FINE },
    /* ports */
    { "http://port.example:8080/", FINE },
    { "https://PORT.example:8080/", FINE },
    { "http://port.example:08080/", FINE },
    { "http://port.example/", FORBIDDEN },
    { "http://port.example:80/", FORBIDDEN },
    { "http://port.example:8081/", FORBIDDEN },
    { "http://app.example:0/", MISFORMED },
    { "http://app.example:65536/", MISFORMED },
    { "http://app.example:4294967376/", MISFORMED },
    { "http://app.example:+80/", MISFORMED },
    { "http://app.example:-1/", MISFORMED },
    { "http://app.example:80:80/", MISFORMED },
    { "http://app.example:8a/", MISFORMED },
    /* names below another */
    { "http://a.wild.example/", FINE },
    { "http://a.b.wild.example:99/", FINE },
    { "http://A.WILD.example./", FINE },
    { "http://wild.example/", FORBIDDEN },
    { "http://awild.example/", FORBIDDEN },
    { "http://aawild.example/", FORBIDDEN },
    { "http://a.wild.example.evil.example/", FORBIDDEN },
    { "http://a.wildport.example:81/", FINE },
    { "http://a.wildport.example/", FORBIDDEN },
    /* addresses */
    { "http://192.0.2.1/", FINE },
    { "http://192.0.2.1:99/", FINE },
    { "http://192.0.2.10/", FORBIDDEN },
    { "http://192.0.2.2/", FORBIDDEN },
    { "http://192.0.2.2:8080/", FINE },
    { "http://3221225985/", FINE }, /* is 192.0.2.1 to libcurl, which connects */
    { "http://0xc0.0.2.1/", FINE },
    { "http://192.513/", FINE },
    { "http://1192.0.2.1/", FORBIDDEN },
    { "http://x.192.0.2.1/", FORBIDDEN },
    { "http://x.10.9.9.9/", FORBIDDEN },
    { "http://127.0.0.1/", FORBIDDEN },
    { "http://127.1/", FORBIDDEN },
    { "http://0x7f.1/", FORBIDDEN },
    { "http://2130706433/", FORBIDDEN },
    { "http://017700000001/", FORBIDDEN },
    { "http://0/", FORBIDDEN },
    { "http://[2001:db8::1]/", FINE },
    { "http://[2001:DB8:0:0::1]:99/", FINE },
    { "http://[2001:db8::2]:8080/", FINE },
    { "http://[2001:db8::2]/", FORBIDDEN },
    { "http://[2001:db8::3]/", FORBIDDEN },
    { "http://[2001:db8::4]/", FORBIDDEN },
    { "http://[::ffff:192.0.2.1]/", FORBIDDEN },
    { "http://[::ffff:10.0.0.1]/", FORBIDDEN },
    { "http://[::1]/", FORBIDDEN },
    { "http://[::]/", FORBIDDEN },
    { "http://[2001:db8::1/", MISFORMED },
    { "http://2001:db8::1/", MISFORMED },
    { "http://[2001:db8::1]x/", MISFORMED },
    { "http://x[2001:db8::1]/", MISFORMED },
    { "http://[2001:db8::1]:/", FINE },
    { "http://[2001:db8::1%25eth0]/", MISFORMED },
    { "http://[2001:db8::g]/", MISFORMED },
    { "http://[192.0.2.1]/", MISFORMED },
    { "http://[app.example]/", MISFORMED },
    { "http://[]/", MISFORMED },
    { "http://[v1.a]/", MISFORMED },
    /* the account's own, with their ports */
    { "https://reply.example/other", FINE },
    { "http://reply.example:443/", FINE },
    { "http://reply.example/", FORBIDDEN },
    { "https://reply.example:8443/", FORBIDDEN },
    { "http://127.0.0.1:8080/", FINE },
    { "http://127.0.0.1:13000/shutdown", FORBIDDEN },
};

static void url_rows(void **state)
{
    struct err e;

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        e.status[0] = '\0';
        if (callback_check_url(&account, span_str(urls[i].url), &e) !=
                (urls[i].status[0] == '\0' ? 0 : -1) ||
            strcmp(e.status, urls[i].status) != 0)
            fail_msg("%s: %s %s", urls[i].url, e.status, e.text);
        if (urls[i].status[0] == '\0')
            assert_int_equal(callback_check_url(&bare, span_str(urls[i].url), &e), -1);
    }
}

/* In heap blocks of exactly the size; what is shorter is never another allowed host
 * than itself, so only the memory is looked at. */
static void cut_anywhere(void **state)
{
    struct err e;
    char *p;

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++)
        for (size_t n = 0; n <= strlen(urls[i].url); n++) {
            p = malloc(n + (n == 0));
            assert_non_null(p);
            memcpy(p, urls[i].url, n);
            (void)callback_check_url(&account, span_of(p, n), &e);
            free(p);
        }
}

static void a_nul_ends_nothing(void **state)
{
    static const char url[] = "http://app.example/\0.evil.example/";
    static const char host[] = "http://app.example\0.evil.example/";
    struct err e;

    (void)state;
    assert_int_equal(callback_check_url(&account, span_of(url, sizeof url - 1), &e),
                     -1);
    assert_int_equal(callback_check_url(&account, span_of(host, sizeof host - 1), &e),
                     -1);
}

static const struct {
    const char *address;
    bool public;
} addresses[] = {
    { "1.1.1.1", true },
    { "8.8.8.8", true },
    { "0.0.0.0", false },
    { "0.1.2.3", false },
    { "9.255.255.255", true },
    { "10.0.0.0", false },
    { "10.255.255.255", false },
    { "11.0.0.0", true },
    { "100.63.255.255", true },
    { "100.64.0.0", false },
    { "100.127.255.255", false },
    { "100.128.0.0", true },
    { "127.0.0.1", false },
    { "127.255.255.255", false },
    { "128.0.0.0", true },
    { "169.253.255.255", true },
    { "169.254.169.254", false },
    { "169.255.0.0", true },
    { "172.15.255.255", true },
    { "172.16.0.0", false },
    { "172.31.255.255", false },
    { "172.32.0.0", true },
    { "192.0.0.1", false },
    { "192.0.1.0", true },
    { "192.0.2.1", false },
    { "192.0.3.0", true },
    { "192.88.99.1", false },
    { "192.167.255.255", true },
    { "192.168.0.1", false },
    { "192.169.0.0", true },
    { "198.17.255.255", true },
    { "198.18.0.0", false },
    { "198.19.255.255", false },
    { "198.20.0.0", true },
    { "198.51.100.7", false },
    { "203.0.113.7", false },
    { "203.0.114.0", true },
    { "223.255.255.255", true },
    { "224.0.0.1", false },
    { "239.255.255.255", false },
    { "240.0.0.1", false },
    { "255.255.255.255", false },
    { "2606:4700::1111", true },
    { "2a00:1450:4001::1", true },
    { "::", false },
    { "::1", false },
    { "::127.0.0.1", false },
    { "::8.8.8.8", false },
    { "::ffff:8.8.8.8", true },
    { "::ffff:10.0.0.1", false },
    { "::ffff:127.0.0.1", false },
    { "::ffff:0:8.8.8.8", false },
    { "::ffff:0.0.0.0", false },
    { "64:ff9b::8.8.8.8", true },
    { "64:ff9b::10.0.0.1", false },
    { "64:ff9b::169.254.169.254", false },
    { "64:ff9b:1::8.8.8.8", false },
    { "64:ff9b::1:8.8.8.8", false },
    { "2002:808:808::1", true },
    { "2002:a00:1::1", false },
    { "2002:7f00:1::", false },
    { "2002:c0a8:1::5", false },
    { "2001::1", false },
    { "2001:0:a00:1::", false },
    { "2001:1ff::1", false },
    { "2001:200::1", true },
    { "2001:db8::1", false },
    { "2001:db7::1", true },
    { "2001:db9::1", true },
    { "3fff::1", false },
    { "3fff:fff::1", false },
    { "3fff:1000::1", true },
    { "fc00::1", false },
    { "fdff::1", false },
    { "fe80::1", false },
    { "fec0::1", false },
    { "ff02::1", false },
    { "ff0e::1", false },
    { "100::1", false },
    { "1fff::1", false },
    { "4000::1", false },
    { "5f00::1", false },
    { "8000::1", false },
};

static void sockaddr_fill(struct sockaddr_storage *sa, const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };

    memset(sa, 0, sizeof *sa);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(sa, &in, sizeof in);
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(sa, &in6, sizeof in6);
    else
        fail_msg("%s", text);
}

static bool may(const struct config_account *a, const char *address)
{
    struct sockaddr_storage sa;

    sockaddr_fill(&sa, address);
    return callback_may_connect(a, (const struct sockaddr *)&sa);
}

static void address_rows(void **state)
{
    const struct sockaddr unix_socket = { .sa_family = AF_UNIX };

    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++)
        if (may(&bare, addresses[i].address) != addresses[i].public)
            fail_msg("%s", addresses[i].address);
    assert_false(callback_may_connect(&bare, &unix_socket));
}

static void own_networks(void **state)
{
    static struct config_network networks[] = {
        { AF_INET, { 10, 1 }, 16 },
        { AF_INET6, { 0xfd, 0x00 }, 16 },
    };
    static const struct config_account a = { .callback_networks = { networks, 2 } };

    (void)state;
    assert_true(may(&a, "10.1.0.1"));
    assert_true(may(&a, "::ffff:10.1.0.1"));
    assert_true(may(&a, "fd00::1"));
    assert_true(may(&a, "8.8.8.8"));
    assert_false(may(&a, "10.2.0.1"));
    assert_false(may(&a, "fd01::1"));
    assert_false(may(&a, "127.0.0.1"));
    assert_false(may(&a, "64:ff9b::10.1.0.1")); /* that network is not this one */
}

/* The digests were computed with Python's hmac. */
static void signatures(void **state)
{
    static const struct config_account umlaut = {
        .callback_secret = TEXT("ein Geheimnis mit \xc3\x9c"),
    };
    static const char body[] = "Gr\xc3\xbc\xc3\x9f"
                               "e\0\n";
    char out[CALLBACK_SIGNATURE_ROOM];

    (void)state;
    assert_true(callback_sign(&account, 1700000000, "GET",
                              span_str("https://app.example/dlr?x=1"), span_of(NULL, 0),
                              out));
    assert_string_equal(
        out, "t=1700000000,v1="
             "117fc99a83f58c66aa7532418282e73b183f1c17466e9a4ef7d8907be0607179");
    assert_true(callback_sign(&account, 1700000000, "POST",
                              span_str("https://app.example/reply?from=%2B61412345678"),
                              span_of(body, sizeof body - 1), out));
    assert_string_equal(
        out, "t=1700000000,v1="
             "7326eef3bfddb86e2b8b999fd4653cecf1de50cddd37a644c67500fa627d0548");
    assert_true(callback_sign(&umlaut, UINT64_MAX, "GET", span_str("http://a/"),
                              span_of(NULL, 0), out));
    assert_string_equal(
        out, "t=18446744073709551615,v1="
             "a9edd12a18e8bbd07c27ce2a8079986fc244591970dcc6714cf4e8fe9ef594b5");
    assert_false(
        callback_sign(&bare, 1, "GET", span_str("http://a/"), span_of(NULL, 0), out));
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_rows),           cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(a_nul_ends_nothing), cmocka_unit_test(address_rows),
        cmocka_unit_test(own_networks),       cmocka_unit_test(signatures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
