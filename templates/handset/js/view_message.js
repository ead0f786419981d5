// SPDX-License-Identifier: ISC
// view_message.js - one message: who, what, until when, and an answer to it.
// Here:       the page, the answer box, keeping, removing.
// Elsewhere:  text and links (view_text.js), files (view_parts.js), the appointment
//             (view_appointment.js), opening it (session.js).
// Called by:  main.js for #message/ID.
import { NoStorage } from './db.js';
import { button, confirmed, el, failed, field, put, say, show, tick, title } from './dom.js';
import { dayText, momentText, t, timeText } from './i18n.js';
import { JweError } from './jwe.js';
import { senderTile } from './view_frame.js';
import { kindOf, problemText } from './view_problem.js';
import { clean, textBlock } from './view_text.js';

const DAY_S = 86400;

/** @param {App} app @param {string} id */
export async function messageView(app, id) {
  title(t('message.title'), app.owner());
  show(back(), el('h1', {}, t('message.title')),
    el('p', { class: 'wait' }, t('message.opening')));
  let message;
  try {
    message = await app.session.open(id);
  } catch (error) {
    if (app.here() === `message/${id}`) unopened(app, error);
    return;
  }
  if (app.here() !== `message/${id}`) return; // the reader went on meanwhile
  const { manifest } = message;
  if (!manifest) {
    unopened(app, new JweError('broken'));
    return;
  }
  show(back(),
    el('h1', { dir: 'auto' }, clean(manifest.subject) || t('inbox.no-subject')),
    from(app, manifest),
    appointment(app, message),
    body(manifest),
    parts(app, manifest),
    replyBlock(app, message),
    keepBlock(app, message));
}

/** @param {App} app @param {import('./types').Message} message */
function appointment(app, message) {
  return message.manifest && message.manifest.appointment && whenLoaded(async () => {
    const { appointmentBlock } = await import('./view_appointment.js');
    return appointmentBlock(app, message);
  });
}

/** @param {App} app @param {import('./types').Manifest} manifest */
function parts(app, manifest) {
  return manifest.parts.length > 0 && whenLoaded(async () => {
    const { partsBlock } = await import('./view_parts.js');
    return partsBlock(app, manifest);
  });
}

/** What most messages do not have is loaded when one does.
 *  @param {() => Promise<HTMLElement|null>} load */
function whenLoaded(load) {
  const place = el('div');
  load().then((block) => put(place, block), failed);
  return place;
}

function back() {
  return el('a', { class: 'back', href: '#messages' }, t('message.back'));
}

/** @param {App} app @param {unknown} error */
function unopened(app, error) {
  const gone = kindOf(error) === 'gone';
  const kind = gone ? 'message.gone' : 'message.broken';
  if (!gone && !(error instanceof JweError)) {
    show(back(), el('h1', {}, t('error.title')), el('p', {}, problemText(error)),
      button(t('go.again'), () => app.restart(), 'main'));
    return;
  }
  show(back(), el('h1', {}, t(`${kind}-title`)), el('p', {}, t(kind)));
}

/** @param {App} app @param {any} manifest */
function from(app, manifest) {
  const { brand, address } = manifest.from;
  return el('div', { class: 'from' }, senderTile(manifest.from),
    el('div', {},
      el('p', {}, el('strong', { dir: 'auto' }, brand || address)),
      brand && address && el('p', { class: 'dim' }, el('bdi', {}, address)),
      el('p', { class: 'dim' }, momentText(manifest.date))));
}

/** @param {any} manifest */
function body(manifest) {
  if (!manifest.text) {
    return manifest.appointment ? null
      : el('div', { class: 'card' }, el('p', { class: 'dim' }, t('message.empty')));
  }
  return el('div', { class: 'card' }, textBlock(manifest.text, manifest.language),
    manifest.text_cut && el('p', { class: 'dim' }, t('message.cut')));
}

/** What is written stays when it could not be sent. @param {App} app
 *  @param {any} message */
function replyBlock(app, message) {
  const { brand, address } = message.manifest.from;
  const input = el('textarea', { rows: 4, maxlength: 20000, dir: 'auto' });
  const box = field(t('reply.label'), input,
    t('reply.urgent'));
  const state = el('p', { role: 'status' });
  const sent = el('div', {}, message.replies.map(
    (/** @type {any} */ { at, text }) => sentBlock(at, text)));
  const send = button(t('reply.send'), async () => {
    if (!input.value.trim()) {
      box.wrong(t('reply.empty'));
      return;
    }
    box.wrong('');
    put(state, t('reply.sending'));
    try {
      await app.session.reply(message.id, { text: input.value });
      sent.appendChild(sentBlock(Date.now() / 1000, input.value));
      put(state, '✓ ', t('reply.sent', { time: timeText(Date.now() / 1000) }));
      input.value = '';
    } catch (error) {
      put(state);
      box.wrong(`${problemText(error)} ${t('reply.failed')}`);
    }
  }, 'main');
  return el('section', { 'aria-labelledby': 'reply-title' },
    el('h2', { id: 'reply-title' }, t('reply.title', { brand: brand || address })), sent, box.box, send, state);
}

/** What was answered since the page was loaded. @param {number} at @param {string} text */
function sentBlock(at, text) {
  return el('div', { class: 'card sent' },
    el('p', { class: 'hint' }, t('reply.yours', { time: timeText(at) })),
    el('p', { class: 'text', dir: 'auto' }, text));
}

/** Keeping and removing. @param {App} app @param {any} message */
function keepBlock(app, message) {
  const kept = app.session.isShared() ? null : tick(t('keep.label'), t('keep.hint'), message.kept,
    async (on) => {
      try {
        await (on ? app.session.keep(message.id) : app.session.unkeep(message.id));
        say(t(on ? 'keep.on' : 'keep.off'));
      } catch (error) {
        /** @type {any} */ (kept).input.checked = !on;
        say(error instanceof NoStorage ? t('keep.failed') : problemText(error));
      }
    });
  return el('section', {}, kept && kept.box,
    el('p', { class: 'dim' }, deletedText(message)),
    button(t('remove.button'), () => remove(app, message.id), 'danger'));
}

/** @param {any} message */
function deletedText(message) {
  const left = message.expires - Date.now() / 1000;
  if (left <= 0) return t('keep.deleted');
  if (left < DAY_S) return t('keep.deletes-today');
  return t('keep.deletes', { date: dayText(message.expires), n: Math.floor(left / DAY_S) });
}

/** @param {App} app @param {string} id */
async function remove(app, id) {
  if (!await confirmed(t('remove.ask'), t('remove.text'), t('remove.yes'))) return;
  await app.session.remove(id);
  app.go('messages');
  say(t('remove.done'));
}
