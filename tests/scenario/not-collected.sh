#!/bin/bash
# SPDX-License-Identifier: ISC
# not-collected.sh - nobody fetches the message in time: it is gone, and the clinic is
# told in a sentence; a fetched one is gone silently; a robot's mail is never answered.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
# A minute is the shortest retention; the clock goes 20 times as fast.
with_clock '+0 x20'
start_sealpostd 'retention = "1min"'
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Reminder" "Your results are in"
mail_to lmtp --header 'Auto-Submitted: auto-generated' --body robot $CLINIC \
    "+61412345679@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
report=$(expect_mail '*Auto-Submitted: auto-replied*Final-Recipient*Action: failed*')
expect_match '*Status: 5.4.7*' "$report"
expect_log message.expired >/dev/null
wait_until eval '[ "$(log_count message.expired)" -eq 2 ]' || fail "the robot's mail stays"
expect_equal 1 "$(mail_count)" "reports"
