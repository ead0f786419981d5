/* SPDX-License-Identifier: ISC */
/* calendar.c - the appointment in a text/calendar part.
 * Here:       which calendars count, and the members that are text.
 * Elsewhere:  the lines (calendar_lines.c), times and series (calendar_time.c).
 * Called by:  mime.c.
 * Source:     RFC 5545 3.3.11, 3.7.2, 3.8; RFC 5546 3.2. */
#include "relay/calendar.h"
#include "relay/calendar_inner.h"
#include "relay/mime_inner.h"
#include <openssl/crypto.h>

/* Of a mail that comes without METHOD nobody wants an answer. STATUS says of an event
 * what METHOD:CANCEL says of a mail. NULL: an answer, a counter-proposal, ... */
static const char *method_of(const struct ics *ics)
{
    static const char *const methods[] = { "REQUEST", "PUBLISH", "CANCEL" };
    const bool cancelled = span_ieq_str(ics->fields[ICS_STATUS].value, "CANCELLED");

    if (ics->method.n == 0)
        return cancelled ? "CANCEL" : "PUBLISH";
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_ieq_str(ics->method, methods[i]))
            return cancelled ? "CANCEL" : methods[i];
    return NULL;
}

/* "\n", "\,", "\;", "\\" */
static void unescape(struct buf *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        char ch = b->p[i];

        if (ch == '\\' && i + 1 < b->n) {
            ch = b->p[++i];
            ch = ch == 'n' || ch == 'N' ? '\n' : ch;
        }
        b->p[n++] = ch;
    }
    b->n = n;
}

/* Text for people; of what is too long the beginning. */
static void set_text(char *to, size_t room, const struct ics_line *line,
                     const char *charset, bool one_line)
{
    struct buf raw, clean;
    struct mime_text in = { .buf = &raw, .max = 2 * room };
    struct mime_text out = { .buf = &clean, .max = room - 1 };

    buf_init(&raw, in.max + 1);
    buf_init(&clean, out.max + 1);
    mime_text_decode(&in, line->value, charset);
    unescape(&raw);
    if (one_line) {
        (void)mime_line_set(to, room, buf_cstr(&raw));
    } else {
        mime_text_put(&out, buf_span(&raw));
        mime_text_trim(&clean, 0);
        (void)span_copy(to, room, buf_span(&clean));
    }
    buf_wipe(&raw);
    buf_wipe(&clean);
}

/* Printable ASCII that needs no quotes; to is "" otherwise: half an id is none. */
static void set_word(char *to, size_t room, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return;
    (void)span_copy(to, room, s);
}

static void set_organizer(struct calendar_event *out, struct span s)
{
    struct cur c = cur_of(s);
    const char *at;

    if (!cur_word(&c, "mailto:"))
        return;
    s = span_of(c.p, cur_left(&c));
    at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;
    if (at == NULL || at == s.p || at + 1 == s.p + s.n)
        return;
    for (size_t i = 0; i < s.n; i++)
        if (strchr(" <>,;:\"()[]\\", s.p[i]) != NULL)
            return;
    set_word(out->organizer, sizeof out->organizer, s);
}

static uint32_t number_of(struct span s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) || i == 9)
            return 0;
        n = 10 * n + (uint32_t)(s.p[i] - '0');
    }
    return n;
}

static void set_members(struct calendar_event *out, const struct ics *ics,
                        const char *charset)
{
    const struct ics_line *const f = ics->fields;

    set_text(out->summary, sizeof out->summary, &f[ICS_SUMMARY], charset, true);
    set_text(out->location, sizeof out->location, &f[ICS_LOCATION], charset, true);
    set_text(out->description, sizeof out->description, &f[ICS_DESCRIPTION], charset,
             false);
    set_word(out->uid, sizeof out->uid, f[ICS_UID].value);
    set_organizer(out, f[ICS_ORGANIZER].value);
    out->sequence = number_of(f[ICS_SEQUENCE].value);
}

bool calendar_read(struct calendar_event *out, struct span raw, const char *charset,
                   int64_t now_s)
{
    struct ics ics;
    bool good;

    memset(out, 0, sizeof *out);
    if (!ics_read(&ics, raw))
        return false;
    out->method = method_of(&ics);
    good = out->method != NULL && ics_when(&ics, now_s, out);
    if (good)
        set_members(out, &ics, charset);
    else
        OPENSSL_cleanse(out, sizeof *out);
    ics_clear(&ics);
    return good;
}
