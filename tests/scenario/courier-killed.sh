#!/bin/bash
# SPDX-License-Identifier: ISC
# courier-killed.sh - the courier dies between hand-over and ack: the outbox knows that
# it does not know, says so, and the SMS comes.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
kill -STOP "$PID_bearerbox"
wait_until mail_to lmtp $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_log 'outbox.handed .*kind=notice' >/dev/null
kill9 courier
expect_log 'outbox.doubt ' >/dev/null
kill -CONT "$PID_bearerbox"
expect_sms +61412345678 '*/m/*' >/dev/null
expect_log 'outbox.outcome .*outcome=sent' >/dev/null

# The same with the keeper: what it handed over before is found in the outbox.
kill -STOP "$PID_bearerbox"
wait_until mail_to lmtp $CLINIC "+61412345679@$SMS_DOMAIN" >/dev/null
wait_until eval '[ "$(log_count "outbox.handed .*kind=notice")" -ge 3 ]' ||
    fail "not handed over"
kill9 courier
kill9 keeper
kill -CONT "$PID_bearerbox"
expect_sms +61412345679 '*/m/*' >/dev/null

# The keeper alone dies while an SMS is on its way: the courier tells the next keeper what
# became of it, and the patient gets one SMS, not two.
kill -STOP "$PID_bearerbox"
wait_until mail_to lmtp "$CLINIC" "+61412345670@$SMS_DOMAIN" >/dev/null
handed=$(expect_log 'outbox.handed .*kind=notice' | grep -o 'job=[0-9a-f]*')
kill9 keeper
wait_restart
kill -CONT "$PID_bearerbox"
expect_sms +61412345670 '*/m/*' >/dev/null
expect_log "outbox.outcome .*$handed .*outcome=sent" >/dev/null
expect_equal 1 "$(sms_count +61412345670)" "notices"
