import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonical,
  grantedRoles,
  type KeyPolicy,
  orphans,
  parseKeyPolicy,
  serializeKeyPolicy,
  size,
  withGrants,
} from '../../../functions/shared/key-policy.ts';

const roleArn = (name: string) => `arn:aws:iam::123456789012:role/RoleForInfinStorMlflowService-${name}`;
const acme = roleArn('acme');
const beta = roleArn('beta');
const deletedRole = 'AROAJQABLZS4A3QDU576Q';
const deletedUser = 'AIDAJQABLZS4A3QDU576Q';

const enableIam = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::123456789012:root' },
  Action: 'kms:*',
  Resource: '*',
};
/** The setup guide's statements, with these roles as their principals. */
const use = (roles: string | string[]) => ({
  Sid: 'Allow use of the key by InfinStor',
  Effect: 'Allow',
  Principal: { AWS: roles },
  Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
  Resource: '*',
});
const attach = (roles: string | string[]) => ({
  Sid: 'Allow attachment of persistent resources by InfinStor',
  Effect: 'Allow',
  Principal: { AWS: roles },
  Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
  Resource: '*',
  Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
});
const policy = (...Statement: KeyPolicy['Statement']): KeyPolicy => ({
  Version: '2012-10-17',
  Id: 'key-consolepolicy-3',
  Statement,
});

describe('grants', () => {
  it("are the setup guide's two statements, behind what is there", () => {
    expect(withGrants(policy(enableIam), [acme])).toEqual(policy(enableIam, use([acme]), attach([acme])));
  });

  it('are exactly the given roles, each once', () => {
    const before = policy(enableIam, use([acme]), attach([acme]));
    expect(withGrants(before, [beta, roleArn('gamma'), beta])).toEqual(
      policy(enableIam, use([beta, roleArn('gamma')]), attach([beta, roleArn('gamma')])),
    );
  });

  it('go with the last role', () => {
    expect(withGrants(policy(use(acme), enableIam, attach(acme)), [])).toEqual(policy(enableIam));
  });

  it('leave statements of the same meaning to whoever made them', () => {
    const consoles = { ...use(beta), Sid: 'Allow use of the key' };
    const { Sid: _, ...nameless } = attach(beta);
    expect(withGrants(policy(consoles, nameless), [acme])).toEqual(
      policy(consoles, nameless, use([acme]), attach([acme])),
    );
  });

  it.each([
    ['lacks one of the two', policy(enableIam, use([acme]))],
    ['has another action', policy(enableIam, { ...use([acme]), Action: 'kms:*' }, attach([acme]))],
    ['has lost its condition', policy(enableIam, use([acme]), { ...attach([acme]), Condition: {} })],
    ['denies', policy(enableIam, { ...use([acme]), Effect: 'Deny' }, attach([acme]))],
    ['is there twice', policy(enableIam, use([acme]), attach([acme]), { ...use([beta]), Effect: 'Deny' })],
    ['names a deleted role', policy(enableIam, use([acme, deletedRole]), attach([deletedRole, acme]))],
  ])('mend a policy of ours that %s', (_fault, before) => {
    expect(withGrants(before, [acme])).toEqual(policy(enableIam, use([acme]), attach([acme])));
  });

  it('are the same object when KMS only tells them in other words', () => {
    const { Action, ...rest } = use([beta, acme]);
    const told = policy(attach([beta, acme]), { ...rest, Action: Action.toReversed() }, enableIam);
    expect(withGrants(told, [acme, beta])).toBe(told);
  });

  it.each([deletedRole, deletedUser])('are refused beside a foreign statement that names %s', (principalId) => {
    const foreign = { ...enableIam, Sid: 'Admins', Principal: { AWS: [acme, principalId] } };
    expect(() => withGrants(policy(foreign, use([acme]), attach([acme])), [acme])).toThrow(
      expect.objectContaining({
        name: 'KeyPolicyOrphan',
        message: `Statement "Admins" of the key policy names ${principalId}, a principal that was deleted`,
      }),
    );
  });
});

describe("KMS's limit of 32,768 bytes", () => {
  const room = 32_768 - size(withGrants(policy({ ...enableIam, Sid: '' }), [acme]));
  const filled = (length: number, character = 'x') =>
    policy({ ...enableIam, Sid: character.repeat(length / Buffer.byteLength(character)) });

  it('may be reached', () => {
    expect(size(withGrants(filled(room), [acme]))).toBe(32_768);
  });

  it('may not be passed by one byte', () => {
    expect(() => withGrants(filled(room + 1), [acme])).toThrow(
      expect.objectContaining({
        name: 'KeyPolicyFull',
        message: 'The key policy would have 32769 bytes with 1 roles; KMS allows 32768',
      }),
    );
  });

  it('is one of bytes, not of characters', () => {
    expect(() => withGrants(filled(room + 1 + ((room + 1) % 2), 'é'), [acme])).toThrow(
      expect.objectContaining({ name: 'KeyPolicyFull' }),
    );
  });

  it('is no hindrance to a policy that need not change', () => {
    const full = withGrants(filled(room), [acme]);
    expect(withGrants(full, [acme])).toBe(full);
  });
});

describe('the roles that are granted', () => {
  it.each([
    ['are those of either statement', policy(enableIam, use([acme, beta]), attach(beta)), [acme, beta]],
    ['are one that stands alone', policy(use(acme), attach(acme)), [acme]],
    ['do not include deleted ones', policy(use([deletedRole, acme]), attach([acme])), [acme]],
    ['are none of a foreign statement', policy(enableIam, { ...use(acme), Sid: 'Allow use of the key' }), []],
  ])('%s', (_name, granting, roles) => {
    expect(grantedRoles(granting)).toEqual(roles);
  });
});

describe('orphans', () => {
  it('are found in every statement, with its Sid', () => {
    const { Sid: _, ...nameless } = { ...enableIam, Principal: { AWS: deletedUser } };
    expect(orphans(policy(use([acme, deletedRole]), nameless, enableIam))).toEqual([
      { sid: 'Allow use of the key by InfinStor', principalId: deletedRole },
      { sid: '(without Sid)', principalId: deletedUser },
    ]);
  });

  it.each([
    ['everybody', '*'],
    ['an account', { AWS: '123456789012' }],
    ['a role', { AWS: 'arn:aws:iam::123456789012:role/AROAJQABLZS4A3QDU576Q' }],
    ['a service', { Service: 'dynamodb.amazonaws.com' }],
    ['nobody', undefined],
  ])('are not %s', (_name, Principal) => {
    expect(orphans(policy({ ...enableIam, Principal }))).toEqual([]);
  });
});

describe('the canonical form', () => {
  const written = policy(enableIam, use([acme, beta]), attach([acme]));

  it.each<[name: string, told: KeyPolicy]>([
    ['the order of statements', policy(attach([acme]), use([acme, beta]), enableIam)],
    ['the order of principals', policy(enableIam, use([beta, acme]), attach([acme]))],
    ['a principal named twice', policy(enableIam, use([acme, beta, acme]), attach([acme]))],
    ['a scalar for an array of one', policy(enableIam, use([acme, beta]), attach(acme))],
    ['an array of one for a scalar', policy({ ...enableIam, Action: ['kms:*'] }, use([acme, beta]), attach([acme]))],
    [
      "an account's id for its root",
      policy({ ...enableIam, Principal: { AWS: '123456789012' } }, use([acme, beta]), attach([acme])),
    ],
    ['the order of keys', { Statement: written.Statement, Id: 'key-consolepolicy-3', Version: '2012-10-17' }],
  ])('is the same for %s', (_name, told) => {
    expect(canonical(told)).toBe(canonical(written));
  });

  it.each<[name: string, other: KeyPolicy]>([
    ['another principal', policy(enableIam, use([acme]), attach([acme]))],
    ['another effect', policy({ ...enableIam, Effect: 'Deny' }, use([acme, beta]), attach([acme]))],
    ['another action', policy({ ...enableIam, Action: 'kms:Get*' }, use([acme, beta]), attach([acme]))],
    ['another account', policy({ ...enableIam, Principal: { AWS: '210987654321' } }, use([acme, beta]), attach(acme))],
    ['another condition', policy(enableIam, use([acme, beta]), { ...attach(acme), Condition: {} })],
    ['a statement less', policy(use([acme, beta]), attach([acme]))],
    ['another version', { ...written, Version: '2008-10-17' }],
  ])('differs for %s', (_name, other) => {
    expect(canonical(other)).not.toBe(canonical(written));
  });
});

describe('a policy document', () => {
  it('is sent without white space, which KMS would count', () => {
    const document = serializeKeyPolicy(policy(enableIam));
    expect(document).toBe(JSON.stringify(policy(enableIam)));
    expect(size(policy(enableIam))).toBe(document.length);
  });

  it('may have one statement without an array, and elements that are not known here', () => {
    const statement = { ...enableIam, Sid: 'é', NotResource: 'x' };
    expect(parseKeyPolicy(JSON.stringify({ Id: 'x', Statement: statement }))).toEqual({
      Id: 'x',
      Statement: [statement],
    });
  });

  it.each(['', 'null', '{}', '{"Statement":"all"}', '{"Statement":[{"Principal":7}]}'])('is not %s', (document) => {
    expect(() => parseKeyPolicy(document)).toThrow();
  });
});

describe('for any policy', () => {
  const names = fc.string({ unit: fc.constantFrom('a', 'b', 'C', '1', '-'), minLength: 1, maxLength: 34 });
  const roles = fc.array(names.map(roleArn), { maxLength: 8 });
  const principal = fc.oneof(roles, names.map(roleArn), fc.constantFrom('*', '123456789012'));
  const foreign = fc.record(
    {
      Sid: names,
      Effect: fc.constantFrom('Allow', 'Deny'),
      Principal: fc.oneof(
        fc.constant('*'),
        fc.record({ AWS: principal }),
        fc.record({ Service: fc.constant('s3.amazonaws.com') }),
      ),
      Action: fc.oneof(names, fc.array(names, { maxLength: 4 })),
      Resource: fc.constant('*'),
      Condition: fc.dictionary(names, fc.dictionary(names, fc.oneof(names, fc.array(names, { maxLength: 3 })))),
    },
    { requiredKeys: ['Effect', 'Action', 'Resource'] },
  );
  const ours = fc.oneof(
    principal.map((AWS) => ({ ...use([]), Principal: { AWS } })),
    roles.map(attach),
  );
  const policies = fc
    .array(fc.oneof({ arbitrary: foreign, weight: 2 }, ours), { maxLength: 6 })
    .map((statements) => policy(...statements));
  const anyPolicyAndRoles = [policies, roles] as const;
  const isOurs = ({ Sid }: { Sid?: string | undefined }) => Sid?.endsWith(' by InfinStor') === true;

  it('granting the same roles again changes nothing, not even the object', () => {
    fc.assert(
      fc.property(...anyPolicyAndRoles, (before, granted) => {
        const once = withGrants(before, granted);
        expect(withGrants(once, granted.toReversed())).toBe(once);
      }),
    );
  });

  it('exactly the given roles are granted', () => {
    fc.assert(
      fc.property(...anyPolicyAndRoles, (before, granted) => {
        expect(new Set(grantedRoles(withGrants(before, granted)))).toEqual(new Set(granted));
      }),
    );
  });

  it('every foreign statement stays as it is', () => {
    fc.assert(
      fc.property(...anyPolicyAndRoles, (before, granted) => {
        const after = withGrants(before, granted);
        const keep = (statements: KeyPolicy['Statement']) => statements.filter((statement) => !isOurs(statement));
        expect(keep(after.Statement)).toEqual(keep(before.Statement));
        expect({ ...after, Statement: [] }).toEqual({ ...before, Statement: [] });
      }),
    );
  });

  it('the policy handed in is left alone', () => {
    fc.assert(
      fc.property(...anyPolicyAndRoles, (before, granted) => {
        const copy = structuredClone(before);
        withGrants(before, granted);
        expect(before).toEqual(copy);
      }),
    );
  });

  it('the canonical form survives what KMS does to a document', () => {
    fc.assert(
      fc.property(policies, (written) => {
        expect(canonical(parseKeyPolicy(JSON.stringify(retold(written))))).toBe(canonical(written));
      }),
    );
  });

  /** The same policy with every array backwards, arrays of one as scalars, and the root as its account's id. */
  function retold(value: unknown): unknown {
    if (Array.isArray(value)) {
      const parts = value.map(retold).toReversed();
      return parts.length === 1 ? parts[0] : parts;
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, retold(part)]));
    }
    return value === 'arn:aws:iam::123456789012:root' ? '123456789012' : value;
  }
});
