#!/bin/bash
# SPDX-License-Identifier: ISC
# several-devices.sh - a phone and a tablet: later messages open on both, earlier ones
# stay closed to the newcomer, a revoked one gets nothing; a borrowed phone forgets; RSA
# keys work as well.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'device-idle-browser = "6s"' 'device-idle-shared = "8s"'
mail_to lmtp --body "the first" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
register +61412345678 phone
expect_message 'the first*' >/dev/null

register_begin +61412345678 tablet -k rsa
expect_sms +61412345678 "$OTP_GLOB" 2 >/dev/null
register_otp tablet "$(otp_of "$(newest_sms +61412345678 "$OTP_GLOB")")"
register_end tablet >/dev/null
expect_sms +61412345678 '*device*' >/dev/null
expect_equal 0 "$(message_count)" "earlier messages on the tablet"
expect_match '*1 more: sealed to other devices*' "$(handset list 2>&1)" "what it says of them"

mail_to lmtp --body "the second" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
for HANDSET in phone tablet; do expect_message 'the second*' >/dev/null; done
expect_equal 2 "$(handset devices | wc -l)" "devices"

# The phone names the tablet, and revokes it.
HANDSET=phone
tablet=$(handset devices | grep -v 'this one' | cut -d ' ' -f 1)
handset label "$tablet" "Mum's tablet"
expect_match "*$tablet program * Mum's tablet*" "$(handset devices)" "devices"
handset revoke "$tablet"
mail_to lmtp --body "the third" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_message 'the third*' >/dev/null
HANDSET=tablet expect_exit 77 handset list 2>/dev/null

# Another number's device sees none of it.
mail_to lmtp --body "another" $CLINIC "+61412345679@$SMS_DOMAIN" >/dev/null
HANDSET=phone third=$MESSAGE_ID
register +61412345679 stranger >/dev/null
expect_message 'another*' >/dev/null
expect_exit 66 handset read "$third" 2>/dev/null
expect_exit 66 handset remove "$third" 2>/dev/null
expect_exit 66 handset reply "$third" "me too" 2>/dev/null

# A phone that was borrowed is a device while it is used, and then forgets.
register_begin +61412345679 borrowed --type shared
expect_sms +61412345679 "$OTP_GLOB" 2 >/dev/null
register_otp borrowed "$(otp_of "$(newest_sms +61412345679 "$OTP_GLOB")")"
register_end borrowed >/dev/null
expect_match '* shared * (this one)*' "$(handset devices)" "devices"
borrowed=$(handset devices | grep 'this one' | cut -d ' ' -f 1)
expect_log "device.revoked .*device=$borrowed" >/dev/null
HANDSET=borrowed expect_exit 77 handset list 2>/dev/null
HANDSET=stranger
expect_equal 1 "$(handset devices | wc -l)" "devices"

# A browser that was idle is not sealed to blindly; when it comes back it has the message.
mail_to lmtp --body "zero" $CLINIC "+61412345670@$SMS_DOMAIN" >/dev/null
register_begin +61412345670 browser --type browser
expect_sms +61412345670 "$OTP_GLOB" >/dev/null
register_otp browser "$(otp_of "$(newest_sms +61412345670 "$OTP_GLOB")")"
register_end browser >/dev/null
expect_message 'zero*' >/dev/null
is_held() {
    mail_to lmtp --body "while idle" $CLINIC "+61412345670@$SMS_DOMAIN" >/dev/null
    is_logged 'message.accepted .*to=\*670 .*form=intermediate.*' &&
        [ "$(log_count 'message.accepted .*to=\*670 .*form=intermediate')" -ge 2 ]
}
wait_until is_held || fail "an idle browser still gets messages sealed to its key"
expect_message 'while idle*' >/dev/null
