/* SPDX-License-Identifier: ISC */
/* handset_json.c - the handset API's JSON, in and out.
 * Here:       members, their checks, their order.
 * Elsewhere:  routes and status codes (handset.c), what is allowed (the keeper).
 * Called by:  handset.c.
 * Source:     templates/handset/openapi.yaml; RFC 7517 (JWK). */
#include "plugin/handset_json.h"
#include <jansson.h>
#include <stdlib.h>

static int bad(struct err *e, const char *type, const char *why)
{
    return err_set(e, ERR_PERM, type, "%s", why);
}

static json_t *take_object(struct span body)
{
    json_t *j =
        json_loadb(body.n == 0 ? "" : body.p, body.n, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

/* The member as a span; n is 0 when it is absent or no string. */
static struct span member(const json_t *j, const char *name)
{
    const json_t *v = json_object_get(j, name);

    return json_is_string(v) ? span_of(json_string_value(v), json_string_length(v))
                             : span_of("", 0);
}

static int take_target(const json_t *j, const char *region, struct ipc_reg_start *out,
                       struct err *e)
{
    const struct span number = member(j, "number"), notice = member(j, "notice");

    if ((number.n == 0) == (notice.n == 0))
        return bad(e, "bad-request", "give either a number or a notice");
    if (notice.n > 0) {
        out->by_notice = 1;
        return b32_take(notice, out->notice, sizeof out->notice)
                   ? 0
                   : bad(e, "bad-request", "the notice is not one of ours");
    }
    return msisdn_parse(number, region, false, out->msisdn) == MSISDN_OK
               ? 0
               : bad(e, "bad-number", "this is not a telephone number");
}

int handset_take_start(struct span body, const char *region, struct ipc_reg_start *out,
                       bool *handset_direction, struct err *e)
{
    json_t *j = take_object(body);
    int rc;

    if (j == NULL)
        return bad(e, "bad-request", "the body is not a JSON object");
    *handset_direction = span_eq_str(member(j, "direction"), "handset");
    if (member(j, "direction").n > 0 && !*handset_direction &&
        !span_eq_str(member(j, "direction"), "server"))
        rc = bad(e, "bad-request", "direction is server or handset");
    else
        rc = take_target(j, region, out, e);
    json_decref(j);
    return rc;
}

int handset_take_otp(struct span body, struct ipc_reg_otp *out, struct err *e)
{
    json_t *j = take_object(body);
    const struct span otp = member(j, "otp");
    int rc = 0;

    if (otp.n == 0 || !span_copy(out->otp, sizeof out->otp, otp))
        rc = bad(e, "bad-request", "otp is a string of up to 35 characters");
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
    return rc == 0 ? 0 : bad(e, "bad-key", name);
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

static int take_label(struct span label, char *out, size_t room, struct err *e)
{
    for (size_t i = 0; i < label.n; i++)
        if ((unsigned char)label.p[i] < ' ' || label.p[i] == 0x7f)
            return bad(e, "bad-request", "label holds control characters");
    return span_copy(out, room, label)
               ? 0
               : bad(e, "bad-request", "label is longer than 63 bytes");
}

static uint8_t device_type(struct span type)
{
    static const struct {
        const char *name;
        enum device_type type;
    } rows[] = { { "browser", DEVICE_BROWSER },
                 { "installed", DEVICE_INSTALLED },
                 { "program", DEVICE_PROGRAM } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (span_eq_str(type, rows[i].name))
            return (uint8_t)rows[i].type;
    return 0;
}

int handset_take_device(struct span body, struct ipc_reg_device *out, struct buf *der,
                        struct err *e)
{
    json_t *j = take_object(body);
    int rc = -1;

    if (j == NULL)
        return bad(e, "bad-request", "the body is not a JSON object");
    out->type = device_type(member(j, "type"));
    if (out->type == 0)
        (void)bad(e, "bad-request", "type is browser, installed or program");
    else if (take_label(member(j, "label"), out->label, sizeof out->label, e) == 0 &&
             take_signing(j, out, e) == 0 && take_encryption(j, der, e) == 0)
        rc = 0;
    json_decref(j);
    return rc;
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
    buf_printf(out, "],\"more\":%s,\"reply_key\":%s}", a->more != 0 ? "true" : "false",
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
    static const char *const types[] = { "?", "browser", "installed", "program" };
    char hex[HEX_LEN(16) + 1];
    uint8_t id[16], type, is_this, n;
    uint64_t created_s, seen_s;
    struct span label;

    if (!cur_mem(c, id, 16) || !cur_u8(c, &type) || !cur_u8(c, &is_this) ||
        !cur_be64(c, &created_s) || !cur_be64(c, &seen_s) || !cur_u8(c, &n) ||
        !cur_span(c, n, &label))
        return NULL;
    return json_pack("{s:s,s:s,s:s%,s:I,s:I,s:b}", "id", hex_text(hex, id, 16), "type",
                     types[type <= DEVICE_PROGRAM ? type : 0], "label", label.p,
                     (size_t)label.n, "created", (json_int_t)created_s, "seen",
                     (json_int_t)seen_s, "this", is_this != 0);
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
