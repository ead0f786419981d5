#!/bin/bash
# SPDX-License-Identifier: ISC
# bearerbox-down.sh - the SMS gateway is away for a while: messages are taken, and every
# notice comes when it is back.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix phone sealpostd
for n in 1 2 3; do mail_to lmtp $CLINIC "+6141234567$n@$SMS_DOMAIN" >/dev/null; done
expect_equal 0 "$(log_count outbox.handed)" "jobs handed over without a link"
start_bearerbox
for n in 1 2 3; do expect_sms +6141234567$n '*/m/*' >/dev/null; done
stop_bearerbox KILL
expect_log 'box.lost' >/dev/null
mail_to lmtp $CLINIC "+61412345674@$SMS_DOMAIN" >/dev/null
start_bearerbox
expect_sms +61412345674 '*/m/*' >/dev/null
for n in 1 2 3 4; do expect_equal 1 "$(sms_count +6141234567$n)" "notices to $n"; done
