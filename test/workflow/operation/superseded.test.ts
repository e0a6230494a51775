// Executions that another one has superseded are redriven, as an operator does in bulk: they change nothing.

import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import { eventsOf, recordOf, redrive, useSandbox } from '../sandbox.ts';
import { oneOf } from '../side-effects.ts';
import { rolesOn, stackOf } from '../subscriber.ts';
import { readOnlyStates } from './read-only-states.ts';
import {
  actingStates,
  expectNothingDone,
  failAt,
  machines,
  newSubject,
  type Subject,
  subjectFor,
  supersededAt,
  supersedings,
} from './superseding.ts';

const sandbox = useSandbox();

const cases = (['onboard-subscriber', 'update-subscriber', 'add-user', 'offboard-subscriber'] as const).flatMap(
  (operation) =>
    actingStates(operation).flatMap((state, place) =>
      oneOf(supersedings[operation], place).map((others) => ({ operation, state, others, by: others.join(', ') })),
    ),
);

const once = [
  {
    name: 'an offboarding redriven in DeleteStack leaves the stack of a later onboarding',
    ...{ operation: 'offboard-subscriber', state: 'DeleteStack', others: ['onboard-subscriber'], status: 'ACTIVE' },
  },
  {
    name: 'an offboarding redriven in WithdrawGrants leaves the key with the role of a later onboarding',
    ...{ operation: 'offboard-subscriber', state: 'WithdrawGrants', others: ['onboard-subscriber'], status: 'ACTIVE' },
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
] as const satisfies readonly (Superseded & { name: string; status: string })[];

interface Superseded {
  operation: Operation;
  state: string;
  others: readonly Operation[];
}

/** Executions of one operation that the same others have superseded are of one subscriber: who is onboarded once for all of them. */
const groupOf = ({ operation, others }: Superseded) => [operation, ...others].join();
const groups = Map.groupBy<string, Superseded>([...cases, ...once], groupOf);
const made = new Map<string, ReturnType<typeof supersededAt>>();

/** An execution that failed in this state, and that others have superseded. */
async function superseded(given: Superseded) {
  const { operation, state, others } = given;
  const key = groupOf(given);
  const wanted = new Set((groups.get(key) ?? []).map((each) => each.state));
  // In the order in which the machine comes to them.
  const states = actingStates(operation).filter((each) => wanted.has(each));
  const making = made.get(key) ?? supersededAt(sandbox(), operation, states, others);
  made.set(key, making);
  const { subject, failed } = await making;
  const old = failed.get(state);
  if (old === undefined) throw new Error(`Nothing has failed in ${state}`);
  return { subject, old };
}

it.each(cases)('$operation that failed in $state changes nothing after $by', async (given) => {
  const { state } = given;
  const { subject, old } = await superseded(given);
  const redriven = await expectNothingDone(sandbox(), subject, old, state);
  // It is reported, though the record is another one's.
  const owner = (await recordOf(sandbox(), subject.userName))?.executionArn?.S ?? '';
  const message = `Subscriber ${subject.userName} belongs to ${owner} since`;
  const detail = expect.objectContaining({ name: 'ExecutionSuperseded', step: state, message });
  expect(eventsOf(sandbox(), redriven)).toContainEqual(expect.objectContaining({ detail }));
  expect(await recordOf(sandbox(), subject.userName)).not.toMatchObject({ executionArn: { S: old.executionArn } });
});

describe('what redrives once did', () => {
  it.each(once)('$name', async (given) => {
    const { state, status } = given;
    const { subject, old } = await superseded(given);
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
  /** A subscriber who is there already, until the last of the tests. */
  let resident: Subject | undefined;

  it.each<{ operation: Operation; state: string }>([
    { operation: 'onboard-subscriber', state: 'AcceptRequest' },
    { operation: 'onboard-subscriber', state: 'DeployStack' },
    { operation: 'update-subscriber', state: 'AcceptUpdate' },
    { operation: 'add-user', state: 'AcceptUsers' },
    { operation: 'offboard-subscriber', state: 'AcceptOffboarding' },
  ])('of the latest execution, $operation that failed in $state, goes on', async ({ operation, state }) => {
    const isNew = operation === 'onboard-subscriber';
    if (!isNew) resident ??= await subjectFor(sandbox(), operation);
    const subject = (isNew ? undefined : resident) ?? newSubject(sandbox());
    const old = await failAt(sandbox(), subject, operation, state);
    expect((await redrive(sandbox(), old)).error).toBeNull();
  });
});
