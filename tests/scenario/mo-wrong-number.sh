#!/bin/bash
# SPDX-License-Identifier: ISC
# mo-wrong-number.sh - a stranger gets the clinic's SMS and says so: what nobody opened is
# taken back, the clinic is told, once for each message, and can write there no more.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'account eastside {
    brand = "Eastside Pharmacy" senders = { "*@pharmacy.example" } }'
mail_to lmtp --subject "Your results" --body "all is well" \
    desk@pharmacy.example "+61412345678@$SMS_DOMAIN" >/dev/null
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Your results" "the first"
expect_sms +61412345678 '*/m/*' >/dev/null
wait_until eval '[ "$(log_count message.accepted)" -eq 2 ]' || fail "not accepted"
reply_sms +61412345678 'wrong'
expect_sms +61412345678 'Thank you. Northside Clinic *' >/dev/null
report=$(expect_mail '*Auto-Submitted: auto-replied*Final-Recipient*Action: failed*')
expect_match '*is for somebody else*taken back*' "$report" "the report"
expect_log 'handset.wrong-number .*account=northside .*withdrawn=1' >/dev/null
expect_match '* 550 5.7.1 *' \
    "$(mail_to lmtp $CLINIC "+61412345678@$SMS_DOMAIN" || true)" "the clinic writes again"

# Said again it changes nothing; the pharmacy's message is still there.
reply_sms +61412345678 'WRONG'
wait_until eval '[ "$(log_count handset.wrong-number)" -eq 2 ]' || fail "not heard"
register +61412345678 >/dev/null
expect_message 'all is well*' >/dev/null
expect_equal 1 "$(message_count)" "messages left"
expect_equal 1 "$(sms_count +61412345678 'Thank you*')" "answers"
expect_equal 1 "$(mail_count)" "reports"
