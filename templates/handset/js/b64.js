// SPDX-License-Identifier: ISC
// b64.js - base64url without padding, as JOSE wants it.
// Here:       both ways; another spelling of the same bytes is refused.
// Called by:  jwe.js, keys.js, parts.js, api.js, push.js.
// Source:     RFC 4648 5; RFC 7515 2.

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const SLICE = 0x8000; // so many arguments a call may have everywhere

/** @param {Uint8Array} bytes @returns {string} */
export function toB64url(bytes) {
  let binary = '';
  for (let i = 0; i < bytes.length; i += SLICE) {
    const some = bytes.subarray(i, i + SLICE);
    binary += String.fromCharCode.apply(null, /** @type {any} */ (some));
  }
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** The bits of the last letter that belong to no byte must be 0. @param {string} text */
function isWhole(text) {
  const spare = [0, 63, 15, 3][text.length % 4];
  return (LETTERS.indexOf(text.slice(-1)) & spare) === 0;
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} throws when it is no base64url */
export function fromB64url(text) {
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]*$/.test(text) ||
      text.length % 4 === 1 || !isWhole(text)) {
    throw new Error('not base64url');
  }
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
