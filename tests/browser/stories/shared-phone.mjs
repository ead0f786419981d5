// SPDX-License-Identifier: ISC
// shared-phone.mjs - on a borrowed phone nothing is left: not in its memory when "I am done"
// is tapped or the page is closed, and not at the server.
import assert from 'node:assert/strict';
import { arrive, prove, read, write } from '../flow.mjs';
import { phone, story, until, words } from '../lib.mjs';

/** All that a browser can keep for a page, by name. */
const kept = (page) => page.evaluate(async () => {
  const found = [...Object.keys(localStorage), ...Object.keys(sessionStorage)];
  if (document.cookie) found.push(document.cookie);
  for (const { name } of await indexedDB.databases()) {
    const db = await new Promise((resolve) => {
      indexedDB.open(name).onsuccess = (event) => resolve(event.target.result);
    });
    for (const store of db.objectStoreNames) {
      const keys = await new Promise((resolve) => {
        db.transaction(store).objectStore(store).getAllKeys().onsuccess =
          (event) => resolve(event.target.result);
      });
      found.push(...keys.map((key) => `${store}/${key}`));
    }
    db.close();
  }
  return [...found, ...await caches.keys()];
});

async function borrow(one, number) {
  await write('Your results', 'For these eyes only.', number);
  await arrive(one, number);
  await one.page.getByLabel(one.whole('shared.label')).check();
  await one.look('welcome');
  await prove(one, number);
  await read(one, 'Your results', 'For these eyes only.');
  await one.look('message');
  assert.deepEqual(await kept(one.page), []);
}

const revoked = (n) => until(`${n} devices are revoked`,
  async () => Number(await words.log_count('device.revoked')) === n);

await story({}, async () => {
  const done = await phone();
  await borrow(done, '+61412345678');
  await done.press('shared.done');
  await done.heading('shared.left-title');
  await done.look('left');
  await revoked(1);
  assert.deepEqual(await kept(done.page), []);
  await done.page.goBack();
  await done.seesNo('message.parts');
  assert.equal(await done.page.getByText('For these eyes only.').count(), 0);

  // Somebody only closes the page.
  const closed = await phone({ language: 'de', size: 'desktop' });
  await borrow(closed, '+61412345679');
  await closed.page.close({ runBeforeUnload: true });
  await revoked(2);
  closed.page = await closed.context.newPage();
  await closed.open('/');
  await closed.heading('number.title');
  assert.deepEqual(await kept(closed.page), []);
});
