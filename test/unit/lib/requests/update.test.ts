import { describe, expect, it } from 'vitest';
import { checkUpdateRequest } from '../../../../lib/requests/update.ts';

const prefix = 'infinstor/test/input/';
const subscriber = { userName: 'acme', emailId: 'new@acme.example' };
const passwordSecretId = `${prefix}acme/password`;
const check = (request: unknown) => checkUpdateRequest(request, { inputSecretPrefix: prefix });
const refusal = (field: string) =>
  expect.objectContaining({ name: 'InvalidRequest', message: expect.stringMatching(new RegExp(`^${field}: `)) });

describe('a request for an update', () => {
  it.each([
    ['an e-mail address', { subscriber }],
    ['a password', { subscriber: { userName: 'acme' }, passwordSecretId }],
    ['both', { subscriber, passwordSecretId }],
  ])('may change %s', (_, request) => {
    expect(check(request)).toEqual(request);
  });

  it('says what there is to change', () => {
    expect(() => check({ subscriber: { userName: 'acme' } })).toThrow(
      'request: must have subscriber.emailId, passwordSecretId or both',
    );
  });

  it.each<[what: string, request: unknown, field: string]>([
    ['nothing', { subscriber: { userName: 'acme' } }, 'request'],
    ['a list', [], 'request'],
    ['a string', 'acme', 'request'],
    ['no subscriber', { passwordSecretId }, 'subscriber'],
    ['a list for a subscriber', { subscriber: [] }, 'subscriber'],
    ['an unknown field', { subscriber, stack: {} }, 'stack'],
    ['an unknown field of the subscriber', { subscriber: { ...subscriber, role: 'x' } }, 'subscriber.role'],
    ['a reserved name', JSON.parse('{"subscriber":{"userName":"acme","__proto__":{}}}'), 'subscriber.__proto__'],
    ['a secret elsewhere', { subscriber, passwordSecretId: 'infinstor/other/input/acme/password' }, 'passwordSecretId'],
    ['no secret below input/', { subscriber, passwordSecretId: prefix }, 'passwordSecretId'],
    ['a password', { subscriber, password: 'x' }, 'password'],
    ["a subscriber's password", { subscriber: { ...subscriber, password: 'x' } }, 'subscriber.password'],
  ])('may not have %s', (_, request, field) => {
    expect(() => check(request)).toThrow(refusal(field));
  });
});
