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
    const { previous } = context;
    const { Name = nameOf(previous?.physicalId) ?? generatedName(context), SecretString } = parseProperties(
      secretProperties,
      context,
    );
    const resource = arnAt(context.caller, 'secretsmanager', `secret:${Name}-*`);
    const isNew = previous === undefined;
    const action = isNew ? 'secretsmanager:CreateSecret' : 'secretsmanager:UpdateSecret';
    onAccess(context.caller, { action, resource });
    // An update of its description; the sandbox keeps none.
    if (previous !== undefined && previous.properties.SecretString !== SecretString) {
      throw new Error('The sandbox does not update SecretString of AWS::SecretsManager::Secret');
    }
    return {
      physicalId: previous?.physicalId ?? secretsManager.createSecret(Name, SecretString),
      attributes: {},
      delete(by) {
        onAccess(by, { action: 'secretsmanager:DeleteSecret', resource });
        secretsManager.deleteSecret(Name);
      },
    };
  };
}

/** The name in a secret's ARN, which has six characters more. */
const nameOf = (arn: string | undefined) => /:secret:(.+)-\w{6}$/.exec(arn ?? '')?.[1];
