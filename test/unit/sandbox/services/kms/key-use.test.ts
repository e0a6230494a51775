// What services ask of a customer managed key, in the name of their callers and in their own.

import { describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import type { Caller, PolicyDocument } from '../../../../../sandbox/core/operation.ts';
import { useOfKeys } from '../../../../../sandbox/services/dynamodb/key-use.ts';
import { createIam } from '../../../../../sandbox/services/iam/service.ts';
import { createKms } from '../../../../../sandbox/services/kms/service.ts';
import { logGroupProvider } from '../../../../../sandbox/services/logs/log-group-resource.ts';
import { createSecretsManager } from '../../../../../sandbox/services/secretsmanager/service.ts';
import { queueProvider } from '../../../../../sandbox/services/sqs/queue-resource.ts';
import { createSqs } from '../../../../../sandbox/services/sqs/service.ts';
import { createStates } from '../../../../../sandbox/services/states/service.ts';
import { call } from '../call.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/55555555-eeee-4eee-8eee-555555555555';
const otherKeyArn = keyArn.replaceAll('5', '6');
const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const arn = 'arn:aws:iam::111111111111:user/somebody';
const caller: Caller = {
  ...{ accountId: '111111111111', region: 'us-east-1', principalArn: arn, arn, principalId: 'AIDASOMEBODY' },
  policies: [],
};
/** Who may do these of KMS, through one service. */
const callerWith = (service: string, ...actions: string[]): Caller => ({
  ...caller,
  policies: [
    {
      Version: '2012-10-17',
      Statement: actions.map((name) => ({
        Effect: 'Allow',
        Action: `kms:${name}`,
        Resource: '*',
        Condition: { StringEquals: { 'kms:ViaService': `${service}.us-east-1.amazonaws.com` } },
      })),
    },
  ],
});

function setUp(state: 'Enabled' | 'Disabled' = 'Enabled') {
  const clock = createClock({ skipIdle: true });
  const kms = createKms({ clock, iam: createIam(clock) });
  kms.createKey({ arn: keyArn, tags: {}, state });
  kms.createKey({ arn: otherKeyArn, tags: {} });
  return { clock, kms };
}

describe('a queue with a key', () => {
  const send = (by: Caller, state?: 'Disabled') => {
    const { clock, kms } = setUp(state);
    const sqs = createSqs({ clock, kms, endpoint: () => 'http://sandbox.example' });
    const { url, arn } = sqs.createQueue({ name: 'q', keyArn });
    return { sqs, arn, sent: call(sqs.service, 'SendMessage', { QueueUrl: url, MessageBody: 'x' }, by) };
  };

  it('takes a message of who may encrypt with the key through SQS', async () => {
    expect(await send(callerWith('sqs', 'GenerateDataKey', 'Decrypt')).sent).toHaveProperty('MessageId');
  });

  it.each([
    ['only decrypt', callerWith('sqs', 'Decrypt')],
    ['use it through another service', callerWith('sns', 'GenerateDataKey', 'Decrypt')],
  ])('refuses one of who may %s, with `KmsAccessDenied`', async (_, by) => {
    const { sqs, arn, sent } = send(by);
    await expect(sent).rejects.toMatchObject({ code: 'KmsAccessDenied' });
    expect(() => sqs.send(arn, 'record', by)).toThrow('may not use');
    expect(sqs.messages('q')).toEqual([]);
  });

  it('takes none while the key is disabled', async () => {
    await expect(send({ ...caller, policies: [everything] }, 'Disabled').sent).rejects.toMatchObject({
      code: 'KmsDisabled',
    });
  });

  it('gives its messages to who may decrypt', async () => {
    const { clock, kms } = setUp();
    const sqs = createSqs({ clock, kms, endpoint: () => 'http://sandbox.example' });
    const { url: QueueUrl } = sqs.createQueue({ name: 'q', keyArn });
    await expect(call(sqs.service, 'ReceiveMessage', { QueueUrl }, callerWith('sqs'))).rejects.toMatchObject({
      code: 'KmsAccessDenied',
    });
    expect(await call(sqs.service, 'ReceiveMessage', { QueueUrl }, callerWith('sqs', 'Decrypt'))).toEqual({});
  });
});

describe('a state machine with a key', () => {
  const setUpMachine = (role: Caller) => {
    const { clock, kms } = setUp();
    const states = createStates({ clock, kms, callerOf: () => role, publish: () => {}, invokeLambda: async () => {} });
    const definition = JSON.stringify({ StartAt: 'End', States: { End: { Type: 'Succeed' } } });
    const stateMachineArn = states.createStateMachine({ name: 'M', roleArn: 'arn:role', definition, keyArn });
    const start = (by: Caller) => call(states.service, 'StartExecution', { stateMachineArn, name: 'one' }, by);
    return { states, start, executionArn: `${stateMachineArn.replace('stateMachine', 'execution')}:one` };
  };
  const writer = callerWith('states', 'GenerateDataKey', 'Decrypt');
  const reader = callerWith('states', 'Decrypt');

  it('is started only when its caller and its role may encrypt with the key', async () => {
    const refusal = { code: 'KmsAccessDeniedException' };
    await expect(setUpMachine(writer).start(reader)).rejects.toMatchObject(refusal);
    await expect(setUpMachine(reader).start(writer)).rejects.toMatchObject(refusal);
    expect(await setUpMachine(writer).start(writer)).toHaveProperty('executionArn');
  });

  it.each(['DescribeExecution', 'GetExecutionHistory'])(
    'shows an execution by %s only to who may decrypt',
    async (name) => {
      const { states, start, executionArn } = setUpMachine(writer);
      await start(writer);
      await expect(call(states.service, name, { executionArn }, callerWith('states'))).rejects.toMatchObject({
        code: 'KmsAccessDeniedException',
      });
      await call(states.service, name, { executionArn }, reader);
    },
  );
});

it('a secret gets another key from who may decrypt with the old one and encrypt with the new one', async () => {
  const { clock, kms } = setUp();
  const secrets = createSecretsManager({ clock, kms });
  secrets.createSecret('s', 'value', {}, keyArn);
  const update = (by: Caller) => call(secrets.service, 'UpdateSecret', { SecretId: 's', KmsKeyId: otherKeyArn }, by);
  await expect(update(callerWith('secretsmanager', 'Decrypt'))).rejects.toMatchObject({
    code: 'AccessDeniedException',
  });
  await update(callerWith('secretsmanager', 'Decrypt', 'GenerateDataKey'));
  expect(await call(secrets.service, 'DescribeSecret', { SecretId: 's' })).toMatchObject({ KmsKeyId: otherKeyArn });
});

it('the items of a table with a key need its decryption, and the description of the table does not', () => {
  const { kms } = setUp();
  const table = { name: 't', arn: 'a', stackId: 's', encryption: { type: 'customer-managed', keyArn } } as const;
  const asked = (action: string) =>
    useOfKeys([{ action, resource: 'arn:aws:dynamodb:us-east-1:111111111111:table/t/index/i' }], caller, {
      tables: new Map([['t', table]]),
      kms,
    });
  expect(asked('dynamodb:Query')).toMatchObject([
    { action: 'kms:Decrypt', resource: keyArn, context: { 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com' } },
  ]);
  expect(asked('dynamodb:DescribeTable')).toEqual([]);
  const disabled = setUp('Disabled').kms;
  const tables = new Map([['t', table]]);
  const resource = 'arn:aws:dynamodb:us-east-1:111111111111:table/t';
  expect(() => useOfKeys([{ action: 'dynamodb:GetItem', resource }], caller, { tables, kms: disabled })).toThrow(
    'is disabled',
  );
});

describe('a stack', () => {
  const context = (properties: Readonly<Record<string, unknown>>) => ({
    ...{ type: 'AWS::It', stackId: 'stack', stackName: 'deployment', logicalId: 'It', isDeployment: true },
    ...{ tags: [], caller, properties, begin: () => {} },
  });
  const letting = (arn: string): PolicyDocument => ({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'logs.us-east-1.amazonaws.com' },
        Action: 'kms:*',
        Resource: '*',
        Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': arn } },
      },
    ],
  });

  it.each([
    ['this group', letting('arn:aws:logs:us-east-1:111111111111:log-group:g'), true],
    ['another group', letting('arn:aws:logs:us-east-1:111111111111:log-group:h'), false],
    ['nothing, because it is disabled', undefined, false],
  ])('makes a log group with a key that lets CloudWatch Logs use it for %s: %3$s', async (_, policy, isMade) => {
    const logs = { createLogGroup: vi.fn(), deleteLogGroup: vi.fn() };
    const provide = logGroupProvider({ logs, kms: { findPolicy: () => policy }, onAccess: () => {} });
    const made = provide(context({ LogGroupName: 'g', KmsKeyId: keyArn }));
    if (isMade) await made;
    else
      await expect(made).rejects.toThrow(
        "not allowed to be used with Arn 'arn:aws:logs:us-east-1:111111111111:log-group:g'",
      );
    expect(logs.createLogGroup).toHaveBeenCalledTimes(isMade ? 1 : 0);
  });

  it('makes no queue with two kinds of encryption', async () => {
    const { clock } = setUp();
    const sqs = createSqs({ clock, endpoint: () => 'http://sandbox.example' });
    const properties = {
      QueueName: 'q',
      MessageRetentionPeriod: 60,
      SqsManagedSseEnabled: true,
      KmsMasterKeyId: keyArn,
    };
    await expect(queueProvider({ sqs, onAccess: () => {} })(context(properties))).rejects.toThrow(
      'one type of server-side encryption',
    );
  });
});
