/* SPDX-License-Identifier: ISC */
/* mime_quote.c - what a person wrote, without the mail that they answered.
 * Here:       quoted lines, the line above them, separators, signatures.
 * Elsewhere:  HTML, where a blockquote became "> " lines (mime_html.c).
 * Called by:  whoever hands the answer to an alias on to a handset.
 * Source:     RFC 3676 4.3 (signature), 4.5 (quotes); Outlook's and Apple's habits. */
#include "relay/mime.h"
#include "relay/mime_inner.h"
#include <string.h>
#include <strings.h>

#define ATTRIBUTION_LINES 3U /* "On ... wrote:" is wrapped by narrow clients */

static struct span line_at(struct span text, size_t at)
{
    const char *const p = text.p + at;
    const char *const lf = memchr(p, '\n', text.n - at);

    return span_of(p, lf != NULL ? (size_t)(lf - p) : text.n - at);
}

static bool is_blank_line(struct span line)
{
    for (size_t i = 0; i < line.n; i++)
        if (strchr(" \t\r", line.p[i]) == NULL || line.p[i] == '\0')
            return false;
    return true;
}

static bool starts_with(struct span line, const char *word)
{
    struct cur c = cur_of(line);

    return cur_word(&c, word);
}

static bool ends_with(struct span line, const char *word)
{
    const size_t n = strlen(word);

    while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1]) != NULL)
        line.n--;
    return line.n >= n && strncasecmp(line.p + line.n - n, word, n) == 0;
}

static bool is_quote(struct span line)
{
    return line.n > 0 && line.p[0] == '>';
}

/* Where a client says that the rest is not from this person. */
static bool is_separator(struct span text, size_t at)
{
    static const char *const words[] = {
        "-----Original Message-----",    "-----Urspr\xc3\xbcngliche Nachricht-----",
        "-----Message d'origine-----",   "-----Mensaje original-----",
        "-----Messaggio originale-----", "-----Oorspronkelijk bericht-----",
    };
    const struct span line = line_at(text, at);
    size_t next;

    if (span_eq_str(line, "-- ") || span_eq_str(line, "-- \r"))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (starts_with(line, words[i]))
            return true;
    next = at + line.n + 1;
    return starts_with(line, "From: ") && next < text.n &&
           (starts_with(line_at(text, next), "Sent: ") ||
            starts_with(line_at(text, next), "Date: "));
}

/* "On Monday, somebody wrote:" in one to three lines: its length, or 0. */
static size_t attribution(struct span text, size_t at)
{
    size_t end = at;

    if (!starts_with(line_at(text, at), "On "))
        return 0;
    for (unsigned i = 0; i < ATTRIBUTION_LINES && end < text.n; i++) {
        const struct span line = line_at(text, end);

        if (is_blank_line(line) || is_quote(line))
            return 0;
        end += line.n + 1;
        if (ends_with(line, "wrote:"))
            return (end < text.n ? end : text.n) - at;
    }
    return 0;
}

/* Behind it nothing but quoted and blank lines. Found once: a mail of many quotes would
 * else be read once for each of them. */
static size_t last_own_end(struct span text)
{
    size_t end = 0;

    for (size_t at = 0; at < text.n;) {
        const struct span line = line_at(text, at);

        at += line.n + 1;
        if (!is_quote(line) && !is_blank_line(line))
            end = at < text.n ? at : text.n;
    }
    return end;
}

/* A quoted line is the first at or behind at that is not blank. */
static bool quote_follows(struct span text, size_t at)
{
    while (at < text.n && is_blank_line(line_at(text, at)))
        at += line_at(text, at).n + 1;
    return at < text.n && is_quote(line_at(text, at));
}

/* An answer between the quoted lines needs them: then all of it stays. */
static bool ends_own_words(struct span text, size_t at, size_t own_end)
{
    const size_t n = attribution(text, at);

    if (is_separator(text, at))
        return true;
    if (n > 0)
        return !quote_follows(text, at + n) || at + n >= own_end;
    return at >= own_end && is_quote(line_at(text, at));
}

static size_t trimmed(struct span text, size_t n)
{
    while (n > 0 && strchr(" \t\r\n", text.p[n - 1]) != NULL && text.p[n - 1] != '\0')
        n--;
    return n;
}

size_t mime_strip_quote(struct span text)
{
    const size_t own_end = last_own_end(text);

    for (size_t at = 0; at < text.n; at += line_at(text, at).n + 1)
        if (ends_own_words(text, at, own_end)) {
            const size_t n = trimmed(text, at);

            if (n > 0 || at + attribution(text, at) >= own_end)
                return n;
            break; /* nothing stands above it: then this is what they wrote */
        }
    return trimmed(text, text.n);
}
