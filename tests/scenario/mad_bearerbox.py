#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mad_bearerbox.py - a bearerbox that does whatever it is told, the worst included.

Here:       takes boxes, acknowledges their MTs and keeps them; sends what it is told:
            MOs, DLRs, acks, admin commands, raw bytes.
Elsewhere:  the real bearerbox (neighbours.sh), the box that talks to it (box.py).
Called by:  hostile-bearerbox.sh, links-poisoned.sh and others of links-*.sh.
Source:     Kannel's gw/msg-decl.h, as in box.py.

mad_bearerbox.py run --dir DIR --port PORT [--cert FILE --key FILE]   until SIGTERM
    DIR/mts.jsonl     each MT and when it came, before its ack; DIR/acks.jsonl  each ack of a box
    DIR/boxes.jsonl   a line "came", "went" or "refused" for each connection
mad_bearerbox.py tell --dir DIR ORDER [WORD...]   returns when it is done
    ack N | none | twice | odd  what MTs get from now on (N: 0)
    full-after N                ack 0 for so many more MTs, then 2
    reading yes | no            whether it reads what boxes say
    refusing yes | no           whether it closes each connection at once
    poison NUMBER | -           an MT to it: closes, without an ack
    close                       every connection, now
    sms JSON                    an MO, or what the fields say: {"sms_type": 3, ...}; a
                                string "hex:00ff" stands for bytes; prints its id;
                                @FILE: the JSON is there
    ack-id ID N                 an ack for that id
    admin N | heartbeat COUNT
    raw HEX [COUNT]             these bytes, so many times
"""
import argparse
import asyncio
import json
import os
import signal
import ssl
import struct
import sys
import time
import uuid

from box import ACK, ACK_FIELDS, ADMIN, NONE, SMS, SMS_FIELDS, pack, unpack

HEARTBEAT = 0
LATER = 2


def as_bytes(value):
    if isinstance(value, str) and value.startswith("hex:"):
        return bytes.fromhex(value[4:])
    return value


def sms_frame(given):
    fields = {"sender": "+61400000001", "receiver": "61400000000", "msgdata": "Hi",
              "smsc_id": "MAD", "sms_type": 0, "coding": 0, "time": int(time.time()),
              "id": str(uuid.uuid4()), "boxc_id": "sealpost", **given}
    values = [fields.get(name, NONE if kind is int else None)
              for name, kind in SMS_FIELDS]
    return fields["id"], pack(SMS, [as_bytes(value) for value in values])


class Mad:
    def __init__(self, folder):
        self.folder = folder
        self.boxes = set()
        self.ack = "0"
        self.left = None  # MTs until it is full
        self.poison = "-"
        self.refusing = False
        self.reading = asyncio.Event()
        self.reading.set()

    def keep(self, name, value):
        with open(os.path.join(self.folder, name), "a", encoding="utf-8") as out:
            out.write(json.dumps(value, ensure_ascii=False) + "\n")

    async def on_box(self, reader, writer):
        if self.refusing:
            self.keep("boxes.jsonl", "refused")
            writer.transport.abort()
            return
        self.keep("boxes.jsonl", "came")
        self.boxes.add(writer)
        try:
            while True:
                await self.reading.wait()
                head = await reader.readexactly(8)
                length, kind = struct.unpack(">Ii", head)
                data = await reader.readexactly(length - 4)
                await self.reading.wait()
                self.take(writer, kind, data)
        except (OSError, EOFError, ConnectionError):
            pass
        self.boxes.discard(writer)
        self.keep("boxes.jsonl", "went")
        writer.close()

    def take(self, writer, kind, data):
        if kind == ACK:
            self.keep("acks.jsonl", unpack(ACK_FIELDS, data))
        elif kind == SMS:
            self.take_mt(writer, unpack(SMS_FIELDS, data))

    def take_mt(self, writer, mt):
        self.keep("mts.jsonl", {**mt, "at": time.time()})
        if mt["receiver"] == self.poison:
            writer.transport.abort()
            raise EOFError
        word = self.ack
        if self.left is not None:
            word = "0" if self.left > 0 else str(LATER)
            self.left -= self.left > 0
        if word == "none":
            return
        nack = {"twice": 0, "odd": 77}.get(word, None)
        ack = pack(ACK, (int(word) if nack is None else nack, mt["time"], mt["id"]))
        writer.write(ack * (2 if word == "twice" else 1))

    async def send(self, data):
        for writer in list(self.boxes):
            writer.write(data)
            try:
                await asyncio.wait_for(writer.drain(), 2)
            except (OSError, TimeoutError, asyncio.TimeoutError):
                pass

    async def obey(self, order, words):
        if order == "ack":
            self.ack, self.left = words[0], None
        elif order == "full-after":
            self.left = int(words[0])
        elif order == "reading":
            (self.reading.set if words[0] == "yes" else self.reading.clear)()
        elif order == "refusing":
            self.refusing = words[0] == "yes"
        elif order == "poison":
            self.poison = words[0]
        elif order == "close":
            for writer in list(self.boxes):
                writer.transport.abort()
        elif order == "sms":
            if words[0].startswith("@"):
                with open(words[0][1:], encoding="utf-8") as source:
                    words[0] = source.read()
            name, frame = sms_frame(json.loads(words[0]))
            await self.send(frame)
            return name
        elif order == "ack-id":
            await self.send(pack(ACK, (int(words[1]), int(time.time()), words[0])))
        elif order == "admin":
            await self.send(pack(ADMIN, (int(words[0]), None)))
        elif order == "heartbeat":
            await self.send(pack(HEARTBEAT, (0,)) * int(words[0]))
        elif order == "raw":
            await self.send(bytes.fromhex(words[0]) * int((words + ["1"])[1]))
        else:
            return "no such order"
        return ""

    async def on_order(self, reader, writer):
        order, *words = json.loads(await reader.readline())
        answer = await self.obey(order, words)
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()


async def run(args):
    mad = Mad(args.dir)
    tls = None
    if args.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.cert, args.key)
    os.makedirs(args.dir, exist_ok=True)
    for name in ("mts.jsonl", "acks.jsonl", "boxes.jsonl"):
        open(os.path.join(args.dir, name), "a", encoding="utf-8").close()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.start_server(mad.on_box, "127.0.0.1", args.port, ssl=tls)
    path = os.path.join(args.dir, "order.sock")
    if os.path.exists(path):
        os.unlink(path)
    await asyncio.start_unix_server(mad.on_order, path, limit=1 << 20)
    await stop.wait()
    os._exit(0)  # whoever is connected sees a reset or an end


async def tell(args):
    path = os.path.join(args.dir, "order.sock")
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(json.dumps([args.order, *args.words]).encode() + b"\n")
    answer = json.loads(await asyncio.wait_for(reader.readline(), 15))
    if answer == "no such order":
        sys.exit(f"mad_bearerbox.py: {args.order}: {answer}")
    if answer:
        print(answer)


def main():
    parser = argparse.ArgumentParser(description="a bearerbox gone mad")
    does = parser.add_subparsers(dest="does", required=True)
    for name in ("run", "tell"):
        does.add_parser(name).add_argument("--dir", required=True)
    does.choices["run"].add_argument("--port", type=int, required=True)
    does.choices["run"].add_argument("--cert")
    does.choices["run"].add_argument("--key")
    does.choices["tell"].add_argument("order")
    does.choices["tell"].add_argument("words", nargs="*")
    args = parser.parse_args()
    asyncio.run(run(args) if args.does == "run" else tell(args))


if __name__ == "__main__":
    main()
