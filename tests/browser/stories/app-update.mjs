// SPDX-License-Identifier: ISC
// app-update.mjs - the page that a phone once got stays as it is, whatever the server
// serves; a new version is told of, taken when its owner says so, and only when every file
// is what the list says.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registerByNumber, toList, write } from '../flow.mjs';
import { dir, phone, root, story, until, words } from '../lib.mjs';

const number = '+61412345678';
const templates = join(dir, 'story/templates');
const catalogue = join(templates, 'handset/lang/en.json');

function newVersion(title) {
  const english = JSON.parse(readFileSync(catalogue, 'utf8'));
  writeFileSync(catalogue, JSON.stringify({ ...english, 'inbox.title': title }, null, 2));
  return words.restart();
}

const title = (one, text) => one.page.getByRole('heading', { level: 1, name: text }).waitFor();

async function shownHash(one) {
  await one.page.goto('/#settings');
  await one.page.getByText(one.t('about.version-question')).click();
  const hash = await one.page.locator('#app-hash').innerText();
  await one.page.goto('/#messages');
  return hash;
}

cpSync(join(root, 'templates'), templates, { recursive: true });
await story({ templates }, async () => {
  const one = await phone();
  await write('Your results', 'The results are fine.', number);
  await registerByNumber(one, number);
  await toList(one);
  await one.workerReady();
  const first = await shownHash(one);

  one.announce(/ERR_CONNECTION_REFUSED/); // the server is started anew
  await newVersion('The second version');
  await one.reopen('/');
  await one.sees('update.banner');
  await one.heading('inbox.title');
  await one.look('banner');
  assert.equal(await shownHash(one), first);
  await one.reopen('/');
  await one.heading('inbox.title');
  await one.press('update.take');
  await title(one, 'The second version');
  await one.seesNo('update.banner');
  assert.notEqual(await shownHash(one), first);

  // Somebody between us changes a file: it is not what the list says, so nothing is taken.
  await newVersion('The third version');
  const touched = [];
  await one.context.route('**/js/dom.js', async (route) => {
    const answer = await route.fetch();
    touched.push(route.request().url());
    await route.fulfill({ response: answer, body: `${await answer.text()}\nalert(1);` });
  });
  await one.reopen('/');
  await until('the changed file was fetched', () => touched.length > 0);
  await title(one, 'The second version');
  await one.seesNo('update.banner');
});
