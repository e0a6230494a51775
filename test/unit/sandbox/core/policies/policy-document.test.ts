import { expect, it } from 'vitest';
import { parsePolicy } from '../../../../../sandbox/core/policies/policy-document.ts';

const roleArn = 'arn:aws:iam::111111111111:role/path/r';
const userArn = 'arn:aws-us-gov:iam::111111111111:user/u';
const statement = { Effect: 'Allow', Action: '*', Resource: '*' };
const principalsOf = (principal: unknown) =>
  parsePolicy({ Statement: { ...statement, Principal: principal } }).flatMap(
    ({ principals }) => principals?.list ?? [],
  );

it('has of a statement what is there, and nothing else', () => {
  const all = { negated: false, patterns: ['*'] };
  const condition = { operator: 'Bool', negated: false, key: 'aws:viaawsservice', values: ['true'] };
  const document = {
    Statement: [
      statement,
      {
        ...statement,
        Sid: 'One',
        Condition: { Bool: { 'aws:ViaAWSService': true }, 'ForAnyValue:BoolIfExists': { 'aws:ViaAWSService': 'true' } },
      },
    ],
  };
  expect(parsePolicy(document)).toStrictEqual([
    { effect: 'Allow', action: all, resource: all, conditions: [] },
    {
      sid: 'One',
      effect: 'Allow',
      action: all,
      resource: all,
      conditions: [
        { ...condition, ifExists: false },
        { ...condition, ifExists: true, quantifier: 'ForAnyValue' },
      ],
    },
  ]);
});

it('parses a document once', () => {
  const document = { Statement: [statement] };
  expect(parsePolicy(document)).toBe(parsePolicy(document));
});

it.each<[principal: unknown, known: object]>([
  ['*', { type: 'everyone' }],
  [{ AWS: '*' }, { type: 'everyone' }],
  [{ AWS: '111111111111' }, { type: 'account', accountId: '111111111111' }],
  [{ AWS: 'arn:aws:iam::111111111111:root' }, { type: 'account', accountId: '111111111111' }],
  [{ AWS: 'arn:aws-us-gov:iam::111111111111:root' }, { type: 'account', accountId: '111111111111' }],
  [{ AWS: roleArn }, { type: 'identity', arn: roleArn }],
  [{ AWS: userArn }, { type: 'identity', arn: userArn }],
  [{ AWS: 'AROAAAAAAAAAAAAAAAAAA' }, { type: 'deleted', id: 'AROAAAAAAAAAAAAAAAAAA' }],
  [{ AWS: 'AIDAAAAAAAAAAAAAAAAAA' }, { type: 'deleted', id: 'AIDAAAAAAAAAAAAAAAAAA' }],
  [{ Federated: 'accounts.google.com' }, { type: 'federated', provider: 'accounts.google.com' }],
  [{ CanonicalUser: '79a5' }, { type: 'canonical-user', id: '79a5' }],
  [{ Service: 'lambda.amazonaws.com' }, { type: 'service', name: 'lambda.amazonaws.com' }],
])('knows the principal %j', (principal, known) => {
  expect(principalsOf(principal)).toStrictEqual([known]);
});

it.each([
  'arn:aws:iam::111111111111:group/g',
  'an-111111111111',
  `an-${roleArn}`,
  `${roleArn}\n`,
  'XAROAAAAAAAAAAAAAAAAAA',
  'AROAAAAAAAAAAAAAAAAAA-X',
])('does not know the principal %j', (principal) => {
  expect(() => principalsOf({ AWS: principal })).toThrow(`unknown principal ${principal}`);
});
