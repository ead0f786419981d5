// SPDX-License-Identifier: ISC
// api.test.mjs - calls with their proofs, and what becomes of a call that goes wrong.
import { pageLoad } from './fixture.mjs';
import { Server } from './server.mjs';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';

const page = pageLoad();
const api = await import(`${page}/api.js`);
const { keysMake } = await import(`${page}/keys.js`);
const ID = 'a'.repeat(32);
const DEVICE = 'd'.repeat(32);
const keys = await keysMake();
let server, client;

beforeEach(async () => {
  server = new Server();
  await server.start();
  server.devices.set(DEVICE, { signing_key: keys.signingJwk });
  client = new api.DeviceClient({ id: DEVICE, keys });
});
afterEach(() => server.stop());

test('the first call learns the nonce, the next have it', async () => {
  await client.list();
  await client.list(ID);
  assert.deepEqual(server.asked, ['GET /api/v1/messages 401', 'GET /api/v1/messages 200',
    `GET /api/v1/messages?after=${ID} 200`]);
});

test('calls at once wait for the first nonce, and then go together', async () => {
  await Promise.all([client.list(), client.devices(), client.list()]);
  assert.equal(server.count(/ 401$/), 1);
  assert.equal(server.count(/ 200$/), 3);
});

test('a nonce that grew old is repeated once, not for ever', async () => {
  await client.list();
  server.nonce = 'nonce-2';
  await client.list();
  assert.equal(server.count(/ 401$/), 2);
  Object.defineProperty(server, 'nonce', { get: () => `nonce-${Math.random()}` });
  await assert.rejects(client.list(), { name: 'Problem', type: 'use-dpop-nonce' });
  assert.equal(server.count(/ 401$/), 4);
});

test('a failed first call does not hold up those behind it', async () => {
  server.answers.push([503, 'later', { 'Retry-After': '5' }]);
  const [first, second] = await Promise.allSettled([client.list(), client.devices()]);
  assert.deepEqual([first.reason.type, first.reason.retryAfter], ['later', 5]);
  assert.equal(second.status, 'fulfilled');
});

test('an unknown device is told so after a proof with a fresh nonce', async () => {
  await client.list();
  server.devices.clear();
  await assert.rejects(client.list(), { status: 401, type: 'proof' });
  assert.equal(server.count(/ 401$/), 3);
});

test('a body is signed and sent as it is', async () => {
  server.messages.push({ id: ID });
  const { reply } = await client.reply(ID, 'a.b.c.d.e');
  assert.match(reply, /./);
  assert.equal(server.bodies.at(-1), '{"jwe":"a.b.c.d.e"}');
});

test('a part comes as bytes, a 204 as nothing', async () => {
  server.messages.push({ id: ID });
  server.parts.set(`${ID}/1`, Buffer.from([0, 255, 10]));
  assert.deepEqual(new Uint8Array(await client.part(ID, 1)), new Uint8Array([0, 255, 10]));
  assert.equal(await client.read(ID), null);
});

test('a problem tells its type, its tries and when to come again', async () => {
  const start = () => api.registrationStart({ number: '+61412345678' });
  server.answers.push([429, 'too-many', { 'Retry-After': '600' }], [403, 'otp-mismatch', {}, { tries_left: 2 }]);
  await assert.rejects(start(), { status: 429, type: 'too-many', retryAfter: 600, triesLeft: -1 });
  await assert.rejects(start(), { status: 403, type: 'otp-mismatch', triesLeft: 2 });
});

test("a proxy's page is no answer of ours", async () => {
  server.answer = async () => [502, Buffer.from('<html>')];
  await assert.rejects(api.appInfo(), { name: 'Problem', status: 502, type: 'later' });
  server.answer = async () => [200, Buffer.from('<html>log in to this network')];
  await assert.rejects(api.appInfo(), { name: 'Offline' });
  server.answer = async (request, path) => (path === '/login' ? [200, { operator: 'x' }]
    : [302, undefined, { Location: '/login' }]);
  await assert.rejects(api.appInfo(), { name: 'Offline' });
});

test('a server that is not there is Offline', async () => {
  await client.list();
  const { port } = server;
  await server.stop();
  await assert.rejects(client.list(), { name: 'Offline' });
  await assert.rejects(api.noticeInfo('ABCDEFGHIJKLMNOP'), { name: 'Offline' });
  await server.again(port);
});

test('a server that does not answer is Offline after a while', async () => {
  const { setTimeout: usual } = globalThis;
  globalThis.setTimeout = (fn, ms, ...rest) => usual(fn, ms / 400, ...rest);
  server.answers.push('hang');
  await assert.rejects(api.appInfo(), { name: 'Offline' });
  globalThis.setTimeout = usual;
});

test('the letters of a notice go as a name, not as a path', async () => {
  assert.deepEqual(await api.noticeInfo('../devices'), { path: '/api/v1/notices/..%2Fdevices' });
});

test('where the server wants it, the password is compared here', async () => {
  const registration = 'e'.repeat(32);
  const check = createHash('sha256').update(`${registration}:123456`).digest('base64url');
  server.start_more = { check };
  const started = await api.registrationStart({ number: '+61412345678' });
  await assert.rejects(api.registrationOtp(started.registration, { otp: '123457' }),
    { type: 'otp-mismatch', triesLeft: 4 });
  assert.deepEqual(await api.registrationOtp(registration, { otp: '123456' }), { proven: true });
  await api.registrationDevice(registration, { signing_key: keys.signingJwk, encryption_key: {},
    type: 'browser', label: '' });
  assert.equal(JSON.parse(server.bodies.at(-1)).checked, true);
  assert.equal(server.count(/otp/), 0);
});

test('after five wrong passwords even the right one is too late', async () => {
  server.start_more = { check: 'x' };
  const { registration } = await api.registrationStart({ number: '+61412345678' });
  for (let left = 4; left >= 0; left--) {
    await assert.rejects(api.registrationOtp(registration, { otp: '1' }), { triesLeft: left });
  }
  await assert.rejects(api.registrationOtp(registration, { otp: '1' }), { type: 'registration-closed' });
});

test('the last word of a shared phone is signed beforehand', async () => {
  await client.list();
  const leave = await client.leaveProof();
  assert.equal(server.count(/DELETE/), 0);
  leave();
  while (server.count(/DELETE/) === 0) await new Promise((soon) => { setTimeout(soon, 5); });
  assert.equal(server.count(new RegExp(`^DELETE /api/v1/devices/${DEVICE} 204$`)), 1);
});
