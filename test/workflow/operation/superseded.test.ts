// Executions that another one has superseded are redriven, as an operator does in bulk: they change nothing.

import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import { eventsOf, recordOf, redrive, useSandbox } from '../sandbox.ts';
import { oneOf } from '../side-effects.ts';
import { rolesOn, stackOf } from '../subscriber.ts';
import { readOnlyStates } from './read-only-states.ts';
import { actingStates, expectNothingDone, failedAt, machines, supersede, supersedings } from './superseding.ts';

const sandbox = useSandbox();

const cases = (['onboard-subscriber', 'update-subscriber', 'add-user', 'offboard-subscriber'] as const).flatMap(
  (operation) =>
    actingStates(operation).flatMap((state, place) =>
      oneOf(supersedings[operation], place).map((others) => ({ operation, state, others, by: others.join(', ') })),
    ),
);

it.each(cases)('$operation that failed in $state changes nothing after $by', async ({ operation, state, others }) => {
  const { subject, old } = await failedAt(sandbox(), operation, state);
  await supersede(sandbox(), subject, others);
  const redriven = await expectNothingDone(sandbox(), subject, old, state);
  // It is reported, though the record is another one's.
  const owner = (await recordOf(sandbox(), subject.userName))?.executionArn?.S ?? '';
  const message = `Subscriber ${subject.userName} belongs to ${owner} since`;
  const detail = expect.objectContaining({ name: 'ExecutionSuperseded', step: state, message });
  expect(eventsOf(sandbox(), redriven)).toContainEqual(expect.objectContaining({ detail }));
  expect(await recordOf(sandbox(), subject.userName)).not.toMatchObject({ executionArn: { S: old.executionArn } });
});

describe('what redrives once did', () => {
  it.each<{ name: string; operation: Operation; state: string; others: readonly Operation[]; status: string }>([
    {
      name: 'an offboarding redriven in DeleteStack leaves the stack of a later onboarding',
      ...{ operation: 'offboard-subscriber', state: 'DeleteStack', others: ['onboard-subscriber'], status: 'ACTIVE' },
    },
    {
      name: 'an offboarding redriven in WithdrawGrants leaves the key with the role of a later onboarding',
      ...{
        operation: 'offboard-subscriber',
        state: 'WithdrawGrants',
        others: ['onboard-subscriber'],
        status: 'ACTIVE',
      },
    },
    {
      name: 'an onboarding redriven after an offboarding restores no secret and makes no stack',
      ...{
        operation: 'onboard-subscriber',
        state: 'ObtainToken',
        others: ['offboard-subscriber'],
        status: 'OFFBOARDED',
      },
    },
    {
      name: 'an update redriven after a later one does not set its password again',
      ...{ operation: 'update-subscriber', state: 'UpdateSubscriber', others: ['update-subscriber'], status: 'ACTIVE' },
    },
  ])('$name', async ({ operation, state, others, status }) => {
    const { subject, old } = await failedAt(sandbox(), operation, state);
    await supersede(sandbox(), subject, others);
    await expectNothingDone(sandbox(), subject, old, state);
    expect(await recordOf(sandbox(), subject.userName)).toMatchObject({ status: { S: status } });
    const hasStack = status === 'ACTIVE';
    expect(stackOf(sandbox(), subject.userName) !== undefined).toBe(hasStack);
    expect(rolesOn(sandbox(), subject.keyArn)).toHaveLength(hasStack ? 1 : 0);
  });
});

describe('the states that change nothing', () => {
  it('are states of a machine', () => {
    const states = Object.values(machines).flatMap((machine) => machine.states.map(([name]) => name));
    expect(states).toEqual(expect.arrayContaining(Object.keys(readOnlyStates)));
  });
});

describe('a redrive', () => {
  it.each<{ operation: Operation; state: string }>([
    { operation: 'onboard-subscriber', state: 'AcceptRequest' },
    { operation: 'onboard-subscriber', state: 'DeployStack' },
    { operation: 'offboard-subscriber', state: 'AcceptOffboarding' },
    { operation: 'update-subscriber', state: 'AcceptUpdate' },
    { operation: 'add-user', state: 'AcceptUsers' },
  ])('of the latest execution, $operation that failed in $state, goes on', async ({ operation, state }) => {
    const { old } = await failedAt(sandbox(), operation, state);
    expect((await redrive(sandbox(), old)).error).toBeNull();
  });
});
