/* SPDX-License-Identifier: ISC */
/* app_files.h - the files that a handset's browser gets, and the hash that tells
 * whether they are those of this repository.
 *
 * They lie in templates/handset and in its folders, one level deep. What is served is
 * known by its ending; names have letters, digits and . - _ and begin with no dot.
 * Other endings and dot files are passed over. */
#ifndef RELAY_APP_FILES_H
#define RELAY_APP_FILES_H

#include "relay/encode.h"
#include "relay/err.h"
#include "relay/span.h"

struct app_file {
    char name[64]; /* "index.html", "js/main.js" */
    const char *type;
    uint8_t sha256[32];
    struct buf body;
};

struct app_files { /* in byte order of the names */
    struct app_file *p;
    size_t n;
};

/* app_files_load - all of DIR; "index.html" must be there, "app.json" not. At most 256
 * files of 1 MiB. 0, or -1 with *e and nothing to clear. */
int app_files_load(struct app_files *out, const char *dir, struct err *e);
void app_files_clear(struct app_files *files);

/* app_files_hash - SHA-256 of the lines "HEX  NAME\n" of all files but the API's
 * description, which is no part of what runs at the handset: what sha256sum makes of
 * what it prints for them. 0, or -1 with *e. */
#define APP_HASH_ROOM (HEX_LEN(32) + 1)
int app_files_hash(const struct app_files *files, char hex[APP_HASH_ROOM],
                   struct err *e);
/* app_files_json - appends /app.json, {"hash":HEX,"files":{NAME:HEX}}, a file a line,
 * so that sed and sha256sum are enough to read it. */
void app_files_json(const struct app_files *files, const char *hash, struct buf *out);

#endif
