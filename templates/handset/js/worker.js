// SPDX-License-Identifier: ISC
// worker.js - the service worker, which pins the version of this page.
// Here:       starting it, seeing that the server has another version, taking that one.
// Elsewhere:  what it does (sw.js).
// Called by:  main.js.
// Source:     Service Workers; Trusted Types.

const PIN = 'app-pin'; // as in sw.js
const HOUR_MS = 3600000;
const ANSWER_MS = 120000;

const isOffered = () => 'serviceWorker' in navigator && 'caches' in self;

/** The one script whose address is not written in HTML. @type {any} */
let url = null;

function workerUrl() {
  const { trustedTypes } = /** @type {any} */ (self);
  if (!url && trustedTypes) {
    url = trustedTypes.createPolicy('sealpost-worker', { createScriptURL: () => '/sw.js' })
      .createScriptURL('');
  }
  return url || '/sw.js';
}

/** @type {Promise<boolean>|null} */
let starting = null;

/** Starts the service worker, once. @returns {Promise<boolean>} false: this browser has
 * none, and the page works without */
export function workerStart() {
  starting = starting || start();
  return starting;
}

async function start() {
  if (!isOffered()) return false;
  try {
    await navigator.serviceWorker.register(workerUrl(), { scope: '/', updateViaCache: 'none' });
    return true;
  } catch (error) {
    return false;
  }
}

/** @returns {Promise<string|null>} the hash of the version that is pinned, if one is */
export async function pinned() {
  if (!isOffered() || !await caches.has(PIN)) return null;
  const found = await (await caches.open(PIN)).match('/pin');
  return found ? found.text() : null;
}

/**
 * @param {ServiceWorker} worker @param {'look'|'update'} type
 * @returns {Promise<any>} null: nothing came of it
 */
function ask(worker, type) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(null), ANSWER_MS);
    worker.postMessage({ type }, [port2]);
  });
}

let asked = 0;

/**
 * Asks the server, at most once an hour.
 * @returns {Promise<string|null>} the hash of another version: it is here, and was found
 *   to be what the server's list says
 */
export async function updateWaiting() {
  if (!isOffered() || Date.now() - asked < HOUR_MS) return null;
  const found = await navigator.serviceWorker.getRegistration('/');
  if (!found || !found.active) return null;
  asked = Date.now();
  return ask(found.active, 'look');
}

/**
 * The person wants the new version; reload the page when it is true.
 * @returns {Promise<boolean>} false: it could not be had, the old one stays
 */
export async function updateTake() {
  const found = await navigator.serviceWorker.getRegistration('/');
  if (!found) return false;
  await found.update().catch(() => {}); // sw.js itself may be another
  const worker = found.installing || found.waiting || found.active;
  return worker ? await ask(worker, 'update') === true : false;
}
