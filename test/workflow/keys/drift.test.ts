import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DisableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { ended, eventually, newKey, startOnboarding, useSandbox, withSandbox } from '../sandbox.ts';
import { fault, newRun, onboarded, policyOf, roleNameOf, rolesOn } from '../subscriber.ts';
import { editPolicy, naming, newRole } from './key-policies.ts';

const sandbox = useSandbox({ schedules: true });
beforeAll(() => watchDriftOnly(sandbox()));
const hour = 60 * 60_000;
const operatorArn = 'arn:aws:iam::111111111111:user/operator';
const patchKeyPolicy = 'infinstor-onboarding-sandbox-patch-key-policy';

afterEach(() => sandbox().faults.clear());

/** Lets no other schedule run: the hours that pass here are for what looks for drift. */
async function watchDriftOnly({ endpoint, physicalId }: Sandbox): Promise<void> {
  const events = new EventBridgeClient(operatorAt(endpoint));
  for (const rule of ['SweepExecutionsRule', 'SweepPasswordsRule', 'CheckQuotasRule']) {
    await events.send(new DisableRuleCommand({ Name: physicalId(rule) }));
  }
}

/** Onboards a subscriber whose table is encrypted with this key. */
async function onboardedWith(given: Sandbox, keyArn = newKey(given)) {
  const { output } = await onboarded(given, newRun('drift', [keyArn]).request);
  return { keyArn, roleArn: String(output?.roleArn) };
}

/** Keys that have an onboarded subscriber and that no test has had. */
const spare: { keyArn: string; roleArn: string }[] = [];

/** A key of an onboarded subscriber, whose other key is the next one's: an onboarding takes longer than a test. */
async function grantedKey() {
  const ready = spare.pop();
  if (ready !== undefined) return ready;
  const [keyArn, other] = [newKey(sandbox()), newKey(sandbox())];
  const { output } = await onboarded(sandbox(), newRun('drift', [keyArn, other]).request);
  const roleArn = String(output?.roleArn);
  spare.push({ keyArn: other, roleArn });
  return { keyArn, roleArn };
}

const isOurs = (statement: object) => 'Sid' in statement && / by InfinStor$/.test(String(statement.Sid));
const withoutOurs = (statements: object[]) => statements.filter((each) => !isOurs(each));

const backup = naming('Allow the backup team', operatorArn);
const withBackup = (statements: object[]) => [...statements, backup];

/** What was reported of the key's policy so far. */
async function driftsOf({ events, clock }: Sandbox, keyArn: string): Promise<object[]> {
  await clock.quiet();
  return events
    .published()
    .filter((event) => event['detail-type'] === 'KeyPolicyDrift' && 'keyArn' in event.detail)
    .map(({ detail }) => detail)
    .filter((detail) => 'keyArn' in detail && detail.keyArn === keyArn);
}

/** A drift of this key in which nothing but the given differs. */
const drift = (keyArn: string, difference: object) => ({
  schemaVersion: 1,
  eventKey: expect.any(String),
  keyArn,
  missingRoles: [],
  unexpectedRoles: [],
  orphanedIds: [],
  lostStatements: [],
  reason: null,
  omitted: 0,
  repaired: 'no',
  by: operatorArn,
  ...difference,
});

/** The policies that were kept of a key as somebody wrote them by hand. */
async function keptEdits({ dynamoDb, registryTable }: Sandbox, keyArn: string) {
  const items = await dynamoDb.items(registryTable);
  return items
    .filter(({ pk, eventId }) => pk?.S === `KEY#${keyArn}` && eventId !== undefined)
    .map(({ id, by, policy }) => ({ id: id?.S, by: by?.S, policy: JSON.parse(String(policy?.S)) }));
}

describe("an operator's change of a key policy", () => {
  it('that takes a role away is reported immediately, and left as it is', async () => {
    const { keyArn, roleArn } = await grantedKey();
    await editPolicy(sandbox(), keyArn, withoutOurs);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { missingRoles: [roleArn] })]);
    expect(rolesOn(sandbox(), keyArn)).toEqual([]);
    expect(await keptEdits(sandbox(), keyArn)).toMatchObject([
      { by: operatorArn, policy: policyOf(sandbox(), keyArn) },
    ]);
  });

  it('is counted by a metric in the log', async () => {
    const { keyArn } = await grantedKey();
    const file = join(sandbox().logFolder, 'infinstor-onboarding-sandbox-detect-key-policy-drift.log');
    const metrics = () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => (line.includes('"CloudWatchMetrics"') ? [JSON.parse(line)] : []));
    const before = metrics().length;
    await editPolicy(sandbox(), keyArn, withoutOurs);
    await sandbox().clock.quiet();
    const isDrift = (line: object) => 'KeyPolicyDrift' in line;
    expect(metrics().slice(before).filter(isDrift)).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: 'infinstor-onboarding-sandbox',
              Dimensions: [[]],
              Metrics: [{ Name: 'KeyPolicyDrift', Unit: 'Count' }],
            },
          ],
        },
        keyArn,
        KeyPolicyDrift: 1,
      },
    ]);
  });

  it('of which no event came is found by the schedule', async () => {
    const { keyArn, roleArn } = await grantedKey();
    fault(sandbox(), 'events:PutKeyPolicy:lose');
    await editPolicy(sandbox(), keyArn, withoutOurs);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    sandbox().clock.advance(hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { missingRoles: [roleArn], by: null })]);
  });

  it.each(['repeat', 'late'])('that comes by a %s event is reported, and kept once', async (kind) => {
    const { keyArn, roleArn } = await grantedKey();
    fault(sandbox(), `events:PutKeyPolicy:${kind}`);
    await editPolicy(sandbox(), keyArn, withoutOurs);
    const drifts = await driftsOf(sandbox(), keyArn);
    expect(new Set(drifts.map((each) => JSON.stringify(each)))).toHaveLength(1);
    expect(drifts).toContainEqual(drift(keyArn, { missingRoles: [roleArn] }));
    expect(await keptEdits(sandbox(), keyArn)).toHaveLength(1);
  });

  it('that changes a statement of ours is reported with what is wrong', async () => {
    const { keyArn } = await grantedKey();
    await editPolicy(sandbox(), keyArn, (statements) =>
      statements.map((each) => (isOurs(each) ? { ...each, Action: 'kms:*' } : each)),
    );
    const reason = {
      name: 'KeyPolicyNotUnderstood',
      message: expect.stringContaining('is not as the onboarding writes it'),
    };
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { reason })]);
  });

  it('that lets the deployment do nothing any more is reported', async () => {
    await withSandbox({}, async (given) => {
      const { keyArn } = await onboardedWith(given);
      await editPolicy(given, keyArn, () => [{ ...backup, Action: 'kms:*' }]);
      const reason = { name: 'AccessDeniedException', message: expect.stringContaining('kms:GetKeyPolicy') };
      expect(await driftsOf(given, keyArn)).toEqual([drift(keyArn, { reason })]);
    });
  });

  it('of a key that is none of the onboarding is nothing', async () => {
    const keyArn = newKey(sandbox());
    await editPolicy(sandbox(), keyArn, withBackup);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    expect(await keptEdits(sandbox(), keyArn)).toEqual([]);
  });
});

describe('a change that nobody made by hand', () => {
  it('is none when onboardings made it, one after the other', async () => {
    const { keyArn } = await onboardedWith(sandbox());
    await onboardedWith(sandbox(), keyArn);
    sandbox().clock.advance(hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
  });

  it('is reported when a role was deleted', async () => {
    const { keyArn, roleArn } = await onboardedWith(sandbox());
    const roleName = roleArn.slice(roleArn.lastIndexOf('/') + 1);
    const roleId = sandbox().iam.role(roleName)?.roleId;
    sandbox().iam.deleteRole(roleName);
    sandbox().clock.advance(hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([
      drift(keyArn, { missingRoles: [roleArn], orphanedIds: [roleId], by: null }),
    ]);
  });
});

/** Starts an onboarding whose next call of this KMS operation waits until the returned function is called. */
async function onboardingAtCall(given: Sandbox, keyArn: string, operation: string) {
  const { promise: until, resolve: goOn } = Promise.withResolvers<void>();
  const fault = { kind: 'hold', until } as const;
  given.faults.add({ service: 'kms', operation, fault, times: 1, functionName: patchKeyPolicy });
  const { executionArn } = await startOnboarding(given, newRun('drift', [keyArn]).request);
  await eventually(given, () => expect(given.faults.left()).toBe(0));
  return async () => {
    goOn();
    const { status, output } = await ended(given, executionArn);
    expect(status).toBe('SUCCEEDED');
    return String(output?.roleArn);
  };
}

describe('a hand edit beside an onboarding', () => {
  it('survives before the policy is read, and is no drift', async () => {
    const { keyArn, roleArn } = await grantedKey();
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'GetKeyPolicy');
    await editPolicy(sandbox(), keyArn, withBackup);
    const roleArns = [roleArn, await goOn()].sort();
    expect(policyOf(sandbox(), keyArn).Statement).toContainEqual(backup);
    expect(rolesOn(sandbox(), keyArn).sort()).toEqual(roleArns);
    sandbox().clock.advance(3 * hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    expect(await keptEdits(sandbox(), keyArn)).toHaveLength(1);
  });

  it('between read and write is lost, kept, and reported', async () => {
    const { keyArn, roleArn } = await grantedKey();
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'PutKeyPolicy');
    await editPolicy(sandbox(), keyArn, withBackup);
    const edited = policyOf(sandbox(), keyArn);
    const roleArns = [roleArn, await goOn()].sort();
    expect(policyOf(sandbox(), keyArn).Statement).not.toContainEqual(backup);
    expect(rolesOn(sandbox(), keyArn).sort()).toEqual(roleArns);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { lostStatements: [backup.Sid] })]);
    expect(await keptEdits(sandbox(), keyArn)).toMatchObject([{ by: operatorArn, policy: edited }]);
  });

  it('between read and write can be restored, and then is no drift', async () => {
    const { keyArn, roleArn } = await grantedKey();
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'PutKeyPolicy');
    await editPolicy(sandbox(), keyArn, withBackup);
    const roleArns = [roleArn, await goOn()].sort();
    expect(await driftsOf(sandbox(), keyArn)).toHaveLength(1);
    const [kept] = await keptEdits(sandbox(), keyArn);
    sandbox().clock.advance(61_000);
    const { FunctionError } = await new LambdaClient(operatorAt(sandbox().endpoint)).send(
      new InvokeCommand({
        FunctionName: 'infinstor-onboarding-sandbox-restore-key-policy',
        Payload: JSON.stringify({ keyArn, policyId: kept?.id }),
      }),
    );
    expect(FunctionError).toBeUndefined();
    expect(policyOf(sandbox(), keyArn).Statement).toContainEqual(backup);
    expect(rolesOn(sandbox(), keyArn).sort()).toEqual(roleArns);
    sandbox().clock.advance(3 * hour);
    expect(await driftsOf(sandbox(), keyArn)).toHaveLength(1);
  });

  it('between read and write is reported, too, when it took a statement out', async () => {
    const { keyArn } = await grantedKey();
    await editPolicy(sandbox(), keyArn, withBackup);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    sandbox().clock.advance(hour);
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'PutKeyPolicy');
    await editPolicy(sandbox(), keyArn, (statements) =>
      statements.filter((each) => !('Sid' in each) || each.Sid !== backup.Sid),
    );
    await goOn();
    expect(policyOf(sandbox(), keyArn).Statement).toContainEqual(backup);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { lostStatements: [backup.Sid] })]);
  });
});

describe('a deployment that opts in', () => {
  const repairing = useSandbox({ packageFolder: inject('repairingPackageFolder'), schedules: true });
  beforeAll(() => watchDriftOnly(repairing()));
  // Sooner after a write of ours, a repair waits until KMS can return no older policy.
  const aWhile = 61_000;

  it('repairs what an operator did to our statements, and leaves the others alone', async () => {
    const given = repairing();
    const { keyArn, roleArn } = await onboardedWith(given);
    given.clock.advance(aWhile);
    await editPolicy(given, keyArn, (statements) => withBackup(withoutOurs(statements)));
    expect(await driftsOf(given, keyArn)).toEqual([drift(keyArn, { missingRoles: [roleArn], repaired: 'yes' })]);
    expect(rolesOn(given, keyArn)).toEqual([roleArn]);
    expect(policyOf(given, keyArn).Statement).toContainEqual(backup);
    given.clock.advance(3 * hour);
    expect(await driftsOf(given, keyArn)).toHaveLength(1);
    expect(given.denials()).toEqual([]);
  });

  it('takes out whom the registry does not know, and deleted roles', async () => {
    const given = repairing();
    const { keyArn, roleArn } = await onboardedWith(given);
    const intruder = newRole(given, roleNameOf('intruder'));
    given.clock.advance(aWhile);
    await editPolicy(given, keyArn, (statements) =>
      statements.map((each) => (isOurs(each) ? { ...each, Principal: { AWS: [roleArn, intruder.arn] } } : each)),
    );
    expect(await driftsOf(given, keyArn)).toEqual([
      drift(keyArn, { unexpectedRoles: [intruder.arn], repaired: 'yes' }),
    ]);
    expect(rolesOn(given, keyArn)).toEqual([roleArn]);

    const roleName = roleArn.slice(roleArn.lastIndexOf('/') + 1);
    const roleId = given.iam.role(roleName)?.roleId;
    given.iam.deleteRole(roleName);
    given.clock.advance(hour);
    expect((await driftsOf(given, keyArn)).slice(1)).toEqual([
      drift(keyArn, { missingRoles: [roleArn], orphanedIds: [roleId], repaired: 'partly', by: null }),
    ]);
    expect(rolesOn(given, keyArn)).toEqual([]);
    given.clock.advance(3 * hour);
    expect(await driftsOf(given, keyArn)).toHaveLength(2);
  });

  it('restores no lost statement', async () => {
    const given = repairing();
    const { keyArn } = await onboardedWith(given);
    const goOn = await onboardingAtCall(given, keyArn, 'PutKeyPolicy');
    await editPolicy(given, keyArn, withBackup);
    await goOn();
    expect(await driftsOf(given, keyArn)).toEqual([drift(keyArn, { lostStatements: [backup.Sid] })]);
    expect(policyOf(given, keyArn).Statement).not.toContainEqual(backup);
  });
});
