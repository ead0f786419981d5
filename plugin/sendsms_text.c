/* SPDX-License-Identifier: ISC */
/* sendsms_text.c - the text of a request: its charset, its coding, how many SMS it
 * takes. Here:       charsets to UTF-8, UTF-8 to and from UTF-16, lengths. Elsewhere:
 * where text and charset stand in a request (sendsms_request.c), GSM 7 (relay/gsm7.c).
 * Called by:  sendsms.c, sendsms_xml.c.
 * Source:     smsbox 1.4.5 as measured; 3GPP TS 23.040 9.2.3.24 for the lengths. */
#include "plugin/sendsms_form.h"
#include "relay/utf8.h"
#include <errno.h>
#include <iconv.h>

#define LABEL_MAX 40U
#define OCTETS 140U
#define CONCATENATED_FIRST 6U /* octets of a UDH that only says which part this is */
#define CONCATENATED_MORE 5U  /* in a UDH that is there anyway */
#define NO_CHARSET "Charset or body misformed, rejected"

/* glibc opens any of a few hundred charsets, from files that the process will not see:
 * these are opened at start and stay open. unit: bytes to skip where input is no
 * character. */
static struct charset {
    const char *name;
    const char *labels; /* each between blanks, upper case */
    unsigned unit;
    bool opened;
    iconv_t converter;
} charsets[] = {
    { "US-ASCII", " US-ASCII ASCII ANSI_X3.4-1968 ISO646-US 646 ", 1, false, NULL },
    { "ISO-8859-1", " ISO-8859-1 ISO8859-1 ISO_8859-1 LATIN1 L1 IBM819 CP819 ", 1,
      false, NULL },
    { "ISO-8859-2", " ISO-8859-2 ISO8859-2 ISO_8859-2 LATIN2 L2 ", 1, false, NULL },
    { "ISO-8859-3", " ISO-8859-3 ISO8859-3 ISO_8859-3 LATIN3 L3 ", 1, false, NULL },
    { "ISO-8859-4", " ISO-8859-4 ISO8859-4 ISO_8859-4 LATIN4 L4 ", 1, false, NULL },
    { "ISO-8859-5", " ISO-8859-5 ISO8859-5 ISO_8859-5 CYRILLIC ", 1, false, NULL },
    { "ISO-8859-6", " ISO-8859-6 ISO8859-6 ISO_8859-6 ARABIC ", 1, false, NULL },
    { "ISO-8859-7", " ISO-8859-7 ISO8859-7 ISO_8859-7 GREEK ", 1, false, NULL },
    { "ISO-8859-8", " ISO-8859-8 ISO8859-8 ISO_8859-8 HEBREW ", 1, false, NULL },
    { "ISO-8859-9", " ISO-8859-9 ISO8859-9 ISO_8859-9 LATIN5 L5 ", 1, false, NULL },
    { "ISO-8859-10", " ISO-8859-10 ISO8859-10 ISO_8859-10 LATIN6 ", 1, false, NULL },
    { "ISO-8859-11", " ISO-8859-11 ISO8859-11 TIS-620 TIS620 ", 1, false, NULL },
    { "ISO-8859-13", " ISO-8859-13 ISO8859-13 LATIN7 ", 1, false, NULL },
    { "ISO-8859-14", " ISO-8859-14 ISO8859-14 LATIN8 ", 1, false, NULL },
    { "ISO-8859-15", " ISO-8859-15 ISO8859-15 ISO_8859-15 LATIN-9 ", 1, false, NULL },
    { "ISO-8859-16", " ISO-8859-16 ISO8859-16 LATIN10 ", 1, false, NULL },
    { "CP1250", " WINDOWS-1250 CP1250 ", 1, false, NULL },
    { "CP1251", " WINDOWS-1251 CP1251 ", 1, false, NULL },
    { "CP1252", " WINDOWS-1252 CP1252 ", 1, false, NULL },
    { "CP1253", " WINDOWS-1253 CP1253 ", 1, false, NULL },
    { "CP1254", " WINDOWS-1254 CP1254 ", 1, false, NULL },
    { "CP1255", " WINDOWS-1255 CP1255 ", 1, false, NULL },
    { "CP1256", " WINDOWS-1256 CP1256 ", 1, false, NULL },
    { "CP1257", " WINDOWS-1257 CP1257 ", 1, false, NULL },
    { "CP1258", " WINDOWS-1258 CP1258 ", 1, false, NULL },
    { "CP437", " CP437 IBM437 437 ", 1, false, NULL },
    { "CP850", " CP850 IBM850 850 ", 1, false, NULL },
    { "CP866", " CP866 IBM866 866 ", 1, false, NULL },
    { "CP874", " CP874 WINDOWS-874 ", 1, false, NULL },
    { "KOI8-R", " KOI8-R ", 1, false, NULL },
    { "KOI8-U", " KOI8-U ", 1, false, NULL },
    { "MACINTOSH", " MACINTOSH MAC ", 1, false, NULL },
    { "SHIFT_JIS", " SHIFT_JIS SHIFT-JIS SJIS ", 1, false, NULL },
    { "CP932", " CP932 WINDOWS-31J MS932 ", 1, false, NULL },
    { "EUC-JP", " EUC-JP EUCJP ", 1, false, NULL },
    { "ISO-2022-JP", " ISO-2022-JP ", 1, false, NULL },
    { "EUC-KR", " EUC-KR EUCKR ", 1, false, NULL },
    { "CP949", " CP949 UHC ", 1, false, NULL },
    { "GB2312", " GB2312 EUC-CN ", 1, false, NULL },
    { "GBK", " GBK CP936 ", 1, false, NULL },
    { "GB18030", " GB18030 ", 1, false, NULL },
    { "BIG5", " BIG5 BIG-5 ", 1, false, NULL },
    { "BIG5-HKSCS", " BIG5-HKSCS ", 1, false, NULL },
    { "UTF-7", " UTF-7 UTF7 ", 1, false, NULL },
    { "UTF-16", " UTF-16 UTF16 ", 2, false, NULL },
    { "UTF-16BE", " UTF-16BE UTF16BE ", 2, false, NULL },
    { "UTF-16LE", " UTF-16LE UTF16LE ", 2, false, NULL },
    { "UCS-2", " UCS-2 UCS2 ISO-10646-UCS-2 ", 2, false, NULL },
    { "UCS-2BE", " UCS-2BE UNICODEBIG ", 2, false, NULL },
    { "UCS-2LE", " UCS-2LE UNICODELITTLE ", 2, false, NULL },
    { "UCS-4", " UCS-4 UCS4 ISO-10646 ", 4, false, NULL },
    { "UTF-32", " UTF-32 UTF32 ", 4, false, NULL },
};

#define CHARSETS (sizeof charsets / sizeof charsets[0])

static bool is_open(struct charset *set)
{
    if (!set->opened)
        set->converter = iconv_open("UTF-8", set->name);
    set->opened = true;
    return set->converter != (iconv_t)-1;
}

void sendsms_text_start(void)
{
    for (size_t i = 0; i < CHARSETS; i++)
        (void)is_open(&charsets[i]);
}

/* charset_find - 1: UTF-8, which needs none; 0: *set; -1: there is no such charset. As
 * glibc, which looks at no more than letters, digits and a few signs, up to a "/". */
static int charset_find(struct span name, struct charset **set)
{
    char label[LABEL_MAX + 3] = " ";
    size_t n = 1;

    for (size_t i = 0; i < name.n && name.p[i] != '\0' && name.p[i] != '/'; i++) {
        const char ch = name.p[i];

        if (n > LABEL_MAX)
            return -1;
        if (ch >= 'a' && ch <= 'z')
            label[n++] = (char)(ch - 'a' + 'A');
        else if (is_digit(ch) || (ch >= 'A' && ch <= 'Z') || strchr("-_.,:", ch))
            label[n++] = ch;
    }
    label[n++] = ' ';
    label[n] = '\0';
    if (strcmp(label, " UTF-8 ") == 0 || strcmp(label, " UTF8 ") == 0)
        return 1;
    for (size_t i = 0; n > 2 && i < CHARSETS; i++)
        if (strstr(charsets[i].labels, label) != NULL) {
            *set = &charsets[i];
            return is_open(*set) ? 0 : -1;
        }
    return -1;
}

/* Bytes that are no UTF-8 become one "?" each. */
static void put_utf8(struct span text, struct buf *out)
{
    struct cur c = cur_of(text);
    uint32_t character;

    while (!cur_done(&c)) {
        const char *const start = c.p;

        while (take_utf8(&c, &character) == 1)
            ;
        buf_put_mem(out, start, (size_t)(c.p - start));
        if (!cur_done(&c)) {
            c.p++;
            buf_put(out, "?");
        }
    }
}

static void put_converted(const struct charset *set, struct span text, struct buf *out)
{
    char *in = (char *)(uintptr_t)text.p; /* iconv does not write there */
    size_t left = text.n;
    bool more = true;

    (void)iconv(set->converter, NULL, NULL, NULL, NULL);
    while (more && buf_ok(out)) {
        char chunk[1024], *to = chunk;
        size_t room = sizeof chunk;
        const bool last = left == 0; /* to flush what it holds back */
        const size_t rc =
            iconv(set->converter, last ? NULL : &in, last ? NULL : &left, &to, &room);
        const int why = errno;

        buf_put_mem(out, chunk, sizeof chunk - room);
        if (rc == (size_t)-1 && why != E2BIG) {
            const size_t skip = left < set->unit ? left : set->unit;

            buf_put(out, "?");
            in += skip;
            left -= skip;
        }
        more = !last || (rc == (size_t)-1 && why == E2BIG && room < sizeof chunk);
    }
}

/* decode - text in its charset, which may be absent, as UTF-8. */
static int decode(struct span text, struct span charset, struct buf *out)
{
    struct charset *set = NULL;
    const int rc = charset.n == 0 || text.n == 0 ? 1 : charset_find(charset, &set);

    if (rc == 1)
        put_utf8(text, out);
    else if (rc == 0)
        put_converted(set, text, out);
    return rc < 0 ? -1 : 0;
}

static int decode_utf16(struct span text, struct buf *out)
{
    return text.n % 2 != 0 ? -1 : decode(text, span_str("UTF-16BE"), out);
}

static void put_utf16(struct span utf8, struct buf *out)
{
    struct cur c = cur_of(utf8);
    uint32_t character;

    while (take_utf8(&c, &character) == 1) {
        if (character < 0x10000) {
            buf_put_be16(out, (uint16_t)character);
            continue;
        }
        character -= 0x10000;
        buf_put_be16(out, (uint16_t)(0xd800U | character >> 10));
        buf_put_be16(out, (uint16_t)(0xdc00U | (character & 0x3ffU)));
    }
}

static int32_t coding_of(const struct sendsms_request *r)
{
    return r->coding == SENDSMS_UNSET ? r->default_coding : r->coding;
}

/* Two bytes a character as they are, unless a charset says what they were. */
static int put_ucs2(const struct sendsms_request *r, struct buf *out)
{
    struct buf utf8;
    int rc;

    if (r->charset.n == 0) {
        buf_put_span(out, r->text);
        return r->text.n % 2 != 0 ? -1 : 0;
    }
    buf_init(&utf8, 3 * r->text.n + 16);
    rc = decode(r->text, r->charset, &utf8);
    if (rc == 0)
        put_utf16(buf_span(&utf8), out);
    out->failed = out->failed || !buf_ok(&utf8);
    buf_wipe(&utf8);
    return rc;
}

/* A telephone shows no controls but line ends, and GSM 7 has no other: as with smsbox
 * each is a "?", a tab alone is the blank that it looks like. */
static void hide_controls(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '\t')
            p[i] = ' ';
        else if (((unsigned char)p[i] < ' ' && memchr("\n\r\f", p[i], 3) == NULL) ||
                 p[i] == 0x7f)
            p[i] = '?';
}

static int answer(int rc, const struct buf *out, struct sendsms_refusal *why)
{
    if (rc != 0)
        return sendsms_refuse(why, 400, NO_CHARSET);
    return buf_ok(out) ? 0 : sendsms_refuse(why, 400, "Message too long, rejected");
}

int sendsms_msgdata(const struct sendsms_request *r, int32_t *coding_out,
                    struct buf *out, struct sendsms_refusal *why)
{
    const size_t start = out->n;
    size_t units;
    int rc = 0;

    *coding_out = coding_of(r);
    if (*coding_out == 2)
        rc = put_ucs2(r, out);
    else if (*coding_out == 1)
        buf_put_span(out, r->text);
    else
        rc = decode(r->text, r->charset, out);
    if (answer(rc, out, why) != 0)
        return -1;
    if (*coding_out == 0)
        hide_controls(out->p + start, out->n - start);
    if (r->coding == SENDSMS_UNSET && *coding_out == 0 && r->udh.n == 0 &&
        !sms_fits_gsm7(span_of(out->p + start, out->n - start), &units))
        *coding_out = SMS_UNSET;
    return 0;
}

int sendsms_text(const struct sendsms_request *r, struct buf *out,
                 struct sendsms_refusal *why)
{
    if (r->udh.n > 0 || coding_of(r) == 1)
        return sendsms_refuse(why, 400, "Binary SMS cannot be secured, rejected");
    if (coding_of(r) == 2 && r->charset.n == 0)
        return answer(decode_utf16(r->text, out), out, why);
    return answer(decode(r->text, r->charset, out), out, why);
}

bool sendsms_charset_map(const char *name, int map_out[256])
{
    struct charset *set;
    char letter[8];

    if (charset_find(span_str(name), &set) != 0 || set->unit > 1)
        return false;
    for (int i = 0; i < 256; i++) {
        char byte = (char)i, *in = &byte, *to = letter;
        size_t left = 1, room = sizeof letter;
        uint32_t character = 0;
        struct cur c;

        (void)iconv(set->converter, NULL, NULL, NULL, NULL);
        map_out[i] = -1;
        if (iconv(set->converter, &in, &left, &to, &room) == (size_t)-1)
            continue;
        c = cur_of(span_of(letter, sizeof letter - room));
        if (take_utf8(&c, &character) == 1 && cur_done(&c))
            map_out[i] = (int)character;
    }
    return true;
}

/* -- lengths */

/* How text is measured: what one character costs, and how much there is room for. */
struct measure {
    bool utf16; /* the text, not only its SMS */
    bool octets;
    bool gsm7;
};

static struct measure measure_of(int32_t coding, struct span text)
{
    size_t units;

    return (struct measure){
        .utf16 = coding == 2,
        .octets = coding == 1,
        .gsm7 = coding == 0 || (coding == SMS_UNSET && sms_fits_gsm7(text, &units)),
    };
}

static size_t room_in(const struct measure *m, size_t udh_bytes)
{
    const size_t octets = udh_bytes < OCTETS ? OCTETS - udh_bytes : 0;

    return m->octets ? octets : m->gsm7 ? octets * 8 / 7 : octets / 2;
}

/* take_character - its cost: septets, UTF-16 units or octets. */
static size_t take_character(const struct measure *m, struct cur *c)
{
    const char *const start = c->p;
    uint32_t character = 0;
    size_t units = 1;

    if (m->octets) {
        c->p++;
    } else if (m->utf16) {
        const bool high = ((unsigned char)*c->p & 0xfcU) == 0xd8U;

        units = high && cur_left(c) >= 4 && ((unsigned char)c->p[2] & 0xfcU) == 0xdcU
                    ? 2
                    : 1;
        c->p += cur_left(c) < 2 * units ? cur_left(c) : 2 * units;
    } else if (take_utf8(c, &character) != 1) {
        c->p++;
    } else if (m->gsm7) {
        /* What is not in GSM 7 will be one "?". */
        if (!sms_fits_gsm7(span_of(start, (size_t)(c->p - start)), &units))
            units = 1;
    } else {
        units = character >= 0x10000 ? 2 : 1;
    }
    return units;
}

/* take_part - what fits into room. false: not even the next character. */
static bool take_part(const struct measure *m, struct cur *c, size_t room)
{
    const char *const begin = c->p;
    size_t used = 0;

    while (!cur_done(c)) {
        const char *const start = c->p;

        used += take_character(m, c);
        if (used > room) {
            c->p = start;
            break;
        }
    }
    return c->p > begin;
}

unsigned sendsms_count(int32_t coding, struct span text, size_t udh_bytes)
{
    const struct measure m = measure_of(coding, text);
    const size_t extra = udh_bytes == 0 ? CONCATENATED_FIRST : CONCATENATED_MORE;
    struct cur c = cur_of(text);
    unsigned count;

    (void)take_part(&m, &c, room_in(&m, udh_bytes));
    if (cur_done(&c))
        return 1;
    c = cur_of(text);
    for (count = 0; !cur_done(&c); count++)
        if (!take_part(&m, &c, room_in(&m, udh_bytes + extra)))
            return 0;
    return count;
}

size_t sendsms_piece(int32_t coding, struct span text, size_t udh_bytes)
{
    const struct measure m = measure_of(coding, text);
    struct cur c = cur_of(text);

    (void)take_part(&m, &c, room_in(&m, udh_bytes));
    return (size_t)(c.p - text.p);
}
