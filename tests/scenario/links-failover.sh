#!/bin/bash
# SPDX-License-Identifier: ISC
# links-failover.sh - two bearerboxes: the first one in the file is used while it is
# there, the second one when it is not, and nobody gets an SMS twice for it.
set -eu
. "$(dirname "$0")/lib.sh"

# phone2_count NUMBER - SMS that came by the second bearerbox.
phone2_count() {
    "$PYTHON" "$DEMO/phone.py" list --dir "$DIR/kannel2" --to "$1" | wc -l
}
has_sms2() { [ "$(phone2_count "$1")" -ge 1 ]; }
expect_sms2() { wait_until has_sms2 "$1" || fail "no SMS came to $1 by the second"; }
tell() { mail_to lmtp "$CLINIC" "$1@$SMS_DOMAIN" >/dev/null; }

start bearerbox phone bearerbox2 phone2
start_sealpostd 'kannel second {' "  address = \"127.0.0.1:$BOX2_PORT\"" \
    '  sender = "61400000002"' '}'
expect_log 'box.up .*kannel=main' >/dev/null
expect_log 'box.up .*kannel=second' >/dev/null
for n in 1 2 3; do tell +6141234561$n; done
for n in 1 2 3; do expect_sms +6141234561$n '*/m/*' >/dev/null; done

# It is gone: the second one takes over, and nothing was in doubt.
stop_bearerbox KILL
expect_log 'box.lost .*kannel=main' >/dev/null
for n in 1 2 3; do tell +6141234562$n; done
for n in 1 2 3; do expect_sms2 +6141234562$n; done
expect_equal 0 "$(log_count outbox.doubt)" "doubts"

# It is back, and is the first one again.
start_bearerbox
is_up_again() { [ "$(log_count 'box.up .*kannel=main')" -ge 2 ]; }
wait_until is_up_again || fail "the first link did not come back"
for n in 1 2 3; do tell +6141234563$n; done
for n in 1 2 3; do expect_sms +6141234563$n '*/m/*' >/dev/null; done

# It dies with an SMS in its hands, unacknowledged: that one is in doubt and goes again,
# by the other. What comes meanwhile is not in doubt.
kill -STOP "$PID_bearerbox"
tell +61412345641
expect_log 'outbox.handed .*kind=notice' >/dev/null
is_handed() { [ "$(log_count 'outbox.handed .*kind=notice')" -ge 10 ]; }
wait_until is_handed || fail "it was not handed over"
stop_bearerbox KILL
tell +61412345642
expect_sms2 +61412345641
expect_sms2 +61412345642
expect_equal 1 "$(log_count outbox.doubt)" "doubts"

for n in 11 12 13 31 32 33; do
    expect_equal 1 "$(sms_count +614123456$n)" "SMS to $n by the first"
    expect_equal 0 "$(phone2_count +614123456$n)" "SMS to $n by the second"
done
for n in 21 22 23 41 42; do
    expect_equal 0 "$(sms_count +614123456$n)" "SMS to $n by the first"
    expect_equal 1 "$(phone2_count +614123456$n)" "SMS to $n by the second"
done
