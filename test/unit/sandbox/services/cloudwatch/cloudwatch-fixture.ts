import * as v from 'valibot';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import {
  compositeAlarmSchema,
  metricAlarmSchema,
} from '../../../../../sandbox/services/cloudwatch/alarm-definition.ts';
import type { eventOf } from '../../../../../sandbox/services/cloudwatch/notification.ts';
import { createCloudWatch } from '../../../../../sandbox/services/cloudwatch/service.ts';
import { createSns } from '../../../../../sandbox/services/sns/service.ts';

export const minuteMs = 60_000;
export const topicArn = 'arn:aws:sns:us-east-1:111111111111:alarms';
export const alarmArn = (name: string) => `arn:aws:cloudwatch:us-east-1:111111111111:alarm:${name}`;

/** CloudWatch with a topic, alarms evaluated each minute, and what a function logs. */
export function setUp({ evaluates = true }: { evaluates?: boolean } = {}) {
  const clock = createClock({ skipIdle: true });
  // At a whole minute, so that a value of now is in the period that ends a minute later.
  clock.advance(minuteMs - (clock.now() % minuteMs));
  const sns = createSns({ clock });
  sns.create('alarms', { displayName: '', keyId: undefined });
  const events: ReturnType<typeof eventOf>[] = [];
  const lines: string[] = [];
  let samples = 0;
  const cloudWatch = createCloudWatch({
    ...{ clock, evaluates },
    publish: (event) => events.push(event),
    notify: (arn, content, by) => sns.publish(arn, content, by),
    newLines: () => [{ functionName: 'step', lines: lines.splice(0) }],
    sample: () => {
      samples += 1;
    },
  });
  return {
    ...{ clock, sns, events, lines, cloudWatch },
    samples: () => samples,
    /** Puts an alarm on the sum of a metric, which one value above 0 in a minute starts. */
    put(settings: object = {}) {
      cloudWatch.alarms.putMetricAlarm(v.parse(metricAlarmSchema, { ...simple, ...settings }));
    },
    putMath(settings: object) {
      const {
        Namespace: _,
        MetricName: _name,
        Dimensions: _dimensions,
        Statistic: _statistic,
        Period: _period,
        ...rest
      } = simple;
      cloudWatch.alarms.putMetricAlarm(v.parse(metricAlarmSchema, { ...rest, ...settings }));
    },
    putComposite(settings: object) {
      cloudWatch.alarms.putCompositeAlarm(v.parse(compositeAlarmSchema, { AlarmActions: [topicArn], ...settings }));
    },
    /** Lets a minute pass after a value, or without one. */
    minute(value?: number, metric = 'ExecutionsFailed') {
      if (value !== undefined) cloudWatch.meter('AWS/States', { StateMachineArn: 'm' }, { [metric]: value });
      clock.advance(minuteMs);
    },
    stateOf: (name: string) => cloudWatch.alarms.alarm(name).state,
    /** What the topic got, with the messages as JSON. */
    messages: () => sns.published(topicArn).map(({ subject, message }) => ({ subject, message: JSON.parse(message) })),
    changes: () => cloudWatch.transitions().map(({ alarmName, from, to }) => `${alarmName}: ${from} -> ${to}`),
  };
}

const simple = {
  AlarmName: 'failed',
  Namespace: 'AWS/States',
  MetricName: 'ExecutionsFailed',
  Dimensions: [{ Name: 'StateMachineArn', Value: 'm' }],
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 0,
  ComparisonOperator: 'GreaterThanThreshold',
  TreatMissingData: 'notBreaching',
  AlarmActions: [topicArn],
};

export const metric = (Id: string, MetricName: string, ReturnData = false) => ({
  Id,
  ReturnData,
  MetricStat: {
    Metric: { Namespace: 'AWS/States', MetricName, Dimensions: [{ Name: 'StateMachineArn', Value: 'm' }] },
    Period: 60,
    Stat: 'Sum',
  },
});
