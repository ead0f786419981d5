#!/bin/bash
# SPDX-License-Identifier: ISC
# undeliverable.sh - the network refuses the SMS: the clinic is told, once, with a mail
# that its system understands and a receptionist too.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
# Two days behind, every SMS is past its validity when bearerbox gets it: it refuses it
# and reports so.
with_clock '-2d'
start_sealpostd
mail "$CLINIC" "+61412345678@$SMS_DOMAIN" "Reminder" "Your results are in"
expect_log 'message.undeliverable' >/dev/null
report=$(expect_mail '*Auto-Submitted: auto-replied*Final-Recipient*Action: failed*')
expect_match '*Status: 5.0.0*' "$report"
wait_until eval '[ "$(log_count "outbox.outcome .*kind=undeliverable")" -ge 1 ]' ||
    fail "the report is not settled"
expect_equal 1 "$(mail_count)" "reports"
