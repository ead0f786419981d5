/* SPDX-License-Identifier: ISC */
/* smtp_session.h - what the files of the mail door share: the door and its sessions. */
#ifndef PLUGIN_SMTP_SESSION_H
#define PLUGIN_SMTP_SESSION_H

#include "plugin/smtp_data.h"
#include "plugin/smtp_parse.h"
#include "relay/relay.h"
#include <openssl/evp.h>

#define SMTP_RECIPIENTS_MAX 100U
#define SMTP_COMMAND_MAX 2000U /* bytes of the longest command line, with CRLF */

struct bufferevent;
struct evconnlistener;
struct event;

struct smtp_listener {
    struct smtp_door *door;
    const struct config_listen *config;
    struct evconnlistener *accepting;
    unsigned sessions;
};

struct smtp_door { /* one a process */
    struct relay *relay;
    struct smtp_listener *listeners;
    size_t listener_count;
    struct smtp_session *sessions;
    uint64_t session_number; /* of the newest, for logs */
    struct event *on_tick;
    uint64_t data_bytes, data_max; /* of messages in memory, all sessions together */
    EVP_MD *sha256;
    EVP_MD_CTX *hash;
    bool draining;
};

enum smtp_state {
    ST_CONNECTED,
    ST_READY,
    ST_MAIL, /* a sender, no recipient yet */
    ST_ASK,  /* the keeper is asked about a recipient */
    ST_RCPT,
    ST_DATA,
    ST_SUBMIT,  /* the keeper is asked to take the message */
    ST_CLOSING, /* the last answer is said; what still comes is thrown away */
    ST_COUNT
};

struct smtp_rcpt {
    struct smtp_session *session;
    struct relay_recipient answer;
    size_t offered_as; /* its own index, or that of the same handset before it */
    uint64_t call;     /* outstanding, or 0 */
    bool offered_again;
    enum ipc_verdict verdict;
    uint8_t message_id[16]; /* of the message that is kept */
};

struct smtp_session {
    struct smtp_session *next, **link;
    struct smtp_door *door;
    struct smtp_listener *listener;
    struct bufferevent *bev;
    struct buf out;    /* answers of this turn */
    size_t line_bytes; /* of the command under way; it is drained behind it */
    uint64_t number;   /* for logs */
    enum smtp_state state;
    uint64_t deadline_s;
    unsigned bad_commands;
    bool lmtp;
    bool trusted;    /* a neighbour on this machine: its XFORWARD is believed */
    bool skip_line;  /* a command without end ... */
    char skipped;    /* ... and its last byte so far */
    bool input_full; /* not read from until some is used */
    bool peer_gone;
    bool lingers, shut; /* ST_CLOSING: read to the client's end; our end is said */
    struct sockaddr_storage peer;

    /* The transaction: smtp_reset forgets it. */
    struct smtp_xforward xforward;
    const struct config_account *account; /* NULL: the null sender */
    char sender[SMTP_PATH_ROOM];
    bool smtputf8;
    struct ipc_address asked; /* ST_ASK */
    uint64_t asked_call;
    struct smtp_rcpt *rcpts;
    size_t rcpt_count, rcpt_room;
    struct smtp_data data; /* ST_DATA */
    uint64_t data_start_s, data_read;
    uint64_t data_charged; /* this session's part of the door's data_bytes */
    struct mime_mail mail; /* ST_SUBMIT, when has_mail */
    bool has_mail;
    uint64_t mail_bytes;
    uint8_t mail_hash[32];
    size_t offered, outstanding; /* recipients */
};

/* smtp_session_open - greet a client. Takes fd. */
void smtp_session_open(struct smtp_listener *l, int fd, const struct sockaddr *peer);
/* The session may be gone when one of these returns. */
/* smtp_session_run - take what input is there, send the answers. */
void smtp_session_run(struct smtp_session *s);
/* smtp_session_drain - say 421, unless a message is under way. */
void smtp_session_drain(struct smtp_session *s);
/* smtp_session_tick - time-outs. */
void smtp_session_tick(struct smtp_session *s, uint64_t now_s);

bool smtp_session_busy(const struct smtp_session *s); /* not to be cut off in a drain */
uint64_t smtp_now_s(void);                            /* monotonic */

/* smtp_enter - the only writer of s->state; the deadline starts anew. */
void smtp_enter(struct smtp_session *s, enum smtp_state state);
void smtp_reply(struct smtp_session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* smtp_end - the last answer is said. lingers: the client may still be writing. */
void smtp_end(struct smtp_session *s, bool lingers);
/* smtp_abuse - answer, log and end. */
void smtp_abuse(struct smtp_session *s, const char *reply, const char *why);
/* smtp_reset - forget the transaction, wiping the message; calls are cancelled. */
void smtp_reset(struct smtp_session *s);
/* smtp_end_mail - the dot was answered: ready for the next one, or 421 in a drain. */
void smtp_end_mail(struct smtp_session *s);
/* smtp_log_refused - to: digits, or NULL when it is not known to be a number. */
void smtp_log_refused(const struct smtp_session *s, const char *reply, const char *to,
                      const char *why);

/* smtp_command.c: one line, without CRLF; it stays in the input meanwhile. */
void smtp_command(struct smtp_session *s, struct span line);
/* smtp_bad_command - answer and count; the tenth is the last. */
void smtp_bad_command(struct smtp_session *s, const char *reply);

/* smtp_submit.c: the dot was seen. Answers now, or later through smtp_session_run. */
void smtp_submit(struct smtp_session *s);
/* smtp_verdict_reply - "550 5.7.1 ..." for a recipient that the keeper refuses. */
const char *smtp_verdict_reply(enum ipc_verdict v);
/* smtp_reply_to_dot - the same answer for the whole mail, once a recipient in LMTP. */
void smtp_reply_to_dot(struct smtp_session *s, const char *reply);

#endif
