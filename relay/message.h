/* SPDX-License-Identifier: ISC */
/* message.h - words that front and keeper share about messages and devices. */
#ifndef RELAY_MESSAGE_H
#define RELAY_MESSAGE_H

#include "relay/jwe.h"
#include "relay/span.h"

enum message_form {
    FORM_INTERMEDIATE = 1, /* sealed to an epoch key (seed 306, 414) */
    FORM_FINAL = 2         /* sealed to device keys (seed 328-330, 406) */
};

/* message_record.flags, ipc_offer.flags */
#define MESSAGE_AUTOMATIC                                          \
    1U /* null sender or Auto-Submitted: never report, never reply \
          by ourselves (RFC 3834) */
#define MESSAGE_UNDELIVERABLE 2U

/* What an application wants to be told of a message or a plain SMS: the bits are those
 * of Kannel's dlr-mask. All borrowed. */
#define REPORT_DELIVERED 1U
#define REPORT_FAILED 2U
#define REPORT_BUFFERED 4U
#define REPORT_AT_SMSC 8U
#define REPORT_REJECTED 16U
#define REPORT_ASK_MAX (4U << 10)
struct report_ask {
    uint32_t mask;
    struct span url; /* with Kannel's escapes; n == 0: nothing is asked */
    struct span from, smsc, account_param;
};
/* report_ask_pack - appends; nothing when nothing is asked. */
void report_ask_pack(const struct report_ask *r, struct buf *out);
/* report_ask_unpack - false: these are not such bytes. Of no bytes: nothing is asked.
 */
bool report_ask_unpack(struct span packed, struct report_ask *r);

enum device_type { /* how long its storage lasts, DESIGN 5.3 "fresh devices" */
                   DEVICE_BROWSER = 1,
                   DEVICE_INSTALLED = 2,
                   DEVICE_PROGRAM = 3,
                   DEVICE_SHARED = 4 /* somebody else's: it goes when it falls silent */
};

/* 80 bits, 16 letters of base32: names a handset, opens nothing */
#define NOTICE_TOKEN_BYTES 10U
#define REPLY_TEXT_MAX (64U << 10)

/* message_name_devices - "devices-" and a hash over the keys: what a final form's
 * protected header says it was sealed to. n is 1 to JWE_RECIPIENTS_MAX. */
void message_name_devices(const struct jwe_key *keys, size_t n, char out[JWE_TO_MAX]);

#endif
