import type { Clock } from '../../core/clock.ts';
import { AwsError, type PolicyDocument } from '../../core/operation.ts';
import { uniqueId } from './unique-id.ts';

export interface Role {
  roleName: string;
  path: string;
  roleId: string;
  arn: string;
  createDate: Date;
  assumeRolePolicyDocument: PolicyDocument;
  /** Inline policies by name. */
  policies: Map<string, PolicyDocument>;
  /** The ARNs of the managed policies that are attached. */
  attachedPolicies: Set<string>;
  /** The ARN of the managed policy that is the role's permissions boundary. */
  permissionsBoundary?: string;
}

export interface User {
  userName: string;
  userId: string;
  arn: string;
  policies: Map<string, PolicyDocument>;
}

export interface NamedPolicy {
  name: string;
  document: PolicyDocument;
}

/** What becomes of a role; its inline policies of other names stay. */
export interface RoleUpdate {
  assumeRolePolicyDocument: PolicyDocument;
  policies: readonly NamedPolicy[];
  /** The names of inline policies that go. */
  formerPolicies: readonly string[];
  managedPolicyArns: readonly string[];
  permissionsBoundary?: string;
}

/** The roles and users of an account; `Iam` says what the methods do. */
export interface PrincipalStore {
  createRole(role: {
    roleName: string;
    path?: string;
    assumeRolePolicyDocument: PolicyDocument;
    policies?: readonly NamedPolicy[];
    managedPolicyArns?: readonly string[];
    permissionsBoundary?: string;
  }): Role;
  updateRole(roleName: string, role: RoleUpdate): void;
  /** Returns the ARN. */
  createManagedPolicy(policy: NamedPolicy): string;
  setManagedPolicy(arn: string, document: PolicyDocument): void;
  deleteManagedPolicy(arn: string): void;
  managedPolicy(arn: string): PolicyDocument;
  createUser(user: { userName: string; policies?: readonly NamedPolicy[] }): User;
  /** @throws AwsError NoSuchEntity */
  deleteRole(roleName: string): void;
  role(roleName: string): Role | undefined;
  /** Like `role`; throws NoSuchEntity. */
  existingRole(roleName: string): Role;
  roles(): readonly Role[];
  users(): readonly User[];
  /** The ARNs of the customer managed policies. */
  managedPolicyArns(): readonly string[];
  roleByArn(arn: string): Role | undefined;
  userByArn(arn: string): User | undefined;
  principalId(arn: string): string | undefined;
  principalExists(arnOrId: string): boolean;
  /** The ARN that a role of this name has or, without a path, would have. */
  arnOfRole(roleName: string): string;
  delayNewRoles(milliseconds: number): void;
  hideRole(roleName: string, milliseconds: number): void;
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
export const namePattern = /^[\w+=,.@-]{1,64}$/;
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
const policyNamePattern = /^[\w+=,.@-]{1,128}$/;
const pathPattern = /^\/([!-~]+\/)?$/;

/** @param limit how many of these the account may have */
export function createPrincipalStore(
  clock: Pick<Clock, 'now'>,
  accountId: string,
  limit: (name: 'roles' | 'policies') => number,
): PrincipalStore {
  // Keyed by lower-case name: names are unique ignoring case.
  const roles = new Map<string, Role>();
  const users = new Map<string, User>();
  /** The customer managed ones, by ARN. */
  const managedPolicies = new Map<string, PolicyDocument>();
  let roleDelayMs = 0;
  /** When policies may name a hidden role, in milliseconds since the epoch, by unique id. */
  const hiddenUntil = new Map<string, number>();
  const principalArn = (kind: 'role' | 'user', path: string, name: string) =>
    `arn:aws:iam::${accountId}:${kind}${path}${name}`;

  const role = (roleName: string) => roles.get(roleName.toLowerCase());
  const roleByArn = (arn: string) => exactly(role(lastSegment(arn)), arn);
  const userByArn = (arn: string) => exactly(users.get(lastSegment(arn).toLowerCase()), arn);
  const principalId = (arn: string) => roleByArn(arn)?.roleId ?? userByArn(arn)?.userId;

  function managedPolicy(arn: string): PolicyDocument {
    const found = managedPolicies.get(arn);
    if (found === undefined) throw noSuchPolicy(arn);
    return found;
  }

  function existingRole(roleName: string): Role {
    const found = role(roleName);
    if (found === undefined) throw noSuchRole(roleName);
    return found;
  }

  return {
    role,
    existingRole,
    roles: () => [...roles.values()],
    users: () => [...users.values()],
    managedPolicyArns: () => [...managedPolicies.keys()],
    roleByArn,
    userByArn,
    principalId,
    arnOfRole: (roleName) => role(roleName)?.arn ?? principalArn('role', '/', roleName),

    managedPolicy,
    createManagedPolicy({ name, document }) {
      requireMatch('policyName', name, policyNamePattern);
      const arn = `arn:aws:iam::${accountId}:policy/${name}`;
      if (managedPolicies.has(arn)) throw alreadyExists('A policy', name);
      requireRoom('PoliciesPerAccount', managedPolicies.size, limit('policies'));
      managedPolicies.set(arn, document);
      return arn;
    },

    setManagedPolicy(arn, document) {
      managedPolicy(arn);
      managedPolicies.set(arn, document);
    },

    deleteManagedPolicy(arn) {
      managedPolicy(arn);
      const isUsed = [...roles.values()].some(
        ({ attachedPolicies, permissionsBoundary }) => attachedPolicies.has(arn) || permissionsBoundary === arn,
      );
      // Also as a boundary: gruntwork-io/cloud-nuke#972.
      if (isUsed) throw new AwsError('DeleteConflict', 'Cannot delete a policy attached to entities.', 409);
      managedPolicies.delete(arn);
    },

    updateRole(
      roleName,
      { assumeRolePolicyDocument, policies, formerPolicies, managedPolicyArns, permissionsBoundary },
    ) {
      const updated = existingRole(roleName);
      for (const arn of [...managedPolicyArns, ...(permissionsBoundary === undefined ? [] : [permissionsBoundary])]) {
        managedPolicy(arn);
      }
      updated.assumeRolePolicyDocument = assumeRolePolicyDocument;
      for (const name of formerPolicies) updated.policies.delete(name);
      for (const { name, document } of policies) updated.policies.set(name, document);
      updated.attachedPolicies = new Set(managedPolicyArns);
      if (permissionsBoundary === undefined) delete updated.permissionsBoundary;
      else updated.permissionsBoundary = permissionsBoundary;
    },

    createRole({
      roleName,
      path = '/',
      assumeRolePolicyDocument,
      policies = [],
      managedPolicyArns = [],
      permissionsBoundary,
    }) {
      requireMatch('roleName', roleName, namePattern);
      requireMatch('path', path, pathPattern);
      if (role(roleName) !== undefined) throw alreadyExists('Role', roleName);
      requireRoom('RolesPerAccount', roles.size, limit('roles'));
      for (const arn of [...managedPolicyArns, ...(permissionsBoundary === undefined ? [] : [permissionsBoundary])]) {
        managedPolicy(arn);
      }
      const created: Role = {
        roleName,
        path,
        roleId: uniqueId('AROA', 21),
        arn: principalArn('role', path, roleName),
        createDate: new Date(clock.now()),
        assumeRolePolicyDocument,
        policies: byName(policies),
        attachedPolicies: new Set(managedPolicyArns),
        ...(permissionsBoundary !== undefined && { permissionsBoundary }),
      };
      roles.set(roleName.toLowerCase(), created);
      return created;
    },

    deleteRole(roleName) {
      if (!roles.delete(roleName.toLowerCase())) throw noSuchRole(roleName);
    },

    createUser({ userName, policies = [] }) {
      requireMatch('userName', userName, namePattern);
      if (users.has(userName.toLowerCase())) throw alreadyExists('User', userName);
      const created: User = {
        userName,
        userId: uniqueId('AIDA', 21),
        arn: principalArn('user', '/', userName),
        policies: byName(policies),
      };
      users.set(userName.toLowerCase(), created);
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
      hiddenUntil.set(existingRole(roleName).roleId, clock.now() + milliseconds);
    },
  };
}

export const lastSegment = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1);

// Unlike names, the ARNs in policies are compared with case and path.
const exactly = <Principal extends { arn: string }>(principal: Principal | undefined, arn: string) =>
  principal?.arn === arn ? principal : undefined;

const byName = (policies: readonly NamedPolicy[]) => new Map(policies.map(({ name, document }) => [name, document]));

function requireMatch(member: string, value: string, pattern: RegExp) {
  if (pattern.test(value)) return;
  throw new AwsError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ${pattern.source}`,
  );
}

/** In the words that users report ("Cannot exceed quota for RolesPerAccount: 1000", status 409). */
function requireRoom(quota: string, used: number, limit: number): void {
  if (used >= limit) throw new AwsError('LimitExceeded', `Cannot exceed quota for ${quota}: ${limit}`, 409);
}

export const noSuchRole = (name: string) =>
  new AwsError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);

const noSuchPolicy = (arn: string) =>
  new AwsError('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`, 404);

const alreadyExists = (kind: 'Role' | 'User' | 'A policy', name: string) =>
  new AwsError('EntityAlreadyExists', `${kind} with name ${name} already exists.`, 409);
