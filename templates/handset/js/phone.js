// SPDX-License-Identifier: ISC
// phone.js - this phone as the server knows it: a device that registers, calls, and goes.
// Here:       from proven number to registered device; leaving; what each call tells of
//             the connection and of the device.
// Elsewhere:  the calls (api.js), keys (keys.js), the messages (session.js).
// Called by:  session.js, and by it the views.
import * as api from './api.js';
import { NoStorage, destroy } from './db.js';
import * as inbox from './inbox.js';
import * as kept from './kept.js';
import { deviceLoad, deviceNext, deviceSave, keysMake, keysProve } from './keys.js';
import { setKey } from './reply.js';
import { getStatus, note, tell } from './state.js';

/** @typedef {import('./types').Device} Device */
/** @typedef {import('./types').DeviceInfo} DeviceInfo */
/** @typedef {import('./types').Wish} Wish */

/** @type {Device|null} */
let current = null;
/** @type {api.DeviceClient|null} */
let caller = null;

/** @returns {Device|null} */
export function device() { return current; }

/** For push.js and the views of devices. @returns {api.DeviceClient|null} */
export function client() { return caller; }

/** @returns {boolean} somebody else's phone: nothing is kept on it */
export function isShared() { return current !== null && current.type === 'shared'; }

// -- start and end of a device

/** @param {Device|null} next */
function adopt(next) {
  current = next;
  caller = next ? new api.DeviceClient(next) : null;
  inbox.reset(next ? next.keys : null);
  setKey(null);
  note({ lost: false, held: false, offline: false, closed: 0, refreshed: 0 });
  tell('device', next);
}

/**
 * What this browser keeps: the device, and the kept messages, which can be read at once.
 * Called again it changes nothing.
 * Never fails for want of storage; status.canKeep then says so.
 * @returns {Promise<{device: Device|null}>}
 */
export async function sessionStart() {
  if (current) return { device: current };
  try {
    const found = await deviceLoad();
    note({ canKeep: true });
    adopt(found);
    if (found) inbox.addKept(await kept.entries());
    await inbox.openSome();
  } catch (error) {
    if (!(error instanceof NoStorage)) throw error;
    note({ canKeep: false });
  }
  note({ started: true });
  return { device: current };
}

/** What an answer may have been lost of: the same keys given again are the same device,
 * also when the page was loaded anew in between.
 * @type {{registration: string, made: Device}|null} */
let pending = null;

/** @param {string} registration @param {Wish} wish @returns {Promise<Device>} */
async function prepare(registration, { type, label }) {
  if (pending && pending.registration === registration && pending.made.type === type) {
    return pending.made;
  }
  /** @type {Device|null} */
  let made = type === 'shared' ? null : await deviceNext(registration).catch(() => null);
  if (!made || made.type !== type) {
    made = { id: '', keys: await keysMake(), type, label, registration,
      created: Math.floor(Date.now() / 1000) };
    if (type === 'shared') await keysProve(made.keys);
    else made = await deviceSave(made);
  }
  pending = { registration, made };
  return made;
}

/**
 * Makes keys, makes sure that they are kept and work, and only then gives the public
 * ones to the server. The device before, and what it kept, are forgotten.
 * @param {string} registration the id of one whose number is proven
 * @param {Wish} wish
 * @returns {Promise<Device>} NoStorage: offer "shared phone"; api.Problem, api.Offline:
 *   the registration is still good, try again (unless registration-closed)
 */
export async function register(registration, wish) {
  const before = getStatus().lost ? null : caller;
  const made = await prepare(registration, wish);
  const answer = await api.registrationDevice(registration, {
    encryption_key: made.keys.encryptionJwk, signing_key: made.keys.signingJwk,
    type: wish.type, label: wish.label });
  const known = Object.assign({}, made, { id: answer.device });
  delete known.registration;
  adopt(known.type === 'shared' ? known : await deviceSave(known));
  pending = null;
  setKey(answer.reply_key);
  if (before) before.revoke(before.id).catch(() => {}); // its keys are gone
  await prepareLeave();
  return known;
}

/** @type {() => void} */
let leave = () => {};

/** A shared phone's page may be closed at any moment: what says so is signed already. */
async function prepareLeave() {
  if (!caller || !isShared()) return;
  leave = await caller.leaveProof();
}

/** The page goes away (pagehide): a shared phone's device goes with it, at once. */
export function leaveNow() {
  if (!isShared()) return;
  leave();
  adopt(null);
}

/**
 * Leaves this phone: the server forgets the device, the browser its keys and all that
 * it kept. Without a connection it is forgotten here all the same. NoStorage: the browser
 * does not let go of it.
 */
export async function forget() {
  const gone = current;
  if (!gone || !caller) return;
  try {
    if (!getStatus().lost) await caller.revoke(gone.id);
  } catch (error) {
    if (!(error instanceof api.Problem || error instanceof api.Offline)) throw error;
  }
  adopt(null);
  if (gone.type !== 'shared') await destroy();
}

// -- calls

/** @returns {api.DeviceClient} */
function need() {
  if (!caller) throw new Error('no device');
  return caller;
}

/** Is it the answer for a device that is not there? @param {any} error */
function isLost(error) {
  return error instanceof api.Problem && error.status === 401 && error.type === 'proof';
}

/** Another tab may have registered anew. */
async function lost() {
  const stored = isShared() ? null : await deviceLoad().catch(() => null);
  if (stored && current && stored.id !== current.id) {
    adopt(stored);
    tell('replaced', undefined);
    return;
  }
  note({ lost: true });
  tell('lost', undefined);
}

/**
 * One or more calls; what they tell of the connection and of the device is noted.
 * @template T
 * @param {(client: api.DeviceClient) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function call(work) {
  const asked = need();
  try {
    const answer = await work(asked);
    note({ offline: false });
    await prepareLeave();
    return answer;
  } catch (error) {
    if (asked === caller) {
      if (error instanceof api.Offline) note({ offline: true });
      else if (error instanceof api.Problem) note({ offline: false });
      if (isLost(error)) await lost();
    }
    throw error;
  }
}

// -- the devices of this number

/** @returns {Promise<DeviceInfo[]>} */
export function devices() { return call((asked) => asked.devices()); }

/** Another device; this one goes by forget(). @param {string} id */
export function revoke(id) { return call((asked) => asked.revoke(id)); }

/** @param {string} id @param {string} text at most 60 bytes of UTF-8 */
export function label(id, text) { return call((asked) => asked.label(id, text)); }
