// SPDX-License-Identifier: ISC
// two-phones.mjs - a phone and a computer read the same messages; what came before the
// computer stays closed to it; each has a name, and one can be removed from the other.
import { read, register, registerByNumber, write, NUMBER } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';

await story({}, async () => {
  const mobile = await phone();
  await write('The first', 'Only for the phone.');
  await register(mobile);
  await read(mobile, 'The first', 'Only for the phone.');

  const computer = await phone({ language: 'de', size: 'desktop' });
  await registerByNumber(computer);
  await computer.sees('inbox.closed', { n: 1 });
  await computer.look('closed');
  await words.expect_sms(NUMBER, '*device*');

  await write('The second', 'For both.');
  await computer.press('inbox.refresh');
  await read(computer, 'The second', 'For both.');
  await mobile.reopen('/');
  await read(mobile, 'The second', 'For both.');

  // Names, and the list.
  await mobile.reopen('/#settings');
  await mobile.heading('settings.title');
  await mobile.sees('devices.this');
  await mobile.look('settings');
  const list = mobile.page.getByRole('listitem').filter({ hasText: 'Chrome' });
  await list.nth(1).waitFor();
  await list.filter({ hasText: mobile.t('devices.this') })
    .getByRole('button', { name: mobile.t('devices.rename-of') }).click();
  await mobile.fill('devices.name', 'My phone 😀');
  await mobile.look('rename');
  await mobile.press('devices.save');
  await mobile.sees('devices.saved');
  await mobile.page.getByText('My phone 😀').first().waitFor();

  // The computer is removed.
  await list.filter({ hasNotText: mobile.t('devices.this') })
    .getByRole('button', { name: mobile.t('devices.revoke-of') }).click();
  await mobile.look('ask');
  await mobile.press('devices.revoke');
  await mobile.sees('devices.revoked');
  await mobile.look('revoked');

  // It says so, forgets what it had, and can be shown the number again.
  computer.announce(/status of 401/);
  await computer.reopen('/');
  await computer.heading('lost.title');
  await computer.look('lost');
  await computer.fill('number.label', NUMBER);
  await computer.press('welcome.send-code');
  await computer.fill('code.label', await words.otp(NUMBER));
  await computer.sees('inbox.closed', { n: 2 });
  await write('The third', 'Again for both.');
  await computer.press('inbox.refresh');
  await read(computer, 'The third', 'Again for both.');
});
