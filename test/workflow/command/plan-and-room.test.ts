import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPolicies } from '../../../cli/commands/key-policies.ts';
import { plan } from '../../../cli/commands/plan.ts';
import { quotas } from '../../../cli/commands/quotas.ts';
import { send } from '../../../cli/commands/send.ts';
import { account } from '../../../sandbox/core/account.ts';
import { isRead } from '../../../sandbox/core/faults.ts';
import { command } from '../../unit/cli/command.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { editPolicy, naming, newRole } from '../keys/key-policies.ts';
import { newKey, requestFor, requestWithKey, spoken, useSandbox } from '../sandbox.ts';
import { newName, onboarded, policyOf, roleArnOf } from '../subscriber.ts';

const sandbox = useSandbox();
const session = () => sessionFor(sandbox().endpoint);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plans-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a document into a file. @returns its path */
async function fileWith(document: object): Promise<string> {
  const path = join(folder, `${newName('file')}.json`);
  await writeFile(path, JSON.stringify(document));
  return path;
}

type Operation = NonNullable<Parameters<typeof plan>[0]['options']['operation']>;

/** Plans with the command, which must have no effect. */
async function planned(file: string, operation: Operation = 'onboard') {
  const before = sandbox().calls().length;
  const { document, text } = await plan({ words: [file], options: { operation } }, session());
  const writing = sandbox()
    .calls()
    .slice(before)
    .filter((call) => !isRead(call.operation) && !/^(AssumeRole|Invoke)$/.test(call.operation));
  expect(writing).toEqual([]);
  spoken.push(JSON.stringify(document), text);
  return { document: { hash: '', ...document }, text };
}

const onboard = (file: string, agreed: string) =>
  send('onboard-subscriber', { words: [file], options: { plan: agreed } }, session());
const executions = () => sandbox().states.executions().length;

describe('a request with its plan', () => {
  it('is started only as long as it would do what was planned', async () => {
    const [keyArn, userName] = [newKey(sandbox()), newName('planned')];
    const file = await fileWith(requestWithKey(userName, keyArn));
    const first = await planned(file);
    expect(first.text).toMatch(
      new RegExp(`Next +npm start -- onboard ${file} --plan ${first.document.hash} --endpoint`),
    );
    expect(first.text).toContain(`role RoleForInfinStorMlflowService-${userName}`);
    const kept = await fileWith(first.document);

    const { arn } = newRole(sandbox(), newName('Backup'));
    await editPolicy(sandbox(), keyArn, (statements) => [...statements, naming('Backup', arn)]);
    const before = executions();
    await expect(onboard(file, first.document.hash)).rejects.toMatchObject({
      name: 'PlanChanged',
      message: expect.stringContaining('Only the hash of the earlier plan is known'),
      remedy: expect.stringContaining('Nothing was started'),
    });
    await expect(onboard(file, kept)).rejects.toThrow(
      new RegExp(
        `^the request would not do what was planned:\nthe policy of ${keyArn} has changed: added statement "Backup"`,
      ),
    );
    expect(executions()).toBe(before);

    const second = await planned(file);
    const { document, status } = await onboard(file, second.document.hash);
    expect([status, document]).toMatchObject([0, { status: 'SUCCEEDED', output: { userName } }]);
    expect(JSON.stringify(policyOf(sandbox(), keyArn))).toContain(roleArnOf(userName));
    const third = await planned(file);
    expect(third.document).toMatchObject({ converges: true });
    expect(third.text).not.toContain('Next ');
  });

  it('is refused before its start where --plan is no plan', async () => {
    const file = await fileWith(requestFor(newName('unplanned')));
    for (const agreed of ['abc', file]) {
      await expect(onboard(file, agreed)).rejects.toMatchObject({
        name: 'InvalidRequest',
        message: expect.stringContaining('--plan takes the hash of a plan, or a file'),
      });
    }
  });
});

describe('a plan of', () => {
  it('an update, of users to add and of an offboarding has no effect, too', async () => {
    const subscriber = { userName: newName('resident') };
    await onboarded(sandbox(), requestFor(subscriber.userName));
    const update = await fileWith({ subscriber: { ...subscriber, emailId: 'new@example.com' } });
    expect((await planned(update, 'update')).text).toContain(`~ update subscriber ${subscriber.userName}`);
    const users = await fileWith({ subscriber, users: [{ userName: 'alice', emailId: 'alice@example.com' }] });
    expect((await planned(users, 'add-user')).text).toContain('+ create user alice');
    const offboarding = await fileWith({ subscriber, confirm: subscriber.userName });
    expect((await planned(offboarding, 'offboard')).text).toMatch(/- delete stack .*\n/);
  });

  it('a request that is wrong names everything that is, and ends with 2', async () => {
    const userName = newName('wrong');
    const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/00000000-aaaa-4aaa-8aaa-000000000000';
    const file = await fileWith({
      ...requestWithKey(userName, keyArn),
      passwordSecretId: `infinstor/sandbox/input/${userName}/none`,
    });
    await expect(plan({ words: [file], options: {} }, session())).rejects.toMatchObject({
      message: expect.stringMatching(
        /^the request would be refused:\npasswordSecretId: there is no secret .*\nKeyNotUsable: Key .*$/,
      ),
      remedy: expect.stringMatching(/^InvalidRequest: .*\nKeyNotUsable: .*$/),
    });
    const { status, stdout } = await command('plan', file, '--json', '--endpoint', sandbox().endpoint);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      status: 'FAILED',
      hash: null,
      error: {
        name: 'InvalidRequest',
        errors: [
          { name: 'InvalidRequest', pointer: '/passwordSecretId', rule: expect.any(String) },
          { name: 'KeyNotUsable' },
        ],
      },
    });
  });
});

const home = { accountId: account.accountId, region: account.region };

describe('the command quotas', () => {
  it('shows what there is in the account, and the keys that are in use', async () => {
    const keyArn = newKey(sandbox());
    await onboarded(sandbox(), requestWithKey(newName('quotas'), keyArn));
    const { document, text, status } = await quotas({ options: {} }, session());
    expect(document).toMatchObject({
      accounts: expect.arrayContaining([expect.objectContaining({ ...home, narrowest: expect.any(String) })]),
      keys: expect.arrayContaining([expect.objectContaining({ keyArn, freeBytes: expect.any(Number) })]),
      error: null,
    });
    expect(status).toBeUndefined();
    expect(text).toMatch(new RegExp(`Account ${home.accountId}, ${home.region}: room for \\d+ more subscribers\\n`));
    expect(text).toMatch(/IAM roles +\d+\/1000 +\d+ fit\n/);
    expect(text).toMatch(new RegExp(`  ${keyArn} +\\d+/32768  bytes  \\d+ fit\n`));
  });

  it('refuses what the deployment does not onboard into, with the place of the query', async () => {
    const refused = quotas({ options: { 'stack-region': 'sa-east-1' } }, session());
    await expect(refused).rejects.toMatchObject({
      name: 'InvalidRequest',
      errors: [expect.objectContaining({ pointer: '/region' })],
    });
    const wrong = quotas({ options: { account: '1' } }, session());
    await expect(wrong).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('12 digits'),
    });
  });
});

it('the command key-policies shows the room on a key, who uses it, and its policy backups', async () => {
  const [keyArn, name] = [newKey(sandbox()), newName('room')];
  await onboarded(sandbox(), requestWithKey(name, keyArn));
  const { document, text } = await keyPolicies({ words: [keyArn], options: {} }, session());
  expect(document).toMatchObject({ room: { grants: [{ userName: name }], drift: [] }, policies: [{}] });
  expect(text).toContain(`${roleArnOf(name)} (${name}, applied)`);
  expect(text).toMatch(/Drift +none\n.*1 policy kept of/s);
});
