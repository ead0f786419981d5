// SPDX-License-Identifier: ISC
// b64.test.mjs - base64url: both ways, and no second spelling.
import { pageLoad } from './fixture.mjs';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

const { fromB64url, toB64url } = await import(`${pageLoad()}/b64.js`);

test('base64url is what Node makes of the same bytes', () => {
  for (const n of [0, 1, 2, 3, 4, 31, 32, 33, 65, 0x8000, 0x8001, 100000]) {
    const bytes = randomBytes(n);
    const text = bytes.toString('base64url');
    assert.equal(toB64url(new Uint8Array(bytes)), text);
    assert.deepEqual(Buffer.from(fromB64url(text)), bytes);
  }
});

for (const wrong of ['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'A+8_', 'A/8_', 'AA A', 'AA\n', '\u00e9AAA',
  undefined, null, 7, {}]) {
  test(`base64url refuses ${JSON.stringify(wrong)}`, () => {
    assert.throws(() => fromB64url(wrong), /not base64url/);
  });
}
