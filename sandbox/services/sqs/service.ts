import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Meter, noMeter } from '../../core/meter.ts';
import type { Service } from '../../core/operation.ts';
import { queueOperations } from './operations.ts';
import { createQueueStore, type Message } from './queue-store.ts';

export interface Sqs {
  service: Service;
  /** Returns the queue's URL and ARN. @throws AwsError QueueNameExists */
  createQueue(queue: { name: string; retentionSeconds?: number }): { url: string; arn: string };
  /** How long a queue keeps messages, also those that are there. @throws AwsError QueueDoesNotExist */
  setRetention(name: string, retentionSeconds: number): void;
  /** Deletes a queue with its messages, if there is one of this name. */
  deleteQueue(name: string): void;
  /** Puts a message into a queue in the name of another service. @throws AwsError QueueDoesNotExist */
  send(queueArn: string, body: string): void;
  /** Reports what queues have at this minute, of those that are active. */
  sample(meter: Meter): void;
  /** What lies in a queue, oldest first, received or not. */
  messages(name: string): readonly Message[];
}

interface Options {
  clock: Clock;
  endpoint: () => string;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
  /** Hears of messages; default: nobody does. */
  meter?: Meter;
}

/** SQS standard queues with string messages. */
export function createSqs({ clock, endpoint, home = account, meter = noMeter }: Options): Sqs {
  const store = createQueueStore({ clock, endpoint, home, meter });
  return {
    service: { name: 'sqs', protocol: 'json', operations: queueOperations(store) },
    createQueue: store.create,
    setRetention(name, retentionSeconds) {
      store.queue(name).retentionMs = retentionSeconds * 1000;
    },
    deleteQueue: store.delete,
    sample: store.sample,
    send: (queueArn, body) => void store.add(store.queue(queueArn.split(':')[5] ?? ''), body, {}),
    messages: (name) => store.messages(store.queue(name)),
  };
}
