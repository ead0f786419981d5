/* SPDX-License-Identifier: ISC */
/* bearerbox_tls.h - TLS to a bearerbox with smsbox-port-ssl: who it must be, and why a
 * handshake failed. */
#ifndef PLUGIN_BEARERBOX_TLS_H
#define PLUGIN_BEARERBOX_TLS_H

#include "relay/relay.h"

struct bufferevent;
struct box_tls;

/* box_tls_new - reads tls_ca; later no file is opened. NULL with *e (ERR_PERM, or
 * ERR_TEMP when out of memory). Lives as long as the process. */
struct box_tls *box_tls_new(const struct config_kannel *conf, struct err *e);

/* box_tls_connecting - a bufferevent without a socket yet, for
 * bufferevent_socket_connect; BEV_EVENT_CONNECTED comes when the peer has proved to be
 * the one that the configuration names. NULL: out of memory. */
struct bufferevent *box_tls_connecting(const struct box_tls *tls,
                                       struct event_base *base);

/* box_tls_why - after BEV_EVENT_ERROR: "certificate: self-signed certificate", "TLS:
 * wrong version number"; NULL: TLS has no complaint. Static. */
const char *box_tls_why(struct bufferevent *bev);

/* box_tls_goodbye - close_notify; only when the output is empty. */
void box_tls_goodbye(struct bufferevent *bev);

#endif
