/* SPDX-License-Identifier: ISC */
/* sms.h - an MT as the core hands it on, and its bytes between processes and on disk.
 *
 * The attributes are Kannel's (gw/msg-decl.h, sendsms): -1 is "not set". The bytes have
 * a version, so that what waits in the outbox outlives an upgrade. */
#ifndef RELAY_SMS_H
#define RELAY_SMS_H

#include "relay/span.h"

#define SMS_UNSET (-1)
#define SMS_FROM_ROOM 32U
#define SMS_SMSC_ROOM 64U
#define SMS_SERVICE_ROOM 64U
#define SMS_OCTETS_MAX 40000U /* 255 parts, the most that bearerbox sends */
#define SMS_FIELD_MAX 4096U   /* of udh, meta_data, binfo, account */
#define SMS_PACKED_MAX (SMS_OCTETS_MAX + 4 * SMS_FIELD_MAX + 512U)

struct sms {
    char from[SMS_FROM_ROOM];       /* "": the link's sender */
    char smsc[SMS_SMSC_ROOM];       /* "": bearerbox chooses */
    char service[SMS_SERVICE_ROOM]; /* the account's username, for Kannel's logs; or ""
                                     */
    /* SMS_UNSET: text is UTF-8, and goes as GSM 7 where it fits, else as UCS-2.
     * 0: UTF-8 for GSM 7. 1: bytes. 2: UTF-16BE. */
    int32_t coding;
    int32_t mclass, mwi, compress, pid, alt_dcs, rpi, priority;
    uint64_t valid_until_s, deferred_until_s; /* 0: not set */
    struct span text;
    struct span udh, meta_data, binfo, account; /* n == 0: none */
};

/* sms_init - nothing set, no text. */
void sms_init(struct sms *m);
/* sms_pack - appends the bytes; what is too long leaves out failed. */
void sms_pack(const struct sms *m, struct buf *out);
/* sms_unpack - false: these are not such bytes, or a range of sendsms is broken. The
 * spans borrow from packed. */
bool sms_unpack(struct span packed, struct sms *m);

#endif
