import * as v from 'valibot';
import { account } from '../../sandbox/core/account.ts';
import { createClock } from '../../sandbox/core/clock.ts';
import { LambdaError } from '../../sandbox/core/lambda-error.ts';
import type { Caller } from '../../sandbox/core/operation.ts';
import { createStates } from '../../sandbox/services/states/service.ts';
import { functionOf, statesOf } from './definition.ts';
import { type RecordedRun, recordedRun } from './recorded-run.ts';

/** How one try of a task ends. With a token: what its function does is `fails`, `large` and `never`, the rest is the answer. */
export type Outcome =
  | { kind: 'fails'; error: string }
  | { kind: 'refused'; failure: { error?: string; cause?: string } }
  | { kind: 'early'; failure?: { error: string } }
  | { kind: 'large' }
  | { kind: 'never' }
  | { kind: 'aborted' };

export interface Script {
  name: string;
  input: string;
  /** What each state's tasks answer, one after the other; the last one again and again. */
  results: ReadonlyMap<string, readonly unknown[]>;
  /** What happens before that, in each state. */
  outcomes: Readonly<Record<string, readonly Outcome[]>>;
  /** How often it is redriven when it has not succeeded. */
  redrives?: number;
}

const tokenSchema = v.object({ taskToken: v.string() });

// Nobody is authorized here.
const nobody: Caller = { accountId: '', region: '', principalArn: '', arn: '', principalId: '', policies: [] };

/** Runs a definition in the sandbox's Step Functions, with functions that do what the script says, on a clock of its own. */
export async function scriptedRun(machine: string, definition: string, script: Script): Promise<RecordedRun> {
  const clock = createClock({ skipIdle: true });
  const stateOf = new Map([...statesOf(definition)].map(([name, state]) => [functionOf(state), name]));
  const left = new Map(Object.entries(script.outcomes).map(([state, outcomes]) => [state, [...outcomes]]));
  const answered = new Map<string, number>();
  const name = 'run';
  // Its first function is invoked before StartExecution answers.
  const executionArn = `arn:aws:states:${account.region}:${account.accountId}:execution:${machine}:${name}`;
  let end = Promise.withResolvers<void>();
  const call = async (name: string, input: object) => {
    const operation = states.service.operations[name];
    return operation?.run(operation.parse(input), nobody);
  };

  /** The next result of a state. */
  function result(state: string): unknown {
    const results = script.results.get(state) ?? [];
    const index = answered.get(state) ?? 0;
    answered.set(state, index + 1);
    return results[Math.min(index, results.length - 1)] ?? null;
  }

  /** Answers a token after its function has returned. */
  const later = (name: string, input: object) => void clock.after(1000, () => void call(name, input));

  async function invokeLambda(functionArn: string, event: unknown): Promise<unknown> {
    const state = stateOf.get(functionArn) ?? '';
    const token = v.safeParse(tokenSchema, event);
    const taskToken = token.success ? token.output.taskToken : undefined;
    const outcome = left.get(state)?.shift();
    const answer = () => ({ taskToken, output: JSON.stringify(result(state)) });
    switch (outcome?.kind) {
      case 'fails':
        throw new LambdaError(outcome.error, JSON.stringify({ errorType: outcome.error, errorMessage: 'scripted' }));
      case 'large':
        return 'x'.repeat(262_144);
      case 'never':
        // Of a task with a token it is the answer that never comes.
        return taskToken === undefined ? new Promise(() => {}) : null;
      case 'aborted':
        later('StopExecution', { executionArn, error: 'Stopped' });
        return taskToken === undefined ? new Promise(() => {}) : null;
      case 'refused':
        later('SendTaskFailure', { taskToken, ...outcome.failure });
        return null;
      case 'early':
        if (outcome.failure === undefined) await call('SendTaskSuccess', answer());
        else await call('SendTaskFailure', { taskToken, ...outcome.failure });
        return null;
      case undefined:
        if (taskToken === undefined) return result(state);
        later('SendTaskSuccess', answer());
        return null;
    }
  }

  const states = createStates({
    clock,
    invokeLambda,
    publish({ detail }) {
      if (detail.status !== 'RUNNING') end.resolve();
    },
  });
  const stateMachineArn = states.createStateMachine({
    name: machine,
    roleArn: 'arn:aws:iam::111111111111:role/any',
    definition,
  });
  await call('StartExecution', { stateMachineArn, name, input: script.input });
  await end.promise;
  for (let redrives = 0; redrives < (script.redrives ?? 0); redrives += 1) {
    if (states.execution(executionArn).status === 'SUCCEEDED') break;
    end = Promise.withResolvers();
    await call('RedriveExecution', { executionArn });
    await end.promise;
  }
  clock.stop();
  return recordedRun(`${machine}, ${script.name}`, states.execution(executionArn));
}
