#!/bin/bash
# SPDX-License-Identifier: ISC
# appointment.sh - an invitation from the clinic's calendar program arrives as date and
# place, its cancellation as such; the patient's answer reaches the clinic.
set -eu
. "$(dirname "$0")/lib.sh"
export TZ=Australia/Sydney # the patient's

# invite METHOD SUMMARY START END - as calendar programs send it: words, and the
# calendar as an alternative; through Postfix.
invite() {
    "$PYTHON" - "$@" >"$DIR/story/mail.eml" <<'PYTHON'
import email.message, sys
method, summary, start, end = sys.argv[1:]
mail = email.message.EmailMessage()
mail["Subject"] = summary
mail.set_content("Please see the appointment.")
mail.add_alternative("\r\n".join((
    "BEGIN:VCALENDAR", "METHOD:" + method, "PRODID:-//clinic//EN", "VERSION:2.0",
    "BEGIN:VEVENT", "UID:visit-7@clinic.example", "SEQUENCE:0",
    "ORGANIZER;CN=\"Northside; Clinic\":mailto:clinic@clinic.example",
    "DTSTART;TZID=Australia/Adelaide:" + start, "DTEND;TZID=Australia/Adelaide:" + end,
    "SUMMARY:" + summary, "LOCATION:Room 7\\, MARKER-", " PLACE",
    "END:VEVENT", "END:VCALENDAR", "")), subtype="calendar",
    params={"method": method})
sys.stdout.buffer.write(mail.as_bytes())
PYTHON
    mail_to postfix --raw "$DIR/story/mail.eml" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
}

start postfix bearerbox phone sealpostd
invite REQUEST "Colposcopy" 20301203T093000 20301203T101500
register +61412345678 >/dev/null
expect_message $'Appointment: Colposcopy\nWhen: Tuesday 2030-12-03 10:00 AEDT to 10:45\nWhere: Room 7, MARKER-PLACE\n\nPlease see*' >/dev/null
invitation=$MESSAGE_ID
expect_match '*Part 1: * (text/calendar, *' "$(handset -v read "$MESSAGE_ID" 2>&1 >/dev/null)"
refute_on_disk Colposcopy MARKER-PLACE visit-7 >/dev/null

handset reply --answer accepted "$invitation" "I accept: Tuesday at ten" >/dev/null
expect_mail $'*\nSubject: Re: Colposcopy\n*\nI accept: Tuesday at ten*' >/dev/null
expect_exit 64 handset reply --answer perhaps "$invitation" "Perhaps" >/dev/null 2>&1

invite CANCEL "Colposcopy" 20301203T093000 20301203T101500
expect_message $'Cancelled: Colposcopy\nWhen: Tuesday 2030-12-03 10:00 AEDT*' >/dev/null

# What is no calendar is a part like others, and words without one have no answer.
"$PYTHON" - >"$DIR/story/mail.eml" <<'PYTHON'
import email.message, sys
mail = email.message.EmailMessage()
mail["Subject"] = "Broken"
mail.set_content("Broken calendar")
mail.add_attachment("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:soon\n", subtype="calendar",
                    filename="invite.ics")
sys.stdout.buffer.write(mail.as_bytes())
PYTHON
mail_to postfix --raw "$DIR/story/mail.eml" $CLINIC "+61412345678@$SMS_DOMAIN" >/dev/null
expect_message 'Broken calendar*' >/dev/null
expect_match '*Part 1: invite.ics (text/calendar, *' \
    "$(handset -v read "$MESSAGE_ID" 2>&1 >/dev/null)"
expect_exit 64 handset reply --answer declined "$MESSAGE_ID" "No" >/dev/null 2>&1
