/* SPDX-License-Identifier: ISC */
/* encode.c - bytes as text that survives URLs, JSON and mail addresses.
 * Here:       hex, base64url, base32; strict both ways.
 * Elsewhere:  MIME's base64 (GMime).
 * Called by:  jwe.c, the handset API, aliases and notice tokens.
 * Source:     RFC 4648 5, 6, 8; strictness: RFC 7515 2, RFC 4648 3.5. */
#include "relay/encode.h"

static const char hex_letters[] = "0123456789abcdef";
static const char b64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char b32_letters[] = "abcdefghijklmnopqrstuvwxyz234567";

/* All three alphabets are powers of two: one routine writes and one reads them. */
static size_t letters_write(char *to, const uint8_t *bytes, size_t n, unsigned bits,
                            const char *alphabet)
{
    const unsigned mask = (1U << bits) - 1U;
    unsigned held = 0, have = 0;
    size_t out = 0;

    for (size_t i = 0; i < n; i++) {
        held = held << 8 | bytes[i];
        have += 8;
        while (have >= bits) {
            have -= bits;
            to[out++] = alphabet[held >> have & mask];
        }
        held &= (1U << have) - 1U;
    }
    if (have > 0)
        to[out++] = alphabet[held << (bits - have) & mask];
    return out;
}

static int letter_value(char ch, const char *alphabet, unsigned count)
{
    int value = -1;

    for (unsigned i = 0; i < count; i++) /* every letter is looked at, found or not */
        value = ch == alphabet[i] ? (int)i : value;
    return value;
}

static bool letters_read(struct span text, uint8_t *out, size_t n, unsigned bits,
                         const char *alphabet)
{
    unsigned held = 0, have = 0;
    size_t filled = 0;

    for (size_t i = 0; i < text.n; i++) {
        const int value = letter_value(text.p[i], alphabet, 1U << bits);

        if (value < 0)
            return false;
        held = held << bits | (unsigned)value;
        have += bits;
        if (have >= 8) {
            have -= 8;
            if (filled == n)
                return false;
            out[filled++] = (uint8_t)(held >> have);
            held &= (1U << have) - 1U;
        }
    }
    return filled == n && have < bits && held == 0;
}

char *hex_text(char *to, const uint8_t *bytes, size_t n)
{
    to[letters_write(to, bytes, n, 4, hex_letters)] = '\0';
    return to;
}

bool hex_take(struct span text, uint8_t *out, size_t n)
{
    return text.n == HEX_LEN(n) && letters_read(text, out, n, 4, hex_letters);
}

void b64url_put(struct buf *b, const void *bytes, size_t n)
{
    char *to = buf_room(b, B64URL_LEN(n));

    if (to != NULL)
        (void)letters_write(to, bytes, n, 6, b64_letters);
}

/* base64url carries bodies of megabytes, so it alone reads by table. */
static const int8_t b64_values[256] = {
#define V(ch, value) [(unsigned char)(ch)] = (value) + 1
    V('A', 0),  V('B', 1),  V('C', 2),  V('D', 3),  V('E', 4),  V('F', 5),  V('G', 6),
    V('H', 7),  V('I', 8),  V('J', 9),  V('K', 10), V('L', 11), V('M', 12), V('N', 13),
    V('O', 14), V('P', 15), V('Q', 16), V('R', 17), V('S', 18), V('T', 19), V('U', 20),
    V('V', 21), V('W', 22), V('X', 23), V('Y', 24), V('Z', 25), V('a', 26), V('b', 27),
    V('c', 28), V('d', 29), V('e', 30), V('f', 31), V('g', 32), V('h', 33), V('i', 34),
    V('j', 35), V('k', 36), V('l', 37), V('m', 38), V('n', 39), V('o', 40), V('p', 41),
    V('q', 42), V('r', 43), V('s', 44), V('t', 45), V('u', 46), V('v', 47), V('w', 48),
    V('x', 49), V('y', 50), V('z', 51), V('0', 52), V('1', 53), V('2', 54), V('3', 55),
    V('4', 56), V('5', 57), V('6', 58), V('7', 59), V('8', 60), V('9', 61), V('-', 62),
    V('_', 63)
#undef V
};

bool b64url_take_exact(struct span text, uint8_t *out, size_t n)
{
    unsigned held = 0, have = 0;
    size_t filled = 0;

    if (text.n != B64URL_LEN(n))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const int value = b64_values[(unsigned char)text.p[i]] - 1;

        if (value < 0)
            return false;
        held = held << 6 | (unsigned)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[filled++] = (uint8_t)(held >> have);
            held &= (1U << have) - 1U;
        }
    }
    return held == 0;
}

bool b64url_take(struct span text, struct buf *out)
{
    const size_t n = text.n / 4 * 3 + (text.n % 4 == 0 ? 0 : text.n % 4 - 1);
    char *to;

    if (text.n % 4 == 1)
        return false;
    to = buf_room(out, n);
    if (to == NULL)
        return false;
    if (b64url_take_exact(text, (uint8_t *)to, n))
        return true;
    out->n -= n;
    return false;
}

char *b32_text(char *to, const uint8_t *bytes, size_t n)
{
    to[letters_write(to, bytes, n, 5, b32_letters)] = '\0';
    return to;
}

bool b32_take(struct span text, uint8_t *out, size_t n)
{
    char lower[64];

    if (text.n != B32_LEN(n) || text.n > sizeof lower)
        return false;
    for (size_t i = 0; i < text.n; i++)
        lower[i] =
            text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
    return letters_read(span_of(lower, text.n), out, n, 5, b32_letters);
}
