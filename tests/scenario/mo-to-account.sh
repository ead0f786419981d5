#!/bin/bash
# SPDX-License-Identifier: ISC
# mo-to-account.sh - somebody writes first: the mail comes to the desk that mo-account
# names, and the desk's answer goes to that phone as a private message.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'mo-account = "desk"' 'account desk {
    brand = "Front Desk" senders = { "*@elsewhere.example" }
    reply-mail = "desk@elsewhere.example" }'
reply_sms +61412345678 "Do you open on Sunday?"
expect_mail $'*\nSubject: SMS: +61 4•• ••• 678\n*Do you open on Sunday*' elsewhere >"$DIR/story/mail"
[ -z "$(mail_header "$MAIL_FILE" In-Reply-To)" ] || fail "it answers nothing"
refute_on_disk "on Sunday" 61412345678 >/dev/null
alias=$(mail_header "$MAIL_FILE" From | grep -o 'r-[a-z2-7]*@[a-z.]*')

mail desk@elsewhere.example "$alias" "Re: SMS" "From ten to four."
expect_sms +61412345678 '*/m/*' >/dev/null
register +61412345678 >/dev/null
expect_message 'From ten to four.*' >/dev/null
reply_sms +61412345678 "Thanks"
expect_mail $'*\nSubject: Re: *Thanks*' elsewhere >/dev/null

# Whoever the clinic wrote to answers the clinic.
mail_to lmtp --subject Reminder $CLINIC "+61412345679@$SMS_DOMAIN" >/dev/null
expect_sms +61412345679 '*/m/*' >/dev/null
reply_sms +61412345679 "I will come"
expect_mail $'*\nSubject: Re: Reminder\n*I will come*' >/dev/null
