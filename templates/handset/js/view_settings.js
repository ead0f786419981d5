// SPDX-License-Identifier: ISC
// view_settings.js - what the owner of this phone may choose, and what this page is.
// Here:       language, notifications, the home screen, leaving, about.
// Elsewhere:  the list of phones (view_devices.js), push itself (push.js).
// Called by:  main.js for #settings.
import { button, confirmed, el, more, say, show, tick, title } from './dom.js';
import { t, tWith } from './i18n.js';
import { pushStart, pushState, pushStop } from './push.js';
import { devicesBlock } from './view_devices.js';
import { languageField } from './view_frame.js';
import { deviceType } from './view_key.js';
import { pinned } from './worker.js';

/** @param {App} app */
export async function settingsView(app) {
  title(t('settings.title'), app.owner());
  const notify = app.session.isShared() ? null : await notifyBlock(app);
  const version = await pinned().catch(() => null) || (app.info && app.info.hash) || '';
  if (app.here() !== 'settings') return;
  show(el('h1', {}, t('settings.title')), languageField(app), notify,
    devicesBlock(app), !app.session.isShared() && installBlock(), !app.session.isShared() && leaveBlock(app),
    aboutBlock(version));
}

/** @param {App} app */
async function notifyBlock(app) {
  const key = app.info && app.info.push_key;
  const state = key ? await pushState() : 'none';
  const switched = tick(t('notify.label'), t('notify.hint'), state === 'on',
    async (on) => {
      try {
        await change(app, on);
      } catch (error) {
        say(t('notify.failed'));
      }
      switched.input.checked = await pushState() === 'on';
    });
  const none = state === 'denied' ? 'notify.denied' : 'notify.none';
  return el('section', { 'aria-labelledby': 'notify-title' },
    el('h2', { id: 'notify-title' }, t('notify.title')),
    state === 'on' || state === 'off' ? switched.box : el('p', {}, t(none)));
}

/** @param {App} app @param {boolean} on */
async function change(app, on) {
  const client = app.session.client();
  const key = app.info && app.info.push_key;
  if (!client || !key) return;
  if (!on) {
    await pushStop(client);
    say(t('notify.off'));
    return;
  }
  const state = await pushStart(client, key);
  say(t({ on: 'notify.on', off: 'notify.off', denied: 'notify.denied',
    none: 'notify.none' }[state]));
}

/** @type {any} Chrome's offer, when it made one */
let offer = null;

window.addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  offer = event;
});

function installBlock() {
  if (deviceType(false) === 'installed') return null;
  const ios = /iPhone|iPad|iPod/.test(navigator.userAgent);
  return el('section', { 'aria-labelledby': 'install-title' },
    el('h2', { id: 'install-title' }, t('install.title')),
    el('p', {}, t('install.text')), ios && el('p', {}, t('install.ios')),
    offer && button(t('install.button'), () => offer.prompt()));
}

/** @param {App} app */
function leaveBlock(app) {
  return el('section', { 'aria-labelledby': 'leave-title' },
    el('h2', { id: 'leave-title' }, t('leave.title')),
    el('p', { class: 'hint' }, t('leave.text')),
    button(t('leave.button'), async () => {
      if (await confirmed(t('leave.ask'), t('leave.text'), t('leave.button'))) {
        await app.leave();
      }
    }, 'danger'));
}

/** @param {string} version the hash of the page that this is: what is pinned, else what
 * the server has */
function aboutBlock(version) {
  return el('section', { 'aria-labelledby': 'about-title' },
    el('h2', { id: 'about-title' }, t('about.title')),
    more(t('about.protects-question'), ['1', '2', '3', 'not-1', 'not-2'].map(
      (name) => el('p', {}, t(`about.protects-${name}`)))),
    more(t('about.version-question'), el('p', {}, t('about.version')),
      el('p', {}, el('code', { dir: 'ltr', id: 'app-hash' }, version)),
      el('p', {}, tWith('about.version-check',
        { address: el('a', { href: '/app.json', dir: 'ltr' }, '/app.json') })),
      el('p', {}, t('about.program')), el('p', {}, t('about.licence'))));
}
