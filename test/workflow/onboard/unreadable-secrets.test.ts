// Secrets of requests that the deployment may not read, as their KMS key does not let it.

import { afterEach, describe, expect, it } from 'vitest';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import { enableIam, policyWith } from '../keys/key-policies.ts';
import {
  eventually,
  expectFailure,
  expectOneOfEach,
  newKey,
  onboard,
  requestFor,
  run,
  useSandbox,
} from '../sandbox.ts';
import { newName, newRun, onboarded, subscribersNamed } from '../subscriber.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

/** A key that people of the account may use for secrets, and no function of the deployment, unless its name is given. */
function keyFor(...steps: string[]): string {
  const roles = sandbox()
    .iam.roles()
    .filter(({ roleName }) => steps.some((step) => roleName.includes(step)));
  expect(roles).toHaveLength(steps.length);
  const forSteps = {
    ...enableIam,
    Sid: 'Steps',
    Principal: { AWS: roles.map(({ arn }) => arn) },
    Action: 'kms:Decrypt',
  };
  return newKey(sandbox(), { policy: policyWith(...(steps.length > 0 ? [forSteps] : [])) });
}

function secretUnder(keyArn: string, userName: string, value: object): string {
  const name = `infinstor/sandbox/input/${userName}/${newName('under-key')}`;
  sandbox().secretsManager.createSecret(name, JSON.stringify(value), {}, keyArn);
  return name;
}

const password = 'Under-Key-Marker-1!';

describe('a secret under a KMS key that the first step may not use', () => {
  it.each([
    ['passwordSecretId', { password }],
    ['customTokenSecretId', { customToken: 'Custom under-key-marker' }],
  ])('is found before the subscriber is created: %s', async (field, value) => {
    const { userName, request } = newRun('unreadable');
    const keyArn = keyFor();
    const secretId = secretUnder(keyArn, userName, value);
    const report = await onboard(sandbox(), { ...request, [field]: secretId });
    await expectFailure(sandbox(), report, { name: 'SecretNotReadable', step: 'AcceptRequest' });
    expect(report.error?.message).toContain(
      `${field}: secret ${secretId} cannot be read: role arn:aws:iam::111111111111:role/`,
    );
    expect(report.error?.message).toContain(`AcceptRequestRole`);
    expect(report.error?.message).toContain(`KMS key ${keyArn}`);
    expect(subscribersNamed(sandbox(), userName)).toEqual([]);
  });

  it.each<[Operation, string, (secretId: string) => object]>([
    ['update-subscriber', 'passwordSecretId', (passwordSecretId) => ({ passwordSecretId })],
    [
      'add-user',
      'users.0.passwordSecretId',
      (passwordSecretId) => ({ users: [{ userName: 'bob', emailId: 'bob@example.com', passwordSecretId }] }),
    ],
  ])('is found by %s before anything is done', async (operation, field, requestOf) => {
    const userName = newName('unreadable');
    await onboarded(sandbox(), requestFor(userName));
    const secretId = secretUnder(keyFor(), userName, { password });
    const report = await run(sandbox(), operation, { subscriber: { userName }, ...requestOf(secretId) });
    expect(report.error).toMatchObject({ name: 'SecretNotReadable' });
    expect(report.error?.message).toMatch(new RegExp(`^${field}: secret ${secretId} cannot be read: role arn.*Accept`));
  });
});

it('a secret that the first step may read, and the next may not, is SecretNotReadable there', async () => {
  const { userName, request } = newRun('unreadable');
  const passwordSecretId = secretUnder(keyFor('AcceptRequest'), userName, { password });
  const report = await onboard(sandbox(), { ...request, passwordSecretId });
  await expectFailure(sandbox(), report, { name: 'SecretNotReadable', step: 'CreateSubscriber' });
  expect(subscribersNamed(sandbox(), userName)).toEqual([]);
});

it('a secret that only the first step may read is the failure of its one user', async () => {
  const userName = newName('unreadable');
  await onboarded(sandbox(), requestFor(userName));
  const [bob, eve] = ['bob', 'eve'].map((name) => ({
    userName: `${userName}-${name}`,
    emailId: `${name}@example.com`,
  }));
  const passwordSecretId = secretUnder(keyFor('AcceptUsers'), userName, { password });
  const report = await run(sandbox(), 'add-user', {
    subscriber: { userName },
    users: [{ ...bob, passwordSecretId }, eve],
  });
  await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
  expect(report.error?.message).toContain(`${bob?.userName}: SecretNotReadable`);
  expect(report.error?.message).not.toContain(`${eve?.userName}:`);
});

it('a secret under a KMS key that the reading steps may use is as good as any', async () => {
  const subscriber = newRun('readable');
  const passwordSecretId = secretUnder(keyFor('AcceptRequest', 'CreateSubscriber'), subscriber.userName, { password });
  const report = await onboard(sandbox(), { ...subscriber.request, passwordSecretId });
  await eventually(sandbox(), () => expectOneOfEach(sandbox(), report, subscriber));
});
