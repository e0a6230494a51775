import * as v from 'valibot';
import {
  arnAt,
  type OnAccess,
  type ProvisionedResource,
  parseProperties,
  policyDocument,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Sqs } from './service.ts';

interface Parts {
  sqs: Pick<Sqs, 'createQueue' | 'configure' | 'deleteQueue'>;
  onAccess: OnAccess;
}

const queueProperties = v.pipe(
  v.strictObject({
    QueueName: v.string(),
    MessageRetentionPeriod: v.number(),
    // Nothing is encrypted here.
    SqsManagedSseEnabled: v.optional(v.boolean()),
    // An ARN; AWS has ids and aliases, too.
    KmsMasterKeyId: v.optional(v.pipe(v.string(), v.startsWith('arn:'))),
  }),
  v.check(
    ({ SqsManagedSseEnabled, KmsMasterKeyId }) => SqsManagedSseEnabled !== true || KmsMasterKeyId === undefined,
    'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.',
  ),
);

/** `AWS::SQS::Queue`. Fails on a name that is taken. */
export function queueProvider({ sqs, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { QueueName, MessageRetentionPeriod, KmsMasterKeyId: keyArn } = parseProperties(queueProperties, context);
    const resource = arnAt(context.caller, 'sqs', QueueName);
    const made = (url: string): ProvisionedResource => ({
      physicalId: url,
      attributes: { Arn: resource, QueueName, QueueUrl: url },
      delete(by) {
        onAccess(by, { action: 'sqs:DeleteQueue', resource });
        sqs.deleteQueue(QueueName);
      },
    });
    if (context.previous !== undefined) {
      onAccess(context.caller, { action: 'sqs:SetQueueAttributes', resource });
      sqs.configure({ name: QueueName, retentionSeconds: MessageRetentionPeriod, keyArn });
      return made(context.previous.physicalId);
    }
    onAccess(context.caller, { action: 'sqs:CreateQueue', resource });
    return made(sqs.createQueue({ name: QueueName, retentionSeconds: MessageRetentionPeriod, keyArn }).url);
  };
}

const queuePolicyProperties = v.strictObject({ Queues: v.array(v.string()), PolicyDocument: policyDocument });

/** `AWS::SQS::QueuePolicy`. It is not stored: what services send to queues is decided by the role of the function. */
export function queuePolicyProvider({ onAccess }: Pick<Parts, 'onAccess'>): ResourceProvider {
  return async (context) => {
    const { Queues } = parseProperties(queuePolicyProperties, context);
    function ask(by = context.caller) {
      for (const url of Queues) {
        const resource = arnAt(context.caller, 'sqs', url.slice(url.lastIndexOf('/') + 1));
        onAccess(by, { action: 'sqs:SetQueueAttributes', resource });
      }
    }
    ask();
    return { physicalId: context.logicalId, attributes: {}, delete: ask };
  };
}
