// SPDX-License-Identifier: ISC
// view_problem.js - what went wrong, in words that say what to do next.
// Here:       the words of a failed call, and the page for a failed start.
// Elsewhere:  what can fail (api.js).
// Called by:  main.js and the views.
import { Offline, Problem } from './api.js';
import { button, el, show, title } from './dom.js';
import { t } from './i18n.js';

/** The last word of its URN; '' of what the server did not say. @param {unknown} error */
export function kindOf(error) { return error instanceof Problem ? error.type : ''; }

/** @param {unknown} error */
export function problemText(error) {
  if (error instanceof Offline) return t('offline.error');
  switch (kindOf(error)) {
    case 'later':
      return t('error.later');
    case 'no-reply':
      return t('error.no-reply');
    case 'too-many':
      return error instanceof Problem && error.retryAfter > 0
        ? t('error.too-many-minutes', { n: Math.ceil(error.retryAfter / 60) })
        : t('error.too-many');
    default:
      return t('error.any');
  }
}

/** @param {App} app @param {unknown} error */
export function problemView(app, error) {
  title(t('error.title'), app.owner());
  show(el('h1', {}, t('error.title')), el('p', {}, problemText(error)),
    button(t('go.again'), () => app.restart(), 'main'));
}
