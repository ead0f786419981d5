#!/bin/bash
# SPDX-License-Identifier: ISC
# front-killed-in-data.sh - the front dies while a mail comes in: the MTA sends it again,
# and the patient has it once.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail_to lmtp --subject x --body y --stop-after BODY $CLINIC \
    "+61412345670@$SMS_DOMAIN" >"$DIR/story/half" 2>&1 &
wait $! || true
expect_equal 0 "$(log_count 'message.accepted')" "messages of half a mail"

# The front is stopped, so that Postfix is certainly waiting in its transaction.
front=$(process_id front)
kill -STOP "$front"
mail $CLINIC "+61412345678@$SMS_DOMAIN" "Reminder" "Your results are in"
kill9 front
wait_restart front
wait_until eval 'postfix_flush; is_logged "message.accepted .*to=\*678"' ||
    fail "Postfix did not bring the mail again"
expect_sms +61412345678 '*/m/*' >/dev/null
expect_equal 1 "$(log_count 'message.accepted .*to=\*678')" "messages"

# The answer after the dot is lost: the same mail again is the same message.
ident=$DIR/story/again
cat >"$ident" <<DIALOGUE
LHLO mta.clinic.example
XFORWARD NAME=localhost ADDR=127.0.0.1 IDENT=4Qxyz
MAIL FROM:<$CLINIC>
RCPT TO:<+61412345679@$SMS_DOMAIN>
DATA
#bytes Subject: once\r\n\r\nonly\r\n.\r\n
#answer
QUIT
DIALOGUE
mail_to lmtp --script "$ident" --show "$CLINIC" x >"$DIR/story/first" || true
mail_to lmtp --script "$ident" --show "$CLINIC" x >"$DIR/story/second" || true
expect_equal 1 "$(log_count 'message.accepted .*to=\*679')" "messages of one queue file"
expect_equal 1 "$(log_count 'message.repeated')" "repeats seen"
expect_equal "$(grep -o 'queued as [0-9a-f]*' "$DIR/story/first")" \
    "$(grep -o 'queued as [0-9a-f]*' "$DIR/story/second")" "the answer"
