import { describe, expect, it } from 'vitest';
import { redact, redactingReplacer } from '../../../lib/redact.ts';

const jwt = `eyJraWQiOiJhYmMifQ.${'eyJz-dWIi_OiIx'.repeat(4)}.${'sig-_9'.repeat(9)}`;
const customToken = `Custom 11111111-1111-4111-8111-111111111111:${'aB3-_'.repeat(68)}==`;
const opaque = 'aB3+/='.repeat(20);

describe('a text', () => {
  it.each([
    ['a JWT', jwt, '<token>'],
    ['a custom token', customToken, '<custom token>'],
    ['a long opaque string', opaque, '<redacted>'],
  ])('loses %s, and nothing around it', (_name, secret, replacement) => {
    expect(redact(`one "${secret}", two (${secret}).`)).toBe(`one "${replacement}", two (${replacement}).`);
  });

  it.each([
    'arn:aws:cloudformation:us-east-1:111111111111:stack/infinstor-subscriber-acme/11111111-1111-4111-8111-111111111111',
    `arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${'a'.repeat(34)}`,
    'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
    'Custom resource failed: see the log',
  ])('keeps %s', (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe('in JSON', () => {
  const told = (value: unknown) => JSON.parse(JSON.stringify(value, redactingReplacer));

  it.each(['password', 'Password', 'newPassword', 'SecretString', 'idToken', 'customToken', 'authorization', 'secret'])(
    'a value under %s is hidden, of whatever type and however deep',
    (key) => {
      expect(told({ a: [{ [key]: 'x', b: { [key]: { c: 'x' } } }] })).toEqual({
        a: [{ [key]: '<redacted>', b: { [key]: '<redacted>' } }],
      });
    },
  );

  it('a secret under any other name is hidden by its shape', () => {
    expect(told({ detail: [`got ${jwt}`] })).toEqual({ detail: ['got <token>'] });
  });

  it('everything else is kept', () => {
    const value = { secretId: 'infinstor/dev/superadmin', tokens: 2, none: null, list: [true, 'acme'] };
    expect(told(value)).toEqual(value);
  });
});
