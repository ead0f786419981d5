// SPDX-License-Identifier: ISC
// pictures-and-files.mjs - a picture is seen in the message, a film is played, a letter is
// saved exactly as it was sent.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { read, register } from '../flow.mjs';
import { CLINIC, mailbox, phone, root, story, until } from '../lib.mjs';
import { deliver } from '../mails.mjs';

/** Half a second of film, by the browser itself. */
const film = (page) => page.evaluate(async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
  const brush = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm' });
  const pieces = [];
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const over = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  for (let i = 0; i < 10; i += 1) {
    brush.fillStyle = `rgb(${i * 25}, 0, 0)`;
    brush.fillRect(0, 0, 64, 48);
    await new Promise(requestAnimationFrame);
  }
  recorder.stop();
  await over;
  return Array.from(new Uint8Array(await new Blob(pieces).arrayBuffer()));
});

await story({}, async () => {
  const number = '+61412345678';
  const one = await phone();
  const picture = readFileSync(`${root}templates/handset/icon-192.png`);
  const letter = Buffer.from(Array.from({ length: 700001 }, (_, i) => (i * 7919) >> 3 & 255));
  await one.open('about:blank');
  await deliver({ from: CLINIC, to: mailbox(number), subject: 'With files', text: 'See below.', parts: [
    { type: 'image/png', name: 'x-ray.png', bytes: picture, inline: true },
    { type: 'video/webm', name: 'exercise.webm', bytes: Buffer.from(await film(one.page)) },
    { type: 'application/pdf', name: 'Befund für Sie.pdf', bytes: letter },
    { type: 'application/pdf', name: 'empty.pdf', bytes: '' },
  ] });
  await register(one, number);
  await read(one, 'With files', 'See below.');

  const shown = one.page.getByRole('img', { name: 'x-ray.png' });
  await until('the picture is shown', () => shown.evaluate((img) => img.complete && img.naturalWidth === 192));
  await one.look('message');
  await one.page.getByRole('button', { name: one.t('part.show', { name: 'exercise.webm' }) }).click();
  const video = one.page.locator('video');
  await until('the film plays', () => video.evaluate(async (it) => {
    await it.play();
    return it.videoWidth === 64 && it.currentTime > 0;
  }));
  await one.look('film');

  for (const [name, bytes] of [['Befund für Sie.pdf', letter], ['empty.pdf', Buffer.alloc(0)],
    ['x-ray.png', picture]]) {
    const [saved] = await Promise.all([one.page.waitForEvent('download'),
      one.page.getByRole('button', { name: one.t('part.save', { name }) }).click()]);
    assert.equal(saved.suggestedFilename(), name);
    assert.ok(readFileSync(await saved.path()).equals(bytes), `${name} is as it was sent`);
    await one.sees('part.saved', { name });
  }
});
