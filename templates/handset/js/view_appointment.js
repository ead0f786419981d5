// SPDX-License-Identifier: ISC
// view_appointment.js - the appointment of a message, and its answers.
// Here:       when and where, in the zone of the appointment; yes, no, another time.
// Elsewhere:  what becomes of an answer (the server makes an iTIP reply of it).
// Called by:  view_message.js.
import { button, confirmed, el, put, say } from './dom.js';
import { dayText, t, timeText } from './i18n.js';
import { problemText } from './view_problem.js';

/** The word of the interface for each button.
 *  @type {{[word: string]: 'accepted'|'declined'|'tentative'}} */
const ANSWER = { yes: 'accepted', no: 'declined', move: 'tentative' };

/** Where the appointment is; nothing: told as the reader's own time. @param {any} a */
function zoneOf(a) { return /^(Etc\/)?(UTC|GMT)$/.test(a.zone) ? '' : a.zone; }

/** @param {any} a */
function whenText(a) {
  const zone = zoneOf(a);
  if (a.all_day) return t('appointment.all-day', { day: dayText(a.start, 'UTC') });
  const from = `${dayText(a.start, zone)}, ${timeText(a.start, zone)}`;
  if (!a.end || a.end <= a.start) return from;
  const same = dayText(a.start, zone) === dayText(a.end, zone);
  const to = same ? timeText(a.end, zone)
    : `${dayText(a.end, zone)}, ${timeText(a.end, zone)}`;
  return t('appointment.until', { from, to });
}

/** The zone is named where it is not the reader's own. @param {any} a */
function zoneText(a) {
  const zone = zoneOf(a);
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (a.all_day || !zone || zone === own) return '';
  return t('appointment.zone', { zone: zone.replace(/^.*\//, '').replace(/_/g, ' ') });
}

/** @param {App} app @param {import('./types').Message} message opened */
export function appointmentBlock(app, message) {
  const { manifest } = message;
  const a = manifest && manifest.appointment;
  if (!manifest || !a) return null;
  const off = a.method === 'CANCEL';
  const when = whenText(a);
  const zone = zoneText(a);
  const name = el('p', { class: off ? 'lead struck' : 'lead', dir: 'auto' },
    el('strong', {}, a.summary || t('appointment.title')));
  return el('section', { class: 'card', 'aria-labelledby': 'appointment-title' },
    el('h2', { id: 'appointment-title' }, t('appointment.title')),
    off && el('p', {}, el('strong', { class: 'mark' }, t('appointment.cancelled'))), name,
    el('dl', { class: 'facts' },
      el('dt', {}, t('appointment.when')),
      el('dd', { class: off && 'struck' }, when),
      zone && el('dd', {}, zone),
      a.location && [el('dt', {}, t('appointment.where')),
        el('dd', { dir: 'auto' }, a.location)]),
    a.description && a.description !== manifest.text &&
      el('p', { class: 'text', dir: 'auto' }, a.description),
    a.method === 'REQUEST' && answers(app, message, a, when));
}

/** @param {App} app @param {import('./types').Message} message
 *  @param {import('./types').Appointment} a @param {string} when */
function answers(app, message, a, when) {
  const place = el('p', { role: 'status' });
  const told = (/** @type {string} */ word) => put(place, '✓ ',
    t('appointment.sent', { answer: t(`appointment.${word}`) }));
  message.replies.forEach(({ answer }) => {
    const word = Object.keys(ANSWER).find((one) => ANSWER[one] === answer);
    if (word) told(word);
  });
  /** @param {string} word */
  const give = async (word) => {
    if (word === 'no' && !await confirmed(t('appointment.ask-no'),
      t('appointment.ask-no-text'), t('appointment.no'))) return;
    const summary = a.summary || t('appointment.title');
    try {
      await app.session.reply(message.id, { answer: ANSWER[word],
        text: t(`appointment.${word}-text`, { summary, when }) });
      told(word);
    } catch (error) {
      say(problemText(error));
    }
  };
  return el('div', { role: 'group', 'aria-label': t('appointment.answer') },
    el('div', { class: 'stack' }, Object.keys(ANSWER).map(
      (word) => button(t(`appointment.${word}`), () => give(word), 'plain'))),
    place);
}
