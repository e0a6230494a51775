import { GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { operatorAt } from '../../cli/endpoint.ts';
import { connect, readKeyPolicies } from '../../cli/execution.ts';
import { keyPolicies } from '../../cli/key-policies.ts';
import { createTerminal } from '../../cli/terminal.ts';
import { grantedRoles, parseKeyPolicy } from '../../functions/shared/key-policy.ts';
import { account, fixtures, type Home, otherAccount } from '../../sandbox/account.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { accounts, forwardEvents, setUpOtherAccount } from '../../scripts/other-account.ts';
import {
  ended,
  eventually,
  expectFailure,
  happyPath,
  hold,
  onboard,
  recordOf,
  redrive,
  requestFor,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from './sandbox.ts';

const packageFolder = inject('accountsPackageFolder');
const sandbox = useSandbox({ packageFolder });
const { accountId } = otherAccount;
const there: Home = { accountId, region: 'us-east-1' };
const abroad: Home = { accountId, region: 'eu-west-1' };
const hour = 60 * 60_000;
/** The other account, whose events do not reach the deployment. */
const unheard = { ACCOUNTS: JSON.stringify({ [accountId]: { ...accounts[accountId], stackEvents: undefined } }) };

beforeAll(async () => {
  await setUpOtherAccount(sandbox());
  for (const home of [there, abroad]) await forwardEvents(sandbox(), home);
});
afterEach(() => sandbox().faults.clear());

let keys = 0;

/** A key there that may be used for onboarding. */
function keyIn(given: Sandbox, home: Home): string {
  keys += 1;
  const arn = `arn:aws:kms:${home.region}:${home.accountId}:key/77777777-aaaa-4aaa-8aaa-${String(keys).padStart(12, '0')}`;
  given.world(home).kms.createKey({ arn, tags: { 'infinstor-onboarding': 'allowed' } });
  return arn;
}

const requestIn = (userName: string, home: Home) => ({ ...requestFor(userName), stack: { ...home } });
const requestWithKeys = (userName: string, home: Home, artifacts: string, tracking = artifacts) => ({
  ...requestIn(userName, home),
  encryption: {
    artifacts: { type: 'sse-kms-customer-managed', keyArn: artifacts },
    tracking: { type: 'customer-managed', keyArn: tracking },
  },
});
const roleIn = (home: Home, userName: string) =>
  `arn:aws:iam::${home.accountId}:role/RoleForInfinStorMlflowService-${userName}`;
const rolesOn = (given: Sandbox, home: Home, keyArn: string) =>
  grantedRoles(parseKeyPolicy(JSON.stringify(given.world(home).kms.keyPolicy(keyArn))));
const stackIn = (given: Sandbox, home: Home, userName: string) =>
  given.world(home).cloudFormation.stack(`infinstor-subscriber-${userName}`);

describe('an onboarding into another account', () => {
  it.each([
    { where: 'the same Region', home: there, userName: 'there' },
    { where: 'another Region', home: abroad, userName: 'abroad' },
  ])('in $where makes all of it there, is over with the stack, and converges', async ({ home, userName }) => {
    const [artifacts, tracking] = [keyIn(sandbox(), home), keyIn(sandbox(), home)];
    const request = requestWithKeys(userName, home, artifacts, tracking);
    const report = await onboard(sandbox(), request);
    expect(report.error).toBeNull();
    expect(statesOf(report)).toEqual(happyPath);
    // Far below the slow poll's 600 s.
    expect(report.durationMs).toBeLessThan(60_000);
    const roleArn = roleIn(home, userName);
    expect(report.output).toMatchObject({ roleArn, keyArns: [artifacts, tracking] });
    expect(stackIn(sandbox(), home, userName)).toMatchObject({
      status: 'CREATE_COMPLETE',
      stackId: report.output?.stackId,
      roleArn: accounts[accountId]?.stackServiceRoleArn,
    });
    expect(stackIn(sandbox(), account, userName)).toBeUndefined();
    const registered = sandbox()
      .infinstor.subscribers()
      .find((subscriber) => subscriber.userName === userName)?.registered;
    expect(registered?.roleArn).toBe(roleArn);
    const again = await onboard(sandbox(), request);
    expect(again).toMatchObject({ status: 'SUCCEEDED', output: { roleArn, stackId: report.output?.stackId } });
    for (const keyArn of [artifacts, tracking]) {
      expect(rolesOn(sandbox(), home, keyArn)).toEqual([roleArn]);
      expect(sandbox().world(home).kms.policyWrites(keyArn)).toBe(1);
    }
    expect(await recordOf(sandbox(), userName)).toMatchObject({
      status: { S: 'ACTIVE' },
      home: { M: { accountId: { S: home.accountId }, region: { S: home.region } } },
    });
  });

  it('goes on when the sessions of warm functions have expired', async () => {
    const keyArn = keyIn(sandbox(), there);
    sandbox().clock.advance(2 * hour);
    const { status } = await onboard(sandbox(), requestWithKeys('later', there, keyArn));
    expect(status).toBe('SUCCEEDED');
    expect(rolesOn(sandbox(), there, keyArn)).toEqual([roleIn(there, 'later')]);
  });

  it.each([
    'cloudformation:CreateStack:drop',
    'cloudformation:CreateStack:kill',
    'kms:PutKeyPolicy:drop',
    'kms:PutKeyPolicy:kill',
    'sts:AssumeRole:throttle:2',
    'sts:AssumeRole:drop',
    'sts:AssumeRole:kill',
    'events:StackStatusChange:repeat:9',
  ])('converges after %s', async (fault) => {
    // So that every function assumes the role anew.
    sandbox().clock.advance(2 * hour);
    const userName = `after-${fault.replaceAll(':', '-').toLowerCase()}`.slice(0, 34);
    const keyArn = keyIn(sandbox(), there);
    sandbox().faults.add(parseFault(fault));
    const request = requestWithKeys(userName, there, keyArn);
    const first = await onboard(sandbox(), request);
    expect(sandbox().faults.left()).toBeLessThan(9);
    sandbox().faults.clear();
    const report = first.status === 'SUCCEEDED' ? first : await onboard(sandbox(), request);
    expect(report.error).toBeNull();
    expect(stackIn(sandbox(), there, userName)?.stackId).toBe(report.output?.stackId);
    expect(rolesOn(sandbox(), there, keyArn)).toEqual([roleIn(there, userName)]);
    const subscribers = sandbox().infinstor.subscribers();
    expect(subscribers.filter((subscriber) => subscriber.userName === userName)).toHaveLength(1);
  });

  it('waits until KMS sees its role, which IAM there is asked about', async () => {
    const iam = sandbox().accounts.iam(accountId);
    const keyArn = keyIn(sandbox(), there);
    iam.delayNewRoles(20_000);
    const report = await onboard(sandbox(), requestWithKeys('unseen', there, keyArn));
    iam.delayNewRoles(0);
    expect(report.error).toBeNull();
    expect(statesOf(report).filter((state) => state === 'PatchKeyPolicy').length).toBeGreaterThan(1);
    expect(rolesOn(sandbox(), there, keyArn)).toEqual([roleIn(there, 'unseen')]);
  });

  it('fails as one here when the stack does, with the reason, and is done by a repeat', async () => {
    sandbox().faults.add(parseFault('infinstor:register:error=503'));
    const request = requestIn('rolled-back', abroad);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('InfinStor answered 503');
    expect(await onboard(sandbox(), request)).toMatchObject({ status: 'SUCCEEDED' });
    expect(stackIn(sandbox(), abroad, 'rolled-back')?.status).toBe('CREATE_COMPLETE');
  });

  it('is shown by the command with the key policies there', async () => {
    const keyArn = keyIn(sandbox(), abroad);
    await onboard(sandbox(), requestWithKeys('shown', abroad, keyArn));
    const clients = connect(sandbox().endpoint);
    const policies = await readKeyPolicies(clients, [keyArn, fixtures.trackingKeyArn]);
    expect([...policies.keys()]).toEqual([keyArn, fixtures.trackingKeyArn]);
    expect(JSON.stringify(policies.get(keyArn))).toContain(roleIn(abroad, 'shown'));
  });
});

describe('a request for another account or Region', () => {
  const keyHere = fixtures.trackingKeyArn;
  const withKey = (home: Home, keyArn: string) => ({
    ...requestIn('refused', home),
    encryption: { tracking: { type: 'customer-managed', keyArn } },
  });
  it.each<[string, string, object, string]>([
    [
      'an account that is not configured',
      'InvalidRequest',
      requestIn('refused', { ...there, accountId: '333333333333' }),
      'stack.accountId: must be one of 222222222222, 111111111111',
    ],
    [
      'a Region that is not configured there',
      'InvalidRequest',
      requestIn('refused', { ...there, region: 'ap-south-1' }),
      'stack.region: must be one of us-east-1, eu-west-1 in account 222222222222',
    ],
    [
      'a Region that is configured there alone',
      'InvalidRequest',
      requestIn('refused', { ...account, region: 'eu-west-1' }),
      'stack.region: must be one of us-east-1 in account 111111111111',
    ],
    ['a key of another account', 'KeyNotUsable', withKey(there, keyHere), 'it is not in account 222222222222'],
    [
      'a key of another Region there',
      'KeyNotUsable',
      withKey(there, 'arn:aws:kms:eu-west-1:222222222222:key/77777777-bbbb-4bbb-8bbb-777777777777'),
      'it is not in Region us-east-1',
    ],
    [
      'a key that is not there',
      'KeyNotUsable',
      withKey(there, 'arn:aws:kms:us-east-1:222222222222:key/77777777-bbbb-4bbb-8bbb-777777777777'),
      'there is no such key',
    ],
  ])('is refused for %s', async (_, name, request, message) => {
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name, step: 'AcceptRequest' });
    expect(report.error?.message).toContain(message);
    expect(
      sandbox()
        .infinstor.subscribers()
        .map(({ userName }) => userName),
    ).not.toContain('refused');
  });

  it('is refused while the subscriber has its stack elsewhere', async () => {
    expect(await onboard(sandbox(), requestFor('settled'))).toMatchObject({ status: 'SUCCEEDED' });
    const report = await onboard(sandbox(), requestIn('settled', there));
    expect(report.error).toMatchObject({ name: 'StackNeedsAttention', step: 'AcceptRequest' });
    expect(report.error?.message).toContain('in account 111111111111 in us-east-1 already');
    expect(stackIn(sandbox(), there, 'settled')).toBeUndefined();
    expect(await recordOf(sandbox(), 'settled')).toMatchObject({ status: { S: 'ACTIVE' } });
  });
});

describe('a key there', () => {
  const backup = {
    Sid: 'Allow the backup team',
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${accountId}:user/operator` },
    Action: 'kms:Decrypt',
    Resource: '*',
  };

  /** Edits its policy as an operator of its account does. */
  async function edit(home: Home, keyArn: string, change: (statements: object[]) => object[]): Promise<void> {
    sandbox().clock.advance(2_000);
    const kms = new KMSClient(operatorAt(sandbox().endpoint, home));
    const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId: keyArn }));
    const { Statement, ...rest } = parseKeyPolicy(Policy);
    await kms.send(
      new PutKeyPolicyCommand({ KeyId: keyArn, Policy: JSON.stringify({ ...rest, Statement: change(Statement) }) }),
    );
    await sandbox().clock.quiet();
  }
  const drifts = (given: Sandbox, keyArn: string) =>
    given.events
      .published()
      .filter((event) => event['detail-type'] === 'KeyPolicyDrift')
      .map(({ detail }) => detail)
      .filter((detail) => 'keyArn' in detail && detail.keyArn === keyArn);

  it('is watched: what an operator does to it is told, and what the deployment does is not', async () => {
    const keyArn = keyIn(sandbox(), abroad);
    await onboard(sandbox(), requestWithKeys('watched', abroad, keyArn));
    sandbox().clock.advance(hour);
    await sandbox().clock.quiet();
    expect(drifts(sandbox(), keyArn)).toEqual([]);
    const items = await sandbox().dynamoDb.items(sandbox().registryTable);
    expect(items.filter(({ pk, eventId }) => pk?.S === `KEY#${keyArn}` && eventId !== undefined)).toEqual([]);
    await edit(abroad, keyArn, (statements) => statements.slice(0, 1));
    expect(drifts(sandbox(), keyArn)).toMatchObject([
      { missingRoles: [roleIn(abroad, 'watched')], by: `arn:aws:iam::${accountId}:user/operator` },
    ]);
  });

  it('is restored there', async () => {
    const keyArn = keyIn(sandbox(), there);
    await edit(there, keyArn, (statements) => [...statements, backup]);
    await onboard(sandbox(), requestWithKeys('restored', there, keyArn));
    await edit(there, keyArn, (statements) => statements.filter((each) => !('Sid' in each) || each.Sid !== backup.Sid));
    sandbox().clock.advance(2 * 60_000);
    const surroundings = {
      terminal: createTerminal({ write: () => true }, {}),
      wait: async () => {},
    };
    const { document } = await keyPolicies(
      { command: 'key-policies', json: true, keyArn, endpoint: sandbox().endpoint, action: { name: 'list' } },
      surroundings,
    );
    const [first] = 'policies' in document && Array.isArray(document.policies) ? document.policies : [];
    const { FunctionError } = await new LambdaClient(operatorAt(sandbox().endpoint)).send(
      new InvokeCommand({
        FunctionName: 'infinstor-onboarding-sandbox-restore-key-policy',
        Payload: JSON.stringify({ keyArn, policyId: first.id }),
      }),
    );
    expect(FunctionError).toBeUndefined();
    expect(sandbox().world(there).kms.keyPolicy(keyArn).Statement).toContainEqual(backup);
    expect(rolesOn(sandbox(), there, keyArn)).toEqual([roleIn(there, 'restored')]);
  });

  it('is told as out of reach when the account takes the role away', async () => {
    await withSandbox({ packageFolder, environment: unheard, schedules: true }, async (given) => {
      await setUpOtherAccount(given);
      const keyArn = keyIn(given, there);
      await onboard(given, requestWithKeys('cut-off', there, keyArn));
      given.accounts.iam(accountId).deleteRole('infinstor-onboarding-access');
      given.clock.advance(hour);
      await given.clock.quiet();
      expect(drifts(given, keyArn)).toMatchObject([
        { reason: { name: 'AccountNotAccessible', message: expect.stringContaining('infinstor-onboarding-access') } },
      ]);
    });
  });
});

describe('without the events of its stacks', () => {
  it('an account is asked every 30 seconds', async () => {
    await withSandbox({ packageFolder, environment: unheard }, async (given) => {
      await setUpOtherAccount(given);
      const report = await onboard(given, requestIn('polled', there));
      expect(report.status).toBe('SUCCEEDED');
      expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
      expect(report.durationMs).toBeGreaterThanOrEqual(30_000);
      expect(report.durationMs).toBeLessThan(60_000);
    });
  });

  it('an account that is said to forward them is asked every 600 seconds, which a lost event costs', async () => {
    sandbox().faults.add(parseFault('events:StackStatusChange:lose:99'));
    const report = await onboard(sandbox(), requestIn('lost-event', there));
    expect(report.status).toBe('SUCCEEDED');
    expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
  });

  it.each([
    { regions: 'us-east-1', events: false, waits: 'every 30 seconds', least: 30_000 },
    { regions: 'us-east-1,eu-west-1', events: true, waits: 'for events where it forwards them', least: 0 },
  ])("another Region of the deployment's account is asked $waits", async ({ regions, events, least }) => {
    const environment = { STACK_REGIONS: 'us-east-1,eu-west-1', STACK_EVENT_REGIONS: regions };
    await withSandbox({ environment }, async (given) => {
      const home = { ...account, region: 'eu-west-1' };
      if (events) await forwardEvents(given, home);
      const report = await onboard(given, requestIn('region', home));
      expect(report.status).toBe('SUCCEEDED');
      expect(stackIn(given, home, 'region')?.status).toBe('CREATE_COMPLETE');
      expect(report.durationMs).toBeGreaterThanOrEqual(least);
      expect(report.durationMs).toBeLessThan(60_000);
      expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(events ? 1 : 2);
    });
  });

  it('of an account that may not send them nothing arrives', async () => {
    await withSandbox({}, async (given) => {
      await forwardEvents(given, there);
      given.world(there).events.publish({
        source: 'aws.cloudformation',
        'detail-type': 'CloudFormation Stack Status Change',
        detail: { 'stack-id': 'arn:aws:cloudformation:us-east-1:222222222222:stack/infinstor-subscriber-x/1' },
      });
      await given.clock.quiet();
      expect(given.events.published().filter((event) => event.account === accountId)).toEqual([]);
      expect(given.denials()).toMatchObject([{ action: 'events:PutEvents' }]);
    });
  });
});

describe('an account that lets nobody in', () => {
  const allowing = (given: Sandbox) => given.accounts.iam(accountId).role('infinstor-onboarding-access');

  it('is told before anything is made, without the external id; a redrive goes on when it does', async () => {
    await withSandbox({ packageFolder }, async (given) => {
      await setUpOtherAccount(given, { ExternalId: 'another-external-id' });
      const report = await onboard(given, requestIn('kept-out', there));
      await expectFailure(given, report, { name: 'AccountNotAccessible', step: 'AcceptRequest' });
      expect(report.error?.message).toContain('arn:aws:iam::222222222222:role/infinstor-onboarding-access');
      expect(JSON.stringify([report, given.events.published()])).not.toContain('external-id');
      expect(given.infinstor.subscribers()).toEqual([]);
      const role = allowing(given);
      if (role === undefined) throw new Error('There is no role');
      role.assumeRolePolicyDocument = JSON.parse(
        JSON.stringify(role.assumeRolePolicyDocument).replace('another-external-id', 'sandbox-external-id'),
      );
      expect(await redrive(given, report)).toMatchObject({ status: 'SUCCEEDED' });
    });
  });

  it('after the subscriber is there is recorded, and a redrive goes on when it does again', async () => {
    await withSandbox({ packageFolder }, async (given) => {
      await setUpOtherAccount(given);
      const goOn = hold(given, 'infinstor', 'add_subscriber');
      const { executionArn } = await startOnboarding(given, requestIn('half-way', there));
      await eventually(given, () => expect(given.faults.left()).toBe(0));
      const role = allowing(given);
      if (role === undefined) throw new Error('There is no role');
      const iam = given.accounts.iam(accountId);
      iam.deleteRole(role.roleName);
      goOn();
      const report = await ended(given, executionArn);
      await expectFailure(given, report, { name: 'AccountNotAccessible', step: 'DeployStack' });
      iam.createRole({
        roleName: role.roleName,
        assumeRolePolicyDocument: role.assumeRolePolicyDocument,
        policies: [...role.policies].map(([name, document]) => ({ name, document })),
      });
      expect(await redrive(given, report)).toMatchObject({ status: 'SUCCEEDED' });
      expect(given.infinstor.subscribers()).toHaveLength(1);
    });
  });

  it("is not entered by other roles of the deployment's account, whatever they know", async () => {
    const { iam } = sandbox();
    const anyone = { Version: '2012-10-17', Statement: [] };
    const { arn } = iam.createRole({
      roleName: 'somebody-else',
      assumeRolePolicyDocument: anyone,
      policies: [
        {
          name: 'all',
          document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
        },
      ],
    });
    const sts = new STSClient({ ...operatorAt(sandbox().endpoint), credentials: iam.credentials(arn, 'x') });
    await expect(
      sts.send(
        new AssumeRoleCommand({
          RoleArn: accounts[accountId]?.roleArn ?? '',
          RoleSessionName: 'intruder',
          ExternalId: accounts[accountId]?.externalId,
        }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
