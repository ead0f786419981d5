// SPDX-License-Identifier: ISC
// jose.mjs - npm's jose opens what we seal, and we open what it seals.
// Here:       general, flattened, compact, the intermediate window; EC and RSA; what is
//             altered or sealed in another way is refused.
// Called by:  run.sh.
import assert from 'node:assert/strict';
import * as jose from 'jose';
import {
  alterations, check, done, epoch, mid, ourKey, text, weOpen, weRefuse, weSeal,
} from './lib.mjs';

const bytes = new TextEncoder().encode(text);
const algs = { ec: 'ECDH-ES+A256KW', rsa: 'RSA-OAEP-256' };
const enc = 'A256GCM';
const ours = { ec: ourKey('ec'), rsa: ourKey('rsa') };
const toUs = {
  ec: await jose.importJWK(ours.ec.jwk, algs.ec),
  rsa: await jose.importJWK(ours.rsa.jwk, algs.rsa),
};

async function theirKey(kind) {
  const pair = await jose.generateKeyPair(algs[kind], { crv: 'P-256' });
  const jwk = await jose.exportJWK(pair.publicKey);
  return { ...pair, jwk, kid: await jose.calculateJwkThumbprint(jwk) };
}

const theirs = {
  ec: await theirKey('ec'),
  ec2: await theirKey('ec'),
  rsa: await theirKey('rsa'),
};

function assertOurs({ plaintext, protectedHeader }) {
  assert.equal(Buffer.from(plaintext).toString(), text);
  assert.equal(protectedHeader.typ, 'sealpost-message');
  assert.equal(protectedHeader.mid, mid);
  assert.equal(protectedHeader.to, epoch);
}

await check('our kid is the thumbprint that jose calculates', async () => {
  for (const { jwk } of [ours.ec, ours.rsa]) {
    assert.equal(jwk.kid, await jose.calculateJwkThumbprint(jwk));
  }
});

const groups = [
  ['ec'], ['rsa'], ['ec', 'rsa'], ['rsa', 'ec'], ['ec', 'ec2', 'rsa'],
];

for (const names of groups) {
  await check(`jose opens our general JSON to ${names.join(' and ')}`, async () => {
    const sealed = JSON.parse(weSeal('general', names.map((name) => theirs[name].jwk)));
    assert.equal(sealed.recipients.length, names.length);
    for (const [i, name] of names.entries()) {
      assert.equal(sealed.recipients[i].header.kid, theirs[name].kid);
      assertOurs(await jose.generalDecrypt(sealed, theirs[name].privateKey));
    }
  });
}

await check('jose opens what one of three is given, with its key alone', async () => {
  const all = ['ec', 'ec2', 'rsa'];
  for (const name of all) {
    const to = all.map((other) => theirs[other].jwk);
    const sealed = JSON.parse(weSeal('general', to, { only: theirs[name].jwk }));
    const kids = sealed.recipients.map(({ header }) => header.kid);
    assert.deepEqual(kids, [theirs[name].kid]);
    assertOurs(await jose.generalDecrypt(sealed, theirs[name].privateKey));
    for (const other of all.filter((word) => word !== name)) {
      await assert.rejects(jose.generalDecrypt(sealed, theirs[other].privateKey));
    }
  }
});

await check('jose opens our intermediate form', async () => {
  const sealed = JSON.parse(weSeal('window', [theirs.ec.jwk]));
  assert.equal(sealed.recipients.length, 1);
  assertOurs(await jose.generalDecrypt(sealed, theirs.ec.privateKey));
});

for (const kind of ['ec', 'rsa']) {
  await check(`jose opens our compact form to ${kind}`, async () => {
    const sealed = weSeal('compact', [theirs[kind].jwk]);
    const opened = await jose.compactDecrypt(sealed, theirs[kind].privateKey);
    assertOurs(opened);
    assert.equal(opened.protectedHeader.kid, theirs[kind].kid);
  });

  await check(`jose refuses our forms to ${kind} with a changed header`, async () => {
    const changed = (letters) => {
      const header = JSON.parse(Buffer.from(letters, 'base64url'));
      header.to = 'epoch-20261125';
      return Buffer.from(JSON.stringify(header)).toString('base64url');
    };
    const [first, ...rest] = weSeal('compact', [theirs[kind].jwk]).split('.');
    await assert.rejects(
      jose.compactDecrypt([changed(first), ...rest].join('.'), theirs[kind].privateKey),
      jose.errors.JWEDecryptionFailed,
    );
    const general = JSON.parse(weSeal('general', [theirs[kind].jwk]));
    general.protected = changed(general.protected);
    await assert.rejects(
      jose.generalDecrypt(general, theirs[kind].privateKey),
      jose.errors.JWEDecryptionFailed,
    );
  });
}

const theyCompact = (kind, more = {}) => new jose.CompactEncrypt(bytes)
  .setProtectedHeader({ alg: algs[kind], enc, ...more })
  .encrypt(toUs[kind]);

/** jose puts a lone recipient's alg and epk into the protected header. */
function theyGeneralToOne(kind) {
  const encrypt = new jose.GeneralEncrypt(bytes)
    .setProtectedHeader({ alg: algs[kind], enc });
  encrypt.addRecipient(toUs[kind]);
  return encrypt.encrypt();
}

/** To one of their keys and to both of ours. */
function theyGeneralToThree() {
  const encrypt = new jose.GeneralEncrypt(bytes).setProtectedHeader({ enc });
  const add = (key, alg, kid) =>
    encrypt.addRecipient(key).setUnprotectedHeader({ alg, kid });
  add(theirs.ec2.publicKey, algs.ec, theirs.ec2.kid);
  add(toUs.ec, algs.ec, ours.ec.jwk.kid);
  add(toUs.rsa, algs.rsa, ours.rsa.jwk.kid);
  return encrypt.encrypt();
}

function refuseAltered(kind, sealed) {
  const { pem, jwk } = ours[kind];
  const altered = alterations(sealed, jwk.kid);
  assert.equal(weOpen(pem, sealed), text);
  assert.ok(altered.length > 25, `only ${altered.length} alterations`);
  weRefuse(pem, altered);
}

await check("we open jose's general JSON to three", async () => {
  const sealed = await theyGeneralToThree();
  assert.equal(sealed.recipients.length, 3);
  for (const { pem } of [ours.ec, ours.rsa]) assert.equal(weOpen(pem, sealed), text);
});

for (const kind of ['ec', 'rsa']) {
  const { pem, jwk } = ours[kind];

  await check(`we open jose's compact form to ${kind}, kid or none`, async () => {
    assert.equal(weOpen(pem, await theyCompact(kind, { kid: jwk.kid })), text);
    assert.equal(weOpen(pem, await theyCompact(kind)), text);
  });

  await check(`we open jose's flattened form to ${kind}`, async () => {
    const sealed = await new jose.FlattenedEncrypt(bytes)
      .setProtectedHeader({ alg: algs[kind], enc })
      .encrypt(toUs[kind]);
    assert.equal(sealed.recipients, undefined);
    assert.equal(weOpen(pem, sealed), text);
  });

  await check(`we open jose's general JSON to ${kind}`, async () => {
    assert.equal(weOpen(pem, await theyGeneralToOne(kind)), text);
  });

  await check(`we refuse jose's compact form to ${kind}, altered`, async () => {
    refuseAltered(kind, await theyCompact(kind, { kid: jwk.kid }));
  });

  await check(`we refuse jose's general JSON to ${kind}, altered`, async () => {
    refuseAltered(kind, await theyGeneralToOne(kind));
  });

  await check(`we refuse jose's JSON to three, altered for ${kind}`, async () => {
    refuseAltered(kind, await theyGeneralToThree());
  });
}

await check('large and empty texts pass both ways', async () => {
  for (const plain of [new Uint8Array(0), new Uint8Array(200_000).fill(65)]) {
    const sealed = weSeal('compact', [theirs.ec.jwk], { plain });
    const opened = await jose.compactDecrypt(sealed, theirs.ec.privateKey);
    assert.equal(Buffer.compare(opened.plaintext, plain), 0);
    const answer = await new jose.CompactEncrypt(plain)
      .setProtectedHeader({ alg: algs.ec, enc })
      .encrypt(toUs.ec);
    assert.equal(weOpen(ours.ec.pem, answer), Buffer.from(plain).toString());
  }
});

const theySeal = async (key, header) => [
  JSON.stringify(header),
  await new jose.CompactEncrypt(bytes).setProtectedHeader(header).encrypt(key),
];

await check('we refuse what jose seals in another way', async () => {
  const withAad = await new jose.FlattenedEncrypt(bytes)
    .setProtectedHeader({ alg: algs.ec, enc })
    .setAdditionalAuthenticatedData(bytes)
    .encrypt(toUs.ec);
  const asSha1 = await jose.importJWK(ours.rsa.jwk, 'RSA-OAEP');
  weRefuse(ours.ec.pem, [
    await theySeal(toUs.ec, { alg: algs.ec, enc: 'A128GCM' }),
    await theySeal(toUs.ec, { alg: algs.ec, enc: 'A256CBC-HS512' }),
    await theySeal(toUs.ec, { alg: 'ECDH-ES', enc }),
    await theySeal(toUs.ec, { alg: 'ECDH-ES+A128KW', enc }),
    ['aad', withAad],
  ]);
  weRefuse(ours.rsa.pem, [await theySeal(asSha1, { alg: 'RSA-OAEP', enc })]);
});

await check('we refuse what was sealed to another', async () => {
  for (const kind of ['ec', 'rsa']) {
    const key = theirs[kind].publicKey;
    const header = { alg: algs[kind], enc };
    weRefuse(ours[kind].pem, [
      await theySeal(key, { ...header, kid: ours[kind].jwk.kid }),
      await theySeal(key, { ...header, kid: theirs[kind].kid }),
      await theySeal(key, header),
    ]);
  }
});

done();
