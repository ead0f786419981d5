// SPDX-License-Identifier: ISC
// mails.mjs - mails of every shape, and a thousand at once.
// Here:       MIME as a clinic's program writes it; LMTP to Sealpost's socket.
// Elsewhere:  a plain mail by way of Postfix (words.mail).
// Called by:  stories.
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CRLF = '\r\n';
let made = 0;

const word = (text) => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
const inLines = (base64) => base64.replaceAll(/.{76}/g, `$&${CRLF}`);
const parameter = (name, value) => (value === undefined ? ''
  : `; ${name}*=utf-8''${encodeURIComponent(value)}`);

function entity({ type, bytes, name, inline, cid, charset }) {
  const headers = [
    `Content-Type: ${type}${charset ? `; charset=${charset}` : ''}${parameter('name', name)}`,
    'Content-Transfer-Encoding: base64',
  ];
  if (name !== undefined || inline) {
    headers.push(`Content-Disposition: ${inline ? 'inline' : 'attachment'}${parameter('filename', name)}`);
  }
  if (cid) headers.push(`Content-ID: <${cid}>`);
  return [...headers, '', inLines(Buffer.from(bytes).toString('base64'))].join(CRLF);
}

function multipart(subtype, entities) {
  const boundary = `story-${made++}`;
  return [`Content-Type: multipart/${subtype}; boundary="${boundary}"`, '',
    ...entities.flatMap((one) => [`--${boundary}`, one]), `--${boundary}--`, ''].join(CRLF);
}

/**
 * subject, text: strings; parts: {type, bytes, name?, inline?}[]; calendar: the text of an
 * iCalendar object, as an alternative to the text.
 */
export function compose({ from, to, subject, text, parts = [], calendar, method = 'REQUEST' }) {
  const plain = entity({ type: 'text/plain', charset: 'utf-8', bytes: text });
  const body = calendar === undefined ? plain : multipart('alternative', [plain,
    entity({ type: `text/calendar; method=${method}`, charset: 'utf-8', bytes: calendar })]);
  return [`From: <${from}>`, `To: <${to}>`, `Subject: ${word(subject)}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <story-${process.pid}-${made++}@clinic.example>`, 'MIME-Version: 1.0',
    parts.length === 0 ? body : multipart('mixed', [body, ...parts.map(entity)]),
  ].join(CRLF);
}

/** Gives the mails to Sealpost, one after the other in one session. */
export async function deliver(...mails) {
  const socket = createConnection(join(process.env.STORY_DIR, 'lmtp.sock'));
  const lines = createInterface({ input: socket, crlfDelay: Infinity })[Symbol.asyncIterator]();
  const answer = async (want) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('LMTP: the connection is closed');
      if (!value.startsWith(want)) throw new Error(`LMTP: ${value}`);
      if (value[3] !== '-') return;
    }
  };
  const say = async (line, want) => {
    socket.write(line + CRLF);
    await answer(want);
  };
  await answer('220');
  await say('LHLO story.clinic.example', '250');
  for (const mail of mails) {
    await say(`MAIL FROM:<${mail.from}>`, '250');
    await say(`RCPT TO:<${mail.to}>`, '250');
    await say('DATA', '354');
    await say(`${compose(mail).replaceAll(/^\./gm, '..')}${CRLF}.`, '250');
  }
  await say('QUIT', '221');
  socket.destroy();
}
