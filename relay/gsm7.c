/* SPDX-License-Identifier: ISC */
/* gsm7.c - how much room a text takes in SMS.
 * Here:       the GSM 7-bit default alphabet, septets and UTF-16 units, parts.
 * Elsewhere:  the bytes that go to bearerbox (plugin/bearerbox.c), the texts
 *             (template.c).
 * Called by:  plugin/bearerbox.c, front.c; tests of the templates.
 * Source:     3GPP TS 23.038 6.2.1, 6.2.1.1 (tables), TS 23.040 9.2.3.24.1 (a part of
 *             several carries 153 septets or 67 units). */
#include "relay/template.h"
#include "relay/utf8.h"

/* The default alphabet in its own order; 0x1b, the escape, is no character. 0x09 is the
 * capital C with cedilla: the small one has no place. */
static const uint16_t basic[128] = {
    0x0040, 0x00a3, 0x0024, 0x00a5, 0x00e8, 0x00e9, 0x00f9, 0x00ec, /* @£$¥èéùì */
    0x00f2, 0x00c7, 0x000a, 0x00d8, 0x00f8, 0x000d, 0x00c5, 0x00e5, /* òÇ Øø Åå */
    0x0394, 0x005f, 0x03a6, 0x0393, 0x039b, 0x03a9, 0x03a0, 0x03a8, /* Δ_ΦΓΛΩΠΨ */
    0x03a3, 0x0398, 0x039e, 0x0000, 0x00c6, 0x00e6, 0x00df, 0x00c9, /* ΣΘΞ ÆæßÉ */
    0x0020, 0x0021, 0x0022, 0x0023, 0x00a4, 0x0025, 0x0026, 0x0027, /*  !"#¤%&' */
    0x0028, 0x0029, 0x002a, 0x002b, 0x002c, 0x002d, 0x002e, 0x002f, /* ()*+,-./ */
    0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x0035, 0x0036, 0x0037, /* 01234567 */
    0x0038, 0x0039, 0x003a, 0x003b, 0x003c, 0x003d, 0x003e, 0x003f, /* 89:;<=>? */
    0x00a1, 0x0041, 0x0042, 0x0043, 0x0044, 0x0045, 0x0046, 0x0047, /* ¡ABCDEFG */
    0x0048, 0x0049, 0x004a, 0x004b, 0x004c, 0x004d, 0x004e, 0x004f, /* HIJKLMNO */
    0x0050, 0x0051, 0x0052, 0x0053, 0x0054, 0x0055, 0x0056, 0x0057, /* PQRSTUVW */
    0x0058, 0x0059, 0x005a, 0x00c4, 0x00d6, 0x00d1, 0x00dc, 0x00a7, /* XYZÄÖÑÜ§ */
    0x00bf, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065, 0x0066, 0x0067, /* ¿abcdefg */
    0x0068, 0x0069, 0x006a, 0x006b, 0x006c, 0x006d, 0x006e, 0x006f, /* hijklmno */
    0x0070, 0x0071, 0x0072, 0x0073, 0x0074, 0x0075, 0x0076, 0x0077, /* pqrstuvw */
    0x0078, 0x0079, 0x007a, 0x00e4, 0x00f6, 0x00f1, 0x00fc, 0x00e0, /* xyzäöñüà */
};

/* Reached through the escape, so two septets: form feed ^ { } \ [ ~ ] | euro. */
static const uint16_t extension[] = { 0x000c, 0x005e, 0x007b, 0x007d, 0x005c,
                                      0x005b, 0x007e, 0x005d, 0x007c, 0x20ac };

static unsigned septets_of(uint32_t character)
{
    if (character == 0)
        return 0;
    for (size_t i = 0; i < sizeof basic / sizeof basic[0]; i++)
        if (basic[i] == character)
            return 1;
    for (size_t i = 0; i < sizeof extension / sizeof extension[0]; i++)
        if (extension[i] == character)
            return 2;
    return 0;
}

static unsigned units_of(uint32_t character)
{
    return character > 0xffff ? 2 : 1;
}

/* The next character; a byte that is not UTF-8 counts as one U+FFFD. */
static bool next(struct cur *c, uint32_t *out)
{
    const int rc = take_utf8(c, out);

    if (rc >= 0)
        return rc == 1;
    c->p++;
    *out = 0xfffd;
    return true;
}

/* How often a new part begins: a pair (escape and septet, or surrogates) is never torn
 * apart, so a part may end with one place unused. */
static unsigned parts_of(struct span utf8, unsigned (*cost)(uint32_t), size_t room)
{
    struct cur c = cur_of(utf8);
    unsigned parts = 1;
    size_t used = 0;
    uint32_t character;

    while (next(&c, &character)) {
        const unsigned n = cost(character);

        if (used + n > room) {
            parts++;
            used = 0;
        }
        used += n;
    }
    return parts;
}

bool sms_fits_gsm7(struct span utf8, size_t *units_out)
{
    struct cur c = cur_of(utf8);
    size_t septets = 0, units = 0;
    bool fits = true;
    uint32_t character;

    while (next(&c, &character)) {
        const unsigned n = septets_of(character);

        fits = fits && n > 0;
        septets += n;
        units += units_of(character);
    }
    *units_out = fits ? septets : units;
    return fits;
}

unsigned sms_parts(struct span utf8)
{
    size_t units;

    if (sms_fits_gsm7(utf8, &units))
        return units <= 160 ? 1 : parts_of(utf8, septets_of, 153);
    return units <= 70 ? 1 : parts_of(utf8, units_of, 67);
}
