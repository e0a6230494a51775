import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';

/**
 * The ARN, without its path, of the role that calls are made with. To ask for it needs no permission (API reference, GetCallerIdentity).
 * @returns an ARN as it is for who is no role
 */
export async function callerRole(sts: STSClient): Promise<string> {
  const { Arn: arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
  // arn:<partition>:sts::<account>:assumed-role/<role>/<session>
  return arn.replace(/^(arn:[\w-]+:)sts(::\d{12}:)assumed-role\/([^/]+)\/.*$/, '$1iam$2role/$3');
}
