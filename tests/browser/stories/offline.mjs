// SPDX-License-Identifier: ISC
// offline.mjs - without a connection the page opens and shows what was kept on the phone;
// what was not kept says so, and all is there again afterwards.
import assert from 'node:assert/strict';
import { read, register, write } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';
import { deliver } from '../mails.mjs';

const number = '+61412345678';

await story({}, async () => {
  const one = await phone();
  await write('Not kept', 'Stays at the service.', number);
  await register(one, number);
  await deliver({ from: 'clinic@clinic.example', to: `${number}@sms.clinic.example`,
    subject: 'To be kept', text: 'Can be read in a tunnel.',
    parts: [{ type: 'text/plain', name: 'way.txt', bytes: 'Second door on the left.' }] });
  await one.press('inbox.refresh');
  await read(one, 'To be kept', 'Can be read in a tunnel.');
  await one.page.getByLabel(one.whole('keep.label')).check();
  await one.sees('keep.on');
  await one.look('kept');
  await one.workerReady();

  one.announce(/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|ERR_FAILED/);
  await words.stop('sealpostd');
  await one.context.setOffline(true);
  await one.reopen('/');
  await one.sees('offline.banner');
  await one.look('offline');
  await read(one, 'To be kept', 'Can be read in a tunnel.');
  const [saved] = await Promise.all([one.page.waitForEvent('download'),
    one.press('part.save', { name: 'way.txt' })]);
  assert.match(String(await saved.path()), /./);
  await one.fill('reply.label', 'Not now');
  await one.press('reply.send');
  await one.sees('reply.failed');
  await one.look('offline-message');
  await one.page.reload();
  await one.page.getByText('Can be read in a tunnel.').waitFor();

  await words.restart();
  await one.context.setOffline(false);
  await one.reopen('/');
  await read(one, 'Not kept', 'Stays at the service.');
  await one.seesNo('offline.banner');
});
