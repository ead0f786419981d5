#!/bin/bash
# SPDX-License-Identifier: ISC
# reply-by-callback.sh - what a patient answers, by SMS or in the application, reaches the
# application that wrote, at its reply-url; answers to nobody go to the account for them.
set -eu
. "$(dirname "$0")/lib.sh"

start bearerbox phone app
sendsms_account "reply-url = \"http://127.0.0.1:$APP_PORT/mo?from=%p&to=%P&text=%a\"
    callback-networks = { \"127.0.0.0/8\" } default-sender = \"61400000007\""
start_sealpostd "$SENDSMS_DOOR" 'mo-account = "app"' "account silent { brand = \"Silent\"
    password = \"{plain}secret\" default-sender = \"61400000008\" }"
expect_sendsms '202 *' to=+61412345678 text='Can you come at ten?'
expect_sms +61412345678 '*/m/*' >/dev/null
reply_sms +61412345678 'Yes & no: 50 % sure' 61400000007
expect_callback 'GET /mo from=+61412345678 to=61400000007 text=Yes & no: 50 % sure' >/dev/null

register +61412345678 >/dev/null
expect_message '*at ten*' >/dev/null
handset reply "$MESSAGE_ID" "Ja, gerne – Grüße"
expect_callback 'GET /mo from=+61412345678 to=61400000007 text=Ja, gerne – Grüße' >/dev/null

# One that no URL could hold comes as the body of a POST.
handset reply "$MESSAGE_ID" "$(printf 'long %.0s' {1..3000})"
expect_callback 'POST /mo from=+61412345678 to=61400000007 text=*long long long*' >/dev/null

# A plain SMS has a conversation, too; each number means the sender that uses it.
expect_sendsms '202 *' secure=0 from=61400000009 to=+61412345679 text='Plain question'
expect_sms +61412345679 'Plain question' >/dev/null
reply_sms +61412345679 'plain answer' 61400000009
expect_callback 'GET /mo from=+61412345679 to=61400000009 text=plain answer' >/dev/null

# Whoever takes no answers says so to the handset.
expect_sendsms '202 *' username=silent to=+61412345678 text='No answers here'
expect_message '*No answers*' >/dev/null
rc=0
said=$(handset reply "$MESSAGE_ID" "hello?" 2>&1) || rc=$?
[ "$rc" -ne 0 ] || fail "an answer to nobody was taken"
expect_match '*takes no answers*' "$said"
reply_sms +61412345678 'hello?' 61400000008
expect_log 'mo.dropped .*why="the sender takes no answers"' >/dev/null

# A number that nobody wrote to: to the account for such.
reply_sms +61412345600 'Are you open on Sunday?'
expect_callback 'GET /mo from=+61412345600 to=*61400000000 text=Are you open on Sunday?' >/dev/null
refute_on_disk "Sunday" "50 % sure"
