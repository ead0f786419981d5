// SPDX-License-Identifier: ISC
// lib.mjs - what the scripts of this folder share: our tool, and one line a check.
// Here:       seal, open and refuse by jwe_tool, through files in a directory of its
//             own; all the ways to alter a sealed message.
// Called by:  jose.mjs, browser.mjs, each with the path of jwe_tool as its argument.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Debian 12's Node 18 has WebCrypto, but not as the global that jose asks for.
globalThis.crypto ??= webcrypto;

// A copy of the list with another entry there (Node 18 has no Array.prototype.with).
const replaced = (list, at, entry) => list.map((old, i) => (i === at ? entry : old));

const tool = process.argv[2];
const dir = mkdtempSync(join(tmpdir(), 'interop-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

export const text = 'Your results are in: \u00e9\u4e2d\ud83d\ude00';
export const mid = '5ea19057000000000000000000000000';
export const epoch = 'epoch-20261124';

/** A name in this run's directory. */
export const at = (name) => join(dir, name);

/** A failure tells what the tool said, not the long words that it was given. */
function run(...words) {
  try {
    execFileSync(tool, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { status, signal, stderr } = error;
    throw new Error(`jwe_tool ${words[0]}: ${status ?? signal}: ${stderr ?? error}`);
  }
}

function jwkFile(name, jwk) {
  writeFileSync(at(name), JSON.stringify(jwk));
  return at(name);
}

/** A pair of ours: 'ec' or 'rsa'. pem stays in its file; jwk is the public half. */
export function ourKey(kind) {
  run('keygen', kind, at(`${kind}.pem`), at(`${kind}.jwk`));
  const jwk = JSON.parse(readFileSync(at(`${kind}.jwk`), 'utf8'));
  return { pem: at(`${kind}.pem`), jwk };
}

/**
 * form: general, window or compact; jwks: to whom; the serialisation's text. only: as
 * this one of them gets it (general JSON).
 */
export function weSeal(form, jwks, { plain = text, only } = {}) {
  const files = jwks.map((jwk, i) => jwkFile(`to${i}.jwk`, jwk));
  writeFileSync(at('plain'), plain);
  run(form === 'general' ? 'seal' : form, at('plain'), at('sealed'), ...files);
  if (form === 'compact') return readFileSync(at('sealed'), 'utf8');
  const asked = only ? [jwkFile('only.jwk', only)] : [];
  run('to-json', at('sealed'), at('json'), ...asked);
  return readFileSync(at('json'), 'utf8');
}

const asText = (sealed) =>
  typeof sealed === 'string' ? sealed : JSON.stringify(sealed);

export function weOpen(pem, sealed) {
  writeFileSync(at('sealed'), asText(sealed));
  run('open', pem, at('sealed'), at('opened'));
  return readFileSync(at('opened'), 'utf8');
}

/** Each of [what, sealed][] is refused by us; one that opens is named in the error. */
export function weRefuse(pem, wrong) {
  const files = wrong.map(([what, sealed], i) => {
    const file = at(`wrong ${i} (${what.replaceAll(/[^\w ]/g, '')})`);
    writeFileSync(file, asText(sealed));
    return file;
  });
  run('refuse', pem, ...files);
  files.forEach((file) => rmSync(file));
}

const bytesOf = (letters) => Buffer.from(letters, 'base64url');
const lettersOf = (bytes) => Buffer.from(bytes).toString('base64url');

function withBit(letters, index) {
  const bytes = bytesOf(letters);
  bytes[index < 0 ? bytes.length + index : index] ^= 1;
  return lettersOf(bytes);
}

/** Another spelling of the same bytes: the unused bits of the last letter. */
function withSpareBit(letters) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters.slice(0, -1) + alphabet[alphabet.indexOf(letters.at(-1)) ^ 1];
}

/** What can happen to one base64url member: [what, letters][]. */
function* alteredBytes(letters) {
  yield ['first bit', withBit(letters, 0)];
  yield ['last bit', withBit(letters, -1)];
  yield ['cut', lettersOf(bytesOf(letters).subarray(0, -1))];
  yield ['longer', lettersOf(Buffer.concat([bytesOf(letters), Buffer.alloc(1)]))];
  yield ['empty', ''];
}

/** The same for the protected header: still JSON, and soundly spelled. */
function* alteredHeader(letters) {
  const header = JSON.parse(bytesOf(letters));
  const respelled = ` ${JSON.stringify(header)}`;
  yield ['a blank more', lettersOf(respelled)];
  const changes = [
    { mid: 'f'.repeat(32) },
    { to: 'epoch-20261125' },
    { iat: 1 },
    { more: 1 },
    { crit: ['mid'] },
    { zip: 'DEF' },
    { enc: 'A128GCM' },
  ];
  for (const change of changes) {
    const changed = JSON.stringify({ ...header, ...change });
    yield [Object.keys(change)[0], lettersOf(changed)];
  }
}

function* alteredCompact(sealed) {
  const names = ['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag'];
  const parts = sealed.split('.');
  for (const [i, name] of names.entries()) {
    const ways = name === 'protected' ? [alteredHeader] : [];
    for (const way of [alteredBytes, ...ways]) {
      for (const [what, letters] of way(parts[i])) {
        yield [`${name}: ${what}`, replaced(parts, i, letters).join('.')];
      }
    }
  }
  yield ['tag: spare bit', replaced(parts, 4, withSpareBit(parts[4])).join('.')];
  yield ['a part less', parts.slice(0, -1).join('.')];
  yield ['a part more', `${sealed}.`];
  yield ['a line end', `${sealed}\n`];
  yield ['padding', `${sealed}=`];
}

/** kid: the recipient whose part of it is altered. */
function* alteredJson(sealed, kid) {
  const jwe = JSON.parse(asText(sealed));
  const found = jwe.recipients.findIndex(({ header }) => header?.kid === kid);
  const mine = Math.max(found, 0); // with its alg in the protected header, the only one
  const recipient = jwe.recipients[mine];
  const { header } = recipient;
  const put = (changes) =>
    ({
      ...jwe,
      recipients: replaced(jwe.recipients, mine, { ...recipient, ...changes }),
    });

  for (const name of ['protected', 'iv', 'ciphertext', 'tag']) {
    for (const [what, letters] of alteredBytes(jwe[name])) {
      yield [`${name}: ${what}`, { ...jwe, [name]: letters }];
    }
    yield [`${name}: gone`, { ...jwe, [name]: undefined }];
  }
  for (const [what, letters] of alteredHeader(jwe.protected)) {
    yield [`protected: ${what}`, { ...jwe, protected: letters }];
  }
  for (const [what, letters] of alteredBytes(recipient.encrypted_key)) {
    yield [`encrypted_key: ${what}`, put({ encrypted_key: letters })];
  }
  yield ['tag: spare bit', { ...jwe, tag: withSpareBit(jwe.tag) }];
  yield ['aad', { ...jwe, aad: lettersOf('aad') }];
  yield ['recipients: none', { ...jwe, recipients: [] }];
  yield ['cut', JSON.stringify(jwe).slice(0, -1)];
  if (header === undefined) return;
  yield ['unprotected', { ...jwe, unprotected: { alg: header.alg } }];
  yield ['alg: gone', put({ header: { ...header, alg: undefined } })];
  yield ['alg: dir', put({ header: { ...header, alg: 'dir' } })];
  yield ['kid: another', put({ header: { ...header, kid: withBit(header.kid, 0) } })];
  if (header.epk === undefined) return;
  const { x, y } = header.epk;
  for (const epk of [{ x: withBit(x, -1) }, { x: y, y: x }, { crv: 'P-384' }]) {
    const wrong = { ...header, epk: { ...header.epk, ...epk } };
    yield [`epk: ${Object.keys(epk)}`, put({ header: wrong })];
  }
}

/** Every way in which a sealed message is altered here: [what, sealed][]. */
export const alterations = (sealed, kid) =>
  typeof sealed === 'string' && !sealed.startsWith('{')
    ? [...alteredCompact(sealed)]
    : [...alteredJson(sealed, kid)];

let failed = 0;

export async function check(name, story) {
  try {
    await story();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    const told = String(error.stack ?? error).replaceAll('\n', '\n    ');
    console.log(`not ok ${name}\n    ${told}`);
  }
}

/** The last line of a script: the exit code tells. */
export function done() {
  process.exitCode = failed === 0 ? 0 : 1;
}
