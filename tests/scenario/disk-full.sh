#!/bin/bash
# SPDX-License-Identifier: ISC
# disk-full.sh - the disk is full: the MTA keeps the mail; there is space again: it is
# taken. What was accepted before is there.
set -eu
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
    say "skipped: a small disk is mounted by root only"
    exit 0
fi
start postfix bearerbox phone
# A disk of 64 MiB, of which 8 MiB are the reserve; below 8 MiB free nothing is taken.
# It is mounted where only the daemon sees it; its root lets us in.
# shellcheck disable=SC2016,SC2034 # for the inner shell; for neighbours.sh
SEALPOSTD_WITH=(unshare --mount sh -c
    'mount -t tmpfs -o size=64m,mode=700 none "$0" && exec "$@"' "$DIR/store")
start_sealpostd 'reserve = "8MiB"'
mail_to lmtp --body "before" "$CLINIC" "+61412345677@$SMS_DOMAIN" >/dev/null
expect_sms +61412345677 '*/m/*' >/dev/null

disk=/proc/$PID_sealpostd/root$DIR/store
head -c 200M /dev/zero >"$disk/filler" 2>/dev/null || true
expect_log store.full >/dev/null
expect_match '* 452 4.3.1 *' "$(mail_to lmtp "$CLINIC" "+61412345678@$SMS_DOMAIN" || true)"
mail "$CLINIC" "+61412345679@$SMS_DOMAIN" "Waits" "At the MTA"
wait_until grep -q '452.4.3.1' "$DIR/postfix/mail.log" || fail "Postfix was not refused"
refute_sms +61412345679

rm "$disk/filler"
expect_log store.space >/dev/null
mail_to lmtp "$CLINIC" "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
wait_until eval 'postfix_flush; has_sms +61412345679 "*/m/*" 1' || fail "no SMS"
register +61412345677
expect_message 'before*' >/dev/null
