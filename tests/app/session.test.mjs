// SPDX-License-Identifier: ISC
// session.test.mjs - what a person's phone does, from the first registration to the last.
import { arrayBuffer, hash, idOf, manifest, pageLoad, seal, sealPart } from './fixture.mjs';
import { Server } from './server.mjs';
import { Databases } from './idb.mjs';
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import * as jose from 'jose';

const REGISTRATION = 'e'.repeat(32);
const FUTURE = 4e9;
let server, session, replies;

/** A page that was just loaded. What it keeps is what the page before left. */
async function load() {
  session = await import(`${pageLoad()}/session.js`);
  return session.sessionStart();
}

const wish = { type: 'browser', label: 'Firefox' };
const register = (more = {}) => session.register(REGISTRATION, { ...wish, ...more });

/** The server gets a message for the device of now. */
async function send(n, { created = n, expires = FUTURE, jwe, parts = [], ...more } = {}) {
  const id = idOf(n);
  const text = { ...manifest(id), parts: parts.map(({ part }) => part), ...more };
  server.messages.push({ id, created, expires, fetched: 0, read: 0, parts: parts.length,
    jwe: jwe ?? await seal(text, session.device().keys, id) });
  parts.forEach(({ sealed }, i) => server.parts.set(`${id}/${i + 1}`, sealed));
  return id;
}

async function until(condition) {
  const end = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < end, `in vain: ${condition}`);
    await new Promise((soon) => { setTimeout(soon, 5); });
  }
}

/** The server is not to be reached while this runs. */
async function offline(work) {
  const { port } = server;
  await server.stop();
  await work();
  await server.again(port);
}

beforeEach(async () => {
  globalThis.indexedDB = new Databases();
  server = new Server();
  replies = await jose.generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' });
  server.replyKey = await jose.exportJWK(replies.publicKey);
  await server.start();
  await load();
});
afterEach(() => server.stop());

test('nothing is made before something is kept', async () => {
  assert.equal(session.device(), null);
  assert.equal(indexedDB.made.size, 0);
});

test('a registered phone comes back after a reload, and reads', async () => {
  const { id } = await register();
  assert.equal(session.device().id, id);
  await load();
  assert.equal(session.device().id, id);
  await send(1);
  assert.deepEqual(await session.refresh(), { fresh: 1 });
  const [message] = session.messages();
  assert.equal(message.state, 'open');
  assert.equal(message.manifest.subject, 'Your results');
});

test('no key is told to the server that was not kept', async () => {
  await register();
  indexedDB.made.get('sealpost').full = true;
  await assert.rejects(register(), { name: 'NoStorage', full: true });
  assert.equal(server.devices.size, 1);
});

test('a registration whose answer was lost goes on with the same keys', async () => {
  const told = () => JSON.parse(server.bodies.at(-1)).encryption_key;
  server.answers.push([503, 'later']);
  await assert.rejects(register(), { type: 'later' });
  const first = told();
  await load(); // it was closed in between
  await register();
  assert.deepEqual(told(), first);
  await register();
  assert.notDeepEqual(told(), first);
});

test('a browser that keeps nothing says so, and may still be a shared phone', async () => {
  indexedDB.refused = true;
  await load();
  assert.equal(session.getStatus().canKeep, false);
  await assert.rejects(register(), { name: 'NoStorage' });
  await register({ type: 'shared' });
  const id = await send(1);
  await session.refresh();
  assert.equal((await session.open(id)).state, 'open');
});

test('a shared phone keeps nothing at all, and its device goes with the page', async () => {
  await register({ type: 'shared' });
  const id = await send(1);
  await session.refresh();
  await session.open(id);
  await assert.rejects(session.keep(id), { name: 'NoStorage' });
  assert.equal(indexedDB.made.size, 0);
  session.leaveNow();
  assert.equal(session.device(), null);
  assert.deepEqual(session.messages(), []);
  await until(() => server.devices.size === 0);
});

test('all pages are listed, newest first, and opened without a break for the page', async () => {
  await register();
  const jwes = await seal(manifest(idOf(1)), session.device().keys, idOf(1));
  for (let n = 1; n <= 120; n++) await send(n, n > 1 && n < 110 ? { jwe: jwes } : {});
  await session.refresh();
  const all = session.messages();
  assert.equal(all.length, 120);
  assert.deepEqual(all.slice(0, 2).map(({ id }) => id), [idOf(120), idOf(119)]);
  assert.equal(all[0].state, 'open');
  assert.equal(all[119].state, 'sealed');
  await until(() => session.messages().every(({ state }) => state !== 'sealed'));
  assert.equal(session.message(idOf(1)).state, 'open');
});

test('a message that does not open stands among those that do', async () => {
  await register();
  await send(1);
  await send(2, { jwe: { protected: 7 } });
  await send(3, { jwe: 7 });
  await session.refresh();
  const states = session.messages().map(({ state }) => state);
  assert.deepEqual(states, ['broken', 'broken', 'open']);
  assert.equal((await session.open(idOf(2))).state, 'broken');
  assert.equal(server.count(/read/), 0);
});

test('opening marks read, at once here and soon at the server', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  await session.open(id);
  assert.ok(session.message(id).read > 0);
  await until(() => server.messages[0].read === 1);
});

test('what was read without a connection is told when there is one', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  await offline(async () => {
    assert.equal((await session.open(id)).state, 'open');
    await until(() => session.getStatus().offline);
    await assert.rejects(session.refresh(), { name: 'Offline' });
    assert.equal(session.messages().length, 1);
  });
  await session.refresh();
  assert.equal(session.getStatus().offline, false);
  assert.equal(server.messages[0].read, 1);
});

test('a message behind a link is fetched when it is not in the list', async () => {
  await register();
  const id = await send(1);
  assert.equal((await session.open(id)).state, 'open');
  await assert.rejects(session.open(idOf(9)), { type: 'gone' });
});

test('an attachment opens; a changed one does not', async () => {
  await register();
  const good = sealPart(Buffer.from('a letter'));
  const bad = sealPart(Buffer.from('another'), { n: 2 });
  const id = await send(1, { parts: [good, bad] });
  server.parts.set(`${id}/2`, good.sealed);
  await session.refresh();
  assert.equal(Buffer.from(await session.part(id, 1)).toString(), 'a letter');
  await assert.rejects(session.part(id, 2), { name: 'JweError' });
  await assert.rejects(session.part(id, 3), { type: 'gone' });
  await assert.rejects(session.keep(id), { name: 'JweError' });
});

test('what is kept is sealed, is there without a connection, and outlives the server', async () => {
  await register();
  const id = await send(1, { parts: [sealPart(Buffer.from('a letter'))] });
  await send(2);
  await session.refresh();
  await session.keep(id);
  const { stores } = indexedDB.made.get('sealpost');
  const disk = JSON.stringify([...stores].map(([, map]) => [...map])) +
    [...stores.get('parts').values()].map((bytes) => Buffer.from(bytes)).join();
  assert.ok(disk.includes(server.messages[0].jwe.ciphertext));
  assert.ok(!/results|letter|Northside/.test(disk));

  await offline(async () => {
    await load();
    assert.deepEqual(session.messages().map((one) => [one.id, one.state]), [[id, 'open']]);
    assert.equal((await session.open(id)).manifest.subject, 'Your results');
    assert.equal(Buffer.from(await session.part(id, 1)).toString(), 'a letter');
  });
  server.messages.shift();
  await session.refresh();
  const { kept, gone } = session.message(id);
  assert.deepEqual([kept, gone], [true, true]);
  assert.equal(session.messages().length, 2);

  await session.unkeep(id);
  assert.equal(session.message(id), null);
  assert.equal(stores.get('kept').size + stores.get('parts').size, 0);
});

test('an expired message vanishes unless it is kept', async () => {
  await register();
  const soon = Math.floor(Date.now() / 1000) + 1;
  await send(1, { expires: soon });
  await send(2, { expires: soon });
  await session.refresh();
  await session.keep(idOf(2));
  await until(() => session.messages().length === 1);
  assert.equal(session.message(idOf(1)), null);
  await load();
  assert.deepEqual(session.messages().map(({ gone }) => gone), [true]);
});

test('removing removes at the server and here', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  await session.keep(id);
  await offline(() => assert.rejects(session.remove(id), { name: 'Offline' }));
  assert.equal(session.messages().length, 1);
  await session.remove(id);
  assert.deepEqual([server.messages.length, session.messages().length], [0, 0]);
  await load();
  assert.equal(session.messages().length, 0);
});

const lastReply = async () => {
  const { jwe } = JSON.parse(server.bodies.at(-1));
  const { plaintext } = await jose.compactDecrypt(jwe, replies.privateKey);
  return JSON.parse(new TextDecoder().decode(plaintext));
};

test('a reply is sealed to the server and names the subject', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  await session.reply(id, { text: 'Yes' });
  assert.deepEqual(await lastReply(), { text: 'Yes', subject: 'Your results' });
  assert.equal(session.message(id).replies[0].text, 'Yes');
});

test('the answer to an appointment names it', async () => {
  await register();
  const appointment = { method: 'REQUEST', uid: 'uid@x', sequence: 0, summary: '', start: 1,
    end: 0, all_day: false, zone: '', location: '', organizer: '', description: '' };
  const id = await send(1, { appointment });
  await session.refresh();
  await session.reply(id, { text: 'No', answer: 'declined' });
  const { answer, uid } = await lastReply();
  assert.deepEqual([answer, uid], ['declined', 'uid@x']);
});

test('when the key for replies has changed, the reply is sealed again, once', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  const old = server.replyKey;
  replies = await jose.generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' });
  server.replyKey = await jose.exportJWK(replies.publicKey);
  server.answers.push([409, 'stale-key', { 'DPoP-Nonce': server.nonce }]);
  await session.reply(id, { text: 'Yes' });
  assert.equal((await lastReply()).text, 'Yes');
  assert.notDeepEqual(server.replyKey, old);
  const call = server.call.bind(server);
  server.call = (request, path, body) => (/replies/.test(path) ? [409, { type: 'urn:sealpost:stale-key' }]
    : call(request, path, body));
  await assert.rejects(session.reply(id, { text: 'No' }), { type: 'stale-key' });
  assert.equal(server.count(/replies 409/), 3);
});

test('a reply whose answer was lost is sent again as the same', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  await offline(() => assert.rejects(session.reply(id, { text: 'Yes' }), { name: 'Offline' }));
  server.answers.push([503, 'later']);
  await assert.rejects(session.reply(id, { text: 'Yes' }), { type: 'later' });
  const [first] = server.bodies.slice(-1);
  await session.reply(id, { text: 'Yes' });
  assert.equal(hash(server.bodies.at(-1)), hash(first));
  await session.reply(id, { text: 'Yes' });
  assert.notEqual(hash(server.bodies.at(-1)), hash(first));
});

test('a phone that the server forgot keeps its keys until the person goes on', async () => {
  await register();
  const id = await send(1);
  await session.refresh();
  await session.keep(id);
  const events = [];
  session.on('lost', () => events.push('lost'));
  server.devices.clear();
  await assert.rejects(session.refresh(), { type: 'proof' });
  assert.deepEqual(events, ['lost']);
  assert.equal(session.getStatus().lost, true);
  await load();
  assert.equal(session.messages().length, 1);
  await register();
  assert.equal(session.getStatus().lost, false);
  await load();
  assert.equal(session.messages().length, 0);
});

test('what another page of this browser registered is taken over', async () => {
  await register();
  const before = session;
  await load();
  const { id } = await register();
  server.devices.delete(before.device().id);
  await before.refresh().catch(() => {});
  await until(() => before.device().id === id);
  assert.equal(before.getStatus().lost, false);
});

test('a held phone is told so', async () => {
  await register();
  server.held = true;
  await session.refresh();
  assert.equal(session.getStatus().held, true);
  server.held = false;
  server.closed = 2;
  await session.refresh();
  assert.deepEqual([session.getStatus().held, session.getStatus().closed], [false, 2]);
});

test('leaving forgets everything, with a connection or without', async () => {
  await register();
  await session.forget();
  assert.equal(server.devices.size, 0);
  assert.equal(indexedDB.made.size, 0);
  await register();
  await offline(() => session.forget());
  assert.equal(session.device(), null);
  await load();
  assert.equal(session.device(), null);
});

test('bytes in a part are those that were sent', async () => {
  await register();
  const bytes = Buffer.alloc(600000, 'x');
  const id = await send(1, { parts: [sealPart(bytes)] });
  await session.refresh();
  assert.deepEqual(arrayBuffer(await session.part(id, 1)), arrayBuffer(bytes));
});
