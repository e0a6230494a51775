import { expect, it } from 'vitest';
import { createInput, setUp } from '../cloudformation/cloudformation-fixture.ts';

const roleArn = 'arn:aws:iam::111111111111:role/stack-service-role';
const customer = (properties: string) => `
Parameters:
  SubscriberName: { Type: String }
  CustomToken: { Type: String, NoEcho: true }
Resources:
  Forward:
    Type: AWS::Events::Rule
    Properties:
      Name: forward
      EventPattern: { source: [aws.kms] }
      Targets: [{ Id: there, Arn: "arn:aws:events:us-east-1:222222222222:event-bus/default", RoleArn: "${roleArn}" }]
      ${properties}
`;
const arn = 'arn:aws:events:us-east-1:111111111111:rule/forward';

it('a rule asks for what it needs to be made, with the role of its target, and to be deleted', async () => {
  const { call, settled, accesses } = setUp({ templates: { customer: customer('') } });
  await call('CreateStack', createInput());
  expect((await settled('tenant-acme')).status).toBe('CREATE_COMPLETE');
  await call('DeleteStack', { StackName: 'tenant-acme' });
  await settled('tenant-acme').catch(() => {});
  const asked = accesses.filter(({ access: { action } }) => /^events:|PassRole/.test(action));
  expect(asked.map(({ access: { action, resource } }) => [action, resource])).toEqual([
    ['events:PutRule', arn],
    ['events:PutTargets', arn],
    ['iam:PassRole', roleArn],
    ['events:RemoveTargets', arn],
    ['events:DeleteRule', arn],
  ]);
});

it('a rule without targets asks for no more than itself', async () => {
  const template = customer('').replace(/\n *Targets: .*/, '');
  const { call, settled, accesses } = setUp({ templates: { customer: template } });
  await call('CreateStack', createInput());
  expect((await settled('tenant-acme')).status).toBe('CREATE_COMPLETE');
  await call('DeleteStack', { StackName: 'tenant-acme' });
  await settled('tenant-acme').catch(() => {});
  const asked = accesses.filter(({ access: { action } }) => action.startsWith('events:'));
  expect(asked.map(({ access: { action } }) => action)).toEqual(['events:PutRule', 'events:DeleteRule']);
});

it.each([
  ['a property that it has not', 'RoleArn: x', 'Properties validation failed'],
  ['a bus that is not there', 'EventBusName: other', 'Event bus other does not exist'],
])('a rule with %s fails its stack', async (_, properties, reason) => {
  const { call, settled } = setUp({ templates: { customer: customer(properties) } });
  await call('CreateStack', createInput());
  const { status, events } = await settled('tenant-acme');
  expect(status).toBe('ROLLBACK_COMPLETE');
  expect(events.map(({ ResourceStatusReason }) => ResourceStatusReason ?? '')).toContainEqual(
    expect.stringContaining(reason),
  );
});
