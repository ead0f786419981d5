/* SPDX-License-Identifier: ISC */
/* sockets.c - binding what the doors listen on.
 * Here:       bind, listen, modes.
 * Elsewhere:  addresses (config_parse.c), who accepts (the doors, in front).
 * Called by:  sealpostd.c, once. */
#include "relay/sockets.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

static const char *unix_path(const struct config_address *a)
{
    return ((const struct sockaddr_un *)&a->sa)->sun_path;
}

static int prepare_unix(const struct config_listen *l, struct err *e)
{
    struct stat st;

    if (lstat(unix_path(&l->address), &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_PERM, "5.3.5", "%s exists and is no socket",
                       l->address.text);
    return unlink(unix_path(&l->address)) == 0
               ? 0
               : err_set(e, ERR_PERM, "5.3.5", "%s: %s", l->address.text,
                         strerror(errno));
}

static int bind_one(const struct config_listen *l, struct err *e)
{
    const bool is_unix = l->address.sa.ss_family == AF_UNIX;
    const int on = 1;
    int fd;

    if (is_unix && prepare_unix(l, e) != 0)
        return -1;
    fd = socket(l->address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(e, ERR_TEMP, "4.3.0", "socket: %s", strerror(errno));
    if (!is_unix) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (bind(fd, (const struct sockaddr *)&l->address.sa, l->address.sa_len) != 0 ||
        (is_unix && chmod(unix_path(&l->address), (mode_t)l->mode) != 0) ||
        listen(fd, BACKLOG) != 0) {
        (void)err_set(e, ERR_PERM, "5.3.5", "listen on %s: %s", l->address.text,
                      strerror(errno));
        (void)close(fd);
        return -1;
    }
    return fd;
}

int *sockets_bind(const struct config *c, struct err *e)
{
    int *fds = calloc(c->listen_count, sizeof *fds);

    if (fds == NULL) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < c->listen_count; i++) {
        fds[i] = bind_one(&c->listens[i], e);
        if (fds[i] < 0) {
            while (i-- > 0)
                (void)close(fds[i]);
            free(fds);
            return NULL;
        }
    }
    return fds;
}

void sockets_close(const struct config *c, int *fds)
{
    for (size_t i = 0; i < c->listen_count; i++) {
        (void)close(fds[i]);
        if (c->listens[i].address.sa.ss_family == AF_UNIX)
            (void)unlink(unix_path(&c->listens[i].address));
    }
    free(fds);
}
