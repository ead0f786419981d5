#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""sendsms_many.py - an application that sends many SMS over sendsms.

sendsms_many.py PORT FROM TO [--user NAME] [--connections N]
Texts "sms FROM" to "sms TO", each to a number of its own. A request without an answer
"202" is sent again with the same reference until it has one. Prints how many.
"""
import argparse
import http.client
import threading
import time
import urllib.parse

DEADLINE_S = 60


def send_all(args, numbers):
    link = None
    for n in numbers:
        query = urllib.parse.urlencode({
            "username": args.user, "password": "secret", "to": f"+614124{n:05d}",
            "text": f"sms {n}", "reference": f"r{n}"})
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                link = link or http.client.HTTPConnection("127.0.0.1", args.port,
                                                          timeout=20)
                link.request("GET", "/cgi-bin/sendsms?" + query)
                answer = link.getresponse()
                answer.read()
                if answer.status == 202:
                    break
            except (OSError, http.client.HTTPException):
                link = None
            if time.monotonic() > end:
                raise SystemExit(f"sms {n}: no 202 within {DEADLINE_S} s")
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--user", default="app")
    parser.add_argument("--connections", type=int, default=20)
    args = parser.parse_args()
    everything = range(args.first, args.last + 1)
    threads = [threading.Thread(target=send_all,
                                args=(args, everything[i::args.connections]))
               for i in range(args.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(everything))


if __name__ == "__main__":
    main()
