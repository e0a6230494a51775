import { describe, expect, it } from 'vitest';
import { checkUsersRequest } from '../../../../lib/requests/users.ts';

const alice = { userName: 'alice', emailId: 'alice@acme.example' };
const requestOf = (...users: unknown[]) => ({ subscriber: { userName: 'acme' }, users });
const named = (userName: unknown) => requestOf({ ...alice, userName });
const check = (request: unknown) => checkUsersRequest(request, { inputSecretPrefix: 'infinstor/test/input/' });
const refusal = (field: string, rule: string) =>
  expect.objectContaining({ name: 'InvalidRequest', message: `${field}: ${rule}` });
const nameRule =
  'must be 1 to 128 letters, digits and _+=.@-, begin with a letter or digit and have no two dots in a row';

describe('a request to add users', () => {
  it.each(['a', '7', 'a'.repeat(128), 'Ann.Lee', 'ann@acme.example', 'a_b+c=d-', 'a.'])(
    'takes the name %s, and refers to secrets of its subscriber',
    (userName) => {
      const request = requestOf({ ...alice, userName, passwordSecretId: 'infinstor/test/input/acme/x' });
      expect(check(request)).toEqual(request);
    },
  );

  it.each(['', 'a'.repeat(129), '.a', '-a', '_a', 'a..b', 'a...', 'a/b', 'a b', 'a\n', 'ä', 'a!'])(
    'refuses the name %j',
    (userName) => {
      expect(() => check(named(userName))).toThrow(refusal('users.0.userName', nameRule));
    },
  );

  const list = (length: number) => requestOf(...Array.from({ length }, (_, n) => ({ ...alice, userName: `u${n}` })));

  it('takes 1 to 25 users', () => {
    for (const length of [1, 25]) expect(check(list(length)).users).toHaveLength(length);
    for (const length of [0, 26])
      expect(() => check(list(length))).toThrow(refusal('users', 'must have 1 to 25 users'));
    expect(() => check({ ...list(1), users: alice })).toThrow(refusal('users', 'must be a list'));
    expect(() => check({ subscriber: { userName: 'acme' } })).toThrow(refusal('users', 'is required'));
  });

  it.each([
    ['Alice', 'must have each userName once, also when only upper and lower case differ'],
    ['ACME', "must not have the subscriber's own userName"],
  ])('refuses %s beside alice, under acme', (userName, rule) => {
    expect(() => check(requestOf(alice, { ...alice, userName }))).toThrow(refusal('users', rule));
  });

  it.each([
    ['password', { ...requestOf(alice), password: 'x' }],
    ['subscriber.password', { subscriber: { password: 'x' }, users: [] }],
    ['users.1.password', { users: [null, { password: 'x' }] }],
    ['users.first.password', { users: { first: { password: 'x' } } }],
    ['users.0.password', { colour: 'green', users: [{ password: undefined }] }],
  ])('refuses %s first of all', (field, request) => {
    expect(() => check(request)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`${field}: must not be in the request`) }),
    );
  });

  it.each([
    ['a list', [], 'request', 'must be an object'],
    ['nothing', null, 'request', 'must be an object'],
    ['a text for users', { subscriber: { userName: 'acme' }, users: 'alice' }, 'users', 'must be a list'],
    ['a text for a user', requestOf('alice'), 'users.0', 'must be an object'],
    ['an unknown field', requestOf({ ...alice, role: 'x' }), 'users.0.role', 'is not a known field'],
    ['no address', requestOf({ userName: 'alice' }), 'users.0.emailId', 'is required'],
    ['a number for a name', named(7), 'users.0.userName', 'must be a string'],
    [
      'a secret elsewhere',
      requestOf({ ...alice, passwordSecretId: 'infinstor/test/superadmin' }),
      'users.0.passwordSecretId',
      "must name a secret below infinstor/test/input/acme/, where the secrets for this subscriber's requests are",
    ],
  ])('refuses %s', (_, request, field, rule) => {
    expect(() => check(request)).toThrow(refusal(field, rule));
  });
});
