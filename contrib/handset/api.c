/* SPDX-License-Identifier: ISC */
/* api.c - the handset's side of the API: HTTPS, proofs, problems.
 * Here:       one call at a time with libcurl, ES256 proofs.
 * Elsewhere:  what is called (register.c, messages.c), keys (keyring.c).
 * Called by:  register.c, messages.c.
 * Source:     RFC 9449 4.2; RFC 7515; RFC 9457. */
#include "contrib/handset/api.h"
#include "relay/encode.h"
#include "relay/jws.h"
#include <curl/curl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>

#define BODY_MAX (96U << 20)
#define TIMEOUT_S 900L
#define STALLED_S 30L
#define CONNECT_S 15L

static void put_b64(struct buf *out, struct buf *piece)
{
    b64url_put(out, piece->p, piece->n);
    buf_clear(piece);
}

bool api_proof(const struct keyring *ring, const char *method, const char *url,
               const char *nonce, struct span body, struct buf *out)
{
    uint8_t jti[18], hash[32], raw[64];
    struct buf piece, text;
    const size_t start = out->n;

    if (RAND_bytes(jti, sizeof jti) != 1 ||
        EVP_Q_digest(NULL, "SHA256", NULL, body.n == 0 ? "" : body.p, body.n, hash,
                     NULL) != 1)
        return false;
    buf_init(&piece, 4096);
    buf_init(&text, 4096);
    buf_printf(&piece, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"%s\"}",
               ring->device);
    put_b64(out, &piece);
    buf_put_u8(out, '.');
    buf_printf(&piece, "{\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":%lld,\"jti\":\"", method,
               url, (long long)time(NULL));
    b64url_put(&piece, jti, sizeof jti);
    buf_printf(&piece, "\",\"nonce\":\"%s\",\"bh\":\"", nonce);
    b64url_put(&piece, hash, sizeof hash);
    buf_put(&piece, "\"}");
    put_b64(out, &piece);
    if (!buf_ok(out) ||
        !jws_sign(ring->signing, span_of(out->p + start, out->n - start), raw))
        return false;
    buf_put_u8(out, '.');
    b64url_put(out, raw, sizeof raw);
    return buf_ok(out);
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct buf *body = ctx;

    buf_put_mem(body, p, size * n);
    return buf_ok(body) ? size * n : 0;
}

/* A nonce stands in JSON as it is, so one that would need escaping is none. */
static void take_nonce(struct api *api, struct span value)
{
    while (value.n > 0 && strchr(" \t\r\n", value.p[value.n - 1]) != NULL)
        value.n--;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~' || strchr("\"\\", value.p[i]) != NULL)
            return;
    (void)span_copy(api->nonce, sizeof api->nonce, value);
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
    struct cur c = cur_of(span_of(p, size * n));

    if (cur_word(&c, "DPoP-Nonce:")) {
        while (cur_byte(&c, ' ') || cur_byte(&c, '\t'))
            ;
        take_nonce(ctx, span_of(c.p, cur_left(&c)));
    }
    return size * n;
}

static void take_problem(struct api_reply *r)
{
    static const char urn[] = "urn:sealpost:";
    json_t *j = json_loadb(r->body.n == 0 ? "" : r->body.p, r->body.n, 0, NULL);
    const char *title = json_string_value(json_object_get(j, "title"));
    const char *type = json_string_value(json_object_get(j, "type"));
    const json_t *tries = json_object_get(j, "tries_left");

    (void)snprintf(r->why, sizeof r->why, "%s (HTTP %ld)",
                   title == NULL ? "the server refused" : title, r->status);
    if (type != NULL && strncmp(type, urn, sizeof urn - 1) == 0)
        (void)span_copy(r->problem, sizeof r->problem, span_str(type + sizeof urn - 1));
    if (json_is_integer(tries))
        r->tries_left = (long)json_integer_value(tries);
    json_decref(j);
}

static struct curl_slist *headers_of(struct api *api, const char *method,
                                     const char *url, struct span body)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    struct buf proof;

    if (api->ring == NULL)
        return list;
    buf_init(&proof, 8192);
    buf_put(&proof, "DPoP: ");
    if (api_proof(api->ring, method, url, api->nonce, body, &proof))
        list = curl_slist_append(list, buf_cstr(&proof));
    buf_clear(&proof);
    return list;
}

/* What the proof names is the URL without its query. */
static void perform(struct api *api, const char *method, const char *path,
                    struct span body, struct api_reply *r)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers;
    char url[1024], bare[1024], error[CURL_ERROR_SIZE] = "";
    const char *ca = getenv("SSL_CERT_FILE");
    CURLcode rc;

    (void)snprintf(url, sizeof url, "%s%s", api->url, path);
    (void)snprintf(bare, sizeof bare, "%s%.*s", api->url, (int)strcspn(path, "?"),
                   path);
    headers = headers_of(api, method, bare, body);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALLED_S);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r->body);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, api);
    if (ca != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    if (strcmp(method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.n == 0 ? "" : body.p);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.n);
    }
    rc = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r->status);
    if (rc != CURLE_OK) {
        r->status = 0;
        (void)snprintf(r->why, sizeof r->why, "%s: %s", api->url,
                       error[0] != '\0' ? error : curl_easy_strerror(rc));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

void api_call(struct api *api, const char *method, const char *path, struct span body,
              struct api_reply *reply)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        *reply = (struct api_reply){ .tries_left = -1 };
        buf_init(&reply->body, BODY_MAX);
        perform(api, method, path, body, reply);
        if (reply->status >= 400)
            take_problem(reply);
        if (strcmp(reply->problem, "use-dpop-nonce") != 0)
            return;
        if (attempt == 0)
            api_reply_clear(reply);
    }
}

void api_reply_clear(struct api_reply *reply)
{
    buf_wipe(&reply->body);
}

int api_exit(const struct api_reply *reply)
{
    switch (reply->status) {
    case 0:
        return EX_UNAVAILABLE;
    case 400:
    case 413:
        return EX_DATAERR;
    case 404:
        return EX_NOINPUT;
    case 401:
    case 403:
    case 410:
        return EX_NOPERM;
    case 429:
        return EX_TEMPFAIL;
    case 501:
        return EX_UNAVAILABLE;
    default:
        if (reply->status >= 200 && reply->status < 300)
            return EX_OK;
        return reply->status >= 500 || reply->status == 409 ? EX_TEMPFAIL : EX_PROTOCOL;
    }
}
