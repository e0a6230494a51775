import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { type Grant, readGrants, requestGrant } from '../../../../lib/keys/grants.ts';
import type { Reconciler } from '../../../../lib/keys/reconciler.ts';
import { fakeIam, fakeKms } from '../../functions/fake-kms.ts';
import { keyPolicy } from '../../functions/key-policy.ts';
import { own } from '../../functions/own-record.ts';
import { registryTable } from '../registry/registry-table.ts';

export const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
export const roleArn = (name: string) => `arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${name}`;
export const roleId = (name: string) => `AROA${name.toUpperCase()}`;
export const roleOf = (name: string) => ({ roleArn: roleArn(name), roleId: roleId(name), userName: name });
/** The execution that a subscriber of this name belongs to. */
export const onboardingOf = (name: string) => `execution-of-${name}`;
/** The deployment that has the registry. */
export const deployment = '111111111111/us-east-1/infinstor-onboarding-test';
/** A key policy that grants the roles of these names. */
export const granting = (...names: string[]) => keyPolicy(...names.map(roleArn));

// They keep nothing, and each takes its time to make.
const clients = {
  kms: new KMSClient({ region: 'us-east-1' }),
  kmsOnce: new KMSClient({ region: 'us-east-1' }),
  iam: new IAMClient({ region: 'us-east-1' }),
};

/** A key with this policy, an empty registry, the roles of these names, the oldest first, and a clock that moves a little each time it is read. */
export async function keyFixture(policy: object = keyPolicy(), roles: readonly string[] = []) {
  const registry = await registryTable();
  for (const name of roles) await own(registry, onboardingOf(name), name);
  const kms = fakeKms({ [keyArn]: policy });
  fakeIam(Object.fromEntries(roles.map((name) => [roleArn(name), roleId(name)])));
  const time = { now: Date.UTC(2026, 0, 1) };
  const reconciler: Reconciler = {
    ...clients,
    registry,
    access: { mode: 'role-arns' },
    deployment,
    prepareOnce: async () => {},
    remainingMs: () => 900_000,
    clock: {
      now() {
        time.now += 1;
        return time.now;
      },
      async wait(milliseconds) {
        time.now += milliseconds;
      },
    },
  };
  return {
    kms,
    registry,
    time,
    reconciler,
    ask: async (...names: string[]) => {
      for (const name of names) {
        await own(registry, onboardingOf(name), name);
        await requestGrant(registry, keyArn, roleOf(name), onboardingOf(name));
      }
    },
    /** The state of each grant by its subscriber's name, with a mark when KMS refused it last. */
    states: async () =>
      Object.fromEntries(
        (await readGrants(registry, keyArn))
          // As good as forgotten.
          .filter(({ state, expiresAt }) => state !== 'withdrawn' || expiresAt === undefined)
          .map(({ userName, state, refused }: Grant) => [userName, refused ? `${state}, refused` : state]),
      ),
  };
}
