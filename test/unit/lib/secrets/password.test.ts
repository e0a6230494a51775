import { describe, expect, it } from 'vitest';
import { generatePassword } from '../../../../lib/secrets/password.ts';

const passwords = Array.from({ length: 500 }, generatePassword);

describe('a generated password', () => {
  it('has 32 characters', () => {
    expect(new Set(passwords.map(({ length }) => length))).toEqual(new Set([32]));
  });

  it.each([
    ['upper case letter', /[A-Z]/],
    ['lower case letter', /[a-z]/],
    ['digit', /[0-9]/],
    ['symbol', /[^A-Za-z0-9\s]/],
  ])('has at least one %s', (_name, kind) => {
    expect(passwords.filter((password) => !kind.test(password))).toEqual([]);
  });

  it('has no character that is easily mistaken, or that a form or a shell would change', () => {
    expect(passwords.join('')).not.toMatch(/[IlO01\s"'`\\$&<>]/);
  });

  it('is never the same twice, nor begins with the same kind of character', () => {
    expect(new Set(passwords).size).toBe(passwords.length);
    const first = passwords.map((password) => password.charAt(0)).join('');
    for (const kind of [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9]/]) expect(first).toMatch(kind);
  });
});
