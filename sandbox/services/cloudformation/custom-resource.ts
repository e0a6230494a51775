import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import {
  type CustomResource,
  type OnAccess,
  parseProperties,
  type ResourceProvider,
} from '../../core/resource-provider.ts';

interface Parts {
  customResource: CustomResource;
  onAccess: OnAccess;
}

const customProperties = v.looseObject({ ServiceToken: v.string() });

/** `Custom::*`. No function runs: `customResource` stands behind every `ServiceToken`, for creations and updates alike. */
export function customProvider({ customResource, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const properties = parseProperties(customProperties, context);
    onAccess(context.caller, { action: 'lambda:InvokeFunction', resource: properties.ServiceToken });
    const { delete: remove, ...created } = await answered(() => customResource(context.type, properties));
    return { ...created, ...(remove !== undefined && { delete: () => answered(async () => remove()) }) };
  };
}

/** What a custom resource answered; a failure in CloudFormation's words. */
async function answered<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Received response status [FAILED] from custom resource. Message returned: ${message} (RequestId: ${randomUUID()})`,
    );
  }
}
