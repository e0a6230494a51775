import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { json } from '../../../lib/json.ts';
import { parse } from '../../../lib/parse.ts';

const schema = json(v.object({ list: v.array(v.number()) }));
const read = (text: unknown) => parse(schema, text, (field, rule) => new Error(`${field}: ${rule}`));

describe('a string of JSON', () => {
  it('is read by its schema', () => {
    expect(read('{"list": [1, 2]}')).toEqual({ list: [1, 2] });
  });

  it.each([
    ['is not JSON', '{"list": Marked-1', '(root): must be JSON'],
    ['is no string', 7, '(root): must be string'],
    ['lacks a field', '{}', 'list: is required'],
    ['breaks its schema deep inside', '{"list": [1, "Marked-1"]}', 'list.1: must be number'],
  ])('is refused when it %s, without its content', (_name, text, message) => {
    expect(() => read(text)).toThrow(new Error(message));
  });
});
