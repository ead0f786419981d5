/* SPDX-License-Identifier: ISC */
/* handset_files.h - the static files of templates/handset, loaded once at start. */
#ifndef PLUGIN_HANDSET_FILES_H
#define PLUGIN_HANDSET_FILES_H

#include "relay/relay.h"

struct handset_file {
    char name[64]; /* "index.html" */
    const char *type;
    char etag[40]; /* quoted, made of the content's SHA-256 */
    struct buf body;
};

/* handset_files_load - every file of DIR whose ending is served; "index.html" must be
 * there. 0, or -1 with *e. The table lives as long as the process. */
int handset_files_load(const char *dir, struct err *e);
/* handset_file_find - by name; NULL: none. */
const struct handset_file *handset_file_find(const char *name);

#endif
