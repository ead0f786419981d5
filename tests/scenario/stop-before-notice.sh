#!/bin/bash
# SPDX-License-Identifier: ISC
# stop-before-notice.sh - STOP comes while a message waits for its turn to be told of: no
# SMS goes out for it; START brings it.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'notice-interval = "6s"'
mail_to lmtp $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
mail_to lmtp --body "after the first" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
reply_sms +61412345678 STOP
expect_sms +61412345678 '*START*' >/dev/null
expect_log 'outbox.dropped .*kind=notice' >/dev/null
expect_equal 1 "$(sms_count +61412345678 '*/m/*')" "notices while stopped"

reply_sms +61412345678 START
expect_sms +61412345678 '*/m/*' 2 >/dev/null
register +61412345678 >/dev/null
expect_message 'after the first*' >/dev/null
