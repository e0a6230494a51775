import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Meter, noMeter } from '../../core/meter.ts';
import { AwsError } from '../../core/operation.ts';
import { parseDefinition } from './definition.ts';
import { type Execution, type StateMachine, startExecution } from './execution.ts';
import { redriveStatus } from './redrive.ts';
import type { TaskTokens } from './task-tokens.ts';

export interface Dependencies {
  clock: Clock;
  /** Invokes a function with the rights of the machine's role; throws LambdaError. */
  invokeLambda: (functionArn: string, event: unknown, machine: Invoker) => Promise<unknown>;
  /** Lets happen to a function what comes before its invocation; default: nothing. */
  thaw?: ((functionArn: string) => Promise<void>) | undefined;
  publish: (event: {
    source: string;
    'detail-type': string;
    resources: string[];
    detail: Record<string, unknown>;
  }) => void;
  home: AccountRegion;
  /** Hears of executions; default: nobody does. */
  meter?: Meter;
}

/** The machine that invokes a function, with the role that it does so with. */
export type Invoker = Pick<StateMachine, 'stateMachineArn' | 'roleArn'>;

export interface MachineDefinition {
  name: string;
  roleArn: string;
  definition: string;
  keyArn?: string | undefined;
}

export interface ExecutionStore {
  /** Returns the ARN. @throws Error for a definition with anything that the sandbox does not have, and for a name that is taken */
  add(machine: MachineDefinition): string;
  /** @throws Error as `add` does for a definition; AwsError StateMachineDoesNotExist */
  update(machine: MachineDefinition): void;
  remove(stateMachineArn: string): void;
  machines(): readonly StateMachine[];
  /** @throws AwsError StateMachineDoesNotExist, InvalidArn */
  machine(stateMachineArn: string): StateMachine;
  /**
   * Starts an execution, or returns the one of this name that runs with the same input.
   * @throws AwsError ExecutionAlreadyExists
   */
  start(machine: StateMachine, name: string, input: string): Execution;
  /** @throws AwsError ExecutionDoesNotExist, InvalidArn */
  execution(executionArn: string): Execution;
  /** Every execution that AWS would still have, oldest first. */
  kept(): Execution[];
  /** Every execution that was started, and not yet found to be too old. */
  all(): readonly Execution[];
}

/**
 * What an event may hold of inputs and outputs, in bytes, as JSON in JSON: of more, the input is left out
 * (Step Functions developer guide, "EventBridge payloads").
 */
const maxEventBytes = 248 * 1024;

const retentionMs = 90 * 24 * 60 * 60 * 1000;

/** The state machines of an account in a Region, and their executions. */
export function createExecutionStore(parts: Dependencies, tokens: TaskTokens): ExecutionStore {
  const { clock, invokeLambda, thaw, publish, home, meter = noMeter } = parts;
  const arn = (type: string, name: string) => `arn:aws:states:${home.region}:${home.accountId}:${type}:${name}`;
  const machines = new Map<string, StateMachine>();
  const executions = new Map<string, Execution>();

  /** Looked at when read, as secrets are: an execution goes, with its name, 90 days after its end. */
  function kept(executionArn: string): Execution | undefined {
    const { stopDate } = executions.get(executionArn) ?? {};
    if (stopDate !== undefined && stopDate.getTime() + retentionMs <= clock.now()) executions.delete(executionArn);
    return executions.get(executionArn);
  }

  function onStatusChange(execution: Execution): void {
    count(execution, meter);
    publish({
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      resources: [execution.executionArn],
      detail: {
        executionArn: execution.executionArn,
        stateMachineArn: execution.machine.stateMachineArn,
        name: execution.name,
        status: execution.status,
        startDate: execution.startDate.getTime(),
        stopDate: execution.stopDate?.getTime() ?? null,
        ...eventData(execution),
        stateMachineVersionArn: null,
        stateMachineAliasArn: null,
        redriveCount: execution.redriveCount,
        redriveDate: execution.redriveDate?.getTime() ?? null,
        redriveStatusReason: null,
        ...redriveStatus(execution, clock.now()),
        error: execution.error ?? null,
        cause: execution.cause ?? null,
      },
    });
  }

  function set({ name, roleArn, definition, keyArn }: MachineDefinition, createdAt: Date): string {
    const stateMachineArn = arn('stateMachine', name);
    const parsed = parseDefinition(definition);
    machines.set(stateMachineArn, {
      ...{ stateMachineArn, name, roleArn, keyArn, createdAt },
      definition: parsed,
      definitionText: definition,
    });
    return stateMachineArn;
  }

  function machineOf(stateMachineArn: string): StateMachine {
    requireArn(stateMachineArn, 'stateMachine');
    const machine = machines.get(stateMachineArn);
    if (machine !== undefined) return machine;
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${stateMachineArn}'`);
  }

  return {
    add(machine) {
      const stateMachineArn = arn('stateMachine', machine.name);
      if (machines.has(stateMachineArn)) {
        throw new AwsError('StateMachineAlreadyExists', `State Machine Already Exists: '${stateMachineArn}'`);
      }
      return set(machine, new Date(clock.now()));
    },
    // A new object: executions that run keep the one that they began with.
    update: (machine) => void set(machine, machineOf(arn('stateMachine', machine.name)).createdAt),
    remove(stateMachineArn) {
      machines.delete(stateMachineArn);
      for (const execution of executions.values()) {
        if (execution.status === 'RUNNING' && execution.machine.stateMachineArn === stateMachineArn)
          execution.abort({});
      }
    },
    machines: () => [...machines.values()],
    machine: machineOf,
    start(machine, name, input) {
      const executionArn = `${arn('execution', machine.name)}:${name}`;
      const existing = kept(executionArn);
      // Idempotent for a running execution with the same input; a closed one keeps its name for 90 days.
      if (existing?.status === 'RUNNING' && existing.input === input) return existing;
      if (existing !== undefined)
        throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
      const execution = startExecution(
        machine,
        { executionArn, name, input },
        {
          clock,
          tokens,
          invokeLambda(functionArn, event) {
            const { stateMachineArn, roleArn } = machine;
            return invokeLambda(functionArn, event, { stateMachineArn, roleArn });
          },
          thaw,
          onStatusChange,
        },
      );
      executions.set(executionArn, execution);
      return execution;
    },
    execution(executionArn) {
      requireArn(executionArn, 'execution');
      const execution = kept(executionArn);
      if (execution !== undefined) return execution;
      throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    },
    kept: () => [...executions.keys()].flatMap((executionArn) => kept(executionArn) ?? []),
    all: () => [...executions.values()],
  };
}

/**
 * What a change of its status is for the metrics of its state machine (Step Functions developer guide, "Monitoring Step Functions metrics using Amazon
 * CloudWatch"). That the end of a redriven execution counts as that of any other is assumed.
 */
function count({ machine, status, startDate, stopDate = startDate, redriveCount }: Execution, meter: Meter): void {
  const dimensions = { StateMachineArn: machine.stateMachineArn };
  if (status === 'RUNNING') {
    meter('AWS/States', dimensions, redriveCount === 0 ? { ExecutionsStarted: 1 } : { ExecutionsRedriven: 1 });
    return;
  }
  meter('AWS/States', dimensions, { [endMetrics[status]]: 1 });
  meter('AWS/States', dimensions, { ExecutionTime: stopDate.getTime() - startDate.getTime() }, 'Milliseconds');
}

const endMetrics = {
  SUCCEEDED: 'ExecutionsSucceeded',
  FAILED: 'ExecutionsFailed',
  TIMED_OUT: 'ExecutionsTimedOut',
  ABORTED: 'ExecutionsAborted',
} as const;

/** The input and the output in an event. */
function eventData({ input, output }: Execution) {
  const escapedBytes = (text = '') => Buffer.byteLength(JSON.stringify(text));
  const hasInput = escapedBytes(input) + escapedBytes(output) <= maxEventBytes;
  const hasOutput = output !== undefined && escapedBytes(output) <= maxEventBytes;
  return {
    input: hasInput ? input : null,
    inputDetails: { included: hasInput },
    output: hasOutput ? output : null,
    outputDetails: output === undefined ? null : { included: hasOutput },
  };
}

/** @throws AwsError InvalidArn for what cannot be the ARN of this type of resource */
function requireArn(arn: string, type: 'stateMachine' | 'execution'): void {
  const found = /^arn:[\w-]+:states:[\w-]+:\d{12}:(\w+):./.exec(arn)?.[1];
  if (found === type) return;
  const reason =
    found === undefined ? `Invalid ARN prefix: ${arn}` : `Resource type not valid in this context: ${found}`;
  throw new AwsError('InvalidArn', `Invalid Arn: '${reason}'`);
}
