#!/bin/bash
# SPDX-License-Identifier: ISC
# demo.sh - the whole way of one message, seen from each side; "make demo".
# Here:       the tour. It ends with exit 0 only when everything was seen. With
#             DEMO_OPEN=1 it then goes on as a page to play with, until Ctrl-C.
# Elsewhere:  starting the real Postfix and bearerbox (neighbours.sh), the words
#             mail, expect_sms, register ... (tests/scenario/lib.sh), the page (play.py).
# Called by:  make demo; by hand after make, as root or as any user.
set -eu
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../../tests/scenario/lib.sh"

PATIENT=+61412345678
SUBJECT="Your appointment"
REMINDER="Dear Ms Lee, your colposcopy is on Tuesday at 9:30. Can you come?"
YES="Yes, I will be there. May my sister come along?"
ANSWER="Of course she may. Please be ten minutes early."
THANKS="Thank you, see you on Tuesday"

step() { printf '\n%s. %s\n' "$((++STEP))" "$*"; }
STEP=0

# shown WHO - what comes in belongs to WHO's screen.
shown() { sed "s/^/   $1 | /"; }

# The lines of a mail that a person looks at.
as_mail() {
    grep -Ev '^(Received|Return-Path|Delivered-To|X-Original-To|MIME|Content)' |
        shown clinic
}

# show_answers TEXT SUBJECT - the answer is in the clinic's mailbox, in the thread.
show_answers() {
    expect_mail $'*\nSubject: Re: '"$2"$'\n*\nIn-Reply-To: <*>\n*'"$1*" clinic >/dev/null
    mail_text "$MAIL_FILE" | as_mail
}

# play - the neighbours stay, and a newcomer is clinic and phone. The tour's number is
# registered already, so the page begins with another.
play() {
    local played
    "$PYTHON" "$DEMO/play.py" --dir "$DIR" --smtp-port "$SMTP_PORT" --domain "$SMS_DOMAIN" \
        --public-url "$PUBLIC_URL" --clinic "$CLINIC" --number +61491570006 {PORTS_FD}>&- &
    played=$!
    trap 'kill "$played" 2>/dev/null || :' INT TERM HUP
    wait_until test -s "$DIR/play.url" || fail "the page is not served"
    tell_page
    while kill -0 "$played" 2>/dev/null; do wait "$played" || :; done
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
}

tell_page() {
    local key
    key=$(openssl x509 -in "$DIR/tls/cert.pem" -noout -pubkey |
        openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64)
    say ""
    say "Now you: be the clinic and the phone on one page."
    say ""
    say "   $(cat "$DIR/play.url")"
    say ""
    say "The links in the SMS lead to $PUBLIC_URL, whose certificate was made for this"
    say "demo: the browser warns. In Chromium: Advanced, then \"Proceed to localhost\"."
    say "What a browser does only for certificates that it believes (offline use, push),"
    say "it does when it is started like this:"
    say ""
    say "   chromium --user-data-dir=$DIR/tmp/chromium \\"
    say "     --ignore-certificate-errors-spki-list=$key"
    say ""
    say "Ctrl-C ends it, or the button at the end of the page."
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v xdg-open >/dev/null; then
        # not spawned: at the end it would take the person's own browser with it
        (setsid xdg-open "file://$DIR/play-open.html" >/dev/null 2>&1 </dev/null &)
    fi
}

say "Sealpost: a clinic mails a number, a patient reads and answers on the phone."
say "All of it runs below $DIR, on loopback, and is gone afterwards."

step "A mail server, an SMS gateway, and Sealpost between them"
start postfix bearerbox phone
if [ -n "${DEMO_OPEN:-}" ]; then # who plays is impatient
    start_sealpostd 'notice-interval = "2s"' 'otp-per-number = 1000' 'otp-per-client = 1000'
else
    start sealpostd
fi
say "   Postfix      127.0.0.1:$SMTP_PORT, hands $SMS_DOMAIN to Sealpost by LMTP"
say "   bearerbox    127.0.0.1:$BOX_PORT, Kannel with its fake SMSC"
say "   sealpostd    $PUBLIC_URL"

step "The clinic's system sends a mail, as it always did, to $PATIENT@$SMS_DOMAIN"
printf 'From: %s\nSubject: %s\n\n%s\n' "$CLINIC" "$SUBJECT" "$REMINDER" | shown clinic
mail "$CLINIC" "$PATIENT@$SMS_DOMAIN" "$SUBJECT" "$REMINDER"

step "The patient never heard of us. An SMS comes; nothing of the message is in it"
expect_sms "$PATIENT" "*https://localhost:*" >"$DIR/story/notice"
shown phone <"$DIR/story/notice"
if grep -q colposcopy "$DIR/story/notice"; then fail "the SMS tells the content"; fi

step "The link registers the phone: a one-time password proves the number"
register "$PATIENT" >"$DIR/story/registered"
expect_sms "$PATIENT" "$OTP_GLOB" | shown phone
shown handset <"$DIR/story/registered"

step "The message was sealed for the server; now it is sealed to the phone's own key"
expect_message "*$REMINDER*" >"$DIR/story/read"
handset list | shown handset
shown handset <"$DIR/story/read"

step "The patient answers in the application; the clinic gets a mail in its thread"
say "$YES" | shown handset
handset reply "$MESSAGE_ID" "$YES" >/dev/null
show_answers "$YES" "$SUBJECT"
alias=$(mail_header "$MAIL_FILE" From | sed -n 's/.*<\(r-[a-z2-7]*@[a-z.]*\)>.*/\1/p')
[ -n "$alias" ] || fail "the reply comes from no conversation alias"

step "The clinic answers that mail; it is the conversation's next message"
say "$ANSWER" | shown clinic
mail "$CLINIC" "$alias" "Re: $SUBJECT" "$ANSWER"
expect_message "*$ANSWER*" | shown handset

step "A plain SMS will do as well"
say "$THANKS" | shown phone
reply_sms "$PATIENT" "$THANKS"
show_answers "$THANKS" "*"
say "   (The server cannot read the subject any more: it joins the thread by References.)"

step "What does the server's disk tell? (as text, UTF-16, base64, hex)"
for word in colposcopy "sister come along" "ten minutes early" "$THANKS" \
    "${PATIENT#+}" "$CLINIC"; do
    printf '   %-32s ' "$word"
    refute_on_disk "$word"
done
say "   The same search finds the patient's answer in the clinic's own mailbox:"
if "$PYTHON" "$STORIES/ondisk.py" "$DIR/mail/clinic" "$THANKS" >"$DIR/story/found"; then
    fail "the search is blind"
fi
sed "s|$DIR/||" "$DIR/story/found" | shown search

[ -z "${DEMO_OPEN:-}" ] || play
stop sealpostd
say ""
say "Seen: mail, SMS, sealed message, two replies, and a disk that tells nothing."
