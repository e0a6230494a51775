import { expect, it } from 'vitest';
import { findCustomToken } from '../../../../lib/infinstor/custom-token.ts';

const uuid = '11111111-1111-4111-8111-111111111111';

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
  ['in the pair, of which token is only a half', { token: 't', queue_message_uuid: uuid }, `Custom ${uuid}:t`],
])('finds the custom token %s', (_place, answer, token) => {
  expect(findCustomToken(answer, 'data.customToken')).toBe(token);
});

it('takes what a configured `token` says, also beside the other half of the pair', () => {
  expect(findCustomToken({ token: 't', queue_message_uuid: uuid }, 'token')).toBe('t');
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
  expect(findCustomToken(answer, 'data.customToken')).toBeUndefined();
});

it('looks at no inherited property', () => {
  expect(findCustomToken({ message: 'x' }, 'constructor.name')).toBeUndefined();
});
