// SPDX-License-Identifier: ISC
// huge-message.mjs - as much text as a message may have, and a file of 10 MiB: both are
// shown and saved as they were sent, and the page does not stand still.
import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { read, register } from '../flow.mjs';
import { CLINIC, mailbox, measured, phone, story } from '../lib.mjs';
import { deliver } from '../mails.mjs';

const number = '+61412345678';
const LINE = 'A line of a long letter, with ä, 中, 😀 and a link: https://clinic.example/page\n';
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

await story({ server: ['message-size-limit = "32MiB"'] }, async () => {
  const one = await phone();
  const text = `${LINE.repeat(Math.floor((250 << 10) / Buffer.byteLength(LINE)))}The end.`;
  const scan = randomFillSync(Buffer.alloc(10 << 20));
  await deliver(
    { from: CLINIC, to: mailbox(number), subject: 'Long', text },
    { from: CLINIC, to: mailbox(number), subject: 'Too long', text: `${text}\n${LINE.repeat(1000)}` },
    { from: CLINIC, to: mailbox(number), subject: 'A scan', text: 'See the file.',
      parts: [{ type: 'application/octet-stream', name: 'scan.bin', bytes: scan }] },
  );
  await register(one, number);

  await read(one, /^.*\bLong\b/, 'The end.');
  const shown = await one.page.locator('.text').innerText();
  assert.equal(shown.trimEnd(), text.trimEnd());
  await one.page.goBack();
  await read(one, 'Too long', 'A line of a long letter');
  await one.sees('message.cut');
  await one.page.goBack();

  await read(one, 'A scan', 'See the file.');
  await one.look('file');
  const begin = Date.now();
  const [saved] = await Promise.all([one.page.waitForEvent('download'),
    one.page.getByRole('button', { name: one.t('part.save', { name: 'scan.bin' }) }).click()]);
  assert.equal(sha(readFileSync(await saved.path())), sha(scan));
  measured('10 MiB are fetched, opened and saved in', Date.now() - begin, 'ms');
});
