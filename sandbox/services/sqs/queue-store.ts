import { randomUUID } from 'node:crypto';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Meter } from '../../core/meter.ts';
import { AwsError } from '../../core/operation.ts';

export interface Message {
  id: string;
  body: string;
  attributes: Readonly<Record<string, { DataType: string; StringValue: string }>>;
}

export interface StoredMessage extends Message {
  sentAt: number;
  receiveCount: number;
  /** Undefined before it was received. */
  firstReceivedAt: number | undefined;
  /** Until then no other receiver gets it. */
  hiddenUntil: number;
  receiptHandle: string | undefined;
}

interface Queue {
  name: string;
  url: string;
  arn: string;
  retentionMs: number;
  /** The customer managed key of its messages. */
  keyArn: string | undefined;
  /** When somebody has last used it, in milliseconds since the epoch. */
  usedAt: number;
  messages: StoredMessage[];
}

export interface QueueStore {
  arnOf(name: string): string;
  /** @throws AwsError QueueNameExists */
  create(queue: { name: string; retentionSeconds?: number; keyArn?: string | undefined }): Queue;
  /** @throws AwsError QueueDoesNotExist */
  queue(name: string): Queue;
  delete(name: string): void;
  add(queue: Queue, body: string, attributes: Message['attributes']): StoredMessage;
  /** Up to so many messages that are visible, oldest first, hidden from now on. */
  receive(queue: Queue, most: number, visibilityMs: number): readonly StoredMessage[];
  /** Removes the message that was received last with this handle, if there is one. */
  remove(queue: Queue, receiptHandle: string): void;
  /** Reports what queues have at this minute, of those that are active. */
  sample(meter: Meter): void;
  /** The messages that are not too old, oldest first. */
  messages(queue: Queue): readonly StoredMessage[];
}

interface Parts {
  clock: Pick<Clock, 'now'>;
  endpoint: () => string;
  home: AccountRegion;
  meter: Meter;
}

const fourDays = 345_600;
/**
 * How long CloudWatch hears of a queue that nobody uses: SQS developer guide, "Available CloudWatch metrics for Amazon SQS". That messages lie in it may
 * prolong that; the guide can be read in both ways.
 */
const activeMs = 6 * 60 * 60_000;

/** The queues of an account in a Region, by name. */
export function createQueueStore({ clock, endpoint, home, meter }: Parts): QueueStore {
  const queues = new Map<string, Queue>();
  const arnOf = (name: string) => `arn:aws:sqs:${home.region}:${home.accountId}:${name}`;

  function count(queue: Queue, values: Readonly<Record<string, number>>, unit?: 'Bytes'): void {
    queue.usedAt = clock.now();
    meter('AWS/SQS', { QueueName: queue.name }, values, unit);
  }

  function messages(queue: Queue): StoredMessage[] {
    queue.messages = queue.messages.filter(({ sentAt }) => sentAt + queue.retentionMs > clock.now());
    return queue.messages;
  }

  return {
    arnOf,
    messages,
    queue(name) {
      const queue = queues.get(name);
      if (queue !== undefined) return queue;
      throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    },
    create({ name, retentionSeconds = fourDays, keyArn }) {
      if (queues.has(name)) throw new AwsError('QueueNameExists', 'A queue already exists with the same name.');
      const url = `${endpoint()}/${home.accountId}/${name}`;
      const queue = {
        name,
        url,
        arn: arnOf(name),
        retentionMs: retentionSeconds * 1000,
        keyArn,
        usedAt: clock.now(),
        messages: [],
      };
      queues.set(name, queue);
      return queue;
    },
    delete: (name) => void queues.delete(name),
    add(queue, body, attributes) {
      const message = {
        id: randomUUID(),
        body,
        attributes,
        sentAt: clock.now(),
        receiveCount: 0,
        firstReceivedAt: undefined,
        hiddenUntil: 0,
        receiptHandle: undefined,
      };
      queue.messages.push(message);
      count(queue, { NumberOfMessagesSent: 1 });
      count(queue, { SentMessageSize: Buffer.byteLength(body) }, 'Bytes');
      return message;
    },
    receive(queue, most, visibilityMs) {
      const received = messages(queue)
        .filter(({ hiddenUntil }) => hiddenUntil <= clock.now())
        .slice(0, most);
      for (const message of received) {
        message.receiveCount += 1;
        message.firstReceivedAt ??= clock.now();
        message.hiddenUntil = clock.now() + visibilityMs;
        message.receiptHandle = randomUUID();
      }
      count(
        queue,
        received.length === 0 ? { NumberOfEmptyReceives: 1 } : { NumberOfMessagesReceived: received.length },
      );
      return received;
    },
    remove(queue, handle) {
      const before = queue.messages.length;
      queue.messages = queue.messages.filter(({ receiptHandle }) => receiptHandle !== handle);
      count(queue, { NumberOfMessagesDeleted: before - queue.messages.length });
    },
    sample(report) {
      const now = clock.now();
      for (const queue of queues.values()) {
        if (queue.usedAt + activeMs < now) continue;
        const all = messages(queue);
        const hidden = all.filter(({ hiddenUntil }) => hiddenUntil > now).length;
        const dimensions = { QueueName: queue.name };
        report('AWS/SQS', dimensions, {
          ApproximateNumberOfMessagesVisible: all.length - hidden,
          ApproximateNumberOfMessagesNotVisible: hidden,
          ApproximateNumberOfMessagesDelayed: 0,
        });
        const oldest = all[0]?.sentAt ?? now;
        report('AWS/SQS', dimensions, { ApproximateAgeOfOldestMessage: Math.floor((now - oldest) / 1000) }, 'Seconds');
      }
    },
  };
}
