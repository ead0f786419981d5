/* SPDX-License-Identifier: ISC */
/* smtp_parse.h - SMTP command lines taken apart; pure functions over bytes.
 *
 * take_ functions answer 1 (taken), 0 (not here, cursor unmoved) or -1 (bad). Where it
 * says so, c->why is then the whole reply that the client gets, without CRLF. */
#ifndef PLUGIN_SMTP_PARSE_H
#define PLUGIN_SMTP_PARSE_H

#include "relay/span.h"
#include <sys/socket.h>

#define SMTP_LOCAL_MAX 64U       /* RFC 5321 4.5.3.1.1 */
#define SMTP_DOMAIN_MAX 255U     /* 4.5.3.1.2 */
#define SMTP_PATH_ROOM 321U      /* local, "@", domain and a NUL */
#define SMTP_ATTRIBUTE_ROOM 256U /* an XFORWARD value and a NUL */
#define SMTP_ALIAS_BYTES 16U     /* what r-TOKEN spells */

/* smtp_take_line - a line without its CRLF. 0: no end of line yet. -1: a bare CR, a
 * bare LF or a NUL stands in it (c->why is the reply): nothing after it is to be
 * trusted. */
int smtp_take_line(struct cur *c, struct span *line);

/* smtp_take_verb - 1*ALPHA, then the end or one blank, which is taken too. */
int smtp_take_verb(struct cur *c, struct span *verb);

struct smtp_path {                  /* "<>" is local "", domain "" */
    char local[SMTP_LOCAL_MAX + 1]; /* without its quotes */
    char text[SMTP_PATH_ROOM];      /* local@domain, quoted only where it must be */
    struct span domain;             /* borrowed from the line; empty: none given */
    bool utf8;                      /* not all of it is ASCII: needs SMTPUTF8 */
};

/* smtp_take_path - "<" [source route ":"] local ["@" domain] ">", or "<>". Quoted local
 * parts, address literals and UTF-8 (RFC 6531) included. Never 0; -1: c->why is the
 * reply. */
int smtp_take_path(struct cur *c, struct smtp_path *out);

struct smtp_mail { /* MAIL FROM */
    struct smtp_path sender;
    uint64_t size; /* SIZE=, 0 when not given */
    bool smtputf8;
};

/* smtp_parse_mail - what follows "MAIL ". false: *reply is the answer. */
bool smtp_parse_mail(struct span args, struct smtp_mail *out, const char **reply);
/* smtp_parse_rcpt - what follows "RCPT ". smtputf8: the transaction has it. */
bool smtp_parse_rcpt(struct span args, bool smtputf8, struct smtp_path *out,
                     const char **reply);

/* smtp_take_xtext - decodes to the next blank or the end into to[room] with a NUL. -1:
 * not xtext (RFC 3461 4), a NUL in it, or longer than room. */
int smtp_take_xtext(struct cur *c, char *to, size_t room);

struct smtp_xforward {
    char ident[SMTP_ATTRIBUTE_ROOM]; /* "" unknown */
    struct sockaddr_storage client;  /* ss_family AF_UNSPEC: unknown; no port */
};

/* smtp_parse_xforward - what follows "XFORWARD ". Attributes add to what *x holds (they
 * may come in several commands). false: *x is unchanged, *reply is the answer. */
bool smtp_parse_xforward(struct span args, struct smtp_xforward *x, const char **reply);

enum smtp_local {
    SMTP_LOCAL_ALIAS, /* r-TOKEN: alias is filled */
    SMTP_LOCAL_NUMBER /* *number is what msisdn_parse shall look at */
};
/* smtp_read_local - what a recipient's local part names. An extension ("+tag" behind
 * the first byte: the leading + of a number is none) is cut off. */
enum smtp_local smtp_read_local(const char *local, uint8_t alias[SMTP_ALIAS_BYTES],
                                struct span *number);

#endif
