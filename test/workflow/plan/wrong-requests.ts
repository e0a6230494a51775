// Requests that the first steps refuse.

import { CloudFormationClient, UpdateTerminationProtectionCommand } from '@aws-sdk/client-cloudformation';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { editPolicy, enableIam, naming, newRole, policyWith } from '../keys/key-policies.ts';
import { offboarding } from '../offboard/offboarding.ts';
import { newKey, requestFor } from '../sandbox.ts';
import { newName, type Run, roleArnOf, stackNameOf } from '../subscriber.ts';

const table = (keyArn: string) => ({ encryption: { tracking: { type: 'customer-managed', keyArn } } });
export const inputOf = (userName: string, name: string) => `infinstor/sandbox/input/${userName}/${name}`;

/** A foreign statement that leaves room for nothing else. */
const largeStatement = {
  ...naming('Allow many', 'arn:aws:iam::111111111111:user/operator'),
  Condition: { StringEquals: { 'aws:PrincipalTag/team': Array.from({ length: 1650 }, (_, n) => `team-${n}-of-many`) } },
};

/** A key whose policy names a role that was deleted. */
function orphanedKey(sandbox: Sandbox): string {
  const roleName = newName('deleted');
  const { arn } = newRole(sandbox, roleName);
  const keyArn = newKey(sandbox, { policy: policyWith(naming('Backup', arn)) });
  sandbox.iam.deleteRole(roleName);
  return keyArn;
}

/** The name of a secret under a key that no function may use. */
function secretUnderKey(sandbox: Sandbox, userName: string): string {
  const policy = { Version: '2012-10-17', Statement: [{ ...enableIam, Action: 'kms:Describe*' }] };
  const value = JSON.stringify({ password: 'Plan-Refusal-Marker-1!' });
  sandbox.secretsManager.createSecret(inputOf(userName, 'x'), value, {}, newKey(sandbox, { policy }));
  return inputOf(userName, 'x');
}

/** Protects the stack from being deleted, and names the role in a statement of its own, as people do. */
async function entangle(sandbox: Sandbox, { userName, keyArns: [keyArn = ''] }: Run): Promise<void> {
  const client = new CloudFormationClient(operatorAt(sandbox.endpoint));
  await client.send(
    new UpdateTerminationProtectionCommand({ StackName: stackNameOf(userName), EnableTerminationProtection: true }),
  );
  await editPolicy(sandbox, keyArn, (statements) => [...statements, naming('Backup', roleArnOf(userName))]);
  await sandbox.clock.quiet();
}

interface Wrong {
  what: string;
  operation: Operation;
  /** @param resident a subscriber who is onboarded, and stays */
  request: (sandbox: Sandbox, userName: string, resident: Run) => object | Promise<object>;
  errors: string[];
}

const onboarding = (what: string, request: Wrong['request'], ...errors: string[]): Wrong => ({
  what,
  operation: 'onboard-subscriber',
  request,
  errors,
});

export const wrong: Wrong[] = [
  onboarding('a name that is none', () => requestFor('acme inc'), 'InvalidRequest'),
  onboarding('a plaintext password', (_, name) => ({ ...requestFor(name), password: 'x' }), 'InvalidRequest'),
  onboarding(
    'a secret that is not there',
    (_, name) => ({ ...requestFor(name), passwordSecretId: inputOf(name, 'nothing') }),
    'InvalidRequest',
  ),
  onboarding(
    'a secret under a key that is not for the deployment',
    (sandbox, name) => ({ ...requestFor(name), passwordSecretId: secretUnderKey(sandbox, name) }),
    'SecretNotReadable',
  ),
  onboarding(
    'a disabled key',
    (_, name) => ({ ...requestFor(name), ...table(fixtures.disabledKeyArn) }),
    'KeyNotUsable',
  ),
  onboarding(
    'a full key',
    (sandbox, name) => ({ ...requestFor(name), ...table(newKey(sandbox, { policy: policyWith(largeStatement) })) }),
    'KeyPolicyFull',
  ),
  onboarding(
    'a key with an orphan',
    (sandbox, name) => ({ ...requestFor(name), ...table(orphanedKey(sandbox)) }),
    'KeyPolicyOrphan',
  ),
  onboarding(
    // Who may not list a bucket does not learn that a build is not there.
    'a build that is not there',
    (_, name) => ({ ...requestFor(name), stack: { build: '0.0.1' } }),
    'TemplateNotReadable',
  ),
  onboarding(
    'a template that does not fit',
    ({ templates }, name) => {
      templates.publish('9.51', 'Resources: { Topic: { Type: "AWS::SNS::Topic" } }');
      return { ...requestFor(name), stack: { build: '9.51' } };
    },
    'TemplateMismatch',
  ),
  onboarding(
    'a parameter that the template does not have',
    (_, name) => ({ ...requestFor(name), stack: { parameters: { Colour: 'green' } } }),
    'InvalidRequest',
  ),
  onboarding(
    'a subscriber that differs',
    (_sandbox, _name, { userName, request }) => ({
      ...request,
      subscriber: { userName, emailId: 'other@example.com' },
    }),
    'SubscriberDiffers',
  ),
  {
    what: 'an update of a subscriber who is not there',
    operation: 'update-subscriber',
    request: (_, userName) => ({ subscriber: { userName, emailId: 'other@example.com' } }),
    errors: ['SubscriberNotActive'],
  },
  {
    what: 'an update of nothing',
    operation: 'update-subscriber',
    request: (_sandbox, _name, { userName }) => ({ subscriber: { userName } }),
    errors: ['InvalidRequest'],
  },
  {
    what: 'users with the name of the superadmin',
    operation: 'add-user',
    request: (_sandbox, _name, { userName }) => ({
      subscriber: { userName },
      users: ['superadmin'].map((name) => ({ userName: name, emailId: 'eve@example.com' })),
    }),
    errors: ['InvalidRequest'],
  },
  {
    what: 'an offboarding that is not confirmed',
    operation: 'offboard-subscriber',
    request: (_sandbox, _name, { userName }) => ({ ...offboarding(userName), confirm: 'no' }),
    errors: ['InvalidRequest'],
  },
  {
    what: 'an offboarding of nobody',
    operation: 'offboard-subscriber',
    request: (_, userName) => offboarding(userName),
    errors: ['SubscriberNotFound'],
  },
  {
    what: 'an offboarding whose stack is protected, and whose role a foreign statement names',
    operation: 'offboard-subscriber',
    async request(sandbox, _name, resident) {
      await entangle(sandbox, resident);
      return offboarding(resident.userName);
    },
    errors: ['StackNeedsAttention', 'RoleStillNamed'],
  },
];
