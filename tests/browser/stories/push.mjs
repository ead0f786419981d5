// SPDX-License-Identifier: ISC
// push.mjs - a phone that wants it is told of messages by a notification without content,
// and gets no SMS; when the notification is not followed, the SMS comes all the same.
import assert from 'node:assert/strict';
import { read, register, write } from '../flow.mjs';
import { phone, story, until, url, words } from '../lib.mjs';
import { PushService, subscribed } from '../pushservice.mjs';

const number = '+61412345678';
const NOTICE = '*/m/*';

/** As the push service does it: the service worker gets what was in the push. */
async function arrives(one, data) {
  const debug = await one.context.newCDPSession(one.page);
  const registered = new Promise((resolve) => {
    debug.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) =>
      registrations.forEach(({ registrationId }) => resolve(registrationId)));
  });
  await debug.send('ServiceWorker.enable');
  await debug.send('ServiceWorker.deliverPushMessage',
    { origin: url, registrationId: await registered, data });
}

const notifications = (one) => one.page.evaluate(async () => {
  const { getNotifications } = Object.getPrototypeOf(await navigator.serviceWorker.ready);
  const shown = await getNotifications.call(await navigator.serviceWorker.ready);
  return shown.map(({ title, body }) => ({ title, body }));
});

const service = await PushService.start();
const lines = [...service.lines(), 'notice-interval = "1s"'];
await story({ server: [...lines, 'push-wait = "1h"'] }, async () => {
  const one = await phone({ language: 'de', init: [subscribed, service.subscription()] });
  await one.context.grantPermissions(['notifications'], { origin: url });
  await write('Your results', 'The results are fine.', number);
  await register(one, number);
  await read(one, 'Your results', 'The results are fine.');
  await one.workerReady();
  await one.link('nav.settings').click();
  await one.page.getByLabel(one.whole('notify.label')).check();
  await one.sees('notify.on');
  await one.look('on');
  const key = await one.page.evaluate(() => localStorage.getItem('subscribed'));

  await write('The second', 'SECRET-OF-THE-PATIENT', number);
  await until('a push came', () => service.pushes.length === 1);
  const [push] = service.pushes;
  service.checkSender(push, key);
  assert.ok(Number(push.headers.ttl) > 0);
  const content = service.open(push);
  assert.doesNotMatch(content, /SECRET|second|clinic/i);
  await arrives(one, content);
  const [shown] = await until('it is shown', async () => {
    const all = await notifications(one);
    return all.length > 0 && all;
  });
  assert.match(shown.title, one.t('push.title'));
  assert.doesNotMatch(JSON.stringify(shown), /SECRET|second/);
  assert.equal(await words.sms_count(number, NOTICE), '1');

  await one.reopen('/');
  await read(one, 'The second', 'SECRET-OF-THE-PATIENT');

  // Nobody looks.
  await words.stop('sealpostd');
  await words.server(...lines, 'push-wait = "1s"');
  await one.open('about:blank');
  await write('The third', 'Not seen.', number);
  await until('a push came', () => service.pushes.length >= 2);
  await words.expect_sms(number, NOTICE, 2);

  // No more of them.
  await one.reopen('/#settings');
  await one.page.getByLabel(one.whole('notify.label')).uncheck();
  await one.sees('notify.off');
  const before = service.pushes.length;
  await write('The fourth', 'By SMS.', number);
  await words.expect_sms(number, NOTICE, 3);
  assert.equal(service.pushes.length, before);
});
