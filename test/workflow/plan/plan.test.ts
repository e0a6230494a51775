import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { canonical } from '../../../lib/keys/canonical.ts';
import type { Preview } from '../../../lib/preflight/preview.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { casesInScope } from '../../scope.ts';
import { callApi } from '../api.ts';
import { editPolicy, naming, newRole } from '../keys/key-policies.ts';
import { offboard, offboarding } from '../offboard/offboarding.ts';
import {
  ended,
  eventually,
  hold,
  newKey,
  onboard,
  putSecret,
  recordOf,
  requestFor,
  run,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import {
  credentialsOf,
  fault,
  folderOf,
  newName,
  newRun,
  onboarded,
  policyOf,
  stackNameOf,
  supplyToken,
} from '../subscriber.ts';
import { changesOf, plan, refusal } from './planning.ts';
import { inputOf, wrong } from './wrong-requests.ts';

const sandbox = useSandbox({
  environment: { ALLOWED_STACK_PARAMETERS: 'CustomToken,Colour,SubscriberName', ALLOWED_TAG_KEYS: 'team' },
});

/** A subscriber who stays. */
const resident = newRun('resident');
beforeAll(async () => {
  resident.keyArns = [newKey(sandbox())];
  resident.request = newRun('', resident.keyArns, resident.userName).request;
  await onboarded(sandbox(), resident.request);
});

/** Everything that a plan could have changed. */
async function everything(keyArns: readonly string[]) {
  const { dynamoDb, registryTable, secretsManager, states, infinstor, events } = sandbox();
  return {
    registry: await dynamoDb.items(registryTable),
    secrets: secretsManager.everyValue(),
    policies: keyArns.map((keyArn) => canonical(policyOf(sandbox(), keyArn))),
    executions: states.executions().length,
    subscribers: infinstor.subscribers(),
    events: events.published().length,
  };
}

/** The names of the subscriber's secrets. */
async function secretNamesOf(userName: string): Promise<string[]> {
  const client = new SecretsManagerClient(operatorAt(sandbox().endpoint));
  const { SecretList = [] } = await client.send(
    new ListSecretsCommand({ Filters: [{ Key: 'name', Values: [`${folderOf(userName)}/`] }] }),
  );
  return SecretList.map(({ Name = '' }) => Name).sort();
}

/** The stack as CloudFormation describes it. */
async function stackOf(userName: string) {
  const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: stackNameOf(userName) }));
  const { Parameters = [], Tags = [] } = stack ?? {};
  return {
    parameters: Object.fromEntries(Parameters.map((each) => [each.ParameterKey, each.ParameterValue])),
    tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
  };
}

/** A run goes through as many states as its cost was reckoned with. */
function expectTransitions({ cost }: Preview, report: Report): void {
  expect(report.error).toBeNull();
  expect(cost.assumptions.join('\n')).toContain(`\n${statesOf(report).length} state transitions: `);
}

/** What an offboarding has left, as DynamoDB has it. */
const recordSchema = v.object({
  offboarded: v.object({
    M: v.object({
      retained: v.object({ L: v.array(v.object({ M: v.object({ physicalId: v.object({ S: v.string() }) }) })) }),
    }),
  }),
});

describe('a plan', () => {
  it('of each request in the life of a subscriber changes nothing, and is what the execution then does', async () => {
    const keyArns = [newKey(sandbox()), ...resident.keyArns];
    const { arn } = newRole(sandbox(), newName('backup'));
    await editPolicy(sandbox(), keyArns[0] ?? '', (statements) => [...statements, naming('Backup', arn)]);
    await sandbox().clock.quiet();
    const { userName, request } = newRun('planned', keyArns);

    // The onboarding.
    const before = await everything(keyArns);
    const planned = await plan(sandbox(), 'onboard-subscriber', request);
    expect(await everything(keyArns)).toEqual(before);
    expect(await plan(sandbox(), 'onboard-subscriber', request)).toEqual(planned);
    expect(planned).toMatchObject({ planSchemaVersion: 1, operation: 'onboard-subscriber', userName });
    expect(planned).toMatchObject({ converges: false, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(changesOf(planned)).toEqual([
      `CreateSubscriber: create subscriber ${userName}`,
      `CreateSubscriber: create secret ${credentialsOf(userName)}`,
      `DeployStack: create stack ${stackNameOf(userName)}`,
      ...keyArns.map((keyArn) => `PatchKeyPolicy: update key-policy ${keyArn}`),
    ]);
    expect(planned.keyPolicies.map((each) => canonical(each.before))).toEqual(before.policies);
    for (const { diff, changed, freeBytesAfter } of planned.keyPolicies) {
      expect(changed).toBe(true);
      expect(diff.filter(({ kind }) => kind === 'removed')).toEqual([]);
      const added = diff.filter(({ kind }) => kind === 'added').map(({ text }) => text);
      const role = `"arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${userName}"`;
      expect(added.filter((text) => text.includes(role))).toHaveLength(2);
      expect(freeBytesAfter).toBeGreaterThan(30_000);
    }
    expectTransitions(planned, await onboard(sandbox(), request));
    const policies = keyArns.map((keyArn) => canonical(policyOf(sandbox(), keyArn)));
    expect(planned.keyPolicies.map(({ after }) => canonical(after))).toEqual(policies);
    const { parameters, tags } = await stackOf(userName);
    expect(planned.stack?.tags).toEqual(tags);
    expect(parameters).toMatchObject({ ...planned.stack?.parameters, CustomToken: '****', SubscriberName: userName });
    expect(await secretNamesOf(userName)).toEqual([credentialsOf(userName)]);

    // The same again.
    const again = await plan(sandbox(), 'onboard-subscriber', request);
    expect(again).toMatchObject({ converges: true, changes: [] });
    expect(again.hash).not.toBe(planned.hash);
    expect(again.keyPolicies).toMatchObject(keyArns.map(() => ({ changed: false, diff: [] })));

    // An update of both fields.
    const passwordSecretId = inputOf(userName, 'password');
    sandbox().secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'Plan-Marker-Password-1!' }));
    const update = { subscriber: { userName, emailId: 'new@example.com' }, passwordSecretId };
    const updating = await plan(sandbox(), 'update-subscriber', update);
    expect(changesOf(updating)).toEqual([
      `UpdateSubscriber: update subscriber ${userName}`,
      `UpdateSubscriber: update secret ${credentialsOf(userName)}`,
    ]);
    expect(updating.changes.map(({ detail }) => detail)).toEqual(['emailId, password', 'emailId, password']);
    expectTransitions(updating, await run(sandbox(), 'update-subscriber', update));
    const updated = await plan(sandbox(), 'update-subscriber', update);
    expect(updated).toMatchObject({ converges: true, changes: [] });

    // Users.
    const users = ['one', 'two'].map((name) => ({ userName: `${userName}.${name}`, emailId: 'user@example.com' }));
    const adding = await plan(sandbox(), 'add-user', { subscriber: { userName }, users });
    const secretIds = users.map((user) => `${folderOf(userName)}/users/${user.userName}`);
    expect(changesOf(adding)).toEqual(
      users.flatMap((user, index) => [
        `AddUser: create user ${user.userName}`,
        `AddUser: create secret ${secretIds[index]}`,
      ]),
    );
    expectTransitions(adding, await run(sandbox(), 'add-user', { subscriber: { userName }, users }));
    expect(await secretNamesOf(userName)).toEqual(expect.arrayContaining(secretIds));
    const added = await plan(sandbox(), 'add-user', { subscriber: { userName }, users });
    expect(added).toMatchObject({ converges: true, changes: [] });

    // The offboarding, and whoever comes back.
    const secretsThen = await secretNamesOf(userName);
    const leaving = await plan(sandbox(), 'offboard-subscriber', offboarding(userName));
    const report = await offboard(sandbox(), userName);
    expectTransitions(leaving, report);
    expect(leaving.keyPolicies.map(({ after }) => canonical(after))).toEqual(
      leaving.keyPolicies.map(({ keyArn }) => canonical(policyOf(sandbox(), keyArn))),
    );
    expect(leaving.keyPolicies.map(({ keyArn, changed }) => [keyArn, changed]).sort()).toEqual(
      keyArns.map((keyArn) => [keyArn, true]).sort(),
    );
    const of = (kind: string, action: string) =>
      leaving.changes.filter((change) => change.kind === kind && change.action === action).map(({ what }) => what);
    expect(of('secret', 'delete')).toEqual(secretsThen);
    expect(report.output).toMatchObject({ secrets: secretsThen });
    const { offboarded } = v.parse(recordSchema, await recordOf(sandbox(), userName));
    const left = offboarded.M.retained.L.map(({ M }) => M.physicalId.S);
    expect(of('resource', 'retain').sort()).toEqual(left.sort());
    expect(left.length).toBeGreaterThan(0);
    expect(of('resource', 'delete')).toContain(`RoleForInfinStorMlflowService-${userName}`);
    const gone = await plan(sandbox(), 'offboard-subscriber', offboarding(userName));
    expect(gone).toMatchObject({ converges: true });
    expect(changesOf(gone)).toEqual([`CompleteOffboarding: retain subscriber ${userName}`]);
    const returning = { ...request, subscriber: update.subscriber };
    expect(changesOf(await plan(sandbox(), 'onboard-subscriber', returning))).toEqual([
      `CreateSubscriber: decide subscriber ${userName}`,
      `CreateSubscriber: restore secret ${credentialsOf(userName)}`,
      `DeployStack: create stack ${stackNameOf(userName)}`,
      ...keyArns.map((keyArn) => `PatchKeyPolicy: update key-policy ${keyArn}`),
    ]);

    expect(JSON.stringify([planned, again, updating, updated, adding, leaving])).not.toContain('Plan-Marker');
  });

  it('has another hash when the request, the policy or the template is another one', async () => {
    const keyArn = newKey(sandbox());
    const { request } = newRun('hashed', [keyArn]);
    const hashOf = async (asked: object) => (await plan(sandbox(), 'onboard-subscriber', asked)).hash;
    const hashes = [await hashOf(request)];
    hashes.push(await hashOf({ ...request, subscriber: { ...request.subscriber, emailId: 'other@example.com' } }));
    const { arn } = newRole(sandbox(), newName('hashed'));
    await editPolicy(sandbox(), keyArn, (statements) => [...statements, naming('Somebody', arn)]);
    hashes.push(await hashOf(request));
    const { standIn } = sandbox().templates;
    for (const text of [standIn, `${standIn}\n`]) {
      sandbox().templates.publish('9.42', text);
      hashes.push(await hashOf({ ...request, stack: { build: '9.42' } }));
    }
    expect(new Set(hashes).size).toBe(5);
    expect(await hashOf(request)).toBe(hashes[2]);
  });

  it('reads a template that is too long for a call where the vendor has it, and copies nothing', async () => {
    sandbox().templates.publish('9.41', `${sandbox().templates.standIn}\n# ${'Größe '.repeat(10_000)}\r\n`);
    const request = { ...requestFor(newName('long')), stack: { build: '9.41' } };
    expect((await plan(sandbox(), 'onboard-subscriber', request)).stack?.templateUrl).toContain('/9.41/');
  });

  it('shows no value that the template hides', async () => {
    const { standIn } = sandbox().templates;
    const hiding = standIn.replace(
      '\n  SubscriberName:',
      '\n  Colour: { Type: String, NoEcho: true }\n  SubscriberName:',
    );
    sandbox().templates.publish('9.43', hiding);
    const stack = { build: '9.43', parameters: { Colour: 'plan-marker-green' } };
    const planned = await plan(sandbox(), 'onboard-subscriber', { ...requestFor(newName('hiding')), stack });
    expect(planned.stack?.parameters).toMatchObject({ Colour: '****' });
    expect(JSON.stringify(planned)).not.toContain('plan-marker');
  });

  it('is of an onboarding when its body names no operation, and needs a request', async () => {
    const request = requestFor(newName('default'));
    const body = { operation: 'onboard-subscriber' };
    expect(await callApi(sandbox(), 'POST', '/plans', { request })).toMatchObject({ status: 200, body });
    for (const [sent, message] of [
      ['{', 'request: must be JSON'],
      [{}, 'request: is required'],
      [{ operation: 'delete', request }, 'operation: '],
      [{ request, plan: 'x' }, 'plan: is not a known field'],
    ] as const) {
      const answer = await callApi(sandbox(), 'POST', '/plans', sent);
      expect(answer).toMatchObject({ status: 400, body: { name: 'InvalidRequest' } });
      expect(JSON.stringify(answer.body)).toContain(message);
    }
  });

  it.each(casesInScope(['takes what is supplied, once'], []))('of a custom token %s', async () => {
    const { userName, request } = newRun('supplied');
    await onboarded(sandbox(), request);
    const supplied = { ...request, ...supplyToken(sandbox(), userName) };
    expect(await plan(sandbox(), 'onboard-subscriber', supplied)).toMatchObject({ converges: true });
    await putSecret(sandbox(), supplied.customTokenSecretId, { customToken: 'Custom plan-marker:another-token' });
    const planned = await plan(sandbox(), 'onboard-subscriber', supplied);
    expect(changesOf(planned)).toEqual([`CreateSubscriber: update secret ${credentialsOf(userName)}`]);
    expect(JSON.stringify(planned)).not.toContain('plan-marker');
  });

  it.each(casesInScope(['rolled back: it is deleted, and made anew'], []))('of a stack that was %s', async () => {
    const { userName, request } = newRun('rolled-back');
    fault(sandbox(), 'infinstor:register:error=503:9');
    expect((await onboard(sandbox(), request)).error?.name).toBe('StackFailed');
    sandbox().faults.clear();
    await sandbox().clock.quiet();
    const stack = stackNameOf(userName);
    const planned = await plan(sandbox(), 'onboard-subscriber', request);
    expect(changesOf(planned)).toEqual([`DeployStack: delete stack ${stack}`, `DeployStack: create stack ${stack}`]);
    await onboarded(sandbox(), request);
    expect(await plan(sandbox(), 'onboard-subscriber', request)).toMatchObject({ converges: true });
  });
});

/** Without how many more faults there are, and without the names of the function and its role. */
const general = (text = '') =>
  text
    .replace(/ \(and \d+ more\)$/, '')
    .replace(/[\w-]+(?:AcceptRequest|PlanRequest)Role[\w-]*|plan-request|accept-request/g, 'the function');

describe('what the first step refuses, a plan refuses in the same words', () => {
  it.each(wrong)('$what', async ({ operation, request, errors }) => {
    const asked = await request(sandbox(), newName('wrong'), resident);
    const refused = await refusal(sandbox(), operation, asked);
    expect([...new Set(refused.errors.map(({ name }) => name))]).toEqual(errors);
    const report = await run(sandbox(), operation, asked);
    const { name, message, remedy } = report.error ?? {};
    expect({ ...refused, detail: general(refused.detail) }).toMatchObject({
      name,
      detail: general(message),
      remedy,
    });
  });

  it('all of it at once, and says where', async () => {
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
    const { errors, detail: message } = await refusal(sandbox(), 'onboard-subscriber', asked);
    expect(errors.map(({ name, pointer }) => (pointer === undefined ? name : `${name} ${pointer}`))).toEqual([
      'InvalidRequest /stack/parameters/SubscriberName',
      'InvalidRequest /passwordSecretId',
      'InvalidRequest /customTokenSecretId',
      'KeyNotUsable',
      'KeyNotUsable',
    ]);
    expect(message).toMatch(/ \(and 4 more\)$/);
    for (const { detail, remedy } of errors) expect([detail, remedy]).not.toContain('');
  });

  it('while an execution works on the subscriber', async () => {
    const { request } = newRun('busy');
    const release = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await startOnboarding(sandbox(), request);
    await eventually(sandbox(), async () => {
      const { errors } = await refusal(sandbox(), 'onboard-subscriber', request);
      expect(errors).toMatchObject([{ name: 'OnboardingInProgress', detail: expect.stringContaining(executionArn) }]);
    });
    release();
    await ended(sandbox(), executionArn);
  });

  it('but for what passes by itself: KMS was asked too often', async () => {
    const { request } = newRun('throttled', [newKey(sandbox())]);
    fault(sandbox(), 'kms:GetKeyPolicy:throttle:9');
    const answer = await callApi(sandbox(), 'POST', '/plans', { request });
    sandbox().faults.clear();
    expect(answer).toMatchObject({ status: 503, body: { name: 'KeyPolicyBusy' } });
  });

  it.each(
    casesInScope(
      [
        { name: 'TemplateNotPinned', environment: { BUILDS: '{}', REQUIRE_PINNED_TEMPLATE: 'true' } },
        { name: 'TemplateChanged', environment: { BUILDS: JSON.stringify({ [fixtures.build]: '0'.repeat(64) }) } },
      ],
      [],
    ),
  )('a template that may not be used: $name', async ({ name, environment }) => {
    await withSandbox({ environment }, async (given) => {
      const { errors } = await refusal(given, 'onboard-subscriber', requestFor('pinned'));
      expect(errors).toMatchObject([{ name }]);
    });
  });
});
