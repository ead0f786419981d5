#!/bin/bash
# SPDX-License-Identifier: ISC
# refusals.sh - a sender hears at once, and in words, why a message is not taken.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone
start_sealpostd 'message-size-limit = "64KiB"' 'account small {
    brand = "Small" senders = { "*@small.example" } daily-limit = 2 }'

# refused CODE GLOB DOOR OPTION... - one recipient, refused so.
refused() {
    local code=$1 glob=$2 got
    shift 2
    got=$(mail_to "$@" || true)
    expect_match "* $code $glob" "$got" "$* answers"
}

for door in lmtp lmtp-tcp smtp; do
    refused 550 '5.1.1 *not a telephone number*' $door $CLINIC "12@$SMS_DOMAIN"
    refused 550 '5.1.1 *cannot receive SMS*' $door $CLINIC "+61299999999@$SMS_DOMAIN"
    refused 550 '5.1.2 *' $door $CLINIC +61412345678@elsewhere.example
    refused 550 '5.1.1 *' $door $CLINIC "r-aaaaaaaaaaaaaaaaaaaaaaaaaa@$SMS_DOMAIN"
    refused 550 '5.7.1 *' $door nobody@stranger.example "+61412345678@$SMS_DOMAIN"
    refused 550 '5.7.1 *' $door '' "+61412345678@$SMS_DOMAIN"
done

# A mail that loops, is too large, or has too many parts.
loop=()
for hop in {1..26}; do loop+=(--header "Received: from a by b with SMTP id $hop"); done
refused 554 '5.4.6 *' lmtp "${loop[@]}" --subject x --body y $CLINIC "+61412345678@$SMS_DOMAIN"
head -c 100000 /dev/zero | tr '\0' 'x' | fold -w 70 >"$DIR/story/large"
{ printf 'Subject: large\n\n'; cat "$DIR/story/large"; } >"$DIR/story/large.eml"
refused 552 '5.3.4 *' lmtp --raw "$DIR/story/large.eml" $CLINIC "+61412345678@$SMS_DOMAIN"
{
    printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n'
    for _ in {1..2000}; do printf -- '--b\n\nx\n'; done
    printf -- '--b--\n'
} >"$DIR/story/parts.eml"
refused 554 '5.6.0 *' lmtp --raw "$DIR/story/parts.eml" $CLINIC "+61412345678@$SMS_DOMAIN"

# Smuggling: a second mail hidden behind an end of data that is none.
for end in '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r'; do
    printf "Subject: one\r\n\r\ntext%bMAIL FROM:<$CLINIC>\r\n.\r\n" "$end" >"$DIR/story/raw"
    refused 554 '*' smtp --raw "$DIR/story/raw" --exact $CLINIC "+61412345670@$SMS_DOMAIN"
done
refute_sms +61412345670

# The account's limit: two messages a day, the third waits at the MTA.
mail_to lmtp a@small.example "+61412345671@$SMS_DOMAIN" >/dev/null
mail_to lmtp a@small.example "+61412345672@$SMS_DOMAIN" >/dev/null
refused 451 '4.7.1 *' lmtp a@small.example "+61412345673@$SMS_DOMAIN"

# STOP and START.
mail_to lmtp $CLINIC "+61412345674@$SMS_DOMAIN" >/dev/null
expect_sms +61412345674 '*/m/*' >/dev/null
reply_sms +61412345674 ' stop '
expect_log 'handset.opted-out' >/dev/null
expect_sms +61412345674 '*START*' >/dev/null
refused 550 '5.7.1 *' lmtp $CLINIC "+61412345674@$SMS_DOMAIN"
reply_sms +61412345674 START
expect_log 'handset.opted-in' >/dev/null
mail_to lmtp $CLINIC "+61412345674@$SMS_DOMAIN" >/dev/null

# What a mail program would show is taken, however broken it is.
printf 'Subject: =?utf-8?B?kaputt\nContent-Type: multipart/mixed; boundary="x"\n\n--x\n%s\n' \
    'Content-Type: text/plain; charset=nonsense' >"$DIR/story/broken.eml"
printf '\nyour \xe4ppointment\n' >>"$DIR/story/broken.eml"
mail_to lmtp --raw "$DIR/story/broken.eml" $CLINIC "+61412345675@$SMS_DOMAIN" >/dev/null
expect_sms +61412345675 '*/m/*' >/dev/null
