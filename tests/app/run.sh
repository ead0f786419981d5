#!/bin/bash
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2317 # functions are called through check
# run.sh - the page's modules: their types, their language, and what they do in Node.
# Here:       "ok NAME" or "not ok NAME", and what went wrong.
# Elsewhere:  the same modules in a browser, against the real server (tests/browser).
# Called by:  make check; by hand: tests/app/run.sh [TEST.test.mjs...]
# Needs `npm ci` in tests/ once, and build/plain/jwe_tool (SEALPOST_BUILD).
set -u

cd "$(dirname "$0")/../.." || exit 1
tsc=tests/node_modules/.bin/tsc
failed=0

die() { echo "not ok app: $*"; exit 1; }

[ -x "$tsc" ] || die "run npm ci in tests/"
[ -x "${SEALPOST_BUILD:-build/plain}/jwe_tool" ] || die "there is no jwe_tool: make check builds it"

# check NAME COMMAND... - it prints nothing and succeeds.
check() {
    local name=$1 out rc=0
    shift
    out=$("$@" 2>&1) || rc=$?
    if [ -z "$out" ] && [ "$rc" -eq 0 ]; then
        echo "ok app $name"
    else
        printf 'not ok app %s\n%s\n' "$name" "$out"
        failed=1
    fi
}

# run_file FILE - each of its tests in a line; all that Node says when one fails.
run_file() {
    local out name rc=0
    name=$(basename "$1" .test.mjs)
    out=$(timeout 120 node --test --test-reporter=tap "$1" 2>&1) || rc=$?
    sed -n "s/^ *\(not ok\|ok\) [0-9]* - \(.*\)/\1 app $name: \2/p" <<<"$out" | grep -v '\.mjs$'
    [ "$rc" -eq 0 ] || { printf '%s\n' "$out"; failed=1; }
}

if [ $# -eq 0 ]; then
    check "types" "$tsc" -p tests/app/tsconfig.json
    check "types of the service worker" "$tsc" -p tests/app/tsconfig.worker.json
    check "language, and no HTML of text" node tests/app/lint.mjs
    set -- tests/app/*.test.mjs
fi
for file in "$@"; do
    run_file "$file"
done
exit "$failed"
