import { describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { LambdaError } from '../../../../../sandbox/core/lambda-error.ts';
import { createAsynchronousInvocations } from '../../../../../sandbox/services/lambda/asynchronous.ts';

const failure = new LambdaError('Refused', '{"errorType":"Refused","errorMessage":"no"}');

/** Invocations that fail so often before they succeed. */
function setUp(failures: number, error: Error = failure) {
  const clock = createClock({ skipIdle: true });
  const times: number[] = [];
  const start = clock.now();
  const send = vi.fn();
  const onError = vi.fn();
  const invocations = createAsynchronousInvocations({
    clock,
    async invoke() {
      times.push(Math.round((clock.now() - start) / 1000));
      if (times.length <= failures) throw error;
    },
    send,
    onError,
  });
  return { invocations, times, send, onError };
}

describe('an event', () => {
  it('is handed over once when all goes well', async () => {
    const { invocations, times, send } = setUp(0);
    await invocations.invoke('arn:function', {});
    expect(times).toHaveLength(1);
    expect(send).not.toHaveBeenCalled();
  });

  it('comes again after one minute and after two more, when the function fails', async () => {
    const { invocations, times, send, onError } = setUp(2);
    await invocations.invoke('arn:function', {});
    expect(times).toEqual([0, 60, 180]);
    expect(onError).toHaveBeenCalledTimes(2);
    expect(send).not.toHaveBeenCalled();
  });

  it.each([
    [failure, { errorType: 'Refused', errorMessage: 'no' }],
    [new LambdaError('Lambda.ServiceException', 'down'), { errorMessage: 'down' }],
  ])('goes to the destination with its failure when no attempt is left', async (error, responsePayload) => {
    const { invocations, times, send } = setUp(9, error);
    invocations.configure('arn:function', { maximumRetryAttempts: 1, onFailureArn: 'arn:queue' });
    await invocations.invoke('arn:function', { id: 'event-1' });
    expect(times).toHaveLength(2);
    expect(send).toHaveBeenCalledWith('arn:queue', 'arn:function', expect.any(String));
    expect(JSON.parse(send.mock.lastCall?.[2])).toMatchObject({
      requestContext: { functionArn: 'arn:function:$LATEST', condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { id: 'event-1' },
      responsePayload,
    });
  });

  it('is lost after three attempts when there is no destination', async () => {
    const { invocations, times, send, onError } = setUp(9);
    await invocations.invoke('arn:function', {});
    expect(times).toHaveLength(3);
    expect(onError).toHaveBeenCalledTimes(3);
    expect(send).not.toHaveBeenCalled();
  });
});
