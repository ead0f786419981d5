// SPDX-License-Identifier: ISC
// push.js - notifications instead of SMS, where the browser offers them.
// Here:       asking the browser, telling the server where to push.
// Elsewhere:  what a push shows (sw.js), the call (api.js).
// Called by:  the view of the settings; main.js at start.
// Source:     Push API; RFC 8291 (keys), RFC 8292 (the server's key).
import { fromB64url, toB64url } from './b64.js';
import { get, put } from './db.js';

/** @typedef {import('./api.js').DeviceClient} DeviceClient */
/** @typedef {'none'|'denied'|'off'|'on'} PushState none: this browser cannot */

/** @returns {Promise<ServiceWorkerRegistration|undefined>} */
async function registration() {
  if (!('serviceWorker' in navigator) || !('PushManager' in self) ||
      typeof Notification === 'undefined') return undefined;
  return navigator.serviceWorker.getRegistration('/');
}

/** @returns {Promise<PushState>} */
export async function pushState() {
  const found = await registration();
  if (!found || !found.pushManager) return 'none';
  if (Notification.permission === 'denied') return 'denied';
  const there = await found.pushManager.getSubscription();
  return there && Notification.permission === 'granted' ? 'on' : 'off';
}

/** @param {PushSubscription} made @returns {import('./types').Subscription} */
function told(made) {
  /** @param {PushEncryptionKeyName} name */
  const key = (name) => toB64url(new Uint8Array(made.getKey(name) || new ArrayBuffer(0)));
  return { endpoint: made.endpoint, p256dh: key('p256dh'), auth: key('auth') };
}

/** @param {PushManager} manager @param {string} key of the server */
async function subscribe(manager, key) {
  const wish = { userVisibleOnly: true, applicationServerKey: fromB64url(key) };
  try {
    return await manager.subscribe(wish);
  } catch (error) { // one that was made for another key is in the way
    const old = await manager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return manager.subscribe(wish);
  }
}

/**
 * Asks the person, the browser and the server, in this order; call it from a tap.
 * @param {DeviceClient} client
 * @param {string} key AppInfo.push_key
 * @returns {Promise<PushState>} "on", or what is in the way; Problem push-host: the
 *   server does not push to where this browser wants it
 */
export async function pushStart(client, key) {
  const found = await registration();
  if (!found || !found.pushManager) return 'none';
  const granted = await Notification.requestPermission();
  if (granted !== 'granted') return granted === 'denied' ? 'denied' : 'off';
  const made = await subscribe(found.pushManager, key);
  try {
    await client.push(client.id, told(made));
  } catch (error) {
    await made.unsubscribe();
    throw error;
  }
  await put('settings', 'push', { endpoint: made.endpoint, device: client.id });
  return 'on';
}

/** No more notifications on this phone. @param {DeviceClient} client */
export async function pushStop(client) {
  const found = await registration();
  const there = found && found.pushManager && await found.pushManager.getSubscription();
  await put('settings', 'push', null);
  if (there) await there.unsubscribe();
  await client.push(client.id, null);
}

/**
 * At start: browsers change and lose subscriptions; the server is told of the new one.
 * @param {DeviceClient} client
 * @param {string} key AppInfo.push_key
 */
export async function pushCheck(client, key) {
  const wanted = await get('settings', 'push');
  const found = wanted && await registration();
  if (!found || !found.pushManager || Notification.permission !== 'granted') return;
  const made = await subscribe(found.pushManager, key);
  if (made.endpoint === wanted.endpoint && client.id === wanted.device) return;
  await client.push(client.id, told(made));
  await put('settings', 'push', { endpoint: made.endpoint, device: client.id });
}

/**
 * The words that a notification shows, in the language that was chosen.
 * @param {{title: string, body: string}} words
 */
export async function pushWords(words) {
  await put('settings', 'push-words', words);
}
