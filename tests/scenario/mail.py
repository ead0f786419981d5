#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mail.py - a mail client for stories: plain mails, raw bytes, whole dialogues.

Here:       SMTP and LMTP as a client, over TCP or a UNIX socket; every byte as told.
Elsewhere:  what arrives where (lib.sh).
Called by:  lib.sh (mail, mail_to), stories.

mail.py AT [options] FROM TO...      AT is a port, HOST:PORT or unix:PATH
  --subject S  --body B              a text/plain mail, UTF-8 as 8bit
  --header 'Name: value'             once more for each header
  --raw FILE                         the message as it is, "-" for standard input;
                                     lines are made CRLF and dots stuffed, unless
  --exact                            nothing is changed and no end is added:
                                     the file brings its own CRLF.CRLF
  --lmtp                             LHLO, and an answer for each recipient
  --one-by-one                       no PIPELINING even where offered
  --stop-after COMMAND               MAIL, RCPT, DATA (after the 354) or BODY (half of
                                     it sent): the connection is then dropped
  --script FILE                      no mail: the lines of FILE, each waiting for its
                                     answer; "#bytes TEXT" sends TEXT as it is (\\r \\n
                                     \\0 \\xNN mean bytes) and waits for none; "#answer"
                                     waits for one more
  --show                             print the dialogue, C: and S:
Prints the final answer for each recipient, "RECIPIENT CODE TEXT".
Exit: 0 all accepted, 65 somebody refused for good, 75 somebody for now.
"""
import argparse
import email.header
import email.utils
import re
import socket
import sys

EX_OK, EX_DATAERR, EX_TEMPFAIL = 0, 65, 75


class Dropped(Exception):
    pass


class Talk:
    def __init__(self, at, show, timeout):
        if at.startswith("unix:"):
            self.link = socket.socket(socket.AF_UNIX)
            self.link.settimeout(timeout)
            self.link.connect(at[len("unix:"):])
        else:
            host, _, port = at.rpartition(":")
            self.link = socket.create_connection((host or "127.0.0.1", int(port)),
                                                 timeout=timeout)
        self.stream = self.link.makefile("rb")
        self.show = show

    def print(self, who, data):
        if self.show:
            for line in data.decode("utf-8", "backslashreplace").splitlines():
                print(f"{who}: {line}", flush=True)

    def answer(self):
        lines = []
        while True:
            line = self.stream.readline()
            if not line:
                raise Dropped("the server closed the connection")
            self.print("S", line)
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if not re.match(r"\d{3}-", lines[-1]):
                return lines

    def write(self, data):
        self.print("C", data)
        self.link.sendall(data)

    def say(self, line):
        self.write(line.encode() + b"\r\n")
        return self.answer()


def compose(args):
    subject = args.subject
    if not subject.isascii():
        subject = email.header.Header(subject, "utf-8").encode()
    headers = [f"From: <{args.sender}>", f"To: <{args.to[0]}>",
               f"Subject: {subject}", f"Date: {email.utils.formatdate()}",
               f"Message-ID: {email.utils.make_msgid(domain='clinic.example')}"]
    given = {line.split(":")[0].lower() for line in args.header}
    headers = [line for line in headers if line.split(":")[0].lower() not in given]
    if "content-type" not in given:
        headers += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
                    "Content-Transfer-Encoding: 8bit"]
    return "\n".join(headers + args.header + ["", args.body, ""]).encode()


def wire_form(args):
    if args.raw is None:
        data = compose(args)
    elif args.raw == "-":
        data = sys.stdin.buffer.read()
    else:
        with open(args.raw, "rb") as source:
            data = source.read()
    if args.exact:
        return data
    data = re.sub(rb"\r?\n", b"\r\n", data)
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", data) + b".\r\n"


def greet(talk, args):
    talk.answer()
    hello = talk.say(("LHLO" if args.lmtp else "EHLO") + " story.clinic.example")
    return {line[4:].split(" ")[0].upper() for line in hello}


def send_mail(talk, args):
    """Returns recipient -> last answer about it."""
    offered = greet(talk, args)
    mail = f"MAIL FROM:<{args.sender}>"
    if "8BITMIME" in offered:
        mail += " BODY=8BITMIME"
    if not args.sender.isascii():
        mail += " SMTPUTF8"
    commands = [mail] + [f"RCPT TO:<{to}>" for to in args.to]
    answers = run_commands(talk, commands, "PIPELINING" in offered and not
                           (args.one_by_one or args.stop_after), args.stop_after)
    if answers[0][-1][0] != "2":
        return {to: answers[0][-1] for to in args.to}
    result = {to: answer[-1] for to, answer in zip(args.to, answers[1:])}
    good = [to for to in args.to if result[to][0] == "2"]
    if good:
        result.update(send_data(talk, args, good))
    return result


def run_commands(talk, commands, pipelined, stop_after):
    if pipelined:
        talk.write("".join(line + "\r\n" for line in commands).encode())
        return [talk.answer() for _ in commands]
    answers = []
    for line in commands:
        answers.append(talk.say(line))
        if stop_after == line[:4] and line in (commands[0], commands[-1]):
            raise Dropped(f"dropped by us after {stop_after}")
    return answers


def send_data(talk, args, good):
    go = talk.say("DATA")
    if go[-1][0] != "3":
        return {to: go[-1] for to in good}
    data = wire_form(args)
    if args.stop_after == "DATA":
        raise Dropped("dropped by us after DATA")
    if args.stop_after == "BODY":
        talk.write(data[:len(data) // 2])
        raise Dropped("dropped by us in the body")
    talk.write(data)
    if args.lmtp:
        return {to: talk.answer()[-1] for to in good}
    last = talk.answer()[-1]
    return {to: last for to in good}


def run_script(talk, path):
    talk.show = True
    talk.answer()
    with open(path, "rb") as script:
        lines = script.read().splitlines()
    for line in lines:
        if line.startswith(b"#bytes "):
            text = line[len(b"#bytes "):].decode("unicode_escape")
            talk.write(text.encode("latin-1"))
            continue
        if line != b"#answer":
            talk.write(line + b"\r\n")
        talk.answer()


def arguments():
    parser = argparse.ArgumentParser(description="a mail client for stories")
    parser.add_argument("at")
    parser.add_argument("sender", nargs="?", default="")
    parser.add_argument("to", nargs="*")
    parser.add_argument("--subject", default="A story")
    parser.add_argument("--body", default="Hello")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--raw")
    parser.add_argument("--stop-after", choices=("MAIL", "RCPT", "DATA", "BODY"))
    parser.add_argument("--script")
    parser.add_argument("--timeout", type=float, default=30)
    for name in ("--exact", "--lmtp", "--one-by-one", "--show"):
        parser.add_argument(name, action="store_true")
    args = parser.parse_intermixed_args()
    if not args.to and not args.script:
        parser.error("nobody to send to")
    return args


def main():
    args = arguments()
    try:
        talk = Talk(args.at, args.show, args.timeout)
        if args.script:
            run_script(talk, args.script)
            return EX_OK
        result = send_mail(talk, args)
    except (Dropped, OSError) as why:
        print(f"mail.py: {why}", flush=True)
        return EX_OK if args.stop_after else EX_TEMPFAIL
    for to, answer in result.items():
        print(to, answer)
    try:
        talk.say("QUIT")
    except (Dropped, OSError):
        pass
    first = {answer[0] for answer in result.values()}
    return EX_DATAERR if "5" in first else EX_TEMPFAIL if first != {"2"} else EX_OK


if __name__ == "__main__":
    sys.exit(main())
