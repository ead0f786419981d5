#!/bin/bash
# SPDX-License-Identifier: ISC
# links-throughput.sh - an operator allows so many SMS a second: no more go, none waits
# longer than it must, and the keeper hands out no more than the link can carry.
set -eu
. "$(dirname "$0")/lib.sh"

RATE=8 SMS=60
start_mad
box=$BOX_PORT BOX_PORT=$SENDSMS_PORT # the file's own link finds nobody
start_sealpostd 'kannel slow {' "  address = \"127.0.0.1:$box\"" \
    '  sender = "61400000000"' "  throughput = $RATE" '}'
expect_log 'box.up .*kannel=slow' >/dev/null
to=()
for n in $(seq 100 $((99 + SMS))); do to+=("+61412345$n@$SMS_DOMAIN"); done
mail_to lmtp "$CLINIC" "${to[@]}" >/dev/null
all_came() { [ "$(wc -l <"$DIR/mad/mts.jsonl")" -ge "$SMS" ]; }
wait_until all_came || fail "only $(wc -l <"$DIR/mad/mts.jsonl") SMS came"
is_settled() { [ "$(log_count 'outbox.outcome .*outcome=sent')" -ge "$SMS" ]; }
wait_until is_settled || fail "acks were lost"

"$PYTHON" - "$DIR" $RATE $SMS <<'PYTHON'
import json, re, sys
folder, rate, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(folder + "/mad/mts.jsonl") as lines:
    at = sorted(json.loads(line)["at"] for line in lines)
assert len(at) == count, f"{len(at)} SMS, not {count}"
took = at[-1] - at[0]
ideal = (count - rate) / rate  # a second's worth goes at once
assert ideal - 0.1 <= took <= ideal * 1.15 + 0.5, f"{count} SMS in {took:.2f} s"
for first in at:  # the burst and a second's worth, with 50 ms for the machine
    inside = sum(1 for other in at if first <= other < first + 0.95)
    assert inside <= 2 * rate, f"{inside} SMS in one second"
later = [t for t in at if t >= at[0] + 1.5]
for first in later:
    inside = sum(1 for other in later if first <= other < first + 0.95)
    assert inside <= rate + 1, f"{inside} SMS in one second, after the burst"
under_way = most = 0
with open(folder + "/sealpostd.log") as lines:
    for line in lines:
        under_way += "event=outbox.handed" in line
        under_way -= "event=outbox.outcome" in line
        most = max(most, under_way)
assert most <= 5 * rate, f"{most} under way"
print(f"{count} SMS at {rate}/s took {took:.2f} s, {most} under way at most")
PYTHON
expect_equal 0 "$(log_count outbox.doubt)" "doubts"
expect_equal 0 "$(log_count 'outbox.outcome .*outcome=busy')" "handed back"
