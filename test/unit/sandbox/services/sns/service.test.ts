import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import type { PolicyDocument } from '../../../../../sandbox/core/operation.ts';
import { createSns } from '../../../../../sandbox/services/sns/service.ts';
import { accessOf, call } from '../call.ts';
import { setUp as setUpStacks } from '../cloudformation/cloudformation-fixture.ts';

const topicArn = 'arn:aws:sns:us-east-1:111111111111:alarms';
const sourceArn = 'arn:aws:cloudwatch:us-east-1:111111111111:alarm:failed';
const cloudWatch = { service: 'cloudwatch.amazonaws.com', sourceArn };
const content = { subject: 'ALARM', message: '{}' };

function setUp(keyId?: string, keyPolicy?: (id: string) => PolicyDocument | undefined) {
  const sns = createSns({ clock: createClock({ skipIdle: true }), ...(keyPolicy !== undefined && { keyPolicy }) });
  sns.create('alarms', { displayName: 'Ops', keyId });
  return sns;
}
const allowing = (Action: string | string[], Condition?: object, Resource = topicArn) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action,
      Resource,
      ...(Condition && { Condition }),
    },
  ],
});

describe('a topic', () => {
  it('keeps what is published, and who was sent it', () => {
    const sns = setUp();
    sns.subscribe(topicArn, 'email', 'a@example.com');
    expect(sns.publish(topicArn, content, cloudWatch)).toBeUndefined();
    sns.confirm(topicArn, 'a@example.com');
    sns.publish(topicArn, content, cloudWatch);
    expect(sns.published(topicArn)).toMatchObject([
      { ...content, sentTo: [] },
      { ...content, sentTo: ['a@example.com'] },
    ]);
  });

  it('lets services of its account publish by its default policy, and only whom another one names', () => {
    const sns = setUp();
    const denied = `Resource: ${sourceArn} is not authorized to perform: SNS:Publish on resource: ${topicArn}`;
    sns.setPolicy(topicArn, {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111111111111:root' },
          Action: 'sns:Publish',
          Resource: topicArn,
        },
      ],
    });
    expect(sns.publish(topicArn, content, cloudWatch)).toBe(denied);
    sns.setPolicy(
      topicArn,
      allowing('sns:Publish', { ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:*:111111111111:alarm:*' } }),
    );
    expect(sns.publish(topicArn, content, cloudWatch)).toBeUndefined();
    sns.setPolicy(topicArn, allowing('sns:Publish', { StringEquals: { 'aws:SourceAccount': '222222222222' } }));
    expect(sns.publish(topicArn, content, cloudWatch)).toBe(denied);
    sns.setPolicy(topicArn, undefined);
    expect(sns.publish(topicArn, content, cloudWatch)).toBeUndefined();
    expect(sns.publish(`${topicArn}-gone`, content, cloudWatch)).toBe('Topic does not exist');
  });

  it('that is encrypted takes what a service may encrypt', () => {
    const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/k';
    const key = (policy: PolicyDocument | undefined) =>
      setUp(keyArn, () => policy).publish(topicArn, content, cloudWatch);
    expect(key(allowing(['kms:GenerateDataKey*', 'kms:Decrypt'], undefined, '*'))).toBeUndefined();
    expect(key(allowing('kms:Decrypt', undefined, '*'))).toContain('AWSKMS');
    // That of AWS lets no service in.
    expect(setUp('alias/aws/sns').publish(topicArn, content, cloudWatch)).toContain('AWSKMS');
  });

  it('answers what it is, and who is subscribed', async () => {
    const sns = setUp();
    for (let place = 10; place < 22; place += 1) sns.subscribe(topicArn, 'email', `a${place}@example.com`);
    expect(sns.subscribe(topicArn, 'email', 'a10@example.com')).toBe(sns.topic(topicArn).subscriptions[0]?.arn);
    sns.confirm(topicArn, 'a11@example.com');
    const answer = await call(sns.service, 'GetTopicAttributes', { TopicArn: topicArn });
    expect('Attributes' in answer && answer.Attributes).toEqual(
      new Map([
        ['TopicArn', topicArn],
        ['Owner', '111111111111'],
        ['DisplayName', 'Ops'],
        ['Policy', expect.stringContaining('__default_statement_ID')],
        ['SubscriptionsConfirmed', '1'],
        ['SubscriptionsPending', '11'],
        ['SubscriptionsDeleted', '0'],
      ]),
    );
    const first = await call(sns.service, 'ListSubscriptionsByTopic', { TopicArn: topicArn });
    expect(first).toMatchObject({
      Subscriptions: [
        {
          SubscriptionArn: 'PendingConfirmation',
          Owner: '111111111111',
          Protocol: 'email',
          Endpoint: 'a10@example.com',
          TopicArn: topicArn,
        },
        { SubscriptionArn: expect.stringContaining(`${topicArn}:`) },
        ...Array.from({ length: 8 }, () => expect.anything()),
      ],
    });
    const NextToken = 'NextToken' in first ? first.NextToken : undefined;
    expect(await call(sns.service, 'ListSubscriptionsByTopic', { TopicArn: topicArn, NextToken })).toMatchObject({
      Subscriptions: [{ Endpoint: 'a20@example.com' }, { Endpoint: 'a21@example.com' }],
    });
  });

  it.each([
    [
      { TopicArn: 'x' },
      {
        code: 'InvalidParameter',
        message: 'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1',
      },
    ],
    [{ TopicArn: `${topicArn}-gone` }, { code: 'NotFound', message: 'Topic does not exist', statusCode: 404 }],
  ])('%j is refused, as recorded', async (input, error) => {
    const { service } = setUp();
    for (const name of ['GetTopicAttributes', 'ListSubscriptionsByTopic']) {
      await expect(call(service, name, input)).rejects.toMatchObject(error);
      expect(accessOf(service, name, input)).toEqual([{ action: `sns:${name}`, resource: input.TopicArn }]);
    }
  });
});

describe('in a stack', () => {
  async function create(Resources: object) {
    const world = setUpStacks();
    await world.call('CreateStack', { StackName: 's', TemplateBody: JSON.stringify({ Resources }) });
    const { status, events, resources } = await world.settled('s');
    return {
      ...world,
      status,
      resources,
      reasons: events.map(({ ResourceStatusReason }) => ResourceStatusReason).join('\n'),
    };
  }
  const Topic = { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alarms' } };
  const subscription = (Properties: object) => ({
    Type: 'AWS::SNS::Subscription',
    Properties: { TopicArn: { Ref: 'Topic' }, ...Properties },
  });

  it('a subscription is pending, and goes with the stack', async () => {
    const {
      status,
      sns,
      resources,
      accesses,
      call: callStacks,
      settled,
    } = await create({
      Topic,
      Mail: subscription({ Protocol: 'email', Endpoint: 'a@example.com' }),
    });
    expect(status).toBe('CREATE_COMPLETE');
    expect(sns.topic(topicArn).subscriptions).toMatchObject([{ protocol: 'email', isConfirmed: false }]);
    expect(resources[1]?.provisioned?.physicalId).toBe(sns.topic(topicArn).subscriptions[0]?.arn);
    await callStacks('DeleteStack', { StackName: 's' });
    await settled('s').catch(() => {});
    expect(() => sns.topic(topicArn)).toThrow('Topic does not exist');
    const actions = accesses.map(({ access }) => access.action).filter((action) => action.startsWith('sns:'));
    expect(actions).toEqual([
      'sns:CreateTopic',
      'sns:GetTopicAttributes',
      'sns:Subscribe',
      'sns:Unsubscribe',
      'sns:GetTopicAttributes',
      'sns:DeleteTopic',
    ]);
  });

  it.each([
    ['a queue', { Protocol: 'sqs', Endpoint: 'arn:aws:sqs:us-east-1:111111111111:q' }],
    ['what is no address', { Protocol: 'email', Endpoint: 'somebody' }],
    ['http', { Protocol: 'http', Endpoint: 'http://example.com' }],
    ['a filter', { Protocol: 'email', Endpoint: 'a@example.com', FilterPolicy: {} }],
  ])('a subscription of %s fails it', async (_, properties) => {
    const { status, reasons } = await create({ Topic, Mail: subscription(properties) });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons).toContain('Properties validation failed for resource Mail');
  });

  it.each([
    ['a FIFO topic', { TopicName: 'a.fifo', FifoTopic: true }],
    ['a wrong name', { TopicName: 'a b' }],
    ['a property that it has not', { DataProtectionPolicy: {} }],
  ])('%s fails it', async (_, Properties) => {
    const { status, reasons } = await create({ Topic: { ...Topic, Properties } });
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(reasons).toContain('Properties validation failed for resource Topic');
  });
});
