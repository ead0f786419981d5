/* SPDX-License-Identifier: ISC */
/* phonenumber.h - libphonenumber for C: the few facts that msisdn.c needs.
 *
 * No function lets an exception out; one that was caught reads as "not a number". The
 * caller bounds the text (parsing is quadratic in its length). */
#ifndef RELAY_PHONENUMBER_H
#define RELAY_PHONENUMBER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum phonenumber_class {
    PHONENUMBER_NONE,     /* no number, or one that cannot be dialled as it stands */
    PHONENUMBER_POSSIBLE, /* its length is plainly right; its range is unknown */
    PHONENUMBER_VALID,    /* in a range that is assigned; may be mobile */
    PHONENUMBER_FIXED     /* valid, and surely a fixed line */
};

/* phonenumber_start - loads the metadata and compiles the common patterns. */
void phonenumber_start(void);

/* phonenumber_read - text: "+" and digits, or digits; region: "AU", or "" for none.
 * digits_out[room]: E.164 without "+" and a NUL, only when not PHONENUMBER_NONE. */
enum phonenumber_class phonenumber_read(const char *text, const char *region,
                                        char *digits_out, size_t room);

/* phonenumber_country_digits - how many of the leading digits are the country code; 0
 * when they are none. */
size_t phonenumber_country_digits(const char *digits);

#ifdef __cplusplus
}
#endif

#endif
