/* SPDX-License-Identifier: ISC */
/* command.h - what the commands share. Each returns its exit status (sysexits.h) and
 * has said on standard error what went wrong. */
#ifndef HANDSET_COMMAND_H
#define HANDSET_COMMAND_H

#include "contrib/handset/api.h"
#include "contrib/handset/keyring.h"
#include "relay/jwe.h"

#define PATH_ROOM 128 /* of the API: the longest is a part of a message */

struct options {
    const char *url, *dir, *otp, *label, *type, *passphrase_file;
    const char *number, *sms_command; /* with from_handset; NULL: none */
    const char *answer;               /* to an appointment; NULL: none */
    enum keyring_kind kind;
    bool verbose, from_handset;
};

struct handset {
    struct options o;
    struct keyring ring;
    struct jwe_key key;    /* the encryption key, with its thumbprint */
    struct buf passphrase; /* of the key file; empty: none */
    struct api api;
    char **args; /* of the command */
};

/* post - a call with the body j, which is released. */
void post(struct handset *h, const char *path, json_t *j, struct api_reply *r);

/* register.c */
int cmd_register(struct handset *h);
/* messages.c */
int cmd_list(struct handset *h);
int cmd_read(struct handset *h);
int cmd_part(struct handset *h);
int cmd_reply(struct handset *h);
int cmd_remove(struct handset *h);
int cmd_devices(struct handset *h);
int cmd_revoke(struct handset *h);
int cmd_label(struct handset *h);

/* command.c */
/* complain - one line, fit for a terminal whatever is in it; returns status. */
int complain(int status, const char *why);
/* refused - complains of the reply, clears it; returns the status that fits it, never
 * EX_OK. */
int refused(struct api_reply *r);
/* take_json - the reply's body, which is cleared; NULL when it is not JSON. */
json_t *take_json(struct api_reply *r);

#endif
