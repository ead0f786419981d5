#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""play.py - a page on which one person plays the clinic and the phone of the demo.

Here:       the page's server: what the phone got (DIR/sms.jsonl) and the clinic's
            mailbox (a maildir) as JSON; sends mails through Postfix, SMS through phone.py.
Elsewhere:  the page itself (play.html), the neighbours (neighbours.sh).
Called by:  demo.sh with DEMO_OPEN=1.

play.py --dir DIR --smtp-port PORT --public-url URL --clinic ADDRESS --domain DOMAIN
        --number NUMBER
Until SIGTERM, or until the page's button ends it. DIR/play.url is then its address, and
DIR/play-open.html leads there; only their owner can read them.

Loopback only. Whoever else uses this machine can reach the port, so that every path
begins with a secret; a page of another site can make the browser ask, so Host and, where
something is changed, Origin must be this server's own.
"""
import argparse
import base64
import binascii
import email
import email.message
import email.policy
import email.utils
import hmac
import http.server
import json
import os
import re
import secrets
import signal
import smtplib
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta

sys.dont_write_bytecode = True
import phone  # beside this file

BODY_MAX = 8 << 20
PICTURE_MAX = 5 << 20
TEXT_MAX = 20000
PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif",
            "image/webp": "webp"}
NUMBER = re.compile(r"\+?[0-9][0-9 .-]{5,19}")
ALIAS = re.compile(r"r-[a-z2-7]{20,40}")
ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")


class Refused(Exception):
    """What the page shows to who asked for something that cannot be."""


def text_of(order, name, most=TEXT_MAX, least=0):
    value = order.get(name, "")
    if not isinstance(value, str) or not least <= len(value.strip()) <= most:
        raise Refused(f"{name}: {least} to {most} characters")
    return value


def line_of(order, name, most=200, least=0):
    return " ".join(text_of(order, name, most, least).split())


class Appointment:
    def __init__(self, order, summary):
        self.uid = str(uuid.uuid4()) + "@clinic.example"
        self.summary = summary
        self.sequence = 0
        self.place = line_of(order, "place")
        self.zone = line_of(order, "zone", 64)
        if self.zone and not ZONE.fullmatch(self.zone):
            raise Refused("zone: a name like Europe/Berlin")
        minutes = order.get("minutes", 30)
        if not isinstance(minutes, int) or not 1 <= minutes <= 1440:
            raise Refused("minutes: 1 to 1440")
        try:
            self.start = datetime.fromisoformat(line_of(order, "start", 25, 1))
            self.end = self.start + timedelta(minutes=minutes)
        except (ValueError, OverflowError):
            raise Refused("start: date and time") from None

    def calendar(self, clinic, method):
        def escaped(text):
            return re.sub(r"([\\;,])", r"\\\1", text)

        zone = ";TZID=" + self.zone if self.zone else ""
        return "\r\n".join((
            "BEGIN:VCALENDAR", "METHOD:" + method, "PRODID:-//Sealpost//demo//EN",
            "VERSION:2.0", "BEGIN:VEVENT", "UID:" + self.uid,
            f"SEQUENCE:{self.sequence}",
            time.strftime("DTSTAMP:%Y%m%dT%H%M%SZ", time.gmtime()),
            self.start.strftime(f"DTSTART{zone}:%Y%m%dT%H%M%S"),
            self.end.strftime(f"DTEND{zone}:%Y%m%dT%H%M%S"),
            "ORGANIZER:mailto:" + clinic, "SUMMARY:" + escaped(self.summary),
            "LOCATION:" + escaped(self.place), "END:VEVENT", "END:VCALENDAR", ""))


class Clinic:
    """Its mail program."""

    def __init__(self, args):
        self.args = args
        self.folder = os.path.join(args.dir, "mail", "clinic", "new")
        self.seen = set(self.files())  # of the tour
        self.read = {}
        self.sent = []

    def files(self):
        try:
            return sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []

    def address(self, to):
        if NUMBER.fullmatch(to):
            return re.sub(r"[ .-]", "", to) + "@" + self.args.domain
        local, _, domain = to.partition("@")
        if domain == self.args.domain and (ALIAS.fullmatch(local) or
                                           NUMBER.fullmatch(local)):
            return to
        raise Refused("to: a mobile number, or the address of an answer")

    def send(self, order):
        mail = email.message.EmailMessage()
        to = self.address(line_of(order, "to", 80, 1))
        mail["Subject"] = line_of(order, "subject")
        mail.set_content(text_of(order, "text", least=1))
        appointment = None
        if order.get("appointment") is not None:
            if not isinstance(order["appointment"], dict):
                raise Refused("appointment: an object")
            appointment = Appointment(order["appointment"], mail["Subject"])
            self.add_calendar(mail, appointment, "REQUEST")
        if order.get("picture") is not None:
            self.add_picture(mail, order["picture"])
        self.post(mail, to)
        self.sent.append({"to": to, "subject": str(mail["Subject"]),
                          "appointment": appointment})

    def cancel(self, order):
        which = order.get("sent")
        if not isinstance(which, int) or not 0 <= which < len(self.sent):
            raise Refused("sent: a number of the list")
        sent = self.sent[which]
        if sent["appointment"] is None or sent["appointment"].sequence > 0:
            raise Refused("there is no appointment to cancel")
        mail = email.message.EmailMessage()
        mail["Subject"] = "Cancelled: " + sent["subject"]
        mail.set_content("This appointment is cancelled.")
        sent["appointment"].sequence = 1
        self.add_calendar(mail, sent["appointment"], "CANCEL")
        self.post(mail, sent["to"])

    def add_calendar(self, mail, appointment, method):
        mail.add_alternative(appointment.calendar(self.args.clinic, method),
                             subtype="calendar", params={"method": method})

    def add_picture(self, mail, picture):
        if not isinstance(picture, dict) or picture.get("type") not in PICTURES:
            raise Refused("picture: PNG, JPEG, GIF or WebP")
        try:
            data = base64.b64decode(picture.get("data", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise Refused("picture: base64") from None
        if not 0 < len(data) <= PICTURE_MAX:
            raise Refused("picture: at most 5 MiB")
        kind = PICTURES[picture["type"]]
        mail.add_attachment(data, "image", picture["type"].partition("/")[2],
                            filename="picture." + kind)

    def post(self, mail, to):
        mail["From"] = self.args.clinic
        mail["To"] = to
        mail["Date"] = email.utils.formatdate(localtime=True)
        mail["Message-ID"] = email.utils.make_msgid(domain="clinic.example")
        try:
            with smtplib.SMTP("127.0.0.1", self.args.smtp_port, timeout=20) as smtp:
                smtp.send_message(mail, self.args.clinic, [to])
        except (OSError, smtplib.SMTPException) as problem:
            raise Refused(f"Postfix: {problem}") from None

    def mailbox(self):
        for name in self.files():
            if name not in self.seen and name not in self.read:
                self.read[name] = self.open(name)
        return list(self.read.values())

    def open(self, name):
        with open(os.path.join(self.folder, name), "rb") as source:
            mail = email.message_from_binary_file(source, policy=email.policy.default)
        body = mail.get_body(("plain",))
        name_shown, address = email.utils.parseaddr(str(mail.get("From", "")))
        return {"from": name_shown or address, "address": address,
                "subject": str(mail.get("Subject", "")),
                "date": str(mail.get("Date", "")),
                "text": body.get_content() if body is not None else ""}

    def state(self):
        return {"mails": self.mailbox(),
                "sent": [{"to": s["to"], "subject": s["subject"],
                          "cancel": s["appointment"] is not None and
                                    s["appointment"].sequence == 0}
                         for s in self.sent]}


class Phone:
    """The phones of all numbers; what came before the page is not shown."""

    def __init__(self, args):
        self.folder = args.dir
        self.path = os.path.join(args.dir, "sms.jsonl")
        self.at = os.path.getsize(self.path) if os.path.exists(self.path) else 0
        self.sms = []

    def send(self, order):
        sender = line_of(order, "from", 20, 1)
        if not NUMBER.fullmatch(sender):
            raise Refused("from: a mobile number")
        text = text_of(order, "text", 500, 1)
        try:
            phone.send(self.folder, re.sub(r"[ .-]", "", sender), "61400000000", text)
        except (OSError, SystemExit):
            raise Refused("the SMS gateway does not take it") from None
        self.state()
        self.sms.append({"from": sender, "to": "61400000000", "text": text,
                         "mine": True})

    def state(self):
        with open(self.path, "rb") as lines:
            lines.seek(self.at)
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # the rest is being written
                self.at += len(line)
                sms = json.loads(line)
                self.sms.append({"from": sms["from"], "to": sms["to"],
                                 "text": sms["text"], "mine": False})
        return self.sms


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "play"
    sys_version = ""
    timeout = 30

    def log_message(self, *_):
        pass  # the address is a secret

    def answer(self, status, body, kind="application/json", csp="default-src 'none'"):
        self.send_response(status)
        for name, value in (("Content-Type", kind + "; charset=utf-8"),
                            ("Content-Length", str(len(body))),
                            ("Cache-Control", "no-store"),
                            ("Content-Security-Policy", csp),
                            ("Referrer-Policy", "same-origin"),
                            ("Cross-Origin-Resource-Policy", "same-origin"),
                            ("Cross-Origin-Opener-Policy", "same-origin"),
                            ("X-Content-Type-Options", "nosniff"),
                            ("X-Frame-Options", "DENY")):
            self.send_header(name, value)
        if status >= 400:
            self.send_header("Connection", "close")  # its body may not have been read
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, why):
        self.answer(status, json.dumps({"error": why}).encode())

    def place(self):
        """What stands behind the secret; None, and answered, for who has it not."""
        secret, slash, place = self.path[1:].partition("/")
        good_host = self.headers.get("Host") == self.server.host
        good_secret = hmac.compare_digest(secret.encode("latin-1", "replace"),
                                          self.server.secret.encode())
        if good_host and good_secret and slash:
            return place
        self.problem(404, "nothing here")
        return None

    def do_GET(self):
        place = self.place()
        if place == "":
            nonce = secrets.token_urlsafe(16)
            self.answer(200, self.server.html.replace("@NONCE@", nonce).encode(),
                        "text/html",
                        f"default-src 'none'; script-src 'nonce-{nonce}'; "
                        f"style-src 'nonce-{nonce}'; connect-src 'self'; "
                        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        elif place == "state":
            with self.server.lock:
                state = {**self.server.clinic.state(), "sms": self.server.phone.state()}
            self.answer(200, json.dumps({**self.server.names, **state}).encode())
        elif place is not None:
            self.problem(404, "nothing here")

    def do_POST(self):
        place = self.place()
        if place is None:
            return
        if self.headers.get("Origin") != "http://" + self.server.host:
            self.problem(403, "not from the page")
            return
        does = {"mail": self.server.clinic.send, "cancel": self.server.clinic.cancel,
                "sms": self.server.phone.send, "end": self.end}.get(place)
        if does is None:
            self.problem(404, "nothing here")
            return
        try:
            order = self.order()
            with self.server.lock:
                does(order)
        except Refused as refused:
            self.problem(400, str(refused))
        else:
            self.answer(200, b"{}")

    def order(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > BODY_MAX:
            raise Refused("too large")
        try:
            order = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused("not JSON") from None
        if not isinstance(order, dict):
            raise Refused("not an object")
        return order

    def end(self, _):
        threading.Thread(target=self.server.shutdown).start()


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
              encoding="utf-8") as out:
        out.write(text)


def serve(args):
    here = os.path.dirname(os.path.abspath(__file__))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    server.secret = secrets.token_urlsafe(24)
    server.host = f"127.0.0.1:{server.server_address[1]}"
    server.lock = threading.Lock()
    server.clinic = Clinic(args)
    server.phone = Phone(args)
    server.names = {"clinic": args.clinic, "number": args.number,
                    "link": args.public_url}
    with open(os.path.join(here, "play.html"), encoding="utf-8") as html:
        server.html = html.read()
    url = f"http://{server.host}/{server.secret}/"
    # A browser that is started with the address shows it to every user's ps.
    write_private(os.path.join(args.dir, "play-open.html"),
                  f'<meta http-equiv="refresh" content="0; url={url}">\n')
    write_private(os.path.join(args.dir, "play.new"), url + "\n")
    os.rename(os.path.join(args.dir, "play.new"), os.path.join(args.dir, "play.url"))
    signal.signal(signal.SIGTERM,
                  lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(0.1)
    server.server_close()


def main():
    parser = argparse.ArgumentParser(description="both sides of the demo on one page")
    for name in ("dir", "public-url", "clinic", "domain", "number"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    serve(parser.parse_args())


if __name__ == "__main__":
    main()
