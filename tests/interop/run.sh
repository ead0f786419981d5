#!/bin/bash
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2317 # functions are called through check
# run.sh - other makers' JOSE tools open what we seal, and we open what they seal.
# Here:       npm jose, latchset jose, WebCrypto in Chromium; "ok NAME" or "not ok NAME".
# Elsewhere:  our end of it (jwe_tool.c), the rules of the format (tests/unit/test_jwe.c).
# Called by:  make check; by hand: tests/interop/run.sh build/plain/jwe_tool
# Needs `npm ci` in tests/ once, and no network after that. Exit 1 when anything fails.
set -u

here=$(cd "$(dirname "$0")" && pwd)
tool=$(realpath "${1:-${SEALPOST_BUILD:-$here/../../build/plain}/jwe_tool}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

[ -x "$tool" ] || { echo "not ok interop: there is no $tool"; exit 1; }
[ -d "$here/../node_modules/jose" ] || { echo "not ok interop: run npm ci in tests/"; exit 1; }
cd "$work" || exit 1

# check NAME COMMAND...
check() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        echo "ok $name"
    else
        printf 'not ok %s\n%s\n' "$name" "$out"
        failed=1
    fi
}

# latchset chooses P-521 when no curve is named.
latchset_prepare() {
    printf 'Your results are in' >plain
    "$tool" keygen ec ours.pem ours.jwk || return
    for name in a b; do
        jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o "$name.jwk" &&
            jose jwk pub -i "$name.jwk" -o "$name.pub" || return
    done
}

# latchset_opens FORM KEY... - each private key opens what we seal to all of them.
latchset_opens() {
    local form=$1
    shift
    "$tool" seal "$form" plain sealed "${@/%/.pub}" || return
    for name in "$@"; do
        jose jwe dec -i sealed -k "$name.jwk" -O opened && cmp plain opened || return
    done
}

we_open() { "$tool" open ours.pem sealed opened && cmp plain opened; }

header_beside='{"header":{"alg":"ECDH-ES+A256KW"}}'
sealed_a256gcm='{"protected":{"enc":"A256GCM"}}'

latchset_flattened() {
    jose jwe enc -i "$sealed_a256gcm" -r "$header_beside" -I plain -k ours.jwk -o sealed && we_open
}

latchset_general() {
    local kid
    kid=$(jose jwk thp -i ours.jwk) || return
    jose jwe enc -i "$sealed_a256gcm" -I plain -o sealed \
        -r "$header_beside" -k a.pub \
        -r "{\"header\":{\"alg\":\"ECDH-ES+A256KW\",\"kid\":\"$kid\"}}" -k ours.jwk && we_open
}

latchset_compact() {
    jose jwe enc -i '{"protected":{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}}' -c \
        -I plain -k ours.jwk -o sealed && we_open
}

check "latchset: keys" latchset_prepare
check "latchset opens our general JSON to one" latchset_opens general a
check "latchset opens our general JSON to two" latchset_opens general a b
check "latchset opens our compact form" latchset_opens compact a
check "latchset opens our intermediate form" latchset_opens window a
check "we open latchset's flattened form" latchset_flattened
check "we open latchset's general JSON to two" latchset_general
check "we open latchset's compact form" latchset_compact
for script in jose browser; do # each tells of its own checks
    node "$here/$script.mjs" "$tool" || { echo "not ok $script.mjs"; failed=1; }
done
exit "$failed"
