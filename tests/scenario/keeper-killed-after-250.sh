#!/bin/bash
# SPDX-License-Identifier: ISC
# keeper-killed-after-250.sh - the keeper dies right after the 250: the message is there.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
for round in 1 2 3 4; do
    # The kill comes as soon as the answer is here.
    wait_until mail_to lmtp $CLINIC "+6141234560$round@$SMS_DOMAIN" >/dev/null
    kill9 keeper
    wait_restart keeper
done
for round in 1 2 3 4; do expect_sms +6141234560$round '*/m/*' >/dev/null; done

# Under load: what was accepted, and nothing else, is told of.
for n in {10..19}; do
    mail_to lmtp $CLINIC "+614123457$n@$SMS_DOMAIN" >>"$DIR/story/answers" 2>&1 || true
    [ $((n % 6)) -ne 0 ] || { kill9 keeper; wait_restart; }
done
wait_restart keeper
while read -r recipient code _; do
    [ "$code" != 250 ] || expect_sms "${recipient%@*}" '*/m/*' >/dev/null
done <"$DIR/story/answers"
grep -c ' 250 ' "$DIR/story/answers"
