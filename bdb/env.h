/* SPDX-License-Identifier: ISC */
/* env.h - the Berkeley DB environment under the store.
 *
 * One directory, held by one process; every table a btree in a file of its own. The
 * environment is private (no region files: pages in clear would be mapped to disk) and
 * recovers whenever it is opened.
 *
 * Only bdb/ includes this. Source: Berkeley DB 5.3 C API; DESIGN of the store. */
#ifndef BDB_ENV_H
#define BDB_ENV_H

#include <db.h>
#include <pthread.h>
#include "bdb/store.h"

struct env {
    DB_ENV *db;
    DB *tables[STORE_TABLE_COUNT];
    int dir_fd, lock_fd;
    bool running; /* the checkpoint thread */
    bool stop;    /* under mutex, as is the condition */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

/* env_open - takes the directory, recovers, opens the tables. When that has no space it
 * is tried once more without DIR/reserve. On failure nothing is left open. */
enum store_status env_open(struct env *e, const struct store_options *options,
                           char why[STORE_WHY_MAX]);
/* env_run - the reserve file, then the checkpoint thread. */
enum store_status env_run(struct env *e, uint64_t reserve_bytes,
                          char why[STORE_WHY_MAX]);
/* env_close - stops the thread, checkpoints, closes, lets the directory go. */
void env_close(struct env *e);

const char *env_table_name(enum store_table table);
/* env_status - what a return value of libdb means to a caller of the store. */
enum store_status env_status(int rc);
/* env_why - "what: " and the first thing that libdb said since the last env_why of this
 * thread, or its word for rc. Returns env_status(rc). */
enum store_status env_why(char why[STORE_WHY_MAX], const char *what, int rc);

#endif
