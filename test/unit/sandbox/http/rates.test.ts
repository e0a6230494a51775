import { expect, it } from 'vitest';
import { createRates, rates } from '../../../../sandbox/http/rates.ts';
import { coverage } from '../../../../scripts/draw/coverage.ts';

it('are of operations that the sandbox has, one of each', () => {
  const { operations } = coverage();
  const known = [...operations].flatMap(([service, names]) => names.map((name) => `${service}:${name}`));
  const rated = rates.flatMap(({ service, operations: shared }) =>
    shared.map((name) => `${service === 'cognito' ? 'cognito-idp' : service}:${name}`),
  );
  expect(known).toEqual(expect.arrayContaining(rated));
  expect(rated).toEqual([...new Set(rated)]);
});

/** Rates on a clock that stands still, and how many of so many calls are taken. */
function rated() {
  let time = 0;
  const rates = createRates({ now: () => time });
  return {
    wait: (milliseconds: number) => {
      time += milliseconds;
    },
    taken: (count: number, service: string, operation: string, accountId = '111111111111', region = 'us-east-1') =>
      Array.from({ length: count }, () => rates.take(service, operation, { accountId, region })).filter(Boolean).length,
    takenFromAnybody: (count: number, service: string, operation: string) =>
      Array.from({ length: count }, () => rates.take(service, operation, undefined)).filter(Boolean).length,
  };
}

it('takes the calls of a burst, and then as many as come back with the time', () => {
  const { taken, wait } = rated();
  expect(taken(20, 'kms', 'PutKeyPolicy')).toBe(15);
  wait(200);
  expect(taken(20, 'kms', 'PutKeyPolicy')).toBe(3);
  wait(60_000);
  expect(taken(20, 'kms', 'PutKeyPolicy')).toBe(15);
  expect(taken(400, 'states', 'DescribeExecution')).toBe(300);
  wait(1_000);
  expect(taken(400, 'states', 'DescribeExecution')).toBe(15);
});

it('has them for each account and Region, and for each operation', () => {
  const { taken } = rated();
  expect(taken(20, 'kms', 'PutKeyPolicy')).toBe(15);
  expect(taken(20, 'kms', 'PutKeyPolicy', '222222222222')).toBe(15);
  expect(taken(20, 'kms', 'PutKeyPolicy', '111111111111', 'eu-central-1')).toBe(15);
  expect(taken(20, 'kms', 'GetKeyPolicy')).toBe(20);
});

it('has those of other Regions, and of IAM one for all', () => {
  const { taken } = rated();
  expect(taken(400, 'states', 'DescribeExecution', '111111111111', 'eu-central-1')).toBe(250);
  expect(taken(40, 'iam', 'GetRole')).toBe(30);
  expect(taken(40, 'iam', 'GetRole', '111111111111', 'eu-central-1')).toBe(0);
});

it('lets operations share one where AWS does', () => {
  const { taken } = rated();
  expect(taken(500, 'sts', 'AssumeRole')).toBe(500);
  expect(taken(500, 'sts', 'GetCallerIdentity')).toBe(100);
});

it('has them for calls that nobody signs, and none for what it does not know', () => {
  const { takenFromAnybody } = rated();
  expect(takenFromAnybody(200, 'cognito', 'InitiateAuth')).toBe(120);
  expect(takenFromAnybody(200, 'infinstor', 'add_subscriber')).toBe(200);
});
