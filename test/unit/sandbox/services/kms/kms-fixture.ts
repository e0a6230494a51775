import * as v from 'valibot';
import { onTestFinished, vi } from 'vitest';
import { type Clock, createClock } from '../../../../../sandbox/core/clock.ts';
import { createFaults } from '../../../../../sandbox/core/faults.ts';
import { type Access, AwsError, type Caller, type PolicyDocument } from '../../../../../sandbox/core/operation.ts';
import { decide } from '../../../../../sandbox/core/policies/policy.ts';
import { createEvents, type Events } from '../../../../../sandbox/services/events/service.ts';
import { createIam, type Iam } from '../../../../../sandbox/services/iam/service.ts';
import { createKms, type Kms } from '../../../../../sandbox/services/kms/service.ts';

export const keyId = '11111111-aaaa-4aaa-8aaa-111111111111';
export const keyArn = `arn:aws:kms:us-east-1:111111111111:key/${keyId}`;
export const rootArn = 'arn:aws:iam::111111111111:root';
export const invalidPrincipals = 'Policy contains a statement with one or more invalid principals.';
export const lockout = 'The new key policy will not allow you to update the key policy in the future.';

export const enableIam = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: rootArn },
  Action: 'kms:*',
  Resource: '*',
};
export const use = (principals: string | string[], rest: Record<string, unknown> = {}) => ({
  Sid: 'Allow use of the key',
  Effect: 'Allow',
  Principal: { AWS: principals },
  Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'],
  Resource: '*',
  ...rest,
});
/** A statement of what `use` has, with elements in place of others; undefined takes one away. */
export const statement = (elements: Record<string, unknown>) => use(rootArn, elements);
/** A policy of these statements. */
export const document = (...statements: Record<string, unknown>[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
});

// Those of the running test.
export let clock: Clock;
export let iam: Iam;
export let kms: Kms;
/** Who may read and write the policies of keys that have the tag. */
export let deployer: Caller;
export let events: Events;

/** Before each test: KMS with one key, which has the tag. */
export function setUp() {
  clock = createClock({ skipIdle: true });
  onTestFinished(() => clock.stop());
  iam = createIam(clock);
  events = createEvents({ clock, faults: createFaults([]), deliver: () => {} });
  kms = createKms({ clock, iam, publish: events.publish });
  kms.createKey({ arn: keyArn, tags: { 'infinstor-onboarding': 'allowed' } });
  deployer = callerOf(
    createRole(
      'deployer',
      document({
        Effect: 'Allow',
        Action: ['kms:GetKeyPolicy', 'kms:PutKeyPolicy', 'kms:DescribeKey', 'kms:ListResourceTags'],
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceTag/infinstor-onboarding': 'allowed' } },
      }),
    ),
  );
}

export function createRole(roleName: string, policy?: PolicyDocument): string {
  const policies = policy === undefined ? [] : [{ name: 'inline', document: policy }];
  return iam.createRole({ roleName, assumeRolePolicyDocument: document(), policies }).arn;
}

export function callerOf(roleArn: string): Caller {
  const caller = iam.caller(iam.credentials(roleArn, 'session').accessKeyId);
  if (caller === undefined) throw new Error(`${roleArn} has no caller`);
  return caller;
}

/** Calls as the HTTP server does: parse, ask IAM, run. */
export async function call(operationName: string, input: object, caller = deployer): Promise<unknown> {
  const operation = kms.service.operations[operationName];
  if (operation === undefined) throw new Error(`no operation ${operationName}`);
  const parsed = operation.parse(input);
  for (const access of operation.access(parsed, caller)) {
    const decision = decide(caller, access);
    if (!decision.allowed) throw new AwsError('AccessDeniedException', decision.reason);
  }
  return operation.run(parsed, caller);
}

export const put = (policy: PolicyDocument | string, caller = deployer) =>
  call(
    'PutKeyPolicy',
    { KeyId: keyArn, PolicyName: 'default', Policy: typeof policy === 'string' ? policy : JSON.stringify(policy) },
    caller,
  );

export async function get(): Promise<string> {
  const output = await call('GetKeyPolicy', { KeyId: keyArn });
  const policy = output !== null && typeof output === 'object' && 'Policy' in output ? output.Policy : undefined;
  return typeof policy === 'string' ? policy : '';
}

const readSchema = v.looseObject({
  Statement: v.array(v.looseObject({ Principal: v.looseObject({ AWS: v.unknown() }), Action: v.unknown() })),
});
export const read = async () => v.parse(readSchema, JSON.parse(await get()));

/** Arrays as sets, a scalar as an array of one. */
export function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical).map((item) => JSON.stringify(item));
    return items.length === 1 ? canonical(value[0]) : items.sort();
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  );
}

/** Whether the caller may do all of this with the key. */
export const decideUse = (caller: Caller, arn: string, actions: readonly string[], context?: Access['context']) =>
  kms
    .useAccess(caller, arn, actions, context)
    .map((access) => decide(caller, access))
    .find(({ allowed }) => !allowed) ?? { allowed: true };

/** Before each test: lets no time pass but what the clock is turned forward. */
export const stopTime = () => void vi.useFakeTimers({ toFake: ['Date'] });
