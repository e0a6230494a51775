import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { PolicyDocument, Service } from '../../core/operation.ts';
import { topicOperations } from './operations.ts';
import { createTopicStore, type Publication, type TopicStore } from './topic-store.ts';

export interface Sns extends Omit<TopicStore, 'arnOf'> {
  service: Service;
  /** What was published to a topic so far, oldest first. @throws AwsError NotFound */
  published(topicArn: string): readonly Publication[];
  /** Lets who reads an endpoint's messages confirm its subscription. @throws AwsError NotFound */
  confirm(topicArn: string, endpoint: string): void;
}

interface Options {
  clock: Pick<Clock, 'now'>;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
  /** The policy of a key; default: there are no keys. */
  keyPolicy?: (keyId: string) => PolicyDocument | undefined;
}

/** SNS's standard topics, and who is subscribed to them. Nothing is sent: a topic keeps what was published. */
export function createSns({ clock, home = account, keyPolicy = () => undefined }: Options): Sns {
  const store = createTopicStore({ clock, home, keyPolicy });
  return {
    ...store,
    service: { name: 'sns', protocol: 'query', operations: topicOperations(store) },
    published: (topicArn) => store.topic(topicArn).published,
    confirm(topicArn, endpoint) {
      for (const subscription of store.topic(topicArn).subscriptions) {
        if (subscription.endpoint === endpoint) subscription.isConfirmed = true;
      }
    },
  };
}
