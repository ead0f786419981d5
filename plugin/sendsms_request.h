/* SPDX-License-Identifier: ISC */
/* sendsms_request.h - what an application asks for, in any of the forms that it may
 * use: Kannel's (a query, X-Kannel- headers, XML) and ours (a form, JSON).
 *
 * Taking a request judges nothing but its form, for smsbox asks who it is before it
 * looks at anything else. The door then calls, in this order, which is smsbox's: who is
 * it; sendsms_check_receivers; sendsms_check_udh; its own lists of numbers and the
 * sender; sendsms_check_fields; sendsms_msgdata or sendsms_text. The words of a refusal
 * are smsbox's, byte for byte. Pure: no socket, no clock, no file. */
#ifndef PLUGIN_SENDSMS_REQUEST_H
#define PLUGIN_SENDSMS_REQUEST_H

#include "relay/http.h"
#include "relay/relay.h"

#define SENDSMS_UNSET (-1) /* as SMS_UNSET: not given, or given as "-1" */
#define SENDSMS_RECEIVERS_MAX 1000U
#define SENDSMS_TO_MAX 100000U /* bytes of all receivers together */
#define SENDSMS_SUBJECT_MAX 1000U
#define SENDSMS_REFERENCE_MAX 255U

struct sendsms_refusal {
    int status;
    char body[96]; /* as smsbox words it; no quotes and backslashes in it */
};

struct sendsms_request {
    /* p == NULL: absent; binary safe, so each may hold a NUL. They borrow from the
     * pairs, the headers and the body that were given to the taker, or from store. */
    struct span username, password;
    struct span from, to, text, charset, udh, smsc, dlr_url, account, binfo, meta_data;
    int32_t mclass, mwi, coding, compress, pid, alt_dcs, rpi, priority;
    int32_t validity, deferred; /* minutes from now */
    int32_t dlr_mask;
    /* Sealpost's own */
    struct span subject, reference;
    int32_t secure;   /* 0 no, 1 yes; below SENDSMS_UNSET: misformed */
    int32_t expire_s; /* seconds from now; below SENDSMS_UNSET: misformed */

    /* The words of to, or the numbers of XML: neither looked at nor made single; an
     * XML number may be empty or hold blanks. Where nothing is refused there may still
     * be none: smsbox says then that all have been denied. */
    struct span *receivers; /* owned; NULL: none were named */
    size_t receiver_count;
    bool too_many_receivers;
    bool body_form; /* smsbox words a missing receiver otherwise than in a query */
    bool unsupported_type;  /* it knows text/html, and refuses it late */
    int32_t default_coding; /* what smsbox takes for a coding that is not set: 0 or 1 */
    struct buf store;       /* owned */
    struct http_pairs form; /* owned */
};

/* The takers fill *r anew, the caller clears it whatever they return. -1: the answer is
 * *why. */
/* sendsms_take_query - GET; names and values as http_query_pairs has them. The first of
 * two values counts. */
int sendsms_take_query(struct sendsms_request *r, const struct http_pair *pairs,
                       size_t count, struct sendsms_refusal *why);
/* sendsms_take_post - POST to the same path: text/plain and application/octet-stream
 * with X-Kannel- and X-Sealpost- headers (the last of two counts), text/xml, and
 * application/x-www-form-urlencoded with the names of the query. Without Content-Type
 * it is application/octet-stream. text/html gets its 415 from sendsms_check_receivers,
 * as smsbox has it. XML that cannot be read, that declares entities or is nested deeper
 * than SENDSMS_XML_DEPTH_MAX is a request that names nobody, as with smsbox. */
#define SENDSMS_XML_DEPTH_MAX 16U
int sendsms_take_post(struct sendsms_request *r, const struct http_pair *headers,
                      size_t count, struct span body, struct sendsms_refusal *why);
/* sendsms_take_json - POST /api/v1/messages: an object with "to" (a string, or an array
 * of them), "text", "from", "subject", "secure" (true, false), "expire" (seconds),
 * "reference", "report" { "url", "mask" }, "udh" (hex), and the names of the query for
 * the rest, integers for numbers; null is absent, other members are ignored. Who asks
 * is not in it. */
int sendsms_take_json(struct sendsms_request *r, struct span body,
                      struct sendsms_refusal *why);
void sendsms_request_clear(struct sendsms_request *r); /* wipes */

/* The checks: 0, or -1 with *why. */
int sendsms_check_receivers(const struct sendsms_request *r,
                            struct sendsms_refusal *why);
int sendsms_check_udh(const struct sendsms_request *r, struct sendsms_refusal *why);
/* sendsms_check_fields - account, DLR-URL (its beginning only), the numbers' ranges in
 * smsbox's order, and what smsbox does not bound but struct sms does. */
int sendsms_check_fields(const struct sendsms_request *r, struct sendsms_refusal *why);

/* sendsms_text_start - before the first text and before the process loses sight of the
 * file system: opens what converts charsets. Called by the door's start; a test may do
 * without. */
void sendsms_text_start(void);
/* sendsms_msgdata - the text of a plain SMS, appended to out, and its coding: 0 UTF-8,
 * 1 bytes, 2 UTF-16BE, SMS_UNSET UTF-8 that is not all GSM 7 where nothing was asked
 * for. What is no character in the charset is "?", and so are control characters of
 * coding 0 other than line ends; a tab is a blank. -1: *why (no such charset, UTF-16
 * cut in half, too long for out). */
int sendsms_msgdata(const struct sendsms_request *r, int32_t *coding_out,
                    struct buf *out, struct sendsms_refusal *why);
/* sendsms_text - the text of a sealed message, always UTF-8. -1: *why, for an SMS with
 * UDH or coding 1 as well: nobody could read it. */
int sendsms_text(const struct sendsms_request *r, struct buf *out,
                 struct sendsms_refusal *why);

/* sendsms_count - how many SMS a text takes as sendsms_msgdata gave it, concatenated.
 * An empty text is one. 0: the UDH leaves no room for a character in each. */
unsigned sendsms_count(int32_t coding, struct span text, size_t udh_bytes);
/* sendsms_piece - the bytes of text that fit into one SMS of its own, never ending
 * inside a character; 0 for an empty text, and where the UDH leaves no room. For
 * accounts without concatenation: take a piece, send it, go on behind it. */
size_t sendsms_piece(int32_t coding, struct span text, size_t udh_bytes);

#endif
