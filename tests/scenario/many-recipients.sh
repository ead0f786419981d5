#!/bin/bash
# SPDX-License-Identifier: ISC
# many-recipients.sh - one mail to six numbers: the good ones get it, and the clinic's
# mail program hears of the bad ones only.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
good=(+61412345601 +61412345602 +61412345603)
# Three that Postfix lets through and Sealpost refuses: two fixed lines, one too short.
bad=(+61299999991 +61299999992 +6141)

got=$(mail_to lmtp $CLINIC "${good[@]/%/@$SMS_DOMAIN}" "${bad[@]/%/@$SMS_DOMAIN}" || true)
for number in "${good[@]}"; do
    expect_match "*$number@$SMS_DOMAIN 250 *" "$got"
    expect_sms "$number" '*/m/*' >/dev/null
done
for number in "${bad[@]}"; do expect_match "*$number@$SMS_DOMAIN 550 5.1.1 *" "$got"; done

# The same through Postfix: one bounce, naming the refused ones.
mail $CLINIC "+61412345604@$SMS_DOMAIN +61412345605@$SMS_DOMAIN +61299999991@$SMS_DOMAIN" \
    "Six at once" "Your results are in"
expect_sms +61412345604 '*/m/*' >/dev/null
expect_sms +61412345605 '*/m/*' >/dev/null
bounce=$(expect_mail '*cannot receive SMS*')
expect_match '*+61299999991@*' "$bounce"
case $bounce in *+61412345604@*) fail "the bounce names a good number" ;; esac
expect_equal 0 "$(log_count 'message.refused .*to=\*604')"
