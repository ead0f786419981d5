/* SPDX-License-Identifier: ISC */
/* handset_files.h - what the door serves as files: the page, the list of its hashes,
 * the senders' logos. All made once, at start, and kept as long as the process. */
#ifndef PLUGIN_HANDSET_FILES_H
#define PLUGIN_HANDSET_FILES_H

#include "plugin/handset_coding.h"

struct handset_file {
    char name[64]; /* "index.html", "js/main.js", "brand/0a1b....svg" */
    const char *type;
    bool is_logo; /* its name changes with its content */
    char etag[CODING_COUNT]
             [48]; /* quoted; each coding is a representation of its own */
    struct span body;
    struct buf coded[CODING_COUNT]; /* empty: no smaller than the body */
};

/* handset_files_load - the page of config->templates, app.json, the accounts' logos. 0,
 * or -1 with *e. config is borrowed. */
int handset_files_load(const struct config *config, struct err *e);
void handset_files_clear(void);
/* handset_file_find - by name; NULL: none. */
const struct handset_file *handset_file_find(const char *name);
/* handset_app_hash - of the page (app_files_hash), in hex. */
const char *handset_app_hash(void);

/* handset_file_coding - the best that an Accept-Encoding header (NULL: none) lets us
 * send. */
enum handset_coding handset_file_coding(const struct handset_file *f,
                                        const char *accept);
struct span handset_file_body(const struct handset_file *f, enum handset_coding c);
/* handset_etag_known - is the quoted tag, weak or not, in an If-None-Match header
 * (NULL: none), or "*"? */
bool handset_etag_known(const char *if_none_match, const char *etag);

#endif
