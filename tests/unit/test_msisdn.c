/* SPDX-License-Identifier: ISC */
/* test_msisdn.c - numbers as people type them, cut after every byte, and the masks.
 * Here:       rows: text, region, verdict, digits.
 * Elsewhere:  the numbering plans themselves (libphonenumber's own tests).
 * Called by:  make check. */
#include "relay/msisdn.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
    const char *text, *region;
    bool check_line;
    enum msisdn_verdict verdict;
    const char *digits;
} rows[] = {
    { "+61412345678", "AU", true, MSISDN_OK, "61412345678" },
    { "61412345678", "AU", true, MSISDN_OK, "61412345678" },
    { "0412345678", "AU", true, MSISDN_OK, "61412345678" },
    { "412345678", "AU", true, MSISDN_OK, "61412345678" },
    { "0412-345.678", "AU", true, MSISDN_OK, "61412345678" },
    { "(04) 1234 5678", "AU", true, MSISDN_OK, "61412345678" },
    { "+61 (0) 412 345 678", "AU", true, MSISDN_OK, "61412345678" },
    { " \t+61412345678 ", "AU", true, MSISDN_OK, "61412345678" },
    { "0061412345678", "GB", true, MSISDN_OK, "61412345678" },
    { "0061412345678", "", true, MSISDN_OK, "61412345678" },
    { "001161412345678", "AU", true, MSISDN_OK, "61412345678" }, /* AU's own prefix */
    { "61412345678", "", true, MSISDN_OK, "61412345678" },
    { "+61412345678", "", true, MSISDN_OK, "61412345678" },
    { "447911123456", "AU", true, MSISDN_OK, "447911123456" },
    { "07400123456", "GB", true, MSISDN_OK, "447400123456" },
    { "+16502530000", "", true, MSISDN_OK, "16502530000" }, /* NANP: never sure */
    { "6502530000", "US", true, MSISDN_OK, "16502530000" },
    { "0612345678", "FR", true, MSISDN_OK, "33612345678" },
    /* Valid at home, then valid abroad, then possible at home. */
    { "6582345678", "US", false, MSISDN_OK, "16582345678" },
    { "6582345678", "AU", true, MSISDN_OK, "6582345678" },
    { "0612345678", "AU", true, MSISDN_OK, "61612345678" },
    { "+61298765432", "AU", true, MSISDN_FIXED, NULL },
    { "0298765432", "AU", true, MSISDN_FIXED, NULL },
    { "0298765432", "AU", false, MSISDN_OK, "61298765432" },
    { "0412345678", "", true, MSISDN_IMPOSSIBLE, NULL }, /* national, no region */
    { "0412345678", "XX", true, MSISDN_IMPOSSIBLE, NULL },
    { "+0412345678", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "12345", "GB", true, MSISDN_IMPOSSIBLE, NULL },
    { "+15550100", "", true, MSISDN_IMPOSSIBLE, NULL }, /* local only */
    { "+1650253000012", "", true, MSISDN_IMPOSSIBLE, NULL },
    { "+999123456789", "", true, MSISDN_IMPOSSIBLE, NULL },
    { "", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "+", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "++61412345678", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "61+412345678", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "1-800-FLOWERS", "US", true, MSISDN_IMPOSSIBLE, NULL },
    { "+61412345678;ext=9", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "+61412345678\r\n", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "٠٤١٢٣٤٥٦٧٨", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "\xff\xfe", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "-.() \t", "AU", true, MSISDN_IMPOSSIBLE, NULL },
    { "4444444444444444444444444444444444444444444444444444444444444444", "AU", true,
      MSISDN_IMPOSSIBLE, NULL },
    { "+61412345678                                                     ", "AU", true,
      MSISDN_IMPOSSIBLE, NULL }, /* 65 bytes */
};

static enum msisdn_verdict parse_copy(const char *text, size_t n, const char *region,
                                      bool check_line, char digits[MSISDN_ROOM])
{
    char *const exact = malloc(n > 0 ? n : 1);
    enum msisdn_verdict verdict;

    assert_non_null(exact);
    memcpy(exact, text, n);
    memset(digits, '#', MSISDN_ROOM);
    verdict = msisdn_parse(span_of(exact, n), region, check_line, digits);
    free(exact);
    return verdict;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char digits[MSISDN_ROOM];
        const enum msisdn_verdict verdict =
            parse_copy(rows[i].text, strlen(rows[i].text), rows[i].region,
                       rows[i].check_line, digits);

        if (verdict != rows[i].verdict)
            fail_msg("row %zu \"%s\": %d", i, rows[i].text, (int)verdict);
        if (verdict == MSISDN_OK)
            assert_string_equal(digits, rows[i].digits);
        else
            assert_int_equal(digits[0], '#'); /* untouched */
    }
}

static void test_rows_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t n = 0; n < strlen(rows[i].text); n++) {
            char digits[MSISDN_ROOM];

            if (parse_copy(rows[i].text, n, rows[i].region, true, digits) == MSISDN_OK)
                assert_true(msisdn_is_canonical(digits));
        }
}

static void test_nul_inside(void **state)
{
    char digits[MSISDN_ROOM];

    (void)state;
    assert_int_equal(parse_copy("+6141\0002345678", 13, "AU", true, digits),
                     MSISDN_IMPOSSIBLE);
    assert_int_equal(msisdn_parse(span_of(NULL, 0), "AU", true, digits),
                     MSISDN_IMPOSSIBLE);
}

static void test_canonical(void **state)
{
    (void)state;
    assert_true(msisdn_is_canonical("12345678"));
    assert_true(msisdn_is_canonical("123456789012345"));
    assert_false(msisdn_is_canonical("1234567"));
    assert_false(msisdn_is_canonical("1234567890123456"));
    assert_false(msisdn_is_canonical("02345678"));
    assert_false(msisdn_is_canonical("+1234567"));
    assert_false(msisdn_is_canonical("1234567a"));
    assert_false(msisdn_is_canonical("12345678 "));
    assert_false(msisdn_is_canonical(""));
}

static void test_masks(void **state)
{
    static const struct {
        const char *digits, *log, *shown;
    } masks[] = {
        { "61412345678", "*678", "+61 4•• ••• 678" },
        { "447911123456", "*456", "+44 7••• ••• 456" },
        { "16502530000", "*000", "+1 6••• ••• 000" },
        { "4915112345678", "*678", "+49 1• ••• ••• 678" },
        { "35812345", "*345", "+358 1• 345" },
        { "123456789012345", "*345", "+1 2• ••• ••• ••• 345" },
        { "99912345678", "*678", "+99 9•• ••• 678" }, /* no such country */
        { "12", "*", "+•••" },
        { "", "*", "+•••" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        char log[8], shown[64];

        msisdn_mask_log(masks[i].digits, log);
        msisdn_mask_shown(masks[i].digits, shown);
        assert_string_equal(log, masks[i].log);
        assert_string_equal(shown, masks[i].shown);
    }
}

static void a_number_has_one_spelling(void **state)
{
    static const struct {
        const char *number, *folded;
    } numbers[] = {
        { "61400000001", "61400000001" },
        { "+61400000001", "61400000001" },
        { "0061400000001", "61400000001" },
        { "+61 400-000.001", "61400000001" },
        { "777", "777" },
        { "+777", "777" },
        { "0400000001", "0400000001" },
        { "00", "00" },
        { "", "" },
        { "Northside", "Northside" },
        { "+Clinic 24", "+Clinic 24" },
        { "123456789012345678901234567890123456789", /* 39 */
          "123456789012345678901234567890123456789" },
        { "1234567890123456789012345678901234567890", "" },
    };
    char out[SMS_NUMBER_ROOM];

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sms_number_fold(numbers[i].number, out);
        assert_string_equal(out, numbers[i].folded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_rows_cut),
        cmocka_unit_test(test_nul_inside), cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_masks),      cmocka_unit_test(a_number_has_one_spelling),
    };

    msisdn_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
