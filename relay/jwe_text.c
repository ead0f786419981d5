/* SPDX-License-Identifier: ISC */
/* jwe_text.c - a sealed message's three spellings: binary form, general JSON, compact.
 * Here:       taking them apart, writing them, turning one into another.
 * Elsewhere:  making and opening (jwe.c), keys (jwe_key.c). No secret comes here.
 * Called by:  jwe.c, the handset door, keeper.
 * Source:     RFC 7516 3, 5.2 and 7; binary form: jwe.h.
 *
 * Whatever spelling comes in becomes the binary form, and jwe_form_take judges that:
 * one gate for all. alg, kid and epk stand together, either in the protected header
 * (one recipient) or beside each recipient; a mixture is refused. */
#include "relay/jwe_private.h"
#include "relay/encode.h"
#include <inttypes.h>
#include <jansson.h>

#define FORM_VERSION 1U
#define COORD_BYTES 32U
#define COMPACT_PARTS 5U
/* Far above any JWE of eight recipients; far below what would cost memory. */
#define JSON_DEPTH_MAX 6U
#define JSON_ITEMS_MAX 256U

static const uint8_t no_kid[JWE_KID_BYTES];

static const struct {
    enum jwe_alg alg;
    const char *name;
} algs[] = { { JWE_ECDH_ES_A256KW, "ECDH-ES+A256KW" },
             { JWE_RSA_OAEP_256, "RSA-OAEP-256" } };

static const char *const typs[] = { "sealpost-message", "sealpost-reply",
                                    "sealpost-sms", "" };

static bool is_to_letter(char ch)
{
    return is_digit(ch) || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
           (ch != '\0' && strchr("-_.", ch) != NULL);
}

static const char *typ_known(struct span typ)
{
    size_t i = 0;

    while (typs[i][0] != '\0' && !span_eq_str(typ, typs[i]))
        i++;
    return typs[i];
}

static bool is_to(const char to[JWE_TO_MAX])
{
    size_t n = 0;

    while (n < JWE_TO_MAX && is_to_letter(to[n]))
        n++;
    return n < JWE_TO_MAX && to[n] == '\0';
}

bool jwe_header_is_sound(const struct jwe_header *h)
{
    return h->typ != NULL && typ_known(span_str(h->typ))[0] != '\0' && is_to(h->to) &&
           h->created_s <= INT64_MAX;
}

void jwe_epk_put(struct buf *out, const uint8_t point[JWE_POINT_BYTES])
{
    buf_put(out, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
    b64url_put(out, point + 1, COORD_BYTES);
    buf_put(out, "\",\"y\":\"");
    b64url_put(out, point + 1 + COORD_BYTES, COORD_BYTES);
    buf_put(out, "\"}");
}

/* "alg", "kid" and "epk" as they stand beside a recipient or in a header. */
static void how_put(struct buf *out, const struct jwe_recipient *r)
{
    buf_put(out, "\"alg\":\"");
    buf_put(out, algs[r->alg - JWE_ECDH_ES_A256KW].name);
    buf_put(out, "\"");
    if (memcmp(r->kid, no_kid, sizeof no_kid) != 0) {
        buf_put(out, ",\"kid\":\"");
        b64url_put(out, r->kid, sizeof r->kid);
        buf_put(out, "\"");
    }
    if (r->alg == JWE_ECDH_ES_A256KW) {
        buf_put(out, ",\"epk\":");
        jwe_epk_put(out, r->point);
    }
}

void jwe_header_put(struct buf *out, const struct jwe_header *h,
                    const struct jwe_recipient *in)
{
    char mid[HEX_LEN(sizeof h->id) + 1];

    buf_put(out, "{");
    if (in != NULL) {
        how_put(out, in);
        buf_put(out, ",");
    }
    buf_printf(out,
               "\"enc\":\"A256GCM\",\"typ\":\"%s\",\"mid\":\"%s\",\"iat\":%" PRIu64
               ",\"to\":\"%s\"}",
               h->typ, hex_text(mid, h->id, sizeof h->id), h->created_s, h->to);
}

/* Counts before jansson allocates: a text of a million small values would cost a
 * hundred times its size. */
static bool is_bounded_json(struct span text)
{
    size_t depth = 0, items = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        const char ch = text.p[i];

        if (quoted && ch == '\\')
            i++;
        else if (ch == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (ch == '{' || ch == '[')
            depth++;
        else if ((ch == '}' || ch == ']') && depth > 0)
            depth--;
        else if (ch == ',')
            items++;
        if (depth > JSON_DEPTH_MAX || items > JSON_ITEMS_MAX)
            return false;
    }
    return true;
}

/* NULL: not one bounded JSON object. The caller releases it. */
static json_t *object_load(struct span text)
{
    json_t *json = NULL;

    if (text.n > 0 && is_bounded_json(text))
        json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

static struct span string_of(const json_t *value)
{
    return span_of(json_string_value(value), json_string_length(value));
}

static struct span string_member(const json_t *object, const char *name)
{
    return string_of(json_object_get(object, name));
}

static bool has_any(const json_t *object, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_object_get(object, *names) != NULL)
            return true;
    return false;
}

static bool point_take(const json_t *epk, uint8_t point[JWE_POINT_BYTES])
{
    point[0] = 4;
    return span_eq_str(string_member(epk, "kty"), "EC") &&
           span_eq_str(string_member(epk, "crv"), "P-256") &&
           json_object_get(epk, "d") == NULL &&
           b64url_take_exact(string_member(epk, "x"), point + 1, COORD_BYTES) &&
           b64url_take_exact(string_member(epk, "y"), point + 1 + COORD_BYTES,
                             COORD_BYTES);
}

/* alg, kid and epk from a header object. With no "alg", none of them may stand there
 * and r->alg is JWE_IN_HEADER. */
static bool how_take(const json_t *header, struct jwe_recipient *r)
{
    static const char *const how[] = { "alg", "kid", "epk", NULL };
    const struct span name = string_member(header, "alg");
    const json_t *const kid = json_object_get(header, "kid");
    const json_t *const epk = json_object_get(header, "epk");

    *r = (struct jwe_recipient){ 0 };
    if (!has_any(header, how))
        return true;
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (span_eq_str(name, algs[i].name))
            r->alg = algs[i].alg;
    if (r->alg == JWE_IN_HEADER)
        return false;
    if (kid != NULL && !b64url_take_exact(string_of(kid), r->kid, sizeof r->kid))
        return false;
    if (r->alg == JWE_ECDH_ES_A256KW)
        return point_take(epk, r->point);
    return epk == NULL;
}

/* The members that bind a message to its place; all may be absent in what others made.
 */
static bool fields_take(const json_t *header, struct jwe_header *h)
{
    const json_t *const mid = json_object_get(header, "mid");
    const json_t *const iat = json_object_get(header, "iat");
    const json_t *const to = json_object_get(header, "to");

    *h = (struct jwe_header){ .typ = typ_known(string_member(header, "typ")) };
    if (mid != NULL && !hex_take(string_of(mid), h->id, sizeof h->id))
        return false;
    if (iat != NULL && (!json_is_integer(iat) || json_integer_value(iat) < 0))
        return false;
    h->created_s = (uint64_t)json_integer_value(iat);
    return to == NULL ||
           (json_is_string(to) && span_copy(h->to, sizeof h->to, string_of(to)) &&
            is_to(h->to));
}

/* What changes the meaning of a JWE and is not spoken here: RFC 7516 4.1.3 and 4.1.13,
 * RFC 7518 4.6.1. In a header beside a recipient "enc" is refused too. */
static const char *const unspoken[] = { "crit", "zip", "apu", "apv", "b64", NULL };

static bool protected_take(struct jwe_protected *p, struct span text)
{
    json_t *const header = object_load(text);
    const bool ok = header != NULL && !has_any(header, unspoken) &&
                    span_eq_str(string_member(header, "enc"), "A256GCM") &&
                    how_take(header, &p->in) && fields_take(header, &p->fields);

    json_decref(header);
    return ok;
}

static bool recipient_take(struct cur *c, struct jwe_recipient *r)
{
    uint8_t alg;
    uint16_t n;

    *r = (struct jwe_recipient){ 0 };
    if (!cur_u8(c, &alg) || alg > JWE_RSA_OAEP_256 ||
        !cur_mem(c, r->kid, sizeof r->kid))
        return false;
    r->alg = (enum jwe_alg)alg;
    if (r->alg == JWE_ECDH_ES_A256KW) {
        r->point[0] = 4;
        if (!cur_mem(c, r->point + 1, sizeof r->point - 1))
            return false;
    }
    return cur_be16(c, &n) && n <= JWE_ENCRYPTED_KEY_MAX_BYTES &&
           cur_span(c, n, &r->key);
}

static bool is_key_size(enum jwe_alg alg, size_t n)
{
    if (alg == JWE_RSA_OAEP_256)
        return n >= JWE_RSA_MIN_BITS / 8 && n <= JWE_ENCRYPTED_KEY_MAX_BYTES;
    return n == JWE_WRAPPED_BYTES;
}

/* Recipient and header must agree on where alg, kid and epk stand, and on the kid. */
static bool is_consistent(const struct jwe_form *f)
{
    const struct jwe_recipient *const in = &f->protected.in;

    if (in->alg != JWE_IN_HEADER)
        return f->count == 1 && f->to[0].alg == JWE_IN_HEADER &&
               memcmp(f->to[0].kid, in->kid, sizeof in->kid) == 0 &&
               is_key_size(in->alg, f->to[0].key.n);
    for (size_t i = 0; i < f->count; i++)
        if (f->to[i].alg == JWE_IN_HEADER || !is_key_size(f->to[i].alg, f->to[i].key.n))
            return false;
    return true;
}

bool jwe_form_take(struct jwe_form *f, struct span binary)
{
    struct cur c = cur_of(binary);
    uint8_t version, count;
    uint16_t header_bytes;
    uint32_t cipher_bytes;

    if (binary.n == 0 || !cur_u8(&c, &version) || version != FORM_VERSION ||
        !cur_be16(&c, &header_bytes) || header_bytes > JWE_HEADER_MAX_BYTES ||
        !cur_span(&c, header_bytes, &f->header) || !cur_u8(&c, &count) || count == 0 ||
        count > JWE_RECIPIENTS_MAX)
        return false;
    f->count = count;
    for (size_t i = 0; i < f->count; i++)
        if (!recipient_take(&c, &f->to[i]))
            return false;
    return cur_mem(&c, f->iv, sizeof f->iv) && cur_mem(&c, f->tag, sizeof f->tag) &&
           cur_be32(&c, &cipher_bytes) && cipher_bytes <= JWE_PLAIN_MAX_BYTES &&
           cur_span(&c, cipher_bytes, &f->cipher) && cur_done(&c) &&
           protected_take(&f->protected, f->header) && is_consistent(f);
}

void jwe_form_put_head(struct buf *out, const struct jwe_form *f)
{
    buf_put_u8(out, FORM_VERSION);
    buf_put_be16(out, (uint16_t)f->header.n);
    buf_put_span(out, f->header);
    buf_put_u8(out, (uint8_t)f->count);
    for (size_t i = 0; i < f->count; i++) {
        const struct jwe_recipient *const r = &f->to[i];

        buf_put_u8(out, (uint8_t)r->alg);
        buf_put_mem(out, r->kid, sizeof r->kid);
        if (r->alg == JWE_ECDH_ES_A256KW)
            buf_put_mem(out, r->point + 1, sizeof r->point - 1);
        buf_put_be16(out, (uint16_t)r->key.n);
        buf_put_span(out, r->key);
    }
    buf_put_mem(out, f->iv, sizeof f->iv);
}

void jwe_form_put(struct buf *out, const struct jwe_form *f)
{
    jwe_form_put_head(out, f);
    buf_put_mem(out, f->tag, sizeof f->tag);
    buf_put_be32(out, (uint32_t)f->cipher.n);
    buf_put_span(out, f->cipher);
}

bool jwe_check(struct span binary)
{
    struct jwe_form f;

    return jwe_form_take(&f, binary);
}

bool jwe_has_recipient(struct span binary, const uint8_t kid[JWE_KID_BYTES])
{
    struct jwe_form f;

    if (!jwe_form_take(&f, binary) || memcmp(kid, no_kid, sizeof no_kid) == 0)
        return false;
    for (size_t i = 0; i < f.count; i++)
        if (memcmp(f.to[i].kid, kid, JWE_KID_BYTES) == 0)
            return true;
    return false;
}

static void member_put(struct buf *out, const char *name, const void *bytes, size_t n)
{
    buf_put(out, "\"");
    buf_put(out, name);
    buf_put(out, "\":\"");
    b64url_put(out, bytes, n);
    buf_put(out, "\"");
}

static void recipient_put(struct buf *out, const struct jwe_recipient *r)
{
    buf_put(out, "{");
    if (r->alg != JWE_IN_HEADER) {
        buf_put(out, "\"header\":{");
        how_put(out, r);
        buf_put(out, "},");
    }
    member_put(out, "encrypted_key", r->key.p, r->key.n);
    buf_put(out, "}");
}

int jwe_to_json(struct span binary, const uint8_t *kid, struct buf *out, struct err *e)
{
    struct jwe_form f;
    const size_t before = out->n;
    size_t written = 0;

    if (!jwe_form_take(&f, binary))
        return err_set(e, ERR_PERM, "5.6.0", "not a sealed message");
    buf_put(out, "{");
    member_put(out, "protected", f.header.p, f.header.n);
    buf_put(out, ",\"recipients\":[");
    for (size_t i = 0; i < f.count; i++) {
        if (kid != NULL && memcmp(kid, f.to[i].kid, sizeof f.to[i].kid) != 0)
            continue;
        if (written++ > 0)
            buf_put(out, ",");
        recipient_put(out, &f.to[i]);
    }
    buf_put(out, "],");
    member_put(out, "iv", f.iv, sizeof f.iv);
    buf_put(out, ",");
    member_put(out, "ciphertext", f.cipher.p, f.cipher.n);
    buf_put(out, ",");
    member_put(out, "tag", f.tag, sizeof f.tag);
    buf_put(out, "}");
    if (buf_ok(out) && written > 0)
        return 0;
    out->n = before;
    return written == 0
               ? err_set(e, ERR_PERM, "5.6.0", "not sealed to this recipient")
               : err_set(e, ERR_PERM, "5.3.4", "a sealed message exceeds its buffer");
}

void jwe_form_compact(struct buf *out, const struct jwe_form *f)
{
    b64url_put(out, f->header.p, f->header.n);
    buf_put(out, ".");
    b64url_put(out, f->to[0].key.p, f->to[0].key.n);
    buf_put(out, ".");
    b64url_put(out, f->iv, sizeof f->iv);
    buf_put(out, ".");
    b64url_put(out, f->cipher.p, f->cipher.n);
    buf_put(out, ".");
    b64url_put(out, f->tag, sizeof f->tag);
}

/* A form whose bytes lie here, decoded from text. */
struct decoded {
    struct jwe_form form;
    struct buf header, keys[JWE_RECIPIENTS_MAX], cipher;
};

static void decoded_init(struct decoded *d)
{
    *d = (struct decoded){ 0 };
    buf_init(&d->header, JWE_HEADER_MAX_BYTES);
    buf_init(&d->cipher, JWE_PLAIN_MAX_BYTES);
    for (size_t i = 0; i < JWE_RECIPIENTS_MAX; i++)
        buf_init(&d->keys[i], JWE_ENCRYPTED_KEY_MAX_BYTES);
}

static void decoded_clear(struct decoded *d)
{
    buf_clear(&d->header);
    buf_clear(&d->cipher);
    for (size_t i = 0; i < JWE_RECIPIENTS_MAX; i++)
        buf_clear(&d->keys[i]);
}

/* The gate: what was decoded is written as the binary form and judged as one. The
 * buffer moves as it grows, so the form is written to it only when every span is final.
 */
static int decoded_finish(struct decoded *d, bool ok, struct buf *out, struct err *e)
{
    const size_t before = out->n;

    if (ok) {
        d->form.header = buf_span(&d->header);
        d->form.cipher = buf_span(&d->cipher);
        for (size_t i = 0; i < d->form.count; i++)
            d->form.to[i].key = buf_span(&d->keys[i]);
        jwe_form_put(out, &d->form);
        if (!buf_ok(out)) {
            decoded_clear(d);
            out->n = before;
            return err_set(e, ERR_PERM, "5.3.4", "a sealed message exceeds its buffer");
        }
        ok = jwe_check(span_of(out->p + before, out->n - before));
    }
    decoded_clear(d);
    if (ok)
        return 0;
    out->n = before;
    return err_set(e, ERR_PERM, "5.6.0",
                   "not a JWE that is taken here (A256GCM with ECDH-ES+A256KW on P-256 "
                   "or RSA-OAEP-256, no crit, zip, aad or unprotected)");
}

/* Decodes the shared parts; in compact and JSON they are the same letters. */
static bool body_take(struct decoded *d, struct span header, struct span iv,
                      struct span cipher, struct span tag)
{
    return b64url_take(header, &d->header) &&
           b64url_take_exact(iv, d->form.iv, sizeof d->form.iv) &&
           b64url_take(cipher, &d->cipher) &&
           b64url_take_exact(tag, d->form.tag, sizeof d->form.tag);
}

static bool json_recipient_take(struct decoded *d, const json_t *recipient)
{
    static const char *const enc[] = { "enc", NULL };
    const json_t *const header = json_object_get(recipient, "header");
    const size_t i = d->form.count;

    if (i == JWE_RECIPIENTS_MAX || !json_is_object(recipient) ||
        (header != NULL && !json_is_object(header)) || has_any(header, unspoken) ||
        has_any(header, enc) || !how_take(header, &d->form.to[i]))
        return false;
    d->form.count++;
    return b64url_take(string_member(recipient, "encrypted_key"), &d->keys[i]);
}

static bool json_recipients_take(struct decoded *d, const json_t *jwe)
{
    static const char *const flat[] = { "header", "encrypted_key", NULL };
    const json_t *const list = json_object_get(jwe, "recipients");

    if (list == NULL)
        return json_recipient_take(d, jwe);
    if (!json_is_array(list) || json_array_size(list) > JWE_RECIPIENTS_MAX ||
        has_any(jwe, flat))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_recipient_take(d, json_array_get(list, i)))
            return false;
    return true;
}

/* With its alg in the protected header, a lone recipient's kid stands there too. */
static void kid_from_header(struct decoded *d)
{
    struct jwe_protected p;

    if (d->form.count == 1 && d->form.to[0].alg == JWE_IN_HEADER &&
        protected_take(&p, buf_span(&d->header)))
        memcpy(d->form.to[0].kid, p.in.kid, sizeof p.in.kid);
}

int jwe_from_json(struct span text, struct buf *out, struct err *e)
{
    static const char *const refused[] = { "aad", "unprotected", NULL };
    struct decoded d;
    json_t *jwe = NULL;
    bool ok;

    decoded_init(&d);
    if (text.n <= JWE_TEXT_MAX_BYTES)
        jwe = object_load(text);
    ok = jwe != NULL && !has_any(jwe, refused) &&
         json_is_string(json_object_get(jwe, "ciphertext")) &&
         body_take(&d, string_member(jwe, "protected"), string_member(jwe, "iv"),
                   string_member(jwe, "ciphertext"), string_member(jwe, "tag")) &&
         json_recipients_take(&d, jwe);
    if (ok)
        kid_from_header(&d);
    json_decref(jwe);
    return decoded_finish(&d, ok, out, e);
}

static bool compact_split(struct span text, struct span parts[COMPACT_PARTS])
{
    struct cur c = cur_of(text);

    for (size_t i = 0; i < COMPACT_PARTS; i++) {
        const char *const dot = memchr(c.p, '.', cur_left(&c));
        const bool last = i + 1 == COMPACT_PARTS;

        if ((dot == NULL) != last)
            return false;
        if (!cur_span(&c, (size_t)((last ? c.end : dot) - c.p), &parts[i]))
            return false;
        (void)cur_byte(&c, '.');
    }
    return true;
}

int jwe_from_compact(struct span text, struct buf *out, struct err *e)
{
    struct span parts[COMPACT_PARTS];
    struct decoded d;
    bool ok;

    decoded_init(&d);
    ok = text.n > 0 && text.n <= JWE_TEXT_MAX_BYTES && compact_split(text, parts) &&
         b64url_take(parts[1], &d.keys[0]) &&
         body_take(&d, parts[0], parts[2], parts[3], parts[4]);
    d.form.count = 1;
    if (ok)
        kid_from_header(&d);
    return decoded_finish(&d, ok, out, e);
}
