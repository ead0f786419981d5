// SPDX-License-Identifier: ISC
// session.js - what this phone knows: its messages, opened, kept, read, answered.
// Here:       what the views ask for and what they are told; nothing of the page.
// Elsewhere:  the device (phone.js), the list of messages (inbox.js), what is kept
//             (kept.js), answers (reply.js), status and events (state.js).
// Called by:  main.js and the views.
//
// Opened messages are in memory only. What is kept on this phone stays sealed: the JWE
// and the ciphertext of its parts, as they came; only the key that the browser does not
// give away opens them.
import * as api from './api.js';
import { NoStorage } from './db.js';
import * as inbox from './inbox.js';
import * as kept from './kept.js';
import { openPart } from './parts.js';
import { call, client, isShared } from './phone.js';
import * as replies from './reply.js';
import { getStatus, note, on, tell } from './state.js';

export { client, device, devices, forget, isShared, label, leaveNow, register, revoke,
  sessionStart } from './phone.js';

/** @typedef {import('./types').Message} Message */
/** @typedef {import('./types').Page} Page */
/** @typedef {import('./types').Part} Part */
export { getStatus, on };

inbox.onChange(() => tell('messages', undefined));
on('replaced', () => { refresh().catch(() => {}); });

// -- what there is

/** Newest first; those of which only the sealed form is there too (state "sealed").
 * @returns {Message[]} */
export function messages() { return inbox.list(); }

/** @param {string} id @returns {Message|null} */
export function message(id) { return inbox.find(id); }

// -- the list

/** A list that was asked for before may still name them. @type {Set<string>} */
const removed = new Set();

/** @param {Page} page @param {boolean} first */
function takePage(page, first) {
  replies.setKey(page.reply_key);
  note({ held: page.held === true });
  if (first && typeof page.closed === 'number') note({ closed: page.closed });
  inbox.addPage(page.messages.filter(({ id }) => !removed.has(id)));
}

/** @param {api.DeviceClient} asked */
async function pages(asked) {
  /** @type {Set<string>} */
  const ids = new Set();
  let after = '';
  let page;
  do {
    page = await asked.list(after || undefined);
    if (asked !== client()) throw new Error('another device by now');
    takePage(page, after === '');
    page.messages.forEach(({ id }) => ids.add(id));
    const last = page.messages.length > 0 ? page.messages[page.messages.length - 1].id : '';
    if (last <= after) break; // a list that never ends
    after = last;
  } while (page.more);
  return ids;
}

/** @type {Promise<{fresh: number}>|null} */
let refreshing = null;

/**
 * Asks the server for the whole list and opens the newest messages; the others follow
 * in the background, with "messages" events. Calls at the same time are one.
 * @returns {Promise<{fresh: number}>} how many messages were not there before
 */
export function refresh() {
  if (refreshing) return refreshing;
  const over = () => {
    refreshing = null;
    note({ refreshing: false });
  };
  note({ refreshing: true });
  refreshing = call(refreshOnce);
  refreshing.then(over, over);
  return refreshing;
}

/** @param {api.DeviceClient} asked */
async function refreshOnce(asked) {
  await sendReads(asked);
  const before = inbox.ids();
  const ids = await pages(asked);
  inbox.keepOnly(ids);
  note({ refreshed: Math.floor(Date.now() / 1000) });
  await inbox.openSome();
  return { fresh: Array.from(ids).filter((id) => !before.has(id)).length };
}

// -- one message

/** What was read while there was no connection. @type {Set<string>} */
const reads = new Set();

/** @param {api.DeviceClient} asked */
async function sendReads(asked) {
  for (const id of Array.from(reads)) {
    await asked.read(id).catch((error) => {
      if (!(error instanceof api.Problem) || error.status !== 404) throw error;
    });
    reads.delete(id);
  }
}

/** @param {Message} found */
function markRead(found) {
  if (found.read !== 0 || found.state !== 'open') return;
  inbox.update(found.id, { read: Math.floor(Date.now() / 1000) });
  if (found.kept) kept.update(found.id, { read: found.read }).catch(() => {});
  if (found.gone) return;
  reads.add(found.id);
  call(sendReads).catch(() => {}); // the next refresh repeats it
}

/**
 * Opens a message, fetching it when it is not in the list, and marks it read.
 * @param {string} id
 * @returns {Promise<Message>} look at its state; Problem "gone", Offline
 */
export async function open(id) {
  if (!inbox.find(id)) inbox.addPage([await call((asked) => asked.message(id))]);
  const found = await inbox.openOne(id);
  markRead(found);
  return found;
}

/** @param {string} id @param {number} n @returns {{found: Message, part: Part}} */
function partFind(id, n) {
  const found = inbox.find(id);
  const part = found && found.manifest && found.manifest.parts[n - 1];
  if (!found || !part) throw new api.Problem(404, 'gone');
  return { found, part };
}

/** @param {Message} found @param {Part} part @returns {Promise<ArrayBuffer>} */
async function partSealed(found, part) {
  const here = found.kept ? await kept.part(found.id, part.n) : undefined;
  return here || call((asked) => asked.part(found.id, part.n, part.size));
}

/**
 * The bytes of an attachment.
 * @param {string} id @param {number} n from 1
 * @returns {Promise<Uint8Array<ArrayBuffer>>} JweError: it was changed; Problem, Offline
 */
export async function part(id, n) {
  const { found, part: asked } = partFind(id, n);
  return openPart(await partSealed(found, asked), asked);
}

/**
 * Keeps a message on this phone, with its parts: it can be read without a connection
 * and when the server's copy is gone.
 * @param {string} id
 * @returns {Promise<void>} NoStorage (full: no room left); Problem, Offline
 */
export async function keep(id) {
  const found = await inbox.openOne(id);
  if (isShared()) throw new NoStorage('a shared phone');
  if (!found.manifest) throw new api.Problem(404, 'gone');
  /** @type {Array<[number, ArrayBuffer]>} */
  const parts = [];
  for (const one of found.manifest.parts) {
    parts.push([one.n, await partSealed(found, one)]);
  }
  await kept.save(inbox.entry(id), found.manifest.parts, parts);
  inbox.update(id, { kept: true });
}

/** No longer. One whose server copy is gone vanishes. @param {string} id */
export async function unkeep(id) {
  await kept.drop(id);
  const found = inbox.find(id);
  if (found && found.gone) inbox.drop(id);
  else if (found) inbox.update(id, { kept: false });
}

/** Removes the server's copy, for all devices, and what is kept here. @param {string} id
 * @returns {Promise<void>} Problem, Offline: nothing was removed */
export async function remove(id) {
  const found = inbox.find(id);
  if (!found) return;
  if (!found.gone) {
    await call((asked) => asked.remove(id)).catch((error) => {
      if (!(error instanceof api.Problem) || error.type !== 'gone') throw error;
    });
  }
  if (found.kept) await kept.drop(id);
  reads.delete(id);
  removed.add(id);
  inbox.drop(id);
}

/**
 * Answers the sender, sealed.
 * @param {string} id what is answered
 * @param {{text: string, answer?: 'accepted'|'declined'|'tentative'}} what answer: to the
 *   appointment of the message
 * @returns {Promise<string>} the reply's id. Problems: gone, no-reply (this sender takes
 *   none), too-large, later; Offline: calling again with the same sends no second one
 */
export async function reply(id, what) {
  const found = await inbox.openOne(id);
  const sent = await replies.send(call, found, what);
  const at = Math.floor(Date.now() / 1000);
  const one = { at, text: what.text, answer: what.answer || null };
  inbox.update(id, { replies: found.replies.concat(one) });
  return sent;
}
