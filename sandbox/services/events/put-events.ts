import * as v from 'valibot';
import { AwsError, operation } from '../../core/operation.ts';
import { type BusStore, defaultBus, type NewEvent } from './bus-store.ts';

/** A bus by name or ARN, as its name. */
export const bus = v.optional(
  v.pipe(
    v.string(),
    v.transform((nameOrArn) => nameOrArn.replace(/^arn:aws:events:[^:]+:\d{12}:event-bus\//, '')),
  ),
  defaultBus,
);
const entry = v.strictObject({
  Source: v.optional(v.string()),
  DetailType: v.optional(v.string()),
  Detail: v.optional(v.string()),
  Resources: v.optional(v.array(v.string()), []),
  Time: v.optional(v.number()),
  EventBusName: bus,
});
type Entry = v.InferOutput<typeof entry>;

/** PutEvents: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const putEvents = (store: Pick<BusStore, 'busArn' | 'publish'>) =>
  operation(v.strictObject({ Entries: v.pipe(v.array(entry), v.minLength(1), v.maxLength(10)) }), {
    access: ({ Entries }) =>
      Entries.map(({ Source, DetailType, EventBusName }) => ({
        action: 'events:PutEvents',
        resource: store.busArn(EventBusName),
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
        return { EventId: store.publish(event, item.EventBusName).id };
      });
      return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
    },
  });

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
