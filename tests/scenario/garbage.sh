#!/bin/bash
# SPDX-License-Identifier: ISC
# garbage.sh - noise on every port: no process dies, honest people are served.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
front=$(process_id front) keeper=$(process_id keeper) courier=$(process_id courier)
"$PYTHON" - "$LMTP_PORT" "$ESMTP_PORT" "$HANDSET_PORT" <<'PYTHON'
import os, random, socket, sys
random.seed(1)
pieces = [b"EHLO x\r\n", b"LHLO x\r\n", b"MAIL FROM:<a@clinic.example>\r\n", b"\0" * 100,
          b"RCPT TO:<+61412345678@sms.clinic.example>\r\n", b"DATA\r\n", b"\r\n.\r\n",
          b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"x" * 5000,
          b"XFORWARD " + b"A" * 600 + b"\r\n", b"\n\n\r\r", os.urandom(200)]
for port in map(int, sys.argv[1:]):
    for _ in range(150):
        link = socket.create_connection(("127.0.0.1", port), timeout=2)
        try:
            for _ in range(random.randrange(1, 8)):
                link.sendall(random.choice(pieces)[:random.randrange(1, 6000)])
        except OSError:
            pass
        link.close()
PYTHON
expect_equal "$front $keeper $courier" \
    "$(process_id front) $(process_id keeper) $(process_id courier)" "processes"
mail_to lmtp --body "after the storm" $CLINIC "+61412345677@$SMS_DOMAIN" >/dev/null
register +61412345677
expect_message 'after the storm*' >/dev/null
