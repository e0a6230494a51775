import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { InvalidConfiguration } from '../errors.ts';
import { json } from '../json.ts';
import { regionSchema } from './regions.ts';

const roleArn = v.pipe(
  v.string(),
  v.regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'must be the ARN of a role'),
);

const regions = v.pipe(v.array(regionSchema), v.nonEmpty('must name a Region'));
const accountId = v.pipe(v.string(), v.regex(/^\d{12}$/, 'must be an account id of 12 digits'));

const accountSchema = v.strictObject({
  /** The role that functions assume to work there. */
  roleArn,
  /** What the role's trust asks for (IAM user guide, "The confused deputy problem"). */
  externalId: v.pipe(v.string(), v.regex(/^[\w+=,.@:/-]{2,1224}$/, 'must be 2 to 1,224 letters, digits and _+=,.@:/-')),
  /** The role that CloudFormation acts with there. */
  stackServiceRoleArn: roleArn,
  /** The permissions boundary of subscribers' roles there, which `boundary` of the template's parameters names. */
  permissionsBoundaryArn: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^arn:aws[\w-]*:iam::\d{12}:policy\/[\w+=,.@/-]+$/, 'must be the ARN of a policy of the account'),
    ),
  ),
  /** Where a request may put its stack there. */
  regions,
  /** Whether the events of its stacks reach the deployment's default bus. */
  stackEvents: v.optional(v.literal('forwarded')),
});
export type Account = v.InferOutput<typeof accountSchema>;

/** The accounts beside the deployment's own that requests may choose from. A request chooses no role and no external id. */
export const accountsEnvironment = {
  ACCOUNTS: json(
    v.pipe(
      v.record(accountId, accountSchema),
      v.check(
        (accounts) => Object.entries(accounts).every(([id, account]) => arnsOf(account).every(isIn(id))),
        'must have roles and a boundary of the account itself',
      ),
    ),
  ),
};
export type Accounts = v.InferOutput<(typeof accountsEnvironment)['ACCOUNTS']>;

/** What of these accounts a function gets that checks requests and works in no other account. */
export const accountRegionsEnvironment = { ACCOUNT_REGIONS: json(v.record(accountId, v.strictObject({ regions }))) };
export type AccountRegions = Readonly<Record<string, { regions: readonly string[] }>>;

const referenceSchema = json(v.object({ secretId: v.string() }));

/**
 * What reads the accounts into a function's environment variables: where there are some, the variable names the secret that has them,
 * as an environment of 4 KB is too small (docs/decisions/0035-accounts.md). Without other accounts it calls nothing.
 * @throws InvalidConfiguration when the secret is missing or may not be read
 */
export function accountsReader(secrets: SecretsManagerClient): (variables: Variables) => Promise<Variables> {
  return async (variables) => {
    const read: Record<string, string | undefined> = { ...variables };
    for (const name of [...Object.keys(accountsEnvironment), ...Object.keys(accountRegionsEnvironment)]) {
      const reference = v.safeParse(referenceSchema, variables[name]);
      if (reference.success) read[name] = await secretString(secrets, name, reference.output.secretId);
    }
    return read;
  };
}
type Variables = Readonly<Record<string, string | undefined>>;

async function secretString(
  secrets: SecretsManagerClient,
  name: string,
  secretId: string,
): Promise<string | undefined> {
  try {
    return (await secrets.send(new GetSecretValueCommand({ SecretId: secretId }))).SecretString;
  } catch (error) {
    const isRefused = error instanceof Error && refusals.includes(error.name);
    if (!isRefused) throw error;
    throw new InvalidConfiguration(`${name}: its secret ${secretId} cannot be read (${error.name})`);
  }
}
const refusals = ['ResourceNotFoundException', 'InvalidRequestException', 'AccessDeniedException', 'DecryptionFailure'];

const arnsOf = ({ roleArn, stackServiceRoleArn, permissionsBoundaryArn }: Account) => [
  roleArn,
  stackServiceRoleArn,
  ...(permissionsBoundaryArn === undefined ? [] : [permissionsBoundaryArn]),
];
const isIn = (accountId: string) => (arn: string) => arn.split(':')[4] === accountId;
