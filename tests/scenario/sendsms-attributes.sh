#!/bin/bash
# SPDX-License-Identifier: ISC
# sendsms-attributes.sh - a plain SMS keeps every attribute that Kannel's smsbox would give
# it: the same requests to both, and what bearerbox gets of each, field by field.
set -eu
. "$(dirname "$0")/lib.sh"

need smsbox:kannel
start_mad
start_smsbox 'global-sender = 61400000000' '' 'group = sendsms-user' 'username = app' \
    'password = secret' 'concatenation = true' 'max-messages = 9' 'default-smsc = THERE'
sendsms_account 'secure = no default-smsc = "THERE"'
start_sealpostd "$SENDSMS_DOOR"
expect_log 'box.up' >/dev/null
"$PYTHON" -B "$STORIES/kannel_attributes.py" "$DIR/mad/mts.jsonl" \
    "$SENDSMS_PORT" "$SEALPOST_SENDSMS_PORT"
