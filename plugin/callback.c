/* SPDX-License-Identifier: ISC */
/* callback.c - HTTP out: replies and reports to an application's URL.
 * Here:       libcurl's multi interface on the loop, its limits, what an answer means.
 * Elsewhere:  where callbacks may go and their signature (relay/callback.c), what is
 *             said (reply.c, report_app.c), when it is tried again (keeper).
 * Called by:  courier, as plugin_callback.
 * Source:     libcurl 7.88: curl_multi_socket_action(3), CURLOPT_OPENSOCKETFUNCTION(3),
 *             CURLOPT_PREREQFUNCTION(3), CURLOPT_QUICK_EXIT(3).
 *
 * A job waits until fewer than HOST_MAX requests to its host are under way; WAIT_S and
 * TOTAL_MS together end before the keeper takes it for lost (60 s). When a host does
 * not answer, what waits for it goes back at once: a dead application must not hold the
 * places of the others.
 *
 * Connections are kept and shared by all accounts, so an address is judged twice:
 * before it is connected to, and before a request goes over a connection that was
 * there. */
#include "relay/relay.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#define TRANSFERS_MAX 64U     /* requests at once */
#define HOST_MAX 8U           /* ... to one scheme, host and port */
#define JOBS_MAX 512U         /* taken and not answered; more are told to come later */
#define BYTES_MAX (32U << 20) /* ... and what they may hold together */
#define WAIT_S 3 /* then a job goes back: the places in the keeper are others, too */
#define TOTAL_MS 30000L        /* a request, from the name to the last byte */
#define CONNECT_MS 10000L      /* ... until it is connected */
#define ANSWER_MAX (64U << 10) /* read of an answer, and thrown away */
#define WHERE_ROOM 320U

struct transfer {
    TAILQ_ENTRY(transfer) entry;
    uint8_t job[16];
    const struct config_account *account;
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
TAILQ_HEAD(transfer_list, transfer);

static struct {
    struct relay *r;
    CURLM *multi;
    struct event *on_time, *on_tick;
    struct transfer_list waiting, running;
    size_t running_count, count, bytes;
    bool draining;
} door = { .waiting = TAILQ_HEAD_INITIALIZER(door.waiting),
           .running = TAILQ_HEAD_INITIALIZER(door.running) };

static time_t now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/* The end of a job. */

static void transfer_free(struct transfer *t)
{
    if (t->easy != NULL) {
        (void)curl_multi_remove_handle(door.multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    curl_slist_free_all(t->headers);
    curl_free(t->url);
    buf_wipe(&t->body);
    free(t);
}

static void transfer_done(struct transfer *t, enum job_outcome outcome, const char *why)
{
    if (t->easy != NULL) {
        TAILQ_REMOVE(&door.running, t, entry);
        door.running_count--;
    } else {
        TAILQ_REMOVE(&door.waiting, t, entry);
    }
    door.count--;
    door.bytes -= t->bytes;
    if (outcome != JOB_SENT)
        LOG(L_INFO, "callback.failed", LOG_ID("job", t->job), LOG_STR("to", t->where),
            LOG_STR("why", why));
    relay_job_done(door.r, t->job, outcome, why);
    transfer_free(t);
}

/* Of a list those to one place (NULL: all) that were taken by then. */
static void give_back(struct transfer_list *list, const char *where, time_t taken_s,
                      const char *why)
{
    struct transfer *t = TAILQ_FIRST(list), *next;

    for (; t != NULL; t = next) {
        next = TAILQ_NEXT(t, entry);
        if (t->taken_s <= taken_s && (where == NULL || strcmp(t->where, where) == 0))
            transfer_done(t, JOB_BUSY, why);
    }
}

/* Applications answer oddly while they are deployed: only "gone" is for ever. */
static enum job_outcome outcome_of(long status)
{
    if (status == 410)
        return JOB_REFUSED;
    return status < 300 ? JOB_SENT : JOB_BUSY;
}

/* A status that came counts, whatever became of the rest of the answer. */
static void finish(struct transfer *t, CURLcode result)
{
    char where[WHERE_ROOM], why[32];
    long code = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200) {
        (void)snprintf(why, sizeof why, "HTTP %ld", code);
        transfer_done(t, outcome_of(code), why);
    } else if (t->refused && !t->opened) {
        transfer_done(t, JOB_REFUSED, "host not allowed");
    } else {
        memcpy(where, t->where, sizeof where);
        transfer_done(t, JOB_BUSY, curl_easy_strerror(result));
        give_back(&door.waiting, where, now_s(), "the host does not answer");
    }
}

/* What libcurl asks us during a transfer. */

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *t = ctx;

    (void)purpose;
    if (!callback_may_connect(t->account, &to->addr)) {
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
    struct transfer *t = ctx;
    const struct sockaddr *sa = NULL;

    (void)local, (void)peer_port, (void)local_port;
    if (inet_pton(AF_INET, peer, &in.sin_addr) == 1)
        sa = (const struct sockaddr *)&in;
    else if (inet_pton(AF_INET6, peer, &in6.sin6_addr) == 1)
        sa = (const struct sockaddr *)&in6;
    if (sa != NULL && callback_may_connect(t->account, sa))
        return CURL_PREREQFUNC_OK;
    t->refused = true;
    t->opened = false;
    return CURL_PREREQFUNC_ABORT;
}

/* Header lines and body. */
static size_t on_answer(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

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
    { CURLOPT_PROTOCOLS_STR, "http,https" },
    { CURLOPT_PROXY, "" }, /* nor one of the environment */
    { CURLOPT_USERAGENT, "Sealpost" },
};

static bool set_options(struct transfer *t)
{
    CURL *const c = t->easy;
    bool ok = true;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ok = ok && curl_easy_setopt(c, numbers[i].option, numbers[i].value) == CURLE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ok = ok && curl_easy_setopt(c, texts[i].option, texts[i].value) == CURLE_OK;
    return ok && curl_easy_setopt(c, CURLOPT_PRIVATE, t) == CURLE_OK &&
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

static bool add_header(struct transfer *t, const char *line)
{
    struct curl_slist *const longer = curl_slist_append(t->headers, line);

    if (longer == NULL)
        return false;
    t->headers = longer;
    return true;
}

static bool set_request(struct transfer *t)
{
    static const char name[] = "Sealpost-Signature: ";
    char line[sizeof name + CALLBACK_SIGNATURE_ROOM],
        signature[CALLBACK_SIGNATURE_ROOM];
    const bool is_post = t->body.n > 0;

    if (t->account->callback_secret != NULL) {
        if (!callback_sign(t->account, (uint64_t)time(NULL), is_post ? "POST" : "GET",
                           span_str(t->url), buf_span(&t->body), signature))
            return false;
        (void)snprintf(line, sizeof line, "%s%s", name, signature);
        if (!add_header(t, line))
            return false;
    }
    if (is_post &&
        (!add_header(t, "Content-Type: text/plain; charset=UTF-8") ||
         !add_header(t, "Expect:") || /* no "100 Continue" is awaited */
         curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t)t->body.n) != CURLE_OK ||
         curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.p) != CURLE_OK))
        return false;
    return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/* false: out of memory; it waits still. */
static bool transfer_start(struct transfer *t)
{
    t->easy = curl_easy_init();
    if (t->easy != NULL && set_options(t) && set_request(t) &&
        curl_multi_add_handle(door.multi, t->easy) == CURLM_OK) {
        TAILQ_REMOVE(&door.waiting, t, entry);
        TAILQ_INSERT_TAIL(&door.running, t, entry);
        door.running_count++;
        return true;
    }
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    return false;
}

static bool host_has_room(const char *where)
{
    const struct transfer *t;
    size_t n = 0;

    TAILQ_FOREACH(t, &door.running, entry)
    n += strcmp(t->where, where) == 0;
    return n < HOST_MAX;
}

static void start_waiting(void)
{
    const struct timeval second = { 1, 0 };
    struct transfer *t = TAILQ_FIRST(&door.waiting), *next;

    for (; t != NULL && door.running_count < TRANSFERS_MAX; t = next) {
        next = TAILQ_NEXT(t, entry);
        if (host_has_room(t->where) && !transfer_start(t))
            transfer_done(t, JOB_BUSY, "out of memory");
    }
    if (door.count == 0)
        (void)event_del(door.on_tick);
    else if (!event_pending(door.on_tick, EV_TIMEOUT, NULL))
        (void)event_add(door.on_tick, &second);
}

/* libcurl on the loop. */

static void collect(void)
{
    struct transfer *t;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(door.multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        t = NULL;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish(t, message->data.result);
    }
}

/* libcurl is never told that an event had no memory: one that was hands out memory that
 * it freed. Its transfer ends here instead. */
static void end_unwatched(void)
{
    struct transfer *t = TAILQ_FIRST(&door.running), *next;

    for (; t != NULL; t = next) {
        next = TAILQ_NEXT(t, entry);
        if (t->unwatched)
            transfer_done(t, JOB_BUSY, "out of memory");
    }
}

static void drive(curl_socket_t fd, int what)
{
    int running;

    (void)curl_multi_socket_action(door.multi, fd, what, &running);
    collect();
    end_unwatched();
    start_waiting();
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
    (void)ctx;
    drive(fd, ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
                  ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    drive(CURL_SOCKET_TIMEOUT, 0);
}

/* Each second, as long as there are jobs. */
static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    give_back(&door.waiting, NULL, now_s() - WAIT_S, "too many for this host");
    drive(CURL_SOCKET_TIMEOUT, 0);
}

static bool watch(curl_socket_t fd, int what)
{
    const int events = EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0);
    struct event *const ready =
        event_new(door.r->base, fd, (short)events, on_ready, NULL);

    if (ready != NULL && event_add(ready, NULL) == 0 &&
        curl_multi_assign(door.multi, fd, ready) == CURLM_OK)
        return true;
    if (ready != NULL)
        event_free(ready);
    return false;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *own)
{
    struct event *const before = own;
    struct transfer *t = NULL;

    (void)ctx;
    if (before != NULL)
        event_free(before);
    (void)curl_multi_assign(door.multi, fd, NULL);
    if (what == CURL_POLL_REMOVE || watch(fd, what))
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

    (void)multi, (void)ctx;
    if (ms < 0)
        (void)event_del(door.on_time);
    else
        (void)event_add(door.on_time, &tv);
    return 0;
}

/* A job comes. */

/* The URL as libcurl will ask for it: the application sees that one, so that one is
 * signed. */
static bool read_url(struct transfer *t, const char *text)
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

static struct transfer *transfer_new(const struct ipc_job_callback *job,
                                     const struct config_account *account,
                                     struct span url, struct span body)
{
    struct transfer *const t = calloc(1, sizeof *t);
    char *const text = malloc(url.n + 1);
    bool ok = t != NULL && text != NULL && span_copy(text, url.n + 1, url);

    if (t != NULL) {
        memcpy(t->job, job->job, sizeof t->job);
        t->account = account;
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
        transfer_free(t);
    return NULL;
}

static const char *take_parts(const struct ipc_frame *f, struct span *url,
                              struct span *body)
{
    struct cur c = cur_of(f->tail);
    uint32_t n;

    if (!cur_be32(&c, &n) || !cur_span(&c, n, url))
        return "a tail of wrong layout";
    *body = span_of(c.p, cur_left(&c));
    return NULL;
}

/* NULL: it may be asked; else why not, and for how long. */
static const char *fault_of(const struct config_account *a, struct span url,
                            enum job_outcome *outcome)
{
    struct err e;

    *outcome = JOB_REFUSED;
    if (a == NULL)
        return "no such account";
    if (callback_check_url(a, url, &e) == 0)
        return NULL;
    if (e.class != ERR_PERM) {
        *outcome = JOB_BUSY;
        return "out of memory";
    }
    return strcmp(e.status, "5.7.1") == 0 ? "host not allowed" : "no URL for callbacks";
}

static void callback_take_job(struct relay *r, const struct ipc_frame *f)
{
    const struct ipc_job_callback *job = f->fixed;
    const struct config_account *const account =
        config_account(r->config, job->account);
    enum job_outcome outcome = JOB_REFUSED;
    struct transfer *t = NULL;
    struct span url, body;
    const char *why = take_parts(f, &url, &body);

    if (why == NULL)
        why = fault_of(account, url, &outcome);
    if (why == NULL) {
        outcome = JOB_BUSY;
        if (door.draining)
            why = "stopping";
        else if (door.count >= JOBS_MAX || door.bytes + f->tail.n > BYTES_MAX)
            why = "too many at once";
        else if ((t = transfer_new(job, account, url, body)) == NULL)
            why = "out of memory";
    }
    if (why != NULL) {
        relay_job_done(r, job->job, outcome, why);
        return;
    }
    door.count++;
    door.bytes += t->bytes;
    TAILQ_INSERT_TAIL(&door.waiting, t, entry);
    start_waiting();
}

static int callback_start(struct relay *r, struct err *e)
{
    door.r = r;
    (void)signal(SIGPIPE, SIG_IGN); /* libcurl writes to sockets that may be closed */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_TEMP, "4.3.0", "callback: libcurl does not start");
    door.multi = curl_multi_init();
    door.on_time = evtimer_new(r->base, on_time, NULL);
    door.on_tick = event_new(r->base, -1, EV_PERSIST, on_tick, NULL);
    if (door.multi == NULL || door.on_time == NULL || door.on_tick == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "callback: out of memory");
    (void)curl_multi_setopt(door.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(door.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(door.multi, CURLMOPT_MAXCONNECTS, (long)TRANSFERS_MAX);
    return 0;
}

static void callback_drain(struct relay *r)
{
    (void)r;
    door.draining = true;
    give_back(&door.waiting, NULL, now_s(), "stopping");
}

static size_t callback_busy(struct relay *r)
{
    (void)r;
    return door.count;
}

const struct plugin plugin_callback = {
    .name = "callback",
    .where = IPC_COURIER,
    .start = callback_start,
    .drain = callback_drain,
    .busy = callback_busy,
    .job_type = IPC_JOB_CALLBACK,
    .take_job = callback_take_job,
};
