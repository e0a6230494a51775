import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Meter, noMeter } from '../../core/meter.ts';
import type { Caller, Service } from '../../core/operation.ts';
import type { Kms } from '../kms/service.ts';
import { keyUse } from './key-use.ts';
import { queueOperations } from './operations.ts';
import { createQueueStore, type Message } from './queue-store.ts';

export interface Sqs {
  service: Service;
  /** Returns the queue's URL and ARN. @throws AwsError QueueNameExists */
  createQueue(queue: { name: string; retentionSeconds?: number; keyArn?: string | undefined }): {
    url: string;
    arn: string;
  };
  /** How long a queue keeps messages, also those that are there, and the key of its messages. @throws AwsError QueueDoesNotExist */
  configure(queue: { name: string; retentionSeconds: number; keyArn: string | undefined }): void;
  /** Deletes a queue with its messages, if there is one of this name. */
  deleteQueue(name: string): void;
  /** Puts a message into a queue in the name of a function's role, whose use of the queue's key is asked; default: nobody's. @throws AwsError QueueDoesNotExist, KmsAccessDenied, KmsDisabled */
  send(queueArn: string, body: string, as?: Caller): void;
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
  /** Default: no queue can be encrypted with a customer managed key. */
  kms?: Pick<Kms, 'useAccess'>;
  /** Hears of messages; default: nobody does. */
  meter?: Meter;
}

/** SQS standard queues with string messages. */
export function createSqs({ clock, endpoint, home = account, meter = noMeter, kms }: Options): Sqs {
  const requireKey = keyUse(kms, home);
  const store = createQueueStore({ clock, endpoint, home, meter });
  return {
    service: { name: 'sqs', protocol: 'json', operations: queueOperations(store, requireKey) },
    createQueue: store.create,
    configure({ name, retentionSeconds, keyArn }) {
      Object.assign(store.queue(name), { retentionMs: retentionSeconds * 1000, keyArn });
    },
    deleteQueue: store.delete,
    sample: store.sample,
    send(queueArn, body, as) {
      const queue = store.queue(queueArn.split(':')[5] ?? '');
      if (as !== undefined) requireKey(as, queue, 'send');
      store.add(queue, body, {});
    },
    messages: (name) => store.messages(store.queue(name)),
  };
}
