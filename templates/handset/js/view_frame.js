// SPDX-License-Identifier: ISC
// view_frame.js - what stands around every page: header, banners, footer, and the way
// out of a borrowed phone; an account's colour and logo.
// Here:       all of that.
// Elsewhere:  the page between them (the other views).
// Called by:  main.js; senderTile by the views that show a sender.
import { button, byId, el, field, put } from './dom.js';
import { language, languages, t } from './i18n.js';

/** Of a colour and white: WCAG's formula. @param {string} color #rrggbb */
function contrastToWhite(color) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(color.slice(at, at + 2), 16) / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
}

/** An account's colour, where white letters can be read on it.
 *  @param {HTMLElement} element @param {any} color */
function colour(element, color) {
  const fit = /^#[0-9a-fA-F]{6}$/.test(color || '') && contrastToWhite(color) >= 4.5;
  if (fit) element.style.setProperty('--brand', color);
  else element.style.removeProperty('--brand');
}

/** Logo or first letter; the name stands beside it. @param {any} sender brand, logo... */
export function senderTile(sender) {
  if (/^\/brand\/[^/]+$/.test(sender.logo || '')) {
    return el('img', { class: 'logo', src: sender.logo, alt: '' });
  }
  const name = sender.brand || sender.address || '?';
  const tile = el('span', { class: 'logo', 'aria-hidden': 'true' },
    (Array.from(name.trim())[0] || '?').toUpperCase());
  colour(tile, sender.color);
  return tile;
}

/** Header and footer. @param {App} app */
export function frame(app) {
  const { notice } = app;
  const brand = notice && !app.session.device() ? notice.brand : '';
  const owner = brand || app.owner() || t('app.name');
  colour(document.documentElement, notice && notice.color);
  const here = app.here();
  /** @param {string} to @param {string} name */
  const link = (to, name) => el('a',
    { href: `#${to}`, 'aria-current': here === to && 'page' }, t(name));
  byId('top').className = app.session.device() ? 'known' : '';
  put(byId('top'),
    el('div', { class: 'owner' },
      brand ? senderTile(notice) : el('img', { class: 'logo', src: '/icon.svg', alt: '' }),
      el('span', { dir: 'auto' }, owner)),
    app.session.device() && el('nav', { 'aria-label': t('app.menu') },
      link('messages', 'nav.messages'), link('settings', 'nav.settings')));
  const shared = app.session.isShared();
  document.body.className = shared ? 'shared' : '';
  put(byId('foot'), shared ? leave(app) : footer(app));
}

/** @param {App} app */
function footer(app) {
  const { info } = app;
  return [info && info.operator && el('p', {},
    t('about.operator', { operator: info.operator })),
  !app.session.device() && languageField(app)];
}

/** Each language in its own words. @param {App} app */
export function languageField(app) {
  const choice = el('select', { class: 'language' }, Object.keys(languages).map(
    (code) => el('option', { value: code, lang: code, selected: code === language() },
      languages[code])));
  choice.addEventListener('change', () => app.chooseLanguage(choice.value));
  return field(t('settings.language'), choice).box;
}

/** @param {App} app */
function leave(app) {
  return [button(t('shared.done'), () => app.leave(), 'main'),
    el('p', { class: 'hint' }, t('shared.done-hint'))];
}

/** What must be known on every page. @param {App} app */
export function banners(app) {
  put(byId('banners'),
    (app.session.getStatus().offline || navigator.onLine === false) && el('div', { class: 'banner', role: 'status' },
      el('p', {}, t('offline.banner'))),
    app.update && el('div', { class: 'banner', role: 'status' },
      el('p', {}, t('update.banner')),
      button(t('update.take'), () => app.takeUpdate())));
}
