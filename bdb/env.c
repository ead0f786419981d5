/* SPDX-License-Identifier: ISC */
/* env.c - the Berkeley DB environment: directory, recovery, tables, checkpoints.
 * Here:       what is set once, what runs beside the writer, what libdb's codes mean.
 * Elsewhere:  transactions and records (store.c), what is in a value (seal.c).
 * Called by:  store.c.
 * Source:     Berkeley DB 5.3 C API.
 *
 * A file for each table, not one for all: a freed page goes back to the table that
 * freed it, so that runs of part chunks and of messages stay runs; a file can be
 * verified, compacted and lost for itself. The price, one fsync for each changed file
 * at a checkpoint, is paid by the checkpoint thread. */
#include "bdb/env.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 8192U /* 16 KiB doubles the log: it keeps images of split pages */
#define LOG_BUFFER_BYTES (4U << 20) /* more than a batch: the flush is one write */
/* Recovery, that is every open, writes zeros from the end of the log to the end of its
 * last file. Larger files make that longer (128 MiB: 0.4 s) and need as much free space
 * when a full disk is recovered; they were no faster in between. */
#define LOG_FILE_BYTES (16U << 20)
#define CACHE_BYTES (64ULL << 20)
/* A transaction holds a lock for each leaf page that it met: 30,000 new messages are
 * some 6,000; overflow pages (chunks of parts) need none. Only the hash table costs
 * memory while idle. */
#define LOCKS 65536U
#define LOCK_TABLE 8191U
#define LOCKERS 1000U
#define TICK_S 1
#define CHECKPOINT_TICKS 5U
#define CHECKPOINT_LOG_KB                                       \
    256U /* less than this since the last: not worth the fsyncs \
          */
#define CLEAN_PERCENT 20

/* What libdb said, by thread: the writer's why is never the checkpoint thread's. */
static _Thread_local char said[STORE_WHY_MAX - 40];

static void on_error(const DB_ENV *db, const char *prefix, const char *text)
{
    (void)db;
    (void)prefix;
    if (said[0] == '\0') /* the first is the cause, "run recovery" only follows */
        (void)snprintf(said, sizeof said, "%s", text);
}

static void on_message(const DB_ENV *db, const char *text)
{
    (void)db;
    (void)text;
}

const char *env_table_name(enum store_table table)
{
    static const char *const names[] = {
#define X(id, name) name,
        STORE_TABLES(X)
#undef X
    };
    return names[table];
}

enum store_status env_status(int rc)
{
    switch (rc) {
    case 0:
        return STORE_OK;
    case DB_NOTFOUND:
        return STORE_ABSENT;
    case DB_KEYEXIST:
        return STORE_EXISTS;
    case DB_PAGE_NOTFOUND:
        return STORE_CORRUPT;
    case EINVAL:
        return STORE_INVALID;
    case DB_LOCK_DEADLOCK: /* one writer cannot meet it; were it to, the transaction
                              failed and may be tried again, which is STORE_FULL */
    case DB_LOCK_NOTGRANTED:
        return STORE_FULL;
    default: /* the system refused (ENOSPC, EIO, ENOMEM ...), or DB_RUNRECOVERY and
                its like */
        return rc > 0 ? STORE_FULL : STORE_DEAD;
    }
}

enum store_status env_why(char why[STORE_WHY_MAX], const char *what, int rc)
{
    (void)snprintf(why, STORE_WHY_MAX, "%.36s: %s", what,
                   said[0] != '\0' ? said : db_strerror(rc));
    said[0] = '\0';
    return env_status(rc);
}

/* The directory and the lock on it. */
static enum store_status take_directory(struct env *e, const char *dir,
                                        char why[STORE_WHY_MAX])
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return env_why(why, dir, errno);
    e->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->dir_fd < 0)
        return env_why(why, dir, errno);
    e->lock_fd = openat(e->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (e->lock_fd < 0)
        return env_why(why, "lock", errno);
    if (flock(e->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return STORE_OK;
    if (errno != EWOULDBLOCK)
        return env_why(why, "lock", errno);
    (void)snprintf(why, STORE_WHY_MAX, "%s: another process holds this store", dir);
    return STORE_INVALID;
}

static void close_databases(struct env *e)
{
    for (size_t i = 0; i < STORE_TABLE_COUNT; i++) {
        if (e->tables[i] != NULL)
            (void)e->tables[i]->close(e->tables[i], 0);
        e->tables[i] = NULL;
    }
    if (e->db != NULL)
        (void)e->db->close(e->db, 0);
    e->db = NULL;
}

/* All that must be said before DB_ENV->open. */
static int configure(DB_ENV *db, uint64_t cache_bytes)
{
    const uint64_t cache = cache_bytes != 0 ? cache_bytes : CACHE_BYTES;
    int rc;

    db->set_errcall(db, on_error);
    db->set_msgcall(db, on_message);
    if ((rc = db->set_cachesize(db, (uint32_t)(cache >> 30),
                                (uint32_t)(cache & ((1U << 30) - 1U)), 1)) != 0 ||
        (rc = db->set_tmp_dir(db, ".")) != 0 ||
        (rc = db->set_lg_bsize(db, LOG_BUFFER_BYTES)) != 0 ||
        (rc = db->set_lg_max(db, LOG_FILE_BYTES)) != 0 ||
        (rc = db->set_lg_filemode(db, 0600)) != 0 ||
        (rc = db->log_set_config(db, DB_LOG_AUTO_REMOVE, 1)) != 0 ||
        (rc = db->set_lk_max_locks(db, LOCKS)) != 0 ||
        (rc = db->set_lk_max_objects(db, LOCKS)) != 0 ||
        (rc = db->set_lk_tablesize(db, LOCK_TABLE)) != 0)
        return rc;
    return db->set_lk_max_lockers(db, LOCKERS);
}

static int open_table(struct env *e, enum store_table table)
{
    char file[32];
    DB *db = NULL;
    int rc = db_create(&db, e->db, 0);

    if (rc != 0)
        return rc;
    e->tables[table] = db;
    (void)snprintf(file, sizeof file, "%s.db", env_table_name(table));
    if ((rc = db->set_pagesize(db, PAGE_BYTES)) != 0 ||
        (rc = db->set_flags(db, DB_CHKSUM)) != 0)
        return rc;
    return db->open(db, NULL, file, NULL, DB_BTREE,
                    DB_CREATE | DB_THREAD | DB_AUTO_COMMIT, 0600);
}

static enum store_status open_databases(struct env *e,
                                        const struct store_options *options,
                                        char why[STORE_WHY_MAX])
{
    enum store_status status;
    int rc = db_env_create(&e->db, 0);

    if (rc != 0)
        return env_why(why, "environment", rc);
    rc = configure(e->db, options->cache_bytes);
    if (rc == 0)
        rc = e->db->open(e->db, options->dir,
                         DB_CREATE | DB_PRIVATE | DB_THREAD | DB_RECOVER | DB_INIT_TXN |
                             DB_INIT_LOG | DB_INIT_LOCK | DB_INIT_MPOOL,
                         0600);
    if (rc != 0) {
        status = env_why(why, "recovery", rc);
        close_databases(e);
        return status;
    }
    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        rc = open_table(e, (enum store_table)i);
        if (rc != 0) {
            status = env_why(why, env_table_name((enum store_table)i), rc);
            close_databases(e);
            return status;
        }
    }
    (void)fsync(e->dir_fd); /* the names of new files */
    return STORE_OK;
}

static void release_directory(struct env *e)
{
    if (e->lock_fd >= 0)
        (void)close(e->lock_fd);
    if (e->dir_fd >= 0)
        (void)close(e->dir_fd);
}

enum store_status env_open(struct env *e, const struct store_options *options,
                           char why[STORE_WHY_MAX])
{
    enum store_status status;

    *e = (struct env){ .dir_fd = -1, .lock_fd = -1 };
    said[0] = '\0';
    status = take_directory(e, options->dir, why);
    if (status == STORE_OK) {
        status = open_databases(e, options, why);
        /* recovery on a full disk panics as well: libdb then says DB_RUNRECOVERY */
        if ((status == STORE_FULL || status == STORE_DEAD) &&
            unlinkat(e->dir_fd, "reserve", 0) == 0)
            status = open_databases(e, options, why);
    }
    if (status != STORE_OK)
        release_directory(e);
    return status;
}

/* DIR/reserve again at its size, when as much is left for the store's own work. Its
 * absence is no failure: store_space tells the caller what there is. */
static void fill_reserve(const struct env *e, uint64_t bytes)
{
    struct statvfs fs;
    struct stat file;
    int fd;

    if (fstatat(e->dir_fd, "reserve", &file, 0) == 0 && (uint64_t)file.st_size == bytes)
        return;
    (void)unlinkat(e->dir_fd, "reserve", 0);
    if (bytes == 0 || fstatvfs(e->dir_fd, &fs) != 0 ||
        fs.f_bavail * fs.f_frsize / 2 < bytes)
        return;
    fd = openat(e->dir_fd, "reserve", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (posix_fallocate(fd, 0, (off_t)bytes) != 0)
        (void)unlinkat(e->dir_fd, "reserve", 0);
    (void)close(fd);
}

/* Waits a tick; false when the store is being closed. */
static bool next_tick(struct env *e)
{
    struct timespec until;
    bool stop;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_S;
    (void)pthread_mutex_lock(&e->mutex);
    while (!e->stop && pthread_cond_timedwait(&e->wake, &e->mutex, &until) == 0)
        continue;
    stop = e->stop;
    (void)pthread_mutex_unlock(&e->mutex);
    return !stop;
}

/* Takes no lock that a transaction holds: only pages and the log. A failure here is
 * tried again at the next turn; one that is final the writer meets by itself. */
static void *checkpoint_thread(void *arg)
{
    struct env *e = arg;
    unsigned tick = 0;
    int written;

    while (next_tick(e)) {
        (void)e->db->memp_trickle(e->db, CLEAN_PERCENT, &written);
        if (++tick % CHECKPOINT_TICKS == 0)
            (void)e->db->txn_checkpoint(e->db, CHECKPOINT_LOG_KB, 0, 0);
        said[0] = '\0';
    }
    return NULL;
}

enum store_status env_run(struct env *e, uint64_t reserve_bytes,
                          char why[STORE_WHY_MAX])
{
    pthread_condattr_t clock;
    sigset_t all, before;
    int rc;

    fill_reserve(e, reserve_bytes);
    (void)pthread_mutex_init(&e->mutex, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&e->wake, &clock);
    (void)pthread_condattr_destroy(&clock);
    (void)sigfillset(&all); /* signals are for the thread that opened the store */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&e->thread, NULL, checkpoint_thread, e);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    e->running = rc == 0;
    return rc == 0 ? STORE_OK : env_why(why, "checkpoint thread", rc);
}

void env_close(struct env *e)
{
    if (e->running) {
        (void)pthread_mutex_lock(&e->mutex);
        e->stop = true;
        (void)pthread_cond_signal(&e->wake);
        (void)pthread_mutex_unlock(&e->mutex);
        (void)pthread_join(e->thread, NULL);
        (void)pthread_cond_destroy(&e->wake);
        (void)pthread_mutex_destroy(&e->mutex);
    }
    (void)e->db->txn_checkpoint(e->db, 0, 0, 0);
    close_databases(e);
    release_directory(e);
    said[0] = '\0';
}
