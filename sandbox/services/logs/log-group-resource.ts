import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';

const logGroupProperties = v.strictObject({ LogGroupName: v.string(), RetentionInDays: v.optional(v.number()) });

/** `AWS::Logs::LogGroup`. Only its ARN matters here: functions log to files. */
export function logGroupProvider({ onAccess }: { onAccess: OnAccess }): ResourceProvider {
  return async (context) => {
    const { LogGroupName, RetentionInDays } = parseProperties(logGroupProperties, context);
    const logGroup = arnAt(context.caller, 'logs', `log-group:${LogGroupName}:*`);
    const actions = [
      ...(context.previous === undefined ? ['logs:CreateLogGroup'] : []),
      ...(RetentionInDays === undefined ? [] : ['logs:PutRetentionPolicy']),
    ];
    for (const action of actions) onAccess(context.caller, { action, resource: logGroup });
    return {
      physicalId: LogGroupName,
      attributes: { Arn: logGroup },
      delete: (by) => onAccess(by, { action: 'logs:DeleteLogGroup', resource: logGroup }),
    };
  };
}
