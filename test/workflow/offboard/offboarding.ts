// How subscribers are offboarded, and what is expected of them then.

import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { grantedRoles } from '../../../lib/keys/key-policy.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { eventsOf, expectOneOfEach, newKey, onboard, recordOf, run } from '../sandbox.ts';
import {
  credentialsOf,
  letTokensExpire,
  newName,
  newRun,
  policyOf,
  roleArnOf,
  roleNameOf,
  rolesOn,
  stackOf,
  subscribersNamed,
} from '../subscriber.ts';

/** The request that offboards a subscriber. */
export const offboarding = (userName: string, rest: object = {}) => ({
  subscriber: { userName },
  confirm: userName,
  ...rest,
});

export const offboard = (sandbox: Sandbox, userName: string, rest: object = {}): Promise<Report> =>
  run(sandbox, 'offboard-subscriber', offboarding(userName, rest));

/** A subscriber with a key of its own, and onboarded: so long ago that no token and no wait is good any more. */
export async function longOnboarded(sandbox: Sandbox, userName = newName('leaving')) {
  const keyArn = newKey(sandbox);
  const { request } = newRun(userName, [keyArn], userName);
  const report = await onboard(sandbox, request);
  expectOneOfEach(sandbox, report, { userName, keyArns: [keyArn] });
  letTokensExpire(sandbox);
  return { userName, keyArn, request, stackId: `${report.output?.stackId}` };
}
export type Leaving = Awaited<ReturnType<typeof longOnboarded>>;

/** Lets days pass in which nothing is looked at: thousands of looks would take minutes. */
export async function passDays(sandbox: Sandbox, days: number): Promise<void> {
  const events = new EventBridgeClient(operatorAt(sandbox.endpoint));
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  const scheduled = Rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined);
  for (const { Name } of scheduled) await events.send(new DisableRuleCommand({ Name }));
  sandbox.clock.advance(days * 24 * 60 * 60_000);
  for (const { Name } of scheduled) await events.send(new EnableRuleCommand({ Name }));
}

/** The buckets that the subscriber's stack has made. */
export function bucketsOf({ cloudFormation }: Sandbox, { stackId }: Pick<Leaving, 'stackId'>): string[] {
  const buckets = cloudFormation.buckets();
  return buckets.filter((bucket) => bucket.stackId === stackId).map(({ name }) => name);
}

/**
 * Nothing is left of the subscriber but its data and what InfinStor has.
 * @param earlierBuckets the buckets that earlier stacks of the subscriber have left
 */
export async function expectOffboarded(
  sandbox: Sandbox,
  report: Report,
  subscriber: Omit<Leaving, 'request'>,
  earlierBuckets: readonly string[] = [],
): Promise<void> {
  expect(report.error).toBeNull();
  expectTakenAway(sandbox, subscriber);
  const { userName, keyArn, stackId } = subscriber;
  const retained = retainedOf(sandbox, stackId, earlierBuckets);
  const output = { ...report.output, retained: byId(report.output?.retained), byHand: sorted(report.output?.byHand) };
  expect(output).toEqual({
    userName,
    stackId,
    keyArns: [keyArn],
    keptPatterns: [],
    retained: byId(retained),
    secrets: [credentialsOf(userName)],
    byHand: sorted([
      `Delete subscriber ${userName} in InfinStor, which documents no call for it`,
      ...retained.map((left) => `Delete ${left?.type} ${left?.physicalId} when what it holds is not needed any more`),
    ]),
  });
  const record = await recordOf(sandbox, userName);
  expect(record).toMatchObject({ status: { S: 'OFFBOARDED' }, executionArn: { S: report.executionArn } });
  for (const gone of ['stackId', 'roleArn', 'keyArns', 'users', 'lastError']) expect(record).not.toHaveProperty(gone);
  const told = { 'detail-type': 'SubscriberOffboarded', detail: expect.objectContaining({ ...report.output }) };
  expect(eventsOf(sandbox, report)).toContainEqual(expect.objectContaining(told));
}

/** Whether a table of before counts as left first, or last, depends on whether a stack between has had it. */
const sorted = (tasks: readonly string[] = []) => tasks.toSorted();
const byId = <Item extends { physicalId?: string | undefined }>(items: readonly Item[] = []): Item[] =>
  items.toSorted(({ physicalId: one = '' }, { physicalId: other = '' }) => (one < other ? -1 : 1));

function expectTakenAway(sandbox: Sandbox, { userName, keyArn }: Pick<Leaving, 'userName' | 'keyArn'>): void {
  expect(stackOf(sandbox, userName)).toBeUndefined();
  expect(sandbox.iam.role(roleNameOf(userName))).toBeUndefined();
  const policy = policyOf(sandbox, keyArn);
  expect(grantedRoles(policy)).toEqual([]);
  expect(policy.Statement).toMatchObject([{ Sid: 'Enable IAM User Permissions' }]);
  expect(sandbox.secretsManager.value(credentialsOf(userName))).toBeUndefined();
  expect(subscribersNamed(sandbox, userName)).toHaveLength(1);
}

/** What an offboarding says is left of the subscriber's data. */
function retainedOf(sandbox: Sandbox, stackId: string, earlierBuckets: readonly string[]) {
  const { cloudFormation } = sandbox;
  const [bucket] = bucketsOf(sandbox, { stackId });
  const table = cloudFormation.tables().find((found) => found.stackId === stackId)?.name;
  const bucketNamed = (physicalId = '') => ({ logicalId: 'ArtifactsBucket', type: 'AWS::S3::Bucket', physicalId });
  // The table has the same name each time: it was the new stack's until now.
  const buckets = [...earlierBuckets, bucket].map(bucketNamed);
  return [...buckets, { logicalId: 'TrackingTable', type: 'AWS::DynamoDB::Table', physicalId: table }];
}

const leftSchema = v.object({
  offboarded: v.object({
    M: v.object({
      retained: v.object({ L: v.array(v.object({ M: v.object({ physicalId: v.object({ S: v.string() }) }) })) }),
    }),
  }),
});

/** What the record lists as left by offboardings. */
export async function recordedAsLeft(sandbox: Sandbox, userName: string): Promise<string[]> {
  const { offboarded } = v.parse(leftSchema, await recordOf(sandbox, userName));
  return offboarded.M.retained.L.map(({ M }) => M.physicalId.S);
}

/** Nothing has been done to the subscriber. */
export function expectUntouched(sandbox: Sandbox, { userName, keyArn }: Leaving): void {
  expect(stackOf(sandbox, userName)?.status).toBe('CREATE_COMPLETE');
  expect(rolesOn(sandbox, keyArn)).toEqual([roleArnOf(userName)]);
  expect(sandbox.secretsManager.value(credentialsOf(userName))).toBeDefined();
}
