#!/bin/bash
# SPDX-License-Identifier: ISC
# mo-help.sh - whoever asks for help is told what this is, once an hour, also where nobody
# wrote; a question that only begins so goes to the clinic.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail_to lmtp --subject "Your results" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
reply_sms +61412345678 'Help!'
expect_sms +61412345678 '*Northside Clinic*localhost*STOP*WRONG*' >/dev/null
reply_sms +61412345678 INFO
reply_sms +61412345678 'Help me find the room, please'
expect_mail $'*\nSubject: Re: Your results\n*Help me find the room*' >/dev/null
expect_equal 1 "$(sms_count +61412345678 '*WRONG*')" "answers to HELP"

reply_sms +61412999999 hilfe
expect_sms +61412999999 "*$SMS_DOMAIN*STOP*" >/dev/null
