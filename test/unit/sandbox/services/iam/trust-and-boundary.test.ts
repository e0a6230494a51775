import { afterEach, describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { decide } from '../../../../../sandbox/core/policies/policy.ts';
import { createIam } from '../../../../../sandbox/services/iam/service.ts';

const clock = createClock({ skipIdle: true });
afterEach(() => clock.stop());

const document = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });
const allow = (Action: string | string[]) => ({ Effect: 'Allow', Action, Resource: '*' });
const deny = (Action: string) => ({ Effect: 'Deny', Action, Resource: '*' });
const trust = (Condition?: object) =>
  document({
    Effect: 'Allow',
    Principal: { Service: 'states.amazonaws.com' },
    Action: 'sts:AssumeRole',
    ...(Condition !== undefined && { Condition }),
  });

/** A role that does what it is asked for as Step Functions. */
function roleWith({ policy = document(allow('s3:*')), boundary }: { policy?: object; boundary?: object }) {
  const iam = createIam(clock);
  const permissionsBoundary =
    boundary === undefined
      ? undefined
      : iam.createManagedPolicy({ name: 'boundary', document: { Statement: [], ...boundary } });
  const { arn } = iam.createRole({
    roleName: 'bounded',
    assumeRolePolicyDocument: trust(),
    policies: [{ name: 'own', document: { Statement: [], ...policy } }],
    ...(permissionsBoundary !== undefined && { permissionsBoundary }),
  });
  return { arn, caller: iam.serviceCaller(arn, 'states.amazonaws.com'), iam };
}

describe('a permissions boundary', () => {
  const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/key' };
  it.each([
    ['nothing', {}, true, undefined],
    ['one that allows the same', { boundary: document(allow('s3:*')) }, true, undefined],
    [
      'one that allows something else',
      { boundary: document(allow('dynamodb:*')) },
      false,
      'because no permissions boundary allows the s3:GetObject action',
    ],
    [
      'one that denies it',
      { boundary: document(allow('*'), deny('s3:*')) },
      false,
      'with an explicit deny in a permissions boundary',
    ],
    [
      'one that allows it to a role that may not',
      { boundary: document(allow('*')), policy: document() },
      false,
      'because no identity-based policy allows the s3:GetObject action',
    ],
  ])('is the most that a role can do: %s', (_name, parts, allowed, reason) => {
    expect(decide(roleWith(parts).caller, get)).toEqual({ allowed, ...(reason !== undefined && { reason }) });
  });

  it('limits what a policy of the resource gives the role, too', () => {
    const { arn, caller } = roleWith({ boundary: document(allow('dynamodb:*')), policy: document() });
    const resourcePolicy = document({ ...allow('s3:*'), Principal: { AWS: arn } });
    expect(decide(caller, { ...get, resourcePolicy }).allowed).toBe(false);
    expect(
      decide({ ...caller, permissionsBoundary: document(allow('s3:*')) }, { ...get, resourcePolicy }).allowed,
    ).toBe(true);
  });

  it('must be there', () => {
    const role = {
      roleName: 'other',
      assumeRolePolicyDocument: trust(),
      permissionsBoundary: 'arn:aws:iam::1:policy/x',
    };
    expect(() => roleWith({}).iam.createRole(role)).toThrow('does not exist or is not attachable');
  });
});

it('lets a role use a managed policy that is attached to it', () => {
  const { iam, arn } = roleWith({ policy: document() });
  const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/key' };
  const isAllowed = () => decide(iam.serviceCaller(arn, 'states.amazonaws.com'), get).allowed;
  expect(isAllowed()).toBe(false);
  iam.attachRolePolicy('bounded', iam.createManagedPolicy({ name: 'reads', document: document(allow('s3:Get*')) }));
  expect(isAllowed()).toBe(true);
});

describe('a service that assumes a role', () => {
  const machine = 'arn:aws:states:us-east-1:111111111111:stateMachine:mine';
  const own = {
    StringEquals: { 'aws:SourceAccount': '111111111111' },
    ArnLike: { 'aws:SourceArn': machine },
  };
  const ifSaid = { StringEqualsIfExists: { 'aws:SourceAccount': '111111111111' } };

  it.each([
    ['its own resource', own, machine, true],
    ["another account's", own, machine.replace('111111111111', '222222222222'), false],
    ['another resource', own, `${machine}-too`, false],
    ['nothing', own, undefined, false],
    ['nothing, where that is no condition', ifSaid, undefined, true],
    ["another account's, even so", ifSaid, machine.replace('111111111111', '222222222222'), false],
  ])('is trusted as the condition wants it, for %s', (_name, condition, sourceArn, trusted) => {
    const iam = createIam(clock);
    const { arn } = iam.createRole({ roleName: 'machine', assumeRolePolicyDocument: trust(condition) });
    const assume = () => iam.serviceCaller(arn, 'states.amazonaws.com', 'us-east-1', sourceArn);
    if (trusted) expect(assume().principalArn).toBe(arn);
    else expect(assume).toThrow('is not authorized to perform: sts:AssumeRole');
  });
});
