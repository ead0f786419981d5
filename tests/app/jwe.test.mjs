// SPDX-License-Identifier: ISC
// jwe.test.mjs - the page opens what the server and npm jose seal, and they open what it
// seals; what was altered it refuses.
// Needs build/plain/jwe_tool (SEALPOST_BUILD), as tests/interop does.
import { idOf, manifest, pageLoad, seal } from './fixture.mjs';
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as jose from 'jose';

const page = pageLoad();
const { JweError, openMessage, sealReply } = await import(`${page}/jwe.js`);
const { keysMake, keysProve, thumbprint } = await import(`${page}/keys.js`);
process.argv[2] = `${process.env.SEALPOST_BUILD ?? 'build/plain'}/jwe_tool`;
const { alterations, mid, ourKey, weOpen, weSeal } = await import('../interop/lib.mjs');

const keys = await keysMake();
const id = idOf(0x5ea1);
const sealed = await seal(manifest(id), keys, id);
const refuses = (jwe, of = id, by = keys) => assert.rejects(openMessage(jwe, by, of), JweError);

test('keys are not extractable and work', async () => {
  await keysProve(keys);
  for (const { privateKey } of [keys.encryption, keys.signing]) {
    assert.equal(privateKey.extractable, false);
    await assert.rejects(crypto.subtle.exportKey('jwk', privateKey));
  }
});

test('keys that do not belong together are found out', async () => {
  const other = await keysMake();
  await assert.rejects(keysProve({ ...keys, signing: other.signing }));
  await assert.rejects(keysProve({ ...keys, encryption: other.encryption }));
});

test('our thumbprint is the one that jose calculates', async () => {
  assert.equal(keys.kid, await jose.calculateJwkThumbprint(keys.encryptionJwk));
  assert.equal(keys.kid, await thumbprint(keys.encryptionJwk));
});

test('a message that jose sealed opens', async () => {
  const opened = await openMessage(sealed, keys, id);
  assert.equal(opened.text, manifest(id).text);
  assert.equal(opened.from.brand, 'Northside Clinic');
  assert.equal(opened.appointment, null);
});

test('a message that the server sealed opens', async () => {
  const plain = JSON.stringify(manifest(mid));
  const theirs = JSON.parse(weSeal('general', [keys.encryptionJwk], { plain }));
  assert.equal((await openMessage(theirs, keys, mid)).text, manifest(mid).text);
});

test('an altered message does not open', async () => {
  const wrong = alterations(sealed, keys.kid);
  assert.ok(wrong.length > 40);
  for (const [what, jwe] of wrong) {
    await assert.rejects(openMessage(jwe, keys, id), JweError, what);
  }
});

test('a message of another id, for another key, or of another kind does not open', async () => {
  await refuses(sealed, idOf(7));
  await refuses(sealed, id, await keysMake());
  await refuses(await seal(manifest(id), keys, id, { typ: 'sealpost-reply' }));
  await refuses(await seal(manifest(idOf(7)), keys, id));
  await refuses(await seal(manifest(idOf(7)), keys, id), idOf(7));
  await refuses(await seal(manifest(id), keys, id, { crit: ['mid'] }));
});

for (const [what, changed] of [['no text', { text: undefined }], ['a number for a subject', { subject: 7 }],
  ['no sender', { from: null }], ['no parts', { parts: null }], ['an endless size', { parts: [{ n: 1,
    type: '', name: '', size: 1e300, chunk: 1, key: '', sha256: '' }] }], ['version 2', { v: 2 }]]) {
  test(`a message with ${what} counts as broken`, async () => {
    await refuses(await seal(manifest(id, changed), keys, id));
  });
}

test('what is no JSON, no UTF-8, or no object counts as broken', async () => {
  for (const plain of ['', '{', 'null', '7', '[]']) await refuses(await seal(plain, keys, id));
  for (const jwe of [null, undefined, 7, 'x', {}, { recipients: [] }]) await refuses(jwe);
});

test('an appointment is taken whole or not at all', async () => {
  const appointment = { method: 'REQUEST', uid: 'u', sequence: 0, summary: 's', start: 1, end: 0,
    all_day: false, floating: false, zone: '', location: '', organizer: '', description: '' };
  const opened = async (event) =>
    (await openMessage(await seal(manifest(id, { appointment: event }), keys, id), keys, id));
  assert.deepEqual((await opened(appointment)).appointment, appointment);
  assert.equal((await opened({ ...appointment, start: 'x' })).appointment, null);
  assert.equal((await opened({ ...appointment, method: 'REPLY' })).appointment, null);
});

test('only a colour is a colour, only a picture of this server a logo', async () => {
  const from = async (more) => (await openMessage(await seal(manifest(id,
    { from: { ...manifest(id).from, ...more } }), keys, id), keys, id)).from;
  const good = await from({ color: '#0a7d5c', logo: '/brand/0a1b2c3d4e5f6071.svg' });
  assert.deepEqual([good.color, good.logo], ['#0a7d5c', '/brand/0a1b2c3d4e5f6071.svg']);
  const bad = await from({ color: 'url(x)', logo: '//elsewhere.example/x' });
  assert.deepEqual([bad.color, bad.logo], [null, null]);
});

const server = ourKey('ec');
const reply = { text: 'Yes \u00e9\u4e2d', subject: 'Your results' };

test('the server opens our reply', async () => {
  const compact = await sealReply(reply, server.jwk, id);
  assert.deepEqual(JSON.parse(weOpen(server.pem, compact)), reply);
});

test('jose opens our reply, which names its message', async () => {
  const compact = await sealReply({ ...reply, answer: 'accepted', uid: 'u' }, server.jwk, id);
  const key = createPrivateKey(readFileSync(server.pem));
  const { plaintext, protectedHeader } = await jose.compactDecrypt(compact, key);
  assert.equal(JSON.parse(new TextDecoder().decode(plaintext)).answer, 'accepted');
  assert.equal(protectedHeader.typ, 'sealpost-reply');
  assert.equal(protectedHeader.mid, id);
  assert.equal(protectedHeader.to, 'reply');
  assert.equal(protectedHeader.kid, server.jwk.kid);
});

test('two replies have nothing in common', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => sealReply(reply, server.jwk, id)));
  one.split('.').forEach((piece, i) => assert.notEqual(piece, two.split('.')[i]));
});

test('a reply is sealed to P-256 only', async () => {
  for (const jwk of [null, {}, { kty: 'RSA', n: 'AQ', e: 'AQAB' }, { ...server.jwk, x: server.jwk.y }]) {
    await assert.rejects(sealReply(reply, jwk, id));
  }
});
