import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { type Access, AwsError, operation } from '../../core/operation.ts';
import { type BusStore, defaultBus, type Event, type NewEvent } from './bus-store.ts';

const busName = (nameOrArn: string) => nameOrArn.replace(/^arn:aws:events:[^:]+:\d{12}:event-bus\//, '');
/** A bus by name or ARN, as its name. */
export const bus = v.optional(v.pipe(v.string(), v.transform(busName)), defaultBus);
const entry = v.strictObject({
  Source: v.optional(v.string()),
  DetailType: v.optional(v.string()),
  Detail: v.optional(v.string()),
  Resources: v.optional(v.array(v.string()), []),
  Time: v.optional(v.number()),
  EventBusName: v.optional(v.string(), defaultBus),
});
type Entry = v.InferOutput<typeof entry>;

/** Buses of other accounts. */
export type ElsewhereOf = (home: AccountRegion) => Pick<BusStore, 'busPolicy'> & {
  publishOn: BusStore['publish'];
};

/** PutEvents: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export function putEvents(
  store: Pick<BusStore, 'busArn' | 'publish'>,
  home: AccountRegion,
  elsewhere: ElsewhereOf | undefined,
) {
  /** A bus of another account, which only its own policy opens; undefined for one of this account. */
  function foreignBus(nameOrArn: string) {
    const [, , , region = home.region, accountId = home.accountId] = nameOrArn.split(':');
    if (region !== home.region) {
      throw new AwsError('ValidationException', 'Parameter EventBusName is not valid: a bus of another Region.');
    }
    if (accountId === home.accountId || elsewhere === undefined) return undefined;
    return { accountId, name: busName(nameOrArn), events: elsewhere({ accountId, region }) };
  }

  function accessTo(nameOrArn: string): Pick<Access, 'resource' | 'resourceAccountId' | 'resourcePolicy'> {
    const foreign = foreignBus(nameOrArn);
    if (foreign === undefined) return { resource: store.busArn(busName(nameOrArn)) };
    const resourcePolicy = foreign.events.busPolicy(foreign.name);
    return {
      resource: nameOrArn,
      resourceAccountId: foreign.accountId,
      ...(resourcePolicy !== undefined && { resourcePolicy }),
    };
  }

  function put(event: NewEvent, nameOrArn: string): Event {
    const foreign = foreignBus(nameOrArn);
    // An event for a bus that is not there is taken, and matches nothing.
    if (foreign === undefined) return store.publish(event, busName(nameOrArn));
    return foreign.events.publishOn({ ...event, account: home.accountId }, foreign.name);
  }

  return operation(v.strictObject({ Entries: v.pipe(v.array(entry), v.minLength(1), v.maxLength(10)) }), {
    access: ({ Entries }) =>
      Entries.map(({ Source, DetailType, EventBusName }) => ({
        action: 'events:PutEvents',
        context: {
          ...(Source !== undefined && { 'events:source': Source }),
          ...(DetailType !== undefined && { 'events:detail-type': DetailType }),
        },
        ...accessTo(EventBusName),
      })),
    run({ Entries }) {
      if (Entries.reduce((total, item) => total + size(item), 0) > maxRequestBytes) {
        throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
      }
      const results = Entries.map((item) => {
        const event = eventOf(item);
        return 'ErrorCode' in event ? event : { EventId: put(event, item.EventBusName).id };
      });
      return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
    },
  });
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
