/* SPDX-License-Identifier: ISC */
/* relay.h - what a door sees of the core: this header and those that it includes.
 *
 * A door (plugin/) is one protocol, one struct plugin, one line in plugins.def. It runs
 * in front or in courier, on that process's event loop, and must not block it. It opens
 * no file after start. */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "relay/app_files.h"
#include "relay/auth.h"
#include "relay/callback.h"
#include "relay/config.h"
#include "relay/device_body.h"
#include "relay/encode.h"
#include "relay/err.h"
#include "relay/ipc.h"
#include "relay/json_body.h"
#include "relay/jwe.h"
#include "relay/log.h"
#include "relay/message.h"
#include "relay/mime.h"
#include "relay/msisdn.h"
#include "relay/push.h"
#include "relay/sms.h"
#include "relay/span.h"
#include "relay/template.h"

struct event_base;
struct relay_core;

struct relay { /* one a process; all borrowed, living as long as the process */
    struct event_base *base;
    const struct config *config;
    const struct templates *templates;
    struct auth *auth;     /* front's; NULL in courier */
    const int *listen_fds; /* as config->listens: bound, listening, non-blocking */
    struct relay_core *core;
};

struct plugin {
    const char *name;
    enum ipc_role where; /* IPC_FRONT or IPC_COURIER */
    /* start - attach to the loop. 0, or -1 with *e: the process does not start. */
    int (*start)(struct relay *r, struct err *e);
    /* drain - take nothing new; finish what is under way. */
    void (*drain)(struct relay *r);
    /* busy - how much is still under way after drain. */
    size_t (*busy)(struct relay *r);
    /* take_job - courier: a job of job_type from the keeper; answer with
     * relay_job_done, now or later, exactly once. NULL in front. */
    enum ipc_type job_type;
    void (*take_job)(struct relay *r, const struct ipc_frame *job);
};

/* Every door, NULL at the end; made of plugins.def by the plugin room, so that the core
 * need not look into it. */
extern const struct plugin *const plugins[];

/* relay_call - a request to the keeper. answer is called once from the loop, later:
 * with the answer, or with NULL when the keeper was lost or is away (the caller answers
 * "try later"). The frame dies when it returns. Returns the call's number, never 0. */
typedef void relay_answer(void *ctx, const struct ipc_frame *answer);
uint64_t relay_call(struct relay *r, enum ipc_type type, const void *fixed,
                    struct span tail, struct span rest, relay_answer *answer,
                    void *ctx);
/* relay_cancel - the caller is gone: its answer will not be called. */
void relay_cancel(struct relay *r, uint64_t call);

/* Courier's doors. */
void relay_job_done(struct relay *r, const uint8_t job[16], enum job_outcome outcome,
                    const char *why);
/* relay_link_state - window: most jobs that the door wants under way; 0: as the keeper
 * thinks best. */
void relay_link_state(struct relay *r, enum link_kind kind, bool up, uint32_t window);

/* Front's doors. */

bool relay_store_full(
    const struct relay *r); /* answer 452 4.3.1 or 503 to new messages */
/* The key that replies are sealed to today, as a JWK; NULL while the keeper is away. */
const char *relay_reply_key_jwk(const struct relay *r);
/* The key that browsers subscribe to pushes with (RFC 8292), base64url of 65 bytes;
 * NULL when there are no pushes here, or the keeper has not told it yet. */
const char *relay_push_key(const struct relay *r);

/* The public key that signs pushes (VAPID), base64url of its point; NULL: no push. */
const char *relay_push_key(const struct relay *r);

struct relay_recipient { /* the keeper's answer about a recipient; owned by the caller
                          */
    enum ipc_verdict verdict;
    struct ipc_address to;
    uint8_t message_id[16];
    uint8_t conversation[16];
    char msisdn[MSISDN_ROOM];
    char account[64];
    struct jwe_key devices[JWE_RECIPIENTS_MAX];
    size_t device_count;
};
typedef void relay_on_recipient(void *ctx, struct relay_recipient *rcpt);
/* relay_ask_recipient - may this account's sender send to this address, and whom to
 * seal to? rcpt is moved to the callee (relay_recipient_clear); IPC_TEMP when the
 * keeper is away. Returns a call number for relay_cancel. */
uint64_t relay_ask_recipient(struct relay *r, const struct ipc_address *to,
                             const char *account, const char *sender,
                             relay_on_recipient *on_recipient, void *ctx);
void relay_recipient_clear(struct relay_recipient *rcpt);

struct relay_submission { /* all borrowed during relay_submit only */
    const struct config_account *account;
    const char *sender; /* envelope sender, "" the null sender */
    const struct relay_recipient *to;
    const struct mime_mail *mail;
    uint64_t bytes;         /* as it came in */
    bool automatic;         /* null sender or mail->automatic */
    uint8_t submission[32]; /* SHA-256 that recognises a repeat ... */
    uint32_t submission_s;  /* ... for this long; 0: not at all */
    const char *number;     /* its SMS are from there; "" or NULL: the link's sender */
    uint64_t expires_s;     /* 0: after the retention time */
    const struct report_ask *report; /* NULL: none */
};
typedef void relay_on_submitted(void *ctx, enum ipc_verdict verdict,
                                const uint8_t message_id[16]);
/* relay_submit - seal and offer. on_submitted is called later, once; IPC_OK and
 * IPC_REPEATED: it is on disk, "accepted" may be said. IPC_TEMP: nothing is known to be
 * kept. Returns a call number for relay_cancel; 0 with *e when it could not be sealed
 * (then on_submitted is not called). */
uint64_t relay_submit(struct relay *r, const struct relay_submission *s,
                      relay_on_submitted *on_submitted, void *ctx, struct err *e);

struct relay_plain { /* a plain SMS; all borrowed during relay_submit_plain only */
    const struct config_account *account;
    const char *sender; /* whose conversation it is */
    const char *msisdn; /* canonical */
    const struct sms *sms;
    unsigned messages; /* SMS that it takes; 0: counted with its first piece */
    uint64_t expires_s;
    uint8_t submission[32];
    uint32_t submission_s;           /* 0: no repeat is recognised */
    const struct report_ask *report; /* NULL: none */
};
/* relay_submit_plain - as relay_submit, for an SMS that goes out as it is. */
uint64_t relay_submit_plain(struct relay *r, const struct relay_plain *p,
                            relay_on_submitted *on_submitted, void *ctx, struct err *e);

#endif
