# SPDX-License-Identifier: ISC
"""kannel_client.py - an HTTP client that changes no byte.

Here:       one request on a connection of its own; its bytes, and the answer's.
Elsewhere:  connections that are used otherwise (kannel_links.py), what is asked
            (kannel_requests.py).
Called by:  kannel_compare.py, kannel_links.py.
"""
import socket
import typing

CHUNK = 65536


class Answer(typing.NamedTuple):
    status: int  # 0: closed without an answer, -1: none in time
    kind: str  # Content-Type
    body: str  # latin-1


class Asker:
    """Sends requests to one server."""

    def __init__(self, server, app, digit):
        host, _, port = server.rpartition(":")
        self.address = (host, int(port))
        self.app = app
        self.digit = digit

    def ask(self, number, request):
        with self.connect(request.wait_s) as link:
            send(link, self.encode(number, request))
            return receive(link, request.method)[0]

    def connect(self, wait_s):
        return socket.create_connection(self.address, timeout=wait_s)

    def encode(self, number, request):
        return encode(request, self.words(number))

    def words(self, number):
        to = f"6141{self.digit}{number:06d}"
        return {
            "{to}": to,
            "{to2}": f"6141{self.digit + 1}{number:06d}",
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


def receive(link, method, received=b""):
    """(the answer, what came behind it)"""
    while True:
        n = length(received, method)
        if n is not None and n <= len(received):
            return decode(received[:n]), received[n:]
        try:
            chunk = link.recv(CHUNK)
        except socket.timeout:
            return Answer(-1, "", ""), b""
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return decode(received), b""
        received += chunk


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


def length(received, method):
    """Bytes of the answer that has begun; None: not known, or up to the close."""
    if b"\r\n\r\n" not in received:
        return None
    status, headers, body = split(received)
    if " 100 " in status or "content-length" not in headers:
        return None
    head_bytes = len(received) - len(body)
    return head_bytes + (0 if method == "HEAD" else int(headers["content-length"]))


def decode(received):
    status, headers, body = split(received)
    if status.startswith(("HTTP/1.1 100", "HTTP/1.0 100")):
        status, headers, body = split(body)
    words = status.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        return Answer(0, "", status)
    kind = headers.get("content-type", "")
    return Answer(int(words[1]), kind, body.decode("latin-1"))
