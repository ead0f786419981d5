/* SPDX-License-Identifier: ISC */
/* register.c - sealpost-handset register: from a number or a link to keys that count.
 * Here:       the three steps of a registration, the password that a person types.
 * Elsewhere:  making and keeping keys (keyring.c), HTTPS (api.c).
 * Called by:  main.c.
 * Source:     DESIGN 5.3 (proof of the number), templates/handset/openapi.yaml. */
#include "contrib/handset/command.h"
#include "contrib/handset/json.h"
#include "contrib/handset/target.h"
#include "relay/encode.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define OTP_ROOM 128
#define BODY_ROOM (16U << 10)

/* post - the body j is released. */
static void post(struct handset *h, const char *path, json_t *j, struct api_reply *r)
{
    struct buf body;

    buf_init(&body, BODY_ROOM);
    json_put(&body, j);
    if (buf_ok(&body))
        api_call(&h->api, "POST", path, buf_span(&body), r);
    else
        *r = (struct api_reply){ .why = "this cannot be sent: it is not UTF-8",
                                 .status = 400 };
    buf_wipe(&body);
}

static int ask_server(struct handset *h, const struct target *t, char *id, size_t room)
{
    struct api_reply r;
    uint8_t raw[16];
    json_t *j = t->token[0] != '\0' ? json_pack("{s:s}", "notice", t->token)
                                    : json_pack("{s:s}", "number", t->number);
    bool ok;

    if (h->o.from_handset)
        (void)json_object_set_new(j, "direction", json_string("handset"));
    post(h, "/api/v1/registrations", j, &r);
    if (strcmp(r.problem, "not-built") == 0) {
        api_reply_clear(&r);
        return complain(EX_UNAVAILABLE, "--direction handset: this server does not "
                                        "offer it; leave it away, and the SMS comes to "
                                        "you");
    }
    if (r.status != 201)
        return refused(&r);
    j = take_json(&r);
    ok = hex_take(json_member(j, "registration"), raw, sizeof raw) &&
         span_copy(id, room, json_member(j, "registration"));
    json_decref(j);
    return ok ? EX_OK : complain(EX_PROTOCOL, "the server's answer is odd");
}

/* The line without the blanks around it; false at the end of the input. */
static bool read_line(char line[OTP_ROOM])
{
    size_t from, n;

    if (fgets(line, OTP_ROOM, stdin) == NULL)
        return false;
    from = strspn(line, " \t");
    n = strcspn(line + from, " \t\r\n");
    memmove(line, line + from, n);
    line[n] = '\0';
    return true;
}

static bool read_otp(const struct handset *h, bool asks, char line[OTP_ROOM])
{
    if (h->o.otp != NULL)
        return span_copy(line, OTP_ROOM, span_str(h->o.otp));
    do {
        if (asks)
            (void)fputs("Password from the SMS: ", stderr);
        if (!read_line(line))
            return false;
    } while (asks && line[0] == '\0');
    return line[0] != '\0';
}

static int send_otp(struct handset *h, const char *id, const char *otp, bool *wrong)
{
    char path[PATH_ROOM], why[API_WHY_ROOM + 32];
    struct api_reply r;
    int status;

    (void)snprintf(path, sizeof path, "/api/v1/registrations/%s/otp", id);
    post(h, path, json_pack("{s:s}", "otp", otp), &r);
    *wrong = strcmp(r.problem, "otp-mismatch") == 0;
    if (r.status == 200) {
        api_reply_clear(&r);
        return EX_OK;
    }
    if (*wrong && r.tries_left >= 0) {
        (void)snprintf(why, sizeof why, "%s; %ld %s left", r.why, r.tries_left,
                       r.tries_left == 1 ? "try" : "tries");
        status = complain(api_exit(&r), why);
        api_reply_clear(&r);
        return status;
    }
    return refused(&r);
}

/* A person may type a wrong password again while tries are left; a program that hands
 * one in learns from the exit status. */
static int prove(struct handset *h, const char *id)
{
    const bool asks = h->o.otp == NULL && isatty(STDIN_FILENO) == 1;
    char otp[OTP_ROOM];
    bool wrong = true;
    int status = EX_NOPERM;

    (void)setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the password stays there */
    do {
        if (!read_otp(h, asks, otp))
            return complain(EX_NOINPUT, "no password was given");
        status = send_otp(h, id, otp, &wrong);
        OPENSSL_cleanse(otp, sizeof otp);
    } while (status != EX_OK && wrong && asks);
    return status;
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
    char path[PATH_ROOM];
    struct api_reply r;
    uint8_t raw[16];
    struct err e;
    json_t *j = json_pack(
        "{s:o,s:o,s:s,s:s}", "encryption_key", jwk_of(h->ring.encryption),
        "signing_key", jwk_of(h->ring.signing), "type", h->o.type, "label", h->o.label);
    bool ok;

    (void)snprintf(path, sizeof path, "/api/v1/registrations/%s/device", id);
    post(h, path, j, &r);
    if (r.status != 201)
        return refused(&r);
    j = take_json(&r);
    ok = hex_take(json_member(j, "device"), raw, sizeof raw) &&
         span_copy(h->ring.device, sizeof h->ring.device, json_member(j, "device"));
    json_decref(j);
    if (!ok)
        return complain(EX_PROTOCOL, "the server's answer is odd");
    if (keyring_save(&h->ring, h->o.dir, buf_span(&h->passphrase), &e) != 0)
        return complain(EX_CANTCREAT, e.text);
    (void)printf("registered as device %s\n", h->ring.device);
    return EX_OK;
}

/* That keys can be kept is made sure of before the server knows of them. */
int cmd_register(struct handset *h)
{
    struct target t;
    char id[HEX_LEN(16) + 1] = "";
    struct err e;
    int status;

    if (!target_take(h->args[0], h->o.url, &t, &e))
        return complain(EX_USAGE, e.text);
    if (keyring_prepare(h->o.dir, &e) != 0)
        return complain(EX_CANTCREAT, e.text);
    memcpy(h->ring.url, t.url, sizeof h->ring.url);
    h->api = (struct api){ .url = h->ring.url };
    status = ask_server(h, &t, id, sizeof id);
    if (status == EX_OK)
        status = prove(h, id);
    if (status == EX_OK &&
        keyring_make(&h->ring, h->o.kind, target_personalization(&t), &e) != 0)
        status = complain(EX_SOFTWARE, e.text);
    return status == EX_OK ? enrol(h, id) : status;
}
