import type { AccountRegion } from '../account.ts';
import type { Access, Caller, PolicyDocument } from '../operation.ts';
import { decide, policyAllows } from './policy.ts';

/** What IAM is asked about the use of a key; throws for a key that nobody can use. KMS is one. */
interface Keys {
  useAccess(caller: Caller, keyArn: string, actions: readonly string[], context?: Access['context']): readonly Access[];
}

/** Whether a caller may use a key through a service; `unusable`: nobody can, because it is disabled, to be deleted or not there. */
export type KeyUse = (
  caller: Caller,
  keyArn: string,
  actions: readonly string[],
  context?: Access['context'],
) => 'allowed' | 'refused' | 'unusable';

/**
 * How a service uses keys in the name of its callers.
 * @param service as `kms:ViaService` has it: `secretsmanager`
 * @param kms undefined: there are no keys here
 */
export function keyUseOf(kms: Keys | undefined, service: string, { region }: AccountRegion): KeyUse {
  return (caller, keyArn, actions, context) => {
    let accesses: readonly Access[];
    try {
      if (kms === undefined) return 'unusable';
      const via = { 'kms:ViaService': `${service}.${region}.amazonaws.com` };
      accesses = kms.useAccess(caller, keyArn, actions, { ...via, ...context });
    } catch {
      return 'unusable';
    }
    return accesses.every((access) => decide(caller, access).allowed) ? 'allowed' : 'refused';
  };
}

/**
 * Whether a key's policy lets a service of AWS itself use the key: no role takes part.
 * @param policy undefined: there is no enabled key
 */
export function letsService(
  policy: PolicyDocument | undefined,
  {
    service,
    actions,
    keyArn,
    context,
  }: { service: string; actions: readonly string[]; keyArn: string; context: NonNullable<Access['context']> },
): boolean {
  if (policy === undefined) return false;
  return actions.every((action) => policyAllows(policy, { service, action, resource: keyArn, context }) === 'allow');
}
