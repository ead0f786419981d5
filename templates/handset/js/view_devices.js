// SPDX-License-Identifier: ISC
// view_devices.js - the phones and computers that can read the owner's messages.
// Here:       the list, another name, removing one.
// Elsewhere:  leaving this one (view_settings.js).
// Called by:  view_settings.js.
import { button, confirmed, el, field, put, say } from './dom.js';
import { dateText, t } from './i18n.js';
import { problemText } from './view_problem.js';

const LABEL_BYTES = 60;

/** @param {App} app */
export function devicesBlock(app) {
  const place = el('div', {}, el('p', { class: 'wait' }, t('devices.loading')));
  draw(app, place);
  return el('section', { 'aria-labelledby': 'devices-title' },
    el('h2', { id: 'devices-title' }, t('devices.title')),
    el('p', { class: 'hint' }, t('devices.lead')), place);
}

/** @param {App} app @param {HTMLElement} place */
async function draw(app, place) {
  try {
    const devices = (await app.session.devices())
      .sort((a, b) => Number(b.this) - Number(a.this) || b.seen - a.seen);
    put(place, el('ul', { class: 'list' },
      devices.map((/** @type {any} */ device) => row(app, device, place))));
  } catch (error) {
    put(place, el('p', {}, problemText(error)),
      button(t('go.again'), () => draw(app, place)));
  }
}

/** @param {any} device */
function nameOf(device) { return device.label || t('devices.unnamed'); }

/** @param {App} app @param {any} device @param {HTMLElement} place */
function row(app, device, place) {
  const label = nameOf(device);
  const facts = [t('devices.since', { date: dateText(device.created) }),
    t('devices.seen', { date: dateText(device.seen) })];
  if (device.type === 'shared') facts.push(t('devices.shared'));
  if (device.type === 'program') facts.push(t('devices.program'));
  if (device.held) facts.push(t('devices.held'));
  const item = el('li', { class: 'card' });
  const rename = button(t('devices.rename'), () => renaming(app, device, item, place),
    'plain', { 'aria-label': t('devices.rename-of', { label }) });
  const revoke = device.this ? null : button(t('devices.revoke'),
    () => revoking(app, device, place), 'danger',
    { 'aria-label': t('devices.revoke-of', { label }) });
  put(item, el('p', {}, el('strong', {}, el('bdi', {}, label)), ' ',
    device.this && el('span', { class: 'mark' }, t('devices.this'))),
    facts.map((fact) => el('p', { class: 'hint' }, fact)),
    el('div', { class: 'row' }, rename, revoke));
  return item;
}

/** @param {App} app @param {any} device @param {HTMLElement} item
 *  @param {HTMLElement} place */
function renaming(app, device, item, place) {
  const input = el('input', { type: 'text', maxlength: LABEL_BYTES, dir: 'auto',
    value: device.label });
  const box = field(t('devices.name'), input);
  const save = button(t('devices.save'), async () => {
    const label = input.value.trim();
    if (new TextEncoder().encode(label).length > LABEL_BYTES) {
      box.wrong(t('devices.too-long'));
      return;
    }
    await app.session.label(device.id, label);
    await draw(app, place);
    say(t('devices.saved'));
  }, 'main');
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') save.click();
  });
  put(item, box.box, save, button(t('ask.no'), () => draw(app, place), 'quiet'));
  input.focus();
}

/** @param {App} app @param {any} device @param {HTMLElement} place */
async function revoking(app, device, place) {
  const label = nameOf(device);
  if (!await confirmed(t('devices.revoke-ask', { label }), t('devices.revoke-text'),
    t('devices.revoke'))) return;
  await app.session.revoke(device.id);
  await draw(app, place);
  say(t('devices.revoked', { label }));
}
