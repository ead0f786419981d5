/* SPDX-License-Identifier: ISC */
/* sealpostd.c - the parent: reads the configuration, binds the sockets, starts front,
 * keeper and courier, connects them, starts again what died.
 * Here:       options, signals, children, which channel goes to whom.
 * Elsewhere:  what each process does (front.c, keeper.c, courier.c).
 * It takes no byte from outside but its children's packets, which ipc.c checks. */
#include "relay/app_files.h"
#include "relay/auth.h"
#include "relay/calendar.h"
#include "relay/config.h"
#include "relay/log.h"
#include "relay/process.h"
#include "relay/sockets.h"
#include "relay/template.h"
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FRONTS_MAX 16
#define CHILDREN_MAX (FRONTS_MAX + 2)
#define BACKOFF_FIRST_MS 100U
#define BACKOFF_LAST_MS 10000U
#define LIVED_WELL_MS 10000U /* a child that lived so long starts again at once */
#define SECRET_MAX 1024U     /* bytes of a password */
#define KILL_GRACE_MS 5000U  /* beyond drain: then SIGKILL */

struct child {
    enum ipc_role role;
    pid_t pid; /* 0: not running */
    int fd;    /* our end of its packet socket */
    bool ready;
    uint64_t started_ms, restart_ms, backoff_ms;
};

struct parent {
    struct config *config;
    struct templates *templates;
    int *listen_fds;
    sigset_t old_signals;
    int signal_fd;
    struct child children[CHILDREN_MAX];
    size_t child_count;
    bool said_ready, stopping;
    uint64_t kill_ms;
    int status;
};

static uint64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int (*const mains[])(const struct process *) = {
    [IPC_FRONT] = front_main, [IPC_KEEPER] = keeper_main, [IPC_COURIER] = courier_main
};

/* In the child: nothing of the parent's stays open but its own packet socket. */
static _Noreturn void run_child(struct parent *p, enum ipc_role role, int fd)
{
    const struct process process = { role, fd, p->config, p->templates, p->listen_fds };

    for (size_t i = 0; i < p->child_count; i++)
        if (p->children[i].fd >= 0)
            (void)close(p->children[i].fd);
    (void)close(p->signal_fd);
    if (role != IPC_FRONT)
        for (size_t i = 0; i < p->config->listen_count; i++)
            (void)close(p->listen_fds[i]);
    (void)signal(SIGINT,
                 SIG_IGN); /* a terminal's ^C is for the parent, who drains us */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &p->old_signals, NULL);
    (void)prctl(PR_SET_DUMPABLE, 0);
    log_start(ipc_role_name(role), p->config->log_debug ? L_DEBUG : L_INFO,
              p->config->log_syslog);
    exit(mains[role](&process));
}

static void start_child(struct parent *p, struct child *c)
{
    int pair[2];

    c->started_ms = now_ms();
    c->ready = false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        goto failed;
    (void)fflush(NULL);
    c->pid = fork();
    if (c->pid == 0) {
        (void)close(pair[0]);
        run_child(p, c->role, pair[1]);
    }
    (void)close(pair[1]);
    if (c->pid < 0) {
        (void)close(pair[0]);
        goto failed;
    }
    c->fd = pair[0];
    LOG(L_INFO, "process.started", LOG_STR("child", ipc_role_name(c->role)),
        LOG_U64("pid", c->pid));
    return;
failed:
    c->pid = 0;
    c->restart_ms = now_ms() + BACKOFF_LAST_MS;
    LOG(L_ERROR, "process.not-started", LOG_STR("child", ipc_role_name(c->role)),
        LOG_STR("why", strerror(errno)));
}

/* Gives the two ends of a fresh channel to a door process and the keeper. */
static void connect_pair(struct child *door, struct child *keeper)
{
    const struct ipc_peer to_door = { IPC_KEEPER },
                          to_keeper = { (uint32_t)door->role };
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return;
    if (ipc_packet_send(keeper->fd, IPC_KEEPER_PEER, &to_keeper, pair[1]) != 0 ||
        ipc_packet_send(door->fd, door->role == IPC_FRONT ? IPC_PEER : IPC_COURIER_PEER,
                        &to_door, pair[0]) != 0)
        LOG(L_ERROR, "peer.not-connected", LOG_STR("why", strerror(errno)));
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static struct child *keeper_of(struct parent *p)
{
    return &p->children[0];
}

static void say_ready(struct parent *p)
{
    for (size_t i = 0; i < p->child_count; i++)
        if (!p->children[i].ready)
            return;
    if (!p->said_ready)
        LOG(L_INFO, "ready", LOG_U64("doors", p->config->listen_count));
    p->said_ready = true;
}

static void child_ready(struct parent *p, struct child *c)
{
    struct child *keeper = keeper_of(p);

    c->ready = true;
    if (c != keeper && keeper->ready)
        connect_pair(c, keeper);
    for (size_t i = 1; c == keeper && i < p->child_count; i++)
        if (p->children[i].ready)
            connect_pair(&p->children[i], keeper);
    say_ready(p);
}

static void child_packet(struct parent *p, struct child *c)
{
    struct ipc_ready ready;
    enum ipc_type type;
    int fd, rc;

    rc = ipc_packet_take(c->fd, c->role, IPC_PARENT, &type, &ready, sizeof ready, &fd);
    if (fd >= 0)
        (void)close(fd);
    if (rc == 1 && c->ready) { /* once is enough: another would get a second channel */
        rc = -1;
        errno = EPROTO;
    }
    if (rc == 1) {
        child_ready(p, c);
        return;
    }
    if (rc < 0 && errno != EPROTO)
        return;
    if (rc < 0) { /* a bug or a break-in: stop it, the restart is clean */
        LOG(L_ERROR, "process.cut-off", LOG_STR("child", ipc_role_name(c->role)),
            LOG_STR("why", "it broke the rules of its channel"));
        (void)kill(c->pid, SIGKILL);
    }
    (void)close(c->fd); /* its end is gone; SIGCHLD follows */
    c->fd = -1;
}

static void child_ended(struct parent *p, struct child *c, int status)
{
    const uint64_t now = now_ms();
    const bool lived_well = now - c->started_ms >= LIVED_WELL_MS;

    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    c->pid = 0;
    c->ready = false;
    c->backoff_ms =
        lived_well || c->backoff_ms == 0 ? BACKOFF_FIRST_MS : c->backoff_ms * 2;
    if (c->backoff_ms > BACKOFF_LAST_MS)
        c->backoff_ms = BACKOFF_LAST_MS;
    c->restart_ms = now + c->backoff_ms;
    LOG(p->stopping ? L_INFO : L_WARN, "process.ended",
        LOG_STR("child", ipc_role_name(c->role)),
        LOG_STR("how", WIFSIGNALED(status) ? "signal" : "exit"),
        LOG_I64("code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)),
        LOG_U64("restart_ms", p->stopping ? 0 : c->backoff_ms));
    /* A process that cannot even start says why itself; without any success so far the
     * operator wants the exit, not an endless loop. */
    if (!p->said_ready && !p->stopping && WIFEXITED(status) &&
        WEXITSTATUS(status) != 0) {
        p->status = WEXITSTATUS(status);
        p->stopping = true;
        p->kill_ms = now;
    }
}

static void reap(struct parent *p)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < p->child_count; i++)
            if (p->children[i].pid == pid)
                child_ended(p, &p->children[i], status);
}

/* What stands in the file can be read by whoever can read the file. */
static void warn_of_plain(const struct config *c)
{
    for (size_t i = 0; i < c->account_count; i++) {
        const struct config_account *const a = &c->accounts[i];
        const struct {
            const char *key, *stored, *hint;
        } secrets[] = {
            { "password", a->password, "store what sealpostd --hash-password prints" },
            { "token", a->token, "store {sha256} and its SHA-256 in hex" },
        };

        for (size_t k = 0; k < sizeof secrets / sizeof secrets[0]; k++)
            if (secrets[k].stored != NULL &&
                strncmp(secrets[k].stored, "{plain}", strlen("{plain}")) == 0)
                LOG(L_WARN, "account.plain-password", LOG_STR("account", a->name),
                    LOG_STR("key", secrets[k].key), LOG_STR("do", secrets[k].hint));
    }
}

static void stop_all(struct parent *p)
{
    if (p->stopping)
        return;
    LOG(L_INFO, "stopping", LOG_U64("drain_s", p->config->drain_s));
    p->stopping = true;
    p->kill_ms = now_ms() + p->config->drain_s * 1000 + KILL_GRACE_MS;
    for (size_t i = 1; i < p->child_count; i++) /* the keeper goes last: they need it */
        if (p->children[i].pid > 0)
            (void)kill(p->children[i].pid, SIGTERM);
}

static bool same_listens(const struct config *a, const struct config *b)
{
    if (a->listen_count != b->listen_count || a->fronts != b->fronts)
        return false;
    for (size_t i = 0; i < a->listen_count; i++)
        if (a->listens[i].protocol != b->listens[i].protocol ||
            strcmp(a->listens[i].address.text, b->listens[i].address.text) != 0)
            return false;
    return strcmp(a->store, b->store) == 0 && strcmp(a->keys, b->keys) == 0;
}

/* Every text that people read: the page is looked at as well, and left to the fronts.
 */
static struct templates *load_texts(const struct config *c, struct err *e)
{
    struct app_files page;
    char dir[1024];

    for (size_t i = 0; i < c->listen_count; i++) {
        if (c->listens[i].protocol != LISTEN_HANDSET)
            continue;
        (void)snprintf(dir, sizeof dir, "%s/handset", c->templates);
        if (app_files_load(&page, dir, e) != 0)
            return NULL;
        app_files_clear(&page);
        break;
    }
    return templates_load(c->templates, e);
}

/* SIGHUP: the new configuration replaces the old one only when it is whole; the
 * processes drain and start again with it, while the sockets stay open in the parent.
 */
static void reload(struct parent *p)
{
    struct err e;
    struct config *config = config_load(p->config->path, &e);
    struct templates *templates = config == NULL ? NULL : load_texts(config, &e);

    if (templates != NULL && !same_listens(p->config, config)) {
        (void)err_set(&e, ERR_PERM, "5.3.5",
                      "listen, fronts, store and keys change with a restart only");
        templates_free(templates);
        templates = NULL;
    }
    if (templates == NULL) {
        LOG(L_WARN, "config.kept", LOG_STR("why", e.text));
        config_free(config);
        return;
    }
    config_free(p->config);
    templates_free(p->templates);
    p->config = config;
    p->templates = templates;
    log_start("parent", config->log_debug ? L_DEBUG : L_INFO, config->log_syslog);
    LOG(L_INFO, "config.reloaded", LOG_STR("file", config->path));
    warn_of_plain(config);
    for (size_t i = 0; i < p->child_count; i++) {
        if (p->children[i].pid > 0)
            (void)kill(p->children[i].pid, SIGTERM);
        p->children[i].backoff_ms = 0;
    }
}

static void take_signals(struct parent *p)
{
    struct signalfd_siginfo info;

    while (read(p->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(p);
        else if (info.ssi_signo == SIGHUP && !p->stopping)
            reload(p);
        else if (info.ssi_signo != SIGHUP)
            stop_all(p);
    }
}

static size_t running(const struct parent *p, size_t from)
{
    size_t n = 0;

    for (size_t i = from; i < p->child_count; i++)
        n += p->children[i].pid > 0;
    return n;
}

/* What time has brought: restarts, the keeper's turn to stop, the end of patience.
 * Returns how long poll may sleep. */
static int take_time(struct parent *p)
{
    const uint64_t now = now_ms();
    int sleep_ms = 1000;

    if (p->stopping) {
        if (running(p, 1) == 0 && keeper_of(p)->pid > 0)
            (void)kill(keeper_of(p)->pid, SIGTERM);
        for (size_t i = 0; now >= p->kill_ms && i < p->child_count; i++)
            if (p->children[i].pid > 0)
                (void)kill(p->children[i].pid, SIGKILL);
        return 50;
    }
    for (size_t i = 0; i < p->child_count; i++) {
        struct child *c = &p->children[i];

        if (c->pid == 0 && now >= c->restart_ms)
            start_child(p, c);
        else if (c->pid == 0 && (int)(c->restart_ms - now) < sleep_ms)
            sleep_ms = (int)(c->restart_ms - now);
    }
    return sleep_ms;
}

static void loop(struct parent *p)
{
    struct pollfd fds[CHILDREN_MAX + 1];

    while (!p->stopping || running(p, 0) > 0) {
        const int sleep_ms = take_time(p);

        fds[0] = (struct pollfd){ .fd = p->signal_fd, .events = POLLIN };
        for (size_t i = 0; i < p->child_count; i++)
            fds[i + 1] = (struct pollfd){ .fd = p->children[i].fd, .events = POLLIN };
        if (poll(fds, (nfds_t)(p->child_count + 1), sleep_ms) <= 0)
            continue;
        for (size_t i = 0; i < p->child_count; i++)
            if (fds[i + 1].revents != 0 && p->children[i].fd == fds[i + 1].fd)
                child_packet(p, &p->children[i]);
        if (fds[0].revents != 0)
            take_signals(p);
    }
}

static int open_signals(struct parent *p)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, &p->old_signals) != 0)
        return -1;
    p->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return p->signal_fd < 0 ? -1 : 0;
}

static void add_child(struct parent *p, enum ipc_role role)
{
    p->children[p->child_count++] = (struct child){ .role = role, .fd = -1 };
}

static int run(struct parent *p)
{
    const struct rlimit no_core = { 0, 0 };
    struct err e;

    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_DUMPABLE, 0);
    p->listen_fds = sockets_bind(p->config, &e);
    if (p->listen_fds == NULL) {
        (void)fprintf(stderr, "sealpostd: %s\n", e.text);
        return EX_UNAVAILABLE;
    }
    if (open_signals(p) != 0)
        return EX_OSERR;
    warn_of_plain(p->config);
    calendar_start(); /* here, so that every front shares the zones' memory */
    add_child(p, IPC_KEEPER);
    add_child(p, IPC_COURIER);
    for (unsigned i = 0; i < p->config->fronts && i < FRONTS_MAX; i++)
        add_child(p, IPC_FRONT);
    loop(p);
    sockets_close(p->config, p->listen_fds);
    LOG(L_INFO, "stopped", LOG_I64("status", p->status));
    return p->status;
}

#define CTRL_C '\003'

/* A line of standard input, on a terminal without an echo. ^C ends the line there and
 * not the program, which would leave the terminal mute. */
static bool read_secret(struct buf *line)
{
    struct termios before, quiet;
    const bool ask = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    char ch = '\0';

    if (ask) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
        quiet.c_cc[VEOL] = CTRL_C;
        (void)fputs("Password: ", stderr);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    while (read(STDIN_FILENO, &ch, 1) == 1 && ch != '\n' && ch != CTRL_C)
        buf_put_u8(line, (uint8_t)ch);
    if (ask) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
    }
    return buf_ok(line) && line->n > 0 && ch != CTRL_C;
}

/* --hash-password: what sealpost.conf keeps of a password. */
static int hash_password(void)
{
    struct buf line, stored;
    struct err e;
    int status = EX_OK;

    buf_init(&line, SECRET_MAX);
    buf_init(&stored, 256);
    if (!read_secret(&line)) {
        (void)fprintf(stderr, "sealpostd: a password has 1 to %u bytes\n", SECRET_MAX);
        status = EX_DATAERR;
    } else if (auth_hash_password(buf_span(&line), &stored, &e) != 0) {
        (void)fprintf(stderr, "sealpostd: %s\n", e.text);
        status = EX_OSERR;
    } else if (printf("%s\n", buf_cstr(&stored)) < 0 || fflush(stdout) != 0) {
        status = EX_IOERR;
    }
    buf_wipe(&line);
    buf_clear(&stored);
    return status;
}

static const char usage[] =
    "usage: sealpostd [-ft] [-c FILE]\n"
    "       sealpostd -P\n"
    "  -c FILE  configuration (/etc/sealpost/sealpost.conf)\n"
    "  -f       stay in the foreground\n"
    "  -P, --hash-password\n"
    "           read a password from standard input, print what\n"
    "           sealpost.conf keeps of it, then exit\n"
    "  -t       check configuration and templates, then exit\n"
    "See sealpostd(8) and sealpost.conf(5).\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "hash-password", no_argument, NULL, 'P' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    static struct parent p;
    const char *file = "/etc/sealpost/sealpost.conf";
    bool foreground = false, test = false;
    struct err e;
    int opt;

    while ((opt = getopt_long(argc, argv, "c:fPth", options, NULL)) != -1)
        switch (opt) {
        case 'c':
            file = optarg;
            break;
        case 'f':
            foreground = true;
            break;
        case 'P':
            return hash_password();
        case 't':
            test = true;
            break;
        default:
            (void)fputs(usage, opt == 'h' ? stdout : stderr);
            return opt == 'h' ? EX_OK : EX_USAGE;
        }
    p.config = config_load(file, &e);
    if (p.config != NULL)
        p.templates = load_texts(p.config, &e);
    if (p.templates == NULL) {
        (void)fprintf(stderr, "sealpostd: %s\n", e.text);
        return EX_CONFIG;
    }
    if (test) {
        (void)printf("sealpostd: %s is good\n", file);
        return EX_OK;
    }
    if (!foreground && daemon(1, 0) != 0)
        return EX_OSERR;
    log_start("parent", p.config->log_debug ? L_DEBUG : L_INFO, p.config->log_syslog);
    return run(&p);
}
