# SPDX-License-Identifier: ISC
"""kannel_links.py - Sealpost's connections, used otherwise than for one request each.

Here:       requests on a connection that is kept, in pieces, several at once, and cut
            off.
Elsewhere:  which ones (kannel_requests.py), one by one (kannel_client.py).
Called by:  kannel_compare.py --links.

What smsbox answers on a connection of its own is what Sealpost has to answer. Receivers
are +6141420nnnnn and so on: each way has numbers of its own.
"""
import socket
import time

import kannel_client
import kannel_requests

KEPT, PIECES, PIPELINED, ABANDONED = 200000, 210000, 220000, 230000
PIECE_COUNT, PAUSE_S = 12, 0.02
CLOSED_S = 40  # the door lets a request take 30 s to arrive
PIPELINE_WAIT_S = 20


class Links:
    """Leaves a connection open from the beginning, with half a request on it."""

    def __init__(self, smsbox, sealpost):
        self.smsbox = smsbox
        self.sealpost = sealpost
        self.began = time.monotonic()
        self.half = self.sealpost.connect(CLOSED_S)
        number, request = numbered(ABANDONED + 90000, ["plain"])[0]
        self.half.sendall(self.sealpost.encode(number, request)[:-2])
        self.unsent = [number]  # nothing may come of these

    def ask(self):
        """(way, number, request, smsbox's answer, Sealpost's) for each."""
        for way, base, names, ask in [
            ("kept", KEPT, kannel_requests.KEPT, self.ask_kept),
            ("in pieces", PIECES, kannel_requests.IN_PIECES, self.ask_in_pieces),
            ("pipelined", PIPELINED, kannel_requests.PIPELINED, self.ask_pipelined),
        ]:
            todo = numbered(base, names)
            for (number, request), got in zip(todo, ask(todo)):
                yield way, number, request, self.smsbox.ask(number, request), got
        self.abandon()

    def ask_kept(self, todo):
        """One connection for all: it is never closed in between."""
        with self.sealpost.connect(PIPELINE_WAIT_S) as link:
            for number, request in todo:
                link.sendall(self.sealpost.encode(number, kept(request)))
                answer, rest = kannel_client.receive(link, request.method)
                yield answer if not rest else kannel_client.Answer(0, "", str(rest))

    def ask_in_pieces(self, todo):
        for number, request in todo:
            data = self.sealpost.encode(number, request)
            size = len(data) // PIECE_COUNT + 1
            with self.sealpost.connect(PIPELINE_WAIT_S) as link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(data), size):
                    link.sendall(data[at : at + size])
                    time.sleep(PAUSE_S)
                yield kannel_client.receive(link, request.method)[0]

    def ask_pipelined(self, todo):
        """All at once, the answers in order; the last one ends the connection."""
        *first, last = todo
        data = [self.sealpost.encode(n, kept(request)) for n, request in first]
        data.append(self.sealpost.encode(*last))
        rest = b""
        with self.sealpost.connect(PIPELINE_WAIT_S) as link:
            link.sendall(b"".join(data))
            for _, request in todo:
                answer, rest = kannel_client.receive(link, request.method, rest)
                yield answer

    def abandon(self):
        """The client goes before the request is whole: in its head, behind it."""
        for number, request in numbered(ABANDONED, kannel_requests.ABANDONED):
            data = self.sealpost.encode(number, request)
            for at in (len(data) // 2, len(data) - 1):
                with self.sealpost.connect(PIPELINE_WAIT_S) as link:
                    link.sendall(data[:at])
            self.unsent.append(number)

    def half_ends(self):
        """Is the half request's connection closed in time, and without an SMS?"""
        self.half.settimeout(max(0.1, self.began + CLOSED_S - time.monotonic()))
        try:
            return self.half.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False
        finally:
            self.half.close()


def kept(request):
    return request._replace(headers=[*request.headers, "Connection: keep-alive"])


def numbered(base, names):
    by_name = {request.name: request for request in kannel_requests.waiting}
    return [(base + n, by_name[name]) for n, name in enumerate(names)]
