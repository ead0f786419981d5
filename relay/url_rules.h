/* SPDX-License-Identifier: ISC */
/* url_rules.h - where requests of ours may go, when others say where.
 *
 * Whoever names a URL could make us ask anything of anybody: a list of hosts says which
 * are meant, a list of networks which addresses, of those that are not public, they may
 * be in. Asked twice: of the URL when it comes, of the address when the name is
 * resolved (a name may change what it means).
 *
 * hosts: a name ("app.example"), any name below one ("*.app.example": not app.example
 * itself), an address ("192.0.2.1", "[2001:db8::1]"); ":port" behind it allows that
 * port only. Names are compared without regard to case and to a dot at their end,
 * addresses as addresses. An international name is written as "xn--...". */
#ifndef RELAY_URL_RULES_H
#define RELAY_URL_RULES_H

#include "relay/config.h"
#include "relay/err.h"
#include "relay/span.h"

#define URL_RULES_OWN 2U

struct url_rules { /* all borrowed */
    const struct config_words *hosts;
    const struct config_networks *networks;
    const char *own[URL_RULES_OWN]; /* host and port of these URLs as well; or NULL */
    bool https_only;
};

/* url_rules_check - http or https, no blanks or control characters, no user and
 * password, a host that is allowed. 0, or -1: ERR_PERM "5.6.0" misformed, "5.7.1" the
 * host is not allowed; ERR_TEMP "4.3.0" out of memory. The length is for the caller to
 * bound. */
int url_rules_check(const struct url_rules *r, struct span url, struct err *e);

/* url_rules_may_connect - is the address public, or in r->networks? Not public:
 * loopback, private, link-local, shared (100.64/10), multicast, documentation,
 * benchmarking, reserved, unspecified, unique-local, Teredo, IPv6 outside of 2000::/3,
 * IPv4 within IPv6 (mapped, 6to4, NAT64) of such. */
bool url_rules_may_connect(const struct url_rules *r, const struct sockaddr *sa);

/* url_origin - appends scheme, host and port of an https URL as RFC 6454 writes them:
 * "https://push.example", the port only when it is not 443. false: it is none. */
bool url_origin(struct span url, struct buf *out);

#endif
