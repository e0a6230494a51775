import type { MetricAlarmSettings } from './alarm-definition.ts';
import type { StateValue } from './alarm-rule.ts';
import type { Points } from './expression-values.ts';

/** What an alarm is in, and why. */
export interface AlarmState {
  value: StateValue;
  reason: string;
  /** JSON; of states that were set by hand, and of new alarms, none. */
  reasonData?: string;
}

type Settings = Pick<
  MetricAlarmSettings,
  | 'EvaluationPeriods'
  | 'DatapointsToAlarm'
  | 'Threshold'
  | 'ComparisonOperator'
  | 'TreatMissingData'
  | 'Statistic'
  | 'Unit'
>;

/** How many periods beyond those that are evaluated CloudWatch looks back for data: two in the user guide's examples; else it is not documented. */
export const furtherPeriods = 2;

interface Evaluated {
  settings: Settings;
  /** The times at which the periods begin that are looked at, oldest first: `furtherPeriods` more than are evaluated. */
  times: readonly number[];
  points: Points;
}

type Verdict = StateValue | 'unchanged';

interface Datapoint {
  time: number;
  value: number;
  isBreaching: boolean;
}

/**
 * Which state an alarm is in, by its data (CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data"):
 * - of the periods that are looked at, the latest that have data are evaluated;
 * - where these are too few, others are filled in as `TreatMissingData` says. `missing` and `ignore` go by what is there, but do not call an alarm before
 *   the oldest data is as old as that many periods; then, or without any data, one has insufficient data and the other leaves the state as it is.
 */
export function verdictOn({ settings, times, points }: Evaluated): {
  verdict: Verdict;
  data: readonly Datapoint[];
  filled: number;
} {
  const {
    EvaluationPeriods: periods,
    DatapointsToAlarm: toAlarm = periods,
    TreatMissingData: treat = 'missing',
  } = settings;
  const found = times.flatMap((time): Datapoint[] => {
    const value = points.get(time);
    return value === undefined ? [] : [{ time, value, isBreaching: breaches(value, settings) }];
  });
  const data = found.slice(-periods);
  const missing = periods - data.length;
  const breaching = data.filter(({ isBreaching }) => isBreaching).length;
  const counted = (filled: number) => (breaching + filled >= toAlarm ? 'ALARM' : 'OK');
  if (missing === 0) return { verdict: counted(0), data, filled: 0 };
  switch (treat) {
    case 'breaching':
      return { verdict: counted(missing), data, filled: missing };
    case 'notBreaching':
      return { verdict: counted(0), data, filled: missing };
    case 'missing':
    case 'ignore': {
      const isAllBreaching = breaching === data.length;
      if (!isAllBreaching || breaching >= toAlarm) return { verdict: counted(0), data, filled: 0 };
      const oldest = data[0]?.time;
      const age = oldest === undefined ? 0 : times.length - times.indexOf(oldest);
      if (treat === 'ignore') return { verdict: 'unchanged', data, filled: 0 };
      return { verdict: age >= toAlarm ? 'ALARM' : 'INSUFFICIENT_DATA', data, filled: 0 };
    }
  }
}

function breaches(value: number, { ComparisonOperator, Threshold }: Settings): boolean {
  switch (ComparisonOperator) {
    case 'GreaterThanThreshold':
      return value > Threshold;
    case 'GreaterThanOrEqualToThreshold':
      return value >= Threshold;
    case 'LessThanThreshold':
      return value < Threshold;
    case 'LessThanOrEqualToThreshold':
      return value <= Threshold;
  }
}

const comparisons = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
} as const;

/**
 * The state of an alarm after an evaluation, with its reason in AWS's words (recorded: localstack/localstack, `test_cloudwatch.snapshot.json`; user guide,
 * "Alarm events and EventBridge"); undefined: it stays as it is.
 */
export function evaluateAlarm(
  given: Evaluated & {
    now: number;
    period: number;
    before: StateValue;
    /** How many values a period has; undefined for what is no metric. */
    samplesAt: (time: number) => number | undefined;
  },
): AlarmState | undefined {
  const { settings, now, period, before, samplesAt, times } = given;
  const { verdict, data, filled } = verdictOn(given);
  if (verdict === 'unchanged') return undefined;
  const newestFirst = data.toReversed();
  const reasonData = {
    version: '1.0',
    queryDate: awsTime(now),
    ...(data[0] !== undefined && { startDate: awsTime(data[0].time) }),
    ...(settings.Unit !== undefined && { unit: settings.Unit }),
    ...(settings.Statistic !== undefined && { statistic: settings.Statistic }),
    period,
    recentDatapoints: data.map(({ value }) => value),
    threshold: settings.Threshold,
    evaluatedDatapoints: evaluated(newestFirst, times, settings.EvaluationPeriods).map(({ time, value }) => ({
      timestamp: awsTime(time),
      ...(value !== undefined && samplesAt(time) !== undefined && { sampleCount: samplesAt(time) }),
      ...(value !== undefined && { value }),
    })),
  };
  const reason = reasonFor({ settings, verdict, before, data: newestFirst, filled });
  return { value: verdict, reason, reasonData: JSON.stringify(reasonData) };
}

/** What is evaluated, newest first: where data is missing, the latest periods without it. */
function evaluated(data: readonly Datapoint[], times: readonly number[], periods: number) {
  const without = times.toReversed().filter((time) => !data.some((each) => each.time === time));
  const filled = without.slice(0, periods - data.length).map((time) => ({ time, value: undefined }));
  return [...data, ...filled].sort((a, b) => b.time - a.time);
}

interface Reason {
  settings: Settings;
  verdict: StateValue;
  before: StateValue;
  data: readonly Datapoint[];
  filled: number;
}

function reasonFor({ settings, verdict, before, data, filled }: Reason): string {
  const { EvaluationPeriods: periods, DatapointsToAlarm, TreatMissingData: treat } = settings;
  if (verdict === 'INSUFFICIENT_DATA') {
    return `Insufficient Data: ${counted(periods - data.length, 'datapoint')} ${periods - data.length === 1 ? 'was' : 'were'} unknown.`;
  }
  const treated = treat === 'breaching' ? 'Breaching' : 'NonBreaching';
  const missing =
    filled === 0
      ? ''
      : ` and ${counted(filled, 'missing datapoint')} ${filled === 1 ? 'was' : 'were'} treated as [${treated}]`;
  const shown = data.filter(
    ({ isBreaching }) => DatapointsToAlarm === undefined || isBreaching === (verdict === 'ALARM'),
  );
  if (shown.length === 0) {
    return `Threshold Crossed: no datapoints were received for ${counted(periods - data.length, 'period')}${missing}.`;
  }
  const values = shown.map(({ value, time }) => `${double(value)} (${shortTime(time)})`).join(', ');
  const is = shown.length === 1 ? 'was' : 'were';
  const compared = `${is}${verdict === 'ALARM' ? '' : ' not'} ${comparisons[settings.ComparisonOperator]} the threshold (${double(settings.Threshold)})`;
  if (DatapointsToAlarm === undefined) {
    return `Threshold Crossed: ${counted(shown.length, 'datapoint')} [${values}] ${compared}${missing}.`;
  }
  const least = verdict === 'ALARM' ? DatapointsToAlarm : periods - DatapointsToAlarm + 1;
  const change = verdict === 'ALARM' ? 'OK -> ALARM' : 'ALARM -> OK';
  const minimum = before === verdict ? '' : ` (minimum ${counted(least, 'datapoint')} for ${change} transition)`;
  return `Threshold Crossed: ${shown.length} out of the last ${periods} datapoints [${values}] ${compared}${minimum}${missing}.`;
}

const counted = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
/** As Java writes it. */
const double = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));

/** `2019-10-02T17:04:40.985+0000` */
export const awsTime = (time: number) => new Date(time).toISOString().replace('Z', '+0000');

/** `02/10/19 16:59:00` */
function shortTime(time: number): string {
  const [date = '', clock = ''] = new Date(time).toISOString().split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  return `${day}/${month}/${year.slice(2)} ${clock.slice(0, 8)}`;
}
