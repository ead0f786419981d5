/* SPDX-License-Identifier: ISC */
/* smtp_parse.c - SMTP command lines taken apart.
 * Here:       lines, verbs, paths, ESMTP parameters, XFORWARD attributes, local parts.
 * Elsewhere:  when a command is allowed and what it does (smtp_session.c), the bytes
 *             of a message (smtp_data.c), telephone numbers (relay/msisdn.c).
 * Called by:  smtp_session.c.
 * Source:     RFC 5321 4.1, RFC 6531 3.3, RFC 3461 4 (xtext), RFC 1870, RFC 6152,
 *             Postfix XFORWARD_README. */
#include "plugin/smtp_parse.h"
#include "relay/encode.h"
#include "relay/utf8.h"
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>

#define KEYWORD_MAX 63U

static bool is_alpha(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool is_alnum(char ch)
{
    return is_alpha(ch) || is_digit(ch);
}

static bool is_high(char ch)
{
    return (unsigned char)ch >= 0x80;
}

static bool is_one_of(char ch, const char *set)
{
    return ch != '\0' && strchr(set, ch) != NULL;
}

static bool is_atext(char ch)
{
    return is_alnum(ch) || is_high(ch) || is_one_of(ch, "!#$%&'*+-/=?^_`{|}~");
}

static bool is_utf8(struct span s)
{
    struct cur c = cur_of(s);
    uint32_t ch;

    while (take_utf8(&c, &ch) == 1)
        ;
    return cur_done(&c);
}

int smtp_take_line(struct cur *c, struct span *line)
{
    const char *const lf = cur_left(c) == 0 ? NULL : memchr(c->p, '\n', cur_left(c));

    if (lf == NULL)
        return 0;
    *line = span_of(c->p, (size_t)(lf - c->p));
    if (line->n == 0 || line->p[--line->n] != '\r' ||
        memchr(line->p, '\r', line->n) != NULL)
        return cur_fail(c, "500 5.5.2 Lines end with CR LF, and neither comes alone");
    if (memchr(line->p, '\0', line->n) != NULL)
        return cur_fail(c, "500 5.5.2 NUL in a command");
    c->p = lf + 1;
    return 1;
}

int smtp_take_verb(struct cur *c, struct span *verb)
{
    const char *const start = c->p;

    while (c->p < c->end && is_alpha(*c->p))
        c->p++;
    *verb = span_of(start, (size_t)(c->p - start));
    if (verb->n == 0 || (!cur_done(c) && !cur_byte(c, ' ')))
        return cur_back(c, start);
    return 1;
}

/* quoted = DQUOTE *( qtext / "\" %d32-126 ) DQUOTE       ; RFC 5321 4.1.2 */
static int take_quoted(struct cur *c, char local[static SMTP_LOCAL_MAX + 1])
{
    size_t n = 0;

    if (!cur_byte(c, '"'))
        return 0;
    while (c->p < c->end && *c->p != '"') {
        if (cur_byte(c, '\\') && (cur_done(c) || is_high(*c->p)))
            return -1;
        if ((unsigned char)*c->p < ' ' || *c->p == 0x7f || n == SMTP_LOCAL_MAX)
            return -1;
        local[n++] = *c->p++;
    }
    local[n] = '\0';
    return n > 0 && cur_byte(c, '"') ? 1 : -1;
}

/* dot-string = 1*atext *( "." 1*atext ) */
static int take_dot_string(struct cur *c, char local[static SMTP_LOCAL_MAX + 1])
{
    const char *const start = c->p;

    do {
        const char *const atom = c->p;

        while (c->p < c->end && is_atext(*c->p))
            c->p++;
        if (c->p == atom)
            return c->p == start ? 0 : -1;
    } while (cur_byte(c, '.'));
    return span_copy(local, SMTP_LOCAL_MAX + 1, span_of(start, (size_t)(c->p - start)))
               ? 1
               : -1;
}

/* domain = sub *( "." sub ) / "[" 1*dcontent "]"; a sub may hold "_" (it occurs). */
static int take_domain(struct cur *c, struct span *out)
{
    const char *const start = c->p;

    if (cur_byte(c, '[')) {
        while (c->p < c->end && (is_alnum(*c->p) || is_one_of(*c->p, ":.-")))
            c->p++;
        if (c->p == start + 1 || !cur_byte(c, ']'))
            return -1;
    } else {
        do {
            const char *const sub = c->p;

            while (c->p < c->end &&
                   (is_alnum(*c->p) || is_high(*c->p) || *c->p == '-' || *c->p == '_'))
                c->p++;
            if (c->p == sub || *sub == '-')
                return -1;
        } while (cur_byte(c, '.'));
    }
    *out = span_of(start, (size_t)(c->p - start));
    return out->n <= SMTP_DOMAIN_MAX ? 1 : -1;
}

/* A-d-l = "@" domain *( "," "@" domain ) ":"    ; to be accepted and ignored, C.  */
static int take_source_route(struct cur *c)
{
    struct span ignored;

    if (c->p == c->end || *c->p != '@')
        return 0;
    do {
        if (!cur_byte(c, '@') || take_domain(c, &ignored) != 1)
            return -1;
    } while (cur_byte(c, ','));
    return cur_byte(c, ':') ? 1 : -1;
}

/* The address in one spelling: quotes stay only where a dot-string cannot do. */
static bool write_path(struct smtp_path *path)
{
    char plain[SMTP_LOCAL_MAX + 1];
    struct cur c = cur_of(span_str(path->local));
    const bool bare = take_dot_string(&c, plain) == 1 && cur_done(&c);
    char *to = path->text;

    if (!bare)
        *to++ = '"';
    for (const char *p = path->local; *p != '\0'; p++) {
        if (!bare && (*p == '"' || *p == '\\'))
            *to++ = '\\';
        *to++ = *p;
    }
    if (!bare)
        *to++ = '"';
    if (path->domain.n > 0)
        *to++ = '@';
    static_assert(SMTP_PATH_ROOM > 2 * SMTP_LOCAL_MAX + 3, "the longest quoted local");
    return span_copy(to, SMTP_PATH_ROOM - (size_t)(to - path->text), path->domain);
}

static bool take_mailbox(struct cur *c, struct smtp_path *out)
{
    const char *start;
    struct span whole;
    int rc;

    if (take_source_route(c) < 0)
        return false;
    start = c->p;
    rc = take_quoted(c, out->local);
    if (rc == 0)
        rc = take_dot_string(c, out->local);
    if (rc != 1 || (cur_byte(c, '@') && take_domain(c, &out->domain) != 1))
        return false;
    whole = span_of(start, (size_t)(c->p - start));
    for (size_t i = 0; i < whole.n; i++)
        out->utf8 = out->utf8 || is_high(whole.p[i]);
    return is_utf8(whole) && write_path(out);
}

int smtp_take_path(struct cur *c, struct smtp_path *out)
{
    *out = (struct smtp_path){ .domain = { "", 0 } };
    if (!cur_byte(c, '<'))
        return cur_fail(c, "501 5.1.7 An address stands in angle brackets");
    if (cur_byte(c, '>'))
        return 1;
    if (!take_mailbox(c, out) || !cur_byte(c, '>'))
        return cur_fail(c, "501 5.1.3 Bad address syntax");
    return 1;
}

/* param = SP keyword [ "=" 1*( %d33-60 / %d62-126 / UTF8 ) ]    ; RFC 5321 4.1.2 */
static int take_param(struct cur *c, struct span *keyword, struct span *value)
{
    const char *start;

    if (!cur_byte(c, ' '))
        return cur_done(c) ? 0 : -1;
    while (cur_byte(c, ' ')) /* some clients put two, or one at the end */
        ;
    if (cur_done(c))
        return 0;
    start = c->p;
    while (c->p < c->end && (is_alnum(*c->p) || *c->p == '-'))
        c->p++;
    *keyword = span_of(start, (size_t)(c->p - start));
    *value = span_of("", 0);
    if (keyword->n == 0 || keyword->n > KEYWORD_MAX)
        return -1;
    if (cur_byte(c, '=')) {
        start = c->p;
        while (c->p < c->end && (unsigned char)*c->p > ' ' && *c->p != '=' &&
               *c->p != 0x7f)
            c->p++;
        *value = span_of(start, (size_t)(c->p - start));
        if (value->n == 0)
            return -1;
    }
    return 1;
}

/* size-value = 1*20DIGIT                                        ; RFC 1870 4 */
static bool read_size(struct span text, uint64_t *out)
{
    *out = 0;
    if (text.n == 0 || text.n > 20)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i]))
            return false;
        /* More than fits is more than any limit. */
        if (__builtin_mul_overflow(*out, 10U, out) ||
            __builtin_add_overflow(*out, (uint64_t)(text.p[i] - '0'), out)) {
            *out = UINT64_MAX;
            return true;
        }
    }
    return true;
}

/* NULL, or the reply. */
static const char *use_mail_param(struct smtp_mail *m, struct span key,
                                  struct span value)
{
    if (span_ieq_str(key, "SIZE"))
        return read_size(value, &m->size) ? NULL
                                          : "501 5.5.4 SIZE is a number of bytes";
    if (span_ieq_str(key, "BODY"))
        return span_ieq_str(value, "8BITMIME") || span_ieq_str(value, "7BIT")
                   ? NULL
                   : "501 5.5.4 BODY is 7BIT or 8BITMIME";
    if (span_ieq_str(key, "SMTPUTF8") && value.n == 0) {
        m->smtputf8 = true;
        return NULL;
    }
    return "555 5.5.4 Parameter not known here";
}

/* "FROM:" or "TO:" and the path; a blank behind the colon is forgiven (it is common).
 */
static bool take_head(struct cur *c, const char *word, struct smtp_path *path)
{
    if (!cur_word(c, word)) {
        c->why = "501 5.5.4 Syntax: MAIL FROM:<address>, RCPT TO:<address>";
        return false;
    }
    while (cur_byte(c, ' '))
        ;
    return smtp_take_path(c, path) == 1;
}

bool smtp_parse_mail(struct span args, struct smtp_mail *out, const char **reply)
{
    struct cur c = cur_of(args);
    struct span key, value;
    int rc;

    *out = (struct smtp_mail){ .size = 0 };
    if (!take_head(&c, "FROM:", &out->sender)) {
        *reply = c.why;
        return false;
    }
    while ((rc = take_param(&c, &key, &value)) == 1) {
        *reply = use_mail_param(out, key, value);
        if (*reply != NULL)
            return false;
    }
    if (rc < 0)
        *reply = "501 5.5.4 Bad parameter";
    else if (out->sender.utf8 && !out->smtputf8)
        *reply = "553 5.6.7 An address beyond ASCII needs SMTPUTF8";
    else
        *reply = NULL;
    return *reply == NULL;
}

bool smtp_parse_rcpt(struct span args, bool smtputf8, struct smtp_path *out,
                     const char **reply)
{
    struct cur c = cur_of(args);
    struct span key, value;
    int rc;

    if (!take_head(&c, "TO:", out)) {
        *reply = c.why;
        return false;
    }
    rc = take_param(&c, &key, &value);
    if (rc != 0)
        *reply =
            rc < 0 ? "501 5.5.4 Bad parameter" : "555 5.5.4 Parameter not known here";
    else if (out->local[0] == '\0')
        *reply = "501 5.1.3 A recipient is needed";
    else if (out->utf8 && !smtputf8)
        *reply = "553 5.6.7 An address beyond ASCII needs SMTPUTF8";
    else
        *reply = NULL;
    return *reply == NULL;
}

static int hex_value(char ch)
{
    if (is_digit(ch))
        return ch - '0';
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* xtext = *( %d33-42 / %d44-60 / %d62-126 / "+" 2HEXDIG )       ; RFC 3461 4 */
int smtp_take_xtext(struct cur *c, char *to, size_t room)
{
    size_t n = 0;

    while (c->p < c->end && *c->p != ' ') {
        char ch = *c->p++;

        if (ch == '+') {
            const int high = cur_done(c) ? -1 : hex_value(*c->p++);
            const int low = cur_done(c) ? -1 : hex_value(*c->p++);

            if (high < 0 || low < 0)
                return -1;
            ch = (char)(high << 4 | low);
            if (ch == '\0')
                return -1;
        } else if (ch < '!' || ch > '~' || ch == '=') {
            return -1;
        }
        if (n + 1 >= room)
            return -1;
        to[n++] = ch;
    }
    to[n] = '\0';
    return 1;
}

static bool is_unknown(const char *value)
{
    return strcmp(value, "[UNAVAILABLE]") == 0 || strcmp(value, "[TEMPUNAVAIL]") == 0;
}

static bool use_addr(struct smtp_xforward *x, const char *value)
{
    struct sockaddr_in *const v4 = (struct sockaddr_in *)&x->client;
    struct sockaddr_in6 *const v6 = (struct sockaddr_in6 *)&x->client;
    struct cur c = cur_of(span_str(value));

    x->client = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
    if (is_unknown(value))
        return true;
    if (inet_pton(AF_INET, value, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return true;
    }
    (void)cur_word(&c, "IPV6:");
    if (inet_pton(AF_INET6, c.p, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        return true;
    }
    return false;
}

static bool use_ident(struct smtp_xforward *x, const char *value)
{
    return span_copy(x->ident, sizeof x->ident,
                     is_unknown(value) ? span_of("", 0) : span_str(value));
}

static bool use_nothing(struct smtp_xforward *x, const char *value)
{
    (void)x, (void)value;
    return true;
}

static const struct {
    const char *name;
    bool (*use)(struct smtp_xforward *x, const char *value);
} attributes[] = {
    { "NAME", use_nothing },   { "ADDR", use_addr },    { "PORT", use_nothing },
    { "PROTO", use_nothing },  { "HELO", use_nothing }, { "IDENT", use_ident },
    { "SOURCE", use_nothing },
};

/* attribute = name "=" xtext */
static bool take_attribute(struct cur *c, struct smtp_xforward *x)
{
    char value[SMTP_ATTRIBUTE_ROOM];
    const char *const start = c->p;
    struct span name;

    while (c->p < c->end && is_alpha(*c->p))
        c->p++;
    name = span_of(start, (size_t)(c->p - start));
    if (!cur_byte(c, '=') || smtp_take_xtext(c, value, sizeof value) != 1)
        return false;
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (span_ieq_str(name, attributes[i].name))
            return attributes[i].use(x, value);
    return false;
}

bool smtp_parse_xforward(struct span args, struct smtp_xforward *x, const char **reply)
{
    struct smtp_xforward next = *x;
    struct cur c = cur_of(args);

    do {
        while (cur_byte(&c, ' '))
            ;
        if (!take_attribute(&c, &next)) {
            *reply = "501 5.5.4 Syntax: XFORWARD attribute=value ...";
            return false;
        }
        while (cur_byte(&c, ' '))
            ;
    } while (!cur_done(&c));
    *x = next;
    return true;
}

enum smtp_local smtp_read_local(const char *local, uint8_t alias[SMTP_ALIAS_BYTES],
                                struct span *number)
{
    struct span s = span_str(local);
    const char *const plus = s.n < 2 ? NULL : memchr(s.p + 1, '+', s.n - 1);
    struct cur c;

    if (plus != NULL)
        s.n = (size_t)(plus - s.p);
    c = cur_of(s);
    if (cur_word(&c, "r-") &&
        b32_take(span_of(c.p, cur_left(&c)), alias, SMTP_ALIAS_BYTES))
        return SMTP_LOCAL_ALIAS;
    *number = s;
    return SMTP_LOCAL_NUMBER;
}
