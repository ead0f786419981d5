/* SPDX-License-Identifier: ISC */
/* calendar_time.c - when an event is: zones, and the next of a series, by libical.
 * Here:       the only place that includes <libical/ical.h>.
 * Elsewhere:  what libical may see (calendar_check.c), the other members (calendar.c).
 * Called by:  calendar.c, sealpostd.c.
 * Source:     RFC 5545 3.3.10, 3.8.2, 3.8.5. */
#include "relay/calendar_inner.h"
#include <libical/ical.h>
#include <strings.h>

#define DAY_S 86400
#define YEAR_MIN 1970
#define ZONE_BYTES_MAX (64U << 10)
#define STEPS_MAX 4000U /* eleven years, daily */
#define DATES_MAX 512U
#define AHEAD_S \
    (10 * 366 * (int64_t)DAY_S) /* a 29th of February comes within 8 years */

struct zone {
    icaltimezone *ical; /* NULL: UTC, or floating */
    bool floating;
    bool owned;
    char name[CALENDAR_ZONE_MAX + 1];
};

void calendar_start(void)
{
    icalarray *const zones = icaltimezone_get_builtin_timezones();

    icalerror_set_errors_are_fatal(0);
    for (size_t i = 0; i < zones->num_elements; i++)
        (void)icaltimezone_get_component(icalarray_element_at(zones, i));
}

/* -- zones */

/* libical's own search would open any file of that name. */
static icaltimezone *known_zone(struct span name)
{
    icalarray *const zones = icaltimezone_get_builtin_timezones();

    for (size_t i = 0; i < zones->num_elements; i++) {
        icaltimezone *const zone = icalarray_element_at(zones, i);
        const char *const location = icaltimezone_get_location(zone);

        if (location != NULL && span_ieq_str(name, location))
            return zone;
    }
    return NULL;
}

static bool is_utc_name(struct span name)
{
    static const char *const names[] = { "UTC", "GMT",  "Z",      "Etc/UTC",
                                         "UCT", "Zulu", "Etc/GMT" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_ieq_str(name, names[i]))
            return true;
    return false;
}

/* The hour that is shown is the hour that the sender wrote: where its zone's name is
 * one of the IANA database, that database counts, not the sender's copy of it. */
static bool use_name(struct zone *z, struct span name)
{
    z->ical = known_zone(name);
    if (z->ical != NULL)
        (void)span_copy(z->name, sizeof z->name,
                        span_str(icaltimezone_get_location(z->ical)));
    return z->ical != NULL || is_utc_name(name);
}

/* "/example.org/20260101_1/Europe/Berlin": names that are unique in the whole world. */
static bool use_long_name(struct zone *z, struct span name)
{
    bool used = false;

    if (name.n == 0 || name.p[0] != '/')
        return false;
    for (size_t i = 0; i < name.n && !used; i++)
        if (name.p[i] == '/')
            used = use_name(z, span_of(name.p + i + 1, name.n - i - 1));
    return used;
}

static bool use_custom(struct zone *z, struct span inside)
{
    icalcomponent *component = NULL;
    struct buf text;

    buf_init(&text, ZONE_BYTES_MAX);
    if (ics_zone_write(inside, &text))
        component = icalparser_parse_string(buf_cstr(&text));
    buf_clear(&text);
    if (component == NULL)
        return false;
    z->ical = icaltimezone_new();
    if (z->ical != NULL && icaltimezone_set_component(z->ical, component) == 1) {
        z->owned = true; /* the component as well */
        return true;
    }
    icalcomponent_free(component);
    if (z->ical != NULL)
        icaltimezone_free(z->ical, 1);
    z->ical = NULL;
    return false;
}

/* The VTIMEZONE of that name, by the name that it says to be in the IANA database. */
static bool use_described(struct zone *z, const struct ics *ics, struct span name)
{
    for (size_t i = 0; i < ics->zone_count; i++) {
        struct cur c = cur_of(ics->zones[i]);
        struct span tzid = span_of("", 0), location = span_of("", 0);
        struct ics_line line;

        while (ics_take_line(&c, &line) && !span_ieq_str(line.name, "BEGIN")) {
            if (span_ieq_str(line.name, "TZID"))
                tzid = line.value;
            else if (span_ieq_str(line.name, "X-LIC-LOCATION"))
                location = line.value;
        }
        if (span_eq(tzid, name))
            return (location.n > 0 && use_name(z, location)) ||
                   use_custom(z, ics->zones[i]);
    }
    return false;
}

/* Of a zone that nobody describes the hour as written is all that is known. */
static struct zone zone_open(const struct ics *ics, const struct ics_line *line,
                             const struct ics_time *t)
{
    const struct span name = ics_param(line, "TZID");
    struct zone z = { .floating = false };

    if (t->is_date || t->is_utc)
        return z;
    z.floating = name.n == 0 || (!use_name(&z, name) && !use_long_name(&z, name) &&
                                 !use_described(&z, ics, name));
    return z;
}

static void zone_close(struct zone *z)
{
    if (z->owned)
        icaltimezone_free(z->ical, 1);
}

/* -- times */

static icaltimetype ical_of(const struct ics_time *t)
{
    icaltimetype i = icaltime_null_time();

    i.year = t->year, i.month = t->month, i.day = t->day;
    i.hour = t->hour, i.minute = t->minute, i.second = t->second;
    i.is_date = t->is_date;
    return i;
}

static const struct zone utc = { .ical = NULL };

static int64_t seconds_of(icaltimetype t, const struct zone *z)
{
    return icaltime_as_timet_with_zone(t, z->ical);
}

/* A line with one time, in its own zone. */
static bool line_seconds(const struct ics *ics, const struct ics_line *line,
                         bool want_date, int64_t *out)
{
    struct ics_time t;
    struct zone z;

    if (line->name.n == 0 || !ics_time_of(line->value, &t) || t.is_date != want_date)
        return false;
    z = zone_open(ics, line, &t);
    *out = seconds_of(ical_of(&t), &z);
    zone_close(&z);
    return true;
}

/* 0: not known. */
static int64_t length_of(const struct ics *ics, bool all_day, int64_t start)
{
    const struct ics_line *const duration = &ics->fields[ICS_DURATION];
    int64_t end, seconds;

    if (line_seconds(ics, &ics->fields[ICS_DTEND], all_day, &end) && end > start)
        return end - start;
    if (duration->name.n > 0 && ics_duration_of(duration->value, &seconds) &&
        seconds > 0)
        return seconds;
    return all_day ? DAY_S : 0;
}

/* -- series */

struct dates {
    int64_t at[DATES_MAX];
    size_t count;
};

/* Of a period only its start is asked for. */
static void read_dates(const struct ics_dates *from, const struct zone *z,
                       struct dates *out)
{
    out->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        struct cur c = cur_of(from->lines[i].value);

        while (!cur_done(&c) && out->count < DATES_MAX) {
            struct cur one = cur_of(ics_take_until(&c, ','));
            struct ics_time t;

            if (ics_time_of(ics_take_until(&one, '/'), &t))
                out->at[out->count++] = seconds_of(ical_of(&t), t.is_utc ? &utc : z);
        }
    }
}

static bool holds(const struct dates *dates, int64_t at)
{
    for (size_t i = 0; i < dates->count; i++)
        if (dates->at[i] == at)
            return true;
    return false;
}

struct series {
    const struct zone *zone;
    int64_t from; /* the first that begins then or later is searched */
    struct dates added, left_out;
};

/* The rule counts in the event's own hours, libical without zones: UNTIL as well. With
 * no UNTIL libical looks for days that never come up to the year 2582. */
static void set_until(struct icalrecurrencetype *rule, const struct series *s,
                      icaltimetype start)
{
    const int64_t begin = seconds_of(start, &utc);
    const int64_t last = (begin > s->from ? begin : s->from) + AHEAD_S;
    icaltimetype *const until = &rule->until;

    if (icaltime_is_utc(*until) && s->zone->ical != NULL)
        *until = icaltime_convert_to_zone(*until, s->zone->ical);
    until->zone = NULL;
    if (until->is_date && !icaltime_is_null_time(*until)) { /* that whole day */
        until->is_date = 0;
        until->hour = 23, until->minute = until->second = 59;
    }
    if (icaltime_is_null_time(*until) || seconds_of(*until, &utc) > last)
        *until = icaltime_from_timet_with_zone(last, 0, NULL);
}

static icalrecur_iterator *rule_open(const struct series *s, struct span value,
                                     const struct ics_time *start)
{
    struct icalrecurrencetype rule;
    struct buf text;

    if (!ics_rule_is_tame(value, start, false))
        return NULL;
    buf_init(&text, value.n + 1);
    buf_put_span(&text, value);
    rule = icalrecurrencetype_from_string(buf_cstr(&text));
    buf_clear(&text);
    set_until(&rule, s, ical_of(start));
    return icalrecur_iterator_new(rule, ical_of(start));
}

/* INT64_MAX: none, or not within as many steps as a mail may cost. */
static int64_t next_by_rule(const struct series *s, struct span rule,
                            const struct ics_time *start)
{
    icalrecur_iterator *const it = rule_open(s, rule, start);
    int64_t found = INT64_MAX;

    for (size_t i = 0; it != NULL && i < STEPS_MAX && found == INT64_MAX; i++) {
        const icaltimetype t = icalrecur_iterator_next(it);
        int64_t at;

        if (icaltime_is_null_time(t))
            break;
        if (seconds_of(t, &utc) + 2 * DAY_S < s->from)
            continue; /* in every zone; most of a long series is over */
        at = seconds_of(t, s->zone);
        if (at >= s->from && !holds(&s->left_out, at))
            found = at;
    }
    if (it != NULL)
        icalrecur_iterator_free(it);
    return found;
}

static int64_t next_of(const struct ics *ics, const struct zone *z,
                       const struct ics_time *start, int64_t at, int64_t from)
{
    struct series s = { .zone = z, .from = from };
    const struct ics_line *const rule = &ics->fields[ICS_RRULE];
    int64_t next = INT64_MAX;

    read_dates(&ics->rdates, z, &s.added);
    read_dates(&ics->exdates, z, &s.left_out);
    if (at >= from && !holds(&s.left_out, at))
        next = at;
    else if (rule->name.n > 0)
        next = next_by_rule(&s, rule->value, start);
    for (size_t i = 0; i < s.added.count; i++)
        if (s.added.at[i] >= from && s.added.at[i] < next &&
            !holds(&s.left_out, s.added.at[i]))
            next = s.added.at[i];
    return next == INT64_MAX ? at : next;
}

bool ics_when(const struct ics *ics, int64_t now_s, struct calendar_event *out)
{
    const struct ics_line *const line = &ics->fields[ICS_DTSTART];
    int64_t at, length;
    struct ics_time t;
    struct zone z;

    if (line->name.n == 0 || !ics_time_of(line->value, &t) || t.year < YEAR_MIN)
        return false;
    z = zone_open(ics, line, &t);
    at = seconds_of(ical_of(&t), &z);
    length = length_of(ics, t.is_date, at);
    out->all_day = t.is_date;
    out->floating = z.floating;
    memcpy(out->zone, z.name, sizeof out->zone);
    out->start_s = next_of(ics, &z, &t, at, now_s - (length > 0 ? length - 1 : 0));
    out->end_s = length > 0 ? out->start_s + length : 0;
    zone_close(&z);
    return out->start_s >= 0;
}
