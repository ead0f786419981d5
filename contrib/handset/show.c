/* SPDX-License-Identifier: ISC */
/* show.c - a message on a terminal.
 * Here:       the layout, and what never reaches the terminal.
 * Elsewhere:  opening the message (main.c).
 * Called by:  main.c. A sender controls every string here. */
#include "contrib/handset/show.h"
#include <time.h>

/* U+0080-9F (C1 controls), U+200E-200F, U+202A-202E, U+2066-2069 (directions). */
static size_t hidden_length(const char *p, size_t left)
{
    const unsigned char *u = (const unsigned char *)p;

    if (left >= 2 && u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f)
        return 2;
    if (left >= 3 && u[0] == 0xe2 && u[1] == 0x80 &&
        ((u[2] >= 0x8e && u[2] <= 0x8f) || (u[2] >= 0xaa && u[2] <= 0xae)))
        return 3;
    if (left >= 3 && u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9)
        return 3;
    return 0;
}

void show_text(FILE *out, struct span text, bool lines)
{
    for (size_t i = 0; i < text.n;) {
        const size_t hidden = hidden_length(text.p + i, text.n - i);
        const unsigned char ch = (unsigned char)text.p[i];
        const bool control =
            (ch < ' ' && !(lines && (ch == '\n' || ch == '\t'))) || ch == 0x7f;

        (void)fputc(hidden > 0 || control ? '?' : ch, out);
        i += hidden > 0 ? hidden : 1;
    }
}

static struct span member(const json_t *j, const char *name)
{
    const json_t *v = json_object_get(j, name);

    return json_is_string(v) ? span_of(json_string_value(v), json_string_length(v))
                             : span_of("", 0);
}

static void show_date(FILE *out, const json_t *manifest)
{
    const time_t when = (time_t)json_integer_value(json_object_get(manifest, "date"));
    struct tm tm;
    char text[32];

    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M", localtime_r(&when, &tm));
    (void)fputs(text, out);
}

void show_line(FILE *out, const char *id, bool read, const json_t *manifest)
{
    (void)fprintf(out, "%s ", id);
    if (manifest == NULL) {
        (void)fputs("- unreadable - ask the sender to send it again\n", out);
        return;
    }
    show_date(out, manifest);
    (void)fputs(read ? " read " : " new ", out);
    show_text(out, member(json_object_get(manifest, "from"), "brand"), false);
    (void)fputs(": ", out);
    show_text(out, member(manifest, "subject"), false);
    (void)fputc('\n', out);
}

void show_head(FILE *out, const json_t *manifest)
{
    const json_t *from = json_object_get(manifest, "from"), *part;
    size_t i;

    (void)fputs("From: ", out);
    show_text(out, member(from, "brand"), false);
    (void)fputs(" <", out);
    show_text(out, member(from, "address"), false);
    (void)fputs(">\nSubject: ", out);
    show_text(out, member(manifest, "subject"), false);
    (void)fputs("\nDate: ", out);
    show_date(out, manifest);
    (void)fputc('\n', out);
    json_array_foreach(json_object_get(manifest, "parts"), i, part)
    {
        (void)fprintf(out, "Part %zu: ", i + 1);
        show_text(out, member(part, "name"), false);
        (void)fputs(" (", out);
        show_text(out, member(part, "type"), false);
        (void)fprintf(out, ", %lld bytes)\n",
                      (long long)json_integer_value(json_object_get(part, "size")));
    }
}
