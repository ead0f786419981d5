// SPDX-License-Identifier: ISC
// server-restarted.mjs - the server goes away at the worst moments: between the code and
// the key, while the list is fetched, while an answer is sent. Nothing is lost or doubled.
import assert from 'node:assert/strict';
import { arrive, prove, read, toList, write } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';

const number = '+61412345678';

await story({}, async () => {
  const one = await phone();
  await write('Your results', 'The results are fine.', number);
  await arrive(one, number);

  // After the code was right, before the key came.
  await one.context.route('**/device', async (route) => {
    await words.restart();
    await route.continue();
  }, { times: 1 });
  await prove(one, number);
  await read(one, 'Your results', 'The results are fine.');
  await toList(one);

  // Away while somebody looks for new messages.
  one.announce(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_SOCKET_NOT_CONNECTED|status of 503/);
  await words.stop('sealpostd');
  await one.press('inbox.refresh');
  await one.sees('offline.error');
  await one.look('away');
  await words.restart();
  await write('Another', 'Came later.', number);
  await one.press('inbox.refresh');
  await read(one, 'Another', 'Came later.');

  // The answer arrived, but its acknowledgement did not: it is one answer all the same.
  await one.context.route('**/replies', async (route) => {
    await route.fetch();
    await route.abort('connectionreset');
  }, { times: 1 });
  await one.fill('reply.label', 'Exactly once');
  await one.press('reply.send');
  await one.sees('reply.failed');
  assert.equal(await one.field('reply.label').inputValue(), 'Exactly once');
  await one.press('reply.send');
  await one.sees('reply.sent');
  await words.expect_mail('*Exactly once*');
  await one.fill('reply.label', 'And then');
  await one.press('reply.send');
  await words.expect_mail('*And then*');
  assert.equal(await words.mail_count(), '2');
});
