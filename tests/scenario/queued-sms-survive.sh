#!/bin/bash
# SPDX-License-Identifier: ISC
# queued-sms-survive.sh - a thousand SMS wait or are on their way when bearerbox, courier
# and keeper are killed: each arrives; twice only where bearerbox may have had it already
# without saying so, which is counted.
set -eu
. "$(dirname "$0")/lib.sh"

DEADLINE=90
start bearerbox phone
sendsms_account 'secure = no'
start_sealpostd "$SENDSMS_DOOR"
stop bearerbox
"$PYTHON" "$STORIES/sendsms_many.py" "$SEALPOST_SENDSMS_PORT" 1 1000 >/dev/null &
kill9 keeper # while they are being accepted
wait_restart
wait || fail "not all were accepted"
expect_equal 1000 "$(log_count 'sms.accepted')" "accepted"

arrived() { [ "$(sms_list | grep -c '"text": "sms ')" -ge "$1" ]; }
distinct() { sms_list | grep -o '"text": "sms [0-9]*"' | sort -u | wc -l; }

start bearerbox
wait_until arrived 100
kill9 courier
wait_restart
wait_until arrived 300
stop_spawned bearerbox KILL || :
start bearerbox
wait_until arrived 500
kill9 keeper
wait_restart
wait_until arrived 700
kill9 keeper
kill9 courier
wait_until eval '[ "$(distinct)" -eq 1000 ]' || fail "only $(distinct) of 1000 arrived"
# What is in flight has an outcome now: nothing waits to come again.
wait_until eval '[ "$(log_count "outbox.outcome .*kind=plain .*outcome=sent")" -ge 990 ]'
all=$(sms_list | grep -c '"text": "sms ')
doubts=$(log_count 'outbox.doubt')
say "1000 distinct, $((all - 1000)) twice, $doubts hand-overs in doubt"
[ $((all - 1000)) -le "$doubts" ] || fail "$((all - 1000)) came twice, $doubts were in doubt"
