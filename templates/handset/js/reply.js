// SPDX-License-Identifier: ISC
// reply.js - answers to the sender, sealed to the server's key of the day.
// Here:       which key, sealing again when it has changed, sending the same once more.
// Elsewhere:  sealing itself (jwe.js), what is answered (session.js).
// Called by:  session.js.
import { Problem } from './api.js';
import { sealReply } from './jwe.js';
import { note } from './state.js';

/** @typedef {import('./types').Message} Message */
/** @typedef {import('./types').Said} Said */
/** @typedef {import('./api.js').DeviceClient} DeviceClient */
/** @typedef {<T>(work: (client: DeviceClient) => Promise<T>) => Promise<T>} Call */

/** @type {any} */
let key = null;

/** What was sealed and perhaps arrived: sent again it is the same reply. */
const unsent = { of: '', jwe: '' };

/** It comes with every list. @param {any} jwk null: the server cannot say now */
export function setKey(jwk) {
  key = jwk;
  note({ canReply: Boolean(jwk) });
}

/** The shortest list is the one behind the last id. @param {Call} call */
async function fetchKey(call) {
  setKey((await call((client) => client.list('f'.repeat(32)))).reply_key);
  if (!key) throw new Problem(503, 'later');
}

/** @param {Message} message @param {Said} said @returns {import('./types').Reply} */
function plainOf({ manifest }, { text, answer }) {
  if (!manifest) throw new Problem(404, 'gone');
  /** @type {import('./types').Reply} */
  const plain = { text, subject: manifest.subject };
  if (answer && manifest.appointment) {
    plain.answer = answer;
    plain.uid = manifest.appointment.uid;
  }
  return plain;
}

/** @param {Call} call @param {Message} message @param {Said} said */
async function once(call, message, said) {
  const plain = plainOf(message, said);
  const of = JSON.stringify([message.id, plain]);
  if (unsent.of !== of) {
    if (!key) await fetchKey(call);
    Object.assign(unsent, { of, jwe: await sealReply(plain, key, message.id) });
  }
  const sent = await call((client) => client.reply(message.id, unsent.jwe));
  unsent.of = '';
  return sent.reply;
}

/**
 * @param {Call} call @param {Message} message @param {Said} said
 * @returns {Promise<string>} the reply's id
 */
export async function send(call, message, said) {
  try {
    return await once(call, message, said);
  } catch (error) {
    if (!(error instanceof Problem) || error.type !== 'stale-key') throw error;
    unsent.of = '';
    key = null; // midnight passed in between
    return once(call, message, said);
  }
}
