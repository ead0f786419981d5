/* SPDX-License-Identifier: ISC */
/* calendar_lines.c - a calendar as lines: folds, names, parameters, components.
 * Here:       which lines belong to the first event, and to the zones beside it.
 * Elsewhere:  what they mean (calendar.c, calendar_time.c).
 * Called by:  calendar.c. Linear in the calendar's length, whatever stands in it.
 * Source:     RFC 5545 3.1, 3.6. */
#include "relay/calendar_inner.h"
#include <strings.h>

static const struct {
    const char *name;
    enum ics_field field;
} fields[] = {
    { "UID", ICS_UID },
    { "SEQUENCE", ICS_SEQUENCE },
    { "STATUS", ICS_STATUS },
    { "SUMMARY", ICS_SUMMARY },
    { "LOCATION", ICS_LOCATION },
    { "DESCRIPTION", ICS_DESCRIPTION },
    { "ORGANIZER", ICS_ORGANIZER },
    { "DTSTART", ICS_DTSTART },
    { "DTEND", ICS_DTEND },
    { "DURATION", ICS_DURATION },
    { "RRULE", ICS_RRULE },
};

struct walk {
    struct ics *ics;
    struct span open[ICS_DEPTH_MAX]; /* names of the components around the line */
    size_t depth;
    const char *zone_begin;
    bool taken; /* the event is whole */
    bool done;  /* its calendar as well */
};

/* Lines end in LF or CRLF or, from very old systems, CR; a blank behind the end folds.
 */
static void unfold(struct buf *out, struct span raw)
{
    size_t from = 0;

    if (raw.n >= 3 && memcmp(raw.p, "\xef\xbb\xbf", 3) == 0)
        raw = span_of(raw.p + 3, raw.n - 3);
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] != '\n' && raw.p[i] != '\r')
            continue;
        buf_put_mem(out, raw.p + from, i - from);
        if (raw.p[i] == '\r' && i + 1 < raw.n && raw.p[i + 1] == '\n')
            i++;
        if (i + 1 < raw.n && (raw.p[i + 1] == ' ' || raw.p[i + 1] == '\t'))
            i++;
        else
            buf_put_u8(out, '\n');
        from = i + 1;
    }
    if (raw.n > from)
        buf_put_mem(out, raw.p + from, raw.n - from);
}

static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]) && (s.p[i] < 'A' || s.p[i] > 'Z') &&
            (s.p[i] < 'a' || s.p[i] > 'z') && s.p[i] != '-')
            return false;
    return s.n > 0;
}

/* Where mark stands outside of quotes; s.n: nowhere. */
static size_t find_bare(struct span s, char mark)
{
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == mark && !quoted)
            return i;
    }
    return s.n;
}

static struct span after(struct span s, size_t n)
{
    return n < s.n ? span_of(s.p + n, s.n - n) : span_of(s.p + s.n, 0);
}

static bool split(struct span line, struct ics_line *out)
{
    const size_t colon = find_bare(line, ':');
    const struct span head = span_of(line.p, colon);
    const size_t semicolon = find_bare(head, ';');

    *out = (struct ics_line){ .name = span_of(head.p, semicolon),
                              .params = after(head, semicolon + 1),
                              .value = after(line, colon + 1) };
    return colon < line.n && is_name(out->name);
}

bool ics_take_line(struct cur *c, struct ics_line *out)
{
    while (!cur_done(c)) {
        const char *const lf = memchr(c->p, '\n', cur_left(c));
        const char *const end = lf != NULL ? lf : c->end;
        const struct span line = span_of(c->p, (size_t)(end - c->p));

        c->p = lf != NULL ? lf + 1 : c->end;
        if (split(line, out))
            return true;
    }
    return false;
}

struct span ics_param(const struct ics_line *line, const char *name)
{
    struct span rest = line->params;

    while (rest.n > 0) {
        const size_t n = find_bare(rest, ';');
        const struct span one = span_of(rest.p, n);
        const size_t equals = find_bare(one, '=');
        struct span value = after(one, equals + 1);

        if (span_ieq_str(span_of(one.p, equals), name)) {
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
                value = span_of(value.p + 1, value.n - 2);
            return value;
        }
        rest = after(rest, n + 1);
    }
    return rest;
}

/* The component around the line is the child of a calendar, of this name. */
static bool is_in(const struct walk *w, size_t depth, const char *name)
{
    return w->depth == depth && span_ieq_str(w->open[0], "VCALENDAR") &&
           span_ieq_str(w->open[depth - 1], name);
}

static void add_date(struct ics_dates *dates, const struct ics_line *line)
{
    if (dates->count < ICS_DATES_MAX)
        dates->lines[dates->count++] = *line;
}

static void take_property(struct walk *w, const struct ics_line *line)
{
    if (is_in(w, 1, "VCALENDAR") && w->ics->method.n == 0 &&
        span_ieq_str(line->name, "METHOD"))
        w->ics->method = line->value;
    if (w->taken || !is_in(w, 2, "VEVENT"))
        return;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (w->ics->fields[fields[i].field].name.n == 0 &&
            span_ieq_str(line->name, fields[i].name))
            w->ics->fields[fields[i].field] = *line;
    if (span_ieq_str(line->name, "RDATE"))
        add_date(&w->ics->rdates, line);
    if (span_ieq_str(line->name, "EXDATE"))
        add_date(&w->ics->exdates, line);
}

/* behind: where the line's successor begins. */
static bool take_begin(struct walk *w, struct span name, const char *behind)
{
    if (w->depth == ICS_DEPTH_MAX)
        return false;
    w->open[w->depth++] = name;
    if (is_in(w, 1, "VCALENDAR")) { /* the one before it had no event */
        w->ics->method = span_of(NULL, 0);
        w->ics->zone_count = 0;
    }
    if (is_in(w, 2, "VTIMEZONE"))
        w->zone_begin = behind;
    return true;
}

/* at: where the line begins. */
static bool take_end(struct walk *w, struct span name, const char *at)
{
    struct ics *const ics = w->ics;

    if (w->depth == 0 || w->open[w->depth - 1].n != name.n ||
        strncasecmp(w->open[w->depth - 1].p, name.p, name.n) != 0)
        return false;
    if (is_in(w, 2, "VTIMEZONE") && ics->zone_count < ICS_ZONES_MAX)
        ics->zones[ics->zone_count++] =
            span_of(w->zone_begin, (size_t)(at - w->zone_begin));
    w->taken |= is_in(w, 2, "VEVENT");
    w->done = w->taken && w->depth == 1;
    w->depth--;
    return true;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool walk_lines(struct walk *w, struct span text)
{
    struct cur c = cur_of(text);
    struct ics_line line;
    bool good = true;

    while (good && !w->done && ics_take_line(&c, &line)) {
        if (span_ieq_str(line.name, "BEGIN"))
            good = take_begin(w, trimmed(line.value), c.p);
        else if (span_ieq_str(line.name, "END"))
            good = take_end(w, trimmed(line.value), line.name.p);
        else
            take_property(w, &line);
    }
    return good && w->taken;
}

bool ics_read(struct ics *out, struct span raw)
{
    struct walk w = { .ics = out };

    *out = (struct ics){ .zone_count = 0 };
    buf_init(&out->text, CALENDAR_BYTES_MAX);
    if (raw.n == 0 || raw.n > CALENDAR_BYTES_MAX)
        return false;
    unfold(&out->text, raw);
    if (buf_ok(&out->text) && walk_lines(&w, buf_span(&out->text)))
        return true;
    ics_clear(out);
    return false;
}

void ics_clear(struct ics *ics)
{
    buf_wipe(&ics->text);
}
