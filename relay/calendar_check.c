/* SPDX-License-Identifier: ISC */
/* calendar_check.c - times and zones of a calendar, checked.
 * Here:       what libical may see, and nothing beside it.
 * Elsewhere:  the lines (calendar_lines.c), rules (calendar_rule.c), what libical makes
 *             of it (calendar_time.c).
 * Called by:  calendar_time.c.
 * Source:     RFC 5545 3.3.4-3.3.6, 3.6.5.
 * libical reads times by sscanf, signs and blanks included. */
#include "relay/calendar_inner.h"
#include <stdio.h>

#define OBSERVANCES_MAX 64U
#define RULES_MAX 16U
#define ZONE_DATES_MAX 256U
#define DURATION_DIGITS 7U

/* Exactly digits digits. */
static bool take_number(struct cur *c, size_t digits, int *out)
{
    int value = 0;

    if (cur_left(c) < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(c->p[i]))
            return false;
        value = 10 * value + (c->p[i] - '0');
    }
    c->p += digits;
    *out = value;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

bool ics_time_of(struct span s, struct ics_time *out)
{
    struct cur c = cur_of(s);

    *out = (struct ics_time){ .is_date = true };
    if (!take_number(&c, 4, &out->year) || !take_number(&c, 2, &out->month) ||
        !take_number(&c, 2, &out->day) || out->year < 1600 || out->year > 2199 ||
        out->month < 1 || out->month > 12 || out->day < 1 ||
        out->day > days_in(out->year, out->month))
        return false;
    if (cur_done(&c))
        return true;
    out->is_date = false;
    if (!cur_byte(&c, 'T') || !take_number(&c, 2, &out->hour) ||
        !take_number(&c, 2, &out->minute) || !take_number(&c, 2, &out->second) ||
        out->hour > 23 || out->minute > 59 || out->second > 60)
        return false;
    out->second -= out->second == 60; /* a leap second */
    out->is_utc = cur_byte(&c, 'Z');
    return cur_done(&c);
}

/* Its digits, and the letter behind them. */
static bool take_amount(struct cur *c, int64_t *value, char *unit)
{
    size_t digits = 0;

    *value = 0;
    while (!cur_done(c) && is_digit(*c->p) && digits++ < DURATION_DIGITS)
        *value = 10 * *value + (*c->p++ - '0');
    if (digits == 0 || digits > DURATION_DIGITS || cur_done(c))
        return false;
    *unit = *c->p++;
    return true;
}

bool ics_duration_of(struct span s, int64_t *seconds_out)
{
    struct cur c = cur_of(s);
    bool time = false;
    int64_t value;
    char unit;

    *seconds_out = 0;
    (void)cur_byte(&c, '+');
    if (!cur_byte(&c, 'P') || cur_done(&c))
        return false;
    while (!cur_done(&c)) {
        if (!time && cur_byte(&c, 'T'))
            time = true;
        if (!take_amount(&c, &value, &unit))
            return false;
        if (unit == (time ? 'H' : 'W'))
            *seconds_out += value * (time ? 3600 : 604800);
        else if (unit == (time ? 'M' : 'D'))
            *seconds_out += value * (time ? 60 : 86400);
        else if (time && unit == 'S')
            *seconds_out += value;
        else
            return false;
    }
    return true;
}

/* -- zones */

/* What a STANDARD or DAYLIGHT holds, as far as it has been read. */
struct observance {
    bool open, has_start, has_to;
    struct ics_time start;
    struct span rule;
    size_t count, rules, dates; /* of the whole zone */
};

/* "+1000", "-033000"; libical reads more than that. */
static bool is_offset(struct span s)
{
    struct cur c = cur_of(s);
    int hours, minutes, seconds = 0;

    return (cur_byte(&c, '+') || cur_byte(&c, '-')) && take_number(&c, 2, &hours) &&
           take_number(&c, 2, &minutes) &&
           (cur_done(&c) || take_number(&c, 2, &seconds)) && cur_done(&c) &&
           hours < 24 && minutes < 60 && seconds < 60;
}

static void put_line(struct buf *out, const char *name, struct span value)
{
    buf_put(out, name);
    buf_put_u8(out, ':');
    buf_put_span(out, value);
    buf_put_u8(out, '\n');
}

static bool put_dates(struct observance *o, struct span value, struct buf *out)
{
    struct cur c = cur_of(value);
    struct ics_time t;

    while (!cur_done(&c)) {
        const struct span one = ics_take_until(&c, ',');

        if (!ics_time_of(one, &t) || t.is_date || ++o->dates > ZONE_DATES_MAX)
            return false;
        put_line(out, "RDATE", one);
    }
    return true;
}

static bool put_member(struct observance *o, const struct ics_line *line,
                       struct buf *out)
{
    if (span_ieq_str(line->name, "RDATE"))
        return put_dates(o, line->value, out);
    if (span_ieq_str(line->name, "RRULE")) {
        o->rule = line->value;
        return true;
    }
    if (span_ieq_str(line->name, "DTSTART") && !o->has_start) {
        o->has_start = ics_time_of(line->value, &o->start) && !o->start.is_date &&
                       !o->start.is_utc;
        return o->has_start;
    }
    if (span_ieq_str(line->name, "TZOFFSETTO") && !o->has_to) {
        put_line(out, "TZOFFSETTO", line->value);
        o->has_to = is_offset(line->value);
        return o->has_to;
    }
    if (span_ieq_str(line->name, "TZOFFSETFROM")) {
        put_line(out, "TZOFFSETFROM", line->value);
        return is_offset(line->value);
    }
    return true;
}

/* Outlook's rules begin in 1601, and libical follows each of the years, in each mail:
 * those that last begin in 1970. */
static bool put_rule(struct observance *o, struct buf *out)
{
    const struct span rule = o->rule;
    struct ics_time t = o->start;

    if (rule.n > 0) {
        if (!ics_rule_is_tame(rule, &t, true) || ++o->rules > RULES_MAX)
            return false;
        put_line(out, "RRULE", rule);
        if (t.year < 1970 && memmem(rule.p, rule.n, "UNTIL", 5) == NULL &&
            memmem(rule.p, rule.n, "COUNT", 5) == NULL) {
            t.year = 1970;
            t.day -= t.day == 29 && t.month == 2;
        }
    }
    buf_printf(out, "DTSTART:%04d%02d%02dT%02d%02d%02d\n", t.year, t.month, t.day,
               t.hour, t.minute, t.second);
    return true;
}

static bool put_border(struct observance *o, const struct ics_line *line,
                       struct buf *out)
{
    const bool begins = span_ieq_str(line->name, "BEGIN");
    const bool known =
        span_ieq_str(line->value, "STANDARD") || span_ieq_str(line->value, "DAYLIGHT");

    if (!known || begins == o->open || (!begins && (!o->has_start || !o->has_to)))
        return false;
    if (!begins && !put_rule(o, out))
        return false;
    put_line(out, begins ? "BEGIN" : "END", line->value);
    o->open = begins;
    o->has_start = o->has_to = false;
    o->rule = span_of("", 0);
    o->count += begins;
    return o->count <= OBSERVANCES_MAX;
}

bool ics_zone_write(struct span inside, struct buf *out)
{
    struct cur c = cur_of(inside);
    struct observance o = { .open = false };
    struct ics_line line;
    bool good = true;

    buf_put(out, "BEGIN:VTIMEZONE\nTZID:custom\n");
    while (good && ics_take_line(&c, &line)) {
        if (span_ieq_str(line.name, "BEGIN") || span_ieq_str(line.name, "END"))
            good = put_border(&o, &line, out);
        else if (o.open)
            good = put_member(&o, &line, out);
    }
    buf_put(out, "END:VTIMEZONE\n");
    return good && o.count > 0 && buf_ok(out);
}
