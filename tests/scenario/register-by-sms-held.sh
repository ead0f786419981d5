#!/bin/bash
# SPDX-License-Identifier: ISC
# register-by-sms-held.sh - an SMS can be forged, so what it registered is held until the
# number was told by an SMS: it reads nothing, does nothing to the number's other devices,
# and loses nothing, though the gateway goes away in between.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'otp-direction = "both"' 'confirm-wait = "3s"'
mail_to lmtp --body "the first" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
register +61412345678 phone
expect_message 'the first*' >/dev/null
first=$MESSAGE_ID
phone=$(handset devices | cut -d ' ' -f 1)
mail_to lmtp --body "to a stranger" $CLINIC "+61412345679@$SMS_DOMAIN" >/dev/null
expect_sms +61412345679 '*/m/*' >/dev/null

# The SMS is taken, and then bearerbox is gone.
cat >"$DIR/story/sms" <<SH
"$PYTHON" "$DEMO/phone.py" send --dir "$DIR" "\$1" "\$SMS_TO" "\$SMS_TEXT" || exit 1
[ -z "\$2" ] || until grep -q 'event=otp.received' "$DIR/sealpostd.log"; do sleep 0.05; done
[ -z "\$2" ] || kill -KILL "\$2"
SH
# by_sms NUMBER [PID] - registers the handset; PID is killed when the SMS was taken.
by_sms() {
    handset register "$1" --direction handset \
        --sms-command "sh '$DIR/story/sms' $1 '${2:-}'" >"$DIR/story/said" 2>&1 ||
        fail "not registered: $(cat "$DIR/story/said")"
}
HANDSET=tablet
by_sms +61412345678 "$PID_bearerbox"
stop_bearerbox KILL || true
tablet=$(handset devices | cut -d ' ' -f 1)
expect_match '* ?held? ?this one?' "$(handset devices)"
expect_equal 1 "$(handset devices | wc -l)" "devices that a held one sees"

# Held: nothing is sealed to it, whoever calls.
mail_to lmtp --body "the second" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_match '*in a moment*' "$(handset list 2>&1)"
expect_equal 0 "$(message_count 2>/dev/null)" "messages of a held device"
expect_exit 66 handset read "$first" 2>/dev/null
expect_exit 66 handset remove "$first" 2>/dev/null
expect_exit 66 handset reply "$first" "from somebody else" 2>/dev/null
expect_exit 66 handset revoke "$phone" 2>/dev/null
HANDSET=phone
expect_message 'the second*' >/dev/null
expect_match "*$tablet *?held?*" "$(handset devices)"
kill9 keeper
wait_restart
HANDSET=tablet
is_told_to_wait() { [[ $(handset list 2>&1) == *"in a moment"* ]]; }
wait_until is_told_to_wait || fail "it is not held any more"

# The gateway is back: the number is told, and after the wait the next message is read.
start_bearerbox
expect_sms +61412345678 '*registered with an SMS from this number*answer WRONG*' >/dev/null
expect_log "device.confirmed .*device=$tablet .*wait_s=3" >/dev/null
is_free() { [[ $(handset list 2>&1) != *"in a moment"* ]]; }
wait_until is_free || fail "it is still held"
mail_to lmtp --body "the third" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_message 'the third*' >/dev/null
expect_equal 1 "$(message_count)" "what was sealed before stays closed"
expect_equal 2 "$(handset devices | wc -l)" "devices"
refute_sms +61412345678 '*device was added*'

# Of a number without another device, what waited is sealed to it now.
HANDSET=stranger
by_sms +61412345679
expect_sms +61412345679 '*answer WRONG*' >/dev/null
expect_message 'to a stranger*' >/dev/null 2>&1
