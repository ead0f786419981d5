#!/bin/bash
# SPDX-License-Identifier: ISC
# links-silent.sh - a bearerbox that hangs in every way there is: it is noticed, what it
# may have is in doubt, the rest goes by another one, and it is used again when it is well.
set -eu
. "$(dirname "$0")/lib.sh"
DEADLINE=60

tell() { mail_to lmtp "$CLINIC" "$1@$SMS_DOMAIN" >/dev/null; }
lines() { wc -l <"$1"; }
second_has() { [ "$(lines "$DIR/kannel2/sms.jsonl")" -ge "$1" ]; }
mad_has() { [ "$(mad_mts "$1")" -ge 1 ]; }

start bearerbox2 phone2
start_mad
start_sealpostd 'kannel second {' "  address = \"127.0.0.1:$BOX2_PORT\"" \
    '  sender = "61400000002"' '}'
expect_log 'box.up .*kannel=main' >/dev/null
expect_log 'box.up .*kannel=second' >/dev/null

# It closes on everybody at once: the tries become fewer, it never counts as up.
mad refusing yes
mad close
expect_log 'box.lost .*kannel=main' >/dev/null
ups=$(log_count 'box.up .*kannel=main')
refused() { [ "$(grep -c refused "$DIR/mad/boxes.jsonl")" -ge "$1" ]; }
wait_until refused 3 || fail "it is not tried again"
began=$EPOCHSECONDS
wait_until refused 4 || fail "it is not tried again"
[ $((EPOCHSECONDS - began)) -ge 2 ] || fail "no back-off after three refusals"
tell +61412345600
wait_until second_has 1 || fail "the second was not used"
expect_equal "$ups" "$(log_count 'box.up .*kannel=main')" "times that it was up"
[ "$(log_count 'box.lost .*kannel=main')" -le 2 ] || fail "each refusal is logged"
expect_equal 0 "$(log_count outbox.doubt)" "doubts"
stop sealpostd # a fresh back-off
mad refusing no

# Half a frame, and no more: the ack behind it would never be seen.
start_sealpostd 'kannel second {' "  address = \"127.0.0.1:$BOX2_PORT\"" \
    '  sender = "61400000002"' '}'
came_up() { [ "$(log_count 'box.up .*kannel=main')" -gt "$ups" ]; }
wait_until came_up || fail "the first link does not come up"
mad raw 0000010000000002
expect_log 'box.lost .*kannel=main .*began and did not end' >/dev/null
ups=$(log_count 'box.up .*kannel=main')
wait_until came_up || fail "the first link does not come back"

# It takes everything and says nothing: after half a minute the link is lost, not only
# the SMS; others do not wait for it, and none is in doubt for it twice.
tell +61412345601
wait_until mad_has +61412345601 || fail "the first is not used"
mad reading no
for n in 2 3 4; do tell +6141234560$n; done
expect_log 'box.lost .*kannel=main .*does not answer' >/dev/null
expect_log 'box.lost .*unacked=[1-3] ' >/dev/null
tell +61412345605
wait_until second_has 4 || fail "$(lines "$DIR/kannel2/sms.jsonl") SMS by the second"
mad reading yes
expect_equal 0 "$(log_count 'outbox.doubt .*doubts=2')" "SMS in doubt twice"
expect_equal 0 "$(log_count outbox.set-aside)" "SMS set aside"

# It is well again, proves it with one SMS, and carries them all.
mad ack 0
for n in {10..19}; do
    tell +614123457$n
    ! mad_has +614123457$n || break
done
for n in {20..29}; do tell +614123457$n; done
all_there() { for n in {20..29}; do mad_has +614123457$n || return 1; done; }
wait_until all_there || fail "the first one is not used again"
