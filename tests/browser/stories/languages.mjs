// SPDX-License-Identifier: ISC
// languages.mjs - six languages, from right to left as well, and all of it by keyboard.
import assert from 'node:assert/strict';
import { arrive } from '../flow.mjs';
import { CLINIC, mailbox, phone, story, words } from '../lib.mjs';
import { deliver } from '../mails.mjs';
import { wordsOf } from '../catalogue.mjs';

const LANGUAGES = ['en', 'de', 'es', 'fr', 'ar', 'zh'];

/** Each text with its places for values: the same in all languages. */
function sameKeys() {
  const shape = (text) => (typeof text === 'string' ? [text] : Object.values(text))
    .map((one) => (one.match(/\{\w+\}/g) ?? []).sort().join());
  const english = wordsOf('en');
  for (const language of LANGUAGES) {
    const own = wordsOf(language);
    assert.deepEqual(Object.keys(own).sort(), Object.keys(english).sort(), language);
    for (const [key, text] of Object.entries(own)) {
      const wanted = shape(english[key])[0];
      for (const one of shape(text)) assert.ok(one === wanted || typeof text !== 'string', `${language} ${key}: ${one}`);
      if (typeof english[key] === 'string') assert.equal(typeof text, 'string', `${language} ${key}`);
      else {
        const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
        assert.ok('other' in text, `${language} ${key}`);
        for (const category of Object.keys(text)) assert.ok(categories.includes(category), `${language} ${key}.${category}`);
      }
    }
  }
}

/** Tab until this has the focus, which can be seen. */
async function tabTo(one, locator) {
  await locator.waitFor();
  for (let i = 0; i < 60; i += 1) {
    if (await locator.evaluate((it) => it === document.activeElement)) {
      const seen = await locator.evaluate((it) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
        return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
      });
      assert.ok(seen, 'the focus is seen');
      return;
    }
    await one.page.keyboard.press('Tab');
  }
  throw new Error(`no way by keyboard to ${locator}`);
}

async function byKeyboard(one, locator, key = 'Enter') {
  await tabTo(one, locator);
  await one.page.keyboard.press(key);
}

async function inLanguage(language, number) {
  const one = await phone({ language, size: language === 'ar' || language === 'zh' ? 'small' : 'phone' });
  await deliver({ from: CLINIC, to: mailbox(number), subject: 'Results', text: 'All is well.' });
  await arrive(one, number);
  await one.heading('welcome.title', { brand: 'Northside Clinic' });
  const html = one.page.locator('html');
  assert.equal(await html.getAttribute('lang'), language);
  assert.equal(await html.getAttribute('dir'), language === 'ar' ? 'rtl' : 'ltr');
  await one.look('welcome');

  await byKeyboard(one, one.button('welcome.send-code'));
  await one.heading('code.title');
  assert.ok(await one.field('code.label').evaluate((it) => it === document.activeElement));
  await one.look('code');
  await one.page.keyboard.type(await words.otp(number));

  await one.page.getByText('All is well.').waitFor();
  await byKeyboard(one, one.link('nav.messages'));
  await one.heading('inbox.title');
  await byKeyboard(one, one.page.getByRole('link', { name: 'Results' }));
  await one.page.getByText('All is well.').waitFor();
  await one.look('message');
  await tabTo(one, one.field('reply.label'));
  await one.page.keyboard.type('شكرا / thanks');
  await byKeyboard(one, one.button('reply.send'));
  await one.sees('reply.sent');

  await byKeyboard(one, one.link('nav.settings'));
  await one.heading('settings.title');
  await one.sees('devices.this');
  await one.look('settings');
}

await story({}, async () => {
  sameKeys();
  for (const [i, language] of LANGUAGES.entries()) {
    await inLanguage(language, `+6141234567${i}`);
  }
});
