#!/bin/bash
# SPDX-License-Identifier: ISC
# wrong-otp.sh - a wrong password is counted, on the fifth the registration is over, and
# an SMS password works for its own registration and number only, and once.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
for n in 8 9; do
    mail_to lmtp --body "private $n" $CLINIC "+6141234567$n@$SMS_DOMAIN" >/dev/null
    expect_sms +6141234567$n '*/m/*' >/dev/null
done

# api METHOD PATH [BODY] - prints the status and the body.
api() {
    curl -sS --cacert "$DIR/tls/cert.pem" -H 'Content-Type: application/json' -X "$1" ${3:+-d "$3"} -w ' %{http_code}' \
        "$PUBLIC_URL/api/v1/$2"
}
begin() { api POST registrations "{\"number\":\"$1\"}" | grep -o '[0-9a-f]\{32\}'; }

id=$(begin +61412345678)
code=$(otp_of "$(expect_sms +61412345678 "$OTP_GLOB")")
wrong=$(printf '%06d' $(((10#$code + 1) % 1000000)))
for left in 4 3 2 1; do
    expect_match "*otp-mismatch*\"tries_left\":$left* 403" \
        "$(api POST "registrations/$id/otp" "{\"otp\":\"$wrong\"}")"
done
expect_match '*registration-closed* 410' "$(api POST "registrations/$id/otp" "{\"otp\":\"$wrong\"}")"
expect_match '*registration-closed* 410' "$(api POST "registrations/$id/otp" "{\"otp\":\"$code\"}")"

# Two registrations for one number at once: each has its own password.
one=$(begin +61412345678)
expect_sms +61412345678 "$OTP_GLOB" 2 >/dev/null
first=$(otp_of "$(newest_sms +61412345678 "$OTP_GLOB")")
two=$(begin +61412345678)
expect_sms +61412345678 "$OTP_GLOB" 3 >/dev/null
second=$(otp_of "$(newest_sms +61412345678 "$OTP_GLOB")")
if [ "$first" != "$second" ]; then
    expect_match '*otp-mismatch* 403' "$(api POST "registrations/$two/otp" "{\"otp\":\"$first\"}")"
fi
expect_match '*proven* 200' "$(api POST "registrations/$one/otp" "{\"otp\":\"$first\"}")"
expect_match '*proven* 200' "$(api POST "registrations/$two/otp" "{\"otp\":\"$second\"}")"
expect_match '*registration-closed* 410' "$(api POST "registrations/$one/otp" "{\"otp\":\"$first\"}")"

# Another number's password is wrong here.
other=$(begin +61412345679)
expect_sms +61412345679 "$OTP_GLOB" >/dev/null
id=$(begin +61412345678)
expect_sms +61412345678 "$OTP_GLOB" 4 >/dev/null
code=$(otp_of "$(newest_sms +61412345678 "$OTP_GLOB")")
[ "$(otp_of "$(newest_sms +61412345679 "$OTP_GLOB")")" = "$code" ] ||
    expect_match '*otp-mismatch* 403' "$(api POST "registrations/$other/otp" "{\"otp\":\"$code\"}")"

# A number that we know nothing of gets the same answer, and no SMS.
expect_match '*registration*otp_digits*201' "$(api POST registrations '{"number":"+61412999999"}')"
expect_match '*registration*201' "$(api POST registrations '{"notice":"aaaaaaaaaaaaaaaa"}')"
expect_match '*bad-number* 400' "$(api POST registrations '{"number":"12"}')"

# Five an hour to one number: the sixth is answered alike, and not sent.
id=$(begin +61412345678)
expect_sms +61412345678 "$OTP_GLOB" 5 >/dev/null
expect_match '*registration*201' "$(api POST registrations '{"number":"+61412345678"}')"
expect_log otp.limited >/dev/null
expect_equal 5 "$(sms_count +61412345678 "$OTP_GLOB")" "OTPs"
refute_sms +61412999999

# Keys that are none, and a key before the proof.
expect_match '* 410' "$(api POST "registrations/$id/device" "{\"type\":\"program\",\"label\":\"x\",\
\"encryption_key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},\
\"signing_key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}}")"
expect_match '*bad-key* 400' "$(api POST "registrations/$id/device" "{\"type\":\"program\",\"label\":\"x\",\
\"encryption_key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"AAAEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},\
\"signing_key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}}")"
expect_match '*bad-request* 400' "$(api POST registrations '{"number":"1","number":"2"}')"
expect_match '*proof* 401' "$(curl -sS --cacert "$DIR/tls/cert.pem" -H 'DPoP: a.b.c' \
    -w ' %{http_code}' "$PUBLIC_URL/api/v1/messages")"
expect_match '*use-dpop-nonce* 401' "$(api GET messages)"
