#!/bin/bash
# SPDX-License-Identifier: ISC
# register-by-sms.sh - a person proves the number by an SMS from it: with a message
# waiting or in advance, by hand or by a program that sends SMS, whichever of SMS and
# call is first; the message can be read when the number was told of the device.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'otp-direction = "both"' 'confirm-wait = "0s"'
CONFIRM='*registered*answer WRONG*'

# sms_from NUMBER - what --sms-command runs: the telephone with that number sends it.
sms_from() {
    printf '"%s" "%s/phone.py" send --dir "%s" %s "$SMS_TO" "$SMS_TEXT"' \
        "$PYTHON" "$DEMO" "$DIR" "$1"
}

# A patient with a link, and a program that sends SMS for him.
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Your results" "The results are fine"
link=$(grep -o 'https://[^ ]*' <<<"$(expect_sms +61412345678 '*/m/*')")
said=$(handset register "$link" --direction handset --number '0412 345 678' \
    --sms-command "$(sms_from +61412345678)" 2>&1)
expect_match '*registered as device*An SMS to your number*' "$said"
expect_sms +61412345678 "$CONFIRM" >/dev/null
expect_message 'The results are fine*' >/dev/null
expect_log 'registration.proven' >/dev/null
expect_log 'device.confirmed .*wait_s=0' >/dev/null
refute_sms +61412345678 "$OTP_GLOB"
mail_to lmtp --body "by and by" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_log 'message.accepted .*form=final' >/dev/null
expect_message 'by and by*' >/dev/null

# Somebody nobody has written to types the SMS himself: he is registered in advance.
HANDSET=early
handset register +61412345677 --direction handset >"$DIR/story/early" 2>&1 &
early=$!
wait_until grep -q 'SEAL ' "$DIR/story/early" || fail "nobody says what to send"
expect_match '*Send this SMS to +61400000000 from your telephone*' "$(cat "$DIR/story/early")"
text=$(grep -o 'SEAL [a-z2-7]*' "$DIR/story/early")
expect_equal 15 ${#text} "letters of '$text'"
reply_sms +61412345677 " seal $(tr a-z A-Z <<<"${text#SEAL }" | sed 's/...../&-/') "
wait "$early" || fail "not registered: $(cat "$DIR/story/early")"
expect_sms +61412345677 "$CONFIRM" >/dev/null
expect_equal 0 "$(message_count)" "messages in advance"
mail_to lmtp --body "the first" $CLINIC "+61412345677@$SMS_DOMAIN" >/dev/null
expect_log 'message.accepted .*to=\*677 .*form=final' >/dev/null
expect_message 'the first*' >/dev/null

# An application whose SMS is faster than its call. What was used is never used again.
api() {
    curl -sS --cacert "$DIR/tls/cert.pem" -H 'Content-Type: application/json' \
        -X POST -d "$2" -w ' %{http_code}' "$PUBLIC_URL/api/v1/$1"
}
begin() { api registrations '{"direction":"handset"}' | grep -o '[0-9a-f]\{32\}'; }
otp() { api "registrations/$1/otp" "{\"otp\":\"$2\",\"number\":\"$3\"}"; }

expect_match '{"registration":"*","otp_digits":6,"expires":*,"sms_to":"+61400000000","sms_text":"SEAL {otp}"} 201' \
    "$(api registrations '{"direction":"handset","number":"+61412345676"}')"
id=$(begin)
reply_sms +61412345676 "SEAL abcdefgh27"
expect_log 'otp.received .*from=\*676 smsc=FAKE' >/dev/null
expect_match '{"proven":true} 200' "$(otp "$id" abcdefgh27 +61412345676)"
other=$(begin)
reply_sms +61412345676 "SEAL abcdefgh27"
expect_log 'otp.refused .*used or refused before' >/dev/null
expect_match '*registration-closed* 410' "$(otp "$other" abcdefgh27 +61412345676)"
expect_match '*registration-closed* 410' "$(otp "$other" abcdefgh27 +61412345676)"

# Its call first, and again: asking costs no tries.
id=$(begin)
for _ in 1 2 3 4 5 6 7; do
    expect_match '{"proven":false} 202' "$(otp "$id" bbbbbbbb27 +61412345676)"
done
reply_sms +61412345676 "SEAL bbbbbbbb27"
is_proven() { [[ $(otp "$id" bbbbbbbb27 +61412345676) == *true*200 ]]; }
wait_until is_proven || fail "the SMS does not count"

# A command that fails, and options that do not fit.
expect_exit 71 handset register +61412345675 --direction handset \
    --sms-command 'exit 3' 2>/dev/null
for wrong in '--number +61412345678' '--sms-command true' \
    '--direction handset --number +61412345678'; do
    # shellcheck disable=SC2086 # several words
    expect_exit 64 handset register +61412345678 $wrong 2>/dev/null
done
expect_match '*--number*' "$(expect_exit 64 handset register "$link" --direction handset 2>&1)"
refute_on_disk abcdefgh27 bbbbbbbb27 "${text#SEAL }" 61412345677 >/dev/null
