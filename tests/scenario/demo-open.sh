#!/bin/bash
# SPDX-License-Identifier: ISC
# demo-open.sh - a newcomer plays both sides of the demo on its page: sends as the
# clinic, sees the SMS, answers, sees the mail; nobody else on the machine can; Ctrl-C
# ends it and leaves nothing behind.
set -eu
. "$(dirname "$0")/lib.sh"

demo=$DIR/play number=+61491570006

# The demo has neighbours of its own, which only it can end.
close_demo() {
    local status=$?
    set +e
    trap - ERR
    stop_spawned demo
    (exit "$status")
    neighbours_close
}
trap close_demo EXIT

# As from a terminal: without a display, and with Ctrl-C not ignored.
spawn demo env -u DISPLAY -u WAYLAND_DISPLAY DEMO_OPEN=1 SEALPOST_DEMO_DIR="$demo" \
    "$PYTHON" -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$DEMO/demo.sh"
demo_settled() { test -s "$demo/play.url" || ! is_up demo; }
DEADLINE=150 wait_until demo_settled || fail "the demo hangs: $(cat "$DIR/demo.log")"
is_up demo || fail "the demo ended: $(cat "$DIR/demo.log")"
read -r url <"$demo/play.url"
site=${url%/*/}
wait_until grep -qF "$url" "$DIR/demo.log" || fail "the address is not told"
expect_equal 600 "$(stat -c %a "$demo/play.url")" "mode of play.url"
expect_equal 600 "$(stat -c %a "$demo/play-open.html")" "mode of play-open.html"

# page STATUS PATH [CURL-OPTION...] - what the server says to a request below its secret.
page() {
    local want=$1 path=$2 got
    shift 2
    got=$(curl -sS -o "$DIR/story/said" -w '%{http_code}' --max-time "$DEADLINE" "$@" \
        "$url$path")
    expect_equal "$want" "$got" "$path: $(cat "$DIR/story/said")"
    cat "$DIR/story/said"
}

# order STATUS PATH JSON - as the page does it.
order() { page "$1" "$2" -H "Origin: $site" --data-binary "$3"; }

# seen EXPRESSION - of the page's state, in Python; fails when it is false.
seen() {
    page 200 state >/dev/null
    "$PYTHON" -c 'import json, sys
s = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$DIR/story/said" "$1"
}

expect_seen() { wait_until seen "$1" || fail "never: $1; but $(cat "$DIR/story/said")"; }

# Nothing of the tour, and nothing for those who lack the secret or come from elsewhere.
expect_match '*<title>Sealpost*' "$(page 200 '')"
seen 's["sms"] == [] and s["mails"] == [] and s["sent"] == []' || fail "the tour is shown"
expect_equal 404 "$(curl -sS -o /dev/null -w '%{http_code}' "$site/")"
expect_equal 404 "$(curl -sS -o /dev/null -w '%{http_code}' "$site/state")"
expect_equal 404 "$(curl -sS -o /dev/null -w '%{http_code}' "$site/x/state")"
expect_equal 404 "$(curl -sS -o /dev/null -w '%{http_code}' "${url%/}")"
page 404 state -H "Host: evil.example" >/dev/null
words='{"to": "'$number'", "subject": "Hello", "text": "MARKER words"}'
page 403 mail --data-binary "$words" >/dev/null
page 403 mail -H "Origin: http://evil.example" --data-binary "$words" >/dev/null
page 403 mail -H "Origin: null" --data-binary "$words" >/dev/null
policy=$(curl -sS -D - -o /dev/null "$url")
expect_match "*Content-Security-Policy: default-src 'none'; script-src 'nonce-*" "$policy"
expect_match "*Referrer-Policy: same-origin*" "$policy"
seen 's["sent"] == []' || fail "a stranger's mail went out"

# What cannot be is told, and nothing is sent.
for bad in '' '[]' '{' '{"to": "x@world.example", "text": "a"}' '{"to": 7, "text": "a"}' \
    '{"to": "'$number'", "text": ""}' '{"to": "a\nBcc: b@c", "text": "a"}' \
    '{"to": "'$number'", "text": "a", "picture": {"type": "text/html", "data": "YQ=="}}' \
    '{"to": "'$number'", "text": "a", "picture": {"type": "image/png", "data": "?"}}' \
    '{"to": "'$number'", "text": "a", "appointment": {"start": "soon"}}' \
    '{"to": "'$number'", "text": "a", "appointment": {"start": "9999-12-31T23:59"}}' \
    '{"to": "'$number'", "text": "a", "appointment":
        {"start": "2030-12-03T09:30", "zone": "x\nSUMMARY:y"}}'; do
    expect_match '{"error": "*"}' "$(order 400 mail "$bad")" "$bad"
done
order 400 sms '{"from": "x", "text": "a"}' >/dev/null
order 400 cancel '{"sent": 0}' >/dev/null
order 404 passwords '{}' >/dev/null
page 400 mail -H "Origin: $site" -H "Content-Length: 99999999" --data-binary x >/dev/null
seen 's["sent"] == []' || fail "something was sent"

# The clinic sends, a picture and an appointment with it; the phone gets the SMS.
order 200 mail '{"to": "'$number'", "subject": "Your <b>visit</b>", "text": "MARKER words",
    "picture": {"type": "image/png", "data": "iVBORw0KGgo="}, "appointment":
    {"start": "2030-12-03T09:30", "minutes": 45, "place": "Room 7, Level 2",
     "zone": "Australia/Sydney"}}' >/dev/null
expect_seen "[m for m in s['sms'] if m['to'].endswith('61491570006') and '/m/' in m['text']]"
seen "not [m for m in s['sms'] if 'MARKER' in m['text'] or 'visit' in m['text']]" ||
    fail "the SMS tells"

# The link is one of the real web app: the reference handset can take its place.
HANDSET=1
played() {
    SSL_CERT_FILE=$demo/tls/cert.pem TZ=Australia/Sydney "$BUILD/sealpost-handset" \
        -d "$DIR/handset-1" -u "$(sed -n 's/^public-url = "\(.*\)"/\1/p' "$demo/sealpost.conf")" "$@"
}
mkfifo "$DIR/story/otp"
played register "$number" <"$DIR/story/otp" >/dev/null &
exec {otp}>"$DIR/story/otp"
expect_seen "[m for m in s['sms'] if ' #' in m['text']]"
"$PYTHON" -c 'import json, re, sys
print(re.search(r" #(\d+)", " ".join(m["text"] for m in json.load(open(sys.argv[1]))["sms"]))[1])' \
    "$DIR/story/said" >&"$otp"
exec {otp}>&-
wait $!
id=$(played list | cut -d ' ' -f 1)
expect_match $'Appointment: Your <b>visit</b>\nWhen: Tuesday 2030-12-03 09:30 AEDT to 10:15\nWhere: Room 7, Level 2\n\nMARKER words*' \
    "$(played read "$id")"
expect_match '*Part 2: picture.png (image/png, 8 bytes)*' "$(played -v read "$id" 2>&1)"

# Answers by the application and by SMS come to the mailbox, and can be answered.
played reply "$id" "Is <i>ten</i> possible?" >/dev/null
expect_seen "[m for m in s['mails'] if '<i>ten</i>' in m['text'] and m['subject'] == 'Re: Your <b>visit</b>']"
order 200 sms '{"from": "'$number'", "text": "I come MARKER-SMS"}' >/dev/null
expect_seen "[m for m in s['sms'] if m['mine'] and 'MARKER-SMS' in m['text']]"
expect_seen "[m for m in s['mails'] if 'MARKER-SMS' in m['text']]"
alias=$("$PYTHON" -c 'import json, sys
print(json.load(open(sys.argv[1]))["mails"][0]["address"])' "$DIR/story/said")
order 200 mail '{"to": "'"$alias"'", "subject": "Re: Your visit", "text": "Ten it is"}' >/dev/null
has_message() { played list | grep -q "$1"; }
wait_until has_message 'Re: Your visit' || fail "the clinic's answer does not come"

# The appointment can be cancelled, once.
seen 's["sent"][0]["cancel"] and not s["sent"][1]["cancel"]' || fail "what can be cancelled"
order 200 cancel '{"sent": 0}' >/dev/null
order 400 cancel '{"sent": 0}' >/dev/null
wait_until has_message 'Cancelled: Your' || fail "the cancellation does not come"
expect_match $'Cancelled: Your <b>visit</b>\n*' "$(played read "$(played list | tail -n 1 | cut -d ' ' -f 1)")"

# Ctrl-C.
kill -INT "$PID_demo"
wait_until is_over demo || fail "Ctrl-C does not end it"
expect_match '*Seen: mail, SMS, sealed message*' "$(cat "$DIR/demo.log")"
expect_equal "" "$(grep -lszx "NEIGHBOURS_DIR=$demo" /proc/[0-9]*/environ || :)" "left behind"
