/* SPDX-License-Identifier: ISC */
/* mime_tags.c - HTML as texts and tags.
 * Here:       where a tag, a comment and a reference begin and end.
 * Elsewhere:  what a tag means (mime_html.c), the names of characters (mime_entity.c).
 * Called by:  mime_html.c.
 * Source:     HTML Living Standard 13.2.5 (tokenization). Where a tag never ends, the
 *             standard drops it; here it is text: a mail's words are not lost. */
#include "relay/mime_tags.h"
#include "relay/mime_inner.h"
#include <string.h>
#include <strings.h>

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '\f';
}

static bool is_letter(char ch)
{
    return (ch | 0x20) >= 'a' && (ch | 0x20) <= 'z';
}

static bool next_is(const struct cur *c, const char *any)
{
    return !cur_done(c) && *c->p != '\0' && strchr(any, *c->p) != NULL;
}

static void skip_blanks(struct cur *c)
{
    while (!cur_done(c) && is_blank(*c->p))
        c->p++;
}

/* Up to a blank or one of these. */
static struct span take_until(struct cur *c, const char *any)
{
    const char *const start = c->p;

    while (!cur_done(c) && !is_blank(*c->p) && !next_is(c, any))
        c->p++;
    return span_of(start, (size_t)(c->p - start));
}

/* Behind the next needle, or at the end. */
static bool skip_past(struct cur *c, const char *needle)
{
    const size_t n = strlen(needle);
    const char *const at = memmem(c->p, cur_left(c), needle, n);

    c->p = at != NULL ? at + n : c->end;
    return at != NULL;
}

/* "..." or '...', or up to a blank. False: a quote that nothing closes. */
static bool take_value(struct cur *c, bool quotes, struct span *out)
{
    const char *start, *end;

    skip_blanks(c);
    if (!quotes || !next_is(c, "\"'")) {
        *out = take_until(c, ">");
        return true;
    }
    start = c->p + 1;
    end = memchr(start, *c->p, (size_t)(c->end - start));
    if (end == NULL)
        return false;
    *out = span_of(start, (size_t)(end - start));
    c->p = end + 1;
    return true;
}

/* 1: taken; 0: the tag has no more; -1: it never ends. */
static int take_attribute(struct cur *c, bool quotes, struct html_tag *tag)
{
    struct span name, value = { NULL, 0 };

    while (!cur_done(c) && (is_blank(*c->p) || *c->p == '/'))
        c->p++;
    if (cur_done(c))
        return -1;
    if (*c->p == '>')
        return 0;
    name.p = c->p++; /* whatever it is: a name may begin with "=" */
    name.n = 1 + take_until(c, "/>=").n;
    skip_blanks(c);
    if (cur_byte(c, '=') && !take_value(c, quotes, &value))
        return -1;
    if (span_ieq_str(name, "href"))
        tag->href = value;
    else if (span_ieq_str(name, "alt"))
        tag->alt = value;
    else if (span_ieq_str(name, "style"))
        tag->style = value;
    else if (span_ieq_str(name, "hidden"))
        tag->hidden = true;
    return 1;
}

static void set_name(struct html_tag *tag, struct span name)
{
    (void)span_copy(tag->name, sizeof tag->name, name);
    for (char *p = tag->name; *p != '\0'; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
}

/* At "<". 1: taken (a comment has no name); 0: a "<" that begins nothing; -1: what it
 * begins never ends. The cursor is moved only by 1. */
static int take_tag(struct cur *c, bool quotes, struct html_tag *tag)
{
    const char *const start = c->p++;
    int more;

    *tag = (struct html_tag){ .name = "" };
    if (cur_word(c, "!--")) {
        if (!cur_word(c, ">") && !cur_word(c, "->"))
            (void)skip_past(c, "-->"); /* an open one hides the rest everywhere */
        return 1;
    }
    if (next_is(c, "!?")) {
        if (skip_past(c, ">"))
            return 1;
        c->p = start;
        return -1;
    }
    tag->end = cur_byte(c, '/');
    if (cur_done(c) || !is_letter(*c->p))
        return cur_back(c, start);
    set_name(tag, take_until(c, "/>"));
    while ((more = take_attribute(c, quotes, tag)) == 1)
        continue;
    if (more < 0) {
        c->p = start;
        return -1;
    }
    c->p++;
    return 1;
}

/* Elements whose inside is no HTML, and not for readers. */
static void skip_raw(struct cur *c, const struct html_tag *tag)
{
    static const char *const raws[] = { "script", "style",    "title",
                                        "iframe", "noframes", "noembed" };
    const size_t n = strlen(tag->name);
    bool raw = false;

    for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++)
        raw |= !tag->end && strcmp(tag->name, raws[i]) == 0;
    while (raw && !cur_done(c)) {
        const char *const lt = memchr(c->p, '<', cur_left(c));

        c->p = lt != NULL ? lt : c->end;
        if (cur_left(c) > n + 2 && c->p[1] == '/' &&
            strncasecmp(c->p + 2, tag->name, n) == 0 && !is_letter(c->p[n + 2]))
            return;
        c->p += lt != NULL;
    }
}

/* What windows-1252 has where Unicode has controls: "&#146;" is meant so. */
static uint32_t from_windows(uint32_t cp)
{
    static const uint16_t letters[32] = {
        0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
        0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
        0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
        0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
    };

    return cp >= 0x80 && cp < 0xa0 ? letters[cp - 0x80] : cp;
}

static int digit_value(char ch, unsigned base)
{
    if (is_digit(ch))
        return ch - '0';
    if (base == 16 && (ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')
        return (ch | 0x20) - 'a' + 10;
    return -1;
}

/* Behind "&#". */
static bool take_number(struct cur *c, uint32_t *out)
{
    const unsigned base = cur_word(c, "x") ? 16 : 10;
    const char *const start = c->p;
    uint32_t cp = 0;

    while (!cur_done(c) && digit_value(*c->p, base) >= 0) {
        cp = cp * base + (uint32_t)digit_value(*c->p++, base);
        if (cp > 0x10ffff)
            cp = 0x110000; /* and stays too large */
    }
    *out = from_windows(cp);
    return c->p > start;
}

/* At "&". False: a "&" that is only that; the cursor stays. */
static bool take_reference(struct cur *c, uint32_t *out)
{
    const char *const start = c->p++;
    struct span name;

    if (cur_byte(c, '#')) {
        if (take_number(c, out)) {
            (void)cur_byte(c, ';');
            return true;
        }
        c->p = start;
        return false;
    }
    name.p = c->p;
    while (!cur_done(c) && (is_letter(*c->p) || is_digit(*c->p)))
        c->p++;
    name.n = (size_t)(c->p - name.p);
    *out = html_entity(name);
    if (*out != 0 && (cur_byte(c, ';') || *out < 0x100)) /* old names may lack it */
        return true;
    c->p = start;
    return false;
}

/* "" where there is no such character. */
static struct span letter_of(uint32_t cp, char room[4])
{
    if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        return span_of(room, 0);
    return span_of(room, mime_put_utf8(room, cp));
}

void html_start(struct html_cur *h, struct span utf8)
{
    *h = (struct html_cur){ .c = cur_of(utf8) };
}

/* A tag at the cursor. A quote that nothing closes is no quote: there can be but two,
 * so this stays linear, as does a mail without ">". */
static bool try_tag(struct html_cur *h, struct html_tag *tag)
{
    int rc = 0;

    if (!h->only_text)
        rc = take_tag(&h->c, true, tag);
    if (rc < 0)
        rc = take_tag(&h->c, false, tag);
    h->only_text |= rc < 0;
    return rc == 1;
}

enum html_what html_take(struct html_cur *h, struct span *text, struct html_tag *tag)
{
    struct cur *const c = &h->c;
    const char *const start = c->p;
    uint32_t cp;

    if (cur_done(c))
        return HTML_END;
    if (*c->p == '<' && try_tag(h, tag)) {
        skip_raw(c, tag);
        return HTML_TAG;
    }
    if (*c->p == '&' && take_reference(c, &cp)) {
        *text = letter_of(cp, h->letter);
        return HTML_TEXT;
    }
    c->p++; /* a lone "<" or "&", or any other */
    while (!cur_done(c) && *c->p != '<' && *c->p != '&')
        c->p++;
    *text = span_of(start, (size_t)(c->p - start));
    return HTML_TEXT;
}

void html_put_value(struct buf *out, struct span value)
{
    struct cur c = cur_of(value);
    char room[4];
    uint32_t cp;

    while (!cur_done(&c)) {
        if (*c.p == '&' && take_reference(&c, &cp))
            buf_put_span(out, letter_of(cp, room));
        else
            buf_put_u8(out, (uint8_t)*c.p++);
    }
}
