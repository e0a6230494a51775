import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, ExecutionDoesNotExist, type ExecutionStatus } from '@aws-sdk/client-sfn';
import { GetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { errorOf, now } from '../lambda.ts';
import { executionArn, otherExecutionArn, stackId } from '../plan.ts';
import { details, encryption, setUp, validationError } from './accept-request-fixture.ts';

describe('a subscriber who has a stack elsewhere', () => {
  const record = (home: object | undefined, id?: string) => ({
    Item: {
      userName: 'Acme',
      status: 'FAILED',
      executionArn: otherExecutionArn,
      updatedAt: '2026-01-01T11:00:00.000Z',
      attempts: [],
      home,
      stackId: id,
    },
  });
  const elsewhere = { accountId: '111111111111', region: 'eu-west-1' };

  it.each([
    ['as the registry says', record(elsewhere)],
    ['as the id of its stack says', record(undefined, stackId)],
  ])('keeps it, %s: StackNeedsAttention', async (_, item) => {
    const { accept, documents, cloudFormation, claims } = setUp();
    documents.on(GetCommand).resolves(item);
    cloudFormation.on(DescribeStacksCommand).callsFake(async (_input, client) => {
      const region = await client().config.region();
      if (region === 'eu-west-1') return { Stacks: [{ StackId: stackId, StackStatus: 'ROLLBACK_COMPLETE' }] };
      throw validationError('Stack with id acme does not exist');
    });
    await expect(accept()).rejects.toMatchObject(
      errorOf(
        'StackNeedsAttention',
        'stack infinstor-subscriber-acme (ROLLBACK_COMPLETE) in account 111111111111 in eu-west-1 already',
      ),
    );
    expect(claims()).toEqual([]);
  });

  it.each([
    ['its stack is gone', elsewhere],
    ['it never had one', undefined],
    ['it is here', { accountId: '111111111111', region: 'us-east-1' }],
  ])('may have one here when %s', async (_, home) => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves(record(home));
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: 'FAILED' });
    await accept();
    expect(claims()).toHaveLength(1);
  });
});

describe('claiming the subscriber', () => {
  const record = {
    userName: 'Acme',
    status: 'ONBOARDING',
    executionArn: otherExecutionArn,
    updatedAt: '',
    attempts: [],
  };

  it('is the last thing done, and makes the record if there is none', async () => {
    const { accept, cloudFormation, kms, secrets, claims } = setUp();
    await accept({ passwordSecretId: 'infinstor/test/input/acme/password', encryption });
    const [claim, ...others] = claims();
    expect(others).toEqual([]);
    expect(claim?.args[0].input).toMatchObject({
      TableName: 'registry',
      Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
      ConditionExpression: 'attribute_not_exists(#executionArn)',
      ExpressionAttributeValues: {
        ':status': 'ONBOARDING',
        ':executionArn': executionArn,
        ':userName': 'Acme',
        ':attempts': [{ executionArn, startedAt: now.toISOString() }],
      },
    });
    const checks = [...cloudFormation.calls(), ...kms.calls(), ...secrets.client.calls()];
    expect(checks.length).toBeGreaterThanOrEqual(6);
    for (const check of checks) expect(claim?.calledAfter(check)).toBe(true);
  });

  it('is followed by a reservation for the role at the path that the deployment says', async () => {
    const { accept, documents } = setUp();
    documents.on(TransactWriteCommand).resolves({});
    await accept({ encryption });
    const items = documents
      .commandCalls(TransactWriteCommand)
      .flatMap(({ args: [{ input }] }) => input.TransactItems?.map(({ Put }) => Put?.Item) ?? []);
    expect(items).toContainEqual(
      expect.objectContaining({
        roleArn: 'arn:aws:iam::111111111111:role/infinstor/RoleForInfinStorMlflowService-Acme',
      }),
    );
  });

  it('is done already when the step is repeated', async () => {
    const { accept, documents, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, executionArn } });
    await expect(accept()).resolves.toMatchObject({ executionArn });
    expect(claims()).toEqual([]);
  });

  it("takes its own record back after a redrive, whatever a failure's event wrote into it", async () => {
    const { accept, documents, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, status: 'FAILED', executionArn } });
    await accept();
    expect(claims()).toHaveLength(1);
  });

  it.each<[string, ExecutionStatus]>([
    ['ONBOARDING', 'RUNNING'],
    ['ONBOARDING', 'PENDING_REDRIVE'],
    // A redrive runs on, though its record says FAILED.
    ['FAILED', 'RUNNING'],
  ])('is OnboardingInProgress while the execution of a record %s is %s', async (status, executionStatus) => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, status } });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: otherExecutionArn })
      .resolves({ executionArn: otherExecutionArn, status: executionStatus });
    await expect(accept()).rejects.toMatchObject({ name: 'OnboardingInProgress', executionArn: otherExecutionArn });
    expect(claims()).toEqual([]);
  });

  it.each<[string, ExecutionStatus]>([
    ['ONBOARDING', 'ABORTED'],
    ['FAILED', 'FAILED'],
    ['ACTIVE', 'SUCCEEDED'],
  ])('takes over a record %s whose execution is %s, if it belongs to it still', async (status, executionStatus) => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, status } });
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: executionStatus });
    await accept();
    expect(claims().map(({ args: [{ input }] }) => input)).toMatchObject([
      {
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: { ':onlyIfOf': otherExecutionArn, ':executionArn': executionArn },
      },
    ]);
  });

  it('takes over the record of an execution whose history is gone', async () => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: record });
    stepFunctions.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist(details));
    await accept();
    expect(claims()).toHaveLength(1);
  });

  it('is OnboardingInProgress when another execution claims at the same moment', async () => {
    const { accept, documents } = setUp();
    documents.on(GetCommand).resolvesOnce({}).resolves({ Item: record });
    documents.on(UpdateCommand).rejects(new ConditionalCheckFailedException(details));
    await expect(accept()).rejects.toMatchObject({ name: 'OnboardingInProgress', executionArn: otherExecutionArn });
  });
});
