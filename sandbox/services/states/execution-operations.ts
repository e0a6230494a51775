import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { AwsError, type Caller, operation } from '../../core/operation.ts';
import type { ExecutionStore, Invoker } from './execution-store.ts';
import type { HistoryEvent } from './history.ts';
import { isJson, maxPayloadBytes } from './json.ts';
import type { StatesKeyUse } from './key-use.ts';
import { onePage, page } from './pages.ts';
import { redriveStatus, whyNotRedrivable } from './redrive.ts';

const nameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(80));
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html, as far as ASCII goes
const namePattern = /^[\w.+!@()='-]+$/;

// Only the children of a Map Run, which the sandbox does not have, are ever pending; it is no wrong value nevertheless.
const statuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'] as const;

interface Parts {
  now: () => number;
  requireKey: StatesKeyUse;
  /** The role of a machine, as Step Functions has it. */
  callerOf: (machine: Invoker) => Caller | undefined;
}

/** The operations on executions. */
export function executionOperations(store: ExecutionStore, { now, requireKey, callerOf }: Parts) {
  const onExecution = (action: string) => (input: { executionArn: string }) => [
    { action: `states:${action}`, resource: input.executionArn },
  ];

  return {
    StartExecution: operation(
      v.strictObject({
        stateMachineArn: v.string(),
        name: v.optional(nameSchema),
        input: v.optional(v.pipe(v.string(), v.maxBytes(maxPayloadBytes)), '{}'),
        traceHeader: v.optional(v.string()),
      }),
      {
        access: ({ stateMachineArn }) => [{ action: 'states:StartExecution', resource: stateMachineArn }],
        run: ({ stateMachineArn, name = randomUUID(), input }, caller) => {
          const machine = store.machine(stateMachineArn);
          if (!namePattern.test(name)) throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
          if (!isJson(input)) {
            const reason = input === '' ? 'Invalid execution input.' : 'the input is not JSON';
            throw new AwsError('InvalidExecutionInput', `Invalid State Machine Execution Input: '${reason}'`);
          }
          requireKey(caller, machine, 'write');
          // The execution goes on with the machine's role.
          const role = callerOf(machine);
          if (role !== undefined) requireKey(role, machine, 'write');
          const { executionArn, startDate } = store.start(machine, name, input);
          return { executionArn, startDate };
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
        run: ({ executionArn }, caller) => {
          const execution = store.execution(executionArn);
          requireKey(caller, execution.machine, 'read');
          const { machine, name, status, startDate, stopDate, input, output, error, cause } = execution;
          const { redriveCount, redriveDate } = execution;
          return {
            executionArn,
            stateMachineArn: machine.stateMachineArn,
            name,
            status,
            startDate,
            stopDate,
            input,
            inputDetails: { included: true },
            output,
            outputDetails: output === undefined ? undefined : { included: true },
            error,
            cause,
            redriveCount,
            redriveDate,
            ...redriveStatus(execution, now()),
          };
        },
      },
    ),
    ListExecutions: operation(
      v.strictObject({
        stateMachineArn: v.string(),
        statusFilter: v.optional(v.picklist(statuses)),
        ...page,
      }),
      {
        access: ({ stateMachineArn }) => [{ action: 'states:ListExecutions', resource: stateMachineArn }],
        run: ({ stateMachineArn, statusFilter, ...input }) => {
          const machine = store.machine(stateMachineArn);
          const matching = store
            .kept()
            .filter(
              (execution) => execution.machine === machine && (statusFilter ?? execution.status) === execution.status,
            );
          const [found, nextToken] = onePage(matching.reverse(), input);
          return {
            executions: found.map(({ executionArn, name, status, startDate, stopDate, redriveCount, redriveDate }) => ({
              executionArn,
              stateMachineArn,
              name,
              status,
              startDate,
              stopDate,
              redriveCount,
              redriveDate,
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
        run: ({ executionArn, reverseOrder, includeExecutionData, ...input }, caller) => {
          const { history, machine } = store.execution(executionArn);
          requireKey(caller, machine, 'read');
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
          const execution = store.execution(executionArn);
          if (execution.status === 'RUNNING') execution.abort({ error, cause });
          return { stopDate: execution.stopDate };
        },
      },
    ),
    RedriveExecution: operation(v.strictObject({ executionArn: v.string(), clientToken: v.optional(v.string()) }), {
      access: onExecution('RedriveExecution'),
      run: ({ executionArn }) => {
        const execution = store.execution(executionArn);
        const reason = whyNotRedrivable(execution, now());
        if (reason !== undefined) throw new AwsError('ExecutionNotRedrivable', reason);
        execution.redrive();
        return { redriveDate: execution.redriveDate };
      },
    }),
  };
}

/** An event as GetExecutionHistory returns it without execution data: names, errors and causes stay. */
function withoutData(event: HistoryEvent): object {
  const isData = (field: string) => ['input', 'inputDetails', 'output', 'outputDetails', 'parameters'].includes(field);
  const members = Object.entries(event).map(([name, member]) =>
    name.endsWith('EventDetails')
      ? [name, Object.fromEntries(Object.entries(member).filter(([field]) => !isData(field)))]
      : [name, member],
  );
  return Object.fromEntries(members);
}
