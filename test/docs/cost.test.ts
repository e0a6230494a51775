import * as v from 'valibot';
import { expect, it } from 'vitest';
import { assumptions, costOfUse, monthlyCosts, total } from '../../scripts/cost/estimate.ts';
import { measured, sizes } from '../../scripts/cost/measured.ts';
import { prices } from '../../scripts/cost/prices.ts';
import { costPage } from '../../scripts/draw/cost.ts';
import { read } from './documents.ts';

it('docs/cost.md is what `npm run draw-cost` writes', async () => {
  expect(read('docs/cost.md')).toBe(await costPage());
});

it('an onboarding costs what its transitions, requests, calls and time cost', () => {
  const { onboarding } = measured().operations;
  const { 'Lambda time': time = 0, ...costs } = costOfUse({
    ...onboarding,
    ...{ transitions: 10, invocations: { one: 4, two: 1 }, dynamoDbReads: 8, dynamoDbWrites: 2, secretCalls: 3 },
    ...{ kmsCalls: 1, events: 1, apiRequests: 0, awsCalls: 10, infinstorCalls: 1, processorMs: 0 },
  });
  expect(costs).toMatchObject({
    'state transitions': 10 * 0.000025,
    'Lambda requests': 5 * 0.0000002,
    DynamoDB: 8 * 0.000000125 + 2 * 0.000000625,
    'KMS calls': 0.000003,
    events: 0.000001,
  });
  // Five starts, ten calls of AWS and one of InfinStor, at half a gigabyte.
  expect(time).toBeCloseTo((5 * 0.6 + 10 * 0.05 + 1) * 0.5 * 0.0000133334, 12);
});

it('a month costs more with more subscribers, and most of it their secrets', async () => {
  const months = await Promise.all(sizes.map((size) => monthlyCosts(measured(), size)));
  const totals = months.map(total);
  expect(totals.toSorted((one, other) => one - other)).toEqual(totals);
  expect(months.map((costs) => costs["subscribers' secrets"])).toEqual(sizes.map((size) => size * prices.secret.price));
});

const machineSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ States: v.record(v.string(), v.looseObject({ Type: v.string(), Resource: v.optional(v.unknown()) })) }),
);

it.each([
  ['onboarding', 'onboard-subscriber'],
  ['onboardingWithKeys', 'onboard-subscriber'],
  ['update', 'update-subscriber'],
  ['addedUser', 'add-user'],
  ['upgrade', 'upgrade-subscriber'],
  ['offboarding', 'offboard-subscriber'],
] as const)('%s was measured with the functions that %s has now', (name, machine) => {
  const { States } = v.parse(machineSchema, read(`statemachine/${machine}.asl.json`));
  const tasks = Object.values(States).filter(({ Type }) => Type === 'Task');
  const named = tasks.flatMap(({ Resource, Parameters }) => {
    const [, id = ''] = /"Fn::GetAtt":\["(\w+)","Arn"\]/.exec(JSON.stringify([Resource, Parameters])) ?? [];
    return id.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  });
  // Only an upgrade that replaces the role has this step.
  const usual = named.filter((step) => machine !== 'upgrade-subscriber' || step !== 'withdraw-grants');
  const { transitions, invocations } = measured().operations[name];
  expect(Object.keys(invocations)).toEqual(expect.arrayContaining(usual));
  expect(transitions).toBeGreaterThanOrEqual(new Set(usual).size);
});

it('the memory of functions and the rates of schedules are as they are deployed', () => {
  expect(read('serverless.yml')).toContain(`memorySize: ${assumptions.memoryGb * 1024}\n`);
  const rates = ['sweep-executions', 'sweep-passwords', 'detect-key-policy-drift', 'check-quotas'].map(
    (step) => /ScheduleExpression: rate\((\d+) minutes\)/.exec(read(`functions/${step}/resources.yml`))?.[1],
  );
  expect(rates).toEqual(['5', '60', '60', '60']);
});
