/* SPDX-License-Identifier: ISC */
/* push.h - what front, keeper and courier know of Web Push: where a device wants its
 * pushes, and where that may be. Source: RFC 8030; W3C Push API (PushSubscription). */
#ifndef RELAY_PUSH_H
#define RELAY_PUSH_H

#include "relay/config.h"
#include "relay/err.h"
#include "relay/span.h"
#include "relay/url_rules.h"

#define PUSH_ENDPOINT_ROOM 1025U

/* Whoever has the endpoint can disturb the device: it is a secret, as auth is. */
struct push_subscription {
    char endpoint[PUSH_ENDPOINT_ROOM]; /* "": it ends */
    uint8_t p256dh[65], auth[16];
};

/* push_rules - push-hosts and push-networks, https only; borrowed from c. */
struct url_rules push_rules(const struct config *c);

/* push_take - {"endpoint": URL, "p256dh", "auth"} or {"endpoint": null}. 0, or -1 with
 * *e ERR_PERM "bad-request" or "push-host". */
int push_take(const struct config *c, struct span body, struct push_subscription *out,
              struct err *e);

#endif
