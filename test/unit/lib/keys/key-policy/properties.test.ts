import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyPolicyFull } from '../../../../../lib/errors.ts';
import { canonical } from '../../../../../lib/keys/canonical.ts';
import {
  grantedRoles,
  isGranted,
  ownStatements,
  parseKeyPolicy,
  withGrants,
} from '../../../../../lib/keys/key-policy.ts';
import { orphans, serializeKeyPolicy, size } from '../../../../../lib/keys/policy-document.ts';
import {
  accesses,
  arnsOf,
  asReadFromKms,
  hasOurSid,
  isAdminStatement,
  largePolicies,
  policies,
  type Role,
  role,
  roles,
} from '../../../functions/key-policies.ts';
import { byArns, byPattern, policy } from './key-policy-fixture.ts';

describe('for any policy and roles', () => {
  const withAccess = [policies, roles, accesses] as const;

  it('what is set is set already, in whichever order', () => {
    fc.assert(
      fc.property(...withAccess, fc.nat({ max: 6 }), (before, some, access, turn) => {
        const once = withGrants(before, arnsOf(some), access);
        const turned = arnsOf([...some.slice(turn), ...some.slice(0, turn), ...some.slice(0, 1)]);
        expect(withGrants(once, turned, access)).toBe(once);
        expect(withGrants(before, turned, access)).toEqual(once);
      }),
    );
  });

  it('it does not matter what was set before, in either mode', () => {
    fc.assert(
      fc.property(...withAccess, roles, accesses, (before, some, access, earlier, former) => {
        const direct = withGrants(before, arnsOf(some), access);
        const changed = withGrants(withGrants(before, arnsOf(earlier), former), arnsOf(some), access);
        expect(canonical(changed)).toBe(canonical(direct));
      }),
    );
  });

  it('a role that is added and removed leaves the meaning as it was', () => {
    fc.assert(
      fc.property(...withAccess, role, (before, some, access, added) => {
        const set = withGrants(before, arnsOf(some), access);
        const more = withGrants(set, arnsOf([...some, added]), access);
        expect(canonical(withGrants(more, arnsOf(some), access))).toBe(canonical(set));
      }),
    );
  });

  it("everything that is not ours stays as it is, the administrators' statement with it", () => {
    fc.assert(
      fc.property(...withAccess, (before, some, access) => {
        const copy = structuredClone(before);
        const after = withGrants(before, arnsOf(some), access);
        expect(before).toEqual(copy);
        expect({ ...after, Statement: after.Statement.filter((statement) => !hasOurSid(statement)) }).toEqual({
          ...before,
          Statement: before.Statement.filter((statement) => !hasOurSid(statement)),
        });
        expect(after.Statement.some(isAdminStatement)).toBe(true);
      }),
    );
  });

  it('the result is read back as it was written, ours as ours, without a Sid used twice or a deleted role', () => {
    fc.assert(
      fc.property(...withAccess, fc.boolean(), (before, some, access, areSame) => {
        const wanted = areSame ? grantedRoles(before) : arnsOf(some);
        const after = withGrants(before, wanted, access);
        const read = parseKeyPolicy(serializeKeyPolicy(after));
        expect(read).toEqual(after);
        expect(ownStatements(read)).toEqual(read.Statement.filter(hasOurSid));
        expect(ownStatements(read)).toHaveLength(wanted.length > 0 ? 2 : 0);
        const sids = read.Statement.flatMap(({ Sid }) => (Sid === undefined || Sid === '' ? [] : [Sid]));
        expect(sids).toEqual([...new Set(sids)]);
        expect(orphans(read)).toEqual([]);
      }),
    );
  });

  it('exactly the roles that are set are granted, and in no other mode', () => {
    fc.assert(
      fc.property(...withAccess, roles, (before, some, access, more) => {
        const after = withGrants(before, arnsOf(some), access);
        const standIn = ({ arn, pattern: like }: Role) => (access.mode === 'role-arns' ? arn : like);
        const standIns = some.map(standIn);
        const candidates = [...some, ...more];
        expect(candidates.filter(({ arn }) => isGranted(after, arn, access))).toEqual(
          candidates.filter((candidate) => standIns.includes(standIn(candidate))),
        );
        const otherAccess = access.mode === 'role-arns' ? byPattern : byArns;
        // Beside a pattern a role may stand by its ARN.
        const hasPattern = standIns.some((each) => each.endsWith('*'));
        expect(candidates.filter(({ arn }) => isGranted(after, arn, otherAccess))).toEqual(
          candidates.filter(({ arn }) => access.mode === 'role-pattern' && hasPattern && standIns.includes(arn)),
        );
        const named = some.map(({ arn }) => arn).filter((arn) => standIns.includes(arn));
        expect(grantedRoles(after).sort()).toEqual([...new Set(named)].sort());
      }),
    );
  });

  it('what KMS makes of a document changes nothing', () => {
    fc.assert(
      fc.property(...withAccess, fc.nat({ max: 30 }), (before, some, access, read) => {
        const after = withGrants(before, arnsOf(some), access);
        const told = parseKeyPolicy(JSON.stringify(asReadFromKms(after, read), null, 1));
        expect(canonical(told)).toBe(canonical(after));
        expect(withGrants(told, arnsOf(some), access)).toBe(told);
      }),
    );
  });

  it('other roles make another canonical form', () => {
    fc.assert(
      fc.property(policies, roles, roles, (before, some, more) => {
        const forms = [some, more].map((set) => canonical(withGrants(before, arnsOf(set), byArns)));
        const sets = [some, more].map((set) => [...new Set(arnsOf(set))].sort().join(' '));
        expect(forms[0] === forms[1]).toBe(sets[0] === sets[1]);
      }),
    );
  });

  it('no result passes the limit, and none that fits is refused', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(largePolicies, roles, accesses, (before, some, access) => {
        const ours = withGrants(policy(), arnsOf(some), access).Statement;
        const bytes = size({ ...before, Statement: [...before.Statement, ...ours] });
        const fits = bytes <= 32_768;
        outcomes.add(`${access.mode} ${fits}`);
        if (fits) expect(size(withGrants(before, arnsOf(some), access))).toBe(bytes);
        else {
          const limits = { bytes, maxBytes: 32_768, name: 'the key policy' };
          const error = new KeyPolicyFull(new Set(arnsOf(some)).size, limits);
          expect(() => withGrants(before, arnsOf(some), access)).toThrow(error);
        }
      }),
    );
    expect(outcomes).toEqual(new Set(['role-arns true', 'role-arns false', 'role-pattern true', 'role-pattern false']));
  });
});
