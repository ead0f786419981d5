/* SPDX-License-Identifier: ISC */
/* utf8.c - UTF-8, one character at a time, strictly.
 * Here:       decoding and its refusals.
 * Elsewhere:  other character sets (GMime), what an SMS can carry (gsm7.c).
 * Called by:  config.c, template.c, gsm7.c.
 * Source:     RFC 3629 3, 4. */
#include "relay/utf8.h"

static bool is_tail(char byte)
{
    return ((unsigned char)byte & 0xc0U) == 0x80U;
}

int take_utf8(struct cur *c, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t value;
    size_t bytes;

    if (cur_done(c))
        return 0;
    value = (unsigned char)*c->p;
    bytes = value < 0x80 ? 1 : value >= 0xf0 ? 4 : value >= 0xe0 ? 3 : 2;
    if (bytes > 1 && (value < 0xc2 || value > 0xf4))
        return cur_fail(c, "not UTF-8");
    if (cur_left(c) < bytes)
        return cur_fail(c, "not UTF-8");
    if (bytes > 1)
        value &= 0x7fU >> bytes;
    for (size_t i = 1; i < bytes; i++) {
        if (!is_tail(c->p[i]))
            return cur_fail(c, "not UTF-8");
        value = value << 6 | ((unsigned char)c->p[i] & 0x3fU);
    }
    if (value < least[bytes] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return cur_fail(c, "not UTF-8");
    c->p += bytes;
    *out = value;
    return 1;
}
