import type { AccountRegion } from '../../core/account.ts';
import { AwsError, type Caller } from '../../core/operation.ts';
import { keyUseOf } from '../../core/policies/key-use.ts';
import type { Kms } from '../kms/service.ts';

/** What a new value needs of the key. */
export const encryptActions = ['kms:GenerateDataKey', 'kms:Decrypt'];
/** What Secrets Manager does with the key of a secret, in the name of its caller. */
const keyActions = { encrypt: encryptActions, decrypt: ['kms:Decrypt'] };
const failures = {
  encrypt: ['EncryptionFailure', "Secrets Manager can't encrypt the protected secret text using the provided KMS key."],
  decrypt: ['DecryptionFailure', "Secrets Manager can't decrypt the protected secret text using the provided KMS key."],
} as const;

/**
 * Asks for the use of a secret's customer managed key: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 * Throws AccessDeniedException when the caller may not use the key so, and an error of its own when nobody can.
 */
export function keyUse(kms: Pick<Kms, 'useAccess'> | undefined, home: AccountRegion) {
  const useOf = keyUseOf(kms, 'secretsmanager', home);
  return (caller: Caller, keyArn: string | undefined, how: keyof typeof keyActions): void => {
    if (keyArn === undefined) return;
    switch (useOf(caller, keyArn, keyActions[how])) {
      case 'allowed':
        return;
      case 'refused':
        // It says neither which key nor to whom.
        throw new AwsError('AccessDeniedException', 'Access to KMS is not allowed');
      case 'unusable': {
        const [code, message] = failures[how];
        throw new AwsError(code, message);
      }
    }
  };
}
