import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { planOf } from '../../../../cli/aws/plans.ts';
import { exitStatus } from '../../../../cli/view/report.ts';
import { onboarding } from '../view/plan/preview.ts';

const target = { kind: 'stage', stage: 'prod', region: 'us-east-1' } as const;
const machine = 'arn:aws:states:us-east-1:111111111111:stateMachine:x';
const deployment = {
  stage: 'prod',
  accountId: '111111111111',
  region: 'us-east-1',
  machines: {
    'onboard-subscriber': machine,
    'update-subscriber': machine,
    'upgrade-subscriber': machine,
    'add-user': machine,
    'offboard-subscriber': machine,
  },
  operations: ['onboard-subscriber'] as const,
  functionName: (name: string) => `x-${name}`,
  stackStatus: 'UPDATE_COMPLETE',
  registryTable: 'registry',
  version: undefined,
  outputs: {},
};
const planned = { operation: 'onboard-subscriber', request: { subscriber: { userName: 'acme' } } } as const;

/** A function that answers so. @returns what it was asked */
function answering(statusCode: number, body: object) {
  const asked: unknown[] = [];
  mockClient(LambdaClient)
    .on(InvokeCommand)
    .callsFake(({ FunctionName, Payload }: { FunctionName: string; Payload: string }) => {
      asked.push({ FunctionName, body: JSON.parse(JSON.parse(Payload).body) });
      const text = JSON.stringify({ statusCode, body: JSON.stringify(body) });
      return { Payload: Object.assign(Buffer.from(text), { transformToString: () => text }) };
    });
  return asked;
}

const plan = () => planOf(planned, { target, deployment });
const refusal = (errors: object[]) => ({ name: 'KeyNotUsable', detail: 'x', remedy: 'Mend the key.', errors });

describe('a plan', () => {
  it('is what the function answers', async () => {
    const asked = answering(200, onboarding);
    expect(await plan()).toEqual(onboarding);
    expect(asked).toEqual([{ FunctionName: 'x-plan-request', body: planned }]);
  });

  it('of one fault has it in the same line, and ends with 2, also when it is not one of the request', async () => {
    answering(422, refusal([{ name: 'KeyNotUsable', detail: 'the key is disabled', remedy: 'Mend the key.' }]));
    const error = await plan().then(() => expect.fail(), Object);
    expect(error).toMatchObject({
      name: 'KeyNotUsable',
      message: 'the request would be refused: KeyNotUsable: the key is disabled',
      remedy: 'Mend the key.',
      errors: [{ name: 'KeyNotUsable', rule: 'the key is disabled', remedy: 'Mend the key.' }],
    });
    expect(exitStatus({ error })).toBe(2);
  });

  it('of several faults has each in a line with its field, and each remedy once', async () => {
    const remedy = 'Correct it.';
    answering(
      422,
      refusal([
        { name: 'InvalidRequest', pointer: '/a', field: 'a', detail: 'must be b', remedy },
        { name: 'InvalidRequest', pointer: '/c', field: 'c', detail: 'must be d', remedy },
        { name: 'SecretNotReadable', pointer: '/e', field: 'e', detail: 'is denied', remedy: 'Allow it.' },
      ]),
    );
    await expect(plan()).rejects.toMatchObject({
      message: 'the request would be refused:\na: must be b\nc: must be d\nSecretNotReadable: e: is denied',
      remedy: 'InvalidRequest: Correct it.\nSecretNotReadable: Allow it.',
    });
  });

  it('that cannot be made at this moment is no refusal', async () => {
    answering(503, { name: 'KeyPolicyBusy', detail: 'asked too often', remedy: 'Ask again.' });
    const error = await plan().then(() => expect.fail(), Object);
    expect(error).toMatchObject({ name: 'KeyPolicyBusy', message: 'asked too often' });
    expect(exitStatus({ error })).toBe(1);
  });

  it('is missed in a deployment of an earlier version', async () => {
    const missing = new ResourceNotFoundException({ message: 'Function not found', $metadata: {} });
    mockClient(LambdaClient).on(InvokeCommand).rejects(missing);
    await expect(plan()).rejects.toMatchObject({ name: 'PlansNotDeployed' });
  });
});
