import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequest } from '../../../../../lib/errors.ts';
import { shownAccounts } from '../../../../../lib/requests/fields.ts';
import { keyArn, named, parse, prefix, subscriber, tagsOf, withStack } from './requests.ts';

/** What refuses the request; undefined when it is accepted. */
function refusal(request: unknown): unknown {
  try {
    parse(request);
    return undefined;
  } catch (error) {
    return error;
  }
}
const withKey = (key: unknown) => ({
  subscriber,
  encryption: { artifacts: { type: 'sse-kms-customer-managed', keyArn: key } },
});

const nameRule = 'must be 1 to 34 letters, digits and hyphens, begin with a letter and not end with a hyphen';
const keyRule = 'must be the ARN of a KMS key';
const keyForm = `${keyRule} (arn:<partition>:kms:<region>:<account>:key/<id>)`;
const buildRule = 'must be digits and dots';
const valueRule = 'must be 1 to 256 letters, digits, blanks and _.:/=+@-';
const tagRule = 'must be a tag key that IAM takes: letters of any script, digits, blanks and _.:/=+@-';
const reservedRule = 'must not begin with aws: or infinstor-onboarding';

describe('a request is refused', () => {
  it.each<[fault: string, request: unknown, field: string, rule: string]>([
    ['null', null, 'request', 'must be an object'],
    ['a string', 'subscriber', 'request', 'must be an object'],
    ['an array', [{ subscriber }], 'request', 'must be an object'],
    ['no subscriber', {}, 'subscriber', 'is required'],
    ['a subscriber that is null', { subscriber: null }, 'subscriber', 'must be an object'],
    ['a subscriber that is an array', { subscriber: [subscriber] }, 'subscriber', 'must be an object'],
    ['no e-mail address', { subscriber: { userName: 'acme' } }, 'subscriber.emailId', 'is required'],
    [
      'something else as the e-mail address',
      { subscriber: { userName: 'acme', emailId: 'acme' } },
      'subscriber.emailId',
      'must be an e-mail address',
    ],
    [
      'an e-mail address that is a number',
      { subscriber: { userName: 'acme', emailId: 7 } },
      'subscriber.emailId',
      'must be a string',
    ],
    [
      'an e-mail address of 255 characters',
      { subscriber: { userName: 'acme', emailId: `${'a'.repeat(242)}@acme.example` } },
      'subscriber.emailId',
      'must be at most 254 characters',
    ],

    ['an empty name', named(''), 'subscriber.userName', nameRule],
    ['a name of 35 characters', named('a'.repeat(35)), 'subscriber.userName', nameRule],
    ['a name that ends in a hyphen', named('acme-'), 'subscriber.userName', nameRule],
    ['a name that begins with a digit', named('1acme'), 'subscriber.userName', nameRule],
    ['a name with a line break', named('acme\n'), 'subscriber.userName', nameRule],
    ['a name that is a number', named(7), 'subscriber.userName', 'must be a string'],

    ['an unknown field', { subscriber, role: 'admin' }, 'role', 'is not a known field'],
    ['a field like an inherited one', { subscriber, toString: 'x' }, 'toString', 'is not a known field'],
    [
      'an unknown field of the subscriber',
      { subscriber: { ...subscriber, role: 'admin' } },
      'subscriber.role',
      'is not a known field',
    ],
    ['an unknown field of the stack', withStack({ roleArn: 'x' }), 'stack.roleArn', 'is not a known field'],
    [
      'an unknown field of the encryption',
      { subscriber, encryption: { bucket: {} } },
      'encryption.bucket',
      'is not a known field',
    ],
    [
      'a key where the encryption has none',
      { subscriber, encryption: { tracking: { type: 'aws-owned', keyArn } } },
      'encryption.tracking.keyArn',
      'is not a known field',
    ],

    [
      'an unknown encryption',
      { subscriber, encryption: { artifacts: { type: 'none' } } },
      'encryption.artifacts.type',
      'must be one of "sse-s3", "sse-kms-aws-managed", "sse-kms-customer-managed"',
    ],
    [
      'no key where one is needed',
      { subscriber, encryption: { tracking: { type: 'customer-managed' } } },
      'encryption.tracking.keyArn',
      'is required',
    ],
    [
      'the ARN of an alias',
      withKey('arn:aws:kms:us-east-1:111111111111:alias/acme'),
      'encryption.artifacts.keyArn',
      `${keyForm}, not an alias`,
    ],
    ['an alias', withKey('alias/acme'), 'encryption.artifacts.keyArn', `${keyForm}, not an alias`],
    ["a key's id without its ARN", withKey(keyArn.split('/')[1]), 'encryption.artifacts.keyArn', keyRule],
    ['a key ARN with something behind it', withKey(`${keyArn}/x`), 'encryption.artifacts.keyArn', keyRule],
    [
      'a key ARN without an account',
      withKey(keyArn.replace('111111111111', '')),
      'encryption.artifacts.keyArn',
      keyRule,
    ],
    ['a key that is a number', withKey(7), 'encryption.artifacts.keyArn', keyRule],

    [
      'a password outside input/',
      { subscriber, passwordSecretId: 'infinstor/test/superadmin' },
      'passwordSecretId',
      `must name a secret below ${prefix}acme/`,
    ],
    [
      'a password that is input/ itself',
      { subscriber, passwordSecretId: prefix },
      'passwordSecretId',
      `must name a secret below ${prefix}acme/`,
    ],
    ['a secret that is a number', { subscriber, passwordSecretId: 7 }, 'passwordSecretId', 'must be a string'],
    [
      'a custom token outside input/',
      { subscriber, customTokenSecretId: 'infinstor/test/inputs' },
      'customTokenSecretId',
      `must name a secret below ${prefix}acme/`,
    ],
    [
      'a secret that leaves input/ by ..',
      { subscriber, passwordSecretId: `${prefix}../superadmin` },
      'passwordSecretId',
      'must not contain ".."',
    ],
    [
      "a secret's name with other characters",
      { subscriber, passwordSecretId: `${prefix}a b` },
      'passwordSecretId',
      'must be the name of a secret',
    ],

    ['a build of one number', withStack({ build: '2' }), 'stack.build', buildRule],
    ['a build with something before it', withStack({ build: 'v2.3' }), 'stack.build', buildRule],
    ['a build that is a path', withStack({ build: '2.3/../evil' }), 'stack.build', buildRule],
    ['a build that is a number', withStack({ build: 2.3 }), 'stack.build', 'must be a string'],
    ['an account of 11 digits', withStack({ accountId: '1'.repeat(11) }), 'stack.accountId', 'of 12 digits'],
    ['an account of 13 digits', withStack({ accountId: '1'.repeat(13) }), 'stack.accountId', 'of 12 digits'],
    ['an account with something before it', withStack({ accountId: `a${'1'.repeat(12)}` }), 'stack.accountId', 'of 12'],
    ['an account with something behind it', withStack({ accountId: `${'1'.repeat(12)}a` }), 'stack.accountId', 'of 12'],
    ['an account that is a number', withStack({ accountId: 111111111111 }), 'stack.accountId', 'must be a string'],
    [
      'an account that is not configured',
      withStack({ accountId: '333333333333' }),
      'stack.accountId',
      'must be one of 111111111111, 222222222222',
    ],
    [
      "a Region that is another account's",
      withStack({ accountId: '222222222222', region: 'us-east-1' }),
      'stack.region',
      'must be one of eu-west-1 in account 222222222222',
    ],
    [
      'an account without the Region of the deployment, and no Region',
      withStack({ accountId: '222222222222' }),
      'stack.region',
      'must be one of eu-west-1 in account 222222222222',
    ],
    [
      'a Region that is not configured',
      withStack({ region: 'ap-south-1' }),
      'stack.region',
      'one of us-east-1, eu-west-1',
    ],
    ['a Region that is a number', withStack({ region: 1 }), 'stack.region', 'must be a string'],
    ['a stack that is null', withStack(null), 'stack', 'must be an object'],
    ['a stack that is an array', withStack([]), 'stack', 'must be an object'],
    ['parameters that are an array', withStack({ parameters: ['x'] }), 'stack.parameters', 'must be an object'],
    [
      'a parameter with a hyphen',
      withStack({ parameters: { 'a-b': 'x' } }),
      'stack.parameters.a-b',
      'must be the name of a template parameter',
    ],
    ['a parameter that is true', withStack({ parameters: { A: true } }), 'stack.parameters.A', 'must be a string'],
    [
      'a parameter of more than 4,096 bytes',
      withStack({ parameters: { A: 'é'.repeat(2049) } }),
      'stack.parameters.A',
      'must be at most 4,096 bytes',
    ],
    ["a tag of AWS's", withStack({ tags: { 'AWS:x': '' } }), 'stack.tags.AWS:x', reservedRule],
    [
      "a tag of the onboarding's",
      withStack({ tags: { 'infinstor-onboarding:subscriber': 'other' } }),
      'stack.tags.infinstor-onboarding:subscriber',
      reservedRule,
    ],
    ['a tag key that IAM refuses', withStack({ tags: { 'a&': 'x' } }), 'stack.tags.a&', tagRule],
    ['a tag key that begins with what IAM refuses', withStack({ tags: { '&a': 'x' } }), 'stack.tags.&a', tagRule],
    [
      'a tag key of 129 characters',
      withStack({ tags: { ['k'.repeat(129)]: 'x' } }),
      `stack.tags.${'k'.repeat(129)}`,
      'must be a tag key of at most 128 characters',
    ],
    ['an empty tag key', withStack({ tags: { '': 'x' } }), 'stack.tags.', tagRule],
    ['a tag key with a star', withStack({ tags: { 'a*': 'x' } }), 'stack.tags.a*', tagRule],
    ["a tag key that is AWS's by the long s", withStack({ tags: { 'awſ:x': 'x' } }), 'stack.tags.awſ:x', reservedRule],
    ['keys that differ only by the long s', withStack({ tags: { cost: 'x', coſt: 'y' } }), 'stack.tags', 'are one'],
    [
      'keys that differ only by the Kelvin sign',
      withStack({ tags: { risk: 'x', 'ris\u212a': 'y' } }),
      'stack.tags',
      'are one',
    ],
    ['a tag of 257 characters', withStack({ tags: { a: 'x'.repeat(257) } }), 'stack.tags.a', valueRule],
    ['an empty tag', withStack({ tags: { a: '' } }), 'stack.tags.a', valueRule],
    ['a tag that IAM refuses', withStack({ tags: { a: 'R&D' } }), 'stack.tags.a', valueRule],
    ['a tag with a line break', withStack({ tags: { a: 'ml\n' } }), 'stack.tags.a', valueRule],
    ['a tag that is a number', withStack({ tags: { a: 1 } }), 'stack.tags.a', 'must be a string'],
    [
      'tags that differ only in case',
      withStack({ tags: { team: 'x', stage: 'y', Team: 'z', STAGE: 'y' } }),
      'stack.tags',
      'has the keys team and Team, which to IAM are one, as it ignores case',
    ],
    ['48 tags', withStack({ tags: tagsOf(48) }), 'stack.tags', 'must be at most 47 tags'],
    ['tags that are an array', withStack({ tags: ['x'] }), 'stack.tags', 'must be an object'],
    ['an encryption that is an array', { subscriber, encryption: [] }, 'encryption', 'must be an object'],
  ])('for %s', (_fault, request, field, rule) => {
    expect(() => parse(request)).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', field, message: expect.stringContaining(rule) }),
    );
  });

  it.each([
    ['a parameter', { parameters: { VpcId: 'vpc-1', ExternalId: 'x' } }, 'stack.parameters.ExternalId'],
    ['a parameter in another case', { parameters: { vpcid: 'vpc-1' } }, 'stack.parameters.vpcid'],
    ['a tag', { tags: { team: 'ml', CostCenter: '1' } }, 'stack.tags.CostCenter'],
    ['a tag in another case', { tags: { Team: 'ml' } }, 'stack.tags.Team'],
  ])('for %s that the deployment does not list', (_, stack, field) => {
    const [, param, listed] =
      'tags' in stack ? ['', 'allowedTagKeys', 'team, stage'] : ['', 'allowedStackParameters', 'VpcId, SubnetId'];
    const some = { allowedStackParameters: ['VpcId', 'SubnetId'], allowedTagKeys: ['team', 'stage'] };
    const message = (names: string) => `${field}: is not allowed: the deployment's param ${param} lists ${names}`;
    expect(() => parse(withStack(stack), some)).toThrow(message(listed));
    const none = { allowedStackParameters: [], allowedTagKeys: [] };
    expect(() => parse(withStack({ [field.split('.')[1] ?? '']: { A: 'x' } }), none)).toThrow(`${param} lists none`);
  });

  it("for the superadmin's user name, ignoring case", () => {
    expect(() => parse({ subscriber: { ...subscriber, userName: 'ROOT' } })).toThrow(
      "subscriber.userName: must not be the superadmin's user name",
    );
  });

  it('for a key that is no alias, without the word', () => {
    expect(refusal(withKey(keyArn.split('/')[1]))).toMatchObject({
      message: `encryption.artifacts.keyArn: ${keyForm}`,
    });
  });

  it.each(['__proto__', 'prototype', 'constructor'])('for the name %s, which would be dropped', (name) => {
    const tags = Object.fromEntries([[name, 'x']]);
    expect(() => parse(withStack({ tags }))).toThrow(
      expect.objectContaining({
        field: `stack.tags.${name}`,
        message: expect.stringContaining('is not a known field'),
      }),
    );
  });

  it.each([
    ['password', { password: 'Marked-1', subscriber: { emailId: 7 }, other: true }],
    ['subscriber.password', { subscriber: { password: 'Marked-1' }, other: true }],
    ['subscriber.password', { subscriber: { ...subscriber, password: null } }],
    ['users.1.password', { subscriber, users: [{}, { password: 'Marked-1' }] }],
  ])('for a plaintext %s before anything else, with the advice to choose another one', (field, request) => {
    expect(() => parse(request)).toThrow(
      expect.objectContaining({ field, message: expect.stringMatching(/choose another password.*passwordSecretId/) }),
    );
    expect(String(refusal(request))).not.toContain('Marked-1');
  });

  const marker = 'Marked-1';
  const fields = [
    ...['subscriber', 'userName', 'emailId', 'passwordSecretId', 'customTokenSecretId', 'password'],
    ...['stack', 'build', 'accountId', 'region', 'parameters', 'tags'],
    ...['encryption', 'artifacts', 'tracking', 'type', 'keyArn', 'other'],
  ];
  const almost = fc
    .object({ key: fc.constantFrom(...fields), values: [fc.constant(marker), fc.integer()], maxDepth: 3 })
    .map((request) => ({ subscriber, ...request }));

  it('without quoting the value that it got', () => {
    fc.assert(
      fc.property(almost, (request) => {
        expect(String(refusal(request))).not.toContain(marker);
      }),
    );
  });

  it('by InvalidRequest alone, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), almost), (request) => {
        const error = refusal(request);
        expect(error === undefined || error instanceof InvalidRequest).toBe(true);
      }),
    );
  });
});

it('names ten accounts at most', () => {
  const accounts = Array.from({ length: 100 }, (_, index) => String(222222222222 + index));
  expect(shownAccounts(accounts.slice(0, 2))).toBe('222222222222, 222222222223');
  expect(shownAccounts(accounts)).toMatch(/^(\d{12}, ){9}\d{12} and 90 others of the param accounts$/);
});
