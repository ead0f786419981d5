#!/bin/bash
# SPDX-License-Identifier: ISC
# links-tls.sh - bearerbox on another machine: SMS and answers go over TLS, and only to a
# bearerbox that proves who it is; otherwise nothing goes at all.
set -eu
. "$(dirname "$0")/lib.sh"

# certificate NAME SUBJECT [OPTION...] - DIR/tls/NAME.pem and .key, signed by ca.
certificate() {
    local file=$DIR/tls/$1 host=$2
    shift 2
    { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$host" \
        -addext "subjectAltName=DNS:$host" -keyout "$file.key" -out "$file.csr" &&
        openssl x509 -req -in "$file.csr" -CA "$DIR/tls/ca.pem" -CAkey "$DIR/tls/ca.key" \
            -copy_extensions copy -out "$file.pem" "$@"; } 2>"$DIR/tls/log" ||
        fail "no certificate: $(cat "$DIR/tls/log")"
}
for ca in ca stranger; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 \
        -subj "/CN=$ca" -keyout "$DIR/tls/$ca.key" -out "$DIR/tls/$ca.pem" 2>/dev/null
done
certificate box sms.clinic.example -days 2
certificate old sms.clinic.example -days -1

# bearerbox_with CERTIFICATE - bearerbox with smsbox-port-ssl.
bearerbox_with() {
    KANNEL_WITH=(smsbox-port-ssl=yes ssl-server-cert-file="\"$DIR/tls/$1.pem\""
        ssl-server-key-file="\"$DIR/tls/$1.key\"")
    start_bearerbox
}
# sealpostd_with KEY... - the link has these keys; the file's own finds nobody.
sealpostd_with() {
    local box=$BOX_PORT BOX_PORT=$SENDSMS_PORT
    start_sealpostd 'kannel secure {' "  address = \"127.0.0.1:$box\"" \
        '  sender = "61400000000"' '  tls = yes' "$@" '}'
}
# refused NUMBER WHY KEY... - with these keys no link comes up, for that reason; an SMS
# to NUMBER is kept.
refused() {
    local number=$1 why=$2
    shift 2
    sealpostd_with "$@"
    expect_log "box.lost .*kannel=secure .*$why" >/dev/null
    mail_to lmtp "$CLINIC" "$number@$SMS_DOMAIN" >/dev/null
    expect_equal 0 "$(log_count 'box.up .*kannel=secure')" "links up"
    expect_equal 0 "$(log_count 'outbox.handed')" "SMS handed over"
    refute_sms "$number"
    stop sealpostd
    : >"$DIR/sealpostd.log"
}
ca=("  tls-ca = \"$DIR/tls/ca.pem\"")
name=('  tls-name = "sms.clinic.example"')

bearerbox_with box
start postfix phone
refused +61412345671 'certificate: ' "  tls-ca = \"$DIR/tls/stranger.pem\"" "${name[@]}"
refused +61412345672 'certificate: .*[Hh]ostname mismatch' "${ca[@]}" '  tls-name = "other.example"'

# Right: an SMS, an answer, a long one.
sealpostd_with "${ca[@]}" "${name[@]}"
expect_log 'box.up .*kannel=secure .*tls=yes' >/dev/null
mail $CLINIC "+61412345678@$SMS_DOMAIN" "By TLS" "Hello"
expect_sms +61412345678 '*/m/*' >/dev/null
for n in 1 2; do expect_sms +6141234567$n '*/m/*' >/dev/null; done # kept all the time
reply_sms +61412345678 "Danke schön $(printf 'x%.0s' {1..120})"
expect_mail '*Danke schön xxxxxxxxxxxx*' >/dev/null
for hundred in 1 2 3; do
    to=()
    for n in {10..99}; do to+=("+61412346$hundred$n@$SMS_DOMAIN"); done
    mail_to lmtp "$CLINIC" "${to[@]}" >/dev/null
done
all_came() { [ "$(sms_list | grep -c '"to": "+61412346')" -ge 270 ]; }
wait_until all_came || fail "of 270 SMS $(sms_list | grep -c '"to": "+61412346') came"
expect_equal 0 "$(log_count outbox.doubt)" "doubts"

# bearerbox dies with an SMS in its hands: in doubt, sent again, and one that nobody had
# is not in doubt.
kill -STOP "$PID_bearerbox"
handed=$(log_count outbox.handed)
mail_to lmtp "$CLINIC" "+61412345679@$SMS_DOMAIN" >/dev/null
was_handed() { [ "$(log_count outbox.handed)" -gt "$handed" ]; }
wait_until was_handed || fail "not handed over"
stop_bearerbox KILL
bearerbox_with box
expect_sms +61412345679 '*/m/*' >/dev/null
expect_equal 1 "$(log_count outbox.doubt)" "doubts"
stop sealpostd
: >"$DIR/sealpostd.log"

# A name is not needed when tls-ca signs for nobody else; what is over is over.
sealpostd_with "${ca[@]}"
expect_log 'box.up .*kannel=secure .*tls=yes' >/dev/null
stop sealpostd bearerbox
: >"$DIR/sealpostd.log"
bearerbox_with old
refused +61412345673 'certificate: .*expired' "${ca[@]}" "${name[@]}"

# Not in clear when it does not speak TLS, nor when it begins and never ends.
stop bearerbox
start_mad
sealpostd_with "${ca[@]}" "${name[@]}"
expect_log 'box.lost .*kannel=secure .*no connection with TLS in time' >/dev/null
expect_equal 0 "$(wc -l <"$DIR/mad/mts.jsonl")" "SMS in clear"
stop_mad
start_mad "$BOX_PORT" --cert "$DIR/tls/box.pem" --key "$DIR/tls/box.key"
expect_log 'box.up .*kannel=secure .*tls=yes' >/dev/null
is_told() { [ "$(mad_mts +61412345673)" -ge 1 ]; }
wait_until is_told || fail "no SMS by the mad one"
