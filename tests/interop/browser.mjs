// SPDX-License-Identifier: ISC
// browser.mjs - a browser opens what we seal, with keys that it never gives away.
// Here:       Debian's Chromium; keys made not extractable and kept in IndexedDB.
// Elsewhere:  the opener that runs in the page (webcrypto.mjs).
// Called by:  run.sh.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { calculateJwkThumbprint } from 'jose';
import { chromium } from 'playwright-core';
import { check, done, text, weSeal } from './lib.mjs';

const opener = readFileSync(new URL('webcrypto.mjs', import.meta.url));
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** WebCrypto wants a secure context; loopback is one. */
const server = createServer((request, response) => {
  const module = request.url === '/webcrypto.mjs';
  response.setHeader('Content-Type', module ? 'text/javascript' : 'text/html');
  response.end(module ? opener : '<!doctype html><title>interop</title>');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);

/** In the page: window.keep(name, pair?) puts into IndexedDB, and gets back from it. */
await page.evaluate(() => {
  const asked = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  window.keep = async (name, pair) => {
    const opening = indexedDB.open('interop', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
    const db = await asked(opening);
    const store = db.transaction('keys', 'readwrite').objectStore('keys');
    const result = await asked(pair ? store.put(pair, name) : store.get(name));
    db.close();
    return result;
  };
});

/** The public JWK of a fresh pair whose private half stays in the page. */
const makeKey = (name, algorithm, usage) => page.evaluate(async (wanted) => {
  const algorithm = { ...wanted.algorithm };
  if (algorithm.publicExponent) algorithm.publicExponent = new Uint8Array(algorithm.publicExponent);
  const pair = await crypto.subtle.generateKey(algorithm, false, wanted.usage);
  await window.keep(wanted.name, pair);
  return crypto.subtle.exportKey('jwk', pair.publicKey);
}, { name, algorithm, usage });

const open = (name, sealed, kid) => page.evaluate(async (asked) => {
  const { openJwe } = await import('/webcrypto.mjs');
  const { privateKey } = await window.keep(asked.name);
  const opened = await openJwe(asked.sealed, privateKey, asked.kid);
  return { header: opened.header, plain: new TextDecoder().decode(opened.plain) };
}, { name, sealed, kid });

const keys = {
  ec: await makeKey('ec', { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits']),
  rsa: await makeKey('rsa', { name: 'RSA-OAEP', modulusLength: 2048, publicExponent: [1, 0, 1], hash: 'SHA-256' },
    ['wrapKey', 'unwrapKey']),
};
const kids = { ec: await calculateJwkThumbprint(keys.ec), rsa: await calculateJwkThumbprint(keys.rsa) };

await check('the browser does not give its private keys away', async () => {
  for (const name of ['ec', 'rsa']) {
    const outcome = await page.evaluate(async (asked) => {
      const { privateKey } = await window.keep(asked);
      return crypto.subtle.exportKey('pkcs8', privateKey).then(() => 'exported', (error) => error.name);
    }, name);
    assert.equal(outcome, 'InvalidAccessError');
  }
});

for (const name of ['ec', 'rsa']) {
  for (const form of ['general', 'compact']) {
    await check(`the browser opens our ${form} form to ${name}`, async () => {
      const opened = await open(name, weSeal(form, [keys[name]]), kids[name]);
      assert.equal(opened.plain, text);
      assert.equal(opened.header.to, 'epoch-20261124');
    });
  }
}

await check('the browser opens our general JSON to two keys with either', async () => {
  const sealed = weSeal('general', [keys.rsa, keys.ec]);
  for (const name of ['ec', 'rsa']) assert.equal((await open(name, sealed, kids[name])).plain, text);
});

await check('the browser opens our intermediate form', async () => {
  assert.equal((await open('ec', weSeal('window', [keys.ec]), kids.ec)).plain, text);
});

await check('the browser refuses a changed header', async () => {
  const sealed = JSON.parse(weSeal('general', [keys.ec]));
  const header = JSON.parse(Buffer.from(sealed.protected, 'base64url'));
  header.to = 'epoch-20261125';
  sealed.protected = Buffer.from(JSON.stringify(header)).toString('base64url');
  await assert.rejects(open('ec', JSON.stringify(sealed), kids.ec), /OperationError/);
});

await browser.close();
server.close();
done();
