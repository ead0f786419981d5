// SPDX-License-Identifier: ISC
// jwe.js - opens what was sealed to this device, and seals what it answers.
// Here:       JWE, A256GCM with ECDH-ES+A256KW on P-256, and nothing else.
// Elsewhere:  the keys (keys.js), what a message holds (manifest.js), parts (parts.js).
// Called by:  session.js.
// Source:     RFC 7516 5; RFC 7518 4.6, 4.4, 5.3; relay/jwe.h.
import { fromB64url, toB64url } from './b64.js';
import { thumbprint } from './keys.js';
import { JweError, manifestOf } from './manifest.js';

/** @typedef {import('./types').Keys} Keys */
/** @typedef {import('./types').Manifest} Manifest */
/** @typedef {import('./types').Reply} Reply */

export { JweError };

const ECDH = { name: 'ECDH', namedCurve: 'P-256' };
const ALG = 'ECDH-ES+A256KW';
const ENC = 'A256GCM';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = 40;
const TEXT_MAX = 2 << 20;

/** What would change the meaning of a JWE and is not spoken here. */
const UNSPOKEN = ['crit', 'zip', 'apu', 'apv', 'b64'];

const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {boolean} ok @param {string} why */
function must(ok, why) {
  if (!ok) throw new JweError(why);
}

/** @param {...Uint8Array} pieces @returns {Uint8Array<ArrayBuffer>} */
function join(...pieces) {
  const whole = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let n = 0;
  pieces.forEach((piece) => {
    whole.set(piece, n);
    n += piece.length;
  });
  return whole;
}

const be32 = (/** @type {number} */ n) =>
  new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);

/** RFC 7518 4.6.2: one round of SHA-256 gives the 256 bits. */
const INFO = () => join(be32(ALG.length), utf8(ALG), be32(0), be32(0), be32(256));

/**
 * The key that wraps the content key.
 * @param {CryptoKey} ours private @param {CryptoKey} theirs public
 * @param {KeyUsage} use
 */
async function kekAgree(ours, theirs, use) {
  const { subtle } = crypto;
  const z = await subtle.deriveBits({ name: 'ECDH', public: theirs }, ours, 256);
  const kek = await subtle.digest('SHA-256', join(be32(1), new Uint8Array(z), INFO()));
  return subtle.importKey('raw', kek, 'AES-KW', false, [use]);
}

/** @param {any} jwk a P-256 point @returns {Promise<CryptoKey>} */
function pointImport(jwk) {
  must(jwk instanceof Object && jwk.kty === 'EC' && jwk.crv === 'P-256' && !('d' in jwk),
    'curve');
  const { kty, crv, x, y } = jwk;
  return crypto.subtle.importKey('jwk', { kty, crv, x, y }, ECDH, false, []);
}

/** @param {any} jwe */
function protectedTake(jwe) {
  must(!('aad' in jwe) && !('unprotected' in jwe), 'foreign member');
  const header = JSON.parse(new TextDecoder().decode(fromB64url(jwe.protected)));
  must(header.enc === ENC && !UNSPOKEN.some((name) => name in header), 'header');
  must(!('alg' in header) && !('kid' in header) && !('epk' in header), 'header');
  return header;
}

/** @param {any} jwe @param {string} kid */
function recipientTake(jwe, kid) {
  /** @type {any[]} */
  const recipients = jwe.recipients;
  const found = recipients.find(({ header }) => header.kid === kid);
  must(found !== undefined, 'not for this key');
  const { header } = found;
  must(header.alg === ALG && !('enc' in header), 'alg');
  must(!UNSPOKEN.some((name) => name in header), 'header');
  const wrapped = fromB64url(found.encrypted_key);
  must(wrapped.length === WRAPPED_BYTES, 'wrapped key');
  return { epk: header.epk, wrapped };
}

/** @param {any} jwe general serialisation @param {Keys} keys @param {string} typ */
async function openJwe(jwe, keys, typ) {
  const { subtle } = crypto;
  const header = protectedTake(jwe);
  must(header.typ === typ, 'typ');
  const { epk, wrapped } = recipientTake(jwe, keys.kid);
  const iv = fromB64url(jwe.iv);
  const tag = fromB64url(jwe.tag);
  must(iv.length === IV_BYTES && tag.length === TAG_BYTES, 'sizes');
  must(jwe.ciphertext.length <= TEXT_MAX, 'too long');
  const kek = await kekAgree(keys.encryption.privateKey, await pointImport(epk),
    'unwrapKey');
  const key = await subtle.unwrapKey('raw', wrapped, kek, 'AES-KW', 'AES-GCM', false,
    ['decrypt']);
  const plain = await subtle.decrypt(
    { name: 'AES-GCM', iv, additionalData: utf8(jwe.protected), tagLength: 128 },
    key, join(fromB64url(jwe.ciphertext), tag));
  return { header, plain: new Uint8Array(plain) };
}

/**
 * Opens a message. Whatever is wrong with it, the error is a JweError.
 * @param {any} jwe as the API gives it
 * @param {Keys} keys
 * @param {string} expectedId the message's id
 * @returns {Promise<Manifest>}
 */
export async function openMessage(jwe, keys, expectedId) {
  try {
    const { header, plain } = await openJwe(jwe, keys, 'sealpost-message');
    must(header.mid === expectedId, 'another message');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(plain);
    return manifestOf(JSON.parse(text), expectedId);
  } catch (error) {
    throw error instanceof JweError ? error : new JweError(String(error));
  }
}

/** @param {any} replyKeyJwk @param {string} messageId */
async function replyHeader(replyKeyJwk, messageId) {
  const pair = await crypto.subtle.generateKey(ECDH, false, ['deriveBits']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const header = {
    alg: ALG,
    kid: await thumbprint(replyKeyJwk),
    epk: { kty, crv, x, y },
    enc: ENC,
    typ: 'sealpost-reply',
    mid: messageId,
    iat: Math.floor(Date.now() / 1000),
    to: 'reply',
  };
  return { privateKey: pair.privateKey, text: toB64url(utf8(JSON.stringify(header))) };
}

/**
 * Seals an answer to the server's key of today.
 * @param {Reply} reply
 * @param {any} replyKeyJwk
 * @param {string} messageId what is answered
 * @returns {Promise<string>} compact serialisation
 */
export async function sealReply(reply, replyKeyJwk, messageId) {
  const { subtle } = crypto;
  const theirs = await pointImport(replyKeyJwk);
  const head = await replyHeader(replyKeyJwk, messageId);
  const kek = await kekAgree(head.privateKey, theirs, 'wrapKey');
  const key = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const wrapped = await subtle.wrapKey('raw', key, kek, 'AES-KW');
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = new Uint8Array(await subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: utf8(head.text), tagLength: 128 },
    key, utf8(JSON.stringify(reply))));
  const end = sealed.length - TAG_BYTES;
  return [head.text, new Uint8Array(wrapped), iv, sealed.subarray(0, end),
    sealed.subarray(end)]
    .map((piece) => (typeof piece === 'string' ? piece : toB64url(piece))).join('.');
}
