import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/detect-key-policy-drift/environment.ts';
import { requestGrant, settleGrant } from '../../../../lib/keys/grants.ts';
import { releaseLease, takeLease } from '../../../../lib/keys/lease.ts';
import { readPolicyBackups } from '../../../../lib/keys/policy-backups.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { fakeIam, fakeKms } from '../fake-kms.ts';
import { keyPolicy } from '../key-policy.ts';
import { errorOf, lambda, minutesAgo } from '../lambda.ts';
import { accounts } from '../other-account.ts';
import { own } from '../own-record.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const roleArn = 'arn:aws:iam::111111111111:role/RoleForAcme';
const writer = 'arn:aws:iam::111111111111:role/detect-key-policy-drift';
const scheduled = { id: 'event-1', 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} };

/** What CloudTrail tells of PutKeyPolicy, in part: KMS developer guide, "Log entries: PutKeyPolicy". */
const putKeyPolicy = (userIdentity: object, policy: object = keyPolicy()) => ({
  id: 'event-2',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.kms',
  detail: {
    userIdentity,
    eventTime: minutesAgo(5).replace('.000', ''),
    eventSource: 'kms.amazonaws.com',
    eventName: 'PutKeyPolicy',
    requestParameters: { keyId: keyArn.slice(-36), policyName: 'default', policy: JSON.stringify(policy) },
    responseElements: null,
    eventID: 'c217db1f-903f-4a2f-8f88-9580182d6313',
    resources: [{ accountId: '111111111111', type: 'AWS::KMS::Key', ARN: keyArn }],
  },
});
const user = { type: 'IAMUser', arn: 'arn:aws:iam::111111111111:user/alice', accountId: '111111111111' };
const session = (issuer: string) => ({
  type: 'AssumedRole',
  arn: 'arn:aws:sts::111111111111:assumed-role/some-role/some-session',
  sessionContext: { sessionIssuer: { type: 'Role', arn: issuer } },
});

/** The function, and a key whose policy lacks a role that is to have it. */
async function setUp() {
  const registry = await registryTable();
  const kms = fakeKms({ [keyArn]: keyPolicy() });
  fakeIam({ [roleArn]: 'AROAACME' });
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  await own(registry, 'onboarding', 'Acme');
  const grant = await requestGrant(registry, keyArn, { roleArn, roleId: 'AROAACME', userName: 'Acme' }, 'onboarding');
  await settleGrant(registry, keyArn, { ...grant, state: 'applied' });
  await takeLease(registry, keyArn, { owner: 'another', until: 1 }, 0);
  await releaseLease(registry, keyArn, { owner: 'another' }, undefined);
  const invoke = lambda(() => import('../../../../functions/detect-key-policy-drift/handler.ts'), {
    ...registry.environment,
    ...environmentOf(environmentSchema, {
      REGISTRY_TABLE: registry.tableName,
      KEY_POLICY_WRITERS: `arn:aws:iam::111111111111:role/patch-key-policy,${writer}`,
      REPAIR_KEY_POLICIES: 'false',
      METRIC_NAMESPACE: 'infinstor-onboarding-dev',
    }),
  });
  const published = () =>
    events
      .commandCalls(PutEventsCommand)
      .flatMap(({ args: [{ input }] }) => (input.Entries ?? []).map(({ Detail = '' }) => JSON.parse(Detail)));
  return { registry, kms, invoke, published };
}

describe('the function', () => {
  it("looks at every key by its schedule, in the key's Region, and repairs nothing", async () => {
    const { invoke, published, kms } = await setUp();
    await invoke(scheduled);
    expect(published()).toMatchObject([{ keyArn, missingRoles: [roleArn], repaired: 'no', by: null }]);
    expect(kms.puts()).toEqual([]);
    const client: KMSClient = kms.client.call(0).thisValue;
    expect(await client.config.region()).toBe('eu-west-1');
  });

  it.each([
    ['a user', user, user.arn],
    ['a role', session('arn:aws:iam::111111111111:role/admin'), session('').arn],
    ['another account', { type: 'AWSAccount', accountId: '222222222222' }, 'AWSAccount'],
  ])('looks at the key whose policy %s wrote, and keeps that', async (_, userIdentity, by) => {
    const { invoke, published, registry } = await setUp();
    await invoke(putKeyPolicy(userIdentity));
    expect(published()).toMatchObject([{ keyArn, missingRoles: [roleArn], by }]);
    expect(await readPolicyBackups(registry, keyArn)).toMatchObject([
      { keptAt: minutesAgo(5), policy: JSON.stringify(keyPolicy()), by },
    ]);
  });

  it('knows the writes of the deployment in another account, where it is another role', async () => {
    const { invoke, published, registry } = await setUp();
    const written = putKeyPolicy(session('arn:aws:iam::222222222222:role/onboarding'));
    await invoke(written, { ACCOUNTS: JSON.stringify(accounts) });
    expect(published()).toEqual([]);
    expect(await readPolicyBackups(registry, keyArn)).toEqual([]);
    await invoke(written);
    expect(published()).toHaveLength(1);
  });

  it('knows the writes of the deployment, its own among them', async () => {
    const { invoke, published, registry } = await setUp();
    await invoke(putKeyPolicy(session(writer)));
    expect(published()).toEqual([]);
    expect(await readPolicyBackups(registry, keyArn)).toEqual([]);
  });

  it('repairs where the deployment opts in, without repeating a write', async () => {
    const { invoke, published, kms } = await setUp();
    await invoke(scheduled, { REPAIR_KEY_POLICIES: 'true' });
    expect(published()).toMatchObject([{ keyArn, missingRoles: [roleArn], repaired: 'yes' }]);
    expect(kms.policy(keyArn)).toEqual(keyPolicy(roleArn));
    const put = kms.client.calls().find(({ args: [{ input }] }) => 'Policy' in input);
    const client: KMSClient | undefined = put?.thisValue;
    expect(await client?.config.maxAttempts()).toBe(1);
  });

  const { detail, ...rest } = putKeyPolicy(user);
  it.each([
    ['another kind of event', { 'detail-type': 'Object Created' }, 'detail-type'],
    ['a call of no key', { ...rest, detail: { ...detail, resources: [] } }, 'detail.resources'],
    ['a call without a time', { ...rest, detail: { ...detail, eventTime: 'noon' } }, 'detail.eventTime'],
  ])('refuses %s', async (_, event, field) => {
    const { invoke } = await setUp();
    await expect(invoke(event)).rejects.toMatchObject(errorOf('InvalidStepInput', field));
  });

  it.each([
    ['REPAIR_KEY_POLICIES', 'yes'],
    ['KEY_ACCESS', 'by name'],
    ['METRIC_NAMESPACE', ''],
    ['KEY_POLICY_WRITERS', undefined],
  ])('refuses a deployment whose %s is %s', async (name, value) => {
    const { invoke } = await setUp();
    await expect(invoke(scheduled, { [name]: value })).rejects.toMatchObject(errorOf('InvalidConfiguration', name));
  });
});
