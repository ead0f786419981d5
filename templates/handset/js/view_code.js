// SPDX-License-Identifier: ISC
// view_code.js - the one-time password comes back: filled in by the browser, pasted, or
// typed.
// Here:       the field, its errors, a new code after a while, what to do without SMS.
// Elsewhere:  what starts a registration (view_welcome.js), the keys (view_key.js).
// Called by:  main.js, when a registration of direction server is pending.
import { Problem, registrationOtp } from './api.js';
import { button, el, field, more, put, say, show, title } from './dom.js';
import { t, tWith, timeText } from './i18n.js';
import { kindOf, problemText } from './view_problem.js';

const NEW_CODE_MS = 30000; // nobody is patient with an SMS before that

/** As the SMS has them, from a keyboard with other digits: ٠ is 0x660, ۰ 0x6f0, and
 *  ０ 0xff10. @param {string} text */
function plainDigits(text) {
  return text.replace(/[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g,
    (digit) => String(digit.charCodeAt(0) & 15)).replace(/\D/g, '');
}

/** @param {App} app @param {Pending} pending */
export function codeView(app, pending) {
  const n = pending.otp_digits;
  const input = el('input', { type: 'text', inputmode: 'numeric', class: 'code',
    autocomplete: 'one-time-code', name: 'code', maxlength: n * 4, spellcheck: 'false' });
  const code = field(t('code.label'), input);
  const go = button(t('go.on'), () => check(false), 'main');
  let asked = '';
  let stop = () => {};

  /** @param {boolean} byItself not while somebody still types */
  async function check(byItself) {
    const otp = plainDigits(input.value);
    if (otp.length !== n) {
      if (!byItself) code.wrong(t('code.short', { n }));
      return;
    }
    if (otp === asked) return; // it is on its way, or is known to be wrong
    asked = otp;
    code.wrong('');
    say(t('code.checking'));
    try {
      await registrationOtp(pending.registration, { otp });
    } catch (error) {
      refused(error);
      return;
    }
    stop();
    app.steps.proven();
  }

  /** @param {unknown} error */
  function refused(error) {
    const left = error instanceof Problem ? error.triesLeft : 0;
    const kind = kindOf(error);
    say();
    if (kind === 'otp-mismatch' && left > 0) {
      code.wrong(t('code.wrong', { n: left }));
      input.select();
    } else if (kind === 'otp-mismatch' || kind === 'registration-closed') {
      stop();
      overView(app);
    } else {
      asked = '';
      say(problemText(error));
    }
  }

  input.addEventListener('input', () => check(true));
  input.addEventListener('keydown', (event) => { if (event.key === 'Enter') go.click(); });
  title(t('code.title'), app.owner());
  show(el('h1', {}, t('code.title')), sentTo(app, pending), code.box, go,
    el('p', { class: 'hint' }, t('code.until', { time: timeText(pending.expires) })),
    again(app), noSms(),
    button(t('code.other-number'), () => app.steps.otherNumber(), 'quiet'));
  input.focus();
  stop = fromSms((otp) => {
    input.value = otp;
    check(true);
  });
}

/** @param {App} app @param {Pending} pending */
function sentTo(app, pending) {
  const { notice } = app;
  if (!pending.of.notice || !notice) {
    return el('p', {}, t('code.maybe', { n: pending.otp_digits }));
  }
  return el('p', {}, tWith('code.sent', { n: pending.otp_digits,
    ending: el('strong', {}, el('bdi', { dir: 'ltr' }, notice.ending)) }));
}

/**
 * WebOTP: the browser reads the SMS that names this page, after asking.
 * @param {(otp: string) => void} use
 * @returns {() => void} no more
 */
function fromSms(use) {
  if (!('OTPCredential' in window)) return () => {};
  const gone = new AbortController();
  const wish = /** @type {any} */ ({ otp: { transport: ['sms'] }, signal: gone.signal });
  navigator.credentials.get(wish).then((got) => {
    if (got) use(/** @type {any} */ (got).code);
  }, () => {}); // declined, or this page is over: it can be typed
  return () => gone.abort();
}

/** A new code, after a while. @param {App} app */
function again(app) {
  const place = el('div');
  setTimeout(() => put(place, button(t('code.new'), () => anew(app))), NEW_CODE_MS);
  return place;
}

/** @param {App} app */
async function anew(app) {
  try {
    await app.steps.again();
    say(t('code.new-sent'));
  } catch (error) {
    say(problemText(error));
  }
}

function noSms() {
  return more(t('code.none-question'), el('ul', {},
    ['wait', 'signal', 'number', 'again', 'call'].map(
      (name) => el('li', {}, t(`code.none-${name}`)))));
}

/** Too many tries, or too late. @param {App} app */
export function overView(app) {
  title(t('code.over-title'), app.owner());
  show(el('h1', {}, t('code.over-title')), el('p', {}, t('code.over')),
    button(t('code.new'), () => anew(app), 'main'),
    button(t('code.other-number'), () => app.steps.otherNumber(), 'quiet'));
}
