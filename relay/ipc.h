/* SPDX-License-Identifier: ISC */
/* ipc.h - every message between the processes: who may send what to whom, and its size.
 *
 * A frame is a header {u32 type, u32 bytes behind the header, u64 call}, a fixed struct
 * (the same binary runs at both ends, so its layout is shared) and a tail of 0 to
 * tail_max bytes. A request carries a call number that its answer repeats; others carry
 * 0.
 *
 * The receiver's channel checks type, direction, size and the NUL of every string
 * before anybody looks inside; a peer that breaks a rule is cut off and logged, and
 * nobody dies of it. What the strings and the tail *mean* is checked where they are
 * used. */
#ifndef RELAY_IPC_H
#define RELAY_IPC_H

#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

struct event_base;

enum ipc_role { IPC_PARENT, IPC_FRONT, IPC_KEEPER, IPC_COURIER, IPC_ROLE_COUNT };

#define IPC_TAIL_DEVICES 8192U
#define IPC_TAIL_MESSAGE (80U << 20) /* message-size-limit 64 MiB, and its sealing */
#define IPC_TAIL_LIST (8U << 20)
#define IPC_TAIL_CALL (256U << 10)
#define IPC_TAIL_KEY 1024U
#define IPC_TAIL_SMS (64U << 10) /* struct sms, packed; the text of an MO or DLR */
#define IPC_TAIL_PLAIN (80U << 10)
#define IPC_TAIL_CALLBACK (512U << 10)
#define IPC_TAIL_MAIL (512U << 10)
#define IPC_TAIL_PUSH 4096U

/* type, from, to, fixed struct, longest tail */
#define IPC_MESSAGES(X)                                                              \
    X(PEER, PARENT, FRONT, ipc_peer, 0) /* a new channel; its fd comes along */      \
    X(KEEPER_PEER, PARENT, KEEPER, ipc_peer, 0)                                      \
    X(COURIER_PEER, PARENT, COURIER, ipc_peer, 0)                                    \
    X(FRONT_READY, FRONT, PARENT, ipc_ready, 0)                                      \
    X(KEEPER_READY, KEEPER, PARENT, ipc_ready, 0)                                    \
    X(COURIER_READY, COURIER, PARENT, ipc_ready, 0)                                  \
    X(EPOCH, KEEPER, FRONT, ipc_epoch, 0)       /* today's public key: seal to it */ \
    X(PUSH_KEY, KEEPER, FRONT, ipc_push_key, 0) /* what browsers subscribe with */   \
    X(STORE_STATE, KEEPER, FRONT, ipc_store_state, 0) /* full: 452 and 503 */        \
    X(RECIPIENT_ASK, FRONT, KEEPER, ipc_recipient_ask, 0)                            \
    X(RECIPIENT, KEEPER, FRONT, ipc_recipient, IPC_TAIL_DEVICES)                     \
    X(OFFER, FRONT, KEEPER, ipc_offer, IPC_TAIL_MESSAGE)                             \
    X(OFFER_ANSWER, KEEPER, FRONT, ipc_offer_answer, 0) /* IPC_OK: on disk */        \
    X(PLAIN, FRONT, KEEPER, ipc_plain, IPC_TAIL_PLAIN)                               \
    X(PLAIN_ANSWER, KEEPER, FRONT, ipc_offer_answer, 0) /* IPC_OK: on disk */        \
    X(NOTICE_ASK, FRONT, KEEPER, ipc_notice_ask, 0)                                  \
    X(NOTICE_INFO, KEEPER, FRONT, ipc_notice_info, 0)                                \
    X(REG_START, FRONT, KEEPER, ipc_reg_start, 0)                                    \
    X(REG_STARTED, KEEPER, FRONT, ipc_reg_started, 0)                                \
    X(REG_OTP, FRONT, KEEPER, ipc_reg_otp, 0)                                        \
    X(REG_OTP_ANSWER, KEEPER, FRONT, ipc_reg_otp_answer, 0)                          \
    X(REG_DEVICE, FRONT, KEEPER, ipc_reg_device, IPC_TAIL_KEY)                       \
    X(REG_DEVICE_ANSWER, KEEPER, FRONT, ipc_reg_device_answer, 0)                    \
    X(DEVICE_CALL, FRONT, KEEPER, ipc_device_call, IPC_TAIL_CALL)                    \
    X(DEVICE_ANSWER, KEEPER, FRONT, ipc_device_answer, IPC_TAIL_MESSAGE)             \
    X(JOB_SMS, KEEPER, COURIER, ipc_job_sms, IPC_TAIL_SMS)                           \
    X(JOB_MAIL, KEEPER, COURIER, ipc_job_mail, IPC_TAIL_MAIL)                        \
    X(JOB_CALLBACK, KEEPER, COURIER, ipc_job_callback, IPC_TAIL_CALLBACK)            \
    X(JOB_PUSH, KEEPER, COURIER, ipc_job_push, IPC_TAIL_PUSH)                        \
    X(JOB_DONE, COURIER, KEEPER, ipc_job_done, 0)                                    \
    X(LINK, COURIER, KEEPER, ipc_link, 0)                                            \
    X(MO, COURIER, KEEPER, ipc_mo, IPC_TAIL_SMS)                                     \
    X(DLR, COURIER, KEEPER, ipc_dlr, IPC_TAIL_SMS)                                   \
    X(INPUT_ANSWER, KEEPER, COURIER, ipc_input_answer, 0) /* IPC_OK: on disk, ack it \
                                                           */

enum ipc_type {
#define X(type, from, to, fixed, tail) IPC_##type,
    IPC_MESSAGES(X)
#undef X
        IPC_TYPE_COUNT
};

/* How a request ended; each door has its own words for it. */
enum ipc_verdict {
    IPC_OK,
    IPC_REPEATED,     /* the same input came before: its first answer holds */
    IPC_OPTED_OUT,    /* the handset said STOP */
    IPC_NO_ALIAS,     /* no such conversation */
    IPC_STRANGER,     /* an alias belongs to another sender */
    IPC_LIMIT,        /* the account's daily limit */
    IPC_FULL,         /* store full */
    IPC_STALE_EPOCH,  /* sealed to a key that is not in use any more: ask and seal again
                       */
    IPC_GONE,         /* no such message, part, device or registration */
    IPC_OTP_MISMATCH, /* wrong; tries_left says how often more */
    IPC_CLOSED,       /* registration over: used, expired, out of tries, locked */
    IPC_BAD_KEY,
    IPC_BAD_REQUEST,
    IPC_PROOF,     /* the device's proof is missing, forged or replayed */
    IPC_NONCE,     /* ... or only its nonce is old: take the new one */
    IPC_WAITING,   /* the handset's SMS has not come yet */
    IPC_MISMATCH,  /* it came from another number than the call named */
    IPC_FORBIDDEN, /* this direction is not offered */
    IPC_NO_REPLY,  /* the sender takes no answers */
    IPC_TOO_MANY,  /* a limit on OTPs or devices */
    IPC_TEMP,      /* the keeper could not; later it may */
    IPC_VERDICT_COUNT
};
const char *ipc_verdict_name(enum ipc_verdict v); /* "opted-out", for logs */

struct ipc_peer {
    uint32_t role; /* enum ipc_role of the other end of the fd that comes along */
};
struct ipc_ready {
    uint32_t pid;
};
struct ipc_epoch {
    uint32_t day;
    uint8_t point[65];
};
struct ipc_push_key {
    uint8_t point[65]; /* VAPID's public key */
};
struct ipc_store_state {
    uint8_t full;
};

/* Who a message is for: a number, or the alias of a conversation. */
struct ipc_address {
    uint8_t is_alias;
    uint8_t alias[16];
    char msisdn[16]; /* canonical digits when it is no alias */
};
struct ipc_recipient_ask {
    struct ipc_address to;
    char account[64];
    char sender[321]; /* envelope sender */
};
/* Tail: device_count times { u8 id[16], be16 n, SubjectPublicKeyInfo n }: the fresh
 * devices to seal to; none: seal to the epoch. */
struct ipc_recipient {
    uint32_t verdict;
    uint32_t device_count;
    uint8_t message_id[16]; /* for the message that will be offered */
    uint8_t conversation[16];
    char msisdn[16];
    char account[64]; /* of an alias: the conversation's */
};

/* Tail: be16 n, references n | be16 n, report_ask n (none: 0) | be32 n, sealed manifest
 * (binary JWE) n | for each part be64 n, ciphertext n. */
struct ipc_offer {
    struct ipc_address to;
    uint8_t message_id[16]; /* from ipc_recipient */
    uint8_t submission[32]; /* recognises the same input coming again */
    uint8_t form;           /* enum message_form */
    uint8_t flags;          /* MESSAGE_ bits */
    uint16_t parts;
    uint32_t epoch;        /* of the intermediate form */
    uint32_t submission_s; /* how long a repeat is recognised */
    uint64_t bytes;        /* as it came in */
    uint64_t expires_s;    /* 0: after the retention time */
    char account[64];
    char sender[321];
    char number[32]; /* its SMS are from there; "": the link's sender */
    char mail_id[256];
};
struct ipc_offer_answer {
    uint32_t verdict;
    uint8_t
        message_id[16]; /* of the one that is kept (IPC_REPEATED: the first one's) */
};

/* A plain SMS. Tail: be16 n, report_ask n (none: 0) | struct sms packed and sealed to
 * the epoch (binary JWE, typ sealpost-sms, its id the message_id), to the end. */
struct ipc_plain {
    char msisdn[16];
    char account[64];
    char sender[321]; /* as in ipc_offer: whose conversation it is */
    char number[32];
    uint8_t message_id[16]; /* front's own: random */
    uint8_t submission[32];
    uint32_t submission_s; /* 0: no repeat is recognised */
    uint32_t epoch;
    uint32_t messages;  /* counted against the daily limit; 0: with its first piece */
    uint64_t expires_s; /* it is not worth sending later */
};

struct ipc_notice_ask {
    uint8_t notice[10];
};
struct ipc_notice_info { /* what whoever has the link may know without a password */
    uint32_t verdict;    /* IPC_GONE: no such notice, or its time is over */
    uint32_t waiting;    /* messages that nobody fetched yet */
    char account[64];    /* of the newest of them, else of the newest; "": none */
    char language[16];
    char ending[4]; /* the last three digits of the number */
};

enum registration_direction { REG_SERVER = 1, REG_HANDSET = 2 };
struct ipc_reg_start {
    uint8_t direction; /* enum registration_direction */
    uint8_t by_notice;
    uint8_t notice[10];
    uint8_t client_family; /* 4, 6, or 0 unknown */
    uint8_t client[16];
    char msisdn[16];
};
struct ipc_reg_started { /* the same for numbers known and unknown */
    uint32_t verdict;
    uint8_t registration[16];
    uint64_t expires_s;
    uint8_t has_check;
    uint8_t check[32]; /* otp-check-at-handset: SHA-256 of registration (hex) and OTP */
    char sms_to[20];   /* REG_HANDSET: where the handset sends its password */
};
struct ipc_reg_otp {
    uint8_t registration[16];
    char otp[36];
    char msisdn[16]; /* REG_HANDSET: the number that the call names; else "" */
};
struct ipc_reg_otp_answer {
    uint32_t verdict;
    uint32_t tries_left;
};
/* Tail: the encryption key's SubjectPublicKeyInfo. */
struct ipc_reg_device {
    uint8_t registration[16];
    uint8_t type;    /* enum device_type */
    uint8_t checked; /* the handset compared the OTP itself (otp-check-at-handset) */
    uint8_t signing_point[65];
    char label[64];
};
struct ipc_reg_device_answer {
    uint32_t verdict;
    uint8_t device[16];
};

enum device_call { /* the keeper itself derives htm and htu from call and ids */
                   CALL_LIST,    /* GET /api/v1/messages */
                   CALL_MESSAGE, /* GET /api/v1/messages/{id} */
                   CALL_PART,    /* GET /api/v1/messages/{id}/parts/{n} */
                   CALL_READ,    /* POST /api/v1/messages/{id}/read */
                   CALL_REPLY,   /* POST /api/v1/messages/{id}/replies */
                   CALL_REMOVE,  /* DELETE /api/v1/messages/{id} */
                   CALL_DEVICES, /* GET /api/v1/devices */
                   CALL_REVOKE,  /* DELETE /api/v1/devices/{id} */
                   CALL_LABEL,   /* POST /api/v1/devices/{id}/label */
                   CALL_PUSH,    /* POST /api/v1/devices/{id}/push */
                   CALL_COUNT
};
/* Tail: be16 n, proof (a compact JWS) n | the request's body, to the end. */
struct ipc_device_call {
    uint8_t call;
    uint8_t id[16];    /* of the message or the device that it is about */
    uint8_t after[16]; /* CALL_LIST: ids greater than this */
    uint32_t part;
};
/* Tail by call, count entries:
 *   CALL_LIST, CALL_MESSAGE: id 16 | created, expires, fetched, read be64 | parts be16
 * | be32 n, binary JWE n CALL_PART: the ciphertext        CALL_REPLY: reply id 16
 *   CALL_DEVICES: id 16 | type u8 | u8, DEVICE_ bits | created, seen be64 | u8 n, label
 * n */
#define DEVICE_THIS 1U
#define DEVICE_HELD 2U
struct ipc_device_answer {
    uint32_t verdict;
    uint32_t count;
    uint8_t more;       /* CALL_LIST: ask again after the last id */
    uint8_t held;       /* CALL_LIST: the number is not yet told of this device */
    uint8_t has_closed; /* CALL_LIST: it is the first page, and */
    uint32_t closed;    /* ... so many final messages do not open for this device */
    uint8_t kid[32]; /* the device's encryption key: its recipient entry in the JWEs */
    char nonce[48];  /* for the next proof; always filled */
};

struct ipc_job_sms { /* tail: struct sms, packed */
    uint8_t job[16];
    uint32_t dlr_mask;
    char to[16];
    char dlr_url[160]; /* opaque, comes back with the DLR */
};
struct ipc_job_callback { /* tail: be32 n, URL n | body, to the end; none: GET */
    uint8_t job[16];
    char account[64]; /* whose rules and secret */
};
struct ipc_job_push { /* tail: be16 n, URL n | be16 n, value of Authorization n | body,
                         to the end */
    uint8_t job[16];
    uint32_t ttl_s;
};
enum mail_kind {
    MAIL_REPLY,
    MAIL_EXPIRED,
    MAIL_UNDELIVERABLE,
    MAIL_WRONG_NUMBER,
    MAIL_KIND_COUNT
};
struct ipc_job_mail { /* tail: be16 n, references n | text, to the end */
    uint8_t job[16];
    uint8_t kind; /* enum mail_kind */
    char to[321];
    char from[321]; /* the alias, or "" for reports: null envelope sender */
    char msisdn[16];
    char language[16];
    char mail_id[192];
    char in_reply_to[256];
    char subject[1001];
    uint64_t date_s, arrived_s;
};
enum job_outcome {
    JOB_SENT,    /* the neighbour has it */
    JOB_BUSY,    /* later: full, down, temporary refusal */
    JOB_REFUSED, /* never */
    JOB_DOUBT,   /* handed over, then the neighbour was lost: it may have it */
    JOB_SILENT,  /* handed over, no answer came: it may have it, and is not to blame */
    JOB_GONE,    /* never, nor anything else for the same receiver */
    JOB_OUTCOME_COUNT
};
struct ipc_job_done {
    uint8_t job[16];
    uint8_t outcome;
    char why[128];
};
enum link_kind { LINK_SMS, LINK_MAIL, LINK_HTTP, LINK_PUSH, LINK_KIND_COUNT };
struct ipc_link {
    uint8_t kind; /* enum link_kind */
    uint8_t up;
    uint32_t window; /* most jobs that may be under way; 0: the keeper's default */
};
struct ipc_mo { /* tail: the text, UTF-8 */
    uint64_t sent_s;
    char id[40]; /* bearerbox's UUID */
    char from[40];
    char to[40];
    char smsc[64];
};
struct ipc_dlr {    /* tail: its text, as the SMSC gave it */
    uint32_t event; /* 1 delivered, 2 failed, 4 buffered, 8 at the SMSC, 16 rejected */
    uint64_t sent_s;
    char id[40];
    char ref[160]; /* our dlr_url */
    char smsc[64];
    char foreign_id[128]; /* the SMSC's id of the MT; "" when it gave none */
};
struct ipc_input_answer {
    uint32_t verdict;
};

/* A frame as the receiver sees it; fixed and tail die when the handler returns. */
struct ipc_frame {
    enum ipc_type type;
    uint64_t call;
    const void *fixed; /* aligned; the struct of that type */
    struct span tail;
};

struct ipc_channel;
typedef void ipc_on_frame(void *ctx, struct ipc_channel *ch, const struct ipc_frame *f);
/* The peer closed (why is NULL) or broke a rule (why says which). The channel takes and
 * sends nothing more; the callee frees it. */
typedef void ipc_on_end(void *ctx, struct ipc_channel *ch, const char *why);

/* ipc_channel_new - over a connected stream socket, which it owns. NULL: out of memory.
 */
struct ipc_channel *ipc_channel_new(struct event_base *base, int fd, enum ipc_role self,
                                    enum ipc_role peer, ipc_on_frame *on_frame,
                                    ipc_on_end *on_end, void *ctx);
void ipc_channel_free(struct ipc_channel *ch);
/* ipc_send - queue a frame; the struct and tail are copied. The sender's own mistakes
 * (direction, size) are asserted. */
void ipc_send(struct ipc_channel *ch, enum ipc_type type, uint64_t call,
              const void *fixed, struct span tail);
/* ipc_send2 - the same with a tail in two pieces, to spare a copy of a large one. */
void ipc_send2(struct ipc_channel *ch, enum ipc_type type, uint64_t call,
               const void *fixed, struct span tail, struct span rest);
/* ipc_send_now - passes what is held: for answers that promise nothing. */
void ipc_send_now(struct ipc_channel *ch, enum ipc_type type, uint64_t call,
                  const void *fixed, struct span tail);
/* ipc_hold - from now on frames are kept back; ipc_release lets them go (the keeper
 * holds its answers until the log is flushed). */
void ipc_hold(struct ipc_channel *ch);
void ipc_release(struct ipc_channel *ch);
/* ipc_drop_held - forget what is held: the flush failed, and no answer may leave. */
void ipc_drop_held(struct ipc_channel *ch);
size_t ipc_unsent(const struct ipc_channel *ch); /* bytes that wait to be written */

const char *ipc_type_name(enum ipc_type type);
const char *ipc_role_name(enum ipc_role role);
size_t ipc_fixed_bytes(enum ipc_type type);

/* The parent's channels are SOCK_SEQPACKET, one frame without tail a packet, an fd may
 * come along. ipc_packet_send: 0, or -1 with errno. ipc_packet_take: 1 (fixed filled,
 * type checked against from and to; *fd_out an fd or -1), 0 the peer closed, -1 nothing
 * now (EAGAIN) or a broken rule (EPROTO). */
int ipc_packet_send(int socket, enum ipc_type type, const void *fixed, int fd);
int ipc_packet_take(int socket, enum ipc_role from, enum ipc_role to,
                    enum ipc_type *type, void *fixed, size_t room, int *fd_out);

#endif
