#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kannel_attributes.py - are a plain SMS's attributes those that smsbox would give it?

kannel_attributes.py MTS SMSBOX_PORT SEALPOST_PORT
Sends each request to both; MTS is where mad_bearerbox.py keeps what it got. Prints a
line for each field that differs, and exits 1.
"""
import json
import sys
import time
import urllib.parse
import urllib.request

DEADLINE_S = 20
# What cannot be the same: whose box it is, when, under which id; the reference of a DLR.
OWN = {"id", "time", "boxc_id", "at", "receiver", "dlr_url", "service"}
CLOSE = {"validity", "deferred"}  # moments: within two seconds
# smsbox: the account's name; Sealpost: the same. charset: smsbox hands on what it has
# converted already.
OWN |= {"charset", "msg_left", "resend_try", "resend_time", "foreign_id", "smsc_number"}

REQUESTS = [
    {"text": "plain"},
    {"text": ""},
    {"text": "from", "from": "777"},
    {"text": "from a name", "from": "Clinic"},
    {"text": "class", "mclass": "0"},
    {"text": "class", "mclass": "3"},
    {"text": "lamp", "mwi": "0"},
    {"text": "lamp", "mwi": "7"},
    {"text": "compressed", "compress": "1"},
    {"text": "valid", "validity": "10"},
    {"text": "later", "deferred": "5", "validity": "20"},
    {"text": "pid", "pid": "64"},
    {"text": "pid", "pid": "0"},
    {"text": "alt", "alt-dcs": "1"},
    {"text": "rpi", "rpi": "2"},
    {"text": "billed", "binfo": "tariff 7"},
    {"text": "account", "account": "ward 3"},
    {"text": "priority", "priority": "0"},
    {"text": "priority", "priority": "3"},
    {"text": "by", "smsc": "OTHER"},
    {"text": "meta", "meta-data": "?smpp?a=b&c=d"},
    {"text": b"\x01\x02\x00\xff", "coding": "1"},
    {"text": b"\x04\x1f\x04\x40", "coding": "2"},
    {"text": "Привет", "coding": "2", "charset": "UTF-8"},
    {"text": "Grüße, 5 €".encode("iso-8859-15"), "charset": "ISO-8859-15"},
    {"text": b"data", "udh": b"\x06\x05\x04\x0b\x84\x23\xf0"},
    {"text": "text", "udh": b"\x03\x70\x01\x01", "coding": "0"},
    {"text": "all", "from": "778", "mclass": "1", "pid": "1", "priority": "1",
     "rpi": "1", "alt-dcs": "0", "validity": "60", "meta-data": "?x?y=z",
     "binfo": "b", "account": "a", "smsc": "S"},
]


def ask(port, number, request):
    query = urllib.parse.urlencode(
        {"username": "app", "password": "secret", "to": number, **request})
    url = f"http://127.0.0.1:{port}/cgi-bin/sendsms?{query}"
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
        assert answer.status == 202, answer.status


def wait_for(path, number):
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                mt = json.loads(line)
                if mt["receiver"] == number:
                    return mt
        time.sleep(0.05)
    raise SystemExit(f"no MT came to {number}")


def differences(name, kannel, ours):
    for field in kannel:
        one, other = kannel[field], ours.get(field)
        if field in OWN or one == other:
            continue
        if {one, other} <= {None, ""}:  # smsbox: an empty string, which means the same
            continue
        if field in CLOSE and abs(one - other) <= 2:
            continue
        yield f"{name}: {field}: smsbox {one!r}, Sealpost {other!r}"


def main():
    path, smsbox, sealpost = sys.argv[1], sys.argv[2], sys.argv[3]
    found = []
    for n, request in enumerate(REQUESTS):
        numbers = f"+6141234{n:04d}", f"+6141334{n:04d}"
        ask(smsbox, numbers[0], request)
        ask(sealpost, numbers[1], request)
        name = urllib.parse.urlencode(request)
        found += differences(name, *(wait_for(path, number) for number in numbers))
    print("\n".join(found))
    print(f"{len(REQUESTS)} requests, {len(found)} differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
