/* SPDX-License-Identifier: ISC */
/* http_out.c - HTTP requests of courier's doors, on the loop.
 * Here:       libcurl's multi interface, its limits, giving back what cannot be asked.
 * Elsewhere:  where requests may go (url_rules.c), what is said and what an answer
 * means (plugin/callback.c, plugin/push.c), when it is tried again (keeper). Called by:
 * plugin/callback.c, plugin/push.c. Source:     libcurl 7.88:
 * curl_multi_socket_action(3), CURLOPT_OPENSOCKETFUNCTION(3),
 *             CURLOPT_PREREQFUNCTION(3), CURLOPT_QUICK_EXIT(3).
 *
 * A job waits until fewer than host_max requests to its host are under way; WAIT_S and
 * TOTAL_MS together end before the keeper takes it for lost (60 s). When a host does
 * not answer, what waits for it goes back at once: a dead application must not hold the
 * places of the others.
 *
 * Connections are kept and shared by all jobs of a door, so an address is judged twice:
 * before it is connected to, and before a request goes over a connection that was
 * there. */
#include "relay/http_out.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#define TRANSFERS_MAX 64U     /* requests at once */
#define JOBS_MAX 512U         /* taken and not answered; more are told to come later */
#define BYTES_MAX (32U << 20) /* ... and what they may hold together */
#define WAIT_S 3 /* then a job goes back: the places in the keeper are others, too */
#define TOTAL_MS 30000L        /* a request, from the name to the last byte */
#define CONNECT_MS 10000L      /* ... until it is connected */
#define ANSWER_MAX (64U << 10) /* read of an answer, and thrown away */
#define WHERE_ROOM 320U

struct http_out_request {
    TAILQ_ENTRY(http_out_request) entry;
    struct http_out *out;
    uint8_t job[16];
    struct url_rules rules;
    char *url;              /* as libcurl will ask for it; no fragment */
    char where[WHERE_ROOM]; /* "https://app.example:8443", all that a log may say */
    struct buf body;        /* n == 0: GET */
    size_t bytes;           /* of url and body */
    time_t taken_s;         /* CLOCK_MONOTONIC */
    CURL *easy;             /* NULL: it waits */
    struct curl_slist *headers;
    size_t answer_bytes;
    bool refused, opened; /* an address was refused; another one was not */
    bool unwatched;       /* an event had no memory */
};
TAILQ_HEAD(request_list, http_out_request);

struct http_out {
    struct relay *r;
    struct http_out_door door;
    CURLM *multi;
    struct event *on_time, *on_tick;
    struct request_list waiting, running;
    size_t running_count, count, bytes;
    bool draining;
};

static time_t now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/* The end of a job. */

void http_out_forget(struct http_out_request *t)
{
    if (t->easy != NULL) {
        (void)curl_multi_remove_handle(t->out->multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    curl_slist_free_all(t->headers);
    curl_free(t->url);
    buf_wipe(&t->body);
    free(t);
}

static void request_done(struct http_out_request *t, enum job_outcome outcome,
                         const char *why)
{
    struct http_out *const o = t->out;

    if (t->easy != NULL) {
        TAILQ_REMOVE(&o->running, t, entry);
        o->running_count--;
    } else {
        TAILQ_REMOVE(&o->waiting, t, entry);
    }
    o->count--;
    o->bytes -= t->bytes;
    if (outcome != JOB_SENT)
        LOG(L_INFO, o->door.failed, LOG_ID("job", t->job), LOG_STR("to", t->where),
            LOG_STR("why", why));
    relay_job_done(o->r, t->job, outcome, why);
    http_out_forget(t);
}

/* Of a list those to one place (NULL: all) that were taken by then. */
static void give_back(struct request_list *list, const char *where, time_t taken_s,
                      const char *why)
{
    struct http_out_request *t = TAILQ_FIRST(list), *next;

    for (; t != NULL; t = next) {
        next = TAILQ_NEXT(t, entry);
        if (t->taken_s <= taken_s && (where == NULL || strcmp(t->where, where) == 0))
            request_done(t, JOB_BUSY, why);
    }
}

/* A status that came counts, whatever became of the rest of the answer. */
static void finish(struct http_out_request *t, CURLcode result)
{
    struct http_out *const o = t->out;
    char where[WHERE_ROOM], why[32];
    long code = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200) {
        (void)snprintf(why, sizeof why, "HTTP %ld", code);
        request_done(t, o->door.outcome_of(code), why);
    } else if (t->refused && !t->opened) {
        request_done(t, JOB_REFUSED, "host not allowed");
    } else {
        memcpy(where, t->where, sizeof where);
        request_done(t, JOB_BUSY, curl_easy_strerror(result));
        give_back(&o->waiting, where, now_s(), "the host does not answer");
    }
}

/* What libcurl asks us during a transfer. */

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct http_out_request *t = ctx;

    (void)purpose;
    if (!url_rules_may_connect(&t->rules, &to->addr)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    t->opened = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int on_request(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct http_out_request *t = ctx;
    const struct sockaddr *sa = NULL;

    (void)local, (void)peer_port, (void)local_port;
    if (inet_pton(AF_INET, peer, &in.sin_addr) == 1)
        sa = (const struct sockaddr *)&in;
    else if (inet_pton(AF_INET6, peer, &in6.sin6_addr) == 1)
        sa = (const struct sockaddr *)&in6;
    if (sa != NULL && url_rules_may_connect(&t->rules, sa))
        return CURL_PREREQFUNC_OK;
    t->refused = true;
    t->opened = false;
    return CURL_PREREQFUNC_ABORT;
}

/* Header lines and body. */
static size_t on_answer(char *bytes, size_t size, size_t n, void *ctx)
{
    struct http_out_request *t = ctx;

    (void)bytes;
    t->answer_bytes += size * n;
    return t->answer_bytes > ANSWER_MAX ? 0 : size * n;
}

/* The beginning of a transfer. */

static const struct {
    CURLoption option;
    long value;
} numbers[] = {
    { CURLOPT_NOSIGNAL, 1 },
    { CURLOPT_TIMEOUT_MS, TOTAL_MS },
    { CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS },
    { CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_SSL_VERIFYPEER, 1 },
    { CURLOPT_SSL_VERIFYHOST, 2 },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
    { CURLOPT_QUICK_EXIT, 1 }, /* else giving up a name waits for its resolver */
};
static const struct {
    CURLoption option;
    const char *value;
} texts[] = {
    { CURLOPT_PROXY, "" }, /* nor one of the environment */
    { CURLOPT_USERAGENT, "Sealpost" },
};

static bool set_options(struct http_out_request *t)
{
    const struct http_out_door *const door = &t->out->door;
    CURL *const c = t->easy;
    bool ok = true;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ok = ok && curl_easy_setopt(c, numbers[i].option, numbers[i].value) == CURLE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ok = ok && curl_easy_setopt(c, texts[i].option, texts[i].value) == CURLE_OK;
    if (door->ca_file != NULL)
        ok = ok && curl_easy_setopt(c, CURLOPT_CAINFO, door->ca_file) == CURLE_OK;
    return ok &&
           curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
                            door->https_only ? "https" : "http,https") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PRIVATE, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_request) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PREREQDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_URL, t->url) == CURLE_OK;
}

bool http_out_header(struct http_out_request *t, const char *line)
{
    struct curl_slist *const longer = curl_slist_append(t->headers, line);

    if (longer == NULL)
        return false;
    t->headers = longer;
    return true;
}

static bool set_body(struct http_out_request *t)
{
    if (t->body.n > 0 &&
        (!http_out_header(t, "Expect:") || /* no "100 Continue" is awaited */
         curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t)t->body.n) != CURLE_OK ||
         curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.p) != CURLE_OK))
        return false;
    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/* false: out of memory; it waits still. */
static bool request_start(struct http_out_request *t)
{
    struct http_out *const o = t->out;

    t->easy = curl_easy_init();
    if (t->easy != NULL && set_options(t) && set_body(t) &&
        curl_multi_add_handle(o->multi, t->easy) == CURLM_OK) {
        TAILQ_REMOVE(&o->waiting, t, entry);
        TAILQ_INSERT_TAIL(&o->running, t, entry);
        o->running_count++;
        return true;
    }
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    return false;
}

static bool host_has_room(const struct http_out *o, const char *where)
{
    const struct http_out_request *t;
    size_t n = 0;

    TAILQ_FOREACH(t, &o->running, entry)
    n += strcmp(t->where, where) == 0;
    return n < o->door.host_max;
}

static void start_waiting(struct http_out *o)
{
    const struct timeval second = { 1, 0 };
    struct http_out_request *t = TAILQ_FIRST(&o->waiting), *next;

    for (; t != NULL && o->running_count < TRANSFERS_MAX; t = next) {
        next = TAILQ_NEXT(t, entry);
        if (host_has_room(o, t->where) && !request_start(t))
            request_done(t, JOB_BUSY, "out of memory");
    }
    if (o->count == 0)
        (void)event_del(o->on_tick);
    else if (!event_pending(o->on_tick, EV_TIMEOUT, NULL))
        (void)event_add(o->on_tick, &second);
}

/* libcurl on the loop. */

static void collect(struct http_out *o)
{
    struct http_out_request *t;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(o->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        t = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish(t, message->data.result);
    }
}

/* libcurl is never told that an event had no memory: one that was hands out memory that
 * it freed. Its transfer ends here instead. */
static void end_unwatched(struct http_out *o)
{
    struct http_out_request *t = TAILQ_FIRST(&o->running), *next;

    for (; t != NULL; t = next) {
        next = TAILQ_NEXT(t, entry);
        if (t->unwatched)
            request_done(t, JOB_BUSY, "out of memory");
    }
}

static void drive(struct http_out *o, curl_socket_t fd, int what)
{
    int running;

    (void)curl_multi_socket_action(o->multi, fd, what, &running);
    collect(o);
    end_unwatched(o);
    start_waiting(o);
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
    drive(ctx, fd,
          ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
              ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what;
    drive(ctx, CURL_SOCKET_TIMEOUT, 0);
}

/* Each second, as long as there are jobs. */
static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct http_out *const o = ctx;

    (void)fd, (void)what;
    give_back(&o->waiting, NULL, now_s() - WAIT_S, "too many for this host");
    drive(o, CURL_SOCKET_TIMEOUT, 0);
}

static bool watch(struct http_out *o, curl_socket_t fd, int what)
{
    const int events = EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0);
    struct event *const ready = event_new(o->r->base, fd, (short)events, on_ready, o);

    if (ready != NULL && event_add(ready, NULL) == 0 &&
        curl_multi_assign(o->multi, fd, ready) == CURLM_OK)
        return true;
    if (ready != NULL)
        event_free(ready);
    return false;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *own)
{
    struct http_out *const o = ctx;
    struct event *const before = own;
    struct http_out_request *t = NULL;

    if (before != NULL)
        event_free(before);
    (void)curl_multi_assign(o->multi, fd, NULL);
    if (what == CURL_POLL_REMOVE || watch(o, fd, what))
        return 0;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
    if (t != NULL)
        t->unwatched = true;
    return 0;
}

/* Without memory the next tick takes its place. */
static int on_timer(CURLM *multi, long ms, void *ctx)
{
    const struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
    const struct http_out *const o = ctx;

    (void)multi;
    if (ms < 0)
        (void)event_del(o->on_time);
    else
        (void)event_add(o->on_time, &tv);
    return 0;
}

/* A job comes. */

static bool read_url(struct http_out_request *t, const char *text)
{
    CURLU *const u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    bool ok;

    ok = u != NULL && curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
         curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
         curl_url_get(u, CURLUPART_URL, &t->url, CURLU_NO_DEFAULT_PORT) == CURLUE_OK &&
         curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
         curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
         curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (ok)
        (void)snprintf(t->where, sizeof t->where, "%s://%s:%s", scheme, host, port);
    for (char *p = t->where; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return ok;
}

struct http_out_request *http_out_request_new(struct http_out *o, const uint8_t job[16],
                                              const struct url_rules *rules,
                                              struct span url, struct span body)
{
    struct http_out_request *const t = calloc(1, sizeof *t);
    char *const text = malloc(url.n + 1);
    bool ok = t != NULL && text != NULL && span_copy(text, url.n + 1, url);

    if (t != NULL) {
        t->out = o;
        memcpy(t->job, job, sizeof t->job);
        t->rules = *rules;
        t->taken_s = now_s();
        buf_init(&t->body, body.n);
        buf_put_span(&t->body, body);
        ok = ok && buf_ok(&t->body) && read_url(t, text);
    }
    free(text);
    if (ok) {
        t->bytes = strlen(t->url) + body.n;
        return t;
    }
    if (t != NULL)
        http_out_forget(t);
    return NULL;
}

const char *http_out_url(const struct http_out_request *t)
{
    return t->url;
}

void http_out_send(struct http_out_request *t)
{
    struct http_out *const o = t->out;

    o->count++;
    o->bytes += t->bytes;
    TAILQ_INSERT_TAIL(&o->waiting, t, entry);
    start_waiting(o);
}

const char *http_out_full(const struct http_out *o, size_t bytes)
{
    if (o->draining)
        return "stopping";
    if (o->count >= JOBS_MAX || o->bytes + bytes > BYTES_MAX)
        return "too many at once";
    return NULL;
}

struct http_out *http_out_new(struct relay *r, const struct http_out_door *door,
                              struct err *e)
{
    struct http_out *const o = calloc(1, sizeof *o);

    if (o == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto failed;
    *o = (struct http_out){ .r = r, .door = *door, .multi = curl_multi_init() };
    TAILQ_INIT(&o->waiting);
    TAILQ_INIT(&o->running);
    o->on_time = evtimer_new(r->base, on_time, o);
    o->on_tick = event_new(r->base, -1, EV_PERSIST, on_tick, o);
    if (o->multi == NULL || o->on_time == NULL || o->on_tick == NULL)
        goto failed;
    (void)curl_multi_setopt(o->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(o->multi, CURLMOPT_SOCKETDATA, o);
    (void)curl_multi_setopt(o->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(o->multi, CURLMOPT_TIMERDATA, o);
    (void)curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, (long)TRANSFERS_MAX);
    return o;
failed: /* the process does not start: what is left goes with it */
    (void)err_set(e, ERR_TEMP, "4.3.0", "HTTP out: libcurl does not start");
    return NULL;
}

void http_out_drain(struct http_out *o)
{
    o->draining = true;
    give_back(&o->waiting, NULL, now_s(), "stopping");
}

size_t http_out_busy(const struct http_out *o)
{
    return o->count;
}
