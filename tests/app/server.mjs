// SPDX-License-Identifier: ISC
// server.mjs - a server as the page knows it, small enough to misbehave on demand.
// Here:       registrations, proofs that are checked, a list in pages, parts, replies.
// Elsewhere:  the real one (plugin/handset.c), which the stories in a browser use.
// Called by:  api.test.mjs, session.test.mjs.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import * as jose from 'jose';

const PAGE = 50;
const hash = (bytes) => createHash('sha256').update(bytes).digest('base64url');

export class Server {
  constructor() {
    this.messages = []; // entries, oldest first
    this.parts = new Map(); // "id/n"
    this.devices = new Map(); // id: {jwk, encryptionJwk, type, label}
    this.asked = []; // "METHOD path", with the status of the answer
    this.bodies = [];
    this.seen = new Set(); // proofs
    this.nonce = 'nonce-1';
    this.answers = []; // [status, type, headers] for the next requests
    this.replyKey = null;
    this.closed = 0;
    this.held = false;
  }

  async start() {
    this.http = createServer((request, response) => this.serve(request, response));
    await new Promise((ready) => { this.http.listen(0, '127.0.0.1', ready); });
    this.port = this.http.address().port;
    globalThis.location = { origin: `http://localhost:${this.port}` };
  }

  again(port) {
    return new Promise((ready) => { this.http.listen(port, '127.0.0.1', ready); });
  }

  stop() {
    this.http.closeAllConnections();
    return new Promise((over) => { this.http.close(over); });
  }

  count(pattern) { return this.asked.filter((line) => pattern.test(line)).length; }

  async serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const path = request.url.split('?')[0];
    const planned = this.answers.shift();
    if (planned === 'hang') return;
    const [status, json, headers] = planned
      ? [planned[0], { type: `urn:sealpost:${planned[1]}`, title: 't', ...planned[3] }, planned[2]]
      : await this.answer(request, path, body);
    this.asked.push(`${request.method} ${request.url} ${status}`);
    this.bodies.push(body.toString());
    Object.entries(headers ?? {}).forEach((header) => response.setHeader(...header));
    response.statusCode = status;
    response.end(Buffer.isBuffer(json) || json === undefined ? json : JSON.stringify(json));
  }

  async answer(request, path, body) {
    if (/registrations/.test(path)) return this.register(path, body);
    if (/^.api.v1.(app|notices)/.test(path)) return [200, { path }];
    const refused = await this.prove(request, path, body);
    const headers = { 'DPoP-Nonce': this.nonce };
    if (refused) return [401, { type: `urn:sealpost:${refused}`, title: 't' }, headers];
    return [...this.call(request, path, body), headers];
  }

  register(path, body) {
    const json = JSON.parse(body);
    const id = 'e'.repeat(32);
    if (path.endsWith('/otp')) return [200, { proven: true }];
    if (!path.endsWith('/device')) {
      return [201, { registration: id, otp_digits: 6, expires: 2e9, ...this.start_more }];
    }
    const device = (0xd0 + this.devices.size).toString(16).padStart(32, '0');
    this.devices.set(device, json);
    return [201, { device, reply_key: this.replyKey }];
  }

  /** What is wrong with the proof, as the keeper would say it. */
  async prove(request, path, body) {
    const proof = request.headers.dpop;
    const { kid, typ } = jose.decodeProtectedHeader(proof);
    const device = this.devices.get(kid);
    if (!device || typ !== 'dpop+jwt' || this.seen.has(proof)) return 'proof';
    this.seen.add(proof);
    const key = await jose.importJWK(device.signing_key, 'ES256');
    const payload = await jose.compactVerify(proof, key).then((good) => good.payload, () => null);
    if (!payload) return 'proof';
    const claims = JSON.parse(new TextDecoder().decode(payload));
    const url = `${globalThis.location.origin}${path}`;
    if (claims.htm !== request.method || claims.htu !== url || claims.bh !== hash(body) ||
        !Number.isInteger(claims.iat) || claims.jti.length < 16) return 'proof';
    return claims.nonce === this.nonce ? null : 'use-dpop-nonce';
  }

  call(request, path, body) {
    const [, , , kind, id, what, n] = path.split('/');
    const at = this.messages.findIndex((one) => one.id === id);
    const gone = [404, { type: 'urn:sealpost:gone', title: 't' }];
    if (kind === 'devices') return this.callDevices(request.method, id);
    if (id === undefined) return this.list(new URL(request.url, 'http://x').searchParams);
    if (at < 0) return gone;
    if (what === 'parts') return [200, this.parts.get(`${id}/${n}`)];
    if (what === 'read') {
      this.messages[at].read = 1;
      return [204];
    }
    if (what === 'replies') return [202, { reply: hash(body).slice(0, 32) }];
    if (request.method === 'GET') return [200, this.messages[at]];
    this.messages.splice(at, 1);
    return [204];
  }

  callDevices(method, id) {
    if (method === 'GET') return [200, { devices: [...this.devices.keys()].map((one) => ({ id: one })) }];
    if (method === 'DELETE') this.devices.delete(id);
    return [204];
  }

  list(query) {
    const after = query.get('after') ?? '';
    const behind = this.messages.filter(({ id }) => id > after);
    const first = after === '' ? { closed: this.closed } : {};
    const held = this.held ? { held: true } : {};
    return [200, { messages: this.held ? [] : behind.slice(0, PAGE), more: behind.length > PAGE,
      reply_key: this.replyKey, ...first, ...held }];
  }
}
