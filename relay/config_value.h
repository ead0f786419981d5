/* SPDX-License-Identifier: ISC */
/* config_value.h - one value of sealpost.conf, from text to the field that keeps it. */
#ifndef RELAY_CONFIG_VALUE_H
#define RELAY_CONFIG_VALUE_H

#include "relay/config.h"

struct config_key;

/* A setter reads text and writes field. 0, or -1 with what is wrong and what is
 * allowed; the caller puts file, line and key before it. dir: where relative paths
 * begin. */
typedef int config_set(const struct config_key *key, const char *dir, const char *text,
                       void *field, struct err *e);

struct config_key {
    const char *name;
    config_set *set;
    size_t offset;        /* of the field in the section's struct */
    const char *fallback; /* the default as text; "": none; NULL: the key is required */
    const char *allowed;  /* the range in words, for people and sealpost.conf(5) */
    uint64_t least, most;
    const char *words[4]; /* of a choice: for false, for true; of an enum: from 0 on */
    bool is_list;         /* a setter that appends */
    const char *const *texts; /* a list's default, NULL at its end; or NULL: empty */
};

config_set config_set_text;       /* char *: 1 to most characters */
config_set config_set_path;       /* char *: absolute */
config_set config_set_file;       /* the same, and it can be read */
config_set config_set_host;       /* char *: a host name, in lower case */
config_set config_set_url;        /* char *: https, a host, perhaps a port */
config_set config_set_region;     /* char[4] */
config_set config_set_language;   /* char[16] */
config_set config_set_box_id;     /* char *: letters, digits, - and _ */
config_set config_set_sms_sender; /* char * */
config_set config_set_number;     /* uint64_t */
config_set config_set_unsigned;   /* unsigned */
config_set config_set_mode;       /* unsigned, octal */
config_set config_set_duration;   /* uint64_t, seconds */
config_set config_set_wait;       /* unsigned long, seconds */
config_set config_set_size;       /* uint64_t */
config_set config_set_choice;     /* bool */
config_set config_set_address;    /* struct config_address */
config_set config_set_tcp;        /* the same, no UNIX socket */
config_set config_set_enum;       /* int: the index of the word */
config_set config_set_senders;    /* struct config_words, one more pattern */
config_set config_set_words;      /* struct config_words, one more: 1 to most bytes */
config_set config_set_numbers;  /* struct config_words, one more: digits of a number */
config_set config_set_networks; /* struct config_networks, one more */
config_set config_set_regex;    /* struct config_regex * */
config_set config_set_http_url; /* char *: http or https, at most 2000 bytes */
config_set config_set_hosts;    /* struct config_words, one more: [*.]host[:port] */
config_set config_set_hidden;   /* as config_set_text; an error does not show it */
config_set config_set_secret;   /* char *: {SCHEME}VALUE, a scheme among words */
config_set config_set_contact;  /* char *: mailto:ADDRESS or https://... */
config_set config_set_mailbox;  /* char *: an address as desk@clinic.example */
config_set config_set_color;    /* char[8]: "#0a7d5c", in lower case */
config_set config_set_logo;     /* struct config_logo *: read and looked at */

void config_listen_clear(struct config_listen *listen);
void config_kannel_clear(struct config_kannel *kannel);
void config_account_clear(struct config_account *a);
void config_words_clear(struct config_words *w);
void config_regex_free(struct config_regex *r);
void config_logo_free(struct config_logo *logo);
/* config_is_name - a section's title: 1 to CONFIG_ACCOUNT_MAX of a-z 0-9 - _ */
bool config_is_name(const char *text);
/* config_copy - strdup, or NULL and ERR_TEMP. */
char *config_copy(struct span s, struct err *e);

#endif
