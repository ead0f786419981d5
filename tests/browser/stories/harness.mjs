// SPDX-License-Identifier: ISC
// harness.mjs - what the other stories rely on notices what it should.
import assert from 'node:assert/strict';
import { mailbox, phone, story, until, words, CLINIC } from '../lib.mjs';

/** Does it to the page, and waits until a complaint like the pattern is heard. */
async function heard(one, pattern, doing) {
  await one.page.evaluate(doing);
  await until(`${pattern} is heard`, () => one.heard.some((line) => pattern.test(line)));
  assert.throws(() => one.checkQuiet(), pattern);
  one.heard.length = 0;
}

const inText = (text) => async (page) => {
  await page.evaluate((it) => { document.querySelector('h1').textContent = it; }, text);
};

/** A look at the page, after something was done to it, finds it wrong. */
async function refused(one, pattern, doing) {
  await one.open('/');
  await one.heading('number.title');
  await doing(one.page);
  await assert.rejects(one.look('refused'), pattern);
}

await story({}, async () => {
  const one = await phone();
  await one.open('/');
  await one.look('start');

  await heard(one, /console: told/, () => console.error('told'));
  await heard(one, /page error:.*thrown/, () => { setTimeout(() => { throw new Error('thrown'); }); });
  await heard(one, /page error:.*left/, () => { Promise.reject(new Error('left')); });
  await heard(one, /Content Security Policy/, () => {
    document.body.append(Object.assign(new Image(), { src: 'https://elsewhere.example/' }));
  });
  await heard(one, /TrustedHTML|Trusted Type/, () => {
    setTimeout(() => { document.body.innerHTML = '<p>'; });
  });
  await heard(one, /status of 404/, () => { fetch('/nothing'); });
  one.announce(/told/);
  await one.page.evaluate(() => console.error('told'));
  await one.page.evaluate(() => 0);
  one.checkQuiet();

  await refused(one, /axe image-alt/, (page) => page.evaluate(() => {
    document.body.append(document.createElement('img'));
  }));
  await refused(one, /scrolls sideways/, (page) => page.evaluate(() => {
    const wide = document.createElement('p');
    wide.style.width = '3000px';
    wide.textContent = 'wide';
    document.body.append(wide);
  }));
  await refused(one, /a word is missing: welcome.send-code/, inText('welcome.send-code'));
  await refused(one, /a word is missing: undefined/, inText('undefined'));

  await words.mail(CLINIC, mailbox('+61412345678'), 'Results', 'They are fine');
  assert.match(await words.link('+61412345678'), /^https:\/\/localhost:\d+\/m\/\w{16}$/);
  await assert.rejects(words.expect_exit(3, 'true'), /exit 0, not 3/);
  await words.restart();
  await one.reopen('/');
});
