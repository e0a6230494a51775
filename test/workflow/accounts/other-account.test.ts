import { describe, expect, it } from 'vitest';
import { connect, readKeyPolicies } from '../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../cli/target/target.ts';
import { type AccountRegion, account, fixtures, otherAccount } from '../../../sandbox/core/account.ts';
import { accounts } from '../../../tools/permissions/other-account.ts';
import { casesInScope } from '../../scope.ts';
import { expectFailure, happyPath, onboard, recordOf, requestFor, statesOf } from '../sandbox.ts';
import { fault, roleArnOf, rolesOn, stackOf, subscribersNamed } from '../subscriber.ts';
import { abroad, keyIn, requestIn, requestWithKeys, there, useOtherAccount } from './elsewhere.ts';

const sandbox = useOtherAccount();
const hour = 60 * 60_000;

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
    const roleArn = roleArnOf(userName, home);
    expect(report.output).toMatchObject({ roleArn, keyArns: [artifacts, tracking] });
    expect(stackOf(sandbox(), userName, home)).toMatchObject({
      status: 'CREATE_COMPLETE',
      stackId: report.output?.stackId,
      roleArn: accounts[otherAccount.accountId]?.stackServiceRoleArn,
    });
    expect(stackOf(sandbox(), userName, account)).toBeUndefined();
    expect(subscribersNamed(sandbox(), userName)).toMatchObject([{ registered: { roleArn } }]);
    const again = await onboard(sandbox(), request);
    expect(again).toMatchObject({ status: 'SUCCEEDED', output: { roleArn, stackId: report.output?.stackId } });
    for (const keyArn of [artifacts, tracking]) {
      expect(rolesOn(sandbox(), keyArn)).toEqual([roleArn]);
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
    expect(rolesOn(sandbox(), keyArn)).toEqual([roleArnOf('later', there)]);
  });

  // Of what is lost there, each call in one way.
  const usual = [
    'cloudformation:CreateStack:kill',
    'kms:PutKeyPolicy:drop',
    'sts:AssumeRole:throttle:2',
    'sts:AssumeRole:kill',
    'events:StackStatusChange:repeat:9',
  ];
  const others = ['cloudformation:CreateStack:drop', 'kms:PutKeyPolicy:kill', 'sts:AssumeRole:drop'];

  it.each(casesInScope([...usual, ...others], usual))('converges after %s', async (trouble) => {
    // So that every function assumes the role anew.
    sandbox().clock.advance(2 * hour);
    const userName = `after-${trouble.replaceAll(':', '-').toLowerCase()}`.slice(0, 34);
    const keyArn = keyIn(sandbox(), there);
    fault(sandbox(), trouble);
    const request = requestWithKeys(userName, there, keyArn);
    const first = await onboard(sandbox(), request);
    expect(sandbox().faults.left()).toBeLessThan(9);
    sandbox().faults.clear();
    const report = first.status === 'SUCCEEDED' ? first : await onboard(sandbox(), request);
    expect(report.error).toBeNull();
    expect(stackOf(sandbox(), userName, there)?.stackId).toBe(report.output?.stackId);
    expect(rolesOn(sandbox(), keyArn)).toEqual([roleArnOf(userName, there)]);
    expect(subscribersNamed(sandbox(), userName)).toHaveLength(1);
  });

  it('waits until KMS sees its role, which IAM there is asked about', async () => {
    const iam = sandbox().accounts.iam(otherAccount.accountId);
    const keyArn = keyIn(sandbox(), there);
    iam.delayNewRoles(20_000);
    const report = await onboard(sandbox(), requestWithKeys('unseen', there, keyArn));
    iam.delayNewRoles(0);
    expect(report.error).toBeNull();
    expect(statesOf(report).filter((state) => state === 'PatchKeyPolicy').length).toBeGreaterThan(1);
    expect(rolesOn(sandbox(), keyArn)).toEqual([roleArnOf('unseen', there)]);
  });

  it('fails as one here when the stack does, with the reason, and is done by a repeat', async () => {
    fault(sandbox(), 'infinstor:register:error=503');
    const request = requestIn('rolled-back', abroad);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('InfinStor answered 503');
    expect(await onboard(sandbox(), request)).toMatchObject({ status: 'SUCCEEDED' });
    expect(stackOf(sandbox(), 'rolled-back', abroad)?.status).toBe('CREATE_COMPLETE');
  });

  it('is shown by the command with the key policies there', async () => {
    const keyArn = keyIn(sandbox(), abroad);
    await onboard(sandbox(), requestWithKeys('shown', abroad, keyArn));
    const clients = connect(sandboxAt(sandbox().endpoint));
    const policies = await readKeyPolicies(clients, [keyArn, fixtures.trackingKeyArn]);
    expect([...policies.keys()]).toEqual([keyArn, fixtures.trackingKeyArn]);
    expect(JSON.stringify(policies.get(keyArn))).toContain(roleArnOf('shown', abroad));
  });
});

describe('a request for another account or Region', () => {
  const keyHere = fixtures.trackingKeyArn;
  const withKey = (home: AccountRegion, keyArn: string) => ({
    ...requestIn('refused', home),
    encryption: { tracking: { type: 'customer-managed', keyArn } },
  });
  it.each<[string, string, object, string]>([
    [
      'an account that is not configured',
      'InvalidRequest',
      requestIn('refused', { ...there, accountId: '333333333333' }),
      'stack.accountId: must be one of 111111111111, 222222222222',
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
    expect(subscribersNamed(sandbox(), 'refused')).toEqual([]);
  });

  it('is refused while the subscriber has its stack elsewhere', async () => {
    expect(await onboard(sandbox(), requestFor('settled'))).toMatchObject({ status: 'SUCCEEDED' });
    const report = await onboard(sandbox(), requestIn('settled', there));
    expect(report.error).toMatchObject({ name: 'StackNeedsAttention', step: 'AcceptRequest' });
    expect(report.error?.message).toContain('in account 111111111111 in us-east-1 already');
    expect(stackOf(sandbox(), 'settled', there)).toBeUndefined();
    expect(await recordOf(sandbox(), 'settled')).toMatchObject({ status: { S: 'ACTIVE' } });
  });
});
