import { describe, expect, it } from 'vitest';
import { filterOf } from '../../../../../sandbox/services/logs/filter-pattern.ts';

const line = JSON.stringify({ level: 'INFO', about: { user: 'acme' }, attempt: 3, executionArn: 'arn:aws:states:x' });

describe('a filter pattern', () => {
  it.each([
    ['', line, true],
    ['{ $.executionArn = "arn:aws:states:x" }', line, true],
    ['{$.executionArn="arn:aws:states:x"}', line, true],
    ['{ $.executionArn = "arn:aws:states:y" }', line, false],
    ['{ $.executionArn = "ARN:aws:states:x" }', line, false],
    ['{ $.executionArn = "arn:aws:states:" }', line, false],
    ['{ $.executionArn = "arn:*:states:*" }', line, true],
    ['{ $.executionArn = "arn.aws.states.x" }', line, false],
    ['{ $.about.user = acme }', line, true],
    ['{ $.about = "acme" }', line, false],
    ['{ $.toString = "x" }', line, false],
    ['{ $.level = "INFO" }', 'START RequestId: INFO', false],
    ['{ $.attempt = "3" }', line, false],
    ['acme INFO', line, true],
    ['acme ERROR', line, false],
    ['"arn:aws:states:x" INFO', line, true],
    ['?ERROR ?INFO', line, true],
    ['?ERROR ?"no such"', line, false],
    ['info', line, false],
  ])('%s of %s: %s', (pattern, message, passes) => {
    expect(filterOf(pattern)(message)).toBe(passes);
  });

  it.each([
    '{ $.a = "x" && $.b = "y" }',
    '{ $.a != "x" }',
    '{ $.a > 3 }',
    '{ $.a = 3 }',
    '[a, b]',
    '%x%',
    '-x',
    '?a b',
    'a-b',
    '"',
    '{',
  ])('that the sandbox does not have is refused: %s', (pattern) => {
    expect(() => filterOf(pattern)).toThrow(/no filter pattern of this form/);
  });
});
