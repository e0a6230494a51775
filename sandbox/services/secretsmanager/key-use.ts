import type { AccountRegion } from '../../core/account.ts';
import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import { decide } from '../../core/policies/policy.ts';
import type { Kms } from '../kms/service.ts';

/** What Secrets Manager does with the key of a secret, in the name of its caller. */
const keyActions = { encrypt: ['kms:GenerateDataKey', 'kms:Decrypt'], decrypt: ['kms:Decrypt'] };
const failures = {
  encrypt: ['EncryptionFailure', "Secrets Manager can't encrypt the protected secret text using the provided KMS key."],
  decrypt: ['DecryptionFailure', "Secrets Manager can't decrypt the protected secret text using the provided KMS key."],
} as const;

/**
 * Asks for the use of a secret's customer managed key: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 * Throws AccessDeniedException when the caller may not use the key so, and an error of its own when nobody can.
 */
export function keyUse(kms: Pick<Kms, 'useAccess'> | undefined, { region }: AccountRegion) {
  return (caller: Caller, keyArn: string | undefined, how: keyof typeof keyActions): void => {
    if (keyArn === undefined) return;
    let accesses: readonly Access[];
    try {
      if (kms === undefined) throw new Error('There is no KMS here');
      const via = { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` };
      accesses = kms.useAccess(caller, keyArn, keyActions[how], via);
    } catch {
      const [code, message] = failures[how];
      throw new AwsError(code, message);
    }
    if (accesses.every((access) => decide(caller, access).allowed)) return;
    // It says neither which key nor to whom.
    throw new AwsError('AccessDeniedException', 'Access to KMS is not allowed');
  };
}
