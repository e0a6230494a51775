import * as v from 'valibot';

/** What a function needs to emit metrics. */
export const metricsEnvironment = {
  /** The namespace of the deployment's own metrics. */
  METRIC_NAMESPACE: v.pipe(v.string(), v.nonEmpty()),
};

/** The project's own metrics. `deployment/operations.yml` says what each means, and reads them in alarms and on the dashboard. */
export const metricUnits = {
  KeyPolicyDrift: 'Count',
  KeyRoomUsed: 'Percent',
  KeyPolicyWrites: 'Count',
  StackWait: 'Seconds',
  InfinStorUnavailable: 'Count',
  LoginsPaused: 'Count',
  QuotaUsed: 'Percent',
} as const;

export type Metric = keyof typeof metricUnits;

/** Emits a value of a metric. The fields say what it is of, in the log alone: names and ARNs, and nothing secret. */
export type EmitMetric = (metric: Metric, value: number, fields: Readonly<Record<string, string>>) => void;

/**
 * Emits metrics by lines of the function's log in CloudWatch's embedded metric format (CloudWatch user guide, "Specification: Embedded
 * metric format"). They have no dimension, since each combination of values would be a metric of its own, which is paid for.
 *
 * By hand, since @aws-lambda-powertools/metrics adds 12 KB to a bundle that has no room for them.
 */
export function metricsIn(namespace: string): EmitMetric {
  return (metric, value, fields) => {
    const Metrics = [{ Name: metric, Unit: metricUnits[metric] }];
    const line = {
      _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[]], Metrics }] },
      ...fields,
      [metric]: value,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
}
