#!/bin/bash
# SPDX-License-Identifier: ISC
# links-long-answer.sh - a patient types a long answer: the phone sends it in parts, the
# clinic gets one mail. In another script too; and each from the SMSC that brought it.
set -eu
. "$(dirname "$0")/lib.sh"

# sms_part NUMBER OF TEXT - a part of a message in parts, as the fake SMSC's far end says
# it: FROM TO udh UDH data TEXT. phone.py puts the words behind FROM TO; a line break
# makes it say "data".
sms_part() {
    phone_send +61412345678 "61400000000 udh %05%00%03%2A%0$2%0$1" "$3"$'\n'
}

start postfix bearerbox phone sealpostd
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Your question" "How are you?"
expect_sms +61412345678 '*/m/*' >/dev/null
sms_part 1 3 "The first part, "
sms_part 3 3 "and the last."
sms_part 2 3 "the second one"
expect_mail '*The first part,*the second one*and the last.*' >/dev/null
expect_equal 1 "$(mail_count)" "mails"
reply_sms +61412345678 "Я приду"
expect_mail '*Я приду*' >/dev/null
expect_equal 2 "$(mail_count)" "mails"
