#!/bin/bash
# SPDX-License-Identifier: ISC
# hostile-bearerbox.sh - bearerbox has gone mad: whatever it says, no process dies, no
# message is lost, and what makes sense in between arrives.
set -eu
. "$(dirname "$0")/lib.sh"

processes() { echo "$(process_id front) $(process_id keeper) $(process_id courier)"; }
# told NUMBER - a message to it; its SMS comes, once.
told() {
    mail_to lmtp "$CLINIC" "$1@$SMS_DOMAIN" >/dev/null
    wait_until has_mt "$1" || fail "no SMS to $1"
}
has_mt() { [ "$(mad_mts "$1")" -ge 1 ]; }
# sms_gets NACK FIELDS - bearerbox brings this; that is what it hears of it.
sms_gets() {
    local want=$1
    SMS_ID=$(mad sms "$2")
    wait_until is_acked || fail "no ack of $2"
    expect_match "*\"nack\": $want,*" "$(grep "$SMS_ID" "$DIR/mad/acks.jsonl")" "ack of $2"
}
is_acked() { grep -q "$SMS_ID" "$DIR/mad/acks.jsonl"; }
# mt NUMBER FIELD - of the SMS to it.
mt() {
    grep "\"receiver\": \"$1\"" "$DIR/mad/mts.jsonl" | tail -n 1 |
        "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"
}
lost() { log_count box.lost; }

start postfix
start_mad
start_sealpostd
told +61412345001
running=$(processes)

# What makes sense: answers in another script, in parts that nobody joined, as bytes that
# are text, from a named SMSC. What is brought twice is one answer.
FROM='"sender": "+61412345001", "receiver": "61400000000"'
sms_gets 0 "{$FROM, \"msgdata\": \"hex:042f04210434\", \"coding\": 2, \"smsc_id\": \"A-7\"}"
expect_mail '*ЯСд*' >/dev/null
for part in 1 2; do
    sms_gets 0 "{$FROM, \"msgdata\": \"part $part of two\",
        \"udhdata\": \"hex:0500032a020$part\", \"coding\": $((part - 1))}"
    expect_mail "*part $part of two*" >/dev/null
done
again='"id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8"'
sms_gets 0 "{$FROM, $again, \"msgdata\": \"only once\"}"
expect_mail '*only once*' >/dev/null
mad sms "{$FROM, $again, \"msgdata\": \"only once\"}" >/dev/null
acked_twice() { [ "$(grep -c 6ba7b810 "$DIR/mad/acks.jsonl")" -ge 2 ]; }
wait_until acked_twice || fail "the second one was not acknowledged"
sms_gets 0 "{$FROM, \"msgdata\": \"hex:0061d83d00\", \"coding\": 2}" # odd, half a pair
expect_mail $'*\n\na\uFFFD*' >/dev/null

# What makes none: acknowledged one way or the other, so that it does not come for ever.
mails=$(mail_count)
sms_gets 1 "{$FROM, \"msgdata\": \"hex:00ff0102\", \"coding\": 1}"
sms_gets 1 "{$FROM, \"msgdata\": \"$(printf 'a%.0s' {1..70000})\"}"
sms_gets 1 '{"sender": null}'
sms_gets 1 '{"sender": ""}'
sms_gets 1 "{\"sender\": \"$(printf '4%.0s' {1..200})\"}"
sms_gets 1 '{"sender": "hex:2b36310034"}'
sms_gets 0 "{$FROM, \"msgdata\": null}"
sms_gets 0 '{"sender": "Bank", "msgdata": "you won"}'
sms_gets 0 '{"sender": "+61412345999", "receiver": null, "smsc_id": null, "time": -7}'
sms_gets 1 '{"sms_type": 1}'
sms_gets 1 '{"sms_type": -1}'
sms_gets 1 '{"sms_type": 3, "dlr_mask": 1, "dlr_url": null}'
sms_gets 1 '{"sms_type": 3, "dlr_mask": 0, "dlr_url": "x"}'
sms_gets 1 '{"sms_type": 3, "dlr_mask": -1, "dlr_url": null, "sender": null,
    "receiver": null, "msgdata": null, "smsc_id": null, "boxc_id": null}'
sms_gets 0 '{"sms_type": 3, "dlr_mask": 2, "dlr_url": "sp1-n-somebody-elses"}'
sms_gets 0 "{\"sms_type\": 3, \"dlr_mask\": 2, \"dlr_url\": \"$(mt +61412345001 dlr_url)0\"}"
expect_equal 0 "$(log_count 'sms.report')" "reports believed"
expect_equal "$mails" "$(mail_count)" "mails"

# Reports before the ack, twice, and with a text of a megabyte.
mad ack none
told +61412345002
dlr="\"sms_type\": 3, \"dlr_url\": \"$(mt +61412345002 dlr_url)\""
sms_gets 0 "{$dlr, \"dlr_mask\": 8}"
sms_gets 0 "{$dlr, \"dlr_mask\": 1, \"msgdata\": null}"
sms_gets 0 "{$dlr, \"dlr_mask\": 1}"
echo "{$dlr, \"dlr_mask\": 1, \"msgdata\": \"$(head -c 1000000 /dev/zero | tr '\0' d)\"}" \
    >"$DIR/story/long"
SMS_ID=$(mad sms @"$DIR/story/long")
wait_until is_acked || fail "no ack of the long report"
expect_equal 4 "$(log_count 'sms.report')" "reports"
expect_equal 1 "$(log_count 'sms.report .*event=8')" "reports"
mad ack-id "$(mt +61412345002 id)" 0
expect_log 'outbox.outcome .*outcome=sent' >/dev/null

# Acks of what was never sent, twice, of no known kind; commands that nobody knows.
mad ack-id 6ba7b810-9dad-41d1-80b4-00c04fd430c8 0
mad ack-id "$(mt +61412345002 id)" 1
expect_equal 2 "$(log_count ack.unknown)" "unknown acks"
mad ack twice
told +61412345003
for command in 1 2 3 5 77 -1; do mad admin $command; done
mad heartbeat 50000
mad ack odd
told +61412345004
expect_log 'outbox.doubt .*no known kind' >/dev/null
mad ack 0
twice() { [ "$(mad_mts +61412345004)" -ge 2 ]; }
wait_until twice || fail "what was in doubt was not sent again"
expect_equal 0 "$(lost)" "links lost"

# It goes down in good order, with an SMS of which it has said nothing: in doubt.
mad ack none
told +61412345005
mad admin 0
mad admin 4
expect_log 'box.closing' >/dev/null
expect_equal 1 "$(log_count box.closing)" "goodbyes"
mad ack 0
twice() { [ "$(mad_mts +61412345005)" -ge 2 ]; }
wait_until twice || fail "what was under way was not sent again"

# What costs the link, and only that: a page of HTML, a length below zero, a type that is
# for another box, a frame that is longer than it says.
n=$(lost)
for raw in "$(printf 'HTTP/1.1 400 Bad Request' | od -An -tx1 | tr -d ' \n')" \
    0000000c000000010000000bfffffffe 00000004000000040000; do
    mad raw "$raw"
    has_lost() { [ "$(lost)" -gt "$n" ]; }
    wait_until has_lost || fail "the link stood $raw"
    n=$(lost)
    told "+6141234510$n"
done
expect_log 'box.lost .*impossible length' >/dev/null
expect_log 'box.lost .*string longer than its frame' >/dev/null
expect_log 'box.lost .*unknown type' >/dev/null

expect_equal "$running" "$(processes)" "processes"
expect_equal 0 "$(log_count process.ended)" "processes that ended"
for n in 1 3; do expect_equal 1 "$(mad_mts +6141234500$n)" "SMS to $n"; done
