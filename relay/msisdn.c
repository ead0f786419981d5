/* SPDX-License-Identifier: ISC */
/* msisdn.c - telephone numbers, from what people type to E.164 digits, and masks.
 * Here:       separators, bounds, the order of readings, the canonical form, masks.
 * Elsewhere:  numbering plans (libphonenumber, through phonenumber.cc).
 * Called by:  the doors on every recipient, keeper for what it shows.
 * Source:     ITU-T E.164; E.123 for the blanks. */
#include "relay/msisdn.h"
#include "relay/phonenumber.h"
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 64U /* the library's time grows with the square of the length */
#define MSISDN_MIN 8U

void msisdn_start(void)
{
    phonenumber_start();
}

/* "+" only in front, then digits; separators dropped. False for any other byte. */
static bool take_digits(struct span text, bool *plus_out, char out[TEXT_MAX + 1])
{
    size_t n = 0;

    *plus_out = false;
    if (text.n > TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char ch = text.p[i];

        if (is_digit(ch))
            out[n++] = ch;
        else if (ch == '+' && n == 0 && !*plus_out)
            *plus_out = true;
        else if (ch == '\0' || strchr(" \t-.()", ch) == NULL)
            return false;
    }
    out[n] = '\0';
    return n > 0;
}

/* The number as an international one: "00" is the prefix that ITU recommends. */
static enum phonenumber_class read_international(const char *digits,
                                                 char out[MSISDN_ROOM])
{
    char text[TEXT_MAX + 2];

    if (digits[0] == '0' && digits[1] == '0')
        digits += 2;
    if (digits[0] == '0') /* no country code begins so, the library would skip it */
        return PHONENUMBER_NONE;
    (void)snprintf(text, sizeof text, "+%s", digits);
    return phonenumber_read(text, "", out, MSISDN_ROOM);
}

/* Without "+": the first reading that is valid, else the first that is possible. */
static enum phonenumber_class read_either(const char *digits, const char *region,
                                          char out[MSISDN_ROOM])
{
    enum phonenumber_class national = PHONENUMBER_NONE, other;
    char other_digits[MSISDN_ROOM];

    if (region[0] != '\0')
        national = phonenumber_read(digits, region, out, MSISDN_ROOM);
    if (national >= PHONENUMBER_VALID)
        return national;
    other = read_international(digits, other_digits);
    if (other < PHONENUMBER_VALID && national != PHONENUMBER_NONE)
        return national;
    if (other != PHONENUMBER_NONE)
        memcpy(out, other_digits, sizeof other_digits);
    return other;
}

enum msisdn_verdict msisdn_parse(struct span text, const char *region, bool check_line,
                                 char digits_out[MSISDN_ROOM])
{
    char digits[TEXT_MAX + 1], found[MSISDN_ROOM];
    enum phonenumber_class class;
    bool plus;

    if (!take_digits(text, &plus, digits))
        return MSISDN_IMPOSSIBLE;
    class =
        plus ? read_international(digits, found) : read_either(digits, region, found);
    if (class == PHONENUMBER_NONE || !msisdn_is_canonical(found))
        return MSISDN_IMPOSSIBLE;
    if (class == PHONENUMBER_FIXED && check_line)
        return MSISDN_FIXED;
    memcpy(digits_out, found, sizeof found);
    return MSISDN_OK;
}

bool msisdn_is_canonical(const char *digits)
{
    size_t n = 0;

    while (n <= MSISDN_MAX && is_digit(digits[n]))
        n++;
    return n >= MSISDN_MIN && n <= MSISDN_MAX && digits[n] == '\0' && digits[0] != '0';
}

void sms_number_fold(const char *number, char out[static SMS_NUMBER_ROOM])
{
    char digits[TEXT_MAX + 1];
    bool plus;
    const char *from = digits;

    if (!take_digits(span_str(number), &plus, digits))
        from = number;
    else if (!plus && digits[0] == '0' && digits[1] == '0' && digits[2] != '\0')
        from = digits + 2;
    (void)span_copy(out, SMS_NUMBER_ROOM, span_str(from));
}

void msisdn_mask_log(const char *digits, char out[8])
{
    const size_t n = strlen(digits);

    (void)snprintf(out, 8, "*%s", n > 3 && n <= MSISDN_MAX ? digits + n - 3 : "");
}

void msisdn_mask_shown(const char *digits, char out[64])
{
    const size_t n = strlen(digits);
    size_t country, used;

    if (!msisdn_is_canonical(digits)) {
        (void)snprintf(out, 64, "+•••");
        return;
    }
    country = phonenumber_country_digits(digits);
    if (country == 0) /* of no plan: as if all codes had the usual two digits */
        country = 2;
    used = (size_t)snprintf(out, 64, "+%.*s", (int)country, digits);
    for (size_t i = country; i < n; i++) {
        const size_t left = n - i;
        const bool shown = i == country || left <= 3;

        /* Groups of three from the right; a lone first digit joins the next group. */
        if (i == country || (left % 3 == 0 && i != country + 1))
            used += (size_t)snprintf(out + used, 64 - used, " ");
        used += shown ? (size_t)snprintf(out + used, 64 - used, "%c", digits[i])
                      : (size_t)snprintf(out + used, 64 - used, "•");
    }
}
