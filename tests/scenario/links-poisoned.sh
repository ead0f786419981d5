#!/bin/bash
# SPDX-License-Identifier: ISC
# links-poisoned.sh - one SMS takes bearerbox down each time it gets it: that one is set
# aside, everybody else's arrives.
set -eu
. "$(dirname "$0")/lib.sh"
DEADLINE=90

POISON=+61400000666
start_mad
mad poison $POISON
start_sealpostd
expect_log 'box.up' >/dev/null
to=()
for n in {10..24}; do to+=("+614123450$n@$SMS_DOMAIN"); done
to+=("$POISON@$SMS_DOMAIN")
for n in {25..39}; do to+=("+614123450$n@$SMS_DOMAIN"); done
began=$EPOCHSECONDS
mail_to lmtp "$CLINIC" "${to[@]}" >/dev/null

# The others do not wait until it is set aside.
settled() { [ "$(log_count 'outbox.outcome .*outcome=sent')" -ge 30 ]; }
wait_until settled || fail "only $(log_count 'outbox.outcome .*outcome=sent') of 30 went"
innocent_s=$((EPOCHSECONDS - began))
expect_log 'outbox.set-aside' >/dev/null
aside_s=$((EPOCHSECONDS - began))
expect_equal 1 "$(log_count outbox.set-aside)" "SMS set aside"
expect_equal 5 "$(mad_mts $POISON)" "times that it was sent"

# What was under way with it is in doubt, once, and may have come twice. Nothing else.
doubts=$(log_count 'outbox.doubt .*doubts=1')
twice=0
for n in {10..39}; do
    case $(mad_mts +614123450$n) in
        1) ;;
        2) twice=$((twice + 1)) ;;
        *) fail "+614123450$n got $(mad_mts +614123450$n) SMS" ;;
    esac
done
[ "$twice" -lt "$doubts" ] || fail "$twice came twice, $((doubts - 1)) were in doubt"
expect_equal 1 "$(log_count 'outbox.doubt .*doubts=2')" "SMS in doubt twice"
[ "$innocent_s" -le 15 ] || fail "the others waited for $innocent_s s"
[ "$aside_s" -le 60 ] || fail "it was set aside after $aside_s s"
say "others sent after $innocent_s s, set aside after $aside_s s, $twice twice"

# Life goes on.
mail_to lmtp "$CLINIC" "+61412345050@$SMS_DOMAIN" >/dev/null
is_told() { [ "$(mad_mts +61412345050)" -eq 1 ]; }
wait_until is_told || fail "nothing comes any more"
