/* SPDX-License-Identifier: ISC */
/* test_calendar.c - calendars as programs write them, and as nobody should.
 * Here:       tests/corpus/calendar row by row, in each kind of line, cut and bent;
 *             zones, rules and texts one by one; what a hostile one costs.
 * Elsewhere:  calendars inside of mails (test_mime.c).
 * Called by:  make check, in the repository's root. Times were taken from Python's
 *             zoneinfo and dateutil. */
#include "relay/calendar.h"
#include "relay/calendar_inner.h"
#include "relay/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define FLIPS 400U
/* Of processor time, with sanitizers on a busy machine; else 60 ms at most. */
#define WORST_S 1.0

static const struct row {
    const char *file;
    const char *now; /* UTC, as all times here */
    const char *method, *start, *end, *kind, *zone;
    const char *summary, *location, *organizer;
} rows[] = {
    { "outlook-request", "2026-11-01 00:00", "REQUEST", "2026-11-30 22:30",
      "2026-11-30 23:15", "", "", "Colposcopy with Dr Müller", "Room 7, Level 2",
      "reception@northside.example" },
    { "google-request", "2026-06-01 00:00", "REQUEST", "2026-07-01 07:30",
      "2026-07-01 08:00", "", "", "Kontrolle 🦷", "", "praxis@gmail.example" },
    { "google-cancel", "2026-06-01 00:00", "CANCEL", "2026-07-01 07:30",
      "2026-07-01 08:00", "", "", "Kontrolle 🦷", "", "praxis@gmail.example" },
    { "apple-request", "2026-06-01 00:00", "REQUEST", "2026-03-10 13:30",
      "2026-03-10 14:15", "", "Europe/Paris", "Consultation",
      "Cabinet du Dr Lefèvre 12 rue de l’Église, 75015 Paris",
      "lefevre@cabinet.example" },
    { "thunderbird", "2026-06-01 00:00", "REQUEST", "2026-10-24 07:30",
      "2026-10-24 08:00", "", "Europe/Berlin", "Röntgen", "",
      "empfang@praxis.example" },
    { "mac-outlook-fixed", "2026-06-01 00:00", "REQUEST", "2026-07-31 22:00",
      "2026-07-31 22:30", "", "", "Blood test", "", "" },
    { "practice-floating", "2026-06-01 00:00", "PUBLISH", "2026-09-15 14:15",
      "2026-09-15 14:30", "floating", "", "Termin bei Dr. Grün", "Hauptstr. 5, 2. OG",
      "" },
    { "unknown-zone", "2026-06-01 00:00", "REQUEST", "2026-09-15 14:15",
      "2026-09-15 14:30", "floating", "", "Eye test", "", "" },
    { "practice-all-day", "2026-06-01 00:00", "PUBLISH", "2026-05-03 00:00",
      "2026-05-05 00:00", "all day", "", "Day clinic (two days)", "", "" },
    { "status-cancelled", "2026-06-01 00:00", "CANCEL", "2027-01-10 00:30",
      "2027-01-11 01:30", "", "Australia/Adelaide", "Physiotherapy", "", "" },
    /* series: the first that is not over */
    { "outlook-series", "2025-12-01 00:00", "REQUEST", "2026-01-05 07:00",
      "2026-01-05 07:30", "", "", "Verbandswechsel", "", "praxis@praxis.example" },
    { "outlook-series", "2026-05-25 06:29", "REQUEST", "2026-05-25 06:00",
      "2026-05-25 06:30", "", "", "Verbandswechsel", "", "praxis@praxis.example" },
    { "outlook-series", "2026-05-25 06:30", "REQUEST", "2026-06-15 06:00",
      "2026-06-15 06:30", "", "", "Verbandswechsel", "", "praxis@praxis.example" },
    { "outlook-series", "2026-12-27 00:00", "REQUEST", "2026-12-28 07:00",
      "2026-12-28 07:30", "", "", "Verbandswechsel", "", "praxis@praxis.example" },
    { "outlook-series", "2026-12-28 07:30", "REQUEST", "2026-01-05 07:00",
      "2026-01-05 07:30", "", "", "Verbandswechsel", "", "praxis@praxis.example" },
    { "google-monthly", "2026-03-01 00:00", "REQUEST", "2026-03-10 21:30",
      "2026-03-10 22:00", "", "America/New_York", "Support group", "",
      "group@clinic.example" },
    { "google-monthly", "2026-11-01 00:00", "REQUEST", "2026-11-10 22:30",
      "2026-11-10 23:00", "", "America/New_York", "Support group", "",
      "group@clinic.example" },
    { "birthday-rule", "2026-06-01 00:00", "PUBLISH", "2028-02-29 00:00",
      "2028-03-01 00:00", "all day", "", "Skin check", "", "" },
    { "fortnights", "2026-09-16 00:00", "REQUEST", "2026-10-12 23:00",
      "2026-10-13 00:00", "", "Australia/Sydney", "Injection", "", "" },
    { "fortnights", "2026-10-13 00:00", "REQUEST", "2026-11-04 23:00",
      "2026-11-05 00:00", "", "Australia/Sydney", "Injection", "", "" },
    { "last-weekday", "2026-05-01 00:00", "REQUEST", "2026-05-29 09:00", "", "", "",
      "Review", "", "" },
};

#define ROWS (sizeof rows / sizeof rows[0])

static char *load(const char *file, size_t *n)
{
    static char text[16384];
    char path[128];
    FILE *in;

    (void)snprintf(path, sizeof path, "tests/corpus/calendar/%s.ics", file);
    in = fopen(path, "r");
    if (in == NULL)
        fail_msg("no %s", path);
    *n = fread(text, 1, sizeof text, in);
    (void)fclose(in);
    return text;
}

static int64_t seconds(const char *text)
{
    struct tm tm = { .tm_sec = 0 };

    assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
    return timegm(&tm);
}

static const char *shown(int64_t at)
{
    static char text[2][32];
    static unsigned turn;
    const time_t t = at;
    struct tm tm;

    turn = !turn;
    text[turn][0] = '\0';
    if (at != 0)
        (void)strftime(text[turn], sizeof text[turn], "%Y-%m-%d %H:%M",
                       gmtime_r(&t, &tm));
    return text[turn];
}

/* In a heap block of that exact size, so that one byte too far is seen. */
static bool read_exact(struct calendar_event *out, struct span s, int64_t now)
{
    char *const exact = malloc(s.n > 0 ? s.n : 1);
    bool good;

    assert_non_null(exact);
    if (s.n > 0)
        memcpy(exact, s.p, s.n);
    good = calendar_read(out, span_of(exact, s.n), "utf-8", now);
    free(exact);
    return good;
}

static bool read_str(struct calendar_event *out, const char *text)
{
    return read_exact(out, span_str(text), seconds("2026-06-01 00:00"));
}

static void check_row(const struct row *r, struct span text)
{
    struct calendar_event e;

    if (!read_exact(&e, text, seconds(r->now)))
        fail_msg("%s: no appointment", r->file);
    assert_string_equal(e.method, r->method);
    assert_string_equal(shown(e.start_s), r->start);
    assert_string_equal(shown(e.end_s), r->end);
    assert_int_equal(e.all_day, strcmp(r->kind, "all day") == 0);
    assert_int_equal(e.floating, strcmp(r->kind, "floating") == 0);
    assert_string_equal(e.zone, r->zone);
    assert_string_equal(e.summary, r->summary);
    assert_string_equal(e.location, r->location);
    assert_string_equal(e.organizer, r->organizer);
}

/* LF as it lies there; every line end and every fold that a program may write. */
static void put_bent(struct buf *out, struct span in, const char *line_end, bool fold)
{
    for (size_t i = 0; i < in.n; i++) {
        const bool ends = in.p[i] == '\n';

        if (ends)
            buf_put(out, line_end);
        else
            buf_put_u8(out, (uint8_t)in.p[i]);
        if (fold && !ends && i + 1 < in.n && in.p[i + 1] != '\n') {
            buf_put(out, line_end);
            buf_put_u8(out, i % 2 ? ' ' : '\t');
        }
    }
}

static void test_corpus(void **state)
{
    static const char *const line_ends[] = { "\n", "\r\n", "\r" };

    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < 6; k++) {
            struct span text;
            struct buf bent;

            text.p = load(rows[i].file, &text.n);
            buf_init(&bent, 65536);
            put_bent(&bent, text, line_ends[k / 2], k % 2 != 0);
            check_row(&rows[i], buf_span(&bent));
            buf_clear(&bent);
        }
}

static void test_members(void **state)
{
    struct calendar_event e;
    struct span text;

    (void)state;
    text.p = load("outlook-request", &text.n);
    assert_true(read_exact(&e, text, 0));
    assert_int_equal(e.sequence, 2);
    assert_string_equal(e.uid,
                        "040000008200E00074C5B7101A82E00800000000A0B1C2D3E4F5DC0"
                        "10000000000000000100000001234567890123456789012345678901"
                        "2");
    assert_string_equal(
        e.description,
        "Please come ten minutes early, and bring:\n\n- your Medicare card\n"
        "- your referral");
    text.p = load("practice-floating", &text.n);
    assert_true(read_exact(&e, text, 0));
    assert_string_equal(e.uid, "");
    assert_string_equal(
        e.description,
        "Bitte nüchtern erscheinen.\nVersichertenkarte nicht vergessen!");
}

/* %s: lines of the event, or of the calendar. */
static bool read_event(struct calendar_event *out, const char *beside,
                       const char *event)
{
    static char text[300000];

    (void)snprintf(text, sizeof text,
                   "BEGIN:VCALENDAR\n%sBEGIN:VEVENT\n%sEND:VEVENT\nEND:VCALENDAR\n",
                   beside, event);
    return read_str(out, text);
}

static void test_methods(void **state)
{
    static const struct {
        const char *calendar, *status, *want;
    } cases[] = {
        { "METHOD:REQUEST\n", "", "REQUEST" },
        { "METHOD:request\n", "", "REQUEST" },
        { "METHOD:PUBLISH\n", "STATUS:CONFIRMED\n", "PUBLISH" },
        { "", "", "PUBLISH" },
        { "", "STATUS:CANCELLED\n", "CANCEL" },
        { "METHOD:REQUEST\n", "STATUS:CANCELLED\n", "CANCEL" },
        { "METHOD:CANCEL\n", "", "CANCEL" },
        { "METHOD:REPLY\n", "", NULL },
        { "METHOD:COUNTER\n", "", NULL },
        { "METHOD:REFRESH\n", "", NULL },
        { "METHOD:ADD\n", "", NULL },
        { "METHOD:REPLY\n", "STATUS:CANCELLED\n", NULL },
        { "METHOD:REQUESTS\n", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calendar_event e;
        char event[200];

        (void)snprintf(event, sizeof event, "DTSTART:20260701T080000Z\n%s",
                       cases[i].status);
        assert_int_equal(read_event(&e, cases[i].calendar, event),
                         cases[i].want != NULL);
        if (cases[i].want != NULL)
            assert_string_equal(e.method, cases[i].want);
    }
}

static void test_none(void **state)
{
    static const char *const cases[] = {
        "",
        "garbage",
        "<html><body>BEGIN:VCALENDAR</body></html>",
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
        "BEGIN:VEVENT\nDTSTART:20260701T080000Z\nEND:VEVENT\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260701T080000Z\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260701T080000Z\nEND:VJOURNAL\n",
        "BEGIN:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nBEGIN:VEVENT\nDTSTART:20260701T080000Z\n"
        "END:VEVENT\nEND:VJOURNAL\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nDTSTART:20260701T080000Z\nEND:VFREEBUSY\n"
        "END:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:VALARM\nDTSTART:20260701T080000Z\n"
        "END:VALARM\nEND:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\n"
        "BEGIN:A\nBEGIN:A\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calendar_event e;

        if (read_str(&e, cases[i]))
            fail_msg("row %zu is an appointment", i);
    }
}

/* Half a calendar still counts where its event is whole, and one before it is empty. */
static void test_some(void **state)
{
    struct calendar_event e;

    (void)state;
    assert_true(read_str(&e, "\xef\xbb\xbf"
                             "BEGIN:VCALENDAR \nBEGIN:VEVENT\n"
                             "DTSTART:20260701T080000Z\nEND:VEVENT\t"));
    assert_true(read_str(&e, "BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR\n\n: \n"
                             "BEGIN:VCALENDAR\nno property\nBEGIN:VEVENT\n"
                             "DTSTART:20260701T080000Z\nDTSTART:20270701T080000Z\n"
                             "END:VEVENT\nMETHOD:REQUEST\nEND:VCALENDAR\n"));
    assert_string_equal(e.method, "REQUEST");
    assert_string_equal(shown(e.start_s), "2026-07-01 08:00");
}

static void test_times(void **state)
{
    static const struct {
        const char *event, *start, *end; /* start NULL: no appointment */
    } cases[] = {
        { "DTSTART:20260701T080000Z\n", "2026-07-01 08:00", "" },
        { "DTSTART;TZID=UTC:20260701T080000\n", "2026-07-01 08:00", "" },
        { "DTSTART;TZID=europe/berlin:20610701T080000\n", "2061-07-01 06:00", "" },
        { "DTSTART;X=\"a;TZID=Asia/Tokyo:b\";TZID=\"Europe/Berlin\":20260101T080000\n",
          "2026-01-01 07:00", "" },
        { "DTSTART;TZID=Asia/Tokyo:20260701T080000Z\n", "2026-07-01 08:00", "" },
        { "DTSTART;TZID=../../../../etc/passwd:20260701T080000\n", "2026-07-01 08:00",
          "" },
        { "DTSTART:20260701T080000Z\nDTEND;TZID=Asia/Tokyo:20260701T180000\n",
          "2026-07-01 08:00", "2026-07-01 09:00" },
        { "DTSTART:20260701T080000Z\nDTEND:20260701T080000Z\n", "2026-07-01 08:00",
          "" },
        { "DTSTART:20260701T080000Z\nDTEND:20260630T080000Z\n", "2026-07-01 08:00",
          "" },
        { "DTSTART:20260701T080000Z\nDTEND:20260702\n", "2026-07-01 08:00", "" },
        { "DTSTART:20260701\n", "2026-07-01 00:00", "2026-07-02 00:00" },
        { "DTSTART:20260701T235960Z\n", "2026-07-01 23:59", "" },
        { "DTSTART:20260701T080000Z\nDURATION:+P1W\n", "2026-07-01 08:00",
          "2026-07-08 08:00" },
        { "DTSTART:20260701T080000Z\nDURATION:P1DT2H3M60S\n", "2026-07-01 08:00",
          "2026-07-02 10:04" },
        { "DTSTART:20260701T080000Z\nDURATION:-PT1H\n", "2026-07-01 08:00", "" },
        { "DTSTART:20260701T080000Z\nDURATION:PT\n", "2026-07-01 08:00", "" },
        { "DTSTART:20260701T080000Z\nDURATION:PT99999999H\n", "2026-07-01 08:00", "" },
        { "DTSTART:20260701T080000Z\nDURATION:PT1D\n", "2026-07-01 08:00", "" },
        { "DTSTART:19700101T000000Z\n", "", "" },
        { "DTSTART:21991231T235900Z\n", "2199-12-31 23:59", "" },
        { "SUMMARY:no start\n", NULL, NULL },
        { "DTSTART:19691231T235959Z\n", NULL, NULL },
        { "DTSTART:22000101T000000Z\n", NULL, NULL },
        { "DTSTART:20260229T080000Z\n", NULL, NULL },
        { "DTSTART:20261301T080000Z\n", NULL, NULL },
        { "DTSTART:20260700T080000Z\n", NULL, NULL },
        { "DTSTART:20260701T240000Z\n", NULL, NULL },
        { "DTSTART:20260701T0800\n", NULL, NULL },
        { "DTSTART:20260701T080000ZZ\n", NULL, NULL },
        { "DTSTART:2026-07-01T08:00:00\n", NULL, NULL },
        { "DTSTART: 20260701T080000\n", NULL, NULL },
        { "DTSTART:+2260701T080000\n", NULL, NULL },
        { "DTSTART:\n", NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calendar_event e;

        if (read_event(&e, "", cases[i].event) != (cases[i].start != NULL))
            fail_msg("%s", cases[i].event);
        if (cases[i].start != NULL) {
            assert_string_equal(shown(e.start_s), cases[i].start);
            assert_string_equal(shown(e.end_s), cases[i].end);
        }
    }
}

/* Zones that a mail describes: real ones, and such that are left out, so that the hour
 * is shown as it was written. */
static void test_zones(void **state)
{
    static const struct {
        const char *zone, *start;
    } cases[] = {
        { "TZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:-0300\n"
          "TZOFFSETTO:-0330\nEND:STANDARD\n",
          "2026-07-01 11:30" },
        { "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+1000\nEND:STANDARD\n"
          "TZID:x\n",
          "2026-07-01 08:00" }, /* the name stands too late */
        { "TZID:x\nX-LIC-LOCATION:Australia/Perth\n", "2026-07-01 00:00" },
        { "TZID:x\nX-LIC-LOCATION:Nowhere/Land\nBEGIN:STANDARD\n"
          "DTSTART:19700101T000000\nTZOFFSETTO:+1000\nEND:STANDARD\n",
          "2026-06-30 22:00" },
        { "TZID:y\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+1000\n"
          "END:STANDARD\n",
          "2026-07-01 08:00" },
        { "TZID:x\nBEGIN:DAYLIGHT\nDTSTART:20000101T000000\nTZOFFSETFROM:+1000\n"
          "TZOFFSETTO:+1100\nRDATE:20260101T000000,20270101T000000\nEND:DAYLIGHT\n",
          "2026-06-30 21:00" },
        { "TZID:x\n", "2026-07-01 08:00" },
        { "TZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+9900\n"
          "END:STANDARD\n",
          "2026-07-01 08:00" },
        { "TZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+1000\n"
          "RRULE:FREQ=SECONDLY\nEND:STANDARD\n",
          "2026-07-01 08:00" },
        { "TZID:x\nBEGIN:STANDARD\nDTSTART:99999999T000000\nTZOFFSETTO:+1000\n"
          "END:STANDARD\n",
          "2026-07-01 08:00" },
        { "TZID:x\nBEGIN:STANDARD\nTZOFFSETTO:+1000\nEND:STANDARD\n",
          "2026-07-01 08:00" },
        { "TZID:x\nBEGIN:STANDARD\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
          "TZOFFSETTO:+1000\nEND:STANDARD\nEND:STANDARD\n",
          "2026-07-01 08:00" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calendar_event e;
        char beside[500];

        (void)snprintf(beside, sizeof beside, "BEGIN:VTIMEZONE\n%sEND:VTIMEZONE\n",
                       cases[i].zone);
        assert_true(read_event(&e, beside, "DTSTART;TZID=x:20260701T080000\n"));
        if (strcmp(shown(e.start_s), cases[i].start) != 0)
            fail_msg("%s: %s, not %s", cases[i].zone, shown(e.start_s), cases[i].start);
        assert_int_equal(e.floating, strcmp(cases[i].start, "2026-07-01 08:00") == 0);
    }
}

/* now is 1 June 2026 */
static void test_rules(void **state)
{
    static const struct {
        const char *event, *start;
    } cases[] = {
        { "RRULE:FREQ=DAILY\n", "2026-06-01 09:00" },
        { "RRULE:FREQ=DAILY;UNTIL=20260531\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;UNTIL=20260601\n", "2026-06-01 09:00" },
        { "RRULE:FREQ=DAILY;UNTIL=20260601T090000Z\n", "2026-06-01 09:00" },
        { "RRULE:FREQ=DAILY;UNTIL=20260601T085959Z\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;COUNT=31\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;COUNT=32\n", "2026-06-01 09:00" },
        { "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1\n", "2026-06-30 09:00" },
        { "RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=1MO\n", "2026-09-07 09:00" },
        { "RRULE:FREQ=WEEKLY;BYDAY=FR;\n", "2026-06-05 09:00" },
        { "RRULE:FREQ=DAILY\nEXDATE:20260601T090000Z\n", "2026-06-02 09:00" },
        { "RRULE:FREQ=DAILY;COUNT=1\nRDATE;VALUE=PERIOD:20260603T090000Z/PT1H\n",
          "2026-06-03 09:00" },
        { "RDATE:20260605T090000Z,20260604T090000Z,x,\n", "2026-06-04 09:00" },
        /* not followed */
        { "RRULE:FREQ=HOURLY\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=SECONDLY\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;BYHOUR=1\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;RSCALE=CHINESE\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;INTERVAL=-1\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;INTERVAL=0\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;UNTIL=x\n", "2026-05-01 09:00" },
        { "RRULE:INTERVAL=1\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=DAILY;FREQ=DAILY\n", "2026-05-01 09:00" },
        { "RRULE:\n", "2026-05-01 09:00" },
        { "RRULE:;;;\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=MONTHLY;BYMONTHDAY=99\n", "2026-05-01 09:00" },
        { "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n", "2026-05-01 09:00" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calendar_event e;
        char event[300];

        (void)snprintf(event, sizeof event, "DTSTART:20260501T090000Z\n%s",
                       cases[i].event);
        assert_true(read_event(&e, "", event));
        if (strcmp(shown(e.start_s), cases[i].start) != 0)
            fail_msg("%s: %s", cases[i].event, shown(e.start_s));
    }
}

static void test_words(void **state)
{
    static const struct {
        const char *event, *uid, *organizer, *summary;
        uint32_t sequence;
    } cases[] = {
        { "UID:a b@c\nORGANIZER:mailto:a@b\nSEQUENCE:3\nSUMMARY:x\\,y\\;z\\\\\\n "
          "w\\q\n",
          "a b@c", "a@b", "x,y;z\\ wq", 3 },
        { "UID:\xc3\xa4\nORGANIZER:a@b\nSEQUENCE:-1\nSUMMARY:\xff\x01\n", "", "",
          "\xef\xbf\xbd", 0 },
        { "UID:\x01\nORGANIZER:MAILTO:a b@c\nSEQUENCE:9999999999\nSUMMARY:a\\\n", "",
          "", "a\\", 0 },
        { "ORGANIZER:mailto:@b\nSEQUENCE:x\nSUMMARY:\xe2\x80\xae"
          "exe\n",
          "", "", "exe", 0 },
        { "ORGANIZER:mailto:a@\n", "", "", "", 0 },
        { "ORGANIZER:mailto:a@b>\n", "", "", "", 0 },
        { "ORGANIZER:mailto:\n", "", "", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calendar_event e;
        char event[300];

        (void)snprintf(event, sizeof event, "DTSTART:20260501T090000Z\n%s",
                       cases[i].event);
        assert_true(read_event(&e, "", event));
        assert_string_equal(e.uid, cases[i].uid);
        assert_string_equal(e.organizer, cases[i].organizer);
        assert_string_equal(e.summary, cases[i].summary);
        assert_int_equal(e.sequence, cases[i].sequence);
    }
}

/* The end falls between characters, in each of its three places. */
static void test_long_words(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 4; shift++) {
        static char event[60000];
        struct calendar_event e;
        size_t n = (size_t)snprintf(event, sizeof event,
                                    "DTSTART:20260501T090000Z\nUID:%0*d\nSUMMARY:%.*s",
                                    255 + (int)(shift > 0), 0, (int)shift, "aaa");

        for (unsigned i = 0; i < 2000; i++)
            n += (size_t)snprintf(event + n, sizeof event - n, "\xe2\x82\xac");
        n += (size_t)snprintf(event + n, sizeof event - n, "\nDESCRIPTION:%.*s",
                              (int)shift, "aaa");
        for (unsigned i = 0; i < 2500; i++)
            n += (size_t)snprintf(event + n, sizeof event - n, "\\,\xc3\xa4\\n");
        (void)snprintf(event + n, sizeof event - n, "\n");
        assert_true(read_event(&e, "", event));
        assert_int_equal(strlen(e.uid), shift > 0 ? 0 : 255);
        assert_int_equal(strlen(e.summary), (400 - shift) / 3 * 3 + shift);
        assert_in_range(strlen(e.description), 3997, 4000);
        assert_non_null(strstr(e.description, "\n,\xc3\xa4"));
    }
}

static void test_charset(void **state)
{
    static const char text[] = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260501\n"
                               "SUMMARY:Gr\xfc\xdf"
                               "e\nEND:VEVENT\n";
    struct calendar_event e;

    (void)state;
    assert_true(calendar_read(&e, span_str(text), "iso-8859-1", 0));
    assert_string_equal(e.summary, "Grüße");
    assert_true(calendar_read(&e, span_str(text), NULL, 0));
    assert_string_equal(e.summary, "Grüße");
}

static void check_decent(const struct calendar_event *e)
{
    assert_non_null(e->method);
    assert_in_range(e->start_s, 0, 7258118400U + 86400U);
    assert_true(e->end_s == 0 || e->end_s > e->start_s);
    assert_null(strpbrk(e->summary, "\n\t"));
    assert_null(strpbrk(e->location, "\n\t"));
}

static void test_cut(void **state)
{
    struct calendar_event e;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span text;

        text.p = load(rows[i].file, &text.n);
        for (size_t n = 0; n < text.n; n++)
            if (read_exact(&e, span_of(text.p, n), seconds(rows[i].now)))
                check_decent(&e);
    }
}

static void test_flipped(void **state)
{
    struct calendar_event e;
    uint32_t random = 1;

    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (unsigned k = 0; k < FLIPS; k++) {
            struct span text;
            char *const bytes = load(rows[i].file, &text.n);

            for (unsigned flips = 0; flips < 3; flips++) {
                random = random * 1664525U + 1013904223U;
                bytes[(random >> 8) % text.n] = (char)(random >> 3);
            }
            text.p = bytes;
            if (read_exact(&e, text, seconds(rows[i].now)))
                check_decent(&e);
        }
}

static double used_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* piece again and again, up to the bound. */
static void fill(struct buf *b, const char *head, const char *piece, const char *tail)
{
    buf_init(b, CALENDAR_BYTES_MAX);
    buf_put(b, head);
    while (b->n + strlen(piece) + strlen(tail) <= CALENDAR_BYTES_MAX)
        buf_put(b, piece);
    buf_put(b, tail);
}

#define HEAD "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=x:19700130T000000\n"
#define TAIL "END:VEVENT\nEND:VCALENDAR\n"
#define RULE(rule) HEAD "RRULE:" rule "\n", "X:\n", TAIL
static void check_time(struct span text, const char *what, size_t n)
{
    struct calendar_event e;
    const double begin = used_s();
    double took;

    (void)calendar_read(&e, text, "utf-8", seconds("2026-06-01 00:00"));
    took = used_s() - begin;
    if (getenv("SHOW_TIMES") != NULL)
        print_message("%7.1f ms %s %zu\n", 1000 * took, what, n);
    if (took > WORST_S)
        fail_msg("%s %zu: %.3f s", what, n, took);
}

static void test_worst_time(void **state)
{
    static const struct {
        const char *head, *piece, *tail;
    } cases[] = {
        { "", "BEGIN:VCALENDAR\n", "" },
        { "", "\n ", "" },
        { "", "\"", "" },
        { "", "A:B\n", "" },
        { HEAD, "X;", ":\n" TAIL },
        { HEAD "SUMMARY:", "\\n", "\n" TAIL },
        { HEAD "DTEND;", "A=\"", "\n" TAIL },
        { HEAD, "EXDATE:20260701T080000Z,20260701T080000Z,20260701T080000Z\n",
          "RRULE:FREQ=DAILY\n" TAIL },
        { HEAD "RDATE:", "20260701T080000Z,", "\n" TAIL },
        { HEAD, "BEGIN:VALARM\nEND:VALARM\n", TAIL },
        { RULE("FREQ=DAILY") },
        { RULE("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30") },
        { RULE("FREQ=DAILY;INTERVAL=7;BYDAY=MO") },
        { RULE("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30") },
        { RULE("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO") },
        { RULE("FREQ=YEARLY;BYMONTH=2;BYDAY=5MO,-5MO") },
        { RULE("FREQ=YEARLY;INTERVAL=28;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO") },
        { RULE("FREQ=YEARLY;INTERVAL=400;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO") },
        { RULE("FREQ=YEARLY;BYMONTHDAY=30") },
        { RULE("FREQ=YEARLY;BYMONTH=2") },
        { RULE("FREQ=YEARLY;BYDAY=53MO") },
        { RULE("FREQ=WEEKLY;BYDAY=SU;BYMONTH=13") },
        { RULE("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366") },
        { RULE("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=4") },
        { RULE("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31") },
        { RULE("FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=31;BYDAY=MO") },
        { RULE("FREQ=MONTHLY;INTERVAL=996;BYMONTHDAY=31") },
        { RULE("FREQ=MONTHLY;INTERVAL=998;BYMONTHDAY=31;BYDAY=MO") },
        { RULE("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1") },
        { RULE("FREQ=YEARLY;BYMONTH=1;BYDAY=5MO;BYMONTHDAY=1") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b;

        fill(&b, cases[i].head, cases[i].piece, cases[i].tail);
        assert_true(buf_ok(&b));
        check_time(buf_span(&b), "row", i);
        buf_clear(&b);
    }
}

/* As many rules as a zone may have, asked by a series for each of its days. */
static void test_worst_zones(void **state)
{
    static const char *const rules[] = {
        "BYMONTH=10;BYDAY=-1SU",
        "BYMONTH=10;BYDAY=SU;BYMONTHDAY=25,26,27,28,29,30,31",
        "BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        "BYMONTH=2;BYMONTHDAY=30",
        "BYMONTH=2;BYDAY=MO;BYMONTHDAY=29",
        "BYMONTH=2;BYDAY=5MO;BYMONTHDAY=29",
        "BYMONTH=2;BYDAY=5MO;BYMONTHDAY=1",
        "BYMONTH=2;BYDAY=5MO",
        "BYMONTH=2",
    };
    static const char *const starts[] = { "19700130T000000", "21990130T000000" };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof rules / sizeof rules[0]; i++) {
        struct buf b;

        buf_init(&b, CALENDAR_BYTES_MAX);
        buf_put(&b, "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\n");
        for (unsigned k = 0; k < 16; k++)
            buf_printf(&b,
                       "BEGIN:STANDARD\nDTSTART:16000130T000000\nTZOFFSETTO:+0100\n"
                       "RRULE:FREQ=YEARLY;%s\nEND:STANDARD\n",
                       rules[i / 2]);
        buf_printf(&b,
                   "END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=x:%s\n"
                   "RRULE:FREQ=DAILY\n" TAIL,
                   starts[i % 2]);
        check_time(buf_span(&b), "zone", i);
        buf_clear(&b);
    }
}

static void test_too_long(void **state)
{
    struct calendar_event e;
    struct buf b;

    (void)state;
    fill(&b, HEAD, "X:1\n", TAIL);
    while (b.n < CALENDAR_BYTES_MAX)
        buf_put_u8(&b, '\n');
    b.max++;
    assert_true(calendar_read(&e, buf_span(&b), NULL, 0));
    buf_put_u8(&b, '\n');
    assert_false(calendar_read(&e, buf_span(&b), NULL, 0));
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),      cmocka_unit_test(test_members),
        cmocka_unit_test(test_methods),     cmocka_unit_test(test_none),
        cmocka_unit_test(test_some),        cmocka_unit_test(test_times),
        cmocka_unit_test(test_zones),       cmocka_unit_test(test_rules),
        cmocka_unit_test(test_words),       cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_charset),     cmocka_unit_test(test_cut),
        cmocka_unit_test(test_flipped),     cmocka_unit_test(test_worst_time),
        cmocka_unit_test(test_worst_zones), cmocka_unit_test(test_too_long),
    };

    mime_start();
    calendar_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
