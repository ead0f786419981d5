#!/bin/bash
# SPDX-License-Identifier: ISC
# sendsms-reports.sh - an application is told at its dlr-url what became of its message,
# honestly, and of its plain SMS as the network says; until it has answered.
set -eu
. "$(dirname "$0")/lib.sh"

start bearerbox phone app
sendsms_account 'callback-hosts = { "127.0.0.1" } callback-networks = { "127.0.0.0/8" }
    callback-secret = "a secret of sixteen or more"'
start_sealpostd "$SENDSMS_DOOR" 'callback-wait = 1min' "account strict { brand = \"Strict\"
    password = \"{plain}secret\" callback-hosts = { \"127.0.0.1\" } }"
url="http://127.0.0.1:$APP_PORT/dlr?type=%d&to=%p&what=%A"

# A private message: 8 when its notice is at the SMSC, 1 when the handset has fetched it.
expect_sendsms '202 *' to=+61412345678 text=hello dlr-mask=31 "dlr-url=$url"
expect_callback 'GET /dlr type=8 to=+61412345678 what=SEALPOST/notified' >/dev/null
refute_callback '* type=1 *'
register +61412345678 >/dev/null
expect_message '*hello*' >/dev/null
expect_callback 'GET /dlr type=1 to=+61412345678 what=SEALPOST/fetched' >/dev/null
expect_match '*"t=*,v1=*' "$(app_list | tail -n 1)" "the signature"

# A plain one: the network's own events, once each.
expect_sendsms '202 *' secure=0 to=+61412345679 text=plain dlr-mask=31 "dlr-url=$url"
expect_callback 'GET /dlr type=1 to=+61412345679 *' >/dev/null
expect_callback 'GET /dlr type=8 to=+61412345679 *' >/dev/null

# Only what was asked for.
expect_sendsms '202 *' secure=0 to=+61412345670 text=plain dlr-mask=1 "dlr-url=$url"
expect_callback 'GET /dlr type=1 to=+61412345670 *' >/dev/null
refute_callback '* type=8 to=+61412345670 *'

# An application that is down for a while is asked again.
app_answers 503
expect_sendsms '202 *' secure=0 to=+61412345671 text=plain dlr-mask=1 "dlr-url=$url"
expect_callback '* to=+61412345671 *' 2 >/dev/null
app_answers 200
expect_log 'outbox.outcome .*kind=report outcome=sent' >/dev/null

# Not to hosts that the account does not name, nor into networks that it does not.
expect_sendsms '400 DLR-URL host not allowed*' to=+61412345672 text=x dlr-mask=31 \
    dlr-url=http://evil.example/
expect_sendsms '400 DLR-URL field misformed*' to=+61412345672 text=x dlr-mask=31 \
    "dlr-url=http://127.0.0.1/$(printf '\r\nX: y')"
expect_sendsms '202 *' username=strict secure=0 to=+61412345673 text=x dlr-mask=1 \
    "dlr-url=$url"
expect_log 'callback.given-up .*account=strict .*total=1' >/dev/null
refute_callback '* to=+61412345673 *'

# One that never answers is given up after callback-wait, which is counted and said.
app_answers 503
expect_sendsms '202 *' secure=0 to=+61412345674 text=x dlr-mask=1 "dlr-url=$url"
DEADLINE=120 expect_log 'callback.given-up .*account=app .*total=1' >/dev/null
