import { randomUUID } from 'node:crypto';
import type { AccountRegion } from '../../core/account.ts';
import { type Clock, isoSeconds } from '../../core/clock.ts';
import { type Faults, faultEvents } from '../../core/faults.ts';
import { type Meter, noMeter } from '../../core/meter.ts';
import { AwsError, type PolicyDocument } from '../../core/operation.ts';
import { compileEventPattern } from './event-pattern.ts';

/** An event as its targets receive it. */
export interface Event {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  time: string;
  region: string;
  resources: readonly string[];
  detail: object;
}

export interface NewEvent {
  source: string;
  'detail-type': string;
  detail: object;
  resources?: readonly string[];
  account?: string;
  region?: string;
  /** In milliseconds since the epoch; default: now. */
  time?: number;
}

export interface NewRule {
  name: string;
  /** The name of its bus. */
  bus: string;
  eventPattern: object;
  /** In place of the pattern, `rate(5 minutes)`. */
  scheduleExpression?: string;
  enabled: boolean;
  /** A target that is a bus is called with a role. */
  targets: readonly { id: string; arn: string; roleArn?: string }[];
}

/** Who hands an event to a target: a rule, for some targets with a role. */
export interface Deliverer {
  ruleArn: string;
  roleArn?: string;
}

/** What a rule is found by. */
export type RuleName = Pick<NewRule, 'name' | 'bus'>;

/** The buses and rules of an account in a Region; `Events` says what the other methods do. */
export interface BusStore {
  /** @throws AwsError InvalidEventPatternException */
  addRule(rule: NewRule): void;
  addSchedule(schedule: Omit<NewRule, 'eventPattern' | 'bus'> & { scheduleExpression: string }): void;
  deleteRule(rule: RuleName): void;
  /** @throws AwsError ResourceNotFoundException */
  rule(name: RuleName): NewRule;
  /** The rules of a bus, in the order in which they were added. @throws AwsError ResourceNotFoundException for a bus that does not exist */
  rulesOf(bus: string): readonly NewRule[];
  ruleArn(rule: RuleName): string;
  addBus(name: string): string;
  deleteBus(name: string): void;
  busArn(name: string): string;
  setBusPolicy(bus: string, policy: PolicyDocument): void;
  removeBusPolicy(bus: string): void;
  busPolicy(bus: string): PolicyDocument | undefined;
  /** Puts an event on a bus. One for a bus that does not exist is accepted, and matches nothing. */
  publish(event: NewEvent, bus: string): Event;
  receive(event: Event, bus: string): void;
  published(): readonly Event[];
}

export interface BusStoreParts {
  clock: Clock;
  faults: Pick<Faults, 'take'>;
  /** Hands an event to a rule's target, a function or a bus elsewhere, which accepts it immediately and works on it later; a bus with the target's role. */
  /** Returns false when it is lost. */
  deliver: (targetArn: string, event: Event, as: Deliverer) => unknown;
  /** Whether rules with a schedule run their targets. */
  schedules: boolean;
  home: AccountRegion;
  /** Hears of rules; default: nobody does. */
  meter?: Meter;
}

export const defaultBus = 'default';
/** How late a late event is: later than any of a stack's other events. */
const lateMs = 120_000;

export function createBusStore({ clock, faults, deliver, schedules, home, meter = noMeter }: BusStoreParts): BusStore {
  const arn = (resource: string) => `arn:aws:events:${home.region}:${home.accountId}:${resource}`;
  const busArn = (name: string) => arn(`event-bus/${name}`);
  const ruleArn = ({ bus, name }: Pick<NewRule, 'bus' | 'name'>) =>
    arn(bus === defaultBus ? `rule/${name}` : `rule/${bus}/${name}`);
  const buses = new Set([defaultBus]);
  /** By ARN. */
  const rules = new Map<string, NewRule & { matches: (event: unknown) => boolean }>();
  const log: Event[] = [];
  const policies = new Map<string, PolicyDocument>();

  function requireBus(name: string): void {
    if (buses.has(name)) return;
    throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  }

  function ruleNamed({ name, bus }: RuleName): NewRule {
    const rule = rules.get(ruleArn({ bus, name }));
    if (rule !== undefined) return rule;
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus}.`);
  }

  /** Delivers an event to a target, or what a fault makes of it. */
  function deliverTo(rule: NewRule, { arn: targetArn, roleArn }: NewRule['targets'][number], event: Event): void {
    // What was forwarded once is not forwarded again.
    if (targetArn.includes(':event-bus/') && (event.account !== home.accountId || event.region !== home.region)) return;
    const name = Object.keys(faultEvents).find((candidate) => faultEvents[candidate] === event['detail-type']);
    const fault = name === undefined ? undefined : faults.take('events', name);
    const as = { ruleArn: ruleArn(rule), ...(roleArn !== undefined && { roleArn }) };
    const go = () => handOver(rule, targetArn, structuredClone(event), as);
    if (fault?.kind === 'lose') return;
    clock.after(fault?.kind === 'late' ? lateMs : 0, go);
    if (fault?.kind === 'repeat') clock.after(0, go);
  }

  /** Of rules on the default bus CloudWatch knows the rule alone (EventBridge user guide, "Monitoring Amazon EventBridge"). */
  const count = ({ name, bus }: RuleName, values: Readonly<Record<string, number>>) =>
    meter('AWS/Events', bus === defaultBus ? { RuleName: name } : { EventBusName: bus, RuleName: name }, values);

  function handOver(rule: RuleName, targetArn: string, event: Event, as: Deliverer): void {
    const isLost = deliver(targetArn, event, as) === false;
    // Not sent while it is 0.
    count(rule, { Invocations: 1, ...(isLost && { FailedInvocations: 1 }) });
  }

  const eventAt = (time: number, { resources = [], ...rest }: Omit<NewEvent, 'time'>): Event => ({
    version: '0',
    id: randomUUID(),
    account: home.accountId,
    region: home.region,
    ...rest,
    resources,
    time: isoSeconds(time),
  });

  function publish({ time = clock.now(), resources = [], ...rest }: NewEvent, busName: string): Event {
    const event = eventAt(time, { resources, ...rest });
    receive(event, busName);
    return event;
  }

  function receive(event: Event, busName: string): void {
    log.push(event);
    for (const rule of rules.values()) {
      if (rule.bus !== busName || !rule.enabled || !rule.matches(event)) continue;
      count(rule, { MatchedEvents: 1, TriggeredRules: 1 });
      for (const target of rule.targets) deliverTo(rule, target, event);
    }
  }

  return {
    ruleArn,
    busArn,
    publish,
    receive,
    rule: ruleNamed,
    rulesOf(bus) {
      requireBus(bus);
      return [...rules.values()].filter((rule) => rule.bus === bus);
    },
    published: () => log,
    busPolicy: (name) => policies.get(name),
    setBusPolicy(name, policy) {
      requireBus(name);
      policies.set(name, policy);
    },
    removeBusPolicy: (name) => void policies.delete(name),
    deleteRule: (rule) => void rules.delete(ruleArn(ruleNamed(rule))),
    addSchedule(schedule) {
      const rule = { ...schedule, bus: defaultBus, eventPattern: {}, matches: () => false };
      rules.set(ruleArn(rule), rule);
      const [, minutes] = /^rate\((\d+) minutes?\)$/.exec(schedule.scheduleExpression) ?? [];
      if (minutes === undefined) {
        throw new AwsError(
          'ValidationException',
          'Parameter ScheduleExpression is not valid: the sandbox has rate(… minutes)',
        );
      }
      if (!schedules) return;
      clock.every(Number(minutes) * 60_000, () => {
        // One that was deleted, or updated, is another one's.
        if (!rule.enabled || rules.get(ruleArn(rule)) !== rule) return;
        const event = eventAt(clock.now(), {
          source: 'aws.events',
          'detail-type': 'Scheduled Event',
          resources: [ruleArn(rule)],
          detail: {},
        });
        count(rule, { TriggeredRules: 1 });
        for (const { arn: targetArn } of rule.targets) handOver(rule, targetArn, event, { ruleArn: ruleArn(rule) });
      });
    },
    addBus(name) {
      if (buses.has(name)) throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
      buses.add(name);
      return busArn(name);
    },
    deleteBus(name) {
      // Recorded of no account, but documented: the rules of a bus go before it (API reference, DeleteEventBus).
      if ([...rules.values()].some(({ bus }) => bus === name)) {
        throw new AwsError('ValidationException', `Cannot delete event bus ${name}: it has rules.`);
      }
      buses.delete(name);
      policies.delete(name);
    },
    addRule(rule) {
      requireBus(rule.bus);
      rules.set(ruleArn(rule), { ...rule, matches: compileEventPattern(rule.eventPattern) });
    },
  };
}
