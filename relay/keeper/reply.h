/* SPDX-License-Identifier: ISC */
/* reply.h - a reply that lies in the outbox, opened to be handed on. */
#ifndef RELAY_REPLY_H
#define RELAY_REPLY_H

#include "relay/keeper/keeper.h"

struct json_t;

struct reply {
    struct conversation_record c;
    const struct config_account *account; /* of c; NULL: not configured any more */
    struct span text, subject;            /* clear text; borrowed from json */
    struct span smsc, to;                 /* of a reply by SMS; n == 0: not known */
    bool unasked;        /* by SMS, of somebody to whom nothing had been sent */
    struct json_t *json; /* owned */
};

/* reply_open - IPC_OK: *r is the caller's (reply_clear). IPC_GONE: nobody can open it
 * any more (its key or conversation is gone); IPC_TEMP: not now. */
enum ipc_verdict reply_open(struct keeper *k, const struct outbox_record *o,
                            struct reply *r);
/* reply_clear - wipes. */
void reply_clear(struct reply *r);

#endif
