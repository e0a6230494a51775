import * as v from 'valibot';
import { AwsError, callerId, operation, type Service } from '../../core/operation.ts';
import { trustPolicy } from '../../core/policies/policy.ts';
import type { Accounts } from '../iam/accounts.ts';

const hour = 3600;

/** STS: who a caller is, which needs no permission, and sessions of roles, in the caller's account and others. */
export function createSts({ accounts, now }: { accounts: Pick<Accounts, 'iam'>; now: () => number }): {
  service: Service;
} {
  const roleOf = (roleArn: string) => {
    const found = accounts.iam(roleArn.split(':')[4] ?? '').role(roleArn.slice(roleArn.lastIndexOf('/') + 1));
    return found?.arn === roleArn ? found : undefined;
  };

  const getCallerIdentity = operation(v.strictObject({}), {
    run: (_input, caller) => ({ Account: caller.accountId, Arn: caller.arn, UserId: callerId(caller) }),
  });

  const assumeRole = operation(
    v.strictObject({
      RoleArn: v.pipe(v.string(), v.minLength(20), v.maxLength(2048)),
      RoleSessionName: v.pipe(v.string(), v.minLength(2), v.maxLength(64), v.regex(/^[\w+=,.@-]*$/)),
      ExternalId: v.optional(v.pipe(v.string(), v.minLength(2), v.maxLength(1224), v.regex(/^[\w+=,.@:/-]*$/))),
      DurationSeconds: v.optional(
        v.pipe(v.string(), v.transform(Number), v.integer(), v.minValue(900), v.maxValue(43_200)),
        String(hour),
      ),
    }),
    {
      access: ({ RoleArn, ExternalId }) => {
        if (!/^arn:aws:iam::\d{12}:role\/.+$/.test(RoleArn)) {
          throw new AwsError('ValidationError', `${RoleArn} is invalid`);
        }
        const nobody = { Version: '2012-10-17', Statement: [] };
        return [
          {
            action: 'sts:AssumeRole',
            resource: RoleArn,
            context: ExternalId === undefined ? {} : { 'sts:ExternalId': ExternalId },
            resourceAccountId: RoleArn.split(':')[4] ?? '',
            // A role that is not there is denied like one that trusts nobody.
            resourcePolicy: trustPolicy(roleOf(RoleArn)?.assumeRolePolicyDocument ?? nobody),
            identityPolicySuffices: false,
          },
        ];
      },
      run({ RoleArn, RoleSessionName, DurationSeconds }) {
        const role = roleOf(RoleArn);
        if (role === undefined) throw new AwsError('NoSuchEntity', `The role ${RoleArn} cannot be found.`, 404);
        const iam = accounts.iam(RoleArn.split(':')[4] ?? '');
        const { accessKeyId, secretAccessKey, sessionToken } = iam.credentials(
          RoleArn,
          RoleSessionName,
          DurationSeconds * 1000,
        );
        return {
          Credentials: {
            AccessKeyId: accessKeyId,
            SecretAccessKey: secretAccessKey,
            SessionToken: sessionToken,
            Expiration: new Date(now() + DurationSeconds * 1000),
          },
          AssumedRoleUser: {
            AssumedRoleId: `${role.roleId}:${RoleSessionName}`,
            Arn: iam.caller(accessKeyId)?.arn,
          },
        };
      },
    },
  );
  return {
    service: {
      name: 'sts',
      protocol: 'query',
      operations: { GetCallerIdentity: getCallerIdentity, AssumeRole: assumeRole },
    },
  };
}
