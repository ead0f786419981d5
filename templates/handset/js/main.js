// SPDX-License-Identifier: ISC
// main.js - starts the page and decides which view is shown.
// Here:       can this browser do it; language, link and device; the address (#...) and
//             its view; what the session tells.
// Elsewhere:  the steps before there is a device (view_start.js), the views, the state
//             of this phone (session.js).
// Called by:  index.html.
import { appInfo, noticeInfo } from './api.js';
import { get, put as keepPut } from './db.js';
import { failed, onFailure, say } from './dom.js';
import { languageStart, t } from './i18n.js';
import * as session from './session.js';
import { banners, frame } from './view_frame.js';
import { inboxDraw, inboxForget, inboxPull, inboxView } from './view_inbox.js';
import { messageView } from './view_message.js';
import { kindOf, problemText, problemView } from './view_problem.js';
import { stepsOf, strangerResume, strangerView } from './view_start.js';
import { heldView, waitView } from './view_wait.js';
import { updateTake, updateWaiting, workerStart } from './worker.js';

const HELD_MS = 30000;

/** @type {App} */
const app = {
  info: null,
  notice: null,
  token: (/^\/m\/([A-Za-z2-7]{16})$/.exec(location.pathname) || ['', ''])[1],
  number: '',
  language: '',
  shared: false,
  why: '',
  pending: null,
  steps: /** @type {any} */ (null),
  registered,
  strayLink: false,
  update: false,
  session,
  owner: () => (app.info || app.notice || { operator: '' }).operator,
  directions: () => (app.info ? app.info.directions : ['server']),
  here: () => location.hash.slice(1),
  go(to, instead) {
    const address = session.device() ? `/#${to}` : `${location.pathname}#${to}`;
    history[instead ? 'replaceState' : 'pushState'](null, '', address);
    route();
  },
  restart: start,
  async chooseLanguage(code) {
    app.language = code;
    await languageStart(code, 'en');
    inboxForget();
    if (session.device() && !session.isShared()) {
      await settle();
    }
    shown = '';
    route();
  },
  async leave() {
    app.why = session.isShared() ? 'shared' : 'left';
    await session.forget();
  },
  async takeUpdate() {
    if (await updateTake()) location.reload();
    else say(t('error.any'));
  },
};

// -- the address and its view

let shown = '';
/** The words of the page are there; nothing is drawn before. */
let speaking = false;

function route() {
  if (!speaking) return;
  const now = [location.pathname + location.hash, Boolean(session.device()),
    session.getStatus().held, app.why, app.pending && app.pending.registration].join();
  if (now === shown) return;
  shown = now;
  frame(app);
  if (!session.device()) strangerView(app);
  else if (session.getStatus().held) heldView(app);
  else deviceView();
}

function deviceView() {
  const [page, id] = app.here().split('/'); // of #message/ID
  if (page === 'message' && /^[0-9a-f]{32}$/.test(id || '')) messageView(app, id);
  else if (page === 'settings') settings().catch(failed);
  else inboxView(app);
}

async function settings() {
  const { settingsView } = await import('./view_settings.js');
  await settingsView(app);
}

// -- what the session tells

let drawing = false;

/** Many changes at once are drawn once. */
function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    inboxDraw(app);
  });
}

function listen() {
  session.on('messages', drawSoon);
  session.on('status', () => {
    if (!speaking) return;
    banners(app);
    drawSoon();
    if (session.device()) route();
  });
  session.on('lost', () => {
    app.why = session.isShared() ? 'shared' : 'lost';
    session.forget();
  });
  session.on('device', (device) => {
    inboxForget();
    if (device) app.why = '';
    else if (session.getStatus().started) app.go('', true);
  });
  window.addEventListener('popstate', route);
  window.addEventListener('hashchange', route);
  window.addEventListener('pagehide', () => {
    if (!session.isShared()) return;
    app.why = 'shared';
    session.leaveNow(); // and what a back button brings back shows nothing
  });
  window.addEventListener('online', lookAgain);
  window.addEventListener('offline', () => { if (speaking) banners(app); });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') lookAgain();
  });
  inboxPull(app);
  setInterval(() => { if (session.getStatus().held) lookAgain(); }, HELD_MS);
}

/** Quietly: what fails shows in the banner. */
async function lookAgain() {
  if (!speaking) return;
  banners(app);
  if (!session.device() || session.getStatus().lost) return;
  await session.refresh().catch(() => {});
  await lookForUpdate();
}

async function lookForUpdate() {
  if (session.isShared() || app.update) return;
  app.update = Boolean(await updateWaiting());
  if (app.update) banners(app);
}

// -- the start

/** What a phone of one's own gets beside its messages. */
async function settle() {
  if (!session.device() || session.isShared()) return;
  await workerStart();
  const client = session.client();
  const key = app.info && app.info.push_key;
  if (app.language) await keepPut('settings', 'language', app.language);
  const { pushCheck, pushWords } = await import('./push.js');
  await pushWords({ title: t('push.title'), body: t('push.body') });
  if (client && key) await pushCheck(client, key);
  await lookForUpdate();
}

/** There is a device: its messages; by a link, the one that is new. */
async function arrive() {
  const byLink = location.pathname !== '/';
  if (byLink) {
    history.replaceState(null, '', '/');
    waitView(app, 'inbox.looking');
  } else route();
  await session.refresh().catch(() => {});
  if (byLink && app.here() === '') {
    const unread = session.messages().filter(({ read }) => read === 0);
    app.strayLink = unread.length === 0 && Boolean(app.notice && app.notice.waiting > 0);
    app.go(unread.length === 1 ? `message/${unread[0].id}` : 'messages', true);
  }
  settle().catch(() => {}); // notifications and the home screen can wait
}

/** One message is shown at once. */
async function registered() {
  await session.refresh().catch(() => {});
  const messages = session.messages();
  const one = messages.length === 1 && session.getStatus().closed === 0;
  app.go(one ? `message/${messages[0].id}` : 'messages', true);
  settle().catch(() => {});
}

async function start() {
  const [saved, started, info, notice] = await Promise.all([
    get('settings', 'language').catch(() => ''), session.sessionStart(),
    appInfo().catch(() => null),
    app.token ? noticeInfo(app.token).catch((error) => error) : null]);
  app.info = info;
  app.notice = notice instanceof Error ? null : notice;
  await languageStart(app.language || saved, app.notice ? app.notice.language : 'en');
  speaking = true;
  frame(app);
  banners(app);
  if (started.device) {
    await arrive();
    return;
  }
  const failed = !info || (notice instanceof Error && kindOf(notice) !== 'gone');
  if (failed) problemView(app, info ? notice : new Error('no connection'));
  else {
    strangerResume(app);
    route();
  }
}

/** What cannot be done without. What is missing is told by index.html. */
function isAble() {
  return Boolean(window.isSecureContext && window.crypto && crypto.subtle &&
    window.indexedDB && 'fetch' in window);
}

app.steps = stepsOf(app);
onFailure((error) => say(problemText(error)));
if (isAble()) {
  listen();
  start().catch((error) => problemView(app, error));
} else {
  const late = document.querySelector('.late');
  if (late) late.classList.add('now');
}
