import * as v from 'valibot';
import {
  arnAt,
  generatedName,
  type OnAccess,
  parseProperties,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Kms } from '../kms/service.ts';
import { encryptActions } from './key-use.ts';
import type { SecretsManager } from './service.ts';

interface Parts {
  secretsManager: Pick<SecretsManager, 'createSecret' | 'deleteSecret' | 'setKey'>;
  kms: Pick<Kms, 'useAccess'>;
  onAccess: OnAccess;
}

const secretProperties = v.strictObject({
  Name: v.optional(v.string()),
  Description: v.optional(v.string()),
  // An ARN, which is compared with; AWS has ids and aliases, too.
  KmsKeyId: v.optional(v.pipe(v.string(), v.startsWith('arn:'))),
  // API reference, CreateSecret.
  SecretString: v.optional(v.pipe(v.string(), v.minLength(1), v.maxBytes(65_536))),
});

/**
 * `AWS::SecretsManager::Secret`. Fails on a name that is taken. Its deletion leaves nothing that could be restored, and no name that is
 * taken (CloudFormation user guide, "DeletionPolicy attribute").
 */
export function secretProvider({ secretsManager, kms, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { previous } = context;
    const { SecretString, KmsKeyId, ...properties } = parseProperties(secretProperties, context);
    const { Name = nameOf(previous?.physicalId) ?? generatedName(context) } = properties;
    const resource = arnAt(context.caller, 'secretsmanager', `secret:${Name}-*`);
    const isNew = previous === undefined;
    const action = isNew ? 'secretsmanager:CreateSecret' : 'secretsmanager:UpdateSecret';
    onAccess(context.caller, { action, resource });
    // An update of its description; the sandbox keeps none.
    if (previous !== undefined && previous.properties.SecretString !== SecretString) {
      throw new Error('The sandbox does not update SecretString of AWS::SecretsManager::Secret');
    }
    const isOtherKey = previous !== undefined && previous.properties.KmsKeyId !== KmsKeyId;
    // A secret without a value has nothing to encrypt yet. A new key encrypts what there is (API reference, UpdateSecret).
    if (KmsKeyId !== undefined && (isOtherKey || (isNew && SecretString !== undefined))) {
      const via = { 'kms:ViaService': `secretsmanager.${context.caller.region}.amazonaws.com` };
      for (const access of kms.useAccess(context.caller, KmsKeyId, encryptActions, via))
        onAccess(context.caller, access);
    }
    if (isOtherKey) secretsManager.setKey(Name, KmsKeyId);
    return {
      physicalId: previous?.physicalId ?? secretsManager.createSecret(Name, SecretString, {}, KmsKeyId),
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
