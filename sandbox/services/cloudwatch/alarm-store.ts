import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError } from '../../core/operation.ts';
import {
  type CompositeAlarmSettings,
  type MetricAlarmSettings,
  ruleOf,
  type Watched,
  watchedBy,
} from './alarm-definition.ts';
import { type AlarmRule, alarmsIn, type StateValue } from './alarm-rule.ts';
import type { AlarmState } from './alarm-state.ts';

interface AlarmBase {
  readonly arn: string;
  /** When it was put last, in milliseconds since the epoch. */
  updatedAt: number;
  state: AlarmState;
  /** When it went into its state. */
  changedAt: number;
}

export interface MetricAlarm extends AlarmBase {
  kind: 'metric';
  settings: MetricAlarmSettings;
  watched: Watched;
}

export interface CompositeAlarm extends AlarmBase {
  kind: 'composite';
  settings: CompositeAlarmSettings;
  rule: AlarmRule;
  /** What has brought it into its state. */
  triggering: readonly { arn: string; value: StateValue; time: number }[];
}

export type Alarm = MetricAlarm | CompositeAlarm;

export interface AlarmStore {
  arnOf(name: string): string;
  /** Adds an alarm, or changes the settings of the one of this name, whose state stays. @throws Error for settings that AWS refuses */
  putMetricAlarm(settings: MetricAlarmSettings): void;
  /** @throws Error as above, and for alarms in its rule that do not exist */
  putCompositeAlarm(settings: CompositeAlarmSettings): void;
  has(name: string): boolean;
  /** @throws AwsError ResourceNotFound */
  alarm(nameOrArn: string): Alarm;
  find(nameOrArn: string): Alarm | undefined;
  /** Deletes an alarm, if there is one of this name. @throws Error while a composite alarm reads it */
  delete(name: string): void;
  all(): readonly Alarm[];
}

/** The alarms of an account in a Region, in the order in which they were put first. */
export function createAlarmStore({ clock, home }: { clock: Pick<Clock, 'now'>; home: AccountRegion }): AlarmStore {
  const alarms = new Map<string, Alarm>();
  const arnOf = (name: string) => `arn:aws:cloudwatch:${home.region}:${home.accountId}:alarm:${name}`;
  const nameOf = (nameOrArn: string) =>
    nameOrArn.startsWith(arnOf('')) ? nameOrArn.slice(arnOf('').length) : nameOrArn;
  const find = (nameOrArn: string) => alarms.get(nameOf(nameOrArn));

  /** The parts of an alarm of either kind; one that exists keeps its state. */
  function baseOf(name: string, kind: Alarm['kind']): AlarmBase {
    const existing = alarms.get(name);
    if (existing !== undefined && existing.kind !== kind) throw new Error(`There is an alarm of another type ${name}`);
    const { state, changedAt } = existing ?? { state: initial, changedAt: clock.now() };
    return { arn: arnOf(name), updatedAt: clock.now(), state, changedAt };
  }

  const composites = () => [...alarms.values()].flatMap((alarm) => (alarm.kind === 'composite' ? [alarm] : []));

  return {
    arnOf,
    find,
    has: (name) => alarms.has(name),
    all: () => [...alarms.values()],
    alarm(nameOrArn) {
      const alarm = find(nameOrArn);
      if (alarm !== undefined) return alarm;
      throw new AwsError('ResourceNotFound', '', 404);
    },
    putMetricAlarm(settings) {
      const { AlarmName: name } = settings;
      alarms.set(name, { kind: 'metric', ...baseOf(name, 'metric'), settings, watched: watchedBy(settings) });
    },
    putCompositeAlarm(settings) {
      const { AlarmName: name } = settings;
      const rule = ruleOf(settings);
      const missing = alarmsIn(rule).filter((each) => find(each) === undefined && nameOf(each) !== name);
      if (missing.length > 0) {
        throw new Error(
          `Could not save the composite alarm as alarms [${missing.join(', ')}] in the alarm rule do not exist`,
        );
      }
      const existing = alarms.get(name);
      const triggering = existing?.kind === 'composite' ? existing.triggering : [];
      alarms.set(name, { kind: 'composite', ...baseOf(name, 'composite'), settings, rule, triggering });
    },
    delete(name) {
      const parents = composites().filter(
        ({ rule, settings }) => settings.AlarmName !== name && alarmsIn(rule).some((each) => nameOf(each) === name),
      );
      if (parents.length > 0) {
        const names = parents.map(({ settings }) => settings.AlarmName).join(', ');
        throw new Error(`Cannot delete ${name} as there are composite alarm(s) depending on it: ${names}`);
      }
      alarms.delete(name);
    },
  };
}

/** Recorded: localstack/localstack, `test_cloudwatch.snapshot.json`. */
const initial: AlarmState = { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation' };
