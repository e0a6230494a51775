import { expect } from 'vitest';
import type { Report } from '../../cli/view/report.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { type FaultRule, isRead, parseFault } from '../../sandbox/core/faults.ts';
import { casesInScope } from '../scope.ts';
import { redrive } from './sandbox.ts';
import { functionNameOf } from './subscriber.ts';

/** `function service:Operation`, with `#2` for the second such call of a run; InfinStor and Cognito do not know who calls. */
export type Effect = string;

/** The calls of the machine's functions that were not mere reads, of the time in which `work` ran. */
export async function effectsOf(sandbox: Sandbox, work: () => Promise<unknown>): Promise<Effect[]> {
  const before = sandbox.calls().length;
  await work();
  const counts = new Map<string, number>();
  return (
    sandbox
      .calls()
      .slice(before)
      // What the schedules do meanwhile is none of it.
      .filter(({ functionName = '' }) => !/-(sweep-executions|detect-key-policy-drift)$/.test(functionName))
      .filter(({ operation }) => !isRead(operation))
      .map(({ service, operation, functionName = '' }) => {
        const effect = `${functionName.replace(functionNameOf(''), '')} ${service}:${operation}`.trim();
        const count = (counts.get(effect) ?? 0) + 1;
        counts.set(effect, count);
        return count === 1 ? effect : `${effect} #${count}`;
      })
  );
}

/**
 * Loses the answer of a call, or kills the function that made it, once it has had its effect. A state that tries again after a
 * death finds its function out of reach until it gives up.
 */
export function faultAt(effect: Effect, kind: (typeof kinds)[number]): FaultRule {
  const [, name, call = '', count = '1'] = /^(?:([\w-]+) )?(\S+?)(?: #(\d))?$/.exec(effect) ?? [];
  const functionName = name === undefined ? undefined : functionNameOf(name);
  return {
    ...parseFault(`${call}:${kind}`),
    skip: Number(count) - 1,
    ...(functionName !== undefined && { functionName }),
    ...(kind === 'kill' && isRetried(effect) && { followedBy: staysAway(functionName) }),
  };
}

/**
 * Whether the effect is of a state that is tried again when its function died: not of one that must not be, nor outside the machines.
 * Who refreshes a token is not known, and may be CreateSubscriber.
 */
const isRetried = (effect: Effect) =>
  !/^(create-subscriber|infinstor:add_subscriber|cognito:InitiateAuth|resume-on-stack-event|record-failure|sweep-)/.test(
    effect,
  );

/** The retries of a state whose function died. */
const triesAfterDeath = 6;

/** That a function, or every one, cannot be invoked so often that a state gives up. */
export const staysAway = (functionName: string | undefined): FaultRule => ({
  service: 'lambda',
  operation: 'Invoke',
  fault: { kind: 'error', name: 'Lambda.Unknown' },
  times: triesAfterDeath,
  ...(functionName !== undefined && { functionName }),
});

/** How a run is interrupted: its answer is lost, or the function dies. */
export const kinds = ['drop', 'kill'] as const;

/** How a run is interrupted, and what comes after it: the same request again, or a redrive. */
export const ways = kinds.flatMap((kind) => (['repeat', 'redrive'] as const).map((recovery) => ({ kind, recovery })));
export type Way = (typeof ways)[number];

/**
 * The ways in which the effect at this place of a list is interrupted: every way where all cases are wanted, and one otherwise.
 * From place to place another one comes, so that each list of four has all of them.
 */
export const waysAt = (place: number): readonly Way[] => oneOf(ways, place);

/** All of them where all cases are wanted, and otherwise the one whose turn it is at this place. */
export const oneOf = <Case>(cases: readonly Case[], place: number): readonly Case[] =>
  casesInScope(cases, cases.slice(place % cases.length, (place % cases.length) + 1));

/** What is interrupted, each with its place in the list. */
export const placed = (effects: readonly Effect[]) => effects.map((effect, place) => ({ effect, place }));

/** The function and the call of an effect. */
export function partsOf(effect: Effect): { name: string; call: string } {
  const [name = '', call = ''] = effect.split(' ');
  return { name, call };
}

/**
 * Interrupts a run after one of its effects.
 * @param send sends the run's request, and follows it to its end
 * @returns how the run after it ended
 */
export async function interruptAndRecover(
  sandbox: Sandbox,
  send: () => Promise<Report>,
  effect: Effect,
  { kind, recovery }: Way,
): Promise<Report> {
  sandbox.faults.add(faultAt(effect, kind));
  const first = await send();
  // The fault has come.
  expect(sandbox.faults.left()).toBe(0);
  // What an SDK has healed is repeated all the same; only what has failed can be redriven.
  return first.status === 'SUCCEEDED' || recovery === 'repeat' ? send() : redrive(sandbox, first);
}
