#!/bin/bash
# SPDX-License-Identifier: ISC
# app-served.sh - what a phone's browser gets is what lies in this repository, byte by
# byte, and anybody can tell; a link says who sent something and to which number, before
# anything is proven, and following it costs nothing and changes nothing.
set -eu
. "$(dirname "$0")/lib.sh"

need curl:curl
PAGE=$REPO/templates/handset
PATIENT=+61412345678

# get PATH [OPTION...] - STATUS, HEAD (header lines without CR) and BODY (a file).
get() {
    local path=$1
    shift
    BODY=$DIR/story/body
    rm -f "$BODY"
    STATUS=$(curl -sS --path-as-is --cacert "$DIR/tls/cert.pem" -D "$DIR/story/head" \
        -o "$BODY" -w '%{http_code}' --max-time "$DEADLINE" "$@" "$PUBLIC_URL$path")
    HEAD=$(tr -d '\r' <"$DIR/story/head")
    [ -e "$BODY" ] || : >"$BODY"
}

# header NAME - of the answer; nothing when it is not there.
header() { sed -n "s/^$1: //Ip" <<<"$HEAD"; }

# expect_answer STATUS [TEXT] - of the last get.
expect_answer() {
    expect_equal "$1" "$STATUS" "status: $HEAD"
    [ $# -lt 2 ] || expect_equal "$2" "$(cat "$BODY")" "answer"
}

# A colour and a logo for one sender, none for another, whose name is nobody's business.
printf '%s\n' '<svg xmlns="http://www.w3.org/2000/svg" style="color:red">' \
    "$(printf '<g/>%.0s' {1..40})</svg>" >"$DIR/logo.svg"
LOGO=/brand/$(sha256sum "$DIR/logo.svg" | cut -c 1-16).svg
start postfix bearerbox phone
start_sealpostd 'operator = "Northside Group" operator-contact = "02 5550 0123"' \
    'notice-interval = 1s otp-direction = both' \
    'account eyes { brand = "Eyes \"R\" Us" senders = { "*@eyes.example" }' \
    'color = "#0A7D5C" logo = "logo.svg" }' \
    'account quiet { brand = "Hush Clinic" senders = { "*@quiet.example" }' \
    'color = "#123456" logo = "logo.svg" notice-brand = no }'

# -- the files

CSP="default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
media-src blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
require-trusted-types-for 'script'; trusted-types sealpost-worker"

type_of() {
    case $1 in
        *.html) echo 'text/html; charset=utf-8' ;;
        *.css) echo 'text/css; charset=utf-8' ;;
        *.js) echo 'text/javascript; charset=utf-8' ;;
        *.json) echo application/json ;;
        *.webmanifest) echo application/manifest+json ;;
        *.svg) echo image/svg+xml ;;
        *.png) echo image/png ;;
        *.webp) echo image/webp ;;
        *.yaml) echo application/yaml ;;
        *) fail "$1 is served?" ;;
    esac
}

# expect_headers WHAT - those that every answer about a file of the page has.
expect_headers() {
    case $1 in
        / | /,* | /m/* | /index.html* | /sw.js*)
            expect_equal "$CSP" "$(header Content-Security-Policy)" "$1: policy"
            ;;
        *)
            expect_equal "default-src 'none'" "$(header Content-Security-Policy)" \
                "$1: policy"
            ;;
    esac
    expect_equal no-cache "$(header Cache-Control)" "$1: Cache-Control"
    expect_equal nosniff "$(header X-Content-Type-Options)" "$1: X-Content-Type-Options"
    expect_equal no-referrer "$(header Referrer-Policy)" "$1: Referrer-Policy"
    expect_match 'max-age=*' "$(header Strict-Transport-Security)" "$1: transport"
    case $(header Content-Type) in
        text/html*)
            expect_equal same-origin "$(header Cross-Origin-Opener-Policy)" "$1: opener"
            expect_match 'otp-credentials=(self), *camera=()*geolocation=()*microphone=()*' \
                "$(header Permissions-Policy)" "$1: permissions"
            ;;
    esac
    expect_match '"*"' "$(header ETag)" "$1: ETag"
}

# expect_file PATH FILE - as it is, compressed, known already, and its head only.
expect_file() {
    local path=$1 file=$2 etag vary known
    get "$path"
    expect_answer 200
    cmp "$BODY" "$file" || fail "$path is not $file"
    expect_equal "$(type_of "$file")" "$(header Content-Type)" "$path"
    expect_equal '' "$(header Content-Encoding)" "$path: unasked"
    expect_headers "$path"
    etag=$(header ETag) vary=$(header Vary)

    get "$path" --head
    expect_answer 200
    expect_headers "$path, head"
    expect_equal "$(stat -c %s "$file")" "$(header Content-Length)" "$path: length"

    get "$path" -H 'Accept-Encoding: br, gzip;q=0.5' --compressed
    cmp "$BODY" "$file" || fail "$path unpacks to something else"
    if [ -n "$vary" ]; then expect_equal br "$(header Content-Encoding)" "$path"; fi

    get "$path" -H 'Accept-Encoding: br;q=0, gzip;q=0.5'
    expect_answer 200
    expect_headers "$path, compressed"
    expect_equal "$vary" "$(header Vary)" "$path: Vary of all codings"
    if [ "$(header Content-Encoding)" = gzip ]; then
        ZIPPED=$((ZIPPED + 1))
        expect_equal Accept-Encoding "$vary" "$path: Vary"
        gzip -dc "$BODY" | cmp - "$file" || fail "$path unpacks to something else"
        [ "$(stat -c %s "$BODY")" -lt "$(stat -c %s "$file")" ] || fail "$path grew"
        [ "$etag" != "$(header ETag)" ] || fail "$path: two codings, one tag"
    else
        expect_equal '' "$vary$(header Content-Encoding)" "$path: Vary"
        expect_equal "$etag" "$(header ETag)" "$path: one coding"
    fi

    known=$(header ETag)
    get "$path" -H 'Accept-Encoding: gzip' -H "If-None-Match: \"x\", W/$known"
    expect_answer 304 ''
    expect_headers "$path, known"
    expect_equal "$known$vary" "$(header ETag)$(header Vary)" "$path: of 304"
    get "$path" -H 'Accept-Encoding: gzip;q=0' -H "If-None-Match: $etag"
    expect_answer 304
    get "$path" -H "If-None-Match: \"other\""
    expect_answer 200
}

ZIPPED=0
cd "$PAGE"
names=$(find -- * -type f ! -name '*.ts' | LC_ALL=C sort)
for name in $names; do expect_file "/$name" "$name"; done
[ "$ZIPPED" -gt 0 ] || fail "nothing was compressed"
expect_file / index.html
expect_file /m/aaaabbbbccccdddd index.html
expect_file /m/cut-off index.html
get /index.html -X POST -d ''
expect_answer 405
expect_equal 'GET, HEAD' "$(header Allow)"

# -- their hash: three ways to the same one

hash=$(grep -v '^openapi.yaml$' <<<"$names" | xargs sha256sum | sha256sum | cut -c 1-64)
expect_equal "$hash" "$("$BUILD/sealpostctl" app hash "$PAGE")" "sealpostctl"
expect_equal "$hash" "$(cd "$REPO" && "$BUILD/sealpostctl" app hash)" "sealpostctl"
expect_equal "$hash" "$("$BUILD/sealpostctl" -c "$DIR/sealpost.conf" app hash)" "with -c"
get /app.json
expect_answer 200
expect_headers /app.json
expect_equal "{\"hash\":\"$hash\"," "$(head -n 1 "$BODY")" "app.json"
"$PYTHON" -c 'import json, sys
for name, sha256 in json.load(open(sys.argv[1]))["files"].items():
    print(sha256, "", name)' "$BODY" >"$DIR/story/sums"
sha256sum --check --strict --quiet "$DIR/story/sums"
expect_equal "$(grep -v '^openapi.yaml$' <<<"$names")" "$(cut -c 67- "$DIR/story/sums")"
cd "$REPO"
get /api/v1/app
sed -i 's/"push_key":"[A-Za-z0-9_-]\{87\}"/"push_key":POINT/' "$BODY"
expect_answer 200 "{\"operator\":\"Northside Group\",\"contact\":\"02 5550 0123\",\
\"hash\":\"$hash\",\"otp_digits\":6,\"directions\":[\"server\",\"handset\"],\
\"region\":\"AU\",\"push_key\":POINT}"
expect_equal no-store "$(header Cache-Control)" "Cache-Control of the API"

# -- nothing else is served

for path in /nothing.js /js /js/ /m/a/b /app.json/ /index.html/ /handset/index.html \
    /sms/en/otp.txt /brand/ /brand/0123456789abcdef.svg /brand/logo.svg; do
    get "$path"
    expect_answer 404 \
        '{"type":"urn:sealpost:gone","title":"There is no such thing here","status":404}'
done
for path in /js/../index.html /../sms/en/otp.txt /..%2fsms/en/otp.txt //index.html \
    /./index.html /%2e%2e/sms/en/otp.txt /js%2fmain.js /index.html%00.js \
    '/..\sms\en\otp.txt' /m/../index.html; do
    get "$path"
    expect_answer 400
done

# -- a link, before anything is proven

# notice_of SENDER NUMBER GLOB - a mail is sent; the token of the SMS like GLOB.
notice_of() {
    local sms
    mail "$1" "$2@$SMS_DOMAIN" "Results" "All is well"
    sms=$(expect_sms "$2" "$3")
    sed -n 's|.*/m/\([a-z2-7]*\).*|\1|p' <<<"$sms"
}

# expect_notice TOKEN BRAND COLOR LOGO ENDING WAITING - JSON values.
expect_notice() {
    get "/api/v1/notices/$1"
    expect_answer 200 "{\"operator\":\"Northside Group\",\"brand\":$2,\"color\":$3,\
\"logo\":$4,\"language\":\"en\",\"ending\":\"$5\",\"waiting\":$6}"
}

token=$(notice_of $CLINIC $PATIENT 'Northside Clinic: *')
expect_log 'message.notified' >/dev/null
said=$(wc -l <"$DIR/sealpostd.log")
for _ in 1 2 3; do
    expect_file "/m/$token" "$PAGE/index.html"
    expect_notice "$token" '"Northside Clinic"' null null 678 1
    expect_notice "${token^^}" '"Northside Clinic"' null null 678 1
done
expect_equal "$said" "$(wc -l <"$DIR/sealpostd.log")" "lines of the log"

for wrong in aaaabbbbccccdddd "${token:0:15}" "${token}a" "${token:0:15}1" 0 ''; do
    get "/api/v1/notices/$wrong"
    expect_answer 404 \
        '{"type":"urn:sealpost:gone","title":"There is no such thing here","status":404}'
done
get "/api/v1/notices/$token" -X POST -d ''
expect_answer 405
expect_equal GET "$(header Allow)"

# Another sender's message is newer: it is the one that is named, with its looks.
notice_of desk@eyes.example $PATIENT 'Eyes "R" Us: *' >/dev/null
expect_notice "$token" '"Eyes \"R\" Us"' '"#0a7d5c"' "\"$LOGO\"" 678 2
get "$LOGO"
expect_answer 200
cmp "$BODY" "$DIR/logo.svg"
expect_equal image/svg+xml "$(header Content-Type)"
expect_equal 'public, max-age=31536000, immutable' "$(header Cache-Control)"
expect_match "default-src 'none'; *sandbox" "$(header Content-Security-Policy)"
get "$LOGO" -H 'Accept-Encoding: gzip'
expect_equal gzip "$(header Content-Encoding)" "a logo"
gzip -dc "$BODY" | cmp - "$DIR/logo.svg"

# A name that is nobody's business stands in no SMS and on no page; the operator's does.
hush=$(notice_of desk@quiet.example +61400000123 'Northside Group: *')
expect_notice "$hush" null null null 123 1
refute_sms +61400000123 '*Hush*'
reply_sms +61400000123 STOP
expect_sms +61400000123 'Northside Group will send*' >/dev/null
refute_sms +61400000123 '*Hush*'
expect_notice "$hush" null null null 123 0

# All that was asked so far sent no SMS of its own; the link still does its work.
expect_equal 2 "$(sms_count $PATIENT)" "SMS to the patient"
register "$PATIENT" 1 >/dev/null
expect_notice "$token" '"Eyes \"R\" Us"' '"#0a7d5c"' "\"$LOGO\"" 678 2
expect_equal 2 "$(message_count)"
expect_notice "$token" '"Eyes \"R\" Us"' '"#0a7d5c"' "\"$LOGO\"" 678 0

# -- a page that could not be served is found before it is

cp -r "$REPO/templates" "$DIR/story/templates"
sed "s|^templates.*|templates = \"$DIR/story/templates\"|" "$DIR/sealpost.conf" \
    >"$DIR/story.conf"
"$BUILD/sealpostd" -t -c "$DIR/story.conf" >/dev/null
touch "$DIR/story/templates/handset/a b.js"
expect_match '*/handset/a b.js: a name here has letters,*' \
    "$(expect_exit 78 "$BUILD/sealpostd" -t -c "$DIR/story.conf" 2>&1)"
