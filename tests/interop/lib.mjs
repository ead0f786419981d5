// SPDX-License-Identifier: ISC
// lib.mjs - what the node scripts of this folder share: our tool, and one line a check.
// Here:       seal and open by jwe_tool through files in a directory of its own.
// Called by:  jose.mjs, browser.mjs, each with the path of jwe_tool as its argument.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tool = process.argv[2];
const dir = mkdtempSync(join(tmpdir(), 'interop-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

export const text = 'Your results are in: \u00e9\u4e2d\ud83d\ude00';

const at = (name) => join(dir, name);
const run = (...words) => execFileSync(tool, words, { stdio: ['ignore', 'pipe', 'pipe'] });

/** A pair of ours: 'ec' or 'rsa'. pem stays in its file; jwk is the public half. */
export function ourKey(kind) {
  run('keygen', kind, at(`${kind}.pem`), at(`${kind}.jwk`));
  return { pem: at(`${kind}.pem`), jwk: JSON.parse(readFileSync(at(`${kind}.jwk`), 'utf8')) };
}

/** form: general, compact or window; jwks: public keys; the serialisation's text. */
export function weSeal(form, jwks, plain = text) {
  const files = jwks.map((jwk, i) => {
    writeFileSync(at(`to${i}.jwk`), JSON.stringify(jwk));
    return at(`to${i}.jwk`);
  });
  writeFileSync(at('plain'), plain);
  run('seal', form, at('plain'), at('sealed'), ...files);
  return readFileSync(at('sealed'), 'utf8');
}

export function weOpen(pem, sealed) {
  writeFileSync(at('sealed'), typeof sealed === 'string' ? sealed : JSON.stringify(sealed));
  run('open', pem, at('sealed'), at('opened'));
  return readFileSync(at('opened'), 'utf8');
}

export function weRefuse(pem, sealed) {
  assert.throws(() => weOpen(pem, sealed), (error) => error.status === 1);
}

let failed = 0;

export async function check(name, story) {
  try {
    await story();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}\n    ${String(error.stack ?? error).replaceAll('\n', '\n    ')}`);
  }
}

/** The last line of a script: the exit code tells. */
export function done() {
  process.exitCode = failed === 0 ? 0 : 1;
}
