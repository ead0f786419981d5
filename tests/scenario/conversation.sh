#!/bin/bash
# SPDX-License-Identifier: ISC
# conversation.sh - the answer comes into the clinic's thread, from the application and
# by plain SMS; the clinic answers the alias; a stranger who writes to it is refused.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Kontrolle für Ärger" "Can you come?"

# By SMS, before anything is registered: the server can still read the subject.
expect_sms +61412345678 '*/m/*' >/dev/null
reply_sms +61412345678 "Yes, gern – ünd thank you"
expect_mail $'*\nSubject: Re: Kontrolle für Ärger\n*Yes, gern – ünd thank you*' >"$DIR/story/mail"
[ -n "$(mail_header "$MAIL_FILE" In-Reply-To)" ] || fail "it does not thread"
[ -z "$(mail_header "$MAIL_FILE" Auto-Submitted)" ] || fail "a person's answer is no robot"
case $(cat "$DIR/story/mail") in *412345678*) fail "the number is shown whole" ;; esac
refute_on_disk "thank you" >/dev/null

register +61412345678
expect_message 'Can you come*' >/dev/null
handset reply "$MESSAGE_ID" "One more question: may I eat before?"
expect_mail $'*\nSubject: Re: Kontrolle für Ärger\n*may I eat before*' >/dev/null
refute_on_disk "may I eat" >/dev/null
alias=$(mail_header "$MAIL_FILE" From | grep -o 'r-[a-z2-7]*@[a-z.]*')

mail $CLINIC "$alias" "Re: Kontrolle für Ärger" "Better not."
expect_message 'Better not.*' >/dev/null
expect_match '* 550 5.7.1 *' "$(mail_to lmtp someone@clinic.example "$alias" || true)"
expect_match '* 250 *' "$(mail_to lmtp CLINIC@clinic.example "${alias^^}" || true)"

# The same reply sent twice (the answer was lost) is one mail: the key differs, the
# words are the same, so this is two; a repeat of the very bytes is one.
handset reply "$MESSAGE_ID" "" 2>/dev/null && fail "an empty reply was taken"
handset reply "$MESSAGE_ID" "$(head -c 60000 /dev/zero | tr '\0' 'x' | fold -w 70)" >/dev/null
expect_mail '*xxxxxxxxxx*' >/dev/null

# An SMS from a number that nobody wrote to goes nowhere, and says so in the log.
reply_sms +61412000000 "Who are you?"
expect_log 'mo.dropped' >/dev/null
