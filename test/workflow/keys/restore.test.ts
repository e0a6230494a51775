import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { keyPolicies } from '../../../cli/commands/key-policies.ts';
import { foreignStatements, grantedRoles } from '../../../lib/keys/key-policy.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { command } from '../../unit/cli/command.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { runCommand, runToItsEnd } from '../command-line.ts';
import {
  ended,
  eventually,
  hold,
  newKey,
  onboard,
  requestWithKey,
  spoken,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { policyOf, roleArnOf } from '../subscriber.ts';
import { editPolicy, naming, newRole, policyWith } from './key-policies.ts';

const sandbox = useSandbox();

let keys = 0;

/** A key with a statement of the customer's, for a role that only it names. */
function keyWithBackup() {
  keys += 1;
  const roleName = `backup-${keys}`;
  const { arn } = newRole(sandbox(), roleName);
  const keyArn = newKey(sandbox(), { policy: policyWith(naming('Allow the backup team', arn)) });
  return { keyArn, backupArn: arn, deleteRole: () => sandbox().iam.deleteRole(roleName) };
}

/** What the key's policy says: the Sids that are not ours, and the subscribers that may use the key. */
function saying(keyArn: string) {
  const policy = policyOf(sandbox(), keyArn);
  return { sids: foreignStatements(policy).map(({ Sid }) => Sid), roles: grantedRoles(policy).sort() };
}

/** Takes the customer's statement out of the policy by hand, and lets all that hear of it do their work. */
async function removeBackup(keyArn: string): Promise<void> {
  // CloudTrail's times are whole seconds: what was kept before is to be older.
  sandbox().clock.advance(2_000);
  await editPolicy(sandbox(), keyArn, (statements) =>
    statements.filter((statement) => !('Sid' in statement) || statement.Sid !== 'Allow the backup team'),
  );
  await sandbox().clock.quiet();
}

const listSchema = v.object({
  status: v.literal('SUCCEEDED'),
  policies: v.array(
    v.object({
      id: v.string(),
      by: v.string(),
      changes: v.object({ added: v.number(), removed: v.number(), changed: v.number() }),
    }),
  ),
});

/** Runs the command in a process of its own, and remembers what it printed. */
async function npmStart(...args: string[]) {
  const result = await command('key-policies', '--endpoint', sandbox().endpoint, ...args);
  spoken.push(result.stdout, result.stderr);
  return result;
}

/** Runs the command in this process: what is proven of it is what it says. */
const keyPoliciesCommand = (...args: string[]) =>
  runToItsEnd('key-policies', '--endpoint', sandbox().endpoint, ...args);

async function listed(keyArn: string) {
  const { status, document } = await runCommand(['key-policies', keyArn, '--endpoint', sandbox().endpoint], {});
  expect(status).toBe(0);
  return v.parse(listSchema, document).policies;
}

/** Restores a policy in this process, with a wait of the test's. */
function restore(keyArn: string, policyId: string, wait: (milliseconds: number) => Promise<unknown> = async () => {}) {
  const told: string[] = [];
  const session = sessionFor(sandbox().endpoint, (text) => told.push(text));
  return { told, result: keyPolicies({ words: [keyArn], options: { restore: policyId } }, session, wait) };
}

describe('a key policy that somebody has damaged', () => {
  it('is found among those that were kept, and restored without loss of a grant; and so is the one before', async () => {
    const { keyArn } = keyWithBackup();
    const reports = [];
    for (const userName of ['restore-1', 'restore-2']) {
      reports.push(await onboard(sandbox(), requestWithKey(userName, keyArn)));
    }
    await removeBackup(keyArn);
    reports.push(await onboard(sandbox(), requestWithKey('restore-3', keyArn)));
    const roles = ['restore-1', 'restore-2', 'restore-3'].map((userName) => roleArnOf(userName));
    expect(saying(keyArn)).toEqual({ sids: ['Enable IAM User Permissions'], roles });

    const kept = await listed(keyArn);
    const [one, two, three] = reports.map(({ executionArn }) => executionArn);
    expect(kept.map(({ by, changes }) => ({ by, ...changes }))).toEqual([
      { by: one, added: 2, removed: 0, changed: 0 },
      { by: two, added: 0, removed: 1, changed: 2 },
      { by: 'arn:aws:iam::111111111111:user/operator', added: 0, removed: 0, changed: 0 },
      { by: three, added: 0, removed: 0, changed: 2 },
    ]);
    const [, second] = kept;

    const shown = await keyPoliciesCommand(keyArn, '--show', second?.id ?? '');
    expect(shown.stdout).toMatch(/^ {2}\+ +"Sid": "Allow the backup team",$/m);
    expect(shown).toMatchObject({ status: 0, stderr: '' });

    const restored = await npmStart(keyArn, '--restore', second?.id ?? '');
    expect(restored.stdout).toMatch(/^ {2}RestoreKeyPolicy +\d+\.\d s {2}ok$/m);
    expect(restored.stdout).toMatch(/^ {2}\+ +"Sid": "Allow the backup team",$/m);
    expect(restored.stdout).not.toMatch(/^ {2}- /m);
    expect(restored).toMatchObject({ status: 0, stderr: '' });
    expect(saying(keyArn)).toEqual({ sids: ['Enable IAM User Permissions', 'Allow the backup team'], roles });

    const [before, ...others] = (await listed(keyArn)).slice(kept.length);
    expect(before?.by).toContain(':function:infinstor-onboarding-sandbox-restore-key-policy request ');
    expect(others).toEqual([]);
    const undone = await keyPoliciesCommand(keyArn, '--restore', before?.id ?? '', '--json');
    expect(JSON.parse(undone.stdout)).toMatchObject({ status: 'SUCCEEDED', changed: true, refusedRoles: [] });
    expect(saying(keyArn)).toEqual({ sids: ['Enable IAM User Permissions'], roles });

    const again = await keyPoliciesCommand(keyArn, '--restore', before?.id ?? '');
    expect(again.stdout).toContain('Nothing to restore');
    expect(await listed(keyArn)).toHaveLength(kept.length + 2);
  });

  it('is no drift when it is restored, though somebody had written it by hand', async () => {
    const { keyArn } = keyWithBackup();
    await onboard(sandbox(), requestWithKey('restore-drift', keyArn));
    await removeBackup(keyArn);
    const [first] = await listed(keyArn);
    expect((await keyPoliciesCommand(keyArn, '--restore', first?.id ?? '')).status).toBe(0);
    sandbox().clock.advance(3_600_000);
    await sandbox().clock.quiet();
    const drifts = sandbox()
      .events.published()
      .filter((event) => event['detail-type'] === 'KeyPolicyDrift' && JSON.stringify(event.detail).includes(keyArn));
    expect(drifts).toEqual([]);
  });

  it('is restored with the role of a subscriber whose onboarding has failed since, once KMS sees it', async () => {
    const { keyArn } = keyWithBackup();
    await onboard(sandbox(), requestWithKey('restore-seen', keyArn));
    await removeBackup(keyArn);
    // Its role is there, and the step that reads its ARN waits.
    const goOn = hold(sandbox(), 'iam', 'GetRole');
    const { executionArn } = await startOnboarding(sandbox(), requestWithKey('restore-unseen', keyArn));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    sandbox().iam.hideRole('RoleForInfinStorMlflowService-restore-unseen', 3_600_000);
    goOn();
    const unseen = await ended(sandbox(), executionArn);
    expect(unseen.error?.name).toBe('PrincipalNotVisible');
    const [first] = await listed(keyArn);
    const { stdout, status } = await keyPoliciesCommand(keyArn, '--restore', first?.id ?? '');
    expect(stdout).toMatch(
      /has no access to the key\n +Role +\S+-restore-unseen\n +Reason +PrincipalNotVisible: .*\n +Remedy/,
    );
    expect(status).toBe(0);
    const sids = ['Enable IAM User Permissions', 'Allow the backup team'];
    expect(saying(keyArn)).toEqual({ sids, roles: [roleArnOf('restore-seen')] });
    sandbox().clock.advance(3_600_000);
    await removeBackup(keyArn);
    await keyPoliciesCommand(keyArn, '--restore', first?.id ?? '');
    expect(saying(keyArn)).toEqual({
      sids,
      roles: ['restore-seen', 'restore-unseen'].map((userName) => roleArnOf(userName)),
    });
  });
});

describe('a restore that cannot be', () => {
  it('is reported with a remedy when no such policy is kept', async () => {
    const { keyArn } = keyWithBackup();
    const { status, stdout, stderr } = await npmStart(keyArn, '--restore', 'yesterday');
    expect(stderr).toMatch(/Step +RestoreKeyPolicy\n +Reason +InvalidRequest: policyId: no policy yesterday of key /);
    expect(stderr).toMatch(/Remedy +List what is kept of the key with the command key-policies/);
    expect(stdout).toMatch(/RestoreKeyPolicy +\d+\.\d s {2}failed {2}InvalidRequest\n/);
    expect(status).toBe(2);
    const shown = await keyPoliciesCommand(keyArn, '--show', 'yesterday', '--json');
    expect(JSON.parse(shown.stdout)).toEqual({
      schemaVersion: 1,
      status: 'FAILED',
      keyArn,
      error: {
        name: 'InvalidRequest',
        step: null,
        message: `No policy yesterday of key ${keyArn} is kept`,
        remedy: expect.stringContaining('List what is kept'),
      },
    });
    expect(shown.status).toBe(2);
  });

  it('is reported with a remedy when a principal was deleted since, and changes nothing', async () => {
    const { keyArn, backupArn, deleteRole } = keyWithBackup();
    await onboard(sandbox(), requestWithKey('restore-orphan', keyArn));
    await removeBackup(keyArn);
    deleteRole();
    const before = sandbox().kms.keyPolicy(keyArn);
    const [first] = await listed(keyArn);
    const { status, stdout } = await keyPoliciesCommand(keyArn, '--restore', first?.id ?? '', '--json');
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      status: 'FAILED',
      keyArn,
      error: {
        name: 'KeyPolicyOrphan',
        step: 'RestoreKeyPolicy',
        message: expect.stringContaining(backupArn),
        remedy: expect.stringContaining('Put the kept policy by hand, without the principal'),
      },
    });
    expect(status).toBe(1);
    expect(sandbox().kms.keyPolicy(keyArn)).toEqual(before);
  });

  it('is reported with a remedy when KMS denies the change', async () => {
    const { keyArn } = keyWithBackup();
    await onboard(sandbox(), requestWithKey('restore-denied', keyArn));
    const [first] = await listed(keyArn);
    sandbox().faults.add({
      service: 'kms',
      operation: 'PutKeyPolicy',
      fault: { kind: 'error', name: 'AccessDeniedException', message: 'not authorized to perform: kms:PutKeyPolicy' },
      times: 1,
    });
    await removeBackup(keyArn);
    const { status, stderr } = await keyPoliciesCommand(keyArn, '--restore', first?.id ?? '');
    expect(stderr).toMatch(
      /Reason +AccessDeniedException: kms:PutKeyPolicy on arn:aws:kms:\S+: not authorized to perform: kms:PutKeyPolicy, to the role of function \S+-restore-key-policy\n +Remedy +Find the cause/,
    );
    expect(status).toBe(1);
  });
});

describe('a restore while somebody else has the lease of the key', () => {
  async function leasedFor(milliseconds: number) {
    const { keyArn } = keyWithBackup();
    await onboard(sandbox(), requestWithKey(`restore-leased-${milliseconds}`, keyArn));
    await removeBackup(keyArn);
    const [first] = await listed(keyArn);
    const documents = DynamoDBDocumentClient.from(new DynamoDBClient(operatorAt(sandbox().endpoint)));
    const { clock, registryTable: TableName } = sandbox();
    const leasedUntil = clock.now() + milliseconds;
    const Item = { pk: `KEY#${keyArn}`, sk: 'LEASE', owner: 'somebody', leasedUntil };
    await documents.send(new PutCommand({ TableName, Item }));
    return { keyArn, policyId: first?.id ?? '' };
  }
  const turnClock = async (milliseconds: number) => sandbox().clock.advance(milliseconds);

  it('waits until it has run out', async () => {
    const { keyArn, policyId } = await leasedFor(29_000);
    const { told, result } = restore(keyArn, policyId, turnClock);
    const { document, text } = await result;
    spoken.push(text);
    expect(document).toMatchObject({ status: 'SUCCEEDED', changed: true });
    expect(told.join('')).toMatch(
      /RestoreKeyPolicy .* retried {2}KeyPolicyBusy\n +wait before attempt 2 .*\n +RestoreKeyPolicy \(attempt 2\) /,
    );
    expect(saying(keyArn).sids).toContain('Allow the backup team');
  });

  it('is reported with a remedy in the end, and changes nothing', async () => {
    const { keyArn, policyId } = await leasedFor(3_600_000);
    const { told, result } = restore(keyArn, policyId, turnClock);
    await expect(result).rejects.toMatchObject({
      name: 'KeyPolicyBusy',
      message: expect.stringContaining(keyArn),
      remedy: expect.stringContaining('Wait until'),
      step: 'RestoreKeyPolicy',
    });
    expect(told.filter((text) => text.includes('RestoreKeyPolicy (attempt'))).toHaveLength(5);
    expect(saying(keyArn).sids).toEqual(['Enable IAM User Permissions']);
  });
});
