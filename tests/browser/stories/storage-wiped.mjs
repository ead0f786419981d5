// SPDX-License-Identifier: ISC
// storage-wiped.mjs - the browser forgot all between two visits, as browsers do: one code
// and on, and a sentence about what cannot be read any more.
import { prove, arrive, read, register, write } from '../flow.mjs';
import { phone, story, url, words } from '../lib.mjs';

async function wipe(one) {
  const debug = await one.context.newCDPSession(one.page);
  await debug.send('Storage.clearDataForOrigin', { origin: url, storageTypes: 'all' });
}

async function storageWiped({ number, ...options }) {
  const one = await phone(options);
  await write('The first', 'Read in the first visit.', number);
  await register(one, number);
  await read(one, 'The first', 'Read in the first visit.');

  await one.open('about:blank');
  await wipe(one);
  await write('The second', 'Sent between the visits.', number);
  await words.expect_log('message.accepted .*form=final');
  await arrive(one, number);
  await one.heading('welcome.title');
  await prove(one, number);
  await one.sees('inbox.closed', { n: 2 });
  await one.look('closed');

  await write('The third', 'Sent after the second visit.', number);
  await one.press('inbox.refresh');
  await read(one, 'The third', 'Sent after the second visit.');
}

await story({}, async () => {
  await storageWiped({ number: '+61412345678' });
  await storageWiped({ number: '+61412345679', language: 'de', size: 'desktop' });
});
