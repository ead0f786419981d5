#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""app.py - an application's HTTP server: where replies and reports are called back to.

Here:       keeps each request as a JSON line in DIR/app.jsonl: method, path, query (the
            decoded pairs in order), headers, body; answers as it is told.
Elsewhere:  who reads app.jsonl (tests/scenario/lib.sh).
Called by:  lib.sh (run, list).

app.py run  --dir DIR --port PORT [--status FILE]   until SIGTERM
app.py list --dir DIR [--like GLOB] [--texts]
                        the requests kept so far, a JSON line each; or as texts, each
                        ended by a NUL: "METHOD PATH name=value name=value", and when
                        there is a body a line break and the body

FILE (DIR/app.status), read at each request, holds "503", "302 http://elsewhere/", or
"hang": the request is kept and never answered. Without it the answer is 200.
"""
import argparse
import fnmatch
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.keep(self, body)
        status, *place = self.server.status().split(None, 1)
        if status == "hang":
            self.close_connection = True
            self.rfile.read(1)  # nothing comes: until the client has gone
            return
        self.send_response(int(status))
        if place:
            self.send_header("Location", place[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

    def log_message(self, *_):
        pass  # app.jsonl tells it all


class Application(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, args):
        super().__init__(("127.0.0.1", args.port), Request)
        self.path = os.path.join(args.dir, "app.jsonl")
        self.status_path = args.status or os.path.join(args.dir, "app.status")
        self.lock = threading.Lock()

    def status(self):
        try:
            with open(self.status_path, encoding="ascii") as told:
                return told.read().strip() or "200"
        except FileNotFoundError:
            return "200"

    def keep(self, request, body):
        path, _, query = request.path.partition("?")
        line = json.dumps({
            "method": request.command,
            "path": path,
            "query": urllib.parse.parse_qsl(query, keep_blank_values=True),
            "headers": dict(request.headers.items()),
            "body": body.decode("utf-8", "backslashreplace"),
            "at": round(time.time(), 3),
        }, ensure_ascii=False)
        with self.lock, open(self.path, "a", encoding="utf-8") as out:
            out.write(line + "\n")

    def handle_error(self, request, client_address):
        pass  # a client that went away


def text_of(request):
    words = [request["method"], request["path"]]
    words += [f"{name}={value}" for name, value in request["query"]]
    return " ".join(words) + (f"\n{request['body']}" if request["body"] else "")


def show(args):
    path = os.path.join(args.dir, "app.jsonl")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            text = text_of(json.loads(line))
            if fnmatch.fnmatchcase(text, args.like):
                sys.stdout.write(text + "\0" if args.texts else line)


def main():
    parser = argparse.ArgumentParser(description="an application's HTTP server")
    does = parser.add_subparsers(dest="does", required=True)
    for name in ("run", "list"):
        does.add_parser(name).add_argument("--dir", required=True)
    does.choices["run"].add_argument("--port", type=int, required=True)
    does.choices["run"].add_argument("--status")
    does.choices["list"].add_argument("--like", default="*")
    does.choices["list"].add_argument("--texts", action="store_true")
    args = parser.parse_args()
    if args.does == "run":
        Application(args).serve_forever()
    else:
        show(args)


if __name__ == "__main__":
    main()
