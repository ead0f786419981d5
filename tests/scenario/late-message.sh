#!/bin/bash
# SPDX-License-Identifier: ISC
# late-message.sh - a message that comes while the SMS about an earlier one is on its way,
# or while the patient had said STOP, gets an SMS of its own: none lies there unheard of.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'notice-interval = "3s"'
kill -STOP "$PID_bearerbox"
mail_to lmtp --body "first" "$CLINIC" "+61412345678@$SMS_DOMAIN" >/dev/null
expect_log 'outbox.handed .*kind=notice' >/dev/null
second=$(date +%s)
later() { [ "$(date +%s)" -gt "$second" ]; }
wait_until later
mail_to lmtp --body "second" "$CLINIC" "+61412345678@$SMS_DOMAIN" >/dev/null
kill -CONT "$PID_bearerbox"
expect_sms +61412345678 '*/m/*' 2 >/dev/null

# STOP comes while a notice waits; after START it is told of.
mail_to lmtp --body "third" "$CLINIC" "+61412345679@$SMS_DOMAIN" >/dev/null
expect_sms +61412345679 '*/m/*' >/dev/null
mail_to lmtp --body "fourth" "$CLINIC" "+61412345679@$SMS_DOMAIN" >/dev/null
reply_sms +61412345679 STOP
expect_log 'handset.opted-out' >/dev/null
expect_log 'outbox.dropped .*kind=notice' >/dev/null
expect_equal 1 "$(sms_count +61412345679 '*/m/*')" "notices to one who said STOP"
reply_sms +61412345679 START
expect_sms +61412345679 '*/m/*' 2 >/dev/null
