import { randomBytes, randomInt } from 'node:crypto';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, type Caller, operation, type PolicyDocument, type Service } from '../../core/operation.ts';
import { policyAllows, trustPolicy } from '../../core/policies/policy.ts';

export interface Role {
  roleName: string;
  path: string;
  roleId: string;
  arn: string;
  createDate: Date;
  assumeRolePolicyDocument: PolicyDocument;
  /** Inline policies by name. */
  policies: Map<string, PolicyDocument>;
}

export interface User {
  userName: string;
  userId: string;
  arn: string;
  policies: Map<string, PolicyDocument>;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

interface NamedPolicy {
  name: string;
  document: PolicyDocument;
}

/** The account's principals, shared by all services. */
export interface Iam {
  service: Service;
  /** @throws AwsError EntityAlreadyExists when a role of this name exists, ignoring case; ValidationError for a bad name or path */
  createRole(role: {
    roleName: string;
    path?: string;
    assumeRolePolicyDocument: PolicyDocument;
    policies?: readonly NamedPolicy[];
  }): Role;
  /** @throws AwsError NoSuchEntity */
  deleteRole(roleName: string): void;
  /** Gives a role an inline policy, in place of one of this name. @throws AwsError NoSuchEntity */
  putRolePolicy(roleName: string, policy: NamedPolicy): void;
  /** The role of this name, ignoring case. */
  role(roleName: string): Role | undefined;
  roles(): readonly Role[];
  /** With an access key, `credentials` always gives that one. @throws AwsError EntityAlreadyExists, ignoring case */
  createUser(user: { userName: string; policies?: readonly NamedPolicy[]; accessKey?: Credentials }): User;
  /** Whether a policy may name this principal now: a role or user of this account, or any account by root ARN or id. */
  principalExists(arnOrId: string): boolean;
  /** From now on, policies may name a role only when it is this old: IAM's changes reach other services with a delay. */
  delayNewRoles(milliseconds: number): void;
  /**
   * Policies may name this role only when so much time has passed from now on, whatever its age; IAM shows it all the while.
   * A role that is made again under the name is another one. @throws AwsError NoSuchEntity
   */
  hideRole(roleName: string, milliseconds: number): void;
  /** The unique id (`AROA…`, `AIDA…`) of the role or user that has this ARN now. */
  principalId(arn: string): string | undefined;
  /** Credentials of a session of the role, whoever asks, or of the user. @throws AwsError NoSuchEntity */
  credentials(principalArn: string, sessionName: string, lifeMs?: number): Credentials;
  /** Who signs with this access key; undefined for an unknown key and for one whose role is gone. */
  caller(accessKeyId: string, region?: string): Caller | undefined;
  /**
   * A caller acting as the role for a service, such as CloudFormation with its service role.
   * @throws AwsError NoSuchEntity; AccessDenied when the role does not trust the service
   */
  serviceCaller(roleArn: string, service: string, region?: string): Caller;
}

interface AccessKey {
  principalArn: string;
  /** A role that was made again under the same name is another principal: sessions of the first one are dead. */
  principalId: string;
  sessionName: string;
  /** When it stops being good, in milliseconds since the epoch; Lambda gives its functions new ones in time. */
  expires: number;
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
const namePattern = /^[\w+=,.@-]{1,64}$/;
const pathPattern = /^\/([!-~]+\/)?$/;

export function createIam(clock: Clock, accountId: string = account.accountId): Iam {
  // Keyed by lower-case name: names are unique ignoring case.
  const roles = new Map<string, Role>();
  const users = new Map<string, User>();
  const accessKeys = new Map<string, AccessKey>();
  const userKeys = new Map<string, Credentials>();
  let roleDelayMs = 0;
  /** When policies may name a hidden role, in milliseconds since the epoch, by unique id. */
  const hiddenUntil = new Map<string, number>();
  const principalArn = (kind: 'role' | 'user', path: string, name: string) =>
    `arn:aws:iam::${accountId}:${kind}${path}${name}`;

  const role = (roleName: string) => roles.get(roleName.toLowerCase());
  const roleByArn = (arn: string) => exactly(role(lastSegment(arn)), arn);
  const userByArn = (arn: string) => exactly(users.get(lastSegment(arn).toLowerCase()), arn);
  const principalId = (arn: string) => roleByArn(arn)?.roleId ?? userByArn(arn)?.userId;

  function requireRole(arn: string): Role {
    const found = roleByArn(arn);
    if (found === undefined) throw noSuchRole(lastSegment(arn));
    return found;
  }

  const RoleName = v.pipe(v.string(), v.regex(namePattern));
  const onRole =
    (action: string) =>
    ({ RoleName: name }: { RoleName: string }) => [
      { action: `iam:${action}`, resource: role(name)?.arn ?? principalArn('role', '/', name) },
    ];

  function existing(name: string): Role {
    const found = role(name);
    if (found === undefined) throw noSuchRole(name);
    return found;
  }

  const getRole = operation(v.strictObject({ RoleName }), {
    access: onRole('GetRole'),
    run(input) {
      const found = existing(input.RoleName);
      return {
        Role: {
          Path: found.path,
          RoleName: found.roleName,
          RoleId: found.roleId,
          Arn: found.arn,
          CreateDate: found.createDate,
          AssumeRolePolicyDocument: urlEncode(JSON.stringify(found.assumeRolePolicyDocument)),
          MaxSessionDuration: 3600,
        },
      };
    },
  });

  const listRolePolicies = operation(v.strictObject({ RoleName }), {
    access: onRole('ListRolePolicies'),
    run: (input) => ({ PolicyNames: [...existing(input.RoleName).policies.keys()], IsTruncated: false }),
  });

  const deleteRolePolicy = operation(v.strictObject({ RoleName, PolicyName: v.string() }), {
    access: onRole('DeleteRolePolicy'),
    run(input) {
      if (existing(input.RoleName).policies.delete(input.PolicyName)) return {};
      throw new AwsError('NoSuchEntity', `The role policy with name ${input.PolicyName} cannot be found.`, 404);
    },
  });

  const deleteRole = operation(v.strictObject({ RoleName }), {
    access: onRole('DeleteRole'),
    run(input) {
      const { roleName, policies } = existing(input.RoleName);
      if (policies.size > 0) {
        throw new AwsError('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
      }
      roles.delete(roleName.toLowerCase());
      return {};
    },
  });

  return {
    service: {
      name: 'iam',
      protocol: 'query',
      operations: {
        GetRole: getRole,
        ListRolePolicies: listRolePolicies,
        DeleteRolePolicy: deleteRolePolicy,
        DeleteRole: deleteRole,
      },
    },
    role,
    roles: () => [...roles.values()],
    principalId,

    createRole({ roleName, path = '/', assumeRolePolicyDocument, policies = [] }) {
      requireMatch('roleName', roleName, namePattern);
      requireMatch('path', path, pathPattern);
      if (role(roleName) !== undefined) throw alreadyExists('Role', roleName);
      const created: Role = {
        roleName,
        path,
        roleId: uniqueId('AROA', 21),
        arn: principalArn('role', path, roleName),
        createDate: new Date(clock.now()),
        assumeRolePolicyDocument,
        policies: byName(policies),
      };
      roles.set(roleName.toLowerCase(), created);
      return created;
    },

    putRolePolicy(roleName, { name, document }) {
      existing(roleName).policies.set(name, document);
    },

    deleteRole(roleName) {
      if (!roles.delete(roleName.toLowerCase())) throw noSuchRole(roleName);
    },

    createUser({ userName, policies = [], accessKey }) {
      requireMatch('userName', userName, namePattern);
      if (users.has(userName.toLowerCase())) throw alreadyExists('User', userName);
      const created: User = {
        userName,
        userId: uniqueId('AIDA', 21),
        arn: principalArn('user', '/', userName),
        policies: byName(policies),
      };
      users.set(userName.toLowerCase(), created);
      if (accessKey !== undefined) {
        userKeys.set(created.arn, accessKey);
        accessKeys.set(accessKey.accessKeyId, {
          principalArn: created.arn,
          principalId: created.userId,
          sessionName: '',
          expires: Number.POSITIVE_INFINITY,
        });
      }
      return created;
    },

    principalExists(arnOrId) {
      const isAccount = /^(\d{12}|arn:aws:iam::\d{12}:root)$/.test(arnOrId);
      const asRole = roleByArn(arnOrId);
      if (asRole !== undefined) {
        const oldEnough = asRole.createDate.getTime() + roleDelayMs;
        return clock.now() >= Math.max(oldEnough, hiddenUntil.get(asRole.roleId) ?? 0);
      }
      return isAccount || principalId(arnOrId) !== undefined;
    },

    delayNewRoles(milliseconds) {
      roleDelayMs = milliseconds;
    },

    hideRole(roleName, milliseconds) {
      hiddenUntil.set(existing(roleName).roleId, clock.now() + milliseconds);
    },

    credentials(arn, sessionName, lifeMs = Number.POSITIVE_INFINITY) {
      const known = userKeys.get(arn);
      if (known !== undefined) return known;
      const id = principalId(arn);
      if (id === undefined) throw noSuchRole(lastSegment(arn));
      const isRole = roleByArn(arn) !== undefined;
      const made: Credentials = {
        accessKeyId: uniqueId(isRole ? 'ASIA' : 'AKIA', 20),
        secretAccessKey: randomBytes(30).toString('base64'),
        ...(isRole && { sessionToken: randomBytes(96).toString('base64') }),
      };
      if (!isRole) userKeys.set(arn, made);
      accessKeys.set(made.accessKeyId, {
        principalArn: arn,
        principalId: id,
        sessionName,
        expires: clock.now() + lifeMs,
      });
      return made;
    },

    caller(accessKeyId, region = account.region) {
      const home = { accountId, region };
      const key = accessKeys.get(accessKeyId);
      if (key === undefined || key.expires <= clock.now()) return undefined;
      const asRole = roleByArn(key.principalArn);
      if (asRole?.roleId === key.principalId) return roleCaller(asRole, key.sessionName, home);
      const asUser = userByArn(key.principalArn);
      if (asUser?.userId === key.principalId) return userCaller(asUser, home);
      return undefined;
    },

    serviceCaller(roleArn, service, region = account.region) {
      const assumed = requireRole(roleArn);
      const trust = trustPolicy(assumed.assumeRolePolicyDocument);
      if (policyAllows(trust, { service, action: 'sts:AssumeRole', resource: roleArn }) !== 'allow') {
        throw new AwsError(
          'AccessDenied',
          `${service} is not authorized to perform: sts:AssumeRole on ${roleArn}`,
          403,
        );
      }
      // CloudFormation, for one, names its sessions `AWSCloudFormation`; no policy here can tell.
      const sessionName = service.split('.')[0] ?? service;
      return { ...roleCaller(assumed, sessionName, { accountId, region }), via: service };
    },
  };
}

function roleCaller(role: Role, sessionName: string, home: AccountRegion): Caller {
  return {
    ...home,
    principalArn: role.arn,
    // A session's ARN leaves the role's path out.
    arn: `arn:aws:sts::${home.accountId}:assumed-role/${role.roleName}/${sessionName}`,
    principalId: role.roleId,
    policies: [...role.policies.values()],
  };
}

function userCaller(user: User, home: AccountRegion): Caller {
  return {
    ...home,
    principalArn: user.arn,
    arn: user.arn,
    principalId: user.userId,
    policies: [...user.policies.values()],
  };
}

const lastSegment = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1);

// Unlike names, the ARNs in policies are compared with case and path.
const exactly = <Principal extends { arn: string }>(principal: Principal | undefined, arn: string) =>
  principal?.arn === arn ? principal : undefined;

const byName = (policies: readonly NamedPolicy[]) => new Map(policies.map(({ name, document }) => [name, document]));

/** AWS's unique ids and access key ids: a prefix that tells the kind, and base 32. */
function uniqueId(prefix: string, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return prefix + Array.from({ length: length - prefix.length }, () => alphabet.charAt(randomInt(32))).join('');
}

/** Policy documents are URL-encoded after RFC 3986, which knows more reserved characters than `encodeURIComponent`. */
function urlEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function requireMatch(member: string, value: string, pattern: RegExp) {
  if (pattern.test(value)) return;
  throw new AwsError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ${pattern.source}`,
  );
}

const noSuchRole = (name: string) => new AwsError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);

const alreadyExists = (kind: 'Role' | 'User', name: string) =>
  new AwsError('EntityAlreadyExists', `${kind} with name ${name} already exists.`, 409);
