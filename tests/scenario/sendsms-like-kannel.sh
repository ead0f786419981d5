#!/bin/bash
# SPDX-License-Identifier: ISC
# sendsms-like-kannel.sh - an application that knows Kannel's HTTP interface changes only
# host and port: the same requests get the same answers, and the phones the same SMS.
set -eu
. "$(dirname "$0")/lib.sh"

# -- the question

compare() { "$PYTHON" -B "$STORIES/kannel_compare.py" --app "127.0.0.1:$APP_PORT" "$@"; }

# ask_both OPTION... - false after telling what differs.
ask_both() {
    compare --sms "$DIR/sms.jsonl" "$@" \
        "127.0.0.1:$SENDSMS_PORT" "127.0.0.1:$SEALPOST_SENDSMS_PORT"
}

need smsbox:kannel
start bearerbox phone
users=$(compare --smsbox-groups)
start_smsbox 'global-sender = 61400000000' "$users"
start_sealpostd "listen sendsms { address = \"127.0.0.1:$SEALPOST_SENDSMS_PORT\" }" \
    "$(compare --sealpost-accounts)"
same=yes
ask_both --links || same=no

# A smsbox that does not wait for bearerbox, and knows no sender by itself.
stop_smsbox
start_smsbox 'immediate-sendsms-reply = true' "$users"
ask_both --immediate || same=no
expect_equal yes $same 'the answers are the same'
! grep 'event=process.ended' "$DIR/sealpostd.log" ||
    fail 'a process of sealpostd ended over such a request'
