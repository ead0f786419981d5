#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kannel_compare.py - asks smsbox and Sealpost the same and tells where they differ.

Here:       an application that is called back; the comparison of answers, SMS and
            callbacks.
Elsewhere:  the requests, and the differences that are meant (kannel_requests.py); the
            HTTP client (kannel_client.py, kannel_links.py).
Called by:  sendsms-like-kannel.sh; by hand.

kannel_compare.py [options] SMSBOX SEALPOST   a line for each difference that is not
                                              meant; exit 1 if there is one
kannel_compare.py [options] --ask SERVER      what one server answers, a line each
kannel_compare.py --app H:P --smsbox-groups | --sealpost-accounts
                                              the accounts as configuration
SMSBOX, SEALPOST and SERVER are HOST:PORT. Receivers of what smsbox sends are
+61412nnnnnn and +61413nnnnnn, of what Sealpost sends +61414nnnnnn and +61415nnnnnn.
  --immediate     the second part of the list
  --app H:P       the application that is called back is made to listen there
  --sms FILE      the phones' SMS (phone.py): both must have sent the same
  --links         Sealpost's connections are used otherwise than once, too: requests on
                  a kept one, in pieces, several at once, and cut off
  --only NAME     only requests whose name matches the glob; once more for each
"""
import argparse
import collections
import fnmatch
import json
import os
import re
import socketserver
import sys
import threading
import time

import kannel_links
import kannel_requests
from kannel_client import Answer, Asker

SHOWN = 200  # characters of a long answer
SMSBOX, SEALPOST = 2, 4  # the digit behind +6141 in their receivers
QUIET_S, QUIET_WAIT_S = 2, 30  # when nothing came for so long, nothing more will
VOLATILE = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\b[12]\d{9}\b"), "EPOCH"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\+\d\d:\d\d:\d\d\b"), "DATE"),
]


class App(socketserver.ThreadingTCPServer):
    """An application; what it is asked is kept, as it stands in the request line."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        super().__init__((host, int(port)), AppSession)
        self.targets = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, target):
        """The status of the answer: what is to fail fails once, then it works."""
        failure = re.search(r"/(404|500)", target)
        with self.lock:
            first = target not in self.targets
            self.targets.append(target)
        return failure[1] if failure and first else 200

    def count(self):
        return len(self.targets)

    def told(self, digit):
        """Number of a request -> the targets that its callbacks had, sorted."""
        found = collections.defaultdict(list)
        for target in self.targets:
            match = re.search(rf"6141[{digit}{digit + 1}](\d{{6}})", target)
            if match:
                found[int(match[1])].append(steady(target, digit, match[1]))
        for of_one in found.values():
            of_one.sort()
        return found


class AppSession(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass
        target = line.decode("latin-1").rstrip("\r\n")
        status = self.server.take(re.sub(r"^GET (.*) HTTP/1\.1$", r"\1", target))
        self.wfile.write(
            f"HTTP/1.1 {status} told\r\n".encode()
            + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        )


def steady(target, digit, number):
    """The same of both servers, and at any time."""
    target = target.replace(f"6141{digit}{number}", "{to}")
    target = target.replace(f"6141{digit + 1}{number}", "{to2}")
    for pattern, word in VOLATILE:
        target = pattern.sub(word, target)
    return target


def check_names():
    """A difference that names no request would never be missed, nor that request."""
    everything = kannel_requests.waiting + kannel_requests.immediate
    count = collections.Counter(request.name for request in everything)
    doubled = [name for name in count if count[name] > 1]
    meant = {
        *kannel_requests.DIFFERS,
        *kannel_requests.OTHER_SMS,
        *kannel_requests.OTHER_CALLBACKS,
        *kannel_requests.KEPT,
        *kannel_requests.IN_PIECES,
        *kannel_requests.PIPELINED,
        *kannel_requests.ABANDONED,
    }
    if doubled or meant - set(count):
        sys.exit(f"doubled names: {doubled}; no such request: {meant - set(count)}")


def chosen(options):
    requests = (
        kannel_requests.immediate if options.immediate else kannel_requests.waiting
    )
    globs = options.only or ["*"]
    base = 100000 if options.immediate else 0
    todo = [
        (base + number, request)
        for number, request in enumerate(requests)
        if any(fnmatch.fnmatchcase(request.name, glob) for glob in globs)
    ]
    return sorted(todo, key=lambda item: item[1].untold)


def tell(answer):
    return f"{answer.status} {answer.kind or '-'} {show(answer.body)}"


def ask_one(options):
    asker = Asker(options.ask, options.app, SMSBOX)
    for number, request in chosen(options):
        print(f"{request.name:<40} {tell(asker.ask(number, request))}", flush=True)
    return 0


def compare(options):
    app = App(options.app)
    smsbox = Asker(options.servers[0], options.app, SMSBOX)
    sealpost = Asker(options.servers[1], options.app, SEALPOST)
    links = kannel_links.Links(smsbox, sealpost) if options.links else None
    todo = chosen(options)
    unexpected = 0
    heard = []
    for number, request in todo:
        unexpected += compare_answers(
            request.name,
            smsbox.ask(number, request),
            sealpost.ask(number, request),
            kannel_requests.DIFFERS.get(request.name),
        )
    for way, number, request, want, got in links.ask() if links else []:
        name = f"{request.name} ({way})"
        todo.append((number, request._replace(name=name)))
        unexpected += compare_answers(name, want, got)
    if options.sms:
        wait_quiet(lambda: os.path.getsize(options.sms))
        got = sms_of(options.sms, SMSBOX), sms_of(options.sms, SEALPOST)
        heard.append(f"{count(todo, got[0])} SMS")
        unexpected += compare_later(todo, "SMS", *got, kannel_requests.OTHER_SMS)
        unexpected += refute_sms(todo, links, got[1])
        wait_quiet(app.count)
        got = app.told(SMSBOX), app.told(SEALPOST)
        heard.append(f"{count(todo, got[0])} callbacks")
        unexpected += compare_later(
            todo, "callbacks", *got, kannel_requests.OTHER_CALLBACKS
        )
    if links and not links.half_ends():
        print("half a request: its connection is still open")
        unexpected += 1
    compared = ", ".join([f"{len(todo)} requests", *heard])
    print(f"{compared}: {unexpected} unexpected differences")
    return 1 if unexpected else 0


def compare_answers(name, want, got, differs=None):
    unexpected = 0
    if differs:
        meant = Answer(differs.status, differs.kind, differs.body)
        if want == meant:
            print(f"{name}: no difference any more: {tell(want)}")
            unexpected += 1
        want = meant
    if got != want:
        print(f"{name}: want {tell(want)}, got {tell(got)}", flush=True)
        unexpected += 1
    return unexpected


def compare_later(todo, what, smsbox, sealpost, meant):
    """What requests lead to, where the answers were meant to be the same."""
    unexpected = 0
    for number, request in todo:
        if request.untold or request.name in kannel_requests.DIFFERS:
            continue
        want, got = smsbox[number], sealpost[number]
        other = meant.get(request.name)
        if other:
            if want == sorted(other[0]):
                print(f"{request.name}: no difference of {what} any more")
                unexpected += 1
            want = sorted(other[0])
        if got != want:
            print(f"{request.name}: want {what} {show(want)}, got {show(got)}")
            unexpected += 1
    return unexpected


def refute_sms(todo, links, sealpost):
    """What Sealpost alone refuses, and what never came whole, sends nothing."""
    refused = {
        number: request.name
        for number, request in todo
        if kannel_requests.DIFFERS.get(request.name, (0,))[0] >= 400
    }
    refused.update((number, "abandoned") for number in (links.unsent if links else []))
    sent = [number for number in refused if sealpost[number]]
    for number in sent:
        print(f"{refused[number]}: want no SMS, got {show(sealpost[number])}")
    return len(sent)


def count(todo, found):
    return sum(len(found[number]) for number, _ in todo)


def show(value):
    text = ascii(value)
    return text if len(text) < SHOWN else text[:SHOWN] + "..."


def wait_quiet(measure):
    end = time.monotonic() + QUIET_WAIT_S
    size = -1
    while size != measure() and time.monotonic() < end:
        size = measure()
        time.sleep(QUIET_S)


def sms_of(path, digit):
    """Number of a request -> the SMS that it caused, sorted."""
    found = collections.defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for sms in map(json.loads, lines):
            match = re.fullmatch(
                rf"(?:\+|00)?(?:61|0)-?41[{digit}{digit + 1}](\d{{6}})", sms["to"]
            )
            if match:
                found[int(match[1])].append((sms["from"], sms["text"], sms["parts"]))
    for of_one in found.values():
        of_one.sort()
    return found


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("servers", nargs="*")
    parser.add_argument("--ask")
    parser.add_argument("--immediate", action="store_true")
    parser.add_argument("--app", default="127.0.0.1:1")
    parser.add_argument("--sms")
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--only", action="append")
    parser.add_argument("--smsbox-groups", action="store_true")
    parser.add_argument("--sealpost-accounts", action="store_true")
    options = parser.parse_args()
    check_names()
    if options.smsbox_groups:
        print(kannel_requests.smsbox_groups(options.app), end="")
    elif options.sealpost_accounts:
        print(kannel_requests.sealpost_accounts(options.app), end="")
    elif options.ask:
        return ask_one(options)
    elif len(options.servers) == 2:
        return compare(options)
    else:
        parser.error("two servers, or --ask one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
