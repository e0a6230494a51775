// Errors of upgrades.

import type { Sandbox } from '../../../sandbox/boot.ts';
import { fault, stackNameOf } from '../subscriber.ts';
import { changes, publish, toBoth, upgradable, upgrade } from '../upgrade/upgrading.ts';
import { afterwards, type Cause, failBefore, type Left } from './cause.ts';

/** Upgrades a subscriber of its own to a build with this change. @param trouble what comes in between */
async function upgradedTo(
  sandbox: Sandbox,
  change: (standIn: string) => string,
  more: object = {},
  trouble = () => {},
): Promise<Left> {
  const subscriber = await upgradable(sandbox, 'cause');
  trouble();
  const request = { ...toBoth(subscriber, publish(sandbox, change)), ...more };
  return { userName: subscriber.userName, keyArn: subscriber.after, report: await upgrade(sandbox, request) };
}

export const causesOfUpgrades: readonly Cause[] = [
  {
    error: 'StackFailed',
    because: 'an upgrade is rolled back',
    step: 'WaitForStack',
    says: /is UPDATE_ROLLBACK_COMPLETE: TrackingTable: /,
    remedy: /as it was before/,
    provoke: (sandbox) => upgradedTo(sandbox, changes.refused),
  },
  {
    error: 'StackNotRolledBack',
    because: 'InfinStor refuses the new role, and then the old one',
    step: 'WaitForStack',
    says: /is UPDATE_ROLLBACK_FAILED: Subscriber: .*503.*; the rollback: /,
    remedy: /continue-update-rollback/,
    provoke: (sandbox) =>
      upgradedTo(sandbox, changes.role, { allow: ['ServiceRole'] }, () =>
        fault(sandbox, 'infinstor:register:error=503:2'),
      ),
  },
  {
    error: 'StackBusy',
    because: 'something else is done to the stack for more than an hour',
    step: 'PrepareChangeSet',
    says: /is UPDATE_IN_PROGRESS: something else is done to it$/,
    remedy: /when that is over, redrive/,
    async provoke(sandbox) {
      const subscriber = await upgradable(sandbox, 'cause');
      const { userName, after: keyArn } = subscriber;
      const name = stackNameOf(userName);
      sandbox.cloudFormation.setStatus(name, 'UPDATE_IN_PROGRESS');
      afterwards(() => sandbox.cloudFormation.setStatus(name, 'UPDATE_COMPLETE'));
      failBefore(sandbox, 'UpgradeSubscriber', { state: 'PrepareChangeSet', error: 'StackBusy', times: 60 });
      const request = toBoth(subscriber, publish(sandbox, changes.policy));
      return { userName, keyArn, report: await upgrade(sandbox, request) };
    },
  },
  {
    error: 'UpgradeWouldReplace',
    because: 'the new build names the bucket',
    step: 'PrepareChangeSet',
    says: /would replace ArtifactsBucket \(AWS::S3::Bucket\)/,
    remedy: /name it in allow/,
    provoke: (sandbox) => upgradedTo(sandbox, changes.bucket),
  },
];
