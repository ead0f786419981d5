// SPDX-License-Identifier: ISC
// hostile-message.mjs - a sender tries to run something, to load something, to lead
// somewhere else, or to look like somebody else, in every field that he controls.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { arrive, prove, toList } from '../flow.mjs';
import { CLINIC, mailbox, phone, story, url } from '../lib.mjs';
import { deliver } from '../mails.mjs';

const SCRIPT = '<img src=x onerror=alert(1)><script>alert(2)</script>';
const RLO = '\u202e';
const number = '+61412345678';

const TEXT = [
  `Hello ${SCRIPT}`,
  'javascript:alert(3) or JaVaScRiPt:alert(4) or data:text/html,<script>alert(5)</script>',
  'vbscript:x blob:https://localhost/x file:///etc/passwd about:blank',
  'https://good.example@evil.example/login and https://gооd.example/ (Cyrillic)',
  `https://evil.example/${RLO}elpmaxe.doog//:sptth`,
  '<a href="https://evil.example/">https://good.example/</a>',
  '"><svg onload=alert(6)> {{constructor.constructor("alert(7)")()}} ${alert(8)}',
].join('\n');

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(9)"><script>alert(10)</script>
<image href="https://evil.example/seen.png"/></svg>`;
const HTML = '<!doctype html><script>alert(11); fetch("https://evil.example/")</script>';

const CALENDAR = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//x//x//EN', 'METHOD:REQUEST',
  'BEGIN:VEVENT', `UID:${SCRIPT}@x`, 'DTSTAMP:20261124T100000Z', 'SEQUENCE:0',
  'DTSTART:20271124T100000Z', 'DTEND:20271124T103000Z', `SUMMARY:${SCRIPT}`,
  `LOCATION:javascript:alert(12) ${SCRIPT}`, `DESCRIPTION:${SCRIPT}`,
  `ORGANIZER;CN="${'<b>x</b>'}":mailto:${CLINIC}`, `ATTENDEE:mailto:${mailbox(number)}`,
  'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n');

const PARTS = [
  { type: 'image/svg+xml', name: `${SCRIPT}.svg`, bytes: SVG, inline: true },
  { type: 'text/html', name: 'page.html', bytes: HTML },
  { type: 'image/png', name: `photo${RLO}gpj.exe`, bytes: HTML },
  { type: 'application/xhtml+xml', name: '" onclick=alert(13) x="', bytes: HTML },
  { type: 'image/jpeg"><script>alert(14)</script>', name: '../../x.jpg', bytes: 'x' },
];

/** Nothing in the page that only the sender can have put there. */
const foreign = (page) => page.evaluate(() => {
  const wrong = [];
  for (const one of document.querySelectorAll('script, iframe, object, embed, svg, base, form, style')) {
    if (one.matches('head > script[src="/js/main.js"]')) continue;
    wrong.push(one.outerHTML);
  }
  for (const one of document.querySelectorAll('*')) {
    for (const { name, value } of one.attributes) {
      if (/^on/.test(name)) wrong.push(one.outerHTML);
      if (/^(href|src)$/.test(name) && !/^(https?:\/\/|blob:|[/#])/.test(value)) wrong.push(one.outerHTML);
    }
  }
  return wrong;
});

async function hostile(options) {
  const one = await phone(options);
  const elsewhere = [];
  one.context.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith(`blob:${url}`)) elsewhere.push(request.url());
  });
  one.page.on('dialog', (dialog) => {
    one.hear(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await arrive(one, number);
  await one.page.getByRole('heading', { name: '<b>Evil</b>' }).waitFor();
  await one.look('welcome', { wild: true });
  await prove(one, number);
  await one.page.getByText('Hello <img').first().waitFor();
  await toList(one);
  await one.page.getByRole('link', { name: '<script>' }).waitFor();
  await one.look('inbox', { wild: true });
  assert.deepEqual(await foreign(one.page), []);

  await one.page.getByRole('link', { name: '<script>' }).click();
  await one.page.getByText('Hello <img').first().waitFor();
  await one.look('message', { wild: true });
  assert.deepEqual(await foreign(one.page), []);
  const links = await one.page.locator('.text a').evaluateAll(
    (all) => all.map((a) => [a.textContent, a.href]));
  for (const [shown, href] of links) assert.match(shown, /^https:/, href);

  // A link says where it leads before it leads there.
  await one.page.getByRole('link', { name: 'https://good.example@evil' }).click();
  await one.sees('link.leaves');
  await one.page.getByRole('link', { name: one.t('link.open', { host: 'evil.example' }) }).waitFor();
  await one.look('link', { wild: true });
  await one.press('link.stay');

  // A page and a drawing are only saved, byte by byte, under a name without tricks.
  for (const [name, bytes] of [['page.html', HTML], [/\.svg/, SVG]]) {
    const [saved] = await Promise.all([one.page.waitForEvent('download'),
      one.page.getByRole('button', { name }).click()]);
    assert.equal(readFileSync(await saved.path(), 'utf8'), bytes);
    assert.doesNotMatch(saved.suggestedFilename(), /[/\\\u202e]/);
  }
  assert.equal(await one.page.locator('iframe, video, audio, img[src*=svg]').filter({ visible: true })
    .locator('xpath=self::*[not(contains(@src,"icon.svg"))]').count(), 0);
  assert.doesNotMatch(await one.page.locator('body').innerText(), new RegExp(RLO));
  assert.deepEqual(elsewhere, []);
  assert.equal(one.context.pages().length, 1);
}

const server = ['account evil {', '  brand = "<b>Evil</b> \\" onload=alert(0)"',
  '  senders = { "*@evil.example" }', '  networks = { "127.0.0.0/8" }',
  '  daily-limit = 10', '}'];

await story({ server }, async () => {
  await deliver({ from: 'sender@evil.example', to: mailbox(number), subject: `${RLO}${SCRIPT}`,
    text: TEXT, parts: PARTS, calendar: CALENDAR });
  await hostile({ name: 'phone' });
  await deliver({ from: 'sender@evil.example', to: mailbox('+61412345679'), subject: SCRIPT, text: TEXT });
});
