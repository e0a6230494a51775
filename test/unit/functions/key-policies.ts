import fc from 'fast-check';
import { type KeyAccess, parseKeyPolicy } from '../../../lib/keys/key-policy.ts';
import type { KeyPolicy, Statement } from '../../../lib/keys/policy-document.ts';

/** The account of the keys and, mostly, of the roles. */
const own = '111111111111';
const others = ['222222222222', '333333333333'];
export const roleNamePrefix = 'RoleForInfinStorMlflowService-';
const rootOf = (account: string) => `arn:aws:iam::${account}:root`;

const roleArns: KeyAccess = { mode: 'role-arns' };
const rolePattern: KeyAccess = { mode: 'role-pattern', roleNamePrefix };
export const accesses = fc.constantFrom(roleArns, rolePattern);

const use = {
  Sid: 'Allow use of the key by InfinStor',
  Effect: 'Allow',
  Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
  Resource: '*',
} as const;
const attach = {
  Sid: 'Allow attachment of persistent resources by InfinStor',
  Effect: 'Allow',
  Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
  Resource: '*',
} as const;
const forResources = { Bool: { 'kms:GrantIsForAWSResource': 'true' } };

/** The two statements of ours that name these principals. */
export function namingStatements(AWS: string | string[]): [use: Statement, attach: Statement] {
  const Principal = { AWS };
  return [
    { ...use, Action: [...use.Action], Principal },
    { ...attach, Action: [...attach.Action], Principal, Condition: forResources },
  ];
}

/** The two statements of ours for all roles of these accounts whose ARNs are like one of the patterns, and not below another path. */
export function likeStatements(
  accounts: string | string[],
  patterns: string | string[],
): [use: Statement, attach: Statement] {
  const below = [patterns].flat().flatMap((pattern) => (pattern.endsWith('*') ? [`${pattern}/*`] : []));
  return openStatements(
    accounts,
    patterns,
    below.length === 0 ? {} : { ArnNotLike: { 'aws:PrincipalArn': typeof patterns === 'string' ? `${below}` : below } },
  );
}

/** The same as version 0.1.0 wrote them: below whatever path. */
export function openStatements(
  accounts: string | string[],
  patterns: string | string[],
  more: Statement['Condition'] = {},
): [use: Statement, attach: Statement] {
  const areLike = {
    StringEquals: { 'aws:PrincipalAccount': accounts },
    ArnLike: { 'aws:PrincipalArn': patterns },
    ...more,
  };
  return [
    { ...use, Action: [...use.Action], Principal: '*', Condition: areLike },
    { ...attach, Action: [...attach.Action], Principal: '*', Condition: { ...forResources, ...areLike } },
  ];
}

/** Whether the statement has a Sid of ours. */
export const hasOurSid = ({ Sid }: Statement) => Sid === use.Sid || Sid === attach.Sid;

/** A role, with what stands for it in the mode role-pattern. */
export interface Role {
  arn: string;
  pattern: string;
}

/** Few, so that two sets of roles meet. */
const suffix = fc.string({ unit: fc.constantFrom('a', 'b', 'C', '1', '-'), minLength: 1, maxLength: 3 });

const like = (head: string, end: string): Role => ({ arn: `${head}${end}`, pattern: `${head}*` });

/** A subscriber's role as the vendor's template makes it, mostly without a path and in the key's account. */
export const role: fc.Arbitrary<Role> = fc.oneof(
  { weight: 4, arbitrary: suffix.map((end) => like(`arn:aws:iam::${own}:role/${roleNamePrefix}`, end)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(`aws:iam::${own}`, `aws:iam::${others[0]}`, `aws-us-gov:iam::${others[1]}`),
        fc.constantFrom('', 'service-role/', 'a/~b!/'),
        fc.constantFrom(roleNamePrefix, roleNamePrefix.toLowerCase(), roleNamePrefix.toUpperCase()),
        suffix,
      )
      .map(([owner, path, prefix, end]) => like(`arn:${owner}:role/${path}${prefix}`, end)),
  },
  // Of another deployment, whose roles are named otherwise.
  {
    weight: 1,
    arbitrary: suffix.map((end) => `arn:aws:iam::${own}:role/Other_+=,.@${end}`).map((arn) => ({ arn, pattern: arn })),
  },
);

/** Some roles, one perhaps several times. */
export const roles = fc.array(role, { maxLength: 6 });
export const arnsOf = (some: readonly Role[]) => some.map(({ arn }) => arn);

/** What KMS shows in place of a deleted role or user. */
const orphan = fc.constantFrom('AROAJQABLZS4A3QDU576Q', 'AIDAJQABLZS4A3QDU576Q');

/** Statements of ours that may be found: both for the same roles, or as an interrupted edit or another's hand left them. */
const ownStatements: fc.Arbitrary<Statement[]> = fc.oneof(
  fc.tuple(roles, fc.array(orphan, { maxLength: 1 })).map(([some, ids]) => namingStatements([...arnsOf(some), ...ids])),
  fc.array(role, { minLength: 1, maxLength: 6 }).map((some) => {
    const patterns = [...new Set(some.map(({ pattern }) => pattern))];
    return likeStatements([...new Set(patterns.map((pattern) => pattern.split(':')[4] ?? ''))], patterns);
  }),
  fc.tuple(roles, roles).map(([some, more]) => [namingStatements(arnsOf(some))[0], ...namingStatements(arnsOf(more))]),
  roles.map((some) => namingStatements(arnsOf(some)).slice(1)),
  roles.map((some) => [...namingStatements(arnsOf(some)), ...namingStatements(arnsOf(some))]),
);

/** What lets the account's administrators keep the key, in the forms in which it is found. */
const adminStatement: fc.Arbitrary<Statement> = fc
  .record({
    Sid: fc.constantFrom('Enable IAM User Permissions', 'Enable IAM policies', '', undefined),
    AWS: fc.constantFrom(rootOf(own), own, [rootOf(own)], [own, ...others]),
    Action: fc.constantFrom('kms:*', ['kms:*']),
  })
  .map(({ Sid, AWS, Action }) => ({
    ...(Sid !== undefined && { Sid }),
    Effect: 'Allow',
    Principal: { AWS },
    Action,
    Resource: '*',
  }));

/** Whether the statement is the one that keeps the key manageable. */
export function isAdminStatement({ Effect, Action, Principal }: Statement): boolean {
  const principals = typeof Principal === 'object' ? [Principal.AWS].flat() : [];
  const isOfAccount = principals.includes(own) || principals.includes(rootOf(own));
  return Effect === 'Allow' && [Action].flat().includes('kms:*') && isOfAccount;
}

const person = fc
  .tuple(fc.constantFrom('user', 'role'), fc.constantFrom('Alice', 'Admins', 'path/Analysts'))
  .map(([kind, named]) => `arn:aws:iam::${own}:${kind}/${named}`);
const people: fc.Arbitrary<string | string[]> = fc.oneof(
  person,
  fc.uniqueArray(person, { minLength: 1, maxLength: 3 }),
);

/** The console's statement for those who manage the key. */
const administrators = people.map(
  (AWS): Statement => ({
    Sid: 'Allow access for Key Administrators',
    Effect: 'Allow',
    Principal: { AWS },
    Action: ['kms:Create*', 'kms:Describe*', 'kms:Put*', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion'],
    Resource: '*',
  }),
);

/** The console's statements for those who use the key: also what the setup guide has a person add for a role. */
const users = fc
  .oneof(
    people,
    role.map(({ arn }) => [arn]),
  )
  .map((AWS) => {
    const [using, attaching] = namingStatements(AWS);
    return [
      { ...using, Sid: 'Allow use of the key' },
      { ...attaching, Sid: 'Allow attachment of persistent resources' },
    ];
  });

const operands = fc.oneof(
  fc.constantFrom<string | number | boolean>('true', true, false, 5, 0.5, -7, 'é"\\\n', '中𝒳\ud800'),
  fc.array(fc.constantFrom<string | number | boolean>('a', 'b', 7, true), { maxLength: 3 }),
);

/** Statements of the keys' owners, in every shape that the grammar has. */
const ownersStatement: fc.Arbitrary<Statement> = fc.oneof(
  // Other accounts.
  fc.uniqueArray(fc.constantFrom(...others, ...others.map(rootOf)), { minLength: 1, maxLength: 3 }).map(
    (AWS): Statement => ({
      Effect: 'Allow',
      Principal: { AWS },
      Action: ['kms:Decrypt', 'kms:DescribeKey'],
      Resource: '*',
    }),
  ),
  // Everybody in the account who uses a service.
  fc.constantFrom<'*' | { AWS: string | string[] }>('*', { AWS: '*' }, { AWS: ['*'] }).map(
    (Principal): Statement => ({
      Effect: 'Allow',
      Principal,
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:CreateGrant'],
      Resource: '*',
      Condition: { StringEquals: { 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com', 'kms:CallerAccount': own } },
    }),
  ),
  fc.constantFrom<string | string[]>('logs.amazonaws.com', ['s3.amazonaws.com', 'sns.amazonaws.com']).map(
    (Service): Statement => ({
      Effect: 'Allow',
      Principal: { Service },
      Action: 'kms:GenerateDataKey*',
      Resource: '*',
      Condition: {
        StringEquals: { 'aws:SourceAccount': [own] },
        ArnLike: { 'aws:SourceArn': [`arn:aws:logs:us-east-1:${own}:*`, 'arn:aws:s3:::bucket'] },
      },
    }),
  ),
  people.map(
    (AWS): Statement => ({
      Effect: 'Deny',
      NotPrincipal: { AWS },
      NotAction: 'kms:Describe*',
      Resource: ['*'],
    }),
  ),
  fc.constantFrom('cognito-identity.amazonaws.com', `arn:aws:iam::${own}:saml-provider/Okta`).map(
    (Federated): Statement => ({
      Effect: 'Allow',
      Principal: { Federated, CanonicalUser: ['79a59df900b949e5'] },
      Action: [],
      NotResource: 'arn:aws:kms:*:*:key/none',
      Condition: {},
    }),
  ),
  fc.tuple(operands, operands).map(
    ([one, other]): Statement => ({
      Effect: 'Deny',
      Principal: '*',
      Action: 'kms:*',
      Resource: '*',
      Condition: {
        NumericLessThan: { 'aws:MultiFactorAuthAge': 3600 },
        'ForAnyValue:StringNotEquals': { 'aws:TagKeys': one, 'kms:EncryptionContext:é': other },
      },
    }),
  ),
);

/** With Sids of their own or without, as an empty one is as well. */
const ownersStatements = fc
  .array(fc.tuple(ownersStatement, fc.constantFrom('Own', '', undefined)), { maxLength: 4 })
  .map((some) =>
    some.map(([statement, sid], index) => ({
      ...(sid !== undefined && { Sid: sid === '' ? sid : `${sid} ${index}` }),
      ...statement,
    })),
  );

/** The frames that the console, the CLI and Terraform, the CDK, and old hands give to policies. */
const frame = fc.constantFrom(
  { Version: '2012-10-17', Id: 'key-consolepolicy-3' },
  { Version: '2012-10-17', Id: 'key-default-1' },
  { Version: '2012-10-17' },
  { Version: '2008-10-17', Id: 7 },
  {},
);

/** A key policy as KMS may tell it, with statements of ours or without. */
export const policies: fc.Arbitrary<KeyPolicy> = fc
  .record({
    frame,
    admin: adminStatement,
    administrators: fc.oneof(administrators, fc.constant([])),
    users: fc.oneof(users, fc.constant([])),
    owners: fc.oneof(ownersStatements, fc.constant([])),
    ours: fc.oneof(ownStatements, fc.constant([])),
    read: fc.nat({ max: 30 }),
    indent: fc.constantFrom(0, 2),
  })
  .map(({ read, indent, ...parts }) => {
    const Statement = [parts.admin, parts.administrators, parts.users, parts.owners, parts.ours].flat();
    return parseKeyPolicy(JSON.stringify(asReadFromKms({ ...parts.frame, Statement }, read), null, indent));
  });

/** A policy of the owner's that leaves 0 to 1,500 bytes of what KMS allows. */
export const largePolicies: fc.Arbitrary<KeyPolicy> = fc
  .record({ admin: adminStatement, room: fc.nat({ max: 1500 }), character: fc.constantFrom('x', 'é', '中') })
  .map(({ admin, room, character }) => {
    const filled = (text: string): KeyPolicy => ({
      Statement: [admin, { Sid: `Filled ${text}`, Effect: 'Deny', Principal: '*', Action: 'kms:Sign', Resource: '*' }],
    });
    const bytes = { x: 1, é: 2, 中: '\\u4e2d'.length }[character] ?? Number.NaN;
    const left = 32_768 - room - Buffer.byteLength(JSON.stringify(filled('')));
    return filled(`${'x'.repeat(left % bytes)}${character.repeat(left / bytes)}`);
  });

/**
 * What KMS may tell of a policy that was written: arrays in another order, those of one as that one, members in another order,
 * accounts by the ARNs of their roots. Each `read` may tell it otherwise.
 */
export function asReadFromKms(value: unknown, read: number): unknown {
  if (Array.isArray(value)) {
    const parts = value.map((part) => asReadFromKms(part, read));
    const turn = read % Math.max(parts.length, 1);
    const turned = [...parts.slice(turn), ...parts.slice(0, turn)];
    const [only, ...more] = turned;
    if (only !== undefined && more.length === 0 && read % 3 === 0) return only;
    return read % 2 === 0 ? turned : turned.reverse();
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([name, part]): [string, unknown] => [
      name,
      asReadFromKms(name === 'AWS' && read % 5 < 3 ? accountsAsRoots(part) : part, read),
    ]);
    return Object.fromEntries(read % 2 === 0 ? members : members.reverse());
  }
  return value;
}

function accountsAsRoots(principals: unknown): unknown {
  if (Array.isArray(principals)) return principals.map(accountsAsRoots);
  return typeof principals === 'string' && /^\d{12}$/.test(principals) ? rootOf(principals) : principals;
}
