import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import { type Clock, isoSeconds } from '../../core/clock.ts';
import { type Faults, faultEvents } from '../../core/faults.ts';
import { AwsError, operation, type PolicyDocument, type Service } from '../../core/operation.ts';
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

export interface Events {
  service: Service;
  /** Throws InvalidEventPatternException for a pattern that the sandbox cannot match. */
  addRule(rule: NewRule): void;
  /** @throws AwsError ResourceNotFoundException */
  deleteRule(rule: Pick<NewRule, 'name' | 'bus'>): void;
  /** Takes an event that a rule elsewhere has forwarded; its account, Region, source and time stay as they are. */
  receive(event: Event, bus: string): void;
  /** Who may put events on a bus beside the account itself, from now on. @throws AwsError ResourceNotFoundException */
  setBusPolicy(bus: string, policy: PolicyDocument): void;
  /** Undefined for a bus that takes events of its account alone. */
  busPolicy(bus: string): PolicyDocument | undefined;
  /** A rule of the default bus with a schedule. */
  addSchedule(schedule: Omit<NewRule, 'eventPattern' | 'bus'> & { scheduleExpression: string }): void;
  /** Adds a bus beside the default one. Returns its ARN. @throws AwsError ResourceAlreadyExistsException */
  addBus(name: string): string;
  /** Puts an event on the default bus, as AWS services do; the targets are called later. Returns the event. */
  publish(event: NewEvent): Event;
  /** Every event that was put on a bus, in order. */
  published(): readonly Event[];
}

interface EventsOptions {
  clock: Clock;
  faults: Pick<Faults, 'take'>;
  /** Hands an event to a rule's target, a function or a bus elsewhere, which takes it at once and works on it later. */
  deliver: (targetArn: string, event: Event, roleArn?: string) => void;
  /** Whether rules with a schedule run their targets; default: yes. */
  schedules?: boolean;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
}

const defaultBus = 'default';
/** How late a late event is: later than any of a stack's other events. */
const lateMs = 120_000;

/** A bus by name or ARN, as its name. */
const bus = v.optional(
  v.pipe(
    v.string(),
    v.transform((nameOrArn) => nameOrArn.replace(/^arn:aws:events:[^:]+:\d{12}:event-bus\//, '')),
  ),
  defaultBus,
);
const onRule = v.strictObject({ Name: v.string(), EventBusName: bus });
const entry = v.strictObject({
  Source: v.optional(v.string()),
  DetailType: v.optional(v.string()),
  Detail: v.optional(v.string()),
  Resources: v.optional(v.array(v.string()), []),
  Time: v.optional(v.number()),
  EventBusName: bus,
});
type Entry = v.InferOutput<typeof entry>;

/** EventBridge's buses with event pattern rules: https://docs.aws.amazon.com/eventbridge/latest/APIReference/ */
export function createEvents({ clock, faults, deliver, schedules = true, home = account }: EventsOptions): Events {
  const arn = (resource: string) => `arn:aws:events:${home.region}:${home.accountId}:${resource}`;
  const busArn = (name: string) => arn(`event-bus/${name}`);
  const ruleArn = ({ bus, name }: Pick<NewRule, 'bus' | 'name'>) =>
    arn(bus === defaultBus ? `rule/${name}` : `rule/${bus}/${name}`);
  const buses = new Set([defaultBus]);
  /** By ARN. */
  const rules = new Map<string, NewRule & { matches: (event: unknown) => boolean }>();
  const log: Event[] = [];
  const policies = new Map<string, PolicyDocument>();

  function ruleNamed({ Name, EventBusName }: v.InferOutput<typeof onRule>) {
    const rule = rules.get(ruleArn({ bus: EventBusName, name: Name }));
    if (rule !== undefined) return rule;
    throw new AwsError('ResourceNotFoundException', `Rule ${Name} does not exist on EventBus ${EventBusName}.`);
  }

  function requireBus(name: string): void {
    if (buses.has(name)) return;
    throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  }

  function described(rule: NewRule) {
    const when =
      rule.scheduleExpression === undefined
        ? { EventPattern: JSON.stringify(rule.eventPattern) }
        : { ScheduleExpression: rule.scheduleExpression };
    return {
      Name: rule.name,
      Arn: ruleArn(rule),
      ...when,
      State: rule.enabled ? 'ENABLED' : 'DISABLED',
      EventBusName: rule.bus,
    };
  }

  /** Delivers an event to a target, or what a fault makes of it. */
  function deliverTo({ arn: targetArn, roleArn }: NewRule['targets'][number], event: Event): void {
    // What was forwarded once is not forwarded again.
    if (targetArn.includes(':event-bus/') && (event.account !== home.accountId || event.region !== home.region)) return;
    const name = Object.keys(faultEvents).find((candidate) => faultEvents[candidate] === event['detail-type']);
    const fault = name === undefined ? undefined : faults.take('events', name);
    const go = () => deliver(targetArn, structuredClone(event), roleArn);
    if (fault?.kind === 'lose') return;
    clock.after(fault?.kind === 'late' ? lateMs : 0, go);
    if (fault?.kind === 'repeat') clock.after(0, go);
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

  function publish({ time = clock.now(), resources = [], ...rest }: NewEvent, busName = defaultBus): Event {
    const event = eventAt(time, { resources, ...rest });
    receive(event, busName);
    return event;
  }

  function receive(event: Event, busName: string): void {
    log.push(event);
    for (const rule of rules.values()) {
      if (rule.bus !== busName || !rule.enabled || !rule.matches(event)) continue;
      for (const target of rule.targets) deliverTo(target, event);
    }
  }

  const setEnabled = (action: string, enabled: boolean) =>
    operation(onRule, {
      access: ({ Name, EventBusName }) => [
        { action: `events:${action}`, resource: ruleArn({ bus: EventBusName, name: Name }) },
      ],
      run(input) {
        ruleNamed(input).enabled = enabled;
        return {};
      },
    });

  const service: Service = {
    name: 'events',
    protocol: 'json',
    operations: {
      PutEvents: operation(v.strictObject({ Entries: v.pipe(v.array(entry), v.minLength(1), v.maxLength(10)) }), {
        access: ({ Entries }) =>
          Entries.map(({ Source, DetailType, EventBusName }) => ({
            action: 'events:PutEvents',
            resource: busArn(EventBusName),
            context: {
              ...(Source !== undefined && { 'events:source': Source }),
              ...(DetailType !== undefined && { 'events:detail-type': DetailType }),
            },
          })),
        run({ Entries }) {
          if (Entries.reduce((total, item) => total + size(item), 0) > maxRequestBytes) {
            throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
          }
          const results = Entries.map((item) => {
            const event = eventOf(item);
            if ('ErrorCode' in event) return event;
            // An event for a bus that is not there is taken, and matches nothing.
            return { EventId: publish(event, item.EventBusName).id };
          });
          return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
        },
      }),

      EnableRule: setEnabled('EnableRule', true),
      DisableRule: setEnabled('DisableRule', false),

      ListRules: operation(v.strictObject({ NamePrefix: v.optional(v.string(), ''), EventBusName: bus }), {
        access: ({ EventBusName, NamePrefix }) => [
          { action: 'events:ListRules', resource: ruleArn({ bus: EventBusName, name: `${NamePrefix}*` }) },
        ],
        run({ NamePrefix, EventBusName }) {
          requireBus(EventBusName);
          const found = [...rules.values()].filter(
            (rule) => rule.bus === EventBusName && rule.name.startsWith(NamePrefix),
          );
          return { Rules: found.map(described) };
        },
      }),

      DescribeRule: operation(onRule, {
        access: ({ Name, EventBusName }) => [
          { action: 'events:DescribeRule', resource: ruleArn({ bus: EventBusName, name: Name }) },
        ],
        run: (input) => ({ ...described(ruleNamed(input)), CreatedBy: home.accountId }),
      }),
    },
  };

  return {
    service,
    publish: (event) => publish(event),
    receive,
    published: () => log,
    busPolicy: (name) => policies.get(name),
    setBusPolicy(name, policy) {
      requireBus(name);
      policies.set(name, policy);
    },
    deleteRule({ name, bus: busName }) {
      rules.delete(ruleArn(ruleNamed({ Name: name, EventBusName: busName })));
    },
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
        if (!rule.enabled) return;
        const event = eventAt(clock.now(), {
          source: 'aws.events',
          'detail-type': 'Scheduled Event',
          resources: [ruleArn(rule)],
          detail: {},
        });
        for (const { arn: targetArn } of rule.targets) deliver(targetArn, event);
      });
    },
    addBus(name) {
      if (buses.has(name)) throw new AwsError('ResourceAlreadyExistsException', `Event bus ${name} already exists.`);
      buses.add(name);
      return busArn(name);
    },
    addRule(rule) {
      requireBus(rule.bus);
      rules.set(ruleArn(rule), { ...rule, matches: compileEventPattern(rule.eventPattern) });
    },
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html, with the sum that a request's entries may have. */
const maxRequestBytes = 256 * 1024;

function size({ Source = '', DetailType = '', Detail = '', Resources, Time }: Entry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((total, text) => total + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}

/** A bad entry fails alone: the call succeeds, and the answer holds an error in the entry's place. */
function eventOf({ Source, DetailType, Detail, Resources, Time }: Entry): NewEvent | Failure {
  if (!Source) return missing('Source');
  if (!DetailType) return missing('DetailType');
  if (!Detail) return missing('Detail');
  if (Source.startsWith('aws.')) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  const detail = parseObject(Detail);
  if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  const time = Time === undefined ? {} : { time: Time * 1000 };
  return { source: Source, 'detail-type': DetailType, detail, resources: Resources, ...time };
}

interface Failure {
  ErrorCode: string;
  ErrorMessage: string;
}

const missing = (name: string): Failure => ({
  ErrorCode: 'InvalidArgument',
  ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
});

function parseObject(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
