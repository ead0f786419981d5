# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# lib.sh - the words that stories are told in.
# Here:       start, mail, expect_*, refute_*, handset, register; what is shown when a
#             story fails.
# Elsewhere:  the neighbours themselves (contrib/demo/neighbours.sh), running many
#             stories (tests/run).
# Called by:  every story: set -eu; . "$(dirname "$0")/lib.sh"
#
# An expectation waits until it is true, DEADLINE seconds (20) at most, then fails the
# story. Nothing sleeps otherwise.

STORIES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=contrib/demo/neighbours.sh
. "$STORIES/../../contrib/demo/neighbours.sh"
neighbours_open
set -E -o pipefail
trap 'tell_where "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND"' ERR

# A command of the story itself failed (not one in a subshell, whose caller decides).
tell_where() {
    [ "$BASH_SUBSHELL" -gt 0 ] || printf 'FAIL: %s, line %s: %s\n' "$@" >&2
}

# shellcheck disable=SC2034 # for the stories
CLINIC=clinic@clinic.example SMS_DOMAIN=sms.clinic.example

# start NEIGHBOUR... - of: postfix bearerbox phone app push sealpostd.
start() {
    local name
    for name in "$@"; do "start_$name"; done
}

# stop NEIGHBOUR... - of the same, by SIGTERM; false when one had to be killed.
stop() {
    local name
    for name in "$@"; do "stop_$name"; done
}

# with_clock SHIFT - the next sealpostd lives in another time: "+2d", "+0 x20".
with_clock() {
    local lib
    lib=$(find /usr/lib -name 'libfaketimeMT.so.1' | head -n 1)
    need faketime:faketime
    # shellcheck disable=SC2034 # for neighbours.sh
    SEALPOSTD_WITH=(env LD_PRELOAD="$lib" FAKETIME="$1" FAKETIME_DONT_FAKE_MONOTONIC=1
        ASAN_OPTIONS=verify_asan_link_order=0)
}

# -- mail

# mail FROM TO SUBJECT BODY... - through Postfix; the lines of the body one by one.
# TO may hold several addresses, separated by blanks.
mail() {
    local from=$1 to=$2 subject=$3 body
    shift 3
    body=$(printf '%s\n' "$@")
    # shellcheck disable=SC2086 # several recipients
    "$PYTHON" "$STORIES/mail.py" "$SMTP_PORT" "$from" $to --subject "$subject" \
        --body "$body" >/dev/null || fail "Postfix refused a mail from $from to $to"
}

# mail_to lmtp|lmtp-tcp|smtp|postfix OPTION... FROM TO... - one of Sealpost's doors, or
# Postfix, directly: see mail.py. Prints "RECIPIENT CODE TEXT"; exit 0, 65 or 75.
mail_to() {
    local door=$1 at
    shift
    case $door in
        lmtp) at=(unix:"$DIR/lmtp.sock" --lmtp) ;;
        lmtp-tcp) at=("$LMTP_PORT" --lmtp) ;;
        smtp) at=("$ESMTP_PORT") ;;
        postfix) at=("$SMTP_PORT") ;;
        *) fail "no door $door" ;;
    esac
    "$PYTHON" "$STORIES/mail.py" "${at[@]}" "$@"
}

# expect_mail GLOB [MAILBOX] - a mail that matches as a whole (header lines unfolded,
# body decoded, LF) is in a mailbox: clinic, others or elsewhere. MAIL_FILE is then
# its file; it is printed.
expect_mail() {
    MAIL_GLOB=$1 MAIL_BOX=${2:-clinic}
    wait_until is_mail_there ||
        fail "no mail like '$1' among the $(mail_count "$MAIL_BOX") of $MAIL_BOX"
    mail_text "$MAIL_FILE"
}

is_mail_there() {
    local file
    for file in "$DIR/mail/$MAIL_BOX"/new/*; do
        # shellcheck disable=SC2053 # a glob
        if [ -f "$file" ] && [[ $(mail_text "$file") == $MAIL_GLOB ]]; then
            MAIL_FILE=$file
            return 0
        fi
    done
    return 1
}

# mail_text FILE - as a mail program would show it.
mail_text() {
    "$PYTHON" - "$1" <<'PYTHON'
import email, email.policy, sys
with open(sys.argv[1], "rb") as source:
    mail = email.message_from_binary_file(source, policy=email.policy.default)
for name, value in mail.items():
    print(f"{name}: {value}")
for part in mail.walk():
    if part.get_content_maintype() == "text":
        print("\n" + part.get_content().replace("\r\n", "\n"), end="")
    elif part.get_content_type() == "message/delivery-status":
        print("\n" + part.as_string(), end="")
PYTHON
}

# mail_header FILE NAME - the header's value, decoded.
mail_header() { mail_text "$1" | sed -n "/^\$/q;s/^$2: //Ip"; }

# mail_count [MAILBOX] - how many mails it holds.
mail_count() {
    { find "$DIR/mail/${1:-clinic}/new" -type f 2>/dev/null || :; } | wc -l
}

# refute_mail GLOB [MAILBOX] - none such is there (now; wait for something else first).
refute_mail() {
    MAIL_GLOB=$1 MAIL_BOX=${2:-clinic}
    ! is_mail_there || fail "a mail like '$1' came to $MAIL_BOX"
}

# -- SMS

# sms_list [NUMBER] - what the phone got, a JSON line each: to, from, text, parts, at.
sms_list() { "$PYTHON" "$DEMO/phone.py" list --dir "$DIR" ${1:+--to} "$@"; }

# sms_texts NUMBER GLOB - the texts that match, each ended by a NUL.
sms_texts() {
    sms_list "$1" --like "$2" --texts
}

# sms_count NUMBER [GLOB] - how many such SMS the number got.
sms_count() { sms_texts "$1" "${2:-*}" | tr -cd '\0' | wc -c; }

has_sms() { [ "$(sms_count "$1" "$2")" -ge "$3" ]; }

# expect_sms NUMBER GLOB [N] - N (1) such SMS come; the newest's text is printed.
expect_sms() {
    wait_until has_sms "$1" "$2" "${3:-1}" ||
        fail "no SMS like '$2' came to $1; what came: $(sms_list "$1")"
    newest_sms "$1" "$2"
}

# newest_sms NUMBER GLOB - the text of the newest such SMS; nothing when there is none.
newest_sms() { sms_texts "$1" "$2" | tail -z -n 1 | tr '\0' '\n'; }

# refute_sms NUMBER [GLOB] - none such came (now; wait for something else first).
refute_sms() {
    [ "$(sms_count "$1" "${2:-*}")" -eq 0 ] ||
        fail "an SMS like '${2:-*}' came to $1: $(newest_sms "$1" "${2:-*}")"
}

# reply_sms FROM TEXT [TO] - the phone answers, to the clinic's SMS number by default.
reply_sms() { phone_send "$1" "${3:-61400000000}" "$2"; }

# -- applications

# Lines for start_sealpostd: the sendsms door, and the account "app" (user app, password
# secret) that a story completes.
sendsms_account() {
    # shellcheck disable=SC2034 # for the stories
    SENDSMS_DOOR="listen sendsms { address = \"127.0.0.1:$SEALPOST_SENDSMS_PORT\" }
        account app { brand = \"The Application\" password = \"{plain}secret\"
        daily-limit = 100000 $* }"
}

# sendsms KEY=VALUE... - the application asks; prints "STATUS BODY".
sendsms() {
    local pair args=()
    case " $* " in *' username='*) ;; *) args+=(-d username=app) ;; esac
    case " $* " in *' password='*) ;; *) args+=(-d password=secret) ;; esac
    for pair in "$@"; do args+=(--data-urlencode "$pair"); done
    curl -sS -G -o "$DIR/story/answer" -w '%{http_code} ' --max-time "$DEADLINE" \
        "${args[@]}" "http://127.0.0.1:$SEALPOST_SENDSMS_PORT/cgi-bin/sendsms" &&
        cat "$DIR/story/answer"
}

# expect_sendsms WANT KEY=VALUE... - its answer is like the glob WANT.
expect_sendsms() {
    local want=$1
    shift
    expect_match "$want" "$(sendsms "$@")" "the answer to $*"
}

# -- an application, at http://127.0.0.1:APP_PORT

# start_app - an application's HTTP server; what it is asked is kept in DIR/app.jsonl.
start_app() {
    ! is_up app || return 0
    touch "$DIR/app.jsonl"
    spawn app "$PYTHON" "$STORIES/app.py" run --dir "$DIR" --port "$APP_PORT"
    wait_until is_listening "$APP_PORT" || fail "no application: $(cat "$DIR/app.log")"
}

stop_app() { stop_spawned app; }

# app_answers STATUS - from now on: "200", "503", "302 URL", "hang".
app_answers() {
    printf '%s\n' "$1" >"$DIR/story/app.status"
    mv "$DIR/story/app.status" "$DIR/app.status"
}

# app_list [OPTION...] - what it was asked, a JSON line each: method, path, query, ...
app_list() { "$PYTHON" "$STORIES/app.py" list --dir "$DIR" "$@"; }

# app_texts GLOB - the requests that match as a whole, each ended by a NUL: "METHOD PATH
# name=value name=value", decoded; a line break and the body when there is one.
app_texts() { app_list --like "$1" --texts; }

# app_count [GLOB] - how many such requests came.
app_count() { app_texts "${1:-*}" | tr -cd '\0' | wc -c; }

has_callback() { [ "$(app_count "$1")" -ge "$2" ]; }

# expect_callback GLOB [N] - N (1) such requests come; the newest is printed.
expect_callback() {
    wait_until has_callback "$1" "${2:-1}" ||
        fail "no callback like '$1' came; what came: $(app_list)"
    app_texts "$1" | tail -z -n 1 | tr '\0' '\n'
}

# refute_callback [GLOB] - none such came (now; wait for something else first).
refute_callback() {
    [ "$(app_count "${1:-*}")" -eq 0 ] ||
        fail "a callback like '${1:-*}' came: $(app_list --like "${1:-*}")"
}

# -- a push service, at PUSH_URL (on APP_PORT), with sealpostd's certificate

# start_push - opens and keeps what it is sent: see push.mjs.
start_push() {
    ! is_up push || return 0
    need node:nodejs
    [ -d "$STORIES/../node_modules/jose" ] || fail "run npm ci in tests/"
    mkdir -p "$DIR/story/push"
    cp "$DIR"/tls/{cert,key}.pem "$DIR/story/push"
    touch "$DIR/story/push/pushes.jsonl"
    # shellcheck disable=SC2034 # for the stories
    PUSH_URL=https://localhost:$APP_PORT
    spawn push node "$STORIES/push.mjs" run "$DIR/story/push" "$APP_PORT"
    wait_until is_listening "$APP_PORT" || fail "no push service: $(cat "$DIR/push.log")"
}

stop_push() { stop_spawned push; }

# push_answers STATUS - from now on.
push_answers() {
    printf '%s\n' "$1" >"$DIR/story/push/status.new"
    mv "$DIR/story/push/status.new" "$DIR/story/push/status"
}

# push_subscribe URL|none [DEVICE] - the handset's browser tells the server where it gets
# pushes. Prints the answer's status, and its problem.
push_subscribe() {
    NODE_EXTRA_CA_CERTS=$DIR/tls/cert.pem node "$STORIES/push.mjs" subscribe \
        "$DIR/story/push" "$DIR/handset-${HANDSET:-1}" "$@"
}

# push_count [NAME] - how many pushes came (to the endpoint PUSH_URL/NAME).
push_count() { grep -c "\"to\":\"${1:-}" "$DIR/story/push/pushes.jsonl" || true; }

has_push() { [ "$(push_count "$1")" -ge "$2" ] || grep -q '"bad"' "$DIR/story/push/pushes.jsonl"; }

# expect_push NAME [N] - N (1) pushes came there, all of them sound; the newest is printed.
expect_push() {
    wait_until has_push "$1" "${2:-1}" || fail "no push came to $1"
    ! grep '"bad"' "$DIR/story/push/pushes.jsonl" || fail "a push was not sound"
    grep "\"to\":\"$1\"" "$DIR/story/push/pushes.jsonl" | tail -n 1
}

# -- the handset

# handset ARGUMENT... - the reference handset; HANDSET names it ("1" by default).
handset() {
    SSL_CERT_FILE=$DIR/tls/cert.pem "$BUILD/sealpost-handset" -u "$PUBLIC_URL" \
        -d "$DIR/handset-${HANDSET:-1}" "$@"
}

# register NUMBER [NAME] - registers the handset NAME (and makes it the current one)
# with the OTP from the SMS that this very registration causes. Prints what the handset
# says; its exit code.
register() {
    local before
    before=$(sms_count "$1" "$OTP_GLOB")
    register_begin "$1" "${2:-${HANDSET:-1}}"
    wait_until registered_or_sms "$1" $((before + 1)) ||
        fail "no OTP came to $1: $(cat "$DIR/story/register.$HANDSET")"
    register_otp "$HANDSET" "$(otp_of "$(newest_sms "$1" "$OTP_GLOB")")"
    register_end "$HANDSET"
}

OTP_GLOB='*@* #*'
declare -A REGISTER_PID REGISTER_FD

# otp_of TEXT - the code of an OTP SMS; its last line is "@host #CODE".
otp_of() { sed -n 's/.*@[^ ]* #\([0-9A-Za-z]*\).*/\1/p' <<<"$1" | tail -n 1; }

registered_or_sms() {
    has_sms "$1" "$OTP_GLOB" "$2" || ! kill -0 "${REGISTER_PID[$HANDSET]}" 2>/dev/null
}

# The steps of it, for stories in which they go wrong or cross:
# register_begin NUMBER NAME [OPTION...] - the handset NAME, now current, asks.
register_begin() {
    local fifo=$DIR/story/otp.$2 fd number=$1
    HANDSET=$2
    shift 2
    rm -f "$fifo"
    mkfifo "$fifo"
    handset register "$number" "$@" <"$fifo" >"$DIR/story/register.$HANDSET" 2>&1 &
    REGISTER_PID[$HANDSET]=$!
    exec {fd}>"$fifo"
    REGISTER_FD[$HANDSET]=$fd
}

# register_otp NAME CODE - the person types it; unheard when the handset has gone (the
# subshell then takes the SIGPIPE).
register_otp() { (printf '%s\n' "$2" >&"${REGISTER_FD[$1]}") 2>/dev/null || :; }

# register_end NAME - nothing more is typed. Prints what the handset said; exits as it.
register_end() {
    local fd=${REGISTER_FD[$1]} rc=0
    exec {fd}>&-
    wait "${REGISTER_PID[$1]}" || rc=$?
    cat "$DIR/story/register.$1"
    return "$rc"
}

# message_ids - of the handset's list, a line each.
message_ids() { handset list | cut -d ' ' -f 1; }

# message_count - how many messages the handset has.
message_count() { message_ids | wc -l; }

# expect_message GLOB - the handset gets such a message (its text matches as a whole);
# MESSAGE_ID is then its id; the text is printed. Looking at a message reads it.
expect_message() {
    MESSAGE_GLOB=$1 MESSAGES_SEEN=''
    wait_until is_message_there ||
        fail "no message like '$1' among the handset's $(message_count)"
    printf '%s\n' "$MESSAGE_TEXT"
}

is_message_there() {
    local id
    for id in $(message_ids); do
        case $MESSAGES_SEEN in *" $id "*) continue ;; esac
        MESSAGE_TEXT=$(handset read "$id") || continue
        MESSAGES_SEEN+=" $id "
        # shellcheck disable=SC2053 # a glob
        if [[ $MESSAGE_TEXT == $MESSAGE_GLOB ]]; then
            # shellcheck disable=SC2034 # for the story
            MESSAGE_ID=$id
            return 0
        fi
    done
    return 1
}

# -- what the server keeps, what it says

# refute_on_disk WORD... - in no shape in any file of the server: store, keys, logs,
# temporary files, and whatever else it may have made in DIR. Not searched: what is not
# the server's (mailboxes, Postfix, Kannel, phone, application, handsets, the story's own
# files below DIR/story). Prints how many files were searched.
refute_on_disk() {
    local skip=() path found
    for path in "$DIR"/{mail,postfix,kannel,bearerbox.log,sms.jsonl,phone.log,story} \
        "$DIR"/{postfix.log,app.jsonl,app.log,app.status,handset-*}; do
        skip+=(--skip "$path")
    done
    found=$("$PYTHON" "$STORIES/ondisk.py" "${skip[@]}" "$DIR" "$@") ||
        fail "the server's disk tells: $found"
    case $found in 0\ files*) fail "nothing to search in $DIR" ;; esac
    say "$found"
}

# expect_log REGEX - an event of the log, e.g. 'message.accepted .*bytes=9'. The line
# is printed.
expect_log() {
    wait_until is_logged "$1" || fail "no event=$1 in the log"
    grep -E "event=$1" "$DIR/sealpostd.log" | tail -n 1
}

is_logged() { grep -qE "event=$1" "$DIR/sealpostd.log"; }

# log_count REGEX - how many such events.
log_count() { grep -cE "event=$1" "$DIR/sealpostd.log" || true; }

# expect_equal WANT GOT [WHAT]
expect_equal() { [ "$1" = "$2" ] || fail "${3:-value}: want '$1', got '$2'"; }

# expect_match GLOB TEXT [WHAT]
expect_match() {
    # shellcheck disable=SC2053 # a glob
    [[ $2 == $1 ]] || fail "${3:-text} is not like '$1': $2"
}

# expect_exit CODE COMMAND... - its output is printed.
expect_exit() {
    local want=$1 rc=0
    shift
    "$@" || rc=$?
    [ "$rc" -eq "$want" ] || fail "exit $rc, not $want: $*"
}

# -- the end of a story

# A sanitizer's word is a failure even where the story did not notice.
final_check() {
    [ -f "$DIR/sealpostd.log" ] || return 0
    ! grep -nE 'AddressSanitizer|LeakSanitizer|runtime error:' "$DIR/sealpostd.log" >&2
}

on_failure() {
    local log
    for log in sealpostd.log postfix/mail.log kannel/bearerbox.log; do
        [ -s "$DIR/$log" ] || continue
        case $log in sealpostd.log) lines=200 ;; *) lines=25 ;; esac
        printf -- '--- the last lines of %s\n' "$log"
        tail -n "$lines" "$DIR/$log"
    done
}
