/* SPDX-License-Identifier: ISC */
/* process.h - what the parent hands to the processes that it starts. */
#ifndef RELAY_PROCESS_H
#define RELAY_PROCESS_H

#include "relay/ipc.h"

struct config;
struct templates;

struct process {
    enum ipc_role role;
    int parent_fd; /* SOCK_SEQPACKET: ready goes up, peers come down */
    const struct config *config;
    const struct templates *templates;
    const int *listen_fds;
};

/* Each runs its process to the end: returns the exit status, EX_OK after a drain that
 * the parent asked for by SIGTERM, or because the parent is gone. */
int front_main(const struct process *p);
int keeper_main(const struct process *p);
int courier_main(const struct process *p);

#endif
