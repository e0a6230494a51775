import { PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { readPolicyBackups } from '../../../../lib/keys/policy-backups.ts';
import { reconcileKeyPolicy } from '../../../../lib/keys/reconcile.ts';
import { granting, keyArn, roleArn } from '../../lib/keys/key-fixture.ts';
import { alice, denied, detail, refusal, setUp } from './detector-fixture.ts';

describe('a repair', () => {
  it('is made where the deployment opts in, and kept', async () => {
    const { look, published, kms, registry, states } = await setUp({ repairs: true });
    kms.set(keyArn, granting('b', 'intruder'));
    await look();
    const difference = { missingRoles: [roleArn('a')], unexpectedRoles: [roleArn('intruder')], repaired: 'yes' };
    expect(published()).toMatchObject([{ Detail: detail(difference) }]);
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b'));
    expect(await states()).toEqual({ a: 'applied', b: 'applied' });
    expect((await readPolicyBackups(registry, keyArn)).at(-1)).toMatchObject({ by: 'detect-key-policy-drift' });
    await look();
    expect(published()).toHaveLength(1);
  });

  it('is not made of what is not ours', async () => {
    const { look, published, kms } = await setUp({ repairs: true });
    kms.set(keyArn, { Statement: [{ Effect: 'Perhaps' }] });
    await look();
    expect(published()).toMatchObject([{ Detail: { repaired: 'no' } }]);
    expect(kms.puts()).toEqual([]);
  });

  it('is reported as made in part, and logged, when a role does not get the key', async () => {
    const { look, published, kms, log } = await setUp({ repairs: true });
    kms.set(keyArn, granting());
    kms.unseen.add(roleArn('b'));
    await look();
    expect(published()).toMatchObject([{ Detail: { repaired: 'partly' } }]);
    expect(kms.policy(keyArn)).toEqual(granting('a'));
    expect(log).toEqual([
      [
        'warn',
        'role does not get the key',
        expect.objectContaining({ keyArn, roleArn: roleArn('b'), errorName: 'PrincipalNotVisible' }),
      ],
      ['warn', 'key policy drifted', expect.objectContaining({ keyArn, repaired: 'partly' })],
    ]);
  });

  it('is reported as failed, and logged, when KMS refuses it', async () => {
    const { look, published, kms, log } = await setUp({ repairs: true });
    kms.set(keyArn, granting('b'));
    kms.client.on(PutKeyPolicyCommand).rejects(denied);
    await look();
    expect(kms.puts()).toHaveLength(1);
    expect(published()).toMatchObject([{ Detail: { repaired: 'failed' } }]);
    expect(log).toEqual([
      [
        'warn',
        'key policy not repaired',
        expect.objectContaining({ keyArn, errorName: denied.name, errorMessage: denied.message }),
      ],
      ['warn', 'key policy drifted', expect.objectContaining({ keyArn, repaired: 'failed' })],
    ]);
  });

  it('waits until KMS can return no older policy than what was written by hand just after ours', async () => {
    const { look, published, kms, ask, reconciler, edited, time } = await setUp({ repairs: true });
    await ask('c');
    await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
    time.now += 1_000;
    await look(edited(granting('b')));
    expect(published()).toMatchObject([{ Detail: { repaired: 'yes', by: alice } }]);
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b', 'c'));
  });

  it('is tried again when KMS is asked too often, and given up after a minute', async () => {
    const { look, published, kms, log, time } = await setUp({ repairs: true });
    kms.set(keyArn, granting('b'));
    kms.client.on(PutKeyPolicyCommand).rejects(refusal('ThrottlingException'));
    const before = time.now;
    await look();
    expect(kms.puts()).toHaveLength(4);
    expect(time.now - before).toBeGreaterThan(60_000);
    expect(published()).toMatchObject([{ Detail: { repaired: 'failed' } }]);
    expect(log).toMatchObject([
      ['warn', 'key policy not repaired', { errorName: 'KeyPolicyBusy' }],
      ['warn', 'key policy drifted', { repaired: 'failed' }],
    ]);
  });
});
