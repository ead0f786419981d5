#!/bin/bash
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2317 # functions are called through check
# run.sh - other makers' JOSE tools open what we seal, and we open what they seal.
# Here:       latchset jose; then npm jose and WebCrypto in Chromium by their scripts.
#             "ok NAME" or "not ok NAME", and what went wrong.
# Elsewhere:  our end (jwe_tool.c), the rules of the format (tests/unit/test_jwe.c).
# Called by:  make check; by hand: tests/interop/run.sh [JWE_TOOL]
# Needs `npm ci` in tests/ once, and no network after that. Exit 1 when anything fails.
set -u

here=$(cd "$(dirname "$0")" && pwd)
tool=${1:-${SEALPOST_BUILD:-$here/../../build/plain}/jwe_tool}
script_limit_s=120

die() { echo "not ok interop: $*"; exit 1; }

[ -x "$tool" ] || die "there is no $tool"
[ -d "$here/../node_modules/jose" ] || die "run npm ci in tests/"
tool=$(realpath "$tool")
# The scripts and the browser put everything below it too, so that it goes when they
# are stopped; a trap for the signals makes bash wait for them first.
work=$(mktemp -d)
export TMPDIR=$work
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work" || exit 1
failed=0

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
    "$tool" keygen ec ours.pem ours.jwk && "$tool" keygen rsa rsa.pem rsa.jwk || return
    for name in a b c; do
        jose jwk gen -i '{"kty":"EC","crv":"P-256"}' -o "$name.jwk" &&
            jose jwk pub -i "$name.jwk" -o "$name.pub" || return
    done
}

latchset_thumbprint() {
    local kid
    kid=$(jose jwk thp -a S256 -i ours.jwk) && grep -F "\"kid\":\"$kid\"" ours.jwk
}

# they_open KEY... - with each of these private keys alone.
they_open() {
    for name in "$@"; do
        rm -f opened
        jose jwe dec -i sealed -k "$name.jwk" -O opened && cmp plain opened || return
    done
}

they_refuse() {
    ! jose jwe dec -i sealed -k "$1.jwk" -O opened || { echo "$1 opens it"; false; }
}

# To all of them, by each of them.
latchset_opens_general() {
    "$tool" seal plain binary "${@/%/.pub}" && "$tool" to-json binary sealed &&
        they_open "$@"
}

latchset_opens_own_part() {
    "$tool" seal plain binary a.pub rsa.jwk b.pub || return
    "$tool" to-json binary sealed b.pub && they_open b && they_refuse a
}

latchset_opens_window() {
    "$tool" window plain binary a.pub && "$tool" to-json binary sealed && they_open a
}

latchset_opens_compact() { "$tool" compact plain sealed a.pub && they_open a; }

we_open() { rm -f opened && "$tool" open ours.pem sealed opened && cmp plain opened; }

# they_seal PROTECTED [WORD...] - by latchset jose.
they_seal() {
    jose jwe enc -i "{\"protected\":$1}" -I plain -o sealed "${@:2}"
}

ecdh='"alg":"ECDH-ES+A256KW"' gcm='"enc":"A256GCM"'

latchset_flattened() {
    they_seal "{$gcm}" -r "{\"header\":{$ecdh}}" -k ours.jwk && we_open
}

latchset_general() {
    local kid
    kid=$(jose jwk thp -a S256 -i ours.jwk) &&
        they_seal "{$gcm}" -r "{\"header\":{$ecdh}}" -k a.pub \
            -r "{\"header\":{$ecdh,\"kid\":\"$kid\"}}" -k ours.jwk && we_open
}

latchset_compact() { they_seal "{$ecdh,$gcm}" -c -k ours.jwk && we_open; }

latchset_altered() {
    local sealed last
    they_seal "{$ecdh,$gcm}" -c -k ours.jwk && we_open || return
    sealed=$(<sealed)
    last=${sealed##*.} # the tag
    case $last in A*) last=B${last#?} ;; *) last=A${last#?} ;; esac
    printf '%s.%s' "${sealed%.*}" "$last" >sealed
    "$tool" refuse ours.pem sealed
}

# What npm's jose no longer makes.
latchset_otherwise() {
    they_seal "{$ecdh,$gcm,\"zip\":\"DEF\"}" -c -k ours.jwk &&
        "$tool" refuse ours.pem sealed &&
        they_seal "{\"alg\":\"RSA1_5\",$gcm}" -c -k rsa.jwk &&
        "$tool" refuse rsa.pem sealed
}

check "latchset: keys" latchset_prepare
check "latchset calculates our kid" latchset_thumbprint
check "latchset opens our general JSON to one" latchset_opens_general a
check "latchset opens our general JSON to three" latchset_opens_general a b c
check "latchset opens what one of three is given" latchset_opens_own_part
check "latchset opens our intermediate form" latchset_opens_window
check "latchset opens our compact form" latchset_opens_compact
check "we open latchset's flattened form" latchset_flattened
check "we open latchset's general JSON to two" latchset_general
check "we open latchset's compact form" latchset_compact
check "we refuse latchset's compact form, altered" latchset_altered
check "we refuse latchset's zip and RSA1_5" latchset_otherwise
for script in jose browser; do # each tells of its own checks
    timeout --foreground -k 5 "$script_limit_s" node "$here/$script.mjs" "$tool" ||
        { echo "not ok $script.mjs"; failed=1; }
done
exit "$failed"
