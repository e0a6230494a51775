import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { AwsError, operation } from '../../core/operation.ts';
import { alarmsIn } from './alarm-rule.ts';
import type { Alarm, AlarmStore } from './alarm-store.ts';
import { type Evaluation, nameOf } from './evaluation.ts';
import type { Points } from './expression-values.ts';
import type { MetricStore } from './metric-store.ts';
import { createValues, type MetricDataQuery, metricDataQuery, readQueries } from './queries.ts';

interface Parts {
  home: AccountRegion;
  alarms: Pick<AlarmStore, 'all' | 'alarm' | 'arnOf' | 'find'>;
  metrics: Pick<MetricStore, 'points'>;
  evaluation: Pick<Evaluation, 'setState'>;
  /** Reads what functions have logged since. */
  collect: () => void;
}

const StateValue = v.picklist(['INSUFFICIENT_DATA', 'ALARM', 'OK']);
const alarmName = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
/** AWS's pages have 50 alarms; shorter ones reveal a client that reads only the first. */
const pageSize = 10;
/** Seconds since the epoch, as JSON has times. */
const time = v.pipe(
  v.number(),
  v.transform((seconds) => seconds * 1000),
);

const describeAlarmsSchema = v.strictObject({
  AlarmNames: v.optional(v.pipe(v.array(alarmName), v.maxLength(100))),
  AlarmNamePrefix: v.optional(alarmName),
  AlarmTypes: v.optional(v.array(v.picklist(['CompositeAlarm', 'MetricAlarm']))),
  ChildrenOfAlarmName: v.optional(alarmName),
  ParentsOfAlarmName: v.optional(alarmName),
  StateValue: v.optional(StateValue),
  ActionPrefix: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1024))),
  MaxRecords: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), pageSize),
  NextToken: v.optional(v.string()),
});

const getMetricDataSchema = v.strictObject({
  MetricDataQueries: v.pipe(v.array(metricDataQuery), v.minLength(1), v.maxLength(500)),
  StartTime: time,
  EndTime: time,
  ScanBy: v.optional(v.picklist(['TimestampDescending', 'TimestampAscending']), 'TimestampDescending'),
});

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/ */
export function cloudWatchOperations({ home, alarms, metrics, evaluation, collect }: Parts) {
  const anyAlarm = `arn:aws:cloudwatch:${home.region}:${home.accountId}:alarm:*`;

  return {
    DescribeAlarms: operation(describeAlarmsSchema, {
      access: () => [{ action: 'cloudwatch:DescribeAlarms', resource: anyAlarm }],
      run(input) {
        // Composite alarms are described only when they are asked for, or named.
        const types = input.AlarmTypes ?? ['MetricAlarm'];
        const found = alarms.all().filter((alarm) => {
          const { settings, state, kind } = alarm;
          const name = settings.AlarmName;
          const isOfType = types.includes(kind === 'metric' ? 'MetricAlarm' : 'CompositeAlarm');
          return (
            isOfType &&
            (input.AlarmNames?.includes(name) ?? true) &&
            name.startsWith(input.AlarmNamePrefix ?? '') &&
            (input.StateValue === undefined || state.value === input.StateValue) &&
            (input.ActionPrefix === undefined ||
              actionsOf(alarm).some((arn) => arn.startsWith(input.ActionPrefix ?? ''))) &&
            (input.ChildrenOfAlarmName === undefined || isChild(alarms.find(input.ChildrenOfAlarmName), name)) &&
            (input.ParentsOfAlarmName === undefined || isChild(alarm, input.ParentsOfAlarmName))
          );
        });
        const sorted = found.toSorted((a, b) => (a.settings.AlarmName < b.settings.AlarmName ? -1 : 1));
        const from =
          input.NextToken === undefined
            ? 0
            : sorted.findIndex(({ settings }) => settings.AlarmName === input.NextToken);
        if (from < 0) throw new AwsError('InvalidNextToken', 'The NextToken is not valid.');
        const page = sorted.slice(from, from + input.MaxRecords);
        const next = sorted[from + input.MaxRecords];
        return {
          CompositeAlarms: page.filter(({ kind }) => kind === 'composite').map(describe),
          MetricAlarms: page.filter(({ kind }) => kind === 'metric').map(describe),
          ...(next !== undefined && { NextToken: next.settings.AlarmName }),
        };
      },
    }),

    SetAlarmState: operation(
      v.strictObject({
        AlarmName: alarmName,
        StateValue,
        StateReason: v.pipe(v.string(), v.maxLength(1023)),
        StateReasonData: v.optional(v.pipe(v.string(), v.maxLength(4000))),
      }),
      {
        access: ({ AlarmName }) => [{ action: 'cloudwatch:SetAlarmState', resource: alarms.arnOf(AlarmName) }],
        run({ AlarmName, StateValue: value, StateReason: reason, StateReasonData: reasonData }) {
          evaluation.setState(AlarmName, { value, reason, ...(reasonData !== undefined && { reasonData }) });
          return {};
        },
      },
    ),

    GetMetricData: operation(getMetricDataSchema, {
      access: () => [{ action: 'cloudwatch:GetMetricData', resource: '*' }],
      run({ MetricDataQueries, StartTime, EndTime, ScanBy }) {
        if (StartTime >= EndTime) {
          throw new AwsError('ValidationError', 'The parameter StartTime must be less than the parameter EndTime.');
        }
        collect();
        const queries = read(MetricDataQueries);
        const periods = new Set(
          MetricDataQueries.flatMap(({ MetricStat, Period }) => [MetricStat?.Period ?? [], Period ?? []].flat()),
        );
        const [period] = periods;
        if (period === undefined || periods.size > 1) {
          throw new AwsError('ValidationError', 'The sandbox takes queries that have one and the same period.');
        }
        const times = timesBetween(StartTime, EndTime, period * 1000);
        const values = createValues(queries, {
          times,
          pointsOf: (stat) =>
            metrics.points(nameOf(stat), { statistic: stat.Stat, period: stat.Period, times, unit: stat.Unit }),
        });
        const results = queries
          .filter(({ ReturnData = true }) => ReturnData)
          .flatMap((query) => {
            const value = values(query.Id);
            if (value.kind === 'scalar') return [];
            const series: readonly Points[] = value.kind === 'series' ? [value.points] : value.series;
            return series.map((points) => {
              const found = [...points].sort(([a], [b]) => (ScanBy === 'TimestampAscending' ? a - b : b - a));
              return {
                Id: query.Id,
                Label: query.Label ?? query.MetricStat?.Metric.MetricName ?? query.Id,
                Timestamps: found.map(([at]) => new Date(at)),
                Values: found.map(([, each]) => each),
                StatusCode: 'Complete',
              };
            });
          });
        return { MetricDataResults: results, Messages: [] };
      },
    }),
  };

  function isChild(parent: Alarm | undefined, name: string): boolean {
    return (
      parent?.kind === 'composite' &&
      alarmsIn(parent.rule).some((each) => alarms.find(each)?.settings.AlarmName === name)
    );
  }
}

/** Periods begin at multiples of themselves. */
function timesBetween(start: number, end: number, periodMs: number): number[] {
  const first = Math.floor(start / periodMs) * periodMs;
  return Array.from({ length: Math.ceil((end - first) / periodMs) }, (_, place) => first + place * periodMs);
}

/** @throws AwsError ValidationError */
function read(given: readonly MetricDataQuery[]) {
  try {
    return readQueries(given);
  } catch (error) {
    throw error instanceof AwsError || !(error instanceof Error)
      ? error
      : new AwsError('ValidationError', error.message);
  }
}

const actionsOf = ({ settings }: Alarm) => [
  ...settings.AlarmActions,
  ...settings.OKActions,
  ...settings.InsufficientDataActions,
];

/** An alarm as DescribeAlarms answers it: members of the request that were not there are not here either. */
function describe(alarm: Alarm): object {
  const { settings, arn, state, changedAt, updatedAt } = alarm;
  return {
    ...settings,
    AlarmArn: arn,
    AlarmConfigurationUpdatedTimestamp: new Date(updatedAt),
    StateValue: state.value,
    StateReason: state.reason,
    ...(state.reasonData !== undefined && { StateReasonData: state.reasonData }),
    StateUpdatedTimestamp: new Date(changedAt),
    StateTransitionedTimestamp: new Date(changedAt),
  };
}
