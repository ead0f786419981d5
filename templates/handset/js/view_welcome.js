// SPDX-License-Identifier: ISC
// view_welcome.js - what the link of an SMS shows before the number is proven, and the
// page for those who come without a link.
// Here:       who sent something, what will happen, "Is this SMS real?", the number
//             field. Nothing is sent before the button is pressed.
// Elsewhere:  the code (view_code.js), the SMS of one's own (view_sms.js).
// Called by:  main.js.
import { button, el, field, more, say, show, tick, title } from './dom.js';
import { t, tWith } from './i18n.js';
import { kindOf, problemText } from './view_problem.js';

/** Digits that are not turned around. @param {string} text */
function digits(text) { return el('bdi', { dir: 'ltr', class: 'digits' }, text); }

/** The link's page. @param {App} app */
export function welcomeView(app) {
  const notice = app.notice;
  if (!notice) return numberView(app, 'gone');
  const heading = notice.brand ? t('welcome.title', { brand: notice.brand })
    : t('welcome.title-nobody');
  title(t('app.name'), app.owner());
  show(
    el('h1', {}, heading),
    el('p', { class: 'lead' },
      tWith(notice.waiting > 0 ? 'welcome.ending' : 'welcome.none',
        { ending: el('strong', {}, digits(notice.ending)) })),
    steps(app),
    starter(app, () => ({ notice: app.token })).all,
  );
  return undefined;
}

/** @param {App} app */
function steps(app) {
  const first = app.directions()[0] === 'server' ? ['welcome.step-1', 'welcome.step-2']
    : ['welcome.sms-step-1', 'welcome.sms-step-2'];
  return el('ol', { class: 'steps' },
    first.concat('welcome.step-3').map((name) => el('li', {}, t(name))));
}

/** @type {{[why: string]: string[]}} heading and text */
const WHY = {
  plain: ['number.title', 'number.lead'],
  gone: ['welcome.gone-title', 'welcome.gone'],
  lost: ['lost.title', 'lost.text'],
  left: ['leave.done-title', 'leave.done'],
  shared: ['shared.left-title', 'shared.left'],
};

/** Whoever used a borrowed phone goes now. @param {App} app @param {string[]} words */
function doneView(app, words) {
  title(t(words[0]), app.owner());
  show(el('h1', {}, t(words[0])), el('p', {}, t(words[1])),
    button(t('number.title'), () => {
      app.why = '';
      app.steps.otherNumber();
    }));
  return undefined;
}

/** The way without a link. @param {App} app @param {string} [why] of WHY */
export function numberView(app, why) {
  const words = WHY[why || 'plain'];
  if (why === 'shared') return doneView(app, words);
  const input = el('input', { type: 'tel', inputmode: 'tel', autocomplete: 'tel',
    name: 'tel', maxlength: 40, class: 'number', value: app.number });
  const region = app.info && app.info.region;
  const number = field(t('number.label'), input,
    t(region ? 'number.hint' : 'number.hint-plus'));
  title(t('number.title'), app.owner());
  const start = starter(app, () => {
    app.number = input.value.trim();
    if (app.number.replace(/\D/g, '').length < 5) {
      number.wrong(t('number.missing'));
      return null;
    }
    number.wrong('');
    return { number: app.number };
  }, (error) => {
    if (kindOf(error) !== 'bad-number') return false;
    number.wrong(t('number.bad'));
    return true;
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') start.go.click();
  });
  show(el('h1', {}, t(words[0])), el('p', {}, t(words[1])), number.box,
    el('p', { class: 'hint' }, t('number.alike')), start.all);
  return undefined;
}

/**
 * The one big button, the tick "shared", and the other way where it is offered.
 * @param {App} app
 * @param {() => ({notice?: string, number?: string}|null)} whose null: not known yet
 * @param {(error: unknown) => boolean} [taken] true: the view has shown it
 */
function starter(app, whose, taken) {
  const shared = tick(t('shared.label'), t('shared.hint'), app.shared,
    (on) => { app.shared = on; });
  /** @param {string} direction */
  const begin = async (direction) => {
    const of = whose();
    if (!of) return;
    say(t('welcome.sending'));
    try {
      await (direction === 'handset' ? app.steps.beginSms(of) : app.steps.begin(of));
    } catch (error) {
      if (!taken || !taken(error)) say(problemText(error));
      else say();
    }
  };
  const [first, other] = app.directions();
  const label = first === 'server' ? 'welcome.send-code' : 'welcome.send-sms';
  const go = button(t(label), () => begin(first), 'main');
  return { go,
    all: [go, el('p', { class: 'hint' }, t('welcome.free')), realQuestion(app), shared.box,
      other && button(t('welcome.or-sms'), () => begin(other), 'quiet')] };
}

/** What speaks for the SMS, and how to be sure. @param {App} app */
function realQuestion(app) {
  const { info, notice } = app;
  const operator = (info && info.operator) || (notice && notice.operator) || '';
  const brand = notice && notice.brand;
  const call = brand ? t('real.call', { brand }) : t('real.call-nobody');
  return more(t('real.question'),
    el('p', {}, t('real.operator', { operator }), ' ',
      brand && brand !== operator ? t('real.brand', { operator, brand }) : ''),
    notice && el('p', {}, tWith('real.ending', { ending: digits(notice.ending) })),
    el('ul', {}, ['app', 'pay', 'password', 'code'].map(
      (name) => el('li', {}, t(`real.${name}`)))),
    el('p', {}, el('strong', {}, call)),
    info && info.contact && el('p', {},
      tWith('real.contact', { operator, contact: el('bdi', {}, info.contact) })),
    el('p', {}, t('real.stop')));
}
