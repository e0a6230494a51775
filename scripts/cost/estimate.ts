// What things cost, from what was measured and the list prices. What of it is assumed stands in `assumptions`.

import { runningCosts } from '../draw/operations.ts';
import { type Measured, type RunAtScale, type Size, scheduledNames, type Use } from './measured.ts';
import { costOf } from './prices.ts';

/** What the sandbox cannot measure. The values are meant to be too high rather than too low. */
export const assumptions = {
  /** Memory of each function in GB, as serverless.yml has it. */
  memoryGb: 0.5,
  /** A function of 512 MB has that share of a processor (Lambda developer guide, "Configure Lambda function memory": one at 1,769 MB). */
  processorShare: 512 / 1769,
  /** What the start of a function takes, with that of Node; billed since August 2025. Each invocation is taken as cold. */
  startMs: 600,
  /** A call of AWS, one after the other, and one of InfinStor. */
  awsCallMs: 50,
  infinstorCallMs: 1_000,
  /** What Lambda writes to the log of each invocation: START, END and REPORT. */
  lambdaLogBytes: 500,
  lambdaLogLines: 3,
  /** What CloudWatch Logs adds to each line. */
  logLineBytes: 26,
  /** A line of the HTTP API's log. */
  apiLogBytes: 300,
  /** Of a month of 730 hours. */
  hours: 730,
  /** Events of stacks and executions reach functions that need not be counted again: they are among the invocations measured. */
  logRetentionMonths: 3,
} as const;

/** Dollars by what they are paid for. */
export type Costs = Readonly<Record<string, number>>;
export const total = (costs: Costs): number => Object.values(costs).reduce((sum, cost) => sum + cost, 0);

export const invocationsOf = ({ invocations }: Use): number =>
  Object.values(invocations).reduce((sum, times) => sum + times, 0);

/** How long functions are billed for, in seconds. */
export function billedSeconds(use: Use): number {
  const { startMs, awsCallMs, infinstorCallMs, processorShare } = assumptions;
  const waits = use.awsCalls * awsCallMs + use.infinstorCalls * infinstorCallMs;
  return (invocationsOf(use) * startMs + use.processorMs / processorShare + waits) / 1000;
}

const gigabytes = (bytes: number) => bytes / 1024 ** 3;

/** What logs cost, with the months in which they are kept. */
function logCost(bytes: number, lines: number): number {
  const size = gigabytes(bytes + lines * assumptions.logLineBytes);
  return costOf('logsIngested', size) + costOf('logsStored', size * assumptions.logRetentionMonths);
}

/** What one operation or one run costs. */
export function costOfUse(use: Use): Costs {
  const invocations = invocationsOf(use);
  const { lambdaLogBytes, lambdaLogLines, apiLogBytes, memoryGb } = assumptions;
  return {
    'state transitions': costOf('stateTransition', use.transitions),
    'Lambda requests': costOf('lambdaRequest', invocations),
    'Lambda time': costOf('lambdaGbSecond', billedSeconds(use) * memoryGb),
    DynamoDB: costOf('dynamoDbRead', use.dynamoDbReads) + costOf('dynamoDbWrite', use.dynamoDbWrites),
    'Secrets Manager calls': costOf('secretCall', use.secretCalls),
    'KMS calls': costOf('kmsCall', use.kmsCalls),
    events: costOf('event', use.events),
    'HTTP API': costOf('apiRequest', use.apiRequests),
    logs: logCost(
      use.logBytes + invocations * lambdaLogBytes + use.apiRequests * apiLogBytes,
      use.logLines + invocations * lambdaLogLines + use.apiRequests,
    ),
    // At most one for each invocation: those of an execution are one.
    traces: costOf('trace', invocations),
  };
}

const add = (one: Costs, other: Costs, times = 1): Costs => {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return Object.fromEntries(names.map((name) => [name, (one[name] ?? 0) + times * (other[name] ?? 0)]));
};

/** What a run costs beyond one over a registry with one subscriber. */
function costOfMore(run: RunAtScale, least: RunAtScale): Costs {
  const calls = Math.max(0, run.calls - least.calls + run.keys - least.keys);
  return {
    DynamoDB:
      costOf('dynamoDbRead', Math.max(0, run.reads - least.reads)) +
      costOf('dynamoDbWrite', Math.max(0, run.writes - least.writes)),
    'KMS calls': costOf('kmsCall', Math.max(0, run.keys - least.keys)),
    'Lambda time': costOf('lambdaGbSecond', (calls * assumptions.awsCallMs * assumptions.memoryGb) / 1000),
  };
}

/** What the background work costs a month. Each schedule runs as often as its rule says. */
export function backgroundCosts({ scheduled, atScale }: Measured, size: Size): Costs {
  const { hours } = assumptions;
  const runs = atScale[size];
  const least = atScale[1];
  const rates = { sweepExecutions: 12 * hours, sweepPasswords: hours, drift: hours, checkQuotas: hours };
  let costs: Costs = {};
  for (const name of scheduledNames) costs = add(costs, costOfUse(scheduled[name]), rates[name]);
  costs = add(costs, costOfMore(runs.sweep, least.sweep), 11 * hours);
  costs = add(costs, costOfMore(runs.sweepHourly, least.sweepHourly), hours);
  costs = add(costs, costOfMore(runs.drift, least.drift), hours);
  costs = add(costs, costOfMore(runs.driftDaily, least.driftDaily), hours / 24);
  costs = add(costs, costOfMore(runs.driftWeekly, least.driftWeekly), hours / (24 * 7));
  // Drift writes a line for each key.
  const keyLines = Math.max(0, runs.drift.keys - 1) * hours;
  costs = add(costs, { logs: logCost(keyLines * scheduled.drift.logBytes, keyLines) });
  // ListStacks, ListTables and ListBuckets return pages of 100, 100 and 1,000.
  const pages = Math.floor(size / 100) * 2 + Math.floor(size / 1000);
  const { awsCallMs, memoryGb } = assumptions;
  return add(costs, { 'Lambda time': costOf('lambdaGbSecond', (pages * awsCallMs * memoryGb * hours) / 1000) });
}

/** What a deployment costs a month in which nothing is asked of it. */
export async function monthlyCosts(measured: Measured, size: Size): Promise<Costs> {
  const stored = gigabytes(measured.registry.bytes * size);
  const watched = (await runningCosts()).reduce((sum, { count, price }) => sum + count * price, 0);
  return {
    "subscribers' secrets": costOf('secret', measured.operations.onboarding.secretsMade * size),
    "the superadmin's secrets": costOf('secret', 2),
    'alarms, metrics and the dashboard': watched,
    'the registry, with backup': costOf('dynamoDbStorage', stored) + costOf('dynamoDbBackup', stored),
    'sweeps, drift and the check of quotas': total(backgroundCosts(measured, size)),
  };
}

/** Which share of some costs hangs on the assumed time of functions. */
export const shareOfTime = (costs: Costs, all = total(costs)): number => (costs['Lambda time'] ?? 0) / all;
