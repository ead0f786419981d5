// SPDX-License-Identifier: ISC
// sw.js - the service worker: a pinned version of the page, and notifications.
// Here:       all files of one version, each compared with its hash before it counts;
//             they are served until the person wants another version. Pushes.
// Elsewhere:  registering it, asking for another version (js/worker.js); the list of the
//             files and their hashes (/app.json, made by the server).
// Called by:  the browser. A classic worker: old browsers import no modules here.
//
// What it pins is the page. The browser replaces this file by itself when the server has
// another; the version that is pinned stays all the same.
'use strict';

/** @type {ServiceWorkerGlobalScope} */
const worker = /** @type {any} */ (self);

const PIN = 'app-pin'; // '/pin': the hash of what is served; '/next': of what could be
const BRANDS = 'brand'; // logos; their names change with their content
const BESIDE = ['/app.json', '/openapi.yaml'];
const LIST = '/app.json'; // in the cache of a version: its files and their hashes
const LATER = /^(lang\/(?!en\.)|icon-)/;

/** @typedef {{cache: Cache, files: {[name: string]: string}}} Version */

/** What the server says of the way and not of the file. */
const OF_THE_WAY = ['content-encoding', 'content-length', 'transfer-encoding', 'set-cookie',
  'connection', 'date', 'age', 'etag', 'vary'];

const appName = (/** @type {string} */ hash) => `app-${hash}`;

/** @param {'/pin'|'/next'} which @returns {Promise<string|null>} a hash */
async function pinGet(which) {
  const found = await (await caches.open(PIN)).match(which);
  return found ? found.text() : null;
}

/** @param {'/pin'|'/next'} which @param {string|null} hash */
async function pinSet(which, hash) {
  const cache = await caches.open(PIN);
  if (hash) await cache.put(which, new Response(hash));
  else await cache.delete(which);
}

/** @param {string} path @param {RequestCache} cache @returns {Promise<Response>} */
async function download(path, cache) {
  const response = await fetch(path, { cache, credentials: 'omit', mode: 'same-origin',
    redirect: 'error', referrerPolicy: 'no-referrer' });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

/** @param {ArrayBuffer|Uint8Array<ArrayBuffer>} bytes @returns {Promise<string>} */
async function hex(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => (byte + 256).toString(16).slice(1)).join('');
}

/** The hash of a version: of what sha256sum prints for its files.
 * @param {{[name: string]: string}} files */
function versionHash(files) {
  const lines = Object.keys(files).sort().map((name) => `${files[name]}  ${name}\n`);
  return hex(new TextEncoder().encode(lines.join('')));
}

/**
 * A file, when it is what the list says.
 * @param {string} name @param {string} wanted @param {RequestCache} from
 */
async function file(name, wanted, from) {
  const response = await download(`/${name}`, from);
  const bytes = await response.arrayBuffer();
  if (await hex(bytes) !== wanted) throw new Error(`${name} is not what app.json says`);
  const headers = new Headers(response.headers);
  OF_THE_WAY.forEach((header) => headers.delete(header));
  return new Response(bytes, { headers });
}

/** What the page has loaded already is not sent again: its hash tells that it is right.
 * @param {Version} version @param {string} name */
async function fileTake({ cache, files }, name) {
  const response = await file(name, files[name], 'force-cache')
    .catch(() => file(name, files[name], 'reload'));
  await cache.put(`/${name}`, response);
}

/** Other languages and big icons can wait until the page is used again; the language that
 * it has is here already.
 * @param {Version} version @param {string} name */
async function fileLater({ cache, files }, name) {
  try {
    await cache.put(`/${name}`, await file(name, files[name], 'only-if-cached'));
  } catch (error) {
    // it comes with the next look, or when it is asked for
  }
}

/** Every file, or none; but for those that can wait.
 * @param {string} hash @param {Version['files']} files @param {boolean} all */
async function filesTake(hash, files, all) {
  await caches.delete(appName(hash));
  const cache = await caches.open(appName(hash));
  try {
    if (!files['index.html']) throw new Error('no index.html');
    await Promise.all(Object.keys(files).map((name) => (
      !all && LATER.test(name) ? fileLater : fileTake)({ cache, files }, name)));
    await cache.put(LIST, new Response(JSON.stringify(files)));
  } catch (error) {
    await caches.delete(appName(hash));
    throw error;
  }
}

/** @param {string} hash @returns {Promise<Version|null>} */
async function version(hash) {
  const cache = await caches.open(appName(hash));
  const list = await cache.match(LIST);
  return list ? { cache, files: await list.json() } : null;
}

/** What could wait. @param {string} hash */
async function filesRest(hash) {
  const pinned = await version(hash);
  if (!pinned) return;
  const here = await Promise.all(Object.keys(pinned.files).map(async (name) =>
    (await pinned.cache.match(`/${name}`) ? '' : name)));
  await Promise.all(here.filter(Boolean).map((name) => fileTake(pinned, name)));
}

/** Only what is served, or could be, stays. */
async function tidy() {
  const good = [await pinGet('/pin'), await pinGet('/next')].map((hash) => appName(hash || ''));
  const old = (await caches.keys()).filter((name) => /^app-[0-9a-f]{64}$/.test(name) &&
    !good.includes(name));
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** Has the server another version? Then it is fetched, whole, and waits.
 * @returns {Promise<string|null>} its hash */
async function versionLook() {
  const { hash, files } = await (await download('/app.json', 'no-store')).json();
  if (await versionHash(files) !== hash) throw new Error('app.json contradicts itself');
  const pin = await pinGet('/pin');
  const other = hash === pin ? null : hash;
  if (other && other !== await pinGet('/next')) await filesTake(other, files, pin !== null);
  await pinSet('/next', other);
  await tidy();
  if (!other) await filesRest(hash);
  return other;
}

/** What waits is served from now on. @returns {Promise<boolean>} */
async function versionTake() {
  const next = await pinGet('/next') || await versionLook();
  if (!next) return false;
  await pinSet('/pin', next);
  await pinSet('/next', null);
  await tidy();
  return true;
}

worker.addEventListener('install', (event) => {
  event.waitUntil(pinGet('/pin').then((hash) => (hash ? true : versionTake())));
});

/** One after the other: two pages may ask. @type {Promise<any>} */
let last = Promise.resolve();

/** What the page asks for: {type: 'look'}, or {type: 'update'} because the person says so. */
worker.addEventListener('message', (event) => {
  const { type } = event.data || {};
  if (type !== 'look' && type !== 'update') return;
  /** @type {() => Promise<any>} */
  const job = type === 'look' ? versionLook : versionTake;
  const work = last.then(job).catch(() => null);
  last = work;
  event.waitUntil(work.then(async (answer) => {
    if (type === 'update') await worker.skipWaiting();
    event.ports[0].postMessage(answer);
  }));
});

// -- serving

/** A file that could wait is asked for: it has to be the one of the pinned version.
 * @param {Version} pinned @param {string} path */
async function late(pinned, path) {
  try {
    await fileTake(pinned, path.slice(1));
  } catch (error) {
    return path.startsWith('/lang/') ? pinned.cache.match('/lang/en.json') : undefined;
  }
  return pinned.cache.match(path);
}

/** @param {Request} request @param {string} path @returns {Promise<Response>} */
async function fromPin(request, path) {
  const hash = await pinGet('/pin');
  const pinned = hash && await version(hash);
  if (!pinned) return fetch(request);
  const found = await pinned.cache.match(path) ||
    (LATER.test(path.slice(1)) && pinned.files[path.slice(1)] && await late(pinned, path));
  return found || fetch(request);
}

/** @param {Request} request @param {string} path */
async function logo(request, path) {
  const cache = await caches.open(BRANDS);
  const found = await cache.match(path);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok) await cache.put(path, response.clone());
  return response;
}

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const path = url.pathname;
  if (request.method !== 'GET' || url.origin !== worker.location.origin ||
      path.startsWith('/api/') || BESIDE.includes(path)) return;
  if (path.startsWith('/brand/')) event.respondWith(logo(request, path));
  else if (path === '/' || path.startsWith('/m/')) {
    event.respondWith(fromPin(request, '/index.html'));
  } else event.respondWith(fromPin(request, path));
});

// -- notifications

/** The words were put there by the page, in the language that was chosen.
 * @returns {Promise<{title: string, body: string}>} */
function words() {
  const usual = { title: 'New private message', body: 'Tap to read it.' };
  return new Promise((resolve) => {
    const asked = indexedDB.open('sealpost');
    asked.onerror = () => resolve(usual);
    asked.onupgradeneeded = () => {
      if (asked.transaction) asked.transaction.abort();
    };
    asked.onsuccess = () => {
      const db = asked.result;
      const wanted = db.transaction('settings').objectStore('settings').get('push-words');
      const over = () => {
        db.close();
        resolve(wanted.result || usual);
      };
      wanted.onsuccess = over;
      wanted.onerror = over;
    };
  });
}

/** @returns {Promise<readonly WindowClient[]>} */
const pages = () => worker.clients.matchAll({ type: 'window', includeUncontrolled: true });

async function pushShow() {
  const { title, body } = await words();
  (await pages()).forEach((page) => page.postMessage({ type: 'push' }));
  await worker.registration.showNotification(title,
    { body, tag: 'message', icon: '/icon-192.png', badge: '/icon-192.png' });
}

/** A push says only that something is there. */
worker.addEventListener('push', (event) => { event.waitUntil(pushShow()); });

async function appShow() {
  const [page] = await pages();
  if (!page) {
    await worker.clients.openWindow('/');
    return;
  }
  page.postMessage({ type: 'open' });
  await page.focus();
}

worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(appShow());
});

/** The server hears of the new subscription from the page, when that is next opened
 * (pushCheck): the call wants a proof. */
worker.addEventListener('pushsubscriptionchange', (event) => {
  const { oldSubscription } = /** @type {any} */ (event);
  if (!oldSubscription) return;
  /** @type {ExtendableEvent} */ (event).waitUntil(
    worker.registration.pushManager.subscribe(oldSubscription.options));
});
