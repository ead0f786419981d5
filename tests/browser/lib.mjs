// SPDX-License-Identifier: ISC
// lib.mjs - a story in a browser: its beginning, its end, and what it shows on failure.
// Here:       the browser, the server that the story wants, waiting for a condition.
// Elsewhere:  a phone (phone.mjs), what is looked at in every state (look.mjs), the
//             neighbours (words.mjs), the steps that many stories share (flow.mjs).
// Called by:  every story, which run.sh runs.
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { Phone } from './phone.mjs';
import { words } from './words.mjs';

export { words };
export const root = fileURLToPath(new URL('../..', import.meta.url));
export const dir = process.env.STORY_DIR;
export const url = process.env.PUBLIC_URL;
export const name = basename(process.argv[1], '.mjs');
export const CLINIC = 'clinic@clinic.example';
export const mailbox = (number) => `${number}@sms.clinic.example`;

const DEADLINE_MS = 20000;
const STORY_MS = 200000;
const phones = [];
let browser;

/**
 * A service worker is registered only where the certificate is sound: an error that is
 * waved through (Playwright's ignoreHTTPSErrors, --allow-insecure-localhost) still counts
 * as one. A key that the browser is told to trust is none, and no other key is trusted.
 */
function trusted() {
  const { publicKey } = new X509Certificate(readFileSync(join(dir, 'tls/cert.pem')));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const hash = createHash('sha256').update(spki).digest('base64');
  return `--ignore-certificate-errors-spki-list=${hash}`;
}

const launch = () => chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', trusted(),
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A phone (or computer) of somebody's, with a memory of its own: see Phone. */
export async function phone(options = {}) {
  const made = await Phone.make(browser, url, options);
  phones.push(made);
  return made;
}

/** Waits until the test gives something true, and returns it. */
export async function until(what, test) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const result = await test();
    if (result) return result;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((go) => { setTimeout(go, 50); });
  }
}

/** A figure for people: printed, not judged. */
export const measured = (what, value, unit) => console.log(`measured: ${what} ${value} ${unit}`);

/**
 * server: lines for sealpost.conf; templates: another folder than the repository's; clock: words.clock will be used. tell: the story; it
 * fails by throwing.
 */
export async function story({ server = [], templates, clock = false }, tell) {
  try {
    if (clock) await words.clock('+0');
    if (templates) await words.templates(templates);
    [browser] = await Promise.all([launch(), words.server(...server)]);
    await Promise.race([tell(), troubled()]);
    phones.forEach((one) => one.checkQuiet());
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL: ${error.stack.replaceAll(/\u001b\[\d+m/g, '')}`);
    await showPhones();
  }
  if (browser) await browser.close();
}

/** Rejects when something failed that nobody waits for, or when it takes too long. */
const troubled = () => new Promise((_, reject) => {
  process.on('unhandledRejection', reject);
  setTimeout(() => reject(new Error('the story does not end')), STORY_MS).unref();
});

/** What each phone shows, and what its console said. */
async function showPhones() {
  const folder = join(root, 'build/browser');
  mkdirSync(folder, { recursive: true });
  for (const [i, one] of phones.entries()) {
    const path = join(folder, `${name}-${i + 1}.png`);
    console.log(`-- ${one.name}: ${await one.shoot(path)}`);
    one.heard.forEach((line) => console.log(`   ${line}`));
  }
}
