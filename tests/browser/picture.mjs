// SPDX-License-Identifier: ISC
// picture.mjs - the pictures of a story side by side, as the README shows them.
// Here:       four phones in a row, as one PNG.
// Elsewhere:  the pictures themselves (look.mjs).
// Called by:  make screenshots: picture.mjs OUT IN...
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [out, ...pictures] = process.argv.slice(2);
const SCALE = 0.8;
const GAP = 24;
const WIDTH = Math.round(360 * SCALE);

const images = pictures.map((file) => {
  const data = readFileSync(file).toString('base64');
  return `<img alt="" src="data:image/png;base64,${data}">`;
});
const html = `<!doctype html><style>
body { margin: 0; padding: ${GAP}px; display: flex; gap: ${GAP}px; width: max-content; background: #dfe3e6 }
img { width: ${WIDTH}px; border: 8px solid #22282d; border-radius: 24px }
</style>${images.join('')}`;

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu'],
});
const width = pictures.length * (WIDTH + 16 + GAP) + GAP;
const page = await browser.newPage({ viewport: { width, height: 700 } });
await page.setContent(html);
await page.screenshot({ path: out, fullPage: true });
await browser.close();
