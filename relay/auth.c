/* SPDX-License-Identifier: ISC */
/* auth.c - who an application is: passwords and tokens of the accounts.
 * Here:       what was found right, the worker threads and their queue.
 * Elsewhere:  the stored forms (auth_form.c), how a request brings a password
 *             (plugin/sendsms.c), the accounts (config.c).
 * Called by:  front.c makes it; doors ask through relay->auth.
 * Source:     RFC 7914, RFC 2104.
 *
 * A password is first compared with the last right one of its account: both as HMAC
 * under a key of this start, so that nothing here is worth stealing. Else it becomes a
 * job on `waiting`; a worker takes it, runs scrypt, puts it on `done` and wakes the
 * loop through an eventfd. Only these two lists and `stopping` are shared, under the
 * lock; a job belongs to whoever took it off a list. Who asks about a password that is
 * being checked already joins that job: at a start, fifty connections cost one scrypt.
 *
 * {plain} needs no job: its HMAC is known from the start. */
#include "relay/auth.h"
#include "relay/auth_form.h"
#include "relay/config.h"
#include <errno.h>
#include <event2/event.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS 2U       /* each holds 32 MiB for 50 to 200 ms, with the usual form */
#define WAITING_MAX 64U  /* jobs that no thread has taken yet */
#define ASKS_MAX 1024U   /* unanswered, on all jobs */
#define SECRET_MAX 1024U /* bytes of a password or token that anybody may send */
#define NICE 10          /* guessing must not slow down who is known already */
#define MAC_BYTES 32U

struct known { /* an account that has a password or a token */
    const struct config_account *account;
    struct auth_form password;
    bool has_token, has_right;
    uint8_t right[MAC_BYTES];       /* of the last right password */
    uint8_t token[AUTH_HASH_BYTES]; /* SHA-256 */
};

struct job {
    STAILQ_ENTRY(job) entry;
    struct known *known; /* the loop's; NULL: an unknown name */
    const struct auth_form *form;
    uint8_t mac[MAC_BYTES]; /* of name and password */
    enum auth_verdict verdict;
    unsigned asks; /* the loop's: how many wait for it */
    bool over;     /* the loop's: it is being answered, nobody joins */
    size_t password_bytes;
    char password[SECRET_MAX];
};
STAILQ_HEAD(job_list, job);

struct ask {
    TAILQ_ENTRY(ask) entry;
    struct job *job;
    auth_answer *answer;
    void *ctx;
    uint64_t call;
};

struct auth {
    const struct config *config;
    struct known *known;     /* one for each account, in their order */
    struct auth_form nobody; /* what an unknown name is checked against */
    bool has_nobody;
    EVP_MAC_CTX *mac;
    EVP_MD *sha256;

    TAILQ_HEAD(, ask) asks;
    unsigned ask_count;
    uint64_t last_call;
    struct event *on_wake;
    int wake_fd; /* worker to loop */

    pthread_t threads[THREADS];
    unsigned thread_count;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job_list waiting, done; /* under the lock */
    unsigned waiting_count;        /* under the lock */
    bool stopping;                 /* under the lock */
};

static void job_free(struct job *j)
{
    OPENSSL_cleanse(j, sizeof *j);
    free(j);
}

/* The workers' side. */

static struct job *job_take(struct auth *a)
{
    struct job *j = NULL;

    (void)pthread_mutex_lock(&a->lock);
    while (STAILQ_EMPTY(&a->waiting) && !a->stopping)
        (void)pthread_cond_wait(&a->more, &a->lock);
    if (!a->stopping) {
        j = STAILQ_FIRST(&a->waiting);
        STAILQ_REMOVE_HEAD(&a->waiting, entry);
        a->waiting_count--;
    }
    (void)pthread_mutex_unlock(&a->lock);
    return j;
}

static void *worker(void *arg)
{
    static const enum auth_verdict verdicts[] = { AUTH_BUSY, AUTH_NO, AUTH_OK };
    const uint64_t one = 1;
    struct auth *const a = arg;
    struct job *j;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread */
    while ((j = job_take(a)) != NULL) {
        const struct span password = span_of(j->password, j->password_bytes);

        j->verdict = verdicts[auth_form_check(j->form, password) + 1];
        OPENSSL_cleanse(j->password, sizeof j->password);
        (void)pthread_mutex_lock(&a->lock);
        STAILQ_INSERT_TAIL(&a->done, j, entry);
        (void)pthread_mutex_unlock(&a->lock);
        (void)!write(a->wake_fd, &one, sizeof one);
    }
    return NULL;
}

/* From here on: the loop's side. */

/* Signals are for the loop. */
static void threads_start(struct auth *a)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (a->thread_count < THREADS &&
           pthread_create(&a->threads[a->thread_count], NULL, worker, a) == 0)
        a->thread_count++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Over the name, a NUL and the password. */
static bool mac_of(struct auth *a, struct span name, struct span password,
                   uint8_t out[MAC_BYTES])
{
    size_t n;

    return EVP_MAC_init(a->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(a->mac, (const uint8_t *)name.p, name.n) == 1 &&
           EVP_MAC_update(a->mac, (const uint8_t *)"", 1) == 1 &&
           EVP_MAC_update(a->mac, (const uint8_t *)password.p, password.n) == 1 &&
           EVP_MAC_final(a->mac, out, &n, MAC_BYTES) == 1 && n == MAC_BYTES;
}

static struct job *job_to_join(struct auth *a, const struct known *k,
                               const uint8_t mac[MAC_BYTES])
{
    struct ask *q;

    TAILQ_FOREACH(q, &a->asks, entry)
    if (q->job->known == k && !q->job->over &&
        CRYPTO_memcmp(q->job->mac, mac, MAC_BYTES) == 0)
        return q->job;
    return NULL;
}

/* false: the queue is full, or there is no memory or thread. */
static bool job_queue(struct auth *a, struct job *j)
{
    bool queued = false;

    if (a->thread_count < THREADS)
        threads_start(a);
    if (a->thread_count == 0)
        return false;
    (void)pthread_mutex_lock(&a->lock);
    if (a->waiting_count < WAITING_MAX) {
        STAILQ_INSERT_TAIL(&a->waiting, j, entry);
        a->waiting_count++;
        queued = true;
        (void)pthread_cond_signal(&a->more);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return queued;
}

static struct job *job_new(struct auth *a, struct known *k, struct span password,
                           const uint8_t mac[MAC_BYTES])
{
    struct job *const j = calloc(1, sizeof *j);

    if (j == NULL)
        return NULL;
    j->known = k;
    j->form = k == NULL ? &a->nobody : &k->password;
    memcpy(j->mac, mac, MAC_BYTES);
    if (password.n > 0)
        memcpy(j->password, password.p, password.n);
    j->password_bytes = password.n;
    if (job_queue(a, j))
        return j;
    job_free(j);
    return NULL;
}

static enum auth_verdict ask_later(struct auth *a, struct known *k,
                                   struct span password, const uint8_t mac[MAC_BYTES],
                                   const struct ask *asked, uint64_t *call)
{
    struct ask *const q = a->ask_count < ASKS_MAX ? malloc(sizeof *q) : NULL;

    if (q == NULL)
        return AUTH_BUSY;
    *q = *asked;
    q->job = job_to_join(a, k, mac);
    if (q->job == NULL)
        q->job = job_new(a, k, password, mac);
    if (q->job == NULL) {
        free(q);
        return AUTH_BUSY;
    }
    q->call = *call = ++a->last_call;
    q->job->asks++;
    TAILQ_INSERT_TAIL(&a->asks, q, entry);
    a->ask_count++;
    return AUTH_LATER;
}

/* NULL: no account with a password has this name. */
static struct known *known_of(const struct auth *a, struct span username)
{
    const struct config_account *const account =
        config_account_by_username(a->config, username);

    return account == NULL ? NULL : &a->known[account - a->config->accounts];
}

enum auth_verdict auth_password(struct auth *a, struct span username,
                                struct span password,
                                const struct config_account **account,
                                auth_answer *answer, void *ctx, uint64_t *call)
{
    struct known *const k = known_of(a, username);
    const struct ask asked = { .answer = answer, .ctx = ctx };
    uint8_t mac[MAC_BYTES];

    *account = NULL;
    *call = 0;
    if (password.n > SECRET_MAX)
        return AUTH_NO;
    if (!mac_of(a, username, password, mac))
        return AUTH_BUSY;
    if (k != NULL && k->has_right && CRYPTO_memcmp(k->right, mac, MAC_BYTES) == 0) {
        *account = k->account;
        return AUTH_OK;
    }
    if (k == NULL ? !a->has_nobody : k->password.scheme == AUTH_PLAIN)
        return AUTH_NO;
    return ask_later(a, k, password, mac, &asked, call);
}

static void ask_remove(struct auth *a, struct ask *q)
{
    TAILQ_REMOVE(&a->asks, q, entry);
    a->ask_count--;
    q->job->asks--;
}

/* Nobody waits for it any more: if no worker has it, none shall. */
static void job_forget(struct auth *a, struct job *gone)
{
    struct job *j;

    (void)pthread_mutex_lock(&a->lock);
    STAILQ_FOREACH(j, &a->waiting, entry)
    if (j == gone)
        break;
    if (j != NULL) {
        STAILQ_REMOVE(&a->waiting, j, job, entry);
        a->waiting_count--;
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (j != NULL)
        job_free(j);
}

void auth_cancel(struct auth *a, uint64_t call)
{
    struct ask *q;

    TAILQ_FOREACH(q, &a->asks, entry)
    if (q->call == call)
        break;
    if (q == NULL)
        return;
    ask_remove(a, q);
    if (q->job->asks == 0)
        job_forget(a, q->job);
    free(q);
}

/* An answer may ask or cancel: the list is walked from its start each time. */
static void job_answer(struct auth *a, struct job *j)
{
    const enum auth_verdict verdict =
        j->known == NULL && j->verdict == AUTH_OK ? AUTH_NO : j->verdict;
    const struct config_account *const account =
        verdict == AUTH_OK ? j->known->account : NULL;

    if (verdict == AUTH_OK) {
        memcpy(j->known->right, j->mac, MAC_BYTES);
        j->known->has_right = true;
    }
    j->over = true;
    while (j->asks > 0) {
        struct ask *q = TAILQ_FIRST(&a->asks);

        while (q->job != j)
            q = TAILQ_NEXT(q, entry);
        ask_remove(a, q);
        q->answer(q->ctx, verdict, account);
        free(q);
    }
    job_free(j);
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    struct auth *const a = ctx;
    struct job_list list = STAILQ_HEAD_INITIALIZER(list);
    struct job *j;
    uint64_t jobs;

    (void)what;
    (void)!read(fd, &jobs, sizeof jobs);
    (void)pthread_mutex_lock(&a->lock);
    STAILQ_CONCAT(&list, &a->done);
    (void)pthread_mutex_unlock(&a->lock);
    while ((j = STAILQ_FIRST(&list)) != NULL) {
        STAILQ_REMOVE_HEAD(&list, entry);
        job_answer(a, j);
    }
}

const struct config_account *auth_token(const struct auth *a, struct span token)
{
    const struct config_account *found = NULL;
    uint8_t hash[AUTH_HASH_BYTES];

    if (token.n == 0 || token.n > SECRET_MAX ||
        EVP_Digest(token.p, token.n, hash, NULL, a->sha256, NULL) != 1)
        return NULL;
    for (size_t i = 0; i < a->config->account_count; i++) /* all of them, always */
        if (a->known[i].has_token &&
            CRYPTO_memcmp(a->known[i].token, hash, sizeof hash) == 0)
            found = a->known[i].account;
    return found;
}

/* From here on: start and end. */

static int know_token(struct auth *a, struct known *k, struct err *e)
{
    struct auth_form f;
    int rc = auth_form_parse(k->account->token, &f, e);

    if (rc == 0 && f.scheme == AUTH_SCRYPT)
        rc = err_set(e, ERR_PERM, "5.3.5", "a token is not kept with scrypt");
    if (rc == 0 && f.scheme == AUTH_PLAIN &&
        EVP_Digest(f.plain.p, f.plain.n, f.hash, NULL, a->sha256, NULL) != 1)
        rc = err_set(e, ERR_TEMP, "4.3.0", "no SHA-256");
    memcpy(k->token, f.hash, sizeof k->token);
    k->has_token = rc == 0;
    OPENSSL_cleanse(&f, sizeof f);
    return rc;
}

static int know_password(struct auth *a, struct known *k, struct err *e)
{
    if (auth_form_parse(k->account->password, &k->password, e) != 0)
        return -1;
    if (k->password.scheme == AUTH_SHA256)
        return err_set(e, ERR_PERM, "5.3.5", "a password is not kept with sha256");
    if (k->password.scheme == AUTH_PLAIN) {
        k->has_right =
            mac_of(a, span_str(k->account->username), k->password.plain, k->right);
        return k->has_right ? 0 : err_set(e, ERR_TEMP, "4.3.0", "no HMAC");
    }
    if (!a->has_nobody) /* as costly as the first: all are made alike */
        a->nobody = k->password;
    a->has_nobody = true;
    return 0;
}

static int know_all(struct auth *a, struct err *e)
{
    for (size_t i = 0; i < a->config->account_count; i++) {
        struct known *const k = &a->known[i];

        k->account = &a->config->accounts[i];
        if ((k->account->password != NULL && know_password(a, k, e) != 0) ||
            (k->account->token != NULL && know_token(a, k, e) != 0))
            return err_wrap(e, "account %s", k->account->name);
    }
    if (RAND_bytes(a->nobody.salt, sizeof a->nobody.salt) != 1 ||
        RAND_bytes(a->nobody.hash, sizeof a->nobody.hash) != 1)
        return err_set(e, ERR_TEMP, "4.3.0", "no random bytes");
    return 0;
}

static int open_crypto(struct auth *a, struct err *e)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
                                      OSSL_MAC_PARAM_DIGEST, digest, 0),
                                  OSSL_PARAM_construct_end() };
    EVP_MAC *const hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    uint8_t key[MAC_BYTES];
    bool ok;

    a->mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    a->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    ok = a->mac != NULL && a->sha256 != NULL && RAND_bytes(key, sizeof key) == 1 &&
         EVP_MAC_init(a->mac, key, sizeof key, params) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return ok ? 0 : err_set(e, ERR_TEMP, "4.3.0", "no HMAC with SHA-256");
}

static int open_wake(struct auth *a, struct event_base *base, struct err *e)
{
    a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (a->wake_fd < 0)
        return err_set(e, ERR_TEMP, "4.3.0", "eventfd: %s", strerror(errno));
    a->on_wake = event_new(base, a->wake_fd, EV_READ | EV_PERSIST, on_wake, a);
    if (a->on_wake == NULL || event_add(a->on_wake, NULL) != 0)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    return 0;
}

struct auth *auth_new(struct event_base *base, const struct config *config,
                      struct err *e)
{
    struct auth *const a = calloc(1, sizeof *a);

    if (a == NULL ||
        (a->known = calloc(config->account_count + 1, sizeof *a->known)) == NULL) {
        free(a);
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
        return NULL;
    }
    a->config = config;
    a->wake_fd = -1;
    TAILQ_INIT(&a->asks);
    STAILQ_INIT(&a->waiting);
    STAILQ_INIT(&a->done);
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->more, NULL);
    if (open_crypto(a, e) == 0 && know_all(a, e) == 0 && open_wake(a, base, e) == 0)
        return a;
    auth_free(a);
    return NULL;
}

static void jobs_free(struct job_list *list)
{
    struct job *j;

    while ((j = STAILQ_FIRST(list)) != NULL) {
        STAILQ_REMOVE_HEAD(list, entry);
        job_free(j);
    }
}

void auth_free(struct auth *a)
{
    struct ask *q;

    if (a == NULL)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->stopping = true;
    (void)pthread_cond_broadcast(&a->more);
    (void)pthread_mutex_unlock(&a->lock);
    for (unsigned i = 0; i < a->thread_count; i++)
        (void)pthread_join(a->threads[i], NULL);
    while ((q = TAILQ_FIRST(&a->asks)) != NULL) {
        TAILQ_REMOVE(&a->asks, q, entry);
        free(q);
    }
    jobs_free(&a->waiting);
    jobs_free(&a->done);
    if (a->on_wake != NULL)
        event_free(a->on_wake);
    if (a->wake_fd >= 0)
        (void)close(a->wake_fd);
    EVP_MAC_CTX_free(a->mac);
    EVP_MD_free(a->sha256);
    (void)pthread_mutex_destroy(&a->lock);
    (void)pthread_cond_destroy(&a->more);
    OPENSSL_cleanse(a->known, (a->config->account_count + 1) * sizeof *a->known);
    free(a->known);
    OPENSSL_cleanse(a, sizeof *a);
    free(a);
}
