// SPDX-License-Identifier: ISC
// kept.js - the messages that a person keeps on this phone, sealed as they came.
// Here:       the JWE in store "kept", the ciphertext of its parts in "parts".
// Elsewhere:  what is kept and when (session.js); the database (db.js).
// Called by:  session.js.
import { NoStorage, all, change, get, put } from './db.js';
import { JweError } from './manifest.js';
import { isPart } from './parts.js';

/** @typedef {import('./types').Entry} Entry */

/** @param {string} id @param {number} n */
const partKey = (id, n) => `${id}/${n}`;

/** @returns {Promise<Entry[]>} */
export function entries() { return all('kept'); }

/** @param {string} id @param {number} n @returns {Promise<ArrayBuffer|undefined>} */
export function part(id, n) { return get('parts', partKey(id, n)); }

/** Nothing is kept that will not open. @param {import('./types').Part[]} wanted
 * @param {Array<[number, ArrayBuffer]>} parts */
async function check(wanted, parts) {
  const fits = await Promise.all(parts.map(([, bytes], i) => isPart(bytes, wanted[i])));
  if (!fits.every(Boolean)) throw new JweError('a part was changed');
}

/**
 * @param {Entry} entry
 * @param {import('./types').Part[]} wanted of its manifest
 * @param {Array<[number, ArrayBuffer]>} parts number and ciphertext
 */
export async function save(entry, wanted, parts) {
  await check(wanted, parts);
  /** @type {Array<[import('./db.js').Store, string, any]>} */
  const puts = parts.map(([n, bytes]) => ['parts', partKey(entry.id, n), bytes]);
  await change(puts.concat([['kept', entry.id, entry]]));
  if (!await get('kept', entry.id)) throw new NoStorage('it was not kept');
}

/** @param {string} id @param {Partial<Entry>} news */
export async function update(id, news) {
  const entry = await get('kept', id);
  if (entry) await put('kept', id, Object.assign({}, entry, news));
}

/** @param {string} id */
export async function drop(id) {
  const entry = await get('kept', id);
  if (!entry) return;
  /** @type {Array<[import('./db.js').Store, string]>} */
  const steps = [['kept', id]];
  for (let n = 1; n <= entry.parts; n++) steps.push(['parts', partKey(id, n)]);
  await change(steps);
}
