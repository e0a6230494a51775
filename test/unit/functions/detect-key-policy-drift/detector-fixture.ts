import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { KMSServiceException } from '@aws-sdk/client-kms';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect } from 'vitest';
import {
  type Detector,
  detectKeyPolicyDrift,
} from '../../../../functions/detect-key-policy-drift/detect-key-policy-drift.ts';
import type { Edit } from '../../../../functions/detect-key-policy-drift/trigger.ts';
import { releaseLease, takeLease } from '../../../../lib/keys/lease.ts';
import { reconcileKeyPolicy } from '../../../../lib/keys/reconcile.ts';
import { granting, keyArn, keyFixture } from '../../lib/keys/key-fixture.ts';

export const otherKeyArn = keyArn.replaceAll('1111-', '2222-');
export const writer = 'arn:aws:iam::111111111111:role/patch-key-policy';
export const alice = 'arn:aws:iam::111111111111:user/alice';
export const refusal = (name: string) =>
  new KMSServiceException({ name, message: `KMS said ${name}`, $fault: 'client', $metadata: {} });
export const denied = refusal('AccessDeniedException');

/** Roles a and b that have the key since an hour, and the function. */
export async function setUp({ repairs = false } = {}) {
  const world = await keyFixture(granting(), ['a', 'b', 'c']);
  const { registry, reconciler, kms, time } = world;
  await world.ask('a', 'b');
  await reconcileKeyPolicy(reconciler, keyArn, { by: 'an execution' });
  time.now += 60 * 60_000;
  kms.client.resetHistory();

  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  const log: unknown[][] = [];
  /** How long the function may run yet. */
  const left = { ms: 900_000 };
  const metrics: Parameters<Detector['emit']>[] = [];
  const detector: Detector = {
    registry,
    clock: { now: () => time.now },
    remainingMs: () => left.ms,
    reconcilerOf: () => reconciler,
    events: { client: new EventBridgeClient({ region: 'us-east-1' }), name: 'default' },
    writers: [writer],
    repairs,
    logger: {
      info: (...line) => void log.push(['info', ...line]),
      warn: (...line) => void log.push(['warn', ...line]),
    },
    emit: (...metric) => void metrics.push(metric),
  };
  /** What CloudTrail tells of a policy that alice has just written. */
  function edited(policy: object, changes: Partial<Edit> = {}): Edit {
    kms.set(keyArn, policy);
    const at = Math.floor(time.now / 1000) * 1000;
    return { eventId: 'event', keyArn, policy: JSON.stringify(policy), by: alice, roleArn: undefined, at, ...changes };
  }
  return {
    ...world,
    left,
    detector,
    events,
    log,
    count: () => metrics.filter(([name]) => name === 'KeyPolicyDrift').length,
    metrics,
    edited,
    look: (edit?: Edit) => detectKeyPolicyDrift({ eventId: edit?.eventId ?? 'scheduled', edit }, detector),
    published: () =>
      events.commandCalls(PutEventsCommand).map(({ args: [{ input }] }) => {
        const [{ Source, DetailType, Detail } = {}, ...others] = input.Entries ?? [];
        expect(others).toEqual([]);
        const { schemaVersion, eventKey, ...detail } = JSON.parse(Detail ?? '');
        expect([schemaVersion, eventKey]).toEqual([1, expect.stringMatching(/^[0-9a-f]{64}$/)]);
        return { Source, DetailType, Detail: detail };
      }),
    forgetLease: () =>
      registry.documents.send(
        new DeleteCommand({ TableName: registry.tableName, Key: { pk: `KEY#${keyArn}`, sk: 'LEASE' } }),
      ),
    /** Makes the registry know another key. */
    async knowOther() {
      const lease = { owner: 'another', until: time.now };
      await takeLease(registry, otherKeyArn, lease, time.now);
      await releaseLease(registry, otherKeyArn, lease, undefined);
      kms.set(otherKeyArn, granting());
    },
  };
}

export const detail = (difference: object) => ({
  keyArn,
  missingRoles: [],
  unexpectedRoles: [],
  orphanedIds: [],
  lostStatements: [],
  reason: null,
  omitted: 0,
  repaired: 'no',
  by: null,
  ...difference,
});
