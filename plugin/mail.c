/* SPDX-License-Identifier: ISC */
/* mail.c - mail out: replies and reports, given to the operator's MTA.
 * Here:       the worker thread with libesmtp, its queue, what an answer means.
 * Elsewhere:  the mail itself (compose.c), its words (templates/), when it is tried
 *             again (keeper). TLS, DKIM and the way to the world are the MTA's.
 * Called by:  courier, as plugin_mail.
 * Source:     RFC 5321; RFC 3464 and 3834 for the null sender of reports; libesmtp
 *             1.1.0, whose session is one blocking call.
 *
 * The loop composes a mail, puts it on `waiting` and wakes the worker. The worker sends
 * up to SESSION_MAX of them in one session, judges each, puts them on `done` and wakes
 * the loop through an eventfd. Only these two lists and `lost` are shared, under the
 * lock; a mail belongs to whoever took it off a list. */
#include "relay/relay.h"
#include "relay/compose.h"
#include "relay/utf8.h"
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <libesmtp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#define SESSION_MAX 50U       /* mails in one session */
#define MAILS_MAX 500U        /* taken and not answered; more are told to come later */
#define BYTES_MAX (32U << 20) /* ... and what they may hold together */
#define MAIL_BYTES_MAX (4U << 20)
#define ANSWER_WAIT_MS 30000L /* for each answer of the MTA */
#define BACKOFF_LEAST_MS 1000U
#define BACKOFF_MOST_MS 60000U
#define REFERENCES_ROOM 2048U

struct mail {
    STAILQ_ENTRY(mail) entry;
    uint8_t job[16];
    char from[321]; /* "": the null sender */
    char to[321];
    struct buf raw; /* the whole message, CRLF lines */
    size_t given;   /* bytes of it that libesmtp took */
    bool handed;    /* it took all, so the final dot follows */
    smtp_message_t message;
    smtp_recipient_t recipient;
    enum job_outcome outcome;
    char why[64];
};
STAILQ_HEAD(mail_list, mail);

static struct {
    struct relay *r;
    char server[64]; /* "127.0.0.1:25" */
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct mail_list waiting, done; /* under the lock */
    char lost[96];                  /* under the lock: why no session came about */
    int wake_fd;                    /* worker to loop */
    struct event *on_wake, *on_retry;
    size_t count, bytes; /* taken and not answered */
    bool down, draining;
    unsigned backoff_ms;
} door = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .more = PTHREAD_COND_INITIALIZER,
           .waiting = STAILQ_HEAD_INITIALIZER(door.waiting),
           .done = STAILQ_HEAD_INITIALIZER(door.done),
           .backoff_ms = BACKOFF_LEAST_MS };

/* libesmtp reads a message: len is NULL for "from the beginning", 0 bytes is the end.
 * It takes errno != 0 for a failure of ours and would drop the session. */
static const char *give_message(void **ctx, int *len, void *arg)
{
    struct mail *m = arg;
    const char *from;

    (void)ctx;
    if (len == NULL) {
        m->given = 0;
        m->handed = false;
        return NULL;
    }
    from = m->raw.p + m->given;
    *len = (int)(m->raw.n - m->given);
    m->handed = *len == 0;
    m->given = m->raw.n;
    errno = 0;
    return m->handed ? NULL : from;
}

/* An answer to MAIL: there is an SMTP server at the other end, and it works. */
static void on_progress(smtp_session_t session, int event, void *arg, ...)
{
    bool *answered = arg;

    (void)session;
    if (event == SMTP_EV_MAILSTATUS)
        *answered = true;
}

/* What became of a mail. libesmtp's own verdict is not to be had: a session that sent
 * nothing "succeeds", and with BDAT the status of a chunk can stand where that of the
 * message should. So: the first refusal counts; sent is what the MTA took as a whole
 * (only then is a recipient complete); all bytes gone and no answer is doubt. */
static void judge(struct mail *m)
{
    static const char *const commands[] = { "MAIL", "RCPT", "DATA" };
    const smtp_status_t *answers[3];

    m->outcome = JOB_BUSY;
    (void)snprintf(m->why, sizeof m->why, "not sent in this session");
    if (m->recipient == NULL)
        return;
    answers[0] = smtp_reverse_path_status(m->message);
    answers[1] = smtp_recipient_status(m->recipient);
    answers[2] = smtp_message_transfer_status(m->message);
    for (size_t i = 0; i < 3; i++)
        if (answers[i]->code >= 400) { /* the text may name people: only numbers */
            m->outcome = answers[i]->code >= 500 ? JOB_REFUSED : JOB_BUSY;
            (void)snprintf(m->why, sizeof m->why, "%s: %d %d.%d.%d", commands[i],
                           answers[i]->code, answers[i]->enh_class,
                           answers[i]->enh_subject, answers[i]->enh_detail);
            return;
        }
    if (smtp_recipient_check_complete(m->recipient) && answers[2]->code / 100 == 2) {
        m->outcome = JOB_SENT;
        (void)snprintf(m->why, sizeof m->why, "the MTA has it");
    } else if (m->handed) {
        m->outcome = JOB_DOUBT;
        (void)snprintf(m->why, sizeof m->why, "no answer after the final dot");
    }
}

static void session_add(smtp_session_t session, struct mail *m)
{
    m->message = smtp_add_message(session);
    if (m->message == NULL ||
        !smtp_set_reverse_path(m->message, m->from[0] == '\0' ? NULL : m->from) ||
        !smtp_set_messagecb(m->message, give_message, m))
        return; /* a message without recipient is left out by libesmtp */
    (void)smtp_size_set_estimate(m->message, m->raw.n);
    m->recipient = smtp_add_recipient(m->message, m->to);
}

static smtp_session_t session_new(bool *answered)
{
    static const int waits[] = { Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA,
                                 Timeout_TRANSFER, Timeout_DATA2 };
    smtp_session_t session = smtp_create_session();

    if (session == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
        (void)smtp_set_timeout(session, waits[i] | Timeout_OVERRIDE_RFC2822_MINIMUM,
                               ANSWER_WAIT_MS);
    (void)smtp_starttls_enable(session, Starttls_DISABLED);
    (void)smtp_set_eventcb(session, on_progress, answered);
    if (smtp_set_server(session, door.server) &&
        smtp_set_hostname(session, door.r->config->mail_helo))
        return session;
    (void)smtp_destroy_session(session);
    return NULL;
}

/* One session with the MTA; lost is "" or says why there was none. */
static void session_run(struct mail_list *batch, char *lost, size_t room)
{
    bool answered = false;
    smtp_session_t session = session_new(&answered);
    char own[sizeof door.lost];
    const char *text;
    struct mail *m;

    lost[0] = '\0';
    if (session == NULL) {
        (void)snprintf(lost, room, "out of memory");
    } else {
        STAILQ_FOREACH(m, batch, entry)
        session_add(session, m);
        (void)smtp_start_session(session);
        text = smtp_strerror(smtp_errno(), own, sizeof own); /* not always in own */
        if (!answered)
            (void)snprintf(lost, room, "no session: %s", text == NULL ? "" : text);
    }
    STAILQ_FOREACH(m, batch, entry)
    judge(m);
    if (session != NULL)
        (void)smtp_destroy_session(session);
}

static void batch_take(struct mail_list *batch)
{
    struct mail *m;

    STAILQ_INIT(batch);
    for (unsigned i = 0; i < SESSION_MAX; i++) {
        m = STAILQ_FIRST(&door.waiting);
        if (m == NULL)
            return;
        STAILQ_REMOVE_HEAD(&door.waiting, entry);
        STAILQ_INSERT_TAIL(batch, m, entry);
    }
}

static void *worker(void *arg)
{
    const uint64_t one = 1;
    struct mail_list batch;
    char lost[sizeof door.lost];

    (void)arg;
    for (;;) {
        (void)pthread_mutex_lock(&door.lock);
        while (STAILQ_EMPTY(&door.waiting))
            (void)pthread_cond_wait(&door.more, &door.lock);
        batch_take(&batch);
        (void)pthread_mutex_unlock(&door.lock);
        session_run(&batch, lost, sizeof lost);
        (void)pthread_mutex_lock(&door.lock);
        STAILQ_CONCAT(&door.done, &batch);
        memcpy(door.lost, lost, sizeof lost);
        (void)pthread_mutex_unlock(&door.lock);
        (void)!write(door.wake_fd, &one, sizeof one);
    }
    return NULL;
}

/* From here on: the loop's side. */

static void mail_free(struct mail *m)
{
    buf_wipe(&m->raw);
    free(m);
}

static void mails_done(struct mail_list *list)
{
    struct mail *m;

    while ((m = STAILQ_FIRST(list)) != NULL) {
        STAILQ_REMOVE_HEAD(list, entry);
        relay_job_done(door.r, m->job, m->outcome, m->why);
        door.count--;
        door.bytes -= m->raw.n;
        mail_free(m);
    }
}

/* What no session began with comes back to keeper. */
static void give_back(const char *why)
{
    struct mail_list list = STAILQ_HEAD_INITIALIZER(list);
    struct mail *m;

    (void)pthread_mutex_lock(&door.lock);
    STAILQ_CONCAT(&list, &door.waiting);
    (void)pthread_mutex_unlock(&door.lock);
    STAILQ_FOREACH(m, &list, entry)
    {
        m->outcome = JOB_BUSY;
        (void)snprintf(m->why, sizeof m->why, "%s", why);
    }
    mails_done(&list);
}

/* No MTA there: keeper is told to wait, and told to go on after the back-off (three to
 * five quarters of the nominal one). */
static void go_down(const char *why)
{
    const unsigned nominal = door.backoff_ms;
    struct timeval tv;
    uint16_t dice = 0;
    unsigned ms;

    if (!door.down && nominal == BACKOFF_LEAST_MS)
        LOG(L_WARN, "mta.lost", LOG_STR("server", door.server), LOG_STR("why", why),
            LOG_STR("hint", "is the MTA running, does it accept this client?"));
    (void)RAND_bytes((unsigned char *)&dice, sizeof dice);
    ms = nominal * 3 / 4 + dice % (nominal / 2);
    tv.tv_sec = (time_t)(ms / 1000);
    tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
    door.backoff_ms = nominal * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS : nominal * 2;
    (void)event_add(door.on_retry, &tv);
    if (!door.down)
        relay_link_state(door.r, LINK_MAIL, false, 0);
    door.down = true;
    give_back("no MTA");
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd, (void)what, (void)ctx;
    door.down = false;
    relay_link_state(door.r, LINK_MAIL, true, 0);
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct mail_list list = STAILQ_HEAD_INITIALIZER(list);
    char lost[sizeof door.lost];
    uint64_t sessions;

    (void)what, (void)ctx;
    if (read(fd, &sessions, sizeof sessions) != (ssize_t)sizeof sessions)
        return;
    (void)pthread_mutex_lock(&door.lock);
    STAILQ_CONCAT(&list, &door.done);
    memcpy(lost, door.lost, sizeof lost);
    (void)pthread_mutex_unlock(&door.lock);
    mails_done(&list);
    if (lost[0] != '\0') {
        go_down(lost);
        return;
    }
    if (door.backoff_ms != BACKOFF_LEAST_MS)
        LOG(L_INFO, "mta.back", LOG_STR("server", door.server));
    door.backoff_ms = BACKOFF_LEAST_MS;
}

/* May the address stand in MAIL FROM:<> or RCPT TO:<>, where libesmtp puts it as it is?
 * ASCII without controls; blanks and angle brackets only in a quoted local part. */
static bool address_is_clean(const char *address)
{
    bool quoted = false;

    for (const char *p = address; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~')
            return false;
        if (*p == '\\' && quoted && p[1] >= ' ')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && strchr(" <>", *p) != NULL)
            return false;
    }
    return !quoted && strchr(address, '@') != NULL;
}

static bool is_utf8(struct span text)
{
    struct cur c = cur_of(text);
    uint32_t ch;
    int rc;

    while ((rc = take_utf8(&c, &ch)) == 1)
        continue;
    return rc == 0;
}

struct parts { /* a job's tail, checked */
    char references[REFERENCES_ROOM];
    struct span text;
};

static int take_parts(const struct ipc_frame *f, struct parts *out, struct err *e)
{
    const struct ipc_job_mail *job = f->fixed;
    struct cur c = cur_of(f->tail);
    struct span references;
    uint16_t n;

    if (!cur_be16(&c, &n) || !cur_span(&c, n, &references) ||
        !span_copy(out->references, sizeof out->references, references))
        return err_set(e, ERR_PERM, "5.6.0", "mail: a tail of wrong layout");
    out->text = span_of(c.p, cur_left(&c));
    if (!is_utf8(out->text))
        return err_set(e, ERR_PERM, "5.6.0", "mail: text is not UTF-8");
    if (job->kind >= MAIL_KIND_COUNT)
        return err_set(e, ERR_PERM, "5.6.0", "mail: unknown kind");
    if (!msisdn_is_canonical(job->msisdn))
        return err_set(e, ERR_PERM, "5.6.0", "mail: no MSISDN");
    if (!address_is_clean(job->to) ||
        (job->kind == MAIL_REPLY && !address_is_clean(job->from)))
        return err_set(e, ERR_PERM, "5.1.3", "mail: an address that SMTP cannot carry");
    return 0;
}

static const struct {
    enum template_id words;
    const char *action, *status; /* of a report; NULL: no report */
} kinds[MAIL_KIND_COUNT] = {
    [MAIL_REPLY] = { TEMPLATE_MAIL_REPLY, NULL, NULL },
    [MAIL_EXPIRED] = { TEMPLATE_MAIL_EXPIRED, "failed", "5.4.7" },
    [MAIL_UNDELIVERABLE] = { TEMPLATE_MAIL_UNDELIVERABLE, "failed", "5.0.0" },
    [MAIL_WRONG_NUMBER] = { TEMPLATE_MAIL_WRONG_NUMBER, "failed", "5.1.1" },
};

static int render(const struct ipc_job_mail *job, struct span text, const char *number,
                  struct buf *out, struct err *e)
{
    const time_t arrived = (time_t)job->arrived_s;
    char date[32] = "";
    struct tm tm;

    if (gmtime_r(&arrived, &tm) != NULL)
        (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &tm);
    const struct template_value values[] = { { "text", text },
                                             { "number", span_str(number) },
                                             { "date", span_str(date) } };
    return template_render(door.r->templates, kinds[job->kind].words, job->language,
                           values, sizeof values / sizeof values[0], out, e);
}

static int compose(const struct ipc_job_mail *job, const char *number,
                   const struct parts *parts, struct span words, struct buf *out,
                   struct err *e)
{
    const struct config *config = door.r->config;
    char postmaster[321], recipient[321];
    struct compose_mail mail = { .from_name = number,
                                 .from = job->from,
                                 .to = job->to,
                                 .subject = job->subject,
                                 .mail_id = job->mail_id,
                                 .in_reply_to = job->in_reply_to,
                                 .references = parts->references,
                                 .loop_id = config->domain,
                                 .date_s = job->date_s,
                                 .text = words };
    struct compose_status status = { .reporting_mta = config->mail_helo,
                                     .final_recipient = recipient,
                                     .action = kinds[job->kind].action,
                                     .status = kinds[job->kind].status,
                                     .arrived_s = job->arrived_s };

    if (status.action == NULL)
        return compose_reply(&mail, out, e);
    (void)snprintf(recipient, sizeof recipient, "%s@%s", number, config->domain);
    (void)snprintf(postmaster, sizeof postmaster, "postmaster@%s", config->domain);
    mail.from_name = "Sealpost";
    mail.from = postmaster;
    return compose_report(&mail, &status, out, e);
}

/* A reply may be passed on to anybody, so its number is masked. A report goes to the
 * one who wrote the number, and has to say which one it was. */
static void number_text(const struct ipc_job_mail *job, char out[64])
{
    if (job->kind == MAIL_REPLY)
        msisdn_mask_shown(job->msisdn, out);
    else
        (void)snprintf(out, 64, "+%s", job->msisdn);
}

static int mail_make(struct mail *m, const struct ipc_frame *f, struct err *e)
{
    const struct ipc_job_mail *job = f->fixed;
    struct parts parts;
    char number[64];
    struct buf words;
    int rc;

    if (take_parts(f, &parts, e) != 0)
        return -1;
    number_text(job, number);
    buf_init(&words, MAIL_BYTES_MAX);
    rc = render(job, parts.text, number, &words, e);
    if (rc == 0)
        rc = compose(job, number, &parts, buf_span(&words), &m->raw, e);
    buf_wipe(&words);
    if (rc == 0 && !buf_ok(&m->raw))
        rc = err_set(e, ERR_PERM, "5.3.4", "mail: too long");
    memcpy(m->job, job->job, sizeof m->job);
    memcpy(m->to, job->to, sizeof m->to);
    if (job->kind == MAIL_REPLY) /* a report leaves as <>: nothing may answer it */
        memcpy(m->from, job->from, sizeof m->from);
    return rc;
}

static void mail_take_job(struct relay *r, const struct ipc_frame *f)
{
    const struct ipc_job_mail *job = f->fixed;
    struct mail *m = NULL;
    struct err e;

    if (door.down || door.draining || door.count >= MAILS_MAX ||
        door.bytes >= BYTES_MAX || (m = calloc(1, sizeof *m)) == NULL) {
        relay_job_done(r, job->job, JOB_BUSY, door.down ? "no MTA" : "enough to do");
        return;
    }
    buf_init(&m->raw, MAIL_BYTES_MAX);
    if (mail_make(m, f, &e) != 0) {
        LOG(L_WARN, "mail.failed", LOG_ID("job", job->job), LOG_WHY(&e));
        relay_job_done(r, job->job, e.class == ERR_PERM ? JOB_REFUSED : JOB_BUSY,
                       e.status);
        mail_free(m);
        return;
    }
    door.count++;
    door.bytes += m->raw.n;
    (void)pthread_mutex_lock(&door.lock);
    STAILQ_INSERT_TAIL(&door.waiting, m, entry);
    (void)pthread_cond_signal(&door.more);
    (void)pthread_mutex_unlock(&door.lock);
}

/* libesmtp splits "host:port" at the first colon and knows no UNIX sockets. */
static int server_text(const struct config_address *address, struct err *e)
{
    const struct sockaddr_in *sin = (const struct sockaddr_in *)&address->sa;
    char host[INET_ADDRSTRLEN];

    if (address->sa.ss_family != AF_INET ||
        inet_ntop(AF_INET, &sin->sin_addr, host, sizeof host) == NULL)
        return err_set(e, ERR_PERM, "5.3.5", "mail: server %s is not IPv4 address:port",
                       address->text);
    (void)snprintf(door.server, sizeof door.server, "%s:%u", host,
                   (unsigned)ntohs(sin->sin_port));
    return 0;
}

/* Signals are for the loop; libesmtp writes to sockets that may be closed. */
static int worker_start(struct err *e)
{
    sigset_t all, before;
    pthread_t thread;
    int rc;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, NULL, worker, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return err_set(e, ERR_TEMP, "4.3.0", "mail: no thread: %s", strerror(rc));
    (void)pthread_detach(thread);
    return 0;
}

static int mail_start(struct relay *r, struct err *e)
{
    door.r = r;
    if (server_text(&r->config->mail_server, e) != 0)
        return -1;
    door.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (door.wake_fd < 0)
        return err_set(e, ERR_TEMP, "4.3.0", "mail: eventfd: %s", strerror(errno));
    door.on_wake =
        event_new(r->base, door.wake_fd, EV_READ | EV_PERSIST, on_wake, NULL);
    door.on_retry = evtimer_new(r->base, on_retry, NULL);
    if (door.on_wake == NULL || door.on_retry == NULL ||
        event_add(door.on_wake, NULL) != 0)
        return err_set(e, ERR_TEMP, "4.3.0", "mail: out of memory");
    return worker_start(e);
}

static void mail_drain(struct relay *r)
{
    (void)r;
    door.draining = true;
    give_back("stopping");
}

static size_t mail_busy(struct relay *r)
{
    (void)r;
    return door.count;
}

const struct plugin plugin_mail = {
    .name = "mail",
    .where = IPC_COURIER,
    .start = mail_start,
    .drain = mail_drain,
    .busy = mail_busy,
    .job_type = IPC_JOB_MAIL,
    .take_job = mail_take_job,
};
