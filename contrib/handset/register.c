/* SPDX-License-Identifier: ISC */
/* register.c - sealpost-handset register: from a number or a link to keys that count.
 * Here:       the three steps of a registration, the password that a person types.
 * Elsewhere:  a password that is sent from here (register_sms.c), making and keeping
 * keys (keyring.c), HTTPS (api.c). Called by:  main.c. Source:     DESIGN 5.3 (proof of
 * the number), templates/handset/openapi.yaml. */
#include "contrib/handset/command.h"
#include "contrib/handset/json.h"
#include "contrib/handset/register_sms.h"
#include "relay/encode.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#define OTP_ROOM 128
#define TRIES 5 /* of a password that is checked here */

/* What the start of a registration brought. */
struct start {
    char id[HEX_LEN(16) + 1];
    json_t *answer;
};

static int wrong_direction(const struct handset *h, struct api_reply *r)
{
    api_reply_clear(r);
    return complain(EX_UNAVAILABLE,
                    h->o.from_handset
                        ? "--direction handset: this server does not offer it; leave "
                          "it away, and the SMS comes to you"
                        : "this server wants the SMS from you: --direction handset");
}

static int ask_server(struct handset *h, const struct target *t, struct start *s)
{
    struct api_reply r;
    uint8_t raw[16];
    json_t *j = t->number[0] == '\0' ? json_pack("{s:s}", "notice", t->token)
                                     : json_pack("{s:s}", "number", t->number);

    if (h->o.from_handset)
        (void)json_object_set_new(j, "direction", json_string("handset"));
    post(h, "/api/v1/registrations", j, &r);
    if (strcmp(r.problem, "direction") == 0)
        return wrong_direction(h, &r);
    if (r.status != 201)
        return refused(&r);
    s->answer = take_json(&r);
    return hex_take(json_member(s->answer, "registration"), raw, sizeof raw) &&
                   span_copy(s->id, sizeof s->id,
                             json_member(s->answer, "registration"))
               ? EX_OK
               : complain(EX_PROTOCOL, "the server's answer is odd");
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

/* The server of a closed network lets the handset compare: SHA-256 of registration and
 * password. */
static bool otp_fits(const char *id, const char *otp, const uint8_t check[32])
{
    uint8_t is[32];
    struct buf b;
    bool ok;

    buf_init(&b, OTP_ROOM + 64);
    buf_put(&b, id);
    buf_put_u8(&b, ':');
    buf_put(&b, otp);
    ok = buf_ok(&b) && EVP_Q_digest(NULL, "SHA256", NULL, b.p, b.n, is, NULL) == 1 &&
         CRYPTO_memcmp(is, check, sizeof is) == 0;
    buf_wipe(&b);
    return ok;
}

static int prove_here(struct handset *h, const struct start *s)
{
    const bool asks = h->o.otp == NULL && isatty(STDIN_FILENO) == 1;
    uint8_t check[32];
    char otp[OTP_ROOM];
    bool fits = false;

    if (!b64url_take_exact(json_member(s->answer, "check"), check, sizeof check))
        return complain(EX_PROTOCOL, "the server's answer is odd");
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    for (int left = asks ? TRIES : 1; left > 0 && !fits; left--) {
        if (!read_otp(h, asks, otp))
            return complain(EX_NOINPUT, "no password was given");
        fits = otp_fits(s->id, otp, check);
        OPENSSL_cleanse(otp, sizeof otp);
        if (!fits)
            (void)complain(EX_NOPERM, "this is not the password that was sent");
    }
    return fits ? EX_OK : EX_NOPERM;
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

static int enrol(struct handset *h, const char *id, bool checked)
{
    char path[PATH_ROOM];
    struct api_reply r;
    uint8_t raw[16];
    struct err e;
    json_t *j = json_pack(
        "{s:o,s:o,s:s,s:s}", "encryption_key", jwk_of(h->ring.encryption),
        "signing_key", jwk_of(h->ring.signing), "type", h->o.type, "label", h->o.label);
    bool ok;

    if (checked)
        (void)json_object_set_new(j, "checked", json_true());
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
    (void)fflush(stdout); /* before what follows on standard error */
    if (h->o.from_handset)
        (void)fputs("An SMS to your number tells of it; messages can be read after "
                    "that.\n",
                    stderr);
    return EX_OK;
}

/* The options fit together, and the number is known where it is needed. */
static bool complete_target(const struct handset *h, struct target *t, struct err *e)
{
    const bool link = t->token[0] != '\0';

    if (h->o.sms_command != NULL && !h->o.from_handset)
        (void)err_set(e, ERR_PERM, "5.5.4", "--sms-command is for --direction handset");
    else if (h->o.number != NULL && !(h->o.from_handset && link))
        (void)err_set(e, ERR_PERM, "5.5.4",
                      "--number is for a link with --direction handset");
    else if (h->o.from_handset && link && h->o.number == NULL)
        (void)err_set(e, ERR_PERM, "5.5.4",
                      "a link does not say your number: give it with --number");
    else
        return h->o.number == NULL || target_number(t, h->o.number, e);
    return false;
}

static int prove_any(struct handset *h, const struct target *t, const struct start *s)
{
    if (h->o.from_handset)
        return prove_by_sms(h, s->id, t, s->answer);
    return json_is_string(json_object_get(s->answer, "check")) ? prove_here(h, s)
                                                               : prove(h, s->id);
}

/* That keys can be kept is made sure of before the server knows of them. */
int cmd_register(struct handset *h)
{
    struct start s = { .id = "" };
    struct target t;
    struct err e;
    bool checked;
    int status;

    if (!target_take(h->args[0], h->o.url, &t, &e) || !complete_target(h, &t, &e))
        return complain(EX_USAGE, e.text);
    if (keyring_prepare(h->o.dir, &e) != 0)
        return complain(EX_CANTCREAT, e.text);
    memcpy(h->ring.url, t.url, sizeof h->ring.url);
    h->api = (struct api){ .url = h->ring.url };
    status = ask_server(h, &t, &s);
    if (status == EX_OK)
        status = prove_any(h, &t, &s);
    checked = !h->o.from_handset && json_object_get(s.answer, "check") != NULL;
    json_decref(s.answer);
    if (status == EX_OK &&
        keyring_make(&h->ring, h->o.kind, target_personalization(&t), &e) != 0)
        status = complain(EX_SOFTWARE, e.text);
    return status == EX_OK ? enrol(h, s.id, checked) : status;
}
