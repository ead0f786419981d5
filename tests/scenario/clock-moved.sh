#!/bin/bash
# SPDX-License-Identifier: ISC
# clock-moved.sh - midnight passes: a new epoch key is made, the old one lives as long as
# a message hangs on it, and then it is destroyed.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail_to lmtp --body "of yesterday" "$CLINIC" "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
old=$(basename "$DIR"/keys/epoch-*.key .key)
stop sealpostd
with_clock '+2d'
start_sealpostd
expect_log 'epoch.made ' >/dev/null
expect_equal 2 "$(log_count 'epoch.made ')" "epochs"
[ -f "$DIR/keys/$old.key" ] || fail "the key of a waiting message is gone"
register +61412345678
expect_message 'of yesterday*' >/dev/null
expect_log "epoch.destroyed .*day=${old#epoch-}" >/dev/null
[ ! -e "$DIR/keys/$old.key" ] || fail "the old key is still there"
