import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import type { Caller, Service } from '../../../../../sandbox/core/operation.ts';
import { createIam, type Iam } from '../../../../../sandbox/services/iam/service.ts';
import { createSts } from '../../../../../sandbox/services/sts/service.ts';

const trust = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: "it's (a) trust",
      Effect: 'Allow',
      Principal: { Service: ['cloudformation.amazonaws.com', 'lambda.amazonaws.com'] },
      Action: 'sts:AssumeRole',
    },
  ],
};
const allowAll = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

const clock = createClock({ skipIdle: true });
afterEach(() => clock.stop());

let iam: Iam;
beforeEach(() => {
  iam = createIam(clock);
});

const createRole = (roleName: string, path?: string) =>
  iam.createRole({ roleName, assumeRolePolicyDocument: trust, ...(path !== undefined && { path }) });

const callerWith = (accessKeyId: string): Caller => {
  const caller = iam.caller(accessKeyId);
  if (caller === undefined) throw new Error('nobody has this access key');
  return caller;
};

async function call(service: Service, operationName: string, input: object, caller: Caller): Promise<unknown> {
  const operation = service.operations[operationName];
  if (operation === undefined) throw new Error(`no operation ${operationName}`);
  return operation.run(operation.parse(input), caller);
}

describe('roles', () => {
  it('have a path in their ARN and a unique id', () => {
    const role = createRole('Deployer', '/team/');
    expect(role.arn).toBe('arn:aws:iam::111111111111:role/team/Deployer');
    expect(role.roleId).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(iam.principalId(role.arn)).toBe(role.roleId);
    expect(iam.principalExists(role.arn)).toBe(true);
  });

  it('are unique and found ignoring case, but named by their exact ARN', () => {
    const role = createRole('Deployer');
    expect(() => createRole('DEPLOYER')).toThrow(
      expect.objectContaining({ code: 'EntityAlreadyExists', statusCode: 409 }),
    );
    expect(iam.role('deployer')).toBe(role);
    expect(iam.principalExists(role.arn.toLowerCase())).toBe(false);
  });

  it.each([
    ['a name', 'no spaces', '/'],
    ['a length', 'x'.repeat(65), '/'],
    ['a path', 'fine', 'team'],
  ])('have a valid name and path: %s', (_name, roleName, path) => {
    expect(() => createRole(roleName, path)).toThrow(expect.objectContaining({ code: 'ValidationError' }));
  });

  it('are gone once deleted, and another principal when made again', () => {
    const { roleId, arn } = createRole('deployer');
    const { accessKeyId } = iam.credentials(arn, 'session');
    iam.deleteRole('deployer');
    expect(iam.principalExists(arn)).toBe(false);
    expect(iam.caller(accessKeyId)).toBeUndefined();
    expect(createRole('deployer').roleId).not.toBe(roleId);
    expect(iam.caller(accessKeyId)).toBeUndefined();
    expect(() => iam.deleteRole('nobody')).toThrow('The role with name nobody cannot be found.');
  });
});

describe('a managed policy', () => {
  it.each([
    ['attached', { managedPolicyArns: ['arn:aws:iam::111111111111:policy/p'] }],
    ['the permissions boundary of a role', { permissionsBoundary: 'arn:aws:iam::111111111111:policy/p' }],
  ])('is not deleted while it is %s', (_name, use) => {
    const arn = iam.createManagedPolicy({ name: 'p', document: allowAll });
    iam.createRole({ roleName: 'user-of-it', assumeRolePolicyDocument: trust, ...use });
    expect(() => iam.deleteManagedPolicy(arn)).toThrow('Cannot delete a policy attached to entities.');
    iam.deleteRole('user-of-it');
    iam.deleteManagedPolicy(arn);
    expect(() => iam.managedPolicy(arn)).toThrow('does not exist');
  });
});

describe('principals', () => {
  it.each([
    ['arn:aws:iam::111111111111:root', true],
    ['arn:aws:iam::222222222222:root', true],
    ['222222222222', true],
    ['arn:aws:iam::222222222222:role/deployer', false],
    ['arn:aws:iam::111111111111:role/nobody', false],
    ['22222222222', false],
  ])('%s: %s', (principal, exists) => {
    expect(iam.principalExists(principal)).toBe(exists);
  });
});

describe('a hidden role', () => {
  it('may be named when its time has passed, while others may be named at once', () => {
    const [hidden, other] = [createRole('hidden'), createRole('other')];
    clock.advance(60_000);
    iam.hideRole('HIDDEN', 30_000);
    expect(iam.role('hidden')).toBe(hidden);
    expect(iam.principalExists(hidden.arn)).toBe(false);
    expect(iam.principalExists(other.arn)).toBe(true);
    clock.advance(29_000);
    expect(iam.principalExists(hidden.arn)).toBe(false);
    clock.advance(1_000);
    expect(iam.principalExists(hidden.arn)).toBe(true);
  });

  it('stays hidden for as long as new roles are delayed', () => {
    const role = createRole('hidden');
    iam.delayNewRoles(60_000);
    iam.hideRole('hidden', 30_000);
    clock.advance(30_000);
    expect(iam.principalExists(role.arn)).toBe(false);
    clock.advance(30_000);
    expect(iam.principalExists(role.arn)).toBe(true);
  });

  it('is no longer hidden when it is made again, and must be there', () => {
    createRole('hidden');
    iam.hideRole('hidden', 30_000);
    iam.deleteRole('hidden');
    expect(() => iam.hideRole('hidden', 30_000)).toThrow('The role with name hidden cannot be found.');
    expect(iam.principalExists(createRole('hidden').arn)).toBe(true);
  });
});

describe('credentials', () => {
  it('of a role are a session with a token, whose caller has the policies of the moment', () => {
    const role = createRole('deployer', '/team/');
    const { accessKeyId, sessionToken } = iam.credentials(role.arn, 'function');
    expect(accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(sessionToken).toBeDefined();
    expect(callerWith(accessKeyId)).toEqual({
      accountId: '111111111111',
      region: 'us-east-1',
      principalArn: role.arn,
      arn: 'arn:aws:sts::111111111111:assumed-role/deployer/function',
      principalId: role.roleId,
      policies: [],
    });
    role.policies.set('all', allowAll);
    expect(callerWith(accessKeyId).policies).toEqual([allowAll]);
  });

  it('of a user have no token and stay the same', () => {
    const user = iam.createUser({ userName: 'operator', policies: [{ name: 'all', document: allowAll }] });
    const credentials = iam.credentials(user.arn, '');
    expect(credentials.accessKeyId).toMatch(/^AKIA/);
    expect(credentials.sessionToken).toBeUndefined();
    expect(iam.credentials(user.arn, '')).toEqual(credentials);
    expect(callerWith(credentials.accessKeyId)).toMatchObject({ arn: user.arn, policies: [allowAll] });
  });

  it('of a user can be given', () => {
    const accessKey = { accessKeyId: 'AKIAGIVEN', secretAccessKey: 'given' };
    const user = iam.createUser({ userName: 'operator', accessKey });
    expect(iam.credentials(user.arn, '')).toEqual(accessKey);
    expect(callerWith('AKIAGIVEN').principalArn).toBe(user.arn);
  });

  it('of nobody are refused', () => {
    expect(iam.caller('AKIANOBODY')).toBeUndefined();
    expect(() => iam.credentials('arn:aws:iam::111111111111:role/nobody', '')).toThrow('cannot be found');
  });

  it('of a service role carry the service', () => {
    const { arn } = createRole('service-role');
    expect(iam.serviceCaller(arn, 'cloudformation.amazonaws.com')).toMatchObject({
      principalArn: arn,
      via: 'cloudformation.amazonaws.com',
    });
    expect(() => iam.serviceCaller(`${arn}2`, 'cloudformation.amazonaws.com')).toThrow('cannot be found');
  });
});

describe('GetRole', () => {
  it('answers the ARN, the id and the URL-encoded trust policy', async () => {
    const role = createRole('Deployer', '/team/');
    const caller = iam.serviceCaller(role.arn, 'cloudformation.amazonaws.com');
    const output = await call(iam.service, 'GetRole', { RoleName: 'deployer' }, caller);
    expect(output).toMatchObject({
      Role: {
        RoleName: 'Deployer',
        Path: '/team/',
        Arn: role.arn,
        RoleId: role.roleId,
        CreateDate: role.createDate,
        AssumeRolePolicyDocument: expect.stringMatching(/^[\w%.~-]+$/),
      },
    });
    expect(decodeURIComponent(JSON.stringify(output))).toContain("it's (a) trust");
  });

  it('needs iam:GetRole on the ARN that the role has or would have', () => {
    const { arn } = createRole('deployer', '/team/');
    const caller = iam.serviceCaller(arn, 'cloudformation.amazonaws.com');
    const access = (RoleName: string) => iam.service.operations.GetRole?.access({ RoleName }, caller);
    expect(access('deployer')).toEqual([{ action: 'iam:GetRole', resource: arn }]);
    expect(access('nobody')).toEqual([{ action: 'iam:GetRole', resource: 'arn:aws:iam::111111111111:role/nobody' }]);
  });

  it('does not find a missing role', async () => {
    const caller = iam.serviceCaller(createRole('deployer').arn, 'cloudformation.amazonaws.com');
    await expect(call(iam.service, 'GetRole', { RoleName: 'nobody' }, caller)).rejects.toMatchObject({
      code: 'NoSuchEntity',
      statusCode: 404,
      message: 'The role with name nobody cannot be found.',
    });
  });
});

describe('GetCallerIdentity', () => {
  it('names a session by role id and session name, a user by id', async () => {
    const role = createRole('deployer');
    const user = iam.createUser({ userName: 'operator' });
    const identify = (arn: string) =>
      call(
        createSts({ accounts: { iam: () => iam }, now: clock.now }).service,
        'GetCallerIdentity',
        {},
        callerWith(iam.credentials(arn, 'function').accessKeyId),
      );
    expect(await identify(role.arn)).toEqual({
      Account: '111111111111',
      Arn: 'arn:aws:sts::111111111111:assumed-role/deployer/function',
      UserId: `${role.roleId}:function`,
    });
    expect(await identify(user.arn)).toEqual({ Account: '111111111111', Arn: user.arn, UserId: user.userId });
  });
});
