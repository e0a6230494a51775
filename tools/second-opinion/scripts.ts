import { type State, statesOf, waits } from './definition.ts';
import type { Machine } from './real-runs.ts';
import type { Outcome, Script } from './scripted-run.ts';

const unnamed = 'NamedNowhere';
/** More tries than these differ in nothing, and take long. */
const mostTries = 40;

const times = (count: number, outcome: Outcome) => Array<Outcome>(count).fill(outcome);

/** How a task comes to end with an error of this name. */
const failing = (error: string): Outcome => (error === 'States.Timeout' ? { kind: 'never' } : { kind: 'fails', error });

/**
 * Everything that can happen in one state of a machine: each retrier once and until it gives up, each catcher, an error that
 * nothing names, a result that is too large, a timeout, an abort and the redrive after it; with a token, each kind of answer.
 */
export function scriptsOf({ definition, input, results }: Machine): Script[] {
  const script = (name: string, state: string, outcomes: readonly Outcome[], more: Partial<Script> = {}): Script => ({
    name,
    input,
    results,
    outcomes: { [state]: outcomes },
    ...more,
  });
  const ofTask = (name: string, state: State): Script[] => [
    ...state.Retry.flatMap(({ ErrorEquals, MaxAttempts }, index) => {
      const errors = [...new Set([ErrorEquals[0] ?? '', ErrorEquals.at(-1) ?? ''])];
      const [first = ''] = errors;
      return [
        ...errors.map((error) => script(`${name}: retried after ${error}`, name, [failing(error)])),
        ...(MaxAttempts < mostTries
          ? [script(`${name}: retrier ${index} gives up`, name, times(MaxAttempts + 1, failing(first)))]
          : [script(`${name}: retrier ${index} again and again`, name, times(5, failing(first)))]),
      ];
    }),
    ...state.Catch.flatMap(({ ErrorEquals }) =>
      ErrorEquals.flatMap((error) => [
        script(`${name}: caught ${error}`, name, [failing(error)]),
        script(`${name}: caught ${error} twice`, name, times(2, failing(error))),
      ]),
    ),
    script(`${name}: not caught`, name, [failing(unnamed)]),
    script(`${name}: not caught after a retry`, name, [
      failing(state.Retry[0]?.ErrorEquals[0] ?? ''),
      failing(unnamed),
    ]),
    script(`${name}: redriven`, name, [failing(unnamed)], { redrives: 1 }),
    script(`${name}: redriven twice`, name, times(2, failing(unnamed)), { redrives: 2 }),
    // What AWS does when a function is handed a token, is not recorded, and moto has no limit there.
    ...(waits(state) ? [] : [script(`${name}: too large`, name, [{ kind: 'large' }])]),
    script(`${name}: timed out once`, name, [{ kind: 'never' }]),
    script(`${name}: aborted`, name, [{ kind: 'aborted' }]),
    script(`${name}: aborted and redriven`, name, [{ kind: 'aborted' }], { redrives: 1 }),
  ];
  const ofWait = (name: string, state: State): Script[] => [
    ...state.Catch.flatMap(({ ErrorEquals }) =>
      ErrorEquals.filter((error) => !error.startsWith('States.')).map((error) =>
        script(`${name}: answered ${error}`, name, [{ kind: 'refused', failure: { error, cause: 'why' } }]),
      ),
    ),
    script(`${name}: answered with another error`, name, [{ kind: 'refused', failure: { error: unnamed } }]),
    script(`${name}: answered without an error`, name, [{ kind: 'refused', failure: {} }]),
    script(`${name}: answered early`, name, [{ kind: 'early' }]),
    script(`${name}: answered early, with an error`, name, [{ kind: 'early', failure: { error: unnamed } }]),
    script(`${name}: never answered`, name, times(10_000, { kind: 'never' })),
  ];
  const tasks = [...statesOf(definition)].filter(([, { Type }]) => Type === 'Task');
  return [
    { name: 'as planned', input, results, outcomes: {} },
    ...tasks.flatMap(([name, state]) => [...ofTask(name, state), ...(waits(state) ? ofWait(name, state) : [])]),
  ];
}
