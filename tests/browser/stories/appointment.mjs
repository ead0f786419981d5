// SPDX-License-Identifier: ISC
// appointment.mjs - an invitation is a card with three answers; the clinic gets the one
// that is tapped, in words; a cancellation says so.
import { read, register, toList } from '../flow.mjs';
import { wordsOf } from '../catalogue.mjs';
import { CLINIC, mailbox, phone, story, words } from '../lib.mjs';
import { deliver } from '../mails.mjs';

const calendar = (method, number, more = []) => ['BEGIN:VCALENDAR', 'VERSION:2.0',
  'PRODID:-//Clinic//Diary//EN', `METHOD:${method}`, 'BEGIN:VEVENT', 'UID:visit-1@clinic.example',
  'DTSTAMP:20261124T100000Z', `SEQUENCE:${method === 'CANCEL' ? 1 : 0}`,
  'DTSTART:20271124T100000Z', 'DTEND:20271124T103000Z', 'SUMMARY:Check of the knee',
  'LOCATION:Room 4\\, second floor', `ORGANIZER:mailto:${CLINIC}`,
  `ATTENDEE;RSVP=TRUE:mailto:${mailbox(number)}`, ...more,
  'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');

const invite = (number, method = 'REQUEST', more = []) => deliver({ from: CLINIC,
  to: mailbox(number), subject: method === 'REQUEST' ? 'Your appointment' : 'No appointment',
  text: `An appointment: ${method}.`, calendar: calendar(method, number, more), method });

async function appointment({ number, word, time, ...options }) {
  const one = await phone(options);
  await invite(number);
  await register(one, number);
  await read(one, 'Your appointment', 'Check of the knee');
  await one.sees('appointment.when');
  await one.page.getByText(time).first().waitFor();
  await one.page.getByText('Room 4, second floor').waitFor();
  await one.look('card');
  await one.press(`appointment.${word}`);
  if (word === 'no') {
    await one.look('ask');
    await one.page.getByRole('dialog').getByRole('button', { name: one.whole('appointment.no') }).click();
  }
  await one.sees('appointment.sent');
  await one.look('answered');
  const told = wordsOf(options.language || 'en')[`appointment.${word}-text`];
  await words.expect_mail(`*${told.split('{')[0]}*Check of the knee*`);

  await invite(number, 'CANCEL', ['STATUS:CANCELLED']);
  await toList(one);
  await one.press('inbox.refresh');
  await read(one, 'No appointment', 'Check of the knee');
  await one.sees('appointment.cancelled');
  await one.look('cancelled');
}

await story({}, async () => {
  await appointment({ number: '+61412345678', word: 'yes', time: /9:00\spm/ });
  await appointment({ number: '+61412345679', word: 'no', time: '11:00',
    language: 'de', size: 'desktop' });
  await appointment({ number: '+61412345670', word: 'move', time: /9:00\spm/,
    size: 'small' });
});
