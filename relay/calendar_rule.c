/* SPDX-License-Identifier: ISC */
/* calendar_rule.c - the recurrence rules that are followed.
 * Here:       which rules calendar programs write, and that their days exist.
 * Elsewhere:  following them (libical, by calendar_time.c).
 * Called by:  calendar_time.c for events, calendar_check.c for zones.
 * Source:     RFC 5545 3.3.10.
 *
 * Why: libical 3.0 looks for the first day of a rule that has none, like the 30th of
 * February, up to the year 20000, which takes a tenth of a second or a whole one, in
 * each of a zone's rules; rules of hours, minutes and seconds step by these. So each
 * kind of rule has the parts with which its days are sure to come, and no others. */
#include "relay/calendar_inner.h"
#include <stdlib.h>

#define RULE_BYTES_MAX 250U
#define LIST_MAX 31U
#define INTERVAL_MAX 999

enum freq { FREQ_NONE, FREQ_DAILY, FREQ_WEEKLY, FREQ_MONTHLY, FREQ_YEARLY };

struct list {
    int at[LIST_MAX];
    size_t count;
};

struct rule {
    enum freq freq;
    int interval;
    struct list months, month_days, positions;
    size_t days;       /* of BYDAY */
    bool counted_days; /* one like "-1SU" is in it */
};

struct span ics_take_until(struct cur *c, char mark)
{
    const char *const start = c->p;
    struct span s;

    while (!cur_done(c) && *c->p != mark)
        c->p++;
    s = span_of(start, (size_t)(c->p - start));
    (void)cur_byte(c, mark);
    return s;
}

static bool take_int(struct cur *c, int most, int *out)
{
    const bool minus = cur_byte(c, '-');
    const char *const start = c->p + (!minus && cur_byte(c, '+'));

    *out = 0;
    while (!cur_done(c) && is_digit(*c->p) && *out <= most)
        *out = 10 * *out + (*c->p++ - '0');
    if (c->p == start || *out > most)
        return false;
    *out = minus ? -*out : *out;
    return true;
}

/* Numbers from least to most, or their negatives where negative ones have a sense. */
static bool read_list(struct span value, int least, int most, bool negative,
                      struct list *out)
{
    struct cur c = cur_of(value);

    while (!cur_done(&c)) {
        struct cur one = cur_of(ics_take_until(&c, ','));
        int n;

        if (!take_int(&one, most, &n) || !cur_done(&one) || abs(n) < least ||
            (n < 0 && !negative) || out->count == LIST_MAX)
            return false;
        out->at[out->count++] = n;
    }
    return out->count > 0;
}

/* "MO,WE", "-1SU": at most the fifth of a month. */
static bool read_days(struct span value, struct rule *out)
{
    static const char names[] = "SU MO TU WE TH FR SA";
    struct cur c = cur_of(value);

    out->days = 0;
    while (!cur_done(&c)) {
        struct cur one = cur_of(ics_take_until(&c, ','));
        char name[3] = "";
        int n = 1;

        if (cur_left(&one) > 2) {
            if (!take_int(&one, 5, &n) || n == 0)
                return false;
            out->counted_days = true;
        }
        if (!span_copy(name, sizeof name, span_of(one.p, cur_left(&one))) ||
            strlen(name) != 2 || strchr(name, ' ') != NULL ||
            strstr(names, name) == NULL)
            return false;
        out->days++;
    }
    return out->days > 0;
}

static bool read_freq(struct span value, struct rule *out)
{
    static const char *const names[] = { [FREQ_DAILY] = "DAILY",
                                         [FREQ_WEEKLY] = "WEEKLY",
                                         [FREQ_MONTHLY] = "MONTHLY",
                                         [FREQ_YEARLY] = "YEARLY" };

    for (enum freq f = FREQ_DAILY; f <= FREQ_YEARLY; f++)
        if (span_eq_str(value, names[f])) {
            out->freq = f;
            return true;
        }
    return false;
}

static bool read_part(struct span name, struct span value, struct rule *out)
{
    struct list one = { .count = 0 };
    struct rule week = { .days = 0 };
    struct ics_time t;

    if (span_eq_str(name, "FREQ"))
        return read_freq(value, out);
    if (span_eq_str(name, "INTERVAL")) {
        out->interval = read_list(value, 1, INTERVAL_MAX, false, &one) ? one.at[0] : 0;
        return one.count == 1;
    }
    if (span_eq_str(name, "COUNT"))
        return read_list(value, 1, 99999, false, &one) && one.count == 1;
    if (span_eq_str(name, "UNTIL"))
        return ics_time_of(value, &t);
    if (span_eq_str(name, "WKST"))
        return value.n == 2 && read_days(value, &week);
    if (span_eq_str(name, "BYMONTH"))
        return read_list(value, 1, 12, false, &out->months);
    if (span_eq_str(name, "BYMONTHDAY"))
        return read_list(value, 1, 31, true, &out->month_days);
    if (span_eq_str(name, "BYSETPOS"))
        return read_list(value, 1, 4, true, &out->positions);
    return span_eq_str(name, "BYDAY") && read_days(value, out);
}

/* One of the months has one of the days; the 29th of February counts. */
static bool has_day(const struct list *months, const struct list *days)
{
    static const int most[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    for (size_t i = 0; i < months->count; i++)
        for (size_t k = 0; k < days->count; k++)
            if (abs(days->at[k]) <= most[months->at[i] - 1])
                return true;
    return false;
}

/* Without BYMONTHDAY and BYDAY a year's rule means the day of its start. */
static bool is_good_year(const struct rule *r, const struct ics_time *start)
{
    const struct list own = { { start->day }, 1 };

    if (r->months.count == 0)
        return r->month_days.count == 0 && r->days == 0;
    if (r->month_days.count > 0)
        return has_day(&r->months, &r->month_days);
    return r->days > 0 || has_day(&r->months, &own);
}

/* Every twelfth month may be a February for ever. */
static bool is_good_month(const struct rule *r)
{
    return r->months.count == 0 && r->interval % 12 != 0;
}

/* "The last working day": each set of weekdays has four days in every month. */
static bool has_good_positions(const struct rule *r)
{
    return r->positions.count == 0 ||
           (r->positions.count == 1 && r->freq >= FREQ_MONTHLY && r->days > 0 &&
            !r->counted_days && r->month_days.count == 0);
}

/* A zone is followed for centuries: Outlook's begin in 1601. */
static bool is_once_a_year(const struct rule *r)
{
    if (r->freq != FREQ_YEARLY || r->interval != 1 || r->months.count > 1 ||
        r->days > 1)
        return false;
    if (r->days == 0)
        return r->month_days.count <= 1;
    return r->counted_days || r->month_days.count > 0 || r->positions.count > 0;
}

bool ics_rule_is_tame(struct span rule, const struct ics_time *start, bool of_zone)
{
    struct rule r = { .interval = 1 };
    struct cur c = cur_of(rule);

    if (rule.n == 0 || rule.n > RULE_BYTES_MAX)
        return false;
    while (!cur_done(&c)) {
        struct cur part = cur_of(ics_take_until(&c, ';'));
        const struct span name = ics_take_until(&part, '=');

        if (!read_part(name, span_of(part.p, cur_left(&part)), &r))
            return false;
    }
    if (r.counted_days && r.month_days.count > 0)
        return false; /* "the fifth Monday if it is the first of the month" */
    if (!has_good_positions(&r) || (of_zone && !is_once_a_year(&r)))
        return false;
    if (r.freq == FREQ_YEARLY)
        return is_good_year(&r, start);
    if (r.freq == FREQ_MONTHLY)
        return is_good_month(&r);
    return r.freq != FREQ_NONE && r.months.count == 0 && r.month_days.count == 0 &&
           !r.counted_days;
}
