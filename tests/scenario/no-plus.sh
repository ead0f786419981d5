#!/bin/bash
# SPDX-License-Identifier: ISC
# no-plus.sh - numbers as people write them: without a plus, national, with separators.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
n=0
for written in +61412345678 61412345678 0412345678 0412-345-678 +61.412.345.678 \
    006141234.5678; do
    n=$((n + 1))
    case $(mail_to lmtp $CLINIC "$written@$SMS_DOMAIN") in
        *' 250 '*) ;;
        *) fail "$written was not taken" ;;
    esac
    expect_equal $n "$(log_count 'message.accepted .*to=\*678')" "messages to one number"
done
# One handset, so one notice for all of them.
expect_sms +61412345678 '*/m/*' >/dev/null
mail $CLINIC "61412345679@$SMS_DOMAIN" "Through Postfix" "Your results are in"
expect_sms +61412345679 '*/m/*' >/dev/null
expect_equal 1 "$(sms_count +61412345678)" "notices"
