// SPDX-License-Identifier: ISC
// view_key.js - the moment in which this phone makes its key, and what can go wrong.
// Here:       the words; the name that this phone gets in the list.
// Elsewhere:  the keys (keys.js), the registration (session.js).
// Called by:  main.js, when the number is proven.
import { button, el, show, title } from './dom.js';
import { t } from './i18n.js';
import { kindOf, problemText } from './view_problem.js';

/** @param {App} app */
export function keyView(app) {
  title(t('key.title'), app.owner());
  show(el('h1', {}, t('key.title')), el('p', { class: 'wait' }, t('key.making')),
    el('p', { class: 'dim' }, t('key.explained')));
}

/** @param {App} app @param {unknown} error @param {() => any} again
 *  @param {() => any} [without] goes on and keeps nothing */
export function keyFailedView(app, error, again, without) {
  const kind = kindOf(error) === 'too-many' ? 'key.too-many' : 'key.failed';
  const known = Boolean(without) || kindOf(error) === 'too-many';
  title(t('error.title'), app.owner());
  show(el('h1', {}, t(known ? `${kind}-title` : 'error.title')),
    el('p', {}, known ? t(kind) : problemText(error)),
    button(t('go.again'), again, 'main'), without && button(t('key.without'), without),
    button(t('go.start'), () => app.steps.otherNumber(), 'quiet'));
}

/** What this browser calls itself, roughly: the owner can change it. */
export function deviceLabel() {
  const agent = navigator.userAgent;
  /** @param {Array<[RegExp, string]>} table */
  const first = (table) => (table.find(([sign]) => sign.test(agent)) || ['', ''])[1];
  const browser = first([[/SamsungBrowser/, 'Samsung Internet'], [/Edg/, 'Edge'],
    [/OPR|Opera/, 'Opera'], [/Firefox|FxiOS/, 'Firefox'], [/CriOS|Chrome/, 'Chrome'],
    [/Safari/, 'Safari']]);
  const system = first([[/Android/, 'Android'], [/iPhone|iPod/, 'iPhone'], [/iPad/, 'iPad'],
    [/Windows/, 'Windows'], [/CrOS/, 'ChromeOS'], [/Mac OS/, 'Mac'], [/Linux/, 'Linux']]);
  if (!browser || !system) return browser || system || t('devices.unnamed');
  return t('devices.label', { browser, system }).replace(/[\u2068\u2069]/g, '');
}

/** How this page was opened. @param {boolean} shared */
export function deviceType(shared) {
  if (shared) return 'shared';
  const alone = window.matchMedia('(display-mode: standalone)').matches ||
    /** @type {any} */ (navigator).standalone === true;
  return alone ? 'installed' : 'browser';
}
