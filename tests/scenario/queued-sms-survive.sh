#!/bin/bash
# SPDX-License-Identifier: ISC
# queued-sms-survive.sh - a thousand SMS wait or are on their way when bearerbox, courier
# and keeper are killed: each arrives; twice only where bearerbox may have had it already
# without saying so, and each such hand-over is counted.
set -eu
. "$(dirname "$0")/lib.sh"

DEADLINE=90
start bearerbox phone
sendsms_account 'secure = no'
box=$BOX_PORT BOX_PORT=$SENDSMS_PORT # the file's own link finds nobody
start_sealpostd "$SENDSMS_DOOR" "kannel slow { address = \"127.0.0.1:$box\"
    sender = \"61400000000\" throughput = 150 }"
BOX_PORT=$box
expect_log 'box.up .*kannel=slow' >/dev/null

arrived() { [ "$(sms_list | grep -c '"text": "sms ')" -ge "$1" ]; }
distinct() { sms_list | grep -o '"text": "sms [0-9]*"' | sort -u | wc -l; }
under_way() {
    [ $(($(log_count 'outbox.handed .*kind=plain') - $(log_count \
        'outbox.outcome .*kind=plain'))) -ge "$1" ]
}
# Some are handed over, and bearerbox says nothing of them.
with_some_under_way() {
    kill -STOP "$PID_bearerbox"
    wait_until under_way 20 || fail "nothing is under way"
    "$@"
}

kill -STOP "$PID_bearerbox"
"$PYTHON" "$STORIES/sendsms_many.py" "$SEALPOST_SENDSMS_PORT" 1 1000 >"$DIR/story/many" &
kill9 keeper # while they are being accepted
wait_restart
wait $! || fail "not all were accepted"
# Not 1000 lines "accepted": an answer that was lost with the keeper came as "repeated".
expect_equal 1000 "$(cat "$DIR/story/many")" "requests answered 202"
kill -CONT "$PID_bearerbox"

wait_until arrived 50
with_some_under_way kill9 courier
kill -CONT "$PID_bearerbox"
wait_restart
wait_until arrived 200
with_some_under_way kill9 keeper
kill -CONT "$PID_bearerbox"
wait_restart
wait_until arrived 400
with_some_under_way stop_spawned bearerbox KILL || :
start bearerbox
wait_until arrived 600
with_some_under_way kill9 keeper
kill9 courier
kill -CONT "$PID_bearerbox"

wait_until eval '[ "$(distinct)" -eq 1000 ]' || fail "only $(distinct) of 1000 arrived"
# Nothing waits to come once more: each entry of the outbox has its outcome.
wait_until eval '[ "$(log_count "outbox.outcome .*kind=plain .*outcome=sent")" -ge 1000 ]' ||
    fail "some have no outcome"
all=$(sms_list | grep -c '"text": "sms ')
doubts=$(log_count 'outbox.doubt')
say "1000 distinct, $((all - 1000)) came twice, $doubts hand-overs in doubt"
[ "$doubts" -gt 0 ] || fail "no hand-over was in doubt: nothing was tried"
[ $((all - 1000)) -le "$doubts" ] || fail "$((all - 1000)) came twice, $doubts were in doubt"
