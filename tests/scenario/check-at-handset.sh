#!/bin/bash
# SPDX-License-Identifier: ISC
# check-at-handset.sh - in a closed network the handset itself compares what is typed
# with what the server gave it; elsewhere nothing is given, and the claim to have compared
# is refused.
set -eu
. "$(dirname "$0")/lib.sh"

KEY='{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
api() {
    curl -sS --cacert "$DIR/tls/cert.pem" -H 'Content-Type: application/json' \
        -X POST -d "$2" -w ' %{http_code}' "$PUBLIC_URL/api/v1/$1"
}
# claim NUMBER - a program that never saw the SMS says that it compared.
claim() {
    local id
    id=$(api registrations "{\"number\":\"$1\"}" | grep -o '"registration":"[0-9a-f]*' | cut -d '"' -f 4)
    api "registrations/$id/device" "{\"type\":\"program\",\"checked\":true,\
\"encryption_key\":$KEY,\"signing_key\":$KEY}"
}

start postfix bearerbox phone sealpostd
mail_to lmtp --body "the first" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
answer=$(api registrations '{"number":"+61412345678"}')
case $answer in *check*) fail "a check is given out: $answer" ;; esac
expect_match '*registration-closed* 410' "$(claim +61412345678)"
register +61412345678 usual
expect_message 'the first*' >/dev/null
stop sealpostd

start_sealpostd 'otp-check-at-handset = yes' 'otp-per-number = 100'
for number in +61412345678 +61412999999; do # known or not
    expect_match '*"check":"'"$(printf '[A-Za-z0-9_-]%.0s' {1..43})"'"} 201' \
        "$(api registrations "{\"number\":\"$number\"}")"
done
before=$(sms_count +61412345678 "$OTP_GLOB")
register_begin +61412345678 closed
expect_sms +61412345678 "$OTP_GLOB" $((before + 1)) >/dev/null
code=$(otp_of "$(newest_sms +61412345678 "$OTP_GLOB")")
register_otp closed "$(printf '%06d' $(((10#$code + 1) % 1000000)))"
expect_exit 77 register_end closed >/dev/null
calls=$(log_count registration.proven)
register +61412345678 closed >/dev/null
expect_log 'device.registered .*by=check' >/dev/null
expect_equal "$calls" "$(log_count registration.proven)" "calls to .../otp"
mail_to lmtp --body "the second" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_message 'the second*' >/dev/null
expect_match '*registration-closed* 410' "$(claim +61412999999)" # no OTP was sent
