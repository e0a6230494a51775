/** How often each value was reported in a minute. */
export type Counts = ReadonlyMap<number, number>;

/** A statistic of the values of a period. */
export type Statistic = (counts: Counts) => number;

const entries = (counts: Counts) => [...counts];
const count = (counts: Counts) => entries(counts).reduce((total, [, times]) => total + times, 0);
const sum = (counts: Counts) => entries(counts).reduce((total, [value, times]) => total + value * times, 0);

const named: Readonly<Record<string, Statistic>> = {
  SampleCount: count,
  Sum: sum,
  Average: (counts) => sum(counts) / count(counts),
  Minimum: (counts) => Math.min(...counts.keys()),
  Maximum: (counts) => Math.max(...counts.keys()),
};

/** The statistics that have names. */
export const statisticNames = ['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'] as const;

/**
 * The statistic of this name, or the percentile, such as `p99.9`; undefined for one that the sandbox does not have (CloudWatch user guide, "CloudWatch
 * statistics definitions"). How CloudWatch interpolates percentiles is not documented: here one is the smallest value that so many are not above.
 */
export function parseStatistic(text: string): Statistic | undefined {
  if (Object.hasOwn(named, text)) return named[text];
  const [, percent] = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/.exec(text) ?? [];
  return percent === undefined ? undefined : (counts) => percentile(counts, Number(percent));
}

function percentile(counts: Counts, percent: number): number {
  const wanted = (count(counts) * percent) / 100;
  let seen = 0;
  let last = Number.NaN;
  for (const [value, times] of entries(counts).sort(([a], [b]) => a - b)) {
    last = value;
    seen += times;
    if (seen >= wanted) break;
  }
  return last;
}

export const sampleCount: Statistic = count;
