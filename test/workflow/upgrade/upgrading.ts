// How subscribers' stacks are upgraded, and what is expected of them then.

import { CloudFormationClient, ListChangeSetsCommand } from '@aws-sdk/client-cloudformation';
import { expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { newKey, recordOf, run } from '../sandbox.ts';
import { newRun, onboarded, rolesOn, stackNameOf, stackOf } from '../subscriber.ts';

/** The states of an upgrade that changes the stack. */
export const upgradePath = [
  ...['AcceptUpgrade', 'PrepareChangeSet', 'ReadRoleArn', 'PatchKeyPolicy', 'WhatIsLeft', 'ExecuteChangeSet'],
  ...['WaitForStack', 'ReadRoleArn', 'PatchKeyPolicy', 'WhatIsLeft', 'CompleteUpgrade'],
];
/** Those of one that finds the stack as it is to be. */
export const nothingToDo = [
  ...['AcceptUpgrade', 'PrepareChangeSet', 'ReadRoleArn', 'PatchKeyPolicy', 'WhatIsLeft', 'CompleteUpgrade'],
];

export const upgrade = (sandbox: Sandbox, request: object): Promise<Report> =>
  run(sandbox, 'upgrade-subscriber', request);

let builds = 0;

/** Publishes a build of its own: the stand-in with a change. @returns its number */
export function publish({ templates }: Sandbox, change: (standIn: string) => string): string {
  builds += 1;
  const build = `9.${builds}`;
  templates.publish(build, change(templates.standIn));
  return build;
}

/** Each replaces a part of the stand-in, which must be there. */
const replacing = (part: string, other: string) => (standIn: string) => {
  if (!standIn.includes(part)) throw new Error(`The stand-in has no ${part}`);
  return standIn.replace(part, other);
};

/** What a new build may bring. */
export const changes = {
  /** The role may do one thing more: it is updated in place. */
  policy: replacing('Action: s3:ListBucket\n', 'Action: [s3:ListBucket, s3:GetBucketLocation]\n'),
  /** Another bucket, in place of the one that is there. */
  bucket: replacing(
    '    Properties:\n      # Without a name',
    '    Properties:\n      BucketName: !Sub "infinstor-${AWS::AccountId}-${AWS::StackName}"\n      # Without a name',
  ),
  /** A role under another name, in place of the one that is there. */
  role: replacing(
    'RoleName: !Sub "RoleForInfinStorMlflowService-${SubscriberName}"',
    'RoleName: !Sub "RoleForInfinStorMlflowService-${SubscriberName}-2"',
  ),
  /** A property that the service refuses: the update is rolled back. */
  refused: replacing(
    '      BillingMode: PAY_PER_REQUEST\n',
    '      BillingMode: PAY_PER_REQUEST\n      GlobalSecondaryIndexes:\n        - IndexName: x1y\n          KeySchema: [{ AttributeName: sk, KeyType: HASH }]\n          Projection: { ProjectionType: ALL }\n        - IndexName: x2y\n          KeySchema: [{ AttributeName: sk, KeyType: HASH }]\n          Projection: { ProjectionType: ALL }\n',
  ),
} as const satisfies Record<string, (standIn: string) => string>;

/** A subscriber with a key of its own, which its table is encrypted with, and what a request is to change. */
export async function upgradable(sandbox: Sandbox, kind = 'upgrade') {
  const [before, after] = [newKey(sandbox), newKey(sandbox)];
  const { userName, request } = newRun(kind, [before]);
  const onboarding = await onboarded(sandbox, request);
  return { userName, before, after, onboarding, request, roleArn: onboarding.output?.roleArn ?? '' };
}
export type Upgradable = Awaited<ReturnType<typeof upgradable>>;

export const withKey = (keyArn: string) => ({ encryption: { tracking: { type: 'customer-managed', keyArn } } });

/** A request that changes everything: the build, and the key of the table. */
export const toBoth = ({ userName, after }: Upgradable, build: string) => ({
  subscriber: { userName },
  stack: { build },
  ...withKey(after),
});

export const parametersOf = (sandbox: Sandbox, userName: string) => stackOf(sandbox, userName)?.parameters ?? {};

/** How the subscriber's table is encrypted. */
export const encryptionOf = ({ cloudFormation }: Sandbox, userName: string) =>
  cloudFormation.tables().find(({ name }) => name === `InfinStorMlflow-${userName}`)?.encryption;

/** Stack, key policies and registry agree on a build and keys, and the subscriber has the role that it had. */
export async function expectUpgraded(
  sandbox: Sandbox,
  report: Report,
  subscriber: Upgradable,
  { build, status = 'UPDATE_COMPLETE' }: { build: string; status?: string },
) {
  const { userName, before, after, roleArn, onboarding } = subscriber;
  expect(report.error).toBeNull();
  const keyArns = [before, after];
  expect(report.output).toMatchObject({ userName, roleArn, keyArns, build, stackId: onboarding.output?.stackId });
  const stack = stackOf(sandbox, userName);
  expect(stack).toMatchObject({ stackId: onboarding.output?.stackId, status });
  expect(encryptionOf(sandbox, userName)).toEqual({ type: 'customer-managed', keyArn: after });
  for (const keyArn of keyArns) expect(rolesOn(sandbox, keyArn)).toEqual([roleArn]);
  expect(await recordOf(sandbox, userName)).toMatchObject({
    status: { S: 'ACTIVE' },
    build: { S: build },
    roleArn: { S: roleArn },
    keyArns: { L: keyArns.map((S) => ({ S })) },
    executionArn: { S: report.executionArn },
  });
  expect(await changeSetsOf(sandbox, userName)).toEqual([]);
}

/** The change sets that are left of the subscriber's stack, and could be executed. */
export async function changeSetsOf({ endpoint }: Sandbox, userName: string): Promise<(string | undefined)[]> {
  const { Summaries = [] } = await new CloudFormationClient(operatorAt(endpoint)).send(
    new ListChangeSetsCommand({ StackName: stackNameOf(userName) }),
  );
  return Summaries.map(({ ChangeSetName }) => ChangeSetName);
}
