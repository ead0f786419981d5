// SPDX-License-Identifier: ISC
// webcrypto.mjs - opens a sealed message with nothing but WebCrypto.
// Here:       general, flattened and compact JWE; ECDH-ES+A256KW on P-256 and
//             RSA-OAEP-256; keys that never leave the browser's keeping.
// Called by:  the page that browser.mjs shows.
// Source:     RFC 7516 5.2, RFC 7518 4.3 and 4.6.

const utf8 = new TextEncoder();
const { subtle } = crypto;
const p256 = { name: 'ECDH', namedCurve: 'P-256' };

function bytesOf(base64url) {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (ch) => ch.charCodeAt(0));
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let n = 0;
  for (const part of parts) {
    whole.set(part, n);
    n += part.length;
  }
  return whole;
}

const be32 = (n) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);

/** The compact serialisation as a flattened one; JSON as it is. */
function parse(text) {
  if (text.startsWith('{')) return JSON.parse(text);
  const parts = text.split('.');
  if (parts.length !== 5) throw new Error('compact form');
  const [protectedPart, encryptedKey, iv, ciphertext, tag] = parts;
  return { protected: protectedPart, encrypted_key: encryptedKey, iv, ciphertext, tag };
}

/** RFC 7518 4.6.2: one round of SHA-256 gives the 256 bits. */
async function kekAgree(privateKey, { kty, crv, x, y }) {
  if (kty !== 'EC' || crv !== 'P-256') throw new Error('curve');
  const peer = await subtle.importKey('jwk', { kty, crv, x, y }, p256, false, []);
  const z = await subtle.deriveBits({ name: 'ECDH', public: peer }, privateKey, 256);
  const alg = utf8.encode('ECDH-ES+A256KW');
  const info = join(be32(alg.length), alg, be32(0), be32(0), be32(256));
  const kek = await subtle.digest('SHA-256', join(be32(1), new Uint8Array(z), info));
  return subtle.importKey('raw', kek, 'AES-KW', false, ['unwrapKey']);
}

async function contentKey({ alg, epk }, encrypted, privateKey) {
  const unwrap = (key, wrapping) =>
    subtle.unwrapKey('raw', encrypted, key, wrapping, 'AES-GCM', false, ['decrypt']);

  if (alg === 'RSA-OAEP-256') return unwrap(privateKey, 'RSA-OAEP');
  if (alg !== 'ECDH-ES+A256KW') throw new Error('alg');
  return unwrap(await kekAgree(privateKey, epk), 'AES-KW');
}

/** The recipient that kid names: its encrypted key, and its header joined with ours. */
function recipientFind(jwe, header, kid) {
  for (const recipient of jwe.recipients ?? [jwe]) {
    const joined = { ...recipient.header, ...header };
    if (joined.kid === kid) return [joined, bytesOf(recipient.encrypted_key)];
  }
  throw new Error('not for this key');
}

/** text: any serialisation; kid: the key's thumbprint. {header, plain}, or throws. */
export async function openJwe(text, privateKey, kid) {
  const jwe = parse(text);
  const header = JSON.parse(new TextDecoder().decode(bytesOf(jwe.protected)));
  if (header.enc !== 'A256GCM' || 'crit' in header || 'zip' in header)
    throw new Error('protected header');
  if ('aad' in jwe || 'unprotected' in jwe) throw new Error('foreign member');
  const [how, encrypted] = recipientFind(jwe, header, kid);
  const key = await contentKey(how, encrypted, privateKey);
  const plain = await subtle.decrypt(
    {
      name: 'AES-GCM',
      iv: bytesOf(jwe.iv),
      additionalData: utf8.encode(jwe.protected),
      tagLength: 128,
    },
    key,
    join(bytesOf(jwe.ciphertext), bytesOf(jwe.tag)),
  );
  return { header, plain: new Uint8Array(plain) };
}
