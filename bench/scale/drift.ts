// Drift over all keys of a registry, whose policies are as they are to be.
import { setTimeout as wait } from 'node:timers/promises';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import * as v from 'valibot';
import { detectKeyPolicyDrift } from '../../functions/detect-key-policy-drift/detect-key-policy-drift.ts';
import type { Reconciler } from '../../lib/keys/reconciler.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { policyOf } from './registry.ts';
import { answerOf, served } from './world.ts';

/** One invocation of the function by its schedule. @returns how many keys it has looked at */
export async function lookAtKeys(registry: Registry, count: number, remainingMs: () => number): Promise<string> {
  let looks = 0;
  const kms = new KMSClient(
    served('kms', async (_operation, asked) => {
      looks += 1;
      const { KeyId } = v.parse(v.object({ KeyId: v.string() }), asked);
      return answerOf({ Policy: JSON.stringify(policyOf(KeyId, count)) });
    }),
  );
  const clock = { now: Date.now, wait };
  const reconciler: Reconciler = {
    ...{ kms, kmsOnce: kms, iam: new IAMClient({ region: 'us-east-1' }), prepareOnce: async () => {} },
    ...{ registry, access: { mode: 'role-arns' }, deployment: 'bench', clock, remainingMs },
  };
  let drifts = 0;
  await detectKeyPolicyDrift(
    { eventId: 'bench' },
    {
      ...{ registry, clock, remainingMs, reconcilerOf: () => reconciler, writers: [], repairs: false },
      events: {
        client: new EventBridgeClient(served('events', async () => answerOf({ FailedEntryCount: 0 }))),
        name: 'default',
      },
      logger: { info: () => {}, warn: () => {} },
      emit: (metric) => {
        if (metric === 'KeyPolicyDrift') drifts += 1;
      },
    },
  );
  return `${looks} keys, ${drifts} drifted`;
}
