import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type Access, AwsError, operation } from '../../core/operation.ts';
import type { QueueStore, StoredMessage } from './queue-store.ts';

const bodySchema = v.pipe(v.string(), v.minLength(1));
/** Of the body and the attributes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const maxBytes = 1_048_576;
const attributesSchema = v.record(
  v.string(),
  v.strictObject({ DataType: v.literal('String'), StringValue: v.pipe(v.string(), v.minLength(1)) }),
);
const QueueUrl = v.pipe(v.string(), v.minLength(1));
const nameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);

/**
 * The operations on queues. A receiver waits for nothing: WaitTimeSeconds is accepted, and the answer comes immediately.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 */
export function queueOperations(store: QueueStore) {
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
        MessageBody: bodySchema,
        MessageAttributes: v.optional(attributesSchema, {}),
      }),
      {
        access: access('SendMessage'),
        run({ QueueUrl: url, MessageBody, MessageAttributes }) {
          requireAcceptable(MessageBody, MessageAttributes);
          const { id } = store.add(store.queue(nameOf(url)), MessageBody, MessageAttributes);
          return { MessageId: id, MD5OfMessageBody: md5(MessageBody) };
        },
      },
    ),
    ReceiveMessage: operation(
      v.strictObject({
        QueueUrl,
        MaxNumberOfMessages: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10)), 1),
        VisibilityTimeout: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(43_200)), 30),
        WaitTimeSeconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(20))),
        MessageAttributeNames: v.optional(v.array(v.string())),
        AttributeNames: v.optional(v.array(v.string())),
        MessageSystemAttributeNames: v.optional(v.array(v.string())),
      }),
      {
        access: access('ReceiveMessage'),
        run: ({ QueueUrl: url, MaxNumberOfMessages, VisibilityTimeout }) => ({
          Messages: store
            .receive(store.queue(nameOf(url)), MaxNumberOfMessages, VisibilityTimeout * 1000)
            .map(received),
        }),
      },
    ),
    DeleteMessage: operation(v.strictObject({ QueueUrl, ReceiptHandle: v.string() }), {
      access: access('DeleteMessage'),
      run({ QueueUrl: url, ReceiptHandle }) {
        store.remove(store.queue(nameOf(url)), ReceiptHandle);
        return {};
      },
    }),
  };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
function requireAcceptable(
  body: string,
  attributes: Readonly<Record<string, { DataType: string; StringValue: string }>>,
) {
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
    'InvalidParameterValue',
    `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`,
  );
}

function received({ id, receiptHandle, body, sentAt, receiveCount, attributes }: StoredMessage): object {
  return {
    MessageId: id,
    ReceiptHandle: receiptHandle,
    Body: body,
    MD5OfBody: md5(body),
    Attributes: { SentTimestamp: String(sentAt), ApproximateReceiveCount: String(receiveCount) },
    MessageAttributes: attributes,
  };
}

/** The checksum by which SDKs find out whether a message is complete. */
const md5 = (body: string) => createHash('md5').update(body).digest('hex');
