/* SPDX-License-Identifier: ISC */
/* messages.c - the commands of a registered device: messages, parts, replies, devices.
 * Here:       fetching, opening, sealing.
 * Elsewhere:  HTTPS and proofs (api.c), the look (show.c), formats (relay/jwe.h,
 *             relay/stream.h).
 * Called by:  main.c. What the server sends is no more trusted than what a sender
 * wrote. Source:     templates/handset/openapi.yaml. */
#include "contrib/handset/command.h"
#include "contrib/handset/json.h"
#include "contrib/handset/show.h"
#include "relay/encode.h"
#include "relay/stream.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define ID_ROOM (HEX_LEN(16) + 1)
#define NOTHING span_of(NULL, 0)

static bool take_id(const char *text, uint8_t id[16])
{
    return hex_take(span_str(text), id, 16);
}

/* -- opening */

static bool open_jwe(const struct handset *h, const json_t *message, struct buf *plain)
{
    struct jwe_header header;
    struct buf text, binary;
    uint8_t id[16];
    struct err e;
    bool ok;

    buf_init(&text, JWE_TEXT_MAX_BYTES);
    buf_init(&binary, JWE_TEXT_MAX_BYTES);
    json_put(&text, json_incref(json_object_get(message, "jwe")));
    ok = buf_ok(&text) && jwe_from_json(buf_span(&text), &binary, &e) == 0 &&
         jwe_open(buf_span(&binary), h->ring.encryption, h->key.kid, &header, plain,
                  &e) == 0 &&
         strcmp(header.typ, "sealpost-message") == 0 &&
         take_id(json_text(message, "id"), id) && memcmp(id, header.id, 16) == 0;
    buf_clear(&text);
    buf_clear(&binary);
    return ok;
}

/* The manifest of an API message object; NULL when it does not open with our key. */
static json_t *open_message(const struct handset *h, const json_t *message)
{
    struct buf plain;
    json_t *j = NULL;

    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    if (open_jwe(h, message, &plain))
        j = json_loadb(plain.p, plain.n, JSON_REJECT_DUPLICATES, NULL);
    buf_wipe(&plain);
    return j;
}

/* The message that args[0] names, opened; NULL after saying why, with *status set. */
static json_t *fetch(struct handset *h, int *status)
{
    char path[PATH_ROOM];
    struct api_reply r;
    uint8_t id[16];
    json_t *j, *manifest;

    if (!take_id(h->args[0], id)) {
        *status = complain(EX_USAGE, "ID is the 32 letters that list prints first");
        return NULL;
    }
    (void)snprintf(path, sizeof path, "/api/v1/messages/%s", h->args[0]);
    api_call(&h->api, "GET", path, NOTHING, &r);
    if (r.status != 200) {
        *status = refused(&r);
        return NULL;
    }
    j = take_json(&r);
    manifest = strcmp(json_text(j, "id"), h->args[0]) == 0 ? open_message(h, j) : NULL;
    json_decref(j);
    if (manifest == NULL)
        *status =
            complain(EX_DATAERR, "the message does not open with this handset's key");
    return manifest;
}

/* -- list, read */

/* Ids ascend from page to page, so a list that never ends is seen. */
static int list_page(const struct handset *h, const json_t *page, char last[ID_ROOM])
{
    const json_t *message;
    uint8_t id[16];
    size_t i;

    json_array_foreach(json_object_get(page, "messages"), i, message)
    {
        const char *text = json_text(message, "id");
        json_t *manifest;

        if (!take_id(text, id) || strcmp(text, last) <= 0)
            return complain(EX_PROTOCOL, "the server's list is odd");
        (void)span_copy(last, ID_ROOM, span_str(text));
        manifest = open_message(h, message);
        show_line(stdout, text,
                  json_integer_value(json_object_get(message, "read")) != 0, manifest);
        json_decref(manifest);
    }
    return EX_OK;
}

/* The first page alone says it. */
static void tell_closed(const json_t *page)
{
    const json_int_t n = json_integer_value(json_object_get(page, "closed"));
    char why[96];

    if (n <= 0)
        return;
    (void)snprintf(why, sizeof why,
                   "%lld more: sealed to other devices, they do not open here",
                   (long long)n);
    (void)complain(EX_OK, why);
}

int cmd_list(struct handset *h)
{
    char path[PATH_ROOM] = "/api/v1/messages", last[ID_ROOM] = "";
    bool more = true;
    int status = EX_OK;

    while (more && status == EX_OK) {
        struct api_reply r;
        json_t *page;

        api_call(&h->api, "GET", path, NOTHING, &r);
        if (r.status != 200)
            return refused(&r);
        page = take_json(&r);
        more = json_is_true(json_object_get(page, "more")) &&
               json_array_size(json_object_get(page, "messages")) > 0;
        tell_closed(page);
        if (json_is_true(json_object_get(page, "held")))
            (void)complain(EX_OK,
                           "this device waits for the SMS that tells your number "
                           "of it; try again in a moment");
        status = list_page(h, page, last);
        (void)snprintf(path, sizeof path, "/api/v1/messages?after=%s", last);
        json_decref(page);
    }
    return status;
}

/* path_on_id - kind is "messages" or "devices", args[0] the id, tail "" or "/read". */
static int path_on_id(const struct handset *h, const char *kind, const char *tail,
                      char path[PATH_ROOM])
{
    uint8_t id[16];

    if (!take_id(h->args[0], id))
        return complain(EX_USAGE, "ID is the 32 letters that a list prints first");
    (void)snprintf(path, PATH_ROOM, "/api/v1/%s/%s%s", kind, h->args[0], tail);
    return EX_OK;
}

static int done(struct api_reply *r)
{
    if (r->status != 204)
        return refused(r);
    api_reply_clear(r);
    return EX_OK;
}

static int call_on_id(struct handset *h, const char *method, const char *kind,
                      const char *tail)
{
    char path[PATH_ROOM];
    struct api_reply r;
    const int status = path_on_id(h, kind, tail, path);

    if (status != EX_OK)
        return status;
    api_call(&h->api, method, path, NOTHING, &r);
    return done(&r);
}

/* What nobody saw, as the output failed, does not count as read. */
int cmd_read(struct handset *h)
{
    int status = EX_OK;
    json_t *manifest = fetch(h, &status);

    if (manifest == NULL)
        return status;
    if (h->o.verbose)
        show_head(stderr, manifest);
    show_appointment(stdout, manifest);
    show_text(stdout, json_member(manifest, "text"), true);
    (void)putchar('\n');
    if (json_is_true(json_object_get(manifest, "text_cut")))
        (void)complain(EX_OK, "the text was too long and ends early");
    json_decref(manifest);
    if (fflush(stdout) != 0)
        return complain(EX_IOERR, "the text cannot be written");
    return call_on_id(h, "POST", "messages", "/read");
}

/* -- parts */

static const json_t *find_part(const json_t *manifest, long n)
{
    const json_t *part;
    size_t i;

    json_array_foreach(json_object_get(manifest, "parts"), i, part)
    {
        if (json_integer_value(json_object_get(part, "n")) == n)
            return part;
    }
    return NULL;
}

static int open_part(const json_t *part, struct span sealed)
{
    uint8_t key[STREAM_KEY], sha256[32];
    struct buf plain;
    struct err e;
    int status = EX_OK;

    buf_init(&plain, sealed.n);
    if (!b64url_take_exact(json_member(part, "key"), key, sizeof key) ||
        !b64url_take_exact(json_member(part, "sha256"), sha256, sizeof sha256) ||
        stream_open(sealed, key, sha256, &plain, &e) != 0)
        status = complain(EX_DATAERR, "the part is damaged");
    else if (fwrite(plain.p == NULL ? "" : plain.p, 1, plain.n, stdout) != plain.n)
        status = complain(EX_IOERR, "the part cannot be written");
    OPENSSL_cleanse(key, sizeof key);
    buf_wipe(&plain);
    return status;
}

static int fetch_part(struct handset *h, const json_t *part, long n)
{
    char path[PATH_ROOM];
    struct api_reply r;
    int status;

    (void)snprintf(path, sizeof path, "/api/v1/messages/%s/parts/%ld", h->args[0], n);
    api_call(&h->api, "GET", path, NOTHING, &r);
    if (r.status != 200)
        return refused(&r);
    status = open_part(part, buf_span(&r.body));
    api_reply_clear(&r);
    return status;
}

int cmd_part(struct handset *h)
{
    const char *const text = h->args[1];
    const size_t digits = strspn(text, "0123456789");
    const long n = strtol(text, NULL, 10);
    int status = EX_OK;
    json_t *manifest;
    const json_t *part;

    if (text[digits] != '\0' || digits > 6 || n < 1)
        return complain(EX_USAGE, "N is the part's number, from 1");
    if (isatty(STDOUT_FILENO) == 1) /* they are a sender's, and may drive a terminal */
        return complain(EX_USAGE, "these bytes are no text: send them to a file");
    manifest = fetch(h, &status);
    if (manifest == NULL)
        return status;
    part = find_part(manifest, n);
    status = part == NULL ? complain(EX_NOINPUT, "the message has no such part")
                          : fetch_part(h, part, n);
    json_decref(manifest);
    return status;
}

/* -- replies */

/* The key comes with every list; the list after the last id is the shortest. */
static int fetch_reply_key(struct handset *h, struct jwe_key *key)
{
    struct api_reply r;
    struct buf jwk;
    struct err e;
    json_t *j;
    bool ok;

    api_call(&h->api, "GET", "/api/v1/messages?after=ffffffffffffffffffffffffffffffff",
             NOTHING, &r);
    if (r.status != 200)
        return refused(&r);
    j = take_json(&r);
    buf_init(&jwk, 4096);
    json_put(&jwk, json_incref(json_object_get(j, "reply_key")));
    ok = buf_ok(&jwk) && jwe_key_from_jwk(key, buf_span(&jwk), &e) == 0;
    buf_clear(&jwk);
    json_decref(j);
    return ok ? EX_OK : complain(EX_TEMPFAIL, "the server gave no key for replies");
}

/* The answer names the appointment by its uid. */
static bool add_answer(json_t *reply, const json_t *manifest, const char *answer)
{
    const json_t *const a = json_object_get(manifest, "appointment");

    return json_object_set_new(reply, "answer", json_string(answer)) == 0 &&
           json_object_set_new(reply, "uid", json_string(json_text(a, "uid"))) == 0;
}

/* The subject goes along, sealed: the server keeps none. */
static int seal_reply(const struct handset *h, const json_t *manifest,
                      const struct jwe_key *key, struct buf *out)
{
    struct jwe_header header = { .typ = "sealpost-reply",
                                 .to = "reply",
                                 .created_s = (uint64_t)time(NULL) };
    json_t *j = json_pack("{s:s,s:s}", "text", h->args[1], "subject",
                          json_text(manifest, "subject"));
    struct buf plain;
    struct err e;
    int status = EX_OK;

    if (h->o.answer != NULL &&
        !json_is_object(json_object_get(manifest, "appointment")))
        status = complain(EX_USAGE, "the message has no appointment to answer");
    else if (j == NULL ||
             (h->o.answer != NULL && !add_answer(j, manifest, h->o.answer)))
        status = complain(EX_DATAERR, "the text is not UTF-8");
    if (status != EX_OK) {
        json_decref(j);
        return status;
    }
    (void)take_id(h->args[0], header.id);
    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    json_put(&plain, j);
    buf_put(out, "{\"jwe\":\"");
    if (!buf_ok(&plain) ||
        jwe_seal_compact(&header, key, buf_span(&plain), out, &e) != 0)
        status = complain(EX_DATAERR, "the reply is too long");
    buf_put(out, "\"}");
    buf_wipe(&plain);
    return status;
}

/* Sealed to the key of now; *stale when the server's key has just changed. */
static int send_reply(struct handset *h, const json_t *manifest, bool *stale)
{
    char path[PATH_ROOM];
    struct api_reply r;
    struct jwe_key key;
    struct buf body;
    int status = fetch_reply_key(h, &key);

    *stale = false;
    if (status != EX_OK)
        return status;
    buf_init(&body, JWE_TEXT_MAX_BYTES);
    status = seal_reply(h, manifest, &key, &body);
    jwe_key_clear(&key);
    if (status == EX_OK) {
        (void)snprintf(path, sizeof path, "/api/v1/messages/%s/replies", h->args[0]);
        api_call(&h->api, "POST", path, buf_span(&body), &r);
        *stale = strcmp(r.problem, "stale-key") == 0;
        if (r.status != 202 && !*stale)
            status = refused(&r);
        else
            api_reply_clear(&r);
    }
    buf_clear(&body);
    return status;
}

int cmd_reply(struct handset *h)
{
    int status = EX_OK;
    json_t *manifest = fetch(h, &status);
    bool stale;

    if (manifest == NULL)
        return status;
    status = send_reply(h, manifest, &stale);
    if (stale) /* midnight passed in between; that happens once */
        status = send_reply(h, manifest, &stale);
    json_decref(manifest);
    if (stale)
        return complain(EX_TEMPFAIL, "the server's key for replies keeps changing");
    if (status == EX_OK)
        (void)puts("reply sent");
    return status;
}

/* -- remove, devices */

int cmd_remove(struct handset *h)
{
    return call_on_id(h, "DELETE", "messages", "");
}

int cmd_revoke(struct handset *h)
{
    return call_on_id(h, "DELETE", "devices", "");
}

int cmd_label(struct handset *h)
{
    char path[PATH_ROOM];
    struct api_reply r;
    const int status = path_on_id(h, "devices", "/label", path);

    if (status != EX_OK)
        return status;
    post(h, path, json_pack("{s:s}", "label", h->args[1]), &r);
    return done(&r);
}

int cmd_devices(struct handset *h)
{
    struct api_reply r;
    const json_t *device;
    json_t *j;
    size_t i;

    api_call(&h->api, "GET", "/api/v1/devices", NOTHING, &r);
    if (r.status != 200)
        return refused(&r);
    j = take_json(&r);
    json_array_foreach(json_object_get(j, "devices"), i, device)
    {
        show_device(stdout, device);
    }
    json_decref(j);
    return EX_OK;
}
