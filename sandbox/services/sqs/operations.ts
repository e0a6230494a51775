import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type Access, AwsError, callerId, operation } from '../../core/operation.ts';
import type { keyUse } from './key-use.ts';
import type { QueueStore, StoredMessage } from './queue-store.ts';

/** Of the body and the attributes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const maxBytes = 1_048_576;
const attributesSchema = v.record(
  v.string(),
  v.strictObject({ DataType: v.literal('String'), StringValue: v.pipe(v.string(), v.minLength(1)) }),
);
type Attributes = Readonly<Record<string, { DataType: string; StringValue: string }>>;
/** Receipts as the store makes them. */
const receiptPattern = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const QueueUrl = v.pipe(v.string(), v.minLength(1));
const nameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);

/**
 * The operations on queues. A receiver waits for nothing: WaitTimeSeconds is accepted, and the answer comes immediately.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 */
export function queueOperations(store: QueueStore, requireKey: ReturnType<typeof keyUse>) {
  const access =
    (action: string) =>
    (input: { QueueUrl: string }): Access[] => [
      { action: `sqs:${action}`, resource: store.arnOf(nameOf(input.QueueUrl)) },
    ];

  return {
    GetQueueUrl: operation(v.strictObject({ QueueName: v.string() }), {
      access: ({ QueueName }) => [{ action: 'sqs:GetQueueUrl', resource: store.arnOf(QueueName) }],
      run: ({ QueueName }) => ({ QueueUrl: store.queue(QueueName).url }),
    }),
    SendMessage: operation(
      v.strictObject({
        QueueUrl,
        MessageBody: v.string(),
        MessageAttributes: v.optional(attributesSchema, {}),
      }),
      {
        access: access('SendMessage'),
        run({ QueueUrl: url, MessageBody, MessageAttributes }, caller) {
          requireAcceptable(MessageBody, MessageAttributes);
          const queue = store.queue(nameOf(url));
          requireKey(caller, queue, 'send');
          const { id } = store.add(queue, MessageBody, MessageAttributes);
          return { MessageId: id, MD5OfMessageBody: md5(MessageBody), ...attributesHash(MessageAttributes) };
        },
      },
    ),
    ReceiveMessage: operation(
      v.strictObject({
        QueueUrl,
        MaxNumberOfMessages: v.optional(v.pipe(v.number(), v.integer()), 1),
        VisibilityTimeout: v.optional(v.pipe(v.number(), v.integer()), 30),
        WaitTimeSeconds: v.optional(v.pipe(v.number(), v.integer()), 0),
        MessageAttributeNames: v.optional(v.array(v.string()), []),
        AttributeNames: v.optional(v.array(v.string()), []),
        MessageSystemAttributeNames: v.optional(v.array(v.string()), []),
      }),
      {
        access: access('ReceiveMessage'),
        run({ QueueUrl: url, MaxNumberOfMessages, VisibilityTimeout, WaitTimeSeconds, ...wanted }, caller) {
          requireWithin('MaxNumberOfMessages', MaxNumberOfMessages, [1, 10], 'Must be between 1 and 10, if provided.');
          requireWithin('VisibilityTimeout', VisibilityTimeout, [0, 43_200], 'Must be >= 0 and <= 43200, if provided.');
          requireWithin('WaitTimeSeconds', WaitTimeSeconds, [0, 20], 'Must be >= 0 and <= 20, if provided.');
          const queue = store.queue(nameOf(url));
          requireKey(caller, queue, 'receive');
          const messages = store.receive(queue, MaxNumberOfMessages, VisibilityTimeout * 1000);
          if (messages.length === 0) return {};
          const system = new Set([...wanted.AttributeNames, ...wanted.MessageSystemAttributeNames]);
          const own = new Set(wanted.MessageAttributeNames);
          return { Messages: messages.map((message) => received(message, { system, own, sender: callerId(caller) })) };
        },
      },
    ),
    DeleteMessage: operation(v.strictObject({ QueueUrl, ReceiptHandle: v.string() }), {
      access: access('DeleteMessage'),
      run({ QueueUrl: url, ReceiptHandle }) {
        const queue = store.queue(nameOf(url));
        if (!receiptPattern.test(ReceiptHandle)) {
          throw new AwsError(
            'ReceiptHandleIsInvalid',
            `The input receipt handle "${ReceiptHandle}" is not a valid receipt handle.`,
          );
        }
        store.remove(queue, ReceiptHandle);
        return {};
      },
    }),
  };
}

/** @throws AwsError InvalidParameterValueException */
function requireWithin(name: string, value: number, [least, most]: readonly [number, number], rule: string): void {
  if (value >= least && value <= most) return;
  throw new AwsError(
    'InvalidParameterValueException',
    `Value ${value} for parameter ${name} is invalid. Reason: ${rule}`,
  );
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
function requireAcceptable(body: string, attributes: Attributes) {
  if (body === '') {
    throw new AwsError('MissingRequiredParameterException', 'The request must contain the parameter MessageBody.');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what SQS refuses.
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(body)) {
    throw new AwsError('InvalidMessageContents', 'The message contains characters outside the allowed set.');
  }
  const texts = Object.entries(attributes).flatMap(([name, { DataType, StringValue }]) => [
    name,
    DataType,
    StringValue,
  ]);
  const bytes = [body, ...texts].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= maxBytes) return;
  throw new AwsError(
    'InvalidParameterValueException',
    `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`,
  );
}

interface Wanted {
  /** Names of attributes, or `All`; without any, a message has none. */
  system: ReadonlySet<string>;
  own: ReadonlySet<string>;
  /** Who has sent messages: the sandbox does not keep it, and names who receives them. */
  sender: string;
}

function received(message: StoredMessage, { system, own, sender }: Wanted): object {
  const { id, receiptHandle, body, sentAt, firstReceivedAt = sentAt, receiveCount, attributes } = message;
  const chosen = <Value>(all: Readonly<Record<string, Value>>, names: ReadonlySet<string>): Record<string, Value> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => names.has('All') || names.has(name)));
  const about = {
    SenderId: sender,
    SentTimestamp: String(sentAt),
    ApproximateReceiveCount: String(receiveCount),
    ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
  };
  const Attributes = chosen(about, system);
  const MessageAttributes = chosen(attributes, own);
  return {
    MessageId: id,
    ReceiptHandle: receiptHandle,
    Body: body,
    MD5OfBody: md5(body),
    ...(Object.keys(Attributes).length > 0 && { Attributes }),
    ...(Object.keys(MessageAttributes).length > 0 && { MessageAttributes, ...attributesHash(MessageAttributes) }),
  };
}

/**
 * The checksum of attributes: of each, in the order of names, name, type, the kind of value (1 for texts) and value, with their lengths (SQS Developer
 * Guide, "Calculating the MD5 message digest for message attributes").
 */
function attributesHash(attributes: Attributes): object {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return {};
  const digest = createHash('md5');
  const add = (text: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    digest.update(length).update(text);
  };
  for (const name of names) {
    const { DataType = '', StringValue = '' } = attributes[name] ?? {};
    add(name);
    add(DataType);
    digest.update(Buffer.of(1));
    add(StringValue);
  }
  return { MD5OfMessageAttributes: digest.digest('hex') };
}

/** The checksum by which SDKs find out whether a message is complete. */
const md5 = (body: string) => createHash('md5').update(body).digest('hex');
