import { expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { withGrants } from '../../../lib/keys/key-policy.ts';
import type { KeyPolicy } from '../../../lib/keys/policy-document.ts';
import { byScope } from '../../scope.ts';
import { ended, expectOneOfEach, newKey, requestWithKey, startOnboarding, useSandbox } from '../sandbox.ts';
import { newName, onboarded, roleArnOf, rolesOn, subscribersNamed } from '../subscriber.ts';

const sandbox = useSandbox();

/** KMS's quota of a key policy, minified. */
const maxPolicyBytes = 32_768;

/** A policy with room for this many more roles of this file's subscribers: what they need is measured. */
function policyWithRoom(roles: number): KeyPolicy {
  const policy = (length: number): KeyPolicy => ({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'x'.repeat(length),
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::111111111111:root' },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });
  const names = Array.from({ length: roles }, (_, index) => roleArnOf(`last-${100 + index}`));
  const full = withGrants(policy(1), names, { mode: 'role-arns' });
  return policy(1 + maxPolicyBytes - Buffer.byteLength(JSON.stringify(full)));
}

const keyWithRoom = (roles: number) => newKey(sandbox(), { policy: policyWithRoom(roles) });

/** Sends two onboardings for one key at the same time. */
async function two(keyArn: string): Promise<{ names: string[]; reports: Report[] }> {
  const names = [newName('last'), newName('last')];
  const started = await Promise.all(names.map((name) => startOnboarding(sandbox(), requestWithKey(name, keyArn))));
  return { names, reports: await Promise.all(started.map(({ executionArn }) => ended(sandbox(), executionArn))) };
}

it('of two requests for two places both are done', async () => {
  const keyArn = keyWithRoom(2);
  const { reports } = await two(keyArn);
  expect(reports.map(({ error }) => error)).toEqual([null, null]);
  expect(rolesOn(sandbox(), keyArn)).toHaveLength(2);
});

it.each(Array.from({ length: byScope({ usual: 2, all: 50, long: 50 }) }, (_, index) => [index + 1]))(
  'of two requests for the last place one is done, and the other refused before its subscriber is created: %i',
  async () => {
    const keyArn = keyWithRoom(1);
    const { names, reports } = await two(keyArn);
    const results = reports.map((report, place) => ({ report, userName: names[place] ?? '' }));
    const done = results.filter(({ report }) => report.error === null);
    const refused = results.filter(({ report }) => report.error !== null);
    expect(done).toHaveLength(1);
    for (const { report, userName } of done) {
      expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
      // Who has the place keeps it, when the request comes again.
      await onboarded(sandbox(), requestWithKey(userName, keyArn));
    }
    for (const { report, userName } of refused) {
      expect(report.error).toMatchObject({ name: 'KeyPolicyFull', step: 'AcceptRequest' });
      expect(subscribersNamed(sandbox(), userName)).toEqual([]);
    }
  },
);

it('a place is free again when the execution that it was reserved for has ended without using it', async () => {
  const keyArn = keyWithRoom(1);
  const [first, second] = [newName('last'), newName('last')];
  sandbox().faults.add({
    ...{ service: 'infinstor', operation: 'add_subscriber', times: 1 },
    fault: { kind: 'error', name: '400' },
  });
  const { executionArn } = await startOnboarding(sandbox(), requestWithKey(first, keyArn));
  expect((await ended(sandbox(), executionArn)).error).toMatchObject({ step: 'CreateSubscriber' });
  await onboarded(sandbox(), requestWithKey(second, keyArn));
  const again = await startOnboarding(sandbox(), requestWithKey(first, keyArn));
  expect((await ended(sandbox(), again.executionArn)).error).toMatchObject({
    name: 'KeyPolicyFull',
    step: 'AcceptRequest',
  });
});
