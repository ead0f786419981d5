// SPDX-License-Identifier: ISC
// manifest.js - what stands in an opened message.
// Here:       its members, each of the type that the views rely on.
// Elsewhere:  opening (jwe.js), what the server writes (relay/manifest.c).
// Called by:  jwe.js.

/** @typedef {import('./types').Appointment} Appointment */
/** @typedef {import('./types').Manifest} Manifest */
/** @typedef {import('./types').Part} Part */

/** What was sealed does not open, or is not what it should be. */
export class JweError extends Error {
  /** @param {string} why */
  constructor(why) {
    super(`the message does not open: ${why}`);
    this.name = 'JweError';
  }
}

/** @param {any} value */
const text = (value) => {
  if (typeof value !== 'string') throw new JweError('a text is missing');
  return value;
};

/** @param {any} value */
const count = (value) => {
  if (typeof value !== 'number' || !(value >= 0) || value > Number.MAX_SAFE_INTEGER) {
    throw new JweError('a number is missing');
  }
  return value;
};

/** @param {any} value @param {RegExp} pattern */
const optional = (value, pattern) =>
  (typeof value === 'string' && pattern.test(value) ? value : null);

/** @param {any} part @param {number} i @returns {Part} */
function partOf(part, i) {
  if (part.n !== i + 1) throw new JweError('the parts are mixed up');
  return {
    n: part.n,
    type: text(part.type),
    name: text(part.name),
    size: count(part.size),
    chunk: count(part.chunk),
    key: text(part.key),
    sha256: text(part.sha256),
  };
}

/** @param {any} event @returns {Appointment} */
function appointmentTake(event) {
  if (!['REQUEST', 'PUBLISH', 'CANCEL'].includes(event.method)) throw new JweError('method');
  return {
    method: event.method,
    uid: text(event.uid),
    sequence: count(event.sequence),
    summary: text(event.summary),
    start: count(event.start),
    end: count(event.end),
    all_day: event.all_day === true,
    floating: event.floating === true,
    zone: text(event.zone),
    location: text(event.location),
    organizer: text(event.organizer),
    description: text(event.description),
  };
}

/** The text can be read without its card. @param {any} event */
function appointmentOf(event) {
  try {
    return appointmentTake(event);
  } catch (error) {
    return null;
  }
}

/** @param {any} json @param {string} expectedId @returns {Manifest} or throws */
export function manifestOf(json, expectedId) {
  if (json.v !== 1 || json.id !== expectedId) throw new JweError('another message');
  return {
    id: expectedId,
    from: {
      brand: text(json.from.brand),
      address: text(json.from.address),
      color: optional(json.from.color, /^#[0-9a-f]{6}$/),
      logo: optional(json.from.logo, /^\/brand\/[0-9a-f]{16}\.(svg|png|webp)$/),
    },
    subject: text(json.subject),
    date: count(json.date),
    text: text(json.text),
    text_cut: json.text_cut === true,
    conversation: text(json.conversation),
    language: text(json.language),
    parts: json.parts.map(partOf),
    appointment: appointmentOf(json.appointment),
  };
}
