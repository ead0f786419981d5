/* SPDX-License-Identifier: ISC */
/* test_handset_info.c - what the page is told before anybody proves anything.
 * Elsewhere:  what the keeper says of a notice (test_notice_info.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "plugin/handset_info.h"
#include <stdio.h>

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define TEXT(s) ((char *)(uintptr_t)(s))

static struct config_logo logo = { .path = "/brand/0123456789abcdef.svg" };
static struct config_account accounts[] = {
    { .name = "plain", .brand = TEXT("A \"B\""), .notice_brand = true },
    { .name = "rich",
      .brand = TEXT("Clinic"),
      .notice_brand = true,
      .color = "#0a7d5c",
      .logo = &logo },
    { .name = "discreet", .brand = TEXT("Clinic"), .color = "#0a7d5c", .logo = &logo },
};

static const struct {
    const char *account, *language, *brand, *look, *shown_language;
} notice_rows[] = {
    { "plain", "de-AT", "\"A \\\"B\\\"\"", "\"color\":null,\"logo\":null", "de-AT" },
    { "rich", "en", "\"Clinic\"",
      "\"color\":\"#0a7d5c\",\"logo\":\"/brand/0123456789abcdef.svg\"", "en" },
    { "discreet", "en", "null", "\"color\":null,\"logo\":null", "en" },
    { "gone", "", "null", "\"color\":null,\"logo\":null", "en" },
    { "", "", "null", "\"color\":null,\"logo\":null", "en" },
};

static void a_sender_is_shown_as_it_wants(void **state)
{
    const struct config config = { .operator_name = TEXT("Group"),
                                   .accounts = accounts,
                                   .account_count = ROWS(accounts) };

    (void)state;
    for (size_t i = 0; i < ROWS(notice_rows); i++) {
        struct ipc_notice_info info = { .waiting = 3, .ending = "678" };
        char want[400];
        struct buf out;

        (void)span_copy(info.account, sizeof info.account,
                        span_str(notice_rows[i].account));
        (void)span_copy(info.language, sizeof info.language,
                        span_str(notice_rows[i].language));
        (void)snprintf(want, sizeof want,
                       "{\"operator\":\"Group\",\"brand\":%s,%s,\"language\":\"%s\","
                       "\"ending\":\"678\",\"waiting\":3}",
                       notice_rows[i].brand, notice_rows[i].look,
                       notice_rows[i].shown_language);
        buf_init(&out, 1024);
        assert_true(handset_put_notice(&config, &info, &out));
        assert_string_equal(buf_cstr(&out), want);
        buf_clear(&out);
    }
}

static const struct {
    struct config config;
    const char *push_key, *want;
} app_rows[] = {
    { { .operator_name = TEXT("Group"), .otp_digits = 6, .otp_direction = OTP_SERVER },
      NULL,
      "{\"operator\":\"Group\",\"contact\":\"\",\"hash\":\"ab\",\"otp_digits\":6,"
      "\"directions\":[\"server\"],\"region\":\"\",\"push_key\":null}" },
    { { .operator_name = TEXT("Group"),
        .operator_contact = TEXT("02 5550 0123"),
        .region = "AU",
        .otp_digits = 10,
        .otp_direction = OTP_BOTH },
      "BC-_",
      "{\"operator\":\"Group\",\"contact\":\"02 5550 0123\",\"hash\":\"ab\","
      "\"otp_digits\":10,\"directions\":[\"server\",\"handset\"],\"region\":\"AU\","
      "\"push_key\":\"BC-_\"}" },
    { { .operator_name = TEXT("G"), .otp_digits = 4, .otp_direction = OTP_HANDSET },
      NULL,
      "{\"operator\":\"G\",\"contact\":\"\",\"hash\":\"ab\",\"otp_digits\":4,"
      "\"directions\":[\"handset\"],\"region\":\"\",\"push_key\":null}" },
};

static void the_server_says_what_it_offers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(app_rows); i++) {
        struct buf out;

        buf_init(&out, 1024);
        assert_true(
            handset_put_app(&app_rows[i].config, "ab", app_rows[i].push_key, &out));
        assert_string_equal(buf_cstr(&out), app_rows[i].want);
        buf_clear(&out);
        buf_init(&out, 20); /* no room is no answer */
        assert_false(handset_put_app(&app_rows[i].config, "ab", NULL, &out));
        buf_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_is_shown_as_it_wants),
        cmocka_unit_test(the_server_says_what_it_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
