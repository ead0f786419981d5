#!/bin/bash
# SPDX-License-Identifier: ISC
# postfix-down.sh - the mail server is away: the reply waits and comes; Sealpost is away:
# the mail waits and comes.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Reminder" "Can you come?"
register +61412345678
expect_message 'Can you come*' >/dev/null
stop postfix
handset reply "$MESSAGE_ID" "I can"
expect_log 'outbox.outcome .*kind=reply outcome=busy' >/dev/null
refute_on_disk "I can" >/dev/null
start postfix
expect_mail '*I can*' >/dev/null

stop sealpostd
mail $CLINIC "+61412345679@$SMS_DOMAIN" "Reminder" "Second patient"
wait_until grep -q 'status=deferred' "$DIR/postfix/mail.log" || fail "not deferred"
start sealpostd
wait_until eval 'postfix_flush; has_sms +61412345679 "*/m/*" 1' || fail "no SMS"
