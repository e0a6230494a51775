import { CloudFormationClient, UpdateStackCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { isWhole } from '../../scope.ts';
import {
  ended,
  eventually,
  expectFailure,
  hold,
  newKey,
  putSecret,
  recordOf,
  run,
  startRun,
  statesOf,
  useSandbox,
} from '../sandbox.ts';
import { fault, functionNameOf, rolesOn, stackNameOf, stackOf } from '../subscriber.ts';
import {
  changeSetsOf,
  changes,
  encryptionOf,
  expectUpgraded,
  publish,
  toBoth,
  type Upgradable,
  upgradable,
  upgrade,
  withKey,
} from './upgrading.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

/** All of a subscriber that an upgrade may change. */
async function worldOf(given: Sandbox, { userName, before, after }: Upgradable) {
  const { stackId, parameters, templateBody, tags, resources } = stackOf(given, userName) ?? {};
  const { build, keyArns, roleArn, stackId: recorded } = (await recordOf(given, userName)) ?? {};
  return JSON.stringify({
    stack: {
      stackId,
      parameters,
      templateBody,
      tags,
      physical: resources?.map(({ provisioned }) => provisioned?.physicalId),
    },
    record: { build, keyArns, roleArn, recorded },
    policies: [before, after].map((keyArn) => rolesOn(given, keyArn)),
    encryption: encryptionOf(given, userName),
    changeSets: await changeSetsOf(given, userName),
  });
}

describe('what would be replaced', () => {
  it('is refused with its name, and nothing is changed; the request may allow it', async () => {
    const subscriber = await upgradable(sandbox());
    const { userName } = subscriber;
    const world = await worldOf(sandbox(), subscriber);
    const build = publish(sandbox(), changes.bucket);
    const report = await upgrade(sandbox(), toBoth(subscriber, build));
    await expectFailure(sandbox(), report, { name: 'UpgradeWouldReplace', step: 'PrepareChangeSet' });
    expect(report.error?.message).toMatch(/would replace ArtifactsBucket \(AWS::S3::Bucket\)/);
    expect(await worldOf(sandbox(), subscriber)).toBe(world);
    expect(await recordOf(sandbox(), userName)).toMatchObject({ status: { S: 'ACTIVE' } });

    const allowed = await upgrade(sandbox(), { ...toBoth(subscriber, build), allow: ['ArtifactsBucket'] });
    await expectUpgraded(sandbox(), allowed, subscriber, { build });
    expect(allowed.output).toMatchObject({
      replaced: [expect.stringMatching(/^ArtifactsBucket \(AWS::S3::Bucket, [a-z0-9-]+\)$/)],
    });
  });

  it('may be the role by its type, whose grants follow: the new one has all keys, and the old one none', async () => {
    const subscriber = await upgradable(sandbox());
    const { userName, before, after, roleArn } = subscriber;
    const build = publish(sandbox(), changes.role);
    const report = await upgrade(sandbox(), { ...toBoth(subscriber, build), allow: ['AWS::IAM::Role'] });
    expect(report.error).toBeNull();
    expect(statesOf(report)).toContain('WithdrawGrants');
    for (const keyArn of [before, after]) expect(rolesOn(sandbox(), keyArn)).toEqual([`${roleArn}-2`]);
    expect(await recordOf(sandbox(), userName)).toMatchObject({ roleArn: { S: `${roleArn}-2` } });
    const again = await upgrade(sandbox(), toBoth(subscriber, build));
    expect(again.output).toMatchObject({ changed: [], roleArn: `${roleArn}-2` });
  });

  if (isWhole)
    it('may be removed: that is refused like a replacement', async () => {
      const subscriber = await upgradable(sandbox());
      const build = publish(sandbox(), (standIn) =>
        standIn
          .replace('  ArtifactsBucket:\n', '  OtherBucket:\n')
          .replaceAll('!GetAtt ArtifactsBucket', '!GetAtt OtherBucket')
          .replaceAll('{ArtifactsBucket.', '{OtherBucket.')
          .replaceAll('!Ref ArtifactsBucket', '!Ref OtherBucket'),
      );
      const report = await upgrade(sandbox(), toBoth(subscriber, build));
      await expectFailure(sandbox(), report, { name: 'UpgradeWouldReplace', step: 'PrepareChangeSet' });
      expect(report.error?.message).toMatch(/would remove ArtifactsBucket \(AWS::S3::Bucket\)/);
    });
});

describe('an update that fails', () => {
  it('is rolled back, and ends StackFailed with the first reason: the subscriber is active with its old build', async () => {
    const subscriber = await upgradable(sandbox());
    const { userName, before, request, roleArn } = subscriber;
    const old = (await recordOf(sandbox(), userName))?.build;
    const build = publish(sandbox(), changes.refused);
    const report = await upgrade(sandbox(), toBoth(subscriber, build));
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toMatch(/is UPDATE_ROLLBACK_COMPLETE: TrackingTable: .*more than one GSI/);
    expect(report.error?.remedy).toContain('as it was before');
    expect(await recordOf(sandbox(), userName)).toMatchObject({
      status: { S: 'ACTIVE' },
      build: old,
      roleArn: { S: roleArn },
    });
    expect(encryptionOf(sandbox(), userName)).toEqual({ type: 'customer-managed', keyArn: before });
    // Neither an onboarding nor another upgrade finds anything in its way.
    expect((await run(sandbox(), 'onboard-subscriber', request)).output).toMatchObject({ changed: [] });
    const other = publish(sandbox(), changes.policy);
    await expectUpgraded(sandbox(), await upgrade(sandbox(), toBoth(subscriber, other)), subscriber, { build: other });
  });

  if (isWhole)
    it('and whose rollback fails ends StackNotRolledBack with both reasons, and the next is refused until that is ended', async () => {
      const subscriber = await upgradable(sandbox());
      const { userName } = subscriber;
      fault(sandbox(), 'infinstor:register:error=503:2');
      const build = publish(sandbox(), changes.role);
      const request = { ...toBoth(subscriber, build), allow: ['ServiceRole'] };
      const report = await upgrade(sandbox(), request);
      await expectFailure(sandbox(), report, { name: 'StackNotRolledBack', step: 'WaitForStack' });
      expect(report.error?.message).toMatch(/is UPDATE_ROLLBACK_FAILED: Subscriber: .*503.*; the rollback: /);
      expect(report.error?.remedy).toContain('continue-update-rollback');
      const next = await upgrade(sandbox(), request);
      await expectFailure(sandbox(), next, { name: 'StackNotRolledBack', step: 'AcceptUpgrade' });
      sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_ROLLBACK_COMPLETE');
    });
});

if (isWhole)
  describe('a stack that somebody else changes', () => {
    it('at this moment is waited for', async () => {
      const subscriber = await upgradable(sandbox());
      const { userName } = subscriber;
      const build = publish(sandbox(), changes.policy);
      sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_IN_PROGRESS');
      const functionName = functionNameOf('prepare-change-set');
      const looks = () =>
        sandbox()
          .calls()
          .filter((call) => call.operation === 'DescribeStacks' && call.functionName === functionName);
      const before = looks().length;
      const { executionArn } = await startRun(sandbox(), 'upgrade-subscriber', toBoth(subscriber, build));
      // It has looked twice.
      await eventually(sandbox(), () => expect(looks().length - before).toBeGreaterThan(1));
      sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_COMPLETE');
      const report = await ended(sandbox(), executionArn);
      await expectUpgraded(sandbox(), report, subscriber, { build });
      expect(statesOf(report).filter((state) => state === 'PrepareChangeSet').length).toBeGreaterThan(1);
    });

    it('after it was looked at is left alone: StackNeedsAttention', async () => {
      const subscriber = await upgradable(sandbox());
      const { userName } = subscriber;
      const build = publish(sandbox(), changes.policy);
      const goOn = hold(sandbox(), 'dynamodb', 'GetItem', { functionName: functionNameOf('execute-change-set') });
      const { executionArn } = await startRun(sandbox(), 'upgrade-subscriber', toBoth(subscriber, build));
      await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
      const stack = stackOf(sandbox(), userName);
      await new CloudFormationClient(operatorAt(sandbox().endpoint)).send(
        new UpdateStackCommand({
          StackName: stackNameOf(userName),
          UsePreviousTemplate: true,
          Capabilities: ['CAPABILITY_NAMED_IAM'],
          Parameters: Object.keys(stack?.parameters ?? {}).map((ParameterKey) =>
            ParameterKey === 'CorsMaxAgeSeconds'
              ? { ParameterKey, ParameterValue: '60' }
              : { ParameterKey, UsePreviousValue: true },
          ),
        }),
      );
      goOn();
      const report = await ended(sandbox(), executionArn);
      await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'ExecuteChangeSet' });
      await sandbox().clock.quiet();
      // What was changed by hand stays what it is.
      const again = await upgrade(sandbox(), toBoth(subscriber, build));
      await expectUpgraded(sandbox(), again, subscriber, { build });
      expect(stackOf(sandbox(), userName)?.parameters).toMatchObject({ CorsMaxAgeSeconds: '60' });
    });
  });

/** What is refused by the first step, before any effect. */
const refused: Record<string, (subscriber: Upgradable) => { request: object; name: string; says: RegExp }> = {
  'a subscriber who is not onboarded': () => ({
    request: { subscriber: { userName: 'nobody' }, stack: { build: '2.3.72' } },
    name: 'SubscriberNotActive',
    says: /no subscriber nobody/,
  }),
  'a build that there is not': ({ userName }) => ({
    request: { subscriber: { userName }, stack: { build: '9.9.9.9' } },
    name: 'TemplateNotReadable',
    says: /build 9\.9\.9\.9/,
  }),
  'a key that is disabled': ({ userName }) => ({
    request: { subscriber: { userName }, ...withKey(newKey(sandbox(), { state: 'Disabled' })) },
    name: 'KeyNotUsable',
    says: /Disabled/,
  }),
  'a template that the map does not fit': ({ userName }) => ({
    request: {
      subscriber: { userName },
      stack: {
        build: publish(sandbox(), (standIn) => standIn.replaceAll('DynamoDbEncryptionOption', 'TableEncryption')),
      },
    },
    name: 'TemplateMismatch',
    says: /DynamoDbEncryptionOption/,
  }),
  'nothing to change': ({ userName }) => ({
    request: { subscriber: { userName } },
    name: 'InvalidRequest',
    says: /what is to change/,
  }),
  'a parameter that is not allowed': ({ userName }) => ({
    request: { subscriber: { userName }, stack: { parameters: { CorsMaxAgeSeconds: '1' } } },
    name: 'InvalidRequest',
    says: /allowedStackParameters/,
  }),
};

describe('before any effect an upgrade is refused', () => {
  it.each(isWhole ? Object.keys(refused) : ['a build that there is not'])('of %s', async (what) => {
    const subscriber = await upgradable(sandbox());
    const world = await worldOf(sandbox(), subscriber);
    const { request, name, says } = refused[what]?.(subscriber) ?? { request: {}, name: '', says: / / };
    const report = await upgrade(sandbox(), request);
    expect(report.error).toMatchObject({ name, step: 'AcceptUpgrade' });
    expect(report.error?.message).toMatch(says);
    expect(await worldOf(sandbox(), subscriber)).toBe(world);
  });
});

if (isWhole)
  describe('the custom token', () => {
    it('stays what it is though it has ended, and another one may be supplied where the vendor needs it anew', async () => {
      const subscriber = await upgradable(sandbox());
      const { userName } = subscriber;
      const customTokenSecretId = `infinstor/sandbox/input/${userName}/token`;
      sandbox().secretsManager.createSecret(
        customTokenSecretId,
        JSON.stringify({ customToken: 'Supplied-Token-Marker-1' }),
      );
      const build = publish(sandbox(), changes.policy);
      const report = await upgrade(sandbox(), { ...toBoth(subscriber, build), customTokenSecretId });
      // InfinStor knows no such token.
      await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
      expect(report.error?.message).toMatch(/Subscriber/);
      await putSecret(sandbox(), customTokenSecretId, { customToken: sandbox().infinstor.customTokenOf(userName) });
      await expectUpgraded(
        sandbox(),
        await upgrade(sandbox(), { ...toBoth(subscriber, build), customTokenSecretId }),
        subscriber,
        { build },
      );
    });
  });

if (isWhole)
  it('a subscriber of before the registry kept the build must be asked for with it, and may be then', async () => {
    const subscriber = await upgradable(sandbox());
    const { userName, after } = subscriber;
    await new DynamoDBClient(operatorAt(sandbox().endpoint)).send(
      new UpdateItemCommand({
        TableName: sandbox().registryTable,
        Key: { pk: { S: `SUBSCRIBER#${userName}` }, sk: { S: 'RECORD' } },
        UpdateExpression: 'REMOVE build, templateSha256',
      }),
    );
    const request = { subscriber: { userName }, ...withKey(after) };
    const report = await upgrade(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'AcceptUpgrade' });
    expect(report.error?.message).toMatch(/^stack\.build: is required/);
    const build = fixtures.build;
    await expectUpgraded(sandbox(), await upgrade(sandbox(), { ...request, stack: { build } }), subscriber, { build });
  });
