import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { SecretsManager } from './service.ts';

interface Parts {
  secretsManager: Pick<SecretsManager, 'createSecret'>;
  onAccess: OnAccess;
}

const secretProperties = v.strictObject({ Name: v.string(), Description: v.optional(v.string()) });

/** `AWS::SecretsManager::Secret`, without a value. Fails on a name that is taken. */
export function secretProvider({ secretsManager, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { Name } = parseProperties(secretProperties, context);
    const resource = arnAt(context.caller, 'secretsmanager', `secret:${Name}-*`);
    onAccess(context.caller, { action: 'secretsmanager:CreateSecret', resource });
    return { physicalId: secretsManager.createSecret(Name), attributes: {} };
  };
}
