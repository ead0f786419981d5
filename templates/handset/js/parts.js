// SPDX-License-Identifier: ISC
// parts.js - opens the ciphertext of an attachment.
// Here:       AES-256-GCM in chunks (STREAM), the size, and the hash of the whole.
// Elsewhere:  where the key stands (manifest.js), where the bytes come from (session.js).
// Called by:  session.js.
// Source:     relay/stream.h; Hoang, Reyhanitabar, Rogaway, Vizár 2015.
import { fromB64url, toB64url } from './b64.js';
import { JweError } from './manifest.js';

/** @typedef {import('./types').Part} Part */

const TAG_BYTES = 16;
const CHUNK_MAX = 16 << 20;
const AT_ONCE = 8; // chunks: some for each core, not all of a film

/** @param {Part} part @returns {number} how many chunks it has: an empty part has one */
function chunkCount({ size, chunk }) {
  if (!(chunk >= 1024 && chunk <= CHUNK_MAX) || chunk % 1 !== 0 || size % 1 !== 0) {
    throw new JweError('sizes');
  }
  return Math.max(1, Math.ceil(size / chunk));
}

/** @param {number} i @param {boolean} last */
function nonce(i, last) {
  return new Uint8Array([0, 0, 0, 0, 0, 0, 0, i >>> 24, i >>> 16, i >>> 8, i, last ? 1 : 0]);
}

/**
 * Is it the ciphertext that the manifest names?
 * @param {ArrayBuffer} ciphertext @param {Part} part
 */
export async function isPart(ciphertext, part) {
  if (ciphertext.byteLength !== part.size + chunkCount(part) * TAG_BYTES) return false;
  const hash = await crypto.subtle.digest('SHA-256', ciphertext);
  return toB64url(new Uint8Array(hash)) === part.sha256;
}

/**
 * @param {ArrayBuffer} ciphertext @param {Part} part @param {CryptoKey} key
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function openChunks(ciphertext, { size, chunk }, key) {
  const n = Math.max(1, Math.ceil(size / chunk));
  const plain = new Uint8Array(size);
  /** @param {number} i */
  const one = async (i) => {
    const from = i * (chunk + TAG_BYTES);
    const sealed = new Uint8Array(ciphertext, from,
      Math.min(chunk + TAG_BYTES, ciphertext.byteLength - from));
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: nonce(i, i === n - 1), tagLength: 128 }, key, sealed);
    plain.set(new Uint8Array(opened), i * chunk);
  };
  for (let i = 0; i < n; i += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, n - i) }, (_, k) => one(i + k));
    await Promise.all(some);
  }
  return plain;
}

/**
 * Opens a part, whole; nothing of it is given out before all of it was checked. A
 * JweError says that it was cut or changed.
 * @param {ArrayBuffer} ciphertext
 * @param {Part} part
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function openPart(ciphertext, part) {
  try {
    const key = await crypto.subtle.importKey('raw', fromB64url(part.key), 'AES-GCM', false,
      ['decrypt']);
    const [same, plain] = await Promise.all(
      [isPart(ciphertext, part), openChunks(ciphertext, part, key)]);
    if (!same) throw new JweError('hash');
    return plain;
  } catch (error) {
    throw error instanceof JweError ? error : new JweError(String(error));
  }
}
