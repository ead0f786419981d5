// SPDX-License-Identifier: ISC
// fixture.mjs - what the modules of the page find in Node instead of a browser, and
// messages as the server seals them.
// Here:       globals; sealing by npm jose, parts by Node's crypto.
// Elsewhere:  the modules under test (templates/handset/js), a server (server.mjs).
// Called by:  the tests of this folder.
import { createCipheriv, createHash, randomBytes, webcrypto } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Databases } from './idb.mjs';
import * as jose from 'jose';

globalThis.crypto ??= webcrypto; // Node 18 has it elsewhere
globalThis.CryptoKey ??= webcrypto.CryptoKey;
globalThis.self ??= globalThis;
globalThis.location ??= { origin: 'http://localhost' };
globalThis.indexedDB = new Databases();

const source = fileURLToPath(new URL('../../templates/handset/js', import.meta.url));

const pages = mkdtempSync(join(tmpdir(), 'app-'));
process.on('exit', () => rmSync(pages, { recursive: true, force: true }));

/** A page that was just loaded: modules with a state of their own. Node takes them for
 *  modules when a package.json says so. */
export function pageLoad() {
  const dir = mkdtempSync(join(pages, 'page-'));
  cpSync(source, dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  return pathToFileURL(dir).href;
}

export const CHUNK = 256 << 10;
export const idOf = (n) => n.toString(16).padStart(32, '0');
export const hash = (bytes) => createHash('sha256').update(bytes).digest('base64url');

/** A manifest as the server writes it. */
export function manifest(id, more = {}) {
  return {
    v: 1,
    id,
    from: { brand: 'Northside Clinic', address: 'clinic@northside.example' },
    subject: 'Your results',
    date: 1764000000,
    text: 'They are in: \u00e9\u4e2d\ud83d\ude00',
    text_cut: false,
    conversation: 'c'.repeat(32),
    language: 'en',
    parts: [],
    ...more,
  };
}

/** Sealed to two devices, as the one of these keys gets it. */
export async function seal(plain, keys, id, header = {}) {
  const other = await jose.generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' });
  const to = await jose.importJWK(keys.encryptionJwk, 'ECDH-ES+A256KW');
  const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
  const sealer = new jose.GeneralEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ enc: 'A256GCM', typ: 'sealpost-message', mid: id, iat: 1764000000,
      to: 'devices-x', ...header });
  sealer.addRecipient(to, { crit: { mid: true } }).setUnprotectedHeader({ alg: 'ECDH-ES+A256KW', kid: keys.kid });
  sealer.addRecipient(other.publicKey, { crit: { mid: true } }).setUnprotectedHeader({ alg: 'ECDH-ES+A256KW' });
  const jwe = await sealer.encrypt();
  return { ...jwe, recipients: [jwe.recipients[0]] };
}

/** STREAM as in relay/stream.h: the ciphertext, and the part for the manifest. */
export function sealPart(bytes, more = {}) {
  const key = randomBytes(32);
  const chunks = [];
  const count = Math.max(1, Math.ceil(bytes.length / CHUNK));
  for (let i = 0; i < count; i++) {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(i, 7);
    nonce[11] = i === count - 1 ? 1 : 0;
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    chunks.push(cipher.update(bytes.subarray(i * CHUNK, (i + 1) * CHUNK)), cipher.final(),
      cipher.getAuthTag());
  }
  const sealed = Buffer.concat(chunks);
  const part = { n: 1, type: 'application/pdf', name: 'letter.pdf', size: bytes.length,
    chunk: CHUNK, key: key.toString('base64url'), sha256: hash(sealed), ...more };
  return { sealed, part };
}

export const arrayBuffer = (bytes) => new Uint8Array(bytes).buffer;
