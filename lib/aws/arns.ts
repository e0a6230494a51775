const keyArnForm = /^arn:aws[\w-]*:kms:([a-z0-9-]+):(\d{12}):key\/((?:mrk-)?[0-9a-f-]{32,36})$/;

/** The form of a KMS key ARN, as a pattern of JSON Schema. */
export const keyArnPattern = keyArnForm.source;

/** The parts of a KMS key ARN (`arn:<partition>:kms:<region>:<account>:key/<id>`), or undefined for anything else, aliases included. */
export function parseKeyArn(arn: string): { region: string; accountId: string; keyId: string } | undefined {
  const match = keyArnForm.exec(arn);
  const [, region, accountId, keyId] = match ?? [];
  return region && accountId && keyId ? { region, accountId, keyId } : undefined;
}

/** An account in a Region: where a stack lies, and its keys. */
export interface AccountRegion {
  accountId: string;
  region: string;
}

/** The account and Region of a Step Functions, CloudFormation or other regional ARN. */
export function arnOwner(arn: string): AccountRegion {
  const [, , , region = '', accountId = ''] = arn.split(':');
  return { region, accountId };
}

/** The ARN of a machine's execution of this name. */
export function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

/** The name of an execution; empty for what is no ARN of one. */
export function executionNameOf(executionArn: string): string {
  return executionArn.split(':')[7] ?? '';
}

/**
 * The ARN of a role.
 * @param ownArn an ARN of the deployment, whose partition (`aws`, `aws-cn`, `aws-us-gov`) the role is in
 * @param pathAndName its path, which begins and ends with a slash, and its name
 */
export function roleArnIn(ownArn: string, accountId: string, pathAndName: string): string {
  return `arn:${ownArn.split(':')[1]}:iam::${accountId}:role${pathAndName}`;
}

/**
 * What a role is known by, however it is written: account and name, which is unique ignoring case. Its ARN may have any path, and
 * its sessions have ARNs of their own.
 * @returns undefined for what is neither the ARN of a role nor of a session of one
 */
export function roleIdentity(arn: string): string | undefined {
  const [, ofRole, roleName, ofSession, sessionRole] =
    /^arn:aws[\w-]*:(?:iam::(\d{12}):role\/(?:.*\/)?([^/]+)|sts::(\d{12}):assumed-role\/([^/]+)\/.+)$/.exec(arn) ?? [];
  const name = roleName ?? sessionRole;
  return name && `${ofRole ?? ofSession}/${name.toLowerCase()}`;
}
