import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Publisher } from '../sns/topic-store.ts';
import { alarmsIn, ruleHolds, type StateValue } from './alarm-rule.ts';
import { type AlarmState, awsTime, evaluateAlarm, furtherPeriods } from './alarm-state.ts';
import type { Alarm, AlarmStore, CompositeAlarm, MetricAlarm } from './alarm-store.ts';
import type { MetricName, MetricStore } from './metric-store.ts';
import { eventOf, notificationOf } from './notification.ts';
import { createValues, type MetricStat, metricsOf } from './queries.ts';

/** A change of an alarm's state, and what was done about it. */
export interface Transition {
  alarmName: string;
  from: StateValue;
  to: StateValue;
  /** In milliseconds since the epoch. */
  time: number;
  reason: string;
  /** The topics that were sent it; with why one did not take it. */
  actions: readonly { arn: string; error?: string }[];
}

export interface Evaluation {
  /** Evaluates every alarm, as CloudWatch does each minute. */
  evaluate(): void;
  /** Puts an alarm into a state, until it is evaluated next. @throws AwsError ResourceNotFound */
  setState(nameOrArn: string, state: AlarmState): void;
  /** Every change of a state so far, oldest first. */
  transitions(): readonly Transition[];
}

interface Parts {
  clock: Pick<Clock, 'now'>;
  home: AccountRegion;
  alarms: Pick<AlarmStore, 'all' | 'alarm' | 'find'>;
  metrics: Pick<MetricStore, 'points' | 'samples'>;
  /** Puts an event on the default bus. */
  publish: (event: ReturnType<typeof eventOf>) => unknown;
  /** Publishes to a topic; returns why it did not take it. */
  notify: (topicArn: string, content: { subject: string; message: string }, by: Publisher) => string | undefined;
}

const minuteMs = 60_000;
const daySeconds = 86_400;

/** A metric of a query as the store knows it. */
export const nameOf = ({ Metric: { Namespace, MetricName: name, Dimensions } }: MetricStat): MetricName => ({
  namespace: Namespace,
  name,
  dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
});

/** What evaluates alarms: those of metrics each minute, composite ones when an alarm in their rule changes. */
export function createEvaluation({ clock, home, alarms, metrics, publish, notify }: Parts): Evaluation {
  const transitions: Transition[] = [];
  /** Composite alarms that are evaluated: one that depends on itself is evaluated no further. */
  const underWay = new Set<CompositeAlarm>();
  /** Those that were evaluated with the rule that they have: from then on only changes of other alarms concern them. */
  const evaluated = new WeakSet<CompositeAlarm>();

  /** Evaluated are whole periods that end with the last whole minute, so that with each minute they slide on. */
  function evaluateMetricAlarm(alarm: MetricAlarm): void {
    const { settings, watched } = alarm;
    const { period, queries, id } = watched;
    const now = clock.now();
    const end = Math.floor(now / minuteMs) * minuteMs;
    // Those that look at more than a day are evaluated once an hour.
    if (period * settings.EvaluationPeriods > daySeconds && end % 3_600_000 !== 0) return;
    const count = settings.EvaluationPeriods + furtherPeriods;
    const times = Array.from({ length: count }, (_, place) => end - (count - place) * period * 1000);
    const values = createValues(queries, {
      times,
      pointsOf: (stat) =>
        metrics.points(nameOf(stat), { statistic: stat.Stat, period: stat.Period, times, unit: stat.Unit }),
    });
    const value = values(id);
    if (value.kind !== 'series') throw new Error(`${settings.AlarmName} watches no single time series`);
    const { points } = value;
    const stats = metricsOf(queries);
    // Whatever the alarm says of missing data (API reference, PutMetricAlarm, TreatMissingData).
    const isOfDynamoDb = stats.some(({ Metric }) => Metric.Namespace === 'AWS/DynamoDB');
    const effective = isOfDynamoDb ? { ...settings, TreatMissingData: 'ignore' as const } : settings;
    const [only] = settings.Metrics === undefined ? stats : [];
    if (only !== undefined && hasFewSamples(alarm, only, points.keys())) return;
    const state = evaluateAlarm({
      ...{ settings: effective, times, points, now, period },
      before: alarm.state.value,
      samplesAt: (time) => (only === undefined ? undefined : metrics.samples(nameOf(only), period, time)),
    });
    if (state !== undefined) become(alarm, state);
  }

  /** User guide, "Percentile-based alarms and low data samples". */
  function hasFewSamples({ settings }: MetricAlarm, stat: MetricStat, times: Iterable<number>): boolean {
    const { EvaluateLowSampleCountPercentile, ExtendedStatistic = '' } = settings;
    const [, percent] = /^p([\d.]+)$/.exec(ExtendedStatistic) ?? [];
    if (EvaluateLowSampleCountPercentile !== 'ignore' || percent === undefined) return false;
    const part = Number(percent) / 100;
    const needed = 10 / (part >= 0.5 ? 1 - part : part);
    let samples = 0;
    for (const time of times) samples += metrics.samples(nameOf(stat), stat.Period, time);
    return samples < needed;
  }

  function evaluateComposite(alarm: CompositeAlarm, changed?: Alarm): void {
    if (underWay.has(alarm)) return;
    const value = ruleHolds(alarm.rule, (each) => alarms.find(each)?.state.value) ? 'ALARM' : 'OK';
    if (alarm.state.value === value) return;
    const isNew = alarm.state.value === 'INSUFFICIENT_DATA';
    const children = alarmsIn(alarm.rule).flatMap((each) => alarms.find(each) ?? []);
    const triggers = (changed === undefined ? children : [changed]).map((each) => ({
      arn: each.arn,
      value: each.state.value,
      time: each.changedAt,
    }));
    const [trigger] = triggers;
    const reason =
      isNew || trigger === undefined
        ? `${alarm.arn} was created and its alarm rule evaluates to ${value}`
        : `${trigger.arn} transitioned to ${trigger.value} at ${longTime(trigger.time)}`;
    const reasonData = {
      triggeringAlarms: triggers.map(({ arn, value: state, time }) => ({
        arn,
        state: { value: state, timestamp: awsTime(time) },
      })),
    };
    alarm.triggering = triggers;
    underWay.add(alarm);
    try {
      become(alarm, { value, reason, reasonData: JSON.stringify(reasonData) });
    } finally {
      underWay.delete(alarm);
    }
  }

  function become(alarm: Alarm, state: AlarmState): void {
    const before = { ...alarm.state, time: alarm.changedAt };
    if (before.value === state.value) {
      // What nobody has looked at yet has no reason of its own.
      if (before.reasonData === undefined) alarm.state = state;
      return;
    }
    alarm.state = state;
    alarm.changedAt = clock.now();
    const change = { alarm, before, home };
    const { settings } = alarm;
    const actions = settings.ActionsEnabled ? actionsOn(settings, state.value) : [];
    transitions.push({
      alarmName: settings.AlarmName,
      ...{ from: before.value, to: state.value, time: alarm.changedAt, reason: state.reason },
      actions: actions.map((arn) => {
        const error = notify(arn, notificationOf(change), {
          service: 'cloudwatch.amazonaws.com',
          sourceArn: alarm.arn,
        });
        return { arn, ...(error !== undefined && { error }) };
      }),
    });
    publish(eventOf(change));
    for (const parent of alarms.all()) {
      if (parent.kind !== 'composite' || parent === alarm) continue;
      if (alarmsIn(parent.rule).some((each) => alarms.find(each) === alarm)) evaluateComposite(parent, alarm);
    }
  }

  return {
    transitions: () => transitions,
    setState: (nameOrArn, state) => become(alarms.alarm(nameOrArn), state),
    evaluate() {
      for (const alarm of alarms.all()) if (alarm.kind === 'metric') evaluateMetricAlarm(alarm);
      for (const alarm of alarms.all()) {
        if (alarm.kind !== 'composite' || evaluated.has(alarm)) continue;
        evaluated.add(alarm);
        evaluateComposite(alarm);
      }
    },
  };
}

function actionsOn(settings: Alarm['settings'], value: StateValue): readonly string[] {
  switch (value) {
    case 'ALARM':
      return settings.AlarmActions;
    case 'OK':
      return settings.OKActions;
    case 'INSUFFICIENT_DATA':
      return settings.InsufficientDataActions;
  }
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

/** `Friday 22 July, 2022 15:57:45 UTC` */
function longTime(time: number): string {
  const date = new Date(time);
  const day = String(date.getUTCDate()).padStart(2, '0');
  const clock = date.toISOString().slice(11, 19);
  return `${days[date.getUTCDay()]} ${day} ${months[date.getUTCMonth()]}, ${date.getUTCFullYear()} ${clock} UTC`;
}
