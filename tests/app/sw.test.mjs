// SPDX-License-Identifier: ISC
// sw.test.mjs - the service worker takes a version whole or not at all, and serves it.
// Here:       sw.js itself, among caches in memory and a server that may lie.
// Elsewhere:  the same in a browser (tests/browser).
import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import { runInNewContext } from 'node:vm';

const source = readFileSync(new URL('../../templates/handset/sw.js', import.meta.url), 'utf8');
const ORIGIN = 'https://m.example';
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

class Caches {
  constructor() { this.made = new Map(); }

  async open(name) {
    if (!this.made.has(name)) this.made.set(name, new Map());
    const map = this.made.get(name);
    return {
      match: async (path) => map.get(path)?.clone(),
      put: async (path, response) => { map.set(path, response); },
      delete: async (path) => map.delete(path),
    };
  }

  async delete(name) { return this.made.delete(name); }

  async keys() { return [...this.made.keys()]; }
}

let served, loaded, caches, listeners, asked, shown; // loaded: the browser's own cache

/** What the server has: names and texts, and the app.json of them. */
function serve(files, lie = {}) {
  const hashes = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)]));
  const lines = Object.keys(hashes).sort().map((name) => `${hashes[name]}  ${name}\n`);
  const hash = sha256(lines.join(''));
  served = { ...files, 'app.json': JSON.stringify({ hash, files: hashes }), ...lie };
  return hash;
}

async function fetchServed(request, { cache } = {}) {
  const path = new URL(request.url ?? request, ORIGIN).pathname;
  if (cache === 'only-if-cached' || cache === 'force-cache') {
    const text = loaded.get(path);
    if (text !== undefined) return new Response(text);
    if (cache === 'only-if-cached') throw new TypeError('not in the cache');
  }
  asked.push(path);
  const text = served[path === '/' || path.startsWith('/m/') ? 'index.html' : path.slice(1)];
  if (served.offline) throw new TypeError('no connection');
  if (text === undefined) return new Response('', { status: 404 });
  return new Response(text, { headers: { 'Content-Security-Policy': "default-src 'none'",
    'Content-Encoding': 'identity' } });
}

/** Runs sw.js as a browser would start it. */
function start() {
  listeners = {};
  const self = {
    addEventListener: (name, fn) => { listeners[name] = fn; },
    location: { origin: ORIGIN },
    skipWaiting: async () => {},
    clients: { matchAll: async () => [] },
    registration: { showNotification: async (...what) => { shown.push(what); } },
  };
  runInNewContext(source, { self, caches, fetch: fetchServed, crypto: webcrypto, Response, Headers,
    URL, TextEncoder, Uint8Array, Error, indexedDB: { open: () => {
      const request = {};
      setImmediate(() => request.onerror());
      return request;
    } } });
}

async function install() {
  let work;
  listeners.install({ waitUntil: (promise) => { work = promise; } });
  await work;
}

/** The page asks. @param type look or update */
async function ask(type) {
  let work, answer;
  listeners.message({ data: { type }, ports: [{ postMessage: (said) => { answer = said; } }],
    waitUntil: (promise) => { work = promise; } });
  await work;
  return answer;
}

const versions = async () => (await caches.keys()).filter((name) => /^app-[0-9a-f]/.test(name));

/** The text that a page gets, or null when the worker stays out of it. */
async function page(path, { method = 'GET', origin = ORIGIN } = {}) {
  let answer = null;
  listeners.fetch({ request: { method, url: origin + path }, respondWith: (given) => { answer = given; } });
  return answer && (await answer).text();
}

const first = { 'index.html': 'one', 'js/main.js': 'main one', 'sw.js': source };
const second = { 'index.html': 'two', 'js/main.js': 'main two', 'sw.js': source };

beforeEach(() => {
  caches = new Caches();
  asked = [];
  loaded = new Map();
  shown = [];
  start();
});

test('before anything is pinned the server serves', async () => {
  serve(first);
  assert.equal(await page('/'), 'one');
});

test('a pinned version is served without a connection, link or not', async () => {
  serve(first);
  await install();
  served = { offline: true };
  start();
  assert.equal(await page('/'), 'one');
  assert.equal(await page('/m/ABCDEFGHIJKLMNOP'), 'one');
  assert.equal(await page('/js/main.js'), 'main one');
});

test('the bounds of the page are pinned with it', async () => {
  serve(first);
  const hash = await (await install(), caches.made.get('app-pin').get('/pin').clone().text());
  const { headers } = caches.made.get(`app-${hash}`).get('/index.html');
  assert.equal(headers.get('Content-Security-Policy'), "default-src 'none'");
  assert.equal(headers.get('Content-Encoding'), null);
});

test('another version waits until the page says so, and needs no connection then', async () => {
  serve(first);
  await install();
  assert.equal(await ask('look'), null);
  const hash = serve(second);
  start();
  await install();
  assert.equal(await page('/'), 'one');
  assert.equal(await ask('look'), hash);
  assert.equal(await page('/'), 'one');
  served = { offline: true };
  assert.equal(await ask('update'), true);
  assert.equal(await page('/'), 'two');
  assert.deepEqual(await versions(), [`app-${hash}`]);
});

test('a version that the server took back is not offered any more', async () => {
  const hash = serve(first);
  await install();
  serve(second);
  await ask('look');
  serve(first);
  assert.equal(await ask('look'), null);
  assert.deepEqual(await versions(), [`app-${hash}`]);
  assert.equal(await ask('update'), false);
});

for (const [what, lie] of [['one file is another', { 'js/main.js': 'evil' }], ['one file is missing',
  { 'js/main.js': undefined }], ['the hash of all is wrong', { 'app.json': JSON.stringify({
  hash: 'f'.repeat(64), files: {} }) }], ['the list is no list', { 'app.json': '{}' }],
['the connection breaks', { offline: true }]]) {
  test(`when ${what} nothing is taken, and the old version stays`, async () => {
    serve(first, lie);
    await assert.rejects(install());
    assert.deepEqual(await versions(), []);
    serve(first);
    await install();
    serve(second, lie);
    assert.equal(await ask('look'), null);
    assert.equal(await ask('update'), null);
    assert.equal(await page('/'), 'one');
    assert.equal((await versions()).length, 1);
  });
}

test('what the page has loaded is not sent again, unless it is wrong', async () => {
  serve(first);
  loaded.set('/index.html', 'one').set('/js/main.js', 'an older one');
  await install();
  assert.deepEqual(asked.sort(), ['/app.json', '/js/main.js', '/sw.js']);
  assert.equal(await page('/js/main.js'), 'main one');
});

const languages = { ...first, 'lang/en.json': '{"in":"en"}', 'lang/de.json': '{"in":"de"}',
  'lang/fr.json': '{"in":"fr"}' };

test('the other languages wait for the next look', async () => {
  serve(languages);
  loaded.set('/lang/de.json', languages['lang/de.json']);
  await install();
  assert.ok(asked.includes('/lang/en.json'));
  assert.ok(!asked.includes('/lang/de.json') && !asked.includes('/lang/fr.json'));
  await ask('look');
  served = { offline: true };
  for (const code of ['en', 'de', 'fr']) {
    assert.equal(await page(`/lang/${code}.json`), languages[`lang/${code}.json`]);
  }
});

test('a language that is asked for before is that of the pinned version, or English', async () => {
  serve(languages);
  await install();
  served['lang/fr.json'] = 'evil';
  assert.equal(await page('/lang/fr.json'), languages['lang/en.json']);
  served = { offline: true };
  assert.equal(await page('/lang/fr.json'), languages['lang/en.json']);
  serve(languages);
  assert.equal(await page('/lang/fr.json'), languages['lang/fr.json']);
});

test('calls and lists are none of its business', async () => {
  serve(first);
  await install();
  for (const path of ['/api/v1/messages', '/api/v1/app', '/app.json']) assert.equal(await page(path), null);
  assert.equal(await page('/', { method: 'POST' }), null);
  assert.equal(await page('/', { origin: 'https://elsewhere.example' }), null);
});

test('a logo is fetched once', async () => {
  serve({ ...first, 'brand/0a.svg': '<svg/>' });
  await page('/brand/0a.svg');
  await page('/brand/0a.svg');
  assert.equal(asked.filter((path) => path === '/brand/0a.svg').length, 1);
});

test('a push says that something is there, and nothing else', async () => {
  let work;
  listeners.push({ data: { text: () => 'secret' }, waitUntil: (promise) => { work = promise; } });
  await work;
  assert.equal(shown.length, 1);
  assert.ok(!JSON.stringify(shown).includes('secret'));
});
