/* SPDX-License-Identifier: ISC */
/* callback.h - where an account's callbacks may go, and how they are signed.
 *
 * An application names a dlr-url itself, so that it could make us ask anything of
 * anybody: callback-hosts says which hosts, callback-networks which private addresses.
 * Asked twice: of the URL when a request comes, of the address when the name is
 * resolved (a name may change what it means). */
#ifndef RELAY_CALLBACK_H
#define RELAY_CALLBACK_H

#include "relay/config.h"
#include "relay/err.h"
#include "relay/span.h"

#define CALLBACK_URL_MAX 2000U
#define CALLBACK_SIGNATURE_ROOM 128U

/* callback_check_url - http or https, no blanks or control characters, no user and
 * password, a host among callback-hosts (or that of the account's own reply-url or
 * dlr-url). 0, or -1: ERR_PERM "5.6.0" misformed, "5.7.1" the host is not allowed. */
int callback_check_url(const struct config_account *a, struct span url, struct err *e);

/* callback_may_connect - is the address public, or in callback-networks? Not public:
 * loopback, private, link-local, shared (100.64/10), multicast, documentation,
 * unspecified, unique-local, IPv4 within IPv6 (mapped, 6to4, NAT64) of such. */
bool callback_may_connect(const struct config_account *a, const struct sockaddr *sa);

/* callback_sign - "t=SECONDS,v1=HEX" : HMAC-SHA-256 under the account's callback-secret
 * of SECONDS "." METHOD "." URL "." BODY. false: the account has no secret. */
bool callback_sign(const struct config_account *a, uint64_t now_s, const char *method,
                   struct span url, struct span body,
                   char out[CALLBACK_SIGNATURE_ROOM]);

#endif
