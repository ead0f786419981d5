// SPDX-License-Identifier: ISC
// first-use.mjs - somebody who never heard of us gets an SMS, taps three times, and reads;
// answers, and finds the message again the next day without a code.
import assert from 'node:assert/strict';
import { OTP_GLOB, arrive, read, toList, write } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';

const BRAND = 'Northside Clinic';

async function firstUse({ number, ending, ...options }) {
  const one = await phone(options);
  const sent = []; // what is more than looking
  one.context.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(`${request.method()} ${request.url()}`);
  });

  await write('Your results', 'The results are fine.', number);
  await arrive(one, number);
  await one.heading('welcome.title', { brand: BRAND });
  await one.sees('welcome.ending', { ending });
  await one.look('welcome');
  await one.page.getByText(one.t('real.question')).click();
  await one.sees('real.ending', { ending });
  await one.sees('real.call', { brand: BRAND });
  await one.look('real');
  assert.deepEqual(sent, []);
  await words.refute_sms(number, OTP_GLOB);

  await one.press('welcome.send-code');
  await one.heading('code.title');
  await one.sees('code.sent', { n: 6, ending });
  const code = one.field('code.label');
  assert.equal(await code.getAttribute('autocomplete'), 'one-time-code');
  assert.equal(await code.getAttribute('inputmode'), 'numeric');
  await one.look('code');
  await code.fill(await words.otp(number));

  await read(one, 'Your results', 'The results are fine.');
  await one.look('message');
  await words.expect_log('message.read');
  await one.fill('reply.label', 'Thank you, Dr. Ö 😀');
  await one.press('reply.send');
  await one.sees('reply.sent');
  await one.look('answered');
  await words.expect_mail('*Thank you, Dr. Ö 😀*');

  await toList(one);
  await one.page.getByRole('link', { name: 'Your results' }).waitFor();
  await one.look('inbox');

  await one.reopen('/');
  await one.heading('inbox.title');
  await read(one, 'Your results', 'The results are fine.');
  assert.equal(await words.sms_count(number, OTP_GLOB), '1');
  return one;
}

await story({}, async () => {
  await firstUse({ number: '+61412345678', ending: '678' });
  await firstUse({ number: '+61412345679', ending: '679', language: 'de', size: 'desktop' });
  await firstUse({ number: '+61412345670', ending: '670', size: 'small' });
});
