#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""sink.py - an LMTP server that takes everything: Sealpost's place in harness.sh.

sink.py SOCKET FILE   listens on a UNIX socket; every line it gets goes to FILE
"""
import os
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink LMTP")
        recipients, in_data = 0, False
        for line in self.rfile:
            with open(sys.argv[2], "ab") as out:
                out.write(line)
            verb = line.strip().upper()
            if in_data:
                if verb == b".":
                    in_data = False
                    for _ in range(recipients):
                        self.say("250 2.1.5 taken")
                    recipients = 0
            elif verb.startswith(b"LHLO"):
                self.say("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 XFORWARD "
                         "NAME ADDR PORT PROTO HELO IDENT SOURCE")
            elif verb == b"DATA":
                in_data = True
                self.say("354 go")
            else:
                recipients += verb.startswith(b"RCPT")
                self.say("221 bye" if verb == b"QUIT" else "250 2.0.0 fine")


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


server = Server(sys.argv[1], Session)
os.chmod(sys.argv[1], 0o666)
server.serve_forever()
