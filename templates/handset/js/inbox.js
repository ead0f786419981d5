// SPDX-License-Identifier: ISC
// inbox.js - the messages of this phone, opened one after the other.
// Here:       what the server listed and what is kept, as one list; opening in slices
//             that leave the page time to breathe.
// Elsewhere:  where they come from (session.js, kept.js), opening one (jwe.js).
// Called by:  session.js.
import { openMessage } from './jwe.js';

/** @typedef {import('./types').Entry} Entry */
/** @typedef {import('./types').Keys} Keys */
/** @typedef {import('./types').Message} Message */

const SLICE = 20;

/** @type {Map<string, {entry: Entry, message: Message, opening: Promise<Message>|null}>} */
let items = new Map();
/** @type {Keys|null} */
let keys = null;
let changed = () => {};

/** @param {() => void} fn called when anything here is another */
export function onChange(fn) { changed = fn; }

/** Another device, or none: nothing of the one before is left. @param {Keys|null} next */
export function reset(next) {
  keys = next;
  items = new Map();
  changed();
}

const hasExpired = (/** @type {Message} */ { expires, kept }) =>
  !kept && expires !== 0 && expires * 1000 <= Date.now();

/** @returns {Message[]} newest first */
export function list() {
  return Array.from(items.values(), ({ message }) => message)
    .filter((message) => !hasExpired(message))
    .sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
}

/** @param {string} id @returns {Message|null} */
export function find(id) {
  const item = items.get(id);
  return item && !hasExpired(item.message) ? item.message : null;
}

/** @param {string} id @returns {Entry} as it came */
export function entry(id) {
  const item = items.get(id);
  if (!item) throw new Error('no such message');
  return Object.assign({}, item.entry, { read: item.message.read });
}

export function ids() { return new Set(items.keys()); }

/** @param {string} id @param {Partial<Message>} news */
export function update(id, news) {
  const item = items.get(id);
  if (!item) return;
  item.message = Object.assign({}, item.message, news);
  changed();
}

/** @param {string} id */
export function drop(id) {
  if (items.delete(id)) changed();
}

/** @param {Entry} one @param {{kept: boolean, gone: boolean}} where */
function add(one, where) {
  const { id, created, expires, read } = one;
  /** @type {Message} */
  const message = { id, created, expires, read, state: 'sealed', manifest: null, replies: [],
    kept: where.kept, gone: where.gone };
  items.set(id, { entry: one, message, opening: null });
}

/** What the server listed; what was opened before stays open. @param {Entry[]} entries */
export function addPage(entries) {
  entries.forEach((one) => {
    const item = items.get(one.id);
    if (!item) {
      add(one, { kept: false, gone: false });
      return;
    }
    const read = item.message.read || one.read;
    item.message = Object.assign({}, item.message, { read, expires: one.expires, gone: false });
  });
  if (entries.length > 0) changed();
}

/** What is kept here; whether the server has it too shows when it is asked.
 * @param {Entry[]} entries */
export function addKept(entries) {
  entries.forEach((one) => {
    const past = one.expires !== 0 && one.expires * 1000 <= Date.now();
    add(one, { kept: true, gone: past });
  });
  if (entries.length > 0) changed();
}

/** The list is whole: what it does not name is gone there. @param {Set<string>} listed */
export function keepOnly(listed) {
  items.forEach((item, id) => {
    if (listed.has(id)) return;
    if (item.message.kept) item.message = Object.assign({}, item.message, { gone: true });
    else items.delete(id);
  });
  changed();
}

/** @param {string} id @returns {Promise<Message>} opened, or broken */
async function openNow(id) {
  const item = /** @type {any} */ (items.get(id));
  /** @type {Partial<Message>} */
  let news;
  try {
    const manifest = await openMessage(item.entry.jwe, /** @type {Keys} */ (keys), id);
    news = { state: 'open', manifest };
  } catch (error) {
    news = { state: 'broken', manifest: null };
  }
  item.opening = null;
  item.message = Object.assign({}, item.message, news);
  return item.message;
}

/** @param {string} id @returns {Promise<Message>} */
function openQuietly(id) {
  const item = items.get(id);
  if (!item) return Promise.reject(new Error('no such message'));
  if (item.message.state !== 'sealed') return Promise.resolve(item.message);
  item.opening = item.opening || openNow(id);
  return item.opening;
}

/** @param {string} id @returns {Promise<Message>} its state says how it went */
export async function openOne(id) {
  const message = await openQuietly(id);
  changed();
  return message;
}

const breath = () => new Promise((resolve) => { setTimeout(resolve, 0); });

let round = 0;

/** Opens what is sealed, newest first; returns when the first slice is open. */
export async function openSome() {
  round++;
  const mine = round;
  const sealed = list().filter(({ state }) => state === 'sealed').map(({ id }) => id);
  /** @param {number} from */
  const slice = async (from) => {
    const some = sealed.slice(from, from + SLICE).filter((id) => items.has(id));
    await Promise.all(some.map(openQuietly));
    if (some.length > 0) changed();
  };
  /** @param {number} from */
  const rest = async (from) => {
    await breath();
    if (mine !== round || from >= sealed.length) return;
    await slice(from);
    rest(from + SLICE);
  };
  await slice(0);
  rest(SLICE);
}
