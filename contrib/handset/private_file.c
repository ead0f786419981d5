/* SPDX-License-Identifier: ISC */
/* private_file.c - files whose mode matters as much as their content.
 * Here:       writing by rename, reading with a look at mode and owner.
 * Elsewhere:  what stands in them (keyring.c).
 * Called by:  keyring.c. */
#include "contrib/handset/private_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *path, struct err *e)
{
    return err_set(e, ERR_PERM, "5.3.5", "%s: %s", path, strerror(errno));
}

static int join(char path[PATH_MAX], const char *dir, const char *name,
                const char *tail, struct err *e)
{
    const int n = snprintf(path, PATH_MAX, "%s%s%s%s", dir == NULL ? "" : dir,
                           dir == NULL ? "" : "/", name, tail);

    return n > 0 && n < PATH_MAX
               ? 0
               : err_set(e, ERR_PERM, "5.3.5", "the path is too long");
}

int private_dir(const char *dir, struct err *e)
{
    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || access(dir, W_OK | X_OK) != 0)
        return failed(dir, e);
    return 0;
}

static bool write_all(int fd, struct span text)
{
    while (text.n > 0) {
        const ssize_t n = write(fd, text.p, text.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text = span_of(text.p + n, text.n - (size_t)n);
    }
    return fsync(fd) == 0;
}

/* sync_dir - so that the new name is there after a power cut as well. */
static void sync_dir(const char *dir)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

int private_write(const char *dir, const char *name, struct span text, struct err *e)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    int fd, rc = 0;

    if (join(path, dir, name, "", e) != 0 || join(fresh, dir, name, ".new", e) != 0)
        return -1;
    (void)unlink(fresh); /* of a run that was cut off, with whatever mode it has */
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(fresh, e);
    if (fchmod(fd, 0600) != 0 || !write_all(fd, text) || rename(fresh, path) != 0) {
        rc = failed(path, e);
        (void)unlink(fresh);
    }
    (void)close(fd);
    sync_dir(dir);
    return rc;
}

bool private_there(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct err e;

    return join(path, dir, name, "", &e) == 0 && access(path, F_OK) == 0;
}

static int is_private(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed(path, e);
    if (S_ISFIFO(st.st_mode))
        return 0;
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_PERM, "5.3.5", "%s: not a file", path);
    if ((st.st_mode & 077) != 0)
        return err_set(e, ERR_PERM, "5.3.5", "%s: others may read it; chmod 600 it",
                       path);
    if (st.st_uid != geteuid())
        return err_set(e, ERR_PERM, "5.3.5", "%s: it belongs to another user", path);
    return 0;
}

static int read_all(int fd, const char *path, struct buf *out, struct err *e)
{
    const size_t room = out->max - out->n;
    char *to = buf_room(out, room);
    size_t have = 0;
    ssize_t n = 1;

    while (to != NULL && n != 0 && have < room) {
        n = read(fd, to + have, room - have);
        if (n < 0 && errno != EINTR)
            return failed(path, e);
        have += n > 0 ? (size_t)n : 0;
    }
    if (to == NULL || n != 0)
        return err_set(e, ERR_PERM, "5.3.4", "%s: too long", path);
    out->n -= room - have;
    return 0;
}

int private_read(const char *dir, const char *name, struct buf *out, struct err *e)
{
    char path[PATH_MAX];
    int fd, rc;

    if (join(path, dir, name, "", e) != 0)
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(path, e);
    rc = is_private(fd, path, e);
    if (rc == 0)
        rc = read_all(fd, path, out, e);
    (void)close(fd);
    return rc;
}
