/* SPDX-License-Identifier: ISC */
/* phonenumber.cc - libphonenumber behind a C interface.
 * Here:       the calls into the library, and the end of every exception.
 * Elsewhere:  what people type, bounds, masks (msisdn.c).
 * Called by:  msisdn.c only.
 * Source:     libphonenumber's FAQ: "possible" is a matter of length, "valid" of
 * ranges; where fixed and mobile share ranges (NANP) the type says so. */
#include "relay/phonenumber.h"
#include <cstring>
#include <string>
#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

/* The library's name for "no region": digits without "+" are then no number. */
static const char no_region[] = "ZZ";

static enum phonenumber_class classify(const PhoneNumberUtil &util,
                                       const PhoneNumber &number)
{
    switch (util.GetNumberType(number)) { /* looks at the ranges: UNKNOWN is invalid */
    case PhoneNumberUtil::FIXED_LINE:
        return PHONENUMBER_FIXED;
    case PhoneNumberUtil::UNKNOWN:
        break;
    default:
        return PHONENUMBER_VALID;
    }
    if (util.IsPossibleNumberWithReason(number) == PhoneNumberUtil::IS_POSSIBLE)
        return PHONENUMBER_POSSIBLE;
    return PHONENUMBER_NONE;
}

static enum phonenumber_class read_number(const char *text, const char *region,
                                          char *digits_out, size_t room)
{
    const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
    PhoneNumber number;
    std::string e164;
    enum phonenumber_class found;

    if (util.Parse(text, region[0] != '\0' ? region : no_region, &number) !=
        PhoneNumberUtil::NO_PARSING_ERROR)
        return PHONENUMBER_NONE;
    found = classify(util, number);
    util.Format(number, PhoneNumberUtil::E164, &e164);
    if (e164.size() < 2 || e164[0] != '+' || e164.size() > room)
        return PHONENUMBER_NONE;
    std::memcpy(digits_out, e164.c_str() + 1, e164.size()); /* without "+", with NUL */
    return found;
}

extern "C" void phonenumber_start(void)
{
    char digits[32];

    /* The first parse of each kind compiles patterns: 1.5 ms that no sender waits for.
     */
    (void)phonenumber_read("+61412345678", "", digits, sizeof digits);
    (void)phonenumber_read("0412345678", "AU", digits, sizeof digits);
}

extern "C" enum phonenumber_class phonenumber_read(const char *text, const char *region,
                                                   char *digits_out, size_t room)
{
    try {
        return read_number(text, region, digits_out, room);
    } catch (...) {
        return PHONENUMBER_NONE;
    }
}

extern "C" size_t phonenumber_country_digits(const char *digits)
{
    try {
        const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
        std::string region;
        int code = 0;

        for (size_t n = 1; n <= 3 && digits[n - 1] != '\0'; n++) {
            code = code * 10 + (digits[n - 1] - '0');
            util.GetRegionCodeForCountryCode(code, &region);
            if (region != no_region)
                return n;
        }
    } catch (...) {
        return 0;
    }
    return 0;
}
