import * as v from 'valibot';
import type { States } from '../../sandbox/services/states/service.ts';

type Execution = ReturnType<States['execution']>;

/** What is replayed: an execution with its history, as JSON has it. */
export interface RecordedRun {
  name: string;
  machine: string;
  executionArn: string;
  startTime: string;
  status: string;
  events: Execution['history'];
}

/** What a run leaves behind for the replay, under a name that people find it by. */
export function recordedRun(name: string, execution: Execution): RecordedRun {
  const { executionArn, machine, startDate, status, history } = execution;
  return {
    name,
    machine: machine.name,
    executionArn,
    startTime: startDate.toISOString(),
    status,
    // What happens to the execution afterwards is another run.
    events: [...history],
  };
}

const enteredSchema = v.object({ stateEnteredEventDetails: v.object({ name: v.string() }) });
const exitedSchema = v.object({ stateExitedEventDetails: v.object({ name: v.string() }) });

/** The ways from a state to the next that a run has taken. */
export function takenEdges({ events }: RecordedRun): Set<string> {
  const taken = new Set<string>();
  let left: string | undefined;
  for (const event of events) {
    if (v.is(exitedSchema, event)) left = event.stateExitedEventDetails.name;
    else if (v.is(enteredSchema, event)) {
      if (left !== undefined) taken.add(`${left} → ${event.stateEnteredEventDetails.name}`);
      left = undefined;
    }
  }
  return taken;
}

const resultSchema = v.union([
  v.pipe(
    v.object({ lambdaFunctionSucceededEventDetails: v.object({ output: v.string() }) }),
    v.transform((event) => event.lambdaFunctionSucceededEventDetails.output),
  ),
  v.pipe(
    v.object({ taskSucceededEventDetails: v.object({ output: v.string() }) }),
    v.transform((event) => event.taskSucceededEventDetails.output),
  ),
]);

/** The results of each state's tasks in a run that succeeded, in their order. */
export function resultsOf({ events }: RecordedRun): Map<string, unknown[]> {
  const results = new Map<string, unknown[]>();
  let state = '';
  for (const event of events) {
    if (v.is(enteredSchema, event)) state = event.stateEnteredEventDetails.name;
    const result = v.safeParse(resultSchema, event);
    if (result.success) results.set(state, [...(results.get(state) ?? []), JSON.parse(result.output)]);
  }
  return results;
}
