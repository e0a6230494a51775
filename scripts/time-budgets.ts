import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { briskConfig, callBoundMs, clientConfig, onceConfig, patientConfig, promptConfig } from '../lib/aws/clients.ts';
import { versionTimeoutMs } from '../lib/infinstor/discovery.ts';
import { sendTimeoutMs } from '../lib/infinstor/send.ts';
import { leaseMs } from '../lib/keys/lease.ts';
import { functionCalls } from './function-calls.ts';

const root = resolve(import.meta.dirname, '..');
const page = join(root, 'docs', 'time-budgets.md');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** How the page calls the ways in which calls are limited. */
const limits = {
  usual: callBoundMs(clientConfig),
  prompt: callBoundMs(promptConfig),
  brisk: callBoundMs(briskConfig),
  patient: callBoundMs(patientConfig),
  once: callBoundMs(onceConfig),
  // It follows one redirect.
  version: 2 * versionTimeoutMs,
  infinstor: sendTimeoutMs,
} as const;
type Limit = keyof typeof limits;

/** The calls that are made otherwise than with the usual clients. */
const special: Readonly<Record<string, Limit>> = {
  'infinstor:get_version': 'version',
  'infinstor:add_subscriber': 'infinstor',
  'infinstor:update_subscriber': 'infinstor',
  'infinstor:addsecondaryuser': 'infinstor',
  'infinstor:customerinfo': 'infinstor',
  'kms:PutKeyPolicy': 'once',
};

interface Budget {
  step: string;
  calls: readonly {
    call: string;
    times: number;
    limit: Limit;
    isLoop: boolean;
    isTogether: boolean;
    isInstead: boolean;
    isBeside: boolean;
  }[];
  /** The worst case: every call takes as long as it may. */
  worstMs: number;
  /** Lambda's timeout of the function. */
  timeoutMs: number;
  /** The states that invoke it, with their TimeoutSeconds; undefined where the plan says it. */
  states: readonly { machine: string; state: string; timeoutMs: number | undefined }[];
  /** Why it stops before its time is over although a loop has no end of its own. */
  stop: string | undefined;
}

/** The time budget of each function, in the order of their names. */
export function budgets(): Budget[] {
  const states = allStates();
  return Object.entries(functionCalls).map(([step, declared]) => {
    const {
      calls,
      instead = {},
      loops = {},
      client = 'usual',
      patient = [],
      brisk = [],
      together = [],
      beside = [],
      stop,
    } = declared;
    const limitOf = (call: string): Limit | undefined => {
      if (patient.includes(call)) return 'patient';
      return brisk.includes(call) ? 'brisk' : undefined;
    };
    const listed = [
      ...Object.entries(calls).map(([call, times]) => ({ call, times, isLoop: false, isInstead: false })),
      ...Object.entries(instead).map(([call, times]) => ({ call, times, isLoop: false, isInstead: true })),
      ...Object.entries(loops).map(([call, times]) => ({ call, times, isLoop: true, isInstead: false })),
    ].map((made) => ({
      ...made,
      isTogether: together.includes(made.call),
      isBeside: beside.includes(made.call),
      limit: special[made.call] ?? limitOf(made.call) ?? client,
    }));
    return {
      step,
      calls: listed,
      worstMs: listed
        .filter(({ isInstead, isBeside }) => !isInstead && !isBeside)
        .reduce((sum, { times, limit, isTogether }) => sum + (isTogether ? 1 : times) * limits[limit], 0),
      timeoutMs: timeoutSecondsOf(step) * 1000,
      states: states.filter((state) => state.step === step),
      stop,
    };
  });
}

/** A call that a function made, as the sandbox lists it. */
interface MadeCall {
  service: string;
  operation: string;
  /** Who has signed it; undefined: nobody, because InfinStor and Cognito ask for no signature. */
  functionName: string | undefined;
  invocation: string | undefined;
  attempt: number;
}

/** What was called more often in one invocation than the table says, such as `obtain-token: 3 kms:DescribeKey, 0 in the table`. */
export function overBudget(calls: readonly MadeCall[]): string[] {
  const found = new Set<string>();
  const known = calls.flatMap(({ invocation, attempt, functionName, ...call }) =>
    // A client's further tries are in the time limit of a call.
    invocation === undefined || attempt > 1
      ? []
      : [{ invocation, call: `${call.service}:${call.operation}`, isSigned: functionName !== undefined }],
  );
  for (const [invocation, made] of Map.groupBy(known, (call) => call.invocation)) {
    const [step = ''] = invocation.split('#');
    const { calls: allowed = {}, instead = {}, loops = {} } = functionCalls[step] ?? {};
    // What nobody has signed is said to be of whatever invocation runs, also when a person has called.
    const isUnsigned = (call: string) => /^(infinstor|cognito):/.test(call);
    const callsUnsigned = Object.keys(allowed).some(isUnsigned);
    const own = made.filter(({ isSigned }) => isSigned || callsUnsigned);
    for (const [call, { length }] of Map.groupBy(own, (one) => one.call)) {
      const most = (allowed[call] ?? 0) + (instead[call] ?? 0);
      if (length > most && loops[call] === undefined) found.add(`${step}: ${length} ${call}, ${most} in the table`);
    }
  }
  return [...found].sort();
}

function timeoutSecondsOf(step: string): number {
  const { timeout } = v.parse(
    v.looseObject({ timeout: v.optional(v.number()) }),
    parse(read(`functions/${step}/function.yml`)),
  );
  const { provider } = v.parse(
    v.looseObject({ provider: v.looseObject({ timeout: v.number() }) }),
    parse(read('serverless.yml')),
  );
  return timeout ?? provider.timeout;
}

const machineSchema = v.looseObject({
  States: v.record(
    v.string(),
    v.looseObject({
      Type: v.string(),
      Resource: v.optional(v.unknown()),
      Parameters: v.optional(v.unknown()),
      TimeoutSeconds: v.optional(v.number()),
    }),
  ),
});

function allStates() {
  const files = readdirSync(join(root, 'statemachine')).filter((file) => file.endsWith('.asl.json'));
  return files.sort().flatMap((file) => {
    const { States } = v.parse(machineSchema, JSON.parse(read(`statemachine/${file}`)));
    return Object.entries(States).flatMap(([state, { Type, Resource, Parameters, TimeoutSeconds }]) => {
      if (Type !== 'Task') return [];
      // The function's logical id is the step's name in other letters.
      const [, name = state] = /"(\w+)","Arn"/.exec(JSON.stringify([Resource, Parameters])) ?? [];
      const step = name.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
      const timeoutMs = TimeoutSeconds === undefined ? undefined : TimeoutSeconds * 1000;
      return [{ machine: file.replace('.asl.json', ''), state, step, timeoutMs }];
    });
  });
}

const seconds = (milliseconds: number) => `${Math.ceil(milliseconds / 1000)} s`;

/** The page `docs/time-budgets.md`. */
export function budgetsPage(): string {
  const rows = budgets().map(({ step, calls, worstMs, timeoutMs, states, stop }) => {
    const listed = calls.map(({ call, times, limit, isLoop, isTogether, isInstead, isBeside }) => {
      const notes = [
        limit === 'usual' ? '' : limit,
        isLoop ? 'loop' : '',
        isTogether ? 'at the same time' : '',
        isBeside ? 'beside others' : '',
        isInstead ? 'instead' : '',
      ];
      const note = notes.filter((each) => each !== '').join(', ');
      return `${times} \`${call}\`${note === '' ? '' : ` (${note})`}`;
    });
    const of = states.map(
      (state) => `${state.machine}: ${state.timeoutMs === undefined ? 'the plan' : seconds(state.timeoutMs)}`,
    );
    const cells = [`\`${step}\``, listed.join(', '), seconds(worstMs), seconds(timeoutMs), of.join('; '), stop ?? ''];
    return `| ${cells.join(' | ')} |`;
  });
  const { connectionTimeout, requestTimeout } = clientConfig.requestHandler;
  return `# Time budgets

Generated from the code, the functions and the state machines by \`npm run draw-time-budgets\`; the calls are those of \`scripts/function-calls.ts\`, and tests hold that no invocation makes more.

For each function: the calls of one invocation, at most of each kind, whatever way it takes; the worst case, in which every one of them uses up all its tries; Lambda's timeout; and TimeoutSeconds of the states that invoke it. The worst case fits in
Lambda's timeout, and that in the state's: a test fails otherwise.

| Limit | Time | What it is |
|---|---|---|
| usual | ${seconds(limits.usual)} | ${clientConfig.maxAttempts} tries of ${seconds(connectionTimeout)} for the connection and ${seconds(requestTimeout)} for the answer, and the SDK's longest pauses between them |
| prompt | ${seconds(limits.prompt)} | the same for functions behind the HTTP API, which gives up after 30 s: ${promptConfig.maxAttempts} tries, ${seconds(promptConfig.requestHandler.connectionTimeout)} and ${seconds(promptConfig.requestHandler.requestTimeout)} |
| brisk | ${seconds(limits.brisk)} | the same for those of them that make several calls one after the other: ${seconds(briskConfig.requestHandler.requestTimeout)} for the answer |
| patient | ${seconds(limits.patient)} | ${patientConfig.maxAttempts} tries, for what cannot be had a second time |
| once | ${seconds(limits.once)} | one try, for \`PutKeyPolicy\` |
| version | ${seconds(limits.version)} | \`get_version\`, with one redirect |
| infinstor | ${seconds(limits.infinstor)} | any other call of InfinStor, without a second try |

A call *instead* is made only after another one has failed, in place of those that would have come after that. A *loop* is made again for each page, key, role or event, and is counted as often as the table says. Calls *beside others* are made while counted ones are, and take no longer. What ends a loop is in the last column: a function that Lambda ends there is repeated from its beginning, and nothing is lost.

Before a call that cannot be undone the function makes sure that the time which is left suffices for it and for the storing of its answer (\`TooLittleTime\`); before it takes the lease of a key, that it has as long as the lease is good for, ${seconds(leaseMs)} (\`KeyPolicyBusy\`). Before
\`PutKeyPolicy\` the lease must be good for that one call; credentials of another account are there already.

| Function | Calls | Worst case | Lambda | States | What ends a loop |
|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await writeFile(page, budgetsPage());
