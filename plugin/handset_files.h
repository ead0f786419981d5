/* SPDX-License-Identifier: ISC */
/* handset_files.h - what the door serves as files: the page, the list of its hashes,
 * the senders' logos. All made once, at start, and kept as long as the process. */
#ifndef PLUGIN_HANDSET_FILES_H
#define PLUGIN_HANDSET_FILES_H

#include "relay/relay.h"

struct handset_file {
    char name[64]; /* "index.html", "js/main.js", "brand/0a1b....svg" */
    const char *type;
    bool is_logo;                 /* its name changes with its content */
    char etag[48], gzip_etag[48]; /* quoted; two codings are two representations */
    struct span body;
    struct buf gzip; /* empty: no smaller than the body */
};

/* handset_files_load - the page of config->templates, app.json, the accounts' logos. 0,
 * or -1 with *e. config is borrowed. */
int handset_files_load(const struct config *config, struct err *e);
void handset_files_clear(void);
/* handset_file_find - by name; NULL: none. */
const struct handset_file *handset_file_find(const char *name);
/* handset_app_hash - of the page (app_files_hash), in hex. */
const char *handset_app_hash(void);

/* handset_takes_gzip - of an Accept-Encoding header (NULL: none): is gzip welcome? */
bool handset_takes_gzip(const char *accept);
/* handset_etag_known - is the quoted tag, weak or not, in an If-None-Match header
 * (NULL: none), or "*"? */
bool handset_etag_known(const char *if_none_match, const char *etag);

#endif
