import type { AccountRegion } from '../../core/account.ts';
import type { MetricAlarmSettings } from './alarm-definition.ts';
import { type AlarmState, awsTime } from './alarm-state.ts';
import type { Alarm, MetricAlarm } from './alarm-store.ts';
import type { MetricDataQuery, MetricStat } from './queries.ts';

/** What SNS and EventBridge call Regions, as far as anybody has asked for them here; others by their codes. */
const regionNames: Readonly<Record<string, string>> = {
  'us-east-1': 'US East (N. Virginia)',
  'us-east-2': 'US East (Ohio)',
  'us-west-1': 'US West (N. California)',
  'us-west-2': 'US West (Oregon)',
  'eu-central-1': 'EU (Frankfurt)',
  'eu-west-1': 'EU (Ireland)',
};

export interface Change {
  alarm: Alarm;
  before: Pick<AlarmState, 'value' | 'reason' | 'reasonData'> & { time: number };
  home: AccountRegion;
}

/**
 * What a topic is sent when an alarm changes its state (recorded: localstack/localstack, `test_cloudwatch.snapshot.json`, of 2026 for a metric; that of a composite
 * alarm and of an expression stand in public logs of them).
 */
export function notificationOf({ alarm, before, home }: Change): { subject: string; message: string } {
  const { settings, state } = alarm;
  const region = regionNames[home.region] ?? home.region;
  const message = {
    AlarmName: settings.AlarmName,
    AlarmDescription: settings.AlarmDescription ?? null,
    ...(alarm.kind === 'composite' && { AlarmRule: alarm.settings.AlarmRule }),
    AWSAccountId: home.accountId,
    AlarmConfigurationUpdatedTimestamp: awsTime(alarm.updatedAt),
    NewStateValue: state.value,
    NewStateReason: state.reason,
    StateChangeTime: awsTime(alarm.changedAt),
    Region: region,
    AlarmArn: alarm.arn,
    OldStateValue: before.value,
    OKActions: settings.OKActions,
    AlarmActions: settings.AlarmActions,
    InsufficientDataActions: settings.InsufficientDataActions,
    ...(alarm.kind === 'metric'
      ? { Trigger: triggerOf(alarm), ActionExecutedAfterMuteWindow: false }
      : {
          TriggeringChildren: alarm.triggering.map(({ arn, value, time }) => ({
            Arn: arn,
            State: { Value: value, Timestamp: awsTime(time) },
          })),
        }),
  };
  // SNS takes no more than a hundred characters.
  return {
    subject: `${state.value}: "${settings.AlarmName}" in ${region}`.slice(0, 100),
    message: JSON.stringify(message),
  };
}

function triggerOf({ settings, watched }: MetricAlarm): object {
  const compared = {
    Period: watched.period,
    EvaluationPeriods: settings.EvaluationPeriods,
    ...(settings.DatapointsToAlarm !== undefined && { DatapointsToAlarm: settings.DatapointsToAlarm }),
    ComparisonOperator: settings.ComparisonOperator,
    Threshold: settings.Threshold,
    TreatMissingData: settings.TreatMissingData ?? '',
    EvaluateLowSampleCountPercentile: settings.EvaluateLowSampleCountPercentile ?? '',
  };
  if (settings.Metrics !== undefined) return { ...compared, Metrics: settings.Metrics.map(queryInMessage) };
  const { Statistic, ExtendedStatistic } = settings;
  return {
    MetricName: settings.MetricName,
    Namespace: settings.Namespace,
    ...(Statistic === undefined
      ? { StatisticType: 'ExtendedStatistic', ExtendedStatistic }
      : { StatisticType: 'Statistic', Statistic: Statistic.toUpperCase() }),
    Unit: settings.Unit ?? null,
    Dimensions: settings.Dimensions.map(({ Name, Value }) => ({ value: Value, name: Name })),
    ...compared,
  };
}

function queryInMessage({ Id, Expression, Label, MetricStat, ReturnData = true }: MetricDataQuery): object {
  if (MetricStat === undefined) {
    return { Expression, Id, ...(Label !== undefined && { Label }), ReturnData };
  }
  const { Metric, Period, Stat } = MetricStat;
  const dimensions = Metric.Dimensions.map(({ Name, Value }) => ({ value: Value, name: Name }));
  return {
    Id,
    ...(Label !== undefined && { Label }),
    MetricStat: { Metric: { ...Metric, Dimensions: dimensions }, Period, Stat },
    ReturnData,
  };
}

/** The event of a change of state (user guide, "Alarm events and EventBridge"). */
export function eventOf({ alarm, before }: Change) {
  const stateIn = ({ value, reason, reasonData }: AlarmState, time: number) => ({
    value,
    reason,
    ...(reasonData !== undefined && { reasonData }),
    timestamp: awsTime(time),
  });
  const { AlarmName, AlarmDescription } = alarm.settings;
  return {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    resources: [alarm.arn],
    detail: {
      alarmName: AlarmName,
      state: stateIn(alarm.state, alarm.changedAt),
      previousState: stateIn(before, before.time),
      configuration: {
        ...(AlarmDescription !== undefined && { description: AlarmDescription }),
        ...(alarm.kind === 'composite'
          ? { alarmRule: alarm.settings.AlarmRule }
          : { metrics: metricsIn(alarm.settings, alarm.watched.queries) }),
      },
    },
  };
}

function metricsIn({ Metrics }: MetricAlarmSettings, queries: readonly MetricDataQuery[]): object[] {
  return queries.map(({ Id, Expression, Label, MetricStat, ReturnData = true }) => ({
    id: Id,
    ...(Expression !== undefined && { expression: Expression }),
    ...(Label !== undefined && { label: Label }),
    ...(MetricStat !== undefined && { metricStat: statIn(MetricStat) }),
    // That of a metric that is in no list is the only one.
    returnData: Metrics === undefined || ReturnData,
  }));
}

function statIn({ Metric, Period, Stat }: MetricStat): object {
  const dimensions = Object.fromEntries(Metric.Dimensions.map(({ Name, Value }) => [Name, Value]));
  return { metric: { namespace: Metric.Namespace, name: Metric.MetricName, dimensions }, period: Period, stat: Stat };
}
