#!/bin/bash
# SPDX-License-Identifier: ISC
# harness.sh: the neighbours work before Sealpost is there: mail is delivered or waits;
# an SMS reaches the phone, its answer reaches a box; nothing stays behind.
set -eu
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"

PATIENT=+61412345678

box() { "$PYTHON" "$STORIES/box.py" --port "$BOX_PORT" "$@"; }

# A clinic's mail to itself arrives, a stranger's relaying is refused.
start postfix
mail someone@elsewhere.example "$CLINIC" "Ward Zürich" "Grüße" ".a dot"
expect_mail $'*\nSubject: Ward Zürich\n*\nGrüße\n.a dot*' >/dev/null
expect_equal someone@elsewhere.example \
    "$(mail_header "$MAIL_FILE" Return-Path | tr -d '<>')" "Return-Path"
expect_equal 1 "$(mail_count)" "mails in the clinic's mailbox"
expect_exit 65 mail_to postfix "$CLINIC" someone@world.example >/dev/null
expect_exit 65 mail_to postfix "$CLINIC" nobody@sms.clinic.example >/dev/null

# Mail for Sealpost waits in Postfix while Sealpost is not there, and goes to its socket
# when it is: numbers and conversation aliases, each with its own answer.
mail "$CLINIC" "$PATIENT@$SMS_DOMAIN r-abcdefghijklmnopqrstuvwxyz@$SMS_DOMAIN" Hi Hello
is_waiting() { [ "$(grep -c 'status=deferred' "$DIR/postfix/mail.log")" -ge 2 ]; }
wait_until is_waiting || fail "Postfix does not keep the mails"
touch "$DIR/story/sink"
spawn sink "$PYTHON" "$STORIES/sink.py" "$DIR/lmtp.sock" "$DIR/story/sink"
wait_until test -S "$DIR/lmtp.sock"
postfix_flush
is_sunk() { grep -qF "RCPT TO:<$1@" "$DIR/story/sink"; }
wait_until is_sunk "$PATIENT" || fail "the number was not handed on"
wait_until is_sunk r-abcdefghijklmnopqrstuvwxyz || fail "the alias was not handed on"
grep -q '^XFORWARD .*IDENT=' "$DIR/story/sink" || fail "no XFORWARD"
expect_match "*C: LHLO*S: 250*C: RCPT TO:<$PATIENT@*S: 354*$PATIENT@$SMS_DOMAIN 250*" \
    "$(mail_to lmtp --show "$CLINIC" "$PATIENT@$SMS_DOMAIN")" "a dialogue by hand"
mail_to lmtp --stop-after BODY "$CLINIC" "$PATIENT@$SMS_DOMAIN" >/dev/null
stop_spawned sink || true
stop postfix
start postfix
mail "$CLINIC" "$CLINIC" "After a restart" Hello
expect_mail $'*\nSubject: After a restart\n*' >/dev/null

# SMS: short, long, with line breaks, in another script.
start bearerbox phone
expect_equal "ack 0" "$(box push 61400000000 $PATIENT "Your code @localhost #123456")"
expect_sms $PATIENT "Your code @localhost #123456" >/dev/null
box push 61400000000 $PATIENT $'Two lines\n\n@localhost #654321' >/dev/null
expect_equal 654321 "$(otp_of "$(expect_sms $PATIENT "Two*")")" OTP
box push 61400000000 $PATIENT "Ваш код 5 £" >/dev/null
expect_sms $PATIENT "Ваш код 5 £" >/dev/null
long=$(printf 'word %.0s' {1..80})end
box push 61400000000 $PATIENT "$long" >/dev/null
expect_sms $PATIENT "$long" >/dev/null
box push 61400000000 $PATIENT "Я $long" >/dev/null
expect_sms $PATIENT "Я $long" >/dev/null
expect_equal 5 "$(sms_count $PATIENT)" "SMS at the phone"
refute_sms +61499999999

# The phone answers; bearerbox keeps it for a box that is not there yet.
reply_sms $PATIENT "Yes, schön"
expect_match '*"msgdata": "Yes, schön"*' "$(box receive)" "the phone's answer"

# bearerbox goes and comes: the SMS waits in its spool, the phone calls again.
stop phone
expect_equal "ack 3" "$(box push 61400000000 $PATIENT "After the storm")"
stop_bearerbox KILL || true
start bearerbox phone
expect_sms $PATIENT "After the storm" >/dev/null

# The search finds what it should, in every shape.
for shape in 'a Leak me b' "$(printf 'leak me' | od -An -tx1 | tr -d ' ')" \
    "$(printf 'leak me' | base64)" "$(printf 'xleak me!' | base64)" \
    "$(printf 'xxleak me' | base64)"; do
    printf '..%s..' "$shape" >"$DIR/store-like"
    expect_exit 1 "$PYTHON" "$STORIES/ondisk.py" "$DIR" 'leak me' >/dev/null
done
rm "$DIR/store-like"
refute_on_disk "leak me" "After the storm"

# Nothing stays behind.
stop phone bearerbox postfix
expect_equal "" "$(neighbours_left)" "processes left"
