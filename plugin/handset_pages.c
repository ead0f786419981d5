/* SPDX-License-Identifier: ISC */
/* handset_pages.c - the page and its files, over HTTPS.
 * Here:       which file a path means, the headers that bound what the page may do.
 * Elsewhere:  the files (handset_files.c), HTTP itself (relay/http.c).
 * Called by:  handset.c.
 * Source:     W3C Content Security Policy 3, Trusted Types, Permissions Policy, Service
 *             Workers; RFC 9110 13 and 15.4.5 (304), RFC 8246 (immutable). */
#include "plugin/handset_pages.h"
#include "plugin/handset_files.h"

/* The page runs its own scripts and nothing else. Pictures and films of messages are
 * opened there, so they are blobs. The one thing that needs a trusted type is the
 * address of the service worker. */
#define PAGE_CSP                                                                      \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " \
    "media-src blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "   \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "                   \
    "require-trusted-types-for 'script'; trusted-types sealpost-worker"
/* A logo is shown by <img>, where no script of an SVG runs; opened by itself it is as
 * dead. Style attributes are how drawing programs colour it. */
#define LOGO_CSP                                                                   \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action " \
    "'none'; frame-ancestors 'none'; sandbox"
/* WebOTP, and nothing else that could tell of the phone or its owner. */
#define PERMISSIONS                                                                 \
    "otp-credentials=(self), accelerometer=(), bluetooth=(), camera=(), "           \
    "display-capture=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), " \
    "local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), "         \
    "publickey-credentials-create=(), publickey-credentials-get=(), "               \
    "screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"

void handset_wrong_method(struct http_request *req, const char *allow)
{
    http_reply_header(req, "Allow", allow);
    http_reply_problem(req, 405, "method", "This is not done here", NULL);
}

/* Whatever stands behind /m/ is the page's business: a link that was cut off on its way
 * deserves words, not an error in JSON. */
static const struct handset_file *file_of(const char *path)
{
    const bool is_notice =
        strncmp(path, "/m/", 3) == 0 && strchr(path + 3, '/') == NULL;

    return handset_file_find(is_notice || strcmp(path, "/") == 0 ? "index.html"
                                                                 : path + 1);
}

static bool is_document(const struct handset_file *f)
{
    return strcmp(f->type, "text/html; charset=utf-8") == 0;
}

/* Only a document and a worker have scripts to be bound; the others may do nothing when
 * they are opened by themselves. A first visit asks for thirty of them: short. */
static const char *csp_of(const struct handset_file *f)
{
    if (f->is_logo)
        return LOGO_CSP;
    return is_document(f) || strcmp(f->name, "sw.js") == 0 ? PAGE_CSP
                                                           : "default-src 'none'";
}

/* The page is asked for again each time, above all sw.js: the service worker pins a
 * version, and its owner is told of a new one. */
static void put_headers(struct http_request *req, const struct handset_file *f,
                        enum handset_coding c)
{
    http_reply_header(req, "ETag", f->etag[c]);
    if (f->coded[CODING_GZIP].n > 0 || f->coded[CODING_BR].n > 0)
        http_reply_header(req, "Vary", "Accept-Encoding");
    http_reply_header(req, "Cache-Control",
                      f->is_logo ? "public, max-age=31536000, immutable" : "no-cache");
    http_reply_header(req, "Content-Security-Policy", csp_of(f));
    if (is_document(f)) {
        http_reply_header(req, "Cross-Origin-Opener-Policy", "same-origin");
        http_reply_header(req, "Permissions-Policy", PERMISSIONS);
    }
}

/* A GET never changes anything: link scanners follow the links of SMS as well. */
void handset_serve_file(struct http_request *req)
{
    const struct handset_file *const f = file_of(http_path(req));
    enum handset_coding c;

    if (f == NULL) {
        http_reply_problem(req, 404, "gone", "There is no such thing here", NULL);
        return;
    }
    if (http_method(req) != HTTP_GET && http_method(req) != HTTP_HEAD) {
        handset_wrong_method(req, "GET, HEAD");
        return;
    }
    c = handset_file_coding(f, http_header(req, "Accept-Encoding"));
    put_headers(req, f, c);
    if (handset_etag_known(http_header(req, "If-None-Match"), f->etag[c])) {
        http_reply(req, 304, NULL, span_of(NULL, 0));
        return;
    }
    if (c != CODING_IDENTITY)
        http_reply_header(req, "Content-Encoding", handset_coding_name(c));
    http_reply(req, 200, f->type, handset_file_body(f, c));
}
