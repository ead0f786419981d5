/* SPDX-License-Identifier: ISC */
/* sendsms_form.h - what the readers of the forms share: the names of the fields in
 * each, and how they get into a request. */
#ifndef PLUGIN_SENDSMS_FORM_H
#define PLUGIN_SENDSMS_FORM_H

#include "plugin/sendsms_request.h"

#define SENDSMS_MISFORMED (-2)
#define SENDSMS_FIELDS_MAX 32U

enum sendsms_kind {
    SENDSMS_SPAN,
    SENDSMS_INT,
    SENDSMS_YESNO,
    SENDSMS_SECONDS, /* ours, so it must be a number */
};

struct sendsms_field {
    enum sendsms_kind kind;
    size_t at;           /* in struct sendsms_request */
    const char *name;    /* in a query and a form, and in JSON */
    const char *or_name; /* NULL, or what is looked for when that is absent */
    const char *header;  /* NULL: not in headers; else without "X-Kannel-" */
    const char *xml;     /* NULL: not in XML; else below /message/submit/ */
    const char *or_xml;
};

extern const struct sendsms_field sendsms_fields[];
extern const size_t sendsms_field_count;

struct span *sendsms_span_at(struct sendsms_request *r, const struct sendsms_field *f);
int32_t *sendsms_int_at(struct sendsms_request *r, const struct sendsms_field *f);
/* sendsms_set - the value as text. A number that begins with none leaves the field as
 * it is. */
void sendsms_set(struct sendsms_request *r, const struct sendsms_field *f,
                 struct span value);

void sendsms_request_init(struct sendsms_request *r);
/* sendsms_reserve - the store will hold up to max bytes, and what it holds will not
 * move until then: spans may point into it. -1: out of memory. */
int sendsms_reserve(struct sendsms_request *r, size_t max);
/* sendsms_keep - a copy in the store; p == NULL: no room. */
struct span sendsms_keep(struct sendsms_request *r, struct span s);
/* sendsms_begin_receivers - some are named, though there may turn out to be none. */
int sendsms_begin_receivers(struct sendsms_request *r);
/* sendsms_add_receiver - -1: out of memory. Too many are remembered as such. */
int sendsms_add_receiver(struct sendsms_request *r, struct span number);
/* sendsms_split_to - the words of r->to. */
int sendsms_split_to(struct sendsms_request *r);

bool sendsms_is_blank(char ch); /* isspace in the C locale */
struct span sendsms_strip(struct span s);
/* sendsms_unhex - in place, as smsbox: a last odd digit is dropped. false: not hex, and
 * nothing was changed. */
bool sendsms_unhex(struct span *s);
/* sendsms_unescape - in place; false: something was no escape. */
bool sendsms_unescape(struct span *s);

/* sendsms_refuse - returns -1. */
int sendsms_refuse(struct sendsms_refusal *why, int status, const char *body);
int sendsms_refuse_later(struct sendsms_refusal *why); /* out of memory */

/* sendsms_take_xml - as get_x_kannel_from_xml of smsbox. -1: out of memory. */
int sendsms_take_xml(struct sendsms_request *r, struct span body);

/* sendsms_charset_map - the characters of a charset of single bytes, -1 where there is
 * none. false: no such charset. */
bool sendsms_charset_map(const char *name, int map_out[256]);

#endif
