import { randomBytes } from 'node:crypto';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, type Caller } from '../../core/operation.ts';
import { policyAllows, trustPolicy } from '../../core/policies/policy.ts';
import { lastSegment, noSuchRole, type PrincipalStore, type Role, type User } from './principal-store.ts';
import { uniqueId } from './unique-id.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** What signs with an access key, and until when. */
export interface Secret {
  secretAccessKey: string;
  /** A session's requests carry it beside their signature. */
  sessionToken?: string;
  /** In milliseconds since the epoch; Lambda gives its functions new ones in time. */
  expires: number;
}

interface AccessKey extends Secret {
  principalArn: string;
  /** A role that was made again under the same name is another principal: sessions of the first one are dead. */
  principalId: string;
  sessionName: string;
}

/** The access keys of an account, and the callers who sign with them; `Iam` says what the methods do. */
export interface AccessKeys {
  /** Gives a user this access key. */
  setKey(user: User, key: Credentials): void;
  credentials(principalArn: string, sessionName: string, lifeMs?: number): Credentials;
  secret(accessKeyId: string): Secret | undefined;
  caller(accessKeyId: string, region?: string): Caller | undefined;
  serviceCaller(roleArn: string, service: string, region?: string, sourceArn?: string): Caller;
}

interface Parts {
  clock: Pick<Clock, 'now'>;
  store: Pick<PrincipalStore, 'roleByArn' | 'userByArn' | 'principalId' | 'managedPolicy'>;
  accountId: string;
}

export function createAccessKeys({ clock, store, accountId }: Parts): AccessKeys {
  const accessKeys = new Map<string, AccessKey>();
  const userKeys = new Map<string, Credentials>();

  return {
    setKey(user, key) {
      userKeys.set(user.arn, key);
      accessKeys.set(key.accessKeyId, {
        ...key,
        principalArn: user.arn,
        principalId: user.userId,
        sessionName: '',
        expires: Number.POSITIVE_INFINITY,
      });
    },

    credentials(arn, sessionName, lifeMs = Number.POSITIVE_INFINITY) {
      const known = userKeys.get(arn);
      if (known !== undefined) return known;
      const id = store.principalId(arn);
      if (id === undefined) throw noSuchRole(lastSegment(arn));
      const isRole = store.roleByArn(arn) !== undefined;
      const made: Credentials = {
        accessKeyId: uniqueId(isRole ? 'ASIA' : 'AKIA', 20),
        secretAccessKey: randomBytes(30).toString('base64'),
        ...(isRole && { sessionToken: randomBytes(96).toString('base64') }),
      };
      if (!isRole) userKeys.set(arn, made);
      accessKeys.set(made.accessKeyId, {
        ...made,
        principalArn: arn,
        principalId: id,
        sessionName,
        expires: clock.now() + lifeMs,
      });
      return made;
    },

    secret: (accessKeyId) => accessKeys.get(accessKeyId),

    caller(accessKeyId, region = account.region) {
      const home = { accountId, region };
      const key = accessKeys.get(accessKeyId);
      if (key === undefined || key.expires <= clock.now()) return undefined;
      const asRole = store.roleByArn(key.principalArn);
      if (asRole?.roleId === key.principalId) return roleCaller(asRole, key.sessionName, home, store);
      const asUser = store.userByArn(key.principalArn);
      if (asUser?.userId === key.principalId) return userCaller(asUser, home);
      return undefined;
    },

    serviceCaller(roleArn, service, region = account.region, sourceArn = undefined) {
      const assumed = store.roleByArn(roleArn);
      if (assumed === undefined) throw noSuchRole(lastSegment(roleArn));
      const trust = trustPolicy(assumed.assumeRolePolicyDocument);
      const context = sourceArn === undefined ? {} : sourceContext(sourceArn);
      if (policyAllows(trust, { service, action: 'sts:AssumeRole', resource: roleArn, context }) !== 'allow') {
        throw new AwsError(
          'AccessDenied',
          `${service} is not authorized to perform: sts:AssumeRole on ${roleArn}`,
          403,
        );
      }
      // CloudFormation, for one, names its sessions `AWSCloudFormation`; no policy here depends on that.
      const sessionName = service.split('.')[0] ?? service;
      return { ...roleCaller(assumed, sessionName, { accountId, region }, store), via: service };
    },
  };
}

/** What a service says of the resource that it acts for: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html */
const sourceContext = (sourceArn: string) => ({
  'aws:SourceArn': sourceArn,
  'aws:SourceAccount': sourceArn.split(':')[4] ?? '',
});

function roleCaller(
  role: Role,
  sessionName: string,
  home: AccountRegion,
  { managedPolicy }: Pick<PrincipalStore, 'managedPolicy'>,
): Caller {
  const { permissionsBoundary } = role;
  return {
    ...home,
    principalArn: role.arn,
    // A session's ARN leaves the role's path out.
    arn: `arn:aws:sts::${home.accountId}:assumed-role/${role.roleName}/${sessionName}`,
    principalId: role.roleId,
    policies: [...role.policies.values(), ...[...role.attachedPolicies].map(managedPolicy)],
    ...(permissionsBoundary !== undefined && { permissionsBoundary: managedPolicy(permissionsBoundary) }),
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
