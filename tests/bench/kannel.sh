# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# kannel.sh - the rows of `make bench` that have Kannel as their peer.
# Here:       accepting sendsms against the real smsbox, MTs through our link against a
#             bare box client.
# Elsewhere:  the table, mail, memory (run.sh, which sources this).
# smsbox's answer "0: Accepted" comes when bearerbox has it in its spool, without fsync;
# Sealpost's when the message is sealed and flushed. Both passwords are checked on each
# request; Sealpost's is {scrypt}, worked out once and then remembered.

SENDSMS_S=${SENDSMS_S:-8} MTS=${MTS:-20000}
SENDSMS_TEXT='text=Your+results+are+in%3A+please+call+us+before+noon+tomorrow.+Northside+Clinic'

# rate_sendsms PEER PORT - one run of wrk, into the CSV.
rate_sendsms() {
    local out
    out=$(wrk -t1 -c50 -d"${SENDSMS_S}s" -s tests/bench/sendsms.lua \
        "http://127.0.0.1:$2" -- \
        "/cgi-bin/sendsms?username=bench&password=secret&$SENDSMS_TEXT") ||
        fail "wrk: $out"
    case $out in
        *' errors 0'*) ;;
        *) fail "$1 refused some: $(tail -n 2 <<<"$out")" ;;
    esac
    printf 'sendsms,50,%s,%s,%s\n' "$1" "$RUN" \
        "$(sed -n 's/^rate \([0-9]*\).*/\1/p' <<<"$out")" >>"$CSV"
}

count_sent() { grep -c 'event=outbox.outcome .*kind=plain .*outcome=sent' "$DIR/sealpostd.log" || true; }

# rate_link - MTS plain SMS wait in the outbox; bearerbox comes; the time from the first
# to the last of its acks.
rate_link() {
    local before=$1 from to
    stop_bearerbox
    wrk -t1 -c50 -d6s -s tests/bench/sendsms.lua "http://127.0.0.1:$SEALPOST_SENDSMS_PORT" -- \
        "/cgi-bin/sendsms?username=bench&password=secret&secure=0&$SENDSMS_TEXT" >/dev/null
    start_bearerbox
    waiting=$(grep -c 'event=sms.accepted' "$DIR/sealpostd.log")
    wait_until eval '[ "$(count_sent)" -ge "$waiting" ]' || fail "not all MTs were acked"
    from=$(grep 'event=outbox.outcome .*kind=plain .*outcome=sent' "$DIR/sealpostd.log" | sed -n "$((before + 1))p" | cut -d ' ' -f 1)
    to=$(grep 'event=outbox.outcome .*kind=plain .*outcome=sent' "$DIR/sealpostd.log" | tail -n 1 | cut -d ' ' -f 1)
    printf 'mt,1,sealpost,%s,%s\n' "$RUN" $(((waiting - before) * 1000 / \
        ($(date -d "$to" +%s%3N) - $(date -d "$from" +%s%3N)))) >>"$CSV"
}

bench_kannel() {
    need wrk:wrk smsbox:kannel
    # shellcheck disable=SC2034 # of neighbours.sh
    DEADLINE=120
    start_bearerbox
    start_phone
    start_smsbox 'global-sender = 61400000000' '' \
        'group = sendsms-user' 'username = bench' 'password = secret'
    for ((RUN = 1; RUN <= PAIRS; RUN++)); do
        rate_sendsms smsbox "$SENDSMS_PORT"
        rate_sendsms sealpost "$SEALPOST_SENDSMS_PORT"
    done
    stop_smsbox
    for ((RUN = 1; RUN <= PAIRS; RUN++)); do
        rate_link "$(count_sent)"
        printf 'mt,1,box-client,%s,%s\n' "$RUN" \
            "$("$BUILD/bench_box" "$BOX_PORT" "$MTS" | cut -d ' ' -f 2)" >>"$CSV"
    done
    table_head
    tell sendsms 50 sealpost smsbox 1.5
    tell mt 1 sealpost box-client 0.9
}
