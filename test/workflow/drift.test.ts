import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { operatorAt } from '../../cli/endpoint.ts';
import { grantedRoles, parseKeyPolicy } from '../../functions/shared/key-policy.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/faults.ts';
import {
  ended,
  eventually,
  newKey,
  onboard,
  requestWithKey,
  startOnboarding,
  useSandbox,
  withSandbox,
} from './sandbox.ts';

const sandbox = useSandbox({ schedules: true });
const hour = 60 * 60_000;
const operatorArn = 'arn:aws:iam::111111111111:user/operator';
const patchKeyPolicy = 'infinstor-onboarding-sandbox-patch-key-policy';

afterEach(() => sandbox().faults.clear());

let runs = 0;

/** Onboards a subscriber whose table is encrypted with this key. */
async function onboarded(given: Sandbox, keyArn = newKey(given)) {
  runs += 1;
  const { status, output } = await onboard(given, requestWithKey(`drift-${runs}`, keyArn));
  expect(status).toBe('SUCCEEDED');
  return { keyArn, roleArn: String(output?.roleArn) };
}

interface Policy {
  Statement: readonly object[];
}

/** Edits a key policy as an operator does. */
async function edit(given: Sandbox, keyArn: string, change: (policy: Policy) => Policy): Promise<void> {
  const kms = new KMSClient(operatorAt(given.endpoint));
  const Policy = JSON.stringify(change(policyOf(given, keyArn)));
  await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default', Policy }));
}

function policyOf({ kms }: Sandbox, keyArn: string): Policy {
  return JSON.parse(JSON.stringify(kms.keyPolicy(keyArn)));
}

const rolesOf = (given: Sandbox, keyArn: string) =>
  grantedRoles(parseKeyPolicy(JSON.stringify(policyOf(given, keyArn))));

const isOurs = (statement: object) => 'Sid' in statement && / by InfinStor$/.test(String(statement.Sid));
const withoutOurs = ({ Statement, ...rest }: Policy) => ({
  ...rest,
  Statement: Statement.filter((each) => !isOurs(each)),
});

const backup = {
  Sid: 'Allow the backup team',
  Effect: 'Allow',
  Principal: { AWS: operatorArn },
  Action: 'kms:Decrypt',
  Resource: '*',
};
const withBackup = ({ Statement, ...rest }: Policy) => ({ ...rest, Statement: [...Statement, backup] });

/** What was told of the key's policy so far. */
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
  it('that takes a role away is told at once, and left as it is', async () => {
    const { keyArn, roleArn } = await onboarded(sandbox());
    await edit(sandbox(), keyArn, withoutOurs);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { missingRoles: [roleArn] })]);
    expect(rolesOf(sandbox(), keyArn)).toEqual([]);
    expect(await keptEdits(sandbox(), keyArn)).toMatchObject([
      { by: operatorArn, policy: policyOf(sandbox(), keyArn) },
    ]);
  });

  it('is counted by a metric in the log', async () => {
    const { keyArn } = await onboarded(sandbox());
    const file = join(sandbox().logFolder, 'infinstor-onboarding-sandbox-detect-key-policy-drift.log');
    const metrics = () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => (line.includes('"CloudWatchMetrics"') ? [JSON.parse(line)] : []));
    const before = metrics().length;
    await edit(sandbox(), keyArn, withoutOurs);
    await sandbox().clock.quiet();
    expect(metrics().slice(before)).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: 'infinstor-onboarding-sandbox',
              Dimensions: [['service']],
              Metrics: [{ Name: 'KeyPolicyDrift', Unit: 'Count' }],
            },
          ],
        },
        service: 'detect-key-policy-drift',
        KeyPolicyDrift: 1,
      },
    ]);
  });

  it('that is never told of is found by the schedule', async () => {
    const { keyArn, roleArn } = await onboarded(sandbox());
    sandbox().faults.add(parseFault('events:PutKeyPolicy:lose'));
    await edit(sandbox(), keyArn, withoutOurs);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    sandbox().clock.advance(hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { missingRoles: [roleArn], by: null })]);
  });

  it.each(['repeat', 'late'])('that is told %s is told, and kept once', async (kind) => {
    const { keyArn, roleArn } = await onboarded(sandbox());
    sandbox().faults.add(parseFault(`events:PutKeyPolicy:${kind}`));
    await edit(sandbox(), keyArn, withoutOurs);
    const drifts = await driftsOf(sandbox(), keyArn);
    expect(new Set(drifts.map((each) => JSON.stringify(each)))).toHaveLength(1);
    expect(drifts).toContainEqual(drift(keyArn, { missingRoles: [roleArn] }));
    expect(await keptEdits(sandbox(), keyArn)).toHaveLength(1);
  });

  it('that changes a statement of ours is told with what is wrong', async () => {
    const { keyArn } = await onboarded(sandbox());
    await edit(sandbox(), keyArn, ({ Statement, ...rest }) => ({
      ...rest,
      Statement: Statement.map((each) => (isOurs(each) ? { ...each, Action: 'kms:*' } : each)),
    }));
    const reason = {
      name: 'KeyPolicyNotUnderstood',
      message: expect.stringContaining('is not as the onboarding writes it'),
    };
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { reason })]);
  });

  it('that lets the deployment do nothing any more is told', async () => {
    await withSandbox({}, async (given) => {
      const { keyArn } = await onboarded(given);
      await edit(given, keyArn, () => ({ Statement: [{ ...backup, Action: 'kms:*' }] }));
      const reason = { name: 'AccessDeniedException', message: expect.stringContaining('kms:GetKeyPolicy') };
      expect(await driftsOf(given, keyArn)).toEqual([drift(keyArn, { reason })]);
    });
  });

  it('of a key that is none of the onboarding is nothing', async () => {
    const keyArn = newKey(sandbox());
    await edit(sandbox(), keyArn, withBackup);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    expect(await keptEdits(sandbox(), keyArn)).toEqual([]);
  });
});

describe('a change that nobody made by hand', () => {
  it('is none when onboardings made it, one after the other', async () => {
    const { keyArn } = await onboarded(sandbox());
    await onboarded(sandbox(), keyArn);
    sandbox().clock.advance(hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
  });

  it('is told when a role was deleted', async () => {
    const { keyArn, roleArn } = await onboarded(sandbox());
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
  runs += 1;
  const { executionArn } = await startOnboarding(given, requestWithKey(`drift-${runs}`, keyArn));
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
    const { keyArn, roleArn } = await onboarded(sandbox());
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'GetKeyPolicy');
    await edit(sandbox(), keyArn, withBackup);
    const roleArns = [roleArn, await goOn()].sort();
    expect(policyOf(sandbox(), keyArn).Statement).toContainEqual(backup);
    expect(rolesOf(sandbox(), keyArn).sort()).toEqual(roleArns);
    sandbox().clock.advance(3 * hour);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    expect(await keptEdits(sandbox(), keyArn)).toHaveLength(1);
  });

  it('between read and write is lost, kept, and told', async () => {
    const { keyArn, roleArn } = await onboarded(sandbox());
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'PutKeyPolicy');
    await edit(sandbox(), keyArn, withBackup);
    const edited = policyOf(sandbox(), keyArn);
    const roleArns = [roleArn, await goOn()].sort();
    expect(policyOf(sandbox(), keyArn).Statement).not.toContainEqual(backup);
    expect(rolesOf(sandbox(), keyArn).sort()).toEqual(roleArns);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { lostStatements: [backup.Sid] })]);
    expect(await keptEdits(sandbox(), keyArn)).toMatchObject([{ by: operatorArn, policy: edited }]);
  });

  it('between read and write can be restored, and then is no drift', async () => {
    const { keyArn, roleArn } = await onboarded(sandbox());
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'PutKeyPolicy');
    await edit(sandbox(), keyArn, withBackup);
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
    expect(rolesOf(sandbox(), keyArn).sort()).toEqual(roleArns);
    sandbox().clock.advance(3 * hour);
    expect(await driftsOf(sandbox(), keyArn)).toHaveLength(1);
  });

  it('between read and write is told, too, when it took a statement out', async () => {
    const { keyArn } = await onboarded(sandbox());
    await edit(sandbox(), keyArn, withBackup);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([]);
    sandbox().clock.advance(hour);
    const goOn = await onboardingAtCall(sandbox(), keyArn, 'PutKeyPolicy');
    await edit(sandbox(), keyArn, ({ Statement, ...rest }) => ({
      ...rest,
      Statement: Statement.filter((each) => !('Sid' in each) || each.Sid !== backup.Sid),
    }));
    await goOn();
    expect(policyOf(sandbox(), keyArn).Statement).toContainEqual(backup);
    expect(await driftsOf(sandbox(), keyArn)).toEqual([drift(keyArn, { lostStatements: [backup.Sid] })]);
  });
});

describe('a deployment that opts in', () => {
  const packageFolder = inject('repairingPackageFolder');
  // Sooner after a write of ours, a repair waits until no older policy can be told.
  const aWhile = 61_000;

  it('repairs what an operator did to our statements, and leaves the others alone', async () => {
    await withSandbox({ packageFolder, schedules: true }, async (given) => {
      const { keyArn, roleArn } = await onboarded(given);
      given.clock.advance(aWhile);
      await edit(given, keyArn, (policy) => withBackup(withoutOurs(policy)));
      expect(await driftsOf(given, keyArn)).toEqual([drift(keyArn, { missingRoles: [roleArn], repaired: 'yes' })]);
      expect(rolesOf(given, keyArn)).toEqual([roleArn]);
      expect(policyOf(given, keyArn).Statement).toContainEqual(backup);
      given.clock.advance(3 * hour);
      expect(await driftsOf(given, keyArn)).toHaveLength(1);
      expect(given.denials()).toEqual([]);
    });
  });

  it('takes out whom the registry does not know, and deleted roles', async () => {
    await withSandbox({ packageFolder, schedules: true }, async (given) => {
      const { keyArn, roleArn } = await onboarded(given);
      const intruder = given.iam.createRole({
        roleName: 'RoleForInfinStorMlflowService-intruder',
        assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
      });
      given.clock.advance(aWhile);
      await edit(given, keyArn, ({ Statement, ...rest }) => ({
        ...rest,
        Statement: Statement.map((each) =>
          isOurs(each) ? { ...each, Principal: { AWS: [roleArn, intruder.arn] } } : each,
        ),
      }));
      expect(await driftsOf(given, keyArn)).toEqual([
        drift(keyArn, { unexpectedRoles: [intruder.arn], repaired: 'yes' }),
      ]);
      expect(rolesOf(given, keyArn)).toEqual([roleArn]);

      const roleName = roleArn.slice(roleArn.lastIndexOf('/') + 1);
      const roleId = given.iam.role(roleName)?.roleId;
      given.iam.deleteRole(roleName);
      given.clock.advance(hour);
      expect((await driftsOf(given, keyArn)).slice(1)).toEqual([
        drift(keyArn, { missingRoles: [roleArn], orphanedIds: [roleId], repaired: 'partly', by: null }),
      ]);
      expect(rolesOf(given, keyArn)).toEqual([]);
      given.clock.advance(3 * hour);
      expect(await driftsOf(given, keyArn)).toHaveLength(2);
    });
  });

  it('restores no lost statement', async () => {
    await withSandbox({ packageFolder, schedules: true }, async (given) => {
      const { keyArn } = await onboarded(given);
      const goOn = await onboardingAtCall(given, keyArn, 'PutKeyPolicy');
      await edit(given, keyArn, withBackup);
      await goOn();
      expect(await driftsOf(given, keyArn)).toEqual([drift(keyArn, { lostStatements: [backup.Sid] })]);
      expect(policyOf(given, keyArn).Statement).not.toContainEqual(backup);
    });
  });
});
