/* SPDX-License-Identifier: ISC */
/* msisdn.h - telephone numbers: from what people type to E.164 digits, and masked
 * forms.
 *
 * An MSISDN is 8 to 15 digits without "+" and a NUL. Checked with libphonenumber
 * through a C shim that refuses more than 64 bytes before parsing (its cost is
 * quadratic) and lets no C++ exception out. Loads its metadata at msisdn_start; opens
 * no file. */
#ifndef RELAY_MSISDN_H
#define RELAY_MSISDN_H

#include "relay/span.h"

#define MSISDN_MAX 15U
#define MSISDN_ROOM (MSISDN_MAX + 1U)

enum msisdn_verdict {
    MSISDN_OK,
    MSISDN_IMPOSSIBLE, /* no telephone number of any region, or none without a region */
    MSISDN_FIXED       /* surely a fixed line: it cannot receive SMS */
};

/* msisdn_start - once a process, before the sandbox. */
void msisdn_start(void);

/* msisdn_parse - text: "+61412345678", "61412345678", "0061...", national "0412345678"
 * with region ("AU", or "" for none); blanks, "-", ".", "(", ")" are dropped. Other
 * bytes, more than 64, and a number that is not plainly IS_POSSIBLE are
 * MSISDN_IMPOSSIBLE. Digits without "+" are tried in this order: national in the
 * region, then as if "+" stood before them; the first that is *valid* wins, else the
 * first that is possible. check_line false: a fixed line is MSISDN_OK as well.
 * digits_out only on MSISDN_OK. */
enum msisdn_verdict msisdn_parse(struct span text, const char *region, bool check_line,
                                 char digits_out[MSISDN_ROOM]);

/* msisdn_is_canonical - 8 to 15 digits, first one not 0: what other processes may send.
 */
bool msisdn_is_canonical(const char *digits);

/* sms_number_fold - what an SMS is from or to, in one spelling, to find it again: of a
 * number the digits ("+", "00" and separators dropped), of a name what it is. "" when
 * it has more than 39 bytes. */
#define SMS_NUMBER_ROOM 40U
void sms_number_fold(const char *number, char out[static SMS_NUMBER_ROOM]);

/* msisdn_mask_log - "*678": for log lines. */
void msisdn_mask_log(const char *digits, char out[8]);
/* msisdn_mask_shown - "+61 4•• ••• 678" in UTF-8 for people: country code
 * (libphonenumber says how long it is), first digit, last three. */
void msisdn_mask_shown(const char *digits, char out[64]);

#endif
