#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""phone.py - every mobile phone of the demo, at the far end of Kannel's fake SMSC.

Here:       speaks the fake SMSC's line protocol to bearerbox, comes back when bearerbox
            does; keeps each SMS as a JSON line in DIR/sms.jsonl; sends what it is told.
Elsewhere:  who reads sms.jsonl (tests/scenario/lib.sh).
Called by:  neighbours.sh (run), stories (send).
Source:     Kannel's gw/smsc/smsc_fake.c, whose far end this is:
            "SENDER RECEIVER text BODY", body raw, its line breaks too;
            "... data BODY", "... ucs-2 BODY", "... udh UDH data BODY" with %XX and "+".
            It expects no answer, and takes one client at a time.

phone.py run  --dir DIR --port PORT    until SIGTERM
phone.py send --dir DIR FROM TO TEXT   returns when bearerbox's socket has it
phone.py list --dir DIR [--to NUMBER] [--like GLOB] [--texts]
                                       the SMS kept so far, a JSON line each; or their
                                       texts alone, each ended by a NUL
"""
import argparse
import fnmatch
import json
import os
import re
import selectors
import socket
import sys
import time
import urllib.parse

FIRST_LINE = re.compile(rb"^(\S*) (\S*) (text|data|ucs-2|udh) ?(.*)$", re.DOTALL)
QUIET_S = 0.05  # a raw text may hold line breaks: it ends when nothing follows
RETRY_S = 0.2
SEND_WAIT_S = 15


class Inbox:
    """Turns lines into SMS; joins the parts of a long one."""

    def __init__(self, path):
        self.path = path
        self.open_lines = None  # (sender, receiver, kind, [lines]) not yet complete
        self.parts = {}  # (sender, receiver, reference) -> {number: bytes}

    def take_line(self, line):
        match = FIRST_LINE.match(line)
        if match:
            self.flush()
            sender, receiver, kind, rest = match.groups()
            self.open_lines = (sender, receiver, kind, [rest])
        elif self.open_lines:
            self.open_lines[3].append(line)

    def flush(self):
        if not self.open_lines:
            return
        sender, receiver, kind, lines = self.open_lines
        self.open_lines = None
        body = b"\n".join(lines)
        if kind == b"text":
            self.keep(sender, receiver, to_text(body), 1)
        elif kind == b"udh":
            self.take_part(sender, receiver, body)
        else:
            data = urllib.parse.unquote_to_bytes(body.replace(b"+", b" "))
            self.keep(sender, receiver, to_text(data, kind == b"ucs-2"), 1)

    def take_part(self, sender, receiver, body):
        udh, _, rest = body.partition(b" ")
        if rest.startswith(b"data "):
            rest = rest[len(b"data "):]
        udh = urllib.parse.unquote_to_bytes(udh.replace(b"+", b" "))
        data = urllib.parse.unquote_to_bytes(rest.replace(b"+", b" "))
        if len(udh) < 6 or udh[1] != 0:  # no concatenation, 3GPP TS 23.040 9.2.3.24.1
            self.keep(sender, receiver, to_text(data), 1)
            return
        key = (sender, receiver, udh[3])
        parts = self.parts.setdefault(key, {})
        parts[udh[5]] = data
        if len(parts) == udh[4]:
            del self.parts[key]
            whole = b"".join(parts[n] for n in sorted(parts))
            self.keep(sender, receiver, to_text(whole), udh[4])

    def keep(self, sender, receiver, text, parts):
        sms = {
            "to": receiver.decode("latin-1"),
            "from": sender.decode("latin-1"),
            "text": text,
            "parts": parts,
            "at": round(time.time(), 3),
        }
        with open(self.path, "a", encoding="utf-8") as out:
            out.write(json.dumps(sms, ensure_ascii=False) + "\n")


def to_text(data, is_ucs2=None):
    """The line protocol does not tell the coding of a part: a NUL tells UCS-2."""
    if is_ucs2 is None:
        is_ucs2 = b"\0" in data and len(data) % 2 == 0
    return data.decode("utf-16-be" if is_ucs2 else "utf-8", "replace")


class Phone:
    def __init__(self, folder, port):
        self.port = port
        self.inbox = Inbox(os.path.join(folder, "sms.jsonl"))
        self.link = None
        self.received = b""
        self.waiting = []  # (client, line) to be sent when there is a link
        self.retry_at = 0.0
        self.selector = selectors.DefaultSelector()
        path = os.path.join(folder, "phone.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(path)
        self.server.listen(64)
        self.selector.register(self.server, selectors.EVENT_READ, self.on_client)

    def run(self):
        while True:
            if not self.link and time.monotonic() >= self.retry_at:
                self.connect()
            ready = self.selector.select(QUIET_S)
            for key, _ in ready:
                key.data(key.fileobj)
            if not ready:
                self.inbox.flush()

    def connect(self):
        self.retry_at = time.monotonic() + RETRY_S
        try:
            self.link = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        except OSError:
            return
        print("connected", flush=True)
        self.received = b""
        self.selector.register(self.link, selectors.EVENT_READ, self.on_link)
        waiting, self.waiting = self.waiting, []
        for client, line in waiting:
            self.send(client, line)

    def disconnect(self):
        print("disconnected", flush=True)
        self.selector.unregister(self.link)
        self.link.close()
        self.link = None
        self.inbox.flush()

    def on_link(self, link):
        try:
            data = link.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.disconnect()
            return
        *lines, self.received = (self.received + data).split(b"\n")
        for line in lines:
            self.inbox.take_line(line)

    def on_client(self, server):
        client, _ = server.accept()
        client.settimeout(5)
        with client.makefile("rb") as request:
            order = json.loads(request.readline())
        text = order["text"].encode()
        if b"\n" in text:  # only this form can carry a line break
            kind, text = b"data", urllib.parse.quote_from_bytes(text).encode()
        else:
            kind = b"text"
        line = b" ".join((order["from"].encode(), order["to"].encode(), kind, text))
        self.send(client, line + b"\n")

    def send(self, client, line):
        if not self.link:
            self.waiting.append((client, line))
            return
        try:
            self.link.sendall(line)
        except OSError:
            self.disconnect()
            self.waiting.append((client, line))
            return
        try:
            client.sendall(b"sent\n")
        except OSError:
            pass  # it gave up waiting; the SMS has gone all the same
        client.close()


def send(folder, sender, receiver, text):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SEND_WAIT_S)
        client.connect(os.path.join(folder, "phone.sock"))
        order = {"from": sender, "to": receiver, "text": text}
        client.sendall(json.dumps(order).encode() + b"\n")
        if client.recv(16) != b"sent\n":
            sys.exit("phone.py: bearerbox did not take the SMS")


def show(args):
    path = os.path.join(args.dir, "sms.jsonl")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            sms = json.loads(line)
            if args.to and sms["to"].lstrip("+") != args.to.lstrip("+"):
                continue
            if fnmatch.fnmatchcase(sms["text"], args.like):
                sys.stdout.write(sms["text"] + "\0" if args.texts else line)


def main():
    parser = argparse.ArgumentParser(description="the phones of the demo")
    does = parser.add_subparsers(dest="does", required=True)
    for name in ("run", "send", "list"):
        does.add_parser(name).add_argument("--dir", required=True)
    does.choices["run"].add_argument("--port", type=int, required=True)
    for name in ("sender", "receiver", "text"):
        does.choices["send"].add_argument(name)
    does.choices["list"].add_argument("--to")
    does.choices["list"].add_argument("--like", default="*")
    does.choices["list"].add_argument("--texts", action="store_true")
    args = parser.parse_args()
    if args.does == "run":
        Phone(args.dir, args.port).run()
    elif args.does == "send":
        send(args.dir, args.sender, args.receiver, args.text)
    else:
        show(args)


if __name__ == "__main__":
    main()
