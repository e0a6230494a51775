import * as v from 'valibot';
import {
  arnAt,
  generatedName,
  type OnAccess,
  parseProperties,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { SecretsManager } from './service.ts';

interface Parts {
  secretsManager: Pick<SecretsManager, 'createSecret' | 'deleteSecret'>;
  onAccess: OnAccess;
}

const secretProperties = v.strictObject({
  Name: v.optional(v.string()),
  Description: v.optional(v.string()),
  // API reference, CreateSecret.
  SecretString: v.optional(v.pipe(v.string(), v.minLength(1), v.maxBytes(65_536))),
});

/**
 * `AWS::SecretsManager::Secret`. Fails on a name that is taken. Its deletion leaves nothing that could be restored, and no name that is
 * taken (CloudFormation user guide, "DeletionPolicy attribute").
 */
export function secretProvider({ secretsManager, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { Name = generatedName(context), SecretString } = parseProperties(secretProperties, context);
    const resource = arnAt(context.caller, 'secretsmanager', `secret:${Name}-*`);
    onAccess(context.caller, { action: 'secretsmanager:CreateSecret', resource });
    return {
      physicalId: secretsManager.createSecret(Name, SecretString),
      attributes: {},
      delete(by) {
        onAccess(by, { action: 'secretsmanager:DeleteSecret', resource });
        secretsManager.deleteSecret(Name);
      },
    };
  };
}
