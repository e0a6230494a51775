import '../../../../fast-check.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  createThroughput,
  partitionOf,
  partitions,
  type Use,
  unitsPerSecond,
} from '../../../../../sandbox/services/dynamodb/throughput.ts';

const write: Use = { tableName: 'registry', partition: 0, kind: 'write' };

function setUp() {
  const time = { now: 0 };
  const throughput = createThroughput(() => time.now);
  /** Makes a call of so many units. @returns whether it was let through */
  const call = (units: number, use: Use = write): boolean => {
    if (throughput.refused([use]).length > 0) return false;
    throughput.take([{ ...use, units }]);
    return true;
  };
  return { time, throughput, call };
}

/** Calls of so many units, each so many milliseconds after the one before. */
const calls = fc.array(
  fc.record({
    wait: fc.oneof(fc.constant(0), fc.nat(400)),
    units: fc.oneof(fc.integer({ min: 1, max: 8_000 }), fc.nat(50)),
  }),
  { minLength: 1, maxLength: 60 },
);

it('lets no more through in a time than a bucket has and the time brings, and one call', () => {
  fc.assert(
    fc.property(calls, (made) => {
      const { time, call } = setUp();
      const through: { at: number; units: number }[] = [];
      for (const { wait, units } of made) {
        time.now += wait;
        if (call(units)) through.push({ at: time.now, units });
      }
      for (const [first, { at: begin }] of through.entries()) {
        let sum = 0;
        for (const { at, units } of through.slice(first)) {
          // What came before this call was less than the bucket and what the time has brought.
          expect(sum).toBeLessThan(unitsPerSecond.write * (1 + (at - begin) / 1000) + 1e-6);
          sum += units;
        }
      }
    }),
  );
});

it('lets every call through that waits until what was taken has come back', () => {
  fc.assert(
    fc.property(calls, (made) => {
      const { time, call } = setUp();
      for (const { units } of made) {
        expect(call(units)).toBe(true);
        time.now += (units / unitsPerSecond.write) * 1000 + 1;
      }
    }),
  );
});

it('takes nothing for what is refused', () => {
  const { time, call } = setUp();
  expect(call(1_500)).toBe(true);
  for (let tries = 0; tries < 100; tries += 1) expect(call(1)).toBe(false);
  time.now = 500;
  expect(call(1)).toBe(false);
  time.now = 501;
  expect(call(1)).toBe(true);
});

it('keeps reads, writes, partitions, tables and indexes apart', () => {
  const { throughput, call } = setUp();
  expect(call(5_000)).toBe(true);
  const others: Use[] = [
    { ...write, kind: 'read' },
    { ...write, partition: 1 },
    { ...write, tableName: 'another' },
    { ...write, indexName: 'by-status' },
  ];
  expect(throughput.refused([write, ...others])).toEqual([write]);
});

it('gives back what is taken by less than nothing, and no more than there can be', () => {
  const { throughput, call } = setUp();
  expect(call(1_200)).toBe(true);
  throughput.take([{ ...write, units: -1_200 }]);
  expect(call(999)).toBe(true);
  expect(call(1)).toBe(true);
  expect(call(1)).toBe(false);
});

it('puts keys into all partitions, and about as many into each', () => {
  const counts = Array.from({ length: partitions }, () => 0);
  for (let number = 0; number < 4_000; number += 1) {
    const partition = partitionOf({ S: `SUBSCRIBER#tenant-${number}` });
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(counts).toHaveLength(4);
  for (const count of counts) expect(count).toBeGreaterThan(850);
});
