#!/bin/bash
# SPDX-License-Identifier: ISC
# restart.sh - a restart keeps every message; a new configuration comes in by SIGHUP; a
# wrong one does not; a second daemon is refused; wrong passphrases open nothing.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
mail_to lmtp --body "kept" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
stop sealpostd
start sealpostd
register +61412345678
expect_message 'kept*' >/dev/null

cp "$DIR/sealpost.conf" "$DIR/story/good.conf"
echo 'nonsense = 1' >>"$DIR/sealpost.conf"
kill -HUP "$PID_sealpostd"
expect_log 'config.kept .*nonsense' >/dev/null
mail_to lmtp --body "still" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
sed 's/brand = .*/brand = "Southside Clinic"/' "$DIR/story/good.conf" >"$DIR/sealpost.conf"
kill -HUP "$PID_sealpostd"
expect_log config.reloaded >/dev/null
southside() {
    mail_to lmtp $CLINIC "+61412345679@$SMS_DOMAIN" >/dev/null 2>&1 &&
        has_sms +61412345679 'Southside Clinic*' 1
}
wait_until southside || fail "the new brand is not used"
expect_message 'still*' >/dev/null

# A second daemon on the same store ends at once and says why.
sed -e '/^listen lmtp/d' -e '/^listen handset/,/^}/d' \
    -e "s|^listen smtp.*|listen lmtp { address = \"unix:$DIR/story/second.sock\" }|" \
    "$DIR/sealpost.conf" >"$DIR/story/second.conf"
rc=0
"$BUILD/sealpostd" -f -c "$DIR/story/second.conf" >"$DIR/story/second.log" 2>&1 || rc=$?
[ $rc -ne 0 ] || fail "a second daemon runs"
grep -q 'another process' "$DIR/story/second.log" || fail "$(cat "$DIR/story/second.log")"

stop sealpostd
echo wrong >"$DIR/story/passphrase"
chmod 600 "$DIR/story/passphrase"
sed "s|passphrase\"|story/passphrase\"|" "$DIR/sealpost.conf" >"$DIR/story/wrong.conf"
rc=0
"$BUILD/sealpostd" -f -c "$DIR/story/wrong.conf" >"$DIR/story/wrong.log" 2>&1 || rc=$?
expect_equal 78 $rc "exit status"
grep -qi passphrase "$DIR/story/wrong.log" || fail "$(cat "$DIR/story/wrong.log")"
expect_exit 78 "$BUILD/sealpostd" -t -c /nonexistent 2>/dev/null
"$BUILD/sealpostd" -t -c "$DIR/sealpost.conf" >/dev/null
