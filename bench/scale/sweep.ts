// The sweep over a registry of which some executions have ended unseen.
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { sweepExecutions } from '../../functions/sweep-executions/sweep-executions.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { answerOf, isWithinRate, now, served } from './world.ts';

const input = v.object({ executionArn: v.optional(v.string(), '') });
const entries = v.object({ Entries: v.array(v.object({ Detail: v.string() })) });

interface Options {
  /** How many executions, the first ones by name, have failed unseen; the next ones run, if their record says so. */
  unseen: number;
  /** How often others call Step Functions for each call of the sweep. */
  others: number;
}

/** @returns what makes one invocation of the function by its schedule, and what came of all so far */
export function sweeperOf(registry: Registry, { unseen, others }: Options) {
  const done = { recorded: new Set<string>(), described: 0, refusedOthers: 0 };
  const stepFunctions = new SFNClient(
    served('states', async (operation, asked) => {
      if (operation === 'GetExecutionHistory') return answerOf({ events: [] });
      done.described += 1;
      for (let call = 0; call < others; call += 1) {
        if (!isWithinRate('states', operation)) done.refusedOthers += 1;
      }
      const { executionArn } = v.parse(input, asked);
      const userName = executionArn.split(':').at(-1) ?? '';
      const number = Number(userName.split('-').at(-1));
      const isRunning = number >= unseen && number < 5;
      // The records of failures say so already.
      const stopDate = now.getTime() / 1_000 - 2 * 60 * 60;
      const failure = { status: 'FAILED', error: 'StackFailed', stopDate };
      const described = { executionArn, stateMachineArn: 'arn', startDate: stopDate - 60 };
      const text = JSON.stringify({ subscriber: { userName } });
      return answerOf({ ...described, ...(isRunning ? { status: 'RUNNING' } : failure), input: text });
    }),
  );
  const client = new EventBridgeClient(
    served('events', async (_operation, asked) => {
      for (const { Detail } of v.parse(entries, asked).Entries) done.recorded.add(Detail);
      return answerOf({ FailedEntryCount: 0, Entries: [{ EventId: 'one' }] });
    }),
  );
  const sweep = (remainingMs: () => number): Promise<void> =>
    sweepExecutions({
      ...{
        stepFunctions,
        registry,
        events: { client, name: 'default' },
        now: new Date(),
        clock: Date.now,
        remainingMs,
      },
      logger: { info: () => {}, warn: () => {} },
      emit: () => {},
    });
  return { sweep, done };
}
