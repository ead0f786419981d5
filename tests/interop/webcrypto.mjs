// SPDX-License-Identifier: ISC
// webcrypto.mjs - opens a sealed message with nothing but WebCrypto.
// Here:       general, flattened and compact JWE; ECDH-ES+A256KW on P-256, RSA-OAEP-256;
//             keys that never leave the browser's keeping.
// Called by:  the page that browser.mjs shows.
// Source:     RFC 7516 5.2, RFC 7518 4.3 and 4.6.

const utf8 = new TextEncoder();

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
  const [protected_, encrypted_key, iv, ciphertext, tag] = text.split('.');
  return { protected: protected_, encrypted_key, iv, ciphertext, tag };
}

/** RFC 7518 4.6.2: one round of SHA-256 gives the 256 bits. */
async function kekAgree(privateKey, epk) {
  if (epk.kty !== 'EC' || epk.crv !== 'P-256') throw new Error('curve');
  const { kty, crv, x, y } = epk;
  const peer = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, { name: 'ECDH', namedCurve: 'P-256' }, false, []);
  const z = await crypto.subtle.deriveBits({ name: 'ECDH', public: peer }, privateKey, 256);
  const alg = utf8.encode('ECDH-ES+A256KW');
  const info = join(be32(alg.length), alg, be32(0), be32(0), be32(256));
  const kek = await crypto.subtle.digest('SHA-256', join(be32(1), new Uint8Array(z), info));
  return crypto.subtle.importKey('raw', kek, 'AES-KW', false, ['unwrapKey']);
}

async function contentKey(header, encrypted, privateKey) {
  if (header.alg === 'RSA-OAEP-256')
    return crypto.subtle.unwrapKey('raw', encrypted, privateKey, 'RSA-OAEP', 'AES-GCM', false, ['decrypt']);
  if (header.alg !== 'ECDH-ES+A256KW') throw new Error('alg');
  const kek = await kekAgree(privateKey, header.epk);
  return crypto.subtle.unwrapKey('raw', encrypted, kek, 'AES-KW', 'AES-GCM', false, ['decrypt']);
}

/** text: any serialisation; kid: the recipient's thumbprint. {header, plain} or throws. */
export async function openJwe(text, privateKey, kid) {
  const jwe = parse(text);
  const protectedHeader = JSON.parse(new TextDecoder().decode(bytesOf(jwe.protected)));
  if (protectedHeader.enc !== 'A256GCM' || 'crit' in protectedHeader || 'zip' in protectedHeader)
    throw new Error('protected header');
  const headers = (jwe.recipients ?? [jwe]).map((recipient) => ({
    encrypted: recipient.encrypted_key,
    ...recipient.header,
    ...protectedHeader,
  }));
  const mine = headers.find((header) => header.kid === kid);
  if (mine === undefined) throw new Error('not for this key');
  const key = await contentKey(mine, bytesOf(mine.encrypted), privateKey);
  const plain = await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: bytesOf(jwe.iv), additionalData: utf8.encode(jwe.protected), tagLength: 128 },
    key,
    join(bytesOf(jwe.ciphertext), bytesOf(jwe.tag)),
  );
  return { header: protectedHeader, plain: new Uint8Array(plain) };
}
