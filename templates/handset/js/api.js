// SPDX-License-Identifier: ISC
// api.js - the handset API of this server.
// Here:       one function for each call, proofs, nonces, and what can go wrong.
// Elsewhere:  what is made of the answers (session.js), keys (keys.js).
// Called by:  session.js, push.js, and the views before there is a device.
// Source:     templates/handset/openapi.yaml; RFC 9449 4.2; RFC 7515; RFC 9457.
import { toB64url } from './b64.js';

/** @typedef {import('./types').AppInfo} AppInfo */
/** @typedef {import('./types').DeviceInfo} DeviceInfo */
/** @typedef {import('./types').Entry} Entry */
/** @typedef {import('./types').NoticeInfo} NoticeInfo */
/** @typedef {import('./types').Page} Page */
/** @typedef {import('./types').Registration} Registration */
/** @typedef {import('./types').Subscription} Subscription */

/** The server refused. `type` is the last word of its URN, e.g. "otp-mismatch". */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} type
   * @param {{title?: string, tries_left?: number, retryAfter?: number}} [more]
   */
  constructor(status, type, more = {}) {
    super(`${type} (${status}): ${more.title || ''}`);
    this.name = 'Problem';
    this.status = status;
    this.type = type;
    this.title = more.title || '';
    /** of otp-mismatch; -1: not said */
    this.triesLeft = typeof more.tries_left === 'number' ? more.tries_left : -1;
    /** seconds; 0: not said */
    this.retryAfter = more.retryAfter || 0;
  }
}

/** The server was not reached, or somebody else answered in its place. */
export class Offline extends Error {
  /** @param {any} [cause] */
  constructor(cause) {
    super(`no connection: ${cause}`);
    this.name = 'Offline';
  }
}

/** @typedef {{status: number, nonce: string|null, body: any}} Answer */

const CALL_MS = 20000;
const SLOWEST_BYTES_PER_MS = 8; // a part comes at 8 kB/s or better
const URN = 'urn:sealpost:';

/** @param {Response} response */
async function problemOf(response) {
  const retryAfter = Number(response.headers.get('Retry-After')) || 0;
  const fallback = response.status >= 500 ? 'later' : 'unknown';
  try {
    const problem = await response.json();
    const { type, title, tries_left } = problem;
    const known = typeof type === 'string' && type.slice(0, URN.length) === URN;
    return new Problem(response.status, known ? type.slice(URN.length) : fallback,
      { title, tries_left, retryAfter });
  } catch (error) { // a proxy's page
    return new Problem(response.status, fallback, { retryAfter });
  }
}

/**
 * @param {Response} response
 * @param {boolean} bytes
 */
async function bodyOf(response, bytes) {
  if (bytes) return response.arrayBuffer();
  return response.status === 204 ? null : response.json();
}

/**
 * @template T
 * @param {number} ms
 * @param {(abort: AbortController|null) => Promise<T>} work
 * @returns {Promise<T>} or Offline, when the time is over too
 */
async function within(ms, work) {
  const abort = typeof AbortController === 'function' ? new AbortController() : null;
  /** @type {any} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Offline('time is over'));
      if (abort) abort.abort();
    }, ms);
  });
  try {
    return await Promise.race([work(abort), late]);
  } catch (error) {
    throw error instanceof Offline ? error : new Offline(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Nothing is cached, nothing of it is told elsewhere.
 * @param {string} method @param {string|undefined} body @param {string} [proof]
 * @returns {RequestInit}
 */
function initOf(method, body, proof) {
  /** @type {{[name: string]: string}} */
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (proof !== undefined) headers.DPoP = proof;
  return { method, headers, body, cache: 'no-store', credentials: 'omit', mode: 'same-origin',
    redirect: 'error', referrerPolicy: 'no-referrer' };
}

const urlOf = (/** @type {string} */ path) => self.location.origin + path;

/**
 * One request. A refusal is an Answer too; its body is a Problem.
 * @param {string} method
 * @param {string} path
 * @param {{body?: string, proof?: string, bytes?: boolean, ms?: number}} [options]
 * @returns {Promise<Answer>}
 */
function request(method, path, { body, proof, bytes = false, ms = CALL_MS } = {}) {
  return within(ms, async (abort) => {
    const init = initOf(method, body, proof);
    if (abort) init.signal = abort.signal;
    const response = await fetch(urlOf(path), init);
    const nonce = response.headers.get('DPoP-Nonce');
    const got = response.ok ? await bodyOf(response, bytes) : await problemOf(response);
    return { status: response.status, nonce, body: got };
  });
}

/** @param {Answer} answer its body, or its Problem thrown */
function accepted({ body }) {
  if (body instanceof Problem) throw body;
  return body;
}

/** Before there is a device. @param {string} method @param {string} path @param {any} [json] */
async function plain(method, path, json) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  return accepted(await request(method, path, { body }));
}

// -- before there is a device

/** @returns {Promise<AppInfo>} */
export function appInfo() { return plain('GET', '/api/v1/app'); }

/**
 * What the link of a notice is about. Problem "gone": unknown, or its time is over.
 * @param {string} token the letters behind /m/
 * @returns {Promise<NoticeInfo>}
 */
export function noticeInfo(token) {
  return plain('GET', `/api/v1/notices/${encodeURIComponent(token)}`);
}

/**
 * Passwords that are compared here, in a closed network.
 * @type {Map<string, {check: string, triesLeft: number, proven: boolean}>}
 */
const checks = new Map();
const CHECK_TRIES = 5;

/**
 * Begins to prove a number. With direction server the password comes by SMS.
 * @param {{number?: string, notice?: string, direction?: 'server'|'handset'}} whose
 * @returns {Promise<Registration>} Problems: bad-number, direction, too-many, later
 */
export async function registrationStart(whose) {
  const started = await plain('POST', '/api/v1/registrations', whose);
  if (!/^[0-9a-f]{32}$/.test(started.registration)) throw new Offline('an odd answer');
  if (started.check) {
    checks.set(started.registration,
      { check: started.check, triesLeft: CHECK_TRIES, proven: false });
  }
  return started;
}

/** @param {string} id @param {string} otp @param {any} here of checks */
async function compareHere(id, otp, here) {
  const bytes = new TextEncoder().encode(`${id}:${otp}`);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  if (here.triesLeft === 0) throw new Problem(410, 'registration-closed');
  here.proven = toB64url(hash) === here.check;
  if (here.proven) return { proven: true };
  here.triesLeft--;
  throw new Problem(403, 'otp-mismatch', { tries_left: here.triesLeft });
}

/**
 * Gives the password back (direction server), or names the one that the handset sends
 * with the number that it sends from (direction handset: proven is false until the SMS
 * came, ask again).
 * @param {string} id of the registration
 * @param {{otp: string, number?: string}} what
 * @returns {Promise<{proven: boolean}>} Problems: otp-mismatch (triesLeft),
 *   number-mismatch, registration-closed, bad-number, too-many, later
 */
export async function registrationOtp(id, what) {
  const here = checks.get(id);
  return here ? compareHere(id, what.otp, here)
    : plain('POST', `/api/v1/registrations/${id}/otp`, what);
}

/**
 * Gives the public keys; the views call register() of session.js.
 * @param {string} id of the registration
 * @param {{encryption_key: any, signing_key: any, type: string, label: string}} device
 * @returns {Promise<{device: string, reply_key: any}>} Problems: registration-closed,
 *   too-many (8 devices), bad-key, later
 */
export async function registrationDevice(id, device) {
  const here = checks.get(id);
  const told = here && here.proven ? Object.assign({ checked: true }, device) : device;
  const made = await plain('POST', `/api/v1/registrations/${id}/device`, told);
  if (!/^[0-9a-f]{32}$/.test(made.device)) throw new Offline('an odd answer');
  checks.delete(id);
  return made;
}

// -- a device

const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);
const b64Json = (/** @type {any} */ json) => toB64url(utf8(JSON.stringify(json)));
const ES256 = { name: 'ECDSA', hash: 'SHA-256' };

/** The calls of a registered device, each with its proof. */
export class DeviceClient {
  /** @param {import('./types').Device} device */
  constructor(device) {
    this.id = device.id;
    this.key = device.keys.signing.privateKey;
    this.nonce = '';
    /** The call that brings the first nonce. @type {Promise<any>|null} */
    this.first = null;
  }

  /**
   * @param {string} method @param {string} path with its query @param {string} [body]
   * @returns {Promise<string>} a compact JWS
   */
  async proof(method, path, body = '') {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(body)));
    const jti = crypto.getRandomValues(new Uint8Array(18));
    const input = `${b64Json({ typ: 'dpop+jwt', alg: 'ES256', kid: this.id })}.${b64Json({
      htm: method,
      htu: urlOf(path.split('?')[0]),
      iat: Math.floor(Date.now() / 1000),
      jti: toB64url(jti),
      nonce: this.nonce,
      bh: toB64url(hash),
    })}`;
    const signature = await crypto.subtle.sign(ES256, this.key, utf8(input));
    return `${input}.${toB64url(new Uint8Array(signature))}`;
  }

  /** @param {string} method @param {string} path @param {any} options @returns {Promise<Answer>} */
  async once(method, path, options) {
    const proof = await this.proof(method, path, options.body);
    const answer = await request(method, path, Object.assign({ proof }, options));
    if (answer.nonce) this.nonce = answer.nonce;
    return answer;
  }

  /** A refused proof is repeated once: its nonce may just have grown old.
   * @param {string} method @param {string} path @param {any} options */
  async twice(method, path, options) {
    const answer = await this.once(method, path, options);
    return accepted(answer.status === 401 ? await this.once(method, path, options) : answer);
  }

  /**
   * Without a nonce the first call goes alone; the others wait for what it brings.
   * @param {string} method @param {string} path
   * @param {{json?: any, bytes?: boolean, ms?: number}} [options]
   * @returns {Promise<any>}
   */
  async call(method, path, { json, bytes, ms } = {}) {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const options = { body, bytes, ms };
    while (!this.nonce && this.first) await this.first;
    if (this.nonce) return this.twice(method, path, options);
    const first = this.twice(method, path, options);
    const over = () => { this.first = null; };
    this.first = first.then(over, over);
    return first;
  }

  /** Oldest first. @param {string} [after] an id @returns {Promise<Page>} */
  list(after) { return this.call('GET', `/api/v1/messages${after ? `?after=${after}` : ''}`); }

  /** @param {string} id @returns {Promise<Entry>} */
  message(id) { return this.call('GET', `/api/v1/messages/${id}`); }

  /**
   * The ciphertext of a part.
   * @param {string} id @param {number} n from 1 @param {number} [size] bytes, about
   * @returns {Promise<ArrayBuffer>}
   */
  part(id, n, size = 0) {
    return this.call('GET', `/api/v1/messages/${id}/parts/${n}`,
      { bytes: true, ms: CALL_MS + size / SLOWEST_BYTES_PER_MS });
  }

  /** @param {string} id @returns {Promise<void>} */
  read(id) { return this.call('POST', `/api/v1/messages/${id}/read`); }

  /** @param {string} id @param {string} jwe compact @returns {Promise<{reply: string}>} */
  reply(id, jwe) {
    return this.call('POST', `/api/v1/messages/${id}/replies`, { json: { jwe } });
  }

  /** @param {string} id @returns {Promise<void>} */
  remove(id) { return this.call('DELETE', `/api/v1/messages/${id}`); }

  /** @returns {Promise<DeviceInfo[]>} */
  async devices() { return (await this.call('GET', '/api/v1/devices')).devices; }

  /** @param {string} id @returns {Promise<void>} */
  revoke(id) { return this.call('DELETE', `/api/v1/devices/${id}`); }

  /** @param {string} id @param {string} text at most 60 bytes @returns {Promise<void>} */
  label(id, text) {
    return this.call('POST', `/api/v1/devices/${id}/label`, { json: { label: text } });
  }

  /** null: no more. @param {string} id @param {Subscription|null} subscription */
  push(id, subscription) {
    return this.call('POST', `/api/v1/devices/${id}/push`,
      { json: subscription || { endpoint: null } });
  }

  /**
   * Signs now what has to be sent when there is no time left to sign: this device goes.
   * @returns {Promise<() => void>} sends it, and waits for nothing
   */
  async leaveProof() {
    const path = `/api/v1/devices/${this.id}`;
    const init = initOf('DELETE', undefined, await this.proof('DELETE', path));
    init.keepalive = true;
    return () => { fetch(urlOf(path), init).catch(() => {}); };
  }
}
