import { describe, expect, it } from 'vitest';
import { KeyPolicyFull } from '../../../../../lib/errors.ts';
import { canonical } from '../../../../../lib/keys/canonical.ts';
import { type KeyAccess, parseKeyPolicy, withGrants } from '../../../../../lib/keys/key-policy.ts';
import { type KeyPolicy, type Statement, serializeKeyPolicy, size } from '../../../../../lib/keys/policy-document.ts';
import { likeStatements, namingStatements, openStatements } from '../../../functions/key-policies.ts';
import {
  account,
  acme,
  admin,
  attachByAcme,
  beta,
  byArns,
  byPattern,
  deletedRole,
  deletedUser,
  granted,
  granting,
  other,
  owners,
  pattern,
  patterned,
  policy,
  roleArn,
  useByAcme,
  without,
} from './key-policy-fixture.ts';

describe('grants', () => {
  it("are the setup guide's two statements under Sids of ours, behind what is there", () => {
    expect(withGrants(policy(admin), [acme], byArns)).toEqual(granted);
  });

  it('by pattern are the same statements for everybody who is such a role of the account', () => {
    expect(withGrants(policy(admin), [acme], byPattern)).toEqual(patterned);
  });

  it('name the roles in order, each once', () => {
    expect(withGrants(policy(admin), [beta, acme, beta], byArns)).toEqual(granting([acme, beta]));
  });

  it('by pattern do not grow with more roles', () => {
    expect(withGrants(patterned, [acme, beta, roleArn('gamma')], byPattern)).toBe(patterned);
  });

  it.each<[name: string, roleArns: string[], accounts: string[], patterns: string[]]>([
    ['is under its path', [acme.replace('role/', 'role/a/~/')], [account], [pattern.replace('role/', 'role/a/~/')]],
    ["has the prefix in the role's own spelling", [acme.toLowerCase()], [account], [pattern.toLowerCase()]],
    ["is the role's ARN if its name has not the prefix", [other], [account], [other]],
    ["is the role's ARN if its name is shorter than the prefix", [acme.slice(0, 40)], [account], [acme.slice(0, 40)]],
    ['is for the prefix alone, too', [roleArn('')], [account], [pattern]],
    [
      'is one for each account and partition',
      [acme.replace('aws', 'aws-cn'), beta, acme.replace(account, '222222222222'), acme],
      [account, '222222222222'],
      [pattern.replace('aws', 'aws-cn'), pattern, pattern.replace(account, '222222222222')].sort(),
    ],
  ])('by pattern: the pattern %s', (_name, roleArns, accounts, patterns) => {
    const edited = withGrants(policy(admin), roleArns, byPattern);
    expect(canonical(edited)).toBe(canonical(policy(admin, ...likeStatements(accounts, patterns))));
    expect(parseKeyPolicy(serializeKeyPolicy(edited))).toEqual(edited);
  });

  it.each([
    ['role-arns', byArns, granting([acme, beta])],
    ['role-pattern', byPattern, patterned],
  ])('go with the last role in the mode %s', (_mode, access, before) => {
    expect(withGrants(before, [], access)).toEqual(policy(admin));
  });

  it.each<[name: string, roleArns: string[], access: KeyAccess, standing: string[]]>([
    ['with the ARNs of other roles beside it', [other], byArns, [other, pattern]],
    [
      "with the ARN of a role that is like it beside it, which does not count on another's",
      [acme],
      byArns,
      [pattern, acme],
    ],
    ['once, when a role needs it', [acme, other], byPattern, [other, pattern]],
    ['alone, when no role is left', [], byArns, [pattern]],
  ])('by a pattern that is kept stay %s', (_name, roleArns, access, standing) => {
    const edited = withGrants(patterned, roleArns, access, 'the key policy', [pattern]);
    expect(edited).toEqual(policy(admin, ...likeStatements([account], standing)));
  });

  it('go from a policy of ours alone', () => {
    expect(withGrants(policy(useByAcme, attachByAcme), [], byArns)).toEqual(policy());
  });

  it.each<[name: string, from: KeyPolicy, access: KeyAccess, to: KeyPolicy]>([
    ['pattern', granting([acme, beta]), byPattern, patterned],
    ['narrower pattern', policy(admin, ...openStatements(account, pattern)), byPattern, patterned],
    ['ARNs', patterned, byArns, granting([acme, beta])],
  ])('change over to the %s of the roles', (_name, from, access, to) => {
    expect(withGrants(from, [acme, beta], access)).toEqual(to);
  });

  it.each<[name: string, before: KeyPolicy]>([
    ['that lacks one of the two', policy(admin, useByAcme)],
    ['whose two name different roles', policy(admin, useByAcme, namingStatements([beta])[1])],
    ['with two statements of ours under one Sid', policy(admin, ...namingStatements(beta), useByAcme)],
    ['with one statement of ours twice', policy(admin, useByAcme, useByAcme, attachByAcme)],
    ['with a statement of either mode', policy(useByAcme, ...likeStatements(account, pattern), admin)],
    ['with an id that a deleted role left', granting([acme, deletedRole])],
    ['with the id of a deleted role alone', granting(deletedRole)],
    ['with statements of ours for nobody', granting([])],
  ])('mend a policy %s', (_name, before) => {
    const after = withGrants(parseKeyPolicy(JSON.stringify(before)), [acme], byArns);
    expect(after).toEqual(granted);
  });

  it.each<[name: string, told: KeyPolicy, access: KeyAccess]>([
    ['ARNs', policy(...namingStatements([beta, acme]).reverse(), admin), byArns],
    [
      'a pattern',
      policy(
        ...likeStatements(account, pattern).map((statement) => ({ ...statement, Principal: { AWS: '*' } })),
        admin,
      ),
      byPattern,
    ],
  ])('leave the policy itself when KMS only returns the statements for %s otherwise', (_name, told, access) => {
    expect(withGrants(told, [acme, beta], access)).toBe(told);
  });

  it('leave statements of the same meaning to their authors', () => {
    const byHand = { ...namingStatements(beta)[0], Sid: 'Allow use of the key' };
    const nameless = without(attachByAcme, 'Sid');
    expect(withGrants(policy(byHand, nameless), [acme], byArns)).toEqual(
      policy(byHand, nameless, useByAcme, attachByAcme),
    );
  });

  it.each([
    '*',
    account,
    `arn:aws:iam::${account}:root`,
    `arn:aws:iam::${account}:user/Alice`,
    pattern,
    `${acme}\n`,
    `x${acme}`,
    '',
  ])('are for roles only, not for %j', (principal) => {
    for (const access of [byArns, byPattern]) {
      expect(() => withGrants(policy(admin), [acme, principal], access)).toThrow(
        new TypeError(`${principal} is not the ARN of a role`),
      );
    }
  });

  it.each<[name: string, statement: Statement]>([
    ['as its principal', owners({ Principal: { AWS: deletedRole } })],
    ['among its principals', owners({ Principal: { AWS: [acme, deletedRole] } })],
    ['as the one it is not for', { ...without(owners({}), 'Principal'), NotPrincipal: { AWS: [deletedRole] } }],
  ])('are refused beside a statement of the owner with a deleted role %s', (_name, statement) => {
    const before = policy(admin, statement, useByAcme, attachByAcme);
    for (const roleArns of [[acme], [acme, beta], []]) {
      expect(() => withGrants(before, roleArns, byArns)).toThrow(
        expect.objectContaining({
          name: 'KeyPolicyOrphan',
          message: `Statement "Own" of the key policy names ${deletedRole}, a principal that was deleted`,
        }),
      );
    }
  });

  it.each([
    ['no', without(owners({ Principal: { AWS: deletedUser } }), 'Sid')],
    ['an empty', owners({ Sid: '', Principal: { AWS: deletedUser } })],
  ])('are refused beside a deleted user in a statement with %s Sid', (_name, statement) => {
    expect(() => withGrants(policy(statement), [acme], byArns)).toThrow(
      `Statement "(without Sid)" of the key policy names ${deletedUser}, a principal that was deleted`,
    );
  });
});

describe("KMS's limit of 32,768 bytes", () => {
  const filled = (text: string) => policy(owners({ Sid: text }));
  const granted = JSON.stringify(policy(...filled('').Statement, ...namingStatements([acme, beta])));
  const room = 32_768 - granted.length;
  const full = (bytes: number) =>
    expect.objectContaining({
      name: 'KeyPolicyFull',
      message: `With 2 roles the key policy would have ${bytes} bytes; KMS allows 32768`,
      roles: 2,
      bytes,
    });
  const grant = (before: KeyPolicy) => withGrants(before, [acme, beta, acme], byArns);

  it('may be reached', () => {
    expect(size(grant(filled('x'.repeat(room))))).toBe(32_768);
  });

  it('may not be passed by one byte', () => {
    expect(() => grant(filled('x'.repeat(room + 1)))).toThrow(full(32_769));
  });

  it.each([
    ['two bytes', 'é', 2],
    ['six, escaped', '中', 6],
  ])('is one of bytes: a character of %s', (_name, character, bytes) => {
    const rest = 'x'.repeat(room - bytes);
    expect(size(grant(filled(`${rest}${character}`)))).toBe(32_768);
    expect(() => grant(filled(`${rest}x${character}`))).toThrow(full(32_769));
  });

  it('keeps no role out that is there', () => {
    const reached = grant(filled('x'.repeat(room)));
    expect(grant(reached)).toBe(reached);
  });

  it('is passed by 500 roles, but not by their pattern', () => {
    const many = Array.from({ length: 500 }, (_value, index) => roleArn(`${index}`));
    expect(() => withGrants(policy(admin), many, byArns)).toThrow(KeyPolicyFull);
    expect(withGrants(policy(admin), many, byPattern)).toEqual(patterned);
  });
});
