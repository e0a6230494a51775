// A plan refuses what the first step refuses, with the same words, and finds everything at once.

import { CloudFormationClient, UpdateTerminationProtectionCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../api.ts';
import { editPolicy, enableIam, naming, newRole, policyWith } from '../keys/key-policies.ts';
import { offboarding } from '../offboard/offboarding.ts';
import {
  ended,
  eventually,
  hold,
  newKey,
  requestFor,
  run,
  startOnboarding,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import { fault, newName, newRun, onboarded, roleArnOf, stackNameOf } from '../subscriber.ts';
import { plan, refusal } from './planning.ts';

const listed = ['CustomToken', 'Colour', 'SubscriberName'].join(',');
const sandbox = useSandbox({ environment: { ALLOWED_STACK_PARAMETERS: listed, ALLOWED_TAG_KEYS: 'team' } });

const table = (keyArn: string) => ({ encryption: { tracking: { type: 'customer-managed', keyArn } } });
const inputOf = (userName: string, name: string) => `infinstor/sandbox/input/${userName}/${name}`;

/** A foreign statement that leaves room for nothing else. */
const largeStatement = {
  ...naming('Allow many', 'arn:aws:iam::111111111111:user/operator'),
  Condition: { StringEquals: { 'aws:PrincipalTag/team': Array.from({ length: 1650 }, (_, n) => `team-${n}-of-many`) } },
};

/** A key whose policy names a role that was deleted. */
function orphanedKey(): string {
  const roleName = newName('deleted');
  const { arn } = newRole(sandbox(), roleName);
  const keyArn = newKey(sandbox(), { policy: policyWith(naming('Backup', arn)) });
  sandbox().iam.deleteRole(roleName);
  return keyArn;
}

/** Protects a subscriber's stack from being deleted, as a person does. */
async function protect(userName: string): Promise<void> {
  const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
  await client.send(
    new UpdateTerminationProtectionCommand({ StackName: stackNameOf(userName), EnableTerminationProtection: true }),
  );
}

type Wrong = [
  what: string,
  operation: Operation,
  request: (userName: string) => object | Promise<object>,
  error: string,
];

/** Requests that the first steps refuse, each for one reason. */
const wrong: Wrong[] = [
  ['a name that is none', 'onboard-subscriber', () => requestFor('acme inc'), 'InvalidRequest'],
  ['a plaintext password', 'onboard-subscriber', (name) => ({ ...requestFor(name), password: 'x' }), 'InvalidRequest'],
  [
    'a secret that is not there',
    'onboard-subscriber',
    (name) => ({ ...requestFor(name), passwordSecretId: inputOf(name, 'nothing') }),
    'InvalidRequest',
  ],
  [
    'a secret under a key that is not for the deployment',
    'onboard-subscriber',
    (name) => {
      sandbox().secretsManager.createSecret(
        inputOf(name, 'x'),
        JSON.stringify({ password: 'Plan-Refusal-Marker-1!' }),
        {},
        newKey(sandbox(), {
          policy: { Version: '2012-10-17', Statement: [{ ...enableIam, Action: 'kms:Describe*' }] },
        }),
      );
      return { ...requestFor(name), passwordSecretId: inputOf(name, 'x') };
    },
    'SecretNotReadable',
  ],
  [
    'a disabled key',
    'onboard-subscriber',
    (name) => ({ ...requestFor(name), ...table(fixtures.disabledKeyArn) }),
    'KeyNotUsable',
  ],
  [
    'a full key',
    'onboard-subscriber',
    (name) => ({ ...requestFor(name), ...table(newKey(sandbox(), { policy: policyWith(largeStatement) })) }),
    'KeyPolicyFull',
  ],
  [
    'a key with an orphan',
    'onboard-subscriber',
    (name) => ({ ...requestFor(name), ...table(orphanedKey()) }),
    'KeyPolicyOrphan',
  ],
  [
    // Who may not list a bucket does not learn that a build is not there.
    'a build that is not there',
    'onboard-subscriber',
    (name) => ({ ...requestFor(name), stack: { build: '0.0.1' } }),
    'TemplateNotReadable',
  ],
  [
    'a template that does not fit',
    'onboard-subscriber',
    (name) => {
      sandbox().templates.publish('9.51', 'Resources: { Topic: { Type: "AWS::SNS::Topic" } }');
      return { ...requestFor(name), stack: { build: '9.51' } };
    },
    'TemplateMismatch',
  ],
  [
    'a parameter that the template does not have',
    'onboard-subscriber',
    (name) => ({ ...requestFor(name), stack: { parameters: { Colour: 'green' } } }),
    'InvalidRequest',
  ],
  [
    'a subscriber that differs',
    'onboard-subscriber',
    async (name) => {
      await onboarded(sandbox(), requestFor(name));
      return { subscriber: { userName: name, emailId: 'other@example.com' } };
    },
    'SubscriberDiffers',
  ],
  [
    'an update of a subscriber who is not there',
    'update-subscriber',
    (name) => ({ subscriber: { userName: name, emailId: 'other@example.com' } }),
    'SubscriberNotActive',
  ],
  ['an update of nothing', 'update-subscriber', (name) => ({ subscriber: { userName: name } }), 'InvalidRequest'],
  [
    'a user with the name of a subscriber',
    'add-user',
    async (name) => {
      await onboarded(sandbox(), requestFor(name));
      const other = newName('other');
      await onboarded(sandbox(), requestFor(other));
      return { subscriber: { userName: name }, users: [{ userName: other, emailId: 'eve@example.com' }] };
    },
    'InvalidRequest',
  ],
  [
    'the superadmin as a user',
    'add-user',
    async (name) => {
      await onboarded(sandbox(), requestFor(name));
      return { subscriber: { userName: name }, users: [{ userName: 'superadmin', emailId: 'eve@example.com' }] };
    },
    'InvalidRequest',
  ],
  [
    'an offboarding that is not confirmed',
    'offboard-subscriber',
    (name) => ({ ...offboarding(name), confirm: 'no' }),
    'InvalidRequest',
  ],
  ['an offboarding of nobody', 'offboard-subscriber', offboarding, 'SubscriberNotFound'],
  [
    'an offboarding whose stack is protected',
    'offboard-subscriber',
    async (name) => {
      await onboarded(sandbox(), requestFor(name));
      await protect(name);
      return offboarding(name);
    },
    'StackNeedsAttention',
  ],
  [
    'an offboarding whose role a foreign statement names',
    'offboard-subscriber',
    async (name) => {
      const keyArn = newKey(sandbox());
      await onboarded(sandbox(), newRun(name, [keyArn], name).request);
      await editPolicy(sandbox(), keyArn, (statements) => [...statements, naming('Backup', roleArnOf(name))]);
      await sandbox().clock.quiet();
      return offboarding(name);
    },
    'RoleStillNamed',
  ],
];

/** Without how many more faults there are, and without the names of the function and its role. */
const general = (text = '') =>
  text
    .replace(/ \(and \d+ more\)$/, '')
    .replace(/[\w-]+(?:AcceptRequest|PlanRequest)Role[\w-]*|plan-request|accept-request/g, 'the function');

describe('what the first step refuses, a plan refuses', () => {
  it.each(wrong)('%s', async (_, operation, request, error) => {
    const asked = await request(newName('wrong'));
    const refused = await refusal(sandbox(), operation, asked);
    expect([...new Set(refused.errors.map(({ name }) => name))]).toEqual([error]);
    const report = await run(sandbox(), operation, asked);
    expect(report).toMatchObject({ status: 'FAILED' });
    const { name, message, remedy } = report.error ?? {};
    expect({ ...refused, message: general(refused.message) }).toMatchObject({
      name,
      message: general(message),
      remedy,
    });
  });
});

describe('a plan', () => {
  it('finds all that is wrong at once, and says where', async () => {
    const { userName, request } = newRun('all-wrong');
    const asked = {
      ...request,
      passwordSecretId: inputOf(userName, 'nothing'),
      customTokenSecretId: inputOf(userName, 'nothing-either'),
      encryption: {
        artifacts: { type: 'sse-kms-customer-managed', keyArn: fixtures.disabledKeyArn },
        tracking: { type: 'customer-managed', keyArn: newKey(sandbox(), { tags: {} }) },
      },
      stack: { parameters: { Colour: 'green', SubscriberName: 'x' } },
    };
    const { errors, message } = await refusal(sandbox(), 'onboard-subscriber', asked);
    expect(errors.map(({ name, pointer }) => (pointer === undefined ? name : `${name} ${pointer}`))).toEqual([
      'InvalidRequest /passwordSecretId',
      'InvalidRequest /customTokenSecretId',
      'KeyNotUsable',
      'KeyNotUsable',
      'InvalidRequest /stack/parameters/SubscriberName',
    ]);
    expect(message).toMatch(/ \(and 4 more\)$/);
    for (const { rule, remedy } of errors) expect([rule, remedy]).not.toContain('');
  });

  it('names each parameter that does not fit', async () => {
    const { templates } = sandbox();
    const [parameter = ''] = /\n {2}SubscriberName:\n/.exec(templates.standIn) ?? [];
    templates.publish(
      '9.52',
      templates.standIn.replace(parameter, `\n  First: { Type: String }\n  Second: { Type: String }${parameter}`),
    );
    const asked = { ...requestFor(newName('misfit')), stack: { build: '9.52', parameters: { Colour: 'green' } } };
    const { errors } = await refusal(sandbox(), 'onboard-subscriber', asked);
    expect(errors.map(({ rule }) => rule)).toEqual([
      'the template of this build has no such parameter',
      ...['First', 'Second'].map((name) => expect.stringContaining(`Template parameter ${name}: has no default`)),
    ]);
  });

  it('of a subscriber that is being onboarded is refused, and made again when that is over', async () => {
    const { request } = newRun('busy');
    const release = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await startOnboarding(sandbox(), request);
    await eventually(sandbox(), () => {
      if (sandbox().states.execution(executionArn).status !== 'RUNNING') throw new Error('It is over');
    });
    await eventually(sandbox(), async () => {
      const { errors } = await refusal(sandbox(), 'onboard-subscriber', request);
      expect(errors).toMatchObject([{ name: 'OnboardingInProgress', rule: expect.stringContaining(executionArn) }]);
    });
    release();
    await ended(sandbox(), executionArn);
    expect(await plan(sandbox(), 'onboard-subscriber', request)).toMatchObject({ converges: true });
  });

  it.each([
    ['TemplateNotPinned', { BUILDS: '{}', REQUIRE_PINNED_TEMPLATE: 'true' }],
    ['TemplateChanged', { BUILDS: JSON.stringify({ [fixtures.build]: '0'.repeat(64) }) }],
  ])('of a template that may not be used is refused: %s', async (name, environment) => {
    await withSandbox({ environment }, async (given) => {
      const { errors } = await refusal(given, 'onboard-subscriber', requestFor('pinned'));
      expect(errors).toMatchObject([{ name }]);
    });
  });

  it('is asked for again when KMS is asked too often, as a step is tried again', async () => {
    const { request } = newRun('throttled', [newKey(sandbox())]);
    fault(sandbox(), 'kms:GetKeyPolicy:throttle:9');
    const answer = await callApi(sandbox(), 'POST', '/plans', { request });
    sandbox().faults.clear();
    expect(answer).toMatchObject({ status: 503, body: { error: { name: 'KeyPolicyBusy' } } });
    expect(await plan(sandbox(), 'onboard-subscriber', request)).toMatchObject({ converges: false });
  });
});
