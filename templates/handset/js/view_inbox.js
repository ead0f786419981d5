// SPDX-License-Identifier: ISC
// view_inbox.js - the list of messages.
// Here:       rows, drawn in slices so that a thousand do not hold up an old phone; the
//             button and the pull that look for new ones; what is said when there is
//             nothing.
// Elsewhere:  what the list is (session.js), one message (view_message.js).
// Called by:  main.js for #messages.
import { button, byId, el, put, say, show, title } from './dom.js';
import { shortText, t } from './i18n.js';
import { senderTile } from './view_frame.js';
import { problemText } from './view_problem.js';
import { clean } from './view_text.js';

const SLICE = 40;
const PULL_PX = 90;

/** @type {ListView|null} */
let view = null;

/** Another language, another owner. */
export function inboxForget() { view = null; }

/** @returns {ListView} */
function viewMake() {
  const made = {
    list: el('ul', { class: 'list messages', 'aria-label': t('inbox.list') }),
    notes: el('div'),
    said: '',
    rows: new Map(),
    turn: 0,
    scrolled: 0,
  };
  made.list.addEventListener('click', () => { made.scrolled = window.scrollY; });
  return made;
}

/** @param {App} app */
export function inboxView(app) {
  title(t('nav.messages'), app.owner());
  view = view || viewMake();
  show(el('p', { id: 'pull', 'aria-hidden': 'true' }), el('h1', {}, t('inbox.title')),
    button(t('inbox.refresh'), () => lookNow(app)), view.notes, view.list);
  inboxDraw(app);
  window.scrollTo(0, view.scrolled);
  view.scrolled = 0;
}

/** The list changed: new rows, and those whose subject is known now. @param {App} app */
export function inboxDraw(app) {
  if (!view || !document.contains(view.list)) return;
  const { list, rows } = view;
  const messages = app.session.messages();
  const here = new Set(messages.map((message) => message.id));
  rows.forEach(({ row }, id) => {
    if (here.has(id)) return;
    list.removeChild(row);
    rows.delete(id);
  });
  view.turn += 1;
  list.hidden = messages.length === 0;
  notesDraw(app, view, messages.length === 0);
  slice(view, messages, 0, view.turn);
}

/** Only what is new is read aloud. @param {App} app @param {ListView} shown
 *  @param {boolean} none */
function notesDraw(app, shown, none) {
  const { closed, refreshed } = app.session.getStatus();
  const said = [closed, none, refreshed > 0, app.strayLink].join();
  if (said === shown.said) return;
  shown.said = said;
  const first = refreshed > 0 ? [el('p', {}, el('strong', {}, t('inbox.empty'))),
    el('p', {}, t('inbox.empty-hint'))] : el('p', { class: 'wait' }, t('inbox.looking'));
  put(shown.notes,
    app.strayLink && app.notice && el('p', { class: 'card note' },
      t('inbox.other-number', { ending: app.notice.ending })),
    closed > 0 && el('p', { class: 'card note' }, t('inbox.closed', { n: closed })),
    none && el('div', { class: 'card' }, first));
}

/** @param {ListView} shown @param {any[]} messages @param {number} at @param {number} turn */
function slice(shown, messages, at, turn) {
  if (shown.turn !== turn) return; // the list changed again
  const { list, rows } = shown;
  const end = Math.min(at + SLICE, messages.length);
  for (let i = at; i < end; i += 1) {
    const message = messages[i];
    const known = rows.get(message.id) || { row: el('li'), state: '' };
    const state = [message.state, message.read > 0, message.kept].join();
    if (known.state !== state) {
      known.state = state;
      fill(known.row, message);
    }
    rows.set(message.id, known);
    if (list.children[i] !== known.row) {
      list.insertBefore(known.row, list.children[i] || null);
    }
  }
  if (end < messages.length) requestAnimationFrame(() => slice(shown, messages, end, turn));
}

/** @param {HTMLElement} row @param {any} message */
function fill(row, message) {
  const { manifest } = message;
  const unread = !message.read && message.state !== 'broken';
  const sender = manifest ? manifest.from : { brand: '', address: '' };
  row.className = unread ? 'unread' : '';
  put(row, el('a', { class: 'item', href: `#message/${message.id}` },
    senderTile(sender),
    el('span', {},
      el('span', { class: 'about' },
        el('bdi', {}, sender.brand || sender.address),
        el('time', {}, shortText(manifest ? manifest.date : message.created))),
      el('span', { class: 'subject' },
        unread && el('span', { class: 'mark' }, t('inbox.new')), unread && ' ',
        el('bdi', {}, subjectOf(message))),
      message.kept && el('span', { class: 'dim' }, t('inbox.kept')))));
}

/** @param {any} message */
function subjectOf(message) {
  if (message.state === 'broken') return t('inbox.unreadable');
  return message.manifest ? clean(message.manifest.subject) || t('inbox.no-subject') : '…';
}

/** Asked for by its reader: he is told what came of it. @param {App} app */
async function lookNow(app) {
  say(t('inbox.looking'));
  try {
    const { fresh } = await app.session.refresh();
    say(fresh > 0 ? t('inbox.fresh', { n: fresh }) : t('inbox.nothing-new'));
  } catch (error) {
    say(problemText(error));
  }
}

/** Pulled down at its top, the list looks for new messages. @param {App} app */
export function inboxPull(app) {
  let from = -1;
  const sign = () => byId('pull');
  /** @param {number} px */
  const pulled = (px) => {
    sign().style.setProperty('height', `${Math.max(0, Math.min(px, PULL_PX) / 2)}px`);
    put(sign(), px > 0 && t(px < PULL_PX ? 'inbox.pull' : 'inbox.let-go'));
  };
  document.addEventListener('touchstart', (event) => {
    const one = event.touches.length === 1 && window.scrollY <= 0 && sign();
    from = one ? event.touches[0].clientY : -1;
  }, { passive: true });
  document.addEventListener('touchmove', (event) => {
    if (from >= 0 && sign()) pulled(event.touches[0].clientY - from);
  }, { passive: true });
  document.addEventListener('touchend', (event) => {
    const far = from >= 0 && event.changedTouches[0].clientY - from >= PULL_PX;
    from = -1;
    if (!sign()) return;
    pulled(0);
    if (far) lookNow(app);
  }, { passive: true });
}
