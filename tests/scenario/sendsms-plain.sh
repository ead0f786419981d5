#!/bin/bash
# SPDX-License-Identifier: ISC
# sendsms-plain.sh - an operator moves all traffic over and turns accounts secure one by
# one: a plain SMS goes out as it is; an account may forbid it.
set -eu
. "$(dirname "$0")/lib.sh"

start bearerbox phone
sendsms_account 'secure = no max-messages = 4'
start_sealpostd "$SENDSMS_DOOR" "account strict { brand = \"Strict\"
    password = \"{plain}secret\" plain = no }" "account short { brand = \"Short\"
    password = \"{plain}secret\" secure = no concatenation = no max-messages = 3 }" \
    "account few { brand = \"Few\" password = \"{plain}secret\" secure = no
    concatenation = no max-messages = 3 daily-limit = 2 }"
expect_sendsms '202 0: Accepted for delivery' to=+61412345678 from=777 text='See you at ten'
expect_sms +61412345678 'See you at ten' >/dev/null
expect_match '*"from": "777"*' "$(sms_list +61412345678)"
refute_on_disk "See you at ten"

# Letters that GSM 7 lacks go out as they are, though the application says no coding.
expect_sendsms '202 *' to=+61412345678 'text=Завтра в десять'
expect_sms +61412345678 'Завтра в десять' >/dev/null

# A long one arrives as one; one that is longer than the account may is refused, not cut.
long=$(printf 'word%.0s ' {1..90})
expect_sendsms '202 *' to=+61412345678 "text=$long"
expect_sms +61412345678 "$long" >/dev/null
expect_sendsms '400 Message too long, rejected' to=+61412345678 "text=$long$long"

# Without concatenation a long text is several SMS of their own.
expect_sendsms '202 *' username=short to=+61412345679 "text=$(printf '%0200d' 7)"
wait_until has_sms +61412345679 '*' 2 || fail "not two SMS"
expect_equal 1 "$(sms_list +61412345679 | tail -n 1 | grep -c '"parts": 1')" "one part each"

# Three of them when two are left of the day's limit: none goes.
expect_sendsms '503 *' username=few to=+61412345677 "text=$(printf '%0400d' 7)"
expect_sendsms '202 *' username=few to=+61412345677 "text=$(printf '%0200d' 8)"
expect_sms +61412345677 '*8' >/dev/null
refute_sms +61412345677 '*7'

# Secure where the request or the account says so.
expect_sendsms '403 Plain SMS are not allowed*' username=strict secure=0 to=+61412345670 text=x
expect_sendsms '202 *' username=strict to=+61412345670 text='not in clear'
expect_sms +61412345670 'Strict*/m/*' >/dev/null
refute_sms +61412345670 '*not in clear*'
expect_sendsms '202 *' secure=1 to=+61412345671 text='nor this'
expect_sms +61412345671 'The Application*/m/*' >/dev/null
refute_sms +61412345671 '*nor this*'
