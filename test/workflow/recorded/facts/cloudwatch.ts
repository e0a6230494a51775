import * as v from 'valibot';
import type { Sandbox } from '../../../../sandbox/boot.ts';
import { metricAlarmSchema } from '../../../../sandbox/services/cloudwatch/alarm-definition.ts';
import { answered, fact, type Recordings, refused } from '../fact.ts';

const arn = 'arn:aws:cloudwatch:us-east-1:111111111111:alarm:';
const simple = {
  ...{ Namespace: 'recorded', ComparisonOperator: 'GreaterThanThreshold', EvaluationPeriods: 1, Threshold: 30 },
  ...{ Statistic: 'Sum', Period: 60 },
};
const put = ({ cloudWatch }: Sandbox, AlarmName: string, MetricName: string) => {
  cloudWatch.alarms.putMetricAlarm(v.parse(metricAlarmSchema, { ...simple, AlarmName, MetricName }));
  return {};
};
const described = (AlarmName: string, MetricName: string) => ({
  ...simple,
  ...{ AlarmName, MetricName, AlarmArn: arn + AlarmName, ActionsEnabled: true, Dimensions: [] },
  ...{ AlarmActions: [], InsufficientDataActions: [], OKActions: [] },
  ...{ StateValue: 'INSUFFICIENT_DATA', StateReason: 'Unchecked: Initial alarm creation' },
  AlarmConfigurationUpdatedTimestamp: '<time>',
  StateTransitionedTimestamp: '<time>',
  StateUpdatedTimestamp: '<time>',
});
const alarms = (...MetricAlarms: object[]) => answered({ CompositeAlarms: [], MetricAlarms });

const sumOf = (Id: string, MetricName: string) => ({
  Id,
  MetricStat: { Metric: { Namespace: 'recorded', MetricName }, Period: 60, Stat: 'Sum' },
});
const complete = (Id: string, Label: string, Timestamps: number[], Values: number[]) => ({
  ...{ Id, Label, Timestamps, Values, StatusCode: 'Complete' },
});

/** The answers in JSON; those in the other protocols are the same. */
export const cloudwatch: Recordings = {
  service: 'cloudwatch',
  file: 'cloudwatch/test_cloudwatch.snapshot.json',
  tests: [
    {
      test: 'TestCloudwatch::test_set_alarm_invalid_input[json]',
      date: '2025-09-19',
      prepare: (sandbox) => put(sandbox, 'recorded-set', 'metric1'),
      steps: [
        fact(
          'error-invalid-state',
          'SetAlarmState',
          { AlarmName: 'recorded-set', StateValue: 'INVALID', StateReason: 'test' },
          refused(
            'ValidationError',
            "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]",
          ),
        ),
        fact(
          'error-resource-not-found',
          'SetAlarmState',
          { AlarmName: 'nonexistent', StateValue: 'OK', StateReason: 'test' },
          refused('ResourceNotFound', '', 404),
        ),
      ],
    },
    {
      test: 'TestCloudwatch::test_delete_alarm[json]',
      date: '2025-09-19',
      prepare: (sandbox) => put(sandbox, 'recorded-delete', 'metric1'),
      steps: [
        fact(
          'describe-alarm',
          'DescribeAlarms',
          { AlarmNames: ['recorded-delete'] },
          alarms(described('recorded-delete', 'metric1')),
        ),
        fact('describe-after-delete', 'DescribeAlarms', { AlarmNames: ['recorded-gone'] }, alarms()),
      ],
    },
    {
      test: 'TestCloudwatch::test_get_metric_data_for_multiple_metrics[json]',
      date: '2025-09-19',
      prepare({ cloudWatch }) {
        cloudWatch.meter('recorded', {}, { metric1: 50, metric2: 25, metric3: 55 }, 'Seconds');
        return {};
      },
      steps: [
        fact(
          'get_metric_data',
          'GetMetricData',
          {
            MetricDataQueries: [1, 2, 3].map((number) => sumOf(`result${number}`, `metric${number}`)),
          },
          answered({
            Messages: [],
            MetricDataResults: [50, 25, 55].map((value, place) => ({
              ...complete(`result${place + 1}`, `metric${place + 1}`, [], [value]),
              Timestamps: '<times>',
            })),
          }),
        ),
      ],
    },
    {
      test: 'TestCloudwatch::test_get_metric_with_no_results[json]',
      date: '2025-09-19',
      steps: [
        fact(
          'result',
          'GetMetricData',
          { MetricDataQueries: [sumOf('result', 'metric-without-values')] },
          answered({ Messages: [], MetricDataResults: [complete('result', 'metric-without-values', [], [])] }),
        ),
      ],
    },
  ],
};
