import * as v from 'valibot';
import type { MetricName } from './metric-store.ts';
import { units } from './queries.ts';

/** A metric's values as a line of a log has them. */
export interface Embedded {
  metric: MetricName;
  unit: string;
  values: readonly number[];
  /** In milliseconds since the epoch. */
  time: number;
}

const key = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
const directive = v.looseObject({
  Namespace: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  Dimensions: v.pipe(v.array(v.pipe(v.array(key), v.maxLength(30))), v.minLength(1)),
  Metrics: v.pipe(
    v.array(
      v.looseObject({
        Name: key,
        Unit: v.optional(v.picklist(units), 'None'),
        StorageResolution: v.optional(v.picklist([1, 60])),
      }),
    ),
    v.maxLength(100),
  ),
});
/** CloudWatch user guide, "Specification: Embedded metric format". Other members are ignored. */
const documentSchema = v.looseObject({
  _aws: v.looseObject({ Timestamp: v.pipe(v.number(), v.integer()), CloudWatchMetrics: v.array(directive) }),
});
const dimensionValue = v.pipe(v.string(), v.minLength(1), v.maxLength(1024));
const metricValue = v.union([
  v.pipe(
    v.number(),
    v.transform((value) => [value]),
  ),
  v.pipe(v.array(v.number()), v.minLength(1), v.maxLength(100)),
]);

/**
 * The metrics in a line of a log; undefined for one that is none of the embedded metric format.
 * @throws Error for one that is, and breaks its rules: of it CloudWatch makes no metric, and counts it in EMFValidationErrors
 */
export function embeddedMetrics(line: string): Embedded[] | undefined {
  // Most lines are not even looked at.
  if (!line.includes('"CloudWatchMetrics"')) return undefined;
  const root = objectIn(line);
  if (root === undefined || !('_aws' in root)) return undefined;
  const {
    _aws: { Timestamp: time, CloudWatchMetrics: directives },
  } = v.parse(documentSchema, root);
  const target = <Schema extends v.GenericSchema>(name: string, schema: Schema): v.InferOutput<Schema> => {
    if (!Object.hasOwn(root, name)) throw new Error(`The root has no ${name}`);
    return v.parse(schema, Reflect.get(root, name));
  };
  return directives.flatMap(({ Namespace: namespace, Dimensions, Metrics }) => {
    const sets = Dimensions.map((keys) =>
      Object.fromEntries(keys.map((name) => [name, target(name, dimensionValue)] as const)),
    );
    return Metrics.flatMap(({ Name: name, Unit: unit }) => {
      const values = target(name, metricValue);
      return sets.map((dimensions) => ({ metric: { namespace, name, dimensions }, unit, values, time }));
    });
  });
}

function objectIn(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
