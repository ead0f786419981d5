/* SPDX-License-Identifier: ISC */
/* register_sms.h - proving a number by an SMS that is sent from it. */
#ifndef HANDSET_REGISTER_SMS_H
#define HANDSET_REGISTER_SMS_H

#include "contrib/handset/command.h"
#include "contrib/handset/target.h"

#define SMS_PASSWORD_LETTERS 10U /* of a-z2-7: 50 bits */

struct sms_out {
    char password[SMS_PASSWORD_LETTERS + 1];
    char to[24], text[160];
};

/* sms_password - a fresh one; false: no random numbers are to be had. */
bool sms_password(char out[SMS_PASSWORD_LETTERS + 1]);
/* sms_fill - to and text from the start's answer, with the password in its place. The
 * number must be one, the text a short line of ASCII with {otp} in it: nothing else is
 * taken from a server. */
bool sms_fill(const json_t *started, struct sms_out *sms);

/* prove_by_sms - makes a password, has it sent, and asks until the server has the SMS.
 * id: the registration; started: the answer to its start. Returns the exit status. */
int prove_by_sms(struct handset *h, const char *id, const struct target *t,
                 const json_t *started);

#endif
