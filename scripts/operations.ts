// What is watched, as `deployment/operations.yml` has it, and what is made of it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..');

const unit = v.picklist(['Count', 'Percent', 'Seconds', 'Milliseconds']);
const text = v.pipe(v.string(), v.nonEmpty());
const texts = v.array(text);
const statistic = v.picklist(['Sum', 'Maximum', 'p50', 'p90']);
const kinds = [
  ...(['own', 'machines', 'onboarding', 'steps', 'rules', 'invokedByEvents', 'scheduledOften'] as const),
  ...(['scheduledSeldom', 'api', 'queue', 'registry'] as const),
] as const;
const graph = { of: v.picklist(kinds), metrics: v.pipe(texts, v.minLength(1)) };
/** A sentence, as it stands in messages. */
const sentence = v.pipe(v.string(), v.regex(/^[A-Z].*\.$/));

const alarmSchema = v.strictObject({
  ...graph,
  means: sentence,
  /** The heading of a section of the runbook. */
  runbook: text,
  wakes: v.boolean(),
  combine: v.optional(v.picklist(['sum', 'absent'])),
  statistic: v.picklist(['Sum', 'Maximum']),
  /** In seconds. An alarm may look a day back (CloudWatch API reference, PutMetricAlarm), and longer only with periods of an hour and more. */
  period: v.pipe(v.number(), v.multipleOf(60)),
  points: v.pipe(v.number(), v.minValue(1)),
  outOf: v.pipe(v.number(), v.minValue(1)),
  comparison: v.picklist(['>=', '>', '<']),
  threshold: v.number(),
  missing: v.picklist(['notBreaching', 'ignore', 'breaching']),
});
export type Alarm = v.InferOutput<typeof alarmSchema>;

const operationsSchema = v.strictObject({
  metrics: v.record(text, v.strictObject({ unit, from: v.pipe(texts, v.minLength(1)), fields: texts, means: text })),
  awsMetrics: v.record(
    text,
    v.strictObject({
      source: text,
      read: text,
      metrics: v.record(text, v.strictObject({ unit, dimensions: texts })),
    }),
  ),
  alarms: v.record(text, alarmSchema),
  wake: v.strictObject({ name: text, means: sentence, runbook: text }),
  dashboard: v.array(v.strictObject({ ...graph, title: text, statistics: v.array(statistic) })),
  queries: v.record(text, v.strictObject({ title: text, means: text, query: text })),
});

/** The list. @throws ValiError when it is not what it is to be */
export const operations = v.parse(
  operationsSchema,
  parse(readFileSync(join(root, 'deployment/operations.yml'), 'utf8')),
);

const resource = v.looseObject({ Type: v.string(), Properties: v.looseObject({}) });
export type Resource = v.InferOutput<typeof resource>;

const madeSchema = v.object({
  template: v.object({ Resources: v.record(v.string(), resource), Outputs: v.record(v.string(), v.unknown()) }),
});

/**
 * What of the template is made of it.
 * @param params values of params; the others are off
 * @param name the service with the stage, which osls puts in
 */
export async function operationsTemplate(
  params: Readonly<Record<string, string>>,
  name = 'infinstor-onboarding-test',
): Promise<v.InferOutput<typeof madeSchema>['template']> {
  const make = v.parse(v.function(), createRequire(import.meta.url)(join(root, 'deployment/operations.cjs')));
  const made: unknown = await make({
    resolveVariable: async (variable: string) => params[variable.slice('param:'.length)] ?? 'false',
  });
  const filledIn = JSON.stringify(made).replaceAll(`\${self:custom.name}`, name);
  return v.parse(madeSchema, JSON.parse(filledIn)).template;
}

const dimensionSchema = v.array(v.object({ Name: v.string(), Value: v.unknown() }));
const metricSchema = v.object({
  Namespace: v.string(),
  MetricName: v.string(),
  Dimensions: v.optional(dimensionSchema, []),
});
const watchingSchema = v.object({
  Metrics: v.optional(v.array(v.object({ MetricStat: v.optional(v.object({ Metric: metricSchema })) }))),
});

/** The metrics that an alarm of the template reads. */
export function metricsRead({ Properties }: Resource): v.InferOutput<typeof metricSchema>[] {
  const { Metrics } = v.parse(watchingSchema, Properties);
  if (Metrics === undefined) return [v.parse(metricSchema, Properties)];
  return Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
}
