/* SPDX-License-Identifier: ISC */
/* smtp_command.c - what a client may say when, and what it gets.
 * Here:       the commands table; who may send, to whom.
 * Elsewhere:  their syntax (smtp_parse.c), bytes in and out (smtp_session.c), what
 *             follows the dot (smtp_submit.c), the keeper's rules.
 * Called by:  smtp_session.c.
 * Source:     RFC 5321 4.1 and 4.5.3, RFC 2033 (LMTP), RFC 2034 (enhanced status),
 *             RFC 1870 (SIZE), RFC 6531 (SMTPUTF8), Postfix XFORWARD_README. */
#include "plugin/smtp_session.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define BAD_COMMANDS_MAX 10U
#define LINE_MAX_BYTES 512U /* RFC 5321 4.5.3.1.4 */

/* A wrong order (503) does not count: a client that pipelines gets a row of them when
 * its MAIL or all its recipients are refused. */
void smtp_bad_command(struct smtp_session *s, const char *reply)
{
    smtp_reply(s, "%s", reply);
    if (++s->bad_commands >= BAD_COMMANDS_MAX)
        smtp_abuse(s, "421 4.7.0 Too many bad commands", "bad commands");
}

static void cmd_hello(struct smtp_session *s, struct span args)
{
    if (args.n == 0) {
        smtp_bad_command(s, "501 5.5.4 Who speaks?");
        return;
    }
    smtp_reset(s);
    smtp_enter(s, ST_READY);
    smtp_reply(s, "250 %s", s->door->relay->config->domain);
}

static void cmd_extended_hello(struct smtp_session *s, struct span args)
{
    const struct config *const config = s->door->relay->config;

    if (args.n == 0) {
        smtp_bad_command(s, "501 5.5.4 Who speaks?");
        return;
    }
    smtp_reset(s);
    smtp_enter(s, ST_READY);
    smtp_reply(s, "250-%s", config->domain);
    smtp_reply(s, "250-PIPELINING");
    smtp_reply(s, "250-SIZE %llu", (unsigned long long)config->message_size_limit);
    smtp_reply(s, "250-8BITMIME");
    smtp_reply(s, "250-SMTPUTF8");
    if (s->trusted)
        smtp_reply(s, "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE");
    smtp_reply(s, "250 ENHANCEDSTATUSCODES");
}

static void cmd_xforward(struct smtp_session *s, struct span args)
{
    const char *reply;

    if (!s->trusted)
        smtp_bad_command(s, "550 5.7.1 XFORWARD is not for you");
    else if (smtp_parse_xforward(args, &s->xforward, &reply))
        smtp_reply(s, "250 2.0.0 Ok");
    else
        smtp_bad_command(s, reply);
}

/* An envelope sender is easily forged, so an account that names no networks is open to
 * a neighbour on this machine only: the MTA that has checked its client. */
static const struct config_account *find_account(const struct smtp_session *s,
                                                 const char *sender)
{
    const bool forwarded = s->xforward.client.ss_family != AF_UNSPEC;
    const struct config_account *const account = config_account_for(
        s->door->relay->config, span_str(sender),
        (const struct sockaddr *)(forwarded ? &s->xforward.client : &s->peer));

    if (account != NULL && account->networks.n == 0 && !s->trusted)
        return NULL;
    return account;
}

static void cmd_mail(struct smtp_session *s, struct span args)
{
    const struct relay *const r = s->door->relay;
    const struct config_account *account = NULL;
    struct smtp_mail mail;
    const char *reply;

    if (!smtp_parse_mail(args, &mail, &reply)) {
        smtp_bad_command(s, reply);
        return;
    }
    if (mail.sender.text[0] != '\0')
        account = find_account(s, mail.sender.text);
    if (mail.size > r->config->message_size_limit)
        reply = "552 5.3.4 Message is too large";
    else if (relay_store_full(r))
        reply = "452 4.3.1 Storage is full, try again later";
    else if (account == NULL && mail.sender.text[0] != '\0')
        reply = "550 5.7.1 This sender may not send messages to telephones here";
    if (reply != NULL) {
        smtp_log_refused(s, reply, NULL, reply + 4);
        smtp_reply(s, "%s", reply);
        return;
    }
    s->account = account;
    s->smtputf8 = mail.smtputf8;
    (void)span_copy(s->sender, sizeof s->sender, span_str(mail.sender.text));
    smtp_enter(s, ST_MAIL);
    smtp_reply(s, "250 2.1.0 Ok");
}

/* Room for one recipient more. */
static bool rcpt_room(struct smtp_session *s)
{
    const size_t room = s->rcpt_room == 0 ? 1 : 4 * s->rcpt_room;
    struct smtp_rcpt *grown;

    if (s->rcpt_count < s->rcpt_room)
        return true;
    grown = realloc(s->rcpts, room * sizeof *grown);
    if (grown == NULL)
        return false;
    s->rcpts = grown;
    s->rcpt_room = room;
    return true;
}

static void add_rcpt(struct smtp_session *s, const struct relay_recipient *answer)
{
    struct smtp_rcpt *const rcpt = &s->rcpts[s->rcpt_count];
    size_t same = 0;

    while (same < s->rcpt_count &&
           strcmp(s->rcpts[same].answer.msisdn, answer->msisdn) != 0)
        same++;
    *rcpt = (struct smtp_rcpt){ .session = s, .answer = *answer, .offered_as = same };
    s->rcpt_count++;
}

static void on_recipient(void *ctx, struct relay_recipient *answer)
{
    struct smtp_session *const s = ctx;

    s->asked_call = 0;
    answer->to = s->asked;
    if (!s->asked.is_alias)
        memcpy(answer->msisdn, s->asked.msisdn, sizeof answer->msisdn);
    if (answer->verdict == IPC_OK) {
        add_rcpt(s, answer);
        smtp_reply(s, "250 2.1.5 Ok");
    } else {
        const char *const reply = smtp_verdict_reply(answer->verdict);

        smtp_log_refused(s, reply, s->asked.msisdn, ipc_verdict_name(answer->verdict));
        smtp_reply(s, "%s", reply);
        relay_recipient_clear(answer);
    }
    smtp_enter(s, s->rcpt_count > 0 ? ST_RCPT : ST_MAIL);
    smtp_session_run(s);
}

struct refusal {
    const char *status, *words; /* the address stands between them */
};

/* Fills s->asked; NULL, or why not. */
static const struct refusal *read_recipient(struct smtp_session *s,
                                            const struct smtp_path *path)
{
    static const struct refusal
        elsewhere = { "550 5.1.2", "is not of this domain" },
        null_sender = { "550 5.7.1", "is a telephone: bounces do not go there" },
        fixed_line = { "550 5.1.1", "is a fixed line and cannot receive SMS" },
        no_number = { "550 5.1.1", "is not a telephone number" };
    const struct config *const config = s->door->relay->config;
    struct span number;

    s->asked = (struct ipc_address){ .is_alias = 0 };
    if (!span_ieq_str(path->domain, config->domain))
        return &elsewhere;
    if (s->account == NULL)
        return &null_sender;
    if (smtp_read_local(path->local, s->asked.alias, &number) == SMTP_LOCAL_ALIAS) {
        s->asked.is_alias = 1;
        return NULL;
    }
    switch (msisdn_parse(number, config->region, config->number_check_line,
                         s->asked.msisdn)) {
    case MSISDN_OK:
        return NULL;
    case MSISDN_FIXED:
        return &fixed_line;
    default:
        return &no_number;
    }
}

static void cmd_rcpt(struct smtp_session *s, struct span args)
{
    const struct refusal *refusal;
    struct smtp_path path;
    const char *reply;

    if (!smtp_parse_rcpt(args, s->smtputf8, &path, &reply)) {
        smtp_bad_command(s, reply);
        return;
    }
    if (s->rcpt_count == SMTP_RECIPIENTS_MAX) {
        smtp_reply(s, "452 4.5.3 Too many recipients");
        return;
    }
    refusal = read_recipient(s, &path);
    if (refusal != NULL) {
        smtp_log_refused(s, refusal->status, NULL, refusal->words);
        smtp_reply(s, "%s <%s> %s", refusal->status, path.text, refusal->words);
        return;
    }
    if (!rcpt_room(s)) {
        smtp_reply(s, "452 4.3.0 Out of memory, try again later");
        return;
    }
    smtp_enter(s, ST_ASK);
    s->asked_call = relay_ask_recipient(s->door->relay, &s->asked, s->account->name,
                                        s->sender, on_recipient, s);
}

/* A client may pipeline up to DATA, not beyond it (RFC 2920 3.1). What follows is not
 * from a client that waits for our 354: perhaps somebody smuggles. */
static bool has_early_data(const struct smtp_session *s)
{
    int in_kernel = 0;

    if (evbuffer_get_length(bufferevent_get_input(s->bev)) > s->line_bytes)
        return true;
    (void)ioctl(bufferevent_getfd(s->bev), FIONREAD, &in_kernel);
    return in_kernel > 0;
}

static void cmd_data(struct smtp_session *s, struct span args)
{
    struct smtp_door *const door = s->door;

    (void)args;
    if (has_early_data(s)) {
        smtp_abuse(s, "554 5.5.0 Data came before it was asked for", "early data");
        return;
    }
    if (door->data_bytes >= door->data_max) {
        smtp_reply(s, "452 4.3.1 Too many messages under way, try again later");
        return;
    }
    smtp_data_start(&s->data, door->relay->config->message_size_limit);
    s->data_start_s = smtp_now_s();
    s->data_read = 0;
    smtp_enter(s, ST_DATA);
    smtp_reply(s, "354 End data with <CR><LF>.<CR><LF>");
}

static void cmd_rset(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_reset(s);
    if (s->state != ST_CONNECTED)
        smtp_enter(s, ST_READY);
    smtp_reply(s, "250 2.0.0 Ok");
}

static void cmd_noop(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_reply(s, "250 2.0.0 Ok");
}

/* Never says who is registered. */
static void cmd_vrfy(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_reply(s, "252 2.0.0 Send mail and see");
}

static void cmd_help(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_reply(s, "214 2.0.0 Sealpost takes mail for +NUMBER@%s",
               s->door->relay->config->domain);
}

static void cmd_quit(struct smtp_session *s, struct span args)
{
    (void)args;
    smtp_reply(s, "221 2.0.0 Bye");
    smtp_end(s, evbuffer_get_length(bufferevent_get_input(s->bev)) > s->line_bytes);
}

#define IN(state) (1U << (state))
#define ANY (IN(ST_COUNT) - 1U)
#define BETWEEN (IN(ST_CONNECTED) | IN(ST_READY) | IN(ST_MAIL) | IN(ST_RCPT))
#define LMTP IN(LISTEN_LMTP)
#define SMTP IN(LISTEN_SMTP)

static const struct command {
    const char *verb;
    unsigned allowed; /* anywhere else: 503 5.5.1 */
    unsigned doors;
    size_t line_max;
    bool takes_args; /* else any is a 501 */
    void (*run)(struct smtp_session *s, struct span args);
} commands[] = {
    { "RCPT", IN(ST_MAIL) | IN(ST_RCPT), LMTP | SMTP, SMTP_COMMAND_MAX, true,
      cmd_rcpt },
    { "MAIL", IN(ST_READY), LMTP | SMTP, SMTP_COMMAND_MAX, true, cmd_mail },
    { "DATA", IN(ST_RCPT), LMTP | SMTP, LINE_MAX_BYTES, false, cmd_data },
    { "XFORWARD", IN(ST_READY), LMTP | SMTP, SMTP_COMMAND_MAX, true, cmd_xforward },
    { "RSET", BETWEEN, LMTP | SMTP, LINE_MAX_BYTES, false, cmd_rset },
    { "LHLO", BETWEEN, LMTP, LINE_MAX_BYTES, true, cmd_extended_hello },
    { "EHLO", BETWEEN, SMTP, LINE_MAX_BYTES, true, cmd_extended_hello },
    { "HELO", BETWEEN, SMTP, LINE_MAX_BYTES, true, cmd_hello },
    { "NOOP", ANY, LMTP | SMTP, LINE_MAX_BYTES, true, cmd_noop },
    { "VRFY", ANY, LMTP | SMTP, LINE_MAX_BYTES, true, cmd_vrfy },
    { "HELP", ANY, LMTP | SMTP, LINE_MAX_BYTES, true, cmd_help },
    { "QUIT", ANY, LMTP | SMTP, LINE_MAX_BYTES, false, cmd_quit },
};

static const struct command *find_command(const struct smtp_session *s,
                                          struct span verb)
{
    const unsigned door = s->lmtp ? LMTP : SMTP;

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (span_ieq_str(verb, commands[i].verb))
            return (commands[i].doors & door) != 0 ? &commands[i] : NULL;
    return NULL;
}

static struct span trim_end(struct span s)
{
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

void smtp_command(struct smtp_session *s, struct span line)
{
    struct cur c = cur_of(trim_end(line));
    const struct command *command = NULL;
    struct span verb, args;

    if (smtp_take_verb(&c, &verb) == 1)
        command = find_command(s, verb);
    args = span_of(c.p, cur_left(&c));
    if (command == NULL)
        smtp_bad_command(s, "500 5.5.1 Command not known here");
    else if (s->line_bytes > command->line_max)
        smtp_bad_command(s, "500 5.5.2 Line too long");
    else if ((command->allowed & IN(s->state)) == 0)
        smtp_reply(s, "503 5.5.1 Not now");
    else if (args.n > 0 && !command->takes_args)
        smtp_bad_command(s, "501 5.5.4 No parameters here");
    else
        command->run(s, args);
}
