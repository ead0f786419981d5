// SPDX-License-Identifier: ISC
// keys.js - the two key pairs of this device, which never leave the browser's keeping.
// Here:       making them, putting them away, proving that what was put away works.
// Elsewhere:  what they open (jwe.js) and sign (api.js); who decides to keep (session.js).
// Called by:  session.js.
// Source:     RFC 7638 (thumbprint); Web Cryptography API.
//
// Some browsers store a key and give back nothing that works, without a word; so keys
// are read back and tried before the server hears of them.
import { toB64url } from './b64.js';
import { NoStorage, change, get, put } from './db.js';

/** @typedef {import('./types').Device} Device */
/** @typedef {import('./types').Keys} Keys */
/** @typedef {import('./types').PublicJwk} PublicJwk */

const ECDH = { name: 'ECDH', namedCurve: 'P-256' };
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' };
const ES256 = { name: 'ECDSA', hash: 'SHA-256' };

/** @param {CryptoKey} key @returns {Promise<PublicJwk>} */
async function publicJwk(key) {
  const { x, y } = await crypto.subtle.exportKey('jwk', key);
  if (!x || !y) throw new Error('not a P-256 key');
  return { kty: 'EC', crv: 'P-256', x, y };
}

/** @param {{x: string, y: string}} jwk @returns {Promise<string>} RFC 7638 */
export async function thumbprint({ x, y }) {
  const text = JSON.stringify({ crv: 'P-256', kty: 'EC', x, y });
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return toB64url(new Uint8Array(hash));
}

/** @returns {Promise<Keys>} */
export async function keysMake() {
  const [encryption, signing] = await Promise.all([
    crypto.subtle.generateKey(ECDH, false, ['deriveBits']),
    crypto.subtle.generateKey(ECDSA, false, ['sign', 'verify']),
  ]);
  const [encryptionJwk, signingJwk] = await Promise.all(
    [encryption, signing].map(({ publicKey }) => publicJwk(publicKey)),
  );
  const kid = await thumbprint(encryptionJwk);
  return { encryption, signing, kid, encryptionJwk, signingJwk };
}

/** @param {Keys} keys the pair must be the one whose public half is told */
async function signingWorks({ signing, signingJwk }) {
  const text = crypto.getRandomValues(new Uint8Array(32));
  const told = await crypto.subtle.importKey('jwk', signingJwk, ECDSA, false, ['verify']);
  const signature = await crypto.subtle.sign(ES256, signing.privateKey, text);
  return crypto.subtle.verify(ES256, told, signature, text);
}

/** Both sides of an agreement come to the same. @param {Keys} keys */
async function encryptionWorks({ encryption, encryptionJwk }) {
  const { subtle } = crypto;
  const [told, other] = await Promise.all([
    subtle.importKey('jwk', encryptionJwk, ECDH, false, []),
    subtle.generateKey(ECDH, false, ['deriveBits']),
  ]);
  const [ours, theirs] = await Promise.all([
    subtle.deriveBits({ name: 'ECDH', public: other.publicKey }, encryption.privateKey, 256),
    subtle.deriveBits({ name: 'ECDH', public: told }, other.privateKey, 256),
  ]);
  return toB64url(new Uint8Array(ours)) === toB64url(new Uint8Array(theirs));
}

/** Throws unless both pairs do what they are for. @param {Keys} keys */
export async function keysProve(keys) {
  const works = await Promise.all([signingWorks(keys), encryptionWorks(keys)]);
  if (!works.every(Boolean)) throw new Error('the keys do not work');
}

/** The slot "next" holds keys that the server does not know yet. */
const slot = (/** @type {Device} */ device) => (device.id === '' ? 'next' : 'this');

/**
 * Puts the device away and reads it back. A device with an id takes the place of the one
 * before, and what only that one could open goes with it.
 * @param {Device} device
 * @returns {Promise<Device>} as read back; NoStorage when it cannot be kept
 */
export async function deviceSave(device) {
  const at = slot(device);
  if (at === 'next') await put('device', at, device);
  else await change([['device', at, device], ['device', 'next'], ['kept'], ['parts']]);
  try {
    const back = await get('device', at);
    await keysProve(back.keys);
    return back;
  } catch (error) {
    throw error instanceof NoStorage ? error : new NoStorage(error);
  }
}

/** @returns {Promise<Device|null>} NoStorage where nothing can be kept */
export async function deviceLoad() {
  return await get('device', 'this') || null;
}

/** Keys that were given to the server in this registration, whose answer never came.
 * @param {string} registration @returns {Promise<Device|null>} */
export async function deviceNext(registration) {
  const next = await get('device', 'next');
  if (!next || next.registration !== registration) return null;
  await keysProve(next.keys);
  return next;
}

/** The keys go, and what they opened. */
export function deviceForget() {
  return change([['device'], ['kept'], ['parts']]);
}
