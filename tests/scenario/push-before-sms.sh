#!/bin/bash
# SPDX-License-Identifier: ISC
# push-before-sms.sh - who has the page on the phone is told by a push, without a word of
# the message in it, and gets an SMS only when that was not seen, or could not be sent.
set -eu
. "$(dirname "$0")/lib.sh"

PATIENT=+61412345678
write() { mail_to lmtp --body "$1" $CLINIC "$PATIENT@$SMS_DOMAIN" >/dev/null; }
notices() { sms_count $PATIENT '*/m/*'; }

start postfix bearerbox phone
services=("push-hosts = { \"localhost:$APP_PORT\" }" 'push-networks = { "127.0.0.0/8" }'
    "push-ca = \"$DIR/tls/cert.pem\"" 'notice-interval = "1s"')
start_sealpostd "${services[@]}" 'push-wait = "8s"'
start_push
write "the first"
register $PATIENT >/dev/null
expect_message 'the first*' >/dev/null
expect_equal 1 "$(notices)" "notices before the browser subscribed"

# Only the services that the operator knows, and only for itself.
expect_equal "400 urn:sealpost:push-host" "$(push_subscribe https://localhost:1/x)"
expect_equal "400 urn:sealpost:push-host" "$(push_subscribe http://localhost:$APP_PORT/x)"
expect_equal "404 urn:sealpost:gone" \
    "$(push_subscribe "$PUSH_URL/x" 00112233445566778899aabbccddeeff)"
expect_equal 204 "$(push_subscribe "$PUSH_URL/geheimnisvoll")"

# Told by push, fetched in time: no SMS.
write "the second"
said=$(expect_push geheimnisvoll)
expect_match '*"plain":"waiting","ttl":"8","urgency":"high","topic":"waiting"*' "$said"
expect_match "*\"audience\":\"$PUSH_URL\",\"subject\":\"mailto:postmaster@sms.clinic.example\"*" \
    "$said"
expect_message 'the second*' >/dev/null
expect_log 'outbox.dropped .*kind=notice why="nothing to say any more"' >/dev/null
expect_equal 1 "$(notices)" "notices when the push was seen"

# Not seen: the SMS comes, whatever happened to the server in between.
write "the third"
expect_push geheimnisvoll 2 >/dev/null
expect_equal 1 "$(notices)" "notices while the push has its time"
kill9 keeper
wait_restart
expect_sms $PATIENT '*/m/*' 2 >/dev/null
expect_message 'the third*' >/dev/null

# From here on an SMS that waits for its time would not come within the story.
stop sealpostd
start_sealpostd "${services[@]}" 'push-wait = "10min"'

# A subscription that the service does not know any more: the SMS goes at once, and the
# next message is not pushed.
push_answers 410
write "the fourth"
expect_push geheimnisvoll 3 >/dev/null
expect_sms $PATIENT '*/m/*' 3 >/dev/null
expect_log 'push.ended .*why="the push service does not know it any more"' >/dev/null
push_answers 201
write "the fifth"
expect_sms $PATIENT '*/m/*' 4 >/dev/null
expect_equal 3 "$(push_count)" "pushes"
message_ids >/dev/null

# A service that is down is tried for some seconds.
expect_equal 204 "$(push_subscribe "$PUSH_URL/wieder")"
push_answers 503
write "the sixth"
expect_push wieder 1 >/dev/null
push_answers 201
expect_push wieder 2 >/dev/null
expect_equal 4 "$(notices)" "notices when the second try was taken"
message_ids >/dev/null
stop push
write "the seventh"
DEADLINE=60 expect_sms $PATIENT '*/m/*' 5 >/dev/null

# Who wants none gets none.
start push
expect_equal 204 "$(push_subscribe none)"
write "the eighth"
expect_sms $PATIENT '*/m/*' 6 >/dev/null
expect_equal 5 "$(push_count)" "pushes"
expect_message 'the eighth*' >/dev/null

auth=$(sed -n 's/.*"auth":"\([^"]*\)".*/\1/p' "$DIR/story/push/browser.geheimnisvoll.json")
refute_on_disk geheimnisvoll wieder "$auth"
