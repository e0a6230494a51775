// The command serves deployments that are older than it: what they do not know is not asked of them.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { createLooks } from '../../../../cli/aws/looks.ts';
import { executionsOf } from '../../../../cli/rebuild/registry.ts';
import { deploymentOf } from '../../../../cli/target/deployment.ts';

const target = { kind: 'stage', stage: 'prod', region: 'us-east-1' } as const;
const machine = (name: string) => `arn:aws:states:us-east-1:111111111111:stateMachine:prod-${name}`;
/** From before there were upgrades. */
const older = deploymentOf(target, {
  ...{ accountId: '111111111111', region: 'us-east-1', status: 'UPDATE_COMPLETE' },
  outputs: {
    OnboardSubscriberArn: machine('onboard-subscriber'),
    UpdateSubscriberArn: machine('update-subscriber'),
    AddUserArn: machine('add-user'),
    OffboardSubscriberArn: machine('offboard-subscriber'),
    RegistryTableName: 'registry',
  },
});

it('has no operation whose state machine is not among its outputs', () => {
  expect(older.operations).not.toContain('upgrade-subscriber');
  expect(older.operations).toHaveLength(4);
});

it('is watched without a status that it does not know', async () => {
  const asked: string[] = [];
  mockClient(LambdaClient)
    .on(InvokeCommand)
    .callsFake(({ Payload }: { Payload: string }) => {
      asked.push(Payload);
      const text = JSON.stringify({ statusCode: 200, body: '{"subscribers":[]}' });
      return { Payload: Object.assign(Buffer.from(text), { transformToString: () => text }) };
    });
  await createLooks(target, older).look(new Date(0));
  expect(asked).toHaveLength(4);
  expect(asked.join()).toContain('ONBOARDING');
  expect(asked.join()).not.toContain('UPGRADING');
});

it('is asked for no execution of a state machine that it does not have', async () => {
  const sfn = mockClient(SFNClient);
  sfn.on(ListExecutionsCommand).resolves({ executions: [] });
  expect(await executionsOf(target, older)).toEqual({ running: [], latestStart: undefined });
  const machines = sfn.commandCalls(ListExecutionsCommand).map(({ args: [{ input }] }) => input.stateMachineArn);
  expect(machines).not.toContain(machine('upgrade-subscriber'));
  expect(new Set(machines).size).toBe(4);
});
