// SPDX-License-Identifier: ISC
// state.js - how the phone stands to the server, and who wants to know.
// Here:       the status, and events.
// Elsewhere:  what changes them (session.js).
// Called by:  session.js, phone.js, reply.js; by session.js the views.

/** @typedef {import('./types').Events} Events */
/** @typedef {import('./types').Status} Status */

/** @type {Status} */
const status = { started: false, offline: false, refreshing: false, refreshed: 0,
  held: false, lost: false, canReply: false, closed: 0, canKeep: true };

/** @returns {Status} a copy */
export function getStatus() { return Object.assign({}, status); }

/** @type {{[event: string]: Array<(detail: any) => void>}} */
const listeners = {};

/**
 * @template {keyof Events} E
 * @param {E} event
 * @param {(detail: Events[E]) => void} fn
 * @returns {() => void} listens no more
 */
export function on(event, fn) {
  listeners[event] = (listeners[event] || []).concat(fn);
  return () => { listeners[event] = listeners[event].filter((other) => other !== fn); };
}

/**
 * @template {keyof Events} E
 * @param {E} event @param {Events[E]} detail
 */
export function tell(event, detail) {
  (listeners[event] || []).forEach((fn) => fn(detail));
}

/** @param {Partial<Status>} news */
export function note(news) {
  /** @type {any} */
  const before = Object.assign({}, status);
  Object.assign(status, news);
  if (Object.keys(news).some((name) => before[name] !== /** @type {any} */ (news)[name])) {
    tell('status', getStatus());
  }
}
