import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, operation, type Service } from '../../core/operation.ts';
import { parseDefinition } from './definition.ts';
import { type Execution, maxPayloadBytes, type StateMachine, startExecution } from './execution.ts';
import { type HistoryEvent, maxEvents } from './history.ts';
import { createTaskTokens } from './task-tokens.ts';

interface Dependencies {
  clock: Clock;
  /** Invokes a function with the rights of the machine's role; throws LambdaError. */
  invokeLambda: (functionArn: string, event: unknown, roleArn: string) => Promise<unknown>;
  publish: (event: {
    source: string;
    'detail-type': string;
    resources: string[];
    detail: Record<string, unknown>;
  }) => void;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
}

export interface States {
  service: Service;
  createStateMachine(machine: { name: string; roleArn: string; definition: string }): string;
  executions(): readonly Execution[];
  /** @throws AwsError ExecutionDoesNotExist */
  execution(executionArn: string): Execution;
  /** Ends whatever still runs. */
  close(): void;
}

const page = {
  maxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000))),
  nextToken: v.optional(v.string()),
};
const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(80));
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html, as far as ASCII goes
const namePattern = /^[\w.+!@()='-]+$/;

/** Step Functions: state machines on the sandbox's clock, and their executions. */
export function createStates({ clock, invokeLambda, publish, home = account }: Dependencies): States {
  const arn = (type: string, name: string) => `arn:aws:states:${home.region}:${home.accountId}:${type}:${name}`;
  const machines = new Map<string, StateMachine>();
  const executions = new Map<string, Execution>();
  const tokens = createTaskTokens();

  function machineOf(stateMachineArn: string): StateMachine {
    const machine = machines.get(stateMachineArn);
    if (machine === undefined)
      throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${stateMachineArn}'`);
    return machine;
  }

  /** Looked at when read, as secrets are: an execution goes, with its name, 90 days after its end. */
  function kept(executionArn: string): Execution | undefined {
    const { stopDate } = executions.get(executionArn) ?? {};
    if (stopDate !== undefined && stopDate.getTime() + retentionMs <= clock.now()) executions.delete(executionArn);
    return executions.get(executionArn);
  }

  function executionOf(executionArn: string): Execution {
    const execution = kept(executionArn);
    if (execution === undefined)
      throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    return execution;
  }

  function onStatusChange(execution: Execution): void {
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
        input: execution.input,
        inputDetails: { included: true },
        output: execution.output ?? null,
        outputDetails: execution.output === undefined ? null : { included: true },
      },
    });
  }

  const onExecution = (action: string) => (input: { executionArn: string }) => [
    { action: `states:${action}`, resource: input.executionArn },
  ];

  /** @throws AwsError for a token that is unknown or whose task is over */
  function requireOpen(token: string): void {
    if (tokens.machineOf(token) === undefined) throw new AwsError('InvalidToken', `Invalid Token: 'Invalid token'`);
    if (!tokens.isOpen(token)) {
      throw new AwsError('TaskTimedOut', 'Task Timed Out: Provided task does not exist anymore');
    }
  }

  const service: Service = {
    name: 'states',
    protocol: 'json',
    operations: {
      ListStateMachines: operation(v.strictObject(page), {
        access: () => [{ action: 'states:ListStateMachines', resource: '*' }],
        run: (input) => {
          const [found, nextToken] = onePage([...machines.values()], input);
          return {
            stateMachines: found.map(({ stateMachineArn, name, createdAt }) => ({
              stateMachineArn,
              name,
              type: 'STANDARD',
              creationDate: createdAt,
            })),
            nextToken,
          };
        },
      }),
      DescribeStateMachine: operation(v.strictObject({ stateMachineArn: v.string() }), {
        access: ({ stateMachineArn }) => [{ action: 'states:DescribeStateMachine', resource: stateMachineArn }],
        run: ({ stateMachineArn }) => {
          const { name, roleArn, definitionText, createdAt } = machineOf(stateMachineArn);
          return {
            stateMachineArn,
            name,
            status: 'ACTIVE',
            type: 'STANDARD',
            roleArn,
            definition: definitionText,
            creationDate: createdAt,
          };
        },
      }),
      StartExecution: operation(
        v.strictObject({
          stateMachineArn: v.string(),
          name: v.optional(nameSchema),
          input: v.optional(v.pipe(v.string(), v.maxBytes(maxPayloadBytes)), '{}'),
          traceHeader: v.optional(v.string()),
        }),
        {
          access: ({ stateMachineArn }) => [{ action: 'states:StartExecution', resource: stateMachineArn }],
          run: ({ stateMachineArn, name = randomUUID(), input }) => {
            const machine = machineOf(stateMachineArn);
            if (!namePattern.test(name)) throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
            if (!isJson(input))
              throw new AwsError(
                'InvalidExecutionInput',
                `Invalid State Machine Execution Input: the input is not JSON`,
              );
            const executionArn = `${arn('execution', machine.name)}:${name}`;
            const existing = kept(executionArn);
            // Idempotent for a running execution with the same input; a closed one keeps its name for 90 days.
            if (existing?.status === 'RUNNING' && existing.input === input)
              return { executionArn, startDate: existing.startDate };
            if (existing !== undefined)
              throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
            const execution = startExecution(
              machine,
              { executionArn, name, input },
              {
                clock,
                tokens,
                invokeLambda: (functionArn, event) => invokeLambda(functionArn, event, machine.roleArn),
                onStatusChange,
              },
            );
            executions.set(executionArn, execution);
            return { executionArn, startDate: execution.startDate };
          },
        },
      ),
      DescribeExecution: operation(
        v.strictObject({
          executionArn: v.string(),
          includedData: v.optional(v.literal('ALL_DATA')),
        }),
        {
          access: onExecution('DescribeExecution'),
          run: ({ executionArn }) => {
            const execution = executionOf(executionArn);
            const { machine, name, status, startDate, stopDate, input, output, error, cause } = execution;
            const { redriveCount, redriveDate } = execution;
            const redriveStatusReason = whyNotRedrivable(execution, clock.now());
            return {
              executionArn,
              stateMachineArn: machine.stateMachineArn,
              name,
              status,
              startDate,
              stopDate,
              input,
              output,
              error,
              cause,
              redriveCount,
              redriveDate,
              redriveStatus: redriveStatusReason === undefined ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
              redriveStatusReason,
            };
          },
        },
      ),
      ListExecutions: operation(
        v.strictObject({
          stateMachineArn: v.string(),
          statusFilter: v.optional(v.picklist(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])),
          ...page,
        }),
        {
          access: ({ stateMachineArn }) => [{ action: 'states:ListExecutions', resource: stateMachineArn }],
          run: ({ stateMachineArn, statusFilter, ...input }) => {
            const machine = machineOf(stateMachineArn);
            const all = [...executions.keys()].flatMap((executionArn) => kept(executionArn) ?? []);
            const matching = all.filter(
              (execution) => execution.machine === machine && (statusFilter ?? execution.status) === execution.status,
            );
            const [found, nextToken] = onePage(matching.reverse(), input);
            return {
              executions: found.map(({ executionArn, name, status, startDate, stopDate }) => ({
                executionArn,
                stateMachineArn,
                name,
                status,
                startDate,
                stopDate,
              })),
              nextToken,
            };
          },
        },
      ),
      GetExecutionHistory: operation(
        v.strictObject({
          executionArn: v.string(),
          reverseOrder: v.optional(v.boolean(), false),
          includeExecutionData: v.optional(v.boolean(), true),
          ...page,
        }),
        {
          access: onExecution('GetExecutionHistory'),
          run: ({ executionArn, reverseOrder, includeExecutionData, ...input }) => {
            const { history } = executionOf(executionArn);
            const [events, nextToken] = onePage(reverseOrder ? history.toReversed() : history, input);
            return { events: includeExecutionData ? events : events.map(withoutData), nextToken };
          },
        },
      ),
      StopExecution: operation(
        v.strictObject({ executionArn: v.string(), error: v.optional(v.string()), cause: v.optional(v.string()) }),
        {
          access: onExecution('StopExecution'),
          run: ({ executionArn, error, cause }) => {
            const execution = executionOf(executionArn);
            if (execution.status === 'RUNNING') execution.abort({ error, cause });
            return { stopDate: execution.stopDate };
          },
        },
      ),
      RedriveExecution: operation(v.strictObject({ executionArn: v.string(), clientToken: v.optional(v.string()) }), {
        access: onExecution('RedriveExecution'),
        run: ({ executionArn }) => {
          const execution = executionOf(executionArn);
          const reason = whyNotRedrivable(execution, clock.now());
          if (reason !== undefined) throw new AwsError('ExecutionNotRedrivable', reason);
          execution.redrive();
          return { redriveDate: execution.redriveDate };
        },
      }),
      SendTaskSuccess: operation(
        v.strictObject({ taskToken: v.string(), output: v.pipe(v.string(), v.maxBytes(maxPayloadBytes)) }),
        {
          access: ({ taskToken }) => [
            { action: 'states:SendTaskSuccess', resource: tokens.machineOf(taskToken) ?? '*' },
          ],
          run: ({ taskToken, output }) => {
            if (!isJson(output)) throw new AwsError('InvalidOutput', 'Invalid Output: the output is not JSON');
            requireOpen(taskToken);
            tokens.succeed(taskToken, JSON.parse(output));
            return {};
          },
        },
      ),
      SendTaskHeartbeat: operation(v.strictObject({ taskToken: v.string() }), {
        access: ({ taskToken }) => [
          { action: 'states:SendTaskHeartbeat', resource: tokens.machineOf(taskToken) ?? '*' },
        ],
        run: ({ taskToken }) => {
          requireOpen(taskToken);
          tokens.heartbeat(taskToken);
          return {};
        },
      }),
      SendTaskFailure: operation(
        v.strictObject({
          taskToken: v.string(),
          error: v.optional(v.pipe(v.string(), v.maxLength(256)), ''),
          cause: v.optional(v.pipe(v.string(), v.maxLength(32_768)), ''),
        }),
        {
          access: ({ taskToken }) => [
            { action: 'states:SendTaskFailure', resource: tokens.machineOf(taskToken) ?? '*' },
          ],
          run: ({ taskToken, error, cause }) => {
            requireOpen(taskToken);
            tokens.fail(taskToken, { error, cause });
            return {};
          },
        },
      ),
    },
  };

  return {
    service,
    createStateMachine({ name, roleArn, definition }) {
      const stateMachineArn = arn('stateMachine', name);
      machines.set(stateMachineArn, {
        stateMachineArn,
        name,
        roleArn,
        definition: parseDefinition(definition),
        definitionText: definition,
        createdAt: new Date(clock.now()),
      });
      return stateMachineArn;
    },
    executions: () => [...executions.values()],
    execution: executionOf,
    close() {
      for (const execution of executions.values()) if (execution.status === 'RUNNING') execution.abort({});
    },
  };
}

/** One page of a list, and the token of the next one. @throws AwsError InvalidToken */
function onePage<Item>(
  items: readonly Item[],
  { maxResults, nextToken = '0' }: { maxResults?: number | undefined; nextToken?: string | undefined },
): [Item[], string | undefined] {
  if (!/^\d+$/.test(nextToken)) throw new AwsError('InvalidToken', `Invalid Token: 'Invalid token'`);
  const from = Number(nextToken);
  const to = from + (maxResults || 100);
  return [items.slice(from, to), to < items.length ? String(to) : undefined];
}

/** An event as GetExecutionHistory returns it without execution data: names, errors and causes stay. */
function withoutData(event: HistoryEvent): object {
  const isData = (field: string) => ['input', 'output', 'parameters'].includes(field);
  const members = Object.entries(event).map(([name, member]) =>
    name.endsWith('EventDetails')
      ? [name, Object.fromEntries(Object.entries(member).filter(([field]) => !isData(field)))]
      : [name, member],
  );
  return Object.fromEntries(members);
}

const day = 24 * 60 * 60 * 1000;
const retentionMs = 90 * day;
const redrivableMs = 14 * day;

/** Why an execution cannot be redriven, or undefined when it can (Step Functions developer guide, "Redriving executions"). */
function whyNotRedrivable({ status, stopDate, history }: Execution, now: number): string | undefined {
  if (status === 'RUNNING') return 'Execution is RUNNING and cannot be redriven';
  if (status === 'SUCCEEDED') return 'Execution is SUCCEEDED and cannot be redriven';
  if (history.length >= maxEvents - 1) return 'Execution has no room left in its event history';
  const age = now - (stopDate?.getTime() ?? now);
  return age > redrivableMs ? 'Execution has exceeded the redrivable period of 14 days' : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
