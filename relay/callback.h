/* SPDX-License-Identifier: ISC */
/* callback.h - where an account's callbacks may go, and how they are signed.
 *
 * An application names a dlr-url itself, so that it could make us ask anything of
 * anybody: callback-hosts says which hosts, callback-networks which private addresses.
 * Asked twice: of the URL when a request comes, of the address when the name is
 * resolved (a name may change what it means).
 *
 * callback-hosts: a name ("app.example"), any name below one ("*.app.example": not
 * app.example itself), an address ("192.0.2.1", "[2001:db8::1]"); ":port" behind it
 * allows that port only. Names are compared without regard to case and to a dot at
 * their end, addresses as addresses. An international name is written as "xn--...". */
#ifndef RELAY_CALLBACK_H
#define RELAY_CALLBACK_H

#include "relay/config.h"
#include "relay/err.h"
#include "relay/span.h"

#define CALLBACK_URL_MAX                                          \
    2000U /* of a URL that is asked for, its escapes not replaced \
           */
#define CALLBACK_SIGNATURE_ROOM 128U

/* callback_check_url - http or https, no blanks or control characters, no user and
 * password, a host among callback-hosts (or host and port of the account's own
 * reply-url or dlr-url). 0, or -1: ERR_PERM "5.6.0" misformed, "5.7.1" the host is not
 * allowed; ERR_TEMP "4.3.0" out of memory. The length is for the caller to bound:
 * escapes make a URL longer than it was asked for. */
int callback_check_url(const struct config_account *a, struct span url, struct err *e);

/* callback_may_connect - is the address public, or in callback-networks? Not public:
 * loopback, private, link-local, shared (100.64/10), multicast, documentation,
 * benchmarking, reserved, unspecified, unique-local, Teredo, IPv6 outside of 2000::/3,
 * IPv4 within IPv6 (mapped, 6to4, NAT64) of such. */
bool callback_may_connect(const struct config_account *a, const struct sockaddr *sa);

/* callback_sign - "t=SECONDS,v1=HEX" : HMAC-SHA-256 under the account's callback-secret
 * of SECONDS "." METHOD "." URL "." BODY. false: the account has no secret, or out of
 * memory; out is then "". */
bool callback_sign(const struct config_account *a, uint64_t now_s, const char *method,
                   struct span url, struct span body,
                   char out[CALLBACK_SIGNATURE_ROOM]);

#endif
