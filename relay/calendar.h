/* SPDX-License-Identifier: ISC */
/* calendar.h - the appointment in a text/calendar part.
 *
 * A sender controls every byte. The text is taken apart here, in one pass; libical gets
 * only dates, rules and zones that were checked before, never the calendar itself. */
#ifndef RELAY_CALENDAR_H
#define RELAY_CALENDAR_H

#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_BYTES_MAX (256U << 10)
#define CALENDAR_UID_MAX 255U /* as RFC 7986 5.3 asks of those who make them */
#define CALENDAR_LINE_MAX 400U
#define CALENDAR_TEXT_MAX 4000U
#define CALENDAR_ADDRESS_MAX 254U
#define CALENDAR_ZONE_MAX 63U

struct calendar_event {
    const char *method;             /* static: "REQUEST", "PUBLISH" or "CANCEL" */
    char uid[CALENDAR_UID_MAX + 1]; /* "": none, or none that could be repeated */
    uint32_t sequence;
    char summary[CALENDAR_LINE_MAX + 1]; /* UTF-8, one line */
    char location[CALENDAR_LINE_MAX + 1];
    char description[CALENDAR_TEXT_MAX + 1]; /* UTF-8, LF lines */
    char organizer[CALENDAR_ADDRESS_MAX + 1];
    int64_t start_s, end_s; /* UNIX seconds, 1970 to 2199; end 0: not known */
    bool all_day;           /* start and end are midnights of UTC */
    bool floating;          /* no zone is known: what UTC would show is meant */
    char zone[CALENDAR_ZONE_MAX + 1]; /* of the IANA database, or "" */
};

/* calendar_start - once, before the sandbox: reads every zone (150 ms, 17 MB). Without
 * it a zone is read when it is used, and when that is impossible it is UTC. */
void calendar_start(void);

/* calendar_read - the first VEVENT of the first calendar that has one. METHOD REQUEST,
 * PUBLISH, CANCEL, or none, which counts as PUBLISH; a cancelled event is CANCEL.
 *   charset  what the part says, or NULL; ASCII-compatible
 *   now_s    of a series the first occurrence that is not over then, if there is one
 * False: no appointment in it, or one that cannot be understood, or beyond the bounds
 * above. Does not block. Source: RFC 5545, RFC 5546 3.2. */
bool calendar_read(struct calendar_event *out, struct span ics, const char *charset,
                   int64_t now_s);

#endif
