/* SPDX-License-Identifier: ISC */
/* sendsms.h - what the files of this door share: one request on its way to its answer.
 *
 * sendsms.c          the door: routes, who asks, what smsbox would say
 * sendsms_request.c  the request's forms and fields
 * sendsms_submit.c   its receivers, one by one, through the core
 * sendsms_answer.c   the answer's words */
#ifndef PLUGIN_SENDSMS_H
#define PLUGIN_SENDSMS_H

#include "plugin/sendsms_request.h"
#include "relay/http.h"
#include "relay/relay.h"

struct sendsms_job;

struct sendsms_receiver {
    struct sendsms_job *job;
    struct span raw; /* as the application wrote it */
    char msisdn[MSISDN_ROOM];
    bool denied;   /* no number, or by a list of the account */
    bool again;    /* offered a second time, since the day changed meanwhile */
    size_t piece;  /* of a text without concatenation */
    uint64_t call; /* under way; 0: none */
    enum ipc_verdict verdict;
    uint8_t id[16]; /* of the message or SMS that is kept */
};

struct sendsms_job {
    struct relay *r;
    struct http_request *http;
    bool json; /* POST /api/v1/messages: answers are JSON and problems */
    struct sendsms_request request;
    const struct config_account *account;
    uint64_t auth_call;

    bool secure;
    const char *sender;  /* whose conversation it is */
    struct sms sms;      /* what goes out, or only where a notice is from */
    struct buf text;     /* secret: of the message in UTF-8, of the SMS as sent */
    struct span *pieces; /* of the SMS's text: one, or several without concatenation */
    size_t piece_count;
    struct mime_mail *mail; /* of a message */
    struct report_ask report;
    uint64_t expires_s; /* 0: after the retention time */

    struct sendsms_receiver *receivers;
    size_t count, next, outstanding;
    bool submitting;
    unsigned messages; /* SMS that the text takes */
};

/* sendsms_submit - starts with the job's receivers; ends with sendsms_answer, now or
 * later. */
void sendsms_submit(struct sendsms_job *job);
/* sendsms_cancel - the client has gone. */
void sendsms_cancel(struct sendsms_job *job);

/* Each of them ends the job. */
void sendsms_answer(struct sendsms_job *job);
void sendsms_end(struct sendsms_job *job, int status, const char *text);
void sendsms_job_free(struct sendsms_job *job);

#endif
