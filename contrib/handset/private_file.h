/* SPDX-License-Identifier: ISC */
/* private_file.h - small files that only their owner may read. */
#ifndef HANDSET_PRIVATE_FILE_H
#define HANDSET_PRIVATE_FILE_H

#include "relay/err.h"
#include "relay/span.h"

/* private_dir - makes dir (0700) when it is missing; -1 when it cannot be written. */
int private_dir(const char *dir, struct err *e);
/* private_write - dir/name (0600): a fresh file, on the disk before it takes the old
 * one's place. */
int private_write(const char *dir, const char *name, struct span text, struct err *e);
/* private_there - is there a file of that name? */
bool private_there(const char *dir, const char *name);
/* private_read - dir/name (dir NULL: name), appended to out, which it must fit whole.
 * ERR_PERM when it is missing, another user's, or others may read it. A pipe is taken
 * as it is. */
int private_read(const char *dir, const char *name, struct buf *out, struct err *e);

#endif
