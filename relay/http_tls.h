/* SPDX-License-Identifier: ISC */
/* http_tls.h - TLS for http.c: parameters, and the two things evhttp leaves out. */
#ifndef RELAY_HTTP_TLS_H
#define RELAY_HTTP_TLS_H

#include "relay/err.h"
#include "relay/span.h"

struct bufferevent;
struct event_base;
struct http_tls;

/* http_tls_new - reads certificate chain and key (PEM). NULL with *e (ERR_PERM). */
struct http_tls *http_tls_new(const char *certificate, const char *key, struct err *e);
void http_tls_free(struct http_tls *tls);

/* http_tls_accept - a bufferevent that waits for its socket and then shakes hands; NULL
 * when out of memory. */
struct bufferevent *http_tls_accept(struct http_tls *tls, struct event_base *base);
/* http_tls_say - past the bufferevent, whose output is empty: a few bytes that must
 * leave now, and the end of our side. Best effort. */
void http_tls_say(struct bufferevent *bev, struct span text);
/* http_tls_goodbye - close_notify, so that the client can tell an end from a cut. */
void http_tls_goodbye(struct bufferevent *bev);

#endif
