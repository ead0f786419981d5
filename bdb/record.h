/* SPDX-License-Identifier: ISC */
/* record.h - what the tables' values hold, and the codec between struct and bytes.
 *
 * A record on disk is a version byte and its fields in the order of the struct,
 * integers big-endian, strings and blobs with a length before them. Unpacking checks
 * every size against the struct's room and refuses what is left over. Times are seconds
 * since 1970. A blob (struct record_blob) is borrowed when packing and owned (heap)
 * after unpacking: record_clear frees and wipes the whole struct.
 *
 * The codec is one routine over a table of fields for each record; adding a record is
 * adding a table. */
#ifndef BDB_RECORD_H
#define BDB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_ID 16U     /* ids and blinded names */
#define RECORD_MSISDN 16U /* 15 digits and a NUL */
#define RECORD_DEVICES 8U
#define RECORD_ACCOUNT 64U
#define RECORD_ADDRESS 321U /* a mail address: 64 @ 255 and a NUL */
#define RECORD_MAIL_ID 256U /* a Message-ID with its brackets */
#define RECORD_REFERENCES 2048U
#define RECORD_LABEL 64U
#define RECORD_LANGUAGE 16U
#define RECORD_KEY 600U   /* SubjectPublicKeyInfo DER: P-256 91, RSA-4096 550 bytes */
#define RECORD_NUMBER 32U /* an SMSC number or name that an SMS is from, and a NUL */
#define RECORD_SMSC 64U
#define RECORD_URL 2048U
#define RECORD_ENDPOINT 1025U
#define RECORD_BLOB_MAX (64U << 20)

struct record_blob {
    uint8_t *p;
    size_t n;
};

struct message_record {
    uint8_t handset[RECORD_ID];
    uint8_t conversation[RECORD_ID];
    uint8_t form;  /* relay's enum message_form */
    uint8_t flags; /* relay's MESSAGE_ bits */
    uint16_t parts;
    uint32_t epoch; /* yyyymmdd of the key that the intermediate form is sealed to */
    uint64_t created_s, expires_s, notified_s, fetched_s, read_s; /* 0: not yet */
    uint64_t bytes; /* of the message as it came in */
    char account[RECORD_ACCOUNT];
    char mail_id[RECORD_MAIL_ID]; /* the sender's Message-ID, for reports */
    struct record_blob sealed;    /* a JWE in the binary form of relay/jwe.h */
};

struct handset_record {
    char msisdn[RECORD_MSISDN];
    char language[RECORD_LANGUAGE];
    uint8_t opted_out;
    uint8_t device_count;
    uint8_t devices[RECORD_DEVICES][RECORD_ID];
    uint8_t newest_conversation[RECORD_ID];
    uint32_t otp_failures;         /* in a row, over all registrations */
    uint64_t locked_until_s;       /* no OTP before then */
    uint64_t notice_due_s;         /* a notice stands in the outbox for then; 0: none */
    uint8_t notice_job[RECORD_ID]; /* ... that one, when it was not tried yet */
    uint8_t pushed; /* the newest message is told by push first: its SMS may wait */
    uint64_t notice_last_s; /* the last notice that went out */
    uint64_t proven_s;      /* the number was last proven */
};

struct device_record {
    uint8_t handset[RECORD_ID];
    uint8_t type; /* relay's enum device_type */
    uint64_t created_s, seen_s;
    uint8_t signing_point[65]; /* P-256, uncompressed: checks the proofs */
    uint8_t kid[32];           /* RFC 7638 thumbprint of the encryption key */
    char label[RECORD_LABEL];
    uint64_t held_until_s; /* no message is sealed to it before: 0: now; UINT64_MAX:
                              until the SMS that tells of it has gone */
    struct record_blob encryption_key; /* SubjectPublicKeyInfo DER, <= RECORD_KEY */
};

/* Where a device gets its pushes (RFC 8030, RFC 8291). */
struct push_record {
    uint8_t p256dh[65], auth[16];
    uint8_t state;     /* of its push in the outbox: keeper/push.c */
    uint64_t handed_s; /* of the last one that the service took: when it left */
    char endpoint[RECORD_ENDPOINT];
};

struct registration_record {
    uint8_t handset[RECORD_ID];
    char msisdn[RECORD_MSISDN];
    uint8_t state;        /* relay's enum registration_state */
    uint8_t from_handset; /* its password comes from the handset (fig. 4) */
    uint8_t tries_left;
    uint64_t created_s, expires_s;
    uint8_t otp_mac[32];
    uint8_t device[RECORD_ID]; /* that came of it; zero: none yet */
};

/* A password that a handset sends, by two ways, of which either may be first. */
struct handset_otp_record {
    uint8_t by_sms, by_call;         /* which of them has come */
    uint8_t over;                    /* used or refused: it is not taken again */
    uint8_t handset[RECORD_ID];      /* that the SMS came from, or the call named */
    uint8_t registration[RECORD_ID]; /* of the call */
    uint64_t expires_s;
};

struct notice_record {
    uint8_t handset[RECORD_ID];
    uint64_t expires_s;
};

struct conversation_record {
    uint8_t handset[RECORD_ID];
    uint8_t alias[RECORD_ID]; /* what r-TOKEN spells in base32 */
    uint8_t newest_message[RECORD_ID];
    uint64_t used_s;
    char msisdn[RECORD_MSISDN];
    char account[RECORD_ACCOUNT];
    char sender[RECORD_ADDRESS];  /* an address, or what its SMS are from (HTTP) */
    char number[RECORD_NUMBER];   /* its SMS are from there; "": the link's sender */
    char mail_id[RECORD_MAIL_ID]; /* of the sender's newest mail */
    char references[RECORD_REFERENCES]; /* of the same, for threading */
};

struct outbox_record {
    uint8_t kind;     /* relay's enum outbox_kind */
    uint8_t attempts; /* handed over so often */
    uint8_t handed;   /* 1: handed over, its outcome not yet known */
    uint8_t doubts;   /* handed over so often without a known outcome */
    uint32_t epoch;   /* of body, when it is sealed to an epoch key; else 0 */
    uint64_t created_s, expires_s;
    uint8_t handset[RECORD_ID];
    uint8_t subject_id[RECORD_ID]; /* what it is about: message, registration, device */
    uint8_t conversation[RECORD_ID];
    struct record_blob body; /* by kind: OTP digits, JWE of a reply or a plain SMS,
                                report words, account and URL of a callback */
};

/* What an application wants to be told of a message or an SMS (dlr-url, dlr-mask). */
struct report_record {
    uint8_t handset[RECORD_ID];
    uint32_t mask;
    uint64_t expires_s;
    char account[RECORD_ACCOUNT];
    char from[RECORD_NUMBER];
    char smsc[RECORD_SMSC];
    char account_param[RECORD_ACCOUNT]; /* the request's account= */
    char url[RECORD_URL];
};

/* Which conversation an SMSC number means to a handset. */
struct route_record {
    uint8_t conversation[RECORD_ID];
};

struct seen_record {
    uint8_t result[RECORD_ID]; /* the message id that the first one got, or zero */
    uint64_t expires_s;
};

struct counter_record {
    uint64_t count;
    uint64_t window_end_s;
};

enum record_kind {
    RECORD_MESSAGE,
    RECORD_HANDSET,
    RECORD_DEVICE,
    RECORD_REGISTRATION,
    RECORD_NOTICE,
    RECORD_CONVERSATION,
    RECORD_OUTBOX,
    RECORD_SEEN,
    RECORD_COUNTER,
    RECORD_HANDSET_OTP,
    RECORD_REPORT,
    RECORD_ROUTE,
    RECORD_PUSH,
    RECORD_KIND_COUNT
};

/* record_pack - the bytes of *record (the struct of that kind) into *out, heap, to be
 * cleared by the caller (store_bytes_clear). false: out of memory, a string without its
 * NUL, or a blob over RECORD_BLOB_MAX. */
struct store_bytes;
bool record_pack(enum record_kind kind, const void *record, struct store_bytes *out);
/* record_unpack - the other way; *record is zeroed first. false: not such a record;
 * then nothing is owned. */
bool record_unpack(enum record_kind kind, const struct store_bytes *in, void *record);
/* record_clear - wipes the struct and frees its blob. */
void record_clear(enum record_kind kind, void *record);

#endif
