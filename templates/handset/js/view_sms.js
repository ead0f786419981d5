// SPDX-License-Identifier: ISC
// view_sms.js - the handset proves its number by an SMS that it sends itself.
// Here:       from which number, the link that writes the SMS, number and text for
//             copying; the page asks until the SMS is there.
// Elsewhere:  the other direction (view_code.js), the keys (view_key.js).
// Called by:  main.js, when a registration of direction handset begins.
import { registrationOtp } from './api.js';
import { button, el, field, fresh, more, put, say, show, title } from './dom.js';
import { t, timeText } from './i18n.js';
import { kindOf, problemText } from './view_problem.js';
import { overView } from './view_code.js';

const ASK_MS = 2000;

/** The SMS must name the number it comes from. @param {App} app */
export function smsNumberView(app) {
  const input = el('input', { type: 'tel', inputmode: 'tel', autocomplete: 'tel',
    name: 'tel', maxlength: 40, class: 'number', value: app.number });
  const region = app.info && app.info.region;
  const number = field(t('number.label'), input,
    t(region ? 'number.hint' : 'number.hint-plus'));
  title(t('sms.title'), app.owner());
  const go = button(t('go.on'), async () => {
    app.number = input.value.trim();
    if (app.number.replace(/\D/g, '').length < 5) {
      number.wrong(t('number.missing'));
      return;
    }
    number.wrong('');
    try {
      await app.steps.beginSms({ number: app.number });
    } catch (error) {
      if (kindOf(error) === 'bad-number') number.wrong(t('number.bad'));
      else say(problemText(error));
    }
  }, 'main');
  input.addEventListener('keydown', (event) => { if (event.key === 'Enter') go.click(); });
  show(el('h1', {}, t('sms.number-title')), number.box, go,
    button(t('go.back'), () => app.steps.otherNumber(), 'quiet'));
}

/** Safari on a telephone wants an ampersand. @param {string} to @param {string} text */
function smsLink(to, text) {
  const mark = /iPhone|iPad|iPod/.test(navigator.userAgent) ? '&' : '?';
  return `sms:${to}${mark}body=${encodeURIComponent(text)}`;
}

/** @param {App} app @param {Pending} pending */
export function smsView(app, pending) {
  const to = pending.sms_to || '';
  const text = (pending.sms_text || '').replace('{otp}', pending.otp || '');
  title(t('sms.title'), app.owner());
  const waiting = el('p', { class: 'wait' }, t('sms.waiting'));
  show(el('h1', {}, t('sms.title')), el('p', {}, t('sms.lead')),
    el('ol', { class: 'steps' }, ['1', '2', '3'].map(
      (step) => el('li', {}, t(`sms.step-${step}`)))),
    el('a', { class: 'button main', href: smsLink(to, text) }, t('sms.open')),
    el('p', { class: 'hint' }, t('sms.price')),
    more(t('sms.by-hand'), copied(t('sms.to'), to),
      copied(t('sms.text'), text)),
    waiting,
    el('p', { class: 'hint' }, t('sms.until', { time: timeText(pending.expires) })),
    button(t('code.other-number'), () => app.steps.otherNumber(), 'quiet'));
  ask(app, pending, waiting);
}

/** A line with a button that copies it. @param {string} name @param {string} text */
function copied(name, text) {
  const id = fresh('copy');
  const copy = button(t('sms.copy'), async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(t('sms.copied'));
    } catch (forbidden) {
      say(t('sms.copy-failed'));
    }
  }, 'plain', { 'aria-describedby': id });
  return el('div', { class: 'copy' },
    el('div', { id }, el('span', { class: 'dim' }, name), ' ',
      el('code', { dir: 'ltr' }, text)), copy);
}

/** Until it came, or its time is over, or the page is another. @param {App} app
 *  @param {Pending} pending @param {HTMLElement} sign */
function ask(app, pending, sign) {
  const again = () => { if (document.contains(sign)) setTimeout(once, ASK_MS); };
  const once = async () => {
    if (!document.contains(sign)) return;
    try {
      const answer = await registrationOtp(pending.registration,
        { otp: pending.otp || '', number: pending.of.number });
      if (!document.contains(sign)) return;
      if (!answer.proven) {
        again();
        return;
      }
      put(sign, t('sms.came'));
      app.steps.proven();
    } catch (error) {
      if (!document.contains(sign)) return;
      if (kindOf(error) === 'registration-closed') overView(app);
      else if (kindOf(error) === 'number-mismatch') {
        smsNumberView(app);
        say(t('sms.mismatch'));
      } else again(); // no connection, or a busy server
    }
  };
  once();
}
