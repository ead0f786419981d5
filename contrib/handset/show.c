/* SPDX-License-Identifier: ISC */
/* show.c - a message on a terminal.
 * Here:       the layout, and what never reaches the terminal.
 * Elsewhere:  opening the message (messages.c).
 * Called by:  messages.c, main.c. A sender, or the server, controls every string here.
 * Source:     RFC 3629 (UTF-8); UAX 9 (directions). */
#include "contrib/handset/show.h"
#include "contrib/handset/json.h"
#include <time.h>

#define TIME_MAX 253402300799 /* the year 9999 */

/* take_rune - the character at p, which has left > 0 bytes; returns its length, 0 when
 * it is no UTF-8 (overlong, surrogate, beyond U+10FFFF, cut). */
static size_t take_rune(const unsigned char *p, size_t left, uint32_t *rune)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n;

    if (p[0] < 0x80) {
        *rune = p[0];
        return 1;
    }
    n = p[0] >= 0xf8 ? 0 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    if (n == 0 || n > left)
        return 0;
    *rune = p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *rune = *rune << 6 | (p[i] & 0x3fU);
    }
    return *rune < least[n] || *rune > 0x10ffff || (*rune & 0xfffff800) == 0xd800 ? 0
                                                                                  : n;
}

static bool is_hidden(uint32_t rune)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        { 0x00, 0x1f },       { 0x7f, 0x9f },     { 0x61c, 0x61c },
        { 0x200e, 0x200f },   { 0x2028, 0x202e }, { 0x2066, 0x2069 },
        { 0xfff9, 0xfffb },   { 0xfeff, 0xfeff }, /* annotations, byte order mark */
        { 0xe0000, 0xe007f },                     /* tags */
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (rune >= ranges[i].from && rune <= ranges[i].to)
            return true;
    return false;
}

void show_text(FILE *out, struct span text, bool lines)
{
    const unsigned char *p = (const unsigned char *)text.p;
    uint32_t rune = 0;

    for (size_t i = 0, n; i < text.n; i += n) {
        n = take_rune(p + i, text.n - i, &rune);
        if (n == 0 || (is_hidden(rune) && !(lines && (rune == '\n' || rune == '\t')))) {
            (void)fputc('?', out);
            n = n == 0 ? 1 : n;
        } else {
            (void)fwrite(p + i, 1, n, out);
        }
    }
}

static void show_member(FILE *out, const json_t *j, const char *name)
{
    show_text(out, json_member(j, name), false);
}

/* show_time - of Unix seconds; "-" for none, or one beyond any calendar. of_utc: what
 * UTC's clock shows then. */
static void show_time(FILE *out, json_int_t at, const char *format, bool of_utc)
{
    const time_t seconds = (time_t)at;
    struct tm tm;
    char text[64];

    if (at <= 0 || at > TIME_MAX ||
        (of_utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)) == NULL ||
        strftime(text, sizeof text, format, &tm) == 0)
        (void)fputc('-', out);
    else
        (void)fputs(text, out);
}

static void show_date(FILE *out, const json_t *when)
{
    show_time(out, json_integer_value(when), "%Y-%m-%d %H:%M", false);
}

void show_line(FILE *out, const char *id, bool read, const json_t *manifest)
{
    (void)fprintf(out, "%s ", id);
    if (manifest == NULL) {
        (void)fputs("- unreadable - ask the sender to send it again\n", out);
        return;
    }
    show_date(out, json_object_get(manifest, "date"));
    (void)fputs(read ? " read " : " new ", out);
    show_member(out, json_object_get(manifest, "from"), "brand");
    (void)fputs(": ", out);
    show_member(out, manifest, "subject");
    (void)fputc('\n', out);
}

void show_head(FILE *out, const json_t *manifest)
{
    const json_t *from = json_object_get(manifest, "from"), *part;
    size_t i;

    (void)fputs("From: ", out);
    show_member(out, from, "brand");
    (void)fputs(" <", out);
    show_member(out, from, "address");
    (void)fputs(">\nSubject: ", out);
    show_member(out, manifest, "subject");
    (void)fputs("\nDate: ", out);
    show_date(out, json_object_get(manifest, "date"));
    (void)fputc('\n', out);
    json_array_foreach(json_object_get(manifest, "parts"), i, part)
    {
        (void)fprintf(out, "Part %lld: ",
                      (long long)json_integer_value(json_object_get(part, "n")));
        show_member(out, part, "name");
        (void)fputs(" (", out);
        show_member(out, part, "type");
        (void)fprintf(out, ", %lld bytes)\n",
                      (long long)json_integer_value(json_object_get(part, "size")));
    }
}

/* 0: none, or beyond any calendar. */
static json_int_t time_member(const json_t *a, const char *name)
{
    const json_int_t at = json_integer_value(json_object_get(a, name));

    return at > 0 && at <= TIME_MAX ? at : 0;
}

/* Of whole days the last, not the one behind it. Of a time without a zone the hour as
 * it was written. */
static void show_when(FILE *out, const json_t *a)
{
    const json_int_t start = time_member(a, "start"), end = time_member(a, "end");
    const bool floating = json_is_true(json_object_get(a, "floating"));

    if (json_is_true(json_object_get(a, "all_day"))) {
        show_time(out, start, "%A %Y-%m-%d", true);
        if (end - 86400 > start) {
            (void)fputs(" to ", out);
            show_time(out, end - 86400, "%A %Y-%m-%d", true);
        }
        return;
    }
    show_time(out, start, floating ? "%A %Y-%m-%d %H:%M" : "%A %Y-%m-%d %H:%M %Z",
              floating);
    if (end > start) {
        (void)fputs(" to ", out);
        show_time(out, end, end - start < 86400 ? "%H:%M" : "%Y-%m-%d %H:%M", floating);
    }
}

void show_appointment(FILE *out, const json_t *manifest)
{
    const json_t *const a = json_object_get(manifest, "appointment");

    if (!json_is_object(a))
        return;
    (void)fputs(strcmp(json_text(a, "method"), "CANCEL") == 0 ? "Cancelled: "
                                                              : "Appointment: ",
                out);
    show_member(out, a, "summary");
    (void)fputs("\nWhen: ", out);
    show_when(out, a);
    if (json_member(a, "location").n > 0) {
        (void)fputs("\nWhere: ", out);
        show_member(out, a, "location");
    }
    (void)fputs("\n\n", out);
}

void show_device(FILE *out, const json_t *device)
{
    show_member(out, device, "id");
    (void)fputc(' ', out);
    show_member(out, device, "type");
    (void)fputc(' ', out);
    show_date(out, json_object_get(device, "seen"));
    (void)fputc(' ', out);
    show_member(out, device, "label");
    if (json_is_true(json_object_get(device, "held")))
        (void)fputs(" (held)", out);
    (void)fputs(json_is_true(json_object_get(device, "this")) ? " (this one)\n" : "\n",
                out);
}
