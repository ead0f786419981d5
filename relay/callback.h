/* SPDX-License-Identifier: ISC */
/* callback.h - where an account's callbacks may go, and how they are signed.
 *
 * An application names a dlr-url itself, so that it could make us ask anything of
 * anybody: callback-hosts says which hosts, callback-networks which private addresses.
 * What they may say: url_rules.h. */
#ifndef RELAY_CALLBACK_H
#define RELAY_CALLBACK_H

#include "relay/config.h"
#include "relay/err.h"
#include "relay/span.h"
#include "relay/url_rules.h"

#define CALLBACK_URL_MAX                                          \
    2000U /* of a URL that is asked for, its escapes not replaced \
           */
#define CALLBACK_SIGNATURE_ROOM 128U

/* callback_rules - an account's, or of none; borrowed from it. callback_check_url,
 * callback_may_connect - url_rules_check and url_rules_may_connect of them: callback-
 * hosts, host and port of the account's own reply-url or dlr-url; callback-networks.
 * Escapes make a URL longer than it was asked for. */
struct url_rules callback_rules(const struct config_account *a);
int callback_check_url(const struct config_account *a, struct span url, struct err *e);
bool callback_may_connect(const struct config_account *a, const struct sockaddr *sa);

/* callback_sign - "t=SECONDS,v1=HEX" : HMAC-SHA-256 under the account's callback-secret
 * of SECONDS "." METHOD "." URL "." BODY. false: the account has no secret, or out of
 * memory; out is then "". */
bool callback_sign(const struct config_account *a, uint64_t now_s, const char *method,
                   struct span url, struct span body,
                   char out[CALLBACK_SIGNATURE_ROOM]);

#endif
