import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { lastState } from '../../../../lib/subscribers/execution-failure.ts';

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
