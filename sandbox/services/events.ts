import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { account } from '../account.ts';
import type { Clock } from '../clock.ts';
import { AwsError, operation, type Service } from '../service.ts';
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
  eventPattern: object;
  enabled: boolean;
  targets: readonly { id: string; arn: string }[];
}

export interface Events {
  service: Service;
  /** Throws InvalidEventPatternException for a pattern that the sandbox cannot match. */
  addRule(rule: NewRule): void;
  /** A rule with a schedule, every so many milliseconds. */
  addSchedule(schedule: Omit<NewRule, 'eventPattern'> & { everyMs: number }): void;
  /** Puts an event on the default bus, as AWS services do; the targets are called later. Returns the event. */
  publish(event: NewEvent): Event;
  /** Every event that was put on the bus, in order. */
  published(): readonly Event[];
}

interface EventsOptions {
  clock: Clock;
  /** Calls a rule's target. */
  invoke: (targetArn: string, event: Event) => Promise<unknown>;
  /** Told when a target refuses an event; nobody else learns of it, as in AWS. */
  onError: (ruleName: string, error: unknown) => void;
}

const busArn = `arn:aws:events:${account.region}:${account.accountId}:event-bus/default`;
const ruleArn = (name: string) => `arn:aws:events:${account.region}:${account.accountId}:rule/${name}`;

const bus = v.optional(v.picklist(['default', busArn], 'the default event bus'));
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

/** EventBridge's default bus with event pattern rules: https://docs.aws.amazon.com/eventbridge/latest/APIReference/ */
export function createEvents({ clock, invoke, onError }: EventsOptions): Events {
  const rules = new Map<string, NewRule & { matches: (event: unknown) => boolean }>();
  const log: Event[] = [];

  function ruleNamed(name: string) {
    const rule = rules.get(name);
    if (rule !== undefined) return rule;
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
  }

  async function deliver(ruleName: string, targetArn: string, event: Event) {
    const done = clock.busy();
    try {
      await invoke(targetArn, event);
    } catch (error) {
      onError(ruleName, error);
    } finally {
      done();
    }
  }

  const eventAt = (time: number, { resources = [], ...rest }: Omit<NewEvent, 'time'>): Event => ({
    version: '0',
    id: randomUUID(),
    account: account.accountId,
    region: account.region,
    ...rest,
    resources,
    // EventBridge tells whole seconds.
    time: `${new Date(time).toISOString().slice(0, 19)}Z`,
  });

  function publish({ time = clock.now(), resources = [], ...rest }: NewEvent): Event {
    const event = eventAt(time, { resources, ...rest });
    log.push(event);
    for (const rule of rules.values()) {
      if (!rule.enabled || !rule.matches(event)) continue;
      for (const { arn } of rule.targets) clock.after(0, () => void deliver(rule.name, arn, structuredClone(event)));
    }
    return event;
  }

  const setEnabled = (action: string, enabled: boolean) =>
    operation(onRule, {
      access: ({ Name }) => [{ action: `events:${action}`, resource: ruleArn(Name) }],
      run({ Name }) {
        ruleNamed(Name).enabled = enabled;
        return {};
      },
    });

  const service: Service = {
    name: 'events',
    protocol: 'json',
    operations: {
      PutEvents: operation(v.strictObject({ Entries: v.pipe(v.array(entry), v.minLength(1), v.maxLength(10)) }), {
        access: ({ Entries }) =>
          Entries.map(({ Source, DetailType }) => ({
            action: 'events:PutEvents',
            resource: busArn,
            context: {
              ...(Source !== undefined && { 'events:source': Source }),
              ...(DetailType !== undefined && { 'events:detail-type': DetailType }),
            },
          })),
        run({ Entries }) {
          const results = Entries.map((item) => {
            const event = eventOf(item);
            return 'ErrorCode' in event ? event : { EventId: publish(event).id };
          });
          return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
        },
      }),

      EnableRule: setEnabled('EnableRule', true),
      DisableRule: setEnabled('DisableRule', false),

      DescribeRule: operation(onRule, {
        access: ({ Name }) => [{ action: 'events:DescribeRule', resource: ruleArn(Name) }],
        run({ Name }) {
          const rule = ruleNamed(Name);
          return {
            Name,
            Arn: ruleArn(Name),
            EventPattern: JSON.stringify(rule.eventPattern),
            State: rule.enabled ? 'ENABLED' : 'DISABLED',
            EventBusName: 'default',
            CreatedBy: account.accountId,
          };
        },
      }),
    },
  };

  return {
    service,
    publish,
    published: () => log,
    addSchedule({ everyMs, ...schedule }) {
      const rule = { ...schedule, eventPattern: {}, matches: () => false };
      rules.set(rule.name, rule);
      clock.every(everyMs, () => {
        if (!rule.enabled) return;
        const event = eventAt(clock.now(), {
          source: 'aws.events',
          'detail-type': 'Scheduled Event',
          resources: [ruleArn(rule.name)],
          detail: {},
        });
        for (const { arn } of rule.targets) void deliver(rule.name, arn, event);
      });
    },
    addRule: (rule) => void rules.set(rule.name, { ...rule, matches: compileEventPattern(rule.eventPattern) }),
  };
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
