// SPDX-License-Identifier: ISC
// pushservice.mjs - a push service of our own, and a browser that is subscribed to it.
// Here:       takes pushes by HTTPS, checks who sent them, opens what is in them; the
//             place of PushManager in a page.
// Elsewhere:  the subscription's way to the server (templates/handset/js/push.js), the push
//             that reaches the service worker (stories/push.mjs).
// Called by:  stories/push.mjs.
// Source:     RFC 8030 (push), RFC 8188 and 8291 (encryption), RFC 8292 (VAPID).
import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify }
  from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const tls = join(process.env.STORY_DIR, 'tls');

export class PushService {
  static async start() {
    const made = new PushService();
    await new Promise((ready) => { made.server.listen(0, '127.0.0.1', ready); });
    made.server.unref();
    made.host = `localhost:${made.server.address().port}`;
    return made;
  }

  constructor() {
    this.pair = createECDH('prime256v1');
    this.pair.generateKeys();
    this.auth = randomBytes(16);
    this.pushes = []; // {path, headers, body}
    const options = { key: readFileSync(join(tls, 'key.pem')),
      cert: readFileSync(join(tls, 'cert.pem')) };
    this.server = createServer(options, (request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        this.pushes.push({ path: request.url, headers: request.headers,
          body: Buffer.concat(chunks) });
        response.writeHead(201, { Location: '/message/1' }).end();
      });
    });
  }

  /** What sealpost.conf needs. */
  lines() {
    return [`push-hosts = { "${this.host}" }`, 'push-networks = { "127.0.0.0/8" }',
      `push-ca = "${join(tls, 'cert.pem')}"`];
  }

  /** For subscribed(). */
  subscription() {
    return { endpoint: `https://${this.host}/push/of-this-phone`,
      p256dh: this.pair.getPublicKey('base64url'), auth: this.auth.toString('base64url') };
  }

  /** Is it by the one whose key (base64url) the browser was told? */
  checkSender({ headers }, key) {
    const [, token, sender] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(headers.authorization);
    assert.equal(sender, key);
    const [header, claims, signature] = token.split('.');
    const point = Buffer.from(key, 'base64url');
    const jwk = { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url') };
    assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`),
      { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url')));
    const { aud, exp } = JSON.parse(Buffer.from(claims, 'base64url'));
    assert.equal(aud, `https://${this.host}`);
    assert.ok(exp - Date.now() / 1000 <= 24 * 3600);
  }

  /** What the browser would hand to the page: bytes, "" for a push without any. */
  open({ headers, body }) {
    if (body.length === 0) return '';
    assert.equal(headers['content-encoding'], 'aes128gcm');
    const salt = body.subarray(0, 16);
    const theirs = body.subarray(21, 21 + body[20]);
    const shared = this.pair.computeSecret(theirs);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.pair.getPublicKey(), theirs]);
    const secret = Buffer.from(hkdfSync('sha256', shared, this.auth, info, 32));
    const derive = (what, length) => Buffer.from(
      hkdfSync('sha256', secret, salt, `Content-Encoding: ${what}\0`, length));
    const sealed = body.subarray(21 + body[20]);
    const opener = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    opener.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([opener.update(sealed.subarray(0, -16)), opener.final()]);
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
}

/**
 * In a page, before its scripts: the browser's own PushManager would ask a service on the
 * internet. window.pushKey is then the key that the page subscribed with.
 */
export function subscribed(given) {
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0)).buffer;
  const made = () => ({
    endpoint: given.endpoint,
    options: { userVisibleOnly: true },
    getKey: (name) => bytes(given[name]),
    toJSON: () => ({ endpoint: given.endpoint, keys: given }),
    unsubscribe: async () => {
      localStorage.removeItem('subscribed');
      return true;
    },
  });
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    const key = String.fromCharCode(...new Uint8Array(applicationServerKey));
    if (!userVisibleOnly || key.length !== 65) throw new DOMException('no', 'AbortError');
    const text = btoa(key).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
    localStorage.setItem('subscribed', text);
    return made();
  };
  PushManager.prototype.getSubscription = async () =>
    (localStorage.getItem('subscribed') ? made() : null);
}
