import { AwsError } from '../core/operation.ts';

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

/** Errors that have another name in the Query protocol. */
const codes: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  InvalidParameterValueException: 'InvalidParameterValue',
  MissingRequiredParameterException: 'MissingParameter',
};

/** The name of an error in the Query protocol, which answers in JSON have in a header beside their own. */
export const sqsErrorCode = ({ code }: AwsError): string => codes[code] ?? code;

/** What the Query protocol says of an error; of one its words are others. */
export function sqsQueryError(error: AwsError): AwsError {
  const message =
    error.code === 'QueueDoesNotExist' ? 'The specified queue does not exist for this wsdl version.' : error.message;
  return new AwsError(sqsErrorCode(error), message, error.statusCode);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
