import * as v from 'valibot';
import { AwsError, operation } from '../../core/operation.ts';
import type { Topic, TopicStore } from './topic-store.ts';

const TopicArn = v.pipe(v.string(), v.minLength(1));
/** AWS's pages have a hundred; shorter ones reveal a client that reads only the first. */
const pageSize = 10;

/** The operations on topics: https://docs.aws.amazon.com/sns/latest/api/API_Operations.html */
export function topicOperations(store: Pick<TopicStore, 'topic'>) {
  return {
    GetTopicAttributes: operation(v.strictObject({ TopicArn }), {
      access: (input) => [{ action: 'sns:GetTopicAttributes', resource: input.TopicArn }],
      run: (input) => ({ Attributes: attributesOf(store.topic(requireArn(input.TopicArn))) }),
    }),
    ListSubscriptionsByTopic: operation(v.strictObject({ TopicArn, NextToken: v.optional(v.string()) }), {
      access: (input) => [{ action: 'sns:ListSubscriptionsByTopic', resource: input.TopicArn }],
      run({ TopicArn: topicArn, NextToken }) {
        const { subscriptions } = store.topic(requireArn(topicArn));
        const from = NextToken === undefined ? 0 : subscriptions.findIndex(({ arn }) => arn === NextToken);
        if (from < 0) throw new AwsError('InvalidParameter', 'Invalid parameter: NextToken');
        const next = subscriptions[from + pageSize];
        return {
          Subscriptions: subscriptions.slice(from, from + pageSize).map(({ arn, protocol, endpoint, isConfirmed }) => ({
            SubscriptionArn: isConfirmed ? arn : 'PendingConfirmation',
            Owner: topicArn.split(':')[4],
            Protocol: protocol,
            Endpoint: endpoint,
            TopicArn: topicArn,
          })),
          ...(next !== undefined && { NextToken: next.arn }),
        };
      },
    }),
  };
}

/** @throws AwsError InvalidParameter */
function requireArn(topicArn: string): string {
  if (/^arn:[\w-]+:sns:[\w-]+:\d{12}:[^:]+$/.test(topicArn)) return topicArn;
  const elements = topicArn.split(':').length;
  // Recorded: localstack/localstack, `test_sns.snapshot.json`.
  const reason = elements < 6 ? ` Reason: An ARN must have at least 6 elements, not ${elements}` : '';
  throw new AwsError('InvalidParameter', `Invalid parameter: TopicArn${reason}`);
}

function attributesOf({ arn, displayName, keyId, policy, subscriptions }: Topic): Map<string, string> {
  const confirmed = subscriptions.filter(({ isConfirmed }) => isConfirmed).length;
  return new Map([
    ['TopicArn', arn],
    ['Owner', arn.split(':')[4] ?? ''],
    ['DisplayName', displayName],
    ['Policy', JSON.stringify(policy)],
    ['SubscriptionsConfirmed', String(confirmed)],
    ['SubscriptionsPending', String(subscriptions.length - confirmed)],
    ['SubscriptionsDeleted', '0'],
    ...(keyId === undefined ? [] : [['KmsMasterKeyId', keyId] as const]),
  ]);
}
