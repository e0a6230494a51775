import { expect, it } from 'vitest';
import { withGrants } from '../../../../../lib/keys/key-policy.ts';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { decide } from '../../../../../sandbox/core/policies/policy.ts';
import { createIam } from '../../../../../sandbox/services/iam/service.ts';
import { createKms } from '../../../../../sandbox/services/kms/service.ts';
import { account, admin, byPattern, policy } from './key-policy-fixture.ts';

const keyArn = `arn:aws:kms:us-east-1:${account}:key/11111111-1111-4111-8111-111111111111`;

/** Whether a role without policies of its own may use a key that has a subscriber's role by its pattern, as the sandbox's IAM has it. */
function mayUse(path: string, roleName: string, subscriberPath = '/'): boolean {
  const clock = createClock({ skipIdle: true });
  const iam = createIam(clock);
  const kms = createKms({ clock, iam });
  const subscriber = `arn:aws:iam::${account}:role${subscriberPath}RoleForInfinStorMlflowService-acme`;
  kms.createKey({ arn: keyArn, tags: {}, policy: withGrants(policy(admin), [subscriber], byPattern) });
  const role = iam.createRole({
    roleName,
    path,
    assumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    },
  });
  const caller = iam.serviceCaller(role.arn, 'lambda.amazonaws.com');
  const asked = kms.useAccess(caller, keyArn, ['kms:Decrypt', 'kms:CreateGrant']);
  const answers = new Set(asked.map((access) => decide(caller, access).allowed));
  expect(answers.size).toBe(1);
  return answers.has(true);
}

it.each([
  ['/', 'RoleForInfinStorMlflowService-beta', '/'],
  ['/vendor/', 'RoleForInfinStorMlflowService-beta', '/vendor/'],
])('a pattern lets in the role %s%s', (path, roleName, subscriberPath) => {
  expect(mayUse(path, roleName, subscriberPath)).toBe(true);
});

it.each([
  // `*` matches slashes, too, and a path may look like a name.
  ['/RoleForInfinStorMlflowService-x/any/', 'Name', '/'],
  ['/RoleForInfinStorMlflowService-/', 'RoleForInfinStorMlflowService-beta', '/'],
  ['/vendor/RoleForInfinStorMlflowService-x/', 'Name', '/vendor/'],
  ['/vendor/', 'RoleForInfinStorMlflowService-beta', '/'],
  ['/', 'RoleForInfinStorMlflowService-beta', '/vendor/'],
  ['/', 'Other', '/'],
])('a pattern does not let in the role %s%s', (path, roleName, subscriberPath) => {
  expect(mayUse(path, roleName, subscriberPath)).toBe(false);
});
