/* SPDX-License-Identifier: ISC */
/* sendsms.c - Kannel's HTTP interface for applications, and a JSON one.
 * Here:       routes, who asks, the account's rules, the order in which smsbox checks.
 * Elsewhere:  forms and fields (sendsms_request.c), receivers (sendsms_submit.c),
 *             answers (sendsms_answer.c), HTTP (relay/http.c).
 * Called by:  front, through struct plugin.
 * Source:     Kannel userguide, "Using SMS Push"; smsbox 1.4.5 as measured. */
#include "plugin/sendsms.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_MAX (1U << 20)
#define HEAD_MAX (128U << 10) /* a text of 39 015 bytes, percent-encoded, in a GET */
#define DEADLINE_S 30U

static struct http_servers servers;

static const char later[] = "Temporal failure, try again later.";

static int refuse(struct sendsms_refusal *why, int status, const char *body)
{
    why->status = status;
    (void)snprintf(why->body, sizeof why->body, "%s", body);
    return -1;
}

void sendsms_job_free(struct sendsms_job *job)
{
    if (job->mail != NULL)
        mime_clear(job->mail);
    free(job->mail);
    buf_wipe(&job->text);
    free(job->pieces);
    free(job->receivers);
    sendsms_request_clear(&job->request);
    free(job);
}

static void on_gone(void *ctx)
{
    struct sendsms_job *const job = ctx;

    sendsms_cancel(job);
    sendsms_job_free(job);
}

/* -- the account's rules for a receiver */

static bool begins_with_one(const struct config_words *list, const char *digits)
{
    for (size_t i = 0; i < list->n; i++)
        if (strncmp(digits, list->p[i], strlen(list->p[i])) == 0)
            return true;
    return false;
}

static bool is_one(const struct config_words *list, const char *digits)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(digits, list->p[i]) == 0)
            return true;
    return false;
}

/* Expressions see the number as the application wrote it, as in smsbox, and as E.164:
 * a black list must not be passed by another spelling. */
static bool expression_has(const struct config_regex *r,
                           const struct sendsms_receiver *rc)
{
    char plus[MSISDN_ROOM + 1], raw[64];

    (void)snprintf(plus, sizeof plus, "+%s", rc->msisdn);
    return config_regex_has(r, plus) ||
           (span_copy(raw, sizeof raw, rc->raw) && config_regex_has(r, raw));
}

static bool is_listed_out(const struct config_account *a,
                          const struct sendsms_receiver *rc)
{
    const char *const digits = rc->msisdn;

    return (a->allowed_prefix.n > 0 && !begins_with_one(&a->allowed_prefix, digits)) ||
           begins_with_one(&a->denied_prefix, digits) ||
           (a->white_list.n > 0 && !is_one(&a->white_list, digits)) ||
           is_one(&a->black_list, digits) ||
           (a->white_list_regex != NULL && !expression_has(a->white_list_regex, rc)) ||
           (a->black_list_regex != NULL && expression_has(a->black_list_regex, rc));
}

/* Twice the same number is one receiver; twice the same that is none is named once. */
static bool came_before(const struct sendsms_job *job,
                        const struct sendsms_receiver *rc)
{
    for (const struct sendsms_receiver *p = job->receivers; p < rc; p++)
        if (rc->denied ? span_eq(p->raw, rc->raw)
                       : !p->denied && strcmp(p->msisdn, rc->msisdn) == 0)
            return true;
    return false;
}

static int take_receivers(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct config *const c = job->r->config;
    bool any = false;

    job->receivers = calloc(job->request.receiver_count + 1, sizeof *job->receivers);
    if (job->receivers == NULL)
        return refuse(why, 503, later);
    for (size_t i = 0; i < job->request.receiver_count; i++) {
        struct sendsms_receiver *const rc = &job->receivers[job->count];

        *rc = (struct sendsms_receiver){ .job = job, .raw = job->request.receivers[i] };
        rc->denied = msisdn_parse(rc->raw, c->region, c->number_check_line,
                                  rc->msisdn) != MSISDN_OK ||
                     is_listed_out(job->account, rc);
        if (came_before(job, rc))
            continue;
        any = any || !rc->denied;
        job->count++;
    }
    return any ? 0
               : refuse(why, 400,
                        "Number(s) has/have been denied by white- and/or black-lists.");
}

/* -- the request's fields, as the account has them */

/* The first that is given. */
static struct span first(const char *a, struct span b, const char *c)
{
    if (a != NULL)
        return span_str(a);
    if (b.n > 0)
        return b;
    return span_str(c == NULL ? "" : c);
}

/* smsbox's order: faked-sender, from, default-sender, global-sender (the link's). */
static int take_sender(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct config_account *const a = job->account;

    if (!span_copy(job->sms.from, sizeof job->sms.from,
                   first(a->faked_sender, job->request.from, a->default_sender)))
        return refuse(why, 400, "Sender too long, rejected");
    /* Replies go by mail where the account says so, else to where it is from. */
    job->sender =
        a->reply_url == NULL && a->reply_mail != NULL ? a->reply_mail : job->sms.from;
    return 0;
}

static int take_smsc(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct config_account *const a = job->account;

    return span_copy(job->sms.smsc, sizeof job->sms.smsc,
                     first(a->forced_smsc, job->request.smsc, a->default_smsc))
               ? 0
               : refuse(why, 400, "SMSC field too long, rejected");
}

/* A URL is judged though nothing is to be reported, as smsbox judges its beginning:
 * whoever wrote the request sees the mistake at once. */
static int check_dlr_url(const struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct span url = job->request.dlr_url;
    struct err e;

    if (url.n == 0)
        return 0;
    if (url.n > CALLBACK_URL_MAX)
        return refuse(why, 400, "DLR-URL field misformed, rejected");
    if (callback_check_url(job->account, url, &e) == 0)
        return 0;
    return refuse(why, 400,
                  strcmp(e.status, "5.7.1") == 0 ? "DLR-URL host not allowed, rejected"
                                                 : "DLR-URL field misformed, rejected");
}

static int take_report(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct sendsms_request *const q = &job->request;
    const struct span url = first(NULL, q->dlr_url, job->account->dlr_url);

    if (check_dlr_url(job, why) != 0)
        return -1;
    if (url.n == 0 || q->dlr_mask <= 0)
        return 0;
    job->report = (struct report_ask){ .mask = (uint32_t)q->dlr_mask,
                                       .url = url,
                                       .from = span_str(job->sms.from),
                                       .smsc = span_str(job->sms.smsc),
                                       .account_param = q->account };
    return 0;
}

static uint64_t after_minutes(int32_t minutes)
{
    return minutes < 0 ? 0 : (uint64_t)time(NULL) + (uint64_t)minutes * 60;
}

static int make_message(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct sendsms_request *const q = &job->request;

    if (sendsms_text(q, &job->text, why) != 0)
        return -1;
    if (q->deferred > 0)
        return refuse(why, 400, "A secured message cannot be deferred, rejected");
    job->mail = calloc(1, sizeof *job->mail);
    if (job->mail == NULL)
        return refuse(why, 503, later);
    buf_init(&job->mail->text, MIME_TEXT_MAX);
    buf_put_span(&job->mail->text, buf_span(&job->text));
    (void)span_copy(job->mail->subject, sizeof job->mail->subject, q->subject);
    job->mail->date_s = (uint64_t)time(NULL);
    job->expires_s = q->expire_s > 0 ? job->mail->date_s + (uint64_t)q->expire_s
                                     : after_minutes(q->validity);
    return buf_ok(&job->mail->text) ? 0 : refuse(why, 503, later);
}

/* cut - one piece, or several where the account wants no concatenation. */
static int cut(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct span text = buf_span(&job->text);
    const size_t udh = job->request.udh.n;
    size_t done = 0;

    job->messages = sendsms_count(job->sms.coding, text, udh);
    if (job->messages == 0 && job->account->concatenation)
        return refuse(why, 400, "UDH field is too long, rejected");
    job->pieces = calloc(job->account->max_messages + 1, sizeof *job->pieces);
    if (job->pieces == NULL)
        return refuse(why, 503, later);
    if (job->account->concatenation || job->messages == 1) {
        job->pieces[job->piece_count++] = text;
        done = text.n;
    }
    while (done < text.n && job->piece_count <= job->account->max_messages) {
        const struct span rest = span_of(text.p + done, text.n - done);
        const size_t n = sendsms_piece(job->sms.coding, rest, udh);

        if (n == 0)
            return refuse(why, 400, "UDH field is too long, rejected");
        job->pieces[job->piece_count++] = span_of(rest.p, n);
        done += n;
    }
    if (!job->account->concatenation)
        job->messages = (unsigned)job->piece_count;
    return job->messages <= job->account->max_messages
               ? 0
               : refuse(why, 400, "Message too long, rejected");
}

static int make_plain(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct sendsms_request *const q = &job->request;
    struct sms *const m = &job->sms;

    if (sendsms_msgdata(q, &m->coding, &job->text, why) != 0)
        return -1;
    m->mclass = q->mclass;
    m->mwi = q->mwi;
    m->compress = q->compress;
    m->pid = q->pid;
    m->alt_dcs = q->alt_dcs;
    m->rpi = q->rpi;
    m->priority = q->priority;
    m->valid_until_s = after_minutes(q->validity);
    m->deferred_until_s = after_minutes(q->deferred);
    m->udh = q->udh;
    m->meta_data = q->meta_data;
    m->binfo = q->binfo;
    m->account = q->account;
    (void)span_copy(m->service, sizeof m->service, span_str(job->account->username));
    return cut(job, why);
}

static int take_mode(struct sendsms_job *job, struct sendsms_refusal *why)
{
    job->secure = job->request.secure == SENDSMS_UNSET ? job->account->secure
                                                       : job->request.secure != 0;
    return job->secure || job->account->plain
               ? 0
               : refuse(why, 403,
                        "Plain SMS are not allowed for this account, rejected");
}

/* In smsbox's order, so that a request with several faults is told of the same one. */
static int judge(struct sendsms_job *job, struct sendsms_refusal *why)
{
    const struct sendsms_request *const q = &job->request;

    if (sendsms_check_receivers(q, why) != 0 || sendsms_check_udh(q, why) != 0 ||
        take_receivers(job, why) != 0 || take_sender(job, why) != 0 ||
        sendsms_check_fields(q, why) != 0 || take_smsc(job, why) != 0 ||
        take_report(job, why) != 0 || take_mode(job, why) != 0)
        return -1;
    return job->secure ? make_message(job, why) : make_plain(job, why);
}

static bool client_may(const struct config_account *a, const struct sockaddr *client)
{
    return (a->networks.n == 0 || config_networks_have(&a->networks, client)) &&
           !config_networks_have(&a->denied_networks, client);
}

/* -- one request */

static void authorised(struct sendsms_job *job)
{
    struct sendsms_refusal why;

    if (!client_may(job->account, http_client(job->http)))
        sendsms_end(job, 403, "Authorization failed for sendsms");
    else if (judge(job, &why) != 0)
        sendsms_end(job, why.status, why.body);
    else if (relay_store_full(job->r))
        sendsms_end(job, 503, "Storage is full, try again later.");
    else
        sendsms_submit(job);
}

static void on_auth(void *ctx, enum auth_verdict verdict,
                    const struct config_account *account)
{
    struct sendsms_job *const job = ctx;

    job->auth_call = 0;
    job->account = verdict == AUTH_OK ? account : NULL;
    if (verdict == AUTH_BUSY)
        sendsms_end(job, 503, later);
    else if (job->account == NULL)
        sendsms_end(job, 403, "Authorization failed for sendsms");
    else
        authorised(job);
}

/* Who is in nobody's networks need not be asked for a password: guesses cost us much.
 */
static bool is_anybodys_client(const struct sendsms_job *job)
{
    const struct config *const c = job->r->config;
    const struct sockaddr *const client = http_client(job->http);

    for (size_t i = 0; i < c->account_count; i++)
        if (c->accounts[i].password != NULL && client_may(&c->accounts[i], client))
            return true;
    return false;
}

static void authorise(struct sendsms_job *job)
{
    const struct config_account *account = NULL;
    enum auth_verdict v = AUTH_NO;

    if (job->request.username.p != NULL && job->request.password.p != NULL &&
        is_anybodys_client(job))
        v = auth_password(job->r->auth, job->request.username, job->request.password,
                          &account, on_auth, job, &job->auth_call);
    if (v != AUTH_LATER)
        on_auth(job, v, account);
}

static struct sendsms_job *job_new(struct relay *r, struct http_request *http)
{
    struct sendsms_job *const job = calloc(1, sizeof *job);

    if (job == NULL) {
        http_reply(http, 503, "text/html", span_str(later));
        return NULL;
    }
    job->r = r;
    job->http = http;
    sms_init(&job->sms);
    buf_init(&job->text, MIME_TEXT_MAX);
    http_on_gone(http, on_gone, job);
    return job;
}

static int take_kannel(struct sendsms_job *job, struct sendsms_refusal *why)
{
    size_t n;
    const struct http_pair *pairs;

    if (http_method(job->http) == HTTP_GET) {
        pairs = http_query_pairs(job->http, &n);
        return sendsms_take_query(&job->request, pairs, n, why);
    }
    pairs = http_header_pairs(job->http, &n);
    return sendsms_take_post(&job->request, pairs, n, http_body(job->http), why);
}

static void serve_kannel(struct relay *r, struct http_request *http)
{
    struct sendsms_job *const job = job_new(r, http);
    struct sendsms_refusal why;

    if (job == NULL)
        return;
    if (take_kannel(job, &why) != 0)
        sendsms_end(job, why.status, why.body);
    else
        authorise(job);
}

static struct span bearer(const struct http_request *http)
{
    const char *const header = http_header(http, "Authorization");
    struct cur c = cur_of(span_str(header == NULL ? "" : header));

    return cur_word(&c, "Bearer ") ? span_of(c.p, cur_left(&c)) : span_of(NULL, 0);
}

static void serve_json(struct relay *r, struct http_request *http)
{
    struct sendsms_job *const job = job_new(r, http);
    const struct span token = bearer(http);
    struct sendsms_refusal why;

    if (job == NULL)
        return;
    job->json = true;
    job->account = token.p == NULL ? NULL : auth_token(r->auth, token);
    if (job->account == NULL) {
        http_reply_header(http, "WWW-Authenticate", "Bearer");
        sendsms_end(job, 401, "The token is missing or nobody's");
        return;
    }
    if (sendsms_take_json(&job->request, http_body(http), &why) != 0)
        sendsms_end(job, why.status, why.body);
    else
        authorised(job);
}

static const struct route {
    const char *path;
    bool get, post;
    void (*serve)(struct relay *r, struct http_request *http);
} routes[] = {
    { "/cgi-bin/sendsms", true, true, serve_kannel },
    { "/api/v1/messages", false, true, serve_json },
};

/* A HEAD makes smsbox send the SMS; ours answers that it must not. */
static void serve(void *ctx, struct http_request *http)
{
    const enum http_method method = http_method(http);

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(http_path(http), routes[i].path) != 0)
            continue;
        if ((method == HTTP_GET && routes[i].get) ||
            (method == HTTP_POST && routes[i].post)) {
            routes[i].serve(ctx, http);
            return;
        }
        http_reply_header(http, "Allow", routes[i].get ? "GET, POST" : "POST");
        http_reply(http, 405, "text/html", span_str("Method not allowed."));
        return;
    }
    http_reply(http, 404, "text/html", span_str("Unknown request."));
}

static int start(struct relay *r, struct err *e)
{
    char name[160];

    for (size_t i = 0; i < r->config->listen_count; i++) {
        const struct config_listen *const l = &r->config->listens[i];
        const struct http_options o = { .base = r->base,
                                        .listen_fd = r->listen_fds[i],
                                        .certificate = l->certificate,
                                        .key = l->key,
                                        .connections = l->connections,
                                        .head_max = HEAD_MAX,
                                        .body_max = BODY_MAX,
                                        .odd_queries = true,
                                        .deadline_s = DEADLINE_S,
                                        .handler = serve,
                                        .ctx = r };

        if (l->protocol != LISTEN_SENDSMS)
            continue;
        (void)snprintf(name, sizeof name, "listen sendsms %s", l->address.text);
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

const struct plugin plugin_sendsms = {
    .name = "sendsms", .where = IPC_FRONT, .start = start, .drain = drain, .busy = busy
};
