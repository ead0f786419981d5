// SPDX-License-Identifier: ISC
// figures.mjs - what first use costs a telephone: bytes (judged), time (printed).
import assert from 'node:assert/strict';
import { arrive, prove, read, register, write } from '../flow.mjs';
import { CLINIC, mailbox, measured, phone, story, until, words } from '../lib.mjs';
import { deliver } from '../mails.mjs';

const WEIGHT_MAX = 60 << 10;

/** What the page loads until the message is read, as it comes over the network. What the
 * service worker fetches behind it, to be there without a connection, is only told. */
async function firstUse(number) {
  const one = await phone();
  const sizes = [];
  one.context.on('requestfinished', (request) => sizes.push(request.sizes()
    .then(({ responseBodySize, responseHeadersSize }) => ({ url: request.url(),
      worker: Boolean(request.serviceWorker()), body: responseBodySize,
      head: responseHeadersSize }))));
  await write('Your results', 'The results are fine.', number);
  await arrive(one, number);
  await one.press('welcome.send-code');
  const code = await words.otp(number);
  const begin = Date.now();
  await one.fill('code.label', code);
  await read(one, 'Your results', 'The results are fine.');
  measured('from the code to the readable message', Date.now() - begin, 'ms');
  await one.workerReady();
  judge(await Promise.all(sizes));
}

function judge(all) {
  const sum = (some, what) => some.reduce((n, one) => n + one[what], 0);
  const page = all.filter(({ worker }) => !worker);
  const weight = sum(page, 'body');
  measured('first use', weight, `bytes of ${WEIGHT_MAX}, in ${page.length} answers`);
  measured('their headers', sum(page, 'head'), 'bytes');
  measured('the service worker, later', sum(all, 'body') - weight, 'bytes');
  const list = page.sort((a, b) => b.body - a.body).map(({ url, body }) => `${body} ${url}`);
  assert.ok(page.length > 20 && page.length < all.length, 'the page and its worker are told apart');
  assert.ok(weight <= WEIGHT_MAX, `first use takes ${weight} bytes:\n${list.join('\n')}`);
}

async function scriptSeconds(debug) {
  const { metrics } = await debug.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'ScriptDuration').value;
}

/** A list of 100 messages, opened by a phone that has the page already. */
async function hundred(number) {
  const one = await phone();
  await deliver(...Array.from({ length: 100 }, (_, i) => ({ from: CLINIC, to: mailbox(number),
    subject: `Number ${i + 1}.`, text: `Text ${i + 1}` })));
  await register(one, number);
  const rows = () => one.page.getByRole('link', { name: /Number \d+\./ }).count();
  await until('all are open', async () => await rows() === 100);
  await one.workerReady();
  await one.reopen('about:blank');
  const debug = await one.context.newCDPSession(one.page);
  await debug.send('Performance.enable');
  const begin = Date.now();
  await one.page.goto('/');
  await until('all are open', async () => await rows() === 100);
  measured('100 messages are open after', Date.now() - begin, 'ms');
  measured('script for that', Math.round(await scriptSeconds(debug) * 1000), 'ms');
}

await story({}, async () => {
  await firstUse('+61412345678');
  await hundred('+61412345679');
});
