/* SPDX-License-Identifier: ISC */
/* config.h - sealpost.conf, read and checked: see sealpost.conf(5) for every key.
 *
 * libconfuse parses; this module checks what it does not (brace balance, duplicate
 * titles, ranges, unknown keys with their line) and turns text into what the processes
 * use. Relative paths are taken from the directory of the file. The result is immutable
 * and shared by fork. */
#ifndef RELAY_CONFIG_H
#define RELAY_CONFIG_H

#include "relay/err.h"
#include "relay/span.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define CONFIG_ACCOUNT_MAX 63U

enum listen_protocol { LISTEN_LMTP, LISTEN_SMTP, LISTEN_HANDSET, LISTEN_SENDSMS };

struct config_words { /* a list of texts */
    char **p;
    size_t n;
};

struct config_address { /* "unix:/path", "127.0.0.1:25", "[::1]:25" */
    char text[128];
    struct sockaddr_storage sa;
    socklen_t sa_len;
};

struct config_network { /* "192.0.2.0/24", "2001:db8::/32", "127.0.0.1" */
    int family;
    uint8_t bytes[16];
    unsigned bits;
};

struct config_networks {
    struct config_network *p;
    size_t n;
};

struct config_listen {
    enum listen_protocol protocol;
    struct config_address address;
    unsigned mode;           /* of a UNIX socket: 0660 */
    char *certificate, *key; /* PEM files; required for handset, possible for sendsms */
    unsigned connections;    /* most at once: 1000 */
};

struct config_kannel {
    char *title;
    struct config_address address;
    char *box_id;        /* "sealpost" */
    char *sender;        /* the SMSC number that a handset sees and answers to */
    bool tls;            /* to its smsbox-port-ssl */
    char *tls_ca;        /* PEM: who signed its certificate; required with tls */
    char *tls_name;      /* a name in its certificate; NULL: any that tls_ca signed */
    unsigned throughput; /* MTs a second; 0: as many as it takes */
};

struct config_regex; /* compiled */

#define CONFIG_LOGO_MAX_BYTES (64U << 10)
struct config_logo {
    char path[48];    /* where it is served: "/brand/", 16 hex digits of its SHA-256,
                         ".svg" */
    const char *type; /* media type */
    uint8_t *p;
    size_t n;
};

/* Keys that smsbox's sendsms-user has as well are called as there. */
struct config_account {
    char name[CONFIG_ACCOUNT_MAX + 1]; /* the section's title: a-z 0-9 - _ */
    char *brand; /* shown to handset owners; required, <= 40 characters */
    struct config_words senders;     /* envelope patterns: "*@clinic.example", "a@b" */
    struct config_networks networks; /* of the client; none: any (XFORWARD from the MTA)
                                      */
    struct config_networks denied_networks; /* not from there; HTTP only */
    uint64_t daily_limit;                   /* messages a UTC day: 1000 */
    char language[16];                      /* "en" */

    /* How it looks to handset owners, beside the brand */
    char color[8];            /* "#0a7d5c"; "": none */
    struct config_logo *logo; /* NULL: none */
    bool notice_brand;        /* named before the number is proven, too: yes */

    /* HTTP */
    char *username; /* the name */
    char *password; /* "{plain}..." or "{scrypt}..."; NULL: no sendsms */
    char *token;    /* "{plain}..." or "{sha256}..." of a bearer token; NULL: no JSON */
    bool secure;    /* what a request is that does not say: yes */
    bool plain;     /* secure=0 is allowed: yes */
    char *faked_sender, *default_sender; /* NULL: none */
    char *forced_smsc, *default_smsc;
    unsigned max_messages; /* SMS of a plain text: 10; 1 to 255 */
    bool concatenation;    /* yes: long texts are joined again at the handset */
    struct config_words allowed_prefix, denied_prefix; /* of the receiver, "+61..." */
    struct config_words white_list, black_list;        /* receivers, "+61..." */
    struct config_regex *white_list_regex, *black_list_regex; /* NULL: none */
    bool immediate_reply; /* "Sent." as with immediate-sendsms-reply */

    /* What comes back */
    char *reply_url;       /* replies go there, Kannel's escapes; NULL: by mail */
    char *reply_mail;      /* replies to what came by HTTP go there; NULL: nowhere */
    char *dlr_url;         /* when a request names none; NULL: none */
    char *callback_secret; /* signs callbacks; NULL: unsigned */
    struct config_words
        callback_hosts; /* "app.example", "*.example:8080"; none: none */
    struct config_networks callback_networks; /* private ones that they may be in */
};

struct config {
    char *path;
    char *domain;      /* recipients' domain */
    char *public_url;  /* "https://m.clinic.example", no slash at the end */
    char *public_host; /* its host, for "@host #123456" */
    char region[4];    /* "AU" or "" */
    char *store, *keys, *master_key_file, *templates;

    char *operator_name;    /* who runs the server, for handset owners: the domain */
    char *operator_contact; /* where they can ask; NULL: not said */

    bool number_check_line;      /* number-check = valid (default) | possible */
    uint64_t message_size_limit; /* bytes: 10240000; 64 KiB to 64 MiB */
    uint64_t reserve;            /* bytes of disk kept free: 64 MiB */
    uint64_t store_cache;        /* bytes: 64 MiB */
    uint64_t retention_s;        /* of a message: 30 d; 1 min to 365 d */
    uint64_t notice_interval_s;  /* between notices to one handset: 5 min; >= 1 s */
    unsigned otp_digits;         /* 6; 4 to 10 */
    uint64_t otp_lifetime_s;     /* 5 min; 60 s to 7 d */
    uint64_t otp_per_number;     /* OTPs an hour to one number: 5 */
    uint64_t otp_per_client;     /* ... asked for by one client address: 30 */
    uint64_t otp_per_network;    /* ... by one /24 or /64: 300 */
    enum otp_direction {
        OTP_SERVER = 1,  /* the password comes to the handset by SMS */
        OTP_HANDSET = 2, /* the handset sends it */
        OTP_BOTH = 3
    } otp_direction;               /* server */
    struct config_words otp_smscs; /* SMSCs whose originators are believed; none: all */
    char *otp_to;                  /* where the handset sends it: the first sender */
    bool otp_check_at_handset;     /* no: see sealpost.conf(5) before you say yes */
    uint64_t confirm_wait_s;       /* from the notice to the first message: 1 h */
    struct config_words stop_words; /* what people answer; case does not matter */
    struct config_words start_words, help_words, wrong_words;
    struct config_words all_words; /* behind one of them: for every account */
    char *mo_account;              /* of MOs that answer nothing; NULL: dropped */
    uint64_t callback_wait_s;      /* how long a callback is tried: 1 d */
    uint64_t idle_browser_s;       /* device-idle of a browser: 6 d */
    uint64_t idle_installed_s; /* ... of an installed application or program: 180 d */
    uint64_t idle_shared_s;    /* ... of one on a shared phone, then it goes: 15 min */
    struct config_words push_hosts; /* where subscriptions may be: browsers' services */
    struct config_networks push_networks; /* private ones that they may be in */
    uint64_t push_wait_s;  /* from a push to the SMS: 15 min; 0: no push ever */
    char *push_contact;    /* whom a push service may ask: mailto:postmaster@domain */
    char *push_ca;         /* PEM: who signed their certificates; NULL: the system's */
    unsigned sms_parts;    /* 3; 1 to 10 */
    unsigned fronts;       /* front processes: 1; 1 to 16 */
    unsigned long drain_s; /* time to finish on SIGTERM: 10 s */
    bool log_debug, log_syslog;
    struct config_listen *listens;
    size_t listen_count;
    struct config_kannel *kannels; /* at least one */
    size_t kannel_count;
    struct config_address mail_server; /* where replies go: 127.0.0.1:25 */
    char *mail_helo;                   /* host name we say: the domain */
    struct config_account *accounts;
    size_t account_count;
};

/* config_load - NULL with *e: text is "FILE:LINE: key: what is wrong, what is allowed".
 * Checks syntax and ranges, and that the files named (master-key-file, certificate,
 * key) can be read; directories are for those who use them. Durations are written
 * "90s", "5min", "6h", "30d"; sizes "64KiB", "10MB", "10240000". Not for two threads at
 * a time: libconfuse's scanner is global. */
struct config *config_load(const char *path, struct err *e);
void config_free(struct config *c);

const struct config_account *config_account(const struct config *c, const char *name);
/* config_shown_name - what a (NULL: nobody) is called in an SMS or to somebody whose
 * number is not proven: its brand, or with notice-brand = no the operator's name. */
const char *config_shown_name(const struct config *c, const struct config_account *a);
/* config_account_for - by envelope sender and client address (NULL: unknown, matches
 * only accounts without networks... and UNIX-socket peers count as 127.0.0.1). First
 * match. */
const struct config_account *config_account_for(const struct config *c,
                                                struct span sender,
                                                const struct sockaddr *client);
/* config_account_by_username - of a sendsms request; NULL: none that has a password. */
const struct config_account *config_account_by_username(const struct config *c,
                                                        struct span username);
/* config_networks_have - one of them has the address. */
bool config_networks_have(const struct config_networks *n, const struct sockaddr *sa);
/* config_regex_has - does the expression (POSIX, extended) match somewhere in text? */
bool config_regex_has(const struct config_regex *r, const char *text);
/* config_network_has - is the address in the network? IPv4-mapped IPv6 counts as IPv4.
 */
bool config_network_has(const struct config_network *n, const struct sockaddr *sa);
/* config_parse_address / _network / _duration / _size: 0, or -1 with ERR_PERM text. */
int config_parse_address(struct config_address *out, const char *text, struct err *e);
int config_parse_network(struct config_network *out, const char *text, struct err *e);
int config_parse_duration(uint64_t *seconds_out, const char *text, struct err *e);
int config_parse_size(uint64_t *bytes_out, const char *text, struct err *e);

#endif
