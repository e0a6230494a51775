import * as v from 'valibot';
import { json } from '../json.ts';

const roleArn = v.pipe(
  v.string(),
  v.regex(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'must be the ARN of a role'),
);

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
  regions: v.pipe(v.array(v.string()), v.nonEmpty('must name a Region')),
  /** Whether the events of its stacks reach the deployment's default bus. */
  stackEvents: v.optional(v.literal('forwarded')),
});
export type Account = v.InferOutput<typeof accountSchema>;

/** The accounts beside the deployment's own that requests may choose from. A request chooses no role and no external id. */
export const accountsEnvironment = {
  ACCOUNTS: json(
    v.pipe(
      v.record(v.pipe(v.string(), v.regex(/^\d{12}$/, 'must be an account id of 12 digits')), accountSchema),
      v.check(
        (accounts) => Object.entries(accounts).every(([id, account]) => arnsOf(account).every(isIn(id))),
        'must have roles and a boundary of the account itself',
      ),
    ),
  ),
};
export type Accounts = v.InferOutput<(typeof accountsEnvironment)['ACCOUNTS']>;

const arnsOf = ({ roleArn, stackServiceRoleArn, permissionsBoundaryArn }: Account) => [
  roleArn,
  stackServiceRoleArn,
  ...(permissionsBoundaryArn === undefined ? [] : [permissionsBoundaryArn]),
];
const isIn = (accountId: string) => (arn: string) => arn.split(':')[4] === accountId;
