/* SPDX-License-Identifier: ISC */
/* config.c - sealpost.conf: which keys there are, and the struct that they fill.
 * Here:       the tables of keys, what a section needs, which account a sender is.
 * Elsewhere:  one value (config_value.c, config_parse.c), comments, quotes and braces
 *             (config_text.c), the words for people (sealpost.conf(5)).
 * Called by:  sealpostd.c at start, SIGHUP and -t; the lookups by the doors. */
#include "relay/config.h"
#include "relay/config_text.h"
#include "relay/config_value.h"
#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "5.3.5"
#define FILE_MAX_BYTES (1U << 20)
#define KEYS_MAX 56U /* below 64: what is seen is kept in bits */
#define DAY_S UINT64_C(86400)
#define MIB UINT64_C(1048576)

#define YES_OR_NO .allowed = "yes or no", .words = { "no", "yes" }
#define ROOT(field) .offset = offsetof(struct config, field)
#define WORDS(field)                                                               \
    config_set_words, ROOT(field), .fallback = "", .is_list = true,                \
                                   .allowed = "up to 1024 words of 1 to 63 bytes", \
                                   .most = 63
static const struct config_key root_keys[] = {
    { "domain", config_set_host, ROOT(domain), .allowed = "a host name" },
    { "public-url", config_set_url, ROOT(public_url),
      .allowed = "https://HOST or https://HOST:PORT" },
    { "region", config_set_region, ROOT(region), .fallback = "",
      .allowed = "two capital letters, or \"\"" },
    { "store", config_set_path, ROOT(store), .allowed = "a path" },
    { "keys", config_set_path, ROOT(keys), .allowed = "a path" },
    { "master-key-file", config_set_file, ROOT(master_key_file), .allowed = "a path" },
    { "templates", config_set_path, ROOT(templates),
      .fallback = "/usr/share/sealpost/templates", .allowed = "a path" },
    { "number-check", config_set_choice, ROOT(number_check_line), .fallback = "valid",
      .allowed = "valid or possible", .words = { "possible", "valid" } },
    { "message-size-limit", config_set_size, ROOT(message_size_limit),
      .fallback = "10240000", .allowed = "64KiB to 64MiB", .least = MIB / 16,
      .most = 64 * MIB },
    { "reserve", config_set_size, ROOT(reserve), .fallback = "64MiB",
      .allowed = "64KiB to 1024GiB", .least = MIB / 16, .most = MIB * MIB },
    { "store-cache", config_set_size, ROOT(store_cache), .fallback = "64MiB",
      .allowed = "1MiB to 64GiB", .least = MIB, .most = 65536 * MIB },
    { "retention", config_set_duration, ROOT(retention_s), .fallback = "30d",
      .allowed = "1min to 365d", .least = 60, .most = 365 * DAY_S },
    { "notice-interval", config_set_duration, ROOT(notice_interval_s),
      .fallback = "5min", .allowed = "1s to 30d", .least = 1, .most = 30 * DAY_S },
    { "otp-digits", config_set_unsigned, ROOT(otp_digits), .fallback = "6",
      .allowed = "4 to 10", .least = 4, .most = 10 },
    { "otp-lifetime", config_set_duration, ROOT(otp_lifetime_s), .fallback = "5min",
      .allowed = "60s to 7d", .least = 60, .most = 7 * DAY_S },
    { "otp-per-number", config_set_number, ROOT(otp_per_number), .fallback = "5",
      .allowed = "1 to 1000000", .least = 1, .most = 1000000 },
    { "otp-per-client", config_set_number, ROOT(otp_per_client), .fallback = "30",
      .allowed = "1 to 1000000", .least = 1, .most = 1000000 },
    { "otp-per-network", config_set_number, ROOT(otp_per_network), .fallback = "300",
      .allowed = "1 to 1000000", .least = 1, .most = 1000000 },
    { "otp-direction", config_set_enum, ROOT(otp_direction), .fallback = "server",
      .allowed = "server, handset or both",
      .words = { "none", "server", "handset", "both" }, .least = 1 },
    { "otp-smscs", config_set_words, ROOT(otp_smscs), .fallback = "", .is_list = true,
      .allowed = "up to 1024 names of SMSCs", .most = 63 },
    { "otp-to", config_set_sms_sender, ROOT(otp_to), .fallback = "",
      .allowed = "3 to 15 digits" },
    { "otp-check-at-handset", config_set_choice, ROOT(otp_check_at_handset),
      .fallback = "no", .allowed = "yes or no", .words = { "no", "yes" } },
    { "confirm-wait", config_set_duration, ROOT(confirm_wait_s), .fallback = "0s",
      .allowed = "0s to 7d", .least = 0, .most = 7 * DAY_S },
    { "stop-words", WORDS(stop_words) },
    { "start-words", WORDS(start_words) },
    { "help-words", WORDS(help_words) },
    { "wrong-words", WORDS(wrong_words) },
    { "all-words", WORDS(all_words) },
    { "mo-account", config_set_text, ROOT(mo_account), .fallback = "",
      .allowed = "the name of an account", .least = 1, .most = CONFIG_ACCOUNT_MAX },
    { "callback-wait", config_set_duration, ROOT(callback_wait_s), .fallback = "1d",
      .allowed = "1min to 30d", .least = 60, .most = 30 * DAY_S },
    { "device-idle-browser", config_set_duration, ROOT(idle_browser_s),
      .fallback = "6d", .allowed = "1s to 3650d", .least = 1, .most = 3650 * DAY_S },
    { "device-idle-installed", config_set_duration, ROOT(idle_installed_s),
      .fallback = "180d", .allowed = "1s to 3650d", .least = 1, .most = 3650 * DAY_S },
    { "sms-parts", config_set_unsigned, ROOT(sms_parts), .fallback = "3",
      .allowed = "1 to 10", .least = 1, .most = 10 },
    { "fronts", config_set_unsigned, ROOT(fronts), .fallback = "1",
      .allowed = "1 to 16", .least = 1, .most = 16 },
    { "drain", config_set_wait, ROOT(drain_s), .fallback = "10s",
      .allowed = "1s to 10min", .least = 1, .most = 600 },
    { "log-level", config_set_choice, ROOT(log_debug), .fallback = "info",
      .allowed = "info or debug", .words = { "info", "debug" } },
    { "log-to", config_set_choice, ROOT(log_syslog), .fallback = "stderr",
      .allowed = "stderr or syslog", .words = { "stderr", "syslog" } },
};

static const struct config_key mail_keys[] = {
    { "server", config_set_tcp, ROOT(mail_server), .fallback = "127.0.0.1:25",
      .allowed = "an IP address and a port" },
    { "helo", config_set_host, ROOT(mail_helo), .fallback = "", /* the domain */
      .allowed = "a host name" },
};

#define LISTEN(field) .offset = offsetof(struct config_listen, field)
static const struct config_key listen_keys[] = {
    { "address", config_set_address, LISTEN(address) },
    { "mode", config_set_mode, LISTEN(mode), .fallback = "0660",
      .allowed = "0000 to 0777" },
    { "certificate", config_set_file, LISTEN(certificate), .fallback = "",
      .allowed = "a path" },
    { "key", config_set_file, LISTEN(key), .fallback = "", .allowed = "a path" },
    { "connections", config_set_unsigned, LISTEN(connections), .fallback = "1000",
      .allowed = "1 to 65535", .least = 1, .most = 65535 },
};

#define KANNEL(field) .offset = offsetof(struct config_kannel, field)
static const struct config_key kannel_keys[] = {
    { "address", config_set_tcp, KANNEL(address),
      .allowed = "an IP address and a port" },
    { "box-id", config_set_box_id, KANNEL(box_id), .fallback = "sealpost",
      .allowed = "1 to 63 letters, digits, - and _", .most = 63 },
    { "sender", config_set_sms_sender, KANNEL(sender),
      .allowed = "3 to 15 digits, or 1 to 11 letters, digits and blanks" },
    { "tls", config_set_choice, KANNEL(tls), .fallback = "no", YES_OR_NO },
    { "tls-ca", config_set_file, KANNEL(tls_ca), .fallback = "", .allowed = "a path" },
    { "tls-name", config_set_host, KANNEL(tls_name), .fallback = "",
      .allowed = "a host name" },
    { "throughput", config_set_unsigned, KANNEL(throughput), .fallback = "0",
      .allowed = "0 (no limit) to 100000", .least = 0, .most = 100000 },
};

#define ACCOUNT(field) .offset = offsetof(struct config_account, field)
#define SENDER(field)                                                        \
    config_set_text, ACCOUNT(field), .fallback = "", .least = 1, .most = 31, \
                                     .allowed = "1 to 31 characters"
#define SMSC(field)                                                          \
    config_set_text, ACCOUNT(field), .fallback = "", .least = 1, .most = 63, \
                                     .allowed = "1 to 63 characters"
#define NUMBERS(field)                   \
    config_set_numbers, ACCOUNT(field),  \
        .fallback = "", .is_list = true, \
        .allowed = "up to 1024 numbers or their beginnings as +61 or 6141"
#define REGEX(field)                  \
    config_set_regex, ACCOUNT(field), \
        .fallback = "", .allowed = "a regular expression, at most 1000 bytes"
#define URL(field)                       \
    config_set_http_url, ACCOUNT(field), \
        .fallback = "",                  \
        .allowed = "http:// or https:// and a host, at most 2000 bytes"
static const struct config_key account_keys[] = {
    { "brand", config_set_text, ACCOUNT(brand), .allowed = "1 to 40 characters",
      .least = 1, .most = 40 },
    { "senders", config_set_senders, ACCOUNT(senders), .fallback = "", .is_list = true,
      .allowed = "up to 1024 patterns as *@clinic.example or desk@clinic.example" },
    { "networks", config_set_networks, ACCOUNT(networks), .fallback = "",
      .is_list = true, .allowed = "up to 1024 networks" },
    { "denied-networks", config_set_networks, ACCOUNT(denied_networks), .fallback = "",
      .is_list = true, .allowed = "up to 1024 networks" },
    { "daily-limit", config_set_number, ACCOUNT(daily_limit), .fallback = "1000",
      .allowed = "1 to 1000000000", .least = 1, .most = 1000000000 },
    { "language", config_set_language, ACCOUNT(language), .fallback = "en",
      .allowed = "a language tag as en or de-AT, at most 15 bytes" },
    { "username", config_set_text, ACCOUNT(username), .fallback = "",
      .allowed = "1 to 63 characters", .least = 1, .most = 63 },
    { "password", config_set_secret, ACCOUNT(password), .fallback = "",
      .allowed = "{plain}... or {scrypt}...", .words = { "plain", "scrypt" } },
    { "token", config_set_secret, ACCOUNT(token), .fallback = "",
      .allowed = "{plain}... or {sha256}...", .words = { "plain", "sha256" } },
    { "secure", config_set_choice, ACCOUNT(secure), .fallback = "yes", YES_OR_NO },
    { "plain", config_set_choice, ACCOUNT(plain), .fallback = "yes", YES_OR_NO },
    { "faked-sender", SENDER(faked_sender) },
    { "default-sender", SENDER(default_sender) },
    { "forced-smsc", SMSC(forced_smsc) },
    { "default-smsc", SMSC(default_smsc) },
    { "max-messages", config_set_unsigned, ACCOUNT(max_messages), .fallback = "10",
      .allowed = "1 to 255", .least = 1, .most = 255 },
    { "concatenation", config_set_choice, ACCOUNT(concatenation), .fallback = "yes",
      YES_OR_NO },
    { "allowed-prefix", NUMBERS(allowed_prefix) },
    { "denied-prefix", NUMBERS(denied_prefix) },
    { "white-list", NUMBERS(white_list) },
    { "black-list", NUMBERS(black_list) },
    { "white-list-regex", REGEX(white_list_regex) },
    { "black-list-regex", REGEX(black_list_regex) },
    { "immediate-sendsms-reply", config_set_choice, ACCOUNT(immediate_reply),
      .fallback = "no", YES_OR_NO },
    { "reply-url", URL(reply_url) },
    { "reply-mail", config_set_mailbox, ACCOUNT(reply_mail), .fallback = "",
      .allowed = "an address as desk@clinic.example" },
    { "dlr-url", URL(dlr_url) },
    { "callback-secret", config_set_text, ACCOUNT(callback_secret), .fallback = "",
      .allowed = "16 to 255 characters", .least = 16, .most = 255 },
    { "callback-hosts", config_set_words, ACCOUNT(callback_hosts), .fallback = "",
      .is_list = true, .most = 255,
      .allowed = "up to 1024 hosts as app.example, *.app.example or 192.0.2.1:8080" },
    { "callback-networks", config_set_networks, ACCOUNT(callback_networks),
      .fallback = "", .is_list = true, .allowed = "up to 1024 networks" },
};

/* A file being read. libconfuse's callbacks carry no pointer of ours, and its scanner
 * is global anyway. */
struct load {
    struct config *config;
    char *dir;
    struct err *e;
    bool failed; /* *e is filled; the first failure counts */
    uint64_t root_seen, section_seen;
    bool mail_seen;
    struct config_listen listen; /* the section under way */
    struct config_kannel kannel;
    struct config_account account;
};
static struct load *loading;

static int close_listen(struct load *l, cfg_t *sec);
static int close_kannel(struct load *l, cfg_t *sec);
static int close_mail(struct load *l, cfg_t *sec);
static int close_account(struct load *l, cfg_t *sec);

#define KEYS(list) list, sizeof(list) / sizeof(list)[0]
static const struct section {
    const char *name;
    const struct config_key *keys;
    size_t key_count;
    size_t offset;  /* of what it fills, in struct load */
    bool in_config; /* it fills struct config */
    cfg_flag_t flags;
    int (*close)(struct load *l, cfg_t *sec);
} sections[] = {
    { "root", KEYS(root_keys), 0, true, CFGF_NONE, NULL },
    { "mail", KEYS(mail_keys), 0, true, CFGF_NONE, close_mail },
    { "listen", KEYS(listen_keys), offsetof(struct load, listen), false,
      CFGF_MULTI | CFGF_TITLE, close_listen },
    { "kannel", KEYS(kannel_keys), offsetof(struct load, kannel), false,
      CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES, close_kannel },
    { "account", KEYS(account_keys), offsetof(struct load, account), false,
      CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES, close_account },
};
#define SECTION_COUNT (sizeof sections / sizeof sections[0])
static_assert(sizeof root_keys / sizeof root_keys[0] + SECTION_COUNT <= KEYS_MAX,
              "the sections and an end mark stand behind the keys");

static const struct section *section_named(const char *name)
{
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    return NULL;
}

static char *section_base(struct load *l, const struct section *s)
{
    return s->in_config ? (char *)l->config : (char *)l + s->offset;
}

/* Puts FILE:LINE:, the section and the key before what is said already. */
static int fail(struct load *l, const cfg_t *cfg, const char *key)
{
    const bool root = strcmp(cfg->name, "root") == 0;

    l->failed = true;
    return err_wrap(l->e, "%s:%d: %s%s%s%s%s", l->config->path, cfg->line,
                    root ? "" : cfg->name, cfg->title == NULL ? "" : " ",
                    cfg->title == NULL ? "" : cfg->title,
                    root || key[0] == '\0' ? "" : ": ", key);
}

static int refuse(struct load *l, const cfg_t *cfg, const char *key, const char *why)
{
    (void)err_set(l->e, ERR_PERM, BAD, "%s", why);
    return fail(l, cfg, key);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    char why[160];

    if (loading->failed)
        return;
    (void)vsnprintf(why, sizeof why, fmt, ap);
    loading->failed = true;
    (void)err_set(loading->e, ERR_PERM, BAD, "%s:%d: %s; see sealpost.conf(5)",
                  loading->config->path, cfg->line, why);
}

/* One value, as soon as it is read: so an error knows its line. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
    struct load *const l = loading;
    const struct section *const s = section_named(cfg->name);
    uint64_t *const seen = s == sections ? &l->root_seen : &l->section_seen;
    const struct config_key *key;
    size_t i = 0;

    while (i < s->key_count && strcmp(s->keys[i].name, opt->name) != 0)
        i++;
    if (i == s->key_count) /* libconfuse takes "mail|helo = x" too */
        return refuse(l, cfg, opt->name, "stands outside its section");
    key = &s->keys[i];
    if ((*seen & UINT64_C(1) << i) != 0 && opt->nvalues == 1)
        return refuse(l, cfg, key->name, "is given twice");
    *seen |= UINT64_C(1) << i;
    if (key->set(key, l->dir, text, section_base(l, s) + key->offset, l->e) != 0)
        return fail(l, cfg, key->name);
    *(const char **)result = text;
    return 0;
}

/* Defaults for what was not given. */
static int complete(struct load *l, const struct section *s, cfg_t *cfg)
{
    for (size_t i = 0; i < s->key_count; i++) {
        const struct config_key *const key = &s->keys[i];
        void *const field = section_base(l, s) + key->offset;

        if (cfg_size(cfg, key->name) > 0)
            continue;
        if (key->fallback == NULL)
            return refuse(l, cfg, key->name, "is required");
        if (key->fallback[0] != '\0' &&
            key->set(key, l->dir, key->fallback, field, l->e) != 0)
            return fail(l, cfg, key->name);
    }
    return 0;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct section *const s = section_named(opt->name);
    cfg_t *const sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

    loading->section_seen = 0;
    (void)cfg;
    return s->close(loading, sec);
}

/* Moves the section under way to the end of a list of its kind. */
static int append(struct load *l, const cfg_t *sec, void *list, size_t *count,
                  void *draft, size_t bytes)
{
    void *more;

    memcpy(&more, list, sizeof more);
    more = reallocarray(more, *count + 1, bytes);
    if (more == NULL) {
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
        return fail(l, sec, "");
    }
    memcpy(list, &more, sizeof more);
    memcpy((char *)more + *count * bytes, draft, bytes);
    (*count)++;
    memset(draft, 0, bytes);
    return 0;
}

static int check_listen(struct load *l, cfg_t *sec)
{
    const struct config_listen *const new = &l->listen;
    const bool is_unix = new->address.sa.ss_family == AF_UNIX;
    const bool has_tls = new->certificate != NULL &&new->key != NULL;

    if (new->protocol == LISTEN_HANDSET && is_unix)
        return refuse(l, sec, "address", "handsets come by TCP");
    if (new->protocol == LISTEN_HANDSET && !has_tls)
        return refuse(l, sec, new->certificate == NULL ? "certificate" : "key",
                      "is required for handset");
    if (new->protocol != LISTEN_HANDSET &&new->protocol != LISTEN_SENDSMS &&
        (new->certificate || new->key))
        return refuse(l, sec, new->certificate != NULL ? "certificate" : "key",
                      "is for handset and sendsms only");
    if ((new->certificate == NULL) != (new->key == NULL))
        return refuse(l, sec, new->certificate == NULL ? "certificate" : "key",
                      "is required as well");
    if (!is_unix && cfg_size(sec, "mode") > 0)
        return refuse(l, sec, "mode", "is for a unix: address only");
    for (size_t i = 0; i < l->config->listen_count; i++)
        if (strcmp(l->config->listens[i].address.text, new->address.text) == 0)
            return refuse(l, sec, "address", "is listened on already");
    return 0;
}

static int close_listen(struct load *l, cfg_t *sec)
{
    static const char *const protocols[] = {
        [LISTEN_LMTP] = "lmtp",
        [LISTEN_SMTP] = "smtp",
        [LISTEN_HANDSET] = "handset",
        [LISTEN_SENDSMS] = "sendsms",
    };
    const size_t count = sizeof protocols / sizeof protocols[0];
    size_t i = 0;
    char *unique;

    while (i < count && strcmp(protocols[i], sec->title) != 0)
        i++;
    if (i == count)
        return refuse(l, sec, "", "listen lmtp, smtp, handset or sendsms");
    l->listen.protocol = (enum listen_protocol)i;
    if (complete(l, section_named(sec->name), sec) != 0 || check_listen(l, sec) != 0)
        return -1;
    /* libconfuse puts a section in the place of an earlier one of the same title. With
     * another title this one stays, and the newest is always the last one. */
    if (asprintf(&unique, "%zu", l->config->listen_count) < 0) {
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
        return fail(l, sec, "");
    }
    free(sec->title);
    sec->title = unique;
    return append(l, sec, &l->config->listens, &l->config->listen_count, &l->listen,
                  sizeof l->listen);
}

static int close_kannel(struct load *l, cfg_t *sec)
{
    if (!config_is_name(sec->title))
        return refuse(l, sec, "", "a name has 1 to 63 of a-z 0-9 - _");
    if (complete(l, section_named(sec->name), sec) != 0)
        return -1;
    if (l->kannel.tls && l->kannel.tls_ca == NULL)
        return refuse(l, sec, "tls-ca", "is required with tls = yes");
    if (!l->kannel.tls && (l->kannel.tls_ca != NULL || l->kannel.tls_name != NULL))
        return refuse(l, sec, l->kannel.tls_ca != NULL ? "tls-ca" : "tls-name",
                      "is for tls = yes only");
    l->kannel.title = config_copy(span_str(sec->title), l->e);
    if (l->kannel.title == NULL)
        return fail(l, sec, "");
    return append(l, sec, &l->config->kannels, &l->config->kannel_count, &l->kannel,
                  sizeof l->kannel);
}

static int close_mail(struct load *l, cfg_t *sec)
{
    if (l->mail_seen)
        return refuse(l, sec, "", "is given twice");
    l->mail_seen = true;
    return 0;
}

static int check_account(struct load *l, cfg_t *sec)
{
    struct config_account *const a = &l->account;
    const bool http = a->password != NULL || a->token != NULL;

    if (a->senders.n == 0 && !http)
        return refuse(l, sec, "senders", "is required without password and token");
    if (!a->secure && !a->plain)
        return refuse(l, sec, "plain", "yes is required with secure = no");
    if (a->username == NULL &&
        (a->username = config_copy(span_str(a->name), l->e)) == NULL)
        return fail(l, sec, "");
    for (size_t i = 0; i < l->config->account_count; i++)
        if (strcmp(l->config->accounts[i].username, a->username) == 0)
            return refuse(l, sec, "username", "another account has it");
    return 0;
}

static int close_account(struct load *l, cfg_t *sec)
{
    if (!config_is_name(sec->title))
        return refuse(l, sec, "", "a name has 1 to 63 of a-z 0-9 - _");
    if (complete(l, section_named(sec->name), sec) != 0)
        return -1;
    memcpy(l->account.name, sec->title, strlen(sec->title) + 1);
    if (check_account(l, sec) != 0)
        return -1;
    return append(l, sec, &l->config->accounts, &l->config->account_count, &l->account,
                  sizeof l->account);
}

static void listen_clear(struct config_listen *listen)
{
    free(listen->certificate);
    free(listen->key);
}

static void kannel_clear(struct config_kannel *kannel)
{
    free(kannel->title);
    free(kannel->box_id);
    free(kannel->sender);
    free(kannel->tls_ca);
    free(kannel->tls_name);
}

static void account_clear(struct config_account *a)
{
    char *const texts[] = {
        a->brand,        a->username,    a->password,       a->token,
        a->faked_sender, a->forced_smsc, a->default_sender, a->default_smsc,
        a->reply_url,    a->reply_mail,  a->dlr_url,        a->callback_secret,
    };
    struct config_words *const lists[] = {
        &a->senders,    &a->allowed_prefix, &a->denied_prefix,
        &a->white_list, &a->black_list,     &a->callback_hosts,
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        config_words_clear(lists[i]);
    free(a->networks.p);
    free(a->denied_networks.p);
    free(a->callback_networks.p);
    config_regex_free(a->white_list_regex);
    config_regex_free(a->black_list_regex);
}

/* A list that the file does not give; a file may give an empty one, too. */
static int default_words(struct load *l, cfg_t *root, const char *key,
                         struct config_words *words, const char *const *texts)
{
    const struct config_key set = { .most = 63 };

    if (cfg_size(root, key) > 0)
        return 0;
    for (; *texts != NULL; texts++)
        if (config_set_words(&set, NULL, *texts, words, l->e) != 0)
            return fail(l, root, key);
    return 0;
}

/* What people write in the languages that Sealpost is meant for: en de es fr ar zh. */
static int finish_words(struct load *l, cfg_t *root)
{
    static const char *const stop[] = { "STOP",  "STOPP", "ALTO",
                                        "ARRET", "ARRÊT", "UNSUBSCRIBE",
                                        "توقف",  "退订",  NULL };
    static const char *const start[] = { "START", "UNSTOP", "INICIO",
                                         "ابدأ",  "订阅",   NULL };
    static const char *const help[] = { "HELP", "INFO",   "HILFE", "AYUDA",
                                        "AIDE", "مساعدة", "帮助",  NULL };
    static const char *const wrong[] = { "WRONG",  "FALSCH", "ERRONEO", "ERRÓNEO",
                                         "ERREUR", "خطأ",    "错误",    NULL };
    static const char *const all[] = { "ALL",  "ALLE", "TODO", "TOUT",
                                       "الكل", "全部", NULL };
    struct config *const c = l->config;

    return default_words(l, root, "stop-words", &c->stop_words, stop) |
           default_words(l, root, "start-words", &c->start_words, start) |
           default_words(l, root, "help-words", &c->help_words, help) |
           default_words(l, root, "wrong-words", &c->wrong_words, wrong) |
           default_words(l, root, "all-words", &c->all_words, all);
}

static int finish_otp(struct load *l, cfg_t *root)
{
    struct config *const c = l->config;

    if (c->otp_to == NULL &&
        (c->otp_to = config_copy(span_str(c->kannels[0].sender), l->e)) == NULL)
        return fail(l, root, "otp-to");
    if (c->otp_direction != OTP_SERVER &&
        strspn(c->otp_to, "+0123456789") != strlen(c->otp_to))
        return refuse(l, root, "otp-to", "a handset can send an SMS to a number only");
    return 0;
}

/* What only the whole file shows. */
static int finish(struct load *l, cfg_t *root)
{
    struct config *const c = l->config;
    const char *const host = "https://";

    if (complete(l, &sections[0], root) != 0 ||
        complete(l, &sections[1], cfg_getsec(root, "mail")) != 0)
        return -1;
    if (c->listen_count == 0)
        return refuse(l, root, "listen", "at least one section is required");
    if (c->kannel_count == 0)
        return refuse(l, root, "kannel", "at least one section is required");
    if (c->account_count == 0)
        return refuse(l, root, "account", "at least one section is required");
    if (c->mo_account != NULL && config_account(c, c->mo_account) == NULL)
        return refuse(l, root, "mo-account", "there is no such account");
    if (finish_words(l, root) != 0 || finish_otp(l, root) != 0)
        return -1;
    c->public_host = strdup(c->public_url + strlen(host));
    if (c->mail_helo == NULL)
        c->mail_helo = strdup(c->domain);
    if (c->public_host == NULL || c->mail_helo == NULL) {
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
        return fail(l, root, "");
    }
    c->public_host[strcspn(c->public_host, ":")] = '\0';
    return 0;
}

static void section_opts(const struct section *s, cfg_opt_t opts[KEYS_MAX])
{
    static const cfg_opt_t end = CFG_END();
    size_t i;

    for (i = 0; i < s->key_count; i++) {
        const cfg_flag_t list = s->keys[i].is_list ? CFGF_LIST : CFGF_NONE;
        const cfg_opt_t opt =
            CFG_STR_CB(s->keys[i].name, NULL, CFGF_NODEFAULT | list, on_value);

        opts[i] = opt;
    }
    opts[i] = end;
}

static int parse(struct load *l, const char *text)
{
    cfg_opt_t opts[SECTION_COUNT][KEYS_MAX];
    size_t next = sections[0].key_count;
    cfg_t *root;
    int rc;

    section_opts(&sections[0], opts[0]);
    opts[0][next + SECTION_COUNT - 1] = opts[0][next];
    for (size_t i = 1; i < SECTION_COUNT; i++) {
        cfg_opt_t opt = CFG_SEC(sections[i].name, opts[i], sections[i].flags);

        section_opts(&sections[i], opts[i]);
        opt.validcb = on_section;
        opts[0][next++] = opt;
    }
    root = cfg_init(opts[0], CFGF_NONE);
    if (root == NULL)
        return err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
    (void)cfg_set_error_function(root, on_error);
    rc = cfg_parse_buf(root, text) == CFG_SUCCESS ? finish(l, root) : -1;
    if (rc != 0 && !l->failed)
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "%s: cannot be parsed: out of memory",
                      l->config->path);
    (void)cfg_free(root);
    return rc;
}

/* The whole file with a NUL behind it. */
static int read_text(struct buf *text, const char *path, struct err *e)
{
    FILE *const file = fopen(path, "re");
    char some[4096];
    size_t n;
    int rc = 0;

    if (file == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    while ((n = fread(some, 1, sizeof some, file)) > 0)
        buf_put_mem(text, some, n);
    buf_put_u8(text, 0);
    if (ferror(file))
        rc = err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    else if (!buf_ok(text))
        rc = err_set(e, ERR_PERM, BAD, "%s: has more than %u bytes", path,
                     FILE_MAX_BYTES);
    (void)fclose(file);
    return rc;
}

/* The directory of the file, absolute: the daemon does not stay where it began. */
static char *directory_of(const char *path)
{
    char *const real = realpath(path, NULL);

    if (real != NULL)
        *strrchr(real, '/') = '\0';
    return real;
}

static int load_file(struct load *l, const char *path)
{
    struct buf text;
    int rc;

    buf_init(&text, FILE_MAX_BYTES);
    rc = read_text(&text, path, l->e);
    if (rc == 0) {
        rc = config_text_clean(text.p, text.n - 1, path, l->e);
        if (rc == 0)
            rc = parse(l, text.p);
    }
    buf_clear(&text);
    return rc;
}

struct config *config_load(const char *path, struct err *e)
{
    struct load l = { .e = e };
    int rc = -1;

    l.config = calloc(1, sizeof *l.config);
    if (l.config == NULL || (l.config->path = strdup(path)) == NULL)
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    else if ((l.dir = directory_of(path)) == NULL)
        (void)err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    else {
        loading = &l;
        rc = load_file(&l, path);
        loading = NULL;
    }
    free(l.dir);
    listen_clear(&l.listen);
    kannel_clear(&l.kannel);
    account_clear(&l.account);
    if (rc == 0)
        return l.config;
    config_free(l.config);
    return NULL;
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->listen_count; i++)
        listen_clear(&c->listens[i]);
    for (size_t i = 0; i < c->kannel_count; i++)
        kannel_clear(&c->kannels[i]);
    for (size_t i = 0; i < c->account_count; i++)
        account_clear(&c->accounts[i]);
    free(c->listens);
    free(c->kannels);
    free(c->accounts);
    free(c->path);
    free(c->domain);
    free(c->public_url);
    free(c->public_host);
    free(c->store);
    free(c->keys);
    free(c->master_key_file);
    free(c->templates);
    free(c->mail_helo);
    free(c->otp_to);
    free(c->mo_account);
    config_words_clear(&c->otp_smscs);
    config_words_clear(&c->stop_words);
    config_words_clear(&c->start_words);
    config_words_clear(&c->help_words);
    config_words_clear(&c->wrong_words);
    config_words_clear(&c->all_words);
    free(c);
}

const struct config_account *config_account(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->account_count; i++)
        if (strcmp(c->accounts[i].name, name) == 0)
            return &c->accounts[i];
    return NULL;
}

static char lower(char ch)
{
    return ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch;
}

/* pattern against text without regard to ASCII case; * is any run without "@". Goes
 * back to the last star only: the work is at most pattern times text. */
static bool is_match(const char *pattern, struct span text)
{
    const char *star = NULL;
    size_t i = 0, resume = 0;

    while (i < text.n) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = i;
        } else if (*pattern != '\0' && lower(*pattern) == lower(text.p[i])) {
            pattern++;
            i++;
        } else if (star != NULL && text.p[resume] != '@') {
            pattern = star;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_sender(const struct config_account *a, struct span sender)
{
    for (size_t i = 0; i < a->senders.n; i++)
        if (is_match(a->senders.p[i], sender))
            return true;
    return false;
}

bool config_networks_have(const struct config_networks *n, const struct sockaddr *sa)
{
    for (size_t i = 0; sa != NULL && i < n->n; i++)
        if (config_network_has(&n->p[i], sa))
            return true;
    return false;
}

static bool is_client(const struct config_account *a, const struct sockaddr *client)
{
    return a->networks.n == 0 || config_networks_have(&a->networks, client);
}

const struct config_account *config_account_by_username(const struct config *c,
                                                        struct span username)
{
    for (size_t i = 0; i < c->account_count; i++)
        if (c->accounts[i].password != NULL &&
            span_eq_str(username, c->accounts[i].username))
            return &c->accounts[i];
    return NULL;
}

const struct config_account *config_account_for(const struct config *c,
                                                struct span sender,
                                                const struct sockaddr *client)
{
    for (size_t i = 0; i < c->account_count; i++)
        if (is_sender(&c->accounts[i], sender) && is_client(&c->accounts[i], client))
            return &c->accounts[i];
    return NULL;
}
