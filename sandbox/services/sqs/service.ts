import { createHash, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Access, AwsError, operation, type Service } from '../../core/operation.ts';

export interface Message {
  id: string;
  body: string;
  attributes: Readonly<Record<string, { DataType: string; StringValue: string }>>;
}

interface StoredMessage extends Message {
  sentAt: number;
  receiveCount: number;
  /** Until then no other receiver gets it. */
  hiddenUntil: number;
  receiptHandle: string | undefined;
}

interface Queue {
  name: string;
  arn: string;
  retentionMs: number;
  messages: StoredMessage[];
}

export interface Sqs {
  service: Service;
  /** Returns the queue's URL and ARN. @throws AwsError QueueNameExists */
  createQueue(queue: { name: string; retentionSeconds?: number }): { url: string; arn: string };
  /** Puts a message into a queue in the name of another service. @throws AwsError QueueDoesNotExist */
  send(queueArn: string, body: string): void;
  /** What lies in a queue, oldest first, received or not. */
  messages(name: string): readonly Message[];
}

const bodySchema = v.pipe(v.string(), v.minLength(1), v.maxBytes(1_048_576));
const attributesSchema = v.record(
  v.string(),
  v.strictObject({ DataType: v.literal('String'), StringValue: v.pipe(v.string(), v.minLength(1)) }),
);
const fourDays = 345_600;

/**
 * SQS standard queues with string messages: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
 * A receiver waits for nothing: WaitTimeSeconds is taken, and the answer comes at once.
 */
export function createSqs({
  clock,
  endpoint,
  home = account,
}: {
  clock: Clock;
  endpoint: () => string;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
}): Sqs {
  const queues = new Map<string, Queue>();

  const urlOf = ({ name }: Queue) => `${endpoint()}/${home.accountId}/${name}`;
  const arnOf = (name: string) => `arn:aws:sqs:${home.region}:${home.accountId}:${name}`;
  const nameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);

  function queueNamed(name: string): Queue {
    const queue = queues.get(name);
    if (queue !== undefined) return queue;
    throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
  }

  /** The messages that are not too old. */
  function kept(queue: Queue): StoredMessage[] {
    queue.messages = queue.messages.filter(({ sentAt }) => sentAt + queue.retentionMs > clock.now());
    return queue.messages;
  }

  function add(queue: Queue, body: string, attributes: Message['attributes']): StoredMessage {
    const message = {
      id: randomUUID(),
      body,
      attributes,
      sentAt: clock.now(),
      receiveCount: 0,
      hiddenUntil: 0,
      receiptHandle: undefined,
    };
    queue.messages.push(message);
    return message;
  }

  function receive(queue: Queue, most: number, visibilityMs: number): object[] {
    const visible = kept(queue).filter(({ hiddenUntil }) => hiddenUntil <= clock.now());
    return visible.slice(0, most).map((message) => {
      message.receiveCount += 1;
      message.hiddenUntil = clock.now() + visibilityMs;
      message.receiptHandle = randomUUID();
      return {
        MessageId: message.id,
        ReceiptHandle: message.receiptHandle,
        Body: message.body,
        MD5OfBody: md5(message.body),
        Attributes: { SentTimestamp: String(message.sentAt), ApproximateReceiveCount: String(message.receiveCount) },
        MessageAttributes: message.attributes,
      };
    });
  }

  const QueueUrl = v.pipe(v.string(), v.minLength(1));
  const access =
    (action: string) =>
    (input: { QueueUrl: string }): Access[] => [{ action: `sqs:${action}`, resource: arnOf(nameOf(input.QueueUrl)) }];

  const service: Service = {
    name: 'sqs',
    protocol: 'json',
    operations: {
      GetQueueUrl: operation(v.strictObject({ QueueName: v.string() }), {
        access: ({ QueueName }) => [{ action: 'sqs:GetQueueUrl', resource: arnOf(QueueName) }],
        run: ({ QueueName }) => ({ QueueUrl: urlOf(queueNamed(QueueName)) }),
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
            const { id } = add(queueNamed(nameOf(url)), MessageBody, MessageAttributes);
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
            Messages: receive(queueNamed(nameOf(url)), MaxNumberOfMessages, VisibilityTimeout * 1000),
          }),
        },
      ),
      DeleteMessage: operation(v.strictObject({ QueueUrl, ReceiptHandle: v.string() }), {
        access: access('DeleteMessage'),
        run({ QueueUrl: url, ReceiptHandle }) {
          const queue = queueNamed(nameOf(url));
          queue.messages = queue.messages.filter(({ receiptHandle }) => receiptHandle !== ReceiptHandle);
          return {};
        },
      }),
    },
  };

  return {
    service,
    createQueue({ name, retentionSeconds = fourDays }) {
      if (queues.has(name)) throw new AwsError('QueueNameExists', 'A queue already exists with the same name.');
      const queue = { name, arn: arnOf(name), retentionMs: retentionSeconds * 1000, messages: [] };
      queues.set(name, queue);
      return { url: urlOf(queue), arn: queue.arn };
    },
    send: (queueArn, body) => void add(queueNamed(queueArn.split(':')[5] ?? ''), body, {}),
    messages: (name) => kept(queueNamed(name)),
  };
}

/** The checksum by which SDKs tell whether a message came through whole. */
const md5 = (body: string) => createHash('md5').update(body).digest('hex');
