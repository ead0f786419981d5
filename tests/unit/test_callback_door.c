/* SPDX-License-Identifier: ISC */
/* test_callback_door.c - the HTTP door among applications of every temper.
 * Here:       what is asked, what each answer means, limits, refused addresses, each
 * job answered exactly once. Elsewhere:  which URLs are allowed (test_callback.c).
 * Called by:  make check.
 *
 * The applications are evhttp on the door's own loop. Names, the clock and the memory
 * are this program's: it defines getaddrinfo, clock_gettime, event_new and
 * curl_easy_setopt in front of the libraries' own, so that the door's real limits are
 * seen without waiting for them. */
#define CURL_DISABLE_TYPECHECK
#include "relay/relay.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define JOBS 2000
#define DEADLINE_S 20
#define TEXT(text) (char *)(uintptr_t)(text)

extern const struct plugin plugin_callback;
#define DOOR (&plugin_callback)

/* What this program puts in front of the libraries. */

static atomic_long clock_ahead_s; /* the monotonic clock */
static atomic_bool resolver_hangs;
static bool events_fail;
static int options_until_failure = -1; /* -1: none fails */
static long total_ms, connect_ms;      /* as the door set them */

static void real_clock(clockid_t id, struct timespec *ts)
{
    (void)syscall(SYS_clock_gettime, id, ts);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    real_clock(id, ts);
    if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)
        ts->tv_sec += clock_ahead_s;
    return 0;
}

static void *libraries(const char *name)
{
    void *const f = dlsym(RTLD_NEXT, name);

    if (f == NULL)
        abort();
    return f;
}

/* "*.loop.test" is here; "private.test" says 10.255.255.1; "hang.test" takes its time.
 */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
                struct addrinfo **);
    const char *const tail = node == NULL ? NULL : strstr(node, ".loop.test");

    *(void **)&real = libraries("getaddrinfo");
    if (tail != NULL)
        node = "127.0.0.1";
    else if (node != NULL && strcmp(node, "private.test") == 0)
        node = "10.255.255.1";
    else if (node != NULL && strcmp(node, "hang.test") == 0) {
        while (resolver_hangs)
            (void)usleep(10000);
        node = "127.0.0.1";
    }
    return real(node, service, hints, out);
}

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what,
                        event_callback_fn on_event, void *ctx)
{
    struct event *(*real)(struct event_base *, evutil_socket_t, short,
                          event_callback_fn, void *);

    *(void **)&real = libraries("event_new");
    return events_fail ? NULL : real(base, fd, what, on_event, ctx);
}

#undef curl_easy_setopt
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    CURLcode (*real)(CURL *, CURLoption, ...);
    va_list ap;
    void *value;

    *(void **)&real = libraries("curl_easy_setopt");
    va_start(ap, option);
    value = va_arg(ap, void *); /* a long takes the same place */
    va_end(ap);
    if (option == CURLOPT_TIMEOUT_MS)
        total_ms = (long)(intptr_t)value;
    if (option == CURLOPT_CONNECTTIMEOUT_MS)
        connect_ms = (long)(intptr_t)value;
    if (options_until_failure >= 0 && options_until_failure-- == 0)
        return CURLE_OUT_OF_MEMORY;
    return real(easy, option, value);
}

/* The relay around the door. */

static struct config_network loopback[] = { { AF_INET, { 127 }, 8 } };
static char *hosts[] = { TEXT("127.0.0.1"), TEXT("*.loop.test"), TEXT("private.test"),
                         TEXT("hang.test") };
static struct config_account accounts[] = {
    { .name = "signed",
      .callback_secret = TEXT("a secret of 25 characters"),
      .callback_hosts = { hosts, COUNT(hosts) },
      .callback_networks = { loopback, 1 } },
    { .name = "plain",
      .callback_hosts = { hosts, COUNT(hosts) },
      .callback_networks = { loopback, 1 } },
    { .name = "public", .callback_hosts = { hosts, COUNT(hosts) } },
};
static struct config config = { .accounts = accounts,
                                .account_count = COUNT(accounts) };
static struct relay relay = { .config = &config };

static struct {
    int times;
    enum job_outcome outcome;
    char why[128];
} done[JOBS];
static int jobs, answered;

/* Within the loop cmocka's assertions would leave it half done. */
static void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

void relay_job_done(struct relay *r, const uint8_t job[16], enum job_outcome outcome,
                    const char *why)
{
    int n;

    memcpy(&n, job, sizeof n);
    must(r == &relay && n >= 0 && n < jobs, "a job of ours");
    must(done[n].times++ == 0, "answered once");
    done[n].outcome = outcome;
    (void)snprintf(done[n].why, sizeof done[n].why, "%s", why);
    answered++;
}

static int submit_tail(const char *account, struct span tail)
{
    struct ipc_job_callback job = { 0 };
    struct ipc_frame f = { .type = IPC_JOB_CALLBACK, .fixed = &job, .tail = tail };

    assert_true(jobs < JOBS);
    memcpy(job.job, &jobs, sizeof jobs);
    (void)snprintf(job.account, sizeof job.account, "%s", account);
    jobs++;
    DOOR->take_job(&relay, &f);
    return jobs - 1;
}

static int submit(const char *account, const char *url, const char *body)
{
    struct buf tail;
    int job;

    buf_init(&tail, 1U << 20);
    buf_put_be32(&tail, (uint32_t)strlen(url));
    buf_put(&tail, url);
    buf_put(&tail, body);
    job = submit_tail(account, buf_span(&tail));
    buf_clear(&tail); /* the door has its own copy */
    return job;
}

/* The applications. */

static struct {
    uint16_t port, tls_port, endless_header, endless_body;
    int connections, requests; /* of the plain one */
    int holding, most_held;
    int endless_ended;
    struct evhttp_request *held[JOBS];
    enum evhttp_cmd_type method;
    char uri[500], host[100], agent[50], type[50], signature[200], body[100];
} app;

static struct bufferevent *on_app_connection(struct event_base *base, void *ctx)
{
    (void)ctx;
    app.connections++;
    return bufferevent_socket_new(base, -1, 0);
}

static void keep_header(struct evhttp_request *request, const char *name, char *to,
                        size_t room)
{
    const char *const value =
        evhttp_find_header(evhttp_request_get_input_headers(request), name);

    (void)snprintf(to, room, "%s", value == NULL ? "-" : value);
}

static void keep_request(struct evhttp_request *request)
{
    struct evbuffer *const body = evhttp_request_get_input_buffer(request);
    const size_t n = evbuffer_get_length(body);

    app.requests++;
    app.method = evhttp_request_get_command(request);
    (void)snprintf(app.uri, sizeof app.uri, "%s", evhttp_request_get_uri(request));
    keep_header(request, "Host", app.host, sizeof app.host);
    keep_header(request, "User-Agent", app.agent, sizeof app.agent);
    keep_header(request, "Content-Type", app.type, sizeof app.type);
    keep_header(request, "Sealpost-Signature", app.signature, sizeof app.signature);
    memset(app.body, 0, sizeof app.body);
    (void)evbuffer_copyout(body, app.body, n < sizeof app.body ? n : 99);
}

static void on_app_request(struct evhttp_request *request, void *ctx)
{
    const char *const uri = evhttp_request_get_uri(request);
    const int status = atoi(uri + 1);
    char place[100];

    (void)ctx;
    keep_request(request);
    if (strncmp(uri, "/hang", 5) == 0) {
        app.held[app.holding++] = request;
        app.most_held = app.holding > app.most_held ? app.holding : app.most_held;
        return;
    }
    (void)snprintf(place, sizeof place, "http://127.0.0.1:%u/200", app.port);
    if (status / 100 == 3)
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Location",
                                place);
    evhttp_send_reply(request, status == 0 ? 200 : status, "So", NULL);
}

/* Two whose answers never end. */
struct endless {
    const char *start, *piece;
};
static const struct endless endless_header = {
    "HTTP/1.1 200 OK\r\n", "X-Line: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
};
static const struct endless endless_body = { "HTTP/1.1 200 OK\r\n\r\n",
                                             "aaaaaaaaaaaa" };

static void on_endless_write(struct bufferevent *b, void *ctx)
{
    const struct endless *const what = ctx;

    for (int i = 0; i < 100; i++)
        (void)bufferevent_write(b, what->piece, strlen(what->piece));
}

static void on_endless_end(struct bufferevent *b, short what, void *ctx)
{
    (void)what, (void)ctx;
    app.endless_ended++;
    bufferevent_free(b);
}

static void on_endless_connection(struct evconnlistener *listener, evutil_socket_t fd,
                                  struct sockaddr *sa, int n, void *ctx)
{
    const struct endless *const what = ctx;
    struct bufferevent *const b =
        bufferevent_socket_new(relay.base, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener, (void)sa, (void)n;
    must(b != NULL, "memory");
    bufferevent_setcb(b, NULL, on_endless_write, on_endless_end, ctx);
    (void)bufferevent_write(b, what->start, strlen(what->start));
    (void)bufferevent_enable(b, EV_READ | EV_WRITE);
}

static uint16_t port_of(evutil_socket_t fd)
{
    struct sockaddr_in sin = { 0 };
    socklen_t n = sizeof sin;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
    return ntohs(sin.sin_port);
}

static struct bufferevent *on_tls_connection(struct event_base *base, void *ctx)
{
    return bufferevent_openssl_socket_new(
        base, -1, SSL_new(ctx), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static SSL_CTX *self_signed(void)
{
    SSL_CTX *const ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *const key = EVP_EC_gen("P-256");
    X509 *const x = X509_new();

    assert_true(ctx != NULL && key != NULL && x != NULL);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   (const unsigned char *)"127.0.0.1", -1, -1, 0),
        1);
    assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

static uint16_t serve(struct bufferevent *(*on_connection)(struct event_base *, void *),
                      void *ctx)
{
    struct evhttp *const http = evhttp_new(relay.base);
    struct evhttp_bound_socket *bound;

    assert_non_null(http);
    bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    assert_non_null(bound);
    evhttp_set_gencb(http, on_app_request, NULL);
    evhttp_set_bevcb(http, on_connection, ctx);
    evhttp_set_timeout(http, 3600); /* the clock jumps here */
    return port_of(evhttp_bound_socket_get_fd(bound));
}

static uint16_t serve_endless(const struct endless *what)
{
    struct sockaddr_in here = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct evconnlistener *const listener = evconnlistener_new_bind(
        relay.base, on_endless_connection, (void *)(uintptr_t)what,
        LEV_OPT_CLOSE_ON_FREE, 5, (struct sockaddr *)&here, sizeof here);

    assert_non_null(listener);
    return port_of(evconnlistener_get_fd(listener));
}

static int start_all(void **state)
{
    struct err e;

    (void)state;
    relay.base = event_base_new();
    assert_non_null(relay.base);
    app.port = serve(on_app_connection, NULL);
    app.tls_port = serve(on_tls_connection, self_signed());
    app.endless_header = serve_endless(&endless_header);
    app.endless_body = serve_endless(&endless_body);
    assert_int_equal(DOOR->start(&relay, &e), 0);
    return 0;
}

/* The words of a test. */

static char *at(uint16_t port, const char *path)
{
    static char url[600];

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    return url;
}

static time_t real_now_s(void)
{
    struct timespec ts;

    real_clock(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static void turn(void)
{
    const struct timeval a_while = { 0, 20000 };

    (void)event_base_loopexit(relay.base, &a_while);
    must(event_base_dispatch(relay.base) == 0, "the loop turns");
}

/* Turns the loop until *what is at least so much. */
static void wait_for(const int *what, int least)
{
    const time_t end = real_now_s() + DEADLINE_S;

    while (*what < least) {
        if (real_now_s() > end)
            fail_msg("%d, not %d", *what, least);
        turn();
    }
}

static void wait_all(void)
{
    wait_for(&answered, jobs);
    assert_int_equal(answered, jobs);
    assert_int_equal(DOOR->busy(&relay), 0);
}

static void expect(int job, enum job_outcome outcome, const char *why)
{
    wait_for(&done[job].times, 1);
    if (done[job].outcome != outcome || strcmp(done[job].why, why) != 0)
        fail_msg("job %d: %d %s, not %d %s", job, (int)done[job].outcome, done[job].why,
                 (int)outcome, why);
}

/* Ends what hangs, so that the next test begins with nothing. */
static int let_go(void **state)
{
    (void)state;
    resolver_hangs = false;
    events_fail = false;
    options_until_failure = -1;
    while (answered < jobs) {
        clock_ahead_s += 11;
        turn();
    }
    wait_all();
    while (app.holding > 0) /* evhttp frees them so, though nobody listens any more */
        evhttp_send_reply(app.held[--app.holding], 200, "Late", NULL);
    turn();
    app.most_held = 0;
    return 0;
}

/* The tests. */

static void statuses(void **state)
{
    static const struct {
        const char *path;
        enum job_outcome outcome;
        const char *why;
    } rows[] = {
        { "/200", JOB_SENT, "HTTP 200" }, { "/202", JOB_SENT, "HTTP 202" },
        { "/204", JOB_SENT, "HTTP 204" }, { "/299", JOB_SENT, "HTTP 299" },
        { "/301", JOB_BUSY, "HTTP 301" }, { "/302", JOB_BUSY, "HTTP 302" },
        { "/307", JOB_BUSY, "HTTP 307" }, { "/400", JOB_BUSY, "HTTP 400" },
        { "/401", JOB_BUSY, "HTTP 401" }, { "/404", JOB_BUSY, "HTTP 404" },
        { "/408", JOB_BUSY, "HTTP 408" }, { "/410", JOB_REFUSED, "HTTP 410" },
        { "/429", JOB_BUSY, "HTTP 429" }, { "/500", JOB_BUSY, "HTTP 500" },
        { "/503", JOB_BUSY, "HTTP 503" },
    };
    int requests;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        requests = app.requests;
        expect(submit("plain", at(app.port, rows[i].path), ""), rows[i].outcome,
               rows[i].why);
        assert_int_equal(app.requests, requests + 1); /* no redirect was followed */
        expect(submit("plain", at(app.port, rows[i].path), "text"), rows[i].outcome,
               rows[i].why);
        assert_int_equal(app.requests, requests + 2);
    }
    assert_int_equal(total_ms, 30000);
    assert_int_equal(connect_ms, 10000);
    wait_all();
}

/* What callback_sign says of the moment that stands in the header. */
static void expect_signature(const char *method, const char *url, const char *body)
{
    char want[CALLBACK_SIGNATURE_ROOM];
    unsigned long long when = 0;

    assert_int_equal(sscanf(app.signature, "t=%llu,", &when), 1);
    assert_in_range(when, (unsigned long long)time(NULL) - 5, time(NULL));
    assert_true(
        callback_sign(&accounts[0], when, method, span_str(url), span_str(body), want));
    assert_string_equal(app.signature, want);
}

static void a_get(void **state)
{
    char url[700], host[50];

    (void)state;
    (void)snprintf(host, sizeof host, "a.loop.test:%u", app.port);
    (void)snprintf(url, sizeof url, "HTTP://%s?p=%%2B61&x=%%zz#part", host);
    expect(submit("signed", url, ""), JOB_SENT, "HTTP 200");
    assert_int_equal(app.method, EVHTTP_REQ_GET);
    assert_string_equal(app.uri, "/?p=%2B61&x=%zz");
    assert_string_equal(app.host, host);
    assert_string_equal(app.agent, "Sealpost");
    assert_string_equal(app.type, "-");
    assert_string_equal(app.body, "");
    (void)snprintf(url, sizeof url, "http://%s%s", app.host, app.uri);
    expect_signature("GET", url, "");
    expect(submit("plain", at(app.port, "/200"), ""), JOB_SENT, "HTTP 200");
    assert_string_equal(app.signature, "-");
}

static void a_post(void **state)
{
    static const char body[] = "Gr\xc3\xbc\xc3\x9f"
                               "e & =%";

    (void)state;
    expect(submit("signed", at(app.port, "/reply?a=b"), body), JOB_SENT, "HTTP 200");
    assert_int_equal(app.method, EVHTTP_REQ_POST);
    assert_string_equal(app.uri, "/reply?a=b");
    assert_string_equal(app.type, "text/plain; charset=UTF-8");
    assert_string_equal(app.body, body);
    expect_signature("POST", at(app.port, "/reply?a=b"), body);
    expect(submit("plain", at(app.port, "/reply"), body), JOB_SENT, "HTTP 200");
    assert_string_equal(app.signature, "-");
}

static void an_application_hangs(void **state)
{
    const int job = submit("plain", at(app.port, "/hang"), "");

    (void)state;
    wait_for(&app.holding, 1);
    clock_ahead_s += 20;
    expect(submit("plain", at(app.port, "/200"), ""), JOB_SENT, "HTTP 200");
    assert_int_equal(done[job].times, 0);
    clock_ahead_s += 11;
    expect(job, JOB_BUSY, "Timeout was reached");
}

static void nobody_listens(void **state)
{
    (void)state;
    expect(submit("plain", at(1, "/200"), ""), JOB_BUSY, "Couldn't connect to server");
}

static void addresses_refused(void **state)
{
    char url[100];
    int connections;

    (void)state;
    expect(submit("plain", at(app.port, "/200"), ""), JOB_SENT, "HTTP 200");
    connections = app.connections;
    expect(submit("public", at(app.port, "/200"), ""), JOB_REFUSED, "host not allowed");
    (void)snprintf(url, sizeof url, "http://new.loop.test:%u/200", app.port);
    expect(submit("public", url, ""), JOB_REFUSED, "host not allowed");
    expect(submit("plain", "http://private.test/", ""), JOB_REFUSED,
           "host not allowed");
    assert_int_equal(app.connections, connections);
    expect(submit("plain", url, ""), JOB_SENT, "HTTP 200");
}

/* Connections stay open for the next request, whosesoever. */
static void a_connection_is_shared(void **state)
{
    char url[100];
    int connections, requests;

    (void)state;
    (void)snprintf(url, sizeof url, "http://shared.loop.test:%u/200", app.port);
    expect(submit("plain", url, ""), JOB_SENT, "HTTP 200");
    connections = app.connections;
    expect(submit("signed", url, ""), JOB_SENT, "HTTP 200");
    assert_int_equal(app.connections, connections);
    requests = app.requests;
    expect(submit("public", url, ""), JOB_REFUSED, "host not allowed");
    assert_int_equal(app.requests, requests);
}

/* The status came, so it counts; what follows is not read for ever. */
static void endless_answers(void **state)
{
    (void)state;
    expect(submit("plain", at(app.endless_body, "/"), ""), JOB_SENT, "HTTP 200");
    wait_for(&app.endless_ended, 1);
    expect(submit("plain", at(app.endless_header, "/"), ""), JOB_SENT, "HTTP 200");
    wait_for(&app.endless_ended, 2);
}

static void a_certificate_is_checked(void **state)
{
    char url[100];
    const int requests = app.requests;

    (void)state;
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/200", app.tls_port);
    expect(submit("plain", url, ""), JOB_BUSY,
           "SSL peer certificate or SSH remote key was not OK");
    assert_int_equal(app.requests, requests);
}

/* Eight at once to a host; when they end without an answer, so do those that wait. */
static void eight_to_a_host(void **state)
{
    const int first = jobs;

    (void)state;
    for (int i = 0; i < 20; i++)
        (void)submit("plain", at(app.port, "/hang"), "");
    expect(submit("plain", at(app.endless_body, "/"), ""), JOB_SENT, "HTTP 200");
    wait_for(&app.holding, 8);
    assert_int_equal(answered, jobs - 20);
    clock_ahead_s += 16;
    assert_int_equal(DOOR->busy(&relay), 20);
    clock_ahead_s += 15;
    wait_all();
    assert_int_equal(app.most_held, 8);
    assert_string_equal(done[first].why, "Timeout was reached");
    assert_int_equal(done[first + 19].outcome, JOB_BUSY);
}

static void waiting_has_an_end(void **state)
{
    time_t begun_s;
    int last = 0;

    (void)state;
    for (int i = 0; i < 9; i++)
        last = submit("plain", at(app.port, "/hang"), "");
    wait_for(&app.holding, 8);
    begun_s = real_now_s();
    clock_ahead_s += 4;
    expect(last, JOB_BUSY, "too many for this host");
    assert_in_range(real_now_s() - begun_s, 0, 5);
    assert_int_equal(DOOR->busy(&relay), 8);
    assert_int_equal(app.holding, 8);
}

static void a_place_comes_free(void **state)
{
    char url[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(url, sizeof url, "http://many.loop.test:%u/%d", app.port,
                       i % 2 == 0 ? 200 : 503);
        (void)submit("plain", url, i % 3 == 0 ? "text" : "");
    }
    wait_all();
    for (int i = jobs - 100; i < jobs; i++)
        assert_int_equal(done[i].outcome, i % 2 == jobs % 2 ? JOB_SENT : JOB_BUSY);
}

static void sixty_four_at_once(void **state)
{
    char url[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(url, sizeof url, "http://h%d.loop.test:%u/hang", i / 5,
                       app.port);
        (void)submit("plain", url, "");
    }
    wait_for(&app.holding, 64);
    assert_int_equal(DOOR->busy(&relay), 100);
    assert_int_equal(app.holding, 64);
}

static void too_many(void **state)
{
    static char large[500000];
    int busy = 0;

    (void)state;
    for (int i = 0; i < 520; i++)
        (void)submit("plain", at(app.port, "/hang"), "");
    assert_int_equal(DOOR->busy(&relay), 512);
    for (int i = jobs - 520; i < jobs; i++)
        if (done[i].times == 1) {
            assert_string_equal(done[i].why, "too many at once");
            busy++;
        }
    assert_int_equal(busy, 8);
    (void)let_go(state);
    memset(large, 'a', sizeof large - 1);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 70; i++)
            (void)submit("plain", at(app.port, "/hang"), large);
        assert_int_equal(DOOR->busy(&relay), 67); /* 32 MiB */
        (void)let_go(state);
    }
}

/* A name that is not resolved in time must not hold up the loop: SMS pass there. */
static void a_name_hangs(void **state)
{
    int job;

    (void)state;
    resolver_hangs = true;
    job = submit("plain", "http://hang.test/", "");
    expect(submit("plain", at(app.port, "/200"), ""), JOB_SENT, "HTTP 200");
    clock_ahead_s += 11;
    expect(job, JOB_BUSY, "Timeout was reached");
    expect(submit("plain", at(app.port, "/200"), ""), JOB_SENT, "HTTP 200");
    assert_true(resolver_hangs);
}

static void bad_jobs(void **state)
{
    static const char short_url[] = { 0, 0, 0, 20, 'h', 't', 't', 'p' };

    (void)state;
    expect(submit_tail("plain", span_of("", 0)), JOB_REFUSED, "a tail of wrong layout");
    expect(submit_tail("plain", span_of(short_url, 3)), JOB_REFUSED,
           "a tail of wrong layout");
    expect(submit_tail("plain", span_of(short_url, sizeof short_url)), JOB_REFUSED,
           "a tail of wrong layout");
    expect(submit("nobody", at(app.port, "/200"), ""), JOB_REFUSED, "no such account");
    expect(submit("plain", "http://other.test/", ""), JOB_REFUSED, "host not allowed");
    expect(submit("plain", "ftp://127.0.0.1/", ""), JOB_REFUSED,
           "no URL for callbacks");
    expect(submit("plain", "", ""), JOB_REFUSED, "no URL for callbacks");
}

static void without_memory(void **state)
{
    char url[100];
    int n = 0, job;

    (void)state;
    (void)snprintf(url, sizeof url, "http://fresh.loop.test:%u/200", app.port);
    for (;; n++) {
        options_until_failure = n;
        job = submit("signed", at(app.port, "/200"), "text");
        if (options_until_failure >= 0)
            break; /* all were set */
        expect(job, JOB_BUSY, "out of memory");
    }
    options_until_failure = -1;
    assert_true(n > 15);
    expect(job, JOB_SENT, "HTTP 200");
    for (int i = 0; i < 3; i++)
        (void)submit("plain", at(app.port, "/hang"), "");
    wait_for(&app.holding, 3);
    turn(); /* libcurl has seen that all was written, and waits for answers only */
    events_fail = true;
    expect(submit("plain", at(app.port, "/200"), ""), JOB_BUSY, "out of memory");
    expect(submit("plain", url, ""), JOB_BUSY, "out of memory"); /* a new connection */
    events_fail = false;
    expect(submit("plain", at(app.port, "/200"), ""), JOB_SENT, "HTTP 200");
    assert_int_equal(DOOR->busy(&relay), 3); /* the others go on */
}

/* The last test: the door takes nothing afterwards. */
static void draining(void **state)
{
    const int first = jobs;

    (void)state;
    for (int i = 0; i < 10; i++)
        (void)submit("plain", at(app.port, "/hang"), "");
    wait_for(&app.holding, 8);
    DOOR->drain(&relay);
    assert_int_equal(DOOR->busy(&relay), 8);
    expect(first + 8, JOB_BUSY, "stopping");
    expect(first + 9, JOB_BUSY, "stopping");
    expect(submit("plain", at(app.port, "/200"), ""), JOB_BUSY, "stopping");
    clock_ahead_s += 31;
    wait_all();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, NULL, let_go)
    const struct CMUnitTest tests[] = {
        TEST(statuses),
        TEST(a_get),
        TEST(a_post),
        TEST(an_application_hangs),
        TEST(nobody_listens),
        TEST(addresses_refused),
        TEST(a_connection_is_shared),
        TEST(endless_answers),
        TEST(a_certificate_is_checked),
        TEST(eight_to_a_host),
        TEST(waiting_has_an_end),
        TEST(a_place_comes_free),
        TEST(sixty_four_at_once),
        TEST(too_many),
        TEST(a_name_hangs),
        TEST(bad_jobs),
        TEST(without_memory),
        TEST(draining),
    };

    /* Nothing of the environment leads a request elsewhere. */
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("https_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("all_proxy", "http://127.0.0.1:1", 1);
    return cmocka_run_group_tests(tests, start_all, NULL);
}
