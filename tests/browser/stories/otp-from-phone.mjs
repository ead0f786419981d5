// SPDX-License-Identifier: ISC
// otp-from-phone.mjs - no SMS reaches the phone, so it sends one: by a link that writes it,
// or with number and text copied; the page notices. An SMS from elsewhere proves nothing.
import assert from 'node:assert/strict';
import { arrive, read, write, NUMBER } from '../flow.mjs';
import { phone, story, url, words } from '../lib.mjs';

const OTHER = '+61412345679';

/** What the page says to send: in its link, and for copying. */
async function wanted(one) {
  const href = await one.link('sms.open').getAttribute('href');
  const [, to, text] = /^sms:(\+\d+)\?body=(.+)$/.exec(href);
  await one.page.getByText(one.t('sms.by-hand')).click();
  await one.look('by-hand');
  for (const [name, value] of [['sms.to', to], ['sms.text', decodeURIComponent(text)]]) {
    const line = one.page.getByText(value, { exact: true }).locator('xpath=../..');
    await line.getByRole('button', { name: one.whole('sms.copy') }).click();
    await one.sees('sms.copied');
    assert.equal(await one.page.evaluate(() => navigator.clipboard.readText()), value, name);
  }
  return { to, text: decodeURIComponent(text) };
}

async function byLink() {
  const one = await phone();
  await one.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  await write('Your results', 'The results are fine.');
  await arrive(one);
  await one.press('welcome.or-sms');
  await one.heading('sms.number-title');
  await one.look('number');
  await one.fill('number.label', '0412 345 678');
  await one.press('go.on');
  await one.heading('sms.title');
  await one.look('sms');
  const { to, text } = await wanted(one);
  assert.equal(to, '+61400000000');

  one.announce(/status of 403/);
  await words.reply_sms(OTHER, text);
  await one.sees('sms.mismatch');
  await one.look('mismatch');
  await one.press('go.on');
  const again = await wanted(one);
  await words.reply_sms(NUMBER, again.text);
  await read(one, 'Your results', 'The results are fine.');
}

async function withoutLink() {
  const one = await phone({ language: 'de', size: 'desktop' });
  await one.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: url });
  await write('Your results', 'The results are fine.', OTHER);
  await one.open('/');
  await one.fill('number.label', OTHER);
  await one.press('welcome.or-sms');
  const { text } = await wanted(one);
  await words.reply_sms(OTHER, text.toUpperCase());
  await read(one, 'Your results', 'The results are fine.');
}

await story({ server: ['otp-direction = "both"', 'confirm-wait = "0s"'] }, async () => {
  await byLink();
  await withoutLink();
});
