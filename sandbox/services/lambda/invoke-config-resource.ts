import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { AsynchronousInvocations } from './asynchronous.ts';

interface Parts {
  invocations: Pick<AsynchronousInvocations, 'configure' | 'forget'>;
  onAccess: OnAccess;
}

const invokeConfigProperties = v.strictObject({
  FunctionName: v.string(),
  Qualifier: v.literal('$LATEST'),
  MaximumRetryAttempts: v.number(),
  DestinationConfig: v.strictObject({ OnFailure: v.strictObject({ Destination: v.string() }) }),
});

/** `AWS::Lambda::EventInvokeConfig`: how often an event is retried, and the queue for what failed each time. */
export function invokeConfigProvider({ invocations, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { FunctionName, MaximumRetryAttempts, DestinationConfig } = parseProperties(invokeConfigProperties, context);
    const functionArn = arnAt(context.caller, 'lambda', `function:${FunctionName}`);
    onAccess(context.caller, { action: 'lambda:PutFunctionEventInvokeConfig', resource: functionArn });
    invocations.configure(functionArn, {
      maximumRetryAttempts: MaximumRetryAttempts,
      onFailureArn: DestinationConfig.OnFailure.Destination,
    });
    return {
      physicalId: context.logicalId,
      attributes: {},
      delete(by) {
        onAccess(by, { action: 'lambda:DeleteFunctionEventInvokeConfig', resource: functionArn });
        invocations.forget(functionArn);
      },
    };
  };
}
