/* SPDX-License-Identifier: ISC */
/* http_tls.c - the TLS side of the HTTP server.
 * Here:       one SSL_CTX, made at start: it reads the files; later nothing does.
 * Elsewhere:  connections (http.c), the client's side (the reference handset).
 * Called by:  http.c.
 * Source:     Mozilla's "intermediate" server profile 5.7; RFC 7301 (ALPN). */
#include "relay/http_tls.h"
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct http_tls {
    SSL_CTX *ctx;
};

/* A key with a passphrase would be asked for on a terminal that nobody watches. */
static int no_passphrase(char *to, int room, int writing, void *ctx)
{
    (void)to;
    (void)room;
    (void)writing;
    (void)ctx;
    return -1;
}

/* Whoever offers protocols but not ours is in the wrong place (RFC 7301 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *in, unsigned in_n, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int fail(struct err *e, const char *what, const char *path)
{
    const unsigned long code = ERR_get_error();
    const char *const why = ERR_reason_error_string(code);

    ERR_clear_error();
    return err_set(e, ERR_PERM, "5.3.5", "%s %s: %s", what, path,
                   why != NULL ? why : "refused by OpenSSL");
}

static int set_up(SSL_CTX *ctx, const char *certificate, const char *key, struct err *e)
{
    static const char ciphers[] =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* 15 kB a connection */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets do */
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ciphers) != 1 ||
        SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
        return fail(e, "TLS", "parameters");
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
        return fail(e, "certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return fail(e, "key", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fail(e, "key does not fit the certificate:", key);
    return 0;
}

struct http_tls *http_tls_new(const char *certificate, const char *key, struct err *e)
{
    struct http_tls *const tls = calloc(1, sizeof *tls);

    ERR_clear_error();
    if (tls != NULL)
        tls->ctx = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || tls->ctx == NULL) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "TLS: out of memory");
    } else if (set_up(tls->ctx, certificate, key, e) == 0) {
        return tls;
    }
    http_tls_free(tls);
    return NULL;
}

void http_tls_free(struct http_tls *tls)
{
    if (tls != NULL)
        SSL_CTX_free(tls->ctx);
    free(tls);
}

struct bufferevent *http_tls_accept(struct http_tls *tls, struct event_base *base)
{
    SSL *const ssl = SSL_new(tls->ctx);

    if (ssl == NULL)
        return NULL; /* else it is the bufferevent's, also on failure */
    return bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

void http_tls_say(struct bufferevent *bev, struct span text)
{
    SSL *const ssl = bufferevent_openssl_get_ssl(bev);

    if (SSL_is_init_finished(ssl))
        (void)SSL_write(ssl, text.p, (int)text.n);
    http_tls_goodbye(bev);
}

void http_tls_goodbye(struct bufferevent *bev)
{
    SSL *const ssl = bufferevent_openssl_get_ssl(bev);

    if (SSL_is_init_finished(ssl) && (SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN) == 0)
        (void)SSL_shutdown(ssl);
    ERR_clear_error();
}
