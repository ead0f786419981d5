/* SPDX-License-Identifier: ISC */
/* sendsms_request.c - an application's request, out of a query, a form or headers.
 * Here:       the fields' names, how values are read, what is refused and in which
 * order. Elsewhere:  XML (sendsms_xml.c), JSON (sendsms_json.c), the text and its
 * charset (sendsms_text.c), who asks and which numbers are his (sendsms.c). Called by:
 * sendsms.c. Source:     Kannel userguide, "SMS Push (sendsms)"; smsbox 1.4.5 as
 * measured (tests/scenario/sendsms-like-kannel.sh). */
#include "plugin/sendsms_request.h"
#include "plugin/sendsms_form.h"
#include <limits.h>
#include <stdlib.h>

#define ACCOUNT_MAX 64U
#define UDH_MAX 140U

#define AT(member) offsetof(struct sendsms_request, member)
#define TEXT(member) SENDSMS_SPAN, AT(member)
#define NUMBER(member) SENDSMS_INT, AT(member)

const struct sendsms_field sendsms_fields[] = {
    { TEXT(username), "username", "user", "Username", "from/username", "from/user" },
    { TEXT(password), "password", "pass", "Password", "from/password", "from/pass" },
    { TEXT(from), "from", NULL, "From", "oa/number", NULL },
    { TEXT(to), "to", NULL, "To", NULL, NULL },
    { TEXT(text), "text", NULL, NULL, "ud", NULL },
    { TEXT(charset), "charset", NULL, NULL, NULL, NULL },
    { TEXT(udh), "udh", NULL, "UDH", "udh", NULL },
    { TEXT(smsc), "smsc", NULL, "SMSC", "smsc", "to" },
    { TEXT(dlr_url), "dlr-url", "dlrurl", "DLR-URL", "statusrequest/dlr-url", NULL },
    { TEXT(account), "account", NULL, "Account", "from/account", NULL },
    { TEXT(binfo), "binfo", NULL, "BInfo", "from/binfo", NULL },
    { TEXT(meta_data), "meta-data", NULL, "Meta-Data", "meta-data", NULL },
    { NUMBER(mclass), "mclass", NULL, "MClass", "dcs/mclass", NULL },
    { NUMBER(mwi), "mwi", NULL, "MWI", "dcs/mwi", NULL },
    { NUMBER(coding), "coding", NULL, "Coding", "dcs/coding", NULL },
    { NUMBER(compress), "compress", NULL, "Compress", "dcs/compress", NULL },
    { NUMBER(pid), "pid", NULL, "PID", "pid", NULL },
    { NUMBER(alt_dcs), "alt-dcs", NULL, "Alt-DCS", "dcs/alt-dcs", NULL },
    { NUMBER(rpi), "rpi", NULL, "RPI", "rpi", NULL },
    { NUMBER(priority), "priority", NULL, "Priority", "priority", NULL },
    { NUMBER(validity), "validity", NULL, "Validity", "vp/delay", NULL },
    { NUMBER(deferred), "deferred", NULL, "Deferred", "timing/delay", NULL },
    { NUMBER(dlr_mask), "dlr-mask", "dlrmask", "DLR-Mask", "statusrequest/dlr-mask",
      NULL },
    { TEXT(subject), "subject", NULL, "Subject", "subject", NULL },
    { TEXT(reference), "reference", NULL, "Reference", "reference", NULL },
    { SENDSMS_YESNO, AT(secure), "secure", NULL, "Secure", "secure", NULL },
    { SENDSMS_SECONDS, AT(expire_s), "expire", NULL, "Expire", "expire", NULL },
};
_Static_assert(sizeof sendsms_fields / sizeof sendsms_fields[0] <= SENDSMS_FIELDS_MAX,
               "a place for each field");
const size_t sendsms_field_count = sizeof sendsms_fields / sizeof sendsms_fields[0];

struct span *sendsms_span_at(struct sendsms_request *r, const struct sendsms_field *f)
{
    return (struct span *)(void *)((char *)r + f->at);
}

int32_t *sendsms_int_at(struct sendsms_request *r, const struct sendsms_field *f)
{
    return (int32_t *)(void *)((char *)r + f->at);
}

bool sendsms_is_blank(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

struct span sendsms_strip(struct span s)
{
    while (s.n > 0 && sendsms_is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && sendsms_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool sendsms_unhex(struct span *s)
{
    char *const to = (char *)(uintptr_t)s->p;

    for (size_t i = 0; i < s->n; i++)
        if (http_hex_value(s->p[i]) < 0)
            return false;
    s->n /= 2;
    for (size_t i = 0; i < s->n; i++)
        to[i] = (char)(http_hex_value(to[2 * i]) * 16 + http_hex_value(to[2 * i + 1]));
    return true;
}

bool sendsms_unescape(struct span *s)
{
    bool sound;

    s->n = http_url_decode(*s, (char *)(uintptr_t)s->p, &sound);
    return sound;
}

/* take_int - as sscanf's "%d" of glibc: the number is taken as a long, which stops at
 * its ends, and loses its upper half. */
static bool take_int(struct span s, int32_t *out)
{
    struct cur c = cur_of(sendsms_strip(s));
    const bool minus = cur_byte(&c, '-');
    uint64_t value = 0;

    if (!minus)
        (void)cur_byte(&c, '+');
    if (cur_done(&c) || !is_digit(*c.p))
        return false;
    for (; !cur_done(&c) && is_digit(*c.p); c.p++)
        if (value <= INT64_MAX)
            value = value > INT64_MAX / 10 ? (uint64_t)INT64_MAX + 1
                                           : 10 * value + (unsigned)(*c.p - '0');
    if (!minus && value > INT64_MAX)
        value = INT64_MAX;
    *out = (int32_t)(uint32_t)(minus ? 0 - value : value);
    return true;
}

static int32_t yes_or_no(struct span value)
{
    static const char *const words[][4] = { { "no", "false", "0", "off" },
                                            { "yes", "true", "1", "on" } };

    for (int32_t yes = 0; yes < 2; yes++)
        for (size_t i = 0; i < 4; i++)
            if (span_ieq_str(value, words[yes][i]))
                return yes;
    return SENDSMS_MISFORMED;
}

static int32_t seconds(struct span value)
{
    int32_t s = 0;

    for (size_t i = 0; i < value.n; i++)
        if (!is_digit(value.p[i]))
            return SENDSMS_MISFORMED;
    return value.n < 10 && take_int(value, &s) && s > 0 ? s : SENDSMS_MISFORMED;
}

void sendsms_set(struct sendsms_request *r, const struct sendsms_field *f,
                 struct span value)
{
    switch (f->kind) {
    case SENDSMS_SPAN:
        *sendsms_span_at(r, f) = value;
        break;
    case SENDSMS_INT:
        (void)take_int(value, sendsms_int_at(r, f));
        break;
    case SENDSMS_YESNO:
        *sendsms_int_at(r, f) = yes_or_no(sendsms_strip(value));
        break;
    case SENDSMS_SECONDS:
        *sendsms_int_at(r, f) = seconds(sendsms_strip(value));
        break;
    }
}

void sendsms_request_init(struct sendsms_request *r)
{
    *r = (struct sendsms_request){ 0 };
    for (size_t i = 0; i < sendsms_field_count; i++)
        if (sendsms_fields[i].kind != SENDSMS_SPAN)
            *sendsms_int_at(r, &sendsms_fields[i]) = SENDSMS_UNSET;
}

void sendsms_request_clear(struct sendsms_request *r)
{
    buf_wipe(&r->store);
    http_pairs_clear(&r->form);
    free(r->receivers);
    sendsms_request_init(r);
}

int sendsms_reserve(struct sendsms_request *r, size_t max)
{
    buf_init(&r->store, max);
    if (max > 0 && buf_room(&r->store, max) == NULL)
        return -1;
    r->store.n = 0;
    return 0;
}

struct span sendsms_keep(struct sendsms_request *r, struct span s)
{
    char *const to = buf_room(&r->store, s.n);

    if (to == NULL)
        return s.n == 0 ? span_of("", 0) : span_of(NULL, 0);
    memcpy(to, s.p, s.n);
    return span_of(to, s.n);
}

int sendsms_refuse(struct sendsms_refusal *why, int status, const char *body)
{
    *why = (struct sendsms_refusal){ .status = status };
    (void)span_copy(why->body, sizeof why->body, span_str(body));
    return -1;
}

int sendsms_refuse_later(struct sendsms_refusal *why)
{
    return sendsms_refuse(why, 503, "Temporal failure, try again later.");
}

int sendsms_begin_receivers(struct sendsms_request *r)
{
    if (r->receivers == NULL)
        r->receivers = calloc(SENDSMS_RECEIVERS_MAX, sizeof *r->receivers);
    return r->receivers == NULL ? -1 : 0;
}

int sendsms_add_receiver(struct sendsms_request *r, struct span number)
{
    if (sendsms_begin_receivers(r) != 0)
        return -1;
    if (r->receiver_count == SENDSMS_RECEIVERS_MAX)
        r->too_many_receivers = true;
    else
        r->receivers[r->receiver_count++] = number;
    return 0;
}

int sendsms_split_to(struct sendsms_request *r)
{
    struct cur c = cur_of(r->to);

    r->too_many_receivers = r->to.n > SENDSMS_TO_MAX;
    while (!r->too_many_receivers && !cur_done(&c)) {
        const char *const start = c.p;

        if (sendsms_is_blank(*c.p)) {
            c.p++;
            continue;
        }
        while (!cur_done(&c) && !sendsms_is_blank(*c.p))
            c.p++;
        if (sendsms_add_receiver(r, span_of(start, (size_t)(c.p - start))) != 0)
            return -1;
    }
    return 0;
}

static const struct http_pair *first_named(const struct http_pair *pairs, size_t count,
                                           const char *name)
{
    for (size_t i = 0; name != NULL && i < count; i++)
        if (span_eq_str(pairs[i].name, name))
            return &pairs[i];
    return NULL;
}

static int take_pairs(struct sendsms_request *r, const struct http_pair *pairs,
                      size_t count)
{
    for (size_t i = 0; i < sendsms_field_count; i++) {
        const struct sendsms_field *const f = &sendsms_fields[i];
        const struct http_pair *pair = first_named(pairs, count, f->name);

        if (pair == NULL)
            pair = first_named(pairs, count, f->or_name);
        if (pair != NULL)
            sendsms_set(r, f, pair->value);
    }
    r->default_coding = r->udh.n > 0 ? 1 : 0;
    return sendsms_split_to(r);
}

int sendsms_take_query(struct sendsms_request *r, const struct http_pair *pairs,
                       size_t count, struct sendsms_refusal *why)
{
    sendsms_request_init(r);
    return take_pairs(r, pairs, count) == 0 ? 0 : sendsms_refuse_later(why);
}

/* "X-Kannel-NAME", or "X-Sealpost-NAME" which is easier to remember for what is ours.
 */
static bool is_header_of(struct span name, const struct sendsms_field *f)
{
    struct cur c = cur_of(name);

    return f->header != NULL &&
           (cur_word(&c, "X-Kannel-") || cur_word(&c, "X-Sealpost-")) &&
           span_ieq_str(span_of(c.p, cur_left(&c)), f->header);
}

/* UDH is hex, or escaped, or not there. */
static void take_udh_header(struct sendsms_request *r)
{
    if (r->udh.p == NULL)
        return;
    r->udh = sendsms_keep(r, r->udh);
    if (r->udh.p != NULL && !sendsms_unhex(&r->udh) && !sendsms_unescape(&r->udh))
        r->udh = span_of(NULL, 0);
}

static int take_headers(struct sendsms_request *r, const struct http_pair *headers,
                        size_t count)
{
    size_t udh_bytes = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sendsms_field_count; k++)
            if (is_header_of(headers[i].name, &sendsms_fields[k]))
                sendsms_set(r, &sendsms_fields[k], sendsms_strip(headers[i].value));
    udh_bytes = r->udh.n;
    if (sendsms_reserve(r, udh_bytes) != 0)
        return -1;
    take_udh_header(r);
    return sendsms_split_to(r);
}

/* take_type - the type, and what stands behind the first "=" behind its ";": smsbox
 * looks no closer, so that "charset=utf-8; format=flowed" is a charset that nobody has.
 */
static void take_type(const struct http_pair *headers, size_t count, struct span *type,
                      struct span *charset)
{
    const char *at;

    *type = span_str("application/octet-stream");
    *charset = span_of(NULL, 0);
    for (size_t i = count; i-- > 0;)
        if (span_ieq_str(headers[i].name, "Content-Type"))
            *type = sendsms_strip(headers[i].value);
    at = type->n > 0 ? memchr(type->p, ';', type->n) : NULL;
    if (at != NULL) {
        *charset = sendsms_strip(span_of(at + 1, (size_t)(type->p + type->n - at - 1)));
        *type = sendsms_strip(span_of(type->p, (size_t)(at - type->p)));
        at = charset->n > 0 ? memchr(charset->p, '=', charset->n) : NULL;
        *charset = at == NULL
                       ? span_of(NULL, 0)
                       : span_of(at + 1, (size_t)(charset->p + charset->n - at - 1));
    }
    if (charset->n > 0 && charset->p[0] == '"')
        *charset = span_of(charset->p + 1, charset->n - 1);
    if (charset->n > 0 && charset->p[charset->n - 1] == '"')
        charset->n--;
    if (charset->n == 0 && type->n >= 4 && memcmp(type->p, "text", 4) == 0)
        *charset = span_str("ISO-8859-1");
}

static int take_form(struct sendsms_request *r, struct span body)
{
    return http_pairs_take(&r->form, body) == 0 ? take_pairs(r, r->form.pair, r->form.n)
                                                : -1;
}

int sendsms_take_post(struct sendsms_request *r, const struct http_pair *headers,
                      size_t count, struct span body, struct sendsms_refusal *why)
{
    struct span type, charset;
    int rc;

    sendsms_request_init(r);
    take_type(headers, count, &type, &charset);
    if (span_ieq_str(type, "application/x-www-form-urlencoded")) {
        rc = take_form(r, body);
    } else if (span_ieq_str(type, "text/xml")) {
        rc = sendsms_take_xml(r, body);
    } else {
        const bool octets = span_ieq_str(type, "application/octet-stream");

        r->unsupported_type =
            span_ieq_str(type, "text/html") || span_ieq_str(type, "text/vnd.wap.wml");
        if (!octets && !r->unsupported_type && !span_ieq_str(type, "text/plain"))
            return sendsms_refuse(why, 400, "Invalid content-type");
        rc = take_headers(r, headers, count);
        r->text = body;
        r->charset = charset;
        r->default_coding = octets ? 1 : 0;
        r->body_form = true;
    }
    return rc == 0 ? 0 : sendsms_refuse_later(why);
}

int sendsms_check_receivers(const struct sendsms_request *r,
                            struct sendsms_refusal *why)
{
    if (r->to.p == NULL && r->receivers == NULL)
        return sendsms_refuse(why, 400,
                              r->body_form ? "Missing receiver(s) number(s), rejected"
                                           : "Missing receiver number, rejected");
    if (r->to.p != NULL && r->to.n == 0)
        return sendsms_refuse(why, 400, "Empty receiver number not allowed, rejected");
    if (r->unsupported_type)
        return sendsms_refuse(why, 415, "Unsupported content-type, rejected");
    if (r->too_many_receivers)
        return sendsms_refuse(why, 400, "Too many receivers, rejected");
    return 0;
}

int sendsms_check_udh(const struct sendsms_request *r, struct sendsms_refusal *why)
{
    if (r->udh.n > 0 && r->udh.n != (size_t)(unsigned char)r->udh.p[0] + 1)
        return sendsms_refuse(why, 400, "UDH field misformed, rejected");
    if (r->udh.n > UDH_MAX)
        return sendsms_refuse(why, 400, "UDH field is too long, rejected");
    return 0;
}

static bool account_is_sound(struct span account)
{
    for (size_t i = 0; i < account.n; i++)
        if (memchr("[]\n\r", account.p[i], 4) != NULL)
            return false;
    return account.n <= ACCOUNT_MAX;
}

static bool dlr_url_is_sound(struct span url)
{
    struct cur c = cur_of(url);

    return url.n == 0 ||
           (url.n >= 8 && (cur_word(&c, "http://") || cur_word(&c, "https://")));
}

/* Whatever smsbox takes and struct sms cannot carry, and what is ours. */
static int check_own(const struct sendsms_request *r, struct sendsms_refusal *why)
{
    if (r->binfo.n > SMS_FIELD_MAX)
        return sendsms_refuse(why, 400, "BInfo field too long, rejected");
    if (r->meta_data.n > SMS_FIELD_MAX)
        return sendsms_refuse(why, 400, "Meta-Data field too long, rejected");
    if (r->subject.n > SENDSMS_SUBJECT_MAX)
        return sendsms_refuse(why, 400, "Subject field too long, rejected");
    if (r->reference.n > SENDSMS_REFERENCE_MAX)
        return sendsms_refuse(why, 400, "Reference field too long, rejected");
    if (r->secure < SENDSMS_UNSET)
        return sendsms_refuse(why, 400, "Secure field misformed, rejected");
    if (r->expire_s < SENDSMS_UNSET)
        return sendsms_refuse(why, 400, "Expire field misformed, rejected");
    return 0;
}

int sendsms_check_fields(const struct sendsms_request *r, struct sendsms_refusal *why)
{
    const struct {
        int32_t value, max;
        const char *refusal;
    } ranges[] = {
        { r->dlr_mask, 66, "DLR-Mask field misformed, rejected" },
        { r->mclass, 3, "MClass field misformed, rejected" },
        { r->pid, 255, "PID field misformed, rejected" },
        { r->rpi, 2, "RPI field misformed, rejected" },
        { r->alt_dcs, 1, "Alt-DCS field misformed, rejected" },
        { r->mwi, 7, "MWI field misformed, rejected" },
        { r->coding, 2, "Coding field misformed, rejected" },
        { r->compress, 1, "Compress field misformed, rejected" },
        { r->validity, INT32_MAX, "Validity field misformed, rejected" },
        { r->deferred, INT32_MAX, "Deferred field misformed, rejected" },
        { r->priority, 3, "Priority field misformed, rejected" },
    };

    if (!account_is_sound(r->account))
        return sendsms_refuse(why, 400,
                              "Account field misformed or too long, rejected");
    if (!dlr_url_is_sound(r->dlr_url))
        return sendsms_refuse(why, 400, "DLR-URL field misformed, rejected");
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i].value < SENDSMS_UNSET || ranges[i].value > ranges[i].max)
            return sendsms_refuse(why, 400, ranges[i].refusal);
    return check_own(r, why);
}
