/* SPDX-License-Identifier: ISC */
/* bearerbox_tls.c - TLS to a bearerbox with smsbox-port-ssl.
 * Here:       the client's parameters, verification, the words for a failure.
 * Elsewhere:  the connection (bearerbox_link.c), TLS for handsets (relay/http_tls.c).
 * Called by:  bearerbox_link.c.
 * Source:     Kannel user guide, smsbox-port-ssl; RFC 5280, RFC 6125. */
#include "plugin/bearerbox_tls.h"
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct box_tls {
    SSL_CTX *ctx;
    const char *name; /* borrowed of the configuration; NULL: any that tls_ca signed */
};

static int fail(const struct config_kannel *conf, struct err *e)
{
    const char *const why = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return err_set(e, ERR_PERM, "5.3.5", "kannel %s: tls-ca %s: %s", conf->title,
                   conf->tls_ca, why != NULL ? why : "refused by OpenSSL");
}

/* Nobody is believed but tls_ca: the system's certificates are not loaded. */
static int set_up(SSL_CTX *ctx, const struct config_kannel *conf, struct err *e)
{
    X509_VERIFY_PARAM *const param = SSL_CTX_get0_param(ctx);

    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_load_verify_file(ctx, conf->tls_ca) != 1 ||
        (conf->tls_name != NULL &&
         X509_VERIFY_PARAM_set1_host(param, conf->tls_name, 0) != 1))
        return fail(conf, e);
    return 0;
}

struct box_tls *box_tls_new(const struct config_kannel *conf, struct err *e)
{
    struct box_tls *const tls = calloc(1, sizeof *tls);

    ERR_clear_error();
    if (tls != NULL) {
        tls->name = conf->tls_name;
        tls->ctx = SSL_CTX_new(TLS_client_method());
    }
    if (tls == NULL || tls->ctx == NULL)
        (void)err_set(e, ERR_TEMP, "4.3.0", "bearerbox: TLS: out of memory");
    else if (set_up(tls->ctx, conf, e) == 0)
        return tls;
    if (tls != NULL)
        SSL_CTX_free(tls->ctx);
    free(tls);
    return NULL;
}

struct bufferevent *box_tls_connecting(const struct box_tls *tls,
                                       struct event_base *base)
{
    SSL *const ssl = SSL_new(tls->ctx);

    if (ssl == NULL ||
        (tls->name != NULL && SSL_set_tlsext_host_name(ssl, tls->name) != 1)) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

const char *box_tls_why(struct bufferevent *bev)
{
    static char text[160];
    const long verified = SSL_get_verify_result(bufferevent_openssl_get_ssl(bev));
    const unsigned long code = bufferevent_get_openssl_error(bev);
    const char *const reason = ERR_reason_error_string(code);

    ERR_clear_error();
    if (verified != X509_V_OK)
        (void)snprintf(text, sizeof text, "certificate: %s",
                       X509_verify_cert_error_string(verified));
    else if (reason != NULL)
        (void)snprintf(text, sizeof text, "TLS: %s", reason);
    else
        return NULL;
    return text;
}

void box_tls_goodbye(struct bufferevent *bev)
{
    SSL *const ssl = bufferevent_openssl_get_ssl(bev);

    if (SSL_is_init_finished(ssl))
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
}
