/* SPDX-License-Identifier: ISC */
/* mime_text.c - bytes of any charset to text that is safe to show.
 * Here:       charsets, UTF-8 made valid, controls dropped, lines, names, ids.
 * Elsewhere:  which bytes are text (mime.c), HTML (mime_html.c).
 * Called by:  mime.c, mime_html.c, compose.c.
 * Source:     WHATWG Encoding 4.2 for the labels (Latin-1 means windows-1252 in mail as
 *             on the web); Unicode UAX 9 for the bidirectional controls. */
#include "relay/mime.h"
#include "relay/mime_inner.h"
#include "relay/utf8.h"
#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 40U
#define ID_MAX 252U
#define ENDING_MAX 16U
#define REPLACEMENT 0xfffdU

/* A converter stays open from the start: iconv reads files to open one, and the sandbox
 * has none. unit: bytes to skip where input is no character. */
struct charset {
    const char *iconv_name;
    const char *labels; /* each between blanks, lower case */
    unsigned unit;
    iconv_t converter;
};

static struct charset charsets[] = {
    { "WINDOWS-1252",
      " windows-1252 cp1252 iso-8859-1 iso8859-1 iso_8859-1 latin1 l1 cp819 ibm819 "
      "x-ansi ansi ",
      1, NULL },
    { "ISO-8859-2", " iso-8859-2 iso8859-2 latin2 l2 ", 1, NULL },
    { "ISO-8859-3", " iso-8859-3 latin3 ", 1, NULL },
    { "ISO-8859-4", " iso-8859-4 latin4 ", 1, NULL },
    { "ISO-8859-5", " iso-8859-5 cyrillic ", 1, NULL },
    { "ISO-8859-6", " iso-8859-6 arabic iso-8859-6-i ", 1, NULL },
    { "ISO-8859-7", " iso-8859-7 greek ", 1, NULL },
    { "ISO-8859-8", " iso-8859-8 iso-8859-8-i iso-8859-8-e hebrew ", 1, NULL },
    { "WINDOWS-1254", " iso-8859-9 latin5 windows-1254 cp1254 ", 1, NULL },
    { "ISO-8859-10", " iso-8859-10 latin6 ", 1, NULL },
    { "CP874", " iso-8859-11 tis-620 windows-874 cp874 ", 1, NULL },
    { "ISO-8859-13", " iso-8859-13 latin7 ", 1, NULL },
    { "ISO-8859-14", " iso-8859-14 latin8 ", 1, NULL },
    { "ISO-8859-15", " iso-8859-15 iso8859-15 latin9 latin-9 ", 1, NULL },
    { "ISO-8859-16", " iso-8859-16 latin10 ", 1, NULL },
    { "WINDOWS-1250", " windows-1250 cp1250 ", 1, NULL },
    { "WINDOWS-1251", " windows-1251 cp1251 ", 1, NULL },
    { "WINDOWS-1253", " windows-1253 cp1253 ", 1, NULL },
    { "WINDOWS-1255", " windows-1255 cp1255 ", 1, NULL },
    { "WINDOWS-1256", " windows-1256 cp1256 ", 1, NULL },
    { "WINDOWS-1257", " windows-1257 cp1257 ", 1, NULL },
    { "WINDOWS-1258", " windows-1258 cp1258 ", 1, NULL },
    { "KOI8-R", " koi8-r koi8 ", 1, NULL },
    { "KOI8-U", " koi8-u ", 1, NULL },
    { "IBM866", " ibm866 cp866 ", 1, NULL },
    { "IBM850", " ibm850 cp850 ", 1, NULL },
    { "IBM437", " ibm437 cp437 ", 1, NULL },
    { "MACINTOSH", " macintosh mac x-mac-roman ", 1, NULL },
    { "CP932", " shift_jis shift-jis sjis x-sjis ms_kanji windows-31j cp932 ", 1,
      NULL },
    { "EUC-JP", " euc-jp x-euc-jp ", 1, NULL },
    { "ISO-2022-JP", " iso-2022-jp csiso2022jp ", 1, NULL },
    { "UHC", " euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc5601 cp949 ", 1, NULL },
    { "ISO-2022-KR", " iso-2022-kr ", 1, NULL },
    { "GB18030", " gb2312 gb_2312-80 gbk gb18030 cp936 euc-cn x-gbk ", 1, NULL },
    { "BIG5-HKSCS", " big5 big5-hkscs x-x-big5 cn-big5 cp950 ", 1, NULL },
    { "UTF-7", " utf-7 unicode-1-1-utf-7 ", 1, NULL },
    { "UTF-16", " utf-16 ucs-2 iso-10646-ucs-2 unicode ", 2, NULL },
    { "UTF-16LE", " utf-16le ", 2, NULL },
    { "UTF-16BE", " utf-16be ", 2, NULL },
    { "UTF-32", " utf-32 ucs-4 ", 4, NULL },
    /* No labels: only GMime asks for these, for RFC 2047 words. */
    { "ISO-8859-1", "", 1, NULL },
    { "ISO-8859-9", "", 1, NULL },
    { "ISO-8859-11", "", 1, NULL },
    { "TIS-620", "", 1, NULL },
    { "SHIFT_JIS", "", 1, NULL },
    { "EUC-KR", "", 1, NULL },
    { "GB2312", "", 1, NULL },
    { "GBK", "", 1, NULL },
    { "BIG5", "", 1, NULL },
};

#define CHARSETS (sizeof charsets / sizeof charsets[0])

void mime_text_start(void)
{
    for (size_t i = 0; i < CHARSETS; i++)
        if (charsets[i].converter == NULL)
            charsets[i].converter = iconv_open("UTF-8", charsets[i].iconv_name);
}

/* NULL: not known here. */
static const struct charset *charset_find(const char *label)
{
    char word[LABEL_MAX + 3] = " ";
    size_t n = 1;

    for (; *label != '\0'; label++) {
        if (n > LABEL_MAX || *label <= ' ')
            return NULL;
        word[n++] = *label >= 'A' && *label <= 'Z' ? (char)(*label | 0x20) : *label;
    }
    word[n++] = ' ';
    word[n] = '\0';
    for (size_t i = 0; n > 2 && i < CHARSETS; i++)
        if (strstr(charsets[i].labels, word) != NULL)
            return charsets[i].converter == (iconv_t)-1 ? NULL : &charsets[i];
    return NULL;
}

static unsigned char byte_at(struct span s, size_t i)
{
    return (unsigned char)s.p[i];
}

/* The character in front: how many bytes it has, 0 when there is none. */
static size_t char_at(struct span s, uint32_t *out)
{
    struct cur c = cur_of(s);

    return take_utf8(&c, out) == 1 ? (size_t)(c.p - s.p) : 0;
}

size_t mime_put_utf8(char out[4], uint32_t cp)
{
    const size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80U | (cp & 0x3fU));
    out[0] = (char)(lead[n] | cp);
    return n;
}

static bool is_utf8(struct span s)
{
    uint32_t cp;

    for (size_t i = 0, n; i < s.n; i += n) {
        n = byte_at(s, i) < 0x80 ? 1 : char_at(span_of(s.p + i, s.n - i), &cp);
        if (n == 0)
            return false;
    }
    return true;
}

static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0xfeff;
}

/* They turn the order of what stands behind them, so "exe.gpj" reads "jpg.exe". */
static bool is_bidi_control(uint32_t cp)
{
    return cp == 0x61c || cp == 0x200e || cp == 0x200f ||
           (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

/* whole: a character, all of it or nothing; else a run of ASCII. */
static void put_capped(struct mime_text *t, struct span s, bool whole)
{
    const size_t room = t->max - t->buf->n;

    if (s.n > room) {
        t->cut = true;
        s.n = whole ? 0 : room;
    }
    buf_put_span(t->buf, s);
}

static bool is_plain(unsigned char ch)
{
    return (ch >= 0x20 && ch < 0x7f) || ch == '\n' || ch == '\t';
}

/* What is no plain ASCII: a CR, a control, a character, or a byte that is none. */
static size_t put_odd(struct mime_text *t, struct span s)
{
    char letter[4];
    uint32_t cp = REPLACEMENT;
    size_t n = char_at(s, &cp);

    if (cp == '\r') {
        t->cr = true;
        put_capped(t, span_of("\n", 1), true);
    } else if (!is_control(cp)) {
        put_capped(t, span_of(letter, mime_put_utf8(letter, cp)), true);
    }
    return n > 0 ? n : 1;
}

void mime_text_put(struct mime_text *t, struct span utf8)
{
    size_t i = 0;

    while (i < utf8.n && !t->cut) {
        size_t run = i;

        if (t->cr && utf8.p[i] == '\n')
            run = ++i;
        t->cr = false;
        while (run < utf8.n && is_plain(byte_at(utf8, run)))
            run++;
        put_capped(t, span_of(utf8.p + i, run - i), false);
        i = run;
        if (i < utf8.n && !t->cut)
            i += put_odd(t, span_of(utf8.p + i, utf8.n - i));
    }
}

/* Where iconv stopped at what is no character. False: nothing comes after it. */
static bool skip_bad(struct mime_text *t, const struct charset *set, char **in,
                     size_t *left, int why)
{
    const size_t n = *left < set->unit ? *left : set->unit;

    if (why == E2BIG)
        return true; /* room is what it lacked */
    mime_text_put(t, span_of("\xef\xbf\xbd", 3));
    *in += n;
    *left -= n;
    return why == EILSEQ;
}

static void put_converted(struct mime_text *t, const struct charset *set, struct span s)
{
    char chunk[4096];
    char *in = (char *)(uintptr_t)s.p; /* iconv does not write there */
    size_t left = s.n;
    bool more = true;

    (void)iconv(set->converter, NULL, NULL, NULL, NULL);
    while (more && !t->cut) {
        char *out = chunk;
        size_t room = sizeof chunk;
        const size_t rc = iconv(set->converter, left > 0 ? &in : NULL,
                                left > 0 ? &left : NULL, &out, &room);
        const int why = errno;

        mime_text_put(t, span_of(chunk, sizeof chunk - room));
        if (rc == (size_t)-1)
            more = (why != E2BIG || room < sizeof chunk) &&
                   skip_bad(t, set, &in, &left, why);
        else
            more = left > 0 || room < sizeof chunk; /* the last round flushes */
    }
}

void mime_text_decode(struct mime_text *t, struct span bytes, const char *charset)
{
    const struct charset *set = NULL;
    const bool declared_utf8 = charset != NULL && (strcasecmp(charset, "utf-8") == 0 ||
                                                   strcasecmp(charset, "utf8") == 0);

    if (charset != NULL && !declared_utf8)
        set = charset_find(charset);
    if (set == NULL && !declared_utf8 && !is_utf8(bytes))
        set = charset_find("windows-1252");
    if (set == NULL)
        mime_text_put(t, bytes);
    else
        put_converted(t, set, bytes);
}

void mime_text_trim(struct buf *b, size_t n)
{
    while (b->n > n && strchr(" \t\n", b->p[b->n - 1]) != NULL)
        b->n--;
}

bool mime_line_set(char *to, size_t room, const char *utf8)
{
    const struct span s = span_str(utf8);
    size_t n = 0;
    bool whole = true, blank = false;

    for (size_t i = 0, step; i < s.n && whole; i += step) {
        uint32_t cp = REPLACEMENT;
        char letter[5] = " ";
        size_t letters;

        step = char_at(span_of(s.p + i, s.n - i), &cp);
        step = step > 0 ? step : 1;
        if (cp == ' ' || cp == '\t' || cp == '\r' || cp == '\n') {
            blank = n > 0;
            continue;
        }
        if (is_control(cp) || is_bidi_control(cp))
            continue;
        letters = mime_put_utf8(letter + blank, cp) + blank;
        whole = n + letters < room;
        if (whole)
            memcpy(to + n, letter, letters);
        n += whole ? letters : 0;
        blank = false;
    }
    to[n] = '\0';
    return whole;
}

/* Ends that a file system or a shell takes for something else; "." and ".." too. */
static void trim_name(char *name)
{
    const size_t lead = strspn(name, ". ");
    size_t n = strlen(name) - lead;

    memmove(name, name + lead, n + 1);
    while (n > 0 && strchr(". ", name[n - 1]) != NULL)
        name[--n] = '\0';
}

void mime_name_set(char *to, const char *utf8)
{
    const char *base = utf8, *dot;
    char end[ENDING_MAX + 1] = "";

    for (const char *p = utf8; *p != '\0'; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    dot = strrchr(base, '.');
    if (dot != NULL && strlen(dot) <= ENDING_MAX)
        (void)mime_line_set(end, sizeof end, dot);
    if (!mime_line_set(to, MIME_NAME_MAX + 1, base)) {
        /* The ending says what the file is: it survives. */
        (void)mime_line_set(to, MIME_NAME_MAX + 1 - strlen(end), base);
        (void)strcat(to, end);
    }
    trim_name(to);
}

void mime_name_of_subject(char *to, const char *utf8)
{
    static const char end[] = ".eml";

    (void)mime_line_set(to, MIME_NAME_MAX + 2 - sizeof end, utf8);
    for (char *p = to; *p != '\0'; p++)
        if (*p == '/' || *p == '\\')
            *p = '-';
    trim_name(to);
    (void)strcat(to, to[0] != '\0' ? end : "message.eml");
}

bool mime_take_id(struct cur *c, struct span *id_out)
{
    while (!cur_done(c)) {
        const char *const start = c->p++;

        if (*start != '<')
            continue;
        while (!cur_done(c) && *c->p > ' ' && *c->p < 127 && *c->p != '<' &&
               *c->p != '>')
            c->p++;
        if (cur_done(c) || *c->p != '>' || c->p == start + 1)
            continue; /* the cursor may stand on the "<" of the next one */
        c->p++;
        *id_out = span_of(start, (size_t)(c->p - start));
        if (id_out->n <= ID_MAX)
            return true;
    }
    return false;
}
