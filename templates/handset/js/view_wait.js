// SPDX-License-Identifier: ISC
// view_wait.js - pages on which there is nothing to do but wait.
// Here:       while the keys are made; a device that its number must hear of first.
// Elsewhere:  who waits and for what (view_start.js, main.js).
// Called by:  main.js.
import { button, el, show, title } from './dom.js';
import { t } from './i18n.js';

/** @param {App} app @param {string} what a name of the catalogue */
export function waitView(app, what) {
  title(t('app.name'), app.owner());
  show(el('h1', {}, t('key.title')), el('p', { class: 'wait' }, t(what)));
}

/** Registered by an SMS, which can be forged: the number is told first. @param {App} app */
export function heldView(app) {
  title(t('held.title'), app.owner());
  show(el('h1', {}, t('held.title')), el('p', {}, t('held.text')),
    button(t('held.again'), () => app.session.refresh(), 'main'));
}
