// SPDX-License-Identifier: ISC
// push.mjs - a browser's half of Web Push, and a push service.
// Here:       a subscription made and given to the server with the reference handset's
//             proof; a service that opens each push with the browser's key and checks
//             who it is from, by node's crypto and jose, and keeps it as a JSON line.
// Elsewhere:  what a story expects of it (lib.sh).
// Called by:  lib.sh.
//
// push.mjs run DIR PORT             until SIGTERM; DIR/cert.pem, DIR/key.pem
// push.mjs subscribe DIR HANDSET ENDPOINT|none [DEVICE]
//                                   prints the answer's status and problem; HANDSET is
//                                   the reference handset's folder
//
// DIR/status, read at each push, holds what is answered (201 without it). A browser's
// keys lie in DIR by its endpoint's last word, DIR/browser.WORD.json; pushes are kept in
// DIR/pushes.jsonl: to, plain, audience, subject, lifetime, and headers.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  createDecipheriv, createECDH, createHash, createPrivateKey, hkdfSync, randomBytes,
  webcrypto,
} from 'node:crypto';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { CompactSign, decodeJwt, importJWK, jwtVerify } from 'jose';

globalThis.crypto ??= webcrypto; // Debian 12's Node 18 lacks it as a global

const [command, dir, ...words] = process.argv.slice(2);
const browserFile = (name) => join(dir, `browser.${name}.json`);

/** The point of a P-256 key as a JWK. */
function jwkOf(point) {
  const at = (from) => point.subarray(from, from + 32).toString('base64url');
  return { kty: 'EC', crv: 'P-256', x: at(1), y: at(33) };
}

/** RFC 8188, one record, its key agreed on as RFC 8291 says. */
function open(body, browser) {
  const salt = body.subarray(0, 16);
  const server = body.subarray(21, 21 + body[20]);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(browser.secret, 'base64url');
  const info = Buffer.concat([
    Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), server,
  ]);
  const ikm = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(server),
    Buffer.from(browser.auth, 'base64url'), info, 32));
  const derive = (label, n) => Buffer.from(
    hkdfSync('sha256', ikm, salt, Buffer.from(`Content-Encoding: ${label}\0`), n));
  const sealed = body.subarray(21 + body[20]);
  const cipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16),
    derive('nonce', 12));
  cipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
  if (plain.at(-1) !== 2) throw new Error('not the last record');
  return plain.subarray(0, -1).toString();
}

/** RFC 8292: the key that signed is the one that the browser subscribed with. */
async function checkSender(header, origin) {
  const [, token, key] = /^vapid t=([^,]+), k=(\S+)$/.exec(header);
  const point = Buffer.from(key, 'base64url');
  const claims = decodeJwt(token);
  await jwtVerify(token, await importJWK(jwkOf(point), 'ES256'), {
    audience: origin, algorithms: ['ES256'],
  });
  const lifetime = claims.exp - Math.floor(Date.now() / 1000);
  if (lifetime > 86400) throw new Error('valid for more than a day');
  return { key, audience: claims.aud, subject: claims.sub, lifetime };
}

async function keep(request, body, origin) {
  const name = request.url.split('/').at(-1);
  const browser = JSON.parse(readFileSync(browserFile(name), 'utf8'));
  const { ttl, urgency, topic, authorization } = request.headers;
  const sender = await checkSender(authorization, origin);
  if (request.headers['content-encoding'] !== 'aes128gcm') throw new Error('coding');
  const line = { to: name, plain: open(body, browser), ttl, urgency, topic, ...sender };
  appendFileSync(join(dir, 'pushes.jsonl'), `${JSON.stringify(line)}\n`);
}

function run(port) {
  const origin = `https://localhost:${port}`;
  const pem = (name) => readFileSync(join(dir, name));
  createServer({ cert: pem('cert.pem'), key: pem('key.pem') }, async (request, answer) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      await keep(request, Buffer.concat(chunks), origin);
      const status = join(dir, 'status');
      answer.statusCode = existsSync(status) ? Number(readFileSync(status, 'utf8')) : 201;
    } catch (error) {
      appendFileSync(join(dir, 'pushes.jsonl'),
        `${JSON.stringify({ bad: String(error) })}\n`);
      answer.statusCode = 400;
    }
    answer.end();
  }).listen(Number(port), '127.0.0.1');
}

/** A proof as the handset API wants it. */
async function proof(handset, method, url, body, nonce) {
  const hash = createHash('sha256').update(body).digest('base64url');
  const claims = {
    htm: method, htu: url, iat: Math.floor(Date.now() / 1000),
    jti: randomBytes(18).toString('base64url'), nonce, bh: hash,
  };
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', kid: handset.device })
    .sign(createPrivateKey(handset.signing_key));
}

async function call(handset, path, body) {
  const url = `${handset.url}${path}`;
  let nonce = '';
  let answer;
  for (let tries = 0; tries < 2; tries++) { // the first one learns the nonce
    answer = await fetch(url, {
      method: 'POST', body,
      headers: {
        'Content-Type': 'application/json',
        DPoP: await proof(handset, 'POST', url, body, nonce),
      },
    });
    nonce = answer.headers.get('DPoP-Nonce');
    if (answer.status !== 401) break;
  }
  return answer;
}

async function subscribe(folder, endpoint, device) {
  const handset = JSON.parse(readFileSync(join(folder, 'handset.json'), 'utf8'));
  const ecdh = createECDH('prime256v1');
  const p256dh = ecdh.generateKeys('base64url');
  const auth = randomBytes(16).toString('base64url');
  const name = endpoint.split('/').at(-1);
  const body = endpoint === 'none' ? { endpoint: null } : { endpoint, p256dh, auth };
  if (endpoint !== 'none') {
    writeFileSync(browserFile(name),
      JSON.stringify({ secret: ecdh.getPrivateKey('base64url'), auth }));
  }
  const answer = await call(handset, `/api/v1/devices/${device ?? handset.device}/push`,
    JSON.stringify(body));
  const problem = answer.status === 204 ? {} : await answer.json();
  console.log([answer.status, problem.type].filter(Boolean).join(' '));
}

if (command === 'run') run(...words);
else await subscribe(...words);
