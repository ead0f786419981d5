#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ondisk.py - does a word stand anywhere in these files, in any of its usual shapes?

Here:       raw bytes, any case; UTF-16; hex; base64 and base64url in their three
            alignments; a number also as a 64-bit integer.
Elsewhere:  which files (lib.sh, refute_on_disk).

ondisk.py [--skip PATH]... FOLDER WORD...   a line for each find; exit 1 when any
"""
import argparse
import base64
import os
import sys


def shapes(word):
    data = word.encode()
    yield "as it is", data.lower()
    yield "UTF-16BE", word.encode("utf-16-be").lower()
    yield "UTF-16LE", word.encode("utf-16-le").lower()
    yield "hex", data.hex().encode()
    if word.lstrip("+").isdigit() and len(word) > 8:
        number = int(word)
        yield "a 64-bit integer", number.to_bytes(8, "big")
        yield "a 64-bit integer", number.to_bytes(8, "little")


def base64_shapes(word):
    data = word.encode()
    for ahead in range(3):
        usable = (ahead + len(data)) // 3 * 3
        text = base64.b64encode((b"\0" * ahead + data)[:usable])
        text = text[(0, 2, 3)[ahead]:]  # letters that mix with what stands before
        if len(text) >= 6:
            yield "base64", text
            yield "base64url", text.translate(bytes.maketrans(b"+/", b"-_"))


def find(path, data, words):
    lower = data.lower()
    for word in words:
        for name, shape in shapes(word):
            if shape in (data if "integer" in name else lower):
                yield f"{path}: {word!r} stands there, {name}"
        for name, shape in base64_shapes(word):
            if shape in data:
                yield f"{path}: {word!r} stands there in {name}"


def files(folder, skip):
    for at, names, leaves in os.walk(folder):
        names[:] = [name for name in names if os.path.join(at, name) not in skip]
        for leaf in leaves:
            path = os.path.join(at, leaf)
            if path not in skip and os.path.isfile(path):
                yield path


def main():
    parser = argparse.ArgumentParser(description="look for words on a disk")
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("folder")
    parser.add_argument("words", nargs="+")
    args = parser.parse_args()
    found = count = 0
    for path in files(args.folder, set(args.skip)):
        try:
            with open(path, "rb") as source:
                data = source.read()
        except FileNotFoundError:
            continue  # gone since it was listed
        count += 1
        for line in find(path, data, args.words):
            print(line)
            found += 1
    print(f"{count} files searched, {found} finds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
