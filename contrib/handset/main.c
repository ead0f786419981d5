/* SPDX-License-Identifier: ISC */
/* main.c - sealpost-handset: the reference handset, on the command line.
 * Here:       options, the commands, opening messages.
 * Elsewhere:  HTTPS and proofs (api.c), keys (keyring.c), the look (show.c), formats
 *             (relay/jwe.h, relay/stream.h).
 * Manual:     contrib/man/sealpost-handset.1 */
#include "contrib/handset/api.h"
#include "contrib/handset/show.h"
#include "relay/encode.h"
#include "relay/jwe.h"
#include "relay/stream.h"
#include <curl/curl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LINE_ROOM 128

struct options {
    const char *url, *dir, *otp, *label, *type;
    enum keyring_kind kind;
    bool verbose, from_handset;
};

struct handset {
    struct options o;
    struct keyring ring;
    struct jwe_key key; /* the encryption key, with its thumbprint */
    struct api api;
    char **args;
};

static int complain(int status, const char *why)
{
    (void)fprintf(stderr, "sealpost-handset: %s\n", why);
    return status;
}

static int refused(struct api_reply *r)
{
    const int status = api_exit(r);

    (void)complain(status, r->why);
    api_reply_clear(r);
    return status;
}

static json_t *take_json(struct api_reply *r)
{
    json_t *j = json_loadb(r->body.n == 0 ? "" : r->body.p, r->body.n,
                           JSON_REJECT_DUPLICATES, NULL);

    api_reply_clear(r);
    return j;
}

static const char *text_of(const json_t *j, const char *name)
{
    const char *s = json_string_value(json_object_get(j, name));

    return s == NULL ? "" : s;
}

/* -- register */

/* LINK is https://HOST/m/TOKEN: it names the server and the notice. */
static bool take_link(const char *text, char *url, size_t room, const char **token)
{
    const char *m = strstr(text, "/m/");

    if (strncmp(text, "https://", 8) != 0 || m == NULL)
        return false;
    *token = m + 3;
    return span_copy(url, room, span_of(text, (size_t)(m - text)));
}

static int ask_server(struct handset *h, const char *target, const char *token,
                      char *id, size_t room)
{
    json_t *j = token != NULL ? json_pack("{s:s}", "notice", token)
                              : json_pack("{s:s}", "number", target);
    char *body;
    struct api_reply r;

    if (h->o.from_handset)
        (void)json_object_set_new(j, "direction", json_string("handset"));
    body = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    api_call(&h->api, "POST", "/api/v1/registrations",
             span_str(body == NULL ? "" : body), &r);
    free(body);
    if (r.status != 201)
        return refused(&r);
    j = take_json(&r);
    (void)span_copy(id, room, span_str(text_of(j, "registration")));
    json_decref(j);
    return strlen(id) == HEX_LEN(16)
               ? EX_OK
               : complain(EX_PROTOCOL, "the server's answer is odd");
}

static bool read_otp(const struct handset *h, char line[LINE_ROOM])
{
    if (h->o.otp != NULL)
        return span_copy(line, LINE_ROOM, span_str(h->o.otp));
    (void)fputs("Password from the SMS: ", stderr);
    (void)fflush(stderr);
    if (fgets(line, LINE_ROOM, stdin) == NULL)
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static int send_otp(struct handset *h, const char *id, const char *otp,
                    struct api_reply *r)
{
    json_t *j = json_pack("{s:s}", "otp", otp);
    char *body = json_dumps(j, JSON_COMPACT), path[128];

    json_decref(j);
    (void)snprintf(path, sizeof path, "/api/v1/registrations/%s/otp", id);
    api_call(&h->api, "POST", path, span_str(body == NULL ? "" : body), r);
    free(body);
    return r->status == 200 ? EX_OK : api_exit(r);
}

/* A wrong password may be typed again while tries are left; one from --otp is only one.
 */
static int prove(struct handset *h, const char *id)
{
    char otp[LINE_ROOM];
    struct api_reply r;
    int status;

    for (;;) {
        if (!read_otp(h, otp))
            return complain(EX_NOINPUT, "no password was given");
        status = send_otp(h, id, otp, &r);
        OPENSSL_cleanse(otp, sizeof otp);
        if (status == EX_OK) {
            api_reply_clear(&r);
            return EX_OK;
        }
        (void)complain(status, r.why);
        if (r.tries_left > 0)
            (void)fprintf(stderr, "%ld tries left\n", r.tries_left);
        api_reply_clear(&r);
        if (strcmp(r.problem, "otp-mismatch") != 0 || h->o.otp != NULL)
            return status;
    }
}

static json_t *jwk_of(EVP_PKEY *pkey)
{
    struct jwe_key key;
    struct buf b;
    struct err e;
    json_t *j = NULL;

    if (jwe_key_from_pkey(&key, pkey, &e) != 0)
        return NULL;
    buf_init(&b, 4096);
    if (jwe_key_jwk(&key, &b, &e) == 0)
        j = json_loadb(b.p, b.n, 0, NULL);
    buf_clear(&b);
    jwe_key_clear(&key);
    return j;
}

static int enrol(struct handset *h, const char *id)
{
    json_t *j = json_pack(
        "{s:o,s:o,s:s,s:s}", "encryption_key", jwk_of(h->ring.encryption),
        "signing_key", jwk_of(h->ring.signing), "type", h->o.type, "label", h->o.label);
    char *body = j == NULL ? NULL : json_dumps(j, JSON_COMPACT), path[128];
    struct api_reply r;
    struct err e;

    json_decref(j);
    if (body == NULL)
        return complain(EX_SOFTWARE, "the keys cannot be written as JWK");
    (void)snprintf(path, sizeof path, "/api/v1/registrations/%s/device", id);
    api_call(&h->api, "POST", path, span_str(body), &r);
    free(body);
    if (r.status != 201)
        return refused(&r);
    j = take_json(&r);
    (void)span_copy(h->ring.device, sizeof h->ring.device,
                    span_str(text_of(j, "device")));
    json_decref(j);
    if (keyring_save(&h->ring, h->o.dir, &e) != 0)
        return complain(EX_CANTCREAT, e.text);
    (void)printf("registered as device %s\n", h->ring.device);
    return EX_OK;
}

static int cmd_register(struct handset *h)
{
    const char *target = h->args[0], *token = NULL;
    char id[LINE_ROOM] = "";
    struct span personalization;
    struct err e;
    int status;

    if (!take_link(target, h->ring.url, sizeof h->ring.url, &token) &&
        (h->o.url == NULL ||
         !span_copy(h->ring.url, sizeof h->ring.url, span_str(h->o.url))))
        return complain(EX_USAGE,
                        "give the server's address with -u, or the link itself");
    h->api.url = h->ring.url;
    personalization = span_str(token != NULL ? token : target);
    status = ask_server(h, target, token, id, sizeof id);
    if (status == EX_OK)
        status = prove(h, id);
    if (status == EX_OK && keyring_make(&h->ring, h->o.kind, personalization, &e) != 0)
        status = complain(EX_SOFTWARE, e.text);
    return status == EX_OK ? enrol(h, id) : status;
}

/* -- messages */

/* The manifest of an API message object; NULL when it does not open with our key. */
static json_t *open_message(const struct handset *h, const json_t *message)
{
    char *text = json_dumps(json_object_get(message, "jwe"), JSON_COMPACT);
    struct jwe_header header;
    struct buf binary, plain;
    uint8_t id[16];
    struct err e;
    json_t *j = NULL;

    buf_init(&binary, JWE_TEXT_MAX_BYTES);
    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    if (text != NULL && jwe_from_json(span_str(text), &binary, &e) == 0 &&
        jwe_open(buf_span(&binary), h->ring.encryption, h->key.kid, &header, &plain,
                 &e) == 0 &&
        hex_take(span_str(text_of(message, "id")), id, 16) &&
        memcmp(id, header.id, 16) == 0)
        j = json_loadb(plain.p, plain.n, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    buf_clear(&binary);
    buf_wipe(&plain);
    return j;
}

static int cmd_list(struct handset *h)
{
    char path[LINE_ROOM] = "/api/v1/messages";
    bool more = true;

    while (more) {
        struct api_reply r;
        const json_t *message;
        json_t *j;
        size_t i;

        api_call(&h->api, "GET", path, span_of(NULL, 0), &r);
        if (r.status != 200)
            return refused(&r);
        j = take_json(&r);
        more = json_is_true(json_object_get(j, "more"));
        json_array_foreach(json_object_get(j, "messages"), i, message)
        {
            json_t *manifest = open_message(h, message);

            show_line(stdout, text_of(message, "id"),
                      json_integer_value(json_object_get(message, "read")) != 0,
                      manifest);
            (void)snprintf(path, sizeof path, "/api/v1/messages?after=%s",
                           text_of(message, "id"));
            json_decref(manifest);
        }
        more = more && i > 0;
        json_decref(j);
    }
    return EX_OK;
}

static bool take_id(const char *text, uint8_t id[16])
{
    return hex_take(span_str(text), id, 16);
}

/* The message that args[0] names, opened; NULL after saying why, with *status set. */
static json_t *fetch(struct handset *h, int *status)
{
    char path[LINE_ROOM];
    struct api_reply r;
    uint8_t id[16];
    json_t *j, *manifest;

    if (!take_id(h->args[0], id)) {
        *status = complain(EX_USAGE, "ID is the 32 letters that list prints first");
        return NULL;
    }
    (void)snprintf(path, sizeof path, "/api/v1/messages/%s", h->args[0]);
    api_call(&h->api, "GET", path, span_of(NULL, 0), &r);
    if (r.status != 200) {
        *status = refused(&r);
        return NULL;
    }
    j = take_json(&r);
    manifest = open_message(h, j);
    json_decref(j);
    if (manifest == NULL)
        *status =
            complain(EX_DATAERR, "the message does not open with this handset's key");
    return manifest;
}

static int simple_call(struct handset *h, const char *method, const char *format)
{
    char path[LINE_ROOM], *p = path;
    struct api_reply r;
    uint8_t id[16];

    if (!take_id(h->args[0], id))
        return complain(EX_USAGE, "ID is the 32 letters that a list prints first");
    (void)snprintf(p, sizeof path, "/api/v1/%.*s%s%s", (int)strcspn(format, "%"),
                   format, h->args[0], format + strcspn(format, "%") + 1);
    api_call(&h->api, method, path, span_of(NULL, 0), &r);
    if (r.status != 204)
        return refused(&r);
    api_reply_clear(&r);
    return EX_OK;
}

static int cmd_read(struct handset *h)
{
    int status = EX_OK;
    json_t *manifest = fetch(h, &status);
    const json_t *text = json_object_get(manifest, "text");

    if (manifest == NULL)
        return status;
    if (h->o.verbose)
        show_head(stderr, manifest);
    show_text(stdout, span_of(json_string_value(text), json_string_length(text)), true);
    (void)putchar('\n');
    json_decref(manifest);
    return simple_call(h, "POST", "messages/%/read");
}

static int open_part(const json_t *part, struct span sealed)
{
    uint8_t key[STREAM_KEY], sha256[32];
    struct buf plain;
    struct err e;
    int status = EX_OK;

    buf_init(&plain, (size_t)sealed.n);
    if (!b64url_take_exact(span_str(text_of(part, "key")), key, sizeof key) ||
        !b64url_take_exact(span_str(text_of(part, "sha256")), sha256, sizeof sha256) ||
        stream_open(sealed, key, sha256, &plain, &e) != 0)
        status = complain(EX_DATAERR, "the part is damaged");
    else if (fwrite(plain.p, 1, plain.n, stdout) != plain.n)
        status = EX_IOERR;
    OPENSSL_cleanse(key, sizeof key);
    buf_wipe(&plain);
    return status;
}

static int cmd_part(struct handset *h)
{
    const long n = strtol(h->args[1], NULL, 10);
    int status = EX_OK;
    json_t *manifest = fetch(h, &status);
    const json_t *part;
    char path[LINE_ROOM];
    struct api_reply r;

    if (manifest == NULL)
        return status;
    part = n < 1 ? NULL
                 : json_array_get(json_object_get(manifest, "parts"), (size_t)(n - 1));
    if (part == NULL) {
        json_decref(manifest);
        return complain(EX_NOINPUT, "the message has no such part");
    }
    (void)snprintf(path, sizeof path, "/api/v1/messages/%s/parts/%ld", h->args[0], n);
    api_call(&h->api, "GET", path, span_of(NULL, 0), &r);
    status = r.status == 200 ? open_part(part, buf_span(&r.body))
                             : complain(api_exit(&r), r.why);
    api_reply_clear(&r);
    json_decref(manifest);
    return status;
}

/* -- replies */

static int reply_key(struct handset *h, struct jwe_key *key)
{
    struct api_reply r;
    char *jwk;
    struct err e;
    json_t *j;
    int rc;

    api_call(&h->api, "GET", "/api/v1/messages?after=ffffffffffffffffffffffffffffffff",
             span_of(NULL, 0), &r);
    if (r.status != 200)
        return refused(&r);
    j = take_json(&r);
    jwk = json_dumps(json_object_get(j, "reply_key"), JSON_COMPACT);
    rc = jwk == NULL ? -1 : jwe_key_from_jwk(key, span_str(jwk), &e);
    free(jwk);
    json_decref(j);
    return rc == 0 ? EX_OK
                   : complain(EX_TEMPFAIL, "the server gave no key for replies");
}

/* The subject goes along, sealed: the server keeps none. */
static int seal_reply(struct handset *h, const json_t *manifest,
                      const struct jwe_key *key, struct buf *out)
{
    struct jwe_header header = { .typ = "sealpost-reply",
                                 .to = "reply",
                                 .created_s = (uint64_t)time(NULL) };
    json_t *j = json_pack("{s:s,s:s}", "text", h->args[1], "subject",
                          text_of(manifest, "subject"));
    char *plain = j == NULL ? NULL : json_dumps(j, JSON_COMPACT);
    struct err e;
    int rc = -1;

    json_decref(j);
    if (plain == NULL)
        return complain(EX_DATAERR, "the text is not UTF-8");
    (void)take_id(h->args[0], header.id);
    buf_put(out, "{\"jwe\":\"");
    rc = jwe_seal_compact(&header, key, span_str(plain), out, &e);
    buf_put(out, "\"}");
    OPENSSL_cleanse(plain, strlen(plain));
    free(plain);
    return rc == 0 && buf_ok(out) ? EX_OK
                                  : complain(EX_DATAERR, "the reply is too long");
}

static int send_reply(struct handset *h, struct span body)
{
    char path[LINE_ROOM];
    struct api_reply r;

    (void)snprintf(path, sizeof path, "/api/v1/messages/%s/replies", h->args[0]);
    api_call(&h->api, "POST", path, body, &r);
    if (r.status != 202)
        return refused(&r);
    api_reply_clear(&r);
    (void)printf("reply sent\n");
    return EX_OK;
}

static int cmd_reply(struct handset *h)
{
    int status = EX_OK;
    json_t *manifest = fetch(h, &status);
    struct jwe_key key;
    struct buf body;

    if (manifest == NULL)
        return status;
    status = reply_key(h, &key);
    if (status == EX_OK) {
        buf_init(&body, JWE_TEXT_MAX_BYTES);
        status = seal_reply(h, manifest, &key, &body);
        if (status == EX_OK)
            status = send_reply(h, buf_span(&body));
        buf_wipe(&body);
        jwe_key_clear(&key);
    }
    json_decref(manifest);
    return status;
}

static int cmd_remove(struct handset *h)
{
    return simple_call(h, "DELETE", "messages/%");
}

static int cmd_revoke(struct handset *h)
{
    return simple_call(h, "DELETE", "devices/%");
}

static int cmd_devices(struct handset *h)
{
    struct api_reply r;
    const json_t *device;
    json_t *j;
    size_t i;

    api_call(&h->api, "GET", "/api/v1/devices", span_of(NULL, 0), &r);
    if (r.status != 200)
        return refused(&r);
    j = take_json(&r);
    json_array_foreach(json_object_get(j, "devices"), i, device)
    {
        (void)printf("%s %s ", text_of(device, "id"), text_of(device, "type"));
        show_text(stdout, span_str(text_of(device, "label")), false);
        (void)puts(json_is_true(json_object_get(device, "this")) ? " (this one)" : "");
    }
    json_decref(j);
    return EX_OK;
}

static const struct command {
    const char *name;
    int args;
    bool registered; /* needs the key file */
    int (*run)(struct handset *h);
} commands[] = {
    { "register", 1, false, cmd_register }, { "list", 0, true, cmd_list },
    { "read", 1, true, cmd_read },          { "part", 2, true, cmd_part },
    { "reply", 2, true, cmd_reply },        { "remove", 1, true, cmd_remove },
    { "devices", 0, true, cmd_devices },    { "revoke", 1, true, cmd_revoke },
};

static const char usage[] =
    "usage: sealpost-handset [-u URL] [-d DIR] [-k p256|rsa] [-v] COMMAND\n"
    "  register NUMBER|LINK   prove the number by SMS and make this device's keys\n"
    "  list                   the messages, a line each, the id first\n"
    "  read ID                a message's text (-v: its head on standard error)\n"
    "  part ID N              the bytes of its attachment N\n"
    "  reply ID TEXT          answer the sender\n"
    "  remove ID              remove the server's copy\n"
    "  devices                the devices of this number\n"
    "  revoke ID              revoke one of them\n"
    "options:\n"
    "  -u, --url URL          the server (a LINK names it)\n"
    "  -d, --dir DIR          where the keys lie (~/.sealpost)\n"
    "  -k, --key p256|rsa     kind of key to make (p256)\n"
    "  --otp CODE             the password from the SMS (else it is asked for)\n"
    "  --label TEXT           this device's name (its host name)\n"
    "  --type TYPE            program, installed or browser (program)\n"
    "  --direction DIRECTION  server (the SMS comes to you); handset is not offered "
    "yet\n"
    "  -v, --verbose  -h, --help\n"
    "Certificates come from the system or the file that SSL_CERT_FILE names.\n"
    "See sealpost-handset(1).\n";

static bool set_option(struct options *o, int opt, const char *value)
{
    switch (opt) {
    case 'u':
        o->url = value;
        return true;
    case 'd':
        o->dir = value;
        return true;
    case 'o':
        o->otp = value;
        return true;
    case 'l':
        o->label = value;
        return true;
    case 't':
        o->type = value;
        return true;
    case 'v':
        o->verbose = true;
        return true;
    case 'k':
        o->kind = strcmp(value, "rsa") == 0 ? KEYRING_RSA : KEYRING_P256;
        return strcmp(value, "rsa") == 0 || strcmp(value, "p256") == 0;
    case 'D':
        o->from_handset = strcmp(value, "handset") == 0;
        return o->from_handset || strcmp(value, "server") == 0;
    default:
        return false;
    }
}

static int run(struct handset *h, const struct command *c)
{
    struct err e;

    if (jwe_start(&e) != 0)
        return complain(EX_SOFTWARE, e.text);
    if (c->registered) {
        if (keyring_load(&h->ring, h->o.dir, &e) != 0)
            return complain(EX_CONFIG, e.text);
        if (jwe_key_from_pkey(&h->key, h->ring.encryption, &e) != 0)
            return complain(EX_DATAERR, e.text);
        h->api = (struct api){ .url = h->ring.url, .ring = &h->ring };
    }
    return c->run(h);
}

static const struct option long_options[] = {
    { "url", required_argument, NULL, 'u' },
    { "dir", required_argument, NULL, 'd' },
    { "key", required_argument, NULL, 'k' },
    { "otp", required_argument, NULL, 'o' },
    { "label", required_argument, NULL, 'l' },
    { "type", required_argument, NULL, 't' },
    { "direction", required_argument, NULL, 'D' },
    { "verbose", no_argument, NULL, 'v' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void set_defaults(struct options *o, char *dir, size_t dir_room, char *host,
                         size_t host_room)
{
    const char *home = getenv("HOME");

    (void)snprintf(dir, dir_room, "%s/.sealpost", home == NULL ? "." : home);
    if (gethostname(host, host_room - 1) != 0)
        (void)snprintf(host, host_room, "command line");
    *o = (struct options){ .dir = dir, .label = host, .type = "program" };
}

int main(int argc, char **argv)
{
    static struct handset h;
    char dir[512], host[64] = "";
    const struct command *c = NULL;
    int opt, status;

    set_defaults(&h.o, dir, sizeof dir, host, sizeof host);
    while ((opt = getopt_long(argc, argv, "u:d:k:vh", long_options, NULL)) != -1)
        if (opt == 'h' || !set_option(&h.o, opt, optarg)) {
            (void)fputs(usage, opt == 'h' ? stdout : stderr);
            return opt == 'h' ? EX_OK : EX_USAGE;
        }
    for (size_t i = 0; optind < argc && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[optind], commands[i].name) == 0)
            c = &commands[i];
    if (c == NULL || argc - optind - 1 != c->args) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }
    h.args = argv + optind + 1;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    status = run(&h, c);
    jwe_key_clear(&h.key);
    keyring_clear(&h.ring);
    curl_global_cleanup();
    return status;
}
