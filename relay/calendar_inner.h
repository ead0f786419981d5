/* SPDX-License-Identifier: ISC */
/* calendar_inner.h - what the calendar files tell each other; for everybody else:
 * calendar.h. */
#ifndef RELAY_CALENDAR_INNER_H
#define RELAY_CALENDAR_INNER_H

#include "relay/calendar.h"
#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

#define ICS_DATES_MAX 64U
#define ICS_ZONES_MAX 32U
#define ICS_DEPTH_MAX 8U

struct ics_line { /* NAME;PARAMS:VALUE, unfolded, still escaped; borrowed */
    struct span name, params, value;
};

enum ics_field {
    ICS_UID,
    ICS_SEQUENCE,
    ICS_STATUS,
    ICS_SUMMARY,
    ICS_LOCATION,
    ICS_DESCRIPTION,
    ICS_ORGANIZER,
    ICS_DTSTART,
    ICS_DTEND,
    ICS_DURATION,
    ICS_RRULE,
    ICS_FIELDS
};

struct ics_dates { /* lines beyond the last that fits are left out */
    struct ics_line lines[ICS_DATES_MAX];
    size_t count;
};

struct ics {
    struct buf text; /* owned: ics_clear */
    struct span method;
    struct ics_line fields[ICS_FIELDS]; /* of the event; name.n == 0: not there */
    struct ics_dates rdates, exdates;
    struct span zones[ICS_ZONES_MAX]; /* what stands inside each VTIMEZONE */
    size_t zone_count;
};

/* ics_read - the first VCALENDAR with a whole VEVENT, and that event; of a property
 * that comes twice the first. False, and nothing to clear: there is none, components do
 * not nest, deeper than ICS_DEPTH_MAX, longer than CALENDAR_BYTES_MAX. One pass. */
bool ics_read(struct ics *out, struct span raw);
void ics_clear(struct ics *ics); /* wipes */

/* ics_take_line - the next line of unfolded text; what is no property is skipped. */
bool ics_take_line(struct cur *c, struct ics_line *out);

/* ics_param - its value without quotes; n == 0: not there. */
struct span ics_param(const struct ics_line *line, const char *name);

/* Checked before libical sees them (calendar_check.c, calendar_rule.c). */
struct ics_time {
    int year, month, day, hour, minute, second; /* 1600 to 2199, a day that exists */
    bool is_date, is_utc;
};

/* ics_time_of - "20260701", "20260701T093000" or the same with "Z", and nothing else.
 */
bool ics_time_of(struct span s, struct ics_time *out);

/* ics_duration_of - "PT30M", "P1DT2H", "P2W" in seconds; false: not one, or negative.
 */
bool ics_duration_of(struct span s, int64_t *seconds_out);

/* ics_rule_is_tame - an RRULE that begins at start, of days, weeks, months or years
 * (of_zone: years alone), whose next time comes within reach: it costs libical
 * microseconds. */
bool ics_rule_is_tame(struct span rule, const struct ics_time *start, bool of_zone);

/* ics_take_until - what stands before mark, which is taken too, or before the end. */
struct span ics_take_until(struct cur *c, char mark);

/* ics_zone_write - a VTIMEZONE "TZID:custom" with nothing in it but what was checked.
 * False: its inside is none that can be understood. */
bool ics_zone_write(struct span inside, struct buf *out);

/* ics_when - start, end, all_day, floating and zone of the event (calendar_time.c). */
bool ics_when(const struct ics *ics, int64_t now_s, struct calendar_event *out);

#endif
