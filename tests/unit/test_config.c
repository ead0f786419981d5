/* SPDX-License-Identifier: ISC */
/* test_config.c - sealpost.conf: what is taken, what is refused and how, and that
 * sealpost.conf(5) tells the truth about defaults and ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE "contrib/man/sealpost.conf.5"
#define SAMPLE "contrib/sealpost.conf"
#define ROOT_LEAST                                                  \
    "domain = sms.clinic.example\npublic-url = https://m.example\n" \
    "store = store\nkeys = keys\nmaster-key-file = secret\n"
#define LISTEN_LEAST "listen lmtp { address = unix:/run/x }\n"
#define KANNEL_LEAST "kannel main { address = 127.0.0.1:13001 sender = 61400000000 }\n"
#define ACCOUNT_LEAST "account a { brand = A senders = { \"*@a.example\" } }\n"
#define SCRYPT                                     \
    "{scrypt}ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw" \
    "$71MrULv6YuZMr-5TlqzaKGb6X4rZEs0_5cvElSZBr2s"
#define SHA256 \
    "{sha256}75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1a"
#define LEAST ROOT_LEAST LISTEN_LEAST KANNEL_LEAST ACCOUNT_LEAST

static char dir[32], path[64];

static void put_file(const char *name, const char *text, size_t n)
{
    char full[128];
    FILE *file;

    (void)snprintf(full, sizeof full, "%s/%s", dir, name);
    (void)unlink(full); /* some file systems wait for the disk on overwriting */
    file = fopen(full, "w");
    assert_non_null(file);
    if (n > 0)
        assert_int_equal(fwrite(text, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static int dir_make(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/sealpost-test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/sealpost.conf", dir);
    put_file("secret", "x", 1);
    return 0;
}

static int dir_remove(void **state)
{
    static const char *const names[] = { "secret", "sealpost.conf" };
    char full[128];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(full, sizeof full, "%s/%s", dir, names[i]);
        (void)unlink(full);
    }
    return rmdir(dir);
}

static struct config *load_bytes(const char *text, size_t n, struct err *e)
{
    put_file("sealpost.conf", text, n);
    e->text[0] = '\0';
    return config_load(path, e);
}

static struct config *load(const char *text)
{
    struct err e;
    struct config *const c = load_bytes(text, strlen(text), &e);

    if (c == NULL)
        fail_msg("%s\n%s", e.text, text);
    return c;
}

/* The text of the error without the directory. */
static const char *error_of(const char *text)
{
    static struct err e;
    struct config *const c = load_bytes(text, strlen(text), &e);

    if (c != NULL)
        fail_msg("taken: %s", text);
    assert_int_equal(e.class, ERR_PERM);
    assert_string_equal(e.status, "5.3.5");
    if (strncmp(e.text, path, strlen(path)) != 0)
        fail_msg("no file: %s", e.text);
    return e.text + strlen(path) + 1;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static char page[65536];

static int page_read(void **state)
{
    FILE *const file = fopen(PAGE, "r");
    size_t n;

    (void)state;
    assert_non_null(file);
    n = fread(page, 1, sizeof page - 1, file);
    assert_in_range(n, 1000, sizeof page - 2);
    page[n] = '\0';
    return fclose(file);
}

/* What the page says of a key behind a word: "Default", "Range". NULL: nothing. */
static const char *page_says(const char *section, const char *key, const char *word)
{
    static char said[512];
    char start[128];
    const char *item, *end, *at;

    (void)snprintf(start, sizeof start, "\n.Ss %s", section);
    item = strstr(page, start);
    assert_non_null(item);
    (void)snprintf(start, sizeof start, "\n.It Ic %s\n", key);
    item = strstr(item, start);
    if (item == NULL)
        fail_msg("sealpost.conf(5) lacks %s, %s", section, key);
    end = item + strcspn(item + 1, "\n") + 1;
    while (strncmp(end, "\n.It", 4) != 0 && strncmp(end, "\n.El", 4) != 0)
        end++;
    (void)snprintf(start, sizeof start, "\n%s: ", word);
    at = strstr(item, start);
    if (at == NULL || at > end)
        return NULL;
    at += strlen(start);
    (void)snprintf(said, sizeof said, "%.*s", (int)strcspn(at, "\n") - 1, at);
    return said;
}

enum where { IN_ROOT, IN_LISTEN, IN_HANDSET, IN_KANNEL, IN_MAIL, IN_ACCOUNT };
static const char *const headings[] = {
    [IN_ROOT] = "Keys outside", [IN_LISTEN] = "listen ", [IN_HANDSET] = "listen ",
    [IN_KANNEL] = "kannel ",    [IN_MAIL] = "mail",      [IN_ACCOUNT] = "account "
};

/* The least file with one line more, in the section that is meant. */
static const char *with(enum where where, const char *key, const char *value)
{
    static char text[4096];
    char line[1024];
    const char *extra[6] = { "", "", "", "", "", "" };

    line[0] = '\0';
    if (key[0] != '\0')
        (void)snprintf(line, sizeof line, "%s = %s\n", key, value);
    extra[where] = line;
    (void)snprintf(text, sizeof text,
                   ROOT_LEAST
                   "%s"
                   "listen lmtp { address = unix:/run/x\n%s}\n"
                   "listen handset { address = 127.0.0.1:8443\n"
                   "certificate = secret\nkey = secret\n%s}\n"
                   "kannel main { address = 127.0.0.1:13001\n"
                   "sender = 61400000000\n%s}\n"
                   "mail {\n%s}\n"
                   "account a { brand = A\nsenders = { \"*@a.example\" }\n%s}\n",
                   extra[IN_ROOT], extra[IN_LISTEN], extra[IN_HANDSET],
                   extra[IN_KANNEL], extra[IN_MAIL], extra[IN_ACCOUNT]);
    return text;
}

enum kind {
    STRING,
    ADDRESS,
    BYTES,
    WORDS, /* a list: the page has its texts, a comma and a blank between them */
    NONE   /* a pointer or a list, empty when it is not given: the page says "none" */
};
#define OF(type, field, kind) offsetof(type, field), sizeof((type *)NULL)->field, kind
#define ROOT(field, kind) OF(struct config, field, kind)
#define KANNEL(field, kind) OF(struct config_kannel, field, kind)
#define ACCOUNT(field, kind) OF(struct config_account, field, kind)
static const struct key_row {
    enum where where;
    const char *key;
    size_t offset, bytes;
    enum kind kind;
    const char *outside; /* just out of the range, refused */
} key_rows[] = {
    { IN_ROOT, "operator-contact", ROOT(operator_contact, NONE), "\"\"" },
    { IN_ROOT, "region", ROOT(region, BYTES), "au" },
    { IN_ROOT, "templates", ROOT(templates, STRING), NULL },
    { IN_ROOT, "number-check", ROOT(number_check_line, BYTES), "sure" },
    { IN_ROOT, "message-size-limit", ROOT(message_size_limit, BYTES), "65535" },
    { IN_ROOT, "reserve", ROOT(reserve, BYTES), "1025GiB" },
    { IN_ROOT, "store-cache", ROOT(store_cache, BYTES), "1MB" },
    { IN_ROOT, "retention", ROOT(retention_s, BYTES), "366d" },
    { IN_ROOT, "notice-interval", ROOT(notice_interval_s, BYTES), "0s" },
    { IN_ROOT, "otp-digits", ROOT(otp_digits, BYTES), "3" },
    { IN_ROOT, "otp-lifetime", ROOT(otp_lifetime_s, BYTES), "59s" },
    { IN_ROOT, "otp-per-number", ROOT(otp_per_number, BYTES), "0" },
    { IN_ROOT, "otp-per-client", ROOT(otp_per_client, BYTES), "1000001" },
    { IN_ROOT, "otp-per-network", ROOT(otp_per_network, BYTES), "-1" },
    { IN_ROOT, "otp-direction", ROOT(otp_direction, BYTES), "none" },
    { IN_ROOT, "otp-smscs", ROOT(otp_smscs, NONE), "\"\"" },
    { IN_ROOT, "otp-check-at-handset", ROOT(otp_check_at_handset, BYTES), "true" },
    { IN_ROOT, "confirm-wait", ROOT(confirm_wait_s, BYTES), "8d" },
    { IN_ROOT, "stop-words", ROOT(stop_words, WORDS), "\"\"" },
    { IN_ROOT, "start-words", ROOT(start_words, WORDS), "\"\"" },
    { IN_ROOT, "help-words", ROOT(help_words, WORDS), "\"\"" },
    { IN_ROOT, "wrong-words", ROOT(wrong_words, WORDS), "\"\"" },
    { IN_ROOT, "all-words", ROOT(all_words, WORDS),
      "1234567890123456789012345678901234567890123456789012345678901234" },
    { IN_ROOT, "mo-account", ROOT(mo_account, NONE), "\"\"" },
    { IN_ROOT, "callback-wait", ROOT(callback_wait_s, BYTES), "59s" },
    { IN_ROOT, "device-idle-browser", ROOT(idle_browser_s, BYTES), "3651d" },
    { IN_ROOT, "device-idle-installed", ROOT(idle_installed_s, BYTES), "0d" },
    { IN_ROOT, "device-idle-shared", ROOT(idle_shared_s, BYTES), "25h" },
    { IN_ROOT, "push-wait", ROOT(push_wait_s, BYTES), "25h" },
    { IN_ROOT, "push-hosts", ROOT(push_hosts, WORDS), "https://a.example" },
    { IN_ROOT, "push-networks", ROOT(push_networks, NONE), NULL },
    { IN_ROOT, "push-ca", ROOT(push_ca, NONE), "\"\"" },
    { IN_ROOT, "sms-parts", ROOT(sms_parts, BYTES), "11" },
    { IN_ROOT, "fronts", ROOT(fronts, BYTES), "17" },
    { IN_ROOT, "drain", ROOT(drain_s, BYTES), "11min" },
    { IN_ROOT, "log-level", ROOT(log_debug, BYTES), "warn" },
    { IN_ROOT, "log-to", ROOT(log_syslog, BYTES), "file" },
    { IN_MAIL, "server", ROOT(mail_server, ADDRESS), NULL },
    { IN_LISTEN, "mode", OF(struct config_listen, mode, BYTES), "1777" },
    { IN_HANDSET, "connections", OF(struct config_listen, connections, BYTES), "0" },
    { IN_KANNEL, "box-id", OF(struct config_kannel, box_id, STRING), "\"a b\"" },
    { IN_KANNEL, "tls", KANNEL(tls, BYTES), "true" },
    { IN_KANNEL, "tls-ca", KANNEL(tls_ca, NONE), "\"\"" },
    { IN_KANNEL, "tls-name", KANNEL(tls_name, NONE), "a_b" },
    { IN_KANNEL, "throughput", KANNEL(throughput, BYTES), "100001" },
    { IN_ACCOUNT, "daily-limit", ACCOUNT(daily_limit, BYTES), "0" },
    { IN_ACCOUNT, "language", ACCOUNT(language, BYTES), "e" },
    { IN_ACCOUNT, "color", ACCOUNT(color, NONE), "\"#12345g\"" },
    { IN_ACCOUNT, "logo", ACCOUNT(logo, NONE), "secret" },
    { IN_ACCOUNT, "notice-brand", ACCOUNT(notice_brand, BYTES), "maybe" },
    { IN_ACCOUNT, "denied-networks", ACCOUNT(denied_networks, NONE), NULL },
    { IN_ACCOUNT, "password", ACCOUNT(password, NONE), "\"{sha256}x\"" },
    { IN_ACCOUNT, "token", ACCOUNT(token, NONE), "\"" SCRYPT "\"" },
    { IN_ACCOUNT, "secure", ACCOUNT(secure, BYTES), "1" },
    { IN_ACCOUNT, "plain", ACCOUNT(plain, BYTES), "0" },
    { IN_ACCOUNT, "faked-sender", ACCOUNT(faked_sender, NONE),
      "12345678901234567890123456789012" },
    { IN_ACCOUNT, "default-sender", ACCOUNT(default_sender, NONE), "\"\"" },
    { IN_ACCOUNT, "forced-smsc", ACCOUNT(forced_smsc, NONE), "\"\"" },
    { IN_ACCOUNT, "default-smsc", ACCOUNT(default_smsc, NONE),
      "1234567890123456789012345678901234567890123456789012345678901234" },
    { IN_ACCOUNT, "max-messages", ACCOUNT(max_messages, BYTES), "256" },
    { IN_ACCOUNT, "concatenation", ACCOUNT(concatenation, BYTES), "maybe" },
    { IN_ACCOUNT, "allowed-prefix", ACCOUNT(allowed_prefix, NONE), "\"+\"" },
    { IN_ACCOUNT, "denied-prefix", ACCOUNT(denied_prefix, NONE), "\"0061 4\"" },
    { IN_ACCOUNT, "white-list", ACCOUNT(white_list, NONE), "1234567890123456" },
    { IN_ACCOUNT, "black-list", ACCOUNT(black_list, NONE), "\"61;62\"" },
    { IN_ACCOUNT, "white-list-regex", ACCOUNT(white_list_regex, NONE), "\"\"" },
    { IN_ACCOUNT, "black-list-regex", ACCOUNT(black_list_regex, NONE), "\"\"" },
    { IN_ACCOUNT, "immediate-sendsms-reply", ACCOUNT(immediate_reply, BYTES), "1" },
    { IN_ACCOUNT, "reply-url", ACCOUNT(reply_url, NONE), "ftp://a.example/" },
    { IN_ACCOUNT, "reply-mail", ACCOUNT(reply_mail, NONE), "\"*@a.example\"" },
    { IN_ACCOUNT, "dlr-url", ACCOUNT(dlr_url, NONE), "http:///x" },
    { IN_ACCOUNT, "callback-secret", ACCOUNT(callback_secret, NONE),
      "123456789012345" },
    { IN_ACCOUNT, "callback-hosts", ACCOUNT(callback_hosts, NONE), "http://a.example" },
    { IN_ACCOUNT, "callback-networks", ACCOUNT(callback_networks, NONE), NULL },
};
#define KEY_ROWS (sizeof key_rows / sizeof key_rows[0])

static const void *field_of(const struct config *c, const struct key_row *row)
{
    const void *const bases[] = {
        [IN_ROOT] = c,
        [IN_MAIL] = c,
        [IN_LISTEN] = &c->listens[0],
        [IN_HANDSET] = &c->listens[1],
        [IN_KANNEL] = &c->kannels[0],
        [IN_ACCOUNT] = &c->accounts[0],
    };

    return (const char *)bases[row->where] + row->offset;
}

static void assert_same_words(const struct config_words *a,
                              const struct config_words *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_string_equal(a->p[i], b->p[i]);
}

static void assert_same_field(const struct config *a, const struct config *b,
                              const struct key_row *row)
{
    const void *const in_a = field_of(a, row), *const in_b = field_of(b, row);

    if (row->kind == STRING)
        assert_string_equal(*(char *const *)in_a, *(char *const *)in_b);
    else if (row->kind == ADDRESS)
        assert_string_equal(((const struct config_address *)in_a)->text,
                            ((const struct config_address *)in_b)->text);
    else if (row->kind == WORDS)
        assert_same_words(in_a, in_b);
    else
        assert_memory_equal(in_a, in_b, row->bytes);
}

/* The default of the page as a value: quoted, a list in braces. */
static void value_of(const struct key_row *row, const char *said, char *out,
                     size_t room)
{
    size_t n;

    if (row->kind != WORDS) {
        (void)snprintf(out, room, said[0] == '"' ? "%s" : "\"%s\"", said);
        return;
    }
    n = (size_t)snprintf(out, room, "{ \"");
    for (const char *p = said; *p != '\0' && n + 8 < room; p++)
        if (strncmp(p, ", ", 2) == 0) {
            n += (size_t)snprintf(out + n, room - n, "\", \"");
            p++;
        } else {
            out[n++] = *p;
        }
    (void)snprintf(out + n, room - n, "\" }");
}

static void assert_empty(const struct config *bare, const struct key_row *row)
{
    static const uint8_t zero[sizeof(struct config_words)];

    assert_in_range(row->bytes, sizeof(void *), sizeof zero);
    assert_memory_equal(field_of(bare, row), zero, row->bytes);
}

/* The default as the page has it, set as a value, changes nothing. */
static void each_default_is_the_one_of_the_page(void **state)
{
    struct config *const bare = load(with(IN_ROOT, "", ""));

    (void)state;
    for (size_t i = 0; i < KEY_ROWS; i++) {
        const struct key_row *const row = &key_rows[i];
        const char *said = page_says(headings[row->where], row->key, "Default");
        char value[600];
        struct config *c;

        if (said == NULL)
            fail_msg("sealpost.conf(5): no default for %s", row->key);
        if (row->kind == NONE) {
            if (strcmp(said, "none") != 0)
                fail_msg("sealpost.conf(5): %s, for %s", said, row->key);
            assert_empty(bare, row);
            continue;
        }
        value_of(row, said, value, sizeof value);
        c = load(with(row->where, row->key, value));
        assert_same_field(bare, c, row);
        config_free(c);
    }
    config_free(bare);
}

/* The error of a value outside the range names the range that the page names. */
static void each_range_is_the_one_of_the_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_ROWS; i++) {
        const struct key_row *const row = &key_rows[i];
        const char *said;

        if (row->outside == NULL)
            continue;
        said = page_says(headings[row->where], row->key, "Range");
        if (said == NULL)
            fail_msg("sealpost.conf(5): no range for %s", row->key);
        assert_contains(error_of(with(row->where, row->key, row->outside)), said);
    }
}

/* No key on the page that is not in a row or below; each of these is "Required." or
 * has a test of its own. */
static void the_page_has_no_other_keys(void **state)
{
    static const char *const others[] = {
        "domain",       "public-url",  "store",    "keys",     "master-key-file",
        "address",      "certificate", "key",      "helo",     "brand",
        "senders",      "sender",      "networks", "username", "otp-to",
        "push-contact", "operator"
    };
    const char *at = page;

    (void)state;
    while ((at = strstr(at, "\n.It Ic ")) != NULL) {
        const size_t n = strcspn(at += strlen("\n.It Ic "), "\n");
        bool known = false;

        for (size_t i = 0; i < KEY_ROWS; i++)
            known = known ||
                    (strlen(key_rows[i].key) == n && !strncmp(key_rows[i].key, at, n));
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            known = known || (strlen(others[i]) == n && !strncmp(others[i], at, n));
        if (!known)
            fail_msg("no test for %.*s", (int)n, at);
    }
    assert_string_equal(page_says("mail", "helo", "Default"), "the domain");
    assert_string_equal(page_says("Keys outside", "operator", "Default"), "the domain");
    assert_string_equal(page_says("account ", "networks", "Default"), "any");
    assert_string_equal(page_says("Keys outside", "push-contact", "Default"),
                        "mailto:postmaster@ and the domain");
    assert_string_equal(page_says("account ", "username", "Default"),
                        "the name of the account");
    assert_string_equal(page_says("Keys outside", "otp-to", "Default"),
                        "the sender of the first kannel section");
}

static void the_least_file_gives_every_default(void **state)
{
    struct config *const c = load(LEAST);
    char expected[64];

    (void)state;
    assert_string_equal(c->path, path);
    assert_string_equal(c->domain, "sms.clinic.example");
    assert_string_equal(c->public_url, "https://m.example");
    assert_string_equal(c->public_host, "m.example");
    assert_string_equal(c->mail_helo, "sms.clinic.example");
    assert_string_equal(c->push_contact, "mailto:postmaster@sms.clinic.example");
    (void)snprintf(expected, sizeof expected, "%s/store", dir);
    assert_string_equal(c->store, expected);
    assert_true(c->number_check_line);
    assert_int_equal(c->message_size_limit, 10240000);
    assert_int_equal(c->retention_s, 30 * 86400);
    assert_int_equal(c->otp_per_network, 300);
    assert_int_equal(c->idle_browser_s, 6 * 86400);
    assert_int_equal(c->drain_s, 10);
    assert_false(c->log_debug);
    assert_int_equal(c->listen_count, 1);
    assert_int_equal(c->listens[0].mode, 0660);
    assert_int_equal(c->listens[0].connections, 1000);
    assert_int_equal(c->kannel_count, 1);
    assert_string_equal(c->kannels[0].title, "main");
    assert_string_equal(c->kannels[0].sender, "61400000000");
    assert_int_equal(c->accounts[0].networks.n, 0);
    assert_string_equal(c->accounts[0].language, "en");
    assert_string_equal(c->accounts[0].username, "a");
    assert_string_equal(c->otp_to, "61400000000");
    assert_int_equal(c->otp_direction, OTP_SERVER);
    assert_int_equal(c->stop_words.n, 8);
    assert_string_equal(c->stop_words.p[0], "STOP");
    assert_string_equal(c->all_words.p[2], "Todo");
    assert_true(c->accounts[0].secure && c->accounts[0].plain);
    assert_true(c->accounts[0].concatenation);
    assert_int_equal(c->accounts[0].max_messages, 10);
    config_free(c);
}

/* The sample as shipped, its /etc/sealpost replaced by a directory that is there. */
static void the_sample_is_taken(void **state)
{
    char text[16384], changed[16384] = "";
    FILE *const file = fopen(SAMPLE, "r");
    struct config *c;
    size_t n, used = 0;

    (void)state;
    assert_non_null(file);
    n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    for (char *at = text, *next; *at != '\0'; at = next) {
        const bool is_file = strncmp(at, "\"/etc/sealpost/", 15) == 0;

        next = is_file ? strchr(at + 1, '"') + 1 : at + 1;
        memcpy(changed + used, is_file ? "secret" : at, is_file ? 6 : 1);
        used += is_file ? 6 : 1;
    }
    c = load(changed);
    assert_int_equal(c->listen_count, 3);
    assert_int_equal(c->accounts[0].senders.n, 2);
    assert_int_equal(c->accounts[0].daily_limit, 2000);
    assert_string_equal(c->store, "/var/lib/sealpost");
    assert_string_equal(c->listens[2].address.text, "0.0.0.0:8443");
    config_free(c);
}

/* A commented key of the sample shows its default. */
static void the_sample_shows_true_defaults(void **state)
{
    FILE *const file = fopen(SAMPLE, "r");
    char line[256], key[64], value[128];
    unsigned seen = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "# %63[a-z-] = %127[^ \n]", key, value) != 2)
            continue;
        if (value[0] == '"') {
            value[strlen(value) - 1] = '\0';
            memmove(value, value + 1, strlen(value));
        }
        assert_string_equal(page_says("Keys outside", key, "Default"), value);
        seen++;
    }
    (void)fclose(file);
    assert_int_equal(seen, 24);
}

static void listen_may_be_repeated_and_keeps_its_order(void **state)
{
    struct config *const c = load(LEAST "listen lmtp { address = 127.0.0.1:24 }\n"
                                        "listen smtp { address = \"[::1]:25\" }\n"
                                        "listen lmtp { address = unix:/run/y\n"
                                        "mode = 0666 connections = 7 }\n"
                                        "kannel two { address = 127.0.0.1:1\n"
                                        "sender = Clinic }\n");
    static const char *const texts[] = { "unix:/run/x", "127.0.0.1:24", "[::1]:25",
                                         "unix:/run/y" };

    (void)state;
    assert_int_equal(c->listen_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(c->listens[i].address.text, texts[i]);
        assert_int_equal(c->listens[i].protocol, i == 2 ? LISTEN_SMTP : LISTEN_LMTP);
    }
    assert_int_equal(c->listens[3].mode, 0666);
    assert_int_equal(c->listens[3].connections, 7);
    assert_int_equal(c->listens[2].connections, 1000);
    assert_int_equal(c->kannel_count, 2);
    assert_ptr_equal(config_account(c, "a"), &c->accounts[0]);
    assert_null(config_account(c, "b"));
    config_free(c);
}

/* Everything that an application's account and a TLS link can have. */
static void applications_are_taken(void **state)
{
    struct config *const c = load(
        ROOT_LEAST
        "otp-direction = both otp-to = \"+61400000001\" otp-smscs = { own }\n"
        "stop-words = { } start-words = { los } mo-account = app confirm-wait = 1h\n"
        "listen sendsms { address = unix:/run/s mode = 0600 }\n"
        "listen sendsms { address = 127.0.0.1:1 certificate = secret key = secret }\n"
        "kannel main { address = 127.0.0.1:13001 sender = 61400000000 throughput = 20\n"
        "tls = yes tls-ca = secret tls-name = Box.example }\n"
        "account app { brand = A username = \"The App\" password = \"" SCRYPT "\"\n"
        "color = \"#0A7d5C\" notice-brand = no\n"
        "token = \"{plain}t\" denied-networks = { 10.0.0.0/8 } secure = no\n"
        "faked-sender = Clinic forced-smsc = one max-messages = 255\n"
        "allowed-prefix = { \"+61\", 62 } white-list = { 61412345678 }\n"
        "black-list-regex = \"^[+]614(00|99)\" reply-url = \"http://a.example/?%p\"\n"
        "callback-secret = \"sixteen letters!\" callback-networks = { 10.1.0.0/16 }\n"
        "callback-hosts = { App.example, \"*.b_c:8080\", \"[2001:db8::1]:1\", "
        "\"[::1]\",\n"
        "192.0.2.1:65535 } }\n"
        "account json { brand = A token = \"" SHA256 "\" }\n"
        "account mail { brand = A senders = { a@b } }\n");
    const struct config_account *const a = config_account(c, "app");

    (void)state;
    assert_int_equal(c->otp_direction, OTP_BOTH);
    assert_string_equal(c->otp_to, "+61400000001");
    assert_string_equal(c->otp_smscs.p[0], "own");
    assert_int_equal(c->stop_words.n, 0);
    assert_int_equal(c->start_words.n, 1);
    assert_string_equal(c->start_words.p[0], "los");
    assert_int_equal(c->confirm_wait_s, 3600);
    assert_string_equal(c->kannels[0].tls_name, "box.example");
    assert_int_equal(c->kannels[0].throughput, 20);
    assert_int_equal(c->listens[0].mode, 0600);
    assert_string_equal(a->color, "#0a7d5c");
    assert_string_equal(config_shown_name(c, a), "sms.clinic.example");
    assert_string_equal(config_shown_name(c, config_account(c, "json")), "A");
    assert_string_equal(config_shown_name(c, NULL), "sms.clinic.example");
    assert_string_equal(a->allowed_prefix.p[0], "61");
    assert_string_equal(a->allowed_prefix.p[1], "62");
    assert_true(config_regex_has(a->black_list_regex, "+61400111222"));
    assert_false(config_regex_has(a->black_list_regex, "+61410111222"));
    assert_string_equal(a->callback_hosts.p[0], "app.example");
    assert_int_equal(a->callback_hosts.n, 5);
    assert_ptr_equal(config_account_by_username(c, span_str("The App")), a);
    assert_null(config_account_by_username(c, span_str("app")));
    assert_null(config_account_by_username(c, span_str("json"))); /* no password */
    config_free(c);
}

static void values_are_written_in_many_ways(void **state)
{
    struct config *const c = load(
        "/* a\n * b */ domain = 'SMS.Clinic.example' // c\n"
        "public-url = \"https://M.example:8443/\" # it's \"c\"\n"
        "store = \"/a b\"\r\nkeys = /x//y\nmaster-key-file = 'secret'\n"
        "region = \"AU\" retention=1min /*/ x */ sms-parts = 1\n"
        "log-level = debug log-to = syslog number-check = possible\n"
        "push-contact = https://a.b/desk push-wait = 0s push-hosts = { P.example }\n"
        "mail { helo = 'out.example' server = 127.0.0.2:26 }\n"
        "account b_1-x { brand = \"Caf\xc3\xa9 \\\"$HOME\\\\\" senders = 'a@b'\n"
        "senders += { \"c*@d\", 'e@f' } networks = { ::1, 10.0.0.0/8 }\n"
        "language = de-AT daily-limit = 1 }\n" LISTEN_LEAST KANNEL_LEAST);

    (void)state;
    assert_string_equal(c->domain, "sms.clinic.example");
    assert_string_equal(c->public_url, "https://m.example:8443");
    assert_string_equal(c->public_host, "m.example");
    assert_string_equal(c->store, "/a b");
    assert_string_equal(c->keys, "/x//y");
    assert_string_equal(c->region, "AU");
    assert_int_equal(c->retention_s, 60);
    assert_int_equal(c->sms_parts, 1);
    assert_true(c->log_debug && c->log_syslog && !c->number_check_line);
    assert_string_equal(c->mail_helo, "out.example");
    assert_string_equal(c->mail_server.text, "127.0.0.2:26");
    assert_string_equal(c->push_contact, "https://a.b/desk");
    assert_int_equal(c->push_wait_s, 0);
    assert_int_equal(c->push_hosts.n, 1);
    assert_string_equal(c->push_hosts.p[0], "p.example");
    assert_string_equal(c->accounts[0].brand, "Caf\xc3\xa9 \"$HOME\\");
    assert_int_equal(c->accounts[0].senders.n, 3);
    assert_string_equal(c->accounts[0].senders.p[2], "e@f");
    assert_int_equal(c->accounts[0].networks.n, 2);
    assert_string_equal(c->accounts[0].language, "de-AT");
    config_free(c);
}

static const struct {
    const char *text, *error;
} refused_rows[] = {
    { "retenshun = 30d\n", "5: no such option 'retenshun'; see sealpost.conf(5)" },
    { "push-contact = desk@a.b\n", "5: push-contact: \"desk@a.b\" is not allowed" },
    { "push-contact = \"mailto:desk\"\n", "5: push-contact: " },
    { "push-contact = \"mailto:*@a.b\"\n", "5: push-contact: " },
    { "push-contact = \"http://a.b/\"\n", "5: push-contact: " },
    { "push-contact = 'https://a.b/\"'\n", "5: push-contact: " },
    { "\nretention = 30\n", "6: retention: \"30\" is no duration: write 90s" },
    { "retention = 0d\n", "5: retention: \"0d\" is not allowed: 1min to 365d" },
    { "retention =\n\n 0d\n", "7: retention: " },
    { "domain = a.b\ndomain = a.b\n", "6: domain: is given twice" },
    { "mail { helo = x } mail { }\n", "5: mail: is given twice" },
    { "mail {\n helo = x\n helo = y }\n", "7: mail: helo: is given twice" },
    { "\"mail|helo\" = x\n", "5: helo: stands outside its section" },
    { "mail { retention = 1d }\n", "5: no such option 'retention'" },
    { "mail { server = unix:/x }\n", "mail: server: \"unix:/x\" is not allowed" },
    { "mail { server = localhost:25 }\n", "5: mail: server: \"localhost:25\" is no" },
    { "domain = -a.b\n", "5: domain: \"-a.b\" is not allowed: a host name" },
    { "domain = a..b\n", "5: domain: " },
    { "domain = a-.b\n", "5: domain: " },
    { "domain = a.b.\n", "5: domain: " },
    { "domain = a_b\n", "5: domain: " },
    { "domain = \"\"\n", "5: domain: " },
    { "public-url = http://a.b\n", "5: public-url: \"http://a.b\" is not allowed" },
    { "public-url = https://a.b/c\n", "5: public-url: " },
    { "public-url = https://a.b:0\n", "5: public-url: " },
    { "public-url = https://a.b:65536\n", "5: public-url: " },
    { "public-url = https://a.b:\n", "5: public-url: " },
    { "public-url = https://u@a.b\n", "5: public-url: " },
    { "public-url = https://\n", "5: public-url: " },
    { "master-key-file = absent\n", "/absent: No such file or directory" },
    { "master-key-file = .\n", "/. is not a file" },
    { "store = \"\"\n", "5: store: " },
    { "sms-parts = 0x3\n", "5: sms-parts: \"0x3\" is not allowed: 1 to 10" },
    { "sms-parts = \"\"\n", "5: sms-parts: " },
    { "sms-parts = 99999999999999999999\n", "5: sms-parts: " },
    { "listen pop { address = unix:/x }\n",
      "5: listen pop: listen lmtp, smtp, handset or sendsms" },
    { "listen { address = unix:/x }\n", "5: missing title for section 'listen'" },
    { "listen lmtp {\n}\n", "6: listen lmtp: address: is required" },
    { "listen lmtp {\naddress = unix:x }", "6: listen lmtp: address: a socket's" },
    { "listen lmtp { address = unix:/x certificate = secret key = secret }\n",
      "5: listen lmtp: certificate: is for handset and sendsms only" },
    { "listen lmtp { address = 127.0.0.1:1 mode = 0600 }\n",
      "5: listen lmtp: mode: is for a unix: address only" },
    { "listen lmtp { address = unix:/x }\nlisten smtp { address = unix:/x }\n",
      "6: listen smtp: address: is listened on already" },
    { "listen handset { address = unix:/x certificate = secret key = secret }\n",
      "5: listen handset: address: handsets come by TCP" },
    { "listen handset { address = 127.0.0.1:1 certificate = secret }\n",
      "5: listen handset: key: is required for handset" },
    { "listen handset { address = 127.0.0.1:1 key = secret }\n",
      "5: listen handset: certificate: is required for handset" },
    { "listen handset { address = 127.0.0.1:1 certificate = absent }\n",
      "5: listen handset: certificate: " },
    { KANNEL_LEAST KANNEL_LEAST, "6: found duplicate title 'main'" },
    { "kannel main { sender = 123 }\n", "5: kannel main: address: is required" },
    { "kannel m { address = 127.0.0.1:1 }\n", "5: kannel m: sender: is required" },
    { "kannel m { sender = 12 }\n", "5: kannel m: sender: \"12\" is not allowed" },
    { "kannel m { sender = 1234567890123456 }\n", "5: kannel m: sender: " },
    { "kannel m { sender = NorthsideClinic }\n", "5: kannel m: sender: " },
    { "kannel m { sender = \"+Clinic\" }\n", "5: kannel m: sender: " },
    { "kannel M { }\n", "5: kannel M: a name has 1 to 63 of" },
    { "account \"a b\" { }\n", "5: account a b: a name has 1 to 63 of" },
    { "account \"\" { }\n", "5: account : a name has 1 to 63 of" },
    { ACCOUNT_LEAST ACCOUNT_LEAST, "6: found duplicate title 'a'" },
    { "account a { brand = A }\n", "5: account a: senders: is required" },
    { "account a { brand = A senders = { } }\n", "5: account a: senders: is req" },
    { "account a { senders = { a@b } }\n", "5: account a: brand: is required" },
    { "account a { senders = a@b senders = c@d }\n", "senders: is given twice" },
    { "account a { senders = { a@b, c } }\n", "senders: \"c\" is not allowed" },
    { "account a { senders = { a@b@c } }\n", "5: account a: senders: " },
    { "account a { senders = { \"a b@c\" } }\n", "5: account a: senders: " },
    { "account a { senders = { \"@c\" } }\n", "5: account a: senders: " },
    { "account a { senders = { \"a@\" } }\n", "5: account a: senders: " },
    { "account a { networks = { 10.0.0.1/8 } }\n", "networks: \"10.0.0.1/8\" has" },
    { "account a { brand = \"\" }\n", "5: account a: brand: " },
    { "account a { brand = \"\xff\" }\n", "5: account a: brand: " },
    { "account a { brand = \"\xc2\x85\" }\n", "5: account a: brand: " },
    { "account a { brand = 12345678901234567890123456789012345678901 }\n",
      "brand: \"12345678901234567890123456789012345678901\" is not allowed: 1 to" },
    { "operator = 12345678901234567890123456789012345678901\n", "5: operator: " },
    { "account a { color = \"0a7d5c\" }\n", "color: \"0a7d5c\" is not allowed: # and" },
    { "account a { color = \"#0a7d5\" }\n", "5: account a: color: " },
    { "account a { logo = absent.png }\n", "/absent.png: No such file" },
    { "account a { language = \"../x\" }\n", "5: account a: language: " },
    { "account a { language = a-much-too-long-tag }\n", "5: account a: language: " },
    { "account a { brand = A secure = no plain = no password = \"{plain}x\" }\n",
      "5: account a: plain: yes is required with secure = no" },
    { "account a { brand = A username = b senders = a@b }\n"
      "account b { brand = A senders = a@b }\n",
      "6: account b: username: another account has it" },
    { "account a { brand = A token = \"" SHA256 "\" }\n"
      "account b { brand = A token = \"" SHA256 "\" }\n",
      "6: account b: token: another account has it" },
    { "account a { networks = { 10.0.0.0/8 } denied-networks = { 10.1/16 } }\n",
      "denied-networks: \"10.1/16\" is no network" },
    { "account a { callback-networks = { all } }\n", "callback-networks: \"all\" is" },
    { "account a { white-list-regex = \"(\" }\n", "white-list-regex: \"(\": " },
    { "account a { reply-url = \"http://a b\" }\n", "reply-url: \"http://a b\" is" },
    { "account a { dlr-url = \"http://\xc3\xa9\" }\n", "ASCII only" },
    { "account a { callback-hosts = { \"*\" } }\n", "callback-hosts: \"*\" is not" },
    { "account a { callback-hosts = { a.example:0 } }\n", "callback-hosts: " },
    { "account a { callback-hosts = { a.example: } }\n", "callback-hosts: " },
    { "account a { callback-hosts = { a.example:65536 } }\n", "callback-hosts: " },
    { "account a { callback-hosts = { a.example:1x } }\n", "callback-hosts: " },
    { "account a { callback-hosts = { a/b } }\n", "callback-hosts: \"a/b\"" },
    { "account a { callback-hosts = { \"[::1\" } }\n", "callback-hosts: " },
    { "account a { callback-hosts = { \"[::1]x\" } }\n", "callback-hosts: " },
    { "account a { callback-hosts = { \"[1.2.3.4]\" } }\n", "callback-hosts: " },
    { "listen sendsms { address = 127.0.0.1:1 certificate = secret }\n",
      "5: listen sendsms: key: is required as well" },
    { "kannel m { address = 127.0.0.1:1 sender = 123 tls = yes }\n",
      "5: kannel m: tls-ca: is required with tls = yes" },
    { "kannel m { address = 127.0.0.1:1 sender = 123 tls-name = a }\n",
      "5: kannel m: tls-name: is for tls = yes only" },
    { "kannel m { tls-ca = absent }\n", "5: kannel m: tls-ca: " },
    { "otp-direction = none\n", "\"none\" is not allowed: server, handset or both" },
    { "region = AUS\n", "5: region: " },
    { "listen lmtp { address = unix:/x mode = 999 }\n", "mode: \"999\" is not all" },
    /* what libconfuse would take */
    { "mail {\n\n", "5: this { has no }" },
    { "mail { }\n}\n", "6: } without {" },
    { "/* open\n\n", "5: this comment has no end" },
    { "/*/ open\n\n", "5: this comment has no end" },
    { "\ndomain = \"a.b\n", "6: this line opens a quote and does not close it" },
    { "domain = 'a.b\n'", "5: this line opens a quote and does not close it" },
    { "domain = \"${HOME}\"\n", "5: ${ is not replaced here" },
    { "domain = ${HOME}\n", "5: ${ is not replaced here" },
    { "domain = a${HOME}\n", "5: ${ is not replaced here" },
    { "domain = \"a\\0b\"\n", "5: in quotes, \\ stands before a quote or" },
    { "domain = 'a\\", "5: in quotes, \\ stands before a quote or" },
    { "account a { senders = { *@a.b } }\n", "5: put a value with * + ( ) in quo" },
    { "kannel m { sender = +61 }\n", "5: put a value with * + ( ) in quotes" },
    { "domain = \"a\tb\x01\"\n", "5: a control character in quotes" },
    { "domain = a\rb\n", "5: a control character" },
    { "{{{{{{{{{", "5: braces are nested too deeply" },
    { "domain a.b\n", "5: missing equal sign after option 'domain'" },
    { "domain =\n", "6: premature end of file" },
};

/* Comments do not move the line; a line is the one of the value. */
static void an_error_names_line_key_and_what_is_allowed(void **state)
{
    static const char comments[] = "# one\n/* two\n three */\n// four\n";

    (void)state;
    for (size_t i = 0; i < sizeof refused_rows / sizeof refused_rows[0]; i++) {
        char text[1024];

        (void)snprintf(text, sizeof text, "%s%s", comments, refused_rows[i].text);
        assert_contains(error_of(text), refused_rows[i].error);
    }
}

/* What only the whole file shows: the least file and a line before it. */
static void what_does_not_fit_together_is_refused(void **state)
{
    static const struct {
        const char *line, *error;
    } rows[] = {
        { "mo-account = b\n", "mo-account: there is no such account" },
        { "mo-account = a\n",
          "mo-account: this account has no reply-url or reply-mail" },
        { "otp-direction = handset\notp-to = Clinic\n",
          "otp-to: a handset can send an SMS to a number only" },
        { "otp-direction = both\notp-to = Clinic\n", "otp-to: " },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];

        (void)snprintf(text, sizeof text, "%s%s", rows[i].line, LEAST);
        assert_contains(error_of(text), rows[i].error);
    }
}

/* A secret that was mistyped in some way is not in the error, which people mail. */
static void no_error_shows_a_secret(void **state)
{
    static const char *const lines[] = {
        "password = hunter",
        "password = \"hunter\"",
        "password = \"{sha256}hunter\"",
        "password = \"{scrypt}hunter\"",
        "password = \"{scrypt}ln=15,r=8,p=1$hunter$hunter\"",
        "password = \"{plain}hunter\xff\"",
        "password = \"{plain}\" hunter",
        "password = \"{plain}one\" hunter",
        "password = \"{plain}one\"hunter = x",
        "password = {plain}hunter",
        "password = { \"{plain}hunter\" }",
        "password \"{plain}hunter\"",
        "password += \"{plain}hunter\"",
        "password = \"{plain}hunter",
        "password = \"{plain}hunter${x}\"",
        "password = \"{plain}one\" password = \"{plain}hunter\"",
        "token = hunter",
        "token = \"{sha256}hunter\"",
        "token = \"{scrypt}hunter\"",
        "token = \"{sha256}"
        "75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de3454700hunter\"",
        "callback-secret = hunter",
        "callback-secret = \"hunter\xff hunter hunter\"",
        "callback-secret = long-enough-to-be-one hunter",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[1024];
        const char *error;

        (void)snprintf(text, sizeof text, ROOT_LEAST "account a { brand = A\n%s\n}\n",
                       lines[i]);
        error = error_of(text);
        if (strstr(error, "hunter") != NULL)
            fail_msg("%s", error);
        if (atoi(error) != 7)
            fail_msg("not line 7: %s", error);
    }
}

static void what_is_required_is_missed(void **state)
{
    static const char *const lines[] = { "domain = sms.clinic.example\n",
                                         "public-url = https://m.example\n",
                                         "store = store\n",
                                         "keys = keys\n",
                                         "master-key-file = secret\n",
                                         LISTEN_LEAST,
                                         KANNEL_LEAST,
                                         ACCOUNT_LEAST };

    (void)state;
    for (size_t without = 0; without < 8; without++) {
        char text[1024] = "", error[128];

        for (size_t i = 0; i < 8; i++)
            (void)strcat(text, i == without ? "" : lines[i]);
        (void)snprintf(error, sizeof error, "8: %.*s: %s",
                       (int)strcspn(lines[without], " "), lines[without],
                       without < 5 ? "is required"
                                   : "at least one section is required");
        assert_contains(error_of(text), error);
    }
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    char many[64] = "";
    struct err e;

    (void)state;
    assert_null(config_load("/nonexistent/sealpost.conf", &e));
    assert_string_equal(e.text,
                        "/nonexistent/sealpost.conf: No such file or directory");
    assert_null(config_load(dir, &e));
    assert_contains(e.text, "Is a directory");
    assert_null(load_bytes("domain = a\0b\n", 13, &e));
    assert_contains(e.text, ":1: a control character");
    assert_null(load_bytes(many, 0, &e));
    assert_contains(e.text, "domain: is required");
}

/* After a failure of any kind the next file is read as if it were the first. */
static void every_cut_of_a_file_is_taken_or_refused(void **state)
{
    static const char text[] =
        "# c\ndomain = \"sms.clinic.example\" /* d */\n"
        "public-url = 'https://m.example'\nstore = store\n"
        "keys = keys master-key-file = secret\n" LISTEN_LEAST LISTEN_LEAST KANNEL_LEAST
            ACCOUNT_LEAST;
    static const char good[] = LEAST;

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        struct err e;
        struct config *c = load_bytes(text, n, &e);

        assert_null(c); /* the whole has one address twice */
        assert_true(e.text[0] != '\0');
        if (n % 8 != 0)
            continue;
        c = load_bytes(good, sizeof good - 1, &e);
        assert_non_null(c);
        config_free(c);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, dir_make, dir_remove)
    const struct CMUnitTest tests[] = {
        CASE(each_default_is_the_one_of_the_page),
        CASE(each_range_is_the_one_of_the_page),
        CASE(the_page_has_no_other_keys),
        CASE(the_least_file_gives_every_default),
        CASE(the_sample_is_taken),
        CASE(the_sample_shows_true_defaults),
        CASE(listen_may_be_repeated_and_keeps_its_order),
        CASE(applications_are_taken),
        CASE(values_are_written_in_many_ways),
        CASE(an_error_names_line_key_and_what_is_allowed),
        CASE(what_does_not_fit_together_is_refused),
        CASE(no_error_shows_a_secret),
        CASE(what_is_required_is_missed),
        CASE(a_file_that_cannot_be_read_is_named),
        CASE(every_cut_of_a_file_is_taken_or_refused),
    };

    return cmocka_run_group_tests(tests, page_read, NULL);
}
