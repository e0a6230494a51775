import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../../lib/keys/canonical.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../api.ts';
import { editPolicy, naming, newRole } from '../keys/key-policies.ts';
import { offboard, offboarding } from '../offboard/offboarding.ts';
import { newKey, onboard, putSecret, recordOf, requestFor, run, statesOf, useSandbox } from '../sandbox.ts';
import {
  credentialsOf,
  folderOf,
  newName,
  newRun,
  onboarded,
  policyOf,
  stackNameOf,
  stackOf,
  supplyToken,
} from '../subscriber.ts';
import { changesOf, plan } from './planning.ts';

const sandbox = useSandbox();

/** What an offboarding has left, as DynamoDB has it. */
const recordSchema = v.object({
  offboarded: v.object({
    M: v.object({
      retained: v.object({ L: v.array(v.object({ M: v.object({ physicalId: v.object({ S: v.string() }) }) })) }),
    }),
  }),
});

/** Everything that a plan could have changed. */
async function everything(keyArns: readonly string[]) {
  const { dynamoDb, registryTable, secretsManager, states, infinstor, events } = sandbox();
  return {
    registry: await dynamoDb.items(registryTable),
    secrets: secretsManager.everyValue(),
    policies: keyArns.map((keyArn) => policyOf(sandbox(), keyArn)),
    executions: states.executions().length,
    subscribers: infinstor.subscribers(),
    events: events.published().length,
  };
}

/** The names of the subscriber's secrets. */
async function secretNamesOf(userName: string): Promise<string[]> {
  const client = new SecretsManagerClient(operatorAt(sandbox().endpoint));
  const { SecretList = [] } = await client.send(
    new ListSecretsCommand({ Filters: [{ Key: 'name', Values: [`${folderOf(userName)}/`] }] }),
  );
  return SecretList.map(({ Name = '' }) => Name).sort();
}

describe('the plan of an onboarding', () => {
  it('changes nothing, is the same for the same world, and is what the onboarding then does', async () => {
    const keyArns = [newKey(sandbox()), newKey(sandbox())];
    // One has another subscriber's role already, and a statement of its owner.
    await onboarded(sandbox(), newRun('neighbour', keyArns).request);
    const { arn } = newRole(sandbox(), newName('backup'));
    await editPolicy(sandbox(), keyArns[0] ?? '', (statements) => [...statements, naming('Backup', arn)]);
    await sandbox().clock.quiet();
    const { userName, request } = newRun('planned', keyArns);
    const before = await everything(keyArns);

    const planned = await plan(sandbox(), 'onboard-subscriber', request);

    expect(await everything(keyArns)).toEqual(before);
    expect(await plan(sandbox(), 'onboard-subscriber', request)).toEqual(planned);
    expect(planned).toMatchObject({
      planSchemaVersion: 1,
      operation: 'onboard-subscriber',
      userName,
      converges: false,
    });
    expect(planned.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(changesOf(planned)).toEqual([
      `CreateSubscriber: create subscriber ${userName}`,
      `CreateSubscriber: create secret ${credentialsOf(userName)}`,
      `DeployStack: create stack ${stackNameOf(userName)}`,
      ...keyArns.map((keyArn) => `PatchKeyPolicy: update key-policy ${keyArn}`),
    ]);
    const policiesBefore = keyArns.map((keyArn) => canonical(policyOf(sandbox(), keyArn)));
    expect(planned.keyPolicies.map((each) => canonical(each.before))).toEqual(policiesBefore);
    for (const { diff, changed, freeBytesAfter } of planned.keyPolicies) {
      expect(changed).toBe(true);
      const lines = diff.filter(({ kind }) => kind !== 'same' && kind !== 'gap');
      expect(lines.map(({ kind, text }) => `${kind} ${text.trim()}`)).toEqual(
        Array(2).fill(`added "arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${userName}"`),
      );
      expect(freeBytesAfter).toBeGreaterThan(30_000);
    }

    const report = await onboarded(sandbox(), request);

    expect(planned.keyPolicies.map(({ after }) => canonical(after))).toEqual(
      keyArns.map((keyArn) => canonical(policyOf(sandbox(), keyArn))),
    );
    const stack = stackOf(sandbox(), userName);
    expect(Object.entries(planned.stack?.tags ?? {}).sort()).toEqual(
      stack?.tags.map(({ Key, Value }) => [Key, Value]).sort(),
    );
    expect(planned.stack?.parameters).toMatchObject({ CustomToken: '****', SubscriberName: userName });
    expect(await secretNamesOf(userName)).toEqual([credentialsOf(userName)]);
    // What the cost is reckoned for.
    expect(planned.cost.assumptions).toContain(
      `${statesOf(report).length} state transitions: each state has its first try, and one wait for the stack is enough`,
    );

    const again = await plan(sandbox(), 'onboard-subscriber', request);
    expect(again).toMatchObject({ converges: true, changes: [] });
    expect(again.hash).not.toBe(planned.hash);
    expect(again.keyPolicies.map(({ changed, diff }) => ({ changed, diff }))).toEqual(
      keyArns.map(() => ({ changed: false, diff: [] })),
    );
  });

  it('has another hash when the request, the policy or the template is another one', async () => {
    const keyArn = newKey(sandbox());
    const { request } = newRun('hashed', [keyArn]);
    const hashOf = async (asked: object) => (await plan(sandbox(), 'onboard-subscriber', asked)).hash;
    const hashes = [await hashOf(request)];
    hashes.push(await hashOf({ ...request, subscriber: { ...request.subscriber, emailId: 'other@example.com' } }));
    const { arn } = newRole(sandbox(), newName('hashed'));
    await editPolicy(sandbox(), keyArn, (statements) => [...statements, naming('Somebody', arn)]);
    hashes.push(await hashOf(request));
    const { standIn } = sandbox().templates;
    for (const text of [standIn, `${standIn}\n`]) {
      sandbox().templates.publish('9.42', text);
      hashes.push(await hashOf({ ...request, stack: { build: '9.42' } }));
    }
    expect(new Set(hashes).size).toBe(5);
    expect(await hashOf(request)).toBe(hashes[2]);
  });

  it('reads a template that is too long for a call where the vendor has it, and copies nothing', async () => {
    sandbox().templates.publish('9.41', `${sandbox().templates.standIn}\n# ${'Größe '.repeat(10_000)}\r\n`);
    const planned = await plan(sandbox(), 'onboard-subscriber', {
      ...requestFor(newName('long')),
      stack: { build: '9.41' },
    });
    expect(planned.stack?.templateUrl).toContain('/9.41/');
  });

  it('says so when a stack was rolled back, and is made anew', async () => {
    const { userName, request } = newRun('rolled-back');
    sandbox().faults.add({
      service: 'infinstor',
      operation: 'register',
      fault: { kind: 'error', name: '503' },
      times: 9,
    });
    expect((await onboard(sandbox(), request)).error?.name).toBe('StackFailed');
    sandbox().faults.clear();
    await sandbox().clock.quiet();
    const planned = await plan(sandbox(), 'onboard-subscriber', request);
    expect(changesOf(planned)).toEqual([
      `DeployStack: delete stack ${stackNameOf(userName)}`,
      `DeployStack: create stack ${stackNameOf(userName)}`,
    ]);
    await onboarded(sandbox(), request);
    expect(await plan(sandbox(), 'onboard-subscriber', request)).toMatchObject({ converges: true });
  });

  it('takes a custom token that is supplied, once', async () => {
    const { userName, request } = newRun('supplied');
    await onboarded(sandbox(), request);
    const supplied = { ...request, ...supplyToken(sandbox(), userName) };
    expect(await plan(sandbox(), 'onboard-subscriber', supplied)).toMatchObject({ converges: true });
    await putSecret(sandbox(), supplied.customTokenSecretId, { customToken: 'Custom plan-marker:another-token' });
    const planned = await plan(sandbox(), 'onboard-subscriber', supplied);
    expect(changesOf(planned)).toEqual([`CreateSubscriber: update secret ${credentialsOf(userName)}`]);
    expect(JSON.stringify(planned)).not.toContain('plan-marker');
  });

  it('is the default of a body that names no operation, and needs a request', async () => {
    const request = requestFor(newName('default'));
    expect(await callApi(sandbox(), 'POST', '/plans', { request })).toMatchObject({
      status: 200,
      body: { operation: 'onboard-subscriber' },
    });
    for (const [body, message] of [
      ['{', 'request: must be JSON'],
      [{}, 'request: is required'],
      [{ operation: 'delete', request }, 'operation: '],
      [{ request, plan: 'x' }, 'plan: is not a known field'],
    ] as const) {
      const answer = await callApi(sandbox(), 'POST', '/plans', body);
      expect(answer).toMatchObject({ status: 400, body: { error: { name: 'InvalidRequest' } } });
      expect(JSON.stringify(answer.body)).toContain(message);
    }
  });
});

describe('the plan of an update', () => {
  it('is what the update then changes', async () => {
    const { userName, request } = newRun('to-update');
    await onboarded(sandbox(), request);
    const update = { subscriber: { userName, emailId: 'new@example.com' } };
    const planned = await plan(sandbox(), 'update-subscriber', update);
    expect(changesOf(planned)).toEqual([
      `UpdateSubscriber: update subscriber ${userName}`,
      `UpdateSubscriber: update secret ${credentialsOf(userName)}`,
    ]);
    const report = await run(sandbox(), 'update-subscriber', update);
    expect(report.error).toBeNull();
    expect(planned.cost.assumptions.join()).toContain(`${statesOf(report).length} state transitions`);
    expect(await plan(sandbox(), 'update-subscriber', update)).toMatchObject({ converges: true, changes: [] });
  });

  it('shows no password, and knows the one that is kept', async () => {
    const { userName, request } = newRun('new-password');
    await onboarded(sandbox(), request);
    const passwordSecretId = `infinstor/sandbox/input/${userName}/password`;
    sandbox().secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'Plan-Marker-Password-1!' }));
    const update = { subscriber: { userName }, passwordSecretId };
    const planned = await plan(sandbox(), 'update-subscriber', update);
    expect(planned.changes.map(({ detail }) => detail)).toEqual(['password', 'password']);
    expect(JSON.stringify(planned)).not.toContain('Plan-Marker');
    expect((await run(sandbox(), 'update-subscriber', update)).error).toBeNull();
    expect(await plan(sandbox(), 'update-subscriber', update)).toMatchObject({ converges: true });
  });
});

describe('the plan of the addition of users', () => {
  it('is what is then added', async () => {
    const { userName, request } = newRun('with-users');
    await onboarded(sandbox(), request);
    const users = ['one', 'two'].map((name) => ({ userName: `${userName}.${name}`, emailId: 'user@example.com' }));
    const asked = { subscriber: { userName }, users };
    const planned = await plan(sandbox(), 'add-user', asked);
    const secretIds = users.map((user) => `${folderOf(userName)}/users/${user.userName}`);
    expect(changesOf(planned)).toEqual(
      users.flatMap((user, index) => [
        `AddUser: create user ${user.userName}`,
        `AddUser: create secret ${secretIds[index]}`,
      ]),
    );
    const report = await run(sandbox(), 'add-user', asked);
    expect(report.error).toBeNull();
    expect(planned.cost.assumptions.join()).toContain(`${statesOf(report).length} state transitions`);
    expect(await secretNamesOf(userName)).toEqual(expect.arrayContaining(secretIds));
    expect(await plan(sandbox(), 'add-user', asked)).toMatchObject({ converges: true, changes: [] });
  });
});

describe('the plan of an offboarding', () => {
  it('is what then goes, and what stays', async () => {
    const keyArn = newKey(sandbox());
    await onboarded(sandbox(), newRun('stays', [keyArn]).request);
    const { userName, request } = newRun('leaves', [keyArn]);
    await onboarded(sandbox(), request);
    const planned = await plan(sandbox(), 'offboard-subscriber', offboarding(userName));
    const made = stackOf(sandbox(), userName)?.stackId;

    const report = await offboard(sandbox(), userName);

    expect(report.error).toBeNull();
    expect(planned.cost.assumptions.join()).toContain(`${statesOf(report).length} state transitions`);
    expect(canonical(planned.keyPolicies[0]?.after)).toBe(canonical(policyOf(sandbox(), keyArn)));
    expect(made).toBeDefined();
    const retained = planned.changes.filter(({ kind, action }) => kind === 'resource' && action === 'retain');
    expect(report.output).toMatchObject({
      secrets: planned.changes.filter(({ kind }) => kind === 'secret').map(({ what }) => what),
    });
    const { offboarded } = v.parse(recordSchema, await recordOf(sandbox(), userName));
    const left = offboarded.M.retained.L.map(({ M }) => M.physicalId.S);
    expect(retained.map(({ what }) => what).sort()).toEqual(left.sort());
    expect(left.length).toBeGreaterThan(0);
    const again = await plan(sandbox(), 'offboard-subscriber', offboarding(userName));
    expect(again).toMatchObject({ converges: true });
    expect(changesOf(again)).toEqual([`CompleteOffboarding: retain subscriber ${userName}`]);
    // And whoever comes back.
    expect(changesOf(await plan(sandbox(), 'onboard-subscriber', request))[0]).toBe(
      `CreateSubscriber: decide subscriber ${userName}`,
    );
  });
});
