#!/bin/bash
# SPDX-License-Identifier: ISC
# mo-in-parts.sh - a long answer, which the phone sends in parts and out of order, is one
# mail; and so is one that bearerbox brings again because the courier died with it.
set -eu
. "$(dirname "$0")/lib.sh"

# parts FROM TO REFERENCE TEXT... - the fake SMSC's far end in place of the phone: the
# last part first. UDH: concatenation, 8-bit reference (3GPP TS 23.040, 9.2.3.24.1).
parts() {
    "$PYTHON" - "$SMSC_PORT" "$@" <<'PYTHON'
import socket, sys, urllib.parse
port, sender, receiver, reference, *texts = sys.argv[1:]
with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as smsc:
    for n in range(len(texts), 0, -1):
        udh = bytes((5, 0, 3, int(reference), len(texts), n))
        smsc.sendall(b"%s %s udh-text %s %s\n" % (
            sender.encode(), receiver.encode(),
            urllib.parse.quote_from_bytes(udh).encode(), texts[n - 1].encode()))
PYTHON
}

start postfix bearerbox phone sealpostd
mail_to lmtp --subject Reminder $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_sms +61412345678 '*/m/*' >/dev/null
stop phone
parts +61412345678 61400000000 7 "I cannot come on Monday, " "but on Tuesday, " "at ten?"
expect_mail $'*\nSubject: Re: Reminder\n*I cannot come on Monday, but on Tuesday, at ten?*' \
    >/dev/null
expect_equal 1 "$(mail_count)" "mails"
start phone

# The keeper has the SMS, bearerbox no ack of it.
keeper=$(process_id keeper)
kill -STOP "$keeper"
reply_sms +61412345678 "Once is enough"
is_taken() { grep -q 'Receive SMS.*msg:.*Once is enough' "$DIR/kannel/access.log"; }
wait_until is_taken || fail "bearerbox has no such SMS: $(tail -n 3 "$DIR/kannel/access.log")"
kill9 courier
kill -CONT "$keeper"
wait_restart
reply_sms +61412345678 "The next one"
expect_mail '*The next one*' >/dev/null
expect_mail '*Once is enough*' >/dev/null
expect_equal 3 "$(mail_count)" "mails"
