import { expect, it } from 'vitest';
import { findCustomToken } from '../../../../lib/infinstor/custom-token.ts';

const uuid = '11111111-1111-4111-8111-111111111111';
const place = { path: 'data.customToken', prefix: '' } as const;

it.each<[place: string, answer: unknown, token: string]>([
  ['at the configured path', { data: { customToken: 'c' } }, 'c'],
  ['at the configured path rather than at a likely one', { data: { customToken: 'c' }, customToken: 'd' }, 'c'],
  [
    'at the configured path rather than in the pair',
    { data: { customToken: 'c' }, token: 't', queue_message_uuid: uuid },
    'c',
  ],
  ['under customToken', { customToken: 'c' }, 'c'],
  ['under custom_token', { custom_token: 'c' }, 'c'],
  ['under token', { token: 'c' }, 'c'],
  ['in the pair, of which token is only a half', { token: 't', queue_message_uuid: uuid }, `${uuid}:t`],
])('finds the custom token %s', (_place, answer, token) => {
  expect(findCustomToken(answer, place)).toEqual({ customToken: token });
});

it('writes the configured prefix before a pair, and before nothing else', () => {
  const prefixed = { ...place, prefix: 'Custom' } as const;
  expect(findCustomToken({ token: 't', queue_message_uuid: uuid }, prefixed)?.customToken).toBe(`Custom ${uuid}:t`);
  expect(findCustomToken({ token: 't' }, prefixed)?.customToken).toBe('t');
  expect(findCustomToken({ customToken: 'c' }, prefixed)?.customToken).toBe('c');
});

it('takes what a configured `token` says, also beside the other half of the pair', () => {
  const found = findCustomToken({ token: 't', queue_message_uuid: uuid }, { ...place, path: 'token' });
  expect(found?.customToken).toBe('t');
});

const iso = '2026-01-08T00:00:00.000Z';
const seconds = Date.parse(iso) / 1000;

it.each<[form: string, answer: object, expiresAt: string | undefined]>([
  ['in seconds beside a pair', { token: 't', queue_message_uuid: uuid, expiry: seconds }, iso],
  ['in seconds as text', { token: 't', expiry: `${seconds}` }, iso],
  ['under token_expiry', { customToken: 'c', token_expiry: seconds }, iso],
  ['in milliseconds', { token: 't', expiry: seconds * 1000 }, iso],
  ['beside the token at the configured path', { data: { customToken: 'c', expiry: seconds }, expiry: 1 }, iso],
  ['at the top of an answer with a token at the configured path', { data: { customToken: 'c' }, expiry: seconds }, iso],
  ['that is zero', { token: 't', expiry: 0 }, undefined],
  ['that is no number', { token: 't', expiry: 'never' }, undefined],
  ['that is a duration and no time', { token: 't', expiry: 604_800 }, undefined],
  ['that is a duration in milliseconds', { token: 't', expiry: 604_800_000 }, undefined],
  ['beside a duration', { token: 't', expiry: 604_800, token_expiry: seconds }, iso],
  ['that is out of every calendar', { token: 't', expiry: 1e300 }, undefined],
])('finds an end %s', (_form, answer, expiresAt) => {
  expect(findCustomToken(answer, place)?.customTokenExpiresAt).toBe(expiresAt);
});

it.each([
  ['nothing', undefined],
  ['null', null],
  ['a string', 'customToken'],
  ['an array', ['customToken']],
  ['an object without one', { status: 'ok', queue_message_uuid: uuid }],
  ['an empty token', { customToken: '' }],
  ['a token that is not a string', { customToken: 7, token: { value: 't' } }],
])('finds none in %s', (_name, answer) => {
  expect(findCustomToken(answer, place)).toBeUndefined();
});

it('looks at no inherited property', () => {
  expect(findCustomToken({ message: 'x' }, { ...place, path: 'constructor.name' })).toBeUndefined();
});
