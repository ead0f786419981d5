// SPDX-License-Identifier: ISC
// thousand-messages.mjs - a number that got a message every day for three years: the list
// comes at once and goes on being usable, and the oldest message opens.
import assert from 'node:assert/strict';
import { arrive, prove, read } from '../flow.mjs';
import { CLINIC, mailbox, measured, phone, story, until } from '../lib.mjs';
import { deliver } from '../mails.mjs';

const number = '+61412345678';
const COUNT = 1000;

const mails = Array.from({ length: COUNT }, (_, i) => ({ from: CLINIC, to: mailbox(number),
  subject: `Message number ${i + 1}`, text: `The text of ${i + 1}.` }));

await story({}, async () => {
  await deliver(...mails);
  const one = await phone();
  await arrive(one, number);
  const begin = Date.now();
  await prove(one, number);
  const rows = one.page.getByRole('list', { name: one.t('inbox.list') }).getByRole('listitem');
  await one.page.getByRole('link', { name: `Message number ${COUNT}`, exact: false }).first().waitFor();
  measured('the newest of 1000 is to be read after', Date.now() - begin, 'ms');
  await until('all are listed', async () => await rows.count() === COUNT);
  await one.page.getByRole('link', { name: /Message number 1\b/ }).waitFor();
  measured('all 1000 are open after', Date.now() - begin, 'ms');

  await one.page.getByRole('link', { name: /Message number 1\b/ }).scrollIntoViewIfNeeded();
  await read(one, /Message number 1\b/, 'The text of 1.');
  await one.page.goBack();
  await read(one, 'Message number 500', 'The text of 500.');
  await one.reopen('/');
  await read(one, 'Message number 1000', 'The text of 1000.');
  assert.equal(await one.page.getByRole('heading', { level: 1 }).innerText(), 'Message number 1000');
});
