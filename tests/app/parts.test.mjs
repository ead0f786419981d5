// SPDX-License-Identifier: ISC
// parts.test.mjs - attachments open whole, or not at all.
import { arrayBuffer, CHUNK, hash, pageLoad, sealPart } from './fixture.mjs';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

const page = pageLoad();
const { JweError } = await import(`${page}/manifest.js`);
const { openPart } = await import(`${page}/parts.js`);

const refuses = (sealed, part, why) =>
  assert.rejects(openPart(arrayBuffer(sealed), part), JweError, why);

for (const n of [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 9 * CHUNK + 5]) {
  test(`a part of ${n} bytes opens`, async () => {
    const bytes = randomBytes(n);
    const { sealed, part } = sealPart(bytes);
    assert.deepEqual(Buffer.from(await openPart(arrayBuffer(sealed), part)), bytes);
  });
}

const { sealed, part } = sealPart(randomBytes(2 * CHUNK + 100));
const WHOLE = CHUNK + 16;
const piece = (i) => sealed.subarray(i * WHOLE, (i + 1) * WHOLE);

/** What a server could hand out whose hash the manifest would not name. */
const altered = {
  'cut by a byte': sealed.subarray(0, -1),
  'without its last chunk': sealed.subarray(0, 2 * WHOLE),
  'longer by a byte': Buffer.concat([sealed, Buffer.alloc(1)]),
  'with two chunks changed about': Buffer.concat([piece(1), piece(0), piece(2)]),
  'with a chunk twice': Buffer.concat([piece(0), piece(0), piece(2)]),
  'that is empty': Buffer.alloc(0),
};
for (const at of [0, CHUNK, WHOLE, sealed.length - 1]) {
  altered[`with byte ${at} changed`] = Buffer.from(sealed);
  altered[`with byte ${at} changed`][at] ^= 1;
}
for (const [what, bytes] of Object.entries(altered)) {
  test(`a part ${what} does not open`, async () => {
    await refuses(bytes, part);
    // nor where the hash and the size fit: the chunks themselves tell
    const size = Math.max(0, bytes.length - 16 * Math.max(1, Math.ceil(bytes.length / WHOLE)));
    await refuses(bytes, { ...part, size, sha256: hash(bytes) });
  });
}

test('a part of another key, hash or size does not open', async () => {
  const other = sealPart(randomBytes(10)).part;
  for (const name of ['key', 'sha256', 'size']) {
    await refuses(sealed, { ...part, [name]: other[name] }, name);
  }
});

test('sizes that make no sense are refused before memory is asked for', async () => {
  for (const more of [{ chunk: 0 }, { chunk: 1 }, { chunk: 1e9 }, { size: 1e12 }, { size: 0.5 },
    { chunk: 4096.5 }]) await refuses(sealed, { ...part, ...more }, JSON.stringify(more));
});
