// SPDX-License-Identifier: ISC
// old-browser.mjs - a browser that cannot do it says so in plain words, and what else one
// can do; nothing was asked of it that it could have failed at.
import assert from 'node:assert/strict';
import { write } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';

const number = '+61412345678';

async function cannot(link, options) {
  const one = await phone(options);
  const sent = [];
  one.context.on('request', (request) => sent.push(request.method()));
  await one.open(link);
  await one.page.getByText('sealpost-handset').first().waitFor();
  await one.page.getByText('STOP').first().waitFor();
  assert.ok(sent.every((method) => method === 'GET'));
  if (options.javaScriptEnabled !== false) await one.look(options.name, { wild: true });
}

await story({}, async () => {
  await write('Your results', 'The results are fine.', number);
  const link = await words.link(number);
  await cannot(link, { name: 'no-webcrypto', init: () => { delete Crypto.prototype.subtle; } });
  await cannot(link, { name: 'no-indexeddb', language: 'de',
    init: () => { delete window.indexedDB; } });
  await cannot(link, { name: 'no-javascript', size: 'desktop', javaScriptEnabled: false });
});
