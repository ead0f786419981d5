#!/bin/bash
# SPDX-License-Identifier: ISC
# attachments.sh - a picture and a letter arrive as they were sent, and lie nowhere in
# clear on the server.
set -eu
. "$(dirname "$0")/lib.sh"

start postfix bearerbox phone sealpostd
head -c 700000 /dev/urandom >"$DIR/story/scan.bin"
printf 'Dear patient,\nMARKER-IN-THE-LETTER\n' >"$DIR/story/letter.txt"
"$PYTHON" - "$DIR/story" >"$DIR/story/mail.eml" <<'PYTHON'
import email.message, pathlib, sys
folder = pathlib.Path(sys.argv[1])
mail = email.message.EmailMessage()
mail["Subject"] = "With parts"
mail.set_content("See what is attached.")
mail.add_attachment((folder / "scan.bin").read_bytes(), maintype="image", subtype="png",
                    filename="../../etc/scän.png")
mail.add_attachment((folder / "letter.txt").read_text(), filename="letter.txt")
mail.add_attachment(b"", maintype="application", subtype="pdf", filename="empty.pdf")
sys.stdout.buffer.write(mail.as_bytes())
PYTHON
mail_to lmtp --raw "$DIR/story/mail.eml" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
refute_on_disk MARKER-IN-THE-LETTER "See what is attached" letter.txt >/dev/null
register +61412345678
expect_message 'See what is attached*' >/dev/null
head=$(handset -v read "$MESSAGE_ID" 2>&1 >/dev/null)
expect_match '*Part 1: *png (image/png, 700000 bytes)*' "$head"
expect_match '*Part 2: letter.txt (text/plain*' "$head"
case $head in */etc/*) fail "a path came through: $head" ;; esac
handset part "$MESSAGE_ID" 1 >"$DIR/story/got.bin"
cmp "$DIR/story/scan.bin" "$DIR/story/got.bin" || fail "the picture changed"
handset part "$MESSAGE_ID" 2 | grep -q MARKER-IN-THE-LETTER || fail "the letter changed"
expect_equal 0 "$(handset part "$MESSAGE_ID" 3 | wc -c)" "bytes of the empty part"
expect_exit 66 handset part "$MESSAGE_ID" 4 2>/dev/null
refute_on_disk MARKER-IN-THE-LETTER "See what is attached" >/dev/null
handset remove "$MESSAGE_ID"
