#!/bin/bash
# SPDX-License-Identifier: ISC
# stop-one-sender.sh - a patient stops the pharmacy and still hears from the clinic; stops
# all; and comes back. Each step is answered by one SMS, in the words of any language.
set -eu
. "$(dirname "$0")/lib.sh"

PHARMACY=desk@pharmacy.example
PHARMACY_ACCOUNT='account eastside {
    brand = "Eastside Pharmacy" senders = { "*@pharmacy.example" } language = "de" }'

# taken FROM NUMBER, refused FROM NUMBER
taken() { mail_to lmtp "$1" "$2@$SMS_DOMAIN" >/dev/null || fail "$1 may not write to $2"; }
refused() {
    expect_match '* 550 5.7.1 *does not want*' \
        "$(mail_to lmtp "$1" "$2@$SMS_DOMAIN" || true)" "$1 writes to $2"
}

start postfix bearerbox phone
start_sealpostd 'notice-interval = "1s"' "$PHARMACY_ACCOUNT"

# STOP is for who wrote last.
taken $CLINIC +61412345678
expect_sms +61412345678 'Northside*/m/*' >/dev/null
taken $PHARMACY +61412345678
expect_sms +61412345678 'Eastside*/m/*' >/dev/null
reply_sms +61412345678 ' Stop. '
expect_log 'handset.opted-out .*account=eastside' >/dev/null
expect_sms +61412345678 'Eastside Pharmacy sendet Ihnen keine *START*' >/dev/null
refused $PHARMACY +61412345678
reply_sms +61412345678 'STOPP!'
wait_until eval '[ "$(log_count "handset.opted-out .*eastside")" -eq 2 ]' ||
    fail "the second word was not heard"
taken $CLINIC +61412345678
expect_sms +61412345678 'Northside*/m/*' 2 >/dev/null
expect_equal 1 "$(sms_count +61412345678 '*START*')" "answers to STOP"

# Everybody; then the clinic again, which wrote last; then everybody.
reply_sms +61412345678 'stop all'
expect_sms +61412345678 "$SMS_DOMAIN *START*" >/dev/null
refused $CLINIC +61412345678
reply_sms +61412345678 START
expect_sms +61412345678 'Northside Clinic *STOP*' >/dev/null
taken $CLINIC +61412345678
refused $PHARMACY +61412345678
reply_sms +61412345678 'START ALL'
expect_log 'handset.opted-in .*account="?\*' >/dev/null
taken $PHARMACY +61412345678

# The words of other languages, on another phone each.
for word in STOPP arrêt ARRET alto توقف 退订; do
    number=+6141200000$((n = ${n:-0} + 1))
    taken $CLINIC "$number"
    expect_sms "$number" 'Northside*/m/*' >/dev/null
    reply_sms "$number" "$word"
    expect_sms "$number" 'Northside Clinic *START*' >/dev/null
    refused $CLINIC "$number"
done

# Before anybody wrote.
reply_sms +61412999999 STOP
expect_sms +61412999999 '*START*' >/dev/null
refused $CLINIC +61412999999
