import type { AwsError } from '../core/operation.ts';

/**
 * SQS in the AWS Query protocol, which the AWS CLI and SDKs spoke until November 2023, for the operations that the sandbox has in JSON.
 * Its lists are flattened and have names of their own (SQS Developer Guide, "Making Query API requests using AWS query protocol").
 */

/** Lists of the Query protocol: their name there, and in JSON. */
const lists: Readonly<Record<string, string>> = {
  AttributeName: 'AttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
};
const numbers: readonly string[] = ['MaxNumberOfMessages', 'VisibilityTimeout', 'WaitTimeSeconds'];

/** The JSON input of a call, from what `queryInput` has read: `{AttributeName: {1: 'All'}}` is `{AttributeNames: ['All']}`. */
export function sqsInput(input: unknown): unknown {
  return Object.fromEntries(
    Object.entries(record(input)).map(([name, value]) => {
      const list = Object.hasOwn(lists, name) ? lists[name] : undefined;
      if (list !== undefined) return [list, Object.values(record(value))];
      if (name === 'MessageAttribute') return ['MessageAttributes', attributes(value)];
      return [name, numbers.includes(name) ? Number(value) : value];
    }),
  );
}

/** `{1: {Name: 'a', Value: {…}}}` is `{a: {…}}`. */
function attributes(value: unknown): object {
  return Object.fromEntries(Object.values(record(value)).map((each) => [record(each).Name, record(each).Value]));
}

/** A JSON output in the names of the Query protocol. */
export function sqsOutput(output: object): object {
  const { Messages, ...others } = record(output);
  if (!Array.isArray(Messages)) return others;
  return {
    Message: Messages.map((message) => {
      const { Attributes, MessageAttributes, ...rest } = record(message);
      return { ...rest, Attribute: named(Attributes), MessageAttribute: named(MessageAttributes) };
    }),
  };
}

const named = (map: unknown) => Object.entries(record(map)).map(([Name, Value]) => ({ Name, Value }));

/** The name of an error in the Query protocol, where it is another one. */
export function sqsErrorCode({ code }: AwsError): string {
  return code === 'QueueDoesNotExist' ? 'AWS.SimpleQueueService.NonExistentQueue' : code;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
