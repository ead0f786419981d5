/* SPDX-License-Identifier: ISC */
/* handset.c - the handset API, over HTTPS.
 * Here:       routes, what each verdict is in HTTP, the proof on its way to the keeper.
 * Elsewhere:  HTTP itself (relay/http.c), JSON (handset_json.c), the page's files
 *             (handset_pages.c), every decision (keeper).
 * Called by:  front, through struct plugin.
 * Source:     templates/handset/openapi.yaml; RFC 9457 (problems), RFC 9449 (proofs).
 */
#include "plugin/handset_files.h"
#include "plugin/handset_info.h"
#include "plugin/handset_json.h"
#include "plugin/handset_pages.h"
#include "relay/http.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_MAX (256U << 10)
#define DEADLINE_S 30U
#define PROOF_MAX 4096U
#define JSON_MAX (24U << 20)
#define INFO_MAX 4096U

static struct http_servers servers;

/* One request that waits for the keeper. */
struct pending {
    struct relay *r;
    struct http_request *req;
    uint64_t call;
    enum device_call kind;
};

#define GONE                                       \
    {                                              \
        404, "gone", "There is no such thing here" \
    }
#define LATER                                                    \
    {                                                            \
        503, "later", "This cannot be done now; try again later" \
    }
static const struct {
    int status;
    const char *type, *title;
} problems[IPC_VERDICT_COUNT] = {
    /* the first two are no problems: who comes here with them has no answer for them */
    [IPC_OK] = LATER,
    [IPC_REPEATED] = LATER,
    [IPC_OPTED_OUT] = { 403, "opted-out", "This number wants no messages" },
    [IPC_NO_ALIAS] = GONE,
    [IPC_STRANGER] = GONE,
    [IPC_LIMIT] = LATER,
    [IPC_FULL] = { 503, "later", "Storage is full; try again later" },
    [IPC_STALE_EPOCH] = { 409, "stale-key",
                          "Sealed to an old key; fetch and seal again" },
    [IPC_GONE] = GONE,
    [IPC_OTP_MISMATCH] = { 403, "otp-mismatch",
                           "This is not the password that was sent" },
    [IPC_CLOSED] = { 410, "registration-closed",
                     "This registration is over; start again" },
    [IPC_BAD_KEY] = { 400, "bad-key", "This key cannot be used" },
    [IPC_BAD_REQUEST] = { 400, "bad-request", "The request is not as it should be" },
    [IPC_PROOF] = { 401, "proof", "The proof of the device is wrong or used before" },
    [IPC_NONCE] = { 401, "use-dpop-nonce", "Repeat the proof with the new nonce" },
    [IPC_WAITING] = LATER, /* not a problem */
    [IPC_MISMATCH] = { 403, "number-mismatch",
                       "The password came from another number" },
    [IPC_FORBIDDEN] = { 403, "direction", "This direction is not offered here" },
    [IPC_NO_REPLY] = { 409, "no-reply", "This sender takes no answers" },
    [IPC_TOO_MANY] = { 429, "too-many", "Too many attempts; try again later" },
    [IPC_TEMP] = LATER,
};

static void reply_verdict(struct http_request *req, uint32_t verdict, const char *extra)
{
    const uint32_t v = verdict < IPC_VERDICT_COUNT ? verdict : IPC_TEMP;

    if (problems[v].status == 503 || problems[v].status == 429)
        http_reply_header(req, "Retry-After", problems[v].status == 503 ? "5" : "600");
    if (problems[v].status == 401)
        http_reply_header(req, "WWW-Authenticate",
                          v == IPC_NONCE ? "DPoP error=\"use_dpop_nonce\""
                                         : "DPoP error=\"invalid_dpop_proof\"");
    http_reply_problem(req, problems[v].status, problems[v].type, problems[v].title,
                       extra);
}

static void reply_json(struct http_request *req, int status, struct buf *json)
{
    if (buf_ok(json))
        http_reply(req, status, "application/json", buf_span(json));
    else
        reply_verdict(req, IPC_TEMP, NULL);
    buf_wipe(json);
}

static void on_gone(void *ctx)
{
    struct pending *p = ctx;

    relay_cancel(p->r, p->call);
    free(p);
}

static struct pending *pend(struct relay *r, struct http_request *req)
{
    struct pending *p = calloc(1, sizeof *p);

    if (p == NULL) {
        reply_verdict(req, IPC_TEMP, NULL);
        return NULL;
    }
    p->r = r;
    p->req = req;
    http_on_gone(req, on_gone, p);
    return p;
}

static void call(struct pending *p, enum ipc_type type, const void *fixed,
                 struct span tail, struct span rest, relay_answer *answer)
{
    p->call = relay_call(p->r, type, fixed, tail, rest, answer, p);
}

/* -- before anybody is known */

static void tell_app(struct relay *r, struct http_request *req, const uint8_t *id,
                     uint32_t part)
{
    struct buf json;

    (void)id, (void)part;
    buf_init(&json, INFO_MAX);
    json.failed =
        !handset_put_app(r->config, handset_app_hash(), relay_push_key(r), &json);
    reply_json(req, 200, &json);
}

static void notice_told(void *ctx, const struct ipc_frame *f)
{
    struct pending *p = ctx;
    const struct ipc_notice_info *a = f == NULL ? NULL : f->fixed;
    struct buf json;

    if (a == NULL || a->verdict != IPC_OK) {
        reply_verdict(p->req, a == NULL ? IPC_TEMP : a->verdict, NULL);
    } else {
        buf_init(&json, INFO_MAX);
        json.failed = !handset_put_notice(p->r->config, a, &json);
        reply_json(p->req, 200, &json);
    }
    free(p);
}

static void tell_notice(struct relay *r, struct http_request *req, const uint8_t *token,
                        uint32_t part)
{
    struct ipc_notice_ask ask;
    struct pending *p;

    (void)part;
    memcpy(ask.notice, token, sizeof ask.notice);
    p = pend(r, req);
    if (p != NULL)
        call(p, IPC_NOTICE_ASK, &ask, span_of(NULL, 0), span_of(NULL, 0), notice_told);
}

/* -- registrations */

static void started(void *ctx, const struct ipc_frame *f)
{
    struct pending *p = ctx;
    const struct ipc_reg_started *a = f == NULL ? NULL : f->fixed;
    char hex[HEX_LEN(16) + 1];
    struct buf json;

    if (a == NULL || a->verdict != IPC_OK) {
        reply_verdict(p->req, a == NULL ? IPC_TEMP : a->verdict, NULL);
    } else {
        buf_init(&json, 512);
        buf_printf(&json, "{\"registration\":\"%s\",\"otp_digits\":%u,\"expires\":%llu",
                   hex_text(hex, a->registration, 16), p->r->config->otp_digits,
                   (unsigned long long)a->expires_s);
        if (a->has_check != 0) {
            buf_put(&json, ",\"check\":\"");
            b64url_put(&json, a->check, sizeof a->check);
            buf_put_u8(&json, '"');
        }
        if (a->sms_to[0] != '\0') /* digits, a plus before them */
            buf_printf(&json, ",\"sms_to\":\"%s\",\"sms_text\":\"SEAL {otp}\"",
                       a->sms_to);
        buf_put_u8(&json, '}');
        reply_json(p->req, 201, &json);
    }
    free(p);
}

static void put_client(struct ipc_reg_start *start, const struct sockaddr *sa)
{
    struct sockaddr_in6 six;
    struct sockaddr_in four;

    if (sa->sa_family == AF_INET) {
        memcpy(&four, sa, sizeof four);
        start->client_family = 4;
        memcpy(start->client, &four.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&six, sa, sizeof six);
        if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
            start->client_family = 4;
            memcpy(start->client, six.sin6_addr.s6_addr + 12, 4);
        } else {
            start->client_family = 6;
            memcpy(start->client, &six.sin6_addr, 16);
        }
    }
}

static void start_registration(struct relay *r, struct http_request *req,
                               const uint8_t *ids, uint32_t part)
{
    struct ipc_reg_start start = { 0 };
    struct pending *p;
    struct err e;

    (void)ids, (void)part;
    if (handset_take_start(http_body(req), r->config, &start, &e) != 0) {
        http_reply_problem(req, 400, e.status, e.text, NULL);
        return;
    }
    put_client(&start, http_client(req));
    p = pend(r, req);
    if (p != NULL)
        call(p, IPC_REG_START, &start, span_of(NULL, 0), span_of(NULL, 0), started);
}

static void otp_answered(void *ctx, const struct ipc_frame *f)
{
    struct pending *p = ctx;
    const struct ipc_reg_otp_answer *a = f == NULL ? NULL : f->fixed;
    char extra[32];

    if (a != NULL && a->verdict == IPC_OK) {
        http_reply(p->req, 200, "application/json", span_str("{\"proven\":true}"));
    } else if (a != NULL && a->verdict == IPC_WAITING) {
        http_reply(p->req, 202, "application/json", span_str("{\"proven\":false}"));
    } else {
        (void)snprintf(extra, sizeof extra, "\"tries_left\":%u",
                       a == NULL ? 0 : a->tries_left);
        reply_verdict(p->req, a == NULL ? IPC_TEMP : a->verdict,
                      a != NULL && a->verdict == IPC_OTP_MISMATCH ? extra : NULL);
    }
    free(p);
}

static void prove_otp(struct relay *r, struct http_request *req, const uint8_t *id,
                      uint32_t part)
{
    struct ipc_reg_otp otp = { 0 };
    struct pending *p;
    struct err e;

    (void)part;
    if (handset_take_otp(http_body(req), r->config, &otp, &e) != 0) {
        http_reply_problem(req, 400, e.status, e.text, NULL);
        return;
    }
    memcpy(otp.registration, id, sizeof otp.registration);
    p = pend(r, req);
    if (p != NULL)
        call(p, IPC_REG_OTP, &otp, span_of(NULL, 0), span_of(NULL, 0), otp_answered);
}

static void enrolled(void *ctx, const struct ipc_frame *f)
{
    struct pending *p = ctx;
    const struct ipc_reg_device_answer *a = f == NULL ? NULL : f->fixed;
    const char *const key = relay_reply_key_jwk(p->r);
    char hex[HEX_LEN(16) + 1];
    struct buf json;

    if (a == NULL || a->verdict != IPC_OK) {
        reply_verdict(p->req, a == NULL ? IPC_TEMP : a->verdict, NULL);
    } else {
        buf_init(&json, 2048);
        buf_printf(&json, "{\"device\":\"%s\",\"reply_key\":%s}",
                   hex_text(hex, a->device, 16), key == NULL ? "null" : key);
        reply_json(p->req, 201, &json);
    }
    free(p);
}

static void enrol_device(struct relay *r, struct http_request *req, const uint8_t *id,
                         uint32_t part)
{
    struct ipc_reg_device device = { 0 };
    struct pending *p;
    struct buf der;
    struct err e;

    (void)part;
    buf_init(&der, IPC_TAIL_KEY);
    if (handset_take_device(http_body(req), &device, &der, &e) != 0) {
        http_reply_problem(req, 400, e.status, e.text, NULL);
    } else {
        memcpy(device.registration, id, sizeof device.registration);
        p = pend(r, req);
        if (p != NULL)
            call(p, IPC_REG_DEVICE, &device, buf_span(&der), span_of(NULL, 0),
                 enrolled);
    }
    buf_clear(&der);
}

/* -- device calls */

static void reply_reply(struct pending *p, struct span tail)
{
    char hex[HEX_LEN(16) + 1];
    struct buf json;

    buf_init(&json, 64);
    if (tail.n == 16)
        buf_printf(&json, "{\"reply\":\"%s\"}",
                   hex_text(hex, (const uint8_t *)tail.p, 16));
    json.failed = json.failed || tail.n != 16;
    reply_json(p->req, 202, &json);
}

/* No validator is given out, so If-Range never matches: then the whole part goes. */
static void reply_part(struct pending *p, struct span tail)
{
    const bool whole = http_header(p->req, "If-Range") != NULL;
    const char *range = whole ? NULL : http_header(p->req, "Range");
    char text[96];
    uint64_t from, to;

    http_reply_header(p->req, "Accept-Ranges", "bytes");
    switch (handset_range(range, tail.n, &from, &to)) {
    case 1:
        (void)snprintf(text, sizeof text, "bytes %llu-%llu/%zu",
                       (unsigned long long)from, (unsigned long long)to, tail.n);
        http_reply_header(p->req, "Content-Range", text);
        http_reply(p->req, 206, "application/octet-stream",
                   span_of(tail.p + from, (size_t)(to - from + 1)));
        break;
    case -1:
        (void)snprintf(text, sizeof text, "bytes */%zu", tail.n);
        http_reply_header(p->req, "Content-Range", text);
        http_reply_problem(p->req, 416, "range", "Nothing of this range is there",
                           NULL);
        break;
    default:
        http_reply(p->req, 200, "application/octet-stream", tail);
        break;
    }
}

static void reply_list(struct pending *p, const struct ipc_device_answer *a,
                       struct span tail)
{
    struct buf json;
    bool ok;

    buf_init(&json, JSON_MAX);
    if (p->kind == CALL_LIST)
        ok = handset_put_messages(a, tail, relay_reply_key_jwk(p->r), &json);
    else if (p->kind == CALL_MESSAGE)
        ok = handset_put_message(a, tail, &json);
    else
        ok = handset_put_devices(a, tail, &json);
    json.failed = json.failed || !ok;
    reply_json(p->req, 200, &json);
}

static void device_answered(void *ctx, const struct ipc_frame *f)
{
    struct pending *p = ctx;
    const struct ipc_device_answer *a = f == NULL ? NULL : f->fixed;

    if (a != NULL)
        http_reply_header(p->req, "DPoP-Nonce", a->nonce);
    if (a == NULL || (a->verdict != IPC_OK && a->verdict != IPC_REPEATED))
        reply_verdict(p->req, a == NULL ? IPC_TEMP : a->verdict, NULL);
    else if (p->kind == CALL_PART)
        reply_part(p, f->tail);
    else if (p->kind == CALL_REPLY)
        reply_reply(p, f->tail);
    else if (p->kind == CALL_LIST || p->kind == CALL_MESSAGE || p->kind == CALL_DEVICES)
        reply_list(p, a, f->tail);
    else
        http_reply(p->req, 204, NULL, span_of(NULL, 0));
    free(p);
}

/* device_call_fits - the body is what the device hashed and signed, so the keeper gets
 * it as it came: look at it first. false: refused, req is answered. */
static bool device_call_fits(const struct config *config, struct http_request *req,
                             enum device_call kind, size_t proof_bytes)
{
    const struct span body = http_body(req);
    struct err e;

    if (proof_bytes > PROOF_MAX || 2 + proof_bytes + body.n > (size_t)IPC_TAIL_CALL)
        http_reply_problem(req, 413, "too-large", "The request is too large", NULL);
    else if (handset_check_body(config, kind, body, &e) != 0)
        http_reply_problem(req, 400, e.status, e.text, NULL);
    else
        return true;
    return false;
}

/* The keeper checks the proof; an absent one goes there too, for the nonce in its
 * answer. */
static void call_device(struct relay *r, struct http_request *req,
                        enum device_call kind, const uint8_t *id, uint32_t part)
{
    struct ipc_device_call device = { .call = (uint8_t)kind, .part = part };
    const char *proof = http_header(req, "DPoP"), *after = http_query(req, "after");
    struct pending *p;
    struct buf head;

    if (id != NULL)
        memcpy(device.id, id, sizeof device.id);
    if (after != NULL && kind == CALL_LIST &&
        !hex_take(span_str(after), device.after, sizeof device.after)) {
        reply_verdict(req, IPC_BAD_REQUEST, NULL);
        return;
    }
    if (proof == NULL)
        proof = "";
    if (!device_call_fits(r->config, req, kind, strlen(proof)))
        return;
    p = pend(r, req);
    if (p == NULL)
        return;
    p->kind = kind;
    buf_init(&head, PROOF_MAX + 2);
    buf_put_be16(&head, (uint16_t)strlen(proof));
    buf_put(&head, proof);
    call(p, IPC_DEVICE_CALL, &device, buf_span(&head), http_body(req), device_answered);
    buf_clear(&head);
}

#define DEVICE_ROUTE(function, kind)                                                   \
    static void function(struct relay *r, struct http_request *req, const uint8_t *id, \
                         uint32_t part)                                                \
    {                                                                                  \
        call_device(r, req, kind, id, part);                                           \
    }
DEVICE_ROUTE(list_messages, CALL_LIST)
DEVICE_ROUTE(get_message, CALL_MESSAGE)
DEVICE_ROUTE(get_part, CALL_PART)
DEVICE_ROUTE(mark_read, CALL_READ)
DEVICE_ROUTE(send_reply, CALL_REPLY)
DEVICE_ROUTE(remove_message, CALL_REMOVE)
DEVICE_ROUTE(list_devices, CALL_DEVICES)
DEVICE_ROUTE(revoke_device, CALL_REVOKE)
DEVICE_ROUTE(label_device, CALL_LABEL)
DEVICE_ROUTE(subscribe_device, CALL_PUSH)

/* "{}" is an id of 32 hex digits, "#" a number from 1, "~" the token of a notice. */
static const struct route {
    enum http_method method;
    bool takes_json;
    const char *path;
    void (*run)(struct relay *r, struct http_request *req, const uint8_t *id,
                uint32_t part);
} routes[] = {
    { HTTP_GET, false, "/api/v1/app", tell_app },
    { HTTP_GET, false, "/api/v1/notices/~", tell_notice },
    { HTTP_POST, true, "/api/v1/registrations", start_registration },
    { HTTP_POST, true, "/api/v1/registrations/{}/otp", prove_otp },
    { HTTP_POST, true, "/api/v1/registrations/{}/device", enrol_device },
    { HTTP_GET, false, "/api/v1/messages", list_messages },
    { HTTP_GET, false, "/api/v1/messages/{}", get_message },
    { HTTP_GET, false, "/api/v1/messages/{}/parts/#", get_part },
    { HTTP_POST, false, "/api/v1/messages/{}/read", mark_read },
    { HTTP_POST, true, "/api/v1/messages/{}/replies", send_reply },
    { HTTP_DELETE, false, "/api/v1/messages/{}", remove_message },
    { HTTP_GET, false, "/api/v1/devices", list_devices },
    { HTTP_DELETE, false, "/api/v1/devices/{}", revoke_device },
    { HTTP_POST, true, "/api/v1/devices/{}/label", label_device },
    { HTTP_POST, true, "/api/v1/devices/{}/push", subscribe_device },
};

static bool take_number(struct cur *c, uint32_t *out)
{
    const char *start = c->p;

    *out = 0;
    if (!cur_done(c) && *c->p == '0') /* one spelling: it stands in what is signed */
        return false;
    while (!cur_done(c) && is_digit(*c->p) && c->p - start < 6)
        *out = *out * 10 + (uint32_t)(*c->p++ - '0');
    return c->p > start;
}

static bool path_is(const char *path, const char *pattern, uint8_t id[16],
                    uint32_t *part)
{
    struct cur c = cur_of(span_str(path));
    struct span text;

    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '{') {
            if (!cur_span(&c, HEX_LEN(16), &text) || !hex_take(text, id, 16))
                return false;
            pattern++; /* the closing brace */
        } else if (*pattern == '~') {
            if (!cur_span(&c, B32_LEN(NOTICE_TOKEN_BYTES), &text) ||
                !b32_take(text, id, NOTICE_TOKEN_BYTES))
                return false;
        } else if (*pattern == '#') {
            if (!take_number(&c, part))
                return false;
        } else if (!cur_byte(&c, *pattern)) {
            return false;
        }
    }
    return cur_done(&c);
}

/* A page of another site can make a browser post forms and plain text here, but not
 * this type without asking first. */
static bool is_json(const struct http_request *req)
{
    const char *const type = http_header(req, "Content-Type");
    struct cur c = cur_of(span_str(type == NULL ? "" : type));

    return cur_word(&c, "application/json") &&
           (cur_done(&c) || *c.p == ';' || *c.p == ' ');
}

static void run_route(struct relay *r, struct http_request *req,
                      const struct route *route, const uint8_t id[16], uint32_t part)
{
    if (route->takes_json && !is_json(req))
        http_reply_problem(req, 415, "content-type", "The body must be JSON", NULL);
    else
        route->run(r, req, id, part);
}

static void serve_api(struct relay *r, struct http_request *req)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE"
    };
    struct buf allow;
    uint8_t id[16] = { 0 };
    uint32_t part = 0;

    buf_init(&allow, 64);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (!path_is(http_path(req), routes[i].path, id, &part))
            continue;
        if (routes[i].method == http_method(req)) {
            run_route(r, req, &routes[i], id, part);
            buf_clear(&allow);
            return;
        }
        buf_printf(&allow, "%s%s", allow.n == 0 ? "" : ", ", names[routes[i].method]);
    }
    if (allow.n > 0)
        handset_wrong_method(req, buf_cstr(&allow));
    else
        reply_verdict(req, IPC_GONE, NULL);
    buf_clear(&allow);
}

static void serve(void *ctx, struct http_request *req)
{
    if (strncmp(http_path(req), "/api/", 5) == 0)
        serve_api(ctx, req);
    else
        handset_serve_file(req);
}

static int start(struct relay *r, struct err *e)
{
    char name[160];

    for (size_t i = 0; i < r->config->listen_count; i++) {
        const struct config_listen *l = &r->config->listens[i];
        const struct http_options o = { .base = r->base,
                                        .listen_fd = r->listen_fds[i],
                                        .certificate = l->certificate,
                                        .key = l->key,
                                        .connections = l->connections,
                                        .body_max = BODY_MAX,
                                        .deadline_s = DEADLINE_S,
                                        .handler = serve,
                                        .ctx = r };

        if (l->protocol != LISTEN_HANDSET)
            continue;
        if (servers.n == 0 && handset_files_load(r->config, e) != 0)
            return -1;
        (void)snprintf(name, sizeof name, "listen handset %s", l->address.text);
        if (http_servers_add(&servers, &o, name, e) != 0)
            return -1;
    }
    return 0;
}

static void drain(struct relay *r)
{
    (void)r;
    http_servers_drain(&servers);
}

static size_t busy(struct relay *r)
{
    (void)r;
    return http_servers_busy(&servers);
}

const struct plugin plugin_handset = {
    .name = "handset", .where = IPC_FRONT, .start = start, .drain = drain, .busy = busy
};
