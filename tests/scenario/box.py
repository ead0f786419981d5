#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""box.py - a small client of bearerbox's box protocol, to prove the neighbours alone.

Here:       identify, push one SMS and show its ack, receive one MO and acknowledge it.
Elsewhere:  Sealpost's own codec; it shares nothing with this one, on purpose.
Called by:  harness.sh and other stories that need a box beside Sealpost.
Source:     Kannel's gw/msg-decl.h: u32 length, i32 type, then the fields in order;
            a string is i32 length (-1 for none) and bytes, all big-endian.

box.py [--id NAME] --port PORT push FROM TO TEXT   prints "ack N" (0 sent on, 3 queued,
                                                   2 full, 1 refused)
box.py [--id NAME] --port PORT receive [--nack N]  prints the next MO as a JSON line
"""
import argparse
import json
import socket
import struct
import sys
import time
import uuid

ADMIN, SMS, ACK = 1, 2, 3
IDENTIFY, MT_PUSH, MO = 3, 2, 0
NONE = -1
SMS_FIELDS = (
    ("sender", str), ("receiver", str), ("udhdata", str), ("msgdata", str),
    ("time", int), ("smsc_id", str), ("smsc_number", str), ("foreign_id", str),
    ("service", str), ("account", str), ("id", str), ("sms_type", int),
    ("mclass", int), ("mwi", int), ("coding", int), ("compress", int),
    ("validity", int), ("deferred", int), ("dlr_mask", int), ("dlr_url", str),
    ("pid", int), ("alt_dcs", int), ("rpi", int), ("charset", str), ("boxc_id", str),
    ("binfo", str), ("msg_left", int), ("priority", int), ("resend_try", int),
    ("resend_time", int), ("meta_data", str),
)
ACK_FIELDS = (("nack", int), ("time", int), ("id", str))


def pack(kind, fields):
    out = struct.pack(">i", kind)
    for value in fields:
        if isinstance(value, int):
            out += struct.pack(">i", value)
        elif value is None:
            out += struct.pack(">i", NONE)
        else:
            data = value if isinstance(value, bytes) else value.encode()
            out += struct.pack(">i", len(data)) + data
    return struct.pack(">I", len(out)) + out


def unpack(fields, data):
    values, at = {}, 0
    for name, kind in fields:
        (number,) = struct.unpack_from(">i", data, at)
        at += 4
        if kind is int:
            values[name] = number
        elif number == NONE:
            values[name] = None
        else:
            values[name] = data[at:at + number].decode("utf-8", "replace")
            at += number
    return values


class Box:
    def __init__(self, port, name, timeout):
        self.link = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.stream = self.link.makefile("rb")
        self.link.sendall(pack(ADMIN, (IDENTIFY, name)))

    def read(self):
        head = self.stream.read(8)
        if len(head) < 8:
            sys.exit("box.py: bearerbox closed the connection")
        length, kind = struct.unpack(">Ii", head)
        return kind, self.stream.read(length - 4)

    def push(self, sender, receiver, text):
        try:
            text.encode("ascii")
            coding, data = 0, text.encode()
        except UnicodeEncodeError:
            coding, data = 2, text.encode("utf-16-be")
        sms = {"sender": sender, "receiver": receiver, "msgdata": data,
               "time": int(time.time()), "id": str(uuid.uuid4()),
               "sms_type": MT_PUSH, "coding": coding}
        self.link.sendall(pack(SMS, [
            sms.get(name, NONE if kind is int else None) for name, kind in SMS_FIELDS]))
        while True:
            kind, data = self.read()
            if kind == ACK:
                ack = unpack(ACK_FIELDS, data)
                if ack["id"] == sms["id"]:
                    return ack["nack"]

    def receive(self, nack):
        while True:
            kind, data = self.read()
            if kind != SMS:
                continue
            sms = unpack(SMS_FIELDS, data)
            self.link.sendall(pack(ACK, (nack, sms["time"], sms["id"])))
            if sms["sms_type"] == MO:
                return sms


def main():
    parser = argparse.ArgumentParser(description="a bare box client")
    parser.add_argument("--id", default="sealpost")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--timeout", type=float, default=15)
    does = parser.add_subparsers(dest="does", required=True)
    push = does.add_parser("push")
    for name in ("sender", "receiver", "text"):
        push.add_argument(name)
    does.add_parser("receive").add_argument("--nack", type=int, default=0)
    args = parser.parse_args()
    box = Box(args.port, args.id, args.timeout)
    if args.does == "push":
        print("ack", box.push(args.sender, args.receiver, args.text))
    else:
        print(json.dumps(box.receive(args.nack), ensure_ascii=False))


if __name__ == "__main__":
    main()
