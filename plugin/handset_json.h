/* SPDX-License-Identifier: ISC */
/* handset_json.h - the handset API's JSON: requests into structs, answers into text.
 *
 * Pure. Requests are hostile: at most 256 KiB, duplicate members refused, every string
 * checked for its place. 0, or -1 with *e ERR_PERM; e->status names the problem's type:
 * "bad-request", "bad-number", "bad-key". */
#ifndef PLUGIN_HANDSET_JSON_H
#define PLUGIN_HANDSET_JSON_H

#include "relay/relay.h"

/* {"number" | "notice", "direction"?}; neither is needed when the direction is handset.
 */
int handset_take_start(struct span body, const struct config *config,
                       struct ipc_reg_start *out, struct err *e);
/* {"otp", "number"?} */
int handset_take_otp(struct span body, const struct config *config,
                     struct ipc_reg_otp *out, struct err *e);
/* {"encryption_key", "signing_key", "type", "label"?, "checked"?}; der gets the
 * encryption key. */
int handset_take_device(struct span body, struct ipc_reg_device *out, struct buf *der,
                        struct err *e);
/* handset_check_body - is it what that call takes? The keeper gets the body as it is:
 * the device signed those bytes. Of a reply {"jwe": a compact JWE}; of a label see
 * relay/device_body.h, of a subscription relay/push.h; of all others nothing. */
int handset_check_body(const struct config *config, enum device_call call,
                       struct span body, struct err *e);

/* handset_range - a Range header (NULL: none) on size bytes. 1: one range, *first to
 * *last; 0: send everything (none, several, or one that is not understood); -1: it lies
 * behind the end. */
int handset_range(const char *text, uint64_t size, uint64_t *first, uint64_t *last);

/* The answers' tails (ipc.h) as JSON, appended to out. false: a tail that is not as
 * ipc.h says, or no memory. */
bool handset_put_messages(const struct ipc_device_answer *a, struct span tail,
                          const char *reply_key, struct buf *out);
bool handset_put_message(const struct ipc_device_answer *a, struct span tail,
                         struct buf *out);
bool handset_put_devices(const struct ipc_device_answer *a, struct span tail,
                         struct buf *out);

#endif
