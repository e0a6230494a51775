import fc from 'fast-check';
import type { Report } from '../../../cli/view/report.ts';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import type { AccountRegion } from '../../../sandbox/core/account.ts';
import type { Fault, FaultRule } from '../../../sandbox/core/faults.ts';
import { redrive, run } from '../sandbox.ts';

/** What is done to a subscriber in its life, one after the other. */
export const stages = ['onboard', 'add users', 'update', 'offboard', 'onboard again'] as const;
export type Stage = (typeof stages)[number];

const operationOfStage: Record<Stage, Operation> = {
  onboard: 'onboard-subscriber',
  'add users': 'add-user',
  update: 'update-subscriber',
  offboard: 'offboard-subscriber',
  'onboard again': 'onboard-subscriber',
};

/** One subscriber's life: where it is, and what goes wrong in it. */
export interface Life {
  home: AccountRegion;
  artifactsKey: string | undefined;
  trackingKey: string | undefined;
  users: number;
  update: 'e-mail' | 'password' | 'both';
  /** What goes wrong at each stage; undefined: nothing. */
  faults: Record<Stage, FaultRule | undefined>;
  /** Whether an attempt that failed is redriven once before the request is sent again. */
  redrives: boolean;
}

const functionsOf: Record<Stage, readonly string[]> = {
  onboard: [
    'accept-request',
    'obtain-token',
    'create-subscriber',
    'deploy-stack',
    'await-stack',
    'read-role-arn',
    'patch-key-policy',
    'verify-subscriber',
    'complete-onboarding',
  ],
  'add users': ['accept-users', 'obtain-subscriber-token', 'add-user', 'complete-users'],
  update: ['accept-update', 'obtain-token', 'update-subscriber', 'complete-update'],
  offboard: ['accept-offboarding', 'withdraw-grants', 'delete-stack', 'await-stack', 'complete-offboarding'],
  'onboard again': [
    'accept-request',
    'create-subscriber',
    'deploy-stack',
    'await-stack',
    'patch-key-policy',
    'complete-onboarding',
  ],
};

/** Calls that functions make, and those of InfinStor and Cognito, which do not know who calls. */
const calls: readonly [service: string, operation: string][] = [
  ['dynamodb', 'UpdateItem'],
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'GetItem'],
  ['dynamodb', 'DeleteItem'],
  ['dynamodb', 'Query'],
  ['secretsmanager', 'CreateSecret'],
  ['secretsmanager', 'PutSecretValue'],
  ['secretsmanager', 'GetSecretValue'],
  ['secretsmanager', 'DeleteSecret'],
  ['secretsmanager', 'RestoreSecret'],
  ['cloudformation', 'CreateStack'],
  ['cloudformation', 'DeleteStack'],
  ['cloudformation', 'DescribeStacks'],
  ['cloudformation', 'ListStackResources'],
  ['kms', 'PutKeyPolicy'],
  ['kms', 'GetKeyPolicy'],
  ['iam', 'GetRole'],
  ['events', 'PutEvents'],
];
const infinstorCalls = ['add_subscriber', 'update_subscriber', 'addsecondaryuser', 'get_version', 'register'] as const;
const eventFaults: readonly Fault[] = [{ kind: 'lose' }, { kind: 'repeat' }, { kind: 'late' }];
const callFaults: readonly Fault[] = [
  { kind: 'drop' },
  { kind: 'kill' },
  { kind: 'throttle' },
  { kind: 'error', name: 'InternalFailure' },
];
const infinstorFaults: readonly Fault[] = [
  { kind: 'drop' },
  { kind: 'error', name: '503' },
  { kind: 'error', name: 'LoginExpired' },
];

function faultAt(stage: Stage): fc.Arbitrary<FaultRule> {
  return fc
    .oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          call: fc.constantFrom(...calls),
          functionName: fc.constantFrom(...functionsOf[stage]),
          fault: fc.constantFrom(...callFaults),
          skip: fc.nat({ max: 2 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          call: fc.constantFrom(...functionsOf[stage].map((name) => ['lambda', name] as const)),
          fault: fc.constant<Fault>({ kind: 'freeze' }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          call: fc.constantFrom(...infinstorCalls.map((name) => ['infinstor', name] as const)),
          fault: fc.constantFrom(...infinstorFaults),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          call: fc.constantFrom(['events', 'StackStatusChange'] as const, ['events', 'ExecutionStatusChange'] as const),
          fault: fc.constantFrom(...eventFaults),
        }),
      },
    )
    .map(({ call: [service, operation], fault, ...rest }) => ({
      service,
      operation,
      fault,
      times: 1,
      ...('functionName' in rest && {
        functionName: `infinstor-onboarding-sandbox-${rest.functionName}`,
        skip: rest.skip,
      }),
    }));
}

/** Lives in these accountRegions, each with keys of its own; in half of them something goes wrong, mostly at several stages. */
export function lives(keysOf: ReadonlyMap<AccountRegion, readonly string[]>): fc.Arbitrary<Life> {
  const place = fc.constantFrom(...keysOf).chain(([home, keys]) => {
    const key = fc.option(fc.constantFrom(...keys), { nil: undefined, freq: 4 });
    return fc.record({ home: fc.constant(home), artifactsKey: key, trackingKey: key });
  });
  const sometimes = (stage: Stage) => fc.option(faultAt(stage), { nil: undefined, freq: 2 });
  const nothing = fc.record({
    onboard: fc.constant(undefined),
    'add users': fc.constant(undefined),
    update: fc.constant(undefined),
    offboard: fc.constant(undefined),
    'onboard again': fc.constant(undefined),
  });
  const something = fc.record({
    onboard: sometimes('onboard'),
    'add users': sometimes('add users'),
    update: sometimes('update'),
    offboard: sometimes('offboard'),
    'onboard again': sometimes('onboard again'),
  });
  return fc
    .record({
      place,
      users: fc.integer({ min: 1, max: 3 }),
      update: fc.constantFrom('e-mail' as const, 'password' as const, 'both' as const),
      faults: fc.oneof(nothing, something),
      redrives: fc.boolean(),
    })
    .map(({ place: { home, artifactsKey, trackingKey }, ...rest }) => ({ home, artifactsKey, trackingKey, ...rest }));
}

const maxAttempts = 6;

/**
 * Brings a subscriber through a stage as an operator does: what fails is redriven or sent again, and what an error asks a person
 * for is done.
 * @returns the executions that failed
 * @throws Error when it has still not succeeded after some attempts
 */
export async function live(sandbox: Sandbox, userName: string, life: Life, stage: Stage): Promise<string[]> {
  const operation = operationOfStage[stage];
  let request = requestOf(sandbox, userName, life, stage);
  const fault = life.faults[stage];
  if (fault !== undefined) sandbox.faults.add(fault);
  let report = await run(sandbox, operation, request);
  const failed: string[] = [];
  while (report.status !== 'SUCCEEDED') {
    failed.push(report.executionArn ?? '');
    if (failed.length === maxAttempts) throw new Error(`${stage} of ${userName}: ${JSON.stringify(report.error)}`);
    request = await remedied(sandbox, request, userName, life, report);
    const isRedriven = life.redrives && failed.length === 1;
    report = isRedriven ? await redrive(sandbox, report) : await run(sandbox, operation, request);
  }
  return failed;
}

/** What each stage asks for. New secrets are made for it as an operator would. */
function requestOf(sandbox: Sandbox, userName: string, life: Life, stage: Stage): object {
  const { secretsManager } = sandbox;
  const isUpdated = stage === 'onboard again' && life.update !== 'password';
  const subscriber = { userName, emailId: `${isUpdated ? 'new-' : ''}${userName}@example.com` };
  const secret = (name: string, value: object) => {
    const secretId = `infinstor/sandbox/input/${userName.toLowerCase()}/${name}`;
    secretsManager.createSecret(secretId, JSON.stringify(value));
    return secretId;
  };
  switch (stage) {
    case 'onboard':
    case 'onboard again':
      return {
        subscriber,
        stack: { accountId: life.home.accountId, region: life.home.region },
        encryption: {
          ...(life.artifactsKey && { artifacts: { type: 'sse-kms-customer-managed', keyArn: life.artifactsKey } }),
          ...(life.trackingKey && { tracking: { type: 'customer-managed', keyArn: life.trackingKey } }),
        },
      };
    case 'add users':
      return {
        subscriber: { userName },
        users: Array.from({ length: life.users }, (_, n) => ({
          userName: `${userName}-user-${n}`,
          emailId: `${n}@${userName}.example`,
        })),
      };
    case 'update':
      return {
        subscriber: { userName, ...(life.update !== 'password' && { emailId: `new-${userName}@example.com` }) },
        ...(life.update !== 'e-mail' && {
          passwordSecretId: secret('password', { password: `New-${userName}-Password-1!` }),
        }),
      };
    case 'offboard':
      return { subscriber: { userName }, confirm: userName };
  }
}

/** The request after what its failure's remedy asks a person for. */
async function remedied(
  sandbox: Sandbox,
  request: object,
  userName: string,
  { home }: Life,
  report: Report,
): Promise<object> {
  const { name = '', message = '' } = report.error ?? {};
  const { cloudFormation } = sandbox.world(home);
  const table = `InfinStorMlflow-${userName}`;
  const isInTheWay =
    /already exists/.test(message) && cloudFormation.tables().some(({ name: taken }) => taken === table);
  if (isInTheWay) await cloudFormation.deleteByHand(table);
  const needsToken = name === 'SubscriberOutcomeUnknown' || name === 'SubscriberExists' || /token/i.test(message);
  const customToken = sandbox.infinstor.customTokenOf(userName);
  if (!needsToken || customToken === undefined || 'customTokenSecretId' in request) return request;
  const customTokenSecretId = `infinstor/sandbox/input/${userName.toLowerCase()}/token`;
  sandbox.secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
  return { ...request, customTokenSecretId };
}
