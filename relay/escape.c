/* SPDX-License-Identifier: ISC */
/* escape.c - Kannel's escape codes.
 * Here:       what each code stands for, its encoding.
 * Elsewhere:  where the URL may go (callback.c), who asks for it (plugin/callback.c).
 * Called by:  report_app.c, reply.c.
 * Source:     Kannel userguide, "Parameters (Escape Codes)"; behaviour of smsbox 1.4.5.
 *
 * The text's words are joined once, by single blanks; from then on each code costs no
 * more than what it writes, and writing ends at the buffer's cap. */
#include "relay/escape.h"
#include <time.h>

struct filling {
    const struct escape_values *v;
    struct buf words; /* "word word word" */
    size_t next;      /* where the word for the next %s begins */
    struct buf *out;
};

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_safe(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("-_.!~*'()", c) != NULL);
}

/* Of RFC 3986, and "%", "[" and "]": what may stand in a URL as it is. */
static bool is_of_url(char c)
{
    return c > ' ' && c <= '~' && strchr("\"<>\\^`{|}", c) == NULL;
}

static void put_hex(struct buf *out, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t byte = (uint8_t)c;

    buf_put_u8(out, (uint8_t)digits[byte >> 4]);
    buf_put_u8(out, (uint8_t)digits[byte & 15]);
}

static void put_byte(struct buf *out, char c, bool as_it_is)
{
    if (as_it_is) {
        buf_put_u8(out, (uint8_t)c);
    } else {
        buf_put_u8(out, '%');
        put_hex(out, c);
    }
}

static void put_encoded_byte(struct buf *out, char c)
{
    if (c == ' ')
        buf_put_u8(out, '+');
    else
        put_byte(out, c, is_safe(c));
}

static void put_encoded(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n && buf_ok(out); i++)
        put_encoded_byte(out, s.p[i]);
}

/* %q and %Q: "00" is the plus of an international number. */
static void put_international(struct buf *out, struct span number)
{
    if (number.n >= 2 && number.p[0] == '0' && number.p[1] == '0') {
        buf_put(out, "%2B");
        number = span_of(number.p + 2, number.n - 2);
    }
    put_encoded(out, number);
}

static void put_payload_hex(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n && buf_ok(out); i++)
        put_hex(out, s.p[i]);
}

static void words_of(struct span text, struct buf *words)
{
    size_t i = 0;

    while (i < text.n) {
        const size_t start = i;

        while (i < text.n && !is_blank(text.p[i]))
            i++;
        if (i > start && words->n > 0)
            buf_put_u8(words, ' ');
        buf_put_mem(words, text.p + start, i - start);
        while (i < text.n && is_blank(text.p[i]))
            i++;
    }
}

/* The word at an offset, which is moved to the one behind it; empty: no more. */
static struct span take_word(const struct buf *words, size_t *at)
{
    const struct span left = span_of(words->p + *at, words->n - *at);
    const char *const end = left.n == 0 ? NULL : memchr(left.p, ' ', left.n);
    const size_t n = end == NULL ? left.n : (size_t)(end - left.p);

    *at += n + (end != NULL);
    return span_of(left.p, n);
}

static void put_unencoded(struct buf *out, struct span word)
{
    for (size_t i = 0; i < word.n && buf_ok(out); i++)
        put_byte(out, word.p[i] == '*' ? '~' : word.p[i], is_of_url(word.p[i]));
}

static void put_time(struct buf *out, uint64_t time_s)
{
    const time_t t = (time_t)time_s;
    char text[64];
    struct tm tm;

    if (gmtime_r(&t, &tm) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%d+%H:%M:%S", &tm) > 0)
        buf_put(out, text);
}

static const char *charset_of(int32_t coding)
{
    switch (coding) {
    case 1:
        return "8-BIT";
    case 2:
        return "UTF-16BE";
    default:
        return "UTF-8";
    }
}

/* The data coding scheme (3GPP TS 23.038) without message waiting and compression. */
static unsigned dcs_of(const struct escape_values *v)
{
    unsigned dcs = v->coding > 0 ? ((unsigned)v->coding & 3) << 2 : 0;

    if (v->mclass >= 0)
        dcs |= 0x10 | ((unsigned)v->mclass & 3);
    return dcs;
}

/* A byte of URL-encoded text; one that is not encoded well stands for itself. */
static char take_decoded(struct cur *c)
{
    const char ch = *c->p++;
    int value = 0;

    if (ch == '+')
        return ' ';
    if (ch != '%' || cur_left(c) < 2)
        return ch;
    for (int i = 0; i < 2; i++) {
        const char digit = c->p[i];

        if (!is_digit(digit) && !((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f'))
            return ch;
        value =
            value * 16 + (is_digit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    c->p += 2;
    return (char)value;
}

static struct span take_until(struct cur *c, const char *ends)
{
    const char *const start = c->p;

    while (!cur_done(c) && (*c->p == '\0' || strchr(ends, *c->p) == NULL))
        c->p++;
    return span_of(start, (size_t)(c->p - start));
}

static bool is_same(struct span a, struct span b, bool any_case)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i] &&
            !(any_case && is_alnum(a.p[i]) && (a.p[i] | 0x20) == (b.p[i] | 0x20)))
            return false;
    return true;
}

/* meta-data = *("?" group "?" *(name "=" value "&")); false: no such value. */
static bool meta_value(struct span meta, struct span group, struct span name,
                       struct span *out)
{
    struct cur c = cur_of(meta);
    bool here;

    while (cur_byte(&c, '?')) {
        here = is_same(take_until(&c, "?"), group, true);
        if (!cur_byte(&c, '?'))
            return false;
        while (!cur_done(&c) && *c.p != '?') {
            const struct span key = take_until(&c, "=&?");

            *out = cur_byte(&c, '=') ? take_until(&c, "&?") : span_of(NULL, 0);
            if (here && is_same(key, name, false))
                return true;
            (void)cur_byte(&c, '&');
        }
    }
    return false;
}

/* "%#" was taken; "group#name#" follows, or the two stay as they are. */
static void put_meta_value(struct filling *f, struct cur *pattern)
{
    const char *const start = pattern->p;
    struct span group, name, value;
    struct cur c;

    group = take_until(pattern, "#");
    if (cur_byte(pattern, '#')) {
        name = take_until(pattern, "#");
        if (cur_byte(pattern, '#')) {
            if (!meta_value(f->v->meta_data, group, name, &value))
                return;
            c = cur_of(value);
            while (!cur_done(&c) && buf_ok(f->out))
                put_encoded_byte(f->out, take_decoded(&c));
            return;
        }
    }
    (void)cur_back(pattern, start);
    buf_put(f->out, "%#");
}

/* The codes that stand for the text or pieces of it. */
static bool put_text(struct filling *f, char code)
{
    size_t first = 0;

    switch (code) {
    case 'a':
        put_encoded(f->out, buf_span(&f->words));
        return true;
    case 'A':
    case 'b':
        put_encoded(f->out, f->v->text);
        return true;
    case 'e':
        put_payload_hex(f->out, f->v->text);
        return true;
    case 'k':
        put_encoded(f->out, take_word(&f->words, &first));
        return true;
    case 'r':
        put_encoded(f->out, span_of(f->words.p + f->next, f->words.n - f->next));
        return true;
    case 's':
        put_encoded(f->out, take_word(&f->words, &f->next));
        return true;
    case 'S':
        put_unencoded(f->out, take_word(&f->words, &f->next));
        return true;
    default:
        return false;
    }
}

static bool put_number(struct filling *f, char code)
{
    switch (code) {
    case 'c':
        buf_printf(f->out, "%d", (int)f->v->coding);
        return true;
    case 'd':
        buf_printf(f->out, "%u", (unsigned)f->v->event);
        return true;
    case 'm':
        buf_printf(f->out, "%d", (int)f->v->mclass);
        return true;
    case 'M':
        buf_put(f->out, "-1");
        return true;
    case 'O':
        buf_printf(f->out, "%02u", dcs_of(f->v));
        return true;
    case 't':
        put_time(f->out, f->v->time_s);
        return true;
    case 'T':
        buf_printf(f->out, "%llu", (unsigned long long)f->v->time_s);
        return true;
    default:
        return false;
    }
}

/* What is written as it came; NULL: no such code. */
static const struct span *value_of(const struct escape_values *v, char code)
{
    static const struct span none;

    switch (code) {
    case 'B':
        return &v->binfo;
    case 'D':
        return &v->meta_data;
    case 'F':
        return &v->foreign_id;
    case 'i':
        return &v->smsc;
    case 'I':
        return &v->id;
    case 'n':
        return &v->service;
    case 'o':
        return &v->account;
    case 'p':
        return &v->from;
    case 'P':
        return &v->to;
    case 'R':
        return &v->dlr_url;
    case 'f':
    case 'u':
    case 'v':
    case 'V':
        return &none;
    default:
        return NULL;
    }
}

static void put_code(struct filling *f, char code, struct cur *pattern)
{
    const struct span *const value = value_of(f->v, code);

    if (value != NULL) {
        put_encoded(f->out, *value);
    } else if (code == 'q' || code == 'Q') {
        put_international(f->out, code == 'q' ? f->v->from : f->v->to);
    } else if (code == 'C') {
        if (f->v->charset.n > 0)
            put_encoded(f->out, f->v->charset);
        else
            buf_put(f->out, charset_of(f->v->coding));
    } else if (code == '%') {
        buf_put_u8(f->out, '%');
    } else if (code == '#') {
        put_meta_value(f, pattern);
    } else if (!put_text(f, code) && !put_number(f, code)) {
        buf_put_u8(f->out, '%');
        buf_put_u8(f->out, (uint8_t)code);
    }
}

void escape_url(struct span pattern, const struct escape_values *v, struct buf *out)
{
    struct filling f = { .v = v, .out = out };
    struct cur c = cur_of(pattern);

    buf_init(&f.words, v->text.n);
    words_of(v->text, &f.words);
    if (!buf_ok(&f.words))
        out->failed = true;
    (void)take_word(&f.words, &f.next); /* %k's */
    while (!cur_done(&c) && buf_ok(out)) {
        buf_put_span(out, take_until(&c, "%"));
        if (cur_left(&c) == 1) /* a last "%" */
            buf_put_u8(out, (uint8_t)*c.p++);
        if (cur_done(&c))
            break;
        c.p += 2;
        put_code(&f, c.p[-1], &c);
    }
    buf_wipe(&f.words);
}
