import { account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Caller, PolicyDocument, Service } from '../../core/operation.ts';
import { createQuotas, type Quotas } from '../../core/quotas.ts';
import { type Credentials, createAccessKeys, type Secret } from './access-keys.ts';
import { createPrincipalStore, type NamedPolicy, type Role, type RoleUpdate, type User } from './principal-store.ts';
import { roleOperations, summaryOperation } from './role-operations.ts';

/** The account's principals, shared by all services. */
export interface Iam {
  service: Service;
  /**
   * @throws AwsError EntityAlreadyExists when a role of this name exists, ignoring case; ValidationError for a bad name or path;
   * LimitExceeded when the account has as many roles as it may
   */
  createRole(role: {
    roleName: string;
    path?: string;
    assumeRolePolicyDocument: PolicyDocument;
    policies?: readonly NamedPolicy[];
    managedPolicyArns?: readonly string[];
    permissionsBoundary?: string;
  }): Role;
  /** Changes a role in place; it stays the same principal. @throws AwsError NoSuchEntity for it, and for a managed policy */
  updateRole(roleName: string, role: RoleUpdate): void;
  /** A customer managed policy with path `/`; returns its ARN. @throws AwsError EntityAlreadyExists; ValidationError for a bad name */
  createManagedPolicy(policy: NamedPolicy): string;
  /** What a customer managed policy says. @throws AwsError NoSuchEntity */
  managedPolicy(arn: string): PolicyDocument;
  /** @throws AwsError NoSuchEntity */
  setManagedPolicy(arn: string, document: PolicyDocument): void;
  /** @throws AwsError NoSuchEntity; DeleteConflict while a role has it, also as its permissions boundary */
  deleteManagedPolicy(arn: string): void;
  /** @throws AwsError NoSuchEntity */
  attachRolePolicy(roleName: string, policyArn: string): void;
  /** @throws AwsError NoSuchEntity */
  deleteRole(roleName: string): void;
  /** Gives a role an inline policy, in place of one of this name. @throws AwsError NoSuchEntity */
  putRolePolicy(roleName: string, policy: NamedPolicy): void;
  /** Takes an inline policy away, if the role is there and has it. */
  removeRolePolicy(roleName: string, name: string): void;
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
  /** Credentials of a session of the role, without asking its trust policy, or of the user. @throws AwsError NoSuchEntity */
  credentials(principalArn: string, sessionName: string, lifeMs?: number): Credentials;
  /** What requests with this access key are signed with, also when it has expired. */
  secret(accessKeyId: string): Secret | undefined;
  /** The caller who signs with this access key; undefined for an unknown key and for one whose role was deleted. */
  caller(accessKeyId: string, region?: string): Caller | undefined;
  /**
   * A caller acting as the role for a service, such as CloudFormation with its service role. `sourceArn`: the resource that the
   * service acts for, if it names that to trust policies.
   * @throws AwsError NoSuchEntity; AccessDenied when the role does not trust the service
   */
  serviceCaller(roleArn: string, service: string, region?: string, sourceArn?: string): Caller;
}

export function createIam(
  clock: Clock,
  accountId: string = account.accountId,
  quotas: Pick<Quotas, 'limit'> = createQuotas(),
): Iam {
  const limit = (name: 'roles' | 'policies') => quotas.limit(name, { ...account, accountId });
  const store = createPrincipalStore(clock, accountId, limit);
  const { setKey, ...accessKeys } = createAccessKeys({ clock, store, accountId });
  const { createRole, deleteRole, role, roles, principalExists, principalId, delayNewRoles, hideRole } = store;
  const { createManagedPolicy, managedPolicy, setManagedPolicy, deleteManagedPolicy, updateRole } = store;

  return {
    service: {
      name: 'iam',
      protocol: 'query',
      operations: { ...roleOperations(store), ...summaryOperation(store, limit) },
    },
    ...{ createRole, deleteRole, role, roles, principalExists, principalId, delayNewRoles, hideRole },
    ...{ createManagedPolicy, managedPolicy, setManagedPolicy, deleteManagedPolicy, updateRole },
    ...accessKeys,

    attachRolePolicy(roleName, policyArn) {
      managedPolicy(policyArn);
      store.existingRole(roleName).attachedPolicies.add(policyArn);
    },

    putRolePolicy(roleName, { name, document }) {
      store.existingRole(roleName).policies.set(name, document);
    },

    removeRolePolicy: (roleName, name) => void role(roleName)?.policies.delete(name),

    createUser({ accessKey, ...user }) {
      const created = store.createUser(user);
      if (accessKey !== undefined) setKey(created, accessKey);
      return created;
    },
  };
}
