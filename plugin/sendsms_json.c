/* SPDX-License-Identifier: ISC */
/* sendsms_json.c - Sealpost's own form of a request: a JSON object.
 * Here:       its members, and what is said when one is of the wrong type.
 * Elsewhere:  what the values mean and their ranges (sendsms_request.c).
 * Called by:  sendsms.c.
 * Source:     RFC 8259; contrib/man/sealpost.conf.5 for the members. */
#include "plugin/sendsms_form.h"
#include <jansson.h>
#include <stdio.h>

static int wrong(struct sendsms_refusal *why, const char *name, const char *what)
{
    char text[sizeof why->body];

    (void)snprintf(text, sizeof text, "The member %s is not %s.", name, what);
    return sendsms_refuse(why, 400, text);
}

static struct span keep_string(struct sendsms_request *r, const json_t *value)
{
    return sendsms_keep(r,
                        span_of(json_string_value(value), json_string_length(value)));
}

static int take_int(const json_t *value, int32_t *out)
{
    const json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < INT32_MIN || n > INT32_MAX)
        return -1;
    *out = (int32_t)n;
    return 0;
}

static int take_member(struct sendsms_request *r, const struct sendsms_field *f,
                       const json_t *value, const char *name,
                       struct sendsms_refusal *why)
{
    int32_t *const number = sendsms_int_at(r, f);

    switch (f->kind) {
    case SENDSMS_SPAN:
        if (!json_is_string(value))
            return wrong(why, name, "a string");
        *sendsms_span_at(r, f) = keep_string(r, value);
        break;
    case SENDSMS_YESNO:
        if (!json_is_boolean(value))
            return wrong(why, name, "true or false");
        *number = json_is_true(value) ? 1 : 0;
        break;
    case SENDSMS_SECONDS:
        if (take_int(value, number) != 0 || *number <= 0)
            return wrong(why, name, "a number of seconds");
        break;
    case SENDSMS_INT:
        if (take_int(value, number) != 0)
            return wrong(why, name, "an integer in its range");
        break;
    }
    return 0;
}

/* A string is one number here: an array is how several are said. */
static int take_receivers(struct sendsms_request *r, const json_t *to,
                          struct sendsms_refusal *why)
{
    const size_t count = json_is_array(to) ? json_array_size(to) : 1;
    size_t bytes = 0;

    if (!json_is_array(to) && !json_is_string(to))
        return wrong(why, "to", "a string or an array of strings");
    if (sendsms_begin_receivers(r) != 0)
        return sendsms_refuse_later(why);
    for (size_t i = 0; i < count && !r->too_many_receivers; i++) {
        const json_t *const one = json_is_array(to) ? json_array_get(to, i) : to;

        if (!json_is_string(one))
            return wrong(why, "to", "a string or an array of strings");
        bytes += json_string_length(one);
        if (bytes > SENDSMS_TO_MAX)
            r->too_many_receivers = true;
        else if (sendsms_add_receiver(r, sendsms_strip(keep_string(r, one))) != 0)
            return sendsms_refuse_later(why);
    }
    if (bytes == 0)
        r->to = span_of("", 0); /* named, and empty */
    return 0;
}

static const struct sendsms_field *field_named(const char *name)
{
    for (size_t i = 0; i < sendsms_field_count; i++)
        if (strcmp(sendsms_fields[i].name, name) == 0)
            return &sendsms_fields[i];
    return NULL;
}

static int take_report(struct sendsms_request *r, const json_t *report,
                       struct sendsms_refusal *why)
{
    const json_t *const url = json_object_get(report, "url");
    const json_t *const mask = json_object_get(report, "mask");

    if (report == NULL || json_is_null(report))
        return 0;
    if (!json_is_object(report))
        return wrong(why, "report", "an object");
    if (url != NULL && take_member(r, field_named("dlr-url"), url, "url", why) != 0)
        return -1;
    return mask != NULL ? take_member(r, field_named("dlr-mask"), mask, "mask", why)
                        : 0;
}

/* Who asks is said in a header, and the text has the charset of JSON. */
static bool is_elsewhere(const struct sendsms_field *f)
{
    return strcmp(f->name, "username") == 0 || strcmp(f->name, "password") == 0 ||
           strcmp(f->name, "charset") == 0 || strcmp(f->name, "to") == 0;
}

static int take_members(struct sendsms_request *r, const json_t *root,
                        struct sendsms_refusal *why)
{
    const json_t *const to = json_object_get(root, "to");

    for (size_t i = 0; i < sendsms_field_count; i++) {
        const struct sendsms_field *const f = &sendsms_fields[i];
        const json_t *const value = json_object_get(root, f->name);

        if (value == NULL || json_is_null(value) || is_elsewhere(f))
            continue;
        if (take_member(r, f, value, f->name, why) != 0)
            return -1;
    }
    if (take_report(r, json_object_get(root, "report"), why) != 0)
        return -1;
    if (r->udh.n % 2 != 0 || !sendsms_unhex(&r->udh))
        return wrong(why, "udh", "hex");
    r->charset = span_str("UTF-8");
    r->default_coding = r->udh.n > 0 ? 1 : 0;
    if (to == NULL || json_is_null(to))
        return 0;
    return take_receivers(r, to, why);
}

int sendsms_take_json(struct sendsms_request *r, struct span body,
                      struct sendsms_refusal *why)
{
    json_error_t error;
    json_t *root;
    int rc;

    sendsms_request_init(r);
    /* What an escape stands for is shorter than the escape. */
    if (sendsms_reserve(r, body.n) != 0)
        return sendsms_refuse_later(why);
    root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root))
        rc = sendsms_refuse(why, 400, "The body is not a JSON object.");
    else
        rc = take_members(r, root, why);
    json_decref(root);
    return rc;
}
