/* SPDX-License-Identifier: ISC */
/* handset_json.c - the handset API's JSON, in and out.
 * Here:       members, their checks, their order.
 * Elsewhere:  routes and status codes (handset.c), what is allowed (the keeper).
 * Called by:  handset.c.
 * Source:     templates/handset/openapi.yaml; RFC 7517 (JWK), RFC 9110 14 (Range). */
#include "plugin/handset_json.h"
#include <jansson.h>
#include <stdlib.h>

#define OTP_MIN 4U

static int bad(struct err *e, const char *type, const char *why)
{
    return err_set(e, ERR_PERM, type, "%s", why);
}

static int take_number_of(struct span number, const struct config *config,
                          char out[MSISDN_ROOM], struct err *e)
{
    return msisdn_parse(number, config->region, config->number_check_line, out) ==
                   MSISDN_OK
               ? 0
               : bad(e, "bad-number", "this is not the number of a mobile telephone");
}

static int take_target(const json_t *j, const struct config *config,
                       struct ipc_reg_start *out, struct err *e)
{
    const struct span number = json_body_text(j, "number"),
                      notice = json_body_text(j, "notice");

    if (out->direction == REG_HANDSET && json_object_get(j, "number") == NULL &&
        json_object_get(j, "notice") == NULL)
        return 0; /* it comes with the password */
    if ((number.n == 0) == (notice.n == 0))
        return bad(e, "bad-request", "give either a number or a notice");
    if (notice.n > 0) {
        out->by_notice = 1;
        return b32_take(notice, out->notice, sizeof out->notice)
                   ? 0
                   : bad(e, "bad-request", "the notice is not one of ours");
    }
    return take_number_of(number, config, out->msisdn, e);
}

int handset_take_start(struct span body, const struct config *config,
                       struct ipc_reg_start *out, struct err *e)
{
    json_t *j = json_body_take(body);
    struct span direction;
    int rc;

    if (j == NULL)
        return bad(e, "bad-request", "the body is not a JSON object");
    direction = json_body_text(j, "direction");
    out->direction = span_eq_str(direction, "handset") ? REG_HANDSET : REG_SERVER;
    if (direction.n > 0 && out->direction == REG_SERVER &&
        !span_eq_str(direction, "server"))
        rc = bad(e, "bad-request", "direction is server or handset");
    else
        rc = take_target(j, config, out, e);
    json_decref(j);
    return rc;
}

static bool is_otp(struct span otp)
{
    for (size_t i = 0; i < otp.n; i++) {
        const char ch = otp.p[i];

        if (!is_digit(ch) && !(ch >= 'A' && ch <= 'Z') && !(ch >= 'a' && ch <= 'z'))
            return false;
    }
    return otp.n >= OTP_MIN;
}

int handset_take_otp(struct span body, const struct config *config,
                     struct ipc_reg_otp *out, struct err *e)
{
    json_t *j = json_body_take(body);
    const struct span otp = json_body_text(j, "otp");
    int rc = 0;

    if (!is_otp(otp) || !span_copy(out->otp, sizeof out->otp, otp))
        rc = bad(e, "bad-request", "otp is a string of 4 to 35 digits or letters");
    else if (json_object_get(j, "number") != NULL)
        rc = take_number_of(json_body_text(j, "number"), config, out->msisdn, e);
    json_decref(j);
    return rc;
}

static int take_key(const json_t *j, const char *name, struct jwe_key *key,
                    struct err *e)
{
    const json_t *jwk = json_object_get(j, name);
    char *text = json_is_object(jwk) ? json_dumps(jwk, JSON_COMPACT) : NULL;
    int rc = -1;

    if (text != NULL)
        rc = jwe_key_from_jwk(key, span_str(text), e);
    free(text);
    return rc == 0 ? 0
                   : err_set(e, ERR_PERM, "bad-key",
                             "%s is not a public JWK on P-256, or RSA of 2048 to 4096 "
                             "bits",
                             name);
}

static int take_signing(const json_t *j, struct ipc_reg_device *out, struct err *e)
{
    struct jwe_key key;
    int rc;

    if (take_key(j, "signing_key", &key, e) != 0)
        return -1;
    rc = key.alg == JWE_ECDH_ES_A256KW
             ? jwe_key_point(&key, out->signing_point, e)
             : bad(e, "bad-key", "signing_key is not on P-256");
    jwe_key_clear(&key);
    return rc == 0 ? 0 : bad(e, "bad-key", "signing_key is not on P-256");
}

static int take_encryption(const json_t *j, struct buf *der, struct err *e)
{
    struct jwe_key key;
    int rc;

    if (take_key(j, "encryption_key", &key, e) != 0)
        return -1;
    rc = jwe_key_der(&key, der, e);
    jwe_key_clear(&key);
    return rc == 0 ? 0 : bad(e, "bad-key", "encryption_key");
}

/* By enum device_type. */
static const char *const types[] = { NULL, "browser", "installed", "program",
                                     "shared" };

static uint8_t device_type(struct span type)
{
    for (uint8_t i = DEVICE_BROWSER; i <= DEVICE_SHARED; i++)
        if (span_eq_str(type, types[i]))
            return i;
    return 0;
}

int handset_take_device(struct span body, struct ipc_reg_device *out, struct buf *der,
                        struct err *e)
{
    json_t *j = json_body_take(body);
    int rc = -1;

    if (j == NULL)
        return bad(e, "bad-request", "the body is not a JSON object");
    out->type = device_type(json_body_text(j, "type"));
    out->checked = json_is_true(json_object_get(j, "checked"));
    if (out->type == 0)
        (void)bad(e, "bad-request", "type is browser, installed, program or shared");
    else if (device_label_of(j, out->label, e) == 0 && take_signing(j, out, e) == 0 &&
             take_encryption(j, der, e) == 0)
        rc = 0;
    json_decref(j);
    return rc;
}

static int check_reply(struct span body, struct err *e)
{
    json_t *j = json_body_take(body);
    struct buf binary;
    int rc;

    buf_init(&binary, IPC_TAIL_CALL);
    rc = jwe_from_compact(json_body_text(j, "jwe"), &binary, e);
    buf_clear(&binary);
    json_decref(j);
    return rc == 0 ? 0
                   : bad(e, "bad-request", "jwe is a compact JWE, sealed to reply_key");
}

int handset_check_body(const struct config *config, enum device_call call,
                       struct span body, struct err *e)
{
    struct push_subscription subscription;
    char label[DEVICE_LABEL_ROOM];

    switch (call) {
    case CALL_REPLY:
        return check_reply(body, e);
    case CALL_LABEL:
        return device_take_label(body, label, e);
    case CALL_PUSH:
        return push_take(config, body, &subscription, e);
    default:
        return body.n == 0 ? 0 : bad(e, "bad-request", "this call has no body");
    }
}

/* take_number - 1*15DIGIT */
static int take_number(struct cur *c, uint64_t *out)
{
    const char *const start = c->p;

    *out = 0;
    while (c->p < c->end && is_digit(*c->p) && c->p - start < 15)
        *out = 10 * *out + (unsigned)(*c->p++ - '0');
    return c->p > start;
}

/* ranges-specifier = "bytes=" ( first "-" [ last ] / "-" suffix ) ; one range only: a
 * client that asks for several may be sent everything (RFC 9110 14.2). */
int handset_range(const char *text, uint64_t size, uint64_t *first, uint64_t *last)
{
    struct cur c = cur_of(span_str(text == NULL ? "" : text));
    uint64_t to = 0;
    bool from_start, has_last;

    if (!cur_word(&c, "bytes="))
        return 0;
    from_start = take_number(&c, first) == 1;
    if (!cur_byte(&c, '-'))
        return 0;
    has_last = take_number(&c, &to) == 1;
    if (!cur_done(&c) || (!from_start && !has_last) ||
        (from_start && has_last && to < *first))
        return 0;
    if (!from_start) { /* the last bytes */
        *first = to < size ? size - to : 0;
        *last = size - 1;
        return to == 0 || size == 0 ? -1 : 1;
    }
    *last = has_last && to < size ? to : size - 1;
    return *first < size ? 1 : -1;
}

struct entry {
    uint8_t id[16];
    uint64_t created_s, expires_s, fetched_s, read_s;
    uint16_t parts;
    struct span jwe;
};

static bool take_entry(struct cur *c, struct entry *m)
{
    uint32_t n;

    return cur_mem(c, m->id, 16) && cur_be64(c, &m->created_s) &&
           cur_be64(c, &m->expires_s) && cur_be64(c, &m->fetched_s) &&
           cur_be64(c, &m->read_s) && cur_be16(c, &m->parts) && cur_be32(c, &n) &&
           cur_span(c, n, &m->jwe);
}

/* Nothing here needs escaping: ids, numbers, and JSON that jwe.c made. */
static bool put_entry(struct cur *c, const uint8_t kid[32], struct buf *out)
{
    struct entry m;
    struct err e;
    char hex[HEX_LEN(16) + 1];

    if (!take_entry(c, &m))
        return false;
    buf_printf(out,
               "{\"id\":\"%s\",\"created\":%llu,\"expires\":%llu,\"fetched\":%llu,"
               "\"read\":%llu,\"parts\":%u,\"jwe\":",
               hex_text(hex, m.id, 16), (unsigned long long)m.created_s,
               (unsigned long long)m.expires_s, (unsigned long long)m.fetched_s,
               (unsigned long long)m.read_s, m.parts);
    if (jwe_to_json(m.jwe, kid, out, &e) != 0)
        return false;
    buf_put_u8(out, '}');
    return buf_ok(out);
}

bool handset_put_messages(const struct ipc_device_answer *a, struct span tail,
                          const char *reply_key, struct buf *out)
{
    struct cur c = cur_of(tail);

    buf_put(out, "{\"messages\":[");
    for (uint32_t i = 0; i < a->count; i++) {
        if (i > 0)
            buf_put_u8(out, ',');
        if (!put_entry(&c, a->kid, out))
            return false;
    }
    buf_printf(out, "],\"more\":%s,", a->more != 0 ? "true" : "false");
    if (a->has_closed != 0)
        buf_printf(out, "\"closed\":%u,", a->closed);
    buf_printf(out, "%s\"reply_key\":%s}", a->held != 0 ? "\"held\":true," : "",
               reply_key == NULL ? "null" : reply_key);
    return cur_done(&c) && buf_ok(out);
}

bool handset_put_message(const struct ipc_device_answer *a, struct span tail,
                         struct buf *out)
{
    struct cur c = cur_of(tail);

    return a->count == 1 && put_entry(&c, a->kid, out) && cur_done(&c);
}

static json_t *device_json(struct cur *c)
{
    char hex[HEX_LEN(16) + 1];
    uint8_t id[16], type, bits, n;
    uint64_t created_s, seen_s;
    struct span label;
    json_t *j;

    if (!cur_mem(c, id, 16) || !cur_u8(c, &type) || !cur_u8(c, &bits) ||
        !cur_be64(c, &created_s) || !cur_be64(c, &seen_s) || !cur_u8(c, &n) ||
        !cur_span(c, n, &label) || type < DEVICE_BROWSER || type > DEVICE_SHARED)
        return NULL;
    j = json_pack("{s:s,s:s,s:s%,s:I,s:I,s:b}", "id", hex_text(hex, id, 16), "type",
                  types[type], "label", label.p, (size_t)label.n, "created",
                  (json_int_t)created_s, "seen", (json_int_t)seen_s, "this",
                  (bits & DEVICE_THIS) != 0);
    if (j != NULL && (bits & DEVICE_HELD) != 0)
        (void)json_object_set_new(j, "held", json_true());
    return j;
}

bool handset_put_devices(const struct ipc_device_answer *a, struct span tail,
                         struct buf *out)
{
    struct cur c = cur_of(tail);
    json_t *list = json_array(), *j;
    char *text = NULL;

    for (uint32_t i = 0; i < a->count; i++)
        if (json_array_append_new(list, device_json(&c)) != 0)
            goto out;
    j = json_pack("{s:O}", "devices", list);
    text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
out:
    json_decref(list);
    if (text != NULL)
        buf_put(out, text);
    free(text);
    return text != NULL && cur_done(&c) && buf_ok(out);
}
