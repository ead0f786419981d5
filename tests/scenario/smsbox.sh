# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# smsbox.sh - Kannel's own HTTP interface, for stories that ask it beside Sealpost's.
# Here:       start and stop Debian's smsbox; who may send through it.
# Elsewhere:  bearerbox, which takes its messages (contrib/demo/neighbours.sh).
# Called by:  stories, after lib.sh.
#
# It reads a file of its own, DIR/kannel/smsbox.conf, which tells it where bearerbox is;
# bearerbox keeps its file and knows nothing of the users.

# start_smsbox [LINE...] - listens on SENDSMS_PORT. LINEs stand in its group = smsbox
# until one begins with "group": that and what follows are groups of their own, a
# blank line before each.
start_smsbox() {
    local line
    need smsbox:kannel
    {
        printf 'group = core\nsmsbox-port = %s\nadmin-port = %s\n' \
            "$BOX_PORT" "$ADMIN_PORT"
        printf 'admin-password = demo\n'
        printf '\ngroup = smsbox\nsmsbox-id = asked\nbearerbox-host = 127.0.0.1\n'
        printf 'sendsms-port = %s\nsendsms-interface = 127.0.0.1\n' "$SENDSMS_PORT"
        printf 'log-file = "%s/kannel/smsbox.log"\nlog-level = 1\n' "$DIR"
        for line in "$@"; do
            case $line in group*) printf '\n' ;; esac
            printf '%s\n' "$line"
        done
    } >"$DIR/kannel/smsbox.conf"
    spawn smsbox smsbox -v 4 "$DIR/kannel/smsbox.conf"
    wait_until smsbox_settled
    is_listening "$SENDSMS_PORT" ||
        fail "smsbox does not start: $(tail -n 5 "$DIR/smsbox.log" "$DIR/kannel/smsbox.log")"
}

smsbox_settled() { is_listening "$SENDSMS_PORT" || ! is_up smsbox; }

# stop_smsbox [SIGNAL]
stop_smsbox() { stop_spawned smsbox "${1:-TERM}"; }
