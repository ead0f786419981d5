/* SPDX-License-Identifier: ISC */
/* inbound.h - an SMS from a person, understood. */
#ifndef RELAY_INBOUND_H
#define RELAY_INBOUND_H

#include "relay/keeper/keeper.h"
#include "relay/keeper/keyword.h"

struct mo {
    const struct ipc_mo *in;
    struct span text; /* UTF-8 without NUL and blanks around it */
    char msisdn[MSISDN_ROOM];
    uint8_t handset[16];
    struct handset_record h; /* empty but for the number when it is not known */
    bool known;
    bool meant; /* it answers a conversation: these two are filled */
    uint8_t conversation[16];
    struct conversation_record c;
};

/* inbound_dropped - says so in the log, at no level that calls for anybody. IPC_OK. */
enum ipc_verdict inbound_dropped(const struct mo *mo, const char *why);

/* inbound_word - does what a keyword asks for: IPC_OK. all: for every account; else for
 * the account of the conversation that is meant. mo->h is put. */
enum ipc_verdict inbound_word(struct keeper *k, struct mo *mo, enum keyword word,
                              bool all);

#endif
