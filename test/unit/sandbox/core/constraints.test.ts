import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { operation } from '../../../../sandbox/core/operation.ts';

const { parse } = operation(
  v.strictObject({
    KeyId: v.pipe(v.string(), v.minLength(2), v.maxLength(3)),
    State: v.optional(v.picklist(['ENABLED', 'DISABLED'])),
    Kind: v.optional(v.literal('one')),
    MaxResults: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(10))),
    Name: v.optional(v.pipe(v.string(), v.regex(/^[a/]*$/))),
    SecretString: v.optional(v.pipe(v.string(), v.maxLength(1))),
    Tags: v.optional(v.pipe(v.array(v.strictObject({ Key: v.pipe(v.string(), v.nonEmpty()) })), v.maxLength(2))),
    Own: v.optional(
      v.pipe(
        v.string(),
        v.check(() => false, 'Own is never right.'),
      ),
    ),
  }),
  { run: () => ({}) },
);
const key = { KeyId: 'abc' };

describe('a value that breaks a constraint', () => {
  it.each<[input: object, rule: string]>([
    [
      { KeyId: 'a' },
      "Value 'a' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      { KeyId: 'abcd' },
      "Value 'abcd' at 'keyId' failed to satisfy constraint: Member must have length less than or equal to 3",
    ],
    [{}, "Value null at 'keyId' failed to satisfy constraint: Member must not be null"],
    [
      { ...key, State: 'enabled' },
      "Value 'enabled' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
    ],
    [
      { ...key, Kind: 'two' },
      "Value 'two' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [one]",
    ],
    [
      { ...key, MaxResults: 0 },
      "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      { ...key, MaxResults: 11 },
      "Value '11' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 10",
    ],
    [
      { ...key, Name: 'b' },
      "Value 'b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a/]*",
    ],
    [
      { ...key, Tags: [{ Key: 'a' }, { Key: '' }] },
      "Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
  ])('is named in the words of AWS: %j', (input, rule) => {
    expect(() => parse(input)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message: `1 validation error detected: ${rule}` }),
    );
  });

  it('is named with all others', () => {
    expect(() => parse({ KeyId: 'a', State: 'on' })).toThrow(
      /^2 validation errors detected: Value 'a' at 'keyId' .* equal to 2; Value 'on' at 'state' .*\]$/,
    );
  });

  it('is not repeated where it may be a secret, nor what is in a list', () => {
    expect(() => parse({ ...key, SecretString: 'hunter2' })).toThrow(
      "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length less than or equal to 1",
    );
    const Tags = ['hunter1', 'hunter2', 'hunter3'].map((Key) => ({ Key }));
    expect(() => parse({ ...key, Tags })).toThrow(/^(?!.*hunter).*Value '\[…\]' at 'tags' failed/);
  });
});

describe('what else is wrong with an input', () => {
  it.each<[input: unknown, message: string]>([
    [{ ...key, Other: 1 }, 'Other: expected never'],
    [{ ...key, MaxResults: '5' }, 'MaxResults: expected number'],
    [{ ...key, Tags: [{ Key: 1 }] }, 'Tags.0.Key: expected string'],
    [undefined, 'input: expected Object'],
    [{ ...key, Own: 'x' }, 'Own is never right.'],
  ])('is said in words of the sandbox or of the schema: %j', (input, message) => {
    expect(() => parse(input)).toThrow(expect.objectContaining({ code: 'ValidationException', message }));
  });
});
