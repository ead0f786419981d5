#!/bin/bash
# SPDX-License-Identifier: ISC
# register-by-sms-refused.sh - an SMS from another number, from an SMSC whose originators
# are not believed, or from long ago registers nobody; nor does a direction that is not
# offered; nobody learns who is known.
set -eu
. "$(dirname "$0")/lib.sh"

api() {
    curl -sS --cacert "$DIR/tls/cert.pem" -H 'Content-Type: application/json' \
        -X POST -d "$2" -w ' %{http_code}' "$PUBLIC_URL/api/v1/$1"
}
begin() { api registrations '{"direction":"handset"}' | grep -o '[0-9a-f]\{32\}'; }
otp() { api "registrations/$1/otp" "{\"otp\":\"$2\",\"number\":\"$3\"}"; }
sms_from() {
    printf '"%s" "%s/phone.py" send --dir "%s" %s "$SMS_TO" "$SMS_TEXT"' \
        "$PYTHON" "$DEMO" "$DIR" "$1"
}

start postfix bearerbox phone
start_sealpostd 'otp-direction = "both"'
mail_to lmtp --body private $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null

# Another number's SMS: the program is told, and leaves no keys.
said=$(expect_exit 77 handset register +61412345678 --direction handset \
    --sms-command "$(sms_from +61412345679)" 2>&1)
expect_match '*came from another number*' "$said"
expect_exit 78 handset list >/dev/null

# The same, the SMS first; then the right number is too late.
id=$(begin)
reply_sms +61412345679 "SEAL aaaaaaaa22"
expect_log 'otp.received .*from=\*679' >/dev/null
expect_match '*number-mismatch* 403' "$(otp "$id" aaaaaaaa22 +61412345678)"
reply_sms +61412345678 "SEAL aaaaaaaa22"
expect_log 'otp.refused .*from=\*678 .*before' >/dev/null
expect_match '*registration-closed* 410' "$(otp "$(begin)" aaaaaaaa22 +61412345678)"

# A number that is known is answered as one that is not.
known=$(begin) unknown=$(begin)
expect_equal "$(otp "$known" aaaaaaaa33 +61412345678)" \
    "$(otp "$unknown" aaaaaaaa44 +61412999999)" "answers"
expect_match '*bad-request* 400' "$(api "registrations/$(begin)/otp" '{"otp":"aaaaaaaa55"}')"
expect_match '*bad-number* 400' "$(otp "$(begin)" aaaaaaaa55 12)"

# What looks like a password but is none is an answer to the clinic as ever.
reply_sms +61412345678 "SEAL of approval"
expect_mail '*SEAL of approval*' >/dev/null
stop sealpostd

# Only some SMSCs are believed; the fake one is not of them.
start_sealpostd 'otp-direction = "both"' 'otp-smscs = { "TRUSTED" }'
expect_exit 77 handset register +61412345678 --direction handset \
    --sms-command "$(sms_from +61412345678)" >/dev/null
expect_log 'otp.refused .*smsc=FAKE .*not believed' >/dev/null
stop sealpostd

# An SMS from before the password's life: it waited in bearerbox.
with_clock '+10min'
start_sealpostd 'otp-direction = "both"' 'otp-smscs = { "FAKE" }'
expect_exit 77 handset register +61412345678 --direction handset \
    --sms-command "$(sms_from +61412345678)" >/dev/null
expect_log 'otp.refused .*older than otp-lifetime' >/dev/null
stop sealpostd
SEALPOSTD_WITH=()

# What is not offered: by default the handset's way, or else the server's.
start_sealpostd
expect_match '*urn:sealpost:direction* 403' \
    "$(api registrations '{"direction":"handset"}')"
expect_exit 69 handset register +61412345678 --direction handset 2>/dev/null
stop sealpostd
start_sealpostd 'otp-direction = "handset"'
expect_match '*urn:sealpost:direction* 403' \
    "$(api registrations '{"number":"+61412345678"}')"
said=$(expect_exit 69 handset register +61412345678 2>&1)
expect_match '*--direction handset*' "$said"
refute_sms +61412345678 "$OTP_GLOB"
refute_sms +61412345678 '*registered*'
