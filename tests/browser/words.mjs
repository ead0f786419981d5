// SPDX-License-Identifier: ISC
// words.mjs - the neighbours do what a story asks for.
// Here:       words.mail(...), words.expect_sms(...): the words of run.sh and of
//             tests/scenario/lib.sh, one after the other.
// Elsewhere:  what they do (tests/scenario/lib.sh), how they get there (run.sh).
// Called by:  stories, through lib.mjs.
import { createWriteStream } from 'node:fs';

const asking = createWriteStream('', { fd: 3 });
const waiting = []; // {resolve, reject, words} in the order in which they were asked
let answered = '';
let over = null;

process.stdin.setEncoding('utf8');
process.stdin.on('data', onAnswer);
process.stdin.on('end', () => {
  over = new Error('the neighbours have gone');
  waiting.splice(0).forEach(({ reject }) => reject(over));
});
process.stdin.unref();

function onAnswer(text) {
  answered += text;
  for (;;) {
    const [status, said, ...rest] = answered.split('\0');
    if (rest.length === 0) break;
    answered = rest.join('\0');
    const { resolve, reject, words } = waiting.shift();
    if (waiting.length === 0) process.stdin.unref();
    if (status === '0') resolve(said);
    else reject(new Error(`${words.join(' ')}: ${said || `exit ${status}`}`));
  }
}

/** What the words print; rejects when they fail. */
function ask(...words) {
  if (over) return Promise.reject(over);
  process.stdin.ref();
  const line = [String(words.length), ...words.map(String)];
  asking.write(line.map((word) => `${word}\0`).join(''));
  return new Promise((resolve, reject) => { waiting.push({ resolve, reject, words }); });
}

const given = new Map(); // number -> how many of its codes the story had

/** The next code that comes to the number. */
function otp(number) {
  given.set(number, (given.get(number) ?? 0) + 1);
  return ask('otp', number, given.get(number));
}

export const words = new Proxy({ otp }, {
  get: (own, name) => own[name] ?? ((...rest) => ask(name, ...rest)),
});
