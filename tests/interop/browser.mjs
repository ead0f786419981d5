// SPDX-License-Identifier: ISC
// browser.mjs - a browser opens what we seal, with keys that it never gives away.
// Here:       Debian's Chromium; keys made not extractable, put into IndexedDB, and
//             read back after the browser was closed and started again.
// Elsewhere:  the opener that runs in the page (webcrypto.mjs).
// Called by:  run.sh.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { calculateJwkThumbprint } from 'jose';
import { chromium } from 'playwright-core';
import { alterations, at, check, done, epoch, mid, text, weSeal } from './lib.mjs';

const options = {
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
};

const opener = readFileSync(new URL('webcrypto.mjs', import.meta.url));
const server = createServer((request, response) => {
  const asked = request.url === '/webcrypto.mjs';
  response.setHeader('Content-Type', asked ? 'text/javascript' : 'text/html');
  response.end(asked ? opener : '<!doctype html><title>interop</title>');
});
await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
const origin = `http://localhost:${server.address().port}/`;

let browser, page;

/** The same profile every time. WebCrypto wants a secure context: localhost is one. */
async function browserStart() {
  browser = await chromium.launchPersistentContext(at('profile'), options);
  page = await browser.newPage();
  await page.goto(origin);
  assert.equal(await page.evaluate(() => isSecureContext), true);
  await page.evaluate(keepInstall);
}

/** In the page: window.keep(name, pair) puts a pair away, keep(name) brings it back. */
function keepInstall() {
  const asked = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  window.keep = async (name, pair) => {
    const opening = indexedDB.open('interop', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
    const db = await asked(opening);
    const mode = pair ? 'readwrite' : 'readonly';
    const change = db.transaction('keys', mode, { durability: 'strict' });
    const finished = new Promise((resolve) => { change.oncomplete = resolve; });
    const store = change.objectStore('keys');
    const result = await asked(pair ? store.put(pair, name) : store.get(name));
    await finished; // on disk
    db.close();
    return result;
  };
}

/** The public JWK of a fresh pair whose private half stays in the page. */
const keyMake = (name, algorithm, usages) => page.evaluate(async (wanted) => {
  const { publicExponent, ...algorithm } = wanted.algorithm;
  if (publicExponent) algorithm.publicExponent = new Uint8Array(publicExponent);
  const pair = await crypto.subtle.generateKey(algorithm, false, wanted.usages);
  await window.keep(wanted.name, pair);
  return crypto.subtle.exportKey('jwk', pair.publicKey);
}, { name, algorithm, usages });

const asText = (sealed) =>
  typeof sealed === 'string' ? sealed : JSON.stringify(sealed);

/** What the page makes of each sealed text: {header, plain} or {refused}. */
const openAll = (name, sealed, kid) => page.evaluate(async (asked) => {
  const { openJwe } = await import('/webcrypto.mjs');
  const { privateKey } = await window.keep(asked.name);
  const outcome = (text) => openJwe(text, privateKey, asked.kid).then(
    ({ header, plain }) => ({ header, plain: new TextDecoder().decode(plain) }),
    (error) => ({ refused: String(error) }),
  );
  return Promise.all(asked.sealed.map(outcome));
}, { name, sealed: sealed.map(asText), kid });

await browserStart();
const keys = {
  ec: await keyMake('ec', { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits']),
  rsa: await keyMake('rsa', {
    name: 'RSA-OAEP', modulusLength: 2048, publicExponent: [1, 0, 1], hash: 'SHA-256',
  }, ['wrapKey', 'unwrapKey']),
};
const kids = {
  ec: await calculateJwkThumbprint(keys.ec),
  rsa: await calculateJwkThumbprint(keys.rsa),
};
await browser.close();
await browserStart();

async function assertOpens(name, sealed) {
  const [{ header, plain, refused }] = await openAll(name, [sealed], kids[name]);
  assert.equal(refused, undefined);
  assert.equal(plain, text);
  assert.equal(header.mid, mid);
  assert.equal(header.to, epoch);
}

await check('the browser does not give its private keys away', async () => {
  for (const name of ['ec', 'rsa']) {
    const outcomes = await page.evaluate(async (asked) => {
      const { privateKey } = await window.keep(asked);
      const tried = ['pkcs8', 'jwk'].map((format) =>
        crypto.subtle.exportKey(format, privateKey).then(() => 'out', (e) => e.name));
      return Promise.all(tried);
    }, name);
    assert.deepEqual(outcomes, ['InvalidAccessError', 'InvalidAccessError']);
  }
});

for (const name of ['ec', 'rsa']) {
  for (const form of ['general', 'compact']) {
    await check(`the browser opens our ${form} form to ${name}`, async () => {
      await assertOpens(name, weSeal(form, [keys[name]]));
    });

    await check(`the browser refuses ${form} to ${name}, altered`, async () => {
      const sealed = weSeal(form, [keys[name]]);
      // atob takes other spellings of the same bytes; to refuse them is our parser's
      const wrong = alterations(sealed, kids[name])
        .filter(([what]) => !/spare|padding|line end/.test(what));
      const outcomes = await openAll(name, wrong.map(([, text]) => text), kids[name]);
      assert.ok(wrong.length > 25);
      wrong.forEach(([what], i) => assert.ok(outcomes[i].refused, `${what} opens`));
    });
  }
}

await check('the browser opens our general JSON to two keys with either', async () => {
  const sealed = weSeal('general', [keys.rsa, keys.ec]);
  for (const name of ['ec', 'rsa']) await assertOpens(name, sealed);
});

await check('the browser opens what one of two is given, with it alone', async () => {
  for (const [name, other] of [['ec', 'rsa'], ['rsa', 'ec']]) {
    const sealed = weSeal('general', [keys.rsa, keys.ec], { only: keys[name] });
    await assertOpens(name, sealed);
    const [{ refused }] = await openAll(other, [sealed], kids[other]);
    assert.match(refused, /not for this key/);
  }
});

await check('the browser opens our intermediate form', async () => {
  await assertOpens('ec', weSeal('window', [keys.ec]));
});

await browser.close();
server.close();
done();
