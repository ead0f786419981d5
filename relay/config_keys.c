/* SPDX-License-Identifier: ISC */
/* config_keys.c - every key of sealpost.conf: its kind, its field, its default, its
 * range.
 * Here:       the tables.
 * Elsewhere:  how a kind is read (config_value.c), when (config.c), what each key is
 *             for (sealpost.conf(5); test_config.c holds the two against each other).
 * Called by:  config.c. */
#include "relay/config_keys.h"
#include <assert.h>
#include <stddef.h>

#define DAY_S UINT64_C(86400)
#define MIB UINT64_C(1048576)

#define YES_OR_NO .allowed = "yes or no", .words = { "no", "yes" }
#define ROOT(field) .offset = offsetof(struct config, field)
/* What people write in the languages that Sealpost is meant for: en de es fr ar zh. */
static const char *const stop_words[] = { "STOP",  "STOPP", "ALTO",
                                          "ARRET", "ARRÊT", "UNSUBSCRIBE",
                                          "توقف",  "退订",  NULL };
static const char *const start_words[] = { "START", "UNSTOP", "INICIO",
                                           "ابدأ",  "订阅",   NULL };
static const char *const help_words[] = { "HELP", "INFO",   "HILFE", "AYUDA",
                                          "AIDE", "مساعدة", "帮助",  NULL };
static const char *const wrong_words[] = { "WRONG",  "FALSCH", "ERRONEO", "ERRÓNEO",
                                           "ERREUR", "خطأ",    "错误",    NULL };
static const char *const all_words[] = { "ALL",  "ALLE", "Todo", "TOUT",
                                         "الكل", "全部", NULL };

/* Chrome and what is made of it, Firefox, Safari, Edge. */
static const char *const push_hosts[] = { "fcm.googleapis.com",
                                          "*.push.services.mozilla.com",
                                          "web.push.apple.com", "*.notify.windows.com",
                                          NULL };

#define WORDS(field)                                                                \
    config_set_words, ROOT(field), .fallback = "", .is_list = true, .texts = field, \
                                   .allowed = "up to 1024 words of 1 to 63 bytes",  \
                                   .most = 63
static const struct config_key root_keys[] = {
    { "domain", config_set_host, ROOT(domain), .allowed = "a host name" },
    { "public-url", config_set_url, ROOT(public_url),
      .allowed = "https://HOST or https://HOST:PORT" },
    { "operator", config_set_text, ROOT(operator_name), .fallback = "", /* the domain */
      .allowed = "1 to 40 characters", .least = 1, .most = 40 },
    { "operator-contact", config_set_text, ROOT(operator_contact), .fallback = "",
      .allowed = "1 to 80 characters", .least = 1, .most = 80 },
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
    { "confirm-wait", config_set_duration, ROOT(confirm_wait_s), .fallback = "1h",
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
    { "device-idle-shared", config_set_duration, ROOT(idle_shared_s),
      .fallback = "15min", .allowed = "1s to 1d", .least = 1, .most = DAY_S },
    { "push-wait", config_set_duration, ROOT(push_wait_s), .fallback = "15min",
      .allowed = "0s to 1d", .least = 0, .most = DAY_S },
    { "push-hosts", config_set_hosts, ROOT(push_hosts), .fallback = "", .is_list = true,
      .texts = push_hosts,
      .allowed = "up to 1024 hosts as push.example, *.push.example or 192.0.2.1:8443" },
    { "push-networks", config_set_networks, ROOT(push_networks), .fallback = "",
      .is_list = true, .allowed = "up to 1024 networks" },
    { "push-contact", config_set_contact, ROOT(push_contact), .fallback = "",
      .allowed = "mailto: and an address, or an https:// URL" },
    { "push-ca", config_set_file, ROOT(push_ca), .fallback = "", .allowed = "a path" },
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
    { "color", config_set_color, ACCOUNT(color), .fallback = "",
      .allowed = "# and six hexadecimal digits" },
    { "logo", config_set_logo, ACCOUNT(logo), .fallback = "",
      .allowed = "a file .svg, .png or .webp of at most 64KiB" },
    { "notice-brand", config_set_choice, ACCOUNT(notice_brand), .fallback = "yes",
      YES_OR_NO },
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
    { "callback-secret", config_set_hidden, ACCOUNT(callback_secret), .fallback = "",
      .allowed = "16 to 255 characters", .least = 16, .most = 255 },
    { "callback-hosts", config_set_hosts, ACCOUNT(callback_hosts), .fallback = "",
      .is_list = true,
      .allowed = "up to 1024 hosts as app.example, *.app.example or 192.0.2.1:8080" },
    { "callback-networks", config_set_networks, ACCOUNT(callback_networks),
      .fallback = "", .is_list = true, .allowed = "up to 1024 networks" },
};

#define KEYS_OF(list)                        \
    {                                        \
        list, sizeof(list) / sizeof(list)[0] \
    }
static_assert(sizeof root_keys / sizeof root_keys[0] + CONFIG_SECTIONS <=
                  CONFIG_KEYS_MAX,
              "the sections and an end mark stand behind the keys");
static_assert(sizeof account_keys / sizeof account_keys[0] < CONFIG_KEYS_MAX,
              "an end mark stands behind the keys");

const struct config_keys config_keys[CONFIG_SECTIONS] = {
    [CONFIG_ROOT] = KEYS_OF(root_keys),       [CONFIG_MAIL] = KEYS_OF(mail_keys),
    [CONFIG_LISTEN] = KEYS_OF(listen_keys),   [CONFIG_KANNEL] = KEYS_OF(kannel_keys),
    [CONFIG_ACCOUNT] = KEYS_OF(account_keys),
};
