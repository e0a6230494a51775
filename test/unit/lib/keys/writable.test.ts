import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type KeyPolicy, type Statement, statementSchema } from '../../../../lib/keys/policy-document.ts';
import { requireWritable } from '../../../../lib/keys/writable.ts';
import { policyAllows } from '../../../../sandbox/core/policies/policy.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const root = 'arn:aws:iam::111111111111:root';
const writer = 'arn:aws:iam::111111111111:role/onboarding-patch-key-policy';
const session = 'arn:aws:sts::111111111111:assumed-role/onboarding-patch-key-policy/patch-key-policy';
const otherRole = 'arn:aws:iam::111111111111:role/onboarding-get-subscriber';
const ofOtherAccount = writer.replace('111111111111', '222222222222');

/** A statement for the account about everything, but for these elements; undefined takes one away. */
type Fields = { [Name in keyof Statement]?: Statement[Name] | undefined };
function statement({ ...fields }: Fields): Statement {
  const whole = { Sid: 'Named', Effect: 'Allow', Principal: { AWS: root }, Action: 'kms:*', Resource: '*', ...fields };
  return v.parse(statementSchema, JSON.parse(JSON.stringify(whole)));
}
const deny = (fields: Fields) => statement({ Effect: 'Deny', ...fields });
const enableIam = statement({ Sid: 'Enable IAM User Permissions' });
const condition = { StringEquals: { 'aws:PrincipalTag/team': 'ml' } };

const check = (statements: Statement[], writers: readonly string[] = [writer]) =>
  requireWritable(keyArn, { Statement: statements }, writers);
const refused = (reason: string) =>
  expect.objectContaining({ name: 'KeyNotUsable', keyArn, message: `Key ${keyArn} cannot be used: ${reason}` });

describe('a key policy lets the deployment change it', () => {
  it.each<[string, Statement[]]>([
    ['the account', [enableIam]],
    ['the account by its id', [statement({ Principal: { AWS: '111111111111' } })]],
    ['everybody', [statement({ Principal: '*' })]],
    ['everybody of AWS', [statement({ Principal: { AWS: ['*'] } })]],
    ['the role among others', [statement({ Principal: { AWS: [otherRole, writer] } })]],
    ['a session of the role', [statement({ Principal: { AWS: session } })]],
    ['whom it does not except', [statement({ Principal: undefined, NotPrincipal: { AWS: otherRole } })]],
    ['the account on a condition', [statement({ Condition: condition })]],
    ['the account by patterns', [statement({ Action: ['kms:Describe*', 'KMS:pUt*', 'kms:?etKeyPolicy'] })]],
    ['the account for all but other actions', [statement({ Action: undefined, NotAction: ['kms:Decrypt', 's3:*'] })]],
    ['the account for the key by its ARN', [statement({ Resource: ['arn:aws:s3:::x', keyArn] })]],
    [
      'the account for all but other keys',
      [statement({ Resource: undefined, NotResource: keyArn.replace('us-east-1', 'eu-west-1') })],
    ],
  ])('by a statement for %s', (_name, statements) => {
    expect(() => check(statements)).not.toThrow();
  });

  it.each<[string, Fields]>([
    ['another role', { Principal: { AWS: otherRole } }],
    ['the role of another account', { Principal: { AWS: ofOtherAccount } }],
    ['another account', { Principal: { AWS: [ofOtherAccount, 'arn:aws:iam::222222222222:root', '222222222222'] } }],
    ['a service', { Principal: { Service: 'logs.amazonaws.com' } }],
    ['one session of the role', { Principal: { AWS: session } }],
    ['everybody, on a condition', { Principal: '*', Condition: condition }],
    ['all but some', { Principal: undefined, NotPrincipal: { AWS: root } }],
    ['other actions', { Action: ['kms:Decrypt', 'kms:PutKeyPolicyX', 'xkms:PutKeyPolicy', 'kms:PutKeyPolicy.'] }],
    ['all actions but these', { Action: undefined, NotAction: ['kms:GetKey*', 'kms:PutKeyPolicy'] }],
    ['no action', { Action: undefined }],
    ['no resource', { Resource: undefined }],
    ['another key', { Resource: keyArn.replace('us-east-1', 'eu-west-1') }],
    ['all keys but this', { Resource: undefined, NotResource: [keyArn] }],
  ])('beside a denial for %s', (_name, fields) => {
    expect(() => check([enableIam, deny(fields)])).not.toThrow();
  });
});

describe('a key policy keeps the deployment from changing it', () => {
  it.each<[string, Fields]>([
    ['everybody', { Principal: '*' }],
    ['the account', {}],
    ['the account by its id', { Principal: { AWS: ['222222222222', '111111111111'] } }],
    ['the role', { Principal: { AWS: writer } }],
    ['the role, with no condition in it', { Principal: { AWS: writer }, Condition: {} }],
    ['all actions but others', { Action: undefined, NotAction: 'kms:Decrypt' }],
    ['this key', { Resource: keyArn }],
  ])('by a denial for %s, whatever else allows it', (_name, fields) => {
    expect(() => check([enableIam, deny({ ...fields, Sid: 'Freeze' })])).toThrow(
      refused(`statement "Freeze" of its policy denies kms:GetKeyPolicy to ${writer}`),
    );
  });

  it('by a denial of nothing but the change', () => {
    expect(() => check([enableIam, deny({ Sid: undefined, Action: ['kms:PutKey*'] })])).toThrow(
      refused(`statement "(without Sid)" of its policy denies kms:PutKeyPolicy to ${writer}`),
    );
  });

  it.each<[string, Statement[]]>([
    ['there is none', []],
    ['there are only others', [statement({ Principal: { AWS: [otherRole, ofOtherAccount] } })]],
    ['they are about the use of the key', [statement({ Action: ['kms:Decrypt', 'kms:GetKeyPolicy'] })]],
    ['they deny', [deny({ Action: 'kms:Decrypt' })]],
    ['they name nobody', [statement({ Principal: undefined })]],
  ])('where no statement allows it: %s', (_name, statements) => {
    const action = statements[0]?.Action?.includes('kms:GetKeyPolicy') ? 'kms:PutKeyPolicy' : 'kms:GetKeyPolicy';
    expect(() => check(statements)).toThrow(
      refused(`no statement of its policy allows ${action} to ${writer} or to its account`),
    );
  });

  it('when it names others, and the writer is no role', () => {
    const userArn = 'arn:aws:iam::111111111111:user/operator';
    const forOther = [statement({ Principal: { AWS: `${userArn}-2` } })];
    expect(() => check(forOther, [userArn])).toThrow(
      refused(`no statement of its policy allows kms:GetKeyPolicy to ${userArn} or to its account`),
    );
  });

  it('when it keeps one of several writers from it', () => {
    const forOne = [statement({ Principal: { AWS: writer } })];
    expect(() => check(forOne, [writer, otherRole])).toThrow(
      refused(`no statement of its policy allows kms:GetKeyPolicy to ${otherRole} or to its account`),
    );
    expect(() => check(forOne, [])).not.toThrow();
  });
});

describe('for any policy', () => {
  const texts = (...some: string[]) => fc.subarray(some, { minLength: 1 });
  const statements = fc.array(
    fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Principal: fc.oneof(
        fc.constant('*' as const),
        texts('*', root, '111111111111', writer, otherRole, ofOtherAccount, '222222222222').map((AWS) => ({ AWS })),
        fc.constant({ Service: 'logs.amazonaws.com' }),
      ),
      actions: texts('kms:*', 'kms:Put*', 'kms:PutKeyPolicy', 'KMS:GETKEYPOLICY', 'kms:Decrypt', '*', 'kms:?et*'),
      isNegated: fc.boolean(),
      isConditional: fc.boolean(),
    }),
    { maxLength: 5 },
  );

  it('it is refused when, and only when, the roles are, however its conditions turn out', () => {
    fc.assert(
      fc.property(statements, (given) => {
        const policy: KeyPolicy = {
          Statement: given.map(({ Effect, Principal, actions, isNegated, isConditional }) => ({
            Effect,
            Principal,
            ...(isNegated ? { NotAction: actions } : { Action: actions }),
            Resource: '*',
            ...(isConditional && { Condition: condition }),
          })),
        };
        // At best what allows on a condition allows, and what denies on one does not.
        const atBest = policy.Statement.filter(({ Effect, Condition }) => Effect === 'Allow' || !Condition);
        const Statement = atBest.map(({ Condition: _, ...rest }) => rest);
        const isOpen = ['kms:GetKeyPolicy', 'kms:PutKeyPolicy'].every((action) => {
          const question = { principalArn: writer, action, resource: keyArn };
          return ['allow', 'delegate'].includes(policyAllows({ Statement }, question));
        });
        const judged = () => check(policy.Statement);
        if (isOpen) expect(judged).not.toThrow();
        else expect(judged).toThrow(expect.objectContaining({ name: 'KeyNotUsable' }));
      }),
    );
  });
});
