/* SPDX-License-Identifier: ISC */
/* vapid.h - how push services know that it is always the same server (RFC 8292).
 *
 * The key pair is derived from the master key (keys_derive) and not kept anywhere. A
 * browser binds its subscription to the public key, so a key that got lost, or a new
 * one beside a restored store, would end every subscription without a word; this one
 * comes back with the master key, which must be kept anyway, and needs no file of its
 * own. It opens nothing: whoever has it may send pushes to those whose subscription he
 * has as well. */
#ifndef RELAY_VAPID_H
#define RELAY_VAPID_H

#include "relay/keeper/keys.h"

struct vapid;

/* vapid_new - NULL with *e: no memory. */
struct vapid *vapid_new(const struct keys *k, struct err *e);
void vapid_free(struct vapid *v);
const uint8_t *vapid_point(const struct vapid *v); /* JWE_POINT_BYTES */

/* vapid_authorization - appends the value of the header Authorization for the push
 * service at an origin ("https://push.example"). The token in it is valid for half a
 * day and used for six hours: services like to see the same one. contact needs no
 * escaping in JSON. false: no memory. */
bool vapid_authorization(struct vapid *v, uint64_t now_s, struct span origin,
                         const char *contact, struct buf *out);

#endif
