#!/bin/bash
# SPDX-License-Identifier: ISC
# sendsms-secure.sh - an application that knows only Kannel's sendsms sends a private
# message: the handset gets a link, reads it, and nothing of it lies on the disk.
set -eu
. "$(dirname "$0")/lib.sh"

start bearerbox phone
sendsms_account 'default-sender = "61400000009"'
start_sealpostd "$SENDSMS_DOOR"
expect_sendsms '202 0: Accepted for delivery' to=+61412345678 \
    'text=Ihre Laborwerte liegen vor: 7,4 – alles gut' subject=Laborwerte
expect_log 'message.accepted .*account=app .*by=sendsms' >/dev/null
expect_sms +61412345678 'The Application*/m/*' >/dev/null
expect_equal 61400000009 "$(sms_list +61412345678 | sed 's/.*"from": "\([^"]*\)".*/\1/' | head -n 1)" \
    "the notice is from"
refute_sms +61412345678 '*Laborwerte*'
refute_on_disk "Laborwerte" "61412345678"
register +61412345678 >/dev/null
expect_message '*7,4 – alles gut*' >/dev/null
expect_match '*Laborwerte*' "$(handset list)" "the list"

# To one that is registered, in another charset; nobody need wait for an SMS to read it.
expect_sendsms '202 *' to=0412345678 text="$(printf 'caf\351')" charset=ISO-8859-1
expect_message '*café*' >/dev/null

# Several at once, one of them no number: the others' go.
expect_sendsms '202 0: *' to='+61412345601 +61412345602 nobody' text=several
expect_sms +61412345601 '*/m/*' >/dev/null
expect_sms +61412345602 '*/m/*' >/dev/null

# The application's own reference: a request that it repeats is one message.
expect_sendsms '202 *' to=+61412345603 text=once reference=r-1
expect_sendsms '202 *' to=+61412345603 text=once reference=r-1
expect_log 'message.repeated' >/dev/null
HANDSET=2
register +61412345603 2 >/dev/null
expect_equal 1 "$(message_count)" "messages with one reference"

# What cannot be a private message is refused, not sent another way.
expect_sendsms '400 *cannot be secured*' to=+61412345678 text=x udh=$'\x03abc'
expect_sendsms '400 *cannot be deferred*' to=+61412345678 text=x deferred=5
expect_sendsms '403 Authorization failed for sendsms' to=+61412345678 text=x password=wrong
expect_sendsms '403 *' to=+61412345678 text=x username=northside
expect_equal 0 "$(log_count 'process.ended')" "children that ended"
