/* SPDX-License-Identifier: ISC */
/* handset_info.h - what the page is told of the server and of a notice before anybody
 * proves anything: GET /api/v1/app, GET /api/v1/notices/{notice}. Pure. */
#ifndef PLUGIN_HANDSET_INFO_H
#define PLUGIN_HANDSET_INFO_H

#include "relay/relay.h"

/* Appended to out. false: no memory, or a text that is no UTF-8. push_key: base64url of
 * the point that signs pushes, NULL: there is no push. */
bool handset_put_app(const struct config *config, const char *app_hash,
                     const char *push_key, struct buf *out);
bool handset_put_notice(const struct config *config, const struct ipc_notice_info *info,
                        struct buf *out);

#endif
