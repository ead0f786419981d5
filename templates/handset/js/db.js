// SPDX-License-Identifier: ISC
// db.js - what this browser keeps, in IndexedDB.
// Here:       get, put, del, all over the stores; a put is on disk when it returns.
// Elsewhere:  what is kept: keys (keys.js), messages (session.js), choices (main.js).
// Called by:  keys.js, session.js, push.js, main.js. sw.js reads "settings" by itself.
// Source:     IndexedDB 3.0 (durability).
//
// Nothing is made before the first put: on a shared phone not even an empty database.

const NAME = 'sealpost';
const VERSION = 1;
const OPEN_MS = 8000; // some Safari never answers the first question

/** @typedef {'device'|'kept'|'parts'|'settings'} Store */
/** @type {Store[]} */
const STORES = ['device', 'kept', 'parts', 'settings'];

/** This browser keeps nothing: a private window, no room, or an old one. */
export class NoStorage extends Error {
  /** @param {any} [cause] */
  constructor(cause) {
    super(`nothing can be kept: ${(cause && cause.name) || cause || 'no IndexedDB'}`);
    this.name = 'NoStorage';
    this.full = Boolean(cause && cause.name === 'QuotaExceededError');
  }
}

/** @type {IDBDatabase|null} */
let opened = null;

/** @param {IDBDatabase} db */
function watch(db) {
  const drop = () => { opened = null; };
  db.onclose = drop;
  db.onversionchange = () => { db.close(); drop(); }; // another tab deletes it
}

/** @param {boolean} create @returns {Promise<IDBDatabase|null>} null: there is none yet */
function connect(create) {
  return new Promise((resolve, reject) => {
    let absent = false;
    const late = setTimeout(() => reject(new Error('no answer')), OPEN_MS);
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      absent = !create;
      if (absent) /** @type {IDBTransaction} */ (asked.transaction).abort();
      else STORES.forEach((store) => asked.result.createObjectStore(store));
    };
    asked.onsuccess = () => {
      clearTimeout(late);
      resolve(asked.result);
    };
    asked.onerror = (event) => {
      clearTimeout(late);
      event.preventDefault();
      if (absent) resolve(null);
      else reject(asked.error);
    };
    asked.onblocked = () => reject(new Error('blocked'));
  });
}

/** @param {boolean} create @returns {Promise<IDBDatabase|null>} */
async function open(create) {
  if (opened) return opened;
  opened = await connect(create);
  if (opened) watch(opened);
  return opened;
}

/** @typedef {(of: (name: Store) => IDBObjectStore) => IDBRequest<any>|void} Work */

/**
 * @param {IDBDatabase} db @param {Store[]} stores @param {IDBTransactionMode} mode
 * @param {Work} work
 * @returns {Promise<any>} what was asked for, when the transaction is complete
 */
function transact(db, stores, mode, work) {
  return new Promise((resolve, reject) => {
    const change = db.transaction(stores, mode, { durability: 'strict' });
    /** @type {IDBRequest<any>|void} */
    let asked;
    change.oncomplete = () => resolve(asked ? asked.result : undefined);
    change.onabort = () => reject(change.error || new Error('aborted'));
    change.onerror = (event) => event.preventDefault();
    try {
      asked = work((name) => change.objectStore(name));
    } catch (error) { // what cannot be cloned
      change.abort();
      reject(error);
    }
  });
}

/** A phone that slept may have lost the connection: then it is opened again.
 * @param {Store[]} stores @param {IDBTransactionMode} mode @param {Work} work
 * @returns {Promise<any>} undefined where there is no database yet
 */
async function run(stores, mode, work) {
  const once = async () => {
    const db = await open(mode === 'readwrite');
    return db ? transact(db, stores, mode, work) : undefined;
  };
  const before = opened;
  try {
    return await once().catch((error) => {
      if (!before || !/^(InvalidState|Unknown)Error$/.test(error && error.name)) throw error;
      opened = null;
      return once();
    });
  } catch (error) {
    throw new NoStorage(error);
  }
}

/** @param {Store} store @param {string} key @returns {Promise<any>} undefined: not there */
export function get(store, key) {
  return run([store], 'readonly', (of) => of(store).get(key));
}

/** @param {Store} store @param {string} key @param {any} value */
export function put(store, key, value) {
  return change([[store, key, value]]);
}

/** @param {Store} store @param {string} key */
export function del(store, key) {
  return change([[store, key]]);
}

/** @param {Store} store @returns {Promise<any[]>} */
export async function all(store) {
  return (await run([store], 'readonly', (of) => of(store).getAll())) || [];
}

/**
 * Several changes, all or none: [store, key, value] puts, [store, key] deletes, [store]
 * empties the store. They are on disk when it returns.
 * @param {Array<[Store]|[Store, string]|[Store, string, any]>} steps
 */
export async function change(steps) {
  const stores = STORES.filter((store) => steps.some((step) => step[0] === store));
  await run(stores, 'readwrite', (of) => {
    steps.forEach(([store, key, value]) => {
      if (value !== undefined) of(store).put(value, key);
      else if (key !== undefined) of(store).delete(key);
      else of(store).clear();
    });
  });
}

/** Everything goes, the database too. */
export async function destroy() {
  try {
    if (!await open(false)) return;
  } catch (error) {
    return; // nothing is kept here
  }
  await change(STORES.map((store) => /** @type {[Store]} */ ([store])));
  if (opened) opened.close();
  opened = null;
  await new Promise((resolve) => {
    const asked = indexedDB.deleteDatabase(NAME);
    asked.onsuccess = asked.onerror = asked.onblocked = resolve;
  });
}
