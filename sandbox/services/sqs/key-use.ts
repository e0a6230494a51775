import type { AccountRegion } from '../../core/account.ts';
import { AwsError, type Caller } from '../../core/operation.ts';
import { keyUseOf } from '../../core/policies/key-use.ts';
import type { Kms } from '../kms/service.ts';

/** What SQS does with the key of a queue, in the name of who sends or receives (SQS developer guide, "Key management"). */
const keyActions = { send: ['kms:GenerateDataKey', 'kms:Decrypt'], receive: ['kms:Decrypt'] };

/** Asks for the use of a queue's customer managed key; SQS's errors about it are `KmsAccessDenied` and `KmsDisabled` (API reference, SendMessage). */
export function keyUse(kms: Pick<Kms, 'useAccess'> | undefined, home: AccountRegion) {
  const useOf = keyUseOf(kms, 'sqs', home);
  return (
    caller: Caller,
    { keyArn, arn }: { keyArn: string | undefined; arn: string },
    how: keyof typeof keyActions,
  ) => {
    if (keyArn === undefined) return;
    switch (useOf(caller, keyArn, keyActions[how], { 'kms:EncryptionContext:aws:sqs:arn': arn })) {
      case 'allowed':
        return;
      case 'refused':
        throw new AwsError('KmsAccessDenied', `${caller.arn} may not use ${keyArn} for ${arn}`);
      case 'unusable':
        throw new AwsError('KmsDisabled', `${keyArn} is not enabled`);
    }
  };
}
