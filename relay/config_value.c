/* SPDX-License-Identifier: ISC */
/* config_value.c - the values of sealpost.conf, each checked and put in its field.
 * Here:       one setter a kind of value.
 * Elsewhere:  which key is of which kind (config_keys.c), the grammar of addresses,
 *             networks, durations and sizes (config_parse.c).
 * Called by:  config.c. */
#include "relay/config_value.h"
#include "relay/auth.h"
#include "relay/utf8.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD "5.3.5"
#define SHOWN 80
#define ADDRESS_MAX_BYTES 254U /* RFC 5321 4.5.3.1.3, without the brackets */
#define LIST_MAX 1024U
#define REGEX_MAX 1000U
#define URL_MAX 2000U
#define SECRET_MAX 500U

static int refuse(struct err *e, const char *text, const char *allowed)
{
    return err_set(e, ERR_PERM, BAD, "\"%.*s\" is not allowed: %s", SHOWN, text,
                   allowed);
}

char *config_copy(struct span s, struct err *e)
{
    char *const copy = strndup(s.p, s.n);

    if (copy == NULL)
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    return copy;
}

static int put_copy(void *field, struct span s, struct err *e)
{
    char *const copy = config_copy(s, e);

    if (copy == NULL)
        return -1;
    free(*(char **)field);
    *(char **)field = copy;
    return 0;
}

static bool is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool is_alnum(char ch)
{
    return is_letter(ch) || is_digit(ch);
}

/* 1 to most bytes, each a letter, a digit or one of more. */
static bool is_word(const char *text, const char *more, size_t most)
{
    size_t n = 0;

    for (; text[n] != '\0'; n++)
        if (n == most || (!is_alnum(text[n]) && strchr(more, text[n]) == NULL))
            return false;
    return n > 0;
}

bool config_is_name(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            return false;
    return is_word(text, "-_", CONFIG_ACCOUNT_MAX);
}

int config_set_text(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    struct cur c = cur_of(span_str(text));
    uint32_t character;
    uint64_t count = 0;

    (void)dir;
    while (take_utf8(&c, &character) == 1) {
        if (character < ' ' || (character >= 0x7f && character < 0xa0))
            return refuse(e, text, "no control characters");
        count++;
    }
    if (!cur_done(&c) || count < key->least || count > key->most)
        return refuse(e, text, key->allowed);
    return put_copy(field, span_str(text), e);
}

int config_set_path(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    char *path;

    if (text[0] == '/')
        return put_copy(field, span_str(text), e);
    if (text[0] == '\0')
        return refuse(e, text, key->allowed);
    if (asprintf(&path, "%s/%s", dir, text) < 0)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    free(*(char **)field);
    *(char **)field = path;
    return 0;
}

int config_set_file(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    struct stat st;
    const char *path;
    int fd;

    if (config_set_path(key, dir, text, field, e) != 0)
        return -1;
    path = *(char **)field;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return err_set(e, ERR_PERM, BAD, "%s is not a file", path);
    }
    (void)close(fd);
    return 0;
}

/* host = label *("." label); label = 1*63(letter / digit / "-"), no "-" at its ends */
static bool is_host(struct span s)
{
    size_t label = 0;
    char before = '.';

    if (s.n == 0 || s.n > 253)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        const char ch = s.p[i];

        if (ch == '.' ? label == 0 || before == '-'
                      : (!is_alnum(ch) && ch != '-') || (ch == '-' && label == 0))
            return false;
        label = ch == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
        before = ch;
    }
    return label > 0 && before != '-';
}

static void lower(char *text)
{
    for (char *p = text; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
}

static int put_lower(void *field, struct span s, struct err *e)
{
    if (put_copy(field, s, e) != 0)
        return -1;
    lower(*(char **)field);
    return 0;
}

int config_set_host(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    (void)dir;
    if (!is_host(span_str(text)))
        return refuse(e, text, key->allowed);
    return put_lower(field, span_str(text), e);
}

/* url = "https://" host [":" 1*5DIGIT] ["/"]; the slash is dropped */
int config_set_url(const struct config_key *key, const char *dir, const char *text,
                   void *field, struct err *e)
{
    struct cur c = cur_of(span_str(text));
    struct span host;
    size_t n = 0;
    uint64_t port = 0;

    (void)dir;
    if (!cur_word(&c, "https://"))
        return refuse(e, text, key->allowed);
    while (n < cur_left(&c) && c.p[n] != ':' && c.p[n] != '/')
        n++;
    (void)cur_span(&c, n, &host);
    if (!is_host(host))
        return refuse(e, text, key->allowed);
    if (cur_byte(&c, ':')) {
        while (!cur_done(&c) && is_digit(*c.p) && port <= 65535)
            port = port * 10 + (uint64_t)(*c.p++ - '0');
        if (port < 1 || port > 65535)
            return refuse(e, text, key->allowed);
    }
    n = (size_t)(c.p - text);
    (void)cur_byte(&c, '/');
    if (!cur_done(&c))
        return refuse(e, text, key->allowed);
    return put_lower(field, span_of(text, n), e);
}

int config_set_region(const struct config_key *key, const char *dir, const char *text,
                      void *field, struct err *e)
{
    (void)dir;
    if (text[0] != '\0') {
        if (strlen(text) != 2 || !is_letter(text[0]) || !is_letter(text[1]))
            return refuse(e, text, key->allowed);
        for (size_t i = 0; i < 2; i++)
            if (text[i] >= 'a')
                return refuse(e, text, key->allowed);
    }
    memcpy(field, text, strlen(text) + 1);
    return 0;
}

int config_set_language(const struct config_key *key, const char *dir, const char *text,
                        void *field, struct err *e)
{
    (void)dir;
    if (!is_word(text, "-", 15) || !is_letter(text[0]) || strlen(text) < 2)
        return refuse(e, text, key->allowed);
    memcpy(field, text, strlen(text) + 1);
    return 0;
}

int config_set_box_id(const struct config_key *key, const char *dir, const char *text,
                      void *field, struct err *e)
{
    (void)dir;
    if (!is_word(text, "-_", key->most))
        return refuse(e, text, key->allowed);
    return put_copy(field, span_str(text), e);
}

/* A number (short codes too) or a name of up to 11 letters, digits and blanks
 * (3GPP TS 23.040 9.1.2.5). */
int config_set_sms_sender(const struct config_key *key, const char *dir,
                          const char *text, void *field, struct err *e)
{
    const char *const digits = text + (text[0] == '+');
    const size_t count = strspn(digits, "0123456789");
    const bool is_number = digits[count] == '\0' && count >= 3 && count <= 15;
    const bool is_name =
        digits == text && digits[count] != '\0' && is_word(text, " ", 11);

    (void)dir;
    if (!is_number && !is_name)
        return refuse(e, text, key->allowed);
    return put_copy(field, span_str(text), e);
}

static int check_range(const struct config_key *key, const char *text, uint64_t value,
                       struct err *e)
{
    if (value < key->least || value > key->most)
        return refuse(e, text, key->allowed);
    return 0;
}

int config_set_number(const struct config_key *key, const char *dir, const char *text,
                      void *field, struct err *e)
{
    uint64_t value = 0;

    (void)dir;
    if (text[0] == '\0' || strlen(text) > 18)
        return refuse(e, text, key->allowed);
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_digit(*p))
            return refuse(e, text, key->allowed);
        value = value * 10 + (uint64_t)(*p - '0');
    }
    if (check_range(key, text, value, e) != 0)
        return -1;
    memcpy(field, &value, sizeof value);
    return 0;
}

int config_set_unsigned(const struct config_key *key, const char *dir, const char *text,
                        void *field, struct err *e)
{
    uint64_t value;

    if (config_set_number(key, dir, text, &value, e) != 0)
        return -1;
    *(unsigned *)field = (unsigned)value;
    return 0;
}

int config_set_mode(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    const size_t n = strlen(text);

    (void)dir;
    if (n < 3 || n > 4 || strspn(text, "01234567") != n || (n == 4 && text[0] != '0'))
        return refuse(e, text, key->allowed);
    *(unsigned *)field = (unsigned)strtoul(text, NULL, 8);
    return 0;
}

int config_set_duration(const struct config_key *key, const char *dir, const char *text,
                        void *field, struct err *e)
{
    uint64_t value;

    (void)dir;
    if (config_parse_duration(&value, text, e) != 0 ||
        check_range(key, text, value, e) != 0)
        return -1;
    memcpy(field, &value, sizeof value);
    return 0;
}

int config_set_wait(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    uint64_t value;

    if (config_set_duration(key, dir, text, &value, e) != 0)
        return -1;
    *(unsigned long *)field = (unsigned long)value;
    return 0;
}

int config_set_size(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    uint64_t value;

    (void)dir;
    if (config_parse_size(&value, text, e) != 0 ||
        check_range(key, text, value, e) != 0)
        return -1;
    memcpy(field, &value, sizeof value);
    return 0;
}

int config_set_choice(const struct config_key *key, const char *dir, const char *text,
                      void *field, struct err *e)
{
    (void)dir;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(text, key->words[i]) == 0) {
            *(bool *)field = i == 1;
            return 0;
        }
    return refuse(e, text, key->allowed);
}

int config_set_address(const struct config_key *key, const char *dir, const char *text,
                       void *field, struct err *e)
{
    (void)key;
    (void)dir;
    return config_parse_address(field, text, e);
}

int config_set_tcp(const struct config_key *key, const char *dir, const char *text,
                   void *field, struct err *e)
{
    struct config_address *const address = field;

    (void)dir;
    if (config_parse_address(address, text, e) != 0)
        return -1;
    if (address->sa.ss_family == AF_UNIX)
        return refuse(e, text, key->allowed);
    return 0;
}

/* pattern = local "@" domain, printable, no blanks; * stands for any run of bytes
 * without "@" */
static bool is_pattern(const char *text)
{
    const char *const at = strchr(text, '@');
    const size_t n = strlen(text);

    if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return false;
    return n <= ADDRESS_MAX_BYTES;
}

/* The list with room for one more at its end; NULL and *e. */
static char **one_more(struct config_words *list, const char *text, const char *allowed,
                       struct err *e)
{
    char **more;

    if (list->n == LIST_MAX) {
        (void)refuse(e, text, allowed);
        return NULL;
    }
    more = reallocarray(list->p, list->n + 1, sizeof *more);
    if (more == NULL) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
        return NULL;
    }
    list->p = more;
    return &more[list->n];
}

static int add_word(struct config_words *list, struct span word,
                    const struct config_key *key, struct err *e)
{
    char **const place = one_more(list, word.p, key->allowed, e);

    if (place == NULL || (*place = config_copy(word, e)) == NULL)
        return -1;
    list->n++;
    return 0;
}

void config_words_clear(struct config_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->p[i]);
    free(w->p);
    *w = (struct config_words){ 0 };
}

int config_set_senders(const struct config_key *key, const char *dir, const char *text,
                       void *field, struct err *e)
{
    (void)dir;
    if (!is_pattern(text))
        return refuse(e, text, key->allowed);
    return add_word(field, span_str(text), key, e);
}

static bool is_clean(const char *text)
{
    struct cur c = cur_of(span_str(text));
    uint32_t character;

    while (take_utf8(&c, &character) == 1)
        if (character < ' ' || (character >= 0x7f && character < 0xa0))
            return false;
    return cur_done(&c);
}

int config_set_words(const struct config_key *key, const char *dir, const char *text,
                     void *field, struct err *e)
{
    (void)dir;
    if (text[0] == '\0' || strlen(text) > key->most || !is_clean(text))
        return refuse(e, text, key->allowed);
    return add_word(field, span_str(text), key, e);
}

/* host-and-port = ["*."] host [":" 1*5DIGIT] / "[" IPv6 "]" [":" 1*5DIGIT]; inside
 * networks names may have "_". */
static bool is_host_and_port(const char *text)
{
    const char *const start = text + (strncmp(text, "*.", 2) == 0 ? 2 : 0);
    const char *const bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    const char *const colon = strchr(bracket == NULL ? start : bracket, ':');
    const size_t n = colon == NULL ? strlen(start) : (size_t)(colon - start);
    char address[INET6_ADDRSTRLEN], name[254];
    struct in6_addr in6;

    if (colon != NULL) {
        const size_t digits = strspn(colon + 1, "0123456789");

        if (digits < 1 || digits > 5 || colon[1 + digits] != '\0' ||
            atoi(colon + 1) < 1 || atoi(colon + 1) > 65535)
            return false;
    }
    if (bracket == NULL)
        return span_copy(name, sizeof name, span_of(start, n)) &&
               is_word(name, "-._", sizeof name - 1);
    return n >= 2 && text + n - 1 == bracket &&
           span_copy(address, sizeof address, span_of(text + 1, n - 2)) &&
           inet_pton(AF_INET6, address, &in6) == 1;
}

int config_set_hosts(const struct config_key *key, const char *dir, const char *text,
                     void *field, struct err *e)
{
    struct config_words *const list = field;

    (void)dir;
    if (!is_host_and_port(text))
        return refuse(e, text, key->allowed);
    if (add_word(list, span_str(text), key, e) != 0)
        return -1;
    lower(list->p[list->n - 1]);
    return 0;
}

int config_set_numbers(const struct config_key *key, const char *dir, const char *text,
                       void *field, struct err *e)
{
    const char *const digits = text + (text[0] == '+');
    const size_t n = strlen(digits);

    (void)dir;
    if (n < 1 || n > 15 || strspn(digits, "0123456789") != n)
        return refuse(e, text, key->allowed);
    return add_word(field, span_of(digits, n), key, e);
}

int config_set_networks(const struct config_key *key, const char *dir, const char *text,
                        void *field, struct err *e)
{
    struct config_networks *const list = field;
    struct config_network network, *more;

    (void)dir;
    if (config_parse_network(&network, text, e) != 0)
        return -1;
    if (list->n == LIST_MAX)
        return refuse(e, text, key->allowed);
    more = reallocarray(list->p, list->n + 1, sizeof *more);
    if (more == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    list->p = more;
    more[list->n++] = network;
    return 0;
}

int config_set_enum(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    (void)dir;
    for (size_t i = (size_t)key->least; i < 4 && key->words[i] != NULL; i++)
        if (strcmp(text, key->words[i]) == 0) {
            *(int *)field = (int)i;
            return 0;
        }
    return refuse(e, text, key->allowed);
}

struct config_regex {
    regex_t compiled;
};

int config_set_regex(const struct config_key *key, const char *dir, const char *text,
                     void *field, struct err *e)
{
    struct config_regex *r;
    char why[120];
    int rc;

    (void)dir;
    if (text[0] == '\0' || strlen(text) > REGEX_MAX)
        return refuse(e, text, key->allowed);
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    rc = regcomp(&r->compiled, text, REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        (void)regerror(rc, &r->compiled, why, sizeof why);
        free(r);
        return err_set(e, ERR_PERM, BAD, "\"%.40s\": %s", text, why);
    }
    *(struct config_regex **)field = r;
    return 0;
}

bool config_regex_has(const struct config_regex *r, const char *text)
{
    return regexec(&r->compiled, text, 0, NULL, 0) == 0;
}

void config_regex_free(struct config_regex *r)
{
    if (r != NULL)
        regfree(&r->compiled);
    free(r);
}

int config_set_http_url(const struct config_key *key, const char *dir, const char *text,
                        void *field, struct err *e)
{
    struct cur c = cur_of(span_str(text));

    (void)dir;
    if ((!cur_word(&c, "http://") && !cur_word(&c, "https://")) || cur_left(&c) == 0 ||
        *c.p == '/' || strlen(text) > URL_MAX)
        return refuse(e, text, key->allowed);
    for (const char *p = text; *p != '\0'; p++)
        if (*p <= ' ' || *p == 0x7f || (unsigned char)*p >= 0x80)
            return refuse(e, text, "no blanks, no control characters, ASCII only");
    return put_copy(field, span_str(text), e);
}

/* Without its text: errors are shown, mailed around and logged. */
static int refuse_hidden(struct err *e, const char *allowed)
{
    return err_set(e, ERR_PERM, BAD, "not allowed; allowed is %s", allowed);
}

int config_set_hidden(const struct config_key *key, const char *dir, const char *text,
                      void *field, struct err *e)
{
    if (config_set_text(key, dir, text, field, e) == 0)
        return 0;
    return e->class == ERR_TEMP ? -1 : refuse_hidden(e, key->allowed);
}

int config_set_secret(const struct config_key *key, const char *dir, const char *text,
                      void *field, struct err *e)
{
    (void)dir;
    for (size_t i = 0; i < 4 && key->words[i] != NULL; i++) {
        const size_t n = strlen(key->words[i]);

        if (text[0] != '{' || strncmp(text + 1, key->words[i], n) != 0 ||
            text[n + 1] != '}')
            continue;
        if (strlen(text) > SECRET_MAX || !is_clean(text))
            break;
        return auth_check_stored(text, e) != 0 ? -1
                                               : put_copy(field, span_str(text), e);
    }
    return refuse_hidden(e, key->allowed);
}

int config_set_color(const struct config_key *key, const char *dir, const char *text,
                     void *field, struct err *e)
{
    (void)dir;
    if (text[0] != '#' || strlen(text) != 7 ||
        strspn(text + 1, "0123456789abcdefABCDEF") != 6)
        return refuse(e, text, key->allowed);
    memcpy(field, text, 8);
    lower(field);
    return 0;
}

/* It stands in JSON as it is. */
int config_set_contact(const struct config_key *key, const char *dir, const char *text,
                       void *field, struct err *e)
{
    const char *const mailto = "mailto:";

    if (strpbrk(text, "\"\\") == NULL && strncmp(text, "https://", 8) == 0)
        return config_set_http_url(key, dir, text, field, e);
    if (strpbrk(text, "\"\\*") != NULL || strncmp(text, mailto, strlen(mailto)) != 0 ||
        !is_pattern(text + strlen(mailto)))
        return refuse(e, text, key->allowed);
    return put_copy(field, span_str(text), e);
}

int config_set_mailbox(const struct config_key *key, const char *dir, const char *text,
                       void *field, struct err *e)
{
    (void)dir;
    if (!is_pattern(text) || strchr(text, '*') != NULL)
        return refuse(e, text, key->allowed);
    return put_copy(field, span_str(text), e);
}
