// SPDX-License-Identifier: ISC
// idb.mjs - as much of IndexedDB as db.js uses, in memory, for Node.
// Here:       stores of cloned values, transactions that are complete or undone.
// Elsewhere:  the real one is used by the stories in a browser.
// Called by:  fixture.mjs.

// Node has no clone of a CryptoKey before version 21; keys are passed on as they are.
function clone(value) {
  if (value instanceof CryptoKey || value === null || typeof value !== 'object') return value;
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (Array.isArray(value)) return value.map(clone);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, clone(one)]));
}

class Request {
  finish(result, error) {
    this.result = result;
    this.error = error;
    if (error) this.onerror?.({ preventDefault() {} });
    else this.onsuccess?.({});
  }
}

class Store {
  constructor(map, full) {
    this.map = map;
    this.full = full;
  }

  answer(work) {
    const request = new Request();
    request.result = work();
    return request;
  }

  get(key) { return this.answer(() => clone(this.map.get(key))); }

  getAll() { return this.answer(() => [...this.map.values()].map(clone)); }

  put(value, key) {
    return this.answer(() => {
      if (this.full()) throw new DOMException('no room', 'QuotaExceededError');
      this.map.set(key, clone(value));
    });
  }

  delete(key) { return this.answer(() => { this.map.delete(key); }); }

  clear() { return this.answer(() => { this.map.clear(); }); }
}

class Transaction {
  constructor(database) {
    this.database = database;
    this.before = new Map([...database.stores].map(([name, map]) => [name, new Map(map)]));
    setTimeout(() => { if (!this.aborted) this.oncomplete?.({}); });
  }

  objectStore(name) {
    return new Store(this.database.stores.get(name), () => this.database.full);
  }

  abort() {
    this.aborted = true;
    this.database.stores = this.before;
    setTimeout(() => this.onabort?.({}));
  }
}

export class Databases {
  constructor() { this.made = new Map(); }

  open(name) {
    const request = new Request();
    setTimeout(() => {
      if (this.refused) return request.finish(undefined, new DOMException('no', 'InvalidStateError'));
      if (this.made.has(name)) return request.finish(this.made.get(name));
      const database = { stores: new Map(), full: false, close() {} };
      database.createObjectStore = (store) => database.stores.set(store, new Map());
      database.transaction = () => new Transaction(database);
      request.result = database;
      let aborted = false;
      request.transaction = { abort() { aborted = true; } };
      request.onupgradeneeded?.({});
      if (aborted) return request.finish(undefined, new DOMException('aborted', 'AbortError'));
      this.made.set(name, database);
      return request.finish(database);
    });
    return request;
  }

  deleteDatabase(name) {
    const request = new Request();
    setTimeout(() => {
      this.made.delete(name);
      request.finish();
    });
    return request;
  }
}
