import type { KMSClient } from '@aws-sdk/client-kms';
import { arnOwner, roleIdentity } from '../../lib/aws/arns.ts';
import { canonicalPolicy, diffKeyPolicies } from '../../lib/key-policy-diff.ts';
import { keyAccess } from '../../lib/keys/access-environment.ts';
import { canonical } from '../../lib/keys/canonical.ts';
import { type Grant, isWanted, readGrants } from '../../lib/keys/grants.ts';
import { grantedRoles, isGranted } from '../../lib/keys/key-policy.ts';
import { type KeyPolicy, maxBytes, size } from '../../lib/keys/policy-document.ts';
import { policyToBe } from '../../lib/keys/reconcile.ts';
import type { Change, KeyPolicyChange } from '../../lib/preflight/preview.ts';
import type { Place } from '../../lib/preflight/room.ts';
import type { Dependencies } from './draft.ts';

/**
 * What becomes of a key's policy when the subscriber's role gets the key.
 * @param knownRoleArn the role of the stack that is there; undefined when there is none yet
 * @throws KeyPolicyFull, KeyPolicyOrphan
 */
export async function grantOn(
  { keyArn, userName, expectedRoleArn, policy }: Place,
  knownRoleArn: string | undefined,
  dependencies: Dependencies,
): Promise<KeyPolicyChange> {
  const { environment, registry } = dependencies;
  const grants = await readGrants(registry, keyArn);
  const own = grants.find((grant) => isWanted(grant) && grant.userName.toLowerCase() === userName.toLowerCase());
  const roleArn = knownRoleArn ?? own?.roleArn ?? expectedRoleArn;
  const known = grants.find((grant) => grant.roleArn === roleArn);
  // As patch-key-policy finds it: then it leaves the policy as it is.
  const isThere = knownRoleArn !== undefined && known?.state === 'applied';
  if (isThere && isGranted(policy, roleArn, keyAccess(environment))) return changeOf(keyArn, policy, policy);
  const wanted: Grant = { roleArn, roleId: known?.roleId ?? '', userName, state: 'pending', refused: false };
  const others = grants.filter((grant) => grant !== known);
  return become(keyArn, policy, [...others, known !== undefined && isWanted(known) ? known : wanted], dependencies);
}

/**
 * What becomes of a key's policy when the subscriber's roles lose the key.
 * @throws KeyPolicyFull, KeyPolicyOrphan
 */
export async function withdrawOn(
  { keyArn, userName, policy }: Pick<Place, 'keyArn' | 'userName' | 'policy'>,
  roleArns: readonly string[],
  dependencies: Dependencies,
): Promise<KeyPolicyChange> {
  const roles = new Set(roleArns.map(roleIdentity));
  const isOfRole = ({ roleArn }: { roleArn: string }) => roles.has(roleIdentity(roleArn));
  const grants = await readGrants(dependencies.registry, keyArn);
  const named = grantedRoles(policy).filter((roleArn) => isOfRole({ roleArn }));
  const leaving = grants.filter(
    (grant) => isOfRole(grant) && (grant.expiresAt === undefined || named.includes(grant.roleArn)),
  );
  const unknown = named.filter((roleArn) => !grants.some((grant) => grant.roleArn === roleArn));
  // As withdraw-grants finds it: then it leaves the policy as it is.
  if (leaving.length === 0 && unknown.length === 0) return changeOf(keyArn, policy, policy);
  const withdrawn = (grant: Pick<Grant, 'roleArn'>): Grant => ({
    roleId: '',
    userName,
    refused: false,
    ...grant,
    state: 'withdrawn',
  });
  const then = [
    ...grants.map((grant) => (isOfRole(grant) ? withdrawn(grant) : grant)),
    ...unknown.map((roleArn) => withdrawn({ roleArn })),
  ];
  return become(keyArn, policy, then, dependencies);
}

async function become(
  keyArn: string,
  policy: KeyPolicy,
  grants: readonly Grant[],
  { environment, kms }: Dependencies,
): Promise<KeyPolicyChange> {
  const client: KMSClient = kms(arnOwner(keyArn));
  const reconciler = { kms: client, access: keyAccess(environment), deployment: environment.DEPLOYMENT_ID };
  return changeOf(keyArn, policy, await policyToBe(reconciler, keyArn, policy, grants));
}

function changeOf(keyArn: string, before: KeyPolicy, after: KeyPolicy): KeyPolicyChange {
  return {
    keyArn,
    changed: canonical(before) !== canonical(after),
    // KMS returns what is a set in any order.
    before: canonicalPolicy(before),
    after: canonicalPolicy(after),
    diff: diffKeyPolicies(before, after),
    freeBytesAfter: maxBytes - size(after),
  };
}

/** The policies that are written, as changes of a step. */
export const keyPolicyChanges = (step: string, policies: readonly KeyPolicyChange[]): Change[] =>
  policies
    .filter(({ changed }) => changed)
    .map(({ keyArn }) => ({ step, kind: 'key-policy', action: 'update', what: keyArn }));
