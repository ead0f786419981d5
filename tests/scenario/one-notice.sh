#!/bin/bash
# SPDX-License-Identifier: ISC
# one-notice.sh - five messages in a row: the patient gets one SMS now, and one more at
# the end of the interval, because something new waits.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'notice-interval = "12s"'
for n in 1 2 3 4 5; do
    mail_to lmtp --body "message $n" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
    [ $n -gt 1 ] || expect_sms +61412345678 '*/m/*' >/dev/null
    [ $n -gt 1 ] || expect_log message.notified >/dev/null
done
expect_equal 1 "$(sms_count +61412345678)" "notices at first"
expect_sms +61412345678 '*/m/*' 2 >/dev/null
wait_until eval '[ "$(log_count message.notified)" -eq 5 ]' || fail "not all are told of"
# Nothing new waits: no third notice, however long.
mail_to lmtp $CLINIC "+61412345670@$SMS_DOMAIN" >/dev/null
expect_sms +61412345670 '*/m/*' >/dev/null
mail_to lmtp $CLINIC "+61412345670@$SMS_DOMAIN" >/dev/null
expect_sms +61412345670 '*/m/*' 2 >/dev/null
expect_equal 2 "$(sms_count +61412345678)" "notices in the end"
