import * as v from 'valibot';
import { type Expression, parseExpression } from './expression-syntax.ts';
import { evaluateExpression, type Points, type Value } from './expression-values.ts';
import { parseStatistic } from './statistics.ts';

export const units = [
  ...['Seconds', 'Microseconds', 'Milliseconds', 'Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes'],
  ...['Bits', 'Kilobits', 'Megabits', 'Gigabits', 'Terabits', 'Percent', 'Count', 'Bytes/Second'],
  ...['Kilobytes/Second', 'Megabytes/Second', 'Gigabytes/Second', 'Terabytes/Second', 'Bits/Second'],
  ...['Kilobits/Second', 'Megabits/Second', 'Gigabits/Second', 'Terabits/Second', 'Count/Second', 'None'],
] as const;

/** References to parameters of a template give strings, also where a number is meant. */
export const numeric = v.union([v.number(), v.pipe(v.string(), v.regex(/^-?\d+(?:\.\d+)?$/), v.transform(Number))]);
const positive = v.pipe(numeric, v.integer(), v.minValue(1));

export const dimensions = v.pipe(
  v.array(
    v.strictObject({
      Name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
      Value: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
    }),
  ),
  v.maxLength(30),
);
export const namespace = v.pipe(v.string(), v.minLength(1), v.maxLength(255), v.regex(/^[^:].*$/));
export const metricName = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
/** Finer metrics than those of a minute are not kept here. */
export const period = v.pipe(
  positive,
  v.check((value) => value % 60 === 0, 'Period must be a multiple of 60: the sandbox keeps metrics of a minute'),
);
export const statistic = v.pipe(
  v.string(),
  v.check((text) => parseStatistic(text) !== undefined, 'Stat must be one that the sandbox has'),
);
export const unit = v.picklist(units);
const metricStat = v.strictObject({
  Metric: v.strictObject({
    Namespace: namespace,
    MetricName: metricName,
    Dimensions: v.optional(dimensions, []),
  }),
  Period: period,
  Stat: statistic,
  Unit: v.optional(unit),
});

const flag = v.union([
  v.boolean(),
  v.pipe(
    v.picklist(['true', 'false']),
    v.transform((text) => text === 'true'),
  ),
]);

/** `MetricDataQuery` of GetMetricData and of alarms. */
export const metricDataQuery = v.pipe(
  v.strictObject({
    Id: v.pipe(v.string(), v.minLength(1), v.maxLength(255), v.regex(/^[a-z][a-zA-Z0-9_]*$/)),
    MetricStat: v.optional(metricStat),
    Expression: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(2048))),
    Label: v.optional(v.string()),
    ReturnData: v.optional(flag),
    Period: v.optional(period),
  }),
  v.check(
    ({ MetricStat, Expression }) => (MetricStat === undefined) !== (Expression === undefined),
    'A metric data query has either Expression or MetricStat',
  ),
);
export type MetricDataQuery = v.InferOutput<typeof metricDataQuery>;
export type MetricStat = v.InferOutput<typeof metricStat>;

/** What a request computes, once all of its expressions are read. */
export type Queries = readonly (MetricDataQuery & { parsed: Expression | undefined })[];

/**
 * Reads the expressions of a request, and looks whether what they refer to is there.
 * @throws Error saying what is wrong with them
 */
export function readQueries(given: readonly MetricDataQuery[]): Queries {
  const ids = given.map(({ Id }) => Id);
  const twice = ids.find((id, place) => ids.indexOf(id) < place);
  if (twice !== undefined) throw new Error(`The values for parameter id in MetricDataQueries must be unique: ${twice}`);
  const queries = given.map((query) => ({
    ...query,
    parsed: query.Expression === undefined ? undefined : parseExpression(query.Expression),
  }));
  for (const { Id } of queries) kindOf(queries, Id);
  return queries;
}

/** Whether the result of a query is a number, a time series or a list of them, which does not depend on what metrics have. */
export function kindOf(queries: Queries, id: string): Value['kind'] {
  return createValues(queries, { times: [0], pointsOf: () => new Map([[0, 1]]) })(id).kind;
}

interface Data {
  /** The times of all periods that are looked at, oldest first. */
  times: readonly number[];
  pointsOf: (metric: MetricStat) => Points;
}

/** What each id of a request is worth. Returned is a function that throws Error for an id that is not there, and for a circle. */
export function createValues(queries: Queries, { times, pointsOf }: Data): (id: string) => Value {
  const values = new Map<string, Value>();
  const underWay = new Set<string>();
  // Read when METRICS() is: most requests have none.
  let metrics: { id: string; points: Points }[] | undefined;
  const allMetrics = () =>
    queries.flatMap(({ Id, MetricStat }) => {
      const value = MetricStat === undefined ? undefined : find(Id);
      return value?.kind === 'series' ? [{ id: Id, points: value.points }] : [];
    });

  function find(id: string): Value {
    const known = values.get(id);
    if (known !== undefined) return known;
    const query = queries.find(({ Id }) => Id === id);
    if (query === undefined) throw new Error(`Invalid metrics expression: there is no ${id}`);
    if (underWay.has(id)) throw new Error(`Invalid metrics expression: ${id} refers to itself`);
    underWay.add(id);
    const value = compute(query);
    underWay.delete(id);
    values.set(id, value);
    return value;
  }

  function compute({ MetricStat, parsed }: Queries[number]): Value {
    if (MetricStat !== undefined) return { kind: 'series', points: pointsOf(MetricStat), period: MetricStat.Period };
    if (parsed === undefined) throw new Error('A metric data query has either Expression or MetricStat');
    return evaluateExpression(parsed, {
      times,
      valueOf: find,
      get metrics() {
        metrics ??= allMetrics();
        return metrics;
      },
    });
  }

  return find;
}

/** The metrics that a query reads, through expressions of expressions too; of METRICS() all. */
export function metricsOf(queries: Queries): MetricStat[] {
  return queries.flatMap(({ MetricStat }) => MetricStat ?? []);
}
