/* SPDX-License-Identifier: ISC */
/* register_sms.c - proving a number by an SMS that is sent from it.
 * Here:       the password, having the SMS sent, asking until it has come.
 * Elsewhere:  the registration around it (register.c), HTTPS (api.c).
 * Called by:  register.c.
 * Source:     DESIGN 5.3, fig. 4 and 6; templates/handset/openapi.yaml.
 *
 * The server is told of the password before anybody sees it, so that whoever looks at
 * the screen, or at the SMS on its way, comes too late to give it for himself. */
#include "contrib/handset/register_sms.h"
#include "contrib/handset/json.h"
#include "contrib/handset/show.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define POLL_FIRST_MS 1000L
#define POLL_LAST_MS 3000L

extern char **environ;

bool sms_password(char out[SMS_PASSWORD_LETTERS + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[SMS_PASSWORD_LETTERS];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    for (size_t i = 0; i < SMS_PASSWORD_LETTERS; i++)
        out[i] = letters[bytes[i] % 32];
    out[SMS_PASSWORD_LETTERS] = '\0';
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}

static bool is_number(const char *text)
{
    const size_t plus = text[0] == '+' ? 1 : 0, n = strlen(text);

    return n > plus && plus + strspn(text + plus, "0123456789") == n;
}

static bool is_plain(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

bool sms_fill(const json_t *started, struct sms_out *sms)
{
    const char *const to = json_text(started, "sms_to");
    const char *const text = json_text(started, "sms_text");
    const char *const hole = strstr(text, "{otp}");

    if (hole == NULL || !is_plain(text) || !is_number(to) ||
        strlen(text) + SMS_PASSWORD_LETTERS >= sizeof sms->text ||
        !span_copy(sms->to, sizeof sms->to, span_str(to)))
        return false;
    (void)snprintf(sms->text, sizeof sms->text, "%.*s%s%s", (int)(hole - text), text,
                   sms->password, hole + strlen("{otp}"));
    return true;
}

/* -- having it sent */

static void print_sms(const struct sms_out *sms)
{
    (void)fputs("Send this SMS to ", stderr);
    show_text(stderr, span_str(sms->to), false);
    (void)fputs(" from your telephone:\n\n    ", stderr);
    show_text(stderr, span_str(sms->text), false);
    (void)fputs("\n\n", stderr);
}

static int spawn_shell(const char *command, pid_t *pid)
{
    char shell[] = "sh", option[] = "-c";
    char *const argv[] = { shell, option, (char *)(uintptr_t)command, NULL };
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc != 0)
        return rc;
    /* what it prints is no answer of ours */
    rc = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn(pid, "/bin/sh", &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Number and text go through the environment: the server chose them, and a shell must
 * never read them as its own words. */
static int run_command(const char *command, const struct sms_out *sms)
{
    int wstatus = -1;
    pid_t pid;
    bool ok;

    ok = setenv("SMS_TO", sms->to, 1) == 0 && setenv("SMS_TEXT", sms->text, 1) == 0 &&
         spawn_shell(command, &pid) == 0;
    while (ok && waitpid(pid, &wstatus, 0) == -1)
        ok = errno == EINTR; /* whoever started us may ignore SIGCHLD: no child then */
    (void)unsetenv("SMS_TO");
    (void)unsetenv("SMS_TEXT");
    return ok && WIFEXITED(wstatus) && WEXITSTATUS(wstatus) == 0
               ? EX_OK
               : complain(EX_OSERR, "--sms-command: the SMS could not be sent");
}

static int send_sms(const struct handset *h, const struct sms_out *sms)
{
    if (h->o.sms_command != NULL)
        return run_command(h->o.sms_command, sms);
    print_sms(sms);
    return EX_OK;
}

/* -- asking */

static void ask(struct handset *h, const char *id, const struct target *t,
                const struct sms_out *sms, struct api_reply *r)
{
    char path[PATH_ROOM];

    (void)snprintf(path, sizeof path, "/api/v1/registrations/%s/otp", id);
    post(h, path, json_pack("{s:s,s:s}", "otp", sms->password, "number", t->number), r);
}

static void wait_ms(long ms)
{
    const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

/* The server's clock ends the registration; ours says how long a server that does not
 * answer is asked. */
static bool goes_on(const struct api_reply *r, const json_t *started)
{
    const json_int_t expires = json_integer_value(json_object_get(started, "expires"));

    if (r->status == 202)
        return true;
    return (r->status == 0 || r->status == 429 || r->status == 503) &&
           (json_int_t)time(NULL) < expires;
}

static int ask_until_there(struct handset *h, const char *id, const struct target *t,
                           const json_t *started, const struct sms_out *sms)
{
    struct api_reply r;

    for (long ms = POLL_FIRST_MS;; ms = ms < POLL_LAST_MS ? ms + 500 : ms) {
        wait_ms(ms);
        ask(h, id, t, sms, &r);
        if (!goes_on(&r, started))
            break;
        api_reply_clear(&r);
    }
    if (r.status != 200)
        return refused(&r);
    api_reply_clear(&r);
    return EX_OK;
}

int prove_by_sms(struct handset *h, const char *id, const struct target *t,
                 const json_t *started)
{
    struct sms_out sms;
    struct api_reply r;
    int status;

    if (!sms_password(sms.password))
        return complain(EX_SOFTWARE, "no random numbers");
    if (!sms_fill(started, &sms))
        return complain(EX_PROTOCOL, "the server's answer is odd");
    ask(h, id, t, &sms, &r);
    if (r.status != 202) {
        status = refused(&r);
    } else {
        api_reply_clear(&r);
        status = send_sms(h, &sms);
        if (status == EX_OK)
            status = ask_until_there(h, id, t, started, &sms);
    }
    OPENSSL_cleanse(&sms, sizeof sms);
    return status;
}
