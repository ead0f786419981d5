# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# neighbours.sh - Sealpost among its real neighbours, in one private directory.
# Here:       start and stop Postfix, bearerbox with the fake SMSC, the phone behind it,
#             and sealpostd; on loopback, on free ports, as root or as any user.
# Elsewhere:  what a story says and expects (tests/scenario/lib.sh), the tour (demo.sh).
# Called by:  both of them; sourced by bash with "set -u".
#
# shellcheck disable=SC2034 # the templates and the stories use what seems unused
# neighbours_open makes DIR and takes the ports; a trap at exit ends every process and
# removes DIR. SEALPOST_DEMO_DIR names another place for DIR, which is then kept.
# SEALPOST_BUILD names the folder of the programs, build/plain by default.

DEMO=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$DEMO/../.." && pwd)
TEMPLATES=$REPO/templates
BUILD=${SEALPOST_BUILD:-build/plain}
case $BUILD in /*) ;; *) BUILD=$REPO/$BUILD ;; esac
PATH=$PATH:/usr/sbin:/sbin
PYTHON=python3 # Debian's own where it is there: version managers put slow ones first
[ ! -x /usr/bin/python3 ] || PYTHON=/usr/bin/python3
DEADLINE=${DEADLINE:-20} # seconds that anything may take to become true

# -- small tools

say() { printf '%s\n' "$*"; }

# fail MESSAGE... - say so and leave; the trap shows the logs and cleans up.
fail() {
    printf 'FAIL: %s\n' "$*" >&2
    exit 1
}

# wait_until COMMAND... - true as soon as COMMAND is; false after DEADLINE seconds.
wait_until() {
    local end=$((${EPOCHREALTIME/[.,]/} + DEADLINE * 1000000))
    until "$@"; do
        [ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# need PROGRAM:PACKAGE... - else a clear word about all that is missing.
need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -eq 0 ] || fail "missing: ${missing[*]}" \
        "(make deps, or as root: apt-get install ${missing[*]})"
}

# is_listening PORT - somebody listens there. (Asking by connecting would take one of
# bearerbox's slow accepts.)
is_listening() {
    local tcp=(/proc/net/tcp)
    [ ! -r /proc/net/tcp6 ] || tcp+=(/proc/net/tcp6)
    grep -q "$(printf ':%04X [0-9A-F]*:0000 0A' "$1")" "${tcp[@]}"
}

# fill NAME TARGET - a template of this folder, its @WORDS@ replaced.
fill() {
    local word args=()
    for word in DIR REPO TEMPLATES {SMTP,LMTP,ESMTP,HANDSET,BOX,SMSC,ADMIN,SENDSMS}_PORT \
        {SEALPOST_SENDSMS,APP}_PORT POSTFIX_DAEMONS POSTFIX_IMPORT MAIL_UID MAIL_GID; do
        args+=(-e "s|@$word@|${!word-}|g")
    done
    sed "${args[@]}" "$DEMO/$1.in" >"$2"
}

# -- the private directory, the ports, the end

# Ten ports from a block whose lock file this shell holds as long as it lives; below
# the range from which the kernel takes outgoing ports. A block that is another user's,
# another run's, or has a listener is left alone.
ports_take() {
    local base try
    for try in {1..300}; do
        base=$((20000 + (RANDOM % 1200) * 10))
        if block_lock "$base" && block_is_free "$base"; then
            SMTP_PORT=$base LMTP_PORT=$((base + 1)) ESMTP_PORT=$((base + 2))
            HANDSET_PORT=$((base + 3)) BOX_PORT=$((base + 4)) SMSC_PORT=$((base + 5))
            ADMIN_PORT=$((base + 6)) SENDSMS_PORT=$((base + 7))
            SEALPOST_SENDSMS_PORT=$((base + 8)) APP_PORT=$((base + 9))
            return
        fi
    done
    fail "no free ports after $try attempts"
}

# The file is removed by its holder, so a lock counts only while the name is its own.
block_lock() {
    PORTS_LOCK=/tmp/sealpost-ports-$1.lock
    { exec {PORTS_FD}>>"$PORTS_LOCK"; } 2>/dev/null || return 1
    flock -n "$PORTS_FD" && [ "$PORTS_LOCK" -ef "/proc/self/fd/$PORTS_FD" ] && return
    exec {PORTS_FD}>&-
    return 1
}

block_is_free() {
    local port
    for port in {0..9}; do
        if is_listening $(($1 + port)); then
            rm -f "$PORTS_LOCK"
            exec {PORTS_FD}>&-
            return 1
        fi
    done
}

neighbours_open() {
    need "$PYTHON:python3" flock:util-linux pgrep:procps openssl:openssl \
        postfix:postfix bearerbox:kannel
    [ "$EUID" -eq 0 ] || need fakeroot:fakeroot
    if [ -n "${SEALPOST_DEMO_DIR:-}" ]; then
        DIR=$SEALPOST_DEMO_DIR KEEP_DIR=1
        mkdir -p "$DIR" || fail "cannot make $DIR"
        DIR=$(cd "$DIR" && pwd)
        [ -z "$(ls -A "$DIR")" ] || fail "$DIR is not empty"
    else
        DIR=$(mktemp -d "${TMPDIR:-/tmp}/sealpost.XXXXXX") KEEP_DIR=
    fi
    trap neighbours_close EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    [ ${#DIR} -le 70 ] || fail "$DIR is too long a path for UNIX sockets"
    chmod 711 "$DIR" # Postfix's processes, as user postfix, walk through it
    mkdir -m 700 "$DIR/tmp" "$DIR/tls" "$DIR/story"
    : >"$DIR/sessions"
    ports_take
}

# spawn NAME PROGRAM... - in the background, in a session of its own (Ctrl-C is for us
# alone), output to DIR/NAME.log; PID_NAME holds its id. The ports' lock stays with us.
spawn() {
    local name=$1
    shift
    NEIGHBOURS_DIR=$DIR setsid "$@" >>"$DIR/$name.log" 2>&1 </dev/null {PORTS_FD}>&- &
    declare -g "PID_$name=$!"
    echo $! >>"$DIR/sessions"
    disown
}

# is_up NAME - spawned and still running.
is_up() {
    local pid=PID_$1
    [ -n "${!pid:-}" ] && kill -0 "${!pid}" 2>/dev/null
}

# is_over NAME - neither it nor a process of its session runs.
is_over() {
    local pid=PID_$1
    ! is_up "$1" && ! pgrep -s "${!pid}" >/dev/null
}

# stop_spawned NAME [SIGNAL] - and wait for its end; after DEADLINE seconds kill -9.
stop_spawned() {
    local pid=PID_$1
    [ -n "${!pid:-}" ] || return 0
    kill -"${2:-TERM}" "${!pid}" 2>/dev/null || :
    if wait_until is_over "$1"; then return 0; fi # in a trap a bare return is not 0
    pkill -KILL -s "${!pid}" || :
    return 1
}

# neighbours_left - ids of all processes that we started and that still run: those of
# the sessions, and whoever left them (fakeroot's helper) by its environment.
neighbours_left() {
    local sid
    {
        while read -r sid; do pgrep -s "$sid" || :; done <"$DIR/sessions"
        grep -lszx "NEIGHBOURS_DIR=$DIR" /proc/[0-9]*/environ | cut -d / -f 3
    } | sort -u || :
}

# End them all. fakeroot's helper has IPC queues to remove and gets the chance.
neighbours_killed() {
    local pid left
    left=$(neighbours_left)
    for pid in $left; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
            faked*) kill -TERM "$pid" ;;
            *) kill -KILL "$pid" ;;
        esac
    done 2>/dev/null
    [ -z "$left" ]
}

# At exit, whatever the reason. A story may have a last word: final_check turns success
# into failure, on_failure shows what helps to understand it.
neighbours_close() {
    local status=$?
    trap '' HUP INT TERM
    trap - ERR
    set +e
    stop_sealpostd TERM || status=1 # it has said why
    if [ "$status" -eq 0 ] && declare -F final_check >/dev/null; then
        final_check || status=1
    fi
    case $status in
        0 | 130) ;;
        *) if declare -F on_failure >/dev/null; then on_failure >&2; fi ;;
    esac
    wait_until neighbours_killed || say "still running: $(neighbours_left)" >&2
    [ -z "${PORTS_FD:-}" ] || rm -f "$PORTS_LOCK"
    [ -z "${PORTS2_LOCK:-}" ] || rm -f "$PORTS2_LOCK"
    if [ -n "$KEEP_DIR" ]; then say "kept: $DIR"; else rm -rf "$DIR"; fi
    exit "$status"
}

# -- Postfix: the clinic's mail server

# Its master insists on root. For a user, fakeroot tells it so; every Postfix process
# needs the preloaded library then, hence import_environment in main.cf.
AS_ROOT=()
[ "$EUID" -eq 0 ] || AS_ROOT=(fakeroot --)

postfix_configure() {
    local etc=$DIR/postfix/etc name
    MAIL_UID=$(id -u postfix) || fail "no user postfix"
    MAIL_GID=$(id -g postfix)
    POSTFIX_DAEMONS=$(postconf -dh daemon_directory)
    [ "$EUID" -eq 0 ] || POSTFIX_IMPORT="LD_PRELOAD LD_LIBRARY_PATH FAKEROOTKEY"
    mkdir -p "$etc" "$DIR/postfix/data" "$DIR/mail"
    for name in main.cf master.cf transport mailboxes; do
        fill "$name" "$etc/$name"
    done
}

# What "postfix start" does, without its two seconds of checks: queue folders, owners
# (seen through fakeroot for a user), master in the foreground.
# shellcheck disable=SC2016 # $1 and $2 are the script's own
POSTFIX_SCRIPT='
    cd "$1/postfix" && umask 022 && mkdir -p queue/pid queue/public queue/maildrop &&
    for name in active bounce corrupt defer deferred flush hold incoming private saved \
        trace; do mkdir -p -m 700 "queue/$name" || exit 1; done &&
    chown postfix data "$1/mail" queue/[a-o]* queue/private queue/public queue/[s-t]* &&
    chgrp postdrop queue/public queue/maildrop &&
    chmod 710 queue/public && chmod 730 queue/maildrop &&
    exec "$2/master" -c "$1/postfix/etc" -s'

# start_postfix - takes mail on SMTP_PORT; the maildirs are DIR/mail/clinic, others (of
# clinic.example) and elsewhere (of elsewhere.example).
start_postfix() {
    local pid=$DIR/postfix/queue/pid/master.pid
    ! is_up postfix || return 0
    [ -d "$DIR/postfix" ] || postfix_configure
    rm -f "$pid"
    spawn postfix "${AS_ROOT[@]}" sh -c "$POSTFIX_SCRIPT" sh "$DIR" "$POSTFIX_DAEMONS"
    wait_until is_listening "$SMTP_PORT" || fail "Postfix does not start:" \
        "$(tail -n 5 "$DIR/postfix.log" "$DIR/postfix/mail.log")"
    PID_master=$(tr -d ' \n' <"$pid") # below fakeroot, in a session that it made itself
    echo "$PID_master" >>"$DIR/sessions"
}

# stop_postfix [SIGNAL] - the queue stays. fakeroot goes when master has gone.
stop_postfix() {
    [ -n "${PID_master:-}" ] || return 0
    stop_spawned master "${1:-TERM}"
    stop_spawned postfix CONT
    PID_master='' PID_postfix=''
}

# postfix_flush - try every deferred mail now. This is what "postqueue -f" does; that
# one is set-gid, so a user's fakeroot does not reach into it.
postfix_flush() {
    "$PYTHON" -c 'import socket, sys
qmgr = socket.socket(socket.AF_UNIX)
qmgr.connect(sys.argv[1])
qmgr.sendall(b"FDA")' "$DIR/postfix/queue/public/qmgr"
}

# -- Kannel: bearerbox with the fake SMSC, and the phones behind it

# Directives beyond the ports and folders, "NAME=VALUE"; those that are commented out in
# the file as "#NAME = ..." come into force.
KANNEL_WITH=()

# kannel_place NAME - the operators' kannel.conf as DIR/NAME/kannel.conf, on this run's
# ports, below DIR/NAME.
kannel_place() {
    local at=$DIR/$1 pair script=()
    mkdir -p "$at/spool"
    for pair in admin-port="$ADMIN_PORT" smsbox-port="$BOX_PORT" port="$SMSC_PORT" \
        sendsms-port="$SENDSMS_PORT" admin-password=demo sms-resend-freq=1 \
        log-file="\"$at/bearerbox.log\"" access-log="\"$at/access.log\"" \
        store-location="\"$at/spool\"" "${KANNEL_WITH[@]}"; do
        grep -q "^#\?${pair%%=*} = " "$REPO/contrib/kannel/kannel.conf" ||
            fail "kannel.conf has no ${pair%%=*}"
        script+=(-e "s|^${pair%%=*} = .*|${pair%%=*} = ${pair#*=}|")
    done
    for pair in "${KANNEL_WITH[@]}"; do
        script+=(-e "s|^#${pair%%=*} = .*|${pair%%=*} = ${pair#*=}|")
    done
    sed "${script[@]}" "$REPO/contrib/kannel/kannel.conf" >"$at/kannel.conf"
}

start_bearerbox() {
    ! is_up bearerbox || return 0
    kannel_place kannel
    spawn bearerbox bearerbox -v 4 "$DIR/kannel/kannel.conf"
    wait_until bearerbox_listens ||
        fail "bearerbox does not start: $(tail -n 5 "$DIR/kannel/bearerbox.log")"
}

bearerbox_listens() { is_listening "$BOX_PORT" && is_listening "$SMSC_PORT"; }

# stop_bearerbox [SIGNAL] - the spool stays. On TERM it waits for its boxes to leave.
stop_bearerbox() { stop_spawned bearerbox "${1:-TERM}"; }

# start_smsbox LINE... - Kannel's own HTTP interface on SENDSMS_PORT. LINEs are added to
# its group = smsbox; behind an empty line other groups begin. Its file is its own:
# bearerbox knows nothing of its users.
start_smsbox() {
    mkdir -p "$DIR/kannel"
    printf '%s\n' 'group = core' "smsbox-port = $BOX_PORT" '' \
        'group = smsbox' 'smsbox-id = asked' 'bearerbox-host = 127.0.0.1' \
        "sendsms-port = $SENDSMS_PORT" 'sendsms-interface = 127.0.0.1' \
        "log-file = \"$DIR/kannel/smsbox.log\"" 'log-level = 1' "$@" \
        >"$DIR/kannel/smsbox.conf"
    spawn smsbox smsbox -v 4 "$DIR/kannel/smsbox.conf"
    wait_until smsbox_settled
    is_listening "$SENDSMS_PORT" || fail "smsbox does not start: $(cat "$DIR/smsbox.log")"
}

smsbox_settled() { is_listening "$SENDSMS_PORT" || ! is_up smsbox; }

stop_smsbox() { stop_spawned smsbox; }

# start_phone - every number's phone; SMS are kept in DIR/sms.jsonl.
start_phone() {
    ! is_up phone || return 0
    rm -f "$DIR/phone.sock"
    touch "$DIR/sms.jsonl"
    spawn phone "$PYTHON" "$DEMO/phone.py" run --dir "$DIR" --port "$SMSC_PORT"
    wait_until test -S "$DIR/phone.sock" || fail "no phone: $(cat "$DIR/phone.log")"
}

stop_phone() { stop_spawned phone; }

# phone_send FROM TO TEXT - a person types an SMS.
phone_send() { "$PYTHON" "$DEMO/phone.py" send --dir "$DIR" "$1" "$2" "$3"; }

# A second bearerbox, on BOX2_PORT, with an SMSC of its own; what comes to that SMSC's
# phones is in DIR/kannel2/sms.jsonl.
start_bearerbox2() {
    ! is_up bearerbox2 || return 0
    kannel2_ports
    ADMIN_PORT=$ADMIN2_PORT BOX_PORT=$BOX2_PORT SMSC_PORT=$SMSC2_PORT \
        SENDSMS_PORT=$SENDSMS2_PORT kannel_place kannel2
    spawn bearerbox2 bearerbox -v 4 "$DIR/kannel2/kannel.conf"
    wait_until bearerbox2_listens ||
        fail "bearerbox2 does not start: $(tail -n 5 "$DIR/kannel2/bearerbox.log")"
}

bearerbox2_listens() { is_listening "$BOX2_PORT" && is_listening "$SMSC2_PORT"; }

stop_bearerbox2() { stop_spawned bearerbox2 "${1:-TERM}"; }

start_phone2() {
    kannel2_ports
    touch "$DIR/kannel2/sms.jsonl"
    spawn phone2 "$PYTHON" "$DEMO/phone.py" run --dir "$DIR/kannel2" --port "$SMSC2_PORT"
    wait_until test -S "$DIR/kannel2/phone.sock" || fail "no second phone"
}

# start_mad [PORT [OPTION...]] - in the place of bearerbox one that does what it is told.
start_mad() {
    local port=${1:-$BOX_PORT}
    shift $(($# > 0))
    mkdir -p "$DIR/mad"
    spawn mad "$PYTHON" "$REPO/tests/scenario/mad_bearerbox.py" run --dir "$DIR/mad" \
        --port "$port" "$@"
    wait_until is_listening "$port" || fail "no mad bearerbox: $(cat "$DIR/mad.log")"
}

stop_mad() { stop_spawned mad "${1:-TERM}"; }

# mad ORDER... - see mad_bearerbox.py.
mad() { "$PYTHON" "$REPO/tests/scenario/mad_bearerbox.py" tell --dir "$DIR/mad" "$@"; }

# mad_mts NUMBER - how many MTs to it the mad one got.
mad_mts() { grep -c "\"receiver\": \"$1\"" "$DIR/mad/mts.jsonl" || :; }

# Another block of ports; its lock stays with this shell and goes with it.
kannel2_ports() {
    local SMTP_PORT LMTP_PORT ESMTP_PORT HANDSET_PORT BOX_PORT SMSC_PORT ADMIN_PORT \
        SENDSMS_PORT SEALPOST_SENDSMS_PORT APP_PORT PORTS_FD PORTS_LOCK
    [ -z "${BOX2_PORT:-}" ] || return 0
    mkdir -p "$DIR/kannel2"
    ports_take
    BOX2_PORT=$BOX_PORT SMSC2_PORT=$SMSC_PORT ADMIN2_PORT=$ADMIN_PORT
    SENDSMS2_PORT=$SENDSMS_PORT PORTS2_LOCK=$PORTS_LOCK
}

# -- sealpostd

sealpostd_configure() {
    [ -x "$BUILD/sealpostd" ] || fail "$BUILD/sealpostd is missing: make builds it"
    (umask 077 && mkdir -p "$DIR/store" "$DIR/keys" &&
        openssl rand -hex 24 >"$DIR/passphrase") || fail "no passphrase file"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$DIR/tls/key.pem" -out "$DIR/tls/cert.pem" 2>"$DIR/tls/log" ||
        fail "no certificate: $(cat "$DIR/tls/log")"
    PUBLIC_URL=https://localhost:$HANDSET_PORT
}

# Words before sealpostd's own, for a story's weather: faketime, strace, a small disk.
SEALPOSTD_WITH=()

# start_sealpostd [LINE...] - LINEs are added to the configuration. LMTP on
# DIR/lmtp.sock and LMTP_PORT, SMTP on ESMTP_PORT, handsets on PUBLIC_URL.
start_sealpostd() {
    ! is_up sealpostd || return 0
    [ -f "$DIR/tls/cert.pem" ] || sealpostd_configure
    fill sealpost.conf "$DIR/sealpost.conf"
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$DIR/sealpost.conf"
    touch "$DIR/sealpostd.log"
    LOG_FROM=$(stat -c %s "$DIR/sealpostd.log")
    spawn sealpostd env TMPDIR="$DIR/tmp" \
        "${SEALPOSTD_WITH[@]}" "$BUILD/sealpostd" -f -c "$DIR/sealpost.conf"
    wait_until sealpostd_settled
    sealpostd_ready || fail "sealpostd does not start: $(cat "$DIR/sealpostd.log")"
}

sealpostd_ready() {
    tail -c +$((LOG_FROM + 1)) "$DIR/sealpostd.log" | grep -q 'event=ready'
}

sealpostd_settled() { sealpostd_ready || ! is_up sealpostd; }

# stop_sealpostd [SIGNAL] - SIGTERM drains; false when it had to be killed.
stop_sealpostd() {
    stop_spawned sealpostd "${1:-TERM}" && return 0
    say "FAIL: sealpostd did not stop within $DEADLINE s" >&2
    return 1
}

# process_id front|keeper|courier - the newest that the log tells of.
process_id() {
    grep 'event=process.started' "$DIR/sealpostd.log" | grep -w "child=$1" |
        tail -n 1 | grep -o '\bpid=[0-9]*' | cut -d= -f2 || :
}

# kill9 front|keeper|courier|parent - as the power does it.
kill9() {
    local pid=${PID_sealpostd:-}
    [ "$1" = parent ] || pid=$(process_id "$1")
    [ -n "$pid" ] || fail "the log tells of no process $1"
    KILLED=$1 KILLED_ID=$pid
    kill -KILL "$pid" || fail "no process $pid ($1)"
}

# wait_restart - the process killed last has a successor.
wait_restart() {
    wait_until is_replaced || fail "$KILLED was not started again"
}

is_replaced() { [ "$(process_id "$KILLED")" != "$KILLED_ID" ]; }
