import type { Clock } from '../../core/clock.ts';
import type { Meter } from '../../core/meter.ts';
import { parseStatistic, sampleCount } from './statistics.ts';

/** A metric by its name and all of its dimensions. */
export interface MetricName {
  namespace: string;
  name: string;
  dimensions: Readonly<Record<string, string>>;
}

/** What to compute of a metric. */
export interface Request {
  statistic: string;
  /** In seconds, whole minutes. */
  period: number;
  /** The times at which periods begin, one after the other without a gap, in milliseconds since the epoch. */
  times: readonly number[];
  /** Only what was reported in this unit. */
  unit?: string | undefined;
}

export interface MetricStore {
  /** Reports values of now, each of one metric. */
  meter: Meter;
  /** Reports values of a minute. */
  add(metric: MetricName, values: readonly number[], of: { unit: string; time: number }): void;
  /** The values of the periods that have any. */
  points(metric: MetricName, request: Request): ReadonlyMap<number, number>;
  /** How many values there are in a period that begins at a time. */
  samples(metric: MetricName, period: number, time: number): number;
  /** Every metric that has values. */
  names(): readonly MetricName[];
}

const minuteMs = 60_000;

interface Minute {
  /** Minutes since the epoch. */
  at: number;
  unit: string;
  counts: Map<number, number>;
}

/** What is known of a metric, the oldest minute first. */
interface Series {
  metric: MetricName;
  minutes: Minute[];
}

/**
 * Metrics of an account in a Region, by the minute. They are kept for ever, unlike AWS's, and can be read as soon as they are reported. Nothing is computed
 * until somebody asks: to report a value takes about a microsecond.
 */
export function createMetricStore(clock: Pick<Clock, 'now'>): MetricStore {
  const all = new Map<string, Series>();

  function seriesOf(metric: MetricName): Series {
    const key = keyOf(metric);
    const known = all.get(key);
    if (known !== undefined) return known;
    const series = { metric, minutes: [] };
    all.set(key, series);
    return series;
  }

  function add(metric: MetricName, values: readonly number[], { unit, time }: { unit: string; time: number }): void {
    const { counts } = minuteOf(seriesOf(metric).minutes, Math.floor(time / minuteMs), unit);
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  }

  return {
    add,
    meter(namespace, dimensions, values, unit = 'Count') {
      const time = clock.now();
      for (const [name, value] of Object.entries(values)) add({ namespace, name, dimensions }, [value], { unit, time });
    },
    points(metric, { statistic, period, times, unit }) {
      const compute = parseStatistic(statistic);
      if (compute === undefined) throw new Error(`The sandbox has no statistic ${statistic}`);
      const [start, end = start] = [times[0], times.at(-1)];
      const { minutes } = all.get(keyOf(metric)) ?? { minutes: [] };
      if (start === undefined || end === undefined || minutes.length === 0) return new Map();
      const found = countsByPeriod(minutes, { start, end, period, unit });
      return new Map([...found].map(([time, counts]) => [time, compute(counts)]));
    },
    samples(metric, period, time) {
      const { minutes } = all.get(keyOf(metric)) ?? { minutes: [] };
      const [counts = new Map<number, number>()] = countsByPeriod(minutes, { start: time, end: time, period }).values();
      return sampleCount(counts);
    },
    names: () => [...all.values()].map(({ metric }) => metric),
  };
}

interface Range {
  /** The first and the last time at which a period begins. */
  start: number;
  end: number;
  period: number;
  unit?: string | undefined;
}

/** What was reported in each period that has anything: as quick as there are minutes with values, however long the range is. */
function countsByPeriod(
  minutes: readonly Minute[],
  { start, end, period, unit }: Range,
): Map<number, Map<number, number>> {
  const found = new Map<number, Map<number, number>>();
  const first = Math.floor(start / minuteMs);
  const beyond = Math.floor(end / minuteMs) + period / 60;
  for (let place = placeOf(minutes, first); place < minutes.length; place += 1) {
    const minute = minutes[place];
    if (minute === undefined || minute.at >= beyond) break;
    if (unit !== undefined && minute.unit !== unit) continue;
    const time = start + Math.floor(((minute.at - first) * 60) / period) * period * 1000;
    const counts = found.get(time) ?? new Map<number, number>();
    found.set(time, counts);
    for (const [value, times] of minute.counts) counts.set(value, (counts.get(value) ?? 0) + times);
  }
  return found;
}

function keyOf({ namespace, name, dimensions }: MetricName): string {
  const pairs = Object.entries(dimensions);
  if (pairs.length > 1) pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  let key = `${namespace}\0${name}`;
  for (const [dimension, value] of pairs) key += `\0${dimension}\0${value}`;
  return key;
}

/** Where the first minute is that is not before this one. */
function placeOf(minutes: readonly Minute[], at: number): number {
  let [low, high] = [0, minutes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((minutes[middle]?.at ?? at) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function minuteOf(minutes: Minute[], at: number, unit: string): Minute {
  const last = minutes.at(-1);
  if (last?.at === at && last.unit === unit) return last;
  const place = placeOf(minutes, at);
  for (let index = place; minutes[index]?.at === at; index += 1) {
    const minute = minutes[index];
    if (minute?.unit === unit) return minute;
  }
  const minute = { at, unit, counts: new Map<number, number>() };
  minutes.splice(place, 0, minute);
  return minute;
}
