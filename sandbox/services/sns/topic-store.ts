import { randomUUID } from 'node:crypto';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, type PolicyDocument } from '../../core/operation.ts';
import { policyAllows } from '../../core/policies/policy.ts';

export interface Subscription {
  arn: string;
  protocol: string;
  endpoint: string;
  /** Who is sent messages by email or HTTP confirms that first. */
  isConfirmed: boolean;
}

/** What was published to a topic. */
export interface Publication {
  messageId: string;
  /** In milliseconds since the epoch. */
  time: number;
  subject: string;
  message: string;
  /** The endpoints that were sent it: those that had confirmed. */
  sentTo: readonly string[];
}

export interface TopicSettings {
  displayName: string;
  /** The key that messages are encrypted with, as the topic names it. */
  keyId: string | undefined;
}

export interface Topic extends TopicSettings {
  readonly arn: string;
  readonly name: string;
  policy: PolicyDocument;
  subscriptions: Subscription[];
  readonly published: Publication[];
}

/** A service of AWS that publishes, and for what. */
export interface Publisher {
  service: string;
  sourceArn: string;
}

export interface TopicStore {
  arnOf(name: string): string;
  /** @throws Error for a name that is taken */
  create(name: string, settings: TopicSettings): Topic;
  /** @throws AwsError NotFound */
  topic(topicArn: string): Topic;
  /** Deletes a topic with its subscriptions, if there is one of this ARN. */
  delete(topicArn: string): void;
  /** Gives a topic a policy, or the default one. @throws AwsError NotFound */
  setPolicy(topicArn: string, policy: PolicyDocument | undefined): void;
  /** Returns the ARN; of an endpoint that has one already, that one. @throws AwsError NotFound */
  subscribe(topicArn: string, protocol: string, endpoint: string): string;
  unsubscribe(subscriptionArn: string): void;
  /** Returns why the topic did not take it; nothing when it did. */
  publish(topicArn: string, content: Pick<Publication, 'subject' | 'message'>, by: Publisher): string | undefined;
}

interface Parts {
  clock: Pick<Clock, 'now'>;
  home: AccountRegion;
  /** The policy of a key; undefined: there is none of this ARN or id. */
  keyPolicy: (keyId: string) => PolicyDocument | undefined;
}

/** The topics of an account in a Region, by ARN. */
export function createTopicStore({ clock, home, keyPolicy }: Parts): TopicStore {
  const topics = new Map<string, Topic>();
  const arnOf = (name: string) => `arn:aws:sns:${home.region}:${home.accountId}:${name}`;

  function topicOf(topicArn: string): Topic {
    const topic = topics.get(topicArn);
    if (topic !== undefined) return topic;
    throw new AwsError('NotFound', 'Topic does not exist', 404);
  }

  /** Whether a resource's policy lets the service in, with the keys that AWS's services bring along. */
  function lets(policy: PolicyDocument, action: string, resource: string, { service, sourceArn }: Publisher): boolean {
    const { accountId } = home;
    const context = {
      'aws:SourceArn': sourceArn,
      'aws:SourceAccount': accountId,
      // Only in the default policy, and in those that copy it.
      'aws:SourceOwner': accountId,
    };
    return policyAllows(policy, { service, action, resource, context }) === 'allow';
  }

  /**
   * A service that publishes to an encrypted topic must be able to use its key, which the AWS managed one lets none do (SNS Developer Guide, "Enable
   * compatibility between event sources from AWS services and encrypted topics").
   */
  function keyRefuses(keyId: string, by: Publisher): boolean {
    const policy = keyPolicy(keyId);
    return (
      policy === undefined || !['kms:GenerateDataKey', 'kms:Decrypt'].every((action) => lets(policy, action, keyId, by))
    );
  }

  return {
    arnOf,
    topic: topicOf,
    create(name, settings) {
      const arn = arnOf(name);
      if (topics.has(arn)) throw new Error(`${arn} already exists`);
      const topic = { ...settings, arn, name, policy: defaultPolicy(arn, home), subscriptions: [], published: [] };
      topics.set(arn, topic);
      return topic;
    },
    delete: (topicArn) => void topics.delete(topicArn),
    setPolicy(topicArn, policy) {
      topicOf(topicArn).policy = policy ?? defaultPolicy(topicArn, home);
    },
    subscribe(topicArn, protocol, endpoint) {
      const topic = topicOf(topicArn);
      const existing = topic.subscriptions.find((each) => each.protocol === protocol && each.endpoint === endpoint);
      if (existing !== undefined) return existing.arn;
      const arn = `${topicArn}:${randomUUID()}`;
      topic.subscriptions.push({ arn, protocol, endpoint, isConfirmed: false });
      return arn;
    },
    unsubscribe(subscriptionArn) {
      for (const topic of topics.values()) {
        topic.subscriptions = topic.subscriptions.filter(({ arn }) => arn !== subscriptionArn);
      }
    },
    publish(topicArn, { subject, message }, by) {
      const topic = topics.get(topicArn);
      if (topic === undefined) return 'Topic does not exist';
      if (!lets(topic.policy, 'SNS:Publish', topicArn, by)) {
        return `Resource: ${by.sourceArn} is not authorized to perform: SNS:Publish on resource: ${topicArn}`;
      }
      if (topic.keyId !== undefined && keyRefuses(topic.keyId, by)) {
        return `null (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Proxy: null)`;
      }
      const sentTo = topic.subscriptions.filter(({ isConfirmed }) => isConfirmed).map(({ endpoint }) => endpoint);
      topic.published.push({ messageId: randomUUID(), time: clock.now(), subject, message, sentTo });
      return undefined;
    },
  };
}

/** Recorded (localstack/localstack, `tests/aws/services/cloudformation/resources/test_sns.snapshot.json`). */
const defaultPolicy = (Resource: string, { accountId }: AccountRegion): PolicyDocument => ({
  Version: '2008-10-17',
  Id: '__default_policy_ID',
  Statement: [
    {
      Sid: '__default_statement_ID',
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: [
        'SNS:GetTopicAttributes',
        'SNS:SetTopicAttributes',
        'SNS:AddPermission',
        'SNS:RemovePermission',
        'SNS:DeleteTopic',
        'SNS:Subscribe',
        'SNS:ListSubscriptionsByTopic',
        'SNS:Publish',
      ],
      Resource,
      Condition: { StringEquals: { 'AWS:SourceOwner': accountId } },
    },
  ],
});
