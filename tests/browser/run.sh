#!/bin/bash
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2317 # words are called by the story
# run.sh - a story that happens in a browser: the neighbours, and words for its script.
# Here:       starts the neighbours and the script; runs the words that the script asks
#             for, those of tests/scenario/lib.sh and the few below.
# Elsewhere:  what a script may use (lib.mjs), the neighbours (contrib/demo/neighbours.sh).
# Called by:  tests/run; by hand: tests/browser/run.sh tests/browser/stories/first-use.mjs
#
# The script is a co-process. It asks on its file descriptor 3: the number of words, then
# the words; the answer on its standard input is the exit status and what was said. Each
# of these ends with a NUL.
set -eu
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
[ $# -eq 1 ] || fail "usage: tests/browser/run.sh STORY.mjs"
need node:nodejs chromium:chromium

# -- words beside those of lib.sh

SERVER_LINES=()

# server [LINE...] - sealpostd, with LINEs added to its configuration.
server() {
    SERVER_LINES=("$@")
    start_sealpostd "$@"
}

# restart - sealpostd goes and comes back, as it was configured.
restart() {
    stop_sealpostd
    start_sealpostd "${SERVER_LINES[@]}"
}

# clock SHIFT - from now on it is so much later ("+2m") for a sealpostd that was started
# after the first use of this word.
clock() {
    local lib
    lib=$(find /usr/lib -name 'libfaketimeMT.so.1' | head -n 1)
    need faketime:faketime
    printf '%s\n' "$1" >"$DIR/clock.new"
    mv "$DIR/clock.new" "$DIR/clock"
    # shellcheck disable=SC2034 # for neighbours.sh
    SEALPOSTD_WITH=(env LD_PRELOAD="$lib" FAKETIME_TIMESTAMP_FILE="$DIR/clock"
        FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
        ASAN_OPTIONS=verify_asan_link_order=0)
}

# link NUMBER [N] - what the Nth (1) notice to it says to open.
link() { expect_sms "$1" '*/m/*' "${2:-1}" | grep -o 'https://[^ ]*/m/[A-Za-z0-9]*'; }

# otp NUMBER N - the code in its Nth OTP SMS.
otp() { otp_of "$(expect_sms "$1" "$OTP_GLOB" "$2")"; }

# templates DIR - those of the next server.
# shellcheck disable=SC2034 # for neighbours.sh
templates() { TEMPLATES=$1; }

# -- the script

script_start() {
    local out
    exec {out}>&1
    coproc SCRIPT {
        exec env NEIGHBOURS_DIR="$DIR" STORY_DIR="$DIR" PUBLIC_URL="$PUBLIC_URL" \
            NODE_EXTRA_CA_CERTS="$DIR/tls/cert.pem" node "$1" 3>&1 1>&"$out" 2>&1 {PORTS_FD}>&-
    }
    # SCRIPT_PID goes with the process
    SCRIPT_ID=$SCRIPT_PID
    exec {ASKED}<&"${SCRIPT[0]}" {ANSWERED}>&"${SCRIPT[1]}" {out}>&-
}

# next_words - the script asks for WORDS; false when it has ended.
next_words() {
    local count word
    WORDS=()
    IFS= read -r -d '' count <&"$ASKED" || return 1
    while [ "${#WORDS[@]}" -lt "$count" ]; do
        IFS= read -r -d '' word <&"$ASKED" || return 1
        WORDS+=("$word")
    done
}

# run_words WORD... - in a subshell, but for what changes the state of this one: when such
# a word fails the story is over.
run_words() {
    case $1 in
        start* | stop* | server | restart | clock | templates | kill9 | wait_restart) "$@" ;;
        *) ("$@") ;;
    esac
}

answer_words() {
    local status
    while next_words; do
        status=0
        run_words "${WORDS[@]}" >"$DIR/story/said" 2>&1 || status=$?
        printf '%s\0' "$status" "$(tr -d '\0' <"$DIR/story/said")" >&"$ANSWERED"
    done
}

script_is_over() { ! kill -0 "$SCRIPT_ID" 2>/dev/null; }

# The script's own last words come before the logs: it sees that nobody answers any more.
eval "neighbours_$(declare -f on_failure)"
on_failure() {
    [ -z "${ANSWERED:-}" ] || exec {ANSWERED}>&-
    [ -z "${SCRIPT_ID:-}" ] || wait_until script_is_over || kill -KILL "$SCRIPT_ID"
    [ ! -s "$DIR/story/said" ] || cat "$DIR/story/said"
    neighbours_on_failure
}

story=$(realpath "$1")
sealpostd_configure
script_start "$story"
start postfix bearerbox phone
answer_words
wait "$SCRIPT_ID"
