/* SPDX-License-Identifier: ISC */
/* config_keys.h - the keys of sealpost.conf, a table for each kind of section. */
#ifndef RELAY_CONFIG_KEYS_H
#define RELAY_CONFIG_KEYS_H

#include "relay/config_value.h"

#define CONFIG_KEYS_MAX 63U /* below 64: config.c keeps what it has seen in bits */

enum config_section {
    CONFIG_ROOT, /* outside sections: struct config */
    CONFIG_MAIL, /* struct config, too */
    CONFIG_LISTEN,
    CONFIG_KANNEL,
    CONFIG_ACCOUNT,
    CONFIG_SECTIONS
};

extern const struct config_keys {
    const struct config_key *p;
    size_t n;
} config_keys[CONFIG_SECTIONS];

#endif
