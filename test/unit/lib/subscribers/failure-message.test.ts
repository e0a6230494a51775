import { describe, expect, it } from 'vitest';
import { failureMessage } from '../../../../lib/subscribers/failure-message.ts';

const failed = { name: 'RoleNotFound', step: 'ReadRoleArn' };

describe("a failure's message", () => {
  const token = `eyJraWQiOiJ4In0.${'a'.repeat(40)}.${'b'.repeat(40)}`;

  it.each([
    [
      "is the message inside Lambda's JSON",
      JSON.stringify({ errorType: 'RoleNotFound', errorMessage: 'no role', trace: ['at x'] }),
      'no role',
    ],
    ['is the text of another cause', 'Stack acme is ROLLBACK_IN_PROGRESS', 'Stack acme is ROLLBACK_IN_PROGRESS'],
    ['is the text of JSON of another shape', '{"reason":"stopped"}', '{"reason":"stopped"}'],
    ['says where it failed without a cause', undefined, 'The execution failed in ReadRoleArn, without a cause'],
    [
      'says where it failed without a message',
      '{"errorMessage":""}',
      'The execution failed in ReadRoleArn, without a cause',
    ],
  ])('%s', (_name, cause, message) => {
    expect(failureMessage({ ...failed, cause })).toBe(message);
  });

  // Step Functions keeps 32,768 characters of a cause, and so the beginning of Lambda's JSON.
  it.each([
    ['after the message', '{"errorType":"RoleNotFound","errorMessage":"no \\"role\\"","trace":["at x', 'no "role"'],
    ['in the message', '{"errorType":"RoleNotFound","errorMessage":"no role at \\', 'no role at '],
    ['before the message', '{"errorType":"RoleNot', '{"errorType":"RoleNot'],
    ['in an escape', '{"errorMessage":"no \\u12', '{"errorMessage":"no \\u12'],
  ])("is what is left of Lambda's JSON that was cut %s", (_name, cause, message) => {
    expect(failureMessage({ ...failed, cause })).toBe(message);
  });

  it('is cut when it is long, with no part of a token at its end', () => {
    const text = 'no '.repeat(1360);
    const message = failureMessage({ ...failed, cause: `${text} ${token} ${text}` });
    expect(message).toBe(`${text} <token> no n…`);
  });

  it.each([
    [
      'States.Timeout',
      'WaitForStack',
      'The time limit was reached in WaitForStack, which waited for CloudFormation to finish with the stack',
    ],
    ['States.Timeout', 'ObtainToken', 'The time limit was reached in ObtainToken, whose function had not answered'],
    ['States.Timeout', undefined, 'The time limit was reached before its first state'],
    ['ABORTED', 'WaitForStack', 'The execution was stopped in WaitForStack'],
    ['ABORTED', undefined, 'The execution was stopped before its first state'],
  ])('of %s says what that means', (name, step, message) => {
    expect(failureMessage({ name, step, cause: undefined })).toBe(message);
  });

  it.each([
    ["in Lambda's JSON", JSON.stringify({ errorMessage: `refused ${token}` })],
    ['in a text', `refused ${token}`],
  ])('shows no token %s', (_name, cause) => {
    expect(failureMessage({ ...failed, cause })).toBe('refused <token>');
  });
});
