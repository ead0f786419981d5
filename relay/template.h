/* SPDX-License-Identifier: ISC */
/* template.h - the words that people read: templates/sms/LANG/NAME.txt,
 * mail/LANG/NAME.txt.
 *
 * Loaded and checked once at start, before the fork: no file is opened afterwards. A
 * placeholder is {{name}}; a name that the template's kind does not know, a "{{"
 * without end, a missing "en", a text that is not UTF-8: refused at start with file and
 * line. Another language may lack a template: "en" is used. */
#ifndef RELAY_TEMPLATE_H
#define RELAY_TEMPLATE_H

#include "relay/err.h"
#include "relay/span.h"

enum template_id {
    TEMPLATE_SMS_NOTICE, /* {{brand}} {{link}} */
    TEMPLATE_SMS_OTP,    /* {{otp}} {{host}}; its last line is "@{{host}} #{{otp}}" */
    TEMPLATE_SMS_DEVICE_ADDED, /* {{host}} */
    TEMPLATE_SMS_STOPPED,      /* answer to STOP: {{brand}} */
    TEMPLATE_SMS_STARTED,      /* answer to START: {{brand}} */
    TEMPLATE_SMS_HELP,         /* answer to HELP: {{brand}} {{host}} */
    TEMPLATE_SMS_WRONG,        /* answer to WRONG: {{brand}} */
    TEMPLATE_SMS_REMOVED,      /* another answer to WRONG: {{host}} */
    TEMPLATE_SMS_CONFIRM,  /* a device was registered by an SMS from here: {{host}} */
    TEMPLATE_MAIL_REPLY,   /* {{text}} {{number}} */
    TEMPLATE_MAIL_EXPIRED, /* {{number}} {{date}} */
    TEMPLATE_MAIL_UNDELIVERABLE, /* {{number}} {{date}} */
    TEMPLATE_MAIL_WRONG_NUMBER,  /* {{number}} {{date}} */
    TEMPLATE_COUNT
};

struct templates;

struct template_value {
    const char *name;
    struct span value;
};

/* templates_load - NULL with *e ("FILE:LINE: ..."). */
struct templates *templates_load(const char *dir, struct err *e);
void templates_free(struct templates *t);
/* template_render - appends to out; language "de-AT" falls back to "de", then "en". A
 * value that a template names and the caller did not give is ERR_BUG. SMS texts end
 * without a newline. */
int template_render(const struct templates *t, enum template_id id,
                    const char *language, const struct template_value *values,
                    size_t count, struct buf *out, struct err *e);

/* sms_fits_gsm7 - does every character have a place in GSM 03.38 (with its extension
 * table)? septets_out: how many it takes. false: UCS-2, and units_out counts UTF-16
 * units. */
bool sms_fits_gsm7(struct span utf8, size_t *units_out);
/* sms_parts - how many SMS the text takes: 160/153 septets or 70/67 UTF-16 units. */
unsigned sms_parts(struct span utf8);

#endif
