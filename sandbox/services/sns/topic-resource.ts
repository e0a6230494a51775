import * as v from 'valibot';
import type { Caller } from '../../core/operation.ts';
import {
  arnAt,
  generatedName,
  type OnAccess,
  parseProperties,
  policyDocument,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Sns } from './service.ts';

interface Parts {
  sns: Pick<Sns, 'create' | 'topic' | 'delete' | 'setPolicy' | 'subscribe' | 'unsubscribe'>;
  onAccess: OnAccess;
}

/** Who is sent what is published: others than these would have to be there, too. */
const endpointForms: Readonly<Record<string, RegExp>> = {
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  'email-json': /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  https: /^https:\/\/\S+$/,
};
const isEndpoint = ({ Protocol, Endpoint }: { Protocol: string; Endpoint: string }) =>
  Object.hasOwn(endpointForms, Protocol) && endpointForms[Protocol]?.test(Endpoint) === true;
const noEndpoint = 'email or email-json with an address, or https with a URL';

const topicProperties = v.strictObject({
  TopicName: v.optional(v.pipe(v.string(), v.regex(/^[\w-]{1,256}$/))),
  DisplayName: v.optional(v.pipe(v.string(), v.maxLength(100)), ''),
  KmsMasterKeyId: v.optional(v.string()),
  Subscription: v.optional(
    v.array(
      v.pipe(
        v.strictObject({ Protocol: v.string(), Endpoint: v.string() }),
        v.check((given) => isEndpoint(given), noEndpoint),
      ),
    ),
    [],
  ),
  Tags: v.optional(v.array(v.strictObject({ Key: v.string(), Value: v.string() })), []),
});

/** `AWS::SNS::Topic`: a standard topic. Fails on a name that is taken. IAM is asked what the published schema of the type lists. */
export function topicProvider({ sns, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { caller, previous } = context;
    const properties = parseProperties(topicProperties, context);
    const { TopicName: name = generatedName(context), DisplayName: displayName, KmsMasterKeyId: keyId } = properties;
    const arn = arnAt(caller, 'sns', name);
    const ask = (by: Caller, ...actions: readonly string[]) => {
      for (const action of actions) onAccess(by, { action: `sns:${action}`, resource: arn });
    };
    const isTagged = properties.Tags.length > 0 || context.tags.length > 0;
    ask(
      caller,
      ...(previous === undefined ? ['CreateTopic'] : ['SetTopicAttributes']),
      ...(isTagged ? ['TagResource'] : []),
      'GetTopicAttributes',
    );
    const topic = previous === undefined ? sns.create(name, { displayName, keyId }) : sns.topic(arn);
    Object.assign(topic, { displayName, keyId });
    const has = ({ Protocol, Endpoint }: { Protocol: string; Endpoint: string }) =>
      properties.Subscription.some((each) => each.Protocol === Protocol && each.Endpoint === Endpoint);
    for (const { Protocol, Endpoint } of subscriptionsOf(previous?.properties)) {
      if (has({ Protocol, Endpoint })) continue;
      ask(caller, 'Unsubscribe');
      for (const each of topic.subscriptions) {
        if (each.protocol === Protocol && each.endpoint === Endpoint) sns.unsubscribe(each.arn);
      }
    }
    for (const { Protocol, Endpoint } of properties.Subscription) {
      ask(caller, 'Subscribe');
      sns.subscribe(arn, Protocol, Endpoint);
    }
    return {
      physicalId: arn,
      attributes: { TopicArn: arn, TopicName: name },
      delete(by) {
        ask(by, 'GetTopicAttributes', 'DeleteTopic');
        sns.delete(arn);
      },
    };
  };
}

/** The subscriptions that a topic's properties had before an update. */
function subscriptionsOf(properties: unknown): { Protocol: string; Endpoint: string }[] {
  const read = v.safeParse(topicProperties, properties ?? {});
  return read.success ? read.output.Subscription : [];
}

const topicPolicyProperties = v.strictObject({ Topics: v.array(v.string()), PolicyDocument: policyDocument });

/** `AWS::SNS::TopicPolicy`: the policy of topics, which have the default one when it is deleted. Fails when one does not exist. */
export function topicPolicyProvider({ sns, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { Topics, PolicyDocument } = parseProperties(topicPolicyProperties, context);
    const before = v.safeParse(topicPolicyProperties, context.previous?.properties ?? {});
    function set(topicArns: readonly string[], by: Caller, policy: typeof PolicyDocument | undefined): void {
      for (const arn of topicArns) {
        onAccess(by, { action: 'sns:SetTopicAttributes', resource: arn });
        sns.setPolicy(arn, policy);
      }
    }
    const dropped = before.success ? before.output.Topics.filter((arn) => !Topics.includes(arn)) : [];
    set(dropped, context.caller, undefined);
    set(Topics, context.caller, PolicyDocument);
    const id = context.previous?.physicalId ?? generatedName(context);
    return { physicalId: id, attributes: { Id: id }, delete: (by) => set(Topics, by, undefined) };
  };
}

const subscriptionProperties = v.pipe(
  v.strictObject({ TopicArn: v.string(), Protocol: v.string(), Endpoint: v.string() }),
  v.check((given) => isEndpoint(given), noEndpoint),
);

/** `AWS::SNS::Subscription`, which is pending until who reads the endpoint confirms it. Fails for a topic that does not exist. */
export function subscriptionProvider({ sns, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { TopicArn, Protocol, Endpoint } = parseProperties(subscriptionProperties, context);
    onAccess(context.caller, { action: 'sns:Subscribe', resource: TopicArn });
    const arn = sns.subscribe(TopicArn, Protocol, Endpoint);
    return {
      physicalId: arn,
      attributes: { Arn: arn },
      delete(by) {
        onAccess(by, { action: 'sns:Unsubscribe', resource: TopicArn });
        sns.unsubscribe(arn);
      },
    };
  };
}
