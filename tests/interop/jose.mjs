// SPDX-License-Identifier: ISC
// jose.mjs - npm's jose opens what we seal, and we open what it seals.
// Here:       general, flattened, compact, the intermediate window; EC and RSA.
// Called by:  run.sh.
import assert from 'node:assert/strict';
import * as jose from 'jose';
import { check, done, ourKey, text, weOpen, weRefuse, weSeal } from './lib.mjs';

const bytes = new TextEncoder().encode(text);
const ours = { ec: ourKey('ec'), rsa: ourKey('rsa') };
const algs = { ec: 'ECDH-ES+A256KW', rsa: 'RSA-OAEP-256' };

async function theirKey(kind) {
  const pair = await jose.generateKeyPair(algs[kind], { crv: 'P-256', extractable: true });
  const jwk = await jose.exportJWK(pair.publicKey);
  return { ...pair, jwk, kid: await jose.calculateJwkThumbprint(jwk) };
}

const theirs = { ec: await theirKey('ec'), ec2: await theirKey('ec'), rsa: await theirKey('rsa') };
const public_ = {
  ec: await jose.importJWK(ours.ec.jwk, algs.ec),
  rsa: await jose.importJWK(ours.rsa.jwk, algs.rsa),
};

for (const names of [['ec'], ['rsa'], ['ec', 'rsa'], ['ec', 'ec2', 'rsa']]) {
  await check(`jose opens our general JSON to ${names.join(' and ')}`, async () => {
    const sealed = JSON.parse(weSeal('general', names.map((name) => theirs[name].jwk)));
    assert.equal(sealed.recipients.length, names.length);
    for (const [i, name] of names.entries()) {
      assert.equal(sealed.recipients[i].header.kid, theirs[name].kid);
      const opened = await jose.generalDecrypt(sealed, theirs[name].privateKey);
      assert.deepEqual(Buffer.from(opened.plaintext), Buffer.from(bytes));
      assert.equal(opened.protectedHeader.mid, '5ea19057000000000000000000000000');
      assert.equal(opened.protectedHeader.to, 'epoch-20261124');
    }
  });
}

await check('jose opens our intermediate form', async () => {
  const sealed = JSON.parse(weSeal('window', [theirs.ec.jwk]));
  const opened = await jose.generalDecrypt(sealed, theirs.ec.privateKey);
  assert.deepEqual(Buffer.from(opened.plaintext), Buffer.from(bytes));
});

for (const kind of ['ec', 'rsa']) {
  await check(`jose opens our compact form to ${kind}`, async () => {
    const opened = await jose.compactDecrypt(weSeal('compact', [theirs[kind].jwk]), theirs[kind].privateKey);
    assert.deepEqual(Buffer.from(opened.plaintext), Buffer.from(bytes));
    assert.equal(opened.protectedHeader.kid, theirs[kind].kid);
  });

  await check(`we open jose's compact form to ${kind}, with a kid and without`, async () => {
    for (const kid of [{ kid: ours[kind].jwk.kid }, {}]) {
      const sealed = await new jose.CompactEncrypt(bytes)
        .setProtectedHeader({ alg: algs[kind], enc: 'A256GCM', ...kid })
        .encrypt(public_[kind]);
      assert.equal(weOpen(ours[kind].pem, sealed), text);
    }
  });

  await check(`we open jose's flattened form to ${kind}`, async () => {
    const sealed = await new jose.FlattenedEncrypt(bytes)
      .setProtectedHeader({ alg: algs[kind], enc: 'A256GCM' })
      .encrypt(public_[kind]);
    assert.equal(weOpen(ours[kind].pem, sealed), text);
  });
}

await check('we open jose\'s general JSON to one', async () => {
  const encrypt = new jose.GeneralEncrypt(bytes).setProtectedHeader({ alg: algs.ec, enc: 'A256GCM' });
  encrypt.addRecipient(public_.ec);
  assert.equal(weOpen(ours.ec.pem, await encrypt.encrypt()), text);
});

await check('we open jose\'s general JSON to three', async () => {
  const encrypt = new jose.GeneralEncrypt(bytes).setProtectedHeader({ enc: 'A256GCM' });
  encrypt.addRecipient(theirs.ec2.publicKey).setUnprotectedHeader({ alg: algs.ec, kid: theirs.ec2.kid });
  encrypt.addRecipient(public_.ec).setUnprotectedHeader({ alg: algs.ec, kid: ours.ec.jwk.kid });
  encrypt.addRecipient(public_.rsa).setUnprotectedHeader({ alg: algs.rsa, kid: ours.rsa.jwk.kid });
  const sealed = await encrypt.encrypt();
  assert.equal(weOpen(ours.ec.pem, sealed), text);
  assert.equal(weOpen(ours.rsa.pem, sealed), text);
});

await check('large and empty texts pass both ways', async () => {
  for (const plain of [new Uint8Array(0), new Uint8Array(200_000).fill(65)]) {
    const opened = await jose.compactDecrypt(weSeal('compact', [theirs.ec.jwk], plain), theirs.ec.privateKey);
    assert.equal(Buffer.compare(opened.plaintext, plain), 0);
    const sealed = await new jose.CompactEncrypt(plain)
      .setProtectedHeader({ alg: algs.ec, enc: 'A256GCM' })
      .encrypt(public_.ec);
    assert.equal(weOpen(ours.ec.pem, sealed), Buffer.from(plain).toString());
  }
});

await check('we refuse what jose seals in another way', async () => {
  const seal = (header) => new jose.CompactEncrypt(bytes).setProtectedHeader(header);
  weRefuse(ours.ec.pem, await seal({ alg: algs.ec, enc: 'A128GCM' }).encrypt(public_.ec));
  weRefuse(ours.ec.pem, await seal({ alg: algs.ec, enc: 'A256CBC-HS512' }).encrypt(public_.ec));
  weRefuse(ours.ec.pem, await seal({ alg: 'ECDH-ES', enc: 'A256GCM' }).encrypt(public_.ec));
  weRefuse(ours.ec.pem, await seal({ alg: 'ECDH-ES+A128KW', enc: 'A256GCM' }).encrypt(public_.ec));
  weRefuse(ours.rsa.pem, await seal({ alg: 'RSA-OAEP', enc: 'A256GCM' })
    .encrypt(await jose.importJWK(ours.rsa.jwk, 'RSA-OAEP')));
  const withAad = await new jose.FlattenedEncrypt(bytes)
    .setProtectedHeader({ alg: algs.ec, enc: 'A256GCM' })
    .setAdditionalAuthenticatedData(bytes)
    .encrypt(public_.ec);
  weRefuse(ours.ec.pem, withAad);
});

await check('we refuse what was sealed to another', async () => {
  weRefuse(ours.ec.pem, await new jose.CompactEncrypt(bytes)
    .setProtectedHeader({ alg: algs.ec, enc: 'A256GCM', kid: ours.ec.jwk.kid })
    .encrypt(theirs.ec.publicKey));
});

done();
