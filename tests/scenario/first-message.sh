#!/bin/bash
# SPDX-License-Identifier: ISC
# first-message.sh - a clinic mails a patient who never heard of us: SMS, password, and
# the message is read; the later one needs no password; removing removes.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Your results" "The results are fine" "See you"
notice=$(expect_sms +61412345678 '*/m/*')
case $notice in *results*) fail "the notice tells: $notice" ;; esac
refute_on_disk "results are fine" "Your results" 61412345678 $CLINIC >/dev/null

link=$(grep -o 'https://[^ ]*' <<<"$notice")
register_begin "$link" 1
expect_sms +61412345678 "$OTP_GLOB" >/dev/null
register_otp 1 "$(otp_of "$(newest_sms +61412345678 "$OTP_GLOB")")"
register_end 1
expect_message 'The results are fine?See you*' >/dev/null
expect_log 'message.resealed' >/dev/null
refute_on_disk "results are fine" "Your results" 61412345678 $CLINIC >/dev/null

# A registered handset gets the next one sealed to its own key at once.
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Second" "Bring your card"
expect_log 'message.accepted .*form=final' >/dev/null
expect_message 'Bring your card*' >/dev/null
head=$(handset -v read "$MESSAGE_ID" 2>&1 >/dev/null)
expect_match "*From: Northside Clinic <$CLINIC>*Subject: Second*" "$head"

# Removed is removed, for this message only.
handset remove "$MESSAGE_ID"
expect_equal 1 "$(message_count)"
expect_exit 66 handset read "$MESSAGE_ID" 2>/dev/null
expect_exit 66 handset remove "$MESSAGE_ID" 2>/dev/null
