import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Logs } from './service.ts';

const logGroupProperties = v.strictObject({ LogGroupName: v.string(), RetentionInDays: v.optional(v.number()) });

interface Parts {
  logs: Pick<Logs, 'createLogGroup' | 'deleteLogGroup'>;
  onAccess: OnAccess;
}

/** `AWS::Logs::LogGroup`. */
export function logGroupProvider({ logs, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { LogGroupName, RetentionInDays } = parseProperties(logGroupProperties, context);
    const logGroup = arnAt(context.caller, 'logs', `log-group:${LogGroupName}:*`);
    const actions = [
      ...(context.previous === undefined ? ['logs:CreateLogGroup'] : []),
      ...(RetentionInDays === undefined ? [] : ['logs:PutRetentionPolicy']),
    ];
    for (const action of actions) onAccess(context.caller, { action, resource: logGroup });
    logs.createLogGroup({ name: LogGroupName, retentionInDays: RetentionInDays });
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
