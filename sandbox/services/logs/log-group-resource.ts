import * as v from 'valibot';
import { letsService } from '../../core/policies/key-use.ts';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Kms } from '../kms/service.ts';
import type { Logs } from './service.ts';

const logGroupProperties = v.strictObject({
  LogGroupName: v.string(),
  RetentionInDays: v.optional(v.number()),
  // CloudWatch Logs takes nothing else here (API reference, AssociateKmsKey).
  KmsKeyId: v.optional(v.pipe(v.string(), v.regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/))),
});

/** What CloudWatch Logs does with the key itself (user guide, "Encrypt log data in CloudWatch Logs using AWS KMS"). */
const keyActions = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'DescribeKey'];

interface Parts {
  logs: Pick<Logs, 'createLogGroup' | 'deleteLogGroup'>;
  kms: Pick<Kms, 'findPolicy'>;
  onAccess: OnAccess;
}

/** `AWS::Logs::LogGroup`. Fails with a key whose policy does not let CloudWatch Logs use it for this group. */
export function logGroupProvider({ logs, kms, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { LogGroupName, RetentionInDays, KmsKeyId: keyArn } = parseProperties(logGroupProperties, context);
    const logGroup = arnAt(context.caller, 'logs', `log-group:${LogGroupName}:*`);
    const actions = [
      ...(context.previous === undefined ? ['logs:CreateLogGroup'] : []),
      ...(RetentionInDays === undefined ? [] : ['logs:PutRetentionPolicy']),
    ];
    const isOtherKey = context.previous !== undefined && context.previous.properties.KmsKeyId !== keyArn;
    if (isOtherKey) actions.push(keyArn === undefined ? 'logs:DisassociateKmsKey' : 'logs:AssociateKmsKey');
    for (const action of actions) onAccess(context.caller, { action, resource: logGroup });
    if (keyArn !== undefined && (isOtherKey || context.previous === undefined)) {
      const groupArn = arnAt(context.caller, 'logs', `log-group:${LogGroupName}`);
      const isLet = letsService(kms.findPolicy(keyArn), {
        service: `logs.${context.caller.region}.amazonaws.com`,
        actions: keyActions.map((name) => `kms:${name}`),
        keyArn,
        context: { 'kms:EncryptionContext:aws:logs:arn': groupArn },
      });
      if (!isLet) {
        throw new Error(`The specified KMS key does not exist or is not allowed to be used with Arn '${groupArn}'`);
      }
    }
    logs.createLogGroup({ name: LogGroupName, retentionInDays: RetentionInDays, keyArn });
    return {
      physicalId: LogGroupName,
      attributes: { Arn: logGroup },
      delete(by) {
        onAccess(by, { action: 'logs:DeleteLogGroup', resource: logGroup });
        logs.deleteLogGroup(LogGroupName);
      },
    };
  };
}
