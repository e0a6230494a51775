import { describe, expect, it } from 'vitest';
import { failureMessage } from '../../../../lib/subscribers/failure-message.ts';

const failed = { name: 'RoleNotFound', step: 'ReadRoleArn' };

describe("a failure's message", () => {
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

  it.each([
    ['States.Timeout', 'WaitForStack', 'The time limit was reached in WaitForStack'],
    ['ABORTED', 'WaitForStack', 'The execution was stopped in WaitForStack'],
    ['ABORTED', undefined, 'The execution was stopped before its first state'],
  ])('of %s says what that means', (name, step, message) => {
    expect(failureMessage({ name, step, cause: undefined })).toBe(message);
  });

  const token = `eyJraWQiOiJ4In0.${'a'.repeat(40)}.${'b'.repeat(40)}`;
  it.each([
    ["in Lambda's JSON", JSON.stringify({ errorMessage: `refused ${token}` })],
    ['in a text', `refused ${token}`],
  ])('shows no token %s', (_name, cause) => {
    expect(failureMessage({ ...failed, cause })).toBe('refused <token>');
  });
});
