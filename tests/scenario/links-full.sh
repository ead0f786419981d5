#!/bin/bash
# SPDX-License-Identifier: ISC
# links-full.sh - a bearerbox whose queue is full gets a rest, longer each time, while
# another one carries the SMS; alone, it gets them all in the end, each once.
set -eu
. "$(dirname "$0")/lib.sh"

tell() {
    local n to=()
    for n in $(seq "$1" "$2"); do to+=("+614123450$n@$SMS_DOMAIN"); done
    mail_to lmtp "$CLINIC" "${to[@]}" >/dev/null
}
sent() { log_count 'outbox.outcome .*outcome=sent'; }
was_asked() { [ "$(wc -l <"$DIR/mad/mts.jsonl")" -gt "$asked" ]; }
has_sent() { [ "$(sent)" -ge "$1" ]; }

start bearerbox2 phone2
start_mad
start_sealpostd 'kannel second {' "  address = \"127.0.0.1:$BOX2_PORT\"" \
    '  sender = "61400000002"' '}'
expect_log 'box.up .*kannel=main' >/dev/null
expect_log 'box.up .*kannel=second' >/dev/null

# Full after three: what it refused goes by the second at once, and so does the rest.
mad full-after 3
tell 10 39
wait_until has_sent 30 || fail "only $(sent) of 30 were sent"
expect_log 'box.full .*kannel=main .*rest_ms=1000' >/dev/null
expect_equal 0 "$(log_count 'outbox.outcome .*outcome=busy')" "handed back"
phone2_has() { [ "$(wc -l <"$DIR/kannel2/sms.jsonl")" -ge "$1" ]; }
wait_until phone2_has 27 || fail "the second carried $(wc -l <"$DIR/kannel2/sms.jsonl")"

# The rest over, it is asked with one SMS; still full: two seconds, four.
for n in {40..59}; do
    ! is_logged 'box.full .*kannel=main .*rest_ms=4000' || break
    asked=$(wc -l <"$DIR/mad/mts.jsonl")
    tell "$n" "$n"
    wait_until has_sent $((n - 9)) || fail "SMS $n waits"
    DEADLINE=1 wait_until was_asked || :
done
expect_log 'box.full .*kannel=main .*rest_ms=2000' >/dev/null
expect_log 'box.full .*kannel=main .*rest_ms=4000' >/dev/null
expect_equal 0 "$(log_count 'outbox.outcome .*outcome=busy')" "handed back"

# It did rest: nothing came to it between.
"$PYTHON" - "$DIR/mad/mts.jsonl" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as lines:
    at = [json.loads(line)["at"] for line in lines]
for n, rest_s in ((30, 1), (31, 2), (32, 4)):
    if n < len(at):
        assert at[n] - at[n - 1] >= rest_s - 0.1, f"SMS {n} after {at[n] - at[n - 1]} s"
assert len(at) >= 32, f"it was asked {len(at) - 30} times"
PYTHON

# It has room again, and is all that there is.
before=$(sent)
stop_bearerbox2 KILL
expect_log 'box.lost .*kannel=second' >/dev/null
mad ack 0
tell 60 79
wait_until has_sent $((before + 20)) || fail "only $(sent) of $((before + 20))"
for n in $(seq 60 79); do
    expect_equal 1 "$(mad_mts +614123450$n)" "SMS to $n"
done
expect_equal 0 "$(log_count outbox.doubt)" "doubts"
