#!/bin/bash
# SPDX-License-Identifier: ISC
# demo.sh - the tour that a newcomer takes first ends well, and leaves nothing behind.
set -eu
cd "$(dirname "$0")/../.."
out=$(contrib/demo/demo.sh 2>&1) || {
    printf '%s\n' "$out"
    exit 1
}
case $out in
    *"may my sister come along"* | *"sister come along"*) ;;
    *) printf 'the reply is not shown:\n%s\n' "$out" && exit 1 ;;
esac
dir=$(sed -n 's/^All of it runs below \([^,]*\),.*/\1/p' <<<"$out")
[ -n "$dir" ] && [ ! -e "$dir" ]
