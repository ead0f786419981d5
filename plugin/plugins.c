/* SPDX-License-Identifier: ISC */
/* plugins.c - the list of doors that the core walks, made of plugins.def. */
#include "relay/relay.h"

#define PLUGIN(name) extern const struct plugin plugin_##name;
#include "plugin/plugins.def"
#undef PLUGIN

const struct plugin *const plugins[] = {
#define PLUGIN(name) &plugin_##name,
#include "plugin/plugins.def"
#undef PLUGIN
    NULL,
};
