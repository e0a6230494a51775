import * as v from 'valibot';
import { type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';

const permissionProperties = v.strictObject({
  FunctionName: v.string(),
  Action: v.literal('lambda:InvokeFunction'),
  Principal: v.string(),
  SourceArn: v.optional(v.string()),
});

/** `AWS::Lambda::Permission`. It is not stored: rules and the HTTP API invoke functions without a function's policy. */
export function permissionProvider({ onAccess }: { onAccess: OnAccess }): ResourceProvider {
  return async (context) => {
    const { FunctionName } = parseProperties(permissionProperties, context);
    onAccess(context.caller, { action: 'lambda:AddPermission', resource: FunctionName });
    return {
      physicalId: context.logicalId,
      attributes: {},
      delete: (by) => onAccess(by, { action: 'lambda:RemovePermission', resource: FunctionName }),
    };
  };
}
