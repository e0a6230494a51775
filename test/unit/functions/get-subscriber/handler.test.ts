import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/get-subscriber/environment.ts';
import { environmentOf } from '../environment.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { executionArn, otherExecutionArn, stackId } from '../plan.ts';

const origin = { requestedBy: 'arn:aws:iam::111111111111:user/pipeline', correlationId: 'run-7' };
const attempts = [{ executionArn, startedAt: '2026-01-01T12:00:00.000Z' }];
const record = {
  userName: 'Acme',
  status: 'ONBOARDING',
  executionArn,
  updatedAt: '2026-01-01T12:00:00.000Z',
  attempts,
};
const lastError = { name: 'StackFailed', step: 'WaitForStack', message: 'it exists', remedy: 'Remove it.' };
const get = (userName: string, queryStringParameters?: Record<string, string>) => ({
  version: '2.0',
  pathParameters: { userName },
  ...(queryStringParameters && { queryStringParameters }),
});

/** The function, with this record and this execution, whose last state is WaitForStack. */
function setUp({
  item,
  execution,
  left,
  breaker,
}: {
  item?: object;
  execution?: Partial<DescribeExecutionOutput>;
  /** What the state that was left last has put out. */
  left?: object;
  /** That of the superadmin's logins. */
  breaker?: object;
}) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({});
  documents.on(GetCommand, { Key: { pk: 'LOGIN#value', sk: 'BREAKER' } }).resolves({ Item: breaker && { ...breaker } });
  documents.on(GetCommand, { Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' } }).resolves({ Item: item && { ...item } });
  const stepFunctions = mockClient(SFNClient);
  const gone = new ExecutionDoesNotExist({ message: 'gone', $metadata: {} });
  stepFunctions.on(DescribeExecutionCommand).rejects(gone);
  if (execution !== undefined) {
    stepFunctions.on(DescribeExecutionCommand, { executionArn: execution.executionArn ?? executionArn }).resolves({
      executionArn,
      input: JSON.stringify({ subscriber: { userName: 'Acme' } }),
      ...execution,
    });
  }
  stepFunctions.on(GetExecutionHistoryCommand).resolves({
    events: [
      { id: 2, timestamp: new Date(0), type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'WaitForStack' } },
      ...(left === undefined
        ? []
        : [
            {
              id: 1,
              timestamp: new Date(0),
              type: 'TaskStateExited' as const,
              stateExitedEventDetails: { name: 'DeployStack', output: JSON.stringify(left) },
            },
          ]),
    ],
  });
  const invoke = lambda(
    () => import('../../../../functions/get-subscriber/handler.ts'),
    environmentOf(environmentSchema),
  );
  return async (event: unknown): Promise<{ statusCode: number; body: unknown }> => {
    const { statusCode, body } = await invoke(event);
    return { statusCode, body: JSON.parse(body) };
  };
}

describe('GET /subscribers/{userName}', () => {
  it.each([
    [
      'and until when',
      { tokensPausedUntil: '2026-01-01T12:10:00.000Z' },
      { until: '2026-01-01T12:10:00.000Z', reason: 'InfinStor refuses its tokens' },
    ],
    [
      'until the password is another one',
      { refusedPassword: { versionId: 'v1', times: 4 } },
      { reason: 'Cognito has refused its password 4 times' },
    ],
    ['no more', { tokensPausedUntil: now.toISOString() }, undefined],
  ])("says that the superadmin's logins are paused, %s", async (_, breaker, pause) => {
    const invoke = setUp({ item: record, execution: { status: 'SUCCEEDED' }, breaker });
    const { body } = await invoke(get('acme'));
    const pausedLogins = pause && [{ userName: 'value', ...pause }];
    expect(body).toMatchObject({ status: 'ACTIVE', ...(pausedLogins && { pausedLogins }) });
    if (pause === undefined) expect(body).not.toHaveProperty('pausedLogins');
  });

  it('returns the state that runs', async () => {
    const ask = setUp({ item: record, execution: { status: 'RUNNING' } });
    expect(await ask(get('acme'))).toEqual({
      statusCode: 200,
      body: {
        userName: 'Acme',
        operation: 'onboard-subscriber',
        executionArn,
        status: 'ONBOARDING',
        step: 'WaitForStack',
        requestedBy: 'unknown',
        attempts: [{ ...attempts[0], operation: 'onboard-subscriber', status: 'RUNNING', requestedBy: 'unknown' }],
      },
    });
  });

  it.each([
    ['runs', { status: 'RUNNING', input: JSON.stringify({ subscriber: { userName: 'Acme' }, origin }) }],
    ['is forgotten', undefined],
  ] as const)('says who asked for the execution that %s', async (_, execution) => {
    const ask = setUp({
      item: { ...record, attempts: [{ ...attempts[0], ...origin }] },
      ...(execution && { execution }),
    });
    expect((await ask(get('acme'))).body).toMatchObject({ ...origin, attempts: [origin] });
  });

  it('says what was made when it is done', async () => {
    const custom = { customTokenExpiresAt: '2026-01-08T00:00:00.000Z' };
    const made = { stackId, roleArn: 'arn:aws:iam::111111111111:role/acme', keyArns: [], users: ['ruth'], ...custom };
    const ask = setUp({ item: { ...record, status: 'ACTIVE', ...made }, execution: { status: 'SUCCEEDED' } });
    expect(await ask(get('ACME'))).toMatchObject({ statusCode: 200, body: { status: 'ACTIVE', ...made } });
  });

  it.each<[ExecutionStatus, string]>([
    ['FAILED', 'StackFailed'],
    ['TIMED_OUT', 'States.Timeout'],
    ['ABORTED', 'ABORTED'],
  ])('reports an execution that is %s immediately, though its record says ONBOARDING', async (status, name) => {
    const failed = { error: 'StackFailed', cause: '{"errorMessage": "it exists"}' };
    const ask = setUp({ item: record, execution: { status, ...(status === 'FAILED' && failed) } });
    expect(await ask(get('acme'))).toMatchObject({
      statusCode: 200,
      body: { status: 'FAILED', error: { name, step: 'WaitForStack', remedy: expect.stringMatching(/\.$/) } },
    });
  });

  it('says what exists of one that is not done, as its states have left it', async () => {
    const credentialsSecretId = 'infinstor/test/subscribers/acme/credentials';
    const customTokenExpiresAt = '2026-01-08T00:00:00.000Z';
    const subscriber = { credentialsSecretId, customTokenExpiresAt, emailId: 'not shown' };
    const left = { plan: { keyArns: ['a'] }, subscriber, stack: { stackId, goal: 'created' } };
    const ask = setUp({ item: record, execution: { status: 'FAILED', error: 'StackFailed' }, left });
    const { body } = await ask(get('acme'));
    expect(body).toMatchObject({ credentialsSecretId, customTokenExpiresAt, stackId });
    expect(body).not.toHaveProperty('emailId');
    expect(body).not.toHaveProperty('keyArns');
    const other = setUp({ item: record, execution: { status: 'RUNNING' }, left: { stack: 'unknown' } });
    expect((await other(get('acme'))).body).not.toHaveProperty('stackId');
  });

  it('advises no redrive of an execution that another one has superseded, as that would be refused', async () => {
    const later = `${executionArn}-later`;
    const item = {
      ...record,
      executionArn: later,
      attempts: [...attempts, { executionArn: later, startedAt: '2026-01-02T12:00:00.000Z' }],
    };
    const execution = { status: 'FAILED', error: 'RoleNotFound', startDate: new Date(0) } as const;
    const { body } = await setUp({ item, execution })(get('acme', { execution: executionArn.split(':').at(-1) ?? '' }));
    expect(body).toMatchObject({
      executionArn,
      error: { name: 'RoleNotFound', remedy: expect.stringMatching(/^Do not redrive this execution/) },
    });
  });

  it('lists what an offboarding has left, without what a new stack owns already', async () => {
    const table = { logicalId: 'Table', type: 'AWS::DynamoDB::Table', physicalId: 'acme' };
    const bucket = { logicalId: 'Bucket', type: 'AWS::S3::Bucket', physicalId: 'acme' };
    const item = { ...record, offboarded: { keyArns: [], retained: [table, bucket] } };
    const execution = { status: 'FAILED', error: 'KeyPolicyFull' } as const;
    expect((await setUp({ item, execution })(get('acme'))).body).toMatchObject({ retained: [table, bucket] });
    const role = { roleName: 'r', roleArn: 'arn', roleId: 'id', regained: [{ type: table.type, physicalId: 'acme' }] };
    const { body } = await setUp({ item, execution, left: { role } })(get('acme'));
    expect(body).toMatchObject({ retained: [bucket], roleArn: 'arn' });
    expect(body).not.toHaveProperty('regained');
  });

  it.each(['update-subscriber', 'add-user'])('calls a subscriber ACTIVE whose %s has failed', async (operation) => {
    const arn = executionArn.replace('onboard-subscriber', operation);
    const execution = { executionArn: arn, status: 'FAILED', error: 'InfinStorRejected' } as const;
    const ask = setUp({
      item: { ...record, executionArn: arn, attempts: [{ ...attempts[0], executionArn: arn }] },
      execution,
    });
    expect((await ask(get('acme'))).body).toMatchObject({
      status: 'ACTIVE',
      operation,
      error: { name: 'InfinStorRejected' },
    });
  });

  describe('reports of each attempt its operation and how it ended', () => {
    const updateArn = executionArn.replace('onboard-subscriber', 'update-subscriber');
    const started = { startedAt: '2026-01-01T12:00:00.000Z' };
    const before = { ...started, executionArn, endedAt: '2026-01-01T12:01:00.000Z' };
    const item = (status: string, more: object = {}) => ({
      ...record,
      status,
      executionArn: updateArn,
      updatedAt: '2026-01-01T12:05:00.000Z',
      // As older records have it.
      attempts: [
        { ...before, status: 'ACTIVE' },
        { ...started, executionArn: updateArn },
      ],
      ...more,
    });
    const first = { ...before, operation: 'onboard-subscriber', status: 'SUCCEEDED' };
    const latest = { ...started, executionArn: updateArn, operation: 'update-subscriber' };
    const stopDate = new Date('2026-01-01T12:05:00.300Z');
    const error = { name: 'StackFailed', step: 'WaitForStack', message: 'it exists' };
    const end = { endedAt: stopDate.toISOString() };
    const recorded = { endedAt: '2026-01-01T12:05:00.000Z' };
    const failed = { status: 'FAILED', stopDate, error: 'StackFailed', cause: 'it exists' } as const;

    it.each<[string, object, Partial<DescribeExecutionOutput> | undefined, object]>([
      ['runs', item('UPDATING'), { status: 'RUNNING' }, { ...latest, status: 'RUNNING' }],
      [
        'succeeded, as its last step recorded it',
        item('ACTIVE'),
        { status: 'SUCCEEDED', stopDate },
        { ...latest, ...recorded, status: 'SUCCEEDED' },
      ],
      [
        'succeeded, and Step Functions has forgotten it',
        item('ACTIVE'),
        undefined,
        { ...latest, ...recorded, status: 'SUCCEEDED' },
      ],
      ['failed', item('UPDATING'), failed, { ...latest, ...end, status: 'FAILED', error }],
      [
        'failed, which is recorded',
        item('ACTIVE', { lastError }),
        failed,
        { ...latest, ...end, status: 'FAILED', error },
      ],
      [
        'failed, and Step Functions has forgotten it',
        item('ACTIVE', { lastError, updatedAt: end.endedAt }),
        undefined,
        { ...latest, ...end, status: 'FAILED', error },
      ],
      [
        'ended unseen, and Step Functions has forgotten it',
        item('UPDATING'),
        undefined,
        {
          ...latest,
          status: 'FAILED',
          error: { name: 'ExecutionDoesNotExist', message: expect.stringContaining('no longer knows') },
        },
      ],
    ])('of one that %s', async (_, known, execution, expected) => {
      const ask = setUp({ item: known, ...(execution && { execution: { executionArn: updateArn, ...execution } }) });
      expect((await ask(get('acme'))).body).toMatchObject({ attempts: [first, expected] });
    });
  });

  it('says that a recorded failure was redriven and runs', async () => {
    const ask = setUp({ item: { ...record, status: 'FAILED', lastError }, execution: { status: 'PENDING_REDRIVE' } });
    expect(await ask(get('acme'))).toMatchObject({ body: { status: 'ONBOARDING' } });
  });

  it.each([
    ['ACTIVE', { status: 'ACTIVE', stackId }],
    ['FAILED', { status: 'FAILED', error: lastError }],
    ['ONBOARDING', { status: 'FAILED', error: { name: 'ExecutionDoesNotExist' } }],
  ])('says what the record says, %s, when Step Functions has forgotten the execution', async (status, expected) => {
    const ask = setUp({ item: { ...record, status, stackId, ...(status === 'FAILED' && { lastError }) } });
    expect(await ask(get('acme'))).toMatchObject({ statusCode: 200, body: expected });
  });

  it('reports one execution, such as one that was refused and left no record', async () => {
    const refused = {
      status: 'FAILED',
      error: 'InvalidRequest',
      cause: '{"errorMessage": "stack.build: no"}',
    } as const;
    const ask = setUp({ execution: { executionArn: otherExecutionArn, ...refused } });
    expect(await ask(get('acme', { execution: 'acme-0' }))).toMatchObject({
      statusCode: 200,
      body: {
        userName: 'Acme',
        executionArn: otherExecutionArn,
        status: 'FAILED',
        error: { name: 'InvalidRequest', message: 'stack.build: no' },
        attempts: [],
      },
    });
  });

  it('says nothing of what the record holds of another execution', async () => {
    const ask = setUp({
      item: { ...record, status: 'ACTIVE', stackId },
      execution: { executionArn: otherExecutionArn, status: 'FAILED', error: 'OnboardingInProgress' },
    });
    const { body } = await ask(get('acme', { execution: 'acme-0' }));
    expect(body).toMatchObject({ status: 'FAILED', error: { name: 'OnboardingInProgress' } });
    expect(body).not.toHaveProperty('stackId');
  });

  it.each<[string, Parameters<typeof setUp>[0], Record<string, string> | undefined]>([
    ['nobody', {}, undefined],
    ['no such execution', { item: record }, { execution: 'acme-0' }],
    [
      "another subscriber's execution",
      { item: record, execution: { executionArn: otherExecutionArn, input: '{"subscriber": {"userName": "other"}}' } },
      { execution: 'acme-0' },
    ],
  ])('answers 404 for %s', async (_, known, query) => {
    expect(await setUp(known)(get('acme', query))).toMatchObject({
      statusCode: 404,
      body: { error: { name: 'SubscriberNotFound', remedy: expect.stringContaining('Check the name') } },
    });
  });

  it.each([
    ['a name that cannot be', get('acme,inc'), 'userName: '],
    ['an execution that cannot be', get('acme', { execution: 'a:b' }), 'execution: '],
  ])('answers 400 for %s', async (_, event, message) => {
    expect(await setUp({})(event)).toMatchObject({
      statusCode: 400,
      body: { error: { name: 'InvalidRequest', message: expect.stringContaining(message) } },
    });
  });

  it('answers 400 for both, naming each', async () => {
    const { body } = await setUp({})(get('acme,inc', { execution: 'a:b' }));
    expect(body).toMatchObject({
      error: {
        errors: [
          { pointer: '/userName', rule: expect.stringContaining('must be 1 to 34') },
          { pointer: '/execution', rule: 'must be the name of an execution' },
        ],
      },
    });
  });
});

it('names the missing variable STATE_MACHINE_ARN: InvalidConfiguration', async () => {
  const invoke = lambda(() => import('../../../../functions/get-subscriber/handler.ts'), {
    REGISTRY_TABLE: 'registry',
  });
  await expect(invoke(get('acme'))).rejects.toMatchObject(errorOf('InvalidConfiguration', 'STATE_MACHINE_ARN'));
});
