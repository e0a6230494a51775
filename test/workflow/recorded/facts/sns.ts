import { answered, fact, type Recordings, refused } from '../fact.ts';

const arn = 'arn:aws:sns:us-east-1:111111111111:';

export const sns: Recordings = {
  service: 'sns',
  file: 'sns/test_sns.snapshot.json',
  tests: [
    {
      test: 'TestSNSTopicCrud::test_create_topic_with_attributes',
      date: '2025-09-25',
      steps: [
        fact(
          'get-attrs-nonexistent-topic',
          'GetTopicAttributes',
          { TopicArn: `${arn}recorded-gone` },
          refused('NotFound', 'Topic does not exist', 404),
        ),
        fact(
          'get-attrs-malformed-topic',
          'GetTopicAttributes',
          { TopicArn: 'test-topic' },
          refused(
            'InvalidParameter',
            'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1',
          ),
        ),
      ],
    },
    {
      test: 'TestSNSSubscriptionCrudV2::test_getting_subscriptions_by_topic',
      date: '2025-10-07',
      prepare({ sns: topics }) {
        topics.create('recorded', { displayName: '', keyId: undefined });
        topics.subscribe(`${arn}recorded`, 'sqs', 'arn:aws:sqs:us-east-1:111111111111:recorded');
        topics.confirm(`${arn}recorded`, 'arn:aws:sqs:us-east-1:111111111111:recorded');
        return {};
      },
      steps: [
        fact(
          'list-subscriptions-by-topic',
          'ListSubscriptionsByTopic',
          { TopicArn: `${arn}recorded` },
          answered({
            Subscriptions: [
              {
                Endpoint: 'arn:aws:sqs:us-east-1:111111111111:recorded',
                Owner: '111111111111',
                Protocol: 'sqs',
                SubscriptionArn: `${arn}recorded:<id>`,
                TopicArn: `${arn}recorded`,
              },
            ],
          }),
        ),
      ],
    },
  ],
};
