import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, canonicalHash } from '../../../../lib/keys/canonical.ts';
import { asReadFromKms } from '../../functions/key-policies.ts';

const account = '111111111111';
const root = `arn:aws:iam::${account}:root`;
const acme = `arn:aws:iam::${account}:role/acme`;
const statement = {
  Sid: 'Own',
  Effect: 'Allow',
  Principal: { AWS: [root, acme] },
  Action: ['kms:Decrypt', 'kms:Encrypt'],
  Resource: '*',
  Condition: { StringEquals: { 'aws:PrincipalAccount': account, 'aws:PrincipalType': 'AssumedRole' } },
};
const other = { ...statement, Sid: 'Other', Effect: 'Deny', Principal: { AWS: acme } };
const policy = (...Statement: unknown[]) => ({ Version: '2012-10-17', Id: 'a', Statement });
const having = (part: object) => policy({ ...statement, ...part }, other);

describe('the canonical form', () => {
  it.each<[name: string, told: unknown]>([
    ['the order of statements', policy(other, statement)],
    ['the order of principals', having({ Principal: { AWS: [acme, root] } })],
    ['the order of actions', having({ Action: ['kms:Encrypt', 'kms:Decrypt'] })],
    ['the order of members', { Statement: [statement, other], Id: 'a', Version: '2012-10-17' }],
    ['the order of members within', policy(Object.fromEntries(Object.entries(statement).reverse()), other)],
    ['an element named twice', having({ Principal: { AWS: [root, acme, root] } })],
    ['a statement that is there twice', policy(statement, other, statement)],
    ['an array of one for a scalar', having({ Resource: ['*'] })],
    ['an array of one principal for a scalar', policy(statement, { ...other, Principal: { AWS: [acme] } })],
    ["an account's id for its root", having({ Principal: { AWS: [acme, account] } })],
    ["an account's id and its root", having({ Principal: { AWS: [acme, account, root] } })],
    [
      "an account's root in another partition",
      having({ Principal: { AWS: [acme, root.replace('aws', 'aws-us-gov')] } }),
    ],
  ])('is the same for %s', (_name, told) => {
    expect(canonical(told)).toBe(canonical(policy(statement, other)));
  });

  it.each<[name: string, one: unknown, same: unknown]>([
    ['a statement alone', { Statement: [statement] }, { Statement: statement }],
    ['an account alone', { AWS: root }, { AWS: [account] }],
    ['everybody', { Principal: '*' }, { Principal: { AWS: '*' } }],
    ['everybody in an array', { Principal: '*' }, { Principal: { AWS: ['*'] } }],
  ])('is the same for both forms of %s', (_name, one, same) => {
    expect(canonical(one)).toBe(canonical(same));
  });

  it.each<[name: string, told: unknown]>([
    ['a principal less', having({ Principal: { AWS: root } })],
    ['another principal', having({ Principal: { AWS: [root, `${acme}s`] } })],
    ['a principal of another kind', having({ Principal: { Service: [root, acme] } })],
    ['another account', having({ Principal: { AWS: ['222222222222', acme] } })],
    [
      "a user named like an account's root",
      having({ Principal: { AWS: [acme, root.replace(':root', ':user/root')] } }),
    ],
    ['a root without an account', having({ Principal: { AWS: [acme, 'arn:aws:iam::1:root'] } })],
    ['another effect', having({ Effect: 'Deny' })],
    ['another action', having({ Action: ['kms:Decrypt', 'kms:Sign'] })],
    ['another condition key', having({ Condition: { StringEquals: { 'aws:PrincipalAccount': account } } })],
    ['another Sid', having({ Sid: 'Mine' })],
    ['a statement less', policy(statement)],
    ['another version', { ...policy(statement, other), Version: '2008-10-17' }],
    ['no Id', { Version: '2012-10-17', Statement: [statement, other] }],
  ])('differs for %s', (_name, told) => {
    expect(canonical(told)).not.toBe(canonical(policy(statement, other)));
  });

  it.each<[name: string, one: unknown, another: unknown]>([
    ['types', { Id: 7 }, { Id: '7' }],
    ['nothing and an empty array', { Action: 'a' }, { Action: 'a', Resource: [] }],
    ['an empty array and an empty object', { Principal: [] }, { Principal: {} }],
    ['null and an empty object', { Principal: null }, { Principal: {} }],
    ['an array and its elements in one text', { Action: ['a', 'b'] }, { Action: 'a,b' }],
    ['an array and an array of it with more', [['a', 'b'], 'c'], ['a', 'b', 'c']],
    ['a root that is no principal', { Resource: root }, { Resource: account }],
    ['what only ends like a root', { AWS: `x${root}` }, { AWS: `x${account}` }],
    ['what only begins like a root', { AWS: `${root}x` }, { AWS: `${account}x` }],
    ['an account and a number', { AWS: root }, { AWS: 111111111111 }],
    ['everybody of another kind', { Principal: '*' }, { Principal: { Service: '*' } }],
    ['everybody and one more', { Principal: '*' }, { Principal: { AWS: ['*', acme] } }],
    ['everybody and a service', { Principal: '*' }, { Principal: { AWS: '*', Service: 's3.amazonaws.com' } }],
  ])('tells apart %s', (_name, one, another) => {
    expect(canonical(one)).not.toBe(canonical(another));
  });

  it('is JSON without white space', () => {
    expect(canonical({ b: ['y', 'x', 'y'], a: { d: [7], c: true }, AWS: [root] })).toBe(
      '{"AWS":"111111111111","a":{"c":true,"d":7},"b":["x","y"]}',
    );
  });

  it('is its own canonical form, and that of what KMS makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat({ max: 30 }), (value, read) => {
        const form = canonical(value);
        expect(canonical(JSON.parse(form))).toBe(form);
        expect(canonical(asReadFromKms(value, read))).toBe(form);
      }),
    );
  });
});

describe('the hash', () => {
  it('is the SHA-256 of the canonical form', () => {
    expect(canonicalHash({ Id: ['a'] })).toBe('fd5130c738d768c4086b4311743624c5eaf50c2a6342cb0b7070a50a9da0e869');
  });

  it('is the same for the same meaning', () => {
    expect(canonicalHash(policy(other, statement))).toBe(canonicalHash(policy(statement, other)));
  });
});
