import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { metricUnits } from '../../../lib/metrics.ts';
import { metricsRead, operations, operationsTemplate, type Resource } from '../../../scripts/operations.ts';

const root = join(import.meta.dirname, '../../..');
const { Resources, Outputs } = await operationsTemplate({ alarmTopic: 'own', dashboard: 'true' });
const ofType = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type);
const alarms = ofType('AWS::CloudWatch::Alarm').map((alarm) => ({ name: String(alarm.Properties.AlarmName), alarm }));
const topic = { Ref: 'AlarmTopic' };

const description = v.pipe(v.string(), v.minLength(40), v.maxLength(1024));
const alarmSchema = v.looseObject({
  AlarmName: v.string(),
  AlarmDescription: description,
  EvaluationPeriods: v.number(),
  DatapointsToAlarm: v.number(),
  Threshold: v.number(),
  ComparisonOperator: v.string(),
  TreatMissingData: v.picklist(['notBreaching', 'ignore', 'breaching']),
});
const periodSchema = v.looseObject({
  Period: v.optional(v.number()),
  Metrics: v.optional(v.array(v.looseObject({ MetricStat: v.optional(v.looseObject({ Period: v.number() })) })), []),
});

/** The periods of an alarm, in seconds: of each metric that it reads. */
function periodsOf({ Properties }: Resource): number[] {
  const { Period, Metrics } = v.parse(periodSchema, Properties);
  return [Period, ...Metrics.map(({ MetricStat }) => MetricStat?.Period)].filter((each) => each !== undefined);
}

/** The dimension sets of each metric, by namespace and name: none for those of our own. */
const known = new Map<string, readonly (readonly string[])[]>([
  ...Object.keys(operations.metrics).map((name) => [`infinstor-onboarding-test ${name}`, [[]]] as const),
  ...Object.entries(operations.awsMetrics).flatMap(([namespace, { metrics }]) =>
    Object.entries(metrics).map(([name, { dimensions }]) => {
      // DynamoDB reports a table's by the table, and an index's by both.
      const sets = dimensions.length > 1 ? [dimensions.slice(0, 1), dimensions] : [dimensions];
      return [`${namespace} ${name}`, sets] as const;
    }),
  ),
]);

describe('each alarm', () => {
  it('is one of the list', () => {
    expect(alarms.map(({ name }) => name)).toEqual(
      Object.keys(operations.alarms).map((name) => `infinstor-onboarding-test-${name}`),
    );
  });

  it.each(alarms)('$name has all that it needs', ({ alarm }) => {
    const { EvaluationPeriods, DatapointsToAlarm } = v.parse(alarmSchema, alarm.Properties);
    expect(alarm.Properties.AlarmActions).toEqual([topic]);
    expect(DatapointsToAlarm).toBeLessThanOrEqual(EvaluationPeriods);
    const periods = periodsOf(alarm);
    // All metrics of an expression have one period, and an alarm looks a day back at most.
    expect(new Set(periods).size).toBe(1);
    expect(EvaluationPeriods * (periods[0] ?? Number.NaN)).toBeLessThanOrEqual(86_400);
  });

  it.each(alarms)('$name reads metrics that something emits, by the dimensions that these have', ({ alarm }) => {
    const read = metricsRead(alarm);
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThanOrEqual(10);
    for (const { Namespace, MetricName, Dimensions } of read) {
      expect(known.get(`${Namespace} ${MetricName}`)).toContainEqual(Dimensions.map(({ Name }) => Name));
    }
  });

  it.each(alarms)('$name names a section of the runbook', ({ alarm }) => {
    const [, section = ''] = /docs\/runbook\.md, "(.+?)"/.exec(String(alarm.Properties.AlarmDescription)) ?? [];
    expect(readFileSync(join(root, 'docs/runbook.md'), 'utf8')).toContain(`\n## ${section}\n`);
  });
});

describe('the alarm that wakes', () => {
  it('is raised by each that wakes, which it names by reference', () => {
    const [wake, ...others] = ofType('AWS::CloudWatch::CompositeAlarm');
    expect(others).toEqual([]);
    const rule = JSON.stringify(wake?.Properties.AlarmRule);
    const named = [...rule.matchAll(/\$\{(\w+)\}/g)].map(([, id = '']) => String(Resources[id]?.Properties.AlarmName));
    const waking = Object.entries(operations.alarms).filter(([, { wakes }]) => wakes);
    expect(waking.length).toBeGreaterThan(3);
    expect(named).toEqual(waking.map(([name]) => `infinstor-onboarding-test-${name}`));
    expect(wake?.Properties).toMatchObject({ AlarmActions: [topic], OKActions: [topic] });
  });
});

describe('what is watched', () => {
  const machines = readdirSync(join(root, 'statemachine')).filter((file) => file.endsWith('.asl.json'));
  const dimensionsOf = (name: string) =>
    metricsRead(Resources[name] ?? { Type: '', Properties: {} }).map(({ Dimensions }) => Dimensions[0]?.Value);

  it('is every state machine', () => {
    expect(dimensionsOf('ExecutionsFailedAlarm')).toHaveLength(machines.length);
    expect(dimensionsOf('ExecutionsFailedAlarm')).toContainEqual({ Ref: 'OnboardSubscriber' });
  });

  it('is every function that a rule without a queue invokes, and each of a schedule by its rate', () => {
    const lost = dimensionsOf('InvocationsLostAlarm');
    const [often, seldom] = [dimensionsOf('SweepsAbsentAlarm'), dimensionsOf('HourlyRunsAbsentAlarm')];
    expect(lost).not.toContainEqual({ Ref: 'AcceptEventLambdaFunction' });
    for (const name of ['RecordFailure', 'ResumeOnStackEvent', 'SweepExecutions', 'DetectKeyPolicyDrift'])
      expect(lost).toContainEqual({ Ref: `${name}LambdaFunction` });
    expect(often).toContainEqual({ Ref: 'SweepExecutionsLambdaFunction' });
    expect(seldom).toContainEqual({ Ref: 'DetectKeyPolicyDriftLambdaFunction' });
    expect(lost).toEqual(expect.arrayContaining([...often, ...seldom]));
  });
});

describe("the project's metrics", () => {
  it('are those of the code, with their units', () => {
    const units = Object.entries(operations.metrics).map(([name, { unit }]) => [name, unit]);
    expect(Object.fromEntries(units)).toEqual(metricUnits);
  });

  it('are emitted by functions that know the namespace, and by no others', () => {
    const environment = v.object({ environment: v.array(v.string()) });
    const emitters = readdirSync(join(root, 'functions')).filter((step) =>
      v
        .parse(environment, parse(readFileSync(join(root, 'functions', step, 'function.yml'), 'utf8')))
        .environment.includes('METRIC_NAMESPACE'),
    );
    const listed = new Set(Object.values(operations.metrics).flatMap(({ from }) => from));
    expect([...listed].toSorted()).toEqual(emitters);
  });
});

describe('the dashboard', () => {
  const [dashboard] = ofType('AWS::CloudWatch::Dashboard');
  const { 'Fn::Sub': body } = v.parse(v.object({ 'Fn::Sub': v.string() }), dashboard?.Properties.DashboardBody);
  const widget = v.object({
    properties: v.object({ title: v.string(), metrics: v.array(v.array(v.unknown())) }),
    x: v.number(),
    y: v.number(),
  });
  const { widgets } = v.parse(v.object({ widgets: v.array(widget) }), JSON.parse(body));

  it('shows metrics that something emits, beside each other and not over each other', () => {
    expect(widgets.length).toBe(operations.dashboard.length);
    expect(new Set(widgets.map(({ x, y }) => `${x} ${y}`)).size).toBe(widgets.length);
    for (const [namespace, name] of widgets.flatMap(({ properties }) => properties.metrics))
      expect([...known.keys()]).toContain(`${namespace} ${name}`);
  });

  it('shows every metric of the project', () => {
    const shown = new Set(widgets.flatMap(({ properties }) => properties.metrics.map(([, name]) => name)));
    for (const name of Object.keys(metricUnits)) expect(shown).toContain(name);
  });

  it('is free of charge among three, by the metrics that it has', () => {
    const metrics = widgets.flatMap(({ properties }) =>
      properties.metrics.map((each) => JSON.stringify(each.slice(0, -1))),
    );
    expect(new Set(metrics).size).toBeLessThanOrEqual(50);
  });
});

describe('the saved queries', () => {
  it('are five, over the log groups of all functions', () => {
    const queries = ofType('AWS::Logs::QueryDefinition');
    expect(queries).toHaveLength(5);
    const steps = readdirSync(join(root, 'functions'));
    for (const { Properties } of queries) expect(Properties.LogGroupNames).toHaveLength(steps.length);
  });
});

describe('the params', () => {
  it('give alarms another topic', async () => {
    const arn = 'arn:aws:sns:us-east-1:111111111111:operations';
    const { Resources: given, ...others } = await operationsTemplate({ alarmTopic: arn });
    expect(given.AlarmTopic).toBeUndefined();
    expect(given.ApiErrorsAlarm?.Properties).toMatchObject({ AlarmActions: [arn] });
    expect(others.Outputs).toEqual({ AlarmTopicArn: { Value: arn } });
    expect(Outputs).toEqual({ AlarmTopicArn: { Value: topic } });
  });

  it('switch alarms off, and dashboard and queries', async () => {
    expect(await operationsTemplate({ alarmTopic: 'none' })).toEqual({ Resources: {}, Outputs: {} });
  });
});
