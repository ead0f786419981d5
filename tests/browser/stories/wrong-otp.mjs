// SPDX-License-Identifier: ISC
// wrong-otp.mjs - a code is mistyped until there are no tries left, another comes too
// late; each time the page says what to do, and the next code works.
import { arrive, read, write, NUMBER } from '../flow.mjs';
import { phone, story, words } from '../lib.mjs';

const mistyped = (code, by) => String((Number(code) + by) % 1000000).padStart(6, '0');

async function wrongOtp({ number, late, ...options }) {
  const one = await phone(options);
  await one.page.clock.install();
  await write('Your results', 'The results are fine.', number);
  await arrive(one, number);
  await one.press('welcome.send-code');
  const code = await words.otp(number);

  await one.fill('code.label', '123');
  await one.press('go.on');
  await one.sees('code.short', { n: 6 });
  one.announce(/status of 403/, /status of 410/);
  for (const n of [4, 3, 2, 1]) {
    await one.fill('code.label', mistyped(code, n));
    await one.press('go.on'); // it was checked by itself: no try more
    await one.sees('code.wrong', { n });
    if (n === 4 || n === 1) await one.look(`${n}-left`);
  }
  await one.fill('code.label', mistyped(code, 9));
  await one.heading('code.over-title');
  await one.look('over');
  await one.press('code.new');
  await one.heading('code.title');

  // The next one is looked at ten minutes later.
  const old = await words.otp(number);
  await words.clock(late);
  await one.fill('code.label', old);
  await one.heading('code.over-title');
  await one.press('code.new');

  // No SMS seems to come: a while later a new code can be asked for.
  await one.heading('code.title');
  await words.otp(number);
  await one.page.clock.fastForward('01:00');
  await one.press('code.new');
  await one.sees('code.new-sent');
  await one.fill('code.label', await words.otp(number));
  await read(one, 'Your results', 'The results are fine.');
}

await story({ clock: true }, async () => {
  await wrongOtp({ number: NUMBER, late: '+10m' });
  await wrongOtp({ number: '+61412345679', late: '+20m', language: 'de', size: 'desktop' });
});
