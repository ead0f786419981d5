#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kannel_compare.py - asks smsbox and Sealpost the same and tells where they differ.

Here:       an HTTP client that changes no byte; the comparison.
Elsewhere:  the requests, and the differences that are meant (kannel_requests.py).
Called by:  sendsms-like-kannel.sh; by hand.

kannel_compare.py [options] SMSBOX SEALPOST   a line for each difference that is not
                                              meant; exit 1 if there is one
kannel_compare.py [options] --ask SERVER      what one server answers, a line each
kannel_compare.py --smsbox-groups | --sealpost-accounts
                                              the accounts as configuration
SMSBOX, SEALPOST and SERVER are HOST:PORT.
  --immediate     the second part of the list
  --app H:P       where the application is that callbacks go to
  --only NAME     only requests whose name matches the glob; once more for each
"""
import argparse
import fnmatch
import socket
import sys
import typing

import kannel_requests

CHUNK = 65536


class Answer(typing.NamedTuple):
    status: int  # 0: closed without an answer, -1: none in time
    kind: str  # Content-Type
    body: str  # latin-1


class Asker:
    """Sends requests to one server."""

    def __init__(self, server, app):
        host, _, port = server.rpartition(":")
        self.address = (host, int(port))
        self.app = app

    def ask(self, number, request):
        data = encode(request, self.words(number))
        received = b""
        with socket.create_connection(self.address, timeout=request.wait_s) as link:
            try:
                send(link, data)
                while not is_whole(received, request.method):
                    chunk = link.recv(CHUNK)
                    if not chunk:
                        break
                    received += chunk
            except socket.timeout:
                return Answer(-1, "", "")
            except (ConnectionResetError, BrokenPipeError):
                pass
        return decode(received)

    def words(self, number):
        to = f"61412{number:06d}"
        return {
            "{to}": to,
            "{to2}": f"61413{number:06d}",
            "{to-61}": to[2:],
            "{local}": "0" + to[2:],
            "{app}": self.app,
        }


def send(link, data):
    """A server may answer and close before it has read everything."""
    try:
        link.sendall(data)
    except (ConnectionResetError, BrokenPipeError):
        pass


def fill(text, words):
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def encode(request, words):
    lines = [f"{request.method} {request.target} {request.version}".rstrip()]
    names = [line.partition(":")[0].lower() for line in request.headers]
    lines.append("Host: 127.0.0.1")
    lines += request.headers
    if "connection" not in names:
        lines.append("Connection: close")
    body = request.body or b""
    for word, value in words.items():
        body = body.replace(word.encode(), value.encode())
    if request.body is not None and "transfer-encoding" not in names:
        lines.append(f"Content-Length: {len(body)}")
    head = fill("\r\n".join(lines) + "\r\n\r\n", words)
    return to_bytes(head) + body


def to_bytes(text):
    """Characters stand for bytes, but what is beyond them is meant as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def split(received):
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return lines[0], headers, body


def is_whole(received, method):
    if b"\r\n\r\n" not in received:
        return False
    status, headers, body = split(received)
    if " 100 " in status or "content-length" not in headers:
        return False
    return method == "HEAD" or len(body) >= int(headers["content-length"])


def decode(received):
    status, headers, body = split(received)
    if status.startswith(("HTTP/1.1 100", "HTTP/1.0 100")):
        status, headers, body = split(body)
    words = status.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        return Answer(0, "", status)
    return Answer(int(words[1]), headers.get("content-type", ""), body.decode("latin-1"))


def chosen(options):
    requests = (
        kannel_requests.immediate if options.immediate else kannel_requests.waiting
    )
    names = [request.name for request in requests]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        sys.exit(f"two requests of one name: {sorted(doubled)}")
    globs = options.only or ["*"]
    base = 100000 if options.immediate else 0
    return [
        (base + number, request)
        for number, request in enumerate(requests)
        if any(fnmatch.fnmatchcase(request.name, glob) for glob in globs)
    ]


def tell(answer):
    return f"{answer.status} {answer.kind or '-'} {ascii(answer.body[:200])}"


def ask_one(options):
    asker = Asker(options.ask, options.app)
    for number, request in chosen(options):
        print(f"{request.name:<40} {tell(asker.ask(number, request))}", flush=True)
    return 0


def compare(options):
    smsbox = Asker(options.servers[0], options.app)
    sealpost = Asker(options.servers[1], options.app)
    unexpected = meant = 0
    todo = chosen(options)
    for number, request in todo:
        want, got = smsbox.ask(number, request), sealpost.ask(number, request)
        differs = kannel_requests.DIFFERS.get(request.name)
        if differs:
            meant += 1
            if want.status == differs.status and want.body == differs.body:
                print(f"{request.name}: no difference any more: {tell(want)}")
                unexpected += 1
            want = Answer(differs.status, want.kind, differs.body)
        if got != want:
            print(f"{request.name}: want {tell(want)}, got {tell(got)}", flush=True)
            unexpected += 1
    print(f"{len(todo)} requests, {meant} differences meant, {unexpected} not meant")
    return 1 if unexpected else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("servers", nargs="*")
    parser.add_argument("--ask")
    parser.add_argument("--immediate", action="store_true")
    parser.add_argument("--app", default="127.0.0.1:1")
    parser.add_argument("--only", action="append")
    parser.add_argument("--smsbox-groups", action="store_true")
    parser.add_argument("--sealpost-accounts", action="store_true")
    options = parser.parse_args()
    if options.smsbox_groups:
        print(kannel_requests.smsbox_groups(), end="")
    elif options.sealpost_accounts:
        print(kannel_requests.sealpost_accounts(), end="")
    elif options.ask:
        return ask_one(options)
    elif len(options.servers) == 2:
        return compare(options)
    else:
        parser.error("two servers, or --ask one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
