#!/bin/bash
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2317 # functions are called through check
# tests/lint/run.sh - the checks that keep the house. Prints "ok NAME" or "not ok NAME"
# and what is wrong; exits 1 when anything is.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0

# check NAME COMMAND...: a check finds nothing: its command prints nothing.
check() {
    local name=$1 out
    shift
    out=$("$@" 2>&1)
    if [ -z "$out" ]; then
        echo "ok lint $name"
    else
        printf 'not ok lint %s\n%s\n' "$name" "$out"
        failed=1
    fi
}

sources() {
    find plugin relay bdb contrib tests -path '*/node_modules' -prune -o \
        \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) -print | sort
}

# Arrows run one way: plugin -> relay -> bdb.
upward() {
    grep -nE '#[[:space:]]*include[[:space:]]*"(plugin|relay|contrib|tests)/' bdb/*.[ch]
    grep -nE '#[[:space:]]*include[[:space:]]*"(plugin|contrib|tests)/' relay/*.[ch] relay/keeper/*.[ch]
    grep -nE '#[[:space:]]*include[[:space:]]*"(bdb|contrib|tests)/' plugin/*.[ch]
}

# Store and private keys are the keeper's alone.
keeper_outside() {
    grep -nE '#[[:space:]]*include[[:space:]]*"(bdb|relay/keeper)/' relay/*.[ch] plugin/*.[ch]
}

# Doors see the core through relay.h, and what doors share: HTTP, mails, pure text tools.
door_headers() {
    grep -nE '#[[:space:]]*include[[:space:]]*"relay/' plugin/*.[ch] |
        grep -vE '"relay/(relay|http|http_out|compose|span|encode|utf8)\.h"'
}

# A door includes its own headers only: smtp_*.c smtp_*.h, never another door's; the box
# codec is bearerbox's own.
door_to_door() {
    local file door
    for file in plugin/*.c plugin/*.h; do
        door=$(basename "$file")
        door=${door%%[._]*}
        grep -nE '#[[:space:]]*include[[:space:]]*"plugin/' "$file" /dev/null |
            grep -vE "\"plugin/(${door}[_.]|plugins\.def)" |
            grep -vE '^plugin/(plugins\.c:|bearerbox\.c:.*"plugin/box_codec\.h)'
    done
}

db_outside() {
    grep -rnE '#[[:space:]]*include[[:space:]]*[<"]db\.h' plugin relay contrib
}

top_level() {
    git ls-files 2>/dev/null |
        grep -vE '^(plugin|relay|bdb|templates|tests|contrib|\.ci|\.github)/' |
        grep -vE '^(Makefile|README\.md|LICENSE|\.[^/]+)$'
}

licence_line() {
    local file
    sources | while read -r file; do
        head -n 1 "$file" | grep -q 'SPDX-License-Identifier: ISC' || echo "$file"
    done
}

# A function longer than a reader's sitting, a file longer than a newcomer's patience.
long_ones() {
    sources | grep -v '^tests/' | xargs awk '
        FNR == 1 { start = 0 }
        FNR == 901 { print FILENAME ": more than 900 lines" }
        /^\{/ { start = FNR }
        /^\}/ { if (start && FNR - start > 80) print FILENAME ":" start ": " FNR - start " lines"; start = 0 }'
}

left_open() {
    git ls-files '*.c' '*.h' '*.sh' '*.py' '*.mjs' 2>/dev/null | grep -v '^tests/lint/' |
        xargs grep -nE 'TODO|FIXME|XXX([^X]|$)' /dev/null |
        grep -vE 'XXXXXX|"XXX-'
}

format() {
    sources | grep -v '\.cc$' | xargs clang-format --dry-run 2>&1 | grep -E 'warning|error' |
        head -n 20
}

manuals() {
    local page
    for page in contrib/man/*.[1-8]; do
        mandoc -T lint -W warning "$page" 2>&1 | grep -vE 'referenced manual not found'
    done
}

shells() {
    git ls-files --cached --others --exclude-standard '*.sh' tests/run .ci/run |
        xargs shellcheck -x -S warning -P SCRIPTDIR -e SC2154
}

events_documented() {
    local event
    grep -rhoE 'LOG\([^,]+, *(full \? [^,]*, *)?"[a-z][a-z.-]*"' relay plugin |
        grep -oE '"[a-z][a-z.-]*"' | tr -d '"' | sort -u | while read -r event; do
        grep -qE "^\.It Sy ${event//./\\.}( |\$)" contrib/man/sealpostd.8 ||
            echo "event $event is not in sealpostd.8"
    done
}

check "arrows run one way" upward
check "store and keys are the keeper's" keeper_outside
check "doors see relay.h only" door_headers
check "no door includes another" door_to_door
check "db.h stays in bdb" db_outside
check "top level as agreed" top_level
check "licence line first" licence_line
check "functions and files of a size to read" long_ones
check "nothing left open" left_open
check "format" format
check "manual pages" manuals
check "shell scripts" shells
check "every event is in the manual" events_documented
exit "$failed"
