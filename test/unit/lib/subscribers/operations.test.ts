import { expect, it } from 'vitest';
import { operationOf } from '../../../../lib/subscribers/operations.ts';

const arn = (type: string, name: string) => `arn:aws:states:us-east-1:111111111111:${type}:${name}`;

it.each([
  [arn('execution', 'infinstor-onboarding-dev-onboard-subscriber:acme-1'), 'onboard-subscriber'],
  [arn('stateMachine', 'infinstor-onboarding-dev-update-subscriber'), 'update-subscriber'],
  [arn('execution', 'x-add-user:offboard-subscriber'), 'add-user'],
  [arn('stateMachine', 'offboard-subscriber'), 'offboard-subscriber'],
])('%s is of %s', (given, operation) => {
  expect(operationOf(given)).toBe(operation);
});

it.each([arn('stateMachine', 'billing'), arn('execution', 'reonboard-subscriber:x'), 'nonsense'])(
  '%s is of none',
  (given) => {
    expect(() => operationOf(given)).toThrow(`${given} is not of a machine of the onboarding`);
  },
);
