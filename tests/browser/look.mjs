// SPDX-License-Identifier: ISC
// look.mjs - what must be right in every state that a story reaches.
// Here:       axe-core by the rules of WCAG 2.2 A and AA, in the dark as well; no scrolling
//             sideways, nothing that moves for those who want that, no word that is
//             missing; a picture when pictures are wanted.
// Elsewhere:  which states there are (the stories).
// Called by:  phone.mjs.
// SCREENSHOTS names a folder for pictures: STORY-STATE-LANGUAGE-SIZE.png.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { wordsOf } from './catalogue.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const folder = process.env.SCREENSHOTS;
const story = basename(process.argv[1], '.mjs');

/** wild: the page shows what a sender made, so any word may be in it. */
export async function look(phone, state, { wild = false } = {}) {
  const { page, language, size } = phone;
  const wrong = [...await axeRun(page, { type: 'tag', values: TAGS }), ...await wrongLayout(page)];
  if (!wild) wrong.push(...await wrongWords(phone));
  await picture(page, `${state}-${language}-${size}`);
  if (language === 'en' && size === 'phone') wrong.push(...await lookInTheDark(page, state));
  if (wrong.length > 0) {
    throw new Error(`${phone.name}, ${state}:\n  ${wrong.join('\n  ')}`);
  }
  phone.checkQuiet();
}

async function lookInTheDark(page, state) {
  await page.emulateMedia({ colorScheme: 'dark' });
  const wrong = await axeRun(page, { type: 'rule', values: ['color-contrast'] });
  await picture(page, `${state}-dark`);
  await page.emulateMedia({ colorScheme: 'light' });
  return wrong;
}

async function axeRun(page, runOnly) {
  // through the debugger: the page's own policy lets no such script in
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  const found = await page.evaluate((only) => window.axe.run(document, {
    runOnly: only, resultTypes: ['violations'], preload: false,
  }), runOnly);
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) =>
    `axe ${id}: ${help}: ${node.html.slice(0, 200)} ${node.any.map((a) => a.message)}`));
}

const wrongLayout = (page) => page.evaluate(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const wide = Math.min(clientWidth, screen.width); // a telephone zooms out instead
  const moving = document.getAnimations().map((one) => one.effect.target.outerHTML.slice(0, 200));
  return [...scrollWidth > wide ? [`scrolls sideways: ${scrollWidth} of ${wide}`] : [],
    ...moving.map((html) => `moves: ${html}`)];
});

/** Names of the catalogue in the place of its words, and what programs say of nothing. */
async function wrongWords({ page, language }) {
  const { title, text } = await page.evaluate(() =>
    ({ title: document.title, text: document.body.innerText }));
  const names = wordsOf(language);
  const seen = `${title}\n${text}`.match(/\b[a-z]+\.[a-z0-9-]+\b|\{\w+\}|\b(undefined|null|NaN)\b|\[object/g) ?? [];
  const wrong = seen.filter((word) => !word.includes('.') || word in names)
    .map((word) => `a word is missing: ${word}`);
  return title.trim() === '' ? [...wrong, 'no title'] : wrong;
}

async function picture(page, state) {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${story}-${state}.png`) });
}
