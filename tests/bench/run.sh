#!/bin/bash
# SPDX-License-Identifier: ISC
# run.sh - what `make bench` runs: Sealpost beside its peers, in one run on one machine.
# Here:       accepting mail over LMTP and SMTP against Postfix and smtp-sink, sealing
#             against its ECDH floor, records, memory, disk; a table, and the raw numbers
#             in build/bench.csv.
# Elsewhere:  rows that have Kannel as their peer (kannel.sh), the small benches
#             (bench_*.c), the neighbours (contrib/demo/neighbours.sh).
# Knobs:      PAIRS=3 alternating runs of each row, MAILS=6000 a run; ROWS="mail kannel
#             small" for some of them.
# A rate is taken from the sender's clock and only if the receiver counts every mail.
set -u
cd "$(dirname "$0")/../.." || exit 1
. contrib/demo/neighbours.sh
. tests/bench/kannel.sh
ROWS=${ROWS:-mail kannel small}
PAIRS=${PAIRS:-3} MAILS=${MAILS:-6000}
SENDER=bench@bench.example RCPT=+61412345678@sms.clinic.example
CSV=build/bench.csv

need smtp-source:postfix smtp-sink:postfix
neighbours_open
printf 'row,sessions,peer,run,per_second\n' >"$CSV"

# rate ROW SESSIONS PEER MAILS COUNT-COMMAND TARGET [OPTION...] - one run, into the CSV.
rate() {
    local row=$1 sessions=$2 peer=$3 mails=$4 count=$5 target=$6 before after begin us
    shift 6
    before=$($count)
    begin=${EPOCHREALTIME/[.,]/}
    smtp-source -d -s "$sessions" -m "$mails" -l 1024 -f "$SENDER" -t "$RCPT" "$@" \
        "$target" >"$DIR/story/source" 2>&1 || fail "$peer: $(tail -n 3 "$DIR/story/source")"
    us=$((${EPOCHREALTIME/[.,]/} - begin))
    after=$($count)
    [ "$count" = uncounted ] || [ $((after - before)) -ge "$mails" ] ||
        fail "$peer counted $((after - before)) of $mails mails: the run is void"
    printf '%s,%s,%s,%s,%s\n' "$row" "$sessions" "$peer" "$RUN" \
        $((mails * 1000000 / us)) >>"$CSV"
}

count_sealpost() { grep -c 'event=message.accepted' "$DIR/sealpostd.log" || true; }
count_postfix() { find "$DIR/postfix/queue/hold" -type f 2>/dev/null | wc -l; }
# smtp-sink has no counter that could be read; smtp-source fails when it drops a mail.
uncounted() { echo 0; }

# Every mail is accepted into the queue and held there: no delivery beside the measured.
start_holding_postfix() {
    start_postfix
    printf '%s\n' 'smtpd_client_restrictions = check_client_access static:HOLD' \
        'smtpd_client_connection_count_limit = 0' 'default_process_limit = 120' \
        >>"$DIR/postfix/etc/main.cf"
    kill -HUP "$PID_master"
}

start_sink() { # PORT OPTION...
    local port=$1 user=()
    shift
    [ "$(id -u)" -ne 0 ] || user=(-u nobody)
    # shellcheck disable=SC2016 # for the inner shell
    spawn "sink$port" smtp-sink "${user[@]}" "$@" -h sink.example "127.0.0.1:$port" 1024
    wait_until is_listening "$port" || fail "smtp-sink does not start"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : 0 }'; }
column() { awk -F, -v r="$1" -v s="$2" -v p="$3" '$1 == r && $2 == s && $3 == p { print $5 }' "$CSV"; }

# tell ROW SESSIONS OURS PEER GOAL - a line of the table.
tell() {
    local ours peer
    ours=$(column "$1" "$2" "$3" | median) peer=$(column "$1" "$2" "$4" | median)
    awk -v row="$1, $2 sessions" -v o="$ours" -v p="$peer" -v name="$4" -v g="$5" 'BEGIN {
        r = p > 0 ? o / p : 0
        printf "%-28s %9d/s %-10s %9d/s  %6.2f  %-6s %s\n", row, o, name, p, r, g,
            g == "-" ? "" : (r >= g ? "reached" : "not reached") }'
}

# program NAME ARGUMENT... - what bench_seal and bench_store print: "name value unit".
program() {
    "$BUILD/$1" "${@:2}" >"$DIR/story/$1" 2>&1 || fail "$1: $(tail -n 3 "$DIR/story/$1")"
    sed 's/^/    /' "$DIR/story/$1"
}

memory_kib() {
    local pid total=0 pss
    for pid in "$PID_sealpostd" $(pgrep -P "$PID_sealpostd"); do
        pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
        total=$((total + ${pss:-0}))
    done
    echo "$total"
}

bench_mail() {
    local sessions mails kept size row
    start_holding_postfix
    say "memory, all processes idle: $(($(memory_kib) / 1024)) MiB (goal 48)"
    start_sink "$SMSC_PORT"
    for sessions in 1 20 100; do
        mails=$((sessions == 1 ? MAILS / 4 : MAILS))
        for ((RUN = 1; RUN <= PAIRS; RUN++)); do
            rate accept-lmtp "$sessions" sealpost "$mails" count_sealpost "unix:$DIR/lmtp.sock" -L
            rate accept-smtp "$sessions" sealpost "$mails" count_sealpost "127.0.0.1:$ESMTP_PORT"
            rate accept-smtp "$sessions" smtp-sink "$mails" uncounted "127.0.0.1:$SMSC_PORT"
            rate accept-smtp "$sessions" postfix $((mails / 6)) count_postfix "127.0.0.1:$SMTP_PORT"
        done
    done
    # The rows of LMTP have the same peers.
    sed -n 's/^accept-smtp,\(.*,\)\(smtp-sink\|postfix\),/accept-lmtp,\1\2,/p' "$CSV" \
        >"$DIR/story/same" && cat "$DIR/story/same" >>"$CSV"
    kept=$(count_sealpost)
    size=$(du -sk --exclude=reserve "$DIR/store" | cut -f 1)
    table_head
    for row in accept-smtp accept-lmtp; do
        tell $row 1 sealpost postfix -
        tell $row 20 sealpost postfix 8
        tell $row 100 sealpost postfix 12
        for sessions in 1 20 100; do
            tell $row $sessions sealpost smtp-sink "$([ $sessions = 20 ] && echo 0.6 || echo -)"
        done
    done
    say "disk: $((size * 1024 / kept)) bytes a message of 1 KiB in the store, logs included"
    stop_spawned "sink$SMSC_PORT"
    stop_postfix
}

bench_small() {
    say "" "sealing (goal 0.9 of the floor):"
    program bench_seal
    say "records:"
    program bench_store "$DIR/story/records" 1
}

table_head() { printf '\n%-28s %11s %-10s %11s  %6s  %-6s\n' row sealpost peer peer ratio goal; }

say "$(nproc) cores, $(uname -r), $(date -u +%F); medians of $PAIRS alternating runs"
start_sealpostd 'log-to = "stderr"' \
    "listen sendsms { address = \"127.0.0.1:$SEALPOST_SENDSMS_PORT\" }" \
    "account bench { brand = \"Bench\" senders = { \"*@bench.example\" }
    password = \"$(printf 'secret\n' | "$BUILD/sealpostd" --hash-password)\"
    daily-limit = 1000000000 }"
for rows in $ROWS; do "bench_$rows"; done
say "raw numbers: $CSV"
