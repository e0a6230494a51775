// A function goes on while its execution was stopped and another one has taken the subscriber over: what it has not yet done, it must not do.

import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { ended, eventually, hold, startRun, useSandbox } from '../sandbox.ts';
import { effectsOf } from '../side-effects.ts';
import { functionNameOf, onboarded } from '../subscriber.ts';
import { newSubject } from './superseding.ts';

const sandbox = useSandbox();

/** Gives the subscriber's record to another execution, as that one's claim does. */
async function takeOver({ endpoint, registryTable }: Sandbox, userName: string): Promise<void> {
  await new DynamoDBClient(operatorAt(endpoint)).send(
    new UpdateItemCommand({
      TableName: registryTable,
      Key: { pk: { S: `SUBSCRIBER#${userName}` }, sk: { S: 'RECORD' } },
      UpdateExpression: 'SET executionArn = :other',
      ExpressionAttributeValues: { ':other': { S: 'arn:aws:states:us-east-1:111111111111:execution:other:later' } },
    }),
  );
}

interface Case {
  operation: Operation;
  step: string;
  state: string;
  held: [service: string, call: string];
  not: string;
  error?: string;
}

it.each<Case>([
  {
    ...{ operation: 'onboard-subscriber', step: 'create-subscriber', state: 'CreateSubscriber' },
    // What holds it is the condition of its mark, which another invocation may have set as well.
    ...{ held: ['dynamodb', 'UpdateItem'], not: 'infinstor:add_subscriber', error: 'OnboardingInProgress' },
  },
  {
    ...{ operation: 'onboard-subscriber', step: 'deploy-stack', state: 'DeployStack' },
    ...{ held: ['secretsmanager', 'GetSecretValue'], not: 'cloudformation:CreateStack' },
  },
  {
    ...{ operation: 'onboard-subscriber', step: 'patch-key-policy', state: 'PatchKeyPolicy' },
    ...{ held: ['dynamodb', 'TransactWriteItems'], not: 'kms:PutKeyPolicy' },
  },
  {
    ...{ operation: 'update-subscriber', step: 'update-subscriber', state: 'UpdateSubscriber' },
    ...{ held: ['secretsmanager', 'GetSecretValue'], not: 'infinstor:update_subscriber' },
  },
  {
    ...{ operation: 'add-user', step: 'add-user', state: 'AddUser' },
    ...{ held: ['secretsmanager', 'GetSecretValue'], not: 'infinstor:addsecondaryuser' },
  },
  {
    ...{ operation: 'offboard-subscriber', step: 'withdraw-grants', state: 'WithdrawGrants' },
    ...{ held: ['kms', 'GetKeyPolicy'], not: 'kms:PutKeyPolicy' },
  },
  {
    ...{ operation: 'offboard-subscriber', step: 'delete-stack', state: 'DeleteStack' },
    ...{ held: ['cloudformation', 'DescribeStacks'], not: 'cloudformation:DeleteStack' },
  },
  {
    ...{ operation: 'offboard-subscriber', step: 'complete-offboarding', state: 'CompleteOffboarding' },
    ...{ held: ['secretsmanager', 'ListSecrets'], not: 'secretsmanager:DeleteSecret' },
  },
])('$state, in the middle of which the subscriber is taken over, does not call $not', async (given) => {
  const { operation, step, state, held, not, error: name = 'ExecutionSuperseded' } = given;
  const subject = newSubject(sandbox());
  const { userName, requests } = subject;
  if (operation !== 'onboard-subscriber') await onboarded(sandbox(), requests['onboard-subscriber']);
  const effects = await effectsOf(sandbox(), async () => {
    const goOn = hold(sandbox(), ...held, { functionName: functionNameOf(step) });
    const { executionArn } = await startRun(sandbox(), operation, requests[operation]);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    await takeOver(sandbox(), userName);
    goOn();
    expect((await ended(sandbox(), executionArn)).error).toMatchObject({ name, step: state });
  });
  expect(effects.filter((effect) => effect.includes(not))).toEqual([]);
});
