// SPDX-License-Identifier: ISC
// without-link.mjs - somebody was told on the telephone: go to that page and enter your
// number.
import { read, write } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';

async function withoutLink({ number, national, ...options }) {
  const one = await phone(options);
  await write('Your results', 'The results are fine.', number);
  await one.open('/');
  await one.heading('number.title');
  await one.look('number');

  await one.press('welcome.send-code');
  await one.sees('number.missing');
  one.announce(/status of 400/);
  await one.fill('number.label', '12345');
  await one.press('welcome.send-code');
  await one.sees('number.bad');
  await one.look('bad-number');

  // A number that nobody has written to: nothing tells that, and nothing is sent.
  await one.fill('number.label', '0412 999 999');
  await one.press('welcome.send-code');
  await one.heading('code.title');
  await one.sees('code.maybe', { n: 6 });
  await one.look('code');
  await one.press('code.other-number');

  await one.fill('number.label', national);
  await one.press('welcome.send-code');
  await one.fill('code.label', await words.otp(number));
  await read(one, 'Your results', 'The results are fine.');
  await words.refute_sms('+61412999999', '*');
}

await story({}, async () => {
  await withoutLink({ number: '+61412345678', national: '0412 345 678', language: 'de' });
  await withoutLink({ number: '+61412345679', national: '+61 412 345 679', size: 'desktop' });
});
