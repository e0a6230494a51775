import * as v from 'valibot';
import { type AlarmRule, parseAlarmRule } from './alarm-rule.ts';
import {
  dimensions,
  kindOf,
  type MetricDataQuery,
  metricDataQuery,
  metricName,
  metricsOf,
  namespace,
  numeric,
  period,
  type Queries,
  readQueries,
  statistic,
  unit,
} from './queries.ts';
import { statisticNames } from './statistics.ts';

const actions = v.optional(v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(1024))), v.maxLength(5)), []);
const common = {
  AlarmName: v.pipe(v.string(), v.minLength(1), v.maxLength(255), v.regex(/^[^\p{Cc}]+$/u)),
  AlarmDescription: v.optional(v.pipe(v.string(), v.maxLength(1024))),
  ActionsEnabled: v.optional(v.boolean(), true),
  AlarmActions: actions,
  OKActions: actions,
  InsufficientDataActions: actions,
};
const count = v.pipe(numeric, v.integer(), v.minValue(1));

/** What PutMetricAlarm takes, but for tags and alarms of anomaly detection and PromQL. */
export const metricAlarmSchema = v.strictObject({
  ...common,
  MetricName: v.optional(metricName),
  Namespace: v.optional(namespace),
  Dimensions: v.optional(dimensions, []),
  Period: v.optional(period),
  Statistic: v.optional(v.picklist(statisticNames)),
  ExtendedStatistic: v.optional(statistic),
  Unit: v.optional(unit),
  Metrics: v.optional(v.array(metricDataQuery)),
  EvaluationPeriods: count,
  DatapointsToAlarm: v.optional(count),
  Threshold: numeric,
  ComparisonOperator: v.picklist([
    'GreaterThanOrEqualToThreshold',
    'GreaterThanThreshold',
    'LessThanThreshold',
    'LessThanOrEqualToThreshold',
  ]),
  TreatMissingData: v.optional(v.picklist(['breaching', 'notBreaching', 'ignore', 'missing'])),
  EvaluateLowSampleCountPercentile: v.optional(v.picklist(['evaluate', 'ignore'])),
});
export type MetricAlarmSettings = v.InferOutput<typeof metricAlarmSchema>;

/** What PutCompositeAlarm takes, but for tags and a suppressor of actions. */
export const compositeAlarmSchema = v.strictObject({
  ...common,
  AlarmRule: v.pipe(v.string(), v.minLength(1), v.maxLength(10_240)),
});
export type CompositeAlarmSettings = v.InferOutput<typeof compositeAlarmSchema>;

/** What an alarm watches: a series of values, each of a period. */
export interface Watched {
  queries: Queries;
  /** Of the query whose result is watched. */
  id: string;
  /** In seconds. */
  period: number;
}

/** The same as with one query, which AWS makes of a metric that is not in a list. */
const ofMetric = 'm1';
const most = { metrics: 10, shortSeconds: 86_400, seconds: 604_800, hour: 3_600 };

/**
 * What an alarm watches, by the rules of PutMetricAlarm that do not concern one member alone.
 * @throws Error in words that begin as AWS's, where these are known
 */
export function watchedBy(alarm: MetricAlarmSettings): Watched {
  const { EvaluationPeriods: periods, DatapointsToAlarm: datapoints = periods } = alarm;
  if (datapoints > periods) throw new Error('DatapointsToAlarm must be less than or equal to EvaluationPeriods');
  const watched = alarm.Metrics === undefined ? metricOf(alarm) : expressionOf(alarm, alarm.Metrics);
  const seconds = watched.period * periods;
  if (watched.period < most.hour && seconds > most.shortSeconds) {
    throw new Error('Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).');
  }
  if (seconds > most.seconds) {
    throw new Error(
      'Metrics cannot be checked across more than 7 days (EvaluationPeriods * Period must be <= 604800).',
    );
  }
  return watched;
}

function metricOf(alarm: MetricAlarmSettings): Watched {
  const { MetricName, Namespace, Dimensions, Period, Statistic, ExtendedStatistic, Unit } = alarm;
  if (MetricName === undefined || Namespace === undefined || Period === undefined) {
    throw new Error('An alarm without Metrics needs MetricName, Namespace and Period');
  }
  const Stat = Statistic ?? ExtendedStatistic;
  if (Stat === undefined || (Statistic !== undefined && ExtendedStatistic !== undefined)) {
    throw new Error('Exactly one of Statistic and ExtendedStatistic must be specified');
  }
  const MetricStat = { Metric: { Namespace, MetricName, Dimensions }, Period, Stat, Unit };
  return { queries: readQueries([{ Id: ofMetric, MetricStat }]), id: ofMetric, period: Period };
}

function expressionOf(alarm: MetricAlarmSettings, metrics: readonly MetricDataQuery[]): Watched {
  const { MetricName, Namespace, Dimensions, Period, Statistic, ExtendedStatistic, Unit } = alarm;
  const others = [MetricName, Namespace, Period, Statistic, ExtendedStatistic, Unit];
  if (Dimensions.length > 0 || others.some((member) => member !== undefined)) {
    throw new Error('An alarm with Metrics cannot have MetricName, Namespace, Dimensions, Period, Unit or a statistic');
  }
  const queries = readQueries(metrics);
  // What is not said is true.
  const [returned, ...more] = queries.filter(({ ReturnData = true }) => ReturnData);
  if (returned === undefined || more.length > 0) {
    throw new Error('Exactly one element of Metrics must have ReturnData true, which it is unless it is false');
  }
  const stats = metricsOf(queries);
  if (stats.length === 0) throw new Error('An alarm needs at least one metric');
  if (stats.length > most.metrics) throw new Error(`An alarm may have ${most.metrics} metrics at most`);
  const periods = new Set(
    [...stats, ...queries.filter((query) => query.Period !== undefined)].map((each) => each.Period),
  );
  const [first] = periods;
  if (first === undefined || periods.size > 1) throw new Error('All metrics of an alarm must have the same period');
  if (kindOf(queries, returned.Id) !== 'series')
    throw new Error('The expression of an alarm must be a single time series');
  return { queries, id: returned.Id, period: first };
}

/** The rule of a composite alarm. @throws Error for one that is not valid */
export const ruleOf = ({ AlarmRule: text }: CompositeAlarmSettings): AlarmRule => parseAlarmRule(text);
