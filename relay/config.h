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

enum listen_protocol { LISTEN_LMTP, LISTEN_SMTP, LISTEN_HANDSET };

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

struct config_listen {
    enum listen_protocol protocol;
    struct config_address address;
    unsigned mode;           /* of a UNIX socket: 0660 */
    char *certificate, *key; /* PEM files; handset only, required there */
    unsigned connections;    /* most at once: 1000 */
};

struct config_kannel {
    char *title;
    struct config_address address;
    char *box_id; /* "sealpost" */
    char *sender; /* the SMSC number that a handset sees and answers to */
};

struct config_account {
    char name[CONFIG_ACCOUNT_MAX + 1]; /* the section's title: a-z 0-9 - _ */
    char *brand;    /* shown to handset owners; required, <= 40 characters */
    char **senders; /* envelope patterns: "*@clinic.example", "a@b" */
    size_t sender_count;
    struct config_network
        *networks; /* of the client; none: any (XFORWARD from the MTA) */
    size_t network_count;
    uint64_t daily_limit; /* messages a UTC day: 1000 */
    char language[16];    /* "en" */
};

struct config {
    char *path;
    char *domain;      /* recipients' domain */
    char *public_url;  /* "https://m.clinic.example", no slash at the end */
    char *public_host; /* its host, for "@host #123456" */
    char region[4];    /* "AU" or "" */
    char *store, *keys, *master_key_file, *templates;
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
    uint64_t idle_browser_s;     /* device-idle of a browser: 6 d */
    uint64_t idle_installed_s;   /* ... of an installed application or program: 180 d */
    unsigned sms_parts;          /* 3; 1 to 10 */
    unsigned fronts;             /* front processes: 1; 1 to 16 */
    unsigned long drain_s;       /* time to finish on SIGTERM: 10 s */
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
/* config_account_for - by envelope sender and client address (NULL: unknown, matches
 * only accounts without networks... and UNIX-socket peers count as 127.0.0.1). First
 * match. */
const struct config_account *config_account_for(const struct config *c,
                                                struct span sender,
                                                const struct sockaddr *client);
/* config_network_has - is the address in the network? IPv4-mapped IPv6 counts as IPv4.
 */
bool config_network_has(const struct config_network *n, const struct sockaddr *sa);
/* config_parse_address / _network / _duration / _size: 0, or -1 with ERR_PERM text. */
int config_parse_address(struct config_address *out, const char *text, struct err *e);
int config_parse_network(struct config_network *out, const char *text, struct err *e);
int config_parse_duration(uint64_t *seconds_out, const char *text, struct err *e);
int config_parse_size(uint64_t *bytes_out, const char *text, struct err *e);

#endif
