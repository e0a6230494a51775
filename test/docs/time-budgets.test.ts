import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { budgets, budgetsPage, overBudget } from '../../scripts/time-budgets.ts';
import { read } from './documents.ts';

const all = budgets();
// plan-request has no effect, and may go on when API Gateway has given it up.
const behindApi = [
  ...['delete-subscriber', 'get-health', 'get-key', 'get-openapi', 'get-quotas', 'get-subscriber', 'list-subscribers'],
  ...['patch-subscriber', 'post-retry', 'post-subscribers', 'post-users'],
];

describe('the time budgets', () => {
  it('are those of all functions', () => {
    const steps = readdirSync(join(import.meta.dirname, '../../functions'));
    expect(all.map(({ step }) => step)).toEqual(steps.toSorted());
  });

  it('stand in docs/time-budgets.md as `npm run draw-time-budgets` writes it', () => {
    expect(read('docs/time-budgets.md')).toBe(budgetsPage());
  });

  it.each(all)('of $step: the worst case fits in the time that Lambda gives it', ({ calls, worstMs, timeoutMs }) => {
    expect(worstMs > 0).toBe(calls.length > 0);
    expect(worstMs).toBeLessThan(timeoutMs);
    // Lambda gives no more.
    expect(timeoutMs).toBeLessThanOrEqual(900_000);
  });

  it.each(all)('of $step: that time fits in each of its states', ({ timeoutMs, states }) => {
    for (const state of states) if (state.timeoutMs !== undefined) expect(timeoutMs).toBeLessThan(state.timeoutMs);
    // A state that waits for a stack is entered again.
    const unlimited = states.filter((state) => state.timeoutMs === undefined);
    expect(unlimited.every(({ state }) => state === 'WaitForStack')).toBe(true);
  });

  it('have each Task state', () => {
    const machines = readdirSync(join(import.meta.dirname, '../../statemachine'));
    const tasks = machines.flatMap((file) => [...read(`statemachine/${file}`).matchAll(/"Type": "Task"/g)]);
    expect(all.flatMap(({ states }) => states)).toHaveLength(tasks.length);
  });

  it.each(all.filter(({ step }) => behindApi.includes(step)))(
    'of $step: API Gateway waits so long',
    ({ timeoutMs }) => {
      expect(timeoutMs).toBeLessThan(30_000);
    },
  );

  it.each(all)('of $step: say what ends a loop, where there is one', ({ calls, stop }) => {
    expect(stop !== undefined).toBe(calls.some(({ isLoop }) => isLoop));
  });
});

describe('calls that were made', () => {
  const call = {
    service: 'secretsmanager',
    operation: 'GetSecretValue',
    functionName: 'onboarding-obtain-token',
    invocation: 'obtain-token#1',
    attempt: 1,
  };

  it('are compared with the table, an invocation at a time', () => {
    expect(overBudget([call, call, { ...call, invocation: 'obtain-token#2' }])).toEqual([]);
    expect(overBudget([call, call, call])).toEqual(['obtain-token: 3 secretsmanager:GetSecretValue, 2 in the table']);
    expect(overBudget([{ ...call, operation: 'ListSecrets' }])).toEqual([
      'obtain-token: 1 secretsmanager:ListSecrets, 0 in the table',
    ]);
  });

  it('do not count as further tries, as unknown callers, or in a loop', () => {
    expect(overBudget([call, call, { ...call, attempt: 2 }, { ...call, invocation: undefined }])).toEqual([]);
    const page = {
      service: 'cloudformation',
      operation: 'ListStackResources',
      functionName: 'onboarding-read-role-arn',
      invocation: 'read-role-arn#1',
      attempt: 1,
    };
    expect(overBudget(Array(40).fill(page))).toEqual([]);
  });
});
