/* SPDX-License-Identifier: ISC */
/* sendsms_xml.c - Kannel's XML form of sendsms.
 * Here:       the document, read in one pass without a tree.
 * Elsewhere:  which elements there are, and what values mean (sendsms_request.c).
 * Called by:  sendsms_request.c.
 * Source:     smsbox 1.4.5 as measured; XPath 1.0 4.4 for numbers; Expat 2.5. */
#include "plugin/sendsms_form.h"
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_ROOM 128U
#define NUMBER_ROOM 64U
#define SUBMIT "message/submit/"
#define RECEIVER SUBMIT "da/number"

struct document {
    struct sendsms_request *r;
    XML_Parser parser;
    char path[PATH_ROOM];                 /* "message/submit/ud" */
    size_t starts[SENDSMS_XML_DEPTH_MAX]; /* where each of its names begins */
    size_t depth;
    const struct sendsms_field *field;     /* whose element is open, or NULL */
    size_t field_depth;                    /* its own */
    struct span *target;                   /* its place in found */
    struct span found[SENDSMS_FIELDS_MAX]; /* as sendsms_fields; the first counts */
    struct span or_found[SENDSMS_FIELDS_MAX];
    bool receiver, cdata, memory; /* memory: it ran out */
    size_t start;                 /* of what is being read, in the store */
    size_t receiver_bytes;
    bool binary; /* <ud type="binary"> */
    struct span encoding;
};

static void stop(struct document *d, bool memory)
{
    d->memory = d->memory || memory;
    (void)XML_StopParser(d->parser, XML_FALSE);
}

/* push - a name that does not fit cannot be one of ours. */
static bool push(struct document *d, const char *name)
{
    const size_t at = d->depth == 0 ? 0 : strlen(d->path), n = strlen(name);
    const size_t slash = d->depth == 0 ? 0 : 1;

    if (d->depth == SENDSMS_XML_DEPTH_MAX)
        return false;
    d->starts[d->depth++] = at;
    if (at + slash + n + 1 > sizeof d->path)
        name = "";
    (void)snprintf(d->path + at, sizeof d->path - at, "%s%s", slash ? "/" : "", name);
    return true;
}

static bool is_at(const struct document *d, const char *below)
{
    return below != NULL && strncmp(d->path, SUBMIT, sizeof SUBMIT - 1) == 0 &&
           strcmp(d->path + sizeof SUBMIT - 1, below) == 0;
}

static void begin_field(struct document *d, const char *const *attributes)
{
    for (size_t i = 0; i < sendsms_field_count; i++) {
        const struct sendsms_field *const f = &sendsms_fields[i];
        const bool first = is_at(d, f->xml);

        if (!first && !is_at(d, f->or_xml))
            continue;
        d->target = first ? &d->found[i] : &d->or_found[i];
        if (d->target->p != NULL)
            return;
        d->field = f;
        d->field_depth = d->depth;
        d->start = d->r->store.n;
        if (f->at == offsetof(struct sendsms_request, text))
            for (; attributes[0] != NULL; attributes += 2)
                if (strcmp(attributes[0], "type") == 0)
                    d->binary =
                        span_ieq_str(sendsms_strip(span_str(attributes[1])), "binary");
        return;
    }
}

static void XMLCALL on_start(void *ctx, const char *name, const char **attributes)
{
    struct document *const d = ctx;

    if (!push(d, name))
        stop(d, false);
    else if (d->field == NULL)
        begin_field(d, attributes);
}

/* end_receiver - what stands between two tags of a da/number is one. */
static void end_receiver(struct document *d)
{
    const struct span number =
        span_of(d->r->store.p + d->start, d->r->store.n - d->start);

    d->receiver = false;
    d->receiver_bytes += number.n;
    if (d->receiver_bytes > SENDSMS_TO_MAX)
        d->r->too_many_receivers = true;
    if (sendsms_add_receiver(d->r, sendsms_strip(number)) != 0)
        stop(d, true);
}

static void XMLCALL on_end(void *ctx, const char *name)
{
    struct document *const d = ctx;

    (void)name;
    if (d->receiver)
        end_receiver(d);
    if (d->field != NULL && d->depth == d->field_depth) {
        *d->target =
            sendsms_strip(span_of(d->r->store.p + d->start, d->r->store.n - d->start));
        d->field = NULL;
    }
    d->path[d->starts[--d->depth]] = '\0';
}

/* Text in a CDATA section is no receiver: so it is with smsbox. */
static void XMLCALL on_text(void *ctx, const char *text, int n)
{
    struct document *const d = ctx;

    if (d->field == NULL && strcmp(d->path, RECEIVER) == 0) {
        if (sendsms_begin_receivers(d->r) != 0)
            stop(d, true);
        if (d->cdata)
            return;
        if (!d->receiver)
            d->start = d->r->store.n;
        d->receiver = true;
    } else if (d->field == NULL) {
        return;
    }
    buf_put_mem(&d->r->store, text, (size_t)n);
}

static void XMLCALL on_cdata(void *ctx)
{
    ((struct document *)ctx)->cdata = true;
}

static void XMLCALL on_cdata_end(void *ctx)
{
    ((struct document *)ctx)->cdata = false;
}

static void XMLCALL on_declaration(void *ctx, const char *version, const char *encoding,
                                   int standalone)
{
    struct document *const d = ctx;

    (void)version;
    (void)standalone;
    if (encoding != NULL)
        d->encoding = sendsms_keep(d->r, span_str(encoding));
}

static void XMLCALL on_entity(void *ctx, const char *name, int is_parameter,
                              const char *value, int n, const char *base,
                              const char *system, const char *public,
                              const char *notation)
{
    (void)name, (void)is_parameter, (void)value, (void)n, (void)base;
    (void)system, (void)public, (void)notation;
    stop(ctx, false);
}

static int XMLCALL on_encoding(void *ctx, const char *name, XML_Encoding *info)
{
    (void)ctx;
    *info = (XML_Encoding){ .data = NULL };
    return sendsms_charset_map(name, info->map) ? XML_STATUS_OK : XML_STATUS_ERROR;
}

/* number = *S ["-"] ( 1*DIGIT ["." *DIGIT] / "." 1*DIGIT ) [("e"/"E") ["+"/"-"]
 * 1*DIGIT] *S ; libxml2 knows exponents. What is none is XPath's NaN, which C on amd64
 * makes the least int, and so is what an int cannot hold. */
static int32_t take_number(struct span s)
{
    char text[NUMBER_ROOM];
    struct cur c = cur_of(s);
    size_t digits = 0;
    double value;

    (void)cur_byte(&c, '-');
    for (bool point = false;
         !cur_done(&c) && (is_digit(*c.p) || (*c.p == '.' && !point)); c.p++) {
        point = point || *c.p == '.';
        digits += *c.p != '.';
    }
    if (digits > 0 && (cur_byte(&c, 'e') || cur_byte(&c, 'E'))) {
        if (!cur_byte(&c, '+'))
            (void)cur_byte(&c, '-');
        digits = 0;
        for (; !cur_done(&c) && is_digit(*c.p); c.p++)
            digits++;
    }
    if (digits == 0 || !cur_done(&c) || !span_copy(text, sizeof text, s))
        return INT32_MIN;
    value = strtod(text, NULL);
    return value > -2147483648.0 && value < 2147483648.0 ? (int32_t)value : INT32_MIN;
}

static bool has_high_byte(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return true;
    return false;
}

/* Characters of the document are UTF-8 here whatever its encoding was; escaped bytes
 * are in its encoding. smsbox takes both for the latter. */
static void set_text(struct document *d, struct span text)
{
    const bool characters = has_high_byte(text);

    if (d->binary)
        (void)sendsms_unhex(&text);
    else
        (void)sendsms_unescape(&text);
    d->r->text = text;
    d->r->charset = span_str("UTF-8");
    if (!characters && d->encoding.n > 0 && has_high_byte(text))
        d->r->charset = d->encoding;
}

static void set_fields(struct document *d)
{
    struct sendsms_request *const r = d->r;

    for (size_t i = 0; i < sendsms_field_count; i++) {
        const struct sendsms_field *const f = &sendsms_fields[i];
        const struct span value = d->found[i].p != NULL ? d->found[i] : d->or_found[i];

        if (value.p == NULL)
            continue;
        if (f->at == offsetof(struct sendsms_request, text))
            set_text(d, value);
        else if (f->kind == SENDSMS_INT)
            *sendsms_int_at(r, f) = take_number(value);
        else
            sendsms_set(r, f, value);
    }
    if (r->udh.p != NULL && !sendsms_unhex(&r->udh))
        (void)sendsms_unescape(&r->udh);
}

static bool parse(struct document *d, struct span body)
{
    XML_SetUserData(d->parser, d);
    XML_SetElementHandler(d->parser, on_start, on_end);
    XML_SetCharacterDataHandler(d->parser, on_text);
    XML_SetCdataSectionHandler(d->parser, on_cdata, on_cdata_end);
    XML_SetXmlDeclHandler(d->parser, on_declaration);
    XML_SetEntityDeclHandler(d->parser, on_entity);
    XML_SetUnknownEncodingHandler(d->parser, on_encoding, d);
    return XML_Parse(d->parser, body.p, (int)body.n, 1) == XML_STATUS_OK;
}

int sendsms_take_xml(struct sendsms_request *r, struct span body)
{
    struct document d = { .r = r };
    bool read;

    /* A byte becomes three at most. */
    if (body.n > INT32_MAX / 4 || sendsms_reserve(r, 3 * body.n + 16) != 0)
        return -1;
    d.parser = XML_ParserCreate(NULL);
    if (d.parser == NULL)
        return -1;
    read = parse(&d, body);
    if (!read && XML_GetErrorCode(d.parser) == XML_ERROR_NO_MEMORY)
        d.memory = true;
    XML_ParserFree(d.parser);
    if (read && buf_ok(&r->store))
        set_fields(&d);
    else
        sendsms_request_clear(r);
    r->body_form = true;
    return d.memory ? -1 : 0;
}
