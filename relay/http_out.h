/* SPDX-License-Identifier: ISC */
/* http_out.h - HTTP requests of courier's doors, on the loop.
 *
 * One struct http_out is one door's: its limits, its connections, its outcomes. A
 * request is made, given its headers, and sent; then it is the door's outcome of that
 * job (relay_job_done), exactly once. Only the process's loop calls here. */
#ifndef RELAY_HTTP_OUT_H
#define RELAY_HTTP_OUT_H

#include "relay/relay.h"

struct http_out;
struct http_out_request;

struct http_out_door {
    const char *failed; /* the event that is logged when a request was not taken */
    /* outcome_of - what a final status (200 and above) means for the job. */
    enum job_outcome (*outcome_of)(long status);
    size_t host_max;     /* requests at once to one scheme, host and port */
    const char *ca_file; /* who signs the certificates, PEM; NULL: the system's */
    bool https_only;
};

/* http_out_new - lives as long as the process. NULL with *e: no memory. */
struct http_out *http_out_new(struct relay *r, const struct http_out_door *door,
                              struct err *e);

/* http_out_full - has it no room for a request of so many bytes? Why not, or NULL. */
const char *http_out_full(const struct http_out *o, size_t bytes);

/* http_out_request_new - url was checked (url_rules_check), rules are asked again of
 * every address, and what they point to lives as long as the process; body of no bytes:
 * GET, else POST; all else is copied. NULL: no memory. */
struct http_out_request *http_out_request_new(struct http_out *o, const uint8_t job[16],
                                              const struct url_rules *rules,
                                              struct span url, struct span body);
/* http_out_url - as libcurl will ask for it: the other side sees that one. */
const char *http_out_url(const struct http_out_request *t);
/* http_out_header - one more line "Name: value". false: no memory. */
bool http_out_header(struct http_out_request *t, const char *line);
void http_out_send(struct http_out_request *t);
/* http_out_forget - instead of sending it. */
void http_out_forget(struct http_out_request *t);

/* http_out_drain - what waits goes back; what is under way ends. http_out_busy - how
 * much there is. */
void http_out_drain(struct http_out *o);
size_t http_out_busy(const struct http_out *o);

#endif
