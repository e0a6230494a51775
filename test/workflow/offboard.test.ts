import { CloudFormationClient, CreateStackCommand, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import { KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { afterEach, describe, expect, it } from 'vitest';
import { operatorAt } from '../../cli/endpoint.ts';
import { connect, start } from '../../cli/execution.ts';
import type { Report } from '../../cli/report.ts';
import { grantedRoles, parseKeyPolicy } from '../../functions/shared/key-policy.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { designedRetries, retriesToRun } from './design.ts';
import { packagedMachine } from './packaged-machine.ts';
import {
  ended,
  eventsOf,
  eventually,
  expectFailure,
  expectOneOfEach,
  hold,
  newKey,
  offboardingPath,
  onboard,
  plaintextMarker,
  recordOf,
  redrive,
  requestFor,
  requestWithKey,
  run,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from './sandbox.ts';
import { effectsOf, faultAt, interruptAndRecover, oneOf, placed, waysAt } from './side-effects.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
  sandbox().kms.delayReads(0);
});

const offboarding = (userName: string, rest: object = {}) => ({ subscriber: { userName }, confirm: userName, ...rest });
const offboard = (userName: string, rest: object = {}, given: Sandbox = sandbox()): Promise<Report> =>
  run(given, 'offboard-subscriber', offboarding(userName, rest));

const roleArnOf = (userName: string) => `arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${userName}`;
const roleNameOf = (userName: string) => `RoleForInfinStorMlflowService-${userName}`;
const stackNameOf = (userName: string) => `infinstor-subscriber-${userName.toLowerCase()}`;
const credentialsOf = (userName: string) => `infinstor/sandbox/subscribers/${userName.toLowerCase()}/credentials`;
const policyOf = (given: Sandbox, keyArn: string) => parseKeyPolicy(JSON.stringify(given.kms.keyPolicy(keyArn)));

let subscribers = 0;

/** A subscriber of its own, with a key of its own, and onboarded: so long ago that no token and no wait is good any more. */
async function onboarded(given: Sandbox = sandbox(), userName = `leaving-${++subscribers}`) {
  const keyArn = newKey(given);
  const request = requestWithKey(userName, keyArn);
  const report = await onboard(given, request);
  expectOneOfEach(given, report, { userName, keyArns: [keyArn] });
  given.clock.advance(31 * 60_000);
  return { userName, keyArn, request, stackId: `${report.output?.stackId}` };
}
type Subscriber = Awaited<ReturnType<typeof onboarded>>;

/** Lets days pass in which nothing is looked at: thousands of looks would take minutes. */
async function passDays(days: number): Promise<void> {
  const events = new EventBridgeClient(operatorAt(sandbox().endpoint));
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  const scheduled = Rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined);
  for (const { Name } of scheduled) await events.send(new DisableRuleCommand({ Name }));
  sandbox().clock.advance(days * 24 * 60 * 60_000);
  for (const { Name } of scheduled) await events.send(new EnableRuleCommand({ Name }));
}

/** The buckets that the subscriber's stack has made. */
function bucketsOf({ stackId }: Pick<Subscriber, 'stackId'>): string[] {
  const buckets = sandbox().cloudFormation.buckets();
  return buckets.filter((bucket) => bucket.stackId === stackId).map(({ name }) => name);
}

/** Nothing is left of the subscriber but its data and what InfinStor has. */
async function expectOffboarded(
  report: Report,
  { userName, keyArn, stackId }: Pick<Subscriber, 'userName' | 'keyArn' | 'stackId'>,
  given: Sandbox = sandbox(),
  /** The buckets that earlier stacks of the subscriber have left. */
  earlierBuckets: readonly string[] = [],
): Promise<void> {
  expect(report.error).toBeNull();
  const { cloudFormation, iam, secretsManager, infinstor } = given;
  expect(cloudFormation.stack(stackNameOf(userName))).toBeUndefined();
  expect(iam.role(roleNameOf(userName))).toBeUndefined();
  const policy = policyOf(given, keyArn);
  expect(grantedRoles(policy)).toEqual([]);
  expect(policy.Statement).toMatchObject([{ Sid: 'Enable IAM User Permissions' }]);
  expect(secretsManager.value(credentialsOf(userName))).toBeUndefined();
  expect(infinstor.subscribers().filter((subscriber) => subscriber.userName === userName)).toHaveLength(1);
  const bucket = cloudFormation.buckets().find((found) => found.stackId === stackId)?.name;
  const table = cloudFormation.tables().find((found) => found.stackId === stackId)?.name;
  const bucketNamed = (physicalId = '') => ({ logicalId: 'ArtifactsBucket', type: 'AWS::S3::Bucket', physicalId });
  // The table has the same name each time.
  const [first, ...others] = [...earlierBuckets, bucket].map(bucketNamed);
  const kept = { logicalId: 'TrackingTable', type: 'AWS::DynamoDB::Table', physicalId: table };
  const retained = [first, kept, ...others];
  expect(report.output).toEqual({
    userName,
    stackId,
    keyArns: [keyArn],
    retained,
    secrets: [credentialsOf(userName)],
    byHand: [
      `Delete subscriber ${userName} in InfinStor, which documents no call for it`,
      ...retained.map((left) => `Delete ${left?.type} ${left?.physicalId} when what it holds is not needed any more`),
    ],
  });
  const record = await recordOf(given, userName);
  expect(record).toMatchObject({ status: { S: 'OFFBOARDED' }, executionArn: { S: report.executionArn } });
  for (const gone of ['stackId', 'roleArn', 'keyArns', 'users', 'lastError']) expect(record).not.toHaveProperty(gone);
  const told = { 'detail-type': 'SubscriberOffboarded', detail: expect.objectContaining({ ...report.output }) };
  expect(eventsOf(given, report)).toContainEqual(expect.objectContaining(told));
}

/** Nothing has been done to the subscriber. */
function expectUntouched({ userName, keyArn }: Subscriber, given: Sandbox = sandbox()): void {
  expect(given.cloudFormation.stack(stackNameOf(userName))?.status).toBe('CREATE_COMPLETE');
  expect(grantedRoles(policyOf(given, keyArn))).toEqual([roleArnOf(userName)]);
  expect(given.secretsManager.value(credentialsOf(userName))).toBeDefined();
}

describe('an offboarding', () => {
  it('takes everything away but the data, and says what is left', async () => {
    const subscriber = await onboarded(sandbox(), 'Leaving');
    const report = await offboard('Leaving');
    expect(statesOf(report)).toEqual(offboardingPath);
    await expectOffboarded(report, subscriber);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOffboarded' }]);
  });

  it('converges: a second one succeeds with the same result, also in a year', async () => {
    const subscriber = await onboarded();
    const first = await offboard(subscriber.userName);
    const second = await offboard(subscriber.userName.toUpperCase());
    await expectOffboarded(second, subscriber);
    expect(second.output).toEqual(first.output);
    await passDays(400);
    expect((await offboard(subscriber.userName)).output).toEqual({ ...first.output, secrets: [] });
  });

  it('names the users under the subscriber, whom InfinStor keeps as well, also when it is repeated', async () => {
    const { userName } = await onboarded();
    const users = ['ann', 'bea'].map((name) => ({ userName: `${name}-${userName}`, emailId: `${name}@example.com` }));
    await run(sandbox(), 'add-user', { subscriber: { userName }, users });
    const task = `Delete subscriber ${userName}, and under it ann-${userName}, bea-${userName}, in InfinStor`;
    for (let times = 0; times < 2; times += 1) {
      const { output } = await offboard(userName);
      expect(output?.byHand?.[0]).toContain(task);
    }
  });

  it('deletes every secret of the subscriber, and none of another whose name begins so', async () => {
    const subscriber = await onboarded(sandbox(), 'sec');
    const other = await onboarded(sandbox(), 'sec-2');
    const { secretsManager } = sandbox();
    const folder = 'infinstor/sandbox/subscribers/sec';
    const names = [...Array(12).keys()].map((n) => `${folder}/users/user-${n}`);
    for (const name of [...names, `${folder}/token`]) {
      secretsManager.createSecret(name, JSON.stringify({ note: 'a secret' }));
    }
    const report = await offboard('sec');
    expect(report.output).toMatchObject({
      secrets: [`${folder}/credentials`, `${folder}/token`, ...names.toSorted()],
    });
    for (const name of names) expect(secretsManager.value(name)).toBeUndefined();
    expectUntouched(other);
    await expectOffboarded(await offboard('sec-2'), other);
    expect(subscriber.userName).toBe('sec');
  });

  it('takes the role out of every key that it was ever given', async () => {
    const subscriber = await onboarded();
    const { userName } = subscriber;
    const other = newKey(sandbox());
    // A grant that only the registry knows of, as an onboarding leaves it that failed in PatchKeyPolicy.
    const { dynamoDb, registryTable } = sandbox();
    const grant = (await dynamoDb.items(registryTable)).find(({ sk }) => sk?.S === `GRANT#${roleArnOf(userName)}`);
    await new DynamoDBClient(operatorAt(sandbox().endpoint)).send(
      new PutItemCommand({
        TableName: registryTable,
        Item: { ...(grant ?? {}), pk: { S: `KEY#${other}` }, state: { S: 'pending' } },
      }),
    );
    const report = await offboard(userName);
    expect(report.error).toBeNull();
    expect(report.output).toMatchObject({ keyArns: [subscriber.keyArn, other] });
    expect(grantedRoles(policyOf(sandbox(), other))).toEqual([]);
  });

  it('is done with a subscriber whose stack and keys somebody has deleted', async () => {
    const { userName, keyArn, stackId } = await onboarded();
    const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
    await client.send(new DeleteStackCommand({ StackName: stackNameOf(userName) }));
    await eventually(sandbox(), () => expect(sandbox().cloudFormation.stack(stackNameOf(userName))).toBeUndefined());
    const report = await offboard(userName);
    await expectOffboarded(report, { userName, keyArn, stackId });
  });

  it('is done with a subscriber whose creation has failed, and who has no stack at all', async () => {
    sandbox().faults.add(parseFault('infinstor:add_subscriber:error=400'));
    const failed = await onboard(sandbox(), requestFor('never-made'));
    await expectFailure(sandbox(), failed, { name: 'InfinStorRejected', step: 'CreateSubscriber' });
    const report = await offboard('never-made');
    expect(statesOf(report)).toEqual(offboardingPath);
    expect(report).toMatchObject({ error: null, output: { stackId: null, keyArns: [], retained: [] } });
    expect(await recordOf(sandbox(), 'never-made')).toMatchObject({ status: { S: 'OFFBOARDED' } });
    expect((await offboard('never-made')).output).toEqual(report.output);
  });

  it('is done with a stack that was rolled back, of which nothing is to be kept', async () => {
    sandbox().clock.advance(31 * 60_000);
    sandbox().faults.add(parseFault('infinstor:register:error=503'));
    const failed = await onboard(sandbox(), requestFor('rolled-back'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const report = await offboard('rolled-back');
    expect(report).toMatchObject({ error: null, output: { keyArns: [], retained: [] } });
    expect(sandbox().cloudFormation.stack(stackNameOf('rolled-back'))).toBeUndefined();
  });
});

/** Puts a policy on a key by hand. */
async function putPolicy(keyArn: string, edit: (statements: unknown[]) => unknown[], given: Sandbox = sandbox()) {
  const { Statement, ...rest } = given.kms.keyPolicy(keyArn);
  const Policy = JSON.stringify({ ...rest, Statement: edit([Statement].flat()) });
  await new KMSClient(operatorAt(given.endpoint)).send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }));
}

const naming = (Sid: string, arn: string) => ({
  Sid,
  Effect: 'Allow',
  Principal: { AWS: arn },
  Action: 'kms:Decrypt',
  Resource: '*',
});

describe('an offboarding that cannot be done to the end is refused before anything is done:', () => {
  it('RoleStillNamed, while a statement of somebody else names the role', async () => {
    const subscriber = await onboarded();
    const { userName, keyArn } = subscriber;
    await putPolicy(keyArn, (statements) => [...statements, naming('Backup', roleArnOf(userName))]);
    const report = await offboard(userName);
    await expectFailure(sandbox(), report, { name: 'RoleStillNamed', step: 'AcceptOffboarding' });
    expect(report.error?.message).toBe(
      `Statement "Backup" of the policy of key ${keyArn} names ${roleArnOf(userName)}, which is to be deleted`,
    );
    expectUntouched(subscriber);
    await putPolicy(keyArn, (statements) =>
      statements.filter((statement) => !JSON.stringify(statement).includes('Backup')),
    );
    await expectOffboarded(await offboard(userName), subscriber);
  });

  it('KeyPolicyOrphan, while a statement of somebody else names a deleted role', async () => {
    const subscriber = await onboarded();
    const { iam } = sandbox();
    const trust = { Version: '2012-10-17', Statement: [] };
    const { arn } = iam.createRole({ roleName: 'leaving-orphan', assumeRolePolicyDocument: trust });
    await putPolicy(subscriber.keyArn, (statements) => [...statements, naming('Old', arn)]);
    iam.deleteRole('leaving-orphan');
    const report = await offboard(subscriber.userName);
    await expectFailure(sandbox(), report, { name: 'KeyPolicyOrphan', step: 'AcceptOffboarding' });
    expectUntouched(subscriber);
  });

  it('StackNeedsAttention, when a stack of the name is not the subscriber’s', async () => {
    await withSandbox({}, async (given) => {
      const subscriber = await onboarded(given);
      await run(given, 'offboard-subscriber', offboarding(subscriber.userName));
      given.templates.publish('9.7', given.templates.standIn.replace('TableName: !Sub', 'TableName: !Sub other-'));
      await new CloudFormationClient(operatorAt(given.endpoint)).send(
        new CreateStackCommand({
          StackName: stackNameOf(subscriber.userName),
          TemplateURL: 'https://s3.amazonaws.com/infinstorcft/9.7/infinstor-setup-customer.yaml',
          Parameters: [
            { ParameterKey: 'SubscriberName', ParameterValue: 'somebody' },
            { ParameterKey: 'CustomToken', ParameterValue: 'none' },
          ],
          Capabilities: ['CAPABILITY_NAMED_IAM'],
        }),
      );
      const report = await run(given, 'offboard-subscriber', offboarding(subscriber.userName));
      expect(report.error).toMatchObject({
        name: 'StackNeedsAttention',
        step: 'AcceptOffboarding',
        message: `Stack ${stackNameOf(subscriber.userName)} exists and was not made by the onboarding of ${subscriber.userName}`,
      });
      expect(given.cloudFormation.stack(stackNameOf(subscriber.userName))).toBeDefined();
    });
  });

  it('SubscriberNotFound, when the registry knows nobody of that name', async () => {
    const report = await offboard('nobody');
    await expectFailure(sandbox(), report, { name: 'SubscriberNotFound', step: 'AcceptOffboarding' });
    expect(await recordOf(sandbox(), 'nobody')).toBeUndefined();
  });

  it('OnboardingInProgress, while another execution works on the subscriber', async () => {
    const goOn = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await startOnboarding(sandbox(), requestFor('busy'));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    const report = await offboard('busy');
    expect(report.error).toMatchObject({ name: 'OnboardingInProgress', step: 'AcceptOffboarding' });
    expect(report.error?.message).toContain(executionArn);
    goOn();
    expect((await ended(sandbox(), executionArn)).error).toBeNull();
  });

  describe('DataNotRetained, unless the data may go,', () => {
    /** Builds of the vendor's template that do not keep all data. */
    const builds: Record<string, { edit: (template: string) => string; lost: string }> = {
      '9.11': {
        edit: (template) => template.replaceAll('    DeletionPolicy: Retain\n', ''),
        lost: 'ArtifactsBucket (AWS::S3::Bucket), TrackingTable (AWS::DynamoDB::Table)',
      },
      '9.12': {
        edit: (template) => template.replace('DeletionPolicy: Retain', 'DeletionPolicy: Delete'),
        lost: 'ArtifactsBucket (AWS::S3::Bucket)',
      },
    };

    it.each(Object.keys(builds))('with build %s', async (build) => {
      const { edit, lost } = builds[build] ?? { edit: String, lost: '' };
      const { templates, cloudFormation } = sandbox();
      templates.publish(build, edit(templates.standIn));
      sandbox().clock.advance(31 * 60_000);
      const userName = `build-${build.replace('.', '-')}`;
      const request = { ...requestFor(userName), stack: { build } };
      const { output } = await onboard(sandbox(), request);
      const stackId = `${output?.stackId}`;
      const report = await offboard(userName);
      await expectFailure(sandbox(), report, { name: 'DataNotRetained', step: 'AcceptOffboarding' });
      expect(report.error?.message).toContain(`of ${lost}`);
      expect(report.error?.remedy).toContain('keepData: false');
      expect(cloudFormation.stack(stackId)?.status).toBe('CREATE_COMPLETE');

      const lossy = await offboard(userName, { keepData: false });
      expect(lossy.error).toBeNull();
      expect(cloudFormation.buckets().filter((bucket) => bucket.stackId === stackId)).toEqual([]);
      const kept = cloudFormation.tables().filter((table) => table.stackId === stackId);
      expect(kept).toHaveLength(build === '9.11' ? 0 : 1);
      expect(lossy.output?.retained).toHaveLength(kept.length);
    });

    it('also of a stack within the stack', async () => {
      const { templates, cloudFormation } = sandbox();
      const [head = ''] = templates.standIn.split('\nConditions:');
      const inner = templates.standIn.replace('DeletionPolicy: Retain', 'DeletionPolicy: Delete');
      const nesting = (url: string) => `${head}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ${url}
      Parameters: { SubscriberName: !Ref SubscriberName, CustomToken: !Ref CustomToken }
`;
      const base = 'https://s3.amazonaws.com/infinstorcft';
      templates.publish('9.13', inner, 'inner.yaml');
      templates.publish('9.13', nesting(`${base}/9.13/inner.yaml`));
      sandbox().clock.advance(31 * 60_000);
      await onboard(sandbox(), { ...requestFor('nesting'), stack: { build: '9.13' } });
      const report = await offboard('nesting');
      expect(report.error).toMatchObject({ name: 'DataNotRetained', step: 'AcceptOffboarding' });
      expect(report.error?.message).toContain('of Inner.ArtifactsBucket (AWS::S3::Bucket)');
      const lossy = await offboard('nesting', { keepData: false });
      expect(lossy.output).toMatchObject({
        retained: [{ logicalId: 'Inner.TrackingTable', physicalId: 'InfinStorMlflow-nesting' }],
      });
      expect(cloudFormation.stack(stackNameOf('nesting'))).toBeUndefined();
    });
  });
});

const good = offboarding('refused');

describe('a bad request', () => {
  it.each<[what: string, request: object, field: string]>([
    ['nothing', {}, 'subscriber'],
    ['no confirmation', { subscriber: good.subscriber }, 'confirm'],
    ['another name as confirmation', { ...good, confirm: 'acme' }, 'confirm'],
    ['a confirmation in another case', { ...good, confirm: 'Refused' }, 'confirm'],
    ['true as confirmation', { ...good, confirm: true }, 'confirm'],
    ['a name that cannot be', offboarding('-x'), 'subscriber.userName'],
    [
      'an e-mail address',
      { ...good, subscriber: { userName: 'refused', emailId: 'a@b.example' } },
      'subscriber.emailId',
    ],
    ['an account', { ...good, stack: { accountId: '111111111111' } }, 'stack'],
    ['a text for keepData', { ...good, keepData: 'false' }, 'keepData'],
    ['a list', { ...good, subscriber: [] }, 'subscriber'],
    ['a password', { ...good, password: plaintextMarker }, 'password'],
    [
      'a password of the subscriber',
      { ...good, subscriber: { userName: 'refused', password: plaintextMarker } },
      'subscriber.password',
    ],
  ])('with %s is refused before any side effect, naming the field', async (_, request, field) => {
    const effects = await effectsOf(sandbox(), async () => {
      const report = await run(sandbox(), 'offboard-subscriber', request);
      expect(report.error).toMatchObject({ name: 'InvalidRequest', step: 'AcceptOffboarding' });
      expect(report.error?.message).toMatch(new RegExp(`^${field.replace('.', '\\.')}: `));
      await eventually(sandbox(), () => expect(eventsOf(sandbox(), report)).toHaveLength(1));
    });
    expect(effects.filter((effect) => !effect.startsWith('record-failure'))).toEqual([]);
  });
});

const { lambdaFails, retries, catches, states } = packagedMachine('OffboardSubscriber');

/** Makes a state end with an error, so often. */
const causes: Record<string, (times: number) => void> = {
  'WithdrawGrants KeyPolicyBusy': (times) =>
    sandbox().faults.add({
      ...parseFault('kms:PutKeyPolicy:throttle'),
      functionName: 'infinstor-onboarding-sandbox-withdraw-grants',
      times,
    }),
};
const causeOf = (state: string, error: string) =>
  error.startsWith('Lambda.')
    ? (times: number) => sandbox().faults.add(lambdaFails(state, error, times))
    : causes[`${state} ${error}`];

it('finds the edges of the packaged machine', () => {
  expect(retries).toEqual(designedRetries['offboard-subscriber']);
  expect(catches).toHaveLength(3);
  expect(states.flatMap(([, { Choices }]) => Choices)).toEqual([]);
});

describe.each(retriesToRun('offboard-subscriber'))('$state, $error', ({ state, error, times }) => {
  const cause = causeOf(state, error);

  it('is retried, and forgotten when it passes', async () => {
    expect(cause).toBeDefined();
    const subscriber = await onboarded();
    cause?.(1);
    const report = await offboard(subscriber.userName);
    await expectOffboarded(report, subscriber);
    expect(statesOf(report).filter((name) => name === state)).toHaveLength(2);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOffboarded' }]);
  });

  it(`ends the execution after ${times} retries, and is told`, async () => {
    const subscriber = await onboarded();
    cause?.(times + 1);
    const report = await offboard(subscriber.userName);
    await expectFailure(sandbox(), report, { name: error, step: state });
    expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
    await expectOffboarded(await redrive(sandbox(), report), subscriber);
  });
});

/** The runs of the machine's catchers. */
const caught: Record<string, () => Promise<void>> = {
  async 'WaitForStack States.Timeout'() {
    const subscriber = await onboarded();
    sandbox().faults.add({ ...parseFault('events:StackStatusChange:lose'), times: 9 });
    const report = await offboard(subscriber.userName);
    await expectOffboarded(report, subscriber);
    expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
    expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
  },

  async 'WaitForStack StackGone'() {
    const subscriber = await onboarded();
    const report = await offboard(subscriber.userName);
    expect(statesOf(report)).toEqual(offboardingPath);
    await expectOffboarded(report, subscriber);
  },

  async 'WaitForStack StackSettled'() {
    const subscriber = await onboarded();
    sandbox().cloudFormation.setStatus(stackNameOf(subscriber.userName), 'UPDATE_IN_PROGRESS');
    // Time stands still while the wait begins.
    const { promise: until, resolve: goOn } = Promise.withResolvers<void>();
    const functionName = 'infinstor-onboarding-sandbox-await-stack';
    const fault = { kind: 'hold', until } as const;
    sandbox().faults.add({ service: 'cloudformation', operation: 'DescribeStacks', fault, times: 1, functionName });
    const { executionArn } = await startOffboarding(subscriber.userName);
    await eventually(sandbox(), async () => expect((await waiterOf(executionArn))?.goal?.S).toBe('settled'));
    sandbox().cloudFormation.setStatus(stackNameOf(subscriber.userName), 'UPDATE_COMPLETE');
    goOn();
    const report = await ended(sandbox(), executionArn);
    await expectOffboarded(report, subscriber);
    expect(statesOf(report).slice(2, 6)).toEqual(['DeleteStack', 'WaitForStack', 'DeleteStack', 'WaitForStack']);
  },
};

async function startOffboarding(userName: string) {
  const { sfn } = connect(sandbox().endpoint);
  const machineArn = sandbox().stateMachineArn.replace('onboard-subscriber', 'offboard-subscriber');
  return { executionArn: await start({ sfn }, machineArn, offboarding(userName)) };
}

async function waiterOf(executionArn: string) {
  const items = await sandbox().dynamoDb.items(sandbox().registryTable);
  return items.find((item) => item.sk?.S === 'WAITER' && item.executionArn?.S === executionArn);
}

describe('a catcher', () => {
  it('has a run, each', () => {
    expect(Object.keys(caught)).toEqual(catches.map(({ state, error }) => `${state} ${error}`));
  });

  it.each(Object.entries(caught))('%s', (_, work) => work());
});

const straightLine = [
  'accept-offboarding dynamodb:UpdateItem',
  // Withdrawn, lease, policy kept, policy written, lease given back, forgotten.
  'withdraw-grants dynamodb:UpdateItem',
  'withdraw-grants dynamodb:UpdateItem #2',
  'withdraw-grants dynamodb:PutItem',
  'withdraw-grants kms:PutKeyPolicy',
  'withdraw-grants dynamodb:UpdateItem #3',
  'withdraw-grants dynamodb:UpdateItem #4',
  'delete-stack cloudformation:DeleteStack',
  'await-stack dynamodb:PutItem',
  'resume-on-stack-event states:SendTaskFailure',
  'complete-offboarding dynamodb:UpdateItem',
  'complete-offboarding secretsmanager:DeleteSecret',
  'complete-offboarding events:PutEvents',
  'complete-offboarding dynamodb:UpdateItem #2',
];

describe('an offboarding that is interrupted', () => {
  it('has no side effects but those that are interrupted below', async () => {
    const { userName } = await onboarded();
    expect(await effectsOf(sandbox(), () => offboard(userName))).toEqual(straightLine);
  });

  describe.each(placed(straightLine))('after $effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: is done', async (way) => {
      const subscriber = await onboarded();
      const send = () => offboard(subscriber.userName);
      await expectOffboarded(await interruptAndRecover(sandbox(), send, effect, way), subscriber);
    });

    it.each(oneOf(['drop', 'kill'] as const, place))('%s, then onboarded again: is done', async (kind) => {
      const subscriber = await onboarded();
      const { userName, keyArn, request } = subscriber;
      sandbox().faults.add(faultAt(effect, kind));
      await offboard(userName);
      expect(sandbox().faults.left()).toBe(0);
      await leaveNothing(userName);
      const report = await onboard(sandbox(), request);
      expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
      expect(await recordOf(sandbox(), userName)).toMatchObject({ status: { S: 'ACTIVE' } });
      const last = { ...subscriber, stackId: `${report.output?.stackId}` };
      const earlier = last.stackId === subscriber.stackId ? [] : bucketsOf(subscriber);
      await expectOffboarded(await offboard(userName), last, sandbox(), earlier);
    });
  });
});

/** Deletes what an offboarding has left of a subscriber's data, and what would be in the way of another onboarding. */
async function leaveNothing(userName: string): Promise<void> {
  const { cloudFormation } = sandbox();
  await eventually(sandbox(), () =>
    expect(cloudFormation.stack(stackNameOf(userName))?.status).not.toBe('DELETE_IN_PROGRESS'),
  );
  if (cloudFormation.stack(stackNameOf(userName)) !== undefined) return;
  for (const { name } of cloudFormation.tables()) {
    if (name === `InfinStorMlflow-${userName}`) cloudFormation.deleteByHand(name);
  }
}

describe('the wait for the deletion', () => {
  it('ends with the reason of the resource that could not be deleted, and a repeat deletes it', async () => {
    const subscriber = await onboarded();
    const { userName } = subscriber;
    const trouble = blockDeletion(userName);
    const report = await offboard(userName);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'WaitForStack' });
    expect(report.error?.message).toMatch(/is DELETE_FAILED: ServiceRole: .*the role is still needed/);
    expect(report.error?.remedy).toContain('what keeps it from being deleted');
    // A redrive of the wait looks at a stack that nothing has been done to.
    expect(await redrive(sandbox(), report)).toMatchObject({ error: { name: 'StackNeedsAttention' } });
    // Nor may an onboarding touch it.
    expect(await onboard(sandbox(), subscriber.request)).toMatchObject({
      error: { name: 'StackNeedsAttention', step: 'AcceptRequest' },
    });
    trouble.mend();
    await expectOffboarded(await offboard(userName), subscriber);
  });

  it('ends when it takes too long, and a repeat goes on with it', async () => {
    const subscriber = await onboarded();
    const { userName } = subscriber;
    sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_IN_PROGRESS');
    const report = await offboard(userName);
    await expectFailure(sandbox(), report, { name: 'StackTimedOut', step: 'WaitForStack' });
    sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_COMPLETE');
    await expectOffboarded(await offboard(userName), subscriber);
  });
});

/** Lets the deletion of the subscriber's role fail. */
function blockDeletion(userName: string): { mend: () => void } {
  const role = sandbox().iam.role(roleNameOf(userName));
  const stack = sandbox().cloudFormation.stack(stackNameOf(userName));
  const resource = stack?.resources.find(({ logicalId }) => logicalId === 'ServiceRole');
  const provisioned = resource?.provisioned;
  if (resource === undefined || provisioned === undefined || role === undefined)
    throw new Error('There is no such role');
  resource.provisioned = {
    ...provisioned,
    delete() {
      throw new Error(`${role.arn}: the role is still needed`);
    },
  };
  return {
    mend() {
      resource.provisioned = provisioned;
    },
  };
}

describe('a subscriber that is onboarded again', () => {
  /** Offboarded, with nothing that stands in the way of another onboarding. */
  async function offboarded(): Promise<Subscriber> {
    const subscriber = await onboarded();
    await expectOffboarded(await offboard(subscriber.userName), subscriber);
    return subscriber;
  }

  it('has its password and, while that is good, its custom token back, without a call of add_subscriber', async () => {
    const subscriber = await offboarded();
    const { userName, keyArn, request } = subscriber;
    const before = sandbox().infinstor.customTokenOf(userName);
    sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    let report: Report | undefined;
    const effects = await effectsOf(sandbox(), async () => {
      report = await onboard(sandbox(), request);
    });
    expect(effects).not.toContain('infinstor:add_subscriber');
    // One login as the subscriber, besides the superadmin's and the one of the end check.
    expect(effects.filter((effect) => effect.startsWith('cognito:InitiateAuth'))).toHaveLength(3);
    if (report === undefined) throw new Error('It has not run');
    expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
    expect(sandbox().infinstor.customTokenOf(userName)).toBe(before);
    expect(sandbox().secretsManager.value(credentialsOf(userName))).toContain(before);
    // And once it is active, no more than everybody else.
    const again = await effectsOf(sandbox(), () => onboard(sandbox(), request));
    expect(again.filter((effect) => effect.startsWith('cognito:'))).toEqual(['cognito:InitiateAuth']);
    const last = { ...subscriber, stackId: `${report.output?.stackId}` };
    await expectOffboarded(await offboard(userName), last, sandbox(), bucketsOf(subscriber));
  });

  it('and was deleted in InfinStor is created anew', async () => {
    const { userName, keyArn, request } = await offboarded();
    const { infinstor, cloudFormation } = sandbox();
    const before = infinstor.customTokenOf(userName);
    infinstor.deleteSubscriber(userName);
    cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), { userName, keyArns: [keyArn] });
    expect(infinstor.customTokenOf(userName)).not.toBe(before);
  });

  it.each(waysAt(0))(
    'and was deleted in InfinStor is created anew although its secret was only just restored: $kind, then $recovery',
    async (way) => {
      const { userName, keyArn, request } = await offboarded();
      const { infinstor, cloudFormation } = sandbox();
      infinstor.deleteSubscriber(userName);
      cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
      const send = () => onboard(sandbox(), request);
      const report = await interruptAndRecover(sandbox(), send, 'create-subscriber secretsmanager:RestoreSecret', way);
      expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
    },
  );

  it('is told of a token that has expired, and goes on with another one', async () => {
    const { userName, keyArn, request } = await offboarded();
    sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    await passDays(8);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('Expired token');
    expect(report.error?.remedy).toContain('customTokenSecretId');
    const customToken = sandbox().infinstor.renewToken(userName);
    const customTokenSecretId = `infinstor/sandbox/input/renewed-${userName}`;
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
    const renewed = await onboard(sandbox(), { ...request, customTokenSecretId });
    expectOneOfEach(sandbox(), renewed, { userName, keyArns: [keyArn] });
  });

  it('is told of a table whose name is taken by what was kept', async () => {
    const { userName, keyArn, request } = await offboarded();
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain(`InfinStorMlflow-${userName} already exists`);
    sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), { userName, keyArns: [keyArn] });
  });

  it('whose secret is gone for good ends SubscriberExists while InfinStor has it', async () => {
    const { userName, keyArn, request } = await offboarded();
    sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    await passDays(31);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'SubscriberExists', step: 'CreateSubscriber' });
    const customTokenSecretId = `infinstor/sandbox/input/again-${userName}`;
    const customToken = sandbox().infinstor.renewToken(userName);
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
    const again = await onboard(sandbox(), { ...request, customTokenSecretId });
    expectOneOfEach(sandbox(), again, { userName, keyArns: [keyArn] });
  });
});

describe('an offboarding while others are onboarded with the same key', () => {
  it.each([
    ['at once', ''],
    ['with a change that is throttled', 'kms:PutKeyPolicy:throttle:9'],
    ['with a change whose answer is lost', 'kms:PutKeyPolicy:drop:2'],
    ['with a change that KMS fails at', 'kms:PutKeyPolicy:error=KMSInternalException:2'],
    ['with grants that are throttled', 'dynamodb:UpdateItem:throttle:2'],
    ['with policies that are some seconds old', 'stale'],
  ])('loses nobody’s intent, %s', async (_, fault) => {
    const keyArn = newKey(sandbox());
    subscribers += 1;
    const names = (kind: string) => [...Array(5).keys()].map((n) => `${kind}-${subscribers}-${n}`);
    const [leaving, staying, coming] = [names('leaving'), names('staying'), names('coming')];
    sandbox().clock.advance(31 * 60_000);
    const onboardAll = (userNames: readonly string[]) =>
      userNames.map((userName) => onboard(sandbox(), requestWithKey(userName, keyArn)));
    await Promise.all(onboardAll([...leaving, ...staying]));
    if (fault === 'stale') sandbox().kms.delayReads(5_000);
    else if (fault !== '') sandbox().faults.add(parseFault(fault));
    const reports = await Promise.all([...leaving.map((userName) => offboard(userName)), ...onboardAll(coming)]);
    const failed = reports.filter(({ status }) => status !== 'SUCCEEDED');
    for (const report of failed) expect((await redrive(sandbox(), report)).error).toBeNull();
    const policy = policyOf(sandbox(), keyArn);
    expect(grantedRoles(policy).toSorted()).toEqual([...staying, ...coming].map(roleArnOf).toSorted());
    expect(policy.Statement).toHaveLength(3);
  });
});

describe('a deployment whose roles stand in key policies by a pattern', () => {
  const patterned = useSandbox({ environment: { KEY_ACCESS: 'role-pattern' } });

  it('keeps the pattern for those who stay, and takes it away with the last one', async () => {
    const keyArn = newKey(patterned());
    for (const userName of ['pattern-1', 'pattern-2']) await onboard(patterned(), requestWithKey(userName, keyArn));
    const written = policyOf(patterned(), keyArn);
    expect(written.Statement).toHaveLength(3);
    await run(patterned(), 'offboard-subscriber', offboarding('pattern-1'));
    expect(policyOf(patterned(), keyArn)).toEqual(written);
    await run(patterned(), 'offboard-subscriber', offboarding('pattern-2'));
    expect(policyOf(patterned(), keyArn).Statement).toHaveLength(1);
  });
});
