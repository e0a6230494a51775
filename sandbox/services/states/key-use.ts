import type { AccountRegion } from '../../core/account.ts';
import { AwsError, type Caller } from '../../core/operation.ts';
import { keyUseOf } from '../../core/policies/key-use.ts';
import type { Kms } from '../kms/service.ts';
import type { StateMachine } from './execution.ts';

/** What is done with a machine's key, in the name of a caller or of the machine's role. */
const keyActions = { write: ['kms:GenerateDataKey', 'kms:Decrypt'], read: ['kms:Decrypt'] };

export type StatesKeyUse = (
  caller: Caller,
  machine: Pick<StateMachine, 'stateMachineArn' | 'keyArn'>,
  how: keyof typeof keyActions,
) => void;

/**
 * Asks for the use of a state machine's customer managed key (Step Functions developer guide, "Data at rest encryption").
 * Throws KmsAccessDeniedException or KmsInvalidStateException.
 */
export function keyUse(kms: Pick<Kms, 'useAccess'> | undefined, home: AccountRegion): StatesKeyUse {
  const useOf = keyUseOf(kms, 'states', home);
  return (caller, { stateMachineArn, keyArn }, how) => {
    if (keyArn === undefined) return;
    const context = { 'kms:EncryptionContext:aws:states:stateMachineArn': stateMachineArn };
    switch (useOf(caller, keyArn, keyActions[how], context)) {
      case 'allowed':
        return;
      case 'refused':
        throw new AwsError('KmsAccessDeniedException', `${caller.arn} may not use ${keyArn} for ${stateMachineArn}`);
      case 'unusable':
        throw new AwsError('KmsInvalidStateException', `${keyArn} is not enabled`);
    }
  };
}
