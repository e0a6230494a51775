import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { fixtures } from '../../../sandbox/core/account.ts';
import { policyAllows } from '../../../sandbox/core/policies/policy.ts';
import { enableIam } from '../keys/key-policies.ts';
import { happyPath, onboard, recordOf, requestFor, run, statesOf, useSandbox } from '../sandbox.ts';
import { onboarded, roleArnOf } from '../subscriber.ts';

const sandbox = useSandbox();
const folder = join(import.meta.dirname, '../../../examples');
const requestSchema = v.looseObject({ subscriber: v.looseObject({ userName: v.string() }) });
// Those of events are in a folder.
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
const all = files.map((file) => ({
  file,
  request: v.parse(requestSchema, JSON.parse(readFileSync(join(folder, file), 'utf8'))),
}));
const isOf = (prefix: string) => (example: { file: string }) => example.file.startsWith(prefix);
// The others are for the other machines.
const examples = all.filter(({ file }) => !/^(update|upgrade|add-user|offboard)-/.test(file));

describe('each example', () => {
  it.each(examples)('$file onboards its subscriber', async ({ request }) => {
    const report = await onboard(sandbox(), request);
    expect(report.error).toBeNull();
    expect(statesOf(report)).toEqual(happyPath);
    const { userName } = request.subscriber;
    expect(report.output).toMatchObject({
      userName,
      roleArn: roleArnOf(userName),
    });
    const subscriber = sandbox()
      .infinstor.subscribers()
      .find((found) => found.userName === userName);
    expect(subscriber?.registered).toMatchObject({ roleArn: report.output?.roleArn });
  });
});

/** Onboards the subscriber of an example for another state machine, by the example of its onboarding. */
async function onboardFor({ subscriber: { userName } }: (typeof all)[number]['request']): Promise<void> {
  const onboarding = examples.find(({ request }) => request.subscriber.userName === userName);
  // An example before this one may have changed the e-mail address: an onboarding has to say what is kept.
  const kept = (await recordOf(sandbox(), userName))?.emailId?.S;
  const subscriber = { ...onboarding?.request.subscriber, ...(kept !== undefined && { emailId: kept }) };
  await onboarded(sandbox(), { ...onboarding?.request, subscriber });
}

describe('each example of an upgrade', () => {
  const upgrades = all.filter(isOf('upgrade-'));

  it('is there', () => {
    expect(upgrades).toHaveLength(1);
  });

  it.each(upgrades)('$file upgrades a subscriber, which is onboarded', async ({ request }) => {
    // Of another subscriber: the stack of the example's own is to stay as the other examples know it.
    const userName = 'upgraded';
    await onboarded(sandbox(), requestFor(userName));
    expect((await run(sandbox(), 'upgrade-subscriber', { ...request, subscriber: { userName } })).error).toBeNull();
  });
});

describe('each example of an update', () => {
  const updates = all.filter(isOf('update-'));

  it('changes the e-mail address, and the password', () => {
    expect(updates).toHaveLength(2);
  });

  it.each(updates)('$file updates its subscriber, which is onboarded', async ({ request }) => {
    await onboardFor(request);
    expect((await run(sandbox(), 'update-subscriber', request)).error).toBeNull();
  });
});

describe('each example of adding users', () => {
  const additions = all.filter(isOf('add-user-'));

  it('adds one user, and several', () => {
    expect(additions).toHaveLength(2);
  });

  it.each(additions)('$file adds its users under its subscriber, which is onboarded', async ({ request }) => {
    const { userName } = request.subscriber;
    const { users } = v.parse(v.object({ users: v.array(v.object({ userName: v.string() })) }), request);
    await onboardFor(request);
    const report = await run(sandbox(), 'add-user', request);
    expect(report.output).toMatchObject({ users: users.map((user) => ({ ...user, outcome: 'added' })) });
    const there = sandbox().infinstor.usersOf(userName);
    expect(there).toEqual(expect.arrayContaining(users.map((user) => expect.objectContaining(user))));
  });
});

describe('each example of an offboarding', () => {
  const offboardings = all.filter(isOf('offboard-'));

  it('keeps the data, or does not ask for it', () => {
    expect(offboardings).toHaveLength(2);
  });

  it.each(offboardings)('$file offboards its subscriber, which is onboarded', async ({ request }) => {
    const { userName } = request.subscriber;
    await onboardFor(request);
    const report = await run(sandbox(), 'offboard-subscriber', request);
    expect(report.error).toBeNull();
    // The stand-in for the vendor's template keeps the data in any case.
    // With what an offboarding before has left.
    const types = new Set(report.output?.retained?.map(({ type }) => type));
    expect(types).toEqual(new Set(['AWS::S3::Bucket', 'AWS::DynamoDB::Table']));
    sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
  });
});

describe('the policy of a customer managed key', () => {
  const foreign = {
    Sid: 'Allow the backup team',
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::111111111111:user/operator' },
    Action: 'kms:Decrypt',
    Resource: '*',
  };
  // Every action of the guide's two statements, and others next to them.
  const questions = [
    { action: 'kms:Encrypt', allowed: true },
    { action: 'kms:Decrypt', allowed: true },
    { action: 'kms:ReEncryptFrom', allowed: true },
    { action: 'kms:ReEncryptTo', allowed: true },
    { action: 'kms:GenerateDataKey', allowed: true },
    { action: 'kms:GenerateDataKeyWithoutPlaintext', allowed: true },
    { action: 'kms:DescribeKey', allowed: true },
    ...['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'].flatMap((action) => [
      { action, forAwsResource: 'true', allowed: true },
      { action, forAwsResource: 'false', allowed: false },
    ]),
    { action: 'kms:PutKeyPolicy', allowed: false },
    { action: 'kms:GetKeyPolicy', allowed: false },
    { action: 'kms:ScheduleKeyDeletion', allowed: false },
    { action: 'kms:DisableKey', allowed: false },
    { action: 'kms:Sign', allowed: false },
  ];
  const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/44444444-dddd-4ddd-8ddd-444444444444';

  it('lets the new role do exactly what the guide lists, and keeps every other statement', async () => {
    const { kms } = sandbox();
    kms.createKey({
      arn: keyArn,
      tags: { 'infinstor-onboarding': 'allowed' },
      policy: { Version: '2012-10-17', Id: 'key-consolepolicy-3', Statement: [enableIam, foreign] },
    });
    const report = await onboard(sandbox(), {
      subscriber: { userName: 'key-user', emailId: 'mlops@example.com' },
      encryption: {
        artifacts: { type: 'sse-kms-customer-managed', keyArn },
        tracking: { type: 'customer-managed', keyArn },
      },
    });
    expect(report.output?.keyArns).toEqual([keyArn]);

    const policy = kms.keyPolicy(keyArn);
    expect(policy).toMatchObject({ Id: 'key-consolepolicy-3', Version: '2012-10-17' });
    expect(policy.Statement).toHaveLength(4);
    expect(policy.Statement).toEqual(expect.arrayContaining([enableIam, foreign]));
    const principalArn = report.output?.roleArn ?? '';
    for (const { action, allowed, ...question } of questions) {
      const forAwsResource = 'forAwsResource' in question ? question.forAwsResource : 'false';
      const verdict = policyAllows(policy, {
        principalArn,
        action,
        resource: keyArn,
        context: { 'kms:GrantIsForAWSResource': forAwsResource },
      });
      expect(`${action} ${forAwsResource}: ${verdict === 'allow'}`).toBe(`${action} ${forAwsResource}: ${allowed}`);
    }
  });

  it('leaves keys alone that the request does not name', () => {
    expect(sandbox().kms.keyPolicy(fixtures.disabledKeyArn).Statement).toHaveLength(1);
  });
});
