import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { causeMessage, lastState } from '../../../functions/shared/execution-failure.ts';

describe("a cause's message", () => {
  it.each([
    [
      "is the message inside Lambda's JSON",
      JSON.stringify({ errorType: 'RoleNotFound', errorMessage: 'no role', trace: ['at x'] }),
      'no role',
    ],
    ['is the text of another cause', 'Stack acme is ROLLBACK_IN_PROGRESS', 'Stack acme is ROLLBACK_IN_PROGRESS'],
    ['is the text of JSON of another shape', '{"reason":"stopped"}', '{"reason":"stopped"}'],
    ['is empty without a cause', undefined, ''],
  ])('%s', (_name, cause, message) => {
    expect(causeMessage(cause)).toBe(message);
  });

  const token = `eyJraWQiOiJ4In0.${'a'.repeat(40)}.${'b'.repeat(40)}`;
  it.each([
    ["in Lambda's JSON", JSON.stringify({ errorMessage: `refused ${token}` })],
    ['in a text', `refused ${token}`],
  ])('shows no token %s', (_name, cause) => {
    expect(causeMessage(cause)).toBe('refused <token>');
  });
});

describe('the last state', () => {
  const entered = (id: number, name: string): HistoryEvent => ({
    id,
    type: 'TaskStateEntered',
    timestamp: new Date(0),
    stateEnteredEventDetails: { name },
  });
  const other = (id: number): HistoryEvent => ({ id, type: 'LambdaFunctionFailed', timestamp: new Date(0) });

  it('is the one that was entered last', () => {
    expect(lastState([other(9), other(8), entered(7, 'DeployStack'), entered(2, 'AcceptRequest')])).toBe('DeployStack');
  });

  it('is unknown while none was entered', () => {
    expect(lastState([other(2), other(1)])).toBeUndefined();
  });
});
