/* SPDX-License-Identifier: ISC */
/* sockets.h - the listening sockets, bound by the parent before anything else runs. */
#ifndef RELAY_SOCKETS_H
#define RELAY_SOCKETS_H

#include "relay/config.h"

/* sockets_bind - one descriptor for each config->listens, in its order, close-on-exec,
 * non-blocking, TCP_NODELAY. A stale UNIX socket file is replaced, anything else of
 * that name is an error. NULL with *e; the caller owns the array (sockets_close). */
int *sockets_bind(const struct config *c, struct err *e);
/* sockets_close - closes, removes UNIX socket files, frees. */
void sockets_close(const struct config *c, int *fds);

#endif
